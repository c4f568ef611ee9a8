//! Calls over a real socket: what is sent, and what comes of it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use colloquy_entity::FileKind;
use futures_util::TryStreamExt as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::fixture;
use super::server::{Answer, TOKEN, answer, bot, ok, telegram};
use crate::messenger::telegram::{CallError, Telegram};
use crate::messenger::{Fault, Messenger as _, Outgoing, OutgoingFile, Secret, Sent};

pub fn text(text: &str) -> Outgoing {
    Outgoing {
        to: "5000000101".to_owned(),
        text: text.to_owned(),
        reply_to: None,
        files: Vec::new(),
        sender: "Shop".to_owned(),
        repeat_key: 1,
    }
}

fn file(kind: FileKind, name: &str, content_type: &str, content: &'static str) -> OutgoingFile {
    OutgoingFile {
        kind,
        name: name.to_owned(),
        content_type: content_type.to_owned(),
        size: content.len() as u64,
        url: None,
        bytes: Arc::new(Bytes::from_static(content.as_bytes())),
    }
}

pub async fn send(bot: &Telegram, message: &Outgoing) -> Result<Vec<String>, Fault> {
    let mut sent = Sent::default();
    bot.send(message, &mut sent).await.map(|()| sent.external_ids)
}

#[tokio::test]
async fn a_proxy_s_pages_are_not_telegram_s_word() {
    for (status, body) in [(401, "<html>"), (403, "{}"), (404, "not found"), (200, "<html>"), (302, ""), (429, "slow")]
    {
        let page = Answer { status, headers: Vec::new(), body: body.into() };
        let (bot, _) = bot([page]).await;
        let fault = send(&bot, &text("x")).await.unwrap_err();
        assert!(matches!(fault, Fault::Passing { .. }), "{status} {body}: {fault:?}");
    }
    let (bot, _) = bot([Answer { status: 413, headers: Vec::new(), body: "<html>".into() }]).await;
    assert!(matches!(send(&bot, &text("x")).await, Err(Fault::Final { unreachable: false, .. })));
}

#[tokio::test]
async fn nobody_home_is_passing_and_shows_no_token() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let resetting = tokio::spawn(async move { drop(listener.accept().await.unwrap()) });
    let bot = telegram(&url);
    let reset = send(&bot, &text("x")).await.unwrap_err();
    assert_eq!(reset, Fault::passing("The connection to Telegram broke off"));
    resetting.await.unwrap();
    // The listener is gone with its task.
    assert_eq!(send(&bot, &text("x")).await.unwrap_err(), Fault::passing("Telegram could not be reached"));

    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bot = telegram(&format!("http://{}", silent.local_addr().unwrap())).with_patience(Duration::from_millis(50));
    let late = send(&bot, &text("x")).await.unwrap_err();
    assert_eq!(late, Fault::passing("Telegram did not answer in time"));
    assert!(!format!("{bot:?}").contains("AAsecret"), "{bot:?}");
}

#[tokio::test]
async fn a_text_goes_out_as_it_is() {
    let (bot, script) = bot([ok(json!({ "message_id": 500 }))]).await;
    let message = Outgoing { reply_to: Some("5000000101:77".to_owned()), ..text("<b>a_b</b> 🇷🇺\n") };
    assert_eq!(send(&bot, &message).await.unwrap(), ["5000000101:500"]);
    let [got] = script.got().try_into().ok().unwrap();
    assert_eq!(got.path, format!("/bot{TOKEN}/sendMessage"));
    assert_eq!(got.content_type, "application/json");
    let body: Value = serde_json::from_str(&got.body).unwrap();
    assert_eq!(
        body,
        json!({
            "chat_id": 5_000_000_101_i64,
            "text": "<b>a_b</b> 🇷🇺\n",
            "reply_parameters": { "message_id": 77, "allow_sending_without_reply": true },
        })
    );
}

#[tokio::test]
async fn what_telegram_cannot_take_is_not_sent() {
    let (bot, script) = bot([]).await;
    let large = OutgoingFile { size: (50 << 20) + 1, ..file(FileKind::Document, "a.bin", "application/zip", "x") };
    for (message, words) in [
        (text(""), "Telegram takes no message without text"),
        (text(&"я".repeat(4097)), "The text is longer than Telegram takes"),
        (Outgoing { files: vec![large], ..text("") }, "The file is too large: Telegram takes up to 50 MB"),
        (Outgoing { to: "nobody".to_owned(), ..text("x") }, "This client has no Telegram id"),
    ] {
        assert_eq!(send(&bot, &message).await.unwrap_err(), Fault::fatal(words));
    }
    assert!(script.got().is_empty());
}

#[tokio::test]
async fn the_first_file_carries_a_text_that_fits() {
    let (bot, script) = bot([ok(json!({ "message_id": 1 })), ok(json!({ "message_id": 2 }))]).await;
    let files = vec![
        file(FileKind::Image, "Фото \"1\".jpg", "image/jpeg", "JPEG"),
        file(FileKind::Document, "a/b.pdf", "application/pdf", "PDF"),
    ];
    let message = Outgoing { files, reply_to: Some("5000000101:9".to_owned()), ..text("Смотрите") };
    assert_eq!(send(&bot, &message).await.unwrap(), ["5000000101:1", "5000000101:2"]);
    let [photo, document] = script.got().try_into().ok().unwrap();
    assert!(photo.path.ends_with("/sendPhoto") && document.path.ends_with("/sendDocument"));
    assert!(photo.content_type.starts_with("multipart/form-data; boundary="));
    for part in [
        "name=\"chat_id\"\r\n\r\n5000000101\r\n",
        "name=\"caption\"\r\n\r\nСмотрите\r\n",
        "{\"allow_sending_without_reply\":true,\"message_id\":9}",
        "name=\"photo\"; filename=\"Фото '1'.jpg\"\r\nContent-Type: image/jpeg\r\n\r\nJPEG\r\n",
    ] {
        assert!(photo.body.contains(part), "{part:?} is not in {}", photo.body);
    }
    assert!(document.body.contains("filename=\"a_b.pdf\"\r\nContent-Type: application/pdf\r\n\r\nPDF\r\n"));
    assert!(!document.body.contains("caption") && !document.body.contains("reply_parameters"));
}

#[tokio::test]
async fn a_further_try_goes_on_where_the_last_one_ended() {
    let fault = answer(&fixture("responses", "error-500-restart.json"));
    let id = |id: i64| ok(json!({ "message_id": id }));
    let (bot, script) = bot([id(1), id(2), fault, id(3)]).await;
    let files =
        vec![file(FileKind::Voice, "v.ogg", "audio/ogg", "1"), file(FileKind::Audio, "m.mp3", "audio/mpeg", "2")];
    // Too long for a caption: a message of its own, before the files.
    let message = Outgoing { files, ..text(&"я".repeat(1025)) };
    let mut sent = Sent::default();
    assert!(matches!(bot.send(&message, &mut sent).await, Err(Fault::Passing { .. })));
    assert_eq!(sent.external_ids, ["5000000101:1", "5000000101:2"]);
    bot.send(&message, &mut sent).await.unwrap();
    assert_eq!(sent.external_ids, ["5000000101:1", "5000000101:2", "5000000101:3"]);
    let methods: Vec<String> = script.got().iter().map(|got| got.path.rsplit_once('/').unwrap().1.to_owned()).collect();
    assert_eq!(methods, ["sendMessage", "sendVoice", "sendAudio", "sendAudio"]);
}

#[tokio::test]
async fn a_picture_that_is_no_photo_goes_as_a_document() {
    let refusal = answer(&fixture("responses", "error-400-photo-invalid-dimensions.json"));
    let (bot, script) = bot([refusal, ok(json!({ "message_id": 4 }))]).await;
    let message = Outgoing { files: vec![file(FileKind::Image, "long.png", "image/png", "PNG")], ..text("вот") };
    assert_eq!(send(&bot, &message).await.unwrap(), ["5000000101:4"]);
    let [_, document] = script.got().try_into().ok().unwrap();
    assert!(document.path.ends_with("/sendDocument"));
    assert!(document.body.contains("вот") && document.body.contains("PNG"), "{}", document.body);
}

#[tokio::test]
async fn a_file_comes_in_two_steps() {
    let steps = [
        answer(&fixture("responses", "getFile-ok.json")),
        Answer { status: 200, headers: Vec::new(), body: "JPEG".into() },
    ];
    let (bot, script) = bot(steps).await;
    let download = bot.download("AgAC").await.unwrap();
    assert_eq!(download.size, Some(4));
    let bytes: Vec<Bytes> = download.bytes.try_collect().await.unwrap();
    assert_eq!(bytes.concat(), b"JPEG");
    let [get_file, get] = script.got().try_into().ok().unwrap();
    assert_eq!(get_file.body, r#"{"file_id":"AgAC"}"#);
    assert_eq!(get.path, format!("/file/bot{TOKEN}/photos/file_12.jpg"));
}

#[tokio::test]
async fn a_file_that_cannot_be_had_says_why() {
    for (name, fault) in [
        ("getFile-too-big.json", Fault::fatal("The file is larger than 20 MB, the most that Telegram hands over")),
        ("getFile-bad-id.json", Fault::passing("Telegram does not have the file at the moment")),
        ("getFile-invalid-id.json", Fault::fatal("Telegram no longer has the file")),
        ("getFile-no-path.json", Fault::fatal("Telegram does not hand this file over")),
    ] {
        let (bot, _) = bot([answer(&fixture("responses", name))]).await;
        assert_eq!(bot.download("x").await.err(), Some(fault), "{name}");
    }
    let (bot, _) =
        bot(["getFile-ok.json", "file-download-404.json"].map(|name| answer(&fixture("responses", name)))).await;
    assert_eq!(bot.download("x").await.err(), Some(Fault::passing("The file's address at Telegram has expired")));
}

#[tokio::test]
async fn setting_up_and_polling() {
    let answers = [
        "getMe-ok.json",
        "setWebhook-ok.json",
        "deleteWebhook-already.json",
        "getUpdates-ok.json",
        "getUpdates-empty.json",
    ];
    let (bot, script) = bot(answers.map(|name| answer(&fixture("responses", name)))).await;
    let me = bot.identify().await.unwrap();
    assert_eq!((me.external_id.as_str(), me.name.as_str()), ("7000000001", "Synthetic Inbox Bot"));
    assert_eq!(me.profile_url.as_deref(), Some("https://t.me/synthetic_inbox_bot"));
    bot.subscribe("https://inbox.example/webhooks/telegram/1", &Secret::new("s3")).await.unwrap();
    bot.unsubscribe(None).await.unwrap();
    let first = bot.poll(None).await.unwrap();
    assert_eq!((first.updates.len(), first.cursor.as_deref()), (1, Some("880000002")));
    let second = bot.poll(first.cursor.as_deref()).await.unwrap();
    assert_eq!((second.updates.len(), second.cursor.as_deref()), (0, Some("880000002")));

    let bodies: Vec<Value> = script.got().iter().map(|got| serde_json::from_str(&got.body).unwrap()).collect();
    let kinds = json!(["message", "edited_message", "callback_query", "my_chat_member"]);
    let url = "https://inbox.example/webhooks/telegram/1";
    assert_eq!(bodies[1], json!({ "url": url, "secret_token": "s3", "allowed_updates": kinds }));
    assert_eq!(bodies[3], json!({ "timeout": 30, "allowed_updates": kinds }));
    assert_eq!(bodies[4]["offset"], 880_000_002);
}

#[tokio::test]
async fn polling_tells_its_faults_apart() {
    let name = |name: &str| answer(&fixture("responses", name));
    let nameless = ok(json!([{ "message": {} }]));
    let answers = [
        name("error-404-not-found.json"),
        name("error-409-webhook-active.json"),
        name("error-429-retry-after.json"),
        nameless,
    ];
    let (bot, _) = bot(answers).await;
    assert!(matches!(bot.updates(None, Duration::ZERO).await, Err(CallError::Refused { code: 404, .. })));
    assert!(matches!(bot.updates(None, Duration::ZERO).await, Err(CallError::Refused { code: 409, .. })));
    let slower = bot.updates(None, Duration::ZERO).await.unwrap_err();
    assert!(matches!(slower, CallError::Refused { code: 429, retry_after: Some(wait), .. } if wait.as_secs() == 5));
    assert!(matches!(bot.poll(None).await, Err(Fault::Passing { .. })), "they could not be confirmed");
}

#[tokio::test]
async fn a_button_answered_too_late_is_no_fault() {
    let late = answer(&fixture("responses", "error-400-query-too-old.json"));
    let (bot, script) = bot([late, ok(json!(true))]).await;
    bot.acknowledge("21474836480000000001").await.unwrap();
    bot.typing("5000000101").await.unwrap();
    let [_, typing] = script.got().try_into().ok().unwrap();
    assert_eq!(typing.body, r#"{"action":"typing","chat_id":5000000101}"#);
}
