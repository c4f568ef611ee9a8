//! That a dialogue is linked to a deal.

use sea_orm::entity::prelude::*;

use crate::{DealId, DialogueId, Time};

/// That a dialogue is linked to a deal.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "dialogue_deals")]
pub struct Model {
    /// Which dialogue.
    #[sea_orm(primary_key, auto_increment = false)]
    pub dialogue_id: DialogueId,
    /// Which deal.
    #[sea_orm(primary_key, auto_increment = false)]
    pub deal_id: DealId,
    /// When; the latest is the current one.
    pub linked_at: Time,
}

/// None: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
