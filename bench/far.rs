//! From a client's message at one process to a subscriber of another, with PostgreSQL and Redis between them.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::harness::client::Api;
use crate::harness::redis::RedisServer;
use crate::installation::{CLIENTS, Installation, TEXT, update};
use crate::listener::{Listener, subscribe};
use crate::table::{percentile, verdict};
use crate::webhook::Webhook;

const RATE: u32 = 200;
const MESSAGES: i64 = 4_000;
/// Of them, those before everything is warm.
const WARM: i64 = 400;
/// Milliseconds.
const REACH: f64 = 25.0;

/// The times from the moment at which a message was due to be posted to its receipt.
pub async fn heard(installation: &Installation) -> Vec<String> {
    let redis = RedisServer::start_own().await;
    let bus = [("REDIS_URL", redis.url())];
    let (here, there) = (installation.serve_with(&bus).await, installation.serve_with(&bus).await);
    let api = Api::anonymous(there.url()).with_token(&installation.token);
    let after: String = api.run("{ eventCursor }", Value::Null).await.get("eventCursor");
    let query = "subscription($after: String) { events(after: $after, filter: { kinds: [MESSAGE_ADDED] }) {
        cursor kind dialogue { id client { name } } ... on MessageEvent { message { id text } } } }";
    let subscribed = subscribe(query, &json!({ "after": after }));
    let mut listener = Listener::connect(there.url(), &installation.token, &subscribed).await;
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        loop {
            let event = listener.next().await;
            let _ = tell.send((String::from_utf8_lossy(&event).into_owned(), Instant::now()));
        }
    });
    let start = Instant::now() + Duration::from_millis(100);
    let due = move |number: i64| start + Duration::from_secs(1) / RATE * u32::try_from(number).unwrap_or_default();
    let (answer, mut answered) = mpsc::unbounded_channel();
    for client in 0..CLIENTS {
        let answer = answer.clone();
        let mut webhook = Webhook::connect(here.url(), &installation.path, &installation.secret).await;
        tasks.spawn(async move {
            for number in (client as i64..MESSAGES).step_by(CLIENTS) {
                sleep_until(due(number)).await;
                webhook.post(&update(client, 50_000_000 + number).replace(TEXT, &format!("no. {number}!"))).await;
                let _ = answer.send((number, due(number).elapsed().as_secs_f64() * 1000.0));
            }
            std::future::pending::<()>().await;
        });
    }
    let mut latencies = HashMap::new();
    while (latencies.len() as i64) < MESSAGES {
        let (event, at) = told.recv().await.expect("it listens");
        let number = event.split("no. ").nth(1).and_then(|rest| rest.split('!').next()?.parse::<i64>().ok());
        let number = number.expect("a message of ours");
        let once = latencies.insert(number, at.duration_since(due(number)).as_secs_f64() * 1000.0);
        assert!(once.is_none(), "told twice: {number}");
    }
    let mut commits = HashMap::new();
    while commits.len() < latencies.len() {
        commits.extend(answered.recv().await);
    }
    tasks.shutdown().await;
    let warm = |times: HashMap<i64, f64>| -> Vec<f64> {
        times.into_iter().filter(|(number, _)| *number >= WARM).map(|(_, time)| time).collect()
    };
    let (warm, commits) = (warm(latencies), warm(commits));
    let p99 = percentile(&warm, 99);
    vec![
        format!("{RATE} messages a second, heard at another process, ms"),
        format!("{:.1}", percentile(&warm, 50)),
        format!("{p99:.1}"),
        format!("{:.1}", percentile(&warm, 100)),
        // A disk that stalls shows here as well.
        format!("{:.1} / {:.1}", percentile(&commits, 50), percentile(&commits, 99)),
        format!("p99 at most {REACH:.0}"),
        verdict(p99 <= REACH),
    ]
}
