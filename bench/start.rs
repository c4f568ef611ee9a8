//! Starting, and resting: how soon a process is ready, and what it holds when nobody asks for anything.

use std::fs;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::installation::Installation;
use crate::table::{Spread, verdict};

const STARTS: usize = 9;
/// Milliseconds.
const READY: f64 = 1000.0;
/// MiB.
const IDLE: f64 = 60.0;
/// After this long a process has had several of the looks that it takes each second.
const REST: Duration = Duration::from_secs(4);

/// From the start of the process until `/readyz` answers 200.
pub async fn ready(installation: &Installation) -> Vec<String> {
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let started = Instant::now();
        let program = installation.serve().await;
        while !is_ready(program.url()).await {
            sleep(Duration::from_millis(1)).await;
        }
        times.push(started.elapsed().as_secs_f64() * 1000.0);
        program.terminate().await;
    }
    row(installation, "start to ready, ms", times, READY)
}

/// Resident memory, once a process has been ready for a while.
pub async fn idle(installation: &Installation) -> Vec<String> {
    let mut sizes = Vec::new();
    for _ in 0..3 {
        let program = installation.serve().await;
        sleep(REST).await;
        assert!(is_ready(program.url()).await, "{}", program.errors());
        sizes.push(resident(program.process_id()));
        program.terminate().await;
    }
    row(installation, "memory when idle, MiB", sizes, IDLE)
}

fn row(installation: &Installation, what: &str, values: Vec<f64>, most: f64) -> Vec<String> {
    let values = Spread::of(values);
    vec![
        format!("{}, {what}", installation.name),
        format!("{:.0}", values.median),
        values.ends(0),
        format!("at most {most:.0}"),
        verdict(values.median <= most),
    ]
}

async fn is_ready(url: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect(url.trim_start_matches("http://")).await else { return false };
    let mut answer = String::new();
    let asked = stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
    asked.is_ok() && stream.read_to_string(&mut answer).await.is_ok() && answer.starts_with("HTTP/1.1 200 ")
}

/// MiB, as the kernel tells (`VmRSS`).
pub fn resident(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kibibytes / 1024.0
}
