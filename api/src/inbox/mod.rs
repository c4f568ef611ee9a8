//! What the product does, a file a noun.
//!
//! The first line of a public function is the permission; a change is one [`crate::db::Tx`] with its events; every read
//! of dialogues starts from what the viewer may see.

pub mod bulk;
pub mod cards;
pub mod changes;
pub mod channels;
pub mod chat;
pub mod clients;
pub mod comments;
pub mod connecting;
pub mod contractors;
pub mod credentials;
mod currencies;
pub mod deals;
pub mod delivery;
pub mod demo;
pub mod dialogues;
pub mod export;
mod fetching;
pub mod files;
pub mod funnels;
mod health;
pub mod intake;
pub mod leases;
pub mod links;
pub mod list;
pub mod messages;
mod money;
mod pace;
pub mod participants;
mod polling;
mod profiles;
pub mod projects;
pub mod reading;
mod receipts;
pub mod receive;
mod registration;
pub mod routing;
pub mod search;
pub mod sessions;
pub mod tags;
pub mod tally;
pub mod tasks;
mod text;
pub mod typing;
pub mod users;

pub(crate) use text::rfc3339;
