//! The stories: what the product does, told through its public doors. One binary, a file a feature.

mod harness;

mod stories {
    mod harness;
    mod layers;
    mod storage;
}
