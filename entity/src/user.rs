//! An employee.

use sea_orm::entity::prelude::*;

use crate::{Role, Time, UserId};

/// An employee.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    /// Which one.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: UserId,
    /// As colleagues see it.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// Lower case; they sign in with it.
    #[sea_orm(column_type = "Text", unique)]
    pub email: String,
    /// Argon2id, in the PHC string format.
    #[sea_orm(column_type = "Text")]
    pub password_hash: String,
    /// What they may do everywhere.
    pub role: Role,
    /// False once deactivated; the row stays for the history.
    pub is_active: bool,
    /// What text filters look into: lower case, Ё as Е. SQLite's own LOWER knows only ASCII.
    #[sea_orm(column_type = "Text")]
    pub lookup: String,
    /// Everything older counts as read by them.
    pub created_at: Time,
}

/// None: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
