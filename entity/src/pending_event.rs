//! An event that was written in its transaction and has no position yet (PostgreSQL only).

use sea_orm::entity::prelude::*;

use crate::{ChannelId, ClientId, DialogueId, Time, UserId};

/// An event that was written in its transaction and has no position yet (PostgreSQL only).
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "pending_events")]
pub struct Model {
    /// From a sequence: later transactions on the same rows have higher ones.
    #[sea_orm(primary_key, auto_increment = false)]
    pub batch: i64,
    /// Its place in the transaction.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ordinal: i32,
    /// See `event`.
    pub mark: i32,
    /// See `event`.
    pub at: Time,
    /// See `event`.
    #[sea_orm(column_type = "Text")]
    pub kind: String,
    /// See `event`.
    pub actor_user_id: Option<UserId>,
    /// See `event`.
    pub actor_client_id: Option<ClientId>,
    /// See `event`.
    pub dialogue_id: Option<DialogueId>,
    /// See `event`.
    pub channel_id: Option<ChannelId>,
    /// See `event`.
    pub addressee_id: Option<UserId>,
    /// See `event`.
    #[sea_orm(column_type = "JsonBinary")]
    pub detail: Json,
}

/// None: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
