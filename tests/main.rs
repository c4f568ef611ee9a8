//! The stories: what the product does, told through its public doors. One binary, a file a feature.

mod harness;

mod stories {
    mod agreement;
    mod away;
    mod contract;
    mod editing;
    mod faults;
    mod files;
    mod greeting;
    mod groups;
    mod harness;
    mod intake;
    mod layers;
    mod log;
    mod payloads;
    mod people;
    mod processes;
    mod reading;
    mod receiving;
    mod redis;
    mod resume;
    mod rights;
    mod routing;
    mod sending;
    mod storage;
}
