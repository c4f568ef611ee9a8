//! Registration: how a channel's updates reach us. By a webhook where the outside can reach us, else we ask for them.

use std::sync::Arc;

use colloquy_entity::{ChannelId, ChannelKind, ChannelState, channel};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::error::Result;
use crate::messenger::{self, Fault, Messenger, Secret};

use super::health::{self, Proof, UPDATES};
use super::{credentials, polling};

/// A channel that fails is looked at again after so many first waits of a sending.
const WATCH: u32 = 60;

/// Where a channel's updates are to be posted to; nowhere without `PUBLIC_URL`.
pub(super) fn address(app: &App, kind: ChannelKind, id: ChannelId) -> Option<String> {
    let url = app.config.public_url.as_ref()?;
    Some(format!("{url}/webhooks/{}/{id}", kind.as_str().to_lowercase()))
}

/// Has updates posted to `address` instead of to where they were posted before; to nowhere where there is none, so that
/// they can be asked for.
pub(super) async fn register(
    messenger: &dyn Messenger,
    before: Option<&str>,
    address: Option<&str>,
    secret: &Secret,
) -> std::result::Result<(), Fault> {
    if address.is_none() && !messenger::can_poll(messenger.kind()) {
        // What it had is left alone: with the same address again it goes on as before.
        return Err(Fault::Broken {
            words: "It only posts to an address that the outside can reach: set PUBLIC_URL".into(),
        });
    }
    // A new address takes the place of the old at those who know one alone; the others keep several.
    if address.is_none() || before.is_some_and(|before| Some(before) != address) {
        messenger.unsubscribe(before).await?;
    }
    match address {
        Some(address) => messenger.subscribe(address, secret).await,
        None => Ok(()),
    }
}

/// Sees to a channel's updates until stopped: registers it anew where `PUBLIC_URL` is another than when it was connected,
/// and asks for updates where that is how they come.
pub(super) async fn run(app: Arc<App>, channel: channel::Model, stop: CancellationToken) {
    match credentials::has_bot(&app, &channel) {
        Ok(true) => {}
        Ok(false) => return,
        Err(error) => return tracing::error!(channel = %channel.id, ?error, "the channel cannot take updates"),
    }
    if stop.run_until_cancelled(settle(&app, &channel)).await.is_none() {
        return;
    }
    let watch = watch(Arc::clone(&app), channel.id);
    if app.config.public_url.is_none() {
        let polling = polling::run(Arc::clone(&app), channel, stop.clone());
        tokio::join!(polling, stop.run_until_cancelled(watch));
    } else {
        stop.run_until_cancelled(watch).await;
    }
}

/// Looks now and then whether a channel that failed works again: where nothing is sent nobody else finds out.
async fn watch(app: Arc<App>, id: ChannelId) {
    loop {
        tokio::time::sleep(app.config.pace.retry * WATCH).await;
        match channel::Entity::find_by_id(id).one(app.db.read()).await {
            Ok(Some(channel)) if channel.state == ChannelState::Failing => {
                look_again(&app, &channel).await;
            }
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "the channel's state is looked at later"),
        }
    }
}

async fn settle(app: &Arc<App>, channel: &channel::Model) {
    let wanted = address(app, channel.kind, channel.id);
    let mut failures = 0;
    let mut pause = async || {
        failures += 1;
        tokio::time::sleep(app.config.pace.retry * 2u32.pow(failures.min(6))).await;
    };
    if channel.webhook_url == wanted {
        // It may have failed where PUBLIC_URL was another for a while; or fail still.
        if channel.state == ChannelState::Failing {
            while !look_again(app, channel).await {
                pause().await;
            }
        }
        return;
    }
    loop {
        let trouble = match move_to(app, channel, wanted.as_deref()).await {
            Ok(Ok(())) => return,
            Ok(Err(fault)) => format!("{UPDATES}{}", fault.words()),
            Err(error) => format!("{UPDATES}{error}"),
        };
        tracing::warn!(channel = %channel.id, trouble, "the channel could not be registered at PUBLIC_URL");
        if let Err(error) = health::set(app, channel.id, Some(&trouble)).await {
            tracing::warn!(%error, "the channel's state could not be noted");
        }
        pause().await;
    }
}

/// A channel that failed works again where its messenger knows us. Whether what it says to that is known now.
async fn look_again(app: &App, channel: &channel::Model) -> bool {
    let asked = async {
        let is_forgotten =
            channel.state_reason.as_deref().is_some_and(|words| messenger::is_forgotten(channel.kind, words));
        let outcome = if is_forgotten {
            move_to(app, channel, address(app, channel.kind, channel.id).as_deref()).await?
        } else {
            let identified = credentials::messenger(app, channel)?.identify().await;
            if identified.is_ok() {
                health::well(app, channel.id, Proof::Identified).await?;
            }
            identified.map(drop)
        };
        Ok(!matches!(outcome, Err(Fault::Passing { .. })))
    };
    asked.await.unwrap_or_else(|error: crate::error::Error| {
        tracing::warn!(channel = %channel.id, %error, "whether the channel works again is not known yet");
        false
    })
}

async fn move_to(app: &App, channel: &channel::Model, wanted: Option<&str>) -> Result<std::result::Result<(), Fault>> {
    let messenger = credentials::messenger(app, channel)?;
    let secret = credentials::webhook_secret(app, channel)?;
    if let Err(fault) = register(&*messenger, channel.webhook_url.as_deref(), wanted, &secret).await {
        return Ok(Err(fault));
    }
    let row =
        channel::ActiveModel { id: Set(channel.id), webhook_url: Set(wanted.map(str::to_owned)), ..Default::default() };
    row.update_without_returning(app.db.write()).await?;
    health::well(app, channel.id, Proof::Registered).await?;
    Ok(Ok(()))
}
