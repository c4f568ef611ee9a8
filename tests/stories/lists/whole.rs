//! What a list shows of each dialogue: read with the page by one statement, and the same as when it is asked for alone.

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::{Someone, World};

stories!(World: a_page_with_all_that_a_list_shows_costs_as_much_as_one_with_ids,
    what_comes_with_a_page_is_what_each_dialogue_says_of_itself,
    what_a_page_brings_along_is_as_new_as_the_page,
    each_field_is_the_same_whatever_else_a_list_shows,
);

/// What operators' lists show.
const SHOWN: &str = "id group unreadCount client { id name username isBlocked } channel { id name kind state }
    participants { role since user { id name email role isActive createdAt } } tags { id name color }
    lastMessage { id text createdAt author { ... on User { id name } ... on Client { id name } } delivery { status } }
    viewerCan { reply close }";

/// The fewest statements of several tries: whatever the process does beside it comes on top.
async fn cost(world: &World, document: &str) -> u64 {
    let statements = &world.server.running().app.metrics.statements;
    let mut fewest = u64::MAX;
    for _ in 0..5 {
        let before = statements.get();
        world.admin.api.run(document, Value::Null).await.data();
        fewest = fewest.min(statements.get() - before);
    }
    fewest
}

/// Dialogues of all kinds: read and unread, of several, of one who is deactivated, closed, with tags, answered.
async fn several(world: &World) -> (Vec<String>, Vec<Someone>) {
    let channel = world.connect_channel("Shop").await;
    let (employee, leaver) = (world.user("EMPLOYEE").await, world.user("EMPLOYEE").await);
    let observer = world.user("OBSERVER").await;
    let admin = &world.admin;
    let mut dialogues = Vec::new();
    for number in 0..6 {
        dialogues.push(world.write(&channel, &Person::new(7100 + number), "Здравствуйте").await);
    }
    admin.set_participant(&dialogues[0], &leaver.id, "RESPONSIBLE").await;
    admin.set_participant(&dialogues[1], &employee.id, "RESPONSIBLE").await;
    admin.set_participant(&dialogues[1], &observer.id, "OBSERVER").await;
    admin.set_participant(&dialogues[1], &leaver.id, "RESPONSIBLE").await;
    let tag = "mutation($d: ID!, $n: [String!]!) { addTags(dialogueId: $d, names: $n) { dialogue { id } } }";
    for name in ["второй", "a first"] {
        admin.api.run(tag, json!({ "d": dialogues[1], "n": [name] })).await.data();
    }
    admin.api.run(tag, json!({ "d": dialogues[2], "n": ["a first"] })).await.data();
    admin.send(&dialogues[2], "Добрый день").await;
    admin.close(&dialogues[3]).await;
    let leave = "mutation($id: ID!) { updateUser(input: { userId: $id, isActive: false }) { user { id } } }";
    admin.api.run(leave, json!({ "id": leaver.id })).await.data();
    // Hired in the middle of a conversation: what came before counts as read by them.
    let late = world.user("EMPLOYEE").await;
    world.write(&channel, &Person::new(7104), "Есть кто?").await;
    world.write(&channel, &Person::new(7104), "Алло").await;
    (dialogues, vec![employee, observer, late])
}

async fn a_page_with_all_that_a_list_shows_costs_as_much_as_one_with_ids(world: World) {
    several(&world).await;
    let plain = cost(&world, "{ dialogues { nodes { id } } }").await;
    let fragment = format!("{{ dialogues {{ nodes {{ id ...Shown }} }} }} fragment Shown on Dialogue {{ {SHOWN} }}");
    for document in [
        format!("{{ dialogues {{ nodes {{ {SHOWN} }} }} }}"),
        format!("{{ dialogues {{ edges {{ cursor node {{ {SHOWN} }} }} pageInfo {{ hasNextPage }} }} }}"),
        format!("{{ list: dialogues(last: 5) {{ nodes {{ who: {SHOWN} }} }} }}"),
        fragment,
    ] {
        assert_eq!(cost(&world, &document).await, plain, "{document}");
    }
}

async fn what_comes_with_a_page_is_what_each_dialogue_says_of_itself(world: World) {
    let (dialogues, mut viewers) = several(&world).await;
    viewers.push(world.admin.clone());
    for viewer in &viewers {
        let list = viewer.api.run(&format!("{{ dialogues {{ nodes {{ {SHOWN} }} }} }}"), Value::Null).await;
        let nodes: Vec<Value> = list.get("dialogues.nodes");
        for node in &nodes {
            let alone = viewer.dialogue(node["id"].as_str().expect("an id"), SHOWN).await;
            assert_eq!(*node, alone);
        }
        let is_observer = viewer.id == viewers[1].id;
        assert_eq!(nodes.len(), if is_observer { 1 } else { dialogues.len() });
    }
    let late = &viewers[2];
    let list = late.api.run("{ dialogues(first: 1) { nodes { id unreadCount } } }", Value::Null).await;
    assert_eq!(list.at("dialogues.nodes.0"), &json!({ "id": dialogues[4], "unreadCount": 2 }));
}

async fn what_a_page_brings_along_is_as_new_as_the_page(world: World) {
    let (dialogues, _) = several(&world).await;
    let list = format!("{{ dialogues {{ nodes {{ {SHOWN} }} }} }}");
    let find = async || {
        let answer = world.admin.api.run(&list, Value::Null).await;
        let nodes: Vec<Value> = answer.get("dialogues.nodes");
        nodes.into_iter().find(|node| node["id"] == dialogues[0]).expect("it is there")
    };
    let before = find().await;
    assert_eq!((&before["group"], &before["unreadCount"]), (&json!("UNASSIGNED"), &json!(1)));
    // One document that changes and reads: each reading is of after the changes before it.
    let change = "mutation($d: ID!) {
        claimDialogue(dialogueId: $d) { dialogue { group participants { user { id } } } }
        sendMessage(input: { dialogueId: $d, text: \"Слушаю\" }) { message { dialogue { unreadCount lastMessage { text } } } }
    }";
    let changed = world.admin.api.run(change, json!({ "d": dialogues[0] })).await;
    assert_eq!(changed.at("claimDialogue.dialogue.group"), "MINE");
    assert_eq!(changed.at("sendMessage.message.dialogue.unreadCount"), 0);
    let after = find().await;
    assert_eq!((&after["group"], &after["unreadCount"]), (&json!("MINE"), &json!(0)));
    assert_eq!(after["lastMessage"]["text"], "Слушаю");
}

/// Where a page leads to, the type there, and what comes before and after its fields.
const PLACES: [(&str, &str, &str); 8] = [
    ("Dialogue", "", ""),
    ("Client", "client {", "}"),
    ("Channel", "channel {", "}"),
    ("Message", "lastMessage {", "}"),
    ("Delivery", "lastMessage { delivery {", "} }"),
    ("User", "lastMessage { author { ... on User {", "} } }"),
    ("Client", "lastMessage { author { ... on Client {", "} } }"),
    ("User", "participants { user {", "} }"),
];

/// The fields of a type that need no arguments, each with something of what it leads to.
async fn fields(world: &World, of: &str) -> Vec<String> {
    let kind = "kind ofType { kind ofType { kind ofType { kind } } }";
    let asked = format!(
        "{{ __type(name: {of:?}) {{ fields {{ name args {{ type {{ kind }} defaultValue }} type {{ {kind} }} }} }} }}"
    );
    let answer = world.admin.api.run(&asked, Value::Null).await;
    let mut fields = Vec::new();
    for field in answer.at("__type.fields").as_array().expect("fields") {
        let required = |argument: &Value| argument["type"]["kind"] == "NON_NULL" && argument["defaultValue"].is_null();
        if field["args"].as_array().expect("arguments").iter().any(required) {
            continue;
        }
        let mut kind = &field["type"];
        while kind["ofType"].is_object() {
            kind = &kind["ofType"];
        }
        let is_leaf = kind["kind"] == "SCALAR" || kind["kind"] == "ENUM";
        let name = field["name"].as_str().expect("a name");
        fields.push(if is_leaf { name.to_owned() } else { format!("{name} {{ __typename }}") });
    }
    fields
}

async fn each_field_is_the_same_whatever_else_a_list_shows(world: World) {
    let (dialogues, _) = several(&world).await;
    let contractor =
        "mutation($d: ID!) { createContractor(input: { name: \"Acme\", dialogueId: $d }) { contractor { id } }
        createFunnel(input: { name: \"Sales\", stages: [{ name: \"New\" }] }) { funnel { id } } }";
    world.admin.api.run(contractor, json!({ "d": dialogues[2] })).await.data();
    // Nothing is as it is where nobody has read it.
    let db = world.server.running().app.db.write();
    for sql in [
        "UPDATE clients SET avatar_url = 'https://example.com/a', profile_url = 'https://example.com/p', is_blocked = TRUE",
        "UPDATE channels SET state_reason = 'reason', welcome_text = 'welcome', auto_reply_enabled = TRUE,
           auto_reply_text = 'later', funnel_id = (SELECT id FROM funnels)",
        "UPDATE messages SET album_id = 'album', forwarded_from = 'Boris', edited_at = 7, delivery_at = 8,
           failure = 'failure', attempts = 9, reply_to_id = id",
    ] {
        db.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{error}: {sql}"));
    }
    for (of, before, after) in PLACES {
        let mut told = Vec::new();
        for field in fields(&world, of).await {
            let shown = format!("id {before} {field} {after}");
            let list = world.admin.api.run(&format!("{{ dialogues {{ nodes {{ {shown} }} }} }}"), Value::Null).await;
            let nodes: Vec<Value> = list.get("dialogues.nodes");
            for node in nodes {
                let alone = world.admin.dialogue(node["id"].as_str().expect("an id"), &shown).await;
                assert_eq!(node, alone, "{shown}");
            }
            told.push(field);
        }
        assert!(told.len() > 3, "{of} has fields: {told:?}");
    }
}
