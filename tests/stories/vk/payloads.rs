//! Every recorded event of VK, through the webhook's door, handled as `INDEX.md` says.

use std::path::Path;

use colloquy_sandbox::vk::Delivery;
use serde_json::{Value, json};

use crate::harness::communities::{Community, payload};
use crate::harness::feed::kinds;
use crate::harness::story::stories;
use crate::harness::world::World;

stories!(World:
    every_payload_is_handled_as_the_index_says,
    events_that_are_nobodys_message_make_nothing,
    button_presses_are_acknowledged,
    a_confirmation_is_answered_with_the_code_and_for_the_own_community_alone,
    a_wrong_or_missing_secret_is_refused_and_nothing_is_stored,
);

/// What becomes of a payload that is a message: the message, as the API shows it.
struct Expected {
    text: String,
    origin: &'static str,
    /// Of each attachment: its type, and what tells it from others of that type.
    attachments: Vec<Value>,
    forwarded_from: Option<&'static str>,
    edited: bool,
}

fn says(text: impl Into<String>) -> Option<Expected> {
    let (text, attachments) = (text.into(), Vec::new());
    Some(Expected { text, origin: "CLIENT", attachments, forwarded_from: None, edited: false })
}

fn company_says(text: &str) -> Option<Expected> {
    says(text).map(|expected| Expected { origin: "MESSENGER", ..expected })
}

fn sends(text: impl Into<String>, attachments: impl IntoIterator<Item = Value>) -> Option<Expected> {
    says(text).map(|expected| Expected { attachments: attachments.into_iter().collect(), ..expected })
}

fn file(kind: &str, name: &str, content_type: &str) -> Value {
    json!({ "__typename": "File", "kind": kind, "name": name, "contentType": content_type })
}

fn photo(id: i64) -> Value {
    file("IMAGE", &format!("photo-{id}.jpg"), "image/jpeg")
}

const EVERYTHING: &str = "стресс
[Video] Видео без названия https://vk.com/video700000101_456239017
[Audio] Synthetic Artist – Demo Track
[Link] Example Domain https://example.com/
[Product] Тестовый товар, 1 500 ₽ https://vk.com/product-200000001_9000001
[Products] Подборка
[Post] Текст записи на стене https://vk.com/wall-200000001_321
[Comment] Комментарий https://vk.com/wall-200000001_321?reply=322
[Gift] https://vk.example/gift/777/512.png
[Poll] Опрос? https://vk.com/poll700000101_800000001
[Story] https://vk.com/story700000101_456239500
[Call] canceled by initiator
[Article] Статья https://vk.example/@synthetic-article
[Podcast] A – P https://vk.com/podcast-200000001_1
[Mini app] App
[Hologram]";

const FORWARDED: &str = "> https://vk.com/id700000202:
> первое
> > https://vk.com/id700000303:
> > вложенное
> https://vk.com/club200000001:
> второе";

/// For each payload delivered alone to an empty channel. None: no message comes of it.
fn expected(name: &str, event: &Value) -> Option<Expected> {
    let message = event["object"].get("message").unwrap_or(&event["object"]);
    let verbatim = || message["text"].as_str().and_then(says);
    match name {
        "03-message-new-text"
        | "36-duplicate-of-03"
        | "04-message-new-flat-v5.92"
        | "06-start-button"
        | "07-text-button-payload"
        | "18-reply-message"
        | "34-emoji-rtl"
        | "35-very-long-text"
        | "37-out-of-order-later"
        | "48-format-data"
        | "49-expiring-message" => verbatim(),
        "09-photo" => sends("", [photo(457_239_003)]),
        "10-photos-album" => sends("Три фото одним сообщением", photos_of(message)),
        "11-doc-pdf" => {
            let document = file("DOCUMENT", "Договор №7 «проба».pdf", "application/pdf");
            sends("Договор", [document])
        }
        "13-audio-message" => sends("", [file("VOICE", "voice-680000001.ogg", "audio/ogg")]),
        "14-sticker" => sends("", [file("STICKER", "sticker-9008.png", "image/png")]),
        "16-attachments-every-type" => {
            let files = [
                photo(457_239_003),
                file("DOCUMENT", "a.txt", "text/plain"),
                file("STICKER", "sticker-9008.png", "image/png"),
                file("IMAGE", "graffiti-690000001.png", "image/png"),
                file("VOICE", "voice-680000001.ogg", "audio/ogg"),
            ];
            sends(EVERYTHING, files)
        }
        "17-geo" => {
            let place = json!({
                "__typename": "Location", "latitude": 55.751244, "longitude": 37.618423, "title": "Москва, Россия",
            });
            sends("", [place])
        }
        "19-fwd-messages-nested" => {
            let from = Some("https://vk.com/id700000202, https://vk.com/club200000001");
            sends(FORWARDED, [photo(457_239_002)]).map(|expected| Expected { forwarded_from: from, ..expected })
        }
        "20-message-edit" => verbatim().map(|expected| Expected { edited: true, ..expected }),
        "22-message-reply-admin" => company_says("Ответ администратора из интерфейса ВК"),
        // Alone, it is of another program.
        "23-message-reply-own-api" => company_says("Ответ из нашего инбокса"),
        "24-message-event"
        | "26-message-allow"
        | "27-message-deny"
        | "28-message-read"
        | "29-message-typing-state"
        | "30-message-reaction-event"
        | "31-group-chat-ignore"
        | "32-chat-action-ignore"
        | "39-unknown-event"
        | "44-user-block"
        | "45-group-leave"
        | "46-group-join"
        | "51-message-deny-v-missing" => None,
        unlisted => panic!("{unlisted} is a new payload: say here what becomes of it"),
    }
}

fn photos_of(message: &Value) -> Vec<Value> {
    let attachments = message["attachments"].as_array().expect("a list");
    attachments.iter().map(|one| photo(one["photo"]["id"].as_i64().expect("an id"))).collect()
}

/// Those that have stories of their own.
const ELSEWHERE: [&str; 4] = ["01-confirmation", "02-confirmation-with-secret", "40-wrong-secret", "41-missing-secret"];

fn names() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/vk/payloads");
    let files = std::fs::read_dir(folder).expect("the payloads").flatten();
    let mut names: Vec<String> =
        files.filter_map(|file| Some(file.file_name().to_str()?.strip_suffix(".json")?.to_owned())).collect();
    names.retain(|name| !ELSEWHERE.contains(&name.as_str()));
    names.sort();
    names
}

/// Posts a recorded event as of this community, whether or not it would ask for such.
async fn post(world: &World, shop: &Community, event: &Value) -> Delivery {
    let server = world.vk.wait_for_server(shop.group).await;
    let mut event = event.clone();
    event["group_id"] = json!(shop.group);
    event["secret"] = json!(server.secret);
    world.vk.deliver_raw(&server.url, &event).await
}

async fn every_payload_is_handled_as_the_index_says(world: World) {
    world.vk.person(700_000_101, "Анна", "Примерова");
    world.vk.person(700_000_202, "Иван", "");
    let names = names();
    assert!(names.len() >= 35, "the payloads are there");
    for name in &names {
        let shop = world.connect_vk(&format!("Shop {name}")).await;
        let before = world.cursor().await;
        let event = payload(name);
        assert!(post(&world, &shop, &event).await.is_taken(), "{name}");

        let events = world.events_after(&before).await;
        let added: Vec<&Value> = events.iter().filter(|event| event["kind"] == "MESSAGE_ADDED").collect();
        let Some(expected) = expected(name, &event) else {
            assert!(added.is_empty(), "{name} made {:?}", kinds(&events));
            continue;
        };
        assert_eq!(added.len(), 1, "{name} made {:?}", kinds(&events));
        let dialogue = added[0]["dialogue"]["id"].as_str().expect("an id");
        let client = world.admin.dialogue(dialogue, "client { name profileUrl avatarUrl }").await["client"].take();
        let (called, id) = match name.as_str() {
            "06-start-button" => ("Иван", 700_000_202),
            _ => ("Анна Примерова", 700_000_101),
        };
        assert_eq!(client["name"], called, "{name}");
        assert_eq!(client["profileUrl"], json!(format!("https://vk.com/id{id}")), "{name}");
        assert!(client["avatarUrl"].is_string(), "{name}");
        let [message] = &world.admin.messages(dialogue).await[..] else { panic!("{name} made several messages") };
        check(name, message, &expected);

        assert!(post(&world, &shop, &event).await.is_taken(), "{name} again");
        assert_eq!(world.admin.messages(dialogue).await.len(), 1, "{name} delivered again");
    }
}

fn check(name: &str, message: &Value, expected: &Expected) {
    let text = message["text"].as_str().map(|text| text.replace('\u{a0}', " "));
    assert_eq!(text, Some(expected.text.replace('\u{a0}', " ")), "{name}");
    assert_eq!(message["origin"], expected.origin, "{name}");
    assert_eq!(message["forwardedFrom"].as_str(), expected.forwarded_from, "{name}");
    assert_eq!(message["editedAt"].is_string(), expected.edited, "{name}: {message:#}");
    let attachments = message["attachments"].as_array().expect("a list");
    assert_eq!(attachments.len(), expected.attachments.len(), "{name}: {attachments:?}");
    for (attachment, expected) in attachments.iter().zip(&expected.attachments) {
        for (field, value) in expected.as_object().expect("fields") {
            assert_eq!(&attachment[field], value, "{name}: {field} of {attachment:#}");
        }
    }
}

async fn events_that_are_nobodys_message_make_nothing(world: World) {
    let shop = world.connect_vk("Shop").await;
    let before = world.cursor().await;
    let strange = [
        json!({}),
        json!({ "type": null }),
        json!({ "type": "message_new" }),
        json!({ "type": "message_new", "object": null }),
        json!({ "type": "message_new", "object": { "message": { "peer_id": 700_000_101, "text": "no id" } } }),
        json!({ "type": "message_new", "object": { "message": { "id": 7, "text": "no conversation" } } }),
        json!({ "type": "message_new", "object": { "message": {
            "id": 7, "conversation_message_id": 1, "peer_id": -5, "from_id": -5, "text": "another community",
        } } }),
        json!({ "type": "message_read", "object": {} }),
        json!({ "type": "message_event", "object": { "user_id": 1 } }),
        json!({ "type": "message_typing_state", "object": [] }),
    ];
    for event in &strange {
        assert!(post(&world, &shop, event).await.is_taken(), "{event}");
    }
    assert!(world.events_after(&before).await.is_empty());
}

async fn button_presses_are_acknowledged(world: World) {
    let shop = world.connect_vk("Shop").await;
    assert!(post(&world, &shop, &payload("24-message-event")).await.is_taken());
    let [call] = &world.vk.wait_for_calls("messages.sendMessageEventAnswer", 1).await[..] else { panic!("once") };
    assert_eq!(
        (call.text("event_id"), call.text("user_id"), call.text("peer_id"), call.error),
        ("1776a756b921", "700000101", "700000101", None)
    );
}

async fn a_confirmation_is_answered_with_the_code_and_for_the_own_community_alone(world: World) {
    let shop = world.connect_vk("Shop").await;
    let server = world.vk.wait_for_server(shop.group).await;
    let code = format!("c0de{:x}", shop.group);
    let mut bare = payload("01-confirmation");
    bare["group_id"] = json!(shop.group);
    let answer = world.vk.deliver_raw(&server.url, &bare).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, code.as_str()));
    let with_secret = post(&world, &shop, &payload("02-confirmation-with-secret")).await;
    assert_eq!((with_secret.status, with_secret.body), (200, code));

    let foreign = world.vk.deliver_raw(&server.url, &payload("01-confirmation")).await;
    assert_eq!(foreign.status, 403, "of another community");
    let mut wrong = payload("02-confirmation-with-secret");
    wrong["group_id"] = json!(shop.group);
    assert_eq!(world.vk.deliver_raw(&server.url, &wrong).await.status, 403, "with another secret");
}

async fn a_wrong_or_missing_secret_is_refused_and_nothing_is_stored(world: World) {
    let shop = world.connect_vk("Shop").await;
    let server = world.vk.wait_for_server(shop.group).await;
    let before = world.cursor().await;
    for name in ["40-wrong-secret", "41-missing-secret", "03-message-new-text", "27-message-deny"] {
        let mut event = payload(name);
        event["group_id"] = json!(shop.group);
        assert_eq!(world.vk.deliver_raw(&server.url, &event).await.status, 403, "{name}");
    }
    let mut foreign = payload("03-message-new-text");
    foreign["secret"] = json!(server.secret);
    assert_eq!(world.vk.deliver_raw(&server.url, &foreign).await.status, 403, "of another community");
    for not_json in [json!(null), json!("ok"), json!([])] {
        assert_eq!(world.vk.deliver_raw(&server.url, &not_json).await.status, 403);
    }
    assert!(world.events_after(&before).await.is_empty());
    assert_eq!(world.vk.calls("users.get").len(), 0);
}
