//! The event log: one durable, ordered record under the timeline, the subscriptions, resuming, feeds and exports.
//!
//! `append` writes a change's events in its transaction and gives them their positions; `follower` brings each process
//! up to the log's end; `access` folds from the log who may see what; `read` pages through the past; `follow` joins
//! the past and what comes into one stream without a gap or a repeat; `snapshot` tells what the tables are ahead of it.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tokio::sync::{Mutex, broadcast, mpsc};

use crate::bus::Bus;
use crate::db::Db;

mod access;
mod append;
mod cursor;
mod event;
mod filter;
mod follow;
mod follower;
mod gate;
mod read;
mod routes;
mod snapshot;

pub use access::Access;
pub use cursor::Cursor;
pub use event::{Actor, Change, Detail, Entry, Event, Kind};
pub use filter::Filter;
pub use follow::{Followed, Following, Hearer};
pub use gate::Gate;
pub use read::{between, has_lost, head, page, pages, verify};
pub use snapshot::Seen;

/// Events that belong together: whole transactions, in order.
pub type Batch = Arc<[Arc<Event>]>;

/// The log, as one process has it.
pub struct Log {
    db: Db,
    bus: Arc<dyn Bus>,
    /// Positions are given by one task of a process at a time; see `append`.
    positioner: Mutex<()>,
    committed: AtomicU64,
    positioned: AtomicU64,
    /// To the follower: events that were just positioned here.
    offers: mpsc::Sender<Vec<Event>>,
    /// From the follower: how far it is, what came and for whom, who may see it.
    routes: Arc<routes::Routes>,
    arrivals: broadcast::Sender<Batch>,
    /// Of what came, that which ends connections: few, while every connection has to hear of them.
    endings: broadcast::Sender<Batch>,
    access: Arc<std::sync::RwLock<Access>>,
}

impl Log {
    /// The log of a database; [`Log::run`] has to run beside it. Answers the queue that it needs.
    pub fn new(db: Db, bus: Arc<dyn Bus>) -> (Self, mpsc::Receiver<Vec<Event>>) {
        let (offers, offered) = mpsc::channel(1024);
        let log = Self {
            db,
            bus,
            positioner: Mutex::new(()),
            committed: AtomicU64::new(0),
            positioned: AtomicU64::new(0),
            offers,
            routes: Arc::default(),
            arrivals: broadcast::channel(4096).0,
            endings: broadcast::channel(256).0,
            access: Arc::default(),
        };
        (log, offered)
    }

    /// The database under it.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// How far this process has followed.
    pub fn position(&self) -> i64 {
        self.routes.position()
    }

    /// What comes from now on, as it comes; a receiver that is too slow is told so and has to read the past.
    pub fn arrivals(&self) -> broadcast::Receiver<Batch> {
        self.arrivals.subscribe()
    }

    /// Users who changed, sessions and tokens that ended, from now on.
    pub fn endings(&self) -> broadcast::Receiver<Batch> {
        self.endings.subscribe()
    }

    /// Who may see what, as of [`Log::position`].
    pub fn access<T>(&self, look: impl FnOnce(&Access) -> T) -> T {
        look(&self.access.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}
