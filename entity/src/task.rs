//! A task, here or mirrored from another system.

use sea_orm::entity::prelude::*;

use crate::{ProjectId, TaskId, TaskState, Time, UserId};

/// A task, here or mirrored from another system.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tasks")]
pub struct Model {
    /// Which one.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TaskId,
    /// What is to be done.
    #[sea_orm(column_type = "Text")]
    pub title: String,
    /// In more words.
    #[sea_orm(column_type = "Text", nullable)]
    pub description: Option<String>,
    /// Open or done.
    pub state: TaskState,
    /// Part of which project.
    pub project_id: Option<ProjectId>,
    /// Who is to do it.
    pub responsible_id: Option<UserId>,
    /// Until when.
    pub due_at: Option<Time>,
    /// Its page in the system that owns it.
    #[sea_orm(column_type = "Text", nullable)]
    pub external_url: Option<String>,
    /// Its id in the system that owns it; unique among the tasks.
    #[sea_orm(column_type = "Text", nullable)]
    pub external_id: Option<String>,
    /// What text filters look into: lower case, Ё as Е. SQLite's own LOWER knows only ASCII.
    #[sea_orm(column_type = "Text")]
    pub lookup: String,
    /// When.
    pub created_at: Time,
}

/// None: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
