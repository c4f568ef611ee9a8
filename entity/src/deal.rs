//! A sale in work.

use sea_orm::entity::prelude::*;

use crate::{ContractorId, DealId, FunnelId, StageId, Time, UserId};

/// A sale in work.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "deals")]
pub struct Model {
    /// Which one.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DealId,
    /// What it is about.
    #[sea_orm(column_type = "Text")]
    pub title: String,
    /// In which funnel.
    pub funnel_id: FunnelId,
    /// How far.
    pub stage_id: StageId,
    /// An exact decimal number, as text: SQLite's are floats.
    #[sea_orm(column_type = "Text", nullable)]
    pub amount: Option<String>,
    /// ISO 4217.
    #[sea_orm(column_type = "Text", nullable)]
    pub currency: Option<String>,
    /// With whom.
    pub contractor_id: Option<ContractorId>,
    /// Who answers for it.
    pub responsible_id: Option<UserId>,
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
