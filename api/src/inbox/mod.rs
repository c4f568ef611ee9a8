//! What the product does, a file a noun.
//!
//! The first line of a public function is the permission; a change is one [`crate::db::Tx`] with its events; every read
//! of dialogues starts from what the viewer may see.

pub mod channels;
pub mod clients;
pub mod comments;
pub mod contractors;
pub mod deals;
pub mod dialogues;
pub mod files;
pub mod list;
pub mod messages;
pub mod participants;
pub mod reading;
pub mod receive;
pub mod routing;
pub mod sessions;
pub mod tags;
mod text;
pub mod users;
