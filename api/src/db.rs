//! The database: connecting, the kinds of locks, and `Tx`, in which every change and its events commit together.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use colloquy_entity::Time;
use colloquy_migration::Migrator;
use prometheus_client::metrics::counter::Counter;
use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseBackend, DatabaseConnection, DatabaseTransaction, DbErr, IsolationLevel,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use sea_orm_migration::MigratorTrait;
use sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection as _, PgConnection};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::config::Database;
use crate::error::{Error, Result};
use crate::log::{Entry, Log};

/// How long a statement waits for a free connection, and SQLite for another process's write.
const PATIENCE: Duration = Duration::from_secs(5);
/// A connection that was used so lately is taken to be there.
const IDLE: Duration = Duration::from_millis(500);
/// Milliseconds that a transaction may do nothing before PostgreSQL ends it.
const FROZEN: &str = "1500";
/// How often SQLite looks at how its rows are spread.
const TENDED: Duration = Duration::from_secs(3_600);
/// Statistics by which SQLite would go astray.
///
/// What is an index of words to FTS5 is a table to SQLite, which would go through all of it to put a few rows of it together
/// while it takes it to be as small as it was once. At a thousand rows it looks them up, however many there come to be.
///
/// A span of time it would look for in both states and read each row, though there is an index of it that holds what is asked.
const MENDED: &str = "
    UPDATE sqlite_stat1 SET stat = '1000' WHERE tbl IN ('message_words_index_data', 'comment_words_index_data')
        AND CAST(stat AS INTEGER) < 1000;
    UPDATE sqlite_stat1 SET stat = stat || ' noskipscan' WHERE idx IN ('dialogues_state_opened', 'dialogues_state_closed')
        AND stat NOT LIKE '%noskipscan'";
/// Has the writer read SQLite's statistics anew, and all other connections, which do so when a table has come or gone.
const TOLD: &str = "ANALYZE sqlite_schema; CREATE TABLE statistics_changed (at INTEGER); DROP TABLE statistics_changed";
/// Connections of one process to PostgreSQL, and readers of a SQLite file.
const CONNECTIONS: u32 = 20;

/// The database, for reading and writing.
#[derive(Clone, Debug)]
pub struct Db {
    read: DatabaseConnection,
    write: DatabaseConnection,
    /// Of a process that has the database for itself.
    alone: Arc<Mutex<()>>,
}

/// Nobody else does the same until this is dropped.
pub struct Alone {
    _here: Option<OwnedMutexGuard<()>>,
    _everywhere: Option<DatabaseTransaction>,
}

impl Db {
    /// Connects; for SQLite makes the file and its folder, too.
    pub async fn connect(database: &Database) -> Result<Self, DbErr> {
        match database {
            Database::Postgres(url) => {
                let mut options = ConnectOptions::new(url);
                options.max_connections(CONNECTIONS).acquire_timeout(PATIENCE).sqlx_logging(false);
                options.set_application_name("colloquy");
                // As often as they are used, they need no asking whether they are still there.
                options.test_before_acquire_if_idle_for(IDLE);
                // A process that is frozen in the middle of a change holds up the others for no longer than this.
                options.map_sqlx_postgres_opts(|postgres| {
                    postgres.options([("idle_in_transaction_session_timeout", FROZEN)])
                });
                // A pool would only say that it has waited.
                let reached = tokio::time::timeout(PATIENCE, PgConnection::connect(url)).await;
                let reached = reached.map_err(|_| DbErr::Custom("the server does not answer".into()))?;
                let reached = reached.map_err(|error| DbErr::Custom(plainly(&error)))?;
                let _ = reached.close().await;
                let pool = sea_orm::Database::connect(options).await?;
                Ok(Self { read: pool.clone(), write: pool, alone: Arc::default() })
            }
            Database::Sqlite(file) => {
                if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                    std::fs::create_dir_all(folder)
                        .map_err(|error| DbErr::Custom(format!("{}: {error}", folder.display())))?;
                }
                let url = format!("sqlite://{}?mode=rwc", file.display());
                let open = async |connections| {
                    let mut options = ConnectOptions::new(&url);
                    options.max_connections(connections).acquire_timeout(PATIENCE).sqlx_logging(false);
                    // Nobody at the other end could go away.
                    options.test_before_acquire(false);
                    options.map_sqlx_sqlite_opts(|sqlite| {
                        sqlite
                            .journal_mode(SqliteJournalMode::Wal)
                            // What was answered is on the disk, as on PostgreSQL.
                            .synchronous(SqliteSynchronous::Full)
                            .foreign_keys(true)
                            .busy_timeout(PATIENCE)
                    });
                    sea_orm::Database::connect(options).await
                };
                // One writer: writes queue fairly here, instead of by SQLite's busy polling.
                Ok(Self { write: open(1).await?, read: open(CONNECTIONS).await?, alone: Arc::default() })
            }
        }
    }

    /// Has every statement counted from now on, but for the beginning and the end of transactions.
    pub fn count_statements(&mut self, counter: &Counter<u64, AtomicU64>) {
        for pool in [&mut self.read, &mut self.write] {
            let counter = counter.clone();
            pool.set_metric_callback(move |_| {
                counter.inc();
            });
        }
    }

    /// Keeps whoever does the same, in this and other processes, waiting until what this answers is dropped.
    pub async fn alone(&self, what: &str) -> Result<Alone> {
        if !self.is_postgres() {
            return Ok(Alone { _here: Some(Arc::clone(&self.alone).lock_owned().await), _everywhere: None });
        }
        let tx = self.begin().await?;
        // It is idle while whoever holds it asks a messenger.
        tx.execute_unprepared("SET LOCAL idle_in_transaction_session_timeout = '2min'").await?;
        let statement = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
        tx.execute_raw(Statement::from_sql_and_values(DatabaseBackend::Postgres, statement, [what.into()])).await?;
        Ok(Alone { _here: None, _everywhere: Some(tx) })
    }

    /// Brings the tables up to date: all that is missing or nothing. Of several processes that start at once, one does.
    pub async fn migrate(&self) -> Result<(), DbErr> {
        let tx = self.write.begin_with_options(self.at_once()).await?;
        if self.is_postgres() {
            tx.execute_unprepared("SELECT pg_advisory_xact_lock(7236833521)").await?;
        }
        Migrator::up(&tx, None).await?;
        tx.commit().await?;
        self.look(0x10002).await
    }

    /// SQLite looks at how its rows are spread when it is told to only, and here at those of tables that have grown tenfold:
    /// at all of them, or with 0x10 at some thousand.
    async fn look(&self, how: u32) -> Result<(), DbErr> {
        if !self.is_postgres() {
            let tx = self.write.begin_with_options(self.at_once()).await?;
            tx.execute_unprepared(&format!("PRAGMA optimize = {how}; {MENDED}; {TOLD}")).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Of transactions that take the writer's lock of SQLite as they begin: one that reads first could not get it later.
    fn at_once(&self) -> TransactionOptions {
        let sqlite_transaction_mode = (!self.is_postgres()).then_some(SqliteTransactionMode::Immediate);
        TransactionOptions { isolation_level: None, access_mode: None, sqlite_transaction_mode }
    }

    /// Has SQLite look at its rows each hour: lists of an archive that has grown since the start would be planned for the
    /// empty one.
    pub async fn tend(&self) {
        loop {
            tokio::time::sleep(TENDED).await;
            // Not for long: whoever writes waits meanwhile.
            if let Err(error) = self.look(0x10012).await {
                tracing::warn!(%error, "SQLite's statistics could not be brought up to date");
            }
        }
    }

    /// For reading outside of a transaction.
    pub fn read(&self) -> &DatabaseConnection {
        &self.read
    }

    /// For reading what belongs together: everything as of one moment.
    pub async fn snapshot(&self) -> Result<DatabaseTransaction> {
        let isolation_level = self.is_postgres().then_some(IsolationLevel::RepeatableRead);
        begun(&self.read, TransactionOptions { isolation_level, ..TransactionOptions::default() }).await
    }

    /// The same for statements whose best plan depends on what they ask for: PostgreSQL plans them each time, and does not
    /// reuse one plan for what is rare and what is common.
    pub async fn planned(&self) -> Result<DatabaseTransaction> {
        let tx = self.snapshot().await?;
        if self.is_postgres() {
            tx.execute_unprepared("SET LOCAL plan_cache_mode = force_custom_plan").await?;
        }
        Ok(tx)
    }

    /// The same for as long as its reader takes: it is not ended for doing nothing meanwhile.
    pub async fn patient(&self) -> Result<DatabaseTransaction> {
        let tx = self.planned().await?;
        if self.is_postgres() {
            tx.execute_unprepared("SET TRANSACTION READ ONLY; SET LOCAL idle_in_transaction_session_timeout = 0")
                .await?;
        }
        Ok(tx)
    }

    /// A transaction that writes, and tells of nothing by itself.
    pub async fn begin(&self) -> Result<DatabaseTransaction> {
        begun(&self.write, TransactionOptions::default()).await
    }

    /// For single statements that change nothing an event would tell of.
    pub fn write(&self) -> &DatabaseConnection {
        &self.write
    }

    /// Whether it is PostgreSQL and not SQLite.
    pub fn is_postgres(&self) -> bool {
        self.write.get_database_backend() == DatabaseBackend::Postgres
    }

    /// Ends all connections, once what is under way on them has ended. SQLite puts its write-ahead log into the file then.
    pub async fn close(&self) -> Result<()> {
        self.read.close_by_ref().await?;
        Ok(self.write.close_by_ref().await?)
    }

    /// Whether it answers.
    pub async fn check(&self) -> Result<()> {
        self.read.execute_unprepared("SELECT 1").await?;
        Ok(())
    }
}

/// Begins a transaction, to the end whoever waits for it: where the wait is given up half way, as when a client goes away, sqlx
/// would hand the connection on with the transaction open, and what is done on it next would be done in that.
async fn begun(pool: &DatabaseConnection, options: TransactionOptions) -> Result<DatabaseTransaction> {
    let pool = pool.clone();
    let begun = tokio::spawn(async move { pool.begin_with_options(options).await });
    Ok(begun.await.map_err(Error::internal)??)
}

/// Why a database cannot be reached, without where in its own sources it found out.
fn plainly(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(of) => of.message().to_owned(),
        other => other.to_string(),
    }
}

/// A change: what it does and the events that tell of it commit together or not at all. Dropped, it rolls back.
///
/// Locks are taken in one order, so that no two changes wait for each other: client, dialogue, cards, queue, user;
/// several of a kind by their ids, and of cards contractors before others.
/// The events are written last, at the commit.
pub struct Tx<'a> {
    inner: DatabaseTransaction,
    log: &'a Log,
    entries: Vec<Entry>,
    now: AtomicI64,
}

impl<'a> Tx<'a> {
    /// Begins.
    pub async fn begin(log: &'a Log) -> Result<Self> {
        let db = log.db();
        let inner = begun(&db.write, db.at_once()).await?;
        Ok(Self { inner, log, entries: Vec::new(), now: AtomicI64::new(Time::now().0) })
    }

    /// The moment of this change, for all that it writes.
    pub fn now(&self) -> Time {
        Time(self.now.load(Ordering::Relaxed))
    }

    /// Called once a dialogue is locked, with its last activity: the change is later than what it waited for, whatever
    /// the clock of the machine that did that.
    pub fn goes_on_after(&self, moment: Time) {
        self.now.fetch_max(Time::now().max(moment).0, Ordering::Relaxed);
    }

    /// Tells of something that this change did. Events enter the log in the order of these calls.
    pub fn emit(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Whether nothing was emitted: the change found everything as it should be.
    pub fn is_quiet(&self) -> bool {
        self.entries.is_empty()
    }

    /// Commits, and returns once the events can be read in the log.
    pub async fn commit(self) -> Result<()> {
        let Self { inner, log, entries, now } = self;
        log.commit(inner, entries, Time(now.into_inner())).await
    }
}

impl Deref for Tx<'_> {
    type Target = DatabaseTransaction;

    fn deref(&self) -> &DatabaseTransaction {
        &self.inner
    }
}

/// Whether the same transaction may succeed when it is tried again: PostgreSQL ended it to resolve a deadlock or a
/// conflict of snapshots.
pub fn is_transient(error: &Error) -> bool {
    matches!(error, Error::Internal(cause) if cause.contains("deadlock detected") || cause.contains("could not serialize"))
}

/// How often [`retried`] tries.
const TRIES: u32 = 5;

/// Makes a change, and makes it anew where the database ended its transaction to resolve a deadlock.
pub async fn retried<T, F: Future<Output = Result<T>>>(change: impl Fn() -> F) -> Result<T> {
    let mut tries = 1;
    loop {
        match change().await {
            Err(error) if tries < TRIES && is_transient(&error) => tries += 1,
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of a table that the statistics know of.
    async fn known(db: &Db) -> Option<String> {
        let known = "SELECT stat FROM sqlite_stat1 WHERE tbl = 'grown'";
        let row =
            db.write.query_one_raw(Statement::from_string(DatabaseBackend::Sqlite, known)).await.expect("it reads");
        row.map(|row| row.try_get_by_index::<String>(0).expect("a text"))
    }

    /// How a reader that was there all the time looks for a word, that it has not looked for before.
    async fn way(db: &Db, word: u32) -> String {
        let tx = db.snapshot().await.expect("it begins");
        // An explanation alone would not notice that something has changed.
        tx.execute_unprepared("SELECT 1 FROM grown").await.expect("it reads");
        let explain = format!("EXPLAIN QUERY PLAN SELECT id FROM grown WHERE word = '{word}'");
        let row = tx.query_one_raw(Statement::from_string(DatabaseBackend::Sqlite, explain)).await;
        let way = row.expect("it reads").expect("a line").try_get("", "detail").expect("a text");
        tx.rollback().await.expect("it has only read");
        way
    }

    #[tokio::test]
    async fn a_table_that_grew_since_the_start_is_looked_at() {
        let folder = std::env::temp_dir().join(format!("colloquy-{}", uuid::Uuid::now_v7()));
        let db = Db::connect(&Database::Sqlite(folder.join("colloquy.db"))).await.expect("it opens");
        db.migrate().await.expect("it is brought up to date");
        let grow = "CREATE TABLE grown (id INTEGER PRIMARY KEY, kind TEXT, word TEXT);
            CREATE INDEX grown_word ON grown (kind, word);
            INSERT INTO grown (kind, word)
                WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT 'a', i FROM n";
        db.write.execute_unprepared(grow).await.expect("it grows");
        assert_eq!(known(&db).await, None);
        assert!(!way(&db, 1).await.contains("ANY(kind)"), "that there is one kind is not known");
        db.look(0x10012).await.expect("it looks");
        assert!(known(&db).await.is_some_and(|stat| stat.ends_with(" 1")), "each word is there once");
        assert!(way(&db, 2).await.contains("ANY(kind)"), "there is one kind to look in");
        db.close().await.expect("it closes");
        std::fs::remove_dir_all(folder).expect("it is ours");
    }
}
