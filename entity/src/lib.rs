//! What colloquy stores: one file a table, typed ids and enums in the product's words.
//!
//! Nothing here decides anything: the rules live in `api/src/inbox`, how storage changes in `migration`.

pub mod api_token;
pub mod attachment;
pub mod awaited_channel;
pub mod channel;
pub mod client;
pub mod comment;
pub mod comment_mention;
pub mod comment_word;
pub mod contractor;
pub mod counter;
pub mod deal;
pub mod dialogue;
pub mod dialogue_deal;
pub mod dialogue_project;
pub mod dialogue_tag;
pub mod dialogue_task;
pub mod early_receipt;
pub mod event;
pub mod event_subject;
pub mod failed_update;
pub mod funnel;
pub mod id;
pub mod log_head;
pub mod message;
pub mod message_change;
pub mod message_word;
pub mod participant;
pub mod pending_event;
pub mod project;
pub mod queue_member;
pub mod read_mark;
pub mod session;
pub mod setting;
pub mod stage;
pub mod tag;
pub mod task;
pub mod time;
pub mod user;
pub mod words;

pub use id::*;
pub use time::Time;
pub use words::*;
