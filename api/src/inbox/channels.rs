//! Channels: their settings and their health; `connecting` makes them.

use colloquy_entity::*;
use sea_orm::sea_query::LockType;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect,
};

use crate::app::App;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::log::{Actor, Entry, Kind};
use crate::policy::{self, Power};
use crate::ranked;
use crate::viewer::Viewer;

use super::credentials::{self, messenger};
use super::{connecting, messages, routing, text};

/// Most managers in a queue.
const LONGEST_QUEUE: usize = 100;

pub(super) fn changed(actor: Option<Actor>, channel: ChannelId) -> Entry {
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
    /// The origins whose pages may show a website's chat.
    pub origins: Option<Vec<String>>,
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
    if let Some(origins) = &change.origins {
        set_origins(app, &mut after, origins)?;
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

pub(super) async fn lock(tx: &Tx<'_>, id: ChannelId) -> Result<channel::Model> {
    let found = channel::Entity::find_by_id(id).lock(LockType::NoKeyUpdate).one(&**tx).await?;
    found.ok_or(Error::NotFound("channel"))
}

fn set_origins(app: &App, channel: &mut channel::Model, origins: &[String]) -> Result<()> {
    let field = "input.allowedOrigins";
    if channel.kind != ChannelKind::Website {
        return Err(Error::bad(field, "Only a website's chat has origins"));
    }
    let origins = connecting::allowed(field, origins)?;
    let mut credentials = credentials::open(app, channel)?;
    if credentials.origins != origins {
        credentials.origins = origins;
        channel.credentials = credentials::seal(app, &credentials)?;
    }
    Ok(())
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
        Ok(messenger) => {
            messenger.unsubscribe(channel.webhook_url.as_deref()).await.err().map(|fault| fault.words().to_owned())
        }
        Err(error) => Some(format!("{error:?}")),
    };
    if let Some(words) = trouble {
        tracing::warn!(channel = %id, words, "the webhook could not be removed");
    }
    Ok(channel)
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

pub(super) async fn by_external_id(
    db: &impl ConnectionTrait,
    kind: ChannelKind,
    id: &str,
) -> Result<Option<channel::Model>> {
    let query =
        channel::Entity::find().filter(channel::Column::Kind.eq(kind)).filter(channel::Column::ExternalId.eq(id));
    Ok(query.one(db).await?)
}
