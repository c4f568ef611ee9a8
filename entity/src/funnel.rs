//! An ordered list of stages.

use sea_orm::entity::prelude::*;

use crate::{FunnelId, Time};

/// An ordered list of stages.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "funnels")]
pub struct Model {
    /// Which one.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: FunnelId,
    /// As the company calls it.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// When.
    pub created_at: Time,
}

/// None: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
