//! Following: one task of a process brings it up to the log's end, in order, and hands on what came.
//!
//! It hears of events from the commits of this process and, by the bus, from the others. Word that does not join on to
//! what it has, or that never came, sends it to the database; and it looks by itself every second.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;

use super::event::Row;
use super::{Access, Event, Log, read};
use crate::bus::Topic;
use crate::error::Result;

/// Events of one reading.
const PAGE: u64 = 500;
/// However word is lost, the next look comes sooner.
const PATIENCE: Duration = Duration::from_secs(2);

impl Log {
    /// Where the log stands, and who may see what there: before anybody follows.
    pub async fn open(&self) -> Result<()> {
        self.position_pending().await?;
        let position = read::head_position(self.db.read()).await?;
        // Read after the position: what is newer already comes again as an event, and says the same.
        let access = Access::load(self.db.read()).await?;
        *self.access.write().unwrap_or_else(std::sync::PoisonError::into_inner) = access;
        self.routes.begin(position);
        Ok(())
    }

    /// Follows until stopped.
    pub async fn run(
        self: Arc<Self>,
        mut offered: mpsc::Receiver<Vec<Event>>,
        look: Duration,
        stop: CancellationToken,
    ) {
        let mut words = self.bus.listen();
        let mut look = tokio::time::interval(look);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let step = tokio::select! {
                () = stop.cancelled() => return,
                offer = offered.recv() => match offer {
                    Some(events) => self.take(events).await,
                    None => return,
                },
                word = words.recv() => match word {
                    Ok(word) if word.topic == Topic::Log && self.bus.reaches_others() => self.take(heard(&word.body)).await,
                    Ok(_) => Ok(()),
                    Err(broadcast::error::RecvError::Lagged(_)) => self.catch_up().await,
                    Err(broadcast::error::RecvError::Closed) => return,
                },
                _ = look.tick() => self.look().await,
            };
            if let Err(error) = step {
                tracing::warn!(%error, "the log cannot be followed just now");
            }
        }
    }

    /// Waits until what is committed by now has arrived here, not for ever.
    pub async fn arrived(&self) -> Result<()> {
        let mut arrivals = self.arrivals();
        self.position_pending().await?;
        let head = read::head_position(self.db.read()).await?;
        let arrived = async { while self.position() < head && arrivals.recv().await.is_ok() {} };
        let _ = tokio::time::timeout(PATIENCE, arrived).await;
        Ok(())
    }

    /// Events that word brought: taken as they are where they join on, else a reason to look.
    async fn take(&self, mut events: Vec<Event>) -> Result<()> {
        let position = self.position();
        events.retain(|event| event.position > position);
        match events.first() {
            None => Ok(()),
            Some(first) if first.position == position + 1 => self.arrive(events).await,
            Some(_) => self.catch_up().await,
        }
    }

    /// A process that died between its commit and the positions, or whose word was lost, is made up for here.
    async fn look(&self) -> Result<()> {
        self.position_pending().await?;
        self.catch_up().await
    }

    async fn catch_up(&self) -> Result<()> {
        loop {
            let events = read::after(self.db.read(), self.position(), PAGE).await?;
            let full = events.len() as u64 >= PAGE;
            self.arrive(events).await?;
            if !full {
                return Ok(());
            }
        }
    }

    /// Whole transactions: first the rights that they change, then their delivery.
    async fn arrive(&self, events: Vec<Event>) -> Result<()> {
        let Some(last) = events.last() else { return Ok(()) };
        let position = last.position;
        let mut parts = Vec::new();
        for (index, event) in events.iter().enumerate() {
            if let Some(user) = Access::needs_part(event) {
                parts.push((index, Access::part_in(self.db.read(), user).await?));
            }
        }
        {
            let mut access = self.access.write().unwrap_or_else(std::sync::PoisonError::into_inner);
            let mut parts = parts.into_iter().peekable();
            for (index, event) in events.iter().enumerate() {
                let part = parts.next_if(|(of, _)| *of == index).map(|(_, part)| part);
                access.fold(event, part);
            }
        }
        let batch: Vec<Arc<Event>> = events.into_iter().map(Arc::new).collect();
        self.routes.hand_on(&batch, position);
        // As one, however many sessions a change ended; errors only say that nobody follows.
        let endings: Vec<_> = batch.iter().filter(|event| event.kind.is_hidden()).map(Arc::clone).collect();
        if !endings.is_empty() {
            let _ = self.endings.send(endings.into());
        }
        let _ = self.arrivals.send(batch.into());
        Ok(())
    }
}

/// What another process said; nothing where it cannot be read: the look finds it.
fn heard(body: &str) -> Vec<Event> {
    let rows: Vec<Row> = serde_json::from_str(body).unwrap_or_default();
    rows.into_iter().map_while(|row| Event::try_from(row).ok()).collect()
}
