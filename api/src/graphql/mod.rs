//! The API's shape, a file a noun: objects, queries and mutations; a resolver is a call and a wrap.
//!
//! Errors keep their code by [`errors::dress`], which every door calls on a response before it leaves.

pub mod guard;

mod ask;
mod connection;
mod errors;
mod loaders;
mod node;
mod scalars;
mod users;
mod words;

pub use ask::{Ask, Asking};
pub use errors::{answer, dress};
