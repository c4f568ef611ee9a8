//! One entry of the log: append-only, in the order of commits.

use sea_orm::entity::prelude::*;

use crate::{ChannelId, ClientId, DialogueId, Time, UserId};

/// One entry of the log: append-only, in the order of commits.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "events")]
pub struct Model {
    /// Its place in the log, without gaps, from 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i64,
    /// Random: tells it from another event that stood at this position before a backup was restored.
    pub mark: i32,
    /// The same for all events of one transaction.
    pub batch: i64,
    /// When it happened.
    pub at: Time,
    /// Which kind; `log::Kind` has them.
    #[sea_orm(column_type = "Text")]
    pub kind: String,
    /// The employee who did it.
    pub actor_user_id: Option<UserId>,
    /// The client who did it.
    pub actor_client_id: Option<ClientId>,
    /// In which dialogue.
    pub dialogue_id: Option<DialogueId>,
    /// That dialogue's channel.
    pub channel_id: Option<ChannelId>,
    /// For whom alone it is.
    pub addressee_id: Option<UserId>,
    /// What changed then; `log::Detail` reads it.
    #[sea_orm(column_type = "JsonBinary")]
    pub detail: Json,
}

/// None: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
