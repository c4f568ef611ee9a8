//! Whether an archive that has grown slows today's work: inbound messages on the smallest one and on the largest.

use std::time::Instant;

use super::filled::{Archive, Archives, execute};
use super::race::short;
use crate::inbound::{Writer, posted, run};
use crate::installation::{CLIENTS, Installation};
use crate::table::{Spread, Table, verdict};

/// Rounds of each, in turns.
const ROUNDS: usize = 9;
/// Of what the smallest takes, a larger one takes at least so much.
const REACH: f64 = 0.77;
/// What clients write begins here.
const FIRST: i64 = 1_000;

/// One that is written to.
struct Written<'a> {
    archive: &'a Archive,
    installation: Installation,
    program: crate::harness::process::Program,
    writers: Vec<Box<dyn Writer>>,
    per_second: Vec<f64>,
    count: i64,
}

/// Copies take the messages: archives stay as they are.
pub async fn table(archives: &Archives) -> Table {
    let mut table = Table::new(
        "Inbound messages a second, 16 at once, by what is there already; seconds of VACUUM (SQLite: ANALYZE) afterwards",
        &["", "a second", "(of rounds)", "of the smallest", "(of rounds)", "tidying up", "reach", ""],
    );
    let mut all = Vec::new();
    for archive in archives.all() {
        let (url, dir) = archives.copy(archive).await;
        let installation = Installation::on(archive.database, url, dir).await;
        let program = installation.serve().await;
        let writers = posted(&installation, &program, CLIENTS, FIRST).await;
        all.push(Written { archive, installation, program, writers, per_second: Vec::new(), count: 0 });
    }
    // The first warms all up.
    for round in 0..=ROUNDS {
        for written in &mut all {
            let done = run(&mut written.writers).await;
            written.count += done.count;
            if round > 0 {
                written.per_second.push(done.per_second);
            }
        }
    }
    let smallest = all[0].per_second.clone();
    for written in all {
        written.program.terminate().await;
        let started = Instant::now();
        let tidy = if written.archive.database == "SQLite" { "ANALYZE" } else { "VACUUM ANALYZE" };
        execute(&written.installation.database_url, tidy).await;
        let tidied = started.elapsed().as_secs_f64();
        let own = Spread::of(written.per_second.iter().copied());
        let ratio = Spread::of(written.per_second.iter().zip(&smallest).map(|(own, smallest)| own / smallest));
        let is_first = written.archive.size == archives.all()[0].size;
        table.row(vec![
            format!("{}, {} more", written.archive.name(), written.count),
            format!("{:.0}", own.median),
            own.ends(0),
            short(ratio.median),
            ratio.ends(2),
            short(tidied),
            if is_first { String::new() } else { format!("at least {REACH:.2}") },
            if is_first { String::new() } else { verdict(ratio.median >= REACH) },
        ]);
        drop(written.installation);
        archives.remove(written.archive).await;
    }
    table
}
