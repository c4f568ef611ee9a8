//! Profiles: who a client is, asked of messengers whose updates do not tell; and messages that came cropped.

use std::sync::Arc;
use std::time::Duration;

use colloquy_entity::*;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use tokio::time::timeout;

use crate::app::App;
use crate::error::Result;
use crate::messenger::{Echo, Fault, Incoming, Messenger};

use super::receive::receive;

/// Milliseconds for which a profile is taken as it was.
const FRESH: i64 = 24 * 60 * 60 * 1000;
/// How often the whole of a cropped message is asked for afterwards.
const TRIES: u32 = 10;
/// A messenger that asks for a quick answer gives us none slower than this: the client is then named at their next message.
const PATIENCE: Duration = Duration::from_secs(2);

/// Completes what an update leaves out, as far as the messenger answers soon. Nothing is kept back for it.
pub(super) async fn complete(
    app: &App,
    channel: &channel::Model,
    messenger: &dyn Messenger,
    incoming: &mut Incoming,
) -> Result<()> {
    let message = match incoming {
        Incoming::Message(message) | Incoming::Edited(message) => &mut **message,
        Incoming::Echo(echo) => &mut echo.message,
        _ => return Ok(()),
    };
    if message.is_cropped {
        match timeout(PATIENCE, messenger.whole(message)).await {
            Ok(Ok(Some(whole))) => *message = whole,
            Ok(Ok(None)) => {}
            Ok(Err(fault)) => {
                tracing::info!(channel = %channel.id, words = fault.words(), "a message is cropped so far")
            }
            Err(_) => tracing::info!(channel = %channel.id, "a message is cropped so far: the messenger is slow"),
        }
    }
    let person = &mut message.person;
    if person.name.is_some() {
        return Ok(());
    }
    let known = client::Entity::find()
        .filter(client::Column::Kind.eq(channel.kind))
        .filter(client::Column::ExternalId.eq(&person.external_id))
        .one(app.db.read())
        .await?;
    let now = Time::now();
    if known.as_ref().and_then(|client| client.profile_at).is_some_and(|at| at.plus(FRESH) > now) {
        return Ok(());
    }
    match timeout(PATIENCE, messenger.profile(&person.external_id)).await {
        Ok(Ok(Some(profile))) => {
            person.name = profile.name;
            person.username = profile.username.or(person.username.take());
            person.avatar_url = profile.avatar_url.or(person.avatar_url.take());
            person.profile_at = Some(now);
        }
        Ok(Ok(None)) => {}
        Ok(Err(fault)) => {
            tracing::info!(channel = %channel.id, words = fault.words(), "a client's profile is not known")
        }
        Err(_) => tracing::info!(channel = %channel.id, "a client's profile is not known: the messenger was too slow"),
    }
    Ok(())
}

/// Completes a message that was stored cropped, as soon as the messenger gives the whole of it: that is then an edit without a
/// time.
pub(super) fn complete_later(
    app: &Arc<App>,
    channel: &channel::Model,
    messenger: Arc<dyn Messenger>,
    cropped: Incoming,
) {
    let (to, channel) = (Arc::clone(app), channel.clone());
    let work = async move {
        for failures in 0..TRIES {
            tokio::time::sleep(to.config.pace.retry * 2u32.pow(failures)).await;
            let Some(message) = cropped.message() else { return };
            let whole = match messenger.whole(message).await {
                Ok(Some(whole)) => whole,
                Err(Fault::Passing { .. } | Fault::Broken { .. }) => continue,
                Ok(None) | Err(Fault::Final { .. }) => break,
            };
            let whole = match &cropped {
                Incoming::Echo(echo) => {
                    Incoming::Echo(Box::new(Echo { message: whole, is_edit: true, ..Echo::clone(echo) }))
                }
                _ => Incoming::Edited(Box::new(whole)),
            };
            if let Err(error) = receive(&to, &channel, whole).await {
                tracing::warn!(channel = %channel.id, %error, "a message stays cropped");
            }
            return;
        }
        tracing::warn!(channel = %channel.id, "a message stays cropped");
    };
    app.tasks.spawn(app.stop.clone().run_until_cancelled_owned(work));
}
