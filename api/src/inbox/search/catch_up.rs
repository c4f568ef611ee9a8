//! Catching up: what was written before there was this index, or by an earlier kind of it, is made to be found.

use std::sync::Arc;

use colloquy_entity::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::files;
use super::index::{Entry, Over, put};
use crate::app::App;
use crate::error::Result;
use crate::words;

/// So many at a time.
const CHUNK: u64 = 500;
/// What all that is stored was made by.
const SETTING: &str = "search";

/// Makes what was written before to be found, from the newest on, and ends. What an earlier analyzer stored is found by that
/// until its turn has come; what is written meanwhile is found at once.
pub async fn run(app: Arc<App>) {
    let mut failures = 0;
    loop {
        match catch_up(&app).await {
            Ok(()) => return,
            Err(error) => tracing::warn!(%error, "what was written before is not found yet: it is tried again"),
        }
        failures += 1;
        let wait = app.config.pace.retry * 2u32.pow(failures.min(6));
        if app.stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
            return;
        }
    }
}

async fn catch_up(app: &App) -> Result<()> {
    let known = setting::Entity::find_by_id(SETTING.to_owned()).one(app.db.read()).await?;
    if known.is_some_and(|row| row.value == words::VERSION) {
        return Ok(());
    }
    let messages = messages(app).await?;
    let comments = comments(app).await?;
    if app.stop.is_cancelled() {
        return Ok(());
    }
    if messages + comments > 0 {
        tracing::info!(messages, comments, "what was written before can be searched");
    }
    let done = setting::ActiveModel { name: Set(SETTING.into()), value: Set(words::VERSION.into()) };
    let again = OnConflict::column(setting::Column::Name).update_column(setting::Column::Value).to_owned();
    setting::Entity::insert(done).on_conflict(again).exec_without_returning(app.db.write()).await?;
    Ok(())
}

async fn messages(app: &App) -> Result<u64> {
    let (mut done, mut below) = (0, None);
    while !app.stop.is_cancelled() {
        let mut chunk = message::Entity::find().order_by_desc(message::Column::Id).limit(CHUNK);
        if let Some(below) = below {
            chunk = chunk.filter(message::Column::Id.lt(below));
        }
        // Whoever changes one of them meanwhile stores what it is by then: that is kept.
        let tx = app.begin().await?;
        let chunk = chunk.all(&*tx).await?;
        let Some(last) = chunk.last() else { break };
        below = Some(last.id);
        let ids: Vec<MessageId> = chunk.iter().map(|message| message.id).collect();
        let of = files::of(&*tx, &ids).await?;
        for message in chunk.iter().filter(|message| message.deleted_at.is_none()) {
            put(&*tx, &Entry::of_message(message, &of), Over::Earlier).await?;
            done += 1;
        }
        tx.commit().await?;
    }
    Ok(done)
}

async fn comments(app: &App) -> Result<u64> {
    let (mut done, mut below) = (0, None);
    while !app.stop.is_cancelled() {
        let mut chunk = comment::Entity::find().order_by_desc(comment::Column::Id).limit(CHUNK);
        if let Some(below) = below {
            chunk = chunk.filter(comment::Column::Id.lt(below));
        }
        let tx = app.begin().await?;
        let chunk = chunk.all(&*tx).await?;
        let Some(last) = chunk.last() else { break };
        below = Some(last.id);
        for comment in &chunk {
            put(&*tx, &Entry::of_comment(comment), Over::Earlier).await?;
            done += 1;
        }
        tx.commit().await?;
    }
    Ok(done)
}
