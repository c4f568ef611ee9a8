//! Routes: what arrives goes to those followers alone whom it may concern, by what their filters name.
//!
//! A thousand followers of a thousand dialogues are not all woken by each event: a follower that names dialogues or cards
//! stands under their ids, one that names none is told of everything.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Poll;

use futures_util::future::poll_fn;
use futures_util::task::AtomicWaker;
use uuid::Uuid;

use super::gate::Gate;
use super::{Event, Filter};

/// Events that wait for one follower. Of one who has more to read, the database has it all.
const WAITING: usize = 1024;
/// Room for more than so many is not kept.
const ROOMY: usize = 64;

/// All followers of a process, and how far it has followed itself.
#[derive(Default)]
pub(super) struct Routes(Mutex<Table>);

#[derive(Default)]
struct Table {
    position: i64,
    next: u64,
    of_everything: HashMap<u64, Arc<Queue>>,
    by_subject: HashMap<Uuid, HashMap<u64, Arc<Queue>>>,
}

/// What waits for one follower.
pub(super) struct Queue {
    user: Uuid,
    filter: Filter,
    waiting: Mutex<Waiting>,
    arrived: AtomicWaker,
    /// Where it is prepared what the follower is to be told, before the follower is woken.
    gate: OnceLock<Arc<Gate>>,
    /// It is woken as soon as that is done.
    called: AtomicBool,
}

#[derive(Default)]
struct Waiting {
    events: VecDeque<Arc<Event>>,
    /// Some had no room.
    overflowed: bool,
}

/// What came by a route.
enum Came {
    Events,
    /// More than there was room for.
    TooMuch,
}

/// A follower's end of its route; dropped, it is told of nothing more.
pub(super) struct Route {
    routes: Arc<Routes>,
    number: u64,
    /// Under which ids it stands; none where it is told of everything.
    subjects: Option<Vec<Uuid>>,
    queue: Arc<Queue>,
}

impl Routes {
    /// How far everything has been handed on.
    pub fn position(&self) -> i64 {
        lock(&self.0).position
    }

    /// Begins at a position, before anybody follows.
    pub fn begin(&self, position: i64) {
        lock(&self.0).position = position;
    }

    /// Opens a route for a user's filter. What is later than the position that this answers comes by it.
    pub fn open(self: &Arc<Self>, user: Uuid, filter: &Filter) -> (Route, i64) {
        let queue = Arc::new(Queue::new(user, filter));
        let subjects = subjects(user, filter);
        let mut table = lock(&self.0);
        let number = table.next;
        table.next += 1;
        match &subjects {
            None => {
                table.of_everything.insert(number, Arc::clone(&queue));
            }
            Some(subjects) => {
                for subject in subjects {
                    table.by_subject.entry(*subject).or_default().insert(number, Arc::clone(&queue));
                }
            }
        }
        (Route { routes: Arc::clone(self), number, subjects, queue }, table.position)
    }

    /// Hands on what arrived, up to `position`.
    pub fn hand_on(&self, events: &[Arc<Event>], position: i64) {
        let mut called = Called::default();
        let mut table = lock(&self.0);
        for event in events {
            for queue in table.of_everything.values() {
                called.add(queue, event);
            }
            for subject in event.detail.subjects.iter().copied().chain(event.addressee.map(|user| user.0)) {
                for queue in table.by_subject.get(&subject).into_iter().flat_map(HashMap::values) {
                    called.add(queue, event);
                }
            }
        }
        table.position = position;
        drop(table);
        called.wake();
    }
}

/// Under which ids a follower stands: those of one list that its filter names, of which every event that passes is about
/// one; and the user's own, for the events that pass whatever the lists say.
fn subjects(user: Uuid, filter: &Filter) -> Option<Vec<Uuid>> {
    let named = filter.dialogues.as_ref().map(|ids| ids.iter().map(|id| id.0).collect::<Vec<_>>());
    let mut subjects = named.or_else(|| filter.subjects.first().cloned())?;
    subjects.push(user);
    Some(subjects)
}

impl Queue {
    fn new(user: Uuid, filter: &Filter) -> Self {
        Self {
            user,
            filter: filter.clone(),
            waiting: Mutex::default(),
            arrived: AtomicWaker::new(),
            gate: OnceLock::new(),
            called: AtomicBool::new(false),
        }
    }

    /// Whether the follower may want it. Rights are asked when it is taken; of a merge it has to know in any case.
    fn wants(&self, event: &Event) -> bool {
        let is_theirs = !event.kind.is_hidden() && event.addressee.is_none_or(|user| user.0 == self.user);
        is_theirs && (self.filter.passes(event) || event.detail.merged.is_some())
    }

    /// Whether something waits now that did not.
    fn push(&self, event: &Arc<Event>) -> bool {
        if !self.wants(event) {
            return false;
        }
        let mut waiting = lock(&self.waiting);
        // It may stand under several of the event's ids.
        if waiting.overflowed || waiting.events.back().is_some_and(|last| last.position >= event.position) {
            return false;
        }
        if waiting.events.len() >= WAITING {
            waiting.events = VecDeque::new();
            waiting.overflowed = true;
        } else {
            waiting.events.push_back(Arc::clone(event));
        }
        true
    }

    pub fn wake(&self) {
        self.called.store(false, Ordering::Release);
        self.arrived.wake();
    }
}

/// Followers who are to be woken.
#[derive(Default)]
struct Called {
    at_once: Vec<Arc<Queue>>,
    at_gates: HashMap<*const Gate, AtGate>,
}

/// Those of one gate, and for what.
struct AtGate {
    gate: Arc<Gate>,
    events: Vec<Arc<Event>>,
    queues: Vec<Arc<Queue>>,
}

impl Called {
    fn add(&mut self, queue: &Arc<Queue>, event: &Arc<Event>) {
        if !queue.push(event) {
            return;
        }
        let queues = match queue.gate.get() {
            None => &mut self.at_once,
            Some(gate) => {
                let begin = || AtGate { gate: Arc::clone(gate), events: Vec::new(), queues: Vec::new() };
                let AtGate { events, queues, .. } = self.at_gates.entry(Arc::as_ptr(gate)).or_insert_with(begin);
                if events.last().is_none_or(|last: &Arc<Event>| last.position < event.position) {
                    events.push(Arc::clone(event));
                }
                queues
            }
        };
        if !queue.called.swap(true, Ordering::AcqRel) {
            queues.push(Arc::clone(queue));
        }
    }

    fn wake(self) {
        for queue in self.at_once {
            queue.wake();
        }
        for AtGate { gate, events, queues } in self.at_gates.into_values() {
            gate.open(events, queues);
        }
    }
}

impl Route {
    /// Has the follower woken only once it is prepared what they are told.
    pub fn wait_at(&self, gate: &Arc<Gate>) {
        let _ = self.queue.gate.set(Arc::clone(gate));
    }

    /// Waits until something comes, and puts it into `taken`, which is empty: in the log's order, perhaps with what is
    /// known already. Where more came than there was room for, answers up to where the database is to be read. Safe to
    /// be dropped while it waits.
    pub async fn next(&self, taken: &mut VecDeque<Arc<Event>>) -> Option<i64> {
        let came = poll_fn(|cx| {
            let came = self.take(taken);
            if came.is_ready() {
                return came;
            }
            self.queue.arrived.register(cx.waker());
            // What came before the waker was there.
            self.take(taken)
        });
        match came.await {
            Came::Events => None,
            Came::TooMuch => Some(self.emptied()),
        }
    }

    fn take(&self, taken: &mut VecDeque<Arc<Event>>) -> Poll<Came> {
        let mut waiting = lock(&self.queue.waiting);
        if waiting.overflowed {
            return Poll::Ready(Came::TooMuch);
        }
        if waiting.events.is_empty() {
            return Poll::Pending;
        }
        if !taken.is_empty() {
            // After what was taken before and is not handed over yet.
            taken.append(&mut waiting.events);
            return Poll::Ready(Came::Events);
        }
        // The two take turns, so that an event costs no memory of its own; after a flood they begin anew.
        if taken.capacity() > ROOMY {
            *taken = VecDeque::new();
        }
        std::mem::swap(&mut waiting.events, taken);
        Poll::Ready(Came::Events)
    }

    /// Takes word again, from the position on that this answers.
    fn emptied(&self) -> i64 {
        // In this order: nothing is handed on between the two.
        let table = lock(&self.routes.0);
        lock(&self.queue.waiting).overflowed = false;
        table.position
    }

    /// Whether nothing waits, and then up to where nothing came.
    pub fn quiet_up_to(&self) -> Option<i64> {
        let table = lock(&self.routes.0);
        let waiting = lock(&self.queue.waiting);
        (waiting.events.is_empty() && !waiting.overflowed).then_some(table.position)
    }
}

impl Drop for Route {
    fn drop(&mut self) {
        let mut table = lock(&self.routes.0);
        table.of_everything.remove(&self.number);
        for subject in self.subjects.iter().flatten() {
            if let Some(queues) = table.by_subject.get_mut(subject) {
                queues.remove(&self.number);
                if queues.is_empty() {
                    table.by_subject.remove(subject);
                }
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
