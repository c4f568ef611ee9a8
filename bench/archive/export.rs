//! Export: how fast lines come, and what whoever writes them holds.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::Instant;

use futures_util::StreamExt as _;

use super::facts::Facts;
use super::filled::{Archive, cell, rows};
use crate::harness::client::Api;
use crate::start::resident;
use crate::table::{Table, verdict};

/// MiB that a process may grow once a tenth is told, and so many lines: caches are full by then.
const REACH: f64 = 8.0;
const LINES: u64 = 50_000;

/// What one export was.
struct Told {
    lines: u64,
    bytes: u64,
    seconds: f64,
    /// MiB, when a tenth was told.
    early: f64,
    /// MiB, the most since then.
    most: f64,
}

/// The whole archive, by the command and by the route.
pub async fn table(archives: &[Archive], facts: &[Facts]) -> Table {
    let mut table = Table::new(
        "Export as NDJSON, and MiB that it grew once caches are full",
        &["", "lines", "a second", "MiB a second", "grew", "(before)", "reach", ""],
    );
    for (archive, facts) in archives.iter().zip(facts) {
        for what in ["messages", "dialogues", "events"] {
            let all: i64 = cell(&rows(&archive.url, &format!("SELECT count(*) FROM {what}")).await[0], 0);
            let all = all.unsigned_abs();
            // It cannot be told beside a server on SQLite, which has the file for itself.
            let told = tokio::task::block_in_place(|| by_command(archive, what, all));
            table.row(row(archive, what, "by the command", told, all));
            if what == "messages" {
                let told = by_route(archive, facts, what, all).await;
                table.row(row(archive, what, "by GET /export", told, all));
            }
        }
    }
    table
}

fn row(archive: &Archive, what: &str, way: &str, told: Told, all: u64) -> Vec<String> {
    // Of events, some are nobody's to see.
    assert!(told.lines == all || what == "events" && told.lines <= all, "{} lines of {all} {what}", told.lines);
    let is_long = told.lines > 2 * LINES;
    vec![
        format!("{}, {what}, {way}", archive.name()),
        told.lines.to_string(),
        format!("{:.0}", told.lines as f64 / told.seconds),
        format!("{:.1}", told.bytes as f64 / told.seconds / 1024.0 / 1024.0),
        format!("{:.1}", told.most - told.early),
        format!("({:.1})", told.early),
        if is_long { format!("at most {REACH:.0}") } else { String::new() },
        if is_long { verdict(told.most - told.early <= REACH) } else { String::new() },
    ]
}

/// Counts what comes, and looks at the process now and then.
struct Counter {
    process: u32,
    all: u64,
    started: Instant,
    told: Told,
    /// Lines at the last look.
    looked: u64,
}

impl Counter {
    fn of(process: u32, all: u64) -> Self {
        let told = Told { lines: 0, bytes: 0, seconds: 0.0, early: f64::NAN, most: f64::NAN };
        Self { process, all, started: Instant::now(), told, looked: 0 }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.told.lines += bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.told.bytes += bytes.len() as u64;
        if self.told.lines - self.looked < self.all / 200 {
            return;
        }
        self.looked = self.told.lines;
        let now = resident(self.process);
        let early = LINES.max(self.all / 10);
        if self.told.lines < early || self.told.early.is_nan() {
            self.told.early = now;
        }
        self.told.most = self.told.most.max(now);
        if self.told.lines < early {
            self.told.most = now;
        }
    }

    fn done(mut self) -> Told {
        self.told.seconds = self.started.elapsed().as_secs_f64();
        self.told
    }
}

fn by_command(archive: &Archive, what: &str, all: u64) -> Told {
    let (settings, dir) = archive.surroundings();
    let mut command = Command::new(env!("CARGO_BIN_EXE_colloquy"));
    command.args(["export", "--format", "ndjson", "--what", what]).env_clear().envs(settings).current_dir(dir);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut child = command.spawn().expect("the program runs");
    let mut output = child.stdout.take().expect("piped");
    let mut counter = Counter::of(child.id(), all);
    let mut bytes = vec![0; 1 << 16];
    loop {
        match output.read(&mut bytes).expect("the program writes") {
            0 => break,
            count => counter.take(&bytes[..count]),
        }
    }
    let told = counter.done();
    assert!(child.wait().expect("the program ends").success());
    told
}

async fn by_route(archive: &Archive, facts: &Facts, what: &str, all: u64) -> Told {
    let program = archive.serve().await;
    let http = Api::anonymous(program.url()).http;
    let request = http.get(format!("{}/export?what={what}&format=ndjson", program.url()));
    let mut counter = Counter::of(program.process_id(), all);
    let response = request.bearer_auth(&facts.operator.token).send().await.expect("an answer");
    assert!(response.status().is_success(), "{}", response.status());
    let mut body = response.bytes_stream();
    while let Some(bytes) = body.next().await {
        counter.take(&bytes.expect("the whole export"));
    }
    let told = counter.done();
    program.terminate().await;
    told
}
