//! That a dialogue has a tag.

use sea_orm::entity::prelude::*;

use crate::{DialogueId, TagId, Time};

/// That a dialogue has a tag.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "dialogue_tags")]
pub struct Model {
    /// Which dialogue.
    #[sea_orm(primary_key, auto_increment = false)]
    pub dialogue_id: DialogueId,
    /// Which tag.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tag_id: TagId,
    /// Since when.
    pub added_at: Time,
}

/// None: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
