//! The harness itself: what stories lean on holds.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, fs};

use axum::http::HeaderMap;
use axum::{Json, Router, routing::post};
use sea_orm::{ConnectOptions, ConnectionTrait, Database as Connections, DatabaseConnection, DbErr, Statement};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::harness::client::Api;
use crate::harness::postgres::PostgresServer;
use crate::harness::redis::RedisServer;
use crate::harness::story::stories;
use crate::harness::{Backend, Database, provision, provision_on};

/// A world of two databases.
struct Pair {
    backend: Backend,
    databases: [Database; 2],
}

impl Pair {
    async fn start(backend: Backend) -> Self {
        Self { backend, databases: [provision(backend).await, provision(backend).await] }
    }
}

/// Connects without waiting for a server that is away, as the pool otherwise does for half a minute.
async fn connect(url: &str) -> Result<DatabaseConnection, DbErr> {
    Connections::connect(ConnectOptions::new(url).acquire_timeout(Duration::from_secs(1)).to_owned()).await
}

async fn names(db: &DatabaseConnection) -> Vec<String> {
    let read = Statement::from_string(db.get_database_backend(), "SELECT name FROM settings ORDER BY name");
    let rows = db.query_all_raw(read).await;
    rows.expect("the table is there").iter().map(|row| row.try_get("", "name").expect("a text")).collect()
}

stories!(Pair: each_story_has_a_migrated_database_of_its_own);

async fn each_story_has_a_migrated_database_of_its_own(pair: Pair) {
    let [first, second] = &pair.databases;
    assert_ne!(first.url, second.url);
    let first_db = connect(&first.url).await.expect("the first database answers");
    let second_db = connect(&second.url).await.expect("the second database answers");

    first_db
        .execute_unprepared("INSERT INTO settings (name, value) VALUES ('mine', '')")
        .await
        .expect("a row is stored");

    assert_eq!(names(&first_db).await, ["mine"]);
    assert!(names(&second_db).await.is_empty());
    let redis: Vec<_> = pair.databases.iter().filter_map(Database::redis_url).collect();
    match pair.backend {
        Backend::Sqlite => assert!(redis.is_empty()),
        Backend::Postgres => assert_ne!(redis[0], redis[1]),
    }
}

async fn ping(url: &str) -> redis::RedisResult<String> {
    let mut connection = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
    redis::cmd("PING").query_async(&mut connection).await
}

#[tokio::test]
async fn redis_stops_and_starts_again_on_the_same_port() {
    let server = RedisServer::start_own().await;
    let url = server.url();
    assert_eq!(ping(&url).await.expect("it answers"), "PONG");

    server.stop().await;
    assert!(ping(&url).await.is_err());

    server.start().await;
    assert_eq!(ping(&url).await.expect("it answers again"), "PONG");
}

#[tokio::test]
async fn postgresql_keeps_what_was_committed_when_it_stops_and_when_it_crashes() {
    let server = PostgresServer::start_own().await;
    let url = provision_on(&server).await.url.clone();

    server.stop().await;
    assert!(connect(&url).await.is_err());
    server.start().await;
    let db = connect(&url).await.expect("it answers again");
    db.execute_unprepared("INSERT INTO settings (name, value) VALUES ('committed', '')")
        .await
        .expect("a row is stored");

    server.crash().await;
    assert!(db.execute_unprepared("SELECT 1").await.is_err());
    server.start().await;
    let db = connect(&url).await.expect("it answers after a crash");
    assert_eq!(names(&db).await, ["committed"]);
}

#[tokio::test]
async fn a_durable_postgresql_flushes_commits() {
    for (server, flushes) in
        [(PostgresServer::start_own().await, "off"), (PostgresServer::start_own_durable().await, "on")]
    {
        let db = connect(&server.url("postgres")).await.expect("the server answers");
        for setting in ["fsync", "full_page_writes"] {
            let show = Statement::from_string(db.get_database_backend(), format!("SHOW {setting}"));
            let row = db.query_one_raw(show).await.expect("the server answers").expect("one row");
            assert_eq!(row.try_get_by_index::<String>(0).expect("a text"), flushes, "{setting}");
        }
    }
}

/// Set where this test runs once more, as the process that gets killed.
const VICTIM: &str = "COLLOQUY_STORIES_VICTIM";

#[tokio::test]
async fn a_killed_test_process_leaves_nothing_behind() {
    if env::var_os(VICTIM).is_some() {
        return hold_servers_until_killed().await;
    }
    let this_test = "stories::harness::a_killed_test_process_leaves_nothing_behind";
    let mut victim = Command::new(env::current_exe().expect("this binary has a path"))
        .args([this_test, "--exact", "--nocapture"])
        .env(VICTIM, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this binary runs again");
    let output = BufReader::new(victim.stdout.take().expect("piped"));
    let told = output.lines().map_while(Result::ok).find_map(|line| Some(line.strip_prefix("holding ")?.to_owned()));
    let told = told.expect("the victim tells what it holds");
    let (directory, processes) = told.split_once(' ').expect("a directory and processes");
    let processes: Vec<&str> = processes.split(' ').collect();
    assert!(Path::new(directory).is_dir() && processes.len() == 2 && processes.iter().all(|id| runs(id)), "{told}");

    victim.kill().expect("the victim is ours");
    victim.wait().expect("the victim is ours");

    let all_gone = async {
        while Path::new(directory).exists() || processes.iter().any(|id| runs(id)) {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(20), all_gone).await.unwrap_or_else(|_| panic!("of {told} something is left"));
}

/// Whether a process has not ended; one that nobody has waited for yet has no command line.
fn runs(id: &str) -> bool {
    fs::read(format!("/proc/{id}/cmdline")).is_ok_and(|line| !line.is_empty())
}

/// Tells a directory and two processes. If the parent should die first, standard input ends.
async fn hold_servers_until_killed() {
    let database = provision(Backend::Postgres).await;
    let postgres = PostgresServer::shared().await.process_id().expect("it runs");
    let redis = database.redis.as_ref().and_then(RedisServer::process_id).expect("it runs");
    let directory = database.dir.path().parent().expect("a directory of the process").display();
    println!("\nholding {directory} {postgres} {redis}");
    std::io::stdout().flush().expect("the parent reads");
    std::io::stdin().lines().for_each(drop);
}

#[tokio::test]
async fn the_client_tells_data_from_errors() {
    let graphql = async |headers: HeaderMap, Json(request): Json<Value>| {
        let token = headers.get("authorization").map(|value| value.to_str().expect("ASCII").to_owned());
        Json(match request["variables"]["fail"] {
            Value::Bool(true) => json!({ "data": null, "errors": [
                { "message": "no", "extensions": { "code": "BAD_USER_INPUT", "field": "input.text" } },
            ] }),
            _ => json!({ "data": { "echo": [request["query"], token] } }),
        })
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let server = tokio::spawn(axum::serve(listener, Router::new().route("/graphql", post(graphql))).into_future());
    let anonymous = Api::anonymous(&url);

    let answer = anonymous.run("{ echo }", Value::Null).await;
    assert_eq!(answer.data(), &json!({ "echo": ["{ echo }", null] }));
    let answer = anonymous.with_token("secret").run("{ echo }", json!({})).await;
    assert_eq!(answer.get::<String>("echo.1"), "Bearer secret");

    let failed = anonymous.run("{ echo }", json!({ "fail": true })).await;
    assert_eq!((failed.error_code(), failed.error_field()), ("BAD_USER_INPUT", Some("input.text")));
    let caught = std::panic::catch_unwind(|| failed.at("echo").clone()).expect_err("errors are not data");
    let message = caught.downcast_ref::<String>().expect("a message");
    assert!(message.contains("BAD_USER_INPUT") && message.contains("{ echo }"), "{message}");
    server.abort();
}
