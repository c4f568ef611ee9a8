//! A website's chat, as its visitors have it: who they are and from which pages they may ask.
//!
//! A visitor is a random id and a channel, in a token that the channel's secret signs: nothing is stored of one who has
//! not written. The first message makes a client of them, whose external id is the visitor's.

use std::sync::Arc;

use colloquy_entity::*;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use crate::app::App;
use crate::error::{Error, Result};
use crate::log::{Filter, Following, Hearer, Kind};
use crate::secrets::random;

use super::credentials::{self, Credentials};

mod ears;
mod limits;
mod messages;
mod origins;
mod token;
mod updates;
mod writing;

pub use ears::run;
pub use limits::{Address, Place};
pub use messages::{Chat, Message};
pub use origins::is_known;
pub use updates::{Told, Update, Updates};
pub use writing::{Words, mark_delivered, mark_read, may_upload, send, set_typing};

/// What a process remembers of visitors.
#[derive(Default)]
pub struct Memory {
    limits: limits::Limits,
    origins: origins::Origins,
    ears: Arc<ears::Ears>,
}

/// Who asks, as the token of the chat says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// On whose website.
    pub channel: ChannelId,
    id: Uuid,
}

/// Where the page is from that asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// Our own server.
    Ours,
    /// Another website, by its origin.
    Of(String),
}

/// One answer to what is forged, cut, or of another installation.
const NO_TOKEN: Error = Error::Unauthenticated("This is no token of a visitor (any more): begin with startChat");
const CLOSED: Error = Error::Unauthenticated("This chat is not connected any more");
const FOREIGN: Error = Error::Forbidden("Pages of this origin may not show this chat");

impl Visitor {
    /// Their client's external id, and whose their uploads are.
    pub fn external_id(&self) -> String {
        self.id.simple().to_string()
    }

    /// What operators call them: enough of the id to tell two apart.
    fn name(&self) -> String {
        format!("Visitor {}", self.external_id()[..4].to_uppercase())
    }
}

/// Begins as a new visitor of a channel; answers their token. Nothing is stored.
pub async fn start(app: &App, channel: Option<ChannelId>, page: &Page) -> Result<String> {
    let missing = Error::NotFound("chat");
    let found = match channel {
        Some(id) => channel::Entity::find_by_id(id).one(app.db.read()).await?,
        None => None,
    };
    let is_chat =
        |channel: &channel::Model| channel.kind == ChannelKind::Website && channel.state != ChannelState::Disconnected;
    let channel = found.filter(is_chat).ok_or(missing)?;
    let opened = credentials::open(app, &channel)?;
    check(page, &opened)?;
    let visitor = Visitor { channel: channel.id, id: Uuid::from_bytes(random()?) };
    token::write(&visitor, opened.webhook_secret.as_bytes())
}

/// Whom a token stands for, if a page like this may show their chat. UNAUTHENTICATED for a token that is forged, of
/// another installation or of a channel that was disconnected; FORBIDDEN for a page of a foreign origin.
pub async fn admit(app: &App, token: &str, page: &Page) -> Result<Visitor> {
    let unproven = token::read(token).ok_or(NO_TOKEN)?;
    let channel = channel::Entity::find_by_id(unproven.visitor().channel).one(app.db.read()).await?;
    let channel = channel.filter(|channel| channel.kind == ChannelKind::Website).ok_or(NO_TOKEN)?;
    let opened = credentials::open(app, &channel)?;
    let visitor = unproven.prove(opened.webhook_secret.as_bytes())?.ok_or(NO_TOKEN)?;
    if channel.state == ChannelState::Disconnected {
        return Err(CLOSED);
    }
    check(page, &opened)?;
    Ok(visitor)
}

fn check(page: &Page, opened: &Credentials) -> Result<()> {
    match page {
        Page::Ours => Ok(()),
        Page::Of(origin) if opened.origins.contains(origin) => Ok(()),
        Page::Of(_) => Err(FOREIGN),
    }
}

/// Resolves, with the reason in words, when a visitor may be connected no longer: their channel was disconnected, or
/// their page's origin is not allowed any more, by whichever process.
pub async fn until_ended(app: &App, visitor: &Visitor, page: &Page) -> &'static str {
    let filter = Filter {
        kinds: Some(vec![Kind::ChannelChanged]),
        subjects: vec![vec![visitor.channel.0]],
        ..Filter::default()
    };
    loop {
        let (log, hearer) = (Arc::clone(&app.log), Hearer::Visitor(visitor.id));
        if let Ok(mut changes) = Box::pin(Following::start(log, hearer, filter.clone(), None)).await {
            // What happened before it is found by looking once.
            loop {
                if let Some(words) = Box::pin(ended(app, visitor, page)).await {
                    return words;
                }
                if changes.next().await.is_err() {
                    break;
                }
            }
        }
        tokio::time::sleep(app.config.pace.look).await;
    }
}

/// A database that is away ends nothing.
async fn ended(app: &App, visitor: &Visitor, page: &Page) -> Option<&'static str> {
    let still = async {
        let channel = channel(app, visitor).await?;
        check(page, &credentials::open(app, &channel)?)
    };
    match still.await {
        Err(Error::Unauthenticated(words) | Error::Forbidden(words)) => Some(words),
        _ => None,
    }
}

/// The visitor's channel, as long as it is connected.
async fn channel(app: &App, visitor: &Visitor) -> Result<channel::Model> {
    let channel = channel::Entity::find_by_id(visitor.channel).one(app.db.read()).await?.ok_or(NO_TOKEN)?;
    if channel.state == ChannelState::Disconnected { Err(CLOSED) } else { Ok(channel) }
}

/// The visitor as a client, once they have written.
async fn client(app: &App, visitor: &Visitor) -> Result<Option<client::Model>> {
    let query = client::Entity::find().filter(client::Column::Kind.eq(ChannelKind::Website));
    Ok(query.filter(client::Column::ExternalId.eq(visitor.external_id())).one(app.db.read()).await?)
}

/// The visitor's dialogue, once they have written. No other is ever shown to them.
async fn dialogue(app: &App, visitor: &Visitor) -> Result<Option<dialogue::Model>> {
    let Some(client) = client(app, visitor).await? else { return Ok(None) };
    let query = dialogue::Entity::find().filter(dialogue::Column::ChannelId.eq(visitor.channel));
    Ok(query.filter(dialogue::Column::ClientId.eq(client.id)).one(app.db.read()).await?)
}

/// The feed in which the opening of a visitor's dialogue stands, so that they hear of it who cannot know its id.
pub(super) fn feed(client: &client::Model) -> Option<Uuid> {
    (client.kind == ChannelKind::Website).then(|| Uuid::try_parse(&client.external_id).ok()).flatten()
}

/// The script tag that shows a channel's chat; none for other kinds of channels.
pub fn snippet(app: &App, channel: &channel::Model) -> Option<String> {
    let base = app.base_url().replace('&', "&amp;").replace('"', "%22");
    let tag = || format!("<script src=\"{base}/widget.js\" data-channel=\"{}\" async></script>", channel.id);
    (channel.kind == ChannelKind::Website).then(tag)
}

impl Memory {
    /// Notes that a visitor at this address asked for something. RATE_LIMITED where it was too often.
    pub fn asks(&self, visitor: Option<&Visitor>, address: Address) -> Result<()> {
        self.limits.asks(visitor.map(|visitor| visitor.id), address)
    }

    /// A place for one more connection from an address, as long as it is held; RATE_LIMITED where there are too many.
    pub fn connect(&self, address: Address) -> Result<Place> {
        self.limits.connect(address)
    }
}
