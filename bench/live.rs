//! Live delivery: the program against a bare broadcast of the same bytes and against async-graphql's own WebSocket layer.

use std::collections::HashSet;
use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::harness::client::Api;
use crate::harness::process::Program;
use crate::installation::{Installation, update};
use crate::listener::{Listener, subscribe};
use crate::start::resident;
use crate::table::{Table, percentile, verdict};
use crate::webhook::Webhook;

/// Messages of one measurement, each told to everybody before the next is written.
const MESSAGES: usize = 200;
/// The same where each is told to one of many.
const MESSAGES_TO_ONE: usize = 3_000;
const SUBSCRIBERS: usize = 1_000;
const OPERATORS: usize = 200;
const IDLE: usize = 10_000;
/// Most that a delivery costs of the processor, beside the bare broadcast.
const REACH: f64 = 1.2;
const REACH_OPERATORS: f64 = 2.0;
/// Most that an idle subscription holds, in KiB.
const REACH_IDLE: f64 = 10.0;

/// Nothing more is on its way.
const QUIET: Duration = Duration::from_millis(700);
/// Bytes of the stock layer's answer beside the text.
const STOCK: usize = 330;

const FIELDS: &str = "cursor kind dialogue { id client { name } } ... on MessageEvent { message { id text author { ... on Client { id name } } } }";

/// What was measured of one server.
struct Measured {
    /// Of the processor, for a delivery, in microseconds; what writing the message costs is taken off.
    cpu: f64,
    /// From writing to receipt, in milliseconds.
    latencies: Vec<f64>,
    per_second: f64,
    /// Of one delivery.
    bytes: usize,
}

/// Somebody who writes messages, one at a time.
enum Writer<'a> {
    Client(Webhook, Box<dyn FnMut() -> String + Send + 'a>),
    Sayer { http: reqwest::Client, url: String, text: String },
}

impl Writer<'_> {
    async fn write(&mut self) {
        match self {
            Self::Client(webhook, next) => webhook.post(&next()).await,
            Self::Sayer { http, url, text } => {
                http.post(&*url).body(text.clone()).send().await.expect("it is said");
            }
        }
    }
}

/// Milliseconds of the processor that a process has used.
fn used(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("the process runs");
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks: f64 = fields[11].parse::<f64>().expect("a number") + fields[12].parse::<f64>().expect("a number");
    ticks * 10.0
}

/// How many of the listeners each message is told to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum To {
    Each,
    One,
}

/// Writes messages and waits for each until it was told to everybody whom it is for.
async fn measure(process: u32, connect: impl AsyncFn() -> Vec<Listener>, to: To, writer: &mut Writer<'_>) -> Measured {
    let messages = if to == To::Each { MESSAGES } else { MESSAGES_TO_ONE };
    for _ in 0..messages / 10 {
        writer.write().await;
    }
    let before = used(process);
    for _ in 0..messages {
        writer.write().await;
    }
    let writing = used(process) - before;
    let listeners = connect().await;
    let all = listeners.len();
    let (tell, mut told) = mpsc::unbounded_channel::<(usize, Instant, usize)>();
    let mut tasks = JoinSet::new();
    for (number, mut listener) in listeners.into_iter().enumerate() {
        let tell = tell.clone();
        tasks.spawn(async move {
            loop {
                let bytes = listener.next().await.len();
                let _ = tell.send((number, Instant::now(), bytes));
            }
        });
    }
    if to == To::Each {
        // Until everybody is there, and has been told what they had missed.
        let mut heard = HashSet::new();
        while heard.len() < all {
            writer.write().await;
            while let Ok(Some((number, ..))) = timeout(QUIET, told.recv()).await {
                heard.insert(number);
            }
        }
    }
    let told_to = if to == To::Each { all } else { 1 };
    let (before, started) = (used(process), Instant::now());
    let (mut latencies, mut bytes) = (Vec::new(), 0);
    for _ in 0..messages {
        let written = Instant::now();
        writer.write().await;
        for _ in 0..told_to {
            let (_, at, length) = told.recv().await.expect("somebody listens");
            latencies.push(at.duration_since(written).as_secs_f64() * 1000.0);
            bytes = length;
        }
    }
    let (cpu, elapsed) = (used(process) - before, started.elapsed().as_secs_f64());
    let deliveries = (messages * told_to) as f64;
    tasks.shutdown().await;
    Measured { cpu: (cpu - writing) * 1000.0 / deliveries, latencies, per_second: deliveries / elapsed, bytes }
}

async fn connect(url: &str, subscriptions: Vec<(String, String)>) -> Vec<Listener> {
    let mut listeners = Vec::with_capacity(subscriptions.len());
    for (token, subscribe) in subscriptions {
        listeners.push(Listener::connect(url, &token, &subscribe).await);
    }
    listeners
}

/// The bench itself as a yardstick, in a process of its own.
async fn yardstick(kind: &str) -> Program {
    Program::run(std::env::current_exe().expect("this program"), &[kind], &[]).await
}

/// A yardstick that says texts so long that a delivery has as many bytes as the program's.
async fn measure_yardstick(kind: &str, subscribers: usize, bytes: usize) -> Measured {
    let server = yardstick(kind).await;
    let query = "subscription { events { cursor kind dialogue { id name } message { id text author { id name } } } }";
    let url = server.url().to_owned();
    let text = "x".repeat(if kind == "--bare" { bytes } else { bytes.saturating_sub(STOCK) });
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let mut writer = Writer::Sayer { http, url: format!("{url}/say"), text };
    let subscriptions = || vec![(String::new(), subscribe(query, &json!({}))); subscribers];
    measure(server.process_id(), async || connect(&url, subscriptions()).await, To::Each, &mut writer).await
}

fn row(what: &str, ours: &Measured, bare: &Measured, stock: &Measured, reach: f64) -> Vec<String> {
    let latency = |measured: &Measured, share| percentile(&measured.latencies, share);
    let ratio = ours.cpu / bare.cpu;
    // The kernel counts by hundredths of a second: of few deliveries they tell nothing.
    let told = if bare.cpu > 1.0 { verdict(ratio <= reach) } else { "TOO FEW TO MEASURE".into() };
    vec![
        what.into(),
        format!("{:.1}", ours.cpu),
        format!("{:.1}", bare.cpu),
        format!("{:.1}", stock.cpu),
        format!("{ratio:.2}"),
        format!("{:.0}", ours.per_second),
        format!("{:.0}", bare.per_second),
        format!("{:.0} / {:.0}", latency(ours, 50), latency(ours, 99)),
        format!("{:.0} / {:.0}", latency(bare, 50), latency(bare, 99)),
        format!("{:.0}", ours.bytes as f64),
        format!("at most {reach:.1}"),
        told,
    ]
}

/// All of it, on one installation.
pub async fn compare(installation: &Installation, delivery: &mut Table, idle: &mut Table) {
    let program = installation.serve().await;
    let api = Api::anonymous(program.url()).with_token(&installation.token);
    let query = |filter: &str| {
        format!(
            "subscription($after: String, $d: [ID!]) {{ events(after: $after, filter: {{ kinds: [MESSAGE_ADDED]{filter} }}) {{ {FIELDS} }} }}"
        )
    };
    let cursor = async || api.run("{ eventCursor }", Value::Null).await.get::<String>("eventCursor");
    let mut number = 10_000_000;
    let mut next = |client: usize| {
        number += 1;
        update(client, number)
    };
    let webhook = async || Webhook::connect(program.url(), &installation.path, &installation.secret).await;

    // Everybody follows one dialogue.
    let dialogues = "{ dialogues(first: 100) { nodes { id client { name } lastMessage { id } } } }";
    let mut probe = webhook().await;
    probe.post(&next(0)).await;
    let one: String = api.run(dialogues, Value::Null).await.get("dialogues.nodes.0.id");
    let of_one = query(", dialogueIds: $d");
    let follow_one = async || {
        let variables = json!({ "after": cursor().await, "d": [one] });
        connect(program.url(), vec![(installation.token.clone(), subscribe(&of_one, &variables)); SUBSCRIBERS]).await
    };
    let mut writer = Writer::Client(webhook().await, Box::new(|| next(0)));
    let ours = measure(program.process_id(), follow_one, To::Each, &mut writer).await;
    drop(writer);
    let bare = measure_yardstick("--bare", SUBSCRIBERS, ours.bytes).await;
    let stock = measure_yardstick("--stock", SUBSCRIBERS, ours.bytes).await;
    delivery.row(row(&format!("{SUBSCRIBERS} of one dialogue"), &ours, &bare, &stock, REACH));

    // Operators follow all that they see.
    let mut operators = Vec::new();
    for number in 0..OPERATORS {
        operators.push(operator(&api, number).await);
    }
    for (what, own) in [("all they see", ""), ("all they see, and what is unread", " dialogue { unreadCount }")] {
        let of_all = query("").replace(FIELDS, &format!("{FIELDS}{own}"));
        let follow_all = async || {
            let variables = json!({ "after": cursor().await });
            let each = operators.iter().map(|token| (token.clone(), subscribe(&of_all, &variables)));
            connect(program.url(), each.collect()).await
        };
        let mut writer = Writer::Client(webhook().await, Box::new(|| next(0)));
        let ours = measure(program.process_id(), follow_all, To::Each, &mut writer).await;
        drop(writer);
        let bare = measure_yardstick("--bare", OPERATORS, ours.bytes).await;
        let stock = measure_yardstick("--stock", OPERATORS, ours.bytes).await;
        delivery.row(row(&format!("{OPERATORS} operators, {what}"), &ours, &bare, &stock, REACH_OPERATORS));
    }

    // Each follows another dialogue: most of them are told nothing.
    for client in 0..SUBSCRIBERS {
        probe.post(&next(client)).await;
    }
    let mut ids: Vec<String> = Vec::new();
    let mut after = Value::Null;
    while ids.len() < SUBSCRIBERS {
        let page =
            "query($after: String) { dialogues(first: 100, after: $after) { nodes { id } pageInfo { endCursor } } }";
        let page = api.run(page, json!({ "after": after })).await;
        let nodes: Vec<Value> = page.get("dialogues.nodes");
        ids.extend(nodes.iter().filter_map(|node| Some(node["id"].as_str()?.to_owned())));
        after = page.at("dialogues.pageInfo.endCursor").clone();
    }
    let follow_each = async || {
        let after = cursor().await;
        let one = |id: &String| (installation.token.clone(), subscribe(&of_one, &json!({ "after": after, "d": [id] })));
        connect(program.url(), ids.iter().take(SUBSCRIBERS).map(one).collect()).await
    };
    let mut client = 0;
    let mut writer = Writer::Client(
        webhook().await,
        Box::new(|| {
            client = (client + 1) % SUBSCRIBERS;
            next(client)
        }),
    );
    let ours = measure(program.process_id(), follow_each, To::One, &mut writer).await;
    drop(writer);
    let bare = measure_yardstick("--bare", 1, ours.bytes).await;
    let stock = measure_yardstick("--stock", 1, ours.bytes).await;
    delivery.row(row(&format!("{SUBSCRIBERS} of {SUBSCRIBERS} dialogues"), &ours, &bare, &stock, REACH));
    program.terminate().await;

    // They wait.
    let program = installation.serve().await;
    let before = resident(program.process_id());
    let variables = json!({ "d": [one] });
    let waiting = vec![(installation.token.clone(), subscribe(&of_one, &variables)); IDLE];
    let waiting = connect(program.url(), waiting).await;
    let size = |process: u32, before: f64| (resident(process) - before) * 1024.0 / IDLE as f64;
    let ours = size(program.process_id(), before);
    drop(waiting);
    let theirs = async |kind: &str| {
        let server = yardstick(kind).await;
        let before = resident(server.process_id());
        let follow = subscribe("subscription { events { cursor } }", &json!({}));
        let waiting = connect(server.url(), vec![(String::new(), follow); IDLE]).await;
        let size = size(server.process_id(), before);
        drop(waiting);
        format!("{size:.1}")
    };
    idle.row(vec![
        format!("{IDLE} idle subscriptions, KiB of each"),
        format!("{ours:.1}"),
        theirs("--bare").await,
        theirs("--stock").await,
        format!("at most {REACH_IDLE:.0}"),
        verdict(ours <= REACH_IDLE),
    ]);
    program.terminate().await;
}

/// An employee's token.
async fn operator(api: &Api, number: usize) -> String {
    let create = "mutation($input: CreateUserInput!) { createUser(input: $input) { user { id } } }";
    let input = json!({
        "name": format!("Operator {number}"), "email": format!("operator{number}@example.com"),
        "password": "correct horse battery", "role": "EMPLOYEE",
    });
    let id: String = api.run(create, json!({ "input": input })).await.get("createUser.user.id");
    let token = "mutation($input: CreateApiTokenInput!) { createApiToken(input: $input) { secret } }";
    api.run(token, json!({ "input": { "userId": id, "name": "bench" } })).await.get("createApiToken.secret")
}
