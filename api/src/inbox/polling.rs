//! Polling: asking a messenger for updates where it cannot reach us. One process at a time does, by its lease.

use std::sync::Arc;

use colloquy_entity::{Time, channel};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::error::Result;
use crate::messenger::Fault;

use super::health::{self, Proof, UPDATES};
use super::{credentials, intake};

/// After so many faults in a row the channel is FAILING.
const LASTING: u32 = 5;

/// Asks until stopped.
pub(super) async fn run(app: Arc<App>, channel: channel::Model, stop: CancellationToken) {
    let _ = stop.run_until_cancelled(poll(&app, &channel)).await;
}

async fn poll(app: &Arc<App>, channel: &channel::Model) {
    let mut failures = 0;
    let mut trouble = None;
    loop {
        let wait = match round(app, channel, trouble.as_deref()).await {
            Ok(Ok(())) => {
                (failures, trouble) = (0, None);
                continue;
            }
            Ok(Err(fault)) => {
                failures += 1;
                tracing::warn!(channel = %channel.id, words = fault.words(), "polling failed");
                let words = match &fault {
                    Fault::Broken { words } => Some(words.clone()),
                    // Updates that do not come are seen by nobody else.
                    fault if failures >= LASTING => Some(format!("{UPDATES}{}", fault.words())),
                    _ => None,
                };
                if words.is_some() {
                    if let Err(error) = health::set(app, channel.id, words.as_deref()).await {
                        tracing::warn!(%error, "the channel's state could not be noted");
                    }
                    trouble = words;
                }
                if failures % LASTING == 0 {
                    // Somebody may have set a webhook meanwhile: then nothing can be asked for.
                    end_webhook(app, channel).await;
                }
                let asked = match fault {
                    Fault::Passing { retry_after, .. } => retry_after.unwrap_or_default(),
                    _ => std::time::Duration::ZERO,
                };
                asked.max(app.config.pace.retry * 2u32.pow(failures.min(6) - 1))
            }
            Err(error) => {
                tracing::warn!(channel = %channel.id, %error, "what was polled could not be stored");
                app.config.pace.retry
            }
        };
        tokio::time::sleep(wait).await;
    }
}

async fn end_webhook(app: &App, channel: &channel::Model) {
    let Ok(messenger) = credentials::messenger(app, channel) else { return };
    if let Err(fault) = messenger.unsubscribe(None).await {
        tracing::info!(channel = %channel.id, words = fault.words(), "a webhook could not be ended");
    }
}

/// One poll: what came is stored before the next one confirms it to the messenger.
async fn round(
    app: &Arc<App>,
    channel: &channel::Model,
    trouble: Option<&str>,
) -> Result<std::result::Result<(), Fault>> {
    let row = channel::Entity::find_by_id(channel.id).one(app.db.read()).await?;
    let Some(row) = row else { return Ok(Ok(())) };
    let messenger = credentials::messenger(app, &row)?;
    let polled = match messenger.poll(row.poll_cursor.as_deref()).await {
        Ok(polled) => polled,
        Err(fault) => return Ok(Err(fault)),
    };
    health::well(app, row.id, Proof::Polled(trouble)).await?;
    for update in &polled.updates {
        let body = update.to_string();
        while let intake::Answer::Again(error) = intake::take_in(app, &row, body.as_bytes()).await {
            // In order, as they came: the next one waits for this one, which is given up after its third failure.
            tracing::warn!(channel = %row.id, %error, at = ?Time::now(), "an update is tried again");
            tokio::time::sleep(app.config.pace.retry).await;
        }
    }
    if polled.cursor != row.poll_cursor {
        let next = channel::ActiveModel { id: Set(row.id), poll_cursor: Set(polled.cursor), ..Default::default() };
        next.update_without_returning(app.db.write()).await?;
    }
    Ok(Ok(()))
}
