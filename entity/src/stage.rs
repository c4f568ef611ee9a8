//! A step of a funnel.

use sea_orm::entity::prelude::*;

use crate::{FunnelId, StageId, StageKind};

/// A step of a funnel.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "stages")]
pub struct Model {
    /// Which one.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: StageId,
    /// Of which funnel.
    pub funnel_id: FunnelId,
    /// Its place, from 0.
    pub ordinal: i32,
    /// As the company calls it.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// Open, won or lost.
    pub kind: StageKind,
}

/// None: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
