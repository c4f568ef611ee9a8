//! A message in a dialogue.

use sea_orm::entity::prelude::*;

use crate::{ChannelId, DeliveryStatus, DialogueId, MessageId, MessageOrigin, Time, UserId};

/// A message in a dialogue.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "messages")]
pub struct Model {
    /// Which one.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MessageId,
    /// Where.
    pub dialogue_id: DialogueId,
    /// The dialogue's channel: external ids are unique in it, and it sends by it.
    pub channel_id: ChannelId,
    /// Its place in the dialogue, from 1.
    pub ordinal: i64,
    /// How many client messages there are up to it and with it.
    pub client_ordinal: i64,
    /// The messenger's own id of it; none until it is sent.
    #[sea_orm(column_type = "Text", nullable)]
    pub external_id: Option<String>,
    /// The ids of the further messages that its files make at the messenger, in their order; a list, none where it is one.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub more_external_ids: Option<Json>,
    /// Who it comes from.
    pub origin: MessageOrigin,
    /// The employee who wrote it.
    pub author_id: Option<UserId>,
    /// Byte for byte as written; empty once deleted.
    #[sea_orm(column_type = "Text")]
    pub text: String,
    /// What it answers.
    pub reply_to_id: Option<MessageId>,
    /// When it was stored.
    pub created_at: Time,
    /// When it was written, by the messenger's clock.
    pub sent_at: Time,
    /// The same for messages of one album.
    #[sea_orm(column_type = "Text", nullable)]
    pub album_id: Option<String>,
    /// Whom it is forwarded from.
    #[sea_orm(column_type = "Text", nullable)]
    pub forwarded_from: Option<String>,
    /// When its text was last changed.
    pub edited_at: Option<Time>,
    /// The newest edit's number at the messenger: an older one that comes late changes nothing.
    pub edit_key: Option<i64>,
    /// When it was deleted.
    pub deleted_at: Option<Time>,
    /// How far it has come; none for the client's.
    pub delivery_status: Option<DeliveryStatus>,
    /// Since when.
    pub delivery_at: Option<Time>,
    /// Why it failed, in words.
    #[sea_orm(column_type = "Text", nullable)]
    pub failure: Option<String>,
    /// How often sending was tried.
    pub attempts: i32,
    /// Not to be tried before; set while it is queued.
    pub next_attempt_at: Option<Time>,
    /// Unique for each author.
    #[sea_orm(column_type = "Text", nullable)]
    pub idempotency_key: Option<String>,
}

/// None: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
