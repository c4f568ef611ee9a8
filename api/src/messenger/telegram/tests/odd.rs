//! What the fixtures do not show: the other kinds, and values as no messenger should send them.

use colloquy_entity::{FileKind, Time};
use serde_json::{Map, Value, json};

use super::super::read::read;
use super::{fixture, names};
use crate::messenger::{Incoming, IncomingFile, IncomingMessage, Part, Person, sanitize};

/// A private message with these fields beside (or instead of) the usual ones.
fn update(fields: Value) -> Value {
    let mut update = json!({ "update_id": 1, "message": {
        "message_id": 7,
        "date": 1_790_000_000,
        "from": { "id": 5_000_000_101_i64, "is_bot": false, "first_name": "Анна" },
        "chat": { "id": 5_000_000_101_i64, "type": "private", "first_name": "Анна" },
    } });
    let message = update["message"].as_object_mut().unwrap();
    message.extend(fields.as_object().unwrap().clone());
    update
}

fn read_message(fields: Value) -> IncomingMessage {
    match read(&update(fields)) {
        Incoming::Message(message) => *message,
        other => panic!("not a message: {other:?}"),
    }
}

fn read_file(fields: Value) -> IncomingFile {
    match read_message(fields).parts.as_slice() {
        [Part::File(file)] => file.clone(),
        other => panic!("not one file: {other:?}"),
    }
}

#[test]
fn kinds_without_a_type_become_texts_that_name_them() {
    for (fields, text) in [
        (json!({ "dice": { "emoji": "🎲", "value": 5 } }), "[Dice] 🎲 5"),
        (json!({ "game": { "title": "Chess", "photo": [] } }), "[Game] Chess"),
        (json!({ "checklist": { "title": "Поездка", "tasks": [] } }), "[Checklist] Поездка"),
        (json!({ "invoice": { "title": "Заказ 5" } }), "[Invoice] Заказ 5"),
        (json!({ "giveaway": {} }), "[Giveaway]"),
        (json!({ "rich_message": { "blocks": [] } }), "[Rich message]"),
        (json!({ "live_photo": { "file_id": "X" }, "caption": "смотрите" }), "[Live photo] смотрите"),
        (json!({ "is_new_remark": true, "hologram": {} }), "[Hologram]"),
        (json!({ "photo": [] }), "[Photo]"),
        (json!({ "location": { "latitude": 91.0, "longitude": 0.0 } }), "[Location]"),
        (json!({}), "[Unsupported message]"),
        (json!({ "ß_kind": {} }), "[ß kind]"),
    ] {
        let message = read_message(fields);
        assert_eq!((message.text.as_str(), message.parts.len()), (text, 0));
    }
}

#[test]
fn a_new_remark_about_a_text_changes_nothing() {
    assert_eq!(read_message(json!({ "text": "привет", "mood": { "emoji": "🙂" } })).text, "привет");
    assert_eq!(read_message(json!({ "text": "привет", "pinned_message": {} })).text, "привет");
}

#[test]
fn service_messages_and_other_senders_make_nothing() {
    for key in ["pinned_message", "web_app_data", "users_shared", "write_access_allowed", "successful_payment"] {
        assert_eq!(read(&update(json!({ (key): {} }))), Incoming::Ignored { reason: "a service message" }, "{key}");
    }
    for kind in ["group", "supergroup", "channel", "sender", "of the future"] {
        let group = update(json!({ "text": "x", "chat": { "id": -100, "type": kind } }));
        assert_eq!(read(&group), Incoming::Ignored { reason: "not a private chat" }, "{kind}");
    }
    let bot = update(json!({ "text": "x", "from": { "id": 7, "is_bot": true, "first_name": "Bot" } }));
    assert_eq!(read(&bot), Incoming::Ignored { reason: "written by a bot" });
    for kind in ["business_message", "inline_query", "poll", "edited_channel_post", "message_reaction_count"] {
        let read = read(&json!({ "update_id": 1, (kind): { "id": "1" } }));
        assert!(matches!(read, Incoming::Ignored { .. }), "{kind}: {read:?}");
    }
}

#[test]
fn files_without_name_or_type_get_them() {
    let note = read_file(json!({ "video_note": { "file_id": "N", "length": 240, "duration": 5 } }));
    assert_eq!(
        (note.kind, note.name.as_str(), note.content_type.as_str()),
        (FileKind::Video, "video-note-7.mp4", "video/mp4")
    );
    assert_eq!((note.width, note.height, note.duration, note.size), (Some(240), Some(240), Some(5), None));

    let track = read_file(
        json!({ "audio": { "file_id": "A", "title": "Песня", "performer": "AC/DC", "mime_type": "audio/mp4" } }),
    );
    assert_eq!((track.kind, track.name.as_str()), (FileKind::Audio, "AC_DC - Песня-7.m4a"));

    let sticker = read_file(json!({ "sticker": { "file_id": "S", "is_video": true } }));
    assert_eq!((sticker.name.as_str(), sticker.content_type.as_str()), ("sticker-7.webm", "video/webm"));

    let gif =
        read_file(json!({ "animation": { "file_id": "G", "mime_type": "image/gif" }, "document": { "file_id": "G" } }));
    assert_eq!((gif.kind, gif.name.as_str()), (FileKind::Image, "animation-7.gif"));

    let odd = read_file(
        json!({ "document": { "file_id": "D", "file_name": "../\u{0}a\n\\b.txt", "mime_type": "text/html\r\nX: y" } }),
    );
    assert_eq!(
        (odd.kind, odd.name.as_str(), odd.content_type.as_str()),
        (FileKind::Document, ".._a_b.txt", "application/octet-stream")
    );

    let unnamed =
        read_file(json!({ "document": { "file_id": "D", "file_name": "..", "mime_type": "application/pdf" } }));
    assert_eq!(unnamed.name, "file-7.pdf");
}

#[test]
fn a_venue_is_a_place_with_a_title() {
    let place = json!({ "latitude": 55.7, "longitude": -37.6 });
    let message =
        read_message(json!({ "location": place, "venue": { "location": place, "title": "Кафе", "address": "ул. 1" } }));
    assert_eq!(message.parts, [Part::Location { latitude: 55.7, longitude: -37.6, title: Some("Кафе".to_owned()) }]);
}

#[test]
fn forwards_name_whom_they_come_from() {
    for (fields, name) in [
        (json!({ "forward_origin": { "type": "hidden_user", "sender_user_name": "Скрытый" } }), "Скрытый"),
        (json!({ "forward_origin": { "type": "chat", "sender_chat": { "id": -1, "title": "Группа" } } }), "Группа"),
        (
            json!({ "forward_origin": { "type": "channel", "chat": { "id": -1, "title": "Канал" }, "message_id": 4 } }),
            "Канал",
        ),
        (json!({ "forward_origin": { "type": "user", "sender_user": { "first_name": "", "username": "u1" } } }), "u1"),
        (json!({ "forward_origin": { "type": "of the future" } }), "Unknown"),
        (json!({ "forward_sender_name": "Старый" }), "Старый"),
        (json!({ "forward_from_chat": { "title": "Старый канал" } }), "Старый канал"),
    ] {
        let mut fields = fields;
        fields["text"] = json!("x");
        assert_eq!(read_message(fields).forwarded_from.as_deref(), Some(name));
    }
}

#[test]
fn a_person_has_the_name_that_is_told() {
    for (from, name, username) in [
        (json!({ "first_name": "", "last_name": "Тестов", "username": "t" }), Some("Тестов"), Some("t")),
        (json!({ "first_name": "\u{3164}", "username": "t_1" }), Some("t_1"), Some("t_1")),
        (json!({ "first_name": "", "username": "../evil?" }), None, None),
        (json!({ "first_name": 5, "last_name": [], "username": {} }), None, None),
        (json!({ "first_name": "Ан\u{0}на\n", "last_name": " Б" }), Some("Анна Б"), None),
    ] {
        let person = read_message(json!({ "text": "x", "from": from })).person;
        assert_eq!((person.name.as_deref(), person.username.as_deref()), (name, username));
        assert_eq!(person.profile_url, username.map(|name| format!("https://t.me/{name}")));
    }
    let without_sender = read_message(json!({ "text": "x", "from": null })).person;
    assert_eq!((without_sender.external_id.as_str(), without_sender.name.as_deref()), ("5000000101", Some("Анна")));
    let long = read_message(json!({ "text": "x", "from": { "first_name": "я".repeat(300), "last_name": "я" } })).person;
    assert_eq!(long.name.map(|name| name.chars().count()), Some(sanitize::NAME));
}

#[test]
fn only_the_writer_s_own_contact_is_their_phone() {
    let contact = |user_id: Value| read_message(json!({ "contact": { "phone_number": "+700", "user_id": user_id } }));
    assert_eq!(contact(json!(5_000_000_101_i64)).person.phone.as_deref(), Some("+700"));
    assert_eq!(contact(json!(5_000_000_102_i64)).person.phone, None);
    assert_eq!(contact(Value::Null).person.phone, None);
    assert_eq!(contact(Value::Null).parts, [Part::Contact { name: "+700".to_owned(), phone: "+700".to_owned() }]);
}

#[test]
fn a_reply_into_another_chat_is_none_of_this_dialogue() {
    let replied = |chat: i64| {
        read_message(json!({ "text": "x", "reply_to_message": { "message_id": 3, "chat": { "id": chat } } }))
    };
    assert_eq!(replied(5_000_000_101).reply_to.as_deref(), Some("5000000101:3"));
    assert_eq!(replied(-100).reply_to, None);
}

#[test]
fn nul_is_dropped_and_the_rest_kept() {
    assert_eq!(read_message(json!({ "text": "a\u{0}b\u{1} \n" })).text, "ab\u{1} \n");
}

#[test]
fn an_update_of_no_use_is_unknown_and_one_that_lacks_what_its_kind_needs_unreadable() {
    for odd in [json!(null), json!([]), json!("x"), json!(1e300)] {
        assert!(matches!(read(&odd), Incoming::Unreadable { .. }), "{odd}");
    }
    for odd in [json!({}), json!({ "update_id": 1 })] {
        assert!(matches!(read(&odd), Incoming::Unknown { .. }), "{odd}");
    }
    for fields in [json!({ "message_id": 1e300 }), json!({ "chat": null }), json!({ "chat": { "type": "private" } })] {
        assert!(matches!(read(&update(fields.clone())), Incoming::Unreadable { .. }), "{fields}");
    }
}

/// Every payload with each of its values in turn replaced by something else, or gone.
#[test]
fn whatever_a_value_is_reading_ends_well() {
    let instead = [
        json!(null),
        json!(true),
        json!(""),
        json!("a\u{0}b\u{202E}/\n"),
        json!("я".repeat(5000)),
        json!(-1),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(1e308),
        json!(-0.5),
        json!([]),
        json!([[], {}, null, "x"]),
        json!({}),
        json!({ "id": "x", "type": [], "file_id": 5 }),
    ];
    let mut readings = 0;
    for name in names("payloads") {
        let payload = fixture("payloads", &name);
        for path in paths(&payload) {
            for value in instead.iter().map(Some).chain([None]) {
                let mut changed = payload.clone();
                replace(&mut changed, &path, value);
                check(&read(&changed), &format!("{name} with {value:?} at {path}"));
                readings += 1;
            }
        }
    }
    assert!(readings > 10_000, "only {readings}");
}

/// The JSON pointers of all values below the top.
fn paths(value: &Value) -> Vec<String> {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(key, child)| (format!("/{key}"), child)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(nth, child)| (format!("/{nth}"), child)).collect(),
        _ => Vec::new(),
    };
    children
        .iter()
        .flat_map(|(step, child)| {
            std::iter::once(step.clone()).chain(paths(child).into_iter().map(move |rest| format!("{step}{rest}")))
        })
        .collect()
}

fn replace(value: &mut Value, path: &str, with: Option<&Value>) {
    let (parent, last) = path.rsplit_once('/').unwrap();
    match (value.pointer_mut(parent).unwrap(), with) {
        (parent, Some(with)) if parent.is_array() => parent[last.parse::<usize>().unwrap()] = with.clone(),
        (parent, Some(with)) => parent[last] = with.clone(),
        (Value::Array(items), None) => drop(items.remove(last.parse().unwrap())),
        (parent, None) => drop(parent.as_object_mut().unwrap_or(&mut Map::new()).remove(last)),
    }
}

/// What the database and the API rely on.
fn check(incoming: &Incoming, what: &str) {
    let label = |text: &str, name: &str| {
        assert!(text.chars().count() <= sanitize::REFERENCE, "{name} is too long: {what}");
        assert!(!text.contains('\0'), "U+0000 in {name}: {what}");
    };
    let person = |person: &Person| {
        assert!(person.external_id.parse::<i64>().unwrap() > 0, "{what}");
        let name = person.name.as_deref().unwrap_or("nobody");
        assert!(!name.is_empty() && name.chars().count() <= sanitize::NAME, "{what}");
        assert!(!name.contains(char::is_control), "{what}");
        label(person.phone.as_deref().unwrap_or_default(), "phone");
    };
    let time = |time: Time| assert!((0..253_402_300_800_000).contains(&time.0), "{time:?}: {what}");
    match incoming {
        Incoming::Message(message) | Incoming::Edited(message) => {
            person(&message.person);
            time(message.sent_at);
            message.edited_at.map(time);
            assert!(!message.text.contains('\0'), "{what}");
            assert!(!message.text.is_empty() || !message.parts.is_empty(), "an empty message: {what}");
            for (text, name) in
                [(&message.album_id, "album"), (&message.forwarded_from, "forward"), (&message.reply_to, "reply")]
            {
                label(text.as_deref().unwrap_or_default(), name);
            }
            for part in &message.parts {
                match part {
                    Part::File(file) => {
                        assert_eq!(sanitize::file_name(&file.name).as_ref(), Some(&file.name), "{what}");
                        assert_eq!(
                            sanitize::content_type(&file.content_type).as_ref(),
                            Some(&file.content_type),
                            "{what}"
                        );
                        assert!(file.size.unwrap_or(0) >= 0, "{what}");
                        assert!([file.width, file.height, file.duration].iter().flatten().all(|n| *n >= 0), "{what}");
                        assert!(!file.reference.is_empty(), "{what}");
                        label(&file.reference, "reference");
                    }
                    Part::Uploaded { .. } => panic!("nothing was uploaded here: {what}"),
                    Part::Location { latitude, longitude, title } => {
                        assert!(latitude.abs() <= 90.0 && longitude.abs() <= 180.0, "{what}");
                        label(title.as_deref().unwrap_or_default(), "title");
                    }
                    Part::Contact { name, phone } => {
                        assert!(!name.is_empty() && !phone.is_empty(), "{what}");
                        label(name, "contact");
                        label(phone, "phone");
                    }
                }
            }
        }
        Incoming::Reachable { person: of, .. } | Incoming::Typing { person: of } => person(of),
        Incoming::Echo(_) | Incoming::Receipt(_) => panic!("Telegram tells none: {what}"),
        Incoming::Button { id } => label(id, "button"),
        Incoming::Unknown { kind } => label(kind, "kind"),
        Incoming::Unreadable { what: words } => assert!(!words.is_empty(), "{what}"),
        Incoming::Ignored { reason } => assert!(!reason.is_empty(), "{what}"),
    }
}
