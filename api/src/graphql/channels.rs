//! Channels: connected bots and communities, and their settings.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, OneofObject, SimpleObject};
use colloquy_entity::channel;

use crate::error::Result;
use crate::inbox::connecting::{self, Offer};
use crate::inbox::{channels, chat, credentials};

use super::cards::Funnel;
use super::loaders::QueueOf;
use super::node::{parse, required, show};
use super::scalars::{DateTime, Url};
use super::users::{User, users_of};
use super::words::{ChannelKind, ChannelState};
use super::{Ask, answer, cards};

/// A connected bot or community. Tokens are write-only: no field ever returns one
#[derive(Clone)]
pub struct Channel(pub Arc<channel::Model>);

impl From<channel::Model> for Channel {
    fn from(row: channel::Model) -> Self {
        Self(Arc::new(row))
    }
}

/// A connected bot or community. Tokens are write-only: no field ever returns one
#[Object]
impl Channel {
    /// Its id
    pub async fn id(&self) -> ID {
        show(self.0.id)
    }

    /// Which messenger
    async fn kind(&self) -> ChannelKind {
        self.0.kind.into()
    }

    /// As the company calls it
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The bot or community as its messenger shows it: @shop_bot
    async fn handle(&self) -> Option<&str> {
        self.0.handle.as_deref()
    }

    /// Whether it works
    async fn state(&self) -> ChannelState {
        self.0.state.into()
    }

    /// Why it does not work, when it does not
    async fn state_reason(&self) -> Option<&str> {
        self.0.state_reason.as_deref()
    }

    /// Managers in turn: each new dialogue is given to the next
    async fn queue(&self, ctx: &Context<'_>) -> Result<Vec<User>> {
        let queue = ctx.load(QueueOf(self.0.id)).await?.unwrap_or_default();
        users_of(ctx, queue).await
    }

    /// Where a deal is created for each new dialogue; none is created when null
    async fn funnel(&self, ctx: &Context<'_>) -> Option<Funnel> {
        let id = self.0.funnel_id?;
        answer(ctx, cards::find_funnel(ctx, id).await).flatten()
    }

    /// Sent once, after a client's very first message
    async fn welcome_text(&self) -> Option<&str> {
        self.0.welcome_text.as_deref()
    }

    /// Whether the auto-reply is sent
    async fn auto_reply_enabled(&self) -> bool {
        self.0.auto_reply_enabled
    }

    /// Sent each time a dialogue starts: the first time and on every reopening
    async fn auto_reply_text(&self) -> Option<&str> {
        self.0.auto_reply_text.as_deref()
    }

    /// The origins whose pages may show the chat; null for what is no website's chat
    async fn allowed_origins(&self, ctx: &Context<'_>) -> Option<Vec<Url>> {
        let origins = answer(ctx, ctx.app().and_then(|app| credentials::origins(app, &self.0))).flatten()?;
        Some(origins.into_iter().map(Url).collect())
    }

    /// What to put into a page's HTML so that it shows the chat; null for what is no website's chat
    async fn widget_snippet(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(chat::snippet(ctx.app()?, &self.0))
    }

    /// When it was connected first
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }
}

/// Reading channels.
#[derive(Default)]
pub struct ChannelQueries;

#[Object]
impl ChannelQueries {
    /// All channels, disconnected ones too, in the order in which they were connected
    async fn channels(&self, ctx: &Context<'_>) -> Result<Vec<Channel>> {
        ctx.viewer()?;
        Ok(channels::list(ctx.app()?.db.read()).await?.into_iter().map(Channel::from).collect())
    }
}

/// A bot or community to connect
#[derive(InputObject)]
pub struct ConnectChannelInput {
    /// As the company calls it
    name: String,
    /// What the messenger gave for it
    credentials: ChannelCredentials,
}

/// Exactly one of them
#[derive(OneofObject)]
pub enum ChannelCredentials {
    /// A Telegram bot
    Telegram(TelegramCredentials),
    /// A VK community
    Vk(VkCredentials),
    /// A Viber bot
    Viber(ViberCredentials),
    /// A chat on a website
    Website(WebsiteCredentials),
}

/// What @BotFather gives
#[derive(InputObject)]
pub struct TelegramCredentials {
    /// 123456:ABC…
    bot_token: String,
}

/// What a VK community's settings give
#[derive(InputObject)]
pub struct VkCredentials {
    /// The community's number
    group_id: String,
    /// A token of the community with the right to its messages
    access_token: String,
}

/// What the Viber admin panel gives
#[derive(InputObject)]
pub struct ViberCredentials {
    /// The bot's token
    auth_token: String,
}

/// Where the chat may be shown
#[derive(InputObject)]
pub struct WebsiteCredentials {
    /// Origins whose pages may show the chat: https://shop.example
    allowed_origins: Vec<Url>,
}

/// As in every Update input: what is absent stays, null clears; null for what cannot be empty is BAD_USER_INPUT
#[derive(InputObject)]
pub struct UpdateChannelInput {
    /// Which channel
    channel_id: ID,
    /// As the company calls it
    name: MaybeUndefined<String>,
    /// Managers in turn, active users; the turn goes on after whoever had the last one
    queue_user_ids: MaybeUndefined<Vec<ID>>,
    /// Where a deal is created for each new dialogue
    funnel_id: MaybeUndefined<ID>,
    /// Sent once, after a client's very first message
    welcome_text: MaybeUndefined<String>,
    /// Whether the auto-reply is sent
    auto_reply_enabled: MaybeUndefined<bool>,
    /// Sent each time a dialogue starts
    auto_reply_text: MaybeUndefined<String>,
    /// For a website's chat alone: the origins whose pages may show it
    allowed_origins: MaybeUndefined<Vec<Url>>,
}

/// The channel
#[derive(SimpleObject)]
pub struct ChannelPayload {
    /// As it is now
    channel: Channel,
}

/// Changing channels.
#[derive(Default)]
pub struct ChannelMutations;

#[Object]
impl ChannelMutations {
    /// Connects a bot or community; for administrators. One that was disconnected goes on with its history; CONFLICT
    /// where it is connected
    async fn connect_channel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The bot or community")] input: ConnectChannelInput,
    ) -> Option<ChannelPayload> {
        answer(ctx, connect(ctx, input).await)
    }

    /// Changes a channel's settings; for administrators
    async fn update_channel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change")] input: UpdateChannelInput,
    ) -> Option<ChannelPayload> {
        answer(ctx, update(ctx, input).await)
    }

    /// Ends a channel; for administrators. The history stays
    async fn disconnect_channel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which channel")] channel_id: ID,
    ) -> Option<ChannelPayload> {
        answer(ctx, disconnect(ctx, channel_id).await)
    }
}

async fn connect(ctx: &Context<'_>, input: ConnectChannelInput) -> Result<ChannelPayload> {
    let (app, viewer) = (ctx.app()?, ctx.viewer()?);
    let offer = match input.credentials {
        ChannelCredentials::Telegram(telegram) => Offer::Telegram(telegram.bot_token),
        ChannelCredentials::Vk(vk) => Offer::Vk(vk.group_id, vk.access_token),
        ChannelCredentials::Viber(viber) => Offer::Viber(viber.auth_token),
        ChannelCredentials::Website(website) => {
            Offer::Website(website.allowed_origins.into_iter().map(|url| url.0).collect())
        }
    };
    let channel = connecting::connect(app, &viewer, &input.name, offer).await?;
    Ok(ChannelPayload { channel: channel.into() })
}

async fn update(ctx: &Context<'_>, input: UpdateChannelInput) -> Result<ChannelPayload> {
    let cleared = |value: MaybeUndefined<String>| value.as_opt_ref().map(|text| text.cloned());
    let change = channels::ChannelChange {
        name: required("input.name", input.name)?,
        queue: required("input.queueUserIds", input.queue_user_ids)?.map(|ids| ids.iter().map(parse).collect()),
        funnel: input.funnel_id.as_opt_ref().map(|id| id.map(parse)),
        welcome_text: cleared(input.welcome_text),
        auto_reply_enabled: required("input.autoReplyEnabled", input.auto_reply_enabled)?,
        auto_reply_text: cleared(input.auto_reply_text),
        origins: required("input.allowedOrigins", input.allowed_origins)?
            .map(|urls| urls.into_iter().map(|url| url.0).collect()),
    };
    let channel = channels::update(ctx.app()?, &ctx.viewer()?, parse(&input.channel_id), change).await?;
    Ok(ChannelPayload { channel: channel.into() })
}

async fn disconnect(ctx: &Context<'_>, id: ID) -> Result<ChannelPayload> {
    let channel = channels::disconnect(ctx.app()?, &ctx.viewer()?, parse(&id)).await?;
    Ok(ChannelPayload { channel: channel.into() })
}
