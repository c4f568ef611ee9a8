//! The stories: what the product does, told through its public doors. One binary, a file a feature.

mod harness;

mod stories {
    mod contract;
    mod editing;
    mod faults;
    mod greeting;
    mod harness;
    mod layers;
    mod payloads;
    mod people;
    mod receiving;
    mod rights;
    mod routing;
    mod sending;
    mod storage;
}
