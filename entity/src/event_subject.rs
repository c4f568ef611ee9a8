//! Leads from a dialogue, card, client or user to the events about it.

use sea_orm::entity::prelude::*;

/// Leads from a dialogue, card, client or user to the events about it.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "event_subjects")]
pub struct Model {
    /// The bare id of what it is about.
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject_id: Uuid,
    /// Where in the log.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i64,
}

/// None: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
