//! Every recorded update of Telegram, through the webhook's door, handled as `INDEX.md` says.

use std::path::Path;

use serde_json::{Value, json};

use crate::harness::feed::kinds;
use crate::harness::story::stories;
use crate::harness::updates::{Person, next_update, payload};
use crate::harness::world::{Channel, World};

stories!(World:
    every_payload_is_handled_as_the_index_says,
    updates_that_are_no_clients_message_make_nothing,
    button_presses_are_acknowledged,
    replies_find_what_they_answer,
    a_shared_phone_number_is_the_clients_only_if_their_own,
);

/// What becomes of a payload that is a message: the message, as the API shows it.
struct Expected {
    text: String,
    /// Of each attachment: its type, and what tells it from others of that type.
    attachments: Vec<Value>,
    album: bool,
    forwarded_from: Option<&'static str>,
    edited: bool,
}

fn says(text: &str) -> Option<Expected> {
    Some(Expected { text: text.into(), attachments: Vec::new(), album: false, forwarded_from: None, edited: false })
}

fn file(kind: &str, name: &str, content_type: &str, size: i64) -> Value {
    json!({ "__typename": "File", "kind": kind, "name": name, "contentType": content_type, "size": size })
}

fn place(latitude: f64, longitude: f64) -> Value {
    json!({ "__typename": "Location", "latitude": latitude, "longitude": longitude })
}

fn contact(name: &str, phone: &str) -> Value {
    json!({ "__typename": "SharedContact", "contact": name, "phone": phone })
}

/// Sends something with or without words.
fn sends(text: &str, attachment: Value) -> Option<Expected> {
    says(text).map(|expected| Expected { attachments: vec![attachment], ..expected })
}

fn in_album(expected: Option<Expected>) -> Option<Expected> {
    expected.map(|expected| Expected { album: true, ..expected })
}

fn edited(expected: Option<Expected>) -> Option<Expected> {
    expected.map(|expected| Expected { edited: true, ..expected })
}

fn photo(id: i64) -> Value {
    file("IMAGE", &format!("photo-{id}.jpg"), "image/jpeg", 133_107)
}

/// For each payload delivered alone to an empty channel. None: no message comes of it.
fn expected(name: &str, update: &Value) -> Option<Expected> {
    let verbatim = || update["message"]["text"].as_str().and_then(says);
    match name {
        "01-text"
        | "47-duplicate-of-01"
        | "02-text-entities-emoji"
        | "03-text-rtl-bidi"
        | "04-start-deeplink"
        | "53-very-long-text-4096"
        | "54-html-injection-controls" => verbatim(),
        "05-photo-caption" => sends("Вот такой товар, есть в наличии?", photo(105)),
        "06-photo-no-caption" => sends("", photo(106)),
        "07-media-group-1of3" => in_album(sends("Альбом из трёх файлов", photo(107))),
        "08-media-group-2of3" => in_album(sends("", photo(108))),
        "09-media-group-3of3-video" => in_album(sends("", file("VIDEO", "IMG_0009.MOV", "video/quicktime", 4_812_345))),
        "10-document-unicode-name" => {
            let name = "Договор №7 «проба» — копия (1).pdf";
            sends("Подписанный договор", file("DOCUMENT", name, "application/pdf", 218_744))
        }
        "12-voice" => sends("", file("VOICE", "voice-112.ogg", "audio/ogg", 28_412)),
        "13-audio" => sends("", file("AUDIO", "demo track.mp3", "audio/mpeg", 5_242_880)),
        "14-video" => sends("Брак на видео", file("VIDEO", "clip.mp4", "video/mp4", 9_437_184)),
        "16-animation-gif" => sends("", file("VIDEO", "giphy.mp4", "video/mp4", 99_123)),
        "17-sticker-static" => sends("", file("STICKER", "sticker 👍-117.webp", "image/webp", 24_310)),
        "18-sticker-animated-tgs" => {
            sends("", file("STICKER", "sticker 🎉-118.tgs", "application/x-tgsticker", 15_012))
        }
        "19-location" => sends("", place(55.751244, 37.618423)),
        "20-live-location" => sends("", place(55.75, 37.61)),
        "21-live-location-edit" => sends("", place(55.7512, 37.6131)),
        "23-contact" => sends("", contact("Иван Тестов", "+70000000001")),
        "24-contact-own-phone" => sends("", contact("Анна", "70000000002")),
        "25-reply-to-own-message" => says("Это к моему первому вопросу"),
        "26-reply-with-quote-to-bot" => says("Именно это"),
        "28-external-reply" => says("Смотрите пост"),
        "29-forward-from-user" => {
            says("Переслано от знакомого").map(|expected| Expected { forwarded_from: Some("John Sample"), ..expected })
        }
        "32-edited-text" => edited(says("Здравствуйте! Сколько стоит доставка в Казань?")),
        "33-edited-before-seen" => edited(says("(правка пришла раньше оригинала)")),
        "34-edited-caption" => edited(sends("Вот такой товар, есть синий?", photo(105))),
        "38-user-no-username-no-lastname" => says("ок"),
        "40-user-premium-huge-id" => says("id больше 2^32"),
        "48-out-of-order-second-first" => says("второе"),
        "51-unknown-message-kind" => says("[Hologram]"),
        "56-poll" => says("[Poll] Когда доставка?"),
        "61-via-bot" => says("inline результат"),
        "63-story-forward" => says("[Story] Synthetic Channel"),
        "64-paid-media" => says("[Paid media] платное"),
        "66-edited-same-second-twice" => edited(says("Здравствуйте! Сколько стоит доставка в Казань и Уфу?")),
        "36-callback-query"
        | "37-callback-query-inaccessible"
        | "41-group-message-ignore"
        | "43-channel-post-ignore"
        | "44-my-chat-member-kicked"
        | "45-my-chat-member-unblocked"
        | "50-unknown-update-type"
        | "57-message-reaction"
        | "59-service-auto-delete-timer" => None,
        unlisted => panic!("{unlisted} is a new payload: say here what becomes of it"),
    }
}

fn names() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/telegram/payloads");
    let files = std::fs::read_dir(folder).expect("the payloads").flatten();
    let mut names: Vec<String> =
        files.filter_map(|file| Some(file.file_name().to_str()?.strip_suffix(".json")?.to_owned())).collect();
    names.sort();
    names
}

/// The client's name that the update tells.
fn writer(update: &Value) -> String {
    let message = update.get("message").unwrap_or(&update["edited_message"]);
    let part = |key: &str| message["from"][key].as_str().unwrap_or_default();
    format!("{} {}", part("first_name"), part("last_name")).trim().to_owned()
}

async fn every_payload_is_handled_as_the_index_says(world: World) {
    let names = names();
    assert!(names.len() >= 49, "the payloads are there");
    for name in &names {
        let channel = world.connect_channel(&format!("Shop {name}")).await;
        let before = world.cursor().await;
        let update = payload(name);
        world.take(&channel, &update).await;

        let events = world.events_after(&before).await;
        let added: Vec<&Value> = events.iter().filter(|event| event["kind"] == "MESSAGE_ADDED").collect();
        let Some(expected) = expected(name, &update) else {
            assert!(added.is_empty(), "{name} made {:?}", kinds(&events));
            continue;
        };
        assert_eq!(added.len(), 1, "{name} made {:?}", kinds(&events));
        let dialogue = added[0]["dialogue"]["id"].as_str().expect("an id");
        let client = world.admin.dialogue(dialogue, "client { name }").await;
        assert_eq!(client["client"]["name"], json!(writer(&update)), "{name}");
        let [message] = &world.admin.messages(dialogue).await[..] else { panic!("{name} made several messages") };
        check(name, message, &expected);

        world.take(&channel, &update).await;
        assert_eq!(world.admin.messages(dialogue).await.len(), 1, "{name} delivered again");
    }
}

fn check(name: &str, message: &Value, expected: &Expected) {
    assert_eq!(message["text"], json!(expected.text), "{name}");
    assert_eq!(message["origin"], "CLIENT", "{name}");
    assert_eq!(message["albumId"].is_string(), expected.album, "{name}: {message:#}");
    assert_eq!(message["forwardedFrom"].as_str(), expected.forwarded_from, "{name}");
    assert_eq!(message["editedAt"].is_string(), expected.edited, "{name}: {message:#}");
    assert!(message["delivery"].is_null(), "{name}: a client's message is delivered by them");
    let attachments = message["attachments"].as_array().expect("a list");
    assert_eq!(attachments.len(), expected.attachments.len(), "{name}: {attachments:?}");
    for (attachment, expected) in attachments.iter().zip(&expected.attachments) {
        for (field, value) in expected.as_object().expect("fields") {
            assert_eq!(&attachment[field], value, "{name}: {field} of {attachment:#}");
        }
    }
}

async fn updates_that_are_no_clients_message_make_nothing(world: World) {
    let channel = world.connect_channel("Shop").await;
    let before = world.cursor().await;
    let mut of_a_bot = Person::new(5301).says("I am a bot");
    of_a_bot["message"]["from"]["is_bot"] = json!(true);
    let strange = [
        json!({}),
        json!([]),
        json!(null),
        json!("update"),
        json!({ "update_id": next_update() }),
        json!({ "update_id": next_update(), "message": null }),
        json!({ "update_id": next_update(), "message": { "chat": { "type": "private" } } }),
        of_a_bot,
    ];
    for update in &strange {
        world.take(&channel, update).await;
    }
    assert!(world.events_after(&before).await.is_empty());
}

async fn button_presses_are_acknowledged(world: World) {
    let channel = world.connect_channel("Shop").await;
    for name in ["36-callback-query", "37-callback-query-inaccessible"] {
        world.take(&channel, &payload(name)).await;
    }
    let calls = world.telegram.wait_for_calls("answerCallbackQuery", 2).await;
    let mut ids: Vec<&Value> = calls.iter().map(|call| &call.arguments["callback_query_id"]).collect();
    ids.sort_by_key(|id| id.to_string());
    assert_eq!(ids, ["21474836480000000001", "21474836480000000002"]);
}

async fn replies_find_what_they_answer(world: World) {
    let channel = world.connect_channel("Shop").await;
    // The bot's answer to it becomes 61, which 26 quotes.
    let mut before = payload("01-text");
    before["message"]["message_id"] = json!(60);
    world.take(&channel, &before).await;
    let dialogue = dialogue_of_anna(&world, &channel).await;
    let mut feed = world.follow(&world.admin.api, None).await;
    let answer = world.admin.send(&dialogue, "Delivery is free").await;
    feed.until_delivery(&answer, "SENT").await;
    assert_eq!(world.telegram.sent()[0].message_id, Some(61));
    for name in ["01-text", "25-reply-to-own-message", "26-reply-with-quote-to-bot", "28-external-reply"] {
        world.take(&channel, &payload(name)).await;
    }
    let messages = world.admin.messages(&dialogue).await;
    let [_, _, first, to_own, to_bot, external] = &messages[..] else { panic!("{messages:#?}") };
    assert_eq!(to_own["replyTo"]["id"], first["id"]);
    assert_eq!(to_bot["replyTo"]["id"], json!(answer));
    assert_eq!(external["replyTo"], Value::Null, "of another chat");
}

async fn dialogue_of_anna(world: &World, channel: &Channel) -> String {
    let anna = Person { id: 5_000_000_101, name: "Анна Примерова".into() };
    world.dialogue(channel, &anna).await
}

async fn a_shared_phone_number_is_the_clients_only_if_their_own(world: World) {
    let own = world.connect_channel("Own").await;
    let anna = Person::new(5302);
    let shares = |user: i64| {
        anna.sends(json!({ "contact": { "phone_number": "+70000000003", "first_name": "A", "user_id": user } }))
    };
    world.take(&own, &shares(5303)).await;
    let dialogue = world.dialogue(&own, &anna).await;
    let phone = async || world.admin.dialogue(&dialogue, "contractor { phone }").await["contractor"]["phone"].clone();
    assert_eq!(phone().await, Value::Null, "somebody else's");

    let boris = Person::new(5304);
    let own_number =
        boris.sends(json!({ "contact": { "phone_number": "+70000000004", "first_name": "B", "user_id": 5304 } }));
    world.take(&own, &own_number).await;
    let dialogue = world.dialogue(&own, &boris).await;
    let contractor = world.admin.dialogue(&dialogue, "contractor { phone }").await;
    assert_eq!(contractor["contractor"]["phone"], "+70000000004");
}
