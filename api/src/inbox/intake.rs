//! Intake: an update as a messenger delivered it, until it is stored or was given up.

use std::borrow::Cow;
use std::sync::Arc;

use colloquy_entity::{Time, channel, failed_update};
use reqwest::header::HeaderMap;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::error::{Error, Result};
use crate::messenger::{Incoming, Messenger, Posted};
use crate::metrics::Of;

use super::connecting::Door;
use super::receive::receive;
use super::{credentials, profiles, typing};

/// A messenger may hold back everything behind an update that it cannot deliver: after so many failures it is kept and
/// answered as a success.
const TRIES: i32 = 3;

/// What to tell the messenger.
#[derive(Debug)]
pub enum Answer {
    /// It is done with; the messenger may forget it. With the words that it waits for.
    Done(Cow<'static, str>),
    /// It is not the messenger who speaks.
    Refused,
    /// The messenger is to bring it again.
    Again(Error),
}

/// Whether it may be the messenger who posted this, as far as the headers tell.
pub fn may_be_known(app: &App, door: &Door, headers: &HeaderMap) -> Result<bool> {
    let (Door::Open(channel) | Door::Awaited(channel)) = door;
    let secret = credentials::webhook_secret(app, channel)?;
    Ok(credentials::messenger(app, channel)?.verify_headers(&secret, headers))
}

/// Takes what was posted at a door. Answered `Done` only once everything that it makes is committed.
pub async fn take(app: &Arc<App>, door: &Door, posted: Posted<'_>) -> Answer {
    let (Door::Open(channel) | Door::Awaited(channel)) = door;
    let messenger = match credentials::messenger(app, channel) {
        Ok(messenger) => messenger,
        Err(error) => return Answer::Again(error),
    };
    let secret = match credentials::webhook_secret(app, channel) {
        Ok(secret) => secret,
        Err(error) => return Answer::Again(error),
    };
    if !messenger.verify(&secret, posted) {
        tracing::warn!(channel = %channel.id, "a webhook came with a wrong secret");
        return Answer::Refused;
    }
    if let Ok(update) = serde_json::from_slice(posted.body)
        && let Some(answer) = messenger.challenge(&update).await
    {
        return match answer {
            Ok(words) => Answer::Done(words.into()),
            Err(fault) => Answer::Again(Error::Away(fault.words().to_owned())),
        };
    }
    match door {
        Door::Open(channel) => take_in(app, channel, posted.body).await,
        Door::Awaited(_) => Answer::Again(Error::Away("the channel is being connected".into())),
    }
}

/// Takes an update in that the messenger is known to have made.
pub(super) async fn take_in(app: &Arc<App>, channel: &channel::Model, body: &[u8]) -> Answer {
    let kind = channel.kind.as_str().to_lowercase();
    let count = |outcome: &str| app.metrics.inbound.get_or_create(&Of::new(&kind, outcome)).inc();
    let messenger = match credentials::messenger(app, channel) {
        Ok(messenger) => messenger,
        Err(error) => return Answer::Again(error),
    };
    let done = Answer::Done(messenger.taken().into());
    match read_and_receive(app, channel, messenger, body).await {
        Ok(outcome) => {
            count(outcome);
            done
        }
        // Not the update's fault: it is not counted against it.
        Err(error @ Error::Away(_)) => {
            count("database_away");
            Answer::Again(error)
        }
        Err(error) => match note(app, channel, body, &error, 1).await {
            Ok(attempts) if attempts >= TRIES => {
                tracing::error!(channel = %channel.id, ?error, "an update failed {TRIES} times and is kept as it came");
                count("kept");
                done
            }
            Ok(_) => {
                tracing::warn!(channel = %channel.id, ?error, "an update failed");
                count("failed");
                Answer::Again(error)
            }
            Err(error) => Answer::Again(error),
        },
    }
}

async fn read_and_receive(
    app: &Arc<App>,
    channel: &channel::Model,
    messenger: Arc<dyn Messenger>,
    body: &[u8],
) -> Result<&'static str> {
    let update = serde_json::from_slice(body).map_err(|error| Error::bad("body", format!("not JSON: {error}")))?;
    let mut incoming = messenger.read(&update);
    let mut cropped = None;
    match &incoming {
        Incoming::Unknown { kind } => {
            tracing::info!(channel = %channel.id, kind, "an update of an unknown kind is ignored");
            return Ok("unknown");
        }
        Incoming::Unreadable { what } => {
            tracing::error!(channel = %channel.id, what, "an update cannot be read and is kept as it came");
            note(app, channel, body, &Error::bad("body", *what), TRIES).await?;
            return Ok("kept");
        }
        Incoming::Ignored { reason } => tracing::debug!(channel = %channel.id, reason, "an update is ignored"),
        Incoming::Button { id } => acknowledge(app, Arc::clone(&messenger), id.clone()),
        Incoming::Message(_) | Incoming::Edited(_) | Incoming::Echo(_) => {
            profiles::complete(app, channel, &*messenger, &mut incoming).await?;
            cropped = incoming.message().filter(|message| message.is_cropped).map(|_| incoming.clone());
        }
        Incoming::Typing { person } => typing::by_client(app, channel, person).await?,
        Incoming::Receipt(_) | Incoming::Reachable { .. } => {}
    }
    let outcome = receive(app, channel, incoming).await?;
    if let Some(cropped) = cropped {
        profiles::complete_later(app, channel, messenger, cropped);
    }
    Ok(outcome.as_str())
}

/// So that the button stops waiting on the client's screen. Nobody waits for this here.
fn acknowledge(app: &Arc<App>, messenger: Arc<dyn Messenger>, id: String) {
    app.tasks.spawn(async move {
        if let Err(fault) = messenger.acknowledge(&id).await {
            tracing::info!(words = fault.words(), "a button press was not answered");
        }
    });
}

/// Counts failures of this very update; answers how many there are.
async fn note(app: &App, channel: &channel::Model, body: &[u8], error: &Error, attempts: i32) -> Result<i32> {
    let fingerprint = Sha256::digest(body).to_vec();
    let row = failed_update::ActiveModel {
        channel_id: Set(channel.id),
        fingerprint: Set(fingerprint.clone()),
        body: Set(String::from_utf8_lossy(body).replace('\0', "\u{fffd}")),
        failure: Set(format!("{error:?}").replace('\0', "\u{fffd}")),
        attempts: Set(attempts),
        received_at: Set(Time::now()),
    };
    let more = Expr::col((failed_update::Entity, failed_update::Column::Attempts)).add(attempts);
    let again = OnConflict::columns([failed_update::Column::ChannelId, failed_update::Column::Fingerprint])
        .value(failed_update::Column::Attempts, more)
        .update_column(failed_update::Column::Failure)
        .to_owned();
    failed_update::Entity::insert(row).on_conflict(again).exec_without_returning(app.db.write()).await?;
    let row = failed_update::Entity::find()
        .filter(failed_update::Column::ChannelId.eq(channel.id))
        .filter(failed_update::Column::Fingerprint.eq(fingerprint))
        .one(app.db.write())
        .await?;
    Ok(row.map_or(0, |row| row.attempts))
}
