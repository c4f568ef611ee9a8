//! Where a message stands among those that are searched; its words are in the database's own kind of index.

use sea_orm::entity::prelude::*;

use crate::{DialogueId, MessageId};

/// Where a message stands among those that are searched.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "message_words")]
pub struct Model {
    /// Which.
    #[sea_orm(primary_key, auto_increment = false)]
    pub message_id: MessageId,
    /// In which dialogue.
    pub dialogue_id: DialogueId,
    /// Larger the later it was written.
    pub number: i64,
}

/// None: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
