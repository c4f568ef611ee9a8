//! A token with which a program acts as a user.

use sea_orm::entity::prelude::*;

use crate::{ApiTokenId, Time, UserId};

/// A token with which a program acts as a user.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "api_tokens")]
pub struct Model {
    /// Which one.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ApiTokenId,
    /// As whom it acts.
    pub user_id: UserId,
    /// What it is for.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// SHA-256 of the token, which is random and is not kept.
    #[sea_orm(column_type = "VarBinary(StringLen::None)", unique)]
    pub token_hash: Vec<u8>,
    /// When it was made.
    pub created_at: Time,
    /// To the minute.
    pub last_used_at: Option<Time>,
    /// From then on it is refused; never, when none.
    pub expires_at: Option<Time>,
}

/// None: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
