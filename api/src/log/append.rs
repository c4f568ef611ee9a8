//! Writing: a change's events enter its transaction last, and have their positions when its commit returns.
//!
//! A number taken inside a transaction is not the order of commits: a reader may pass 8 while 7 has yet to commit. So on
//! PostgreSQL events are written as pending, and after the commit whoever comes first moves everything that is pending
//! to the log, with the next positions. On SQLite transactions that write follow one another: positions are given
//! inside.

use std::sync::atomic::Ordering;

use colloquy_entity::{Time, event, event_subject, log_head, pending_event};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, FromQueryResult, QueryFilter,
    Statement,
};
use serde::Serialize;

use super::event::Row;
use super::{Detail, Entry, Event, Log};
use crate::bus::{Topic, Word};
use crate::error::{Error, Result};

/// Most values in one statement: SQLite takes 32,766.
const ROWS: usize = 1_000;

/// All in one statement whatever the number of events, so that the database plans it once.
const PEND: &str = "WITH batch AS MATERIALIZED (SELECT nextval('event_batches') AS number) \
    INSERT INTO pending_events (batch, ordinal, mark, at, kind, actor_user_id, actor_client_id, dialogue_id, channel_id, \
      addressee_id, detail) \
    SELECT batch.number, e.ordinal, e.mark, e.at, e.kind, e.actor_user_id, e.actor_client_id, e.dialogue_id, e.channel_id, \
      e.addressee_id, e.detail \
    FROM batch, jsonb_to_recordset($1) AS e(ordinal int, mark int, at bigint, kind text, actor_user_id uuid, \
      actor_client_id uuid, dialogue_id uuid, channel_id uuid, addressee_id uuid, detail jsonb)";

const LOCK_HEAD: &str = "SELECT position FROM log_heads WHERE id = 1 FOR UPDATE";

/// Sees what has committed by now: the lock was taken by a statement before it.
const MOVE: &str = "WITH taken AS (DELETE FROM pending_events RETURNING *), \
    numbered AS (SELECT $1 + row_number() OVER (ORDER BY batch, ordinal) AS position, * FROM taken), \
    placed AS (INSERT INTO events (position, mark, batch, at, kind, actor_user_id, actor_client_id, dialogue_id, \
        channel_id, addressee_id, detail) \
      SELECT position, mark, batch, at, kind, actor_user_id, actor_client_id, dialogue_id, channel_id, addressee_id, detail \
      FROM numbered), \
    about AS (INSERT INTO event_subjects (subject_id, position) \
      SELECT subject::uuid, position FROM numbered, jsonb_array_elements_text(detail->'subjects') AS subject), \
    head AS (UPDATE log_heads SET position = $1 + (SELECT count(*) FROM taken) \
      WHERE id = 1 AND EXISTS (SELECT 1 FROM taken)) \
    SELECT position, mark, batch, at, kind, actor_user_id, actor_client_id, dialogue_id, channel_id, addressee_id, detail \
    FROM numbered ORDER BY position";

/// An event on its way into `pending_events`.
#[derive(Serialize)]
struct Pending<'a> {
    ordinal: usize,
    mark: i32,
    at: Time,
    kind: &'a str,
    actor_user_id: Option<uuid::Uuid>,
    actor_client_id: Option<uuid::Uuid>,
    dialogue_id: Option<uuid::Uuid>,
    channel_id: Option<uuid::Uuid>,
    addressee_id: Option<uuid::Uuid>,
    detail: &'a Detail,
}

impl Log {
    /// Commits a change with its events, and returns once they have their positions.
    pub(crate) async fn commit(&self, tx: DatabaseTransaction, entries: Vec<Entry>, at: Time) -> Result<()> {
        if entries.is_empty() {
            return Ok(tx.commit().await?);
        }
        if !self.db.is_postgres() {
            let events = place(&tx, entries, at).await?;
            tx.commit().await?;
            self.offer(events);
            return Ok(());
        }
        pend(&tx, &entries, at).await?;
        tx.commit().await?;
        let mine = self.committed.fetch_add(1, Ordering::SeqCst) + 1;
        if let Err(error) = self.position_up_to(mine).await {
            // The change is committed and stays so; the look of any process gives the positions.
            tracing::warn!(%error, "events were committed and have no positions yet");
        }
        Ok(())
    }

    /// Gives positions to everything that was committed before this call, by whomever. A no-op on SQLite.
    pub(super) async fn position_pending(&self) -> Result<()> {
        // Most often there is nothing: then nobody is kept waiting for the head.
        if !self.db.is_postgres() || pending_event::Entity::find().one(self.db.read()).await?.is_none() {
            return Ok(());
        }
        let mine = self.committed.fetch_add(1, Ordering::SeqCst) + 1;
        self.position_up_to(mine).await
    }

    /// One at a time in this process: whoever waited meanwhile finds that the one before did theirs, too.
    async fn position_up_to(&self, mine: u64) -> Result<()> {
        let _one = self.positioner.lock().await;
        if self.positioned.load(Ordering::SeqCst) >= mine {
            return Ok(());
        }
        let covered = self.committed.load(Ordering::SeqCst);
        let events = self.move_pending().await?;
        self.positioned.store(covered, Ordering::SeqCst);
        self.offer(events);
        Ok(())
    }

    async fn move_pending(&self) -> Result<Vec<Event>> {
        let tx = self.db.begin().await?;
        let backend = tx.get_database_backend();
        let head = tx.query_one_raw(Statement::from_string(backend, LOCK_HEAD)).await?;
        let head: i64 = head.ok_or_else(|| Error::internal("the log has no head"))?.try_get_by_index(0)?;
        let rows = tx.query_all_raw(Statement::from_sql_and_values(backend, MOVE, [head.into()])).await?;
        tx.commit().await?;
        rows.iter().map(|row| Event::try_from(Row::from_query_result(row, "")?)).collect()
    }

    /// Hands over what was just positioned to this process's follower and to the other processes.
    fn offer(&self, events: Vec<Event>) {
        if events.is_empty() {
            return;
        }
        if self.bus.reaches_others() {
            let rows: Vec<Row> = events.iter().map(Row::from).collect();
            match serde_json::to_string(&rows) {
                Ok(body) => self.bus.publish(Word { topic: Topic::Log, body: body.into() }),
                Err(error) => tracing::error!(%error, "events could not be put into words"),
            }
        }
        // Where the queue is full, the follower looks into the database by itself.
        let _ = self.offers.try_send(events);
    }
}

async fn pend(tx: &DatabaseTransaction, entries: &[Entry], at: Time) -> Result<()> {
    let rows: Vec<Pending<'_>> = entries
        .iter()
        .enumerate()
        .map(|(ordinal, entry)| {
            let (user, client) = actor(entry);
            Pending {
                ordinal,
                mark: mark(),
                at,
                kind: entry.kind.as_str(),
                actor_user_id: user.map(|id| id.0),
                actor_client_id: client.map(|id| id.0),
                dialogue_id: entry.dialogue.map(|id| id.0),
                channel_id: entry.channel.map(|id| id.0),
                addressee_id: entry.addressee.map(|id| id.0),
                detail: &entry.detail,
            }
        })
        .collect();
    let json = serde_json::to_value(&rows)?;
    tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), PEND, [json.into()])).await?;
    Ok(())
}

/// On SQLite: straight into the log.
async fn place(tx: &DatabaseTransaction, entries: Vec<Entry>, at: Time) -> Result<Vec<Event>> {
    let count = i64::try_from(entries.len()).map_err(Error::internal)?;
    let head = log_head::Entity::update_many()
        .col_expr(log_head::Column::Position, Expr::col(log_head::Column::Position).add(count))
        .filter(log_head::Column::Id.eq(1))
        .exec_with_returning(tx)
        .await?;
    let head = head.first().ok_or_else(|| Error::internal("the log has no head"))?;
    let first = head.position - count + 1;
    let events: Vec<Event> = (first..)
        .zip(entries)
        .map(|(position, entry)| Event { position, mark: mark(), batch: first, at, entry })
        .collect();
    let mut rows = Vec::with_capacity(events.len());
    let mut subjects = Vec::new();
    for event in &events {
        let (user, client) = actor(event);
        rows.push(event::ActiveModel {
            position: Set(event.position),
            mark: Set(event.mark),
            batch: Set(event.batch),
            at: Set(event.at),
            kind: Set(event.kind.as_str().into()),
            actor_user_id: Set(user),
            actor_client_id: Set(client),
            dialogue_id: Set(event.dialogue),
            channel_id: Set(event.channel),
            addressee_id: Set(event.addressee),
            detail: Set(serde_json::to_value(&event.detail)?),
        });
        subjects.extend(
            event
                .detail
                .subjects
                .iter()
                .map(|subject| event_subject::ActiveModel { subject_id: Set(*subject), position: Set(event.position) }),
        );
    }
    for chunk in rows.chunks(ROWS) {
        event::Entity::insert_many(chunk.iter().cloned()).exec_without_returning(tx).await?;
    }
    for chunk in subjects.chunks(ROWS) {
        event_subject::Entity::insert_many(chunk.iter().cloned()).exec_without_returning(tx).await?;
    }
    Ok(events)
}

fn actor(entry: &Entry) -> (Option<colloquy_entity::UserId>, Option<colloquy_entity::ClientId>) {
    match entry.actor {
        Some(super::Actor::User(id)) => (Some(id), None),
        Some(super::Actor::Client(id)) => (None, Some(id)),
        None => (None, None),
    }
}

/// Random, positive, and never 0: that one stands for the start of the log.
fn mark() -> i32 {
    let (random, _) = uuid::Uuid::new_v4().as_u64_pair();
    i32::try_from(random >> 34).unwrap_or(0) + 1
}
