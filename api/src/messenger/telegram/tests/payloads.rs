//! Each payload of the fixtures, read to the last field.

use colloquy_entity::{FileKind, Time};

use super::super::read::read;
use super::{fixture, names};
use crate::messenger::{Incoming, IncomingFile, IncomingMessage, Part, Person};

fn person(id: &str, name: &str, username: Option<&str>) -> Person {
    Person {
        name: Some(name.to_owned()),
        username: username.map(str::to_owned),
        profile_url: username.map(|username| format!("https://t.me/{username}")),
        ..Person::of(id)
    }
}

fn anna() -> Person {
    person("5000000101", "Анна Примерова", Some("anna_primer_test"))
}

/// A message of `person` with nothing but a text.
fn written(person: Person, id: i64, date: i64, text: &str) -> IncomingMessage {
    IncomingMessage {
        external_id: format!("{}:{id}", person.external_id),
        person,
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

fn from_anna(id: i64, date: i64, text: &str) -> IncomingMessage {
    written(anna(), id, date, text)
}

fn message(message: IncomingMessage) -> Incoming {
    Incoming::Message(Box::new(message))
}

fn edited(message: IncomingMessage, at: i64) -> Incoming {
    Incoming::Edited(Box::new(IncomingMessage { edited_at: Some(Time(at * 1000)), ..message }))
}

fn ignored(reason: &'static str) -> Incoming {
    Incoming::Ignored { reason }
}

/// A file of the payload, its reference taken from there by a JSON pointer.
fn file(payload: &str, pointer: &str, kind: FileKind, name: &str, content_type: &str, size: i64) -> IncomingFile {
    IncomingFile {
        kind,
        name: name.to_owned(),
        content_type: content_type.to_owned(),
        size: Some(size),
        reference: fixture("payloads", payload).pointer(pointer).unwrap()["file_id"].as_str().unwrap().to_owned(),
        width: None,
        height: None,
        duration: None,
    }
}

/// The payloads' photos all have four sizes, of which the last is the largest.
fn photo(payload: &str, id: i64) -> Vec<Part> {
    let root = if payload.contains("edited") { "/edited_message" } else { "/message" };
    let name = format!("photo-{id}.jpg");
    let photo = file(payload, &format!("{root}/photo/3"), FileKind::Image, &name, "image/jpeg", 133_107);
    vec![Part::File(IncomingFile { width: Some(1280), height: Some(960), ..photo })]
}

fn place(latitude: f64, longitude: f64) -> Vec<Part> {
    vec![Part::Location { latitude, longitude, title: None }]
}

fn album(part: IncomingMessage) -> Incoming {
    message(IncomingMessage { album_id: Some("13900000000000001".to_owned()), ..part })
}

/// What `INDEX.md` says of each payload.
fn expected(payload: &str) -> Incoming {
    match payload {
        "01-text.json" | "47-duplicate-of-01.json" => {
            message(from_anna(101, 1_790_000_000, "Здравствуйте! Сколько стоит доставка?"))
        }
        "02-text-entities-emoji.json" => message(from_anna(
            102,
            1_790_000_005,
            "Жирный 👨\u{200D}👩\u{200D}👧\u{200D}👦 https://example.com/путь?q=1 и @example_mention 🇷🇺 конец",
        )),
        "03-text-rtl-bidi.json" => message(written(
            person("5000000303", "שרה לדוגמה", None),
            103,
            1_790_000_009,
            "\u{202B}מה שעות הפתיחה? مرحبا، كم السعر؟\u{202C} \u{200F}123 ABC\u{2066}x\u{2069}",
        )),
        "04-start-deeplink.json" => message(written(
            person("5000000202", "John Sample", Some("john_sample_test")),
            104,
            1_790_000_012,
            "/start ref_promo-2026_A1",
        )),
        "05-photo-caption.json" => message(IncomingMessage {
            parts: photo(payload, 105),
            ..from_anna(105, 1_790_000_020, "Вот такой товар, есть в наличии?")
        }),
        "06-photo-no-caption.json" => {
            message(IncomingMessage { parts: photo(payload, 106), ..from_anna(106, 1_790_000_025, "") })
        }
        "07-media-group-1of3.json" => album(IncomingMessage {
            parts: photo(payload, 107),
            ..from_anna(107, 1_790_000_030, "Альбом из трёх файлов")
        }),
        "08-media-group-2of3.json" => {
            album(IncomingMessage { parts: photo(payload, 108), ..from_anna(108, 1_790_000_030, "") })
        }
        "09-media-group-3of3-video.json" => {
            let video = file(payload, "/message/video", FileKind::Video, "IMG_0009.MOV", "video/quicktime", 4_812_345);
            let video = IncomingFile { width: Some(1280), height: Some(720), duration: Some(12), ..video };
            album(IncomingMessage { parts: vec![Part::File(video)], ..from_anna(109, 1_790_000_030, "") })
        }
        "10-document-unicode-name.json" => {
            let name = "Договор №7 «проба» — копия (1).pdf";
            let pdf = file(payload, "/message/document", FileKind::Document, name, "application/pdf", 218_744);
            message(IncomingMessage {
                parts: vec![Part::File(pdf)],
                ..from_anna(110, 1_790_000_040, "Подписанный договор")
            })
        }
        "12-voice.json" => {
            let voice = file(payload, "/message/voice", FileKind::Voice, "voice-112.ogg", "audio/ogg", 28_412);
            let voice = IncomingFile { duration: Some(7), ..voice };
            message(IncomingMessage { parts: vec![Part::File(voice)], ..from_anna(112, 1_790_000_050, "") })
        }
        "13-audio.json" => {
            let audio = file(payload, "/message/audio", FileKind::Audio, "demo track.mp3", "audio/mpeg", 5_242_880);
            let audio = IncomingFile { duration: Some(215), ..audio };
            message(IncomingMessage { parts: vec![Part::File(audio)], ..from_anna(113, 1_790_000_055, "") })
        }
        "14-video.json" => {
            let video = file(payload, "/message/video", FileKind::Video, "clip.mp4", "video/mp4", 9_437_184);
            let video = IncomingFile { width: Some(1920), height: Some(1080), duration: Some(33), ..video };
            message(IncomingMessage {
                parts: vec![Part::File(video)],
                ..from_anna(114, 1_790_000_060, "Брак на видео")
            })
        }
        "16-animation-gif.json" => {
            let gif = file(payload, "/message/animation", FileKind::Video, "giphy.mp4", "video/mp4", 99_123);
            let gif = IncomingFile { width: Some(320), height: Some(240), duration: Some(3), ..gif };
            message(IncomingMessage { parts: vec![Part::File(gif)], ..from_anna(116, 1_790_000_070, "") })
        }
        "17-sticker-static.json" | "18-sticker-animated-tgs.json" => {
            let (id, date, name, content_type, size) = if payload.starts_with("17") {
                (117, 1_790_000_075, "sticker 👍-117.webp", "image/webp", 24_310)
            } else {
                (118, 1_790_000_078, "sticker 🎉-118.tgs", "application/x-tgsticker", 15_012)
            };
            let sticker = file(payload, "/message/sticker", FileKind::Sticker, name, content_type, size);
            let sticker = IncomingFile { width: Some(512), height: Some(512), ..sticker };
            message(IncomingMessage { parts: vec![Part::File(sticker)], ..from_anna(id, date, "") })
        }
        "19-location.json" => {
            message(IncomingMessage { parts: place(55.751244, 37.618423), ..from_anna(119, 1_790_000_080, "") })
        }
        "20-live-location.json" => {
            message(IncomingMessage { parts: place(55.75, 37.61), ..from_anna(120, 1_790_000_082, "") })
        }
        // The same message id, and no editedAt.
        "21-live-location-edit.json" => Incoming::Edited(Box::new(IncomingMessage {
            parts: place(55.7512, 37.6131),
            ..from_anna(120, 1_790_000_082, "")
        })),
        "23-contact.json" => message(IncomingMessage {
            parts: vec![Part::Contact { name: "Иван Тестов".to_owned(), phone: "+70000000001".to_owned() }],
            ..from_anna(122, 1_790_000_090, "")
        }),
        "24-contact-own-phone.json" => message(IncomingMessage {
            person: Person { phone: Some("70000000002".to_owned()), ..anna() },
            parts: vec![Part::Contact { name: "Анна".to_owned(), phone: "70000000002".to_owned() }],
            reply_to: Some("5000000101:60".to_owned()),
            ..from_anna(123, 1_790_000_092, "")
        }),
        "25-reply-to-own-message.json" => message(IncomingMessage {
            reply_to: Some("5000000101:101".to_owned()),
            ..from_anna(124, 1_790_000_095, "Это к моему первому вопросу")
        }),
        "26-reply-with-quote-to-bot.json" => message(IncomingMessage {
            reply_to: Some("5000000101:61".to_owned()),
            ..from_anna(125, 1_790_000_098, "Именно это")
        }),
        "28-external-reply.json" => message(from_anna(127, 1_790_000_100, "Смотрите пост")),
        "29-forward-from-user.json" => message(IncomingMessage {
            forwarded_from: Some("John Sample".to_owned()),
            ..from_anna(128, 1_790_000_105, "Переслано от знакомого")
        }),
        "32-edited-text.json" => {
            edited(from_anna(101, 1_790_000_000, "Здравствуйте! Сколько стоит доставка в Казань?"), 1_790_000_180)
        }
        "33-edited-before-seen.json" => {
            edited(from_anna(9001, 1_790_000_190, "(правка пришла раньше оригинала)"), 1_790_000_200)
        }
        "34-edited-caption.json" => edited(
            IncomingMessage {
                parts: photo(payload, 105),
                ..from_anna(105, 1_790_000_020, "Вот такой товар, есть синий?")
            },
            1_790_000_210,
        ),
        "36-callback-query.json" => Incoming::Button { id: "21474836480000000001".to_owned() },
        "37-callback-query-inaccessible.json" => Incoming::Button { id: "21474836480000000002".to_owned() },
        "38-user-no-username-no-lastname.json" => {
            message(written(person("5000000505", "Ы", None), 140, 1_790_000_220, "ок"))
        }
        "40-user-premium-huge-id.json" => {
            message(written(person("4503599627370495", "Max Id", None), 2_147_483_647, 1_790_000_222, "id больше 2^32"))
        }
        "41-group-message-ignore.json" => ignored("not a private chat"),
        "43-channel-post-ignore.json" | "57-message-reaction.json" => {
            ignored("not from a private chat, or of no interest")
        }
        "44-my-chat-member-kicked.json" => Incoming::Reachable { person: anna(), reachable: false },
        "45-my-chat-member-unblocked.json" => Incoming::Reachable { person: anna(), reachable: true },
        "48-out-of-order-second-first.json" => message(from_anna(151, 1_790_000_402, "второе")),
        "50-unknown-update-type.json" => Incoming::Unknown { kind: "quantum_message_teleported".to_owned() },
        "51-unknown-message-kind.json" => message(from_anna(160, 1_790_000_411, "[Hologram]")),
        "53-very-long-text-4096.json" => {
            let payload = fixture("payloads", payload);
            let text = payload["message"]["text"].as_str().unwrap();
            assert_eq!(text.chars().count(), 4096);
            message(from_anna(162, 1_790_000_415, text))
        }
        "54-html-injection-controls.json" => {
            let payload = fixture("payloads", payload);
            let text = payload["message"]["text"].as_str().unwrap();
            assert!(text.contains("<script>") && text.contains('\u{1}') && text.contains('\u{FEFF}'));
            message(from_anna(163, 1_790_000_416, text))
        }
        "56-poll.json" => message(from_anna(165, 1_790_000_421, "[Poll] Когда доставка?")),
        "59-service-auto-delete-timer.json" => ignored("a service message"),
        "61-via-bot.json" => message(from_anna(173, 1_790_000_433, "inline результат")),
        "63-story-forward.json" => message(from_anna(175, 1_790_000_435, "[Story] Synthetic Channel")),
        "64-paid-media.json" => message(from_anna(176, 1_790_000_436, "[Paid media] платное")),
        "66-edited-same-second-twice.json" => {
            edited(from_anna(101, 1_790_000_000, "Здравствуйте! Сколько стоит доставка в Казань и Уфу?"), 1_790_000_180)
        }
        unlisted => panic!("{unlisted} is a new payload: say here how it is read"),
    }
}

#[test]
fn every_payload_is_read_as_the_index_says() {
    for name in names("payloads") {
        let payload = fixture("payloads", &name);
        let mut expected = expected(&name);
        // Of two edits in one second, the update's number tells which is the later.
        if let Incoming::Edited(edit) = &mut expected {
            edit.edit_key = payload["update_id"].as_i64();
            assert!(edit.edit_key.is_some(), "{name} has no update_id");
        }
        assert_eq!(read(&payload), expected, "{name}");
    }
}
