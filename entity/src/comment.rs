//! An employee's note to a dialogue, which clients never see.

use sea_orm::entity::prelude::*;

use crate::{CommentId, DialogueId, Time, UserId};

/// An employee's note to a dialogue, which clients never see.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "comments")]
pub struct Model {
    /// Which one.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CommentId,
    /// Where.
    pub dialogue_id: DialogueId,
    /// Whose.
    pub author_id: UserId,
    /// As written.
    #[sea_orm(column_type = "Text")]
    pub text: String,
    /// When.
    pub created_at: Time,
    /// When it was last changed.
    pub edited_at: Option<Time>,
}

/// None: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
