//! Typing: told to the other operators at every server, shown to the client, and in no log.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::harness::Backend;
use crate::harness::client::Api;
use crate::harness::socket::{Operation, Socket};
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::World;

stories!(World: who_types_is_told_at_every_server_and_shown_to_the_client);

async fn follow(api: &Api, dialogue: &str) -> (Socket, Operation) {
    let socket = Socket::connect(&format!("{}/graphql", api.url), api.token.as_deref()).await;
    let document =
        "subscription($d: ID!) { typing(dialogueId: $d) { dialogue { id } actor { ... on User { id } } until } }";
    let operation = socket.subscribe(document, json!({ "d": dialogue }));
    socket.ping().await;
    (socket, operation)
}

fn moment(of: &Value) -> DateTime<Utc> {
    of.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{of} is no time"))
}

async fn who_types_is_told_at_every_server_and_shown_to_the_client(world: World) {
    let channel = world.connect_channel("Shop").await;
    let (person, other) = (Person::new(8301), Person::new(8302));
    let dialogue = world.write(&channel, &person, "hello").await;
    let elsewhere = world.write(&channel, &other, "hello").await;
    let colleague = world.user("EMPLOYEE").await;
    let here = colleague.clone();
    let server = match world.backend {
        Backend::Sqlite => None,
        Backend::Postgres => Some(world.another().await),
    };
    let there = server.as_ref().map_or_else(|| colleague.clone(), |server| colleague.at(&server.url));
    let mut listening = [follow(&here.api, &dialogue).await, follow(&there.api, &dialogue).await];
    let mut own = follow(&world.admin.api, &dialogue).await;
    let before = world.cursor().await;
    let mut told = Vec::new();
    for _ in 0..2 {
        // What is typed in another dialogue is not told here.
        world.admin.act("setTyping", "dialogueId", &elsewhere).await.data();
        let asked = Utc::now();
        world.admin.act("setTyping", "dialogueId", &dialogue).await.data();
        for (_, typing) in &mut listening {
            let mut typing = typing.next().await["data"]["typing"].take();
            let until = moment(&typing["until"].take());
            let (lasts, seconds) = (until - asked, chrono::Duration::seconds);
            assert!(lasts > seconds(2) && lasts < seconds(15), "some seconds ahead, not {lasts}");
            let expected = json!({ "dialogue": { "id": dialogue }, "actor": { "id": world.admin.id }, "until": null });
            assert_eq!(typing, expected);
            told.push(until);
        }
    }
    assert_eq!(told[0], told[1], "the same everywhere");
    assert!(told[2] > told[0], "and renewed");

    there.act("setTyping", "dialogueId", &dialogue).await.data();
    let first = own.1.next().await["data"]["typing"]["actor"]["id"].take();
    assert_eq!(first, json!(colleague.id), "one is not told of oneself");

    let shown = world.telegram.wait_for_calls("sendChatAction", 5).await;
    let mut chats: Vec<i64> = shown.iter().filter_map(|call| call.chat_id).collect();
    chats.sort_unstable();
    assert_eq!(chats, [person.id, person.id, person.id, other.id, other.id]);
    assert!(shown.iter().all(|call| call.arguments["action"] == "typing" && call.token == channel.token));
    assert_eq!(world.events_after(&before).await, Vec::<Value>::new(), "it is in no log");
}
