//! The stories: what the product does, told through its public doors. One binary, a file a feature.

mod harness;

mod stories {
    mod cards;
    mod editing;
    mod faults;
    mod greeting;
    mod groups;
    mod harness;
    mod payloads;
    mod reading;
    mod receiving;
    mod routing;
    mod sending;
}
