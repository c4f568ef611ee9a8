//! A receipt for a message whose sending has no answer yet.

use sea_orm::entity::prelude::*;

use crate::{ChannelId, DeliveryStatus, Time};

/// A receipt for a message whose sending has no answer yet.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "early_receipts")]
pub struct Model {
    /// In which channel.
    #[sea_orm(primary_key, auto_increment = false)]
    pub channel_id: ChannelId,
    /// The messenger's own id of the message.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub external_id: String,
    /// The furthest that was told.
    pub status: DeliveryStatus,
    /// Why it failed, in words, if that was told at all.
    #[sea_orm(column_type = "Text", nullable)]
    pub failure: Option<String>,
    /// When it was told.
    pub at: Time,
}

/// None: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
