//! A channel that is being connected: its door is open before it is there.

use sea_orm::entity::prelude::*;

use crate::{ChannelId, ChannelKind, Time};

/// A channel that is being connected: its door is open before it is there.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "awaited_channels")]
pub struct Model {
    /// The channel that it will be.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ChannelId,
    /// Which messenger.
    pub kind: ChannelKind,
    /// The messenger's own id of the bot or community.
    #[sea_orm(column_type = "Text")]
    pub external_id: String,
    /// Token and webhook secret, encrypted with SECRET_KEY.
    #[sea_orm(column_type = "VarBinary(StringLen::None)")]
    pub credentials: Vec<u8>,
    /// When connecting began; one that is old was left by a process that died.
    pub created_at: Time,
}

/// None: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
