//! A person as one messenger knows them.

use sea_orm::entity::prelude::*;

use crate::{ChannelKind, ClientId, ContractorId, Time};

/// A person as one messenger knows them.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "clients")]
pub struct Model {
    /// Which one.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ClientId,
    /// Which messenger.
    pub kind: ChannelKind,
    /// The messenger's id of the person.
    #[sea_orm(column_type = "Text")]
    pub external_id: String,
    /// As the messenger tells it.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// Without the @.
    #[sea_orm(column_type = "Text", nullable)]
    pub username: Option<String>,
    /// Their picture.
    #[sea_orm(column_type = "Text", nullable)]
    pub avatar_url: Option<String>,
    /// Their page in the messenger.
    #[sea_orm(column_type = "Text", nullable)]
    pub profile_url: Option<String>,
    /// Where they shared their own.
    #[sea_orm(column_type = "Text", nullable)]
    pub phone: Option<String>,
    /// Their customer card.
    pub contractor_id: Option<ContractorId>,
    /// Whether we refuse their messages.
    pub is_blocked: bool,
    /// What text filters look into: lower case, Ё as Е. SQLite's own LOWER knows only ASCII.
    #[sea_orm(column_type = "Text")]
    pub lookup: String,
    /// When their profile was last asked for, at messengers whose updates do not bring it.
    pub profile_at: Option<Time>,
    /// When they first wrote.
    pub first_seen_at: Time,
}

/// None: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
