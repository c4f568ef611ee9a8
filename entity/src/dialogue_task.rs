//! That a dialogue is linked to a task.

use sea_orm::entity::prelude::*;

use crate::{DialogueId, TaskId, Time};

/// That a dialogue is linked to a task.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "dialogue_tasks")]
pub struct Model {
    /// Which dialogue.
    #[sea_orm(primary_key, auto_increment = false)]
    pub dialogue_id: DialogueId,
    /// Which task.
    #[sea_orm(primary_key, auto_increment = false)]
    pub task_id: TaskId,
    /// When; the latest is the current one.
    pub linked_at: Time,
}

/// None: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
