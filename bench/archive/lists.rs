//! Lists and counts: each group, filter and order, the first page and one far down, small archives against large ones.

use serde_json::{Value, json};

use colloquy_entity::DialogueId;

use super::Served;
use super::door::{Door, graphql};
use super::facts::Facts;
use super::filled::ask;
use super::questions::{COUNTERS, GROUPS, PAGE, PLACE, TOTAL};
use super::race::{MANY, Run, Runner, race, short};
use crate::table::{Spread, Table, verdict};

/// Times as long that a page of the largest archive takes at most, of what one of the smallest takes.
const REACH: f64 = 1.3;
/// Times as long that a page far down takes at most, of what the first takes.
const REACH_DEEP: f64 = 1.2;

/// What an archive is asked; nothing where it has nothing of the kind.
type Question = (String, Option<(&'static str, Value)>);

/// Sizes against each other, then far pages against first ones.
pub async fn tables(served: &[Served<'_>]) -> Vec<Table> {
    vec![sizes(served).await, depths(served).await]
}

async fn sizes(served: &[Served<'_>]) -> Table {
    let mut table = Table::new(
        "Lists and counts by size: p50 / p95 ms of one connection, requests a second of 16, and times as long as in the smallest",
        &heading(served).iter().map(String::as_str).collect::<Vec<_>>(),
    );
    let all: Vec<Vec<Question>> = served.iter().map(|served| questions(served.facts)).collect();
    for (place, (what, _)) in all[0].iter().enumerate() {
        let mut runners = Vec::new();
        for (served, questions) in served.iter().zip(&all) {
            let Some((document, variables)) = &questions[place].1 else { continue };
            let request = graphql(&served.facts.operator.token, document, variables);
            runners.push(Runner { url: served.program.url().to_owned(), request });
        }
        if runners.len() < served.len() {
            eprintln!("{what}: nothing of the kind is in each archive");
            continue;
        }
        // Of all that is only counted, the time may grow.
        let is_bound = all[0][place].1.as_ref().is_some_and(|(document, _)| *document != TOTAL);
        table.row(row(served, what, &runners, is_bound).await);
    }
    table
}

/// A question's row: the sizes in turns.
async fn row(served: &[Served<'_>], what: &str, runners: &[Runner], is_bound: bool) -> Vec<String> {
    let mut rows = Vec::new();
    for runner in runners {
        rows.push(length(runner).await);
    }
    let [one, many] = [race(runners, 1).await, race(runners, MANY).await];
    let mut row = vec![format!("{}, {what}", served[0].archive.database)];
    row.push(rows.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
    for (one, many) in one.iter().zip(&many) {
        row.push(one.times());
        row.push(format!("{:.0}", many.rate()));
    }
    let mut worst: f64 = 0.0;
    for larger in 1..runners.len() {
        let longer = |runs: &[Run]| runs[0].over(&runs[larger]).median;
        row.push(format!("{:.2} {:.2}", longer(&one), longer(&many)));
        worst = longer(&one).max(longer(&many));
    }
    // Pages of different lengths tell nothing of sizes.
    if is_bound && served.len() > 1 && rows.iter().all(|length| *length == rows[0]) {
        row.push(format!("at most {REACH:.1}"));
        row.push(verdict(worst <= REACH));
    }
    row
}

fn heading(served: &[Served<'_>]) -> Vec<String> {
    let mut heading = vec![String::new(), "rows".into()];
    for served in served {
        heading.extend([served.archive.size.name.into(), "a second".into()]);
    }
    let smallest = served[0].archive.size.name;
    heading.extend(served.iter().skip(1).map(|served| format!("{} / {smallest}, 1 16", served.archive.size.name)));
    heading.extend(["reach".into(), String::new()]);
    heading
}

/// How many dialogues it answers with.
async fn length(runner: &Runner) -> usize {
    let mut door = Door::connect(&runner.url).await;
    let answer: Value = serde_json::from_slice(door.ask(&runner.request).await).expect("JSON");
    answer["data"]["dialogues"]["nodes"].as_array().map_or(0, Vec::len)
}

fn questions(facts: &Facts) -> Vec<Question> {
    let page = |filter: Value| Some((PAGE, json!({ "first": 50, "filter": filter })));
    let ids = |field: &str, id: Option<String>| id.and_then(|id| page(json!({ field: [id] })));
    let mut all: Vec<Question> = vec![("everything".into(), page(json!({})))];
    for (group, _) in GROUPS {
        all.push((group.into(), page(json!({ "group": group }))));
    }
    let word = facts.name.split(' ').next().unwrap_or_default();
    let few: String = word.chars().take(2).collect();
    let both = |one: Option<String>, other: Option<String>| one.zip(other).map(|(one, other)| json!([one, other]));
    let first = |tags: &[colloquy_entity::TagId]| tags.first().map(ToString::to_string);
    let last = |tags: &[colloquy_entity::TagId]| tags.last().map(ToString::to_string);
    all.extend([
        ("text: a whole name".into(), page(json!({ "text": facts.name }))),
        ("text: a usual name".into(), page(json!({ "text": word }))),
        ("text: two letters".into(), page(json!({ "text": few }))),
        ("text: nobody's name".into(), page(json!({ "text": "щщъщщ" }))),
        ("channelIds: the largest".into(), ids("channelIds", facts.channels.first().map(ToString::to_string))),
        ("channelIds: the smallest".into(), ids("channelIds", facts.channels.last().map(ToString::to_string))),
        ("channelKinds: the largest".into(), ids("channelKinds", facts.kinds.first().cloned())),
        ("channelKinds: the smallest".into(), ids("channelKinds", facts.kinds.last().cloned())),
        ("clientIds".into(), ids("clientIds", Some(facts.client.to_string()))),
        (
            "responsibleIds: the busiest".into(),
            ids("responsibleIds", facts.responsibles.first().map(ToString::to_string)),
        ),
        (
            "responsibleIds: the idlest".into(),
            ids("responsibleIds", facts.responsibles.last().map(ToString::to_string)),
        ),
        ("observerIds: the busiest".into(), ids("observerIds", facts.observers.first().map(ToString::to_string))),
        ("observerIds: the idlest".into(), ids("observerIds", facts.observers.last().map(ToString::to_string))),
        ("tagIds: the most common".into(), ids("tagIds", first(&facts.tags))),
        ("tagIds: the rarest".into(), ids("tagIds", last(&facts.tags))),
        (
            "tagIds: both".into(),
            both(first(&facts.tags), last(&facts.tags)).and_then(|tags| page(json!({ "tagIds": tags }))),
        ),
        ("contractorIds".into(), ids("contractorIds", facts.contractor.map(|id| id.to_string()))),
        ("dealIds".into(), ids("dealIds", facts.deal.map(|id| id.to_string()))),
        ("projectIds".into(), ids("projectIds", facts.project.map(|id| id.to_string()))),
        ("taskIds".into(), ids("taskIds", facts.task.map(|id| id.to_string()))),
        ("openedAt".into(), page(json!({ "openedAt": facts.opened }))),
        ("closedAt".into(), page(json!({ "closedAt": facts.closed }))),
        ("lastActivityAt".into(), page(json!({ "lastActivityAt": facts.active }))),
        ("unreadOnly".into(), page(json!({ "unreadOnly": true }))),
        ("state: OPEN".into(), page(json!({ "state": "OPEN" }))),
        ("state: CLOSED".into(), page(json!({ "state": "CLOSED" }))),
    ]);
    for field in ["LAST_ACTIVITY_AT", "OPENED_AT", "CLOSED_AT"] {
        for direction in ["DESC", "ASC"] {
            let order = json!({ "field": field, "direction": direction });
            all.push((format!("{field} {direction}"), Some((PAGE, json!({ "first": 50, "order": order })))));
        }
    }
    let total = |filter: Value| Some((TOTAL, json!({ "filter": filter })));
    all.push(("totalCount: everything".into(), total(json!({}))));
    for (group, _) in GROUPS {
        all.push((format!("totalCount: {group}"), total(json!({ "group": group }))));
    }
    let common = first(&facts.tags).and_then(|tag| total(json!({ "tagIds": [tag] })));
    all.push(("totalCount: the most common tag".into(), common));
    all.push(("inbox".into(), Some((COUNTERS, json!({})))));
    all
}

async fn depths(served: &[Served<'_>]) -> Table {
    let mut table = Table::new(
        "A page far down against the first, p50 / p95 ms",
        &["", "page", "at once", "the first", "that far down", "ratio", "(of rounds)", "reach", ""],
    );
    for served in served {
        for (field, dialogue, page) in &served.facts.deep {
            let order = json!({ "field": field, "direction": "DESC" });
            let place = place(served, *dialogue, &order).await;
            for (way, far, first) in [
                ("forward", json!({ "first": 50, "after": place }), json!({ "first": 50 })),
                ("backward", json!({ "last": 50, "before": place }), json!({ "last": 50 })),
            ] {
                let runners = [first, far].map(|mut variables| {
                    variables["order"] = order.clone();
                    let request = graphql(&served.facts.operator.token, PAGE, &variables);
                    Runner { url: served.program.url().to_owned(), request }
                });
                for connections in [1, MANY] {
                    let runs = race(&runners, connections).await;
                    let ratio: Spread = runs[0].over(&runs[1]);
                    table.row(vec![
                        format!("{}, {field}, {way}", served.archive.name()),
                        page.to_string(),
                        connections.to_string(),
                        runs[0].times(),
                        runs[1].times(),
                        short(ratio.median),
                        ratio.ends(2),
                        format!("at most {REACH_DEEP:.1}"),
                        verdict(ratio.median <= REACH_DEEP),
                    ]);
                }
            }
        }
    }
    table
}

/// A dialogue's cursor in that order.
async fn place(served: &Served<'_>, dialogue: DialogueId, order: &Value) -> String {
    let variables = json!({ "filter": { "dialogueIds": [dialogue.to_string()] }, "order": order });
    let answer = ask(served.program.url(), &served.facts.operator.token, PLACE, variables).await;
    let cursor = answer["dialogues"]["edges"][0]["cursor"].as_str();
    cursor.unwrap_or_else(|| panic!("{dialogue} has no place: {answer}")).to_owned()
}
