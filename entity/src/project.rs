//! A project, here or mirrored from another system.

use sea_orm::entity::prelude::*;

use crate::{ProjectId, Time};

/// A project, here or mirrored from another system.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "projects")]
pub struct Model {
    /// Which one.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ProjectId,
    /// Its name.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// What it is about.
    #[sea_orm(column_type = "Text", nullable)]
    pub description: Option<String>,
    /// Its page in the system that owns it.
    #[sea_orm(column_type = "Text", nullable)]
    pub external_url: Option<String>,
    /// Its id in the system that owns it; unique among the projects.
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
