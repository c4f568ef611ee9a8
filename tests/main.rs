//! The stories: what the outside may rely on, told through the public door.

mod harness;
