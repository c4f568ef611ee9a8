//! A manager's place in a channel's queue.

use sea_orm::entity::prelude::*;

use crate::{ChannelId, UserId};

/// A manager's place in a channel's queue.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "queue_members")]
pub struct Model {
    /// Whose queue.
    #[sea_orm(primary_key, auto_increment = false)]
    pub channel_id: ChannelId,
    /// The place, from 0.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ordinal: i32,
    /// Who stands there.
    pub user_id: UserId,
}

/// None: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
