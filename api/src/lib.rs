//! colloquy
#![recursion_limit = "256"]
pub mod app;
pub mod bus;
pub mod config;
pub mod db;
pub mod error;
pub mod graphql;
pub mod http;
pub mod inbox;
pub mod live;
pub mod log;
pub mod messenger;
pub mod metrics;
pub mod paging;
pub mod policy;
mod ranked;
pub mod secrets;
pub mod serve;
pub mod viewer;
