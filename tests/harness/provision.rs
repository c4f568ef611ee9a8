//! What one story is given to keep its data in.

use std::fmt::{self, Display};
use std::fs;
use std::path::PathBuf;

use colloquy::config;
use colloquy::db::Db;
use sea_orm::DbErr;
use tokio::sync::OnceCell;

use super::postgres::PostgresServer;
use super::redis::RedisServer;
use super::scratch::Scratch;

const TEMPLATE: &str = "template_colloquy";

/// What the program is run on: every story on each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// A file, and word travels within the process
    Sqlite,
    /// PostgreSQL, and word travels by Redis
    Postgres,
}

impl Display for Backend {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL with Redis",
        })
    }
}

/// A migrated, empty database of the story's own. It is gone when this is dropped: hold it until the story ends.
#[derive(Debug)]
pub struct Database {
    /// `DATABASE_URL`
    pub url: String,
    /// The story's own Redis, on PostgreSQL
    pub redis: Option<RedisServer>,
    /// A directory for what else the story keeps
    pub dir: Scratch,
    shared_name: Option<String>,
}

impl Database {
    /// `REDIS_URL`
    pub fn redis_url(&self) -> Option<String> {
        self.redis.as_ref().map(RedisServer::url)
    }

    /// The same as the program's settings have it.
    pub fn config(&self) -> config::Database {
        configured(&self.url)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(name) = self.shared_name.take() {
            PostgresServer::drop_shared_database(name);
        }
    }
}

/// Makes a migrated database for one story. The first of a process on a backend is brought to its schema; all are copies
/// of it.
pub async fn provision(backend: Backend) -> Database {
    let dir = Scratch::new();
    match backend {
        Backend::Sqlite => {
            let file = dir.path().join("colloquy.db");
            fs::copy(sqlite_template().await, &file).expect("a database file is copied");
            Database { url: sqlite_url(&file), redis: None, dir, shared_name: None }
        }
        Backend::Postgres => {
            static MIGRATED: OnceCell<()> = OnceCell::const_new();
            let server = PostgresServer::shared().await;
            MIGRATED.get_or_init(async || server.create_template(TEMPLATE, migrate).await).await;
            let name = server.create_database(TEMPLATE).await;
            let redis = RedisServer::start_own().await;
            Database { url: server.url(&name), redis: Some(redis), dir, shared_name: Some(name) }
        }
    }
}

/// As [`provision`], on a PostgreSQL server apart, for who stops it.
pub async fn provision_on(server: &PostgresServer) -> Database {
    server.create_template(TEMPLATE, migrate).await;
    let name = server.create_database(TEMPLATE).await;
    let redis = RedisServer::start_own().await;
    Database { url: server.url(&name), redis: Some(redis), dir: Scratch::new(), shared_name: None }
}

/// Brings an empty database to its schema, and leaves no connection open.
async fn migrate(url: String) -> Result<(), DbErr> {
    let db = Db::connect(&configured(&url)).await?;
    db.migrate().await?;
    db.read().clone().close().await?;
    db.write().clone().close().await
}

fn configured(url: &str) -> config::Database {
    match url.strip_prefix("sqlite://") {
        Some(file) => config::Database::Sqlite(file.into()),
        None => config::Database::Postgres(url.to_owned()),
    }
}

async fn sqlite_template() -> PathBuf {
    static MIGRATED: OnceCell<Scratch> = OnceCell::const_new();
    let dir = MIGRATED
        .get_or_init(async || {
            let dir = Scratch::new();
            let file = dir.path().join("template.db");
            if let Err(error) = migrate(sqlite_url(&file)).await {
                panic!("migrating a SQLite database failed: {error}");
            }
            let log = fs::metadata(dir.path().join("template.db-wal"));
            assert!(log.map_or(0, |log| log.len()) == 0, "the migration left a connection to its database open");
            dir
        })
        .await;
    dir.path().join("template.db")
}

fn sqlite_url(file: &std::path::Path) -> String {
    format!("sqlite://{}", file.display())
}
