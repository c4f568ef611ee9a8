//! What one snapshot of the database holds of the log that an earlier one did not.
//!
//! On PostgreSQL a change is in the tables before its events have their positions. Who keeps up with the tables by what
//! the log says has to know of both: what is in the log, and what is on its way there.

use std::collections::HashSet;

use colloquy_entity::{event, pending_event};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::event::Row;
use super::{Entry, Event, Kind, read};
use crate::error::Result;

/// Events that are read at a time.
const PART: u64 = 1_000;

/// What a snapshot holds of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    position: i64,
    /// Transactions that it holds beyond that: their events have no positions yet.
    ahead: HashSet<i64>,
}

impl Seen {
    /// What [`Seen::parts`] tells of an earlier one.
    pub fn at(position: i64, ahead: impl IntoIterator<Item = i64>) -> Self {
        Self { position, ahead: ahead.into_iter().collect() }
    }

    /// The last event in the log, and the batches of the transactions that it holds beyond that, for writing it down.
    pub fn parts(&self) -> (i64, Vec<i64>) {
        let mut ahead: Vec<i64> = self.ahead.iter().copied().collect();
        ahead.sort_unstable();
        (self.position, ahead)
    }

    /// By a transaction that has a snapshot, or takes it now.
    pub async fn by(tx: &impl ConnectionTrait) -> Result<Self> {
        let position = read::head_position(tx).await?;
        let ahead = pending(tx).await?.iter().map(|event| event.batch).collect();
        Ok(Self { position, ahead })
    }

    /// What another, later one has seen beyond this, and what of these kinds is between the two, in its order; none where
    /// that is more than `most`.
    pub async fn since(
        &self,
        tx: &impl ConnectionTrait,
        kinds: &[Kind],
        most: usize,
    ) -> Result<(Self, Option<Vec<Entry>>)> {
        let position = read::head_position(tx).await?;
        let pending = pending(tx).await?;
        let ahead = pending.iter().map(|event| event.batch).collect();
        let seen = Self { position, ahead };
        let Some(placed) = self.placed(tx, position, kinds, most).await? else { return Ok((seen, None)) };
        let mut news = Vec::new();
        for event in placed.into_iter().chain(pending) {
            if kinds.contains(&event.kind) && !self.ahead.contains(&event.batch) {
                news.push(event.entry);
            }
        }
        Ok((seen, Some(news)))
    }

    /// What is in the log beyond this, up to a position.
    async fn placed(
        &self,
        tx: &impl ConnectionTrait,
        position: i64,
        kinds: &[Kind],
        most: usize,
    ) -> Result<Option<Vec<Event>>> {
        let after = |from: i64| {
            event::Entity::find()
                .filter(event::Column::Position.gt(from))
                .filter(event::Column::Position.lte(position))
                .filter(event::Column::Kind.is_in(kinds.iter().map(|kind| kind.as_str())))
                .order_by_asc(event::Column::Position)
        };
        if usize::try_from(position - self.position).is_ok_and(|passed| passed > most) {
            let one_too_many = after(self.position).select_only().column(event::Column::Position).offset(most as u64);
            if one_too_many.limit(1).into_tuple::<i64>().one(tx).await?.is_some() {
                return Ok(None);
            }
        }
        let mut placed: Vec<Event> = Vec::new();
        loop {
            let from = placed.last().map_or(self.position, |event| event.position);
            // A part at a time: PostgreSQL ends a transaction that asks nothing for long while it has its rows read.
            let rows: Vec<Row> = after(from).limit(PART).into_model().all(tx).await?;
            let is_last = (rows.len() as u64) < PART;
            for row in rows {
                placed.push(row.try_into()?);
            }
            if is_last {
                return Ok(Some(placed));
            }
        }
    }
}

/// Events without positions, in the order in which they will get them.
async fn pending(tx: &impl ConnectionTrait) -> Result<Vec<Event>> {
    if tx.get_database_backend() != DatabaseBackend::Postgres {
        return Ok(Vec::new());
    }
    let rows: Vec<Row> = pending_event::Entity::find()
        .column_as(Expr::cust("0::bigint"), "position")
        .order_by_asc(pending_event::Column::Batch)
        .order_by_asc(pending_event::Column::Ordinal)
        .into_model()
        .all(tx)
        .await?;
    rows.into_iter().map(Event::try_from).collect()
}
