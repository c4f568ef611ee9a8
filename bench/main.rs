//! The benchmarks: each a ratio of colloquy to a yardstick, the two measured in turns in one run, or a bound.
//!
//! `make bench` runs them on a release build. They start what they need: the program itself, a PostgreSQL that flushes
//! every commit to the disk, a pretend Telegram.

mod archive;
mod bare;
mod far;
mod files;
mod inbound;
mod installation;
mod listener;
mod live;
mod past;
mod start;
mod statements;
mod table;
mod webhook;
mod yardsticks;

#[path = "../tests/harness"]
#[expect(dead_code, reason = "the stories use the rest")]
mod harness {
    pub mod child;
    pub mod client;
    pub mod port;
    pub mod postgres;
    pub mod process;
    pub mod redis;
    pub mod scratch;
}

use installation::{CLIENTS, Installation};
use table::Table;

#[tokio::main]
async fn main() {
    if yardsticks::serve_if_asked().await {
        return;
    }
    let mut inbound = Table::new(
        "Inbound messages a second (webhook in, committed, positioned, answered), and the same SQL by a bare client",
        &["", "colloquy", "bare client", "ratio", "(of rounds)", "reach", ""],
    );
    let mut start = Table::new("A process on an existing database", &["", "", "(of starts)", "reach", ""]);
    let mut delivery = Table::new(
        "Live delivery over WebSocket: colloquy, a bare broadcast of the same bytes, async-graphql's own layer",
        &[
            "",
            "µs of CPU each",
            "bare",
            "stock",
            "ratio",
            "a second",
            "bare",
            "p50 / p99 ms",
            "bare",
            "bytes",
            "reach",
            "",
        ],
    );
    let mut idle = Table::new("Waiting", &["", "colloquy", "bare", "stock", "reach", ""]);
    let mut far = Table::new(
        "Another process, by Redis",
        &["", "p50", "p99", "most", "answered to the writer, p50 / p99", "reach", ""],
    );
    let mut files =
        Table::new("Memory that a file adds on its way, MiB at most", &["", "", "(of rounds)", "reach", ""]);
    let mut past = Table::new("Who holds it up", &["", "", "", "reach", ""]);
    // `make bench` measures everything; parts may be named: `cargo bench -p colloquy --bench bench -- live`.
    let named: Vec<String> = std::env::args().skip(1).filter(|name| !name.starts_with("--")).collect();
    let wanted = |part: &str| named.is_empty() || named.iter().any(|name| name == part);
    let mut installations = Vec::new();
    if named.is_empty() || named.iter().any(|name| !archive::PARTS.contains(&name.as_str())) {
        installations.extend([Installation::on_sqlite().await, Installation::on_postgres().await]);
    }
    for installation in &installations {
        if wanted("inbound") {
            inbound.row(inbound::compare(installation, 1, 2).await);
            inbound.row(inbound::compare(installation, CLIENTS, 1_000_000).await);
        }
        if wanted("start") {
            start.row(start::ready(installation).await);
            start.row(start::idle(installation).await);
        }
        if wanted("live") && installation.name == "SQLite" {
            live::compare(installation, &mut delivery, &mut idle).await;
        }
        if wanted("files") && installation.name == "SQLite" {
            files.row(files::received(installation).await);
            files.row(files::uploaded(installation).await);
        }
        if wanted("far") && installation.name == "PostgreSQL" {
            far.row(far::heard(installation).await);
        }
    }
    // The last: it makes logs long, and disks busy.
    for installation in installations.iter().filter(|_| wanted("past")) {
        past.row(past::unread(installation).await);
        past.row(past::catch_up(installation).await);
    }
    drop(installations);
    let archive = archive::measure(wanted).await;
    let tables = [inbound, start, delivery, idle, far, files, past].into_iter().chain(archive);
    for table in tables.filter(Table::has_rows) {
        println!("\n{table}");
    }
}
