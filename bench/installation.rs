//! colloquy as somebody runs it: a database, a connected bot, clients who have written before.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use sea_orm::{ConnectionTrait as _, Database, Statement};
use serde_json::json;
use url::Url;
use uuid::Uuid;

use crate::harness::client::Api;
use crate::harness::postgres::PostgresServer;
use crate::harness::process::Program;
use crate::harness::scratch::Scratch;
use crate::webhook::Webhook;
use colloquy_sandbox::telegram::FakeTelegram;

/// Clients, each with a dialogue: as many as write at once.
pub const CLIENTS: usize = 16;

/// As long as a usual message; the same for all.
pub const TEXT: &str = "Здравствуйте! Сколько стоит доставка?";

/// The number of what they have written before.
const FIRST: i64 = 1;

const TOKEN: &str = "7000000001:bench";

/// An installation, and a copy of its database for the bare client to begin from the same.
pub struct Installation {
    /// The database's name, for people.
    pub name: &'static str,
    pub database_url: String,
    pub copy_url: String,
    pub channel: Uuid,
    /// Where the messenger posts to, and what it shows.
    pub path: String,
    pub secret: String,
    /// An administrator's API token.
    pub token: String,
    dir: Scratch,
    telegram: FakeTelegram,
    _server: Option<PostgresServer>,
}

impl Installation {
    pub async fn on_sqlite() -> Self {
        let dir = Scratch::new();
        let url = |name: &str| format!("sqlite://{}", dir.path().join(name).display());
        let (database_url, copy_url) = (url("colloquy.db"), url("copy.db"));
        let this = Self::new("SQLite", database_url, copy_url, dir, None).await;
        let db = Database::connect(&this.database_url).await.expect("the database opens");
        let copy = format!("VACUUM INTO '{}'", this.dir.path().join("copy.db").display());
        db.execute_unprepared(&copy).await.expect("the database is copied");
        this
    }

    /// On a server of its own, which flushes each commit to the disk.
    pub async fn on_postgres() -> Self {
        let server = PostgresServer::start_own_durable().await;
        server.execute("CREATE DATABASE installation").await;
        let (database_url, copy_url) = (server.url("installation"), server.url("copy"));
        let this = Self::new("PostgreSQL", database_url, copy_url, Scratch::new(), Some(server)).await;
        if let Some(server) = &this._server {
            server.execute("CREATE DATABASE copy TEMPLATE installation").await;
        }
        this
    }

    /// On a database that holds something already, which has no copy; `dir` is to go with it.
    pub async fn on(name: &'static str, database_url: String, dir: Scratch) -> Self {
        Self::new(name, database_url.clone(), database_url, dir, None).await
    }

    async fn new(
        name: &'static str,
        database_url: String,
        copy_url: String,
        dir: Scratch,
        server: Option<PostgresServer>,
    ) -> Self {
        let telegram = FakeTelegram::start().await;
        telegram.bot(TOKEN, "bench_bot");
        let (path, secret, channel) = (String::new(), String::new(), Uuid::nil());
        let mut this = Self {
            name,
            database_url,
            copy_url,
            channel,
            path,
            secret,
            token: String::new(),
            dir,
            telegram,
            _server: server,
        };
        this.command(&["user", "add", "--name", "Admin", "--email", "bench@example.com", "--role", "admin"]);
        let token = this.command(&["token", "create", "--email", "bench@example.com", "--name", "bench"]);
        let program = this.serve().await;
        let api = Api::anonymous(program.url()).with_token(&token);
        let connect = "mutation($input: ConnectChannelInput!) { connectChannel(input: $input) { channel { id } } }";
        let input = json!({ "name": "Bench", "credentials": { "telegram": { "botToken": TOKEN } } });
        api.run(connect, json!({ "input": input })).await.data();
        let webhook = this.telegram.wait_for_webhook(TOKEN).await;
        this.path = Url::parse(&webhook.url).expect("a webhook's address").path().to_owned();
        this.secret = webhook.secret;
        let id = this.path.rsplit("chn_").next().unwrap_or_default();
        this.channel = id.parse().expect("a channel's id");
        let mut webhook = Webhook::connect(program.url(), &this.path, &this.secret).await;
        for client in 0..CLIENTS {
            webhook.post(&update(client, FIRST)).await;
        }
        program.terminate().await;
        this.token = token;
        this
    }

    /// The settings of every process of it; others are as by default.
    fn settings(&self) -> [(&'static str, String); 5] {
        [
            ("DATABASE_URL", self.database_url.clone()),
            ("SECRET_KEY", "5e".repeat(32)),
            ("FILES_URL", format!("file://{}", self.dir.path().join("files").display())),
            ("TELEGRAM_API_URL", self.telegram.url().to_owned()),
            // Updates are posted to wherever the program listens; Telegram only has to be told some address.
            ("PUBLIC_URL", "http://127.0.0.1:8080".into()),
        ]
    }

    /// The real program, until it is dropped.
    pub async fn serve(&self) -> Program {
        self.serve_with(&[]).await
    }

    /// The same with further settings.
    pub async fn serve_with(&self, more: &[(&'static str, String)]) -> Program {
        let settings = self.settings();
        let settings: Vec<(&str, &str)> =
            settings.iter().chain(more).map(|(name, value)| (*name, value.as_str())).collect();
        Program::serve(&settings).await
    }

    /// The pretend Telegram that its bot is of.
    pub fn telegram(&self) -> &FakeTelegram {
        &self.telegram
    }

    fn command(&self, arguments: &[&str]) -> String {
        command(&self.settings(), self.dir.path(), arguments)
    }
}

/// Runs a command of the program that takes a password or nothing, and gives what it prints.
pub fn command(settings: &[(&'static str, String)], dir: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_colloquy"));
    command.args(arguments).env_clear().envs(settings.iter().cloned()).current_dir(dir);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program runs");
    // One that reads no password may have closed it.
    let _ = child.stdin.take().expect("piped").write_all(b"correct horse battery\n");
    let output = child.wait_with_output().expect("the program ends");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// How much a database holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holdings {
    messages: i64,
    events: i64,
    /// The end of the log: events have positions up to there.
    head: i64,
    feeds: i64,
}

impl Holdings {
    pub async fn of(url: &str) -> Self {
        let sql = "SELECT (SELECT count(*) FROM messages), (SELECT count(*) FROM events), \
            (SELECT position FROM log_heads), (SELECT count(*) FROM event_subjects)";
        let db = Database::connect(url).await.expect("the database opens");
        let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await;
        let row = row.expect("the database answers").expect("one row");
        let number = |column| row.try_get_by_index(column).expect("a number");
        Self { messages: number(0), events: number(1), head: number(2), feeds: number(3) }
    }

    /// Events in the log.
    pub fn events(self) -> i64 {
        self.events
    }

    /// After so many more messages, each with one event in one feed.
    pub fn with(self, messages: i64) -> Self {
        Self {
            messages: self.messages + messages,
            events: self.events + messages,
            head: self.head + messages,
            feeds: self.feeds + messages,
        }
    }
}

/// A client's id in Telegram.
pub fn chat(client: usize) -> i64 {
    6_000_000_000 + client as i64
}

/// A client's message, the `number`th, as Telegram writes it.
pub fn update(client: usize, number: i64) -> String {
    let chat = chat(client);
    let person = json!({
        "id": chat,
        "first_name": "Анна",
        "last_name": "Примерова",
        "username": format!("anna_primer_{client}"),
    });
    let (mut from, mut in_chat) = (person.clone(), person);
    from["is_bot"] = false.into();
    from["language_code"] = "ru".into();
    in_chat["type"] = "private".into();
    json!({ "update_id": number * CLIENTS as i64 + client as i64, "message": {
        "message_id": number,
        "from": from,
        "chat": in_chat,
        "date": 1_790_000_000,
        "text": TEXT,
    } })
    .to_string()
}
