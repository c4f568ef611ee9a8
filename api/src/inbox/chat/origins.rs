//! Which origins have a chat at all: what can be asked before it is known which channel is meant.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use colloquy_entity::*;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::app::App;
use crate::error::Result;
use crate::inbox::credentials;

/// How long an origin that was removed may still be told that it is known; what it asks for is checked exactly.
const FRESH: Duration = Duration::from_secs(1);

/// The origins of all chats, as of a moment ago.
#[derive(Default)]
pub(super) struct Origins(Mutex<Option<(Instant, Arc<HashSet<String>>)>>);

/// Whether pages of this origin may show the chat of some channel.
pub async fn is_known(app: &App, origin: &str) -> bool {
    let kept = app.chat.origins.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some((at, known)) = kept
        && at.elapsed() < FRESH
        && known.contains(origin)
    {
        return true;
    }
    // One that is not among them may have been allowed just now.
    match read(app).await {
        Ok(known) => known.contains(origin),
        Err(error) => {
            tracing::warn!(%error, "the origins of websites' chats cannot be read just now");
            false
        }
    }
}

async fn read(app: &App) -> Result<Arc<HashSet<String>>> {
    let channels = channel::Entity::find()
        .filter(channel::Column::Kind.eq(ChannelKind::Website))
        .filter(channel::Column::State.ne(ChannelState::Disconnected))
        .all(app.db.read())
        .await?;
    let mut known = HashSet::new();
    for channel in &channels {
        // One that cannot be read any more keeps nobody from the others.
        known.extend(credentials::origins(app, channel).ok().flatten().unwrap_or_default());
    }
    let known = Arc::new(known);
    let fresh = Some((Instant::now(), Arc::clone(&known)));
    *app.chat.origins.0.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
    Ok(known)
}
