//! Connecting a bot, a community or a website's chat as a channel.
//!
//! Messengers try our address out while they are asked to use it, before there is a channel: until it is there, its
//! registration opens the door.

use colloquy_entity::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use url::Url;

use crate::app::App;
use crate::error::{Error, Result};
use crate::messenger::{Fault, Identity, Secret};
use crate::policy::{self, Power};
use crate::secrets::{hex, random};
use crate::viewer::Viewer;

use super::credentials::{self, Credentials};
use super::{channels, registration, text};

/// Most origins of one website's chat.
const ORIGINS: usize = 50;
/// A registration that is older was left by a process that died, in milliseconds.
const STALE: i64 = 60 * 60 * 1000;

/// What the messenger gave for a channel.
pub enum Offer {
    /// A bot's token, from @BotFather.
    Telegram(String),
    /// A community's number and its token.
    Vk(String, String),
    /// A bot's token, from the Viber admin panel.
    Viber(String),
    /// The origins whose pages may show the chat.
    Website(Vec<String>),
}

impl Offer {
    fn kind(&self) -> ChannelKind {
        match self {
            Self::Telegram(_) => ChannelKind::Telegram,
            Self::Vk(..) => ChannelKind::Vk,
            Self::Viber(_) => ChannelKind::Viber,
            Self::Website(_) => ChannelKind::Website,
        }
    }

    /// The argument that is wrong when the messenger does not accept it.
    fn field(&self) -> &'static str {
        match self {
            Self::Telegram(_) => "input.credentials.telegram.botToken",
            Self::Vk(..) => "input.credentials.vk.accessToken",
            Self::Viber(_) => "input.credentials.viber.authToken",
            Self::Website(_) => "input.credentials.website.allowedOrigins",
        }
    }

    fn credentials(&self) -> Result<Credentials> {
        // VK takes secrets of up to 50 characters: `secret_key` of groups.addCallbackServer.
        let mut made = Credentials {
            token: String::new(),
            webhook_secret: hex(&random::<24>()?),
            group_id: 0,
            origins: Vec::new(),
        };
        match self {
            Self::Telegram(token) | Self::Viber(token) | Self::Vk(_, token) => {
                made.token = token.trim().into();
                if made.token.is_empty() || made.token.len() > 512 || !made.token.bytes().all(|b| b.is_ascii_graphic())
                {
                    return Err(Error::bad(self.field(), self.is_no_token()));
                }
            }
            Self::Website(origins) => made.origins = allowed(self.field(), origins)?,
        }
        if let Self::Vk(group, _) = self {
            let number = group.trim().trim_start_matches("club").trim_start_matches('-');
            made.group_id = number.parse().ok().filter(|id| *id > 0).ok_or_else(|| {
                Error::bad("input.credentials.vk.groupId", "This is no community's number: it looks like 123456789")
            })?;
        }
        Ok(made)
    }

    fn is_no_token(&self) -> &'static str {
        match self {
            Self::Telegram(_) => "This is no bot token: it looks like 123456:ABC…, from @BotFather",
            Self::Vk(..) => "This is no community token: it looks like vk1.a.…, from the community's settings",
            _ => "This is no bot token: it looks like 445da6az1s345z78-…, from the Viber admin panel",
        }
    }
}

/// Origins as browsers write them.
pub(super) fn allowed(field: &str, origins: &[String]) -> Result<Vec<String>> {
    if origins.is_empty() || origins.len() > ORIGINS {
        return Err(Error::bad(field, format!("Name 1 to {ORIGINS} origins")));
    }
    let mut all = Vec::with_capacity(origins.len());
    for text in origins {
        let wrong = || Error::bad(field, format!("{text} is no origin: it looks like https://shop.example"));
        let url = Url::parse(text).map_err(|_| wrong())?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        if !bare || !matches!(url.scheme(), "http" | "https") {
            return Err(wrong());
        }
        let origin = url.origin().ascii_serialization();
        if !all.contains(&origin) {
            all.push(origin);
        }
    }
    Ok(all)
}

/// Connects a bot, a community or a website's chat; for administrators.
///
/// A bot that was connected before and was disconnected goes on as the channel that it was. CONFLICT where it is
/// connected, with that channel's id.
pub async fn connect(app: &App, viewer: &Viewer, name: &str, offer: Offer) -> Result<channel::Model> {
    policy::require(viewer, Power::Administer)?;
    let name = text::name("input.name", name)?;
    let (kind, field) = (offer.kind(), offer.field());
    let made = offer.credentials()?;
    if kind == ChannelKind::Viber && app.config.public_url.is_none() {
        let words = "Viber only posts to an address that the outside can reach: start colloquy with PUBLIC_URL";
        return Err(Error::bad("input.credentials.viber", words));
    }
    if kind == ChannelKind::Website {
        let id = ChannelId::new();
        let who = Identity { external_id: id.to_string(), name: name.clone(), username: None, profile_url: None };
        return store(app, viewer, Connected { id, name, kind, who, address: None, is_new: true }, &made).await;
    }
    let messenger = credentials::build(app, kind, &made)?;
    let who = messenger.identify().await.map_err(|fault| refused(field, fault))?;
    // Of two who connect the same bot at once the second would take the webhook from the first, and then be refused.
    let _alone = app.db.alone(&format!("connect {} {}", kind.as_str(), who.external_id)).await?;
    let before = channels::by_external_id(app.db.read(), kind, &who.external_id).await?;
    // One whose token cannot be read any more is connected anew.
    let works = |channel: &&channel::Model| {
        channel.state != ChannelState::Disconnected && app.secrets.open(&channel.credentials).is_ok()
    };
    if let Some(connected) = before.as_ref().filter(works) {
        return Err(already(connected.id));
    }
    let id = before.as_ref().map_or_else(ChannelId::new, |channel| channel.id);
    let address = registration::address(app, kind, id);
    await_channel(app, id, kind, &who, &made).await?;
    let secret = Secret::new(&made.webhook_secret);
    // Where its updates went before, should that be elsewhere.
    let former = before.as_ref().and_then(|channel| channel.webhook_url.as_deref());
    let registered = registration::register(&*messenger, former, address.as_deref(), &secret).await;
    if let Err(fault) = registered {
        awaited_channel::Entity::delete_by_id(id).exec(app.db.write()).await?;
        return Err(refused(field, fault));
    }
    store(app, viewer, Connected { id, name, kind, who, address, is_new: before.is_none() }, &made).await
}

/// As [`connect`]; what is connected is registered anew, at a messenger that has forgotten it.
pub async fn connect_again(app: &App, viewer: &Viewer, name: &str, offer: Offer) -> Result<channel::Model> {
    let (kind, field, made) = (offer.kind(), offer.field(), offer.credentials()?);
    let connected = match connect(app, viewer, name, offer).await {
        Err(Error::Conflict { existing: Some(_), .. }) => {
            let who = credentials::build(app, kind, &made)?.identify().await.map_err(|fault| refused(field, fault))?;
            channels::by_external_id(app.db.read(), kind, &who.external_id).await?.ok_or(Error::NotFound("channel"))?
        }
        done => return done,
    };
    let messenger = credentials::messenger(app, &connected)?;
    let secret = credentials::webhook_secret(app, &connected)?;
    let address = registration::address(app, kind, connected.id);
    let registered = registration::register(&*messenger, None, address.as_deref(), &secret).await;
    registered.map_err(|fault| refused(field, fault))?;
    Ok(connected)
}

/// Opens the door of a channel that is about to be.
async fn await_channel(app: &App, id: ChannelId, kind: ChannelKind, who: &Identity, made: &Credentials) -> Result<()> {
    let now = Time::now();
    let db = app.db.write();
    awaited_channel::Entity::delete_many()
        .filter(awaited_channel::Column::CreatedAt.lt(now.plus(-STALE)))
        .exec(db)
        .await?;
    let row = awaited_channel::ActiveModel {
        id: Set(id),
        kind: Set(kind),
        external_id: Set(who.external_id.clone()),
        credentials: Set(credentials::seal(app, made)?),
        created_at: Set(now),
    };
    let again = OnConflict::column(awaited_channel::Column::Id)
        .update_columns([awaited_channel::Column::Credentials, awaited_channel::Column::CreatedAt])
        .to_owned();
    awaited_channel::Entity::insert(row).on_conflict(again).exec_without_returning(db).await?;
    Ok(())
}

/// A channel that the messenger knows of.
struct Connected {
    id: ChannelId,
    name: String,
    kind: ChannelKind,
    who: Identity,
    address: Option<String>,
    is_new: bool,
}

async fn store(app: &App, viewer: &Viewer, connected: Connected, made: &Credentials) -> Result<channel::Model> {
    let Connected { id, name, kind, who, address, is_new } = connected;
    let credentials = credentials::seal(app, made)?;
    let handle = who.username.map(|username| format!("@{username}"));
    let mut tx = app.begin().await?;
    let channel = if is_new {
        let channel = channel::Model {
            id,
            kind,
            external_id: who.external_id,
            name,
            handle,
            state: ChannelState::Connected,
            state_reason: None,
            webhook_url: address,
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
    } else {
        let row = channel::ActiveModel {
            id: Set(id),
            name: Set(name),
            handle: Set(handle),
            state: Set(ChannelState::Connected),
            state_reason: Set(None),
            webhook_url: Set(address),
            credentials: Set(credentials),
            poll_cursor: Set(None),
            ..Default::default()
        };
        row.update(&*tx).await?
    };
    awaited_channel::Entity::delete_by_id(id).exec(&*tx).await?;
    tx.emit(channels::changed(viewer.actor(), id));
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

/// Who stands behind a door.
pub enum Door {
    /// A channel that takes updates.
    Open(channel::Model),
    /// One that is being connected: it answers who tries it out, and has updates come again.
    Awaited(channel::Model),
}

/// The door that an address names by kind and id; none for a channel that is not there or was disconnected.
pub async fn at_door(app: &App, kind: &str, id: &str) -> Result<Option<Door>> {
    let db = app.db.read();
    let Ok(id) = ChannelId::parse(id) else { return Ok(None) };
    let is_of = |of: ChannelKind| of.as_str().eq_ignore_ascii_case(kind);
    let open = async || -> Result<Option<Door>> {
        let channel = channel::Entity::find_by_id(id).one(db).await?.filter(|channel| is_of(channel.kind));
        Ok(channel.filter(|channel| channel.state != ChannelState::Disconnected).map(Door::Open))
    };
    let opened = open().await?;
    // One whose secret cannot be read any more is perhaps just being connected anew.
    if let Some(Door::Open(channel)) = &opened
        && app.secrets.open(&channel.credentials).is_ok()
    {
        return Ok(opened);
    }
    let awaited = awaited_channel::Entity::find_by_id(id).one(db).await?.filter(|awaited| is_of(awaited.kind));
    if awaited.is_none() {
        // It may have been connected between the two.
        return open().await;
    }
    Ok(awaited.map(|awaited| {
        Door::Awaited(channel::Model {
            id,
            kind: awaited.kind,
            external_id: awaited.external_id,
            name: String::new(),
            handle: None,
            state: ChannelState::Disconnected,
            state_reason: None,
            webhook_url: None,
            credentials: awaited.credentials,
            poll_cursor: None,
            funnel_id: None,
            welcome_text: None,
            auto_reply_enabled: false,
            auto_reply_text: None,
            last_given_to: None,
            created_at: awaited.created_at,
        })
    }))
}
