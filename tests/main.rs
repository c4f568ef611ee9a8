//! The stories: what the product does, told through its public doors. One binary, a file a feature.

mod harness;

mod stories {
    mod editing;
    mod faults;
    mod greeting;
    mod harness;
    mod payloads;
    mod receiving;
    mod routing;
    mod sending;
}
