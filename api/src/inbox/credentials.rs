//! Credentials: what a channel is connected with, encrypted in the database, and the messenger that they open.

use std::sync::Arc;

use colloquy_entity::*;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::error::{Error, Result};
use crate::messenger::telegram::Telegram;
use crate::messenger::viber::Viber;
use crate::messenger::vk::Vk;
use crate::messenger::website::Website;
use crate::messenger::{Messenger, Secret};

use super::health;

/// What a channel is connected with.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Credentials {
    /// The bot's or community's; empty where there is none: a website, the demo.
    pub token: String,
    /// What the messenger shows when it posts updates; of a website's chat, what its visitors' tokens are signed with.
    pub webhook_secret: String,
    /// The community's number at VK.
    #[serde(default)]
    pub group_id: i64,
    /// Of a website's chat: the origins whose pages may show it.
    #[serde(default)]
    pub origins: Vec<String>,
}

/// What became unreadable when SECRET_KEY was lost or is another.
const LOCKED: &str = "The token cannot be read with this SECRET_KEY: connect the bot anew, or start with the key it was \
    connected with";

/// A channel's credentials.
pub(super) fn open(app: &App, channel: &channel::Model) -> Result<Credentials> {
    let opened = app.secrets.open(&channel.credentials).map_err(|_| Error::internal(LOCKED))?;
    Ok(serde_json::from_slice(&opened)?)
}

/// As they are stored.
pub(super) fn seal(app: &App, credentials: &Credentials) -> Result<Vec<u8>> {
    app.secrets.seal(&serde_json::to_vec(credentials)?)
}

/// Whether the credentials can be read; where they cannot, the channel is FAILING with words.
pub(super) async fn is_locked(app: &App, channel: &channel::Model) -> Result<bool> {
    let is_locked = app.secrets.open(&channel.credentials).is_err();
    if is_locked {
        health::set(app, channel.id, Some(LOCKED)).await?;
    } else if channel.state_reason.as_deref() == Some(LOCKED) {
        health::set(app, channel.id, None).await?;
    }
    Ok(is_locked)
}

/// The messenger of a channel, ready to be spoken to.
pub fn messenger(app: &App, channel: &channel::Model) -> Result<Arc<dyn Messenger>> {
    build(app, channel.kind, &open(app, channel)?)
}

/// The messenger that these open.
pub(super) fn build(app: &App, kind: ChannelKind, credentials: &Credentials) -> Result<Arc<dyn Messenger>> {
    let (config, http) = (&app.config, app.http.clone());
    let (token, patience) = (Secret::new(&credentials.token), config.pace.messenger);
    Ok(match kind {
        ChannelKind::Telegram => Arc::new(
            Telegram::new(http, &config.telegram_api_url, token).map_err(Error::internal)?.with_patience(patience),
        ),
        ChannelKind::Vk => {
            let vk = Vk::new(http, app.web.clone(), &config.vk_api_url, credentials.group_id, token);
            Arc::new(vk.map_err(Error::internal)?.with_patience(patience))
        }
        ChannelKind::Viber => {
            let viber = Viber::new(http, app.web.clone(), &config.viber_api_url, token);
            Arc::new(viber.map_err(Error::internal)?.with_patience(patience))
        }
        ChannelKind::Website => Arc::new(Website),
    })
}

/// Whether there is a bot behind it: there is none behind a website's chat and the demo's channel.
pub(super) fn has_bot(app: &App, channel: &channel::Model) -> Result<bool> {
    Ok(!open(app, channel)?.token.is_empty())
}

/// The origins whose pages may show a website's chat; none for other channels.
pub fn origins(app: &App, channel: &channel::Model) -> Result<Option<Vec<String>>> {
    (channel.kind == ChannelKind::Website).then(|| Ok(open(app, channel)?.origins)).transpose()
}

/// What the messenger has to show when it posts updates.
pub fn webhook_secret(app: &App, channel: &channel::Model) -> Result<Secret> {
    Ok(Secret::new(open(app, channel)?.webhook_secret))
}
