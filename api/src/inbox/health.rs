//! A channel's health: what went wrong at its messenger last, and what proves that it is over.

use colloquy_entity::*;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};

use crate::app::App;
use crate::error::Result;
use crate::messenger;

use super::channels::{changed, lock};

/// In front of why clients' messages cannot reach us: whoever sends learns nothing of that.
pub(super) const UPDATES: &str = "Its updates cannot be had: ";

/// What went well. It ends only the trouble that it says something of.
pub(super) enum Proof<'a> {
    /// The messenger took a message.
    Sent,
    /// Updates were asked for and given; with the trouble that asking for them had before.
    Polled(Option<&'a str>),
    /// The messenger knows whose the token is.
    Identified,
    /// The messenger knows our address.
    Registered,
}

impl Proof<'_> {
    fn ends(&self, kind: ChannelKind, trouble: &str) -> bool {
        let is_of_updates = trouble.starts_with(UPDATES);
        match self {
            Self::Sent => !is_of_updates,
            // VK gives updates by a key of their own, whatever became of the token.
            Self::Polled(own) => is_of_updates || *own == Some(trouble) || kind == ChannelKind::Telegram,
            Self::Identified => !is_of_updates && messenger::is_of_token(kind, trouble),
            Self::Registered => true,
        }
    }
}

/// Notes that a channel works where that is proven.
pub(super) async fn well(app: &App, id: ChannelId, proof: Proof<'_>) -> Result<()> {
    let Some(channel) = channel::Entity::find_by_id(id).one(app.db.read()).await? else { return Ok(()) };
    let is_over = |trouble: &str| proof.ends(channel.kind, trouble);
    if channel.state != ChannelState::Failing || !channel.state_reason.as_deref().is_none_or(is_over) {
        return Ok(());
    }
    set(app, id, None).await
}

/// Notes that a channel works, or why not; one event where that is new.
pub(super) async fn set(app: &App, id: ChannelId, trouble: Option<&str>) -> Result<()> {
    let state = if trouble.is_some() { ChannelState::Failing } else { ChannelState::Connected };
    let as_it_is = |channel: &channel::Model| {
        channel.state == ChannelState::Disconnected
            || (channel.state == state && channel.state_reason.as_deref() == trouble)
    };
    // Most often nothing is new: then nobody waits for a lock.
    match channel::Entity::find_by_id(id).one(app.db.read()).await? {
        Some(channel) if !as_it_is(&channel) => {}
        _ => return Ok(()),
    }
    let mut tx = app.begin().await?;
    let mut channel = lock(&tx, id).await?;
    if as_it_is(&channel) {
        return Ok(());
    }
    channel.state = state;
    channel.state_reason = trouble.map(str::to_owned);
    channel.into_active_model().reset_all().update_without_returning(&*tx).await?;
    tx.emit(changed(None, id));
    tx.commit().await
}

/// The channel of a message does not work.
pub(super) async fn of_message(app: &App, message: MessageId, words: &str) -> Result<()> {
    match message::Entity::find_by_id(message).one(app.db.read()).await? {
        Some(message) => set(app, message.channel_id, Some(words)).await,
        None => Ok(()),
    }
}
