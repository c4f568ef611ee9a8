//! Databases that `colloquy demo` has filled, kept for the next run.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, QueryResult, Statement, TryGetable};
use serde_json::{Value, json};

use crate::harness::postgres::PostgresServer;
use crate::harness::process::Program;
use crate::harness::scratch::Scratch;
use crate::installation::command;

/// Names those that are wanted, with commas between.
const WANTED: &str = "COLLOQUY_BENCH_ARCHIVES";
/// The one kind of database that is wanted, where not both are: `sqlite` or `postgres`.
const DATABASE: &str = "COLLOQUY_BENCH_DATABASE";
/// Those that are filled within minutes.
const USUAL: &str = "10k,100k";

/// How much an archive holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub name: &'static str,
    pub dialogues: u64,
    pub messages: u64,
}

const SIZES: [Size; 5] = [
    // To try the benchmarks themselves out.
    Size { name: "1k", dialogues: 1_000, messages: 4_000 },
    Size { name: "10k", dialogues: 10_000, messages: 20_000 },
    Size { name: "100k", dialogues: 100_000, messages: 200_000 },
    Size { name: "1M", dialogues: 1_000_000, messages: 2_000_000 },
    // More messages, not more dialogues: for search and export.
    Size { name: "10M", dialogues: 1_000_000, messages: 10_000_000 },
];

/// As on a machine of 8 GiB that is PostgreSQL's alone.
const SETTINGS: &[&str] = &[
    "shared_buffers=1GB",
    "effective_cache_size=4GB",
    "maintenance_work_mem=512MB",
    "max_wal_size=4GB",
    "checkpoint_timeout=15min",
];

/// Whether archives of this kind are wanted.
fn is_wanted(kind: &str) -> bool {
    std::env::var(DATABASE).ok().filter(|named| !named.is_empty()).is_none_or(|named| named == kind)
}

/// The archives of one kind of database.
pub struct Archives {
    all: Vec<Archive>,
    server: Option<PostgresServer>,
}

/// One of them.
pub struct Archive {
    /// The database's name, for people.
    pub database: &'static str,
    pub size: Size,
    pub url: String,
    /// Seconds that the filling took, and tidying up afterwards (VACUUM; of large files ANALYZE).
    pub took: [f64; 2],
    /// What is no database: the secrets are those of the settings.
    dir: Scratch,
}

impl Archives {
    /// One file each.
    pub async fn on_sqlite() -> Option<Self> {
        if !is_wanted("sqlite") {
            return None;
        }
        let mut all = Vec::new();
        for size in wanted() {
            let folder = home().join(format!("sqlite-{}", size.name));
            let filling = home().join("sqlite-filling");
            let url = |folder: &Path| format!("sqlite://{}", folder.join("colloquy.db").display());
            if !folder.exists() {
                // What an interrupted run has left.
                let _ = fs::remove_dir_all(&filling);
                fs::create_dir_all(&filling).expect("the build's folder is ours");
                // VACUUM needs room for the file twice more.
                let tidy = if size.messages > 2_000_000 { "ANALYZE" } else { "VACUUM" };
                let took = fill(size, &url(&filling), tidy).await;
                note(&filling.join("took.json"), took);
                fs::rename(&filling, &folder).expect("the build's folder is ours");
            }
            let took = noted(&folder.join("took.json"));
            all.push(Archive { database: "SQLite", size, url: url(&folder), took, dir: Scratch::new() });
        }
        Some(Self { all, server: None })
    }

    /// One database each, in a cluster of their own.
    pub async fn on_postgres() -> Option<Self> {
        if !is_wanted("postgres") {
            return None;
        }
        let folder = home().join("postgres");
        fs::create_dir_all(&folder).expect("the build's folder is ours");
        let server = PostgresServer::start_in(folder, true, SETTINGS).await;
        let there = rows(&server.url("postgres"), "SELECT datname FROM pg_database").await;
        let there: Vec<String> = there.iter().map(|row| cell(row, 0)).collect();
        let mut all = Vec::new();
        for size in wanted() {
            let name = format!("archive_{}", size.name.to_lowercase());
            let file = home().join(format!("postgres-{}.json", size.name));
            if !there.contains(&name) {
                server.execute("DROP DATABASE IF EXISTS filling").await;
                server.execute("CREATE DATABASE filling").await;
                note(&file, fill(size, &server.url("filling"), "VACUUM ANALYZE").await);
                server.execute(&format!("ALTER DATABASE filling RENAME TO {name}")).await;
            }
            let url = server.url(&name);
            all.push(Archive { database: "PostgreSQL", size, url, took: noted(&file), dir: Scratch::new() });
        }
        Some(Self { all, server: Some(server) })
    }

    /// From the smallest to the largest.
    pub fn all(&self) -> &[Archive] {
        &self.all
    }

    /// A copy that may be written to, and the folder that holds it where it is a file.
    pub async fn copy(&self, archive: &Archive) -> (String, Scratch) {
        let dir = Scratch::new();
        match &self.server {
            None => {
                let copy = dir.path().join("colloquy.db");
                fs::copy(archive.url.trim_start_matches("sqlite://"), &copy).expect("there is room for a copy");
                (format!("sqlite://{}", copy.display()), dir)
            }
            Some(server) => {
                let name = format!("copy_{}", archive.size.name.to_lowercase());
                let template = format!("archive_{}", archive.size.name.to_lowercase());
                server.execute(&format!("DROP DATABASE IF EXISTS {name}")).await;
                server.execute(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
                (server.url(&name), dir)
            }
        }
    }

    /// Removes such a copy.
    pub async fn remove(&self, archive: &Archive) {
        if let Some(server) = &self.server {
            let name = format!("copy_{}", archive.size.name.to_lowercase());
            server.execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        }
    }

    /// Ends the server in order: the next one starts sooner.
    pub async fn close(self) {
        if let Some(server) = self.server {
            server.stop().await;
        }
    }
}

impl Archive {
    /// `PostgreSQL 100k`
    pub fn name(&self) -> String {
        format!("{} {}", self.database, self.size.name)
    }

    /// The settings of every process of it.
    fn settings(&self) -> Vec<(&'static str, String)> {
        settings(&self.url, self.dir.path())
    }

    /// The real program, until it is dropped.
    pub async fn serve(&self) -> Program {
        let settings = self.settings();
        let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Program::serve(&settings).await
    }

    /// Runs a command of the program, and gives what it prints.
    pub fn command(&self, arguments: &[&str]) -> String {
        command(&self.settings(), self.dir.path(), arguments)
    }

    /// The settings and the folder for a process that the caller starts.
    pub fn surroundings(&self) -> (Vec<(&'static str, String)>, &Path) {
        (self.settings(), self.dir.path())
    }

    /// A connection to its database.
    pub async fn connect(&self) -> DatabaseConnection {
        Database::connect(&self.url).await.expect("the database opens")
    }
}

fn settings(url: &str, dir: &Path) -> Vec<(&'static str, String)> {
    // No messenger is there to be asked.
    let nobody = || "http://127.0.0.1:9".to_owned();
    vec![
        ("DATABASE_URL", url.to_owned()),
        ("SECRET_KEY", "5e".repeat(32)),
        ("FILES_URL", format!("file://{}", dir.join("files").display())),
        ("TELEGRAM_API_URL", nobody()),
        ("VK_API_URL", nobody()),
        ("VIBER_API_URL", nobody()),
    ]
}

/// Those that the environment names, from the smallest to the largest.
fn wanted() -> Vec<Size> {
    let named = std::env::var(WANTED).ok().filter(|named| !named.is_empty()).unwrap_or_else(|| USUAL.to_owned());
    let named: Vec<&str> = named.split(',').map(str::trim).collect();
    for name in &named {
        let names = SIZES.map(|size| size.name).join(", ");
        assert!(SIZES.iter().any(|size| size.name == *name), "{WANTED}: {name} is none of {names}");
    }
    SIZES.into_iter().filter(|size| named.contains(&size.name)).collect()
}

/// Where archives are kept.
fn home() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("archives")
}

/// Fills an empty database as anybody would, and has the database tidy up: seconds of both.
async fn fill(size: Size, url: &str, tidy: &str) -> [f64; 2] {
    let dir = Scratch::new();
    let (dialogues, messages) = (size.dialogues.to_string(), size.messages.to_string());
    eprintln!("filling {url} with {dialogues} dialogues and {messages} messages");
    let started = Instant::now();
    let demo = ["demo", "--dialogues", &dialogues, "--messages", &messages, "--seed", "1"];
    command(&settings(url, dir.path()), dir.path(), &demo);
    let filled = started.elapsed().as_secs_f64();
    let started = Instant::now();
    execute(url, tidy).await;
    [filled, started.elapsed().as_secs_f64()]
}

fn note(file: &Path, took: [f64; 2]) {
    fs::write(file, json!(took).to_string()).expect("the build's folder is ours");
}

/// Nothing where it was not filled here.
fn noted(file: &Path) -> [f64; 2] {
    let text = fs::read_to_string(file).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or([f64::NAN; 2])
}

/// Runs a statement.
pub async fn execute(url: &str, sql: &str) {
    let db = Database::connect(url).await.expect("the database opens");
    db.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    db.close().await.expect("the database closes");
}

/// What a statement finds.
pub async fn rows(url: &str, sql: &str) -> Vec<QueryResult> {
    let db = Database::connect(url).await.expect("the database opens");
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let rows = db.query_all_raw(statement).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    db.close().await.expect("the database closes");
    rows
}

/// A column of such a row.
pub fn cell<T: TryGetable>(row: &QueryResult, column: usize) -> T {
    row.try_get_by_index(column).unwrap_or_else(|error| panic!("column {column}: {error:?}"))
}

/// What GraphQL answers at a path, whoever asks.
pub async fn ask(url: &str, token: &str, query: &str, variables: Value) -> Value {
    let api = crate::harness::client::Api::anonymous(url).with_token(token);
    api.run(query, variables).await.data().clone()
}
