//! What the fixtures do not show: the other kinds, and values as no messenger should send them.

use colloquy_entity::FileKind;
use serde_json::{Value, json};

use super::super::read::read;
use super::{fixture, names};
use crate::messenger::{Incoming, IncomingFile, IncomingMessage, Part, Person, Received, sanitize};

/// A message with this content.
fn update(message: Value) -> Value {
    json!({
        "event": "message", "timestamp": 1_790_000_008_022_i64, "message_token": 5_900_000_000_000_000_007_u64,
        "sender": { "id": "SYNTHuserAAAAAAAAAAAAA==", "name": "Анна" }, "message": message,
    })
}

fn read_message(message: Value) -> IncomingMessage {
    match read(&update(message)) {
        Incoming::Message(message) => *message,
        other => panic!("not a message: {other:?}"),
    }
}

fn read_file(message: Value) -> IncomingFile {
    match read_message(message).parts.as_slice() {
        [Part::File(file)] => file.clone(),
        other => panic!("not one file: {other:?}"),
    }
}

#[test]
fn kinds_without_a_type_become_texts_that_name_them() {
    for (message, text) in [
        (json!({ "type": "rich_media", "rich_media": {} }), "[Rich media]"),
        (json!({ "type": "voice", "media": "https://a.example/v" }), "[Voice]"),
        (json!({ "type": "poll", "text": "Когда?" }), "[Poll] Когда?"),
        (json!({ "type": "picture", "text": "смотрите" }), "[Picture] смотрите"),
        (json!({ "type": "picture", "media": "ftp://a.example/x" }), "[Picture]"),
        (json!({ "type": "picture", "media": format!("https://a.example/{}", "x".repeat(3000)) }), "[Picture]"),
        (json!({ "type": "file", "file_name": "a.pdf" }), "[File] a.pdf"),
        (json!({ "type": "sticker", "sticker_id": 46105 }), "[Sticker] 46105"),
        (json!({ "type": "sticker", "sticker_id": "46105" }), "[Sticker] 46105"),
        (json!({ "type": "location", "location": { "lat": 91, "lon": 0 } }), "[Location]"),
        (json!({ "type": "contact", "contact": { "name": "Иван" } }), "[Contact] Иван"),
        (json!({ "type": "text" }), "[Empty message]"),
        (json!({ "type": "text", "text": " \n" }), "[Empty message]"),
        (json!({ "type": "url" }), "[Url]"),
        (json!({}), "[Unsupported message]"),
        (Value::Null, "[Unsupported message]"),
    ] {
        let read = read_message(message.clone());
        assert_eq!((read.text.as_str(), read.parts.len()), (text, 0), "{message}");
    }
}

#[test]
fn a_link_is_its_address_and_what_was_written_beside_it() {
    for (message, text) in [
        (json!({ "type": "url", "media": "https://a.example/" }), "https://a.example/"),
        (json!({ "type": "url", "media": "https://a.example/", "text": "https://a.example/" }), "https://a.example/"),
        (json!({ "type": "url", "media": "https://a.example/", "text": "Вот" }), "Вот\nhttps://a.example/"),
        (json!({ "type": "url", "text": "Вот" }), "Вот"),
    ] {
        assert_eq!(read_message(message).text, text);
    }
}

#[test]
fn files_without_name_or_type_get_them() {
    let media = |path: &str| format!("https://dl-media.viber.example/5/{path}?Expires=1&Signature=a~b");
    let file = |kind: &str, path: &str, name: Value| {
        read_file(json!({ "type": kind, "media": media(path), "file_name": name, "size": 7, "duration": 12_500 }))
    };
    for (read, kind, name, content_type) in [
        (file("picture", "a.jpg", json!("null")), FileKind::Image, "photo-5900000000000000007.jpg", "image/jpeg"),
        (file("picture", "a.png", Value::Null), FileKind::Image, "photo-5900000000000000007.png", "image/png"),
        (file("picture", "a", json!("")), FileKind::Image, "photo-5900000000000000007.jpg", "image/jpeg"),
        (file("video", "a.mp4", json!("null")), FileKind::Video, "video-5900000000000000007.mp4", "video/mp4"),
        (file("video", "a.mp4", json!("a.mov")), FileKind::Video, "a.mov", "video/quicktime"),
        (file("picture", "a.jpg", json!("a.html")), FileKind::Image, "a.html", "image/jpeg"),
        (file("file", "a.pdf", json!("../b\n.PDF")), FileKind::Document, ".._b.PDF", "application/pdf"),
        (file("file", "a", json!("b.xyz")), FileKind::Document, "b.xyz", "application/octet-stream"),
    ] {
        assert_eq!((read.kind, read.name.as_str(), read.content_type.as_str()), (kind, name, content_type));
        assert_eq!((read.size, read.duration), (Some(7), Some(12)));
        assert!(read.reference.ends_with("?Expires=1&Signature=a~b"), "whole: {}", read.reference);
    }
}

#[test]
fn places_and_numbers_may_be_written_as_text() {
    let place = read_message(json!({ "type": "location", "location": { "lat": "55.75", "lon": "-37.5" } }));
    assert_eq!(place.parts, [Part::Location { latitude: 55.75, longitude: -37.5, title: None }]);
    let contact = read_message(json!({ "type": "contact", "contact": { "phone_number": "+700" } }));
    assert_eq!(contact.parts, [Part::Contact { name: "+700".into(), phone: "+700".into() }]);
    assert_eq!(contact.person.phone, None, "nothing tells whose it is");
}

#[test]
fn tokens_are_whole_numbers_of_64_bits() {
    for (token, id) in [
        (json!(18_446_744_073_709_551_615_u64), Some("18446744073709551615")),
        (json!("18446744073709551615"), Some("18446744073709551615")),
        (json!(9_007_199_254_740_993_u64), Some("9007199254740993")),
        (json!("18446744073709551616"), None),
        (json!(5.9e18), None),
        (json!(-1), None),
        (json!("+1"), None),
        (json!(""), None),
        (json!([1]), None),
    ] {
        let mut update = update(json!({ "type": "text", "text": "x" }));
        update["message_token"] = token.clone();
        match (read(&update), id) {
            (Incoming::Message(message), Some(id)) => assert_eq!(message.external_id, id),
            (Incoming::Unreadable { .. }, None) => {}
            (other, _) => panic!("{token}: {other:?}"),
        }
    }
}

#[test]
fn people_are_who_they_are_said_to_be() {
    for (sender, name, avatar) in [
        (json!({ "id": "a==", "name": "Ан\u{0}на\n", "avatar": "https://a.example/?x=1" }), Some("Анна"), true),
        (json!({ "id": "a==", "name": "Subscriber", "avatar": "javascript:alert(1)" }), None, false),
        (json!({ "id": "a==", "name": "\u{3164}", "avatar": "" }), None, false),
        (json!({ "id": "a==", "name": 5, "avatar": {} }), None, false),
    ] {
        let mut update = update(json!({ "type": "text", "text": "x" }));
        update["sender"] = sender;
        let Incoming::Message(message) = read(&update) else { panic!("not a message") };
        assert_eq!((message.person.name.as_deref(), message.person.avatar_url.is_some()), (name, avatar));
    }
    for id in [json!(""), json!("a b"), json!("а"), json!("a\n"), json!("x".repeat(257)), json!(7), Value::Null] {
        let mut update = update(json!({ "type": "text", "text": "x" }));
        update["sender"]["id"] = id.clone();
        assert!(matches!(read(&update), Incoming::Unreadable { .. }), "{id}");
    }
}

#[test]
fn groups_and_what_is_of_no_interest_make_nothing() {
    let mut group = update(json!({ "type": "text", "text": "x" }));
    group["chat_id"] = json!("group");
    assert!(matches!(read(&group), Incoming::Ignored { .. }));
    for event in ["webhook", "client_status", "action"] {
        assert!(matches!(read(&json!({ "event": event })), Incoming::Ignored { .. }), "{event}");
    }
    assert_eq!(read(&json!({ "event": "quantum" })), Incoming::Unknown { kind: "quantum".into() });
    assert_eq!(read(&json!({})), Incoming::Unknown { kind: String::new() });
    for nothing in [json!([]), Value::Null, json!("message")] {
        assert!(matches!(read(&nothing), Incoming::Unreadable { .. }));
    }
}

/// An update with one value taken out or made another.
fn variants(of: &Value) -> Vec<Value> {
    let others = [
        Value::Null,
        json!(true),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!(1e300),
        json!(""),
        json!("\u{0}\u{202E}x"),
        json!("я".repeat(5000)),
        json!([]),
        json!([{ "id": 1 }]),
        json!({}),
    ];
    let mut all = Vec::new();
    let mut paths = vec![Vec::new()];
    while let Some(path) = paths.pop() {
        let pointer = |path: &[String]| path.iter().map(|key| format!("/{key}")).collect::<String>();
        let fields = of.pointer(&pointer(&path)).and_then(Value::as_object).cloned().unwrap_or_default();
        for key in fields.keys() {
            let mut removed = of.clone();
            removed.pointer_mut(&pointer(&path)).unwrap().as_object_mut().unwrap().remove(key);
            all.push(removed);
            let mut below = path.clone();
            below.push(key.clone());
            for other in &others {
                let mut changed = of.clone();
                *changed.pointer_mut(&pointer(&below)).unwrap() = other.clone();
                all.push(changed);
            }
            paths.push(below);
        }
    }
    all
}

#[test]
fn whatever_is_in_an_event_it_is_read_and_fits() {
    let mut tried = 0;
    for name in names("payloads") {
        for variant in variants(&fixture("payloads", &name)) {
            check(&read(&variant), &format!("{name}: {variant}"));
            tried += 1;
        }
    }
    assert!(tried > 4000, "only {tried}");
}

fn check(incoming: &Incoming, what: &str) {
    let label = |text: &str| {
        assert!(text.chars().count() <= sanitize::REFERENCE && !text.contains(char::is_control), "{what}");
    };
    let person = |person: &Person| {
        assert!((1..=256).contains(&person.external_id.len()), "{what}");
        label(&person.external_id);
        assert!(person.name.as_deref().is_none_or(|name| !name.is_empty() && name.chars().count() <= 256), "{what}");
        for text in [&person.name, &person.avatar_url].into_iter().flatten() {
            label(text);
        }
    };
    match incoming {
        Incoming::Message(message) => {
            person(&message.person);
            assert_eq!(message.external_id.parse::<u64>().unwrap().to_string(), message.external_id, "{what}");
            assert!((0..253_402_300_800_000).contains(&message.sent_at.0), "{what}");
            assert!(!message.text.contains('\0'), "{what}");
            assert!(!message.text.is_empty() || !message.parts.is_empty(), "{what}");
            for part in &message.parts {
                match part {
                    Part::File(file) => {
                        assert!(sanitize::file_name(&file.name).as_ref() == Some(&file.name), "{what}");
                        assert!(file.reference.starts_with("http") && file.reference.len() <= sanitize::REFERENCE);
                        assert!(file.size.is_none_or(|size| size >= 0), "{what}");
                    }
                    Part::Uploaded { .. } => panic!("Viber has no doors of ours: {what}"),
                    Part::Location { latitude, longitude, title } => {
                        assert!(latitude.abs() <= 90.0 && longitude.abs() <= 180.0, "{what}");
                        label(title.as_deref().unwrap_or_default());
                    }
                    Part::Contact { name, phone } => {
                        assert!(!name.is_empty() && !phone.is_empty(), "{what}");
                        label(name);
                    }
                }
            }
        }
        Incoming::Reachable { person: of, .. } => person(of),
        Incoming::Receipt(receipt) => {
            person(&receipt.person);
            receipt.external_id.parse::<u64>().unwrap();
            if let Received::Failed(words) = &receipt.what {
                label(words);
            }
        }
        Incoming::Unknown { kind } => label(kind),
        Incoming::Ignored { reason: words } | Incoming::Unreadable { what: words } => assert!(!words.is_empty()),
        Incoming::Edited(_) | Incoming::Echo(_) | Incoming::Typing { .. } | Incoming::Button { .. } => {
            panic!("Viber tells none: {what}")
        }
    }
}
