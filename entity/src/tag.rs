//! A label on dialogues.

use sea_orm::entity::prelude::*;

use crate::TagId;

/// A label on dialogues.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tags")]
pub struct Model {
    /// Which one.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TagId,
    /// As written first.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// The name in lower case: one tag whatever the case.
    #[sea_orm(column_type = "Text", unique)]
    pub name_key: String,
    /// #rrggbb
    #[sea_orm(column_type = "Text")]
    pub color: String,
}

/// None: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
