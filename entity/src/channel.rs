//! A connected bot, community or website chat, with its settings.

use sea_orm::entity::prelude::*;

use crate::{ChannelId, ChannelKind, ChannelState, FunnelId, Time, UserId};

/// A connected bot, community or website chat, with its settings.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "channels")]
pub struct Model {
    /// Which one.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ChannelId,
    /// Which messenger.
    pub kind: ChannelKind,
    /// The messenger's own id of the bot or community; one row each.
    #[sea_orm(column_type = "Text")]
    pub external_id: String,
    /// As the company calls it.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// As the messenger shows it: @shop_bot.
    #[sea_orm(column_type = "Text", nullable)]
    pub handle: Option<String>,
    /// Whether it works.
    pub state: ChannelState,
    /// Why it does not, in words.
    #[sea_orm(column_type = "Text", nullable)]
    pub state_reason: Option<String>,
    /// Where the messenger posts its updates to; none where we ask for them.
    #[sea_orm(column_type = "Text", nullable)]
    pub webhook_url: Option<String>,
    /// Token and webhook secret, encrypted with SECRET_KEY.
    #[sea_orm(column_type = "VarBinary(StringLen::None)")]
    pub credentials: Vec<u8>,
    /// Where polling goes on, in the messenger's own terms.
    #[sea_orm(column_type = "Text", nullable)]
    pub poll_cursor: Option<String>,
    /// Where new dialogues get their deal.
    pub funnel_id: Option<FunnelId>,
    /// Sent once, after a client's very first message.
    #[sea_orm(column_type = "Text", nullable)]
    pub welcome_text: Option<String>,
    /// Whether the auto-reply is sent.
    pub auto_reply_enabled: bool,
    /// Sent each time a dialogue starts.
    #[sea_orm(column_type = "Text", nullable)]
    pub auto_reply_text: Option<String>,
    /// Who of the queue had the last turn.
    pub last_given_to: Option<UserId>,
    /// When it was connected first.
    pub created_at: Time,
}

/// None: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
