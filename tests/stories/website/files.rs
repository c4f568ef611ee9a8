//! Files in the website's chat, both ways.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::story::stories;
use crate::harness::visitor::{ORIGIN, Visitor};
use crate::harness::world::World;

stories!(World: a_visitor_sends_files, an_operators_file_reaches_the_visitor, a_file_is_its_uploaders);

/// A picture of one pixel.
const PIXEL: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 0x0D, b'I', b'H', b'D', b'R', 0, 0, 0, 1, 0, 0, 0, 1, 8,
    0, 0, 0, 0, 0x3A, 0x7E, 0x9B, 0x55, 0, 0, 0, 0x0A, b'I', b'D', b'A', b'T', 0x78, 0x9C, 0x63, 0x60, 0, 0, 0, 2, 0,
    1, 0x48, 0xAF, 0xA4, 0x71, 0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xAE, 0x42, 0x60, 0x82,
];

async fn get(url: &Value) -> (StatusCode, Vec<u8>) {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let heard = client.get(url.as_str().expect("an address")).send().await.expect("an answer");
    (heard.status(), heard.bytes().await.expect("bytes").to_vec())
}

async fn uploaded(visitor: &Visitor, name: &str, kind: &str, bytes: &[u8]) -> String {
    let (status, body) = visitor.upload(name, kind, bytes.to_vec()).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body["id"].as_str().expect("an id").to_owned()
}

async fn a_visitor_sends_files(world: World) {
    let channel = world.connect_website("Shop", &[ORIGIN]).await;
    let visitor = Visitor::start(&world, &channel).await;
    let picture = uploaded(&visitor, "broken.png", "image/png", PIXEL).await;
    let list = uploaded(&visitor, "список.txt", "text/plain", "молоко".as_bytes()).await;
    assert!(world.dialogues(&channel).await.is_empty(), "an upload is no message");

    let sent = visitor.send_with("k", json!({ "files": [picture, list] })).await;

    let files = sent.at("sendMessage.message.files");
    assert_eq!(
        (&files[0]["id"], &files[0]["name"], &files[0]["contentType"]),
        (&json!(picture), &json!("broken.png"), &json!("image/png"))
    );
    assert_eq!((&files[1]["name"], &files[1]["size"]), (&json!("список.txt"), &json!(12)));
    assert_eq!(get(&files[1]["url"]).await, (StatusCode::OK, "молоко".as_bytes().to_vec()));
    let dialogue = world.only_dialogue(&channel).await;
    let seen = &world.admin.messages(&dialogue).await[0];
    assert_eq!((&seen["text"], &seen["attachments"][0]["kind"]), (&json!(""), &json!("IMAGE")));
    assert_eq!((&seen["attachments"][1]["id"], &seen["attachments"][1]["state"]), (&json!(list), &json!("READY")));
    // Again with the same key: the same message; with another: the files were sent.
    let again = visitor.send_with("k", json!({ "files": [picture, list] })).await;
    assert_eq!(again.at("sendMessage.message.id"), sent.at("sendMessage.message.id"));
    let refused = visitor.send_with("k2", json!({ "files": [list] })).await;
    assert_eq!((refused.error_code(), refused.error_field()), ("BAD_USER_INPUT", Some("fileIds")));
    assert_eq!(world.admin.messages(&dialogue).await.len(), 1);
}

async fn an_operators_file_reaches_the_visitor(world: World) {
    let channel = world.connect_website("Shop", &[ORIGIN]).await;
    let visitor = Visitor::start(&world, &channel).await;
    visitor.say("Send me the price list").await;
    let dialogue = world.only_dialogue(&channel).await;
    let mut updates = visitor.follow(None).await;
    let part = reqwest::multipart::Part::bytes(b"milk 1".to_vec())
        .file_name("prices.txt")
        .mime_str("text/plain")
        .expect("a type");
    let form = reqwest::multipart::Form::new().part("file", part);
    let answer: Value =
        world.admin.api.post("/files").multipart(form).send().await.expect("an answer").json().await.expect("JSON");
    let send = "mutation($d: ID!, $f: [ID!]) { sendMessage(input: { dialogueId: $d, text: \"Here\", fileIds: $f }) { message { id } } }";
    let sent = world.admin.api.run(send, json!({ "d": dialogue, "f": [answer["id"]] })).await;

    let told = updates.until_text("Here").await.pop().expect("it is there")["message"].take();

    assert_eq!((&told["id"], &told["files"][0]["name"]), (sent.at("sendMessage.message.id"), &json!("prices.txt")));
    let url = &told["files"][0]["url"];
    assert_eq!(get(url).await, (StatusCode::OK, b"milk 1".to_vec()));
    let forged = json!(url.as_str().expect("an address").replace("signature=", "signature=x"));
    assert_eq!(get(&forged).await.0, StatusCode::NOT_FOUND);
    world.admin.act("deleteMessage", "messageId", told["id"].as_str().expect("an id")).await.data();
    assert_eq!(updates.message().await["files"], json!([]), "gone with the message");
}

async fn a_file_is_its_uploaders(world: World) {
    let channel = world.connect_website("Shop", &[ORIGIN]).await;
    let (anna, boris) = (Visitor::start(&world, &channel).await, Visitor::start(&world, &channel).await);
    let annas = uploaded(&anna, "a.txt", "text/plain", b"Anna's").await;
    let refused = boris.send_with("k", json!({ "text": "mine", "files": [annas] })).await;
    assert_eq!((refused.error_code(), refused.error_field()), ("BAD_USER_INPUT", Some("fileIds")));
    assert!(world.dialogues(&channel).await.is_empty(), "all of it or nothing");
    anna.say("Hello").await;
    let dialogue = world.only_dialogue(&channel).await;
    let send = "mutation($d: ID!, $f: [ID!]) { sendMessage(input: { dialogueId: $d, text: \"x\", fileIds: $f }) { message { id } } }";
    let refused = world.admin.api.run(send, json!({ "d": dialogue, "f": [annas] })).await;
    assert_eq!(refused.error_code(), "BAD_USER_INPUT", "nor an employee's");
    // Over 20 MiB, which an employee may send.
    let (status, body) = anna.upload("large.bin", "application/octet-stream", vec![7; (20 << 20) + 1]).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{body}");
    assert!(body["errors"][0]["message"].as_str().is_some_and(|words| words.contains("20 MiB")), "{body}");
    uploaded(&anna, "large.bin", "application/octet-stream", &vec![7; 20 << 20]).await;
    for number in 0..10 {
        let (status, _) = anna.upload("b.txt", "text/plain", b"more".to_vec()).await;
        let expected = if number < 8 { StatusCode::OK } else { StatusCode::TOO_MANY_REQUESTS };
        assert_eq!(status, expected, "{number}: ten that are not sent yet");
    }
}
