//! Following as one viewer or visitor: first what came after the cursor, then what comes, without a gap or a repeat between.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use colloquy_entity::UserId;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::routes::Route;
use super::{Cursor, Event, Filter, Gate, Kind, Log, read};
use crate::error::{Error, Result};

/// Events of one reading while catching up: what a slow reader holds at most.
const PAGE: u64 = 200;

/// Between two looks whether the database is back.
const PAUSE: Duration = Duration::from_millis(200);

/// For whom events are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hearer {
    /// An employee, who hears what their rights let them.
    User(UserId),
    /// A visitor of a website's chat, who hears what their filter names and nothing else: its kinds, of the dialogue that
    /// was opened as theirs. The filter's first list of subjects has their id, in whose feed that opening stands.
    Visitor(Uuid),
}

impl Hearer {
    fn id(self) -> Uuid {
        match self {
            Self::User(id) => id.0,
            Self::Visitor(id) => id,
        }
    }
}

/// A place in the log that moves on.
pub struct Following {
    log: Arc<Log>,
    hearer: Hearer,
    filter: Filter,
    /// Everything up to here was delivered or is not for this viewer.
    position: i64,
    /// Up to here the database is read; what is later comes by the route.
    join: i64,
    route: Route,
    gate: Option<Arc<Gate>>,
    waiting: VecDeque<Arc<Event>>,
}

impl Following {
    /// Begins after the cursor, or with what comes where there is none.
    ///
    /// A cursor that is not of this log is BAD_USER_INPUT; one that is ahead of this process is looked up.
    pub async fn start(log: Arc<Log>, hearer: Hearer, filter: Filter, after: Option<Cursor>) -> Result<Self> {
        let (route, join) = log.routes.open(hearer.id(), &filter);
        let position = match after {
            Some(cursor) => {
                read::verify(log.db().read(), cursor, "after").await?;
                cursor.position
            }
            None => read::head_position(log.db().read()).await?,
        };
        Ok(Self { log, hearer, filter, position, join, route, gate: None, waiting: VecDeque::new() })
    }

    /// Of what comes from now on, this follower is woken once it is prepared there.
    pub fn wait_at(&mut self, gate: Arc<Gate>) {
        self.route.wait_at(&gate);
        self.gate = Some(gate);
    }

    /// What passes.
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The next event that the viewer may see and wants. Safe to be dropped while it waits.
    ///
    /// Rights are asked as an event is handed over: not even one that waited here is seen by whoever lost access since.
    pub async fn next(&mut self) -> Result<Arc<Event>> {
        loop {
            if let Some(event) = self.take() {
                return Ok(event);
            }
            self.fill().await?;
        }
    }

    /// Up to `most` events at once: what is there, or, when nothing is, what comes within `patience`; then perhaps none.
    /// Where `cut` knows at which position a batch with this first one ends, this one ends there. Safe to be dropped while
    /// it waits.
    pub async fn batch(
        &mut self,
        most: usize,
        patience: Duration,
        cut: impl Fn(i64) -> Option<i64>,
    ) -> Result<Followed> {
        let deadline = Instant::now() + patience;
        let mut events = Vec::new();
        let mut end = i64::MAX;
        loop {
            while events.len() < most
                && self.waiting.front().is_some_and(|event| event.position <= end)
                && let Some(event) = self.take()
            {
                if events.is_empty() {
                    end = cut(event.position).unwrap_or(end);
                }
                events.push(event);
            }
            let is_live = self.position >= self.join;
            let quiet = self.route.quiet_up_to().filter(|_| self.waiting.is_empty() && is_live);
            if let Some(position) = quiet.filter(|_| events.is_empty()) {
                // Nothing of what came up to there was for this follower.
                self.position = self.position.max(position);
            }
            let is_cut = events.len() >= most || self.position >= end;
            if is_cut || (quiet.is_some() && !events.is_empty()) {
                return self.followed(events, is_live).await;
            }
            let filled = match (events.is_empty(), quiet.is_some()) {
                (true, true) => timeout_at(deadline, self.fill()).await,
                _ => Ok(self.fill().await),
            };
            match filled {
                Ok(done) => done?,
                // Up to where nothing came by now, not when the waiting began.
                Err(_) => match self.route.quiet_up_to() {
                    Some(position) => {
                        self.position = self.position.max(position);
                        return self.followed(events, true).await;
                    }
                    None => continue,
                },
            }
        }
    }

    async fn followed(&self, events: Vec<Arc<Event>>, live: bool) -> Result<Followed> {
        let cursor = match events.last() {
            Some(last) if last.position == self.position => Cursor::from(&**last),
            _ => Box::pin(read::cursor_at(self.log.db().read(), self.position)).await?,
        };
        Ok(Followed { events, cursor, live })
    }

    /// The next of what waits here that this viewer may see and wants.
    fn take(&mut self) -> Option<Arc<Event>> {
        while let Some(event) = self.waiting.pop_front() {
            if event.position <= self.position {
                // It was read from the database.
                continue;
            }
            self.position = event.position;
            self.widen(&event);
            if self.filter.passes(&event) && self.hears(&event) {
                return Some(event);
            }
        }
        None
    }

    fn hears(&self, event: &Event) -> bool {
        match self.hearer {
            Hearer::User(user) => self.log.access(|access| access.hears(user, event)),
            Hearer::Visitor(_) => !event.kind.is_hidden() && event.addressee.is_none(),
        }
    }

    /// What an event adds to what the filter names. A contractor that it names became part of another: from then on it is
    /// that one. A visitor's dialogue was opened: from then on it is that, too.
    fn widen(&mut self, event: &Arc<Event>) {
        let (more, named) = match (self.hearer, event.kind, event.dialogue) {
            (Hearer::Visitor(id), Kind::DialogueOpened, Some(dialogue)) => (dialogue.0, id),
            _ => match (event.detail.card, event.detail.merged) {
                (Some(kept), Some(merged)) => (kept, merged.0),
                _ => return,
            },
        };
        let lists = self.filter.subjects.iter_mut().filter(|list| list.contains(&named) && !list.contains(&more));
        if lists.map(|list| list.push(more)).count() > 0 {
            // What waits here and comes later was chosen by the filter as it was: it is read anew.
            self.waiting.clear();
            (self.route, self.join) = self.log.routes.open(self.hearer.id(), &self.filter);
            if let Some(gate) = &self.gate {
                self.route.wait_at(gate);
            }
        }
    }

    /// Brings more of the past.
    async fn read_on(&mut self) -> Result<()> {
        let (events, reached) = loop {
            let db = self.log.db().read();
            match read::stretch(db, &self.filter, self.position, self.join, PAGE).await {
                // Who follows waits until the database is back.
                Err(Error::Away(_)) => tokio::time::sleep(PAUSE).await,
                done => break done?,
            }
        };
        if events.is_empty() {
            self.position = reached;
        }
        self.waiting.extend(events.into_iter().map(Arc::new));
        Ok(())
    }

    /// Brings more of the past, or waits for what comes.
    async fn fill(&mut self) -> Result<()> {
        if self.position < self.join {
            // Apart: what it takes is not held while a follower waits for what comes.
            return Box::pin(self.read_on()).await;
        }
        if let Some(position) = self.route.next(&mut self.waiting).await {
            self.join = position;
        }
        Ok(())
    }
}

/// Events, many at a time.
#[derive(Clone, Debug)]
pub struct Followed {
    /// In the log's order.
    pub events: Vec<Arc<Event>>,
    /// Resume after this: everything up to it was delivered or is not for this viewer.
    pub cursor: Cursor,
    /// Whether there is no more of the past.
    pub live: bool,
}
