//! An operator's page of the list against a route with hand-written SQL, on the same database.

use serde_json::{Value, json};

use super::Served;
use super::door::{Door, get, graphql};
use super::questions::{GROUPS, PAGE};
use super::race::{MANY, Runner, race};
use crate::harness::process::Program;
use crate::table::{Table, verdict};

/// What colloquy does at least, of what the route does, on PostgreSQL.
const REACH: f64 = 0.7;

/// Each group's first page, in turns, by one connection and by many.
pub async fn table(served: &[Served<'_>]) -> Table {
    let mut table = Table::new(
        "A page of 50 with client, channel, participants, tags, last message and unread, and the same by a bare route",
        &["", "rows", "a second", "route", "ratio", "(of rounds)", "p50 / p95 ms", "route", "reach", ""],
    );
    for served in served {
        let url = [("DATABASE_URL", served.archive.url.as_str())];
        let route = Program::run(std::env::current_exe().expect("this program"), &["--rest"], &url).await;
        for (group, name) in GROUPS {
            let token = &served.facts.operator.token;
            let variables = json!({ "first": 50, "filter": { "group": group } });
            let runners = [
                Runner { url: served.program.url().to_owned(), request: graphql(token, PAGE, &variables) },
                Runner { url: route.url().to_owned(), request: get(token, &format!("/dialogues?group={name}")) },
            ];
            let rows = same(&runners).await;
            for connections in [1, MANY] {
                let runs = race(&runners, connections).await;
                let ratio = runs[0].over(&runs[1]);
                let is_bound = served.archive.database == "PostgreSQL" && connections == MANY;
                table.row(vec![
                    format!("{}, {group}, {connections} at once", served.archive.name()),
                    rows.to_string(),
                    format!("{:.0}", runs[0].rate()),
                    format!("{:.0}", runs[1].rate()),
                    format!("{:.2}", ratio.median),
                    ratio.ends(2),
                    runs[0].times(),
                    runs[1].times(),
                    if is_bound { format!("at least {REACH:.2}") } else { String::new() },
                    if is_bound { verdict(ratio.median >= REACH) } else { String::new() },
                ]);
            }
        }
    }
    table
}

/// How many rows both answer with: what they say of them is the same, or it is no yardstick.
async fn same(runners: &[Runner; 2]) -> usize {
    let mut answers = Vec::new();
    for runner in runners {
        let mut door = Door::connect(&runner.url).await;
        let answer: Value = serde_json::from_slice(door.ask(&runner.request).await).expect("JSON");
        answers.push(answer);
    }
    let (ours, theirs) = (&answers[0]["data"]["dialogues"], &answers[1]);
    let rows = |answer: &Value| answer["nodes"].as_array().map_or(0, Vec::len);
    for (ours, theirs) in
        ours["nodes"].as_array().into_iter().flatten().zip(theirs["nodes"].as_array().into_iter().flatten())
    {
        assert_eq!(ours, theirs);
    }
    assert_eq!(rows(ours), rows(theirs));
    assert_eq!(ours["pageInfo"], theirs["pageInfo"]);
    rows(ours)
}
