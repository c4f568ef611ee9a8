//! Calls over a real socket: what is sent, and what comes of it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::HeaderMap;
use colloquy_entity::FileKind;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::server::{TOKEN, answer, bot, page, sent, viber};
use super::{bytes, fixture, names};
use crate::messenger::viber::Viber;
use crate::messenger::{Fault, Messenger as _, Outgoing, OutgoingFile, Posted, Secret, Sent};

pub fn text(text: &str) -> Outgoing {
    Outgoing {
        to: "SYNTHuserAAAAAAAAAAAAA==".to_owned(),
        text: text.to_owned(),
        reply_to: None,
        files: Vec::new(),
        sender: "Shop".to_owned(),
        repeat_key: 1,
    }
}

/// A file whose address ends as its name does.
fn file(kind: FileKind, name: &str, content_type: &str, size: u64) -> OutgoingFile {
    let extension = name.rsplit_once('.').map_or("bin", |(_, extension)| extension);
    OutgoingFile {
        kind,
        name: name.to_owned(),
        content_type: content_type.to_owned(),
        size,
        url: Some(format!("https://inbox.example/media/1/2.secret/file.{extension}")),
        bytes: Arc::new(Bytes::new()),
    }
}

pub async fn send(bot: &Viber, message: &Outgoing) -> Result<Vec<String>, Fault> {
    let mut sent = Sent::default();
    bot.send(message, &mut sent).await.map(|()| sent.external_ids)
}

#[tokio::test]
async fn a_text_goes_out_as_it_is_and_answers_nothing() {
    let (bot, script) = bot([sent(18_446_744_073_709_551_557)]).await;
    let message = Outgoing { reply_to: Some("77".to_owned()), ..text("<b>a_b</b> 🇷🇺\n") };
    assert_eq!(send(&bot, &message).await.unwrap(), ["18446744073709551557"]);
    let [got] = script.got().try_into().unwrap();
    assert_eq!((got.path.as_str(), got.token.as_str()), ("/pa/send_message", TOKEN));
    let expected = json!({
        "receiver": "SYNTHuserAAAAAAAAAAAAA==",
        "type": "text",
        "text": "<b>a_b</b> 🇷🇺\n",
        "sender": { "name": "Shop" },
    });
    assert_eq!(got.body, expected);
}

#[tokio::test]
async fn a_message_has_a_sender_that_fits() {
    for (name, shown) in [
        ("", "Support"),
        ("\u{200B} ", "Support"),
        (" Shop\n1 ", "Shop 1"),
        ("абвгдежзийклмнопрстуфхцчшщъыьэюя", "абвгдежзийклмнопрстуфхцчшщъы"),
        ("😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀", "😀😀😀😀😀😀😀😀😀😀😀😀😀😀"),
        ("a😀😀😀😀😀😀😀😀😀😀😀😀😀😀", "a😀😀😀😀😀😀😀😀😀😀😀😀😀"),
    ] {
        let (bot, script) = bot([sent(1)]).await;
        send(&bot, &Outgoing { sender: name.to_owned(), ..text("x") }).await.unwrap();
        assert_eq!(script.got()[0].body["sender"]["name"], shown, "{name:?}");
    }
}

#[tokio::test]
async fn files_go_as_what_viber_shows_and_else_as_files() {
    let cases = [
        (file(FileKind::Image, "a.jpg", "image/jpeg", 1_000_000), "picture"),
        (file(FileKind::Image, "a.png", "image/png", 5), "picture"),
        (file(FileKind::Sticker, "a.png", "image/png", 5), "picture"),
        (file(FileKind::Image, "a.jpg", "image/jpeg", 1_000_001), "file"),
        (file(FileKind::Image, "a.webp", "image/webp", 5), "file"),
        (file(FileKind::Image, "a.svg", "image/svg+xml", 5), "file"),
        (file(FileKind::Document, "a.jpg", "image/jpeg", 5), "file"),
        (file(FileKind::Video, "a.mp4", "video/mp4", 26_000_000), "video"),
        (file(FileKind::Video, "a.mp4", "video/mp4", 26_000_001), "file"),
        (file(FileKind::Video, "a.mov", "video/quicktime", 5), "file"),
        (file(FileKind::Voice, "a.ogg", "audio/ogg", 50_000_000), "file"),
    ];
    for (file, kind) in cases {
        let (bot, script) = bot([sent(1)]).await;
        let (name, size, url) = (file.name.clone(), file.size, file.url.clone().unwrap());
        send(&bot, &Outgoing { files: vec![file], ..text("") }).await.unwrap();
        let body = &script.got()[0].body;
        assert_eq!((&body["type"], &body["media"]), (&json!(kind), &json!(url)), "{name}");
        match kind {
            "picture" => assert_eq!((&body["text"], &body["size"]), (&json!(""), &Value::Null)),
            "video" => assert_eq!(body["size"], size),
            _ => assert_eq!((&body["size"], &body["file_name"]), (&json!(size), &json!(name))),
        }
    }
}

#[tokio::test]
async fn a_file_has_a_name_with_an_extension() {
    for (name, content_type, sent_as) in [
        ("Договор", "application/pdf", "Договор.pdf"),
        ("README", "application/octet-stream", "README.dat"),
        ("../a/b", "text/plain", ".._a_b.txt"),
        ("", "text/csv", "file.csv"),
        ("a.", "text/plain", "a.txt"),
        (".hidden", "text/plain", ".hidden.txt"),
    ] {
        let (bot, script) = bot([sent(1)]).await;
        send(&bot, &Outgoing { files: vec![file(FileKind::Document, name, content_type, 5)], ..text("") })
            .await
            .unwrap();
        assert_eq!(script.got()[0].body["file_name"], sent_as);
    }
    let long = "я".repeat(300);
    let (bot, script) = bot([sent(1)]).await;
    send(&bot, &Outgoing { files: vec![file(FileKind::Document, &long, "text/plain", 5)], ..text("") }).await.unwrap();
    let got = script.got();
    let name = got[0].body["file_name"].as_str().unwrap();
    assert!(name.chars().count() == 256 && name.ends_with("я.txt"), "{name}");
}

#[tokio::test]
async fn what_viber_cannot_take_is_not_sent() {
    let unserved = OutgoingFile { url: None, ..file(FileKind::Image, "a.jpg", "image/jpeg", 5) };
    let with = |file: OutgoingFile| Outgoing { files: vec![file], ..text("Смотрите") };
    let zip = "application/zip";
    for (message, words) in [
        (text(""), "Viber takes no message without text"),
        (text(" \n"), "Viber takes no message without text"),
        (text(&"я".repeat(7001)), "The text is longer than the 7000 characters that Viber takes"),
        (text(&"\u{1}".repeat(7000)), "The text is longer than the 30 KB that Viber takes: shorten it"),
        (with(unserved), "Viber fetches files from us, and cannot reach us: start colloquy with PUBLIC_URL"),
        (with(file(FileKind::Document, "Setup.EXE", zip, 5)), "Viber takes no files like Setup.EXE: pack it first"),
        (with(file(FileKind::Document, "a.bin", zip, 5)), "Viber takes no files like a.bin: pack it first"),
        (
            with(file(FileKind::Document, "a.zip", zip, 50_000_001)),
            "Viber takes files of 50 MB at most; a.zip has 50.1 MB",
        ),
        (with(file(FileKind::Document, "a.zip", zip, 0)), "Viber takes no empty file"),
        (Outgoing { to: String::new(), ..text("x") }, "This client has no Viber id"),
    ] {
        let (bot, script) = bot([]).await;
        assert_eq!(send(&bot, &message).await.unwrap_err(), Fault::fatal(words));
        assert!(script.got().is_empty(), "not even the text: {words}");
    }
    let (bot, _) = bot([sent(1), sent(2)]).await;
    for fits in ["я".repeat(7000), "水".repeat(7000)] {
        send(&bot, &text(&fits)).await.unwrap();
    }
}

#[tokio::test]
async fn a_further_try_goes_on_where_the_last_one_ended() {
    let fault = answer(&fixture("responses", "error-http-500.json"));
    let (bot, script) = bot([sent(1), fault, sent(2), sent(3)]).await;
    let files =
        vec![file(FileKind::Document, "a.pdf", "application/pdf", 5), file(FileKind::Image, "a.jpg", "image/jpeg", 5)];
    let message = Outgoing { files, ..text("Смотрите") };
    let mut sent = Sent::default();
    assert!(matches!(bot.send(&message, &mut sent).await, Err(Fault::Passing { .. })));
    assert_eq!(sent.external_ids, ["1"]);
    bot.send(&message, &mut sent).await.unwrap();
    assert_eq!(sent.external_ids, ["1", "2", "3"]);
    let kinds: Vec<Value> = script.got().iter().map(|got| got.body["type"].clone()).collect();
    assert_eq!(kinds, ["text", "file", "file", "picture"], "beside a file there is no text");
    bot.send(&message, &mut sent).await.unwrap();
    assert!(script.got().is_empty(), "there is nothing left");
}

#[tokio::test]
async fn a_picture_carries_a_text_that_fits() {
    for (length, kinds) in [(512, vec!["picture"]), (513, vec!["text", "picture"])] {
        let (bot, script) = bot([sent(1), sent(2)]).await;
        let message =
            Outgoing { files: vec![file(FileKind::Image, "a.gif", "image/gif", 5)], ..text(&"я".repeat(length)) };
        send(&bot, &message).await.unwrap();
        let got = script.got();
        assert_eq!(got.iter().map(|got| &got.body["type"]).collect::<Vec<_>>(), kinds);
        assert_eq!(got[0].body["text"], "я".repeat(length));
    }
}

#[tokio::test]
async fn a_message_that_was_taken_without_a_token_is_not_sent_again() {
    let (bot, _) = bot([page(200, "{\"status\":0}"), page(200, "{\"status\":0,\"message_token\":\"42\"}")]).await;
    assert_eq!(send(&bot, &text("x")).await.unwrap(), ["1:0"]);
    assert_eq!(send(&bot, &text("x")).await.unwrap(), ["42"]);
}

#[tokio::test]
async fn nobody_home_is_passing_and_shows_no_token() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let resetting = tokio::spawn(async move { drop(listener.accept().await.unwrap()) });
    let bot = viber(&url, TOKEN);
    assert_eq!(send(&bot, &text("x")).await.unwrap_err(), Fault::passing("The connection to Viber broke off"));
    resetting.await.unwrap();
    assert_eq!(send(&bot, &text("x")).await.unwrap_err(), Fault::passing("Viber could not be reached"));
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let bot = viber(&url, TOKEN).with_patience(Duration::from_millis(50));
    assert_eq!(send(&bot, &text("x")).await.unwrap_err(), Fault::passing("Viber did not answer in time"));
    assert!(!format!("{bot:?}").contains("secret-part"), "{bot:?}");
}

#[tokio::test]
async fn an_account_is_known_by_what_viber_tells() {
    let odd = |body| page(200, body);
    let (bot, _) = bot([
        answer(&fixture("responses", "get_account_info-ok.json")),
        odd("{\"status\":0,\"id\":\"pa:1\",\"uri\":\"../evil?\"}"),
        odd("{\"status\":0,\"id\":7}"),
    ])
    .await;
    let who = bot.identify().await.unwrap();
    assert_eq!((who.external_id.as_str(), who.name.as_str()), ("pa:75346594275400000000", "Synthetic Inbox Bot"));
    assert_eq!(who.username.as_deref(), Some("syntheticinboxbot"));
    assert_eq!(who.profile_url.as_deref(), Some("viber://pa?chatURI=syntheticinboxbot"));
    let who = bot.identify().await.unwrap();
    assert_eq!((who.name.as_str(), who.username), ("Viber bot", None));
    assert!(matches!(bot.identify().await, Err(Fault::Passing { .. })));
}

/// Whether a request with this signature is let in.
fn is_let_in(bot: &Viber, body: &[u8], signature: Option<&str>) -> bool {
    let mut headers = HeaderMap::new();
    if let Some(signature) = signature {
        headers.insert("X-Viber-Content-Signature", signature.parse().unwrap());
    }
    bot.verify(&Secret::new("unused"), Posted { headers: &headers, body })
}

#[tokio::test]
async fn every_recorded_signature_is_that_of_its_body() {
    let recorded = fixture("payloads", "signatures.json");
    let bot = viber("http://127.0.0.1:9", recorded["auth_token"].as_str().unwrap());
    let other = viber("http://127.0.0.1:9", TOKEN);
    let nobody = viber("http://127.0.0.1:9", "");
    for name in names("payloads") {
        let body = bytes("payloads", &name);
        let signature = recorded["signatures"][name.strip_suffix(".json").unwrap()].as_str().unwrap();
        let is_right = name != "39-bad-signature.json";
        assert_eq!(is_let_in(&bot, &body, Some(signature)), is_right, "{name}");
        assert_eq!(is_let_in(&bot, &body, Some(&signature.to_uppercase())), is_right, "{name}");
        assert_eq!(is_let_in(&bot, &body, None), name == "01-webhook.json", "{name}");
        assert!(!is_let_in(&other, &body, Some(signature)), "{name}");
        assert!(!is_let_in(&nobody, &body, Some(signature)), "{name}");
        for wrong in ["", "0", "zz", &signature[1..], &signature[2..], &format!("{signature}00")] {
            assert!(!is_let_in(&bot, &body, Some(wrong)), "{name}: {wrong:?}");
        }
        let again = serde_json::from_slice::<Value>(&body).unwrap().to_string();
        assert!(!is_let_in(&bot, again.as_bytes(), Some(signature)), "{name} is signed as it came");
        let challenged = bot.challenge(&serde_json::from_slice(&body).unwrap()).await;
        assert_eq!(challenged.is_some(), name == "01-webhook.json", "{name}");
    }
}
