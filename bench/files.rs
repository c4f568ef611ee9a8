//! Files on their way: what a process holds while one goes through it.

use std::fs;

use bytes::Bytes;
use futures_util::stream;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::harness::process::Program;
use crate::installation::{Installation, update};
use crate::listener::{Listener, subscribe};
use crate::start::resident;
use crate::table::{Spread, verdict};
use crate::webhook::Webhook;

const ROUNDS: usize = 5;
/// MiB: what Telegram hands over at most.
const RECEIVED: usize = 20;
/// MiB: what `POST /files` takes at most.
const UPLOADED: usize = 200;
/// MiB that a process may grow for a file, however large: less than the file.
const REACH_RECEIVED: f64 = 16.0;
/// The same, with all that the connection, the form and the allocator hold on to.
const REACH_UPLOADED: f64 = 64.0;
/// Updates of this part begin here.
const FIRST: i64 = 80_000_000;

/// A file from a client: from Telegram into the store.
pub async fn received(installation: &Installation) -> Vec<String> {
    let program = installation.serve().await;
    let query = "subscription { events(filter: { kinds: [MESSAGE_FILE_CHANGED] }) { cursor
        ... on MessageEvent { message { attachments { ... on File { state size } } } } } }";
    let subscribed = subscribe(query, &Value::Null);
    let mut listener = Listener::connect(program.url(), &installation.token, &subscribed).await;
    let mut webhook = Webhook::connect(program.url(), &installation.path, &installation.secret).await;
    let mut sizes = Vec::new();
    for (round, size) in (0i64..).zip([&[1][..], &[RECEIVED; ROUNDS]].concat()) {
        let id = format!("bench-{round}");
        installation.telegram().file(&id, vec![7; size << 20]);
        let mut message: Value = serde_json::from_str(&update(0, FIRST + round)).expect("an update");
        let document = json!({ "file_id": id, "file_unique_id": id, "file_name": "film.bin",
            "mime_type": "application/octet-stream", "file_size": size << 20 });
        message["message"]["document"] = document;
        let before = forget_peak(&program);
        webhook.post(&message.to_string()).await;
        let told = String::from_utf8_lossy(&listener.next().await).into_owned();
        assert!(told.contains("READY") && told.contains(&(size << 20).to_string()), "{told}");
        sizes.push(peak(&program) - before);
    }
    // The first was to have everything warm.
    row(installation, format!("{RECEIVED} MiB from Telegram into the store"), sizes.split_off(1), REACH_RECEIVED)
}

/// A file from an employee: from `POST /files` into the store.
pub async fn uploaded(installation: &Installation) -> Vec<String> {
    let program = installation.serve().await;
    let http = reqwest::Client::builder().no_proxy().build().expect("a client for loopback");
    let mut sizes = Vec::new();
    for size in [&[1][..], &[UPLOADED; ROUNDS]].concat() {
        let piece = Bytes::from(vec![7; 1 << 20]);
        let pieces = stream::iter((0..size).map(move |_| Ok::<_, std::io::Error>(piece.clone())));
        let part = Part::stream(reqwest::Body::wrap_stream(pieces)).file_name("film.bin");
        let before = forget_peak(&program);
        let request = http.post(format!("{}/files", program.url())).bearer_auth(&installation.token);
        let response = request.multipart(Form::new().part("file", part)).send().await.expect("an answer");
        assert!(response.status().is_success(), "{}", response.status());
        sizes.push(peak(&program) - before);
    }
    row(installation, format!("{UPLOADED} MiB by POST /files into the store"), sizes.split_off(1), REACH_UPLOADED)
}

fn row(installation: &Installation, what: String, values: Vec<f64>, reach: f64) -> Vec<String> {
    let values = Spread::of(values);
    vec![
        format!("{}, {what}", installation.name),
        format!("{:.1}", values.most),
        values.ends(1),
        format!("at most {reach:.0}"),
        verdict(values.most <= reach),
    ]
}

/// Begins the kernel's count of the most resident memory anew, from what is resident now: MiB.
fn forget_peak(program: &Program) -> f64 {
    fs::write(format!("/proc/{}/clear_refs", program.process_id()), "5").expect("the process is ours");
    resident(program.process_id())
}

/// MiB, as the kernel tells (`VmHWM`).
fn peak(program: &Program) -> f64 {
    let status = fs::read_to_string(format!("/proc/{}/status", program.process_id())).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a size");
    line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") / 1024.0
}
