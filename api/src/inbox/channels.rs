//! Channels: connecting bots, their settings and their health.

use std::sync::Arc;

use colloquy_entity::*;
use sea_orm::sea_query::LockType;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::log::{Actor, Entry, Kind};
use crate::messenger::telegram::Telegram;
use crate::messenger::{Fault, Messenger, Secret};
use crate::policy::{self, Power};
use crate::ranked;
use crate::secrets::{hex, random};
use crate::viewer::Viewer;

use super::{messages, registration, routing, text};

/// Most managers in a queue.
const LONGEST_QUEUE: usize = 100;

/// What a channel is connected with, encrypted in the database.
#[derive(Serialize, Deserialize)]
struct Credentials {
    token: String,
    webhook_secret: String,
}

/// What became unreadable when SECRET_KEY was lost or is another.
const LOCKED: &str = "The token cannot be read with this SECRET_KEY: connect the bot anew, or start with the key it was \
    connected with";

fn credentials(app: &App, channel: &channel::Model) -> Result<Credentials> {
    let opened = app.secrets.open(&channel.credentials).map_err(|_| Error::internal(LOCKED))?;
    Ok(serde_json::from_slice(&opened)?)
}

/// Whether the credentials can be read; where they cannot, the channel is FAILING with words.
pub(super) async fn is_locked(app: &App, channel: &channel::Model) -> Result<bool> {
    let is_locked = app.secrets.open(&channel.credentials).is_err();
    if is_locked {
        set_health(app, channel.id, Some(LOCKED)).await?;
    } else if channel.state_reason.as_deref() == Some(LOCKED) {
        set_health(app, channel.id, None).await?;
    }
    Ok(is_locked)
}

fn telegram(app: &App, token: &str) -> Result<Telegram> {
    let bot =
        Telegram::new(app.http.clone(), &app.config.telegram_api_url, Secret::new(token)).map_err(Error::internal)?;
    Ok(bot.with_patience(app.config.pace.messenger))
}

/// The messenger of a channel, ready to be spoken to.
pub(super) fn messenger(app: &App, channel: &channel::Model) -> Result<Arc<dyn Messenger>> {
    match channel.kind {
        ChannelKind::Telegram => Ok(Arc::new(telegram(app, &credentials(app, channel)?.token)?)),
        _ => Err(Error::internal("no messenger of this kind is built yet")),
    }
}

/// Whether there is a bot behind it: there is none behind the demo's.
pub(super) fn has_bot(app: &App, channel: &channel::Model) -> Result<bool> {
    Ok(!credentials(app, channel)?.token.is_empty())
}

/// What the messenger has to show when it posts updates.
pub fn webhook_secret(app: &App, channel: &channel::Model) -> Result<Secret> {
    Ok(Secret::new(credentials(app, channel)?.webhook_secret))
}

/// Connects a Telegram bot; for administrators.
///
/// A bot that was connected before and was disconnected goes on as the channel that it was. CONFLICT where it is
/// connected, with that channel's id.
pub async fn connect_telegram(app: &App, viewer: &Viewer, name: &str, token: &str) -> Result<channel::Model> {
    policy::require(viewer, Power::Administer)?;
    let field = "input.credentials.telegram.botToken";
    let name = text::name("input.name", name)?;
    let token = token.trim();
    if token.is_empty() || token.len() > 256 || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Error::bad(field, "This is no bot token: it looks like 123456:ABC…, from @BotFather"));
    }
    let bot = telegram(app, token)?;
    let who = bot.identify().await.map_err(|fault| refused(field, fault))?;
    let kind = ChannelKind::Telegram;
    // Of two who connect the same bot at once the second would take the webhook from the first, and then be refused.
    let _alone = app.db.alone(&format!("connect telegram {}", who.external_id)).await?;
    let before = by_external_id(app.db.read(), kind, &who.external_id).await?;
    // One whose token cannot be read any more is connected anew.
    let works = |channel: &&channel::Model| {
        channel.state != ChannelState::Disconnected && app.secrets.open(&channel.credentials).is_ok()
    };
    if let Some(connected) = before.as_ref().filter(works) {
        return Err(already(connected.id));
    }
    let id = before.as_ref().map_or_else(ChannelId::new, |channel| channel.id);
    let webhook_secret = hex(&random::<32>()?);
    let webhook_url = registration::address(app, kind, id);
    let registered = registration::register(&bot, webhook_url.as_deref(), &Secret::new(webhook_secret.clone())).await;
    registered.map_err(|fault| refused(field, fault))?;
    let sealed = serde_json::to_vec(&Credentials { token: token.into(), webhook_secret })?;
    let credentials = app.secrets.seal(&sealed)?;
    let handle = who.username.map(|username| format!("@{username}"));
    let mut tx = app.begin().await?;
    let channel = match before {
        Some(before) => {
            let row = channel::ActiveModel {
                id: Set(before.id),
                name: Set(name),
                handle: Set(handle),
                state: Set(ChannelState::Connected),
                state_reason: Set(None),
                webhook_url: Set(webhook_url),
                credentials: Set(credentials),
                poll_cursor: Set(None),
                ..Default::default()
            };
            row.update(&*tx).await?
        }
        None => {
            let channel = channel::Model {
                id,
                kind,
                external_id: who.external_id.clone(),
                name,
                handle,
                state: ChannelState::Connected,
                state_reason: None,
                webhook_url,
                credentials,
                poll_cursor: None,
                funnel_id: None,
                welcome_text: None,
                auto_reply_enabled: false,
                auto_reply_text: None,
                last_given_to: None,
                created_at: tx.now(),
            };
            let row = channel.clone().into_active_model().reset_all();
            channel::Entity::insert(row).exec_without_returning(&*tx).await?;
            channel
        }
    };
    tx.emit(changed(viewer.actor(), channel.id));
    tx.commit().await?;
    Ok(channel)
}

fn already(channel: ChannelId) -> Error {
    let words = "This bot is connected already".into();
    Error::Conflict { words, holders: Vec::new(), existing: Some(channel.to_string()) }
}

fn refused(field: &str, fault: Fault) -> Error {
    match fault {
        Fault::Passing { words, .. } => Error::conflict(format!("{words}: try again later")),
        Fault::Final { words, .. } | Fault::Broken { words } => Error::bad(field, words),
    }
}

fn changed(actor: Option<Actor>, channel: ChannelId) -> Entry {
    let mut entry = Entry::new(Kind::ChannelChanged, actor).about(channel.0);
    entry.channel = Some(channel);
    entry
}

/// What is to change; what is absent stays, and `Some(None)` clears.
#[derive(Default)]
pub struct ChannelChange {
    /// As the company calls it.
    pub name: Option<String>,
    /// Managers in turn.
    pub queue: Option<Vec<Option<UserId>>>,
    /// Where new dialogues get their deal.
    pub funnel: Option<Option<Option<FunnelId>>>,
    /// Sent after a client's very first message.
    pub welcome_text: Option<Option<String>>,
    /// Whether the auto-reply is sent.
    pub auto_reply_enabled: Option<bool>,
    /// Sent each time a dialogue starts.
    pub auto_reply_text: Option<Option<String>>,
}

/// Changes a channel's settings; for administrators. Nothing new, no event.
pub async fn update(
    app: &App,
    viewer: &Viewer,
    id: Option<ChannelId>,
    change: ChannelChange,
) -> Result<channel::Model> {
    policy::require(viewer, Power::Administer)?;
    let mut tx = app.begin().await?;
    let before = lock(&tx, id.ok_or(Error::NotFound("channel"))?).await?;
    let mut after = before.clone();
    if let Some(name) = &change.name {
        after.name = text::name("input.name", name)?;
    }
    if let Some(words) = &change.welcome_text {
        after.welcome_text = automatic("input.welcomeText", words.as_deref(), before.kind)?;
    }
    if let Some(words) = &change.auto_reply_text {
        after.auto_reply_text = automatic("input.autoReplyText", words.as_deref(), before.kind)?;
    }
    after.auto_reply_enabled = change.auto_reply_enabled.unwrap_or(after.auto_reply_enabled);
    if let Some(funnel) = change.funnel {
        after.funnel_id = match funnel {
            None => None,
            Some(id) => Some(known_funnel(&tx, id).await?),
        };
    }
    let new_queue = match &change.queue {
        Some(queue) => set_queue(&tx, &mut after, queue).await?,
        None => false,
    };
    if after == before && !new_queue {
        return Ok(before);
    }
    after.clone().into_active_model().reset_all().update_without_returning(&*tx).await?;
    tx.emit(changed(viewer.actor(), after.id));
    tx.commit().await?;
    Ok(after)
}

async fn lock(tx: &Tx<'_>, id: ChannelId) -> Result<channel::Model> {
    let found = channel::Entity::find_by_id(id).lock(LockType::NoKeyUpdate).one(&**tx).await?;
    found.ok_or(Error::NotFound("channel"))
}

/// An automatic text; empty is none.
fn automatic(field: &str, words: Option<&str>, kind: ChannelKind) -> Result<Option<String>> {
    let Some(words) = words.filter(|words| !words.trim().is_empty()) else { return Ok(None) };
    messages::check_text(field, words, kind, false)?;
    Ok(Some(words.into()))
}

async fn known_funnel(tx: &Tx<'_>, id: Option<FunnelId>) -> Result<FunnelId> {
    let missing = || Error::NotFound("funnel");
    let id = id.ok_or_else(missing)?;
    funnel::Entity::find_by_id(id).one(&**tx).await?.map(|funnel| funnel.id).ok_or_else(missing)
}

/// Whether the queue is another now.
async fn set_queue(tx: &Tx<'_>, channel: &mut channel::Model, wanted: &[Option<UserId>]) -> Result<bool> {
    let field = "input.queueUserIds";
    if wanted.len() > LONGEST_QUEUE {
        return Err(Error::bad(field, format!("A queue can have {LONGEST_QUEUE} managers at most")));
    }
    let mut queue = Vec::with_capacity(wanted.len());
    for id in wanted {
        let id = id.ok_or_else(|| Error::bad(field, "There is no such user"))?;
        if queue.contains(&id) {
            return Err(Error::bad(field, "A manager stands in a queue once"));
        }
        let user = user::Entity::find_by_id(id).one(&**tx).await?;
        match user {
            None => return Err(Error::bad(field, "There is no such user")),
            Some(user) if !user.is_active => return Err(Error::bad(field, "This user is deactivated")),
            Some(_) => queue.push(id),
        }
    }
    let before = routing::queue(&**tx, channel.id).await?;
    if before == queue {
        return Ok(false);
    }
    channel.last_given_to = routing::carry_turn(&before, &queue, channel.last_given_to);
    queue_member::Entity::delete_many().filter(queue_member::Column::ChannelId.eq(channel.id)).exec(&**tx).await?;
    let rows = (0..).zip(queue).map(|(ordinal, user)| queue_member::ActiveModel {
        channel_id: Set(channel.id),
        ordinal: Set(ordinal),
        user_id: Set(user),
    });
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        queue_member::Entity::insert_many(rows).exec_without_returning(&**tx).await?;
    }
    Ok(true)
}

/// Ends a channel: the webhook is removed, nothing is sent or taken any more, the history stays. Nothing where it is so.
pub async fn disconnect(app: &App, viewer: &Viewer, id: Option<ChannelId>) -> Result<channel::Model> {
    policy::require(viewer, Power::Administer)?;
    let id = id.ok_or(Error::NotFound("channel"))?;
    let mut tx = app.begin().await?;
    let mut channel = lock(&tx, id).await?;
    if channel.state == ChannelState::Disconnected {
        return Ok(channel);
    }
    channel.state = ChannelState::Disconnected;
    channel.state_reason = None;
    channel.clone().into_active_model().reset_all().update_without_returning(&*tx).await?;
    tx.emit(changed(viewer.actor(), id));
    tx.commit().await?;
    // After the commit: a messenger that cannot be reached keeps nobody from disconnecting. What it still posts gets 404.
    let trouble = match messenger(app, &channel) {
        Ok(messenger) => messenger.unsubscribe().await.err().map(|fault| fault.words().to_owned()),
        Err(error) => Some(format!("{error:?}")),
    };
    if let Some(words) = trouble {
        tracing::warn!(channel = %id, words, "the webhook could not be removed");
    }
    Ok(channel)
}

/// Notes that a channel works, or why not; one event where that is new.
pub(super) async fn set_health(app: &App, id: ChannelId, trouble: Option<&str>) -> Result<()> {
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
pub(super) async fn fails(app: &App, message: MessageId, words: &str) -> Result<()> {
    match message::Entity::find_by_id(message).one(app.db.read()).await? {
        Some(message) => set_health(app, message.channel_id, Some(words)).await,
        None => Ok(()),
    }
}

/// The latest channels, in the order in which they were connected. Every active user may see them.
pub async fn list(db: &impl ConnectionTrait) -> Result<Vec<channel::Model>> {
    let latest = channel::Entity::find().order_by_desc(channel::Column::Id).limit(ranked::LATEST);
    let mut channels = latest.all(db).await?;
    channels.reverse();
    Ok(channels)
}

/// The channels of these ids.
pub async fn by_ids(db: &impl ConnectionTrait, ids: &[ChannelId]) -> Result<Vec<channel::Model>> {
    Ok(channel::Entity::find().filter(channel::Column::Id.is_in(ids.iter().copied())).all(db).await?)
}

async fn by_external_id(db: &impl ConnectionTrait, kind: ChannelKind, id: &str) -> Result<Option<channel::Model>> {
    let query =
        channel::Entity::find().filter(channel::Column::Kind.eq(kind)).filter(channel::Column::ExternalId.eq(id));
    Ok(query.one(db).await?)
}

/// A channel that takes updates, by what an address names: its kind and id.
pub async fn at_door(db: &impl ConnectionTrait, kind: &str, id: &str) -> Result<Option<channel::Model>> {
    let Ok(id) = ChannelId::parse(id) else { return Ok(None) };
    let channel = channel::Entity::find_by_id(id).one(db).await?;
    let is_there = |channel: &channel::Model| {
        channel.state != ChannelState::Disconnected && channel.kind.as_str().eq_ignore_ascii_case(kind)
    };
    Ok(channel.filter(is_there))
}
