//! Everybody's counters, exact as of each request, without counting at any.
//!
//! Whoever asks for the first time is counted. From then on the numbers of all are moved on together, by what the log tells:
//! a dialogue that something happened to counts as it did before no more, and as it does now. So a request costs a few
//! statements for what happened since the one before it, however many dialogues there are. The numbers are written down
//! now and then, so that a process which starts goes on from there.

mod count;
mod kept;
mod ledger;
mod standing;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex as Lock, MutexGuard, PoisonError};
use std::time::Duration;

use colloquy_entity::*;
use sea_orm::DatabaseTransaction;
use tokio::sync::{Mutex, Notify, Semaphore, broadcast, watch};
use tokio::time::{Instant, sleep, sleep_until};

use crate::app::App;
use crate::error::{Error, Result};
use crate::log::{Batch, Seen};
use crate::viewer::Viewer;

use super::list::{self, Counter, DialogueFilter, Group};
use ledger::Ledger;

/// Where they are followed, the counters are moved on so often at most.
const INTERVAL: Duration = Duration::from_millis(500);
/// Where nobody follows, they are moved on once so many events have come: that much is left to do at a request.
const ENOUGH: usize = 500;
/// The counters are written down so often, where they have moved.
const WRITTEN: Duration = Duration::from_secs(60);
/// Of so many users, the latest to ask, the counters are kept up beside those who follow theirs.
const MOST: usize = 1_000;
/// Users who are counted at a time, so that the others' requests find connections.
const AT_ONCE: usize = 2;
/// Followers who are counted on one snapshot.
const TOGETHER: usize = 20;

/// The counters of the four groups, in the order of [`Group::ALL`]; none before they are counted.
pub type Counters = Option<[Counter; 4]>;

/// The counters that this process keeps.
pub struct Tally {
    followers: Lock<HashMap<UserId, watch::Sender<Counters>>>,
    newcomers: Notify,
    /// Requests are numbered: see [`Books::covers`].
    requests: AtomicU64,
    books: Mutex<Books>,
    counting: Semaphore,
    /// As they were when they were last moved on, of those who see everything.
    latest: Lock<HashMap<UserId, [Counter; 4]>>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            followers: Lock::default(),
            newcomers: Notify::new(),
            requests: AtomicU64::new(0),
            books: Mutex::default(),
            counting: Semaphore::new(AT_ONCE),
            latest: Lock::default(),
        }
    }
}

impl Tally {
    /// The viewer's counters from now on.
    pub fn follow(&self, viewer: &Viewer) -> watch::Receiver<Counters> {
        let counters = self.followed().entry(viewer.id).or_default().subscribe();
        self.newcomers.notify_one();
        counters
    }

    fn followed(&self) -> MutexGuard<'_, HashMap<UserId, watch::Sender<Counters>>> {
        self.followers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn followers(&self) -> Vec<UserId> {
        let mut followers = self.followed();
        followers.retain(|_, counters| counters.receiver_count() > 0);
        followers.keys().copied().collect()
    }

    fn tell(&self, books: &Books) {
        for (user, counters) in &*self.followed() {
            if let Some(told) = books.numbers(*user) {
                counters.send_if_modified(|counters| counters.replace(told) != Some(told));
            }
        }
    }

    fn latest(&self) -> MutexGuard<'_, HashMap<UserId, [Counter; 4]>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn request(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::SeqCst) + 1
    }
}

/// The counters, and up to which request they are new enough.
#[derive(Default)]
struct Books {
    ledger: Option<Ledger>,
    /// The number of the last request that came before they were looked up: one look serves all who waited for it.
    covers: u64,
}

impl Books {
    fn numbers(&self, user: UserId) -> Counters {
        self.ledger.as_ref()?.numbers(user)
    }

    /// Makes them at least as new as a request; where that is too long a way, they are forgotten. Only changes them at its end:
    /// who waits for it may go away.
    async fn move_on(&mut self, app: &App, request: u64) -> Result<()> {
        let Some(ledger) = self.ledger.as_ref().filter(|_| self.covers < request) else { return Ok(()) };
        let covers = app.tally.requests.load(Ordering::SeqCst);
        let tx = app.db.snapshot().await?;
        let moved = ledger.moved(&tx).await?;
        tx.rollback().await?;
        self.turn(app, moved, covers);
        Ok(())
    }

    /// The same, and the snapshot that they are of now; none where the user's are not kept.
    async fn on_snapshot(&mut self, app: &App, user: UserId) -> Result<Option<([Counter; 4], DatabaseTransaction)>> {
        let Some(ledger) = self.ledger.as_ref().filter(|ledger| ledger.numbers(user).is_some()) else {
            return Ok(None);
        };
        let covers = app.tally.requests.load(Ordering::SeqCst);
        let tx = app.db.planned().await?;
        let moved = ledger.moved(&tx).await?;
        self.turn(app, moved, covers);
        Ok(self.numbers(user).map(|numbers| (numbers, tx)))
    }

    /// Takes in what was found out apart.
    async fn join(&mut self, app: &App, entered: Ledger) -> Result<()> {
        let covers = app.tally.requests.load(Ordering::SeqCst);
        let tx = app.db.snapshot().await?;
        let mine = match &self.ledger {
            Some(ledger) => ledger.moved(&tx).await?,
            None => None,
        };
        let theirs = entered.moved(&tx).await?;
        tx.rollback().await?;
        let mut ledger = match (mine, theirs) {
            (Some(mut mine), Some(theirs)) => {
                mine.join(theirs);
                Some(mine)
            }
            (mine, theirs) => mine.or(theirs),
        };
        if let Some(ledger) = &mut ledger {
            ledger.shrink(MOST + app.tally.followers().len());
        }
        self.turn(app, ledger, covers);
        Ok(())
    }

    /// From now on these are the numbers.
    fn turn(&mut self, app: &App, ledger: Option<Ledger>, covers: u64) {
        let is_same = match (&self.ledger, &ledger) {
            (Some(was), Some(now)) => was.seen == now.seen && was.accounts.len() == now.accounts.len(),
            _ => false,
        };
        if !is_same {
            *app.tally.latest() = ledger.iter().flat_map(Ledger::of_who_see_all).collect();
        }
        (self.ledger, self.covers) = (ledger, covers);
    }

    /// They asked just now.
    fn touch(&mut self, users: &[UserId], request: u64) {
        let Some(ledger) = &mut self.ledger else { return };
        for user in users {
            if let Some(account) = ledger.accounts.get_mut(user) {
                account.asked = request;
            }
        }
    }
}

/// The viewer's counters: as new as everything that had ended when this was called.
pub async fn now(app: &App, viewer: &Viewer) -> Result<[Counter; 4]> {
    // Whoever's role or whose work here ends meanwhile is counted in vain once.
    for _ in 0..2 {
        let request = app.tally.request();
        let mut books = app.tally.books.lock().await;
        books.move_on(app, request).await?;
        books.touch(&[viewer.id], request);
        if let Some(numbers) = books.numbers(viewer.id) {
            return Ok(numbers);
        }
        drop(books);
        let mut books = enter(app, &[viewer.id], request).await?;
        books.touch(&[viewer.id], request);
        if let Some(numbers) = books.numbers(viewer.id) {
            return Ok(numbers);
        }
    }
    Err(Error::Unauthenticated("You are not signed in any more"))
}

/// Counts users whom the books do not have, without keeping anybody else waiting meanwhile.
async fn enter<'a>(app: &'a App, users: &[UserId], request: u64) -> Result<tokio::sync::MutexGuard<'a, Books>> {
    let _one = app.tally.counting.acquire().await.map_err(Error::internal)?;
    let books = app.tally.books.lock().await;
    let is_empty = books.ledger.is_none();
    let knows_all = books.ledger.as_ref().is_some_and(|ledger| ledger.all.is_some());
    drop(books);
    let tx = app.db.planned().await?;
    // The first goes on with all that is written down, so that nobody is counted again who once was.
    let mut entered = kept::read(&tx, (!is_empty).then_some(users), MOST).await?;
    entered.open(&tx, users, request, knows_all).await?;
    tx.rollback().await?;
    let mut books = app.tally.books.lock().await;
    books.join(app, entered).await?;
    Ok(books)
}

/// The counters of a viewer who sees everything, as they were lately, without asking the database or waiting for whoever
/// does: good enough to choose a way by. None before they are known.
pub fn lately(app: &App, viewer: &Viewer) -> Counters {
    app.tally.latest().get(&viewer.id).copied()
}

/// How many dialogues a filter leaves; where it names nothing but groups, by the counters.
pub async fn total(app: &App, viewer: &Viewer, filter: &DialogueFilter) -> Result<u64> {
    if *filter != filter.counted() {
        return list::count(app.db.read(), viewer, filter).await;
    }
    Ok(sum(filter, now(app, viewer).await?))
}

/// How many dialogues a filter leaves, by what the counters know of it.
fn sum(filter: &DialogueFilter, counters: [Counter; 4]) -> u64 {
    let DialogueFilter { group, state, unread_only, .. } = *filter;
    let state_of = |of| if of == Group::Closed { DialogueState::Closed } else { DialogueState::Open };
    let wanted = Group::ALL
        .into_iter()
        .zip(counters)
        .filter(|(of, _)| group.is_none_or(|group| group == *of) && state.is_none_or(|state| state == state_of(*of)));
    let total: i64 = wanted.map(|(_, counter)| if unread_only { counter.unread } else { counter.count }).sum();
    u64::try_from(total).unwrap_or_default()
}

/// How many unread dialogues there are at most for a filter that asks for them, and the snapshot of which that holds; none
/// where they are more than `few`, or the viewer's counters are not kept. Whoever has read nearly everything would have all
/// of it gone through for what would fill their page.
pub async fn few_unread(
    app: &App,
    viewer: &Viewer,
    filter: &DialogueFilter,
    few: u64,
) -> Result<Option<(u64, DatabaseTransaction)>> {
    if !filter.unread_only {
        return Ok(None);
    }
    let kept = app.tally.books.lock().await.on_snapshot(app, viewer.id).await?;
    Ok(kept.map(|(counters, tx)| (sum(filter, counters), tx)).filter(|(unread, _)| *unread <= few))
}

/// Keeps the counters up for those who follow them and those who may ask, until the process stops.
pub async fn run(app: Arc<App>) {
    let mut arrivals = app.log.arrivals();
    let mut due = Instant::now();
    let mut write = Instant::now() + WRITTEN;
    let mut written = None;
    // The first look goes on from what is written down.
    app.tally.newcomers.notify_one();
    loop {
        let enough = if app.tally.followers().is_empty() { ENOUGH } else { 1 };
        tokio::select! {
            biased;
            () = app.stop.cancelled() => break,
            () = app.tally.newcomers.notified() => {}
            () = sleep_until(write) => {
                write = Instant::now() + WRITTEN;
                keep(&app, &mut written).await;
            }
            () = news(&mut arrivals, enough, due) => {}
        }
        if let Err(error) = look(&app).await {
            tracing::debug!(%error, "the counters cannot be moved on just now");
            sleep(INTERVAL).await;
            app.tally.newcomers.notify_one();
        }
        due = Instant::now() + INTERVAL;
    }
    keep(&app, &mut written).await;
}

/// Waits until enough has happened, and then until it is time to look; all that comes meanwhile is in that look.
async fn news(arrivals: &mut broadcast::Receiver<Batch>, enough: usize, due: Instant) {
    let mut came = 0;
    while came < enough {
        // One that is missed by being too slow is many.
        came += arrivals.recv().await.map_or(enough, |batch| batch.len());
    }
    sleep_until(due).await;
    *arrivals = arrivals.resubscribe();
}

/// Moves the books on and tells those who follow.
async fn look(app: &App) -> Result<()> {
    let request = app.tally.request();
    let followers = app.tally.followers();
    let mut books = app.tally.books.lock().await;
    books.move_on(app, request).await?;
    books.touch(&followers, request);
    app.tally.tell(&books);
    let is_empty = books.ledger.is_none();
    let unknown: Vec<UserId> = followers.into_iter().filter(|user| books.numbers(*user).is_none()).collect();
    drop(books);
    if is_empty {
        app.tally.tell(&*enter(app, &[], request).await?);
    }
    for users in unknown.chunks(TOGETHER) {
        app.tally.tell(&*enter(app, users, request).await?);
    }
    Ok(())
}

/// Writes the counters down as of now, unless they are.
async fn keep(app: &App, written: &mut Option<Seen>) {
    let request = app.tally.request();
    let mut books = app.tally.books.lock().await;
    // What they are moved on by is read again later, if not now.
    let _ = books.move_on(app, request).await;
    let Some(ledger) = books.ledger.clone().filter(|ledger| Some(&ledger.seen) != written.as_ref()) else { return };
    drop(books);
    match kept::write(app.db.write(), &ledger).await {
        Ok(()) => *written = Some(ledger.seen),
        Err(error) => tracing::debug!(%error, "the counters cannot be written down just now"),
    }
}
