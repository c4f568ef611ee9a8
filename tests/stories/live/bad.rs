//! Bad input over a socket: the right code, the other connections untouched, the process alive.

use std::collections::HashSet;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{Frame, FrameHeader};

use crate::harness::feed::Feed;
use crate::harness::socket::Raw;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::{Channel, World};

stories!(World: what_breaks_the_protocol_closes_that_socket_alone, a_socket_bears_a_hundred_operations_of_a_thousand);

/// Somebody who follows beside whatever happens.
struct Bystander {
    world: World,
    channel: Channel,
    feed: Feed,
    url: String,
    heard: i64,
}

impl Bystander {
    async fn new(world: World) -> Self {
        let channel = world.connect_channel("Shop").await;
        let feed = world.follow(&world.admin.api, None).await;
        let url = format!("{}/graphql", world.server.url);
        Self { world, channel, feed, url, heard: 0 }
    }

    async fn acknowledged(&self) -> Raw {
        Raw::acknowledged(&self.url, self.world.admin.api.token.as_deref()).await
    }

    /// Their connection goes on, and the process works.
    async fn hears_on(&mut self) {
        self.heard += 1;
        let text = self.heard.to_string();
        self.world.write(&self.channel, &Person::new(8_501), &text).await;
        self.feed.until(|event| event["message"]["text"] == json!(text)).await;
    }
}

fn subscribe(id: &str, document: &str, variables: Value) -> Value {
    json!({ "id": id, "type": "subscribe", "payload": { "query": document, "variables": variables } })
}

async fn what_breaks_the_protocol_closes_that_socket_alone(world: World) {
    let mut bystander = Bystander::new(world).await;
    // No such opcode, and no mask.
    let garbage = FrameHeader { opcode: OpCode::Data(Data::Reserved(5)), mask: None, ..FrameHeader::default() };
    let frames = [
        ("no JSON", Message::text("}{")),
        ("JSON that is no message", Message::text("[1, 2, 3]")),
        ("a type that is none", Message::text(r#"{"type":"start","id":"1"}"#)),
        ("a binary frame", Message::binary(vec![0; 16])),
        ("a megabyte", Message::text(format!(r#"{{"type":"ping","payload":{{"x":"{}"}}}}"#, "x".repeat(1 << 20)))),
        ("a binary megabyte", Message::binary(vec![7; 1 << 20])),
        ("no frame at all", Message::Frame(Frame::from_payload(garbage, vec![255; 64].into()))),
    ];
    for (what, frame) in frames {
        let mut raw = bystander.acknowledged().await;
        raw.send_frame(frame).await;
        assert_eq!(raw.closed().await.0, 4400, "{what}");
        bystander.hears_on().await;
    }

    // What is wrong with an operation is that operation's alone.
    let mut raw = bystander.acknowledged().await;
    let document = "subscription($a: String) { events(after: $a) { cursor } }";
    for (after, words) in [("AAAAAAAAAAEAAAAB", "of another log"), ("nonsense", "no cursor at all")] {
        raw.send(subscribe(words, document, json!({ "a": after }))).await;
        let refused = raw.next().await;
        let error = &refused["payload"]["errors"][0]["extensions"];
        assert_eq!((&error["code"], &error["field"]), (&json!("BAD_USER_INPUT"), &json!("after")), "{refused:#}");
        assert_eq!(raw.next().await, json!({ "id": words, "type": "complete" }));
    }
    raw.send(json!({ "type": "ping" })).await;
    assert_eq!(raw.next().await, json!({ "type": "pong" }), "it goes on");
    bystander.hears_on().await;
}

async fn a_socket_bears_a_hundred_operations_of_a_thousand(world: World) {
    let mut bystander = Bystander::new(world).await;
    let mut raw = bystander.acknowledged().await;
    let document = "subscription($a: String) { events(after: $a) { kind } }";
    let after = json!({ "a": bystander.world.cursor().await });
    for number in 0..1_000 {
        raw.send(subscribe(&number.to_string(), document, after.clone())).await;
    }
    let mut refused = HashSet::new();
    while refused.len() < 900 {
        let message = raw.next().await;
        assert_eq!(message["type"], "error", "{message:#}");
        assert_eq!(message["payload"][0]["extensions"]["code"], "RATE_LIMITED", "{message:#}");
        refused.insert(message["id"].as_str().expect("an id").to_owned());
    }
    // As many as are borne are told, once each; and who ends one may begin another.
    raw.send(json!({ "type": "complete", "id": "0" })).await;
    raw.send(subscribe("another", document, after)).await;
    raw.send(json!({ "type": "ping" })).await;
    assert_eq!(raw.next().await, json!({ "type": "pong" }));
    bystander.hears_on().await;
    let mut told = HashSet::new();
    while told.len() < 100 {
        let message = raw.next().await;
        if message["payload"]["data"]["events"]["kind"] == "MESSAGE_ADDED" {
            assert!(told.insert(message["id"].as_str().expect("an id").to_owned()), "told twice: {message:#}");
        }
    }
    assert!(told.contains("another") && !told.contains("0") && told.is_disjoint(&refused));
}
