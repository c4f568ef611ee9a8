//! What subscribers are told next, where it comes from, and how it gets to an execution.

use std::sync::{Arc, Mutex};

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::app::App;
use crate::log::{Event, Followed, Following};
use crate::viewer::Viewer;

use super::super::loads::Loads;
use super::lock;

/// What a subscriber is to be told next.
#[derive(Clone)]
pub enum Portion {
    /// Of `events`.
    Event(Arc<Event>),
    /// Of `eventBatches`.
    Batch(Followed),
}

impl Portion {
    fn events(&self) -> &[Arc<Event>] {
        match self {
            Self::Event(event) => std::slice::from_ref(event),
            Self::Batch(batch) => &batch.events,
        }
    }

    /// Without the events that the viewer may not hear of any more; none where nothing is left to tell.
    pub fn still_heard(mut self, app: &App, viewer: &Viewer) -> Option<Self> {
        let heard = |event: &Arc<Event>| app.log.access(|access| access.hears(viewer.id, event));
        match &mut self {
            Self::Event(event) => return heard(event).then_some(self),
            Self::Batch(batch) => batch.events.retain(heard),
        }
        Some(self)
    }

    /// Whether every subscriber of a group would be told the same.
    pub fn is_for_all(&self) -> bool {
        self.events().iter().all(|event| event.addressee.is_none())
    }

    /// The same for the same portion. Filter and rights being the same, first and last tell what is between.
    pub fn place(&self) -> Place {
        let position = |event: Option<&Arc<Event>>| event.map(|event| event.position);
        let (first, last) = (position(self.events().first()), position(self.events().last()));
        match self {
            Self::Event(_) => (first, last, None),
            Self::Batch(batch) => (first, last, Some((batch.cursor.position, batch.live))),
        }
    }
}

/// What the same portions have in common.
pub type Place = (Option<i64>, Option<i64>, Option<(i64, bool)>);

/// How portions come out of a [`Following`].
pub enum Source {
    /// One by one.
    Events(Following),
    /// Many at a time.
    Batches {
        /// Where they come from.
        following: Following,
        /// When the next is due; of the first batch, none.
        due: Option<Instant>,
    },
}

/// Which part of a subscription an execution is.
pub enum Part {
    /// All of it: a query or mutation, too.
    Whole,
    /// Its beginning: arguments are checked, and what follows the log is left here.
    Begin(Arc<Mutex<Option<Source>>>),
    /// Its answers, to the portions that are fed to it.
    Answers(Feed),
}

/// What an execution that goes on gets.
pub struct Feed {
    pub(super) portions: Mutex<Option<mpsc::UnboundedReceiver<Portion>>>,
    pub(super) loads: Slot,
}

/// What the portion that is being answered leads to, where it is read for others, too.
pub type Slot = Arc<Mutex<Option<Arc<Loads>>>>;

impl Feed {
    /// The portions; they are taken once.
    pub fn portions(&self) -> Option<mpsc::UnboundedReceiver<Portion>> {
        lock(&self.portions).take()
    }

    /// What is read together with others who are told the same.
    pub fn loads(&self) -> Option<Arc<Loads>> {
        lock(&self.loads).clone()
    }
}
