//! What colloquy stores: one file a table, typed ids and enums in the product's words.
//!
//! Nothing here decides anything: the rules live in `api/src/inbox`, how storage changes in `migration`.

pub mod id;
pub mod time;
pub mod words;

pub use id::*;
pub use time::Time;
pub use words::*;
