//! The one conversation of a client in a channel.

use sea_orm::entity::prelude::*;

use crate::{ChannelId, ClientId, DialogueId, DialogueState, MessageId, Time};

/// The one conversation of a client in a channel.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "dialogues")]
pub struct Model {
    /// Which one.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DialogueId,
    /// In which channel.
    pub channel_id: ChannelId,
    /// With whom; one dialogue for each channel and client.
    pub client_id: ClientId,
    /// Open or closed.
    pub state: DialogueState,
    /// False while the client has blocked or left the bot.
    pub is_reachable: bool,
    /// When it began; the order of ids is no promise.
    pub created_at: Time,
    /// When it was last opened.
    pub opened_at: Time,
    /// When it was closed, while it is.
    pub closed_at: Option<Time>,
    /// A message by anyone, opening, closing, reopening.
    pub last_activity_at: Time,
    /// Kept here so that lists need not look for it.
    pub last_message_id: Option<MessageId>,
    /// How many messages it has; the next one's ordinal is one more.
    pub message_count: i64,
    /// How many of them are the client's: unread is this less the read mark.
    pub client_message_count: i64,
    /// Up to which of the messenger's own numbers the client has read, where it counts them.
    pub read_number: Option<i64>,
    /// When the client last wrote.
    pub last_client_message_at: Option<Time>,
    /// When it was closed, and the beginning of time while it is open: what an order by closing goes by.
    #[sea_orm(default_value = 0)]
    pub closed_order: Time,
    /// It is open, and somebody active answers for it; false of a closed one.
    #[sea_orm(default_value = false)]
    pub is_assigned: bool,
}

/// None: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
