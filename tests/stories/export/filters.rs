//! What an export is asked for: each filter of the API, and what makes no sense.

use std::collections::BTreeSet;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::story::stories;
use crate::harness::world::World;

use super::{Archive, ask, export, lines, run, written};

stories!(World: each_filter_is_that_of_the_list, what_makes_no_sense_is_refused_at_both_doors);

/// Filters of which each leaves something in and something out, by the API's own answers.
async fn cases(world: &World, archive: &Archive) -> Vec<Value> {
    let fields = "client { id } contractor { id } deal { id } tags { id } projects { id } tasks { id }
        openedAt closedAt lastActivityAt";
    let first = world.admin.dialogue(&archive.dialogues[0], fields).await;
    let third = world.admin.dialogue(&archive.dialogues[2], fields).await;
    vec![
        json!({ "group": "CLOSED" }),
        json!({ "group": "UNASSIGNED" }),
        json!({ "group": "OTHERS" }),
        json!({ "unreadOnly": true }),
        json!({ "state": "OPEN" }),
        json!({ "text": "анна" }),
        json!({ "dialogueIds": archive.dialogues[..2] }),
        json!({ "channelIds": [archive.shop.id] }),
        json!({ "channelKinds": ["VK"] }),
        json!({ "clientIds": [first["client"]["id"]] }),
        json!({ "responsibleIds": [archive.employee.id] }),
        json!({ "observerIds": [archive.observer.id] }),
        json!({ "tagIds": [first["tags"][0]["id"], first["tags"][1]["id"]] }),
        json!({ "contractorIds": [third["contractor"]["id"]] }),
        json!({ "dealIds": [first["deal"]["id"]] }),
        json!({ "projectIds": [first["projects"][0]["id"]] }),
        json!({ "taskIds": [third["tasks"][0]["id"]] }),
        json!({ "openedAt": { "from": third["openedAt"] } }),
        json!({ "closedAt": { "from": "2020-01-01T00:00:00Z", "to": null } }),
        json!({ "lastActivityAt": { "to": third["lastActivityAt"] } }),
        json!({ "state": "OPEN", "channelIds": [archive.shop.id], "text": null }),
        json!({ "dialogueIds": ["nonsense"] }),
    ]
}

async fn each_filter_is_that_of_the_list(world: World) {
    let archive = Archive::fill(&world).await;
    let api = &world.admin.api;
    let cases = cases(&world, &archive).await;
    let fields = "{ __type(name: \"DialogueFilter\") { inputFields { name } } }";
    let fields: Vec<Value> = api.run(fields, Value::Null).await.get("__type.inputFields");
    let fields: BTreeSet<_> = fields.iter().filter_map(|field| field["name"].as_str()).collect();
    let tried: BTreeSet<_> = cases.iter().flat_map(|case| case.as_object().expect("an object").keys()).collect();
    assert_eq!(tried.iter().map(|field| field.as_str()).collect::<BTreeSet<_>>(), fields, "each field is tried");
    let all = export(api, &[("what", "events")]).await;
    for case in cases {
        let list = "query($filter: DialogueFilter) { dialogues(filter: $filter, first: 100) { nodes { id } } }";
        let listed: Vec<Value> = api.run(list, json!({ "filter": case })).await.get("dialogues.nodes");
        let listed: BTreeSet<_> = listed.iter().filter_map(|dialogue| dialogue["id"].as_str()).collect();
        assert!(listed.len() < 3, "{case} leaves nothing out");
        let filter = case.to_string();
        let ids = |lines: &[Value], field: &str| -> BTreeSet<String> {
            lines.iter().filter_map(|line| line[field].as_str()).map(str::to_owned).collect()
        };
        let listed: BTreeSet<_> = listed.into_iter().map(str::to_owned).collect();
        let dialogues = export(api, &[("what", "dialogues"), ("filter", &filter)]).await;
        assert_eq!(ids(&dialogues, "id"), listed, "{case}");
        let messages = export(api, &[("filter", &filter)]).await;
        assert_eq!(ids(&messages, "dialogueId"), listed, "{case}");
        // What stands in the timelines of these dialogues, and nothing else.
        let events = export(api, &[("what", "events"), ("filter", &filter)]).await;
        let timelines = "query($ids: [ID!]) { events(filter: { dialogueIds: $ids }, first: 100) { nodes { cursor } } }";
        let timelines = api.run(timelines, json!({ "ids": listed })).await;
        let timelines = ids(&timelines.get::<Vec<Value>>("events.nodes"), "cursor");
        assert_eq!(ids(&events, "cursor"), timelines, "{case}");
        assert!(events.len() < all.len());
        if case.get("group").or(case.get("unreadOnly")).is_none() {
            let written = lines(&written(&world, &["--what", "dialogues", "--filter", &filter]).await);
            assert_eq!(written, dialogues, "{case}");
        }
    }
    assert_eq!(export(api, &[("what", "events"), ("filter", "{}")]).await, all);
}

async fn what_makes_no_sense_is_refused_at_both_doors(world: World) {
    let archive = Archive::fill(&world).await;
    let api = &world.admin.api;
    let cursor =
        async |what: &str| export(api, &[("what", what)]).await[0]["cursor"].as_str().expect("a cursor").to_owned();
    let (of_message, of_dialogue) = (cursor("messages").await, cursor("dialogues").await);
    let listed: String =
        api.run("{ dialogues { edges { cursor } } }", Value::Null).await.get("dialogues.edges.0.cursor");
    // Of a log in which another event stands there.
    let foreign = "AAAAAAAAAAEAAAAA";
    let many = json!({ "tagIds": vec!["tag_x"; 1_001] }).to_string();
    let long = json!({ "text": "x".repeat(1_001) }).to_string();
    for (name, value, what, field) in [
        ("what", "clients", "", "what"),
        ("what", "Messages", "", "what"),
        ("format", "json", "", "format"),
        ("filter", "nonsense", "", "filter"),
        ("filter", "{\"state\": \"OPEN\"", "", "filter"),
        ("filter", "[]", "", "filter"),
        ("filter", "null", "", "filter"),
        ("filter", "{\"status\": \"OPEN\"}", "", "filter.status"),
        ("filter", "{\"channelids\": []}", "", "filter.channelids"),
        ("filter", "{\"state\": \"DONE\"}", "", "filter.state"),
        ("filter", "{\"state\": 1}", "", "filter.state"),
        ("filter", "{\"text\": 1}", "", "filter.text"),
        ("filter", "{\"text\": {\"a\": 1}}", "", "filter.text"),
        ("filter", "{\"dialogueIds\": [null]}", "", "filter.dialogueIds"),
        ("filter", "{\"openedAt\": \"2026-01-01\"}", "", "filter.openedAt"),
        ("filter", "{\"openedAt\": {\"from\": \"yesterday\"}}", "", "filter.openedAt"),
        ("filter", "{\"openedAt\": {\"since\": null}}", "", "filter.openedAt.since"),
        (
            "filter",
            "{\"closedAt\": {\"from\": \"2026-02-01T00:00:00Z\", \"to\": \"2026-01-01T00:00:00Z\"}}",
            "",
            "filter.closedAt",
        ),
        ("filter", &many, "", "filter.tagIds"),
        ("filter", &long, "events", "filter.text"),
        ("after", "nonsense", "", "after"),
        ("after", "", "", "after"),
        ("after", "-", "events", "after"),
        ("after", &of_dialogue, "messages", "after"),
        ("after", &of_message, "dialogues", "after"),
        ("after", &of_dialogue, "events", "after"),
        ("after", &listed, "dialogues", "after"),
        ("after", foreign, "events", "after"),
    ] {
        let mut query = vec![(name, value)];
        let mut options = vec![format!("--{name}={value}")];
        if !what.is_empty() {
            query.push(("what", what));
            options.push(format!("--what={what}"));
        }
        let (status, text) = ask(api, &query).await;
        let body: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{query:?}: {text}"));
        let error = &body["errors"][0];
        let told = (status, error["extensions"]["code"].as_str(), error["extensions"]["field"].as_str());
        assert_eq!(told, (StatusCode::BAD_REQUEST, Some("BAD_USER_INPUT"), Some(field)), "{query:?}: {body}");
        let options: Vec<_> = options.iter().map(String::as_str).collect();
        is_refused(&world, &options, &format!("--{name}"), field.split_once('.').map_or("", |(_, below)| below)).await;
    }
    for (field, filter) in [("group", "{\"group\": \"MINE\"}"), ("unreadOnly", "{\"unreadOnly\": true}")] {
        is_refused(&world, &["--filter", filter], "--filter", field).await;
    }
    for query in [&[("until", "x")][..], &[("what", "events"), ("what", "events")]] {
        let (status, text) = ask(api, query).await;
        assert!(status == StatusCode::BAD_REQUEST && text.contains(query[0].0), "{query:?}: {text}");
    }
    // Ids of nothing are none, and no mistake.
    let nothing = json!({ "dialogueIds": ["dlg_x", archive.shop.id], "tagIds": [] }).to_string();
    assert_eq!(ask(api, &[("filter", &nothing)]).await, (StatusCode::OK, String::new()));
    assert_eq!(written(&world, &["--filter", &nothing]).await, "");
}

/// Status 2, and one line that names the option and what of it.
async fn is_refused(world: &World, options: &[&str], option: &str, below: &str) {
    let output = run(world, options).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{options:?}: {said}");
    let is_clear = said.lines().count() == 1 && said.starts_with(&format!("colloquy: {option}: {below}"));
    assert!(is_clear, "{options:?}: {said}");
}
