//! The stories: what the product does, told through its public doors. One binary, a file a feature.

mod harness;

mod stories {
    mod editing;
    mod faults;
    mod files;
    mod greeting;
    mod groups;
    mod harness;
    mod intake;
    mod payloads;
    mod reading;
    mod receiving;
    mod routing;
    mod sending;
}
