//! An employee's part in a dialogue.

use sea_orm::entity::prelude::*;

use crate::{DialogueId, ParticipantRole, Time, UserId};

/// An employee's part in a dialogue.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "participants")]
pub struct Model {
    /// In which.
    #[sea_orm(primary_key, auto_increment = false)]
    pub dialogue_id: DialogueId,
    /// Who.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: UserId,
    /// As what.
    pub role: ParticipantRole,
    /// Since when in this role.
    pub since: Time,
    /// The dialogue is open.
    #[sea_orm(default_value = false)]
    pub is_open: bool,
}

/// None: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
