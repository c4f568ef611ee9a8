//! A messenger's update that could not be processed, kept as it came.

use sea_orm::entity::prelude::*;

use crate::{ChannelId, Time};

/// A messenger's update that could not be processed, kept as it came.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "failed_updates")]
pub struct Model {
    /// Whose.
    #[sea_orm(primary_key, auto_increment = false)]
    pub channel_id: ChannelId,
    /// SHA-256 of the body: the same update again is told by it.
    #[sea_orm(primary_key, auto_increment = false, column_type = "VarBinary(StringLen::None)")]
    pub fingerprint: Vec<u8>,
    /// As it came.
    #[sea_orm(column_type = "Text")]
    pub body: String,
    /// Why, for whoever runs the server.
    #[sea_orm(column_type = "Text")]
    pub failure: String,
    /// How often it failed; from the third time on it is answered as a success.
    pub attempts: i32,
    /// When it first came.
    pub received_at: Time,
}

/// None: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
