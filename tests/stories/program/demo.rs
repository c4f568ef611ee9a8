//! `colloquy demo`: a made-up archive that is whole in all that is read of it, and the same each time.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::super::storage;
use super::{KEY, run, text};
use crate::harness::client::Api;
use crate::harness::feed::{self, Feed, cursors};
use crate::harness::provision;
use crate::harness::scratch::Scratch;
use crate::harness::story::stories;
use crate::harness::world::World;
use crate::harness::{Backend, Database};

stories!(Filled: what_is_made_up_is_whole, what_is_made_up_is_found, what_is_made_up_is_told_by_the_log);

const DIALOGUES: usize = 200;
const MESSAGES: usize = 3_000;
const SIZE: [&str; 4] = ["--dialogues", "200", "--messages", "3000"];

/// An archive, made by the program, and a server on it.
struct Filled {
    world: World,
    /// Of an employee of the archive's, who answers for many dialogues.
    api: Api,
}

impl Filled {
    async fn start(backend: Backend) -> Self {
        let database = provision(backend).await;
        let empty = shape(&database).await;
        let filled = demo(&database, &SIZE).await;
        assert!(filled.status.success(), "{filled:?}");
        assert_eq!(shape(&database).await, empty, "every key, reference and index is there again");
        let told = text(&filled.stdout);
        assert!(told.contains("admin1@demo.example") && told.contains("colloquy-demo"), "{told}");
        let again = demo(&database, &SIZE).await;
        assert_eq!(again.status.code(), Some(1), "{again:?}");
        assert!(text(&again.stderr).contains("There are dialogues in this database"), "{again:?}");
        let world = World::start_in(backend, database, |_| ()).await;
        let sign_in = "mutation($input: SignInInput!) { signIn(input: $input) { token } }";
        let who = json!({ "input": { "email": "employee1@demo.example", "password": "colloquy-demo" } });
        let anonymous = Api::anonymous(&world.server.url);
        let token: String = anonymous.run(sign_in, who).await.get("signIn.token");
        let api = anonymous.with_token(&token);
        Self { world, api }
    }

    /// All that a list has, page by page.
    async fn walk(&self, list: &str, arguments: &str, fields: &str) -> Vec<Value> {
        let (mut after, mut all) = (Value::Null, Vec::new());
        loop {
            let document = format!(
                "query($after: String) {{ {list}(first: 100, after: $after{arguments}) {{
                    edges {{ node {{ {fields} }} }} pageInfo {{ hasNextPage endCursor }} }} }}"
            );
            let answer = self.api.run(&document, json!({ "after": after })).await;
            let page = answer.at(list);
            all.extend(page["edges"].as_array().expect("edges").iter().map(|edge| edge["node"].clone()));
            if page["pageInfo"]["hasNextPage"] == false {
                return all;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
    }

    /// All that was said in a dialogue.
    async fn said(&self, dialogue: &str) -> Vec<Value> {
        let (mut after, mut all) = (Value::Null, Vec::new());
        let document = "query($id: ID!, $after: String) { dialogue(id: $id) { messages(first: 100, after: $after) {
            nodes { id text origin author { ... on User { id } } createdAt delivery { status } } pageInfo { hasNextPage endCursor } } } }";
        loop {
            let answer = self.api.run(document, json!({ "id": dialogue, "after": after })).await;
            let page = answer.at("dialogue.messages");
            all.extend(page["nodes"].as_array().expect("nodes").iter().cloned());
            if page["pageInfo"]["hasNextPage"] == false {
                return all;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
    }
}

/// Columns, and keys, references and indexes as they are written.
async fn shape(database: &Database) -> impl PartialEq + std::fmt::Debug + use<> {
    let db = sea_orm::Database::connect(&database.url).await.expect("the database opens");
    let shape = storage::shape(&db).await;
    db.close().await.expect("the database closes");
    shape
}

async fn demo(database: &Database, options: &[&str]) -> std::process::Output {
    let arguments: Vec<&str> = ["demo"].iter().chain(options).copied().collect();
    let settings = [("DATABASE_URL", database.url.as_str()), ("SECRET_KEY", KEY)];
    run(&Scratch::new(), &arguments, &settings, "").await
}

fn id(of: &Value) -> &str {
    of["id"].as_str().expect("an id")
}

fn ids(of: &[Value]) -> BTreeSet<&str> {
    of.iter().map(id).collect()
}

async fn what_is_made_up_is_whole(filled: Filled) {
    let viewer: String = filled.api.run("{ viewer { id } }", Value::Null).await.get("viewer.id");
    let fields = "id group unreadCount state openedAt closedAt lastActivityAt lastMessage { id }
        client { id name contractor { id } } participants { role user { id isActive } } messages { totalCount }";
    let dialogues = filled.walk("dialogues", "", fields).await;
    assert_eq!(dialogues.len(), DIALOGUES);
    let mut lengths = Vec::new();
    let mut groups: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for one in &dialogues {
        let said = filled.said(id(one)).await;
        assert_eq!(one["messages"]["totalCount"], said.len());
        assert_eq!(one["lastMessage"]["id"], said.last().expect("one at least")["id"]);
        lengths.push(said.len());
        let moments: Vec<&str> = said.iter().map(|message| message["createdAt"].as_str().expect("a time")).collect();
        assert!(moments.is_sorted());
        assert!(one["openedAt"].as_str() <= one["lastActivityAt"].as_str());
        let ends = one["closedAt"].as_str().or(moments.last().copied());
        assert_eq!(one["lastActivityAt"].as_str(), ends, "the last of saying and closing: {one}");
        assert!(ends.is_some_and(|end| ("2023-06"..="2026-06-01").contains(&end)), "{one}");
        assert!(one["client"]["contractor"]["id"].is_string());
        assert!(said.iter().all(|message| message["delivery"]["status"] != "QUEUED"), "nothing is left to send");

        // Whoever answers has read what came before; nobody else has read anything.
        let from_client = |message: &&Value| message["origin"] == "CLIENT";
        let answered = said.iter().rposition(|message| message["author"]["id"] == viewer.as_str());
        let unread = said.iter().skip(answered.map_or(0, |place| place + 1)).filter(from_client).count();
        assert_eq!(one["unreadCount"], unread, "{one}");

        let is_open = one["state"] == "OPEN";
        assert_eq!(is_open, one["closedAt"].is_null());
        let answer_for: Vec<&str> = one["participants"]
            .as_array()
            .expect("a list")
            .iter()
            .filter(|part| part["role"] == "RESPONSIBLE" && part["user"]["isActive"] == true)
            .map(|part| id(&part["user"]))
            .collect();
        let group = match (is_open, answer_for.is_empty()) {
            (false, _) => "CLOSED",
            (true, true) => "UNASSIGNED",
            (true, false) if answer_for.contains(&viewer.as_str()) => "MINE",
            (true, false) => "OTHERS",
        };
        assert_eq!(one["group"], group, "{one}");
        let (count, with_unread) = groups.entry(group).or_default();
        *count += 1;
        *with_unread += i64::from(unread > 0);
    }
    assert_eq!(lengths.iter().sum::<usize>(), MESSAGES);
    lengths.sort_unstable();
    assert!(lengths[DIALOGUES / 2] < 8 && lengths[DIALOGUES - 1] > 200, "few are long, many are short: {lengths:?}");
    assert!(groups.len() == 4 && groups["CLOSED"].0 > 150 && groups["MINE"].1 > 0, "{groups:?}");
    let counters = "{ inbox { MINE: mine { ...C } UNASSIGNED: unassigned { ...C } OTHERS: others { ...C }
        CLOSED: closed { ...C } } } fragment C on InboxGroup { count unreadCount }";
    let counters = filled.api.run(counters, Value::Null).await.at("inbox").clone();
    for (group, (count, with_unread)) in &groups {
        assert_eq!(counters[group], json!({ "count": count, "unreadCount": with_unread }), "{group}");
        let filter = format!("filter: {{ group: {group} }}");
        assert_eq!(filled.walk("dialogues", &format!(", {filter}"), "id").await.len() as i64, *count, "{group}");
        let total = filled.api.run(&format!("{{ dialogues({filter}) {{ totalCount }} }}"), Value::Null).await;
        assert_eq!(total.at("dialogues.totalCount"), *count, "{group}");
    }
    let channels: Vec<Value> = filled.api.run("{ channels { state } }", Value::Null).await.get("channels");
    assert!(channels.iter().all(|channel| channel["state"] == "DISCONNECTED"), "nothing is sent anywhere");
}

async fn what_is_made_up_is_found(filled: Filled) {
    let mut said = Vec::new();
    for one in filled.walk("dialogues", "", "id").await {
        said.extend(filled.said(id(&one)).await);
    }
    // Each is looked for as it stands at the beginning of words.
    for (asked, stands, least) in [
        ("аметист", "аметист", 1),
        ("заказ", "заказ", 300),
        ("\\\"уже в пути\\\"", "уже в пути", 10),
        ("дост", "дост", 50),
    ] {
        let found = filled.walk("searchMessages", &format!(", text: \"{asked}\""), "id").await;
        let expected: Vec<Value> = said
            .iter()
            .filter(|message| message["text"].as_str().expect("a text").to_lowercase().contains(stands))
            .cloned()
            .collect();
        assert_eq!(ids(&found), ids(&expected), "{asked}");
        assert_eq!(found.len(), expected.len(), "each once: {asked}");
        assert!(found.len() >= least, "{asked}: {}", found.len());
    }
    let rare = said.iter().filter(|message| message["text"].as_str().is_some_and(|text| text.contains("аметист")));
    assert_eq!(rare.count(), 1, "one of each ten thousand");
}

async fn what_is_made_up_is_told_by_the_log(filled: Filled) {
    let events =
        filled.walk("events", "", "cursor kind at dialogue { id } ... on MessageEvent { message { id text } }").await;
    let of = |kind: &str| events.iter().filter(|event| event["kind"] == kind).count();
    assert_eq!((of("MESSAGE_ADDED"), of("DIALOGUE_OPENED")), (MESSAGES, DIALOGUES));
    let moments: Vec<&str> = events.iter().map(|event| event["at"].as_str().expect("a time")).collect();
    assert!(moments.is_sorted(), "in the order in which it happened");
    let mut first: HashMap<&str, &Value> = HashMap::new();
    for event in events.iter().filter(|event| !event["dialogue"].is_null()) {
        first.entry(id(&event["dialogue"])).or_insert(&event["kind"]);
    }
    assert!(first.values().all(|kind| *kind == "DIALOGUE_OPENED"));
    let dialogues =
        filled.walk("dialogues", "", "id state participants { role } tags { id } comments { totalCount }").await;
    let closed = dialogues.iter().filter(|one| one["state"] == "CLOSED").count();
    assert_eq!(of("DIALOGUE_CLOSED") - of("DIALOGUE_REOPENED"), closed);
    let count = |list: &str| dialogues.iter().map(|one| one[list].as_array().expect("a list").len()).sum::<usize>();
    assert_eq!((of("PARTICIPANT_ADDED"), of("TAG_ADDED")), (count("participants"), count("tags")));
    let comments: u64 = dialogues.iter().filter_map(|one| one["comments"]["totalCount"].as_u64()).sum();
    assert_eq!(of("COMMENT_ADDED") as u64, comments);
    for one in dialogues.iter().take(5) {
        let its = "query($id: ID!) { dialogue(id: $id) { events(first: 100) { nodes { cursor } } } }";
        let its: Vec<Value> = filled.api.run(its, json!({ "id": id(one) })).await.get("dialogue.events.nodes");
        let expected = events.iter().filter(|event| event["dialogue"]["id"] == one["id"]).take(100).cloned();
        assert_eq!(cursors(&its), cursors(&expected.collect::<Vec<_>>()));
    }

    // The same each time and on each database: what was said, when, where and in which order.
    let all: Vec<String> = events.iter().map(Value::to_string).collect();
    let digest = Sha256::digest(all.join("\n"));
    let digest: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, OF_SEED_1, "the same seed makes other data than it did");

    // Whoever follows from the beginning gets all of it, and what comes then.
    let channel = filled.world.connect_channel("Shop").await;
    filled.world.write(&channel, &crate::harness::updates::Person::new(7301), "Я новый").await;
    let now = feed::cursor(&filled.api).await;
    let mut followed = Feed::follow(&filled.api, Some(BEGINNING)).await;
    let followed = followed.until_cursor(&now).await;
    let (past, news) = followed.split_at(events.len());
    assert_eq!(cursors(past), cursors(&events));
    assert!(news.iter().any(|event| event["message"]["text"] == "Я новый"), "{news:?}");
}

/// The log's beginning, as a cursor: 12 bytes of nothing.
const BEGINNING: &str = "AAAAAAAAAAAAAAAA";
/// Of all events of [`SIZE`] with seed 1. Whoever changes what is made up says so here.
const OF_SEED_1: &str = "e657ccd677906d3a";

#[tokio::test]
async fn a_size_that_cannot_be_is_refused() {
    for (options, named) in [
        (["--dialogues", "0", "--messages", "5"], "--dialogues"),
        (["--dialogues", "5", "--messages", "4"], "--messages"),
        (["--dialogues", "five", "--messages", "4"], "--dialogues"),
        (["--dialogues", "5", "--messages", "2000000000"], "--messages"),
    ] {
        let dir = Scratch::new();
        let arguments: Vec<&str> = ["demo"].iter().chain(&options).copied().collect();
        let output = run(&dir, &arguments, &[], "").await;
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(text(&output.stderr).contains(named), "{output:?}");
        assert!(!dir.path().join("data").exists(), "nothing is made");
    }
}
