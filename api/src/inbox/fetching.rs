//! Fetching: files that clients sent, from the messenger into the store, after the message's commit.

use std::sync::Arc;

use colloquy_entity::channel;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::log::Kind;

use super::{credentials, files};

/// Files of one channel that are fetched at a time: slow ones hold up neither each other nor anything else.
const AT_ONCE: usize = 4;

/// Fetches until stopped.
pub(super) async fn run(app: Arc<App>, channel: channel::Model, stop: CancellationToken) {
    let slots = Arc::new(Semaphore::new(AT_ONCE));
    let mut arrivals = app.log.arrivals();
    let mut look = tokio::time::interval(app.config.pace.look);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = look.tick() => {}
            arrived = arrivals.recv() => {
                let concerns = |event: &crate::log::Event| {
                    event.channel == Some(channel.id) && matches!(event.kind, Kind::MessageAdded | Kind::MessageEdited)
                };
                // A receiver that was too slow may have missed one of ours.
                if arrived.is_ok_and(|batch| !batch.iter().any(|event| concerns(event))) {
                    continue;
                }
            }
        }
        if let Err(error) = begin(&app, &channel, &slots, &stop).await {
            tracing::warn!(channel = %channel.id, %error, "files cannot be fetched just now");
        }
    }
}

/// Begins as many as there are free slots.
async fn begin(
    app: &Arc<App>,
    channel: &channel::Model,
    slots: &Arc<Semaphore>,
    stop: &CancellationToken,
) -> crate::error::Result<()> {
    let free = slots.available_permits();
    if free == 0 {
        return Ok(());
    }
    for file in files::claim(app, channel.id, free as u64).await? {
        let Ok(slot) = Arc::clone(slots).try_acquire_owned() else { return Ok(()) };
        let messenger = credentials::messenger(app, channel)?;
        let (app, stop) = (Arc::clone(app), stop.clone());
        app.clone().tasks.spawn(async move {
            let _slot = slot;
            let id = file.id;
            match stop.run_until_cancelled(files::fetch(&app, &*messenger, file.clone())).await {
                Some(Ok(())) => {}
                Some(Err(error)) => tracing::warn!(file = %id, %error, "a file's state could not be noted"),
                // Stopped: the next process begins anew, at once.
                None => files::unclaim(&app, id).await,
            }
        });
    }
    Ok(())
}
