//! Pages of every list, forward and backward, whatever comes meanwhile; and what is no page.

use serde_json::{Value, json};

use crate::harness::client::{Answer, Api};
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::World;

stories!(World: every_connection_is_walked_by_its_cursors, pages_stay_together_while_rows_come,
    nodes_are_what_edges_lead_to, a_page_that_is_none_is_refused, a_cursor_of_another_list_is_refused);

const PAGE: &str =
    "{ edges { cursor node { __typename } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }";

/// Walks a list through pages of several sizes, both ways: every item once, in order. `list` is a root field with
/// `ARGUMENTS` where those of the page go.
pub async fn walk(api: &Api, list: &str, expected: &[String]) {
    let path = list.split('(').next().expect("a field").to_owned();
    walk_at(api, &format!("{{ {list} CONNECTION }}"), &path, "id", expected, true).await;
}

/// The same for a list anywhere in a document with `ARGUMENTS` and `CONNECTION`, told apart by a field of its items.
async fn walk_at(api: &Api, document: &str, path: &str, by: &str, expected: &[String], both_ways: bool) {
    let connection = PAGE.replace("__typename", by);
    for size in [1, 2, 5, 100] {
        for backward in [false, true] {
            if backward && !both_ways {
                continue;
            }
            let mut seen: Vec<String> = Vec::new();
            let mut cursor = Value::Null;
            loop {
                let (count, from) = if backward { ("last", "before") } else { ("first", "after") };
                let arguments = format!("{count}: {size}, {from}: {cursor}");
                let asked = document.replace("ARGUMENTS", &arguments).replace("CONNECTION", &connection);
                let answer = api.run(&asked, Value::Null).await;
                let page = answer.at(path);
                let edges = page["edges"].as_array().expect("edges");
                let (start, end) =
                    (edges.first().map(|edge| &edge["cursor"]), edges.last().map(|edge| &edge["cursor"]));
                let info = &page["pageInfo"];
                assert_eq!(
                    (start.unwrap_or(&Value::Null), end.unwrap_or(&Value::Null)),
                    (&info["startCursor"], &info["endCursor"])
                );
                let items = edges.iter().map(|edge| edge["node"][by].as_str().expect("a text").to_owned());
                let more = if backward { "hasPreviousPage" } else { "hasNextPage" };
                let behind = if backward { "hasNextPage" } else { "hasPreviousPage" };
                assert_eq!(info[behind], json!(!cursor.is_null()), "{behind} of {answer}");
                seen.splice(if backward { 0..0 } else { seen.len()..seen.len() }, items.collect::<Vec<_>>());
                if info[more] == false {
                    break;
                }
                assert!(
                    edges.len() == size && seen.len() < 1000,
                    "a page that is not full, and is not the last: {answer}"
                );
                cursor = if backward { info["startCursor"].clone() } else { info["endCursor"].clone() };
            }
            assert_eq!(seen, expected, "{document} by {size}, backward: {backward}");
        }
    }
}

async fn every_connection_is_walked_by_its_cursors(world: World) {
    let channel = world.connect_channel("Shop").await;
    let admin = &world.admin;
    let person = Person::new(201);
    let mut dialogue = String::new();
    for n in 0..7 {
        dialogue = world.write(&channel, &person, &format!("message {n}")).await;
    }
    for id in 202..206 {
        world.write(&channel, &Person::new(id), "hello").await;
    }
    let make = "mutation($d: ID!, $n: String!) {
        addComment(input: { dialogueId: $d, text: $n }) { comment { id } }
        createProject(input: { name: $n }) { project { id } }
        createFunnel(input: { name: $n, stages: [{ name: \"New\" }] }) { funnel { id } }
        createContractor(input: { name: $n, dialogueId: $d }) { contractor { id } }
    }";
    let (mut project, mut funnel) = (String::new(), String::new());
    for n in 0..5 {
        let made = admin.api.run(make, json!({ "d": dialogue, "n": format!("item {n}") })).await;
        (project, funnel) = (made.get("createProject.project.id"), made.get("createFunnel.funnel.id"));
        world.user("OBSERVER").await;
    }
    let make = "mutation($d: ID!, $p: ID!, $f: ID!) {
        createTask(input: { title: \"task\", projectId: $p }) { task { id } }
        createDeal(input: { title: \"deal\", funnelId: $f, dialogueId: $d }) { deal { id } }
    }";
    for _ in 0..5 {
        admin.api.run(make, json!({ "d": dialogue, "p": project, "f": funnel })).await.data();
    }
    let in_dialogue = |list: &str| format!("{{ dialogue(id: {dialogue:?}) {{ {list}(ARGUMENTS) CONNECTION }} }}");
    let in_project =
        |list: &str| format!("{{ node(id: {project:?}) {{ ... on Project {{ {list}(ARGUMENTS) CONNECTION }} }} }}");
    let root = |list: &str| format!("{{ {list}(ARGUMENTS) CONNECTION }}");
    for (document, path, by, both_ways) in [
        (root("dialogues"), "dialogues", "id", true),
        (root("events"), "events", "cursor", true),
        (in_dialogue("messages"), "dialogue.messages", "id", true),
        (in_dialogue("comments"), "dialogue.comments", "id", true),
        (in_dialogue("events"), "dialogue.events", "cursor", true),
        (in_project("activity"), "node.activity", "cursor", true),
        (in_project("tasks"), "node.tasks", "id", false),
        (root("users"), "users", "id", false),
        (root("clients"), "clients", "id", false),
        (root("contractors"), "contractors", "id", false),
        (root("deals"), "deals", "id", false),
        (root("projects"), "projects", "id", false),
        (root("tasks"), "tasks", "id", false),
    ] {
        // In one page, whatever comes to it: the walks have to agree with it.
        let whole = document
            .replace("ARGUMENTS", "first: 100")
            .replace("CONNECTION", &format!("{{ edges {{ node {{ {by} }} }} }}"));
        let whole = admin.api.run(&whole, Value::Null).await;
        let edges = whole.at(path)["edges"].as_array().expect("edges").clone();
        let items: Vec<String> =
            edges.iter().map(|edge| edge["node"][by].as_str().expect("a text").to_owned()).collect();
        assert!(items.len() >= 4 || path == "node.activity", "{path} has few: {}", items.len());
        walk_at(&admin.api, &document, path, by, &items, both_ways).await;
    }
    // The first 50 when nothing is said.
    for n in 0..60 {
        admin
            .api
            .run(
                "mutation($n: String!) { createProject(input: { name: $n }) { project { id } } }",
                json!({ "n": format!("p{n}") }),
            )
            .await
            .data();
    }
    let answer = admin.api.run("{ projects { nodes { id } totalCount pageInfo { hasNextPage } } }", Value::Null).await;
    assert_eq!(answer.get::<Vec<Value>>("projects.nodes").len(), 50);
    assert_eq!(
        (answer.at("projects.totalCount"), answer.at("projects.pageInfo.hasNextPage")),
        (&json!(65), &json!(true))
    );
}

async fn pages_stay_together_while_rows_come(world: World) {
    let channel = world.connect_channel("Shop").await;
    let mut still = Vec::new();
    for id in 301..310 {
        still.push(world.write(&channel, &Person::new(id), "hello").await);
    }
    for (order, moves) in [
        // A dialogue that is written in moves to the top of this one: it may be seen again, or before.
        ("{ field: LAST_ACTIVITY_AT, direction: DESC }", 1),
        ("{ field: OPENED_AT, direction: DESC }", 0),
        ("{ field: OPENED_AT, direction: ASC }", 0),
    ] {
        for backward in [false, true] {
            let (mut seen, mut cursor, mut next) = (Vec::new(), Value::Null, 311);
            let (count, from, end) =
                if backward { ("last", "before", "startCursor") } else { ("first", "after", "endCursor") };
            loop {
                let list = format!(
                    "{{ dialogues(orderBy: {order}, {count}: 2, {from}: {cursor}) {{ nodes {{ id }} pageInfo {{ {end} }} }} }}"
                );
                let answer = world.admin.api.run(&list, Value::Null).await;
                let page: Vec<Value> = answer.get("dialogues.nodes");
                seen.extend(page.iter().map(|node| node["id"].as_str().expect("an id").to_owned()));
                if page.is_empty() || seen.len() > 40 {
                    break;
                }
                cursor = answer.at(&format!("dialogues.pageInfo.{end}")).clone();
                // One more comes, and one that is there is written in.
                if next < 314 {
                    world.write(&channel, &Person::new(next), "new").await;
                    world.write(&channel, &Person::new(301), "again").await;
                    next += 1;
                }
            }
            for dialogue in &still[moves..] {
                let times = seen.iter().filter(|seen| *seen == dialogue).count();
                assert_eq!(times, 1, "{dialogue} by {order}, backward: {backward}");
            }
        }
    }
}

/// Every list, and whether it can be read backward.
fn lists(dialogue: &str) -> Vec<(String, bool)> {
    let inside = |list: &str| format!("dialogue(id: {dialogue:?}) {{ {list}(ARGUMENTS) {{ edges {{ cursor }} }} }}");
    let root = |list: &str| format!("{list}(ARGUMENTS) {{ edges {{ cursor }} }}");
    let both = [root("dialogues"), root("events"), inside("messages"), inside("comments"), inside("events")];
    let forward = ["users", "clients", "contractors", "deals", "projects", "tasks"].map(root);
    both.into_iter().map(|list| (list, true)).chain(forward.into_iter().map(|list| (list, false))).collect()
}

async fn a_cursor_of_another_list_is_refused(world: World) {
    let channel = world.connect_channel("Shop").await;
    world.write(&channel, &Person::new(411), "hello").await;
    let ends = "{ users(first: 1) { pageInfo { endCursor } } clients(first: 1) { pageInfo { endCursor } }
        contractors(first: 1) { pageInfo { endCursor } } }";
    let ends = world.admin.api.run(ends, Value::Null).await;
    for of in ["users", "clients", "contractors"] {
        let cursor: String = ends.get(&format!("{of}.pageInfo.endCursor"));
        for list in ["users", "clients", "contractors", "deals", "projects", "tasks", "dialogues", "events"] {
            let after = format!("{{ {list}(after: {cursor:?}) {{ edges {{ cursor }} }} }}");
            let answer = world.admin.api.run(&after, Value::Null).await;
            if list == of {
                answer.data();
            } else {
                assert_eq!((answer.error_code(), answer.error_field()), ("BAD_USER_INPUT", Some("after")), "{answer}");
            }
        }
    }
    // Nor one of the same list in another order.
    let by = |order: &str, after: &Value| {
        format!(
            "{{ dialogues(orderBy: {{ field: {order}, direction: DESC }}, after: {after}) {{ pageInfo {{ endCursor }} }} }}"
        )
    };
    for (of, to) in [("LAST_ACTIVITY_AT", "OPENED_AT"), ("OPENED_AT", "CLOSED_AT"), ("CLOSED_AT", "LAST_ACTIVITY_AT")] {
        let cursor =
            world.admin.api.run(&by(of, &Value::Null), Value::Null).await.at("dialogues.pageInfo.endCursor").clone();
        let answer = world.admin.api.run(&by(to, &cursor), Value::Null).await;
        assert_eq!((answer.error_code(), answer.error_field()), ("BAD_USER_INPUT", Some("after")), "{of} in {to}");
    }
}

async fn nodes_are_what_edges_lead_to(world: World) {
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &Person::new(211), "hello").await;
    let feed = format!("dialogue(id: {dialogue:?}) {{ events(last: 50) CONNECTION }}");
    for (list, path) in [
        ("dialogues CONNECTION", "dialogues"),
        ("users CONNECTION", "users"),
        ("clients CONNECTION", "clients"),
        ("events(last: 50) CONNECTION", "events"),
        (&feed, "dialogue.events"),
    ] {
        let of = "{ nodes { __typename } edges { node { __typename } } }";
        let answer = world.admin.api.run(&format!("{{ {} }}", list.replace("CONNECTION", of)), Value::Null).await;
        let page = answer.at(path);
        let edges = page["edges"].as_array().expect("edges");
        let through: Vec<&Value> = edges.iter().map(|edge| &edge["node"]).collect();
        assert_eq!(page["nodes"].as_array().expect("nodes").iter().collect::<Vec<_>>(), through, "{list}");
        assert!(!through.is_empty() && through.iter().all(|node| node["__typename"] != "Event"), "{list}: {answer}");
    }
}

async fn a_page_that_is_none_is_refused(world: World) {
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &Person::new(401), "hello").await;
    for (list, both_ways) in lists(&dialogue) {
        let ask = async |arguments: &str| -> Answer {
            world.admin.api.run(&format!("{{ {} }}", list.replace("ARGUMENTS", arguments)), Value::Null).await
        };
        let mut refused = vec![];
        for size in [0, -1, 101, i32::MAX, i32::MIN] {
            refused.push((format!("first: {size}"), "first"));
            refused.push((format!("last: {size}"), "last"));
        }
        for cursor in ["", "nonsense", "AAAA", "ЁЁЁ", "\\u0000", &"A".repeat(4000)] {
            refused.push((format!("after: \"{cursor}\""), "after"));
            refused.push((format!("before: \"{cursor}\""), "before"));
        }
        refused.push(("first: 1, last: 1".into(), "last"));
        for (arguments, field) in refused {
            if both_ways || !(arguments.contains("last") || arguments.contains("before")) {
                let answer = ask(&arguments).await;
                assert_eq!((answer.error_code(), answer.error_field()), ("BAD_USER_INPUT", Some(field)), "{answer}");
            }
        }
        for arguments in ["first: 1", "first: 100", "first: null, after: null"] {
            ask(arguments).await.data();
        }
        for arguments in ["first: 2147483648", "first: \"2\"", "first: 1.5", "after: 1"] {
            assert_eq!(ask(arguments).await.error_code(), "BAD_USER_INPUT", "{arguments}");
        }
    }
}
