//! A customer card, of a person or a company.

use sea_orm::entity::prelude::*;

use crate::{ContractorId, ContractorKind, Time};

/// A customer card, of a person or a company.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "contractors")]
pub struct Model {
    /// Which one.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ContractorId,
    /// Person or company.
    pub kind: ContractorKind,
    /// As the company knows them.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// As written.
    #[sea_orm(column_type = "Text", nullable)]
    pub phone: Option<String>,
    /// As written.
    #[sea_orm(column_type = "Text", nullable)]
    pub email: Option<String>,
    /// Anything else.
    #[sea_orm(column_type = "Text", nullable)]
    pub note: Option<String>,
    /// The one that stayed, once this one was merged: then only events still name this one.
    pub merged_into_id: Option<ContractorId>,
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
