//! Uploads: whose they are, who may, and what is refused.

use reqwest::StatusCode;
use reqwest::header::{COOKIE, ORIGIN};
use reqwest::multipart::Form;
use serde_json::{Value, json};

use super::{ask, file, kept, part, post, refused, send, upload};
use crate::harness::client::Api;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::visitor::{ORIGIN as SHOP, Visitor};
use crate::harness::world::World;

stories!(World:
    a_sent_file_arrives_byte_for_byte,
    a_file_is_its_uploaders_until_it_is_sent,
    who_is_not_signed_in_uploads_nothing,
    who_is_refused_hears_it_however_much_they_send,
    what_is_no_upload_is_refused,
    a_name_is_kept_and_is_no_path,
);

/// The smallest PNG: one pixel.
pub const PIXEL: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90wS\xde\0\0\0\x0cIDATx\x9cc\xf8\xcf\xc0\0\0\x03\x01\x01\0\xc9\xfe\x92\xef\0\0\0\0IEND\xaeB`\x82";

async fn a_sent_file_arrives_byte_for_byte(world: World) {
    let channel = world.connect_channel("Shop").await;
    let anna = Person::new(5801);
    let dialogue = world.write(&channel, &anna, "Your price list?").await;
    let mut feed = world.follow(&world.admin.api, None).await;
    let list: Vec<u8> = (0..3_000_000u32).flat_map(u32::to_le_bytes).collect();
    let picture = upload(&world.admin.api, "Логотип.png", "image/png", PIXEL).await;
    let document = upload(&world.admin.api, "Прайс №7 «опт».xlsx", "application/vnd.ms-excel", list.clone()).await;

    let sent = send(&world.admin.api, &dialogue, "Here it is", &[&picture, &document]).await;
    let message: String = sent.get("sendMessage.message.id");
    feed.until_delivery(&message, "SENT").await;
    let [first, second] = &world.telegram.sent()[..] else { panic!("two messages at Telegram") };
    assert_eq!((first.method.as_str(), first.caption.as_deref()), ("sendPhoto", Some("Here it is")));
    let photo = first.file.as_ref().expect("a file");
    assert_eq!(
        (&photo.bytes[..], photo.name.as_str(), photo.content_type.as_str()),
        (PIXEL, "Логотип.png", "image/png")
    );
    assert_eq!((second.method.as_str(), second.caption.as_deref()), ("sendDocument", None));
    let document_there = second.file.as_ref().expect("a file");
    assert!(document_there.bytes == list, "byte for byte");
    assert_eq!(document_there.name, "Прайс №7 «опт».xlsx");

    let messages = world.admin.messages(&dialogue).await;
    let attachments = &messages.last().expect("it is there")["attachments"];
    let expected = json!(["Логотип.png", "IMAGE", "image/png", PIXEL.len(), "READY"]);
    let of = |file: &Value| json!([file["name"], file["kind"], file["contentType"], file["size"], file["state"]]);
    assert_eq!(of(&attachments[0]), expected);
    assert_eq!(
        of(&attachments[1]),
        json!(["Прайс №7 «опт».xlsx", "DOCUMENT", "application/vnd.ms-excel", list.len(), "READY"])
    );
    let url = format!("{}/files/{document}", world.server.url);
    let again = ask(&world.admin.api, &url).send().await.expect("an answer").bytes().await.expect("the bytes");
    assert!(again == list, "and back");
}

async fn a_file_is_its_uploaders_until_it_is_sent(world: World) {
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &Person::new(5802), "Hello").await;
    let (anna, boris, observer) =
        (world.user("EMPLOYEE").await, world.user("EMPLOYEE").await, world.user("OBSERVER").await);
    let id = upload(&anna.api, "offer.txt", "text/plain", "yours").await;
    let url = format!("{}/files/{id}", world.server.url);
    let status = async |api: &Api| ask(api, &url).send().await.expect("an answer").status();

    for other in [&boris, &observer, &world.admin] {
        assert_eq!(status(&other.api).await, StatusCode::NOT_FOUND);
        assert_eq!(file(&other.api, &id, "name").await, Value::Null);
    }
    let stolen = send(&boris.api, &dialogue, "Mine", &[&id]).await;
    assert_eq!((stolen.error_code(), stolen.error_field()), ("BAD_USER_INPUT", Some("input.fileIds")));
    assert_eq!(world.admin.messages(&dialogue).await.len(), 1, "nothing was sent");
    assert_eq!(file(&anna.api, &id, "name").await["name"], "offer.txt");
    assert_eq!(status(&anna.api).await, StatusCode::OK);

    send(&anna.api, &dialogue, "", &[&id]).await.data();
    assert_eq!(status(&boris.api).await, StatusCode::OK, "who sees the dialogue");
    assert_eq!(status(&observer.api).await, StatusCode::NOT_FOUND);
    for who in [&anna, &boris] {
        let again = send(&who.api, &dialogue, "", &[&id]).await;
        assert_eq!((again.error_code(), again.error_field()), ("BAD_USER_INPUT", Some("input.fileIds")), "once");
    }
    let twice = upload(&anna.api, "a.txt", "text/plain", "a").await;
    assert_eq!(send(&anna.api, &dialogue, "", &[&twice, &twice]).await.error_code(), "BAD_USER_INPUT");
    send(&anna.api, &dialogue, "", &[&twice]).await.data();
}

async fn who_is_not_signed_in_uploads_nothing(world: World) {
    let form = || Form::new().part("file", part("a.txt", "text/plain", "a"));
    let anybody = Api::anonymous(&world.server.url);
    assert_eq!(refused(post(&anybody, form()).await).await, (401, "UNAUTHENTICATED".into()));
    assert_eq!(refused(post(&anybody.with_token("wrong"), form()).await).await, (401, "UNAUTHENTICATED".into()));
    let gone = world.user("EMPLOYEE").await;
    let deactivate = "mutation($id: ID!) { updateUser(input: { userId: $id, isActive: false }) { user { id } } }";
    world.admin.api.run(deactivate, json!({ "id": gone.id })).await.data();
    assert_eq!(refused(post(&gone.api, form()).await).await, (401, "UNAUTHENTICATED".into()));

    let cookie = format!("colloquy_session={}", world.admin.api.token.as_deref().expect("signed in"));
    let by_cookie = async |origin: &str| {
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let request = http.post(format!("{}/files", world.server.url)).header(COOKIE, &cookie).header(ORIGIN, origin);
        request.multipart(form()).send().await.expect("an answer")
    };
    assert_eq!(refused(by_cookie("https://evil.example").await).await, (401, "UNAUTHENTICATED".into()));
    assert_eq!(refused(by_cookie("null").await).await, (401, "UNAUTHENTICATED".into()));
    assert_eq!(kept(&world), [0; 0]);

    assert_eq!(by_cookie(&world.server.url).await.status(), StatusCode::OK, "our own page");
    let observer = world.user("OBSERVER").await;
    assert_eq!(post(&observer.api, form()).await.status(), StatusCode::OK, "any active user");
}

async fn who_is_refused_hears_it_however_much_they_send(world: World) {
    let channel = world.connect_website("Shop", &[SHOP]).await;
    let large = || Form::new().part("file", part("a.bin", "application/octet-stream", vec![7; 15 << 20]));
    for _ in 0..5 {
        let nobody = Api::anonymous(&world.server.url);
        assert_eq!(refused(post(&nobody, large()).await).await, (401, "UNAUTHENTICATED".into()));
    }
    let visitor = Visitor::start(&world, &channel).await;
    let visitor = Visitor { api: visitor.api.with_token("cqv_forged") };
    let (status, body) = visitor.upload("a.bin", "application/octet-stream", vec![7; 15 << 20]).await;
    assert_eq!((status.as_u16(), &body["errors"][0]["extensions"]["code"]), (401, &"UNAUTHENTICATED".into()));
    let visitor = Visitor::start(&world, &channel).await;
    let (status, _) = visitor.upload("a.bin", "application/octet-stream", vec![7; 25 << 20]).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(kept(&world), [0; 0]);
}

async fn what_is_no_upload_is_refused(world: World) {
    let api = &world.admin.api;
    let bad = (400, "BAD_USER_INPUT".to_owned());
    assert_eq!(refused(post(api, Form::new().text("file", "no file")).await).await, bad);
    assert_eq!(refused(post(api, Form::new()).await).await, bad);
    let empty = Form::new().part("file", part("a.txt", "text/plain", ""));
    assert_eq!(refused(post(api, empty).await).await, bad);
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    for (content_type, body) in [
        ("text/plain", "bytes"),
        ("application/json", "{}"),
        ("multipart/form-data", "--a--"),
        ("multipart/form-data; boundary=a", "no boundary"),
        ("multipart/form-data; boundary=a", "--a\r\ncontent-disposition: form-data; name=f; filename=f\r\n\r\nhalf"),
    ] {
        let request = http.post(format!("{}/files", world.server.url)).header("content-type", content_type);
        let request = request.bearer_auth(api.token.as_deref().expect("signed in")).body(body);
        assert_eq!(refused(request.send().await.expect("an answer")).await, bad, "{content_type} {body}");
    }
    assert_eq!(kept(&world), [0; 0]);

    // The first file counts; what else is in the form is read over.
    let form = Form::new().text("comment", "hm").part("a", part("a.txt", "text/plain", "first"));
    let two = form.part("b", part("b.txt", "text/plain", "second"));
    assert_eq!(post(api, two).await.status(), StatusCode::OK);
    assert_eq!(kept(&world), [5]);
}

async fn a_name_is_kept_and_is_no_path(world: World) {
    let api = &world.admin.api;
    for (name, expected) in [
        ("../../etc/passwd", ".._.._etc_passwd"),
        ("quote\"d.txt", "quote\"d.txt"),
        ("Да нет.txt", "Да нет.txt"),
        ("\u{202E}gpj.exe", "gpj.exe"),
        ("..", "file.txt"),
    ] {
        let id = upload(api, name, "Text/Plain; charset=utf-8", "a").await;
        let read = file(api, &id, "name contentType").await;
        assert_eq!(read, json!({ "name": expected, "contentType": "text/plain" }), "{name}");
    }
}
