//! What the program does besides serving, a file a command.

pub mod demo;
pub mod export;
