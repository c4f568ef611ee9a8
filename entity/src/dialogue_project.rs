//! That a dialogue is linked to a project.

use sea_orm::entity::prelude::*;

use crate::{DialogueId, ProjectId, Time};

/// That a dialogue is linked to a project.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "dialogue_projects")]
pub struct Model {
    /// Which dialogue.
    #[sea_orm(primary_key, auto_increment = false)]
    pub dialogue_id: DialogueId,
    /// Which project.
    #[sea_orm(primary_key, auto_increment = false)]
    pub project_id: ProjectId,
    /// When; the latest is the current one.
    pub linked_at: Time,
}

/// None: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
