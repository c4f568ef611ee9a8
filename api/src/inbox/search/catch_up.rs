//! Catching up: what was written before there was this index, or by an earlier kind of it, is made to be found.

use std::collections::BTreeSet;
use std::sync::Arc;

use colloquy_entity::*;
use sea_orm::sea_query::{Expr, LockBehavior, LockType, OnConflict, Order, Query};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::index::{Entry, put};
use super::{Shelf, files};
use crate::app::App;
use crate::error::Result;
use crate::words;

/// So many at a time.
const CHUNK: u64 = 500;
/// What all that is stored was made by; or which analyzer is at it, and how far it has come.
const SETTING: &str = "search";

/// Makes what was written before to be found, from the newest on, and ends. What an earlier analyzer stored is found by that
/// until its turn has come; what is written meanwhile is found at once. Where it was interrupted, it goes on.
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
    let known = setting::Entity::find_by_id(SETTING.to_owned()).one(app.db.read()).await?.map(|row| row.value);
    if known.as_deref() == Some(words::VERSION) {
        return Ok(());
    }
    let begun = known.as_deref().and_then(reached);
    let mut done = 0;
    for shelf in
        [Shelf::Messages, Shelf::Comments].into_iter().skip_while(|shelf| begun.is_some_and(|(at, _)| at != *shelf))
    {
        let mut below = begun.filter(|(at, _)| *at == shelf).map(|(_, id)| id);
        loop {
            if app.stop.is_cancelled() {
                return Ok(());
            }
            let ids = next(app, shelf, below).await?;
            let Some(&last) = ids.last() else { break };
            done += store_anew(app, shelf, &ids).await?;
            below = Some(last);
            keep(app, told(shelf, last)).await?;
        }
    }
    if done > 0 {
        tracing::info!(done, "what was written before can be searched");
    }
    keep(app, words::VERSION.to_owned()).await
}

/// How far this analyzer has come.
fn told(shelf: Shelf, last: Uuid) -> String {
    format!("{}; {} below {last}", words::VERSION, shelf.of())
}

/// The other way round; none of what another analyzer tells.
fn reached(told: &str) -> Option<(Shelf, Uuid)> {
    let (of, last) = told.strip_prefix(words::VERSION)?.strip_prefix("; ")?.split_once(" below ")?;
    let shelf = [Shelf::Messages, Shelf::Comments].into_iter().find(|shelf| shelf.of() == of)?;
    Some((shelf, last.parse().ok()?))
}

async fn keep(app: &App, value: String) -> Result<()> {
    let row = setting::ActiveModel { name: Set(SETTING.into()), value: Set(value) };
    let again = OnConflict::column(setting::Column::Name).update_column(setting::Column::Value).to_owned();
    setting::Entity::insert(row).on_conflict(again).exec_without_returning(app.db.write()).await?;
    Ok(())
}

/// The next ids, newest first.
async fn next(app: &App, shelf: Shelf, below: Option<Uuid>) -> Result<Vec<Uuid>> {
    use sea_orm::sea_query::ExprTrait as _;
    let mut ids = Query::select();
    ids.column("id").from(shelf.of()).order_by("id", Order::Desc).limit(CHUNK);
    if let Some(below) = below {
        ids.and_where(Expr::col("id").lt(below));
    }
    let rows = app.db.read().query_all(&ids).await?;
    Ok(rows.iter().map(|row| row.try_get("", "id")).collect::<Result<_, _>>()?)
}

/// Stores these as they are now, and returns how many. What somebody changes meanwhile is waited for by itself, while
/// nothing else is held: they may wait for what is.
async fn store_anew(app: &App, shelf: Shelf, ids: &[Uuid]) -> Result<usize> {
    let stored = store_held(app, shelf, ids, Some(LockBehavior::SkipLocked)).await?;
    for id in ids.iter().filter(|id| !stored.contains(id)) {
        store_held(app, shelf, &[*id], None).await?;
    }
    Ok(ids.len())
}

/// Stores those that could be held, and returns them. Whoever changes one writes that before its words, so what is held
/// stays as it is until it is stored. (SQLite has one writer at a time.)
async fn store_held(app: &App, shelf: Shelf, ids: &[Uuid], busy: Option<LockBehavior>) -> Result<BTreeSet<Uuid>> {
    let ids = ids.iter().copied();
    let tx = app.begin().await?;
    let entries: Vec<(Uuid, Option<Entry>)> = match shelf {
        Shelf::Messages => {
            let rows =
                message::Entity::find().filter(message::Column::Id.is_in(ids)).order_by_desc(message::Column::Id);
            let rows = held(rows, busy).all(&*tx).await?;
            let named: Vec<MessageId> = rows.iter().map(|row| row.id).collect();
            let of = files::of(&*tx, &named).await?;
            let entry = |row: &message::Model| row.deleted_at.is_none().then(|| Entry::of_message(row, &of));
            rows.iter().map(|row| (row.id.0, entry(row))).collect()
        }
        Shelf::Comments => {
            let rows =
                comment::Entity::find().filter(comment::Column::Id.is_in(ids)).order_by_desc(comment::Column::Id);
            let rows = held(rows, busy).all(&*tx).await?;
            rows.iter().map(|row| (row.id.0, Some(Entry::of_comment(row)))).collect()
        }
    };
    for entry in entries.iter().filter_map(|(_, entry)| entry.as_ref()) {
        put(&*tx, entry).await?;
    }
    tx.commit().await?;
    Ok(entries.into_iter().map(|(id, _)| id).collect())
}

fn held<Q: QuerySelect>(rows: Q, busy: Option<LockBehavior>) -> Q {
    match busy {
        Some(busy) => rows.lock_with_behavior(LockType::Share, busy),
        None => rows.lock(LockType::Share),
    }
}
