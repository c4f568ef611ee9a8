//! The API's shape, a file a noun: objects, queries and mutations; a resolver is a call and a wrap.
//!
//! Errors keep their code by [`dress`], which every door calls on a response before it leaves.

pub mod chat;
pub mod guard;

mod ask;
mod brief;
mod bulk;
mod card_loaders;
mod cards;
mod channels;
mod clients;
mod comments;
mod connection;
mod contractors;
mod deals;
mod dialogues;
mod direct;
mod errors;
mod events;
mod filters;
mod funnels;
mod kinds;
mod known;
mod loaders;
mod loads;
mod messages;
mod node;
mod page_loaders;
mod projects;
mod root;
mod rounds;
mod scalars;
mod search;
mod shared;
mod subscriptions;
mod tasks;
mod users;
mod variables;
mod words;
mod work;

pub use ask::{Ask, Asking, COOKIE};
pub use errors::{answer, dress, refusal};
pub use filters::DialogueFilter;
pub use root::{Api, schema, sdl};
