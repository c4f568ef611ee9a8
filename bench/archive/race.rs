//! Several servers that are asked in turns: whatever else the machine does meets all of them.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::door::Door;
use crate::table::{Spread, percentile};

/// Rounds of each, but for what is so slow that they would take longer than `LONGEST`: then at least `LEAST`.
const ROUNDS: usize = 9;
const LEAST: usize = 3;
const LONGEST: Duration = Duration::from_secs(20);
const ROUND: Duration = Duration::from_millis(200);

/// Connections that ask at once, where many do.
pub const MANY: usize = 16;

/// A server, and what it is asked.
pub struct Runner {
    pub url: String,
    pub request: Vec<u8>,
}

/// What was measured of one of them.
#[derive(Default)]
pub struct Run {
    /// Milliseconds of each request.
    latencies: Vec<f64>,
    /// Requests a second, of each round.
    per_second: Vec<f64>,
}

impl Run {
    /// Requests a second.
    pub fn rate(&self) -> f64 {
        Spread::of(self.per_second.iter().copied()).median
    }

    /// Milliseconds below which so many of a hundred requests are.
    pub fn below(&self, share: usize) -> f64 {
        percentile(&self.latencies, share)
    }

    /// The same as people read it: half of them, and 95 of a hundred.
    pub fn times(&self) -> String {
        format!("{} / {}", short(self.below(50)), short(self.below(95)))
    }

    /// How many times as many requests a second as another one's, round by round.
    pub fn over(&self, other: &Self) -> Spread {
        Spread::of(self.per_second.iter().zip(&other.per_second).map(|(own, others)| own / others))
    }
}

/// Three digits tell enough.
pub fn short(value: f64) -> String {
    match value {
        value if value < 10.0 => format!("{value:.2}"),
        value if value < 100.0 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}

/// Has them asked in turns, each over so many connections at once.
pub async fn race(runners: &[Runner], connections: usize) -> Vec<Run> {
    let mut doors = Vec::new();
    for runner in runners {
        let mut own = Vec::new();
        for _ in 0..connections {
            own.push(Door::connect(&runner.url).await);
        }
        doors.push(own);
    }
    let mut runs: Vec<Run> = runners.iter().map(|_| Run::default()).collect();
    let started = Instant::now();
    // The first warms all up.
    for round in 0..=ROUNDS {
        if round > LEAST && started.elapsed() > LONGEST {
            break;
        }
        let mut order: Vec<usize> = (0..runners.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for index in order {
            let (latencies, per_second) = go(&runners[index].request, &mut doors[index]).await;
            if round > 0 {
                runs[index].latencies.extend(latencies);
                runs[index].per_second.push(per_second);
            }
        }
    }
    runs
}

/// One round of one of them.
async fn go(request: &[u8], doors: &mut Vec<Door>) -> (Vec<f64>, f64) {
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for mut door in doors.drain(..) {
        let request = request.to_vec();
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            while latencies.is_empty() || started.elapsed() < ROUND {
                let asked = Instant::now();
                door.ask(&request).await;
                latencies.push(asked.elapsed().as_secs_f64() * 1000.0);
            }
            (door, latencies)
        });
    }
    let mut all = Vec::new();
    for (door, latencies) in tasks.join_all().await {
        doors.push(door);
        all.extend(latencies);
    }
    let per_second = all.len() as f64 / started.elapsed().as_secs_f64();
    (all, per_second)
}
