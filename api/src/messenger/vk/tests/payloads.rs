//! Recorded events, read to the last field where a story does not show it.

use colloquy_entity::{FileKind, Time};
use serde_json::json;

use super::super::read::{EVENTS, OTHER_EVENTS, read};
use super::{payload, payloads};
use crate::messenger::{Incoming, IncomingFile, IncomingMessage, Part, Person, Receipt, Received};

const NOW: Time = Time(1_790_001_000_000);

fn anna() -> Person {
    Person { profile_url: Some("https://vk.com/id700000101".to_owned()), ..Person::of("700000101") }
}

fn written(number: i64, date: i64, text: &str) -> IncomingMessage {
    IncomingMessage {
        external_id: format!("700000101:{number}"),
        person: anna(),
        text: text.to_owned(),
        parts: Vec::new(),
        reply_to: None,
        sent_at: Time(date * 1000),
        edit_key: None,
        edited_at: None,
        album_id: None,
        forwarded_from: None,
        is_cropped: false,
    }
}

fn message(name: &str) -> IncomingMessage {
    match read(&payload(name), NOW) {
        Incoming::Message(message) | Incoming::Edited(message) => *message,
        Incoming::Echo(echo) => echo.message,
        other => panic!("{name} is no message: {other:?}"),
    }
}

#[test]
fn every_payload_is_known() {
    for (name, event) in payloads() {
        let read = read(&event, NOW);
        assert_eq!(matches!(read, Incoming::Unknown { .. }), name == "39-unknown-event", "{name}: {read:?}");
        assert!(!matches!(read, Incoming::Unreadable { .. }), "{name}: {read:?}");
    }
    assert_eq!(read(&payload("39-unknown-event"), NOW), Incoming::Unknown { kind: "quantum_event".to_owned() });
    for event in EVENTS.iter().chain(OTHER_EVENTS) {
        let read = read(&json!({ "type": event, "object": {} }), NOW);
        assert!(!matches!(read, Incoming::Unknown { .. }), "{event}");
    }
}

#[test]
fn messages_in_each_form_are_the_same() {
    assert_eq!(message("03-message-new-text"), written(101, 1_790_000_101, "Здравствуйте! Товар в наличии?"));
    assert_eq!(message("04-message-new-flat-v5.92"), written(90, 1_790_000_003, "старый плоский формат"));
    let oldest = json!({ "type": "message_new", "object": {
        "id": 5001, "date": 1_480_000_000, "out": 0, "user_id": 700_000_101, "read_state": 0, "title": "", "body": "до 5.80",
    } });
    let Incoming::Message(oldest) = read(&oldest, NOW) else { panic!("a message") };
    let expected = written(0, 1_480_000_000, "до 5.80");
    assert_eq!(*oldest, IncomingMessage { external_id: "700000101:m5001".to_owned(), ..expected });
    assert_eq!(crate::messenger::number(colloquy_entity::ChannelKind::Vk, &oldest.external_id), None);
}

#[test]
fn answers_edits_and_receipts_name_their_message() {
    assert_eq!(message("18-reply-message").reply_to.as_deref(), Some("700000101:99"));
    let Incoming::Edited(edit) = read(&payload("20-message-edit"), NOW) else { panic!("an edit") };
    assert_eq!((edit.external_id.as_str(), edit.edited_at), ("700000101:101", Some(Time(1_790_000_161_000))));
    let later = read(&payload("20-message-edit"), Time(NOW.0 + 1));
    let Incoming::Edited(later) = later else { panic!("an edit") };
    assert!(later.edit_key > edit.edit_key && edit.edit_key.is_some(), "of one second, the later to come");
    let mut next = payload("20-message-edit");
    next["object"]["update_time"] = json!(1_790_000_162);
    let Incoming::Edited(next) = read(&next, Time(0)) else { panic!("an edit") };
    assert!(next.edit_key > later.edit_key, "a second counts more than when it came");
    let read_up_to = Receipt { person: anna(), external_id: "700000101:99".to_owned(), what: Received::Read };
    assert_eq!(read(&payload("28-message-read"), NOW), Incoming::Receipt(read_up_to));
}

#[test]
fn echoes_tell_the_key_of_their_sending() {
    for (name, key, number) in
        [("22-message-reply-admin", None, 116), ("23-message-reply-own-api", Some(1_234_567_890), 117)]
    {
        let Incoming::Echo(echo) = read(&payload(name), NOW) else { panic!("{name}") };
        assert_eq!((echo.repeat_key, echo.is_edit), (key, false), "{name}");
        assert_eq!((echo.message.external_id, echo.message.person), (format!("700000101:{number}"), anna()));
    }
    let mut edit = payload("23-message-reply-own-api");
    edit["type"] = json!("message_edit");
    let Incoming::Echo(echo) = read(&edit, NOW) else { panic!("an echo") };
    assert!(echo.is_edit && echo.message.edited_at.is_some());
}

#[test]
fn who_does_what_is_told() {
    let ivan = Person { profile_url: Some("https://vk.com/id700000202".to_owned()), ..Person::of("700000202") };
    for (name, reachable) in [
        ("26-message-allow", true),
        ("27-message-deny", false),
        ("44-user-block", false),
        ("51-message-deny-v-missing", false),
    ] {
        let expected = Incoming::Reachable { person: ivan.clone(), reachable };
        assert_eq!(read(&payload(name), NOW), expected, "{name}");
    }
    assert_eq!(read(&payload("29-message-typing-state"), NOW), Incoming::Typing { person: anna() });
    let press = Incoming::Button { id: "1776a756b921 700000101 700000101".to_owned() };
    assert_eq!(read(&payload("24-message-event"), NOW), press);
}

#[test]
fn files_are_the_largest_and_keep_their_addresses() {
    let of = |name: &str| {
        let parts = message(name).parts.into_iter();
        parts
            .filter_map(|part| if let Part::File(file) = part { Some(file) } else { None })
            .collect::<Vec<IncomingFile>>()
    };
    let attachment = |name: &str, pointer: &str| {
        let event = payload(name);
        event.pointer(&format!("/object/message/attachments/0/{pointer}")).unwrap().as_str().unwrap().to_owned()
    };
    let [photo] = &of("09-photo")[..] else { panic!("one photo") };
    assert_eq!(photo.reference, attachment("09-photo", "photo/orig_photo/url"));
    assert_eq!((photo.width, photo.height, photo.kind), (Some(2560), Some(1920), FileKind::Image));
    assert_eq!(of("10-photos-album").len(), 3);
    let [paper] = &of("11-doc-pdf")[..] else { panic!("one document") };
    assert_eq!((paper.size, &paper.reference), (Some(218_744), &attachment("11-doc-pdf", "doc/url")));
    let [voice] = &of("13-audio-message")[..] else { panic!("one voice") };
    assert_eq!(
        (voice.duration, &voice.reference),
        (Some(6), &attachment("13-audio-message", "audio_message/link_ogg"))
    );
    let [sticker] = &of("14-sticker")[..] else { panic!("one sticker") };
    assert_eq!((sticker.reference.as_str(), sticker.width), ("https://vk.example/sticker/1-9008-512", Some(512)));
}
