//! Every recorded event of Viber, byte for byte and with its recorded signature, handled as `INDEX.md` says.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::harness::feed::kinds;
use crate::harness::story::stories;
use crate::harness::world::{Channel, World};

stories!(World:
    every_payload_is_handled_as_the_index_says,
    subscriptions_as_they_were_recorded_tell_who_can_be_reached,
    receipts_as_they_were_recorded_move_a_message_forward,
);

const ANNA: &str = "Анна Примерова";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/viber/payloads")
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(format!("{name}.json"))).unwrap_or_else(|error| panic!("the payload {name}: {error}"))
}

fn payload(name: &str) -> Value {
    serde_json::from_slice(&bytes(name)).expect("JSON")
}

fn signatures() -> Value {
    payload("signatures")
}

/// The bot whose token all signatures are made with.
async fn connect(world: &World) -> Channel {
    let token = signatures()["auth_token"].as_str().expect("a token").to_owned();
    world.viber.bot(&token, "recorded");
    let answer = world.try_connect_viber("Recorded", &token).await;
    Channel { id: answer.get("connectChannel.channel.id"), token }
}

/// Posts a payload as it was recorded; gives the status.
async fn post(world: &World, channel: &Channel, name: &str) -> u16 {
    let signatures = signatures();
    let signature = signatures["signatures"][name].as_str();
    assert!(signature.is_some(), "{name} has no signature");
    world.viber.deliver_raw(&channel.token, &bytes(name), signature).await.as_u16()
}

/// The text of the message that comes of a payload, and its attachment. None: no message comes of it.
fn expected(name: &str, update: &Value) -> Option<(String, Value)> {
    let says = |text: &str| Some((text.to_owned(), Value::Null));
    let sends = |text: &str, attachment: Value| Some((text.to_owned(), attachment));
    let file = |kind: &str, name: &str, content_type: &str, size: i64| json!({ "__typename": "File", "kind": kind, "name": name, "contentType": content_type, "size": size });
    let place = |latitude: f64, longitude: f64, title: Value| json!({ "__typename": "Location", "latitude": latitude, "longitude": longitude, "title": title });
    match name {
        "06-message-text"
        | "07-message-text-tracking-data"
        | "08-message-emoji-rtl"
        | "21-message-sender-id-only"
        | "22-message-very-long"
        | "23-message-silent"
        | "35-token-beyond-2-53" => update["message"]["text"].as_str().and_then(says),
        "09-message-picture-caption" => {
            sends("Вот фото поломки", file("IMAGE", "1790000012345678.jpg", "image/jpeg", 356_135))
        }
        "10-message-picture-no-caption" => sends("", file("IMAGE", "image.jpg", "image/jpeg", 88_123)),
        "12-message-file" => sends("", file("DOCUMENT", "Договор №7.pdf", "application/pdf", 218_744)),
        "13-message-sticker" => {
            let name = "sticker-5900000000000102948.png";
            sends("", json!({ "__typename": "File", "kind": "STICKER", "name": name, "contentType": "image/png" }))
        }
        "15-message-contact" => {
            sends("", json!({ "__typename": "SharedContact", "contact": "Иван Тестов", "phone": "+70000000001" }))
        }
        "17-message-location" => sends("", place(55.751244, 37.618423, Value::Null)),
        "18-message-location-address" => sends("", place(55.75, 37.61, json!("ул. Тестовая, 1"))),
        "19-message-url" => says("https://example.com/page?q=тест"),
        "40-empty-text" => says("[Empty message]"),
        "01-webhook"
        | "02-conversation-started"
        | "04-subscribed"
        | "05-unsubscribed"
        // It is 06 once more, which came before it.
        | "24-duplicate-of-06"
        | "25-delivered"
        | "26-delivered-second-device"
        | "27-seen"
        | "29-delivered-after-seen"
        | "30-failed"
        | "32-client-status-payment"
        | "33-unknown-event"
        | "38-resubscribed"
        | "39-bad-signature" => None,
        unlisted => panic!("{unlisted} is a new payload: say here what becomes of it"),
    }
}

async fn every_payload_is_handled_as_the_index_says(world: World) {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .expect("the payloads")
        .flatten()
        .filter_map(|file| Some(file.file_name().to_str()?.strip_suffix(".json")?.to_owned()))
        .filter(|name| name != "signatures")
        .collect();
    names.sort();
    assert!(names.len() >= 30, "the payloads are there");
    let channel = connect(&world).await;
    for name in &names {
        let before = world.cursor().await;
        let status = post(&world, &channel, name).await;
        assert_eq!(status, if name == "39-bad-signature" { 403 } else { 200 }, "{name}");
        let events = world.events_after(&before).await;
        let added: Vec<&Value> = events.iter().filter(|event| event["kind"] == "MESSAGE_ADDED").collect();
        let update = payload(name);
        let Some((text, attachment)) = expected(name, &update) else {
            let told: Vec<&str> = kinds(&events).into_iter().filter(|kind| *kind != "MESSAGE_FILE_CHANGED").collect();
            assert!(told.is_empty(), "{name} made {told:?}");
            continue;
        };
        assert_eq!(added.len(), 1, "{name} made {:?}", kinds(&events));
        let dialogue = added[0]["dialogue"]["id"].as_str().expect("an id");
        let messages = world.admin.messages(dialogue).await;
        let message = messages.last().expect("it is there");
        assert_eq!((&message["text"], &message["origin"]), (&json!(text), &json!("CLIENT")), "{name}");
        let time = update["timestamp"].as_i64().expect("milliseconds");
        let sent_at = message["sentAt"].as_str().expect("a time");
        assert!(sent_at.starts_with("2026-09-21T14:1"), "{name}: {sent_at}");
        assert!(sent_at.ends_with(&format!(".{:03}Z", time % 1000)), "{name}: {sent_at} is not of {time}");
        check(name, &message["attachments"], &attachment);
        let client = world.admin.dialogue(dialogue, "client { name }").await;
        let nameless = name == "21-message-sender-id-only";
        assert_eq!(client["client"]["name"], if nameless { "Viber client" } else { ANNA }, "{name}");

        assert_eq!(post(&world, &channel, name).await, 200);
        assert_eq!(world.admin.messages(dialogue).await.len(), messages.len(), "{name} delivered again");
    }
}

fn check(name: &str, attachments: &Value, expected: &Value) {
    let Some(expected) = expected.as_object() else {
        return assert_eq!(attachments, &json!([]), "{name}");
    };
    assert_eq!(attachments.as_array().map(Vec::len), Some(1), "{name}: {attachments}");
    for (field, value) in expected {
        assert_eq!(&attachments[0][field], value, "{name}: {field} of {attachments}");
    }
}

async fn subscriptions_as_they_were_recorded_tell_who_can_be_reached(world: World) {
    let channel = connect(&world).await;
    let before = world.cursor().await;
    for name in ["02-conversation-started", "04-subscribed", "05-unsubscribed", "38-resubscribed"] {
        assert_eq!(post(&world, &channel, name).await, 200);
    }
    assert!(world.events_after(&before).await.is_empty(), "of a stranger there is nothing to tell");
    post(&world, &channel, "06-message-text").await;
    let dialogue = world.viber_dialogue(&channel, ANNA).await;
    let reachable = async || world.admin.dialogue(&dialogue, "isReachable").await["isReachable"].clone();
    for (name, expected) in [
        ("05-unsubscribed", false),
        ("02-conversation-started", false),
        ("38-resubscribed", true),
        ("04-subscribed", true),
    ] {
        assert_eq!(post(&world, &channel, name).await, 200);
        assert_eq!(reachable().await, json!(expected), "after {name}");
    }
}

async fn receipts_as_they_were_recorded_move_a_message_forward(world: World) {
    let channel = connect(&world).await;
    post(&world, &channel, "06-message-text").await;
    let dialogue = world.viber_dialogue(&channel, ANNA).await;
    let mut feed = world.follow(&world.admin.api, None).await;
    let mut ids = Vec::new();
    for name in ["25-delivered", "29-delivered-after-seen", "30-failed"] {
        world.viber.next_message_token(payload(name)["message_token"].as_u64().expect("a token"));
        let id = world.admin.send(&dialogue, name).await;
        feed.until_delivery(&id, "SENT").await;
        ids.push(id);
    }
    let status = async |nth: usize| super::delivery(&world, &dialogue, &ids[nth]).await["status"].clone();
    for (name, nth, expected) in [
        ("25-delivered", 0, "DELIVERED"),
        ("26-delivered-second-device", 0, "DELIVERED"),
        ("27-seen", 0, "READ"),
        ("25-delivered", 0, "READ"),
        ("29-delivered-after-seen", 1, "DELIVERED"),
        ("30-failed", 2, "FAILED"),
    ] {
        assert_eq!(post(&world, &channel, name).await, 200);
        assert_eq!(status(nth).await, expected, "after {name}");
    }
    let failure = super::delivery(&world, &dialogue, &ids[2]).await["failure"].clone();
    assert_eq!(failure, "Viber could not deliver it: message validation failed");
}
