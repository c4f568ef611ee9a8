//! That a comment calls an employee to answer.

use sea_orm::entity::prelude::*;

use crate::{CommentId, UserId};

/// That a comment calls an employee to answer.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "comment_mentions")]
pub struct Model {
    /// Which comment.
    #[sea_orm(primary_key, auto_increment = false)]
    pub comment_id: CommentId,
    /// Whom.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: UserId,
}

/// None: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
