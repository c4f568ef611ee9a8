//! What the fixtures do not show: other kinds, and values as no messenger should send them.

use colloquy_entity::{FileKind, Time};
use serde_json::{Map, Value, json};

use super::super::read::read;
use super::payloads;
use crate::messenger::{Incoming, IncomingFile, IncomingMessage, Part, sanitize};

const NOW: Time = Time(1_790_001_000_000);

/// A private message with these fields beside (or instead of) the usual ones.
fn event(fields: Value) -> Value {
    let mut message = json!({
        "id": 7, "conversation_message_id": 3, "date": 1_790_000_000, "peer_id": 5, "from_id": 5, "out": 0, "text": "",
    });
    message.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json!({ "type": "message_new", "group_id": 1, "object": { "message": message } })
}

fn message(fields: Value) -> IncomingMessage {
    match read(&event(fields), NOW) {
        Incoming::Message(message) => *message,
        other => panic!("not a message: {other:?}"),
    }
}

fn attached(kind: &str, of: Value) -> IncomingMessage {
    message(json!({ "attachments": [{ "type": kind, kind: of }] }))
}

fn file(kind: &str, of: Value) -> IncomingFile {
    match attached(kind, of).parts.as_slice() {
        [Part::File(file)] => file.clone(),
        other => panic!("not one file: {other:?}"),
    }
}

#[test]
fn attachments_without_a_file_become_words() {
    for (kind, of, text) in [
        ("photo", json!({ "id": 1, "sizes": [] }), "[Photo]"),
        ("photo", json!({ "sizes": [{ "url": "ftp://x/", "width": 5, "height": 5 }] }), "[Photo]"),
        ("doc", json!({ "title": "a.exe", "url": "" }), "[File] a.exe"),
        ("audio_message", json!({ "id": 1 }), "[Voice message]"),
        ("sticker", json!({ "sticker_id": 1 }), "[Sticker]"),
        ("video", json!({ "title": "Clip" }), "[Video] Clip"),
        ("video_playlist", json!(null), "[Video playlist]"),
        ("link", json!({ "url": "javascript:alert(1)", "title": "x" }), "[Link] x"),
        ("call", json!({ "state": "reached" }), "[Call] reached"),
        ("event", json!({ "text": "Вечер" }), "[Event] Вечер"),
        ("ß_kind", json!(5), "[ß kind]"),
    ] {
        let message = attached(kind, of);
        assert_eq!((message.text.as_str(), message.parts.len()), (text, 0), "{kind}");
    }
    let strange = json!({ "text": "x", "attachments": [null, 5, {}, { "type": 5 }, { "type": "photo" }] });
    let strange = message(strange).text;
    assert_eq!(strange, "x\n[Attachment]\n[Attachment]\n[Attachment]\n[Attachment]\n[Photo]");
    assert_eq!(message(json!({})).text, "[Unsupported message]");
    assert_eq!(message(json!({ "attachments": {} , "text": "x" })).text, "x");
}

#[test]
fn a_link_that_the_text_has_is_not_said_twice() {
    let with_link = |text: &str| {
        let link = json!({ "type": "link", "link": { "url": "https://shop.example/a/", "title": "Shop" } });
        message(json!({ "text": text, "attachments": [link] })).text
    };
    assert_eq!(with_link("see https://shop.example/a"), "see https://shop.example/a");
    assert_eq!(with_link("see"), "see\n[Link] Shop https://shop.example/a/");
}

#[test]
fn documents_are_what_they_are() {
    let doc = |title: &str, ext: &str, kind: i64| {
        file("doc", json!({ "id": 9, "title": title, "ext": ext, "type": kind, "url": "https://vk.example/d" }))
    };
    let told = |file: IncomingFile| (file.kind, file.name, file.content_type);
    assert_eq!(told(doc("cat", "gif", 3)), (FileKind::Image, "cat.gif".into(), "image/gif".into()));
    assert_eq!(told(doc("cat.PNG", "png", 4)), (FileKind::Image, "cat.PNG".into(), "image/png".into()));
    assert_eq!(told(doc("film", "mp4", 6)), (FileKind::Video, "film.mp4".into(), "video/mp4".into()));
    assert_eq!(told(doc("song.xm", "xm", 5)), (FileKind::Audio, "song.xm".into(), "application/octet-stream".into()));
    assert_eq!(told(doc("../\0a\n\\b", "txt", 1)), (FileKind::Document, ".._a_b.txt".into(), "text/plain".into()));
    assert_eq!(told(doc("", "", 8)), (FileKind::Document, "file-9".into(), "application/octet-stream".into()));
    let voice =
        json!({ "id": 9, "preview": { "audio_msg": { "duration": 3, "link_ogg": "https://vk.example/v.ogg" } } });
    assert_eq!(file("doc", voice).kind, FileKind::Voice);
    let mp3 = file("audio_message", json!({ "id": 9, "link_mp3": "https://vk.example/v.mp3" }));
    assert_eq!((mp3.name.as_str(), mp3.content_type.as_str()), ("voice-9.mp3", "audio/mpeg"));
}

#[test]
fn of_old_photos_the_last_letter_is_the_largest() {
    let sizes = json!([
        { "type": "w", "url": "https://x/w", "width": 0, "height": 0 },
        { "type": "r", "url": "https://x/r", "width": 0, "height": 0 },
        { "type": "s", "url": "https://x/s", "width": 0, "height": 0 },
    ]);
    assert_eq!(file("photo", json!({ "id": 1, "sizes": sizes })).reference, "https://x/w");
}

#[test]
fn places_come_in_two_forms() {
    let place = |geo: Value| message(json!({ "geo": geo })).parts;
    let expected = |title: Option<&str>| {
        vec![Part::Location { latitude: 55.5, longitude: 37.25, title: title.map(str::to_owned) }]
    };
    assert_eq!(place(json!({ "coordinates": "55.5 37.25" })), expected(None));
    assert_eq!(
        place(json!({ "coordinates": { "latitude": 55.5, "longitude": 37.25 }, "place": { "title": "Дом" } })),
        expected(Some("Дом"))
    );
    for wrong in
        [json!({}), json!({ "coordinates": "55" }), json!({ "coordinates": { "latitude": 95, "longitude": 0 } })]
    {
        assert_eq!(message(json!({ "geo": wrong })).text, "[Location]");
    }
}

#[test]
fn forwards_are_bounded() {
    let mut nested = json!({ "from_id": 5, "text": "innermost" });
    // As deep as JSON is read.
    for _ in 0..60 {
        nested = json!({ "from_id": 5, "text": "x", "fwd_messages": [nested] });
    }
    let deep = message(json!({ "fwd_messages": [nested] }));
    assert!(deep.text.lines().count() <= 92, "{}", deep.text.lines().count());
    let many: Vec<Value> = (0..500).map(|n| json!({ "from_id": n + 1, "text": format!("text {n}") })).collect();
    let many = message(json!({ "text": "all of it", "fwd_messages": many }));
    assert!(many.text.starts_with("all of it\n> https://vk.com/id1:\n> text 0\n"), "{}", many.text);
    assert!(many.text.ends_with("> text 99\n> …"), "{}", many.text);
    assert!(many.forwarded_from.unwrap().chars().count() <= sanitize::NAME);
    let long = message(json!({ "fwd_messages": [{ "from_id": 1, "text": "я".repeat(50_000) }] }));
    assert!(long.text.chars().count() < 20_100 && long.text.ends_with("> …"));
    let odd = message(json!({ "fwd_messages": [null, 5, { "text": [] }] }));
    assert_eq!(odd.text, "> VK:\n> VK:\n> VK:");
    assert_eq!(message(json!({ "text": "x", "fwd_messages": [] })).forwarded_from, None);
}

#[test]
fn what_is_not_between_one_person_and_us_is_ignored() {
    for fields in [
        json!({ "peer_id": 2_000_000_001 }),
        json!({ "peer_id": -5, "from_id": -5 }),
        json!({ "peer_id": 5, "from_id": -7 }),
        json!({ "peer_id": 0 }),
        json!({ "action": { "type": "chat_screenshot" }, "text": "" }),
    ] {
        let read = read(&event(fields.clone()), NOW);
        assert!(matches!(read, Incoming::Ignored { .. }), "{fields}: {read:?}");
    }
    let out = read(&event(json!({ "out": 1, "from_id": -1, "text": "ours" })), NOW);
    assert!(matches!(out, Incoming::Echo(_)), "{out:?}");
}

/// Everything that a stored message promises.
fn check(name: &str, event: &Value) {
    let message = match read(event, NOW) {
        Incoming::Message(message) | Incoming::Edited(message) => *message,
        Incoming::Echo(echo) => echo.message,
        Incoming::Button { id } => return assert!(!id.is_empty() && id.len() < 400, "{name}"),
        _ => return,
    };
    assert!(!message.text.is_empty() || !message.parts.is_empty(), "{name}: an empty message of {event}");
    assert!(!message.text.contains('\0'), "{name}");
    assert!(message.external_id.starts_with(&message.person.external_id), "{name}");
    assert!((0..=253_402_300_799_000).contains(&message.sent_at.0), "{name}");
    for part in &message.parts {
        if let Part::File(file) = part {
            assert!(!file.name.is_empty() && !file.name.contains(['/', '\\', '\0']), "{name}: {file:?}");
            assert!(file.reference.starts_with("http") && file.reference.len() <= sanitize::REFERENCE, "{name}");
            assert!(sanitize::content_type(&file.content_type).is_some(), "{name}: {file:?}");
        }
    }
}

/// Every way to a value in `of`, as JSON pointers.
fn pointers(of: &Value, at: &str, all: &mut Vec<String>) {
    let mut go = |key: String, value: &Value| {
        let pointer = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        all.push(pointer.clone());
        pointers(value, &pointer, all);
    };
    match of {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| go(key.clone(), value)),
        Value::Array(items) => items.iter().enumerate().for_each(|(nth, value)| go(nth.to_string(), value)),
        _ => {}
    }
}

#[test]
fn no_missing_field_and_no_other_type_costs_more_than_what_it_says() {
    let others = [
        json!(null),
        json!(true),
        json!(-1),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(1.5e300),
        json!(""),
        json!("\0\u{202e}x"),
        json!([]),
        json!([[[]]]),
        Value::Object(Map::new()),
    ];
    let mut checked = 0;
    for (name, event) in payloads() {
        let mut all = Vec::new();
        pointers(&event, "", &mut all);
        for pointer in &all {
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            let mut without = event.clone();
            match without.pointer_mut(parent).unwrap() {
                Value::Object(fields) => drop(fields.remove(&key.replace("~1", "/").replace("~0", "~"))),
                Value::Array(items) => drop(items.remove(key.parse().unwrap())),
                _ => {}
            }
            check(&name, &without);
            for other in &others {
                let mut changed = event.clone();
                *changed.pointer_mut(pointer).unwrap() = other.clone();
                check(&name, &changed);
                checked += 1;
            }
        }
    }
    assert!(checked > 20_000, "only {checked}");
}
