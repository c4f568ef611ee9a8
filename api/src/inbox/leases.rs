//! Leases: a channel's sending, polling and fetching belong to one process at a time, since messengers' limits are per
//! bot. The lease is a session lock of PostgreSQL: a process that is killed frees it at once, one that is frozen within
//! two seconds. With SQLite the process is alone.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use colloquy_entity::{ChannelId, ChannelState, channel};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::config::Database;
use crate::error::{Error, Result};

use super::{credentials, delivery, fetching, registration};

/// A database that does not answer for so long may have given our leases to another process, or is about to.
const PATIENCE: Duration = Duration::from_secs(1);

/// Milliseconds after which a session that does nothing loses its locks.
const FROZEN: &str = "1500";
/// Between two words to it.
const PING: Duration = Duration::from_millis(500);

/// Works for every channel whose lease this process can get, until it is stopped.
pub async fn run(app: Arc<App>) {
    let mut held = HashMap::new();
    let mut session = None;
    let mut look = tokio::time::interval(app.config.pace.look.min(PING));
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut arrivals = app.log.arrivals();
    loop {
        tokio::select! {
            () = app.stop.cancelled() => break,
            _ = look.tick() => {}
            // A channel that was just connected is worked for at once.
            arrived = arrivals.recv() => {
                let changed = arrived.is_ok_and(|batch| {
                    batch.iter().any(|event| event.kind == crate::log::Kind::ChannelChanged)
                });
                if !changed {
                    continue;
                }
            }
        }
        if let Err(error) = round(&app, &mut session, &mut held).await {
            if !held.is_empty() {
                tracing::warn!(%error, "the leases are lost: another process may have them");
            }
            session = None;
            // Dropped guards stop the workers.
            held.clear();
        }
    }
}

/// Stops the workers of a channel when it is dropped.
struct Held {
    stop: CancellationToken,
    /// As it was when the work began: with other credentials it begins anew.
    credentials: Vec<u8>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn round(app: &Arc<App>, session: &mut Option<PgConnection>, held: &mut HashMap<ChannelId, Held>) -> Result<()> {
    keep(app, session).await?;
    let channels = channel::Entity::find()
        .filter(channel::Column::State.ne(ChannelState::Disconnected))
        .all(app.db.read())
        .await?;
    let stay = |id: &ChannelId, one: &Held| channels.iter().any(|c| c.id == *id && c.credentials == one.credentials);
    let gone: Vec<ChannelId> = held.iter().filter(|(id, one)| !stay(id, one)).map(|(id, _)| *id).collect();
    for id in gone {
        held.remove(&id);
        release(session, id).await?;
    }
    for channel in channels {
        if held.contains_key(&channel.id) || !acquire(session, channel.id).await? {
            continue;
        }
        if credentials::is_locked(app, &channel).await? {
            // Another process may have the right key.
            release(session, channel.id).await?;
            continue;
        }
        let stop = app.stop.child_token();
        held.insert(channel.id, Held { stop: stop.clone(), credentials: channel.credentials.clone() });
        work(app, channel, stop);
    }
    Ok(())
}

/// The workers of one channel.
fn work(app: &Arc<App>, channel: channel::Model, stop: CancellationToken) {
    tracing::info!(channel = %channel.id, "this process sends for the channel");
    app.tasks.spawn(delivery::run(Arc::clone(app), channel.clone(), stop.clone()));
    app.tasks.spawn(fetching::run(Arc::clone(app), channel.clone(), stop.clone()));
    app.tasks.spawn(registration::run(Arc::clone(app), channel, stop));
}

/// Sees to it that the session that holds the locks is there, and is the one that took them.
async fn keep(app: &App, session: &mut Option<PgConnection>) -> Result<()> {
    let Database::Postgres(url) = &app.config.database else { return Ok(()) };
    let lost = |error: &dyn std::fmt::Display| Error::Away(error.to_string());
    match session {
        Some(open) => {
            let answer = timeout(PATIENCE, open.ping()).await;
            answer.map_err(|error| lost(&error))?.map_err(|error| lost(&error))
        }
        None => {
            let options: PgConnectOptions = url.parse().map_err(Error::internal)?;
            // A process that is frozen does not ping, and PostgreSQL takes its locks away.
            let options = options.application_name("colloquy leases").options([("idle_session_timeout", FROZEN)]);
            let opened = timeout(PATIENCE, options.connect()).await;
            *session = Some(opened.map_err(|error| lost(&error))?.map_err(|error| lost(&error))?);
            Ok(())
        }
    }
}

/// The number of a channel's lock: as good as unique, from the random end of its id.
fn number(id: ChannelId) -> i64 {
    i64::from_be_bytes(id.0.as_u64_pair().1.to_be_bytes())
}

async fn acquire(session: &mut Option<PgConnection>, id: ChannelId) -> Result<bool> {
    let Some(session) = session else { return Ok(true) };
    let query = sqlx::query_scalar::<_, bool>("SELECT pg_try_advisory_lock($1)").bind(number(id));
    query.fetch_one(session).await.map_err(|error| Error::Away(error.to_string()))
}

async fn release(session: &mut Option<PgConnection>, id: ChannelId) -> Result<()> {
    let Some(session) = session else { return Ok(()) };
    let query = sqlx::query("SELECT pg_advisory_unlock($1)").bind(number(id));
    query.execute(session).await.map(|_| ()).map_err(|error| Error::Away(error.to_string()))
}
