//! A user's counters as of one place in the log: from there they are moved on, not counted.

use sea_orm::entity::prelude::*;

use crate::UserId;

/// A user's counters as of one place in the log: from there they are moved on, not counted.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "counters")]
pub struct Model {
    /// Whose.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: UserId,
    /// As of which event.
    pub position: i64,
    /// The batches of events that are in them too, though they had no positions yet: a list.
    #[sea_orm(column_type = "JsonBinary")]
    pub ahead: Json,
    /// Dialogues that the user answers for.
    pub mine: i64,
    /// Of them, those with something unread.
    pub mine_unread: i64,
    /// Dialogues that nobody active answers for.
    pub unassigned: i64,
    /// Of them, those with something unread.
    pub unassigned_unread: i64,
    /// Dialogues that others answer for.
    pub others: i64,
    /// Of them, those with something unread.
    pub others_unread: i64,
    /// Closed dialogues.
    pub closed: i64,
    /// Of them, those with something unread.
    pub closed_unread: i64,
}

/// None: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
