//! `colloquy demo`: a made-up archive that is whole in all that is read of it, and the same each time.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{KEY, run, text};
use crate::harness::client::Api;
use crate::harness::provision;
use crate::harness::scratch::Scratch;
use crate::harness::story::stories;
use crate::harness::world::World;
use crate::harness::{Backend, Database};

stories!(Filled: what_is_made_up_is_whole, what_is_made_up_is_told_by_the_log);

const SIZE: [&str; 4] = ["--dialogues", "120", "--messages", "1500"];

/// An archive, made by the program, and a server on it.
struct Filled {
    world: World,
    /// Of an employee of the archive's.
    api: Api,
}

impl Filled {
    async fn start(backend: Backend) -> Self {
        let database = provision(backend).await;
        let filled = demo(&database, &SIZE).await;
        assert!(filled.status.success(), "{filled:?}");
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
}

async fn demo(database: &Database, options: &[&str]) -> std::process::Output {
    let arguments: Vec<&str> = ["demo"].iter().chain(options).copied().collect();
    let settings = [("DATABASE_URL", database.url.as_str()), ("SECRET_KEY", KEY)];
    run(&Scratch::new(), &arguments, &settings, "").await
}

async fn what_is_made_up_is_whole(filled: Filled) {
    let fields = "id group unreadCount state lastActivityAt lastMessage { id } client { id name contractor { id } }
        participants { role user { id isActive } } messages(last: 100) { totalCount nodes { id createdAt } }";
    let dialogues = filled.walk("dialogues", "", fields).await;
    assert_eq!(dialogues.len(), 120);
    let counts: Vec<u64> =
        dialogues.iter().map(|one| one["messages"]["totalCount"].as_u64().expect("a count")).collect();
    assert_eq!(counts.iter().sum::<u64>(), 1_500);
    assert!(counts.iter().any(|count| *count > 100) && counts.iter().filter(|count| **count < 10).count() > 60);
    let mut groups: HashMap<String, (i64, i64)> = HashMap::new();
    for one in &dialogues {
        let messages = one["messages"]["nodes"].as_array().expect("messages");
        let times: Vec<&str> = messages.iter().map(|message| message["createdAt"].as_str().expect("a time")).collect();
        assert!(times.is_sorted());
        assert_eq!(one["lastMessage"]["id"], messages.last().expect("one at least")["id"]);
        assert!(one["lastActivityAt"].as_str() >= times.last().copied());
        assert!(one["client"]["contractor"]["id"].is_string());
        let (count, unread) = groups.entry(one["group"].as_str().expect("a group").to_lowercase()).or_default();
        *count += 1;
        *unread += i64::from(one["unreadCount"] != 0);
    }
    let counters = "{ inbox { mine { ...C } unassigned { ...C } others { ...C } closed { ...C } } }
        fragment C on InboxGroup { count unreadCount }";
    let counters = filled.api.run(counters, Value::Null).await.at("inbox").clone();
    for group in ["mine", "unassigned", "others", "closed"] {
        let (count, unread) = groups.get(group).copied().unwrap_or_default();
        assert_eq!(counters[group], json!({ "count": count, "unreadCount": unread }), "{group}");
        let listed = filled.walk("dialogues", &format!(", filter: {{ group: {} }}", group.to_uppercase()), "id").await;
        assert_eq!(listed.len() as i64, count, "{group}");
    }
    assert!(groups["closed"].0 > 80 && groups.len() == 4, "{groups:?}");

    // Whatever was said is found, as often as it was said.
    let said = filled.walk("searchMessages", ", text: \"гирлянду\"", "id text").await;
    let mut expected = Vec::new();
    for one in &dialogues {
        let id = one["id"].as_str().expect("an id");
        for before in [false, true] {
            // Up to two pages of a hundred are enough for the longest here to be read from both ends.
            let page = if before { "first: 100" } else { "last: 100" };
            let document = format!("{{ dialogue(id: {id:?}) {{ messages({page}) {{ nodes {{ id text }} }} }} }}");
            let answer = filled.api.run(&document, Value::Null).await;
            expected.extend(answer.at("dialogue.messages.nodes").as_array().expect("messages").clone());
        }
    }
    expected.retain(|message| message["text"].as_str().expect("a text").contains("гирлянду"));
    let ids = |of: &[Value]| {
        of.iter().map(|one| one["id"].as_str().expect("an id").to_owned()).collect::<std::collections::BTreeSet<_>>()
    };
    assert!(said.len() > 5);
    assert!(ids(&expected).is_subset(&ids(&said)));
    assert!(said.iter().all(|one| one["text"].as_str().expect("a text").to_lowercase().contains("гирлянд")));

    // The same each time and on each database.
    let newest = &filled.walk("dialogues", "", "id lastMessage { text }").await[0];
    let first = json!({ "id": NEWEST.0, "lastMessage": { "text": NEWEST.1 } });
    assert_eq!(*newest, first);
    let channels = filled.api.run("{ channels { state } }", Value::Null).await;
    let states: Vec<Value> = channels.get("channels");
    assert!(states.iter().all(|channel| channel["state"] == "DISCONNECTED"), "nothing is sent anywhere");
}

/// Of seed 1: its latest dialogue and what was last said in it.
const NEWEST: (&str, &str) =
    ("dlg_019e59ccbe867740a132b4fc33c3d521", "Курьер не дозвонился, мой номер +7 (000) 022-77-92");

async fn what_is_made_up_is_told_by_the_log(filled: Filled) {
    let events = filled.walk("events", "", "kind at dialogue { id }").await;
    let of = |kind: &str| events.iter().filter(|event| event["kind"] == kind).count();
    assert_eq!((of("MESSAGE_ADDED"), of("DIALOGUE_OPENED")), (1_500, 120));
    let times: Vec<&str> = events.iter().map(|event| event["at"].as_str().expect("a time")).collect();
    assert!(times.is_sorted(), "in the order in which it happened");
    let dialogues = filled.walk("dialogues", "", "id state participants { role }").await;
    let closed = dialogues.iter().filter(|one| one["state"] == "CLOSED").count();
    assert_eq!(of("DIALOGUE_CLOSED") - of("DIALOGUE_REOPENED"), closed);
    let parts: usize = dialogues.iter().map(|one| one["participants"].as_array().expect("a list").len()).sum();
    assert_eq!(of("PARTICIPANT_ADDED"), parts);
    // The log goes on behind it.
    let cursor = filled.world.cursor().await;
    let channel = filled.world.connect_channel("Shop").await;
    filled.world.write(&channel, &crate::harness::updates::Person::new(7301), "Я новый").await;
    let news = filled.world.events_after(&cursor).await;
    assert!(news.iter().any(|event| event["kind"] == "MESSAGE_ADDED"), "{news:?}");
}

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
