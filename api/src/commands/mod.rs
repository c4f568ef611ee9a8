//! What the program does besides serving, a file a command.

pub mod export;
