//! Polling: asking a messenger for updates where it cannot reach us. One process at a time does, by its lease.

use std::sync::Arc;

use colloquy_entity::{Time, channel};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::error::Result;
use crate::messenger::Fault;

use super::{channels, credentials, intake};

/// Asks until stopped.
pub(super) async fn run(app: Arc<App>, channel: channel::Model, stop: CancellationToken) {
    let _ = stop.run_until_cancelled(poll(&app, &channel)).await;
}

async fn poll(app: &Arc<App>, channel: &channel::Model) {
    let mut failures = 0;
    loop {
        let wait = match round(app, channel).await {
            Ok(Ok(())) => {
                failures = 0;
                continue;
            }
            Ok(Err(fault)) => {
                failures += 1;
                tracing::warn!(channel = %channel.id, words = fault.words(), "polling failed");
                if matches!(fault, Fault::Broken { .. })
                    && let Err(error) = channels::set_health(app, channel.id, Some(fault.words())).await
                {
                    tracing::warn!(%error, "the channel's state could not be noted");
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

/// One poll: what came is stored before the next one confirms it to the messenger.
async fn round(app: &Arc<App>, channel: &channel::Model) -> Result<std::result::Result<(), Fault>> {
    let row = channel::Entity::find_by_id(channel.id).one(app.db.read()).await?;
    let Some(row) = row else { return Ok(Ok(())) };
    let messenger = credentials::messenger(app, &row)?;
    let polled = match messenger.poll(row.poll_cursor.as_deref()).await {
        Ok(polled) => polled,
        Err(fault) => return Ok(Err(fault)),
    };
    channels::set_health(app, row.id, None).await?;
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
