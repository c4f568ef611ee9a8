//! A sign-in of a user, until it expires or they sign out.

use sea_orm::entity::prelude::*;

use crate::{SessionId, Time, UserId};

/// A sign-in of a user, until it expires or they sign out.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    /// Which one.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SessionId,
    /// Whose.
    pub user_id: UserId,
    /// SHA-256 of the token, which is random and is not kept.
    #[sea_orm(column_type = "VarBinary(StringLen::None)", unique)]
    pub token_hash: Vec<u8>,
    /// When they signed in.
    pub created_at: Time,
    /// From then on it is refused.
    pub expires_at: Time,
}

/// None: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
