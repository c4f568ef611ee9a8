//! Inbound messages: the program against a bare client that runs the same statements.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::task::JoinSet;

use crate::bare;
use crate::harness::process::Program;
use crate::installation::{Holdings, Installation, update};
use crate::table::{Spread, verdict};
use crate::webhook::Webhook;

/// Rounds of each, in turns: whatever else the machine does meets both.
const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_millis(1500);

/// colloquy does at least this many times what the bare client does.
const REACH: f64 = 0.5;

/// Somebody who writes one message after another.
#[async_trait]
pub trait Writer: Send {
    /// Writes one; it is committed and has its place in the log when this returns.
    async fn write(&mut self);
}

/// A client whose messages the messenger posts.
struct Posted {
    webhook: Webhook,
    client: usize,
    next: i64,
}

#[async_trait]
impl Writer for Posted {
    async fn write(&mut self) {
        self.webhook.post(&update(self.client, self.next)).await;
        self.next += 1;
    }
}

/// So many clients who write by the messenger. `first` is the number of their first message.
pub async fn posted(
    installation: &Installation,
    program: &Program,
    at_once: usize,
    first: i64,
) -> Vec<Box<dyn Writer>> {
    let mut posted: Vec<Box<dyn Writer>> = Vec::new();
    for client in 0..at_once {
        let webhook = Webhook::connect(program.url(), &installation.path, &installation.secret).await;
        posted.push(Box::new(Posted { webhook, client, next: first }));
    }
    posted
}

/// So many clients write at once, each in their own dialogue. `first` is the number of their first message.
pub async fn compare(installation: &Installation, at_once: usize, first: i64) -> Vec<String> {
    let program = installation.serve().await;
    let mut posted = posted(installation, &program, at_once, first).await;
    let mut written = bare::writers(installation, at_once, first).await;
    let before = [Holdings::of(&installation.database_url).await, Holdings::of(&installation.copy_url).await];
    let mut counts = [0, 0];
    let mut rounds = Vec::new();
    // The first warms both up.
    for round in 0..=ROUNDS {
        let ours = run(&mut posted).await;
        let theirs = run(&mut written).await;
        counts = [counts[0] + ours.count, counts[1] + theirs.count];
        if round > 0 {
            rounds.push((ours.per_second, theirs.per_second));
        }
    }
    program.terminate().await;
    // Both did what was measured.
    assert_eq!(Holdings::of(&installation.database_url).await, before[0].with(counts[0]));
    assert_eq!(Holdings::of(&installation.copy_url).await, before[1].with(counts[1]));
    let ours = Spread::of(rounds.iter().map(|(ours, _)| *ours));
    let theirs = Spread::of(rounds.iter().map(|(_, theirs)| *theirs));
    let ratio = Spread::of(rounds.iter().map(|(ours, theirs)| ours / theirs));
    vec![
        format!("{}, {at_once} at once", installation.name),
        format!("{:.0}", ours.median),
        format!("{:.0}", theirs.median),
        format!("{:.2}", ratio.median),
        ratio.ends(2),
        format!("at least {REACH:.2}"),
        verdict(ratio.median >= REACH),
    ]
}

/// What was written in one.
pub struct Round {
    pub count: i64,
    pub per_second: f64,
}

/// One round: all write as fast as they can.
pub async fn run(writers: &mut Vec<Box<dyn Writer>>) -> Round {
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for mut writer in writers.drain(..) {
        tasks.spawn(async move {
            let mut count = 0;
            while started.elapsed() < ROUND {
                writer.write().await;
                count += 1;
            }
            (writer, count)
        });
    }
    let done = tasks.join_all().await;
    let elapsed = started.elapsed().as_secs_f64();
    let count = done.iter().map(|(_, count)| count).sum();
    writers.extend(done.into_iter().map(|(writer, _)| writer));
    Round { count, per_second: count as f64 / elapsed }
}
