//! Those who hold a server up: one who has a million events to catch up on, and many who do not read.

use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait as _, Database};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::client::Api;
use crate::installation::{Holdings, Installation, TEXT, update};
use crate::listener::{Listener, subscribe};
use crate::start::resident;
use crate::table::verdict;
use crate::webhook::Webhook;

const EVENTS: i64 = 1_000_000;
/// MiB that a server may grow once a tenth of them is told: caches are full by then.
const REACH_PAST: f64 = 8.0;
/// Before any event.
const START: &str = "AAAAAAAAAAAAAAAA";

const READERS: usize = 200;
const MESSAGES: i64 = 400;
/// KiB that each of them may hold.
const REACH_READER: f64 = 256.0;

/// The log becomes twice as long, again and again: positions have no gaps, so that its copy joins on to it.
const DOUBLE: [&str; 3] = [
    "INSERT INTO event_subjects (subject_id, position) \
       SELECT subject_id, position + (SELECT position FROM log_heads) FROM event_subjects",
    "INSERT INTO events (position, mark, batch, at, kind, actor_user_id, actor_client_id, dialogue_id, channel_id, \
       addressee_id, detail) \
       SELECT position + head, mark, batch + head, at, kind, actor_user_id, actor_client_id, dialogue_id, channel_id, \
         addressee_id, detail FROM events, (SELECT position AS head FROM log_heads) AS heads",
    "UPDATE log_heads SET position = position * 2",
];

/// How fast one catches up on the whole log, and what the server holds for it.
pub async fn catch_up(installation: &Installation) -> Vec<String> {
    let db = Database::connect(&installation.database_url).await.expect("the database opens");
    while Holdings::of(&installation.database_url).await.events() < EVENTS {
        for statement in DOUBLE {
            db.execute_unprepared(statement).await.expect("the log grows");
        }
    }
    db.close().await.expect("the database closes");
    let program = installation.serve().await;
    let api = Api::anonymous(program.url()).with_token(&installation.token);
    let end: String = api.run("{ eventCursor }", Value::Null).await.get("eventCursor");
    let query = "subscription($after: String) { eventBatches(after: $after) { live cursor events { cursor kind
        dialogue { id } } } }";
    let before = resident(program.process_id());
    let started = Instant::now();
    let subscribed = subscribe(query, &json!({ "after": START }));
    let mut listener = Listener::connect(program.url(), &installation.token, &subscribed).await;
    let (mut events, mut early, mut most) = (0, before, before);
    let end = format!(r#""cursor":"{end}""#);
    loop {
        let batch = listener.next().await;
        let batch = String::from_utf8_lossy(&batch);
        events += batch.matches(r#""kind":"#).count();
        most = most.max(resident(program.process_id()));
        if (events as i64) < EVENTS / 10 {
            early = most;
        }
        if batch.contains(&end) {
            break;
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    program.terminate().await;
    vec![
        format!("{}, {events} events caught up, MiB it grew after the first tenth", installation.name),
        format!("{:.1} ({:.1} before)", most - early, early - before),
        format!("{:.0} a second", events as f64 / seconds),
        format!("at most {REACH_PAST:.0}"),
        verdict(most - early <= REACH_PAST),
    ]
}

/// What each of those who do not read holds, while one who does is told everything.
pub async fn unread(installation: &Installation) -> Vec<String> {
    let program = installation.serve().await;
    let query = "subscription { events(filter: { kinds: [MESSAGE_ADDED] }) {
        cursor kind dialogue { id client { name } } ... on MessageEvent { message { id text } } } }";
    let subscribed = subscribe(query, &json!({}));
    let mut asleep = Vec::new();
    for _ in 0..READERS {
        asleep.push(Listener::connect(program.url(), &installation.token, &subscribed).await);
    }
    let mut awake = Listener::connect(program.url(), &installation.token, &subscribed).await;
    let mut webhook = Webhook::connect(program.url(), &installation.path, &installation.secret).await;
    let text = TEXT.repeat(100);
    let mut post = async |number: i64| webhook.post(&update(0, 60_000_000 + number).replace(TEXT, &text)).await;
    // Until everybody follows.
    post(0).await;
    awake.next().await;
    let before = resident(program.process_id());
    let mut told = JoinSet::new();
    told.spawn(async move {
        for _ in 0..MESSAGES {
            awake.next().await;
        }
    });
    let started = Instant::now();
    for number in 1..=MESSAGES {
        post(number).await;
    }
    told.join_all().await;
    let elapsed = started.elapsed();
    // They are closed once they have taken nothing for fifteen seconds: it is measured before.
    assert!(elapsed < Duration::from_secs(14), "too slow to measure: {elapsed:?}");
    let each = (resident(program.process_id()) - before) * 1024.0 / READERS as f64;
    drop(asleep);
    program.terminate().await;
    let size = text.len() as f64 * MESSAGES as f64 / 1024.0 / 1024.0;
    vec![
        format!("{READERS} who leave {size:.1} MiB unread, KiB of each"),
        format!("{each:.1}"),
        String::new(),
        format!("at most {REACH_READER:.0}"),
        verdict(each <= REACH_READER),
    ]
}
