//! One file's way from a messenger into the store, and what became of it.

use std::io;
use std::sync::Arc;

use colloquy_entity::*;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

use crate::app::App;
use crate::error::Result;
use crate::log::Kind;
use crate::messenger::{Fault, Messenger};
use crate::metrics::Of;

use super::super::{dialogues, health, messages};
use super::store::{self, Lost};
use super::{preview, types};

/// How often fetching is tried.
const TRIES: i32 = 10;

/// Fetches one file, and notes what became of it.
pub async fn fetch(app: &Arc<App>, messenger: &dyn Messenger, mut file: attachment::Model) -> Result<()> {
    let kind = messenger.kind().as_str().to_lowercase();
    let mut is_drawn = true;
    let outcome = match download(app, messenger, &mut file).await {
        Ok(()) => {
            is_drawn = preview::draw_soon(app, &mut file).await;
            file.state = Some(FileState::Ready);
            "ready"
        }
        Err(fault @ (Fault::Passing { .. } | Fault::Broken { .. })) if file.attempts + 1 < TRIES => {
            tracing::info!(file = %file.id, words = fault.words(), "a file could not be fetched; it is tried again");
            if let (Fault::Broken { words }, Some(message)) = (&fault, file.message_id) {
                health::of_message(app, message, words).await?;
            }
            let retry_after = if let Fault::Passing { retry_after, .. } = fault { retry_after } else { None };
            let wait = app.config.pace.retry * 2u32.saturating_pow(file.attempts.unsigned_abs());
            let wait = wait.max(retry_after.unwrap_or_default());
            let at = Time::now().plus(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
            let row = attachment::ActiveModel {
                attempts: Set(file.attempts + 1),
                next_attempt_at: Set(Some(at)),
                ..Default::default()
            };
            // It may be gone by now: an edit put another in its place.
            pending(file.id).set(row).exec(app.db.write()).await?;
            app.metrics.files.get_or_create(&Of::new(kind, "again")).inc();
            return Ok(());
        }
        Err(fault) => {
            tracing::warn!(file = %file.id, words = fault.words(), "a file cannot be had");
            file.state = Some(FileState::Failed);
            "failed"
        }
    };
    app.metrics.files.get_or_create(&Of::new(kind, outcome)).inc();
    settle(app, file.clone()).await?;
    if !is_drawn {
        preview::later(app, file);
    }
    Ok(())
}

/// The update of a file that still waits to be fetched.
fn pending(file: AttachmentId) -> sea_orm::UpdateMany<attachment::Entity> {
    attachment::Entity::update_many()
        .filter(attachment::Column::Id.eq(file))
        .filter(attachment::Column::State.eq(FileState::Pending))
}

/// Streams it into the store, and fills in what the messenger did not say of it before.
async fn download(
    app: &App,
    messenger: &dyn Messenger,
    file: &mut attachment::Model,
) -> std::result::Result<(), Fault> {
    let download = messenger.download(file.reference.as_deref().unwrap_or_default()).await?;
    let path = file.id.to_string();
    let kept = store::keep(app, &path, download.bytes).await.map_err(|lost| match lost {
        Lost::Source(error) if error.kind() == io::ErrorKind::FileTooLarge => Fault::fatal(error.to_string()),
        Lost::Source(error) => Fault::passing(format!("The download broke off: {error}")),
        Lost::TooLarge => Fault::fatal(format!("The file is larger than {} MiB", store::LARGEST >> 20)),
        Lost::Store(error) => {
            tracing::error!(%error, "the file store does not work");
            Fault::passing("The file store does not work")
        }
    })?;
    file.size = i64::try_from(kept.size).ok();
    file.stored_as = Some(path);
    let said = file.content_type.as_deref().filter(|said| *said != types::ANY);
    if said.is_none() {
        file.content_type = Some(types::settle(download.content_type.as_deref(), &kept.head));
    }
    Ok(())
}

/// Notes what became of a file, and tells.
async fn settle(app: &App, file: attachment::Model) -> Result<()> {
    let Some(id) = file.message_id else { return Ok(()) };
    let mut tx = app.begin().await?;
    let Some(message) = message::Entity::find_by_id(id).one(&*tx).await? else { return Ok(()) };
    let Some(dialogue) = dialogues::lock(&tx, message.dialogue_id).await? else { return Ok(()) };
    let (stored, preview) = (file.stored_as.clone(), file.preview_as.clone());
    let row = attachment::ActiveModel {
        state: Set(file.state),
        size: Set(file.size),
        content_type: Set(file.content_type),
        stored_as: Set(file.stored_as),
        preview_as: Set(file.preview_as),
        width: Set(file.width),
        height: Set(file.height),
        attempts: Set(file.attempts + 1),
        next_attempt_at: Set(None),
        ..Default::default()
    };
    // An edit may have put another file in its place meanwhile, or another process has fetched it, too.
    if pending(file.id).set(row).exec(&*tx).await?.rows_affected == 0 {
        let now = attachment::Entity::find_by_id(file.id).one(&*tx).await?;
        drop(tx);
        if now.is_none_or(|now| now.stored_as.is_none()) {
            for path in [stored, preview].into_iter().flatten() {
                store::discard(app, &path).await;
            }
        }
        return Ok(());
    }
    tx.emit(messages::tell(Kind::MessageFileChanged, None, &dialogue, id));
    tx.commit().await
}
