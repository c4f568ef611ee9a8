//! The archive: lists, counts, search and export of databases of several sizes, side by side, on both databases.
//!
//! The databases are filled by `colloquy demo` and kept below the build's folder, so that a second run begins at once.

mod door;
mod export;
mod facts;
mod filled;
mod growth;
mod inbox;
mod lists;
mod questions;
mod race;
pub mod rest;
mod search;
mod sizes;

use serde_json::Value;

use crate::table::Table;

use facts::Facts;
use filled::{Archive, Archives};

/// What can be named on the command line; `archive` is all of them.
pub const PARTS: [&str; 7] = ["archive", "inbox", "lists", "search", "export", "sizes", "growth"];

/// An archive, and a process that serves it.
struct Served<'a> {
    archive: &'a Archive,
    facts: &'a Facts,
    program: crate::harness::process::Program,
}

/// Measures the parts that are wanted.
pub async fn measure(wanted: impl Fn(&str) -> bool) -> Vec<Table> {
    let wanted = |part: &str| wanted(part) || wanted("archive");
    let mut tables = Vec::new();
    if !PARTS.iter().any(|part| wanted(part)) {
        return tables;
    }
    for archives in [Archives::on_sqlite().await, Archives::on_postgres().await].into_iter().flatten() {
        let all = archives.all();
        if wanted("sizes") {
            tables.extend(sizes::tables(all).await);
        }
        let mut facts = Vec::new();
        if ["export", "inbox", "lists", "search"].into_iter().any(wanted) {
            for archive in all {
                facts.push(Facts::of(archive).await);
            }
        }
        if wanted("export") {
            tables.push(export::table(all, &facts).await);
        }
        let mut served = Vec::new();
        for (archive, facts) in all.iter().zip(&facts) {
            let program = archive.serve().await;
            // As every front end does that shows the list.
            filled::ask(program.url(), &facts.operator.token, questions::COUNTERS, Value::Null).await;
            served.push(Served { archive, facts, program });
        }
        if wanted("inbox") {
            tables.push(inbox::table(&served).await);
        }
        if wanted("lists") {
            tables.extend(lists::tables(&served).await);
        }
        if wanted("search") {
            tables.push(search::table(&served).await);
        }
        for served in served {
            served.program.terminate().await;
        }
        if wanted("growth") {
            tables.push(growth::table(&archives).await);
        }
        archives.close().await;
    }
    tables
}
