//! The counters of those who follow them, without counting at each event.
//!
//! Everybody is counted once, when they begin to follow. From then on the numbers of all are moved on together, by what the
//! log tells: a dialogue that something happened to counts as it did before no more, and as it does now. That costs a few
//! statements, twice a second at most, however many follow and however many dialogues there are.

mod standing;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use colloquy_entity::*;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};
use tokio::sync::{Notify, broadcast, watch};
use tokio::time::{Instant, sleep, sleep_until};

use crate::app::App;
use crate::error::Result;
use crate::log::{Batch, Entry, Kind, Seen};
use crate::viewer::Viewer;

use super::list::{self, Counter};
use super::participants;
use super::reading::{self, Before, Reader};
use standing::{Employee, Staff, Standing};

/// The counters are moved on so often at most.
const INTERVAL: Duration = Duration::from_millis(500);
/// Where more than this happened meanwhile, everybody is counted anew.
const MOST: usize = 20_000;
/// Dialogues that are looked at together.
const CHUNK: usize = 500;

/// What changes counters.
const COUNTED: &[Kind] = &[
    Kind::DialogueOpened,
    Kind::DialogueClosed,
    Kind::DialogueReopened,
    Kind::DialogueRead,
    Kind::MessageAdded,
    Kind::ParticipantAdded,
    Kind::ParticipantRemoved,
    Kind::UserChanged,
];

/// The counters of the four groups, in the order of [`list::Group::ALL`]; none before they are counted.
pub type Counters = Option<[Counter; 4]>;

/// Those who follow their counters in this process.
#[derive(Default)]
pub struct Tally {
    followers: Mutex<HashMap<UserId, (Viewer, watch::Sender<Counters>)>>,
    newcomers: Notify,
}

impl Tally {
    /// The viewer's counters from now on.
    pub fn follow(&self, viewer: &Viewer) -> watch::Receiver<Counters> {
        let mut followers = lock(&self.followers);
        let (_, counters) = followers.entry(viewer.id).or_insert_with(|| (*viewer, watch::Sender::new(None)));
        let counters = counters.subscribe();
        drop(followers);
        self.newcomers.notify_one();
        counters
    }

    fn followers(&self) -> Vec<Viewer> {
        let mut followers = lock(&self.followers);
        followers.retain(|_, (_, counters)| counters.receiver_count() > 0);
        followers.values().map(|(viewer, _)| *viewer).collect()
    }

    fn tell(&self, user: UserId, told: [Counter; 4]) {
        if let Some((_, counters)) = lock(&self.followers).get(&user) {
            counters.send_if_modified(|counters| counters.replace(told) != Some(told));
        }
    }
}

/// Keeps the counters of those who follow them, until the process stops.
pub async fn run(app: Arc<App>) {
    let mut arrivals = app.log.arrivals();
    let mut ledger = Ledger::default();
    let mut due = Instant::now();
    loop {
        tokio::select! {
            biased;
            () = app.stop.cancelled() => return,
            () = app.tally.newcomers.notified() => {}
            () = news(&mut arrivals, due), if !ledger.numbers.is_empty() => {}
        }
        if let Err(error) = ledger.move_on(&app).await {
            tracing::debug!(%error, "the counters cannot be moved on just now");
            // Of what was moved on in part, nothing is known.
            ledger = Ledger::default();
            sleep(INTERVAL).await;
            app.tally.newcomers.notify_one();
        }
        due = Instant::now() + INTERVAL;
    }
}

/// Waits until something happened, and then until it is time to look; all that comes meanwhile is in that look.
async fn news(arrivals: &mut broadcast::Receiver<Batch>, due: Instant) {
    let _ = arrivals.recv().await;
    sleep_until(due).await;
    *arrivals = arrivals.resubscribe();
}

/// The numbers, as of one snapshot of the database.
#[derive(Default)]
struct Ledger {
    seen: Option<Seen>,
    staff: Arc<Staff>,
    numbers: HashMap<UserId, (Viewer, [Counter; 4])>,
}

impl Ledger {
    async fn move_on(&mut self, app: &App) -> Result<()> {
        let followers = app.tally.followers();
        self.numbers.retain(|user, _| followers.iter().any(|viewer| viewer.id == *user));
        let tx = app.db.snapshot().await?;
        let (seen, news) = match self.seen.take().filter(|_| !self.numbers.is_empty()) {
            Some(seen) => seen.since(&tx, COUNTED, MOST).await?,
            None => (Seen::by(&tx).await?, None),
        };
        let was = Arc::clone(&self.staff);
        if news.as_ref().is_none_or(|news| news.iter().any(|entry| entry.kind == Kind::UserChanged)) {
            self.staff = Arc::new(staff(&tx).await?);
        }
        // Whoever has another role sees other dialogues.
        self.numbers.retain(|user, (viewer, _)| self.staff.get(user).is_some_and(|user| user.role == viewer.role));
        match news {
            Some(news) => self.take(&tx, &app.before, &news, &was).await?,
            None => self.numbers.clear(),
        }
        for viewer in followers.iter().filter(|viewer| !self.numbers.contains_key(&viewer.id)).collect::<Vec<_>>() {
            let Some(Employee { role, is_active: true }) = self.staff.get(&viewer.id).copied() else { continue };
            let viewer = Viewer { role, ..*viewer };
            self.numbers.insert(viewer.id, (viewer, list::counters(&tx, &viewer).await?));
        }
        tx.rollback().await?;
        self.seen = Some(seen);
        for (user, (_, numbers)) in &self.numbers {
            app.tally.tell(*user, *numbers);
        }
        Ok(())
    }

    /// Moves the numbers on by what happened; `was` is who worked here before it.
    async fn take(&mut self, tx: &DatabaseTransaction, before: &Before, news: &[Entry], was: &Staff) -> Result<()> {
        let mut of: HashMap<DialogueId, Vec<&Entry>> = HashMap::new();
        for entry in news {
            if let Some(dialogue) = entry.dialogue {
                of.entry(dialogue).or_default().push(entry);
            }
        }
        // Whether somebody is active shows in all that they answer for.
        let is_active = |staff: &Staff, user: &UserId| staff.get(user).is_some_and(|user| user.is_active);
        let changed = news.iter().filter(|entry| entry.kind == Kind::UserChanged).filter_map(|entry| entry.detail.user);
        let changed: Vec<UserId> =
            changed.filter(|user| is_active(was, user) != is_active(&self.staff, user)).collect();
        for dialogue in participants::answered_for(tx, &changed).await? {
            of.entry(dialogue).or_default();
        }
        let ids: Vec<DialogueId> = of.keys().copied().collect();
        for ids in ids.chunks(CHUNK) {
            for (id, standing) in self.standings(tx, before, ids).await? {
                let mut former = standing.clone();
                for entry in of.get(&id).into_iter().flatten().rev() {
                    former.undo(entry);
                }
                for (viewer, numbers) in self.numbers.values_mut() {
                    former.count(viewer, was, numbers, -1);
                    standing.count(viewer, &self.staff, numbers, 1);
                }
            }
        }
        Ok(())
    }

    /// Dialogues as they are.
    async fn standings(
        &self,
        tx: &DatabaseTransaction,
        before: &Before,
        ids: &[DialogueId],
    ) -> Result<HashMap<DialogueId, Standing>> {
        let rows = dialogue::Entity::find().filter(dialogue::Column::Id.is_in(ids.iter().copied())).all(tx).await?;
        let readers: Vec<Reader> = self.numbers.values().map(|(viewer, _)| viewer.into()).collect();
        let counts = reading::read_counts(tx, &readers, &rows, before).await?;
        let mut standings = HashMap::new();
        for row in rows {
            let read_by = |reader: &Reader| Some((reader.user, *counts.get(&(row.id, reader.user))?));
            let read = readers.iter().filter_map(read_by).collect();
            let written = row.client_message_count;
            let standing = Standing { exists: true, state: row.state, participants: Vec::new(), written, read };
            standings.insert(row.id, standing);
        }
        for part in participants::of(tx, ids).await? {
            if let Some(standing) = standings.get_mut(&part.dialogue_id) {
                standing.participants.push((part.user_id, part.role));
            }
        }
        Ok(standings)
    }
}

async fn staff(tx: &DatabaseTransaction) -> Result<Staff> {
    let users = user::Entity::find().all(tx).await?;
    Ok(users.into_iter().map(|user| (user.id, Employee { role: user.role, is_active: user.is_active })).collect())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
