//! A change of a message that the messenger is still to be told.

use sea_orm::entity::prelude::*;

use crate::{ChannelId, DialogueId, MessageChangeId, MessageId, Time};

/// A change of a message that the messenger is still to be told.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "message_changes")]
pub struct Model {
    /// Which one.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MessageChangeId,
    /// Of which message.
    pub message_id: MessageId,
    /// The message's dialogue: what is told in one is told in order.
    pub dialogue_id: DialogueId,
    /// The dialogue's channel.
    pub channel_id: ChannelId,
    /// It is told after the messages up to this ordinal, and before those after it.
    pub after_ordinal: i64,
    /// The new text; none where the message is removed.
    #[sea_orm(column_type = "Text", nullable)]
    pub text: Option<String>,
    /// What it was before: what it is again where the messenger refuses.
    #[sea_orm(column_type = "Text")]
    pub former_text: String,
    /// When it was changed before.
    pub former_edited_at: Option<Time>,
    /// How often it was tried.
    pub attempts: i32,
    /// Not to be tried before.
    pub next_attempt_at: Time,
    /// When it was asked for.
    pub created_at: Time,
}

/// None: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
