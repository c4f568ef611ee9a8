//! colloquy
#![recursion_limit = "256"]
pub mod bus;
pub mod config;
pub mod db;
pub mod error;
pub mod log;
pub mod paging;
pub mod viewer;
