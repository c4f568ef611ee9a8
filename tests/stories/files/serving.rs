//! Files as they are served: in parts, never as a page of ours, and by addresses that are good for one thing for a while.

use colloquy::app::App;
use colloquy::inbox::files::{Purpose, by_signature, public_url};
use colloquy_entity::{AttachmentId, Id, Time, attachment};
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use sea_orm::EntityTrait;
use serde_json::json;

use super::uploads::PIXEL;
use super::{ask, file, get, upload};
use crate::harness::client::Api;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::World;

stories!(World:
    a_part_is_served_as_asked,
    a_signed_address_is_good_for_one_thing_for_a_while,
    the_file_of_a_deleted_message_is_had_by_nobody,
    who_loses_the_dialogue_loses_its_files,
);
stories!(World, Sqlite: what_could_run_is_never_shown);
stories!(World, Sqlite: a_messenger_fetches_what_it_is_to_send);

/// Status, headers and bytes of what is asked with these headers.
async fn hear(api: &Api, method: Method, url: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, Vec<u8>) {
    let mut request = reqwest::Client::builder().no_proxy().build().expect("a client").request(method, url);
    if let Some(token) = &api.token {
        request = request.bearer_auth(token);
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status(), response.headers().clone());
    (status, headers, response.bytes().await.expect("a body").to_vec())
}

async fn row(app: &App, id: &str) -> attachment::Model {
    let id = AttachmentId::parse(id).expect("an id");
    let found = attachment::Entity::find_by_id(id).one(app.db.read()).await;
    found.expect("the database answers").expect("it is there")
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().expect("text"))
}

async fn a_part_is_served_as_asked(world: World) {
    let api = &world.admin.api;
    let bytes: Vec<u8> = (0..1000u32).map(|n| (n % 251) as u8).collect();
    let id = upload(api, "a.bin", "application/zip", bytes.clone()).await;
    let url = format!("{}/files/{id}", world.server.url);
    let (status, headers, whole) = hear(api, Method::GET, &url, &[]).await;
    assert_eq!(
        (status, header(&headers, "accept-ranges"), header(&headers, "content-length")),
        (StatusCode::OK, "bytes", "1000")
    );
    assert_eq!(whole, bytes);
    let tag = header(&headers, "etag").to_owned();
    for (range, part) in [
        ("bytes=0-0", 0..1),
        ("bytes=100-199", 100..200),
        ("bytes=990-", 990..1000),
        ("bytes=-5", 995..1000),
        ("bytes=0-99999", 0..1000),
    ] {
        let (status, headers, got) = hear(api, Method::GET, &url, &[("range", range)]).await;
        assert_eq!(status, StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(header(&headers, "content-range"), format!("bytes {}-{}/1000", part.start, part.end - 1));
        assert_eq!(header(&headers, "content-length"), part.len().to_string());
        assert_eq!(got, bytes[part], "{range}");
    }
    let (status, headers, nothing) = hear(api, Method::GET, &url, &[("range", "bytes=1000-")]).await;
    assert_eq!((status, header(&headers, "content-range")), (StatusCode::RANGE_NOT_SATISFIABLE, "bytes */1000"));
    assert_eq!(nothing, b"");
    for whole in [("bytes=0-1,5-6", tag.as_str()), ("bytes=0-1", "\"another\""), ("bytes=5-2", tag.as_str())] {
        let (status, _, got) = hear(api, Method::GET, &url, &[("range", whole.0), ("if-range", whole.1)]).await;
        assert_eq!((status, got.len()), (StatusCode::OK, 1000), "{whole:?}");
    }
    let (status, _, got) = hear(api, Method::GET, &url, &[("range", "bytes=0-1"), ("if-range", &tag)]).await;
    assert_eq!((status, got.len()), (StatusCode::PARTIAL_CONTENT, 2));
    let (status, _, got) = hear(api, Method::GET, &url, &[("if-none-match", &tag)]).await;
    assert_eq!((status, got.len()), (StatusCode::NOT_MODIFIED, 0));
    let (status, headers, got) = hear(api, Method::HEAD, &url, &[]).await;
    assert_eq!((status, header(&headers, "content-length"), got.len()), (StatusCode::OK, "1000", 0));
    let signed = file(api, &id, "signedUrl").await["signedUrl"].as_str().expect("an address").to_owned();
    let anybody = Api::anonymous(&world.server.url);
    let (status, _, got) = hear(&anybody, Method::GET, &signed, &[("range", "bytes=1-2")]).await;
    assert_eq!((status, got), (StatusCode::PARTIAL_CONTENT, vec![1, 2]));
}

async fn what_could_run_is_never_shown(world: World) {
    let api = &world.admin.api;
    let page = "<script>alert(document.cookie)</script>";
    for (name, content_type, served) in [
        ("a.html", "text/html", "text/html"),
        ("a.svg", "image/svg+xml", "image/svg+xml"),
        ("a.xhtml", "application/xhtml+xml", "application/xhtml+xml"),
        ("a.xml", "text/xml", "text/xml"),
        ("a.pdf", "application/pdf", "application/pdf"),
        ("a.js", "text/javascript", "text/javascript"),
        // It says that it is a picture, and is none.
        ("a.png", "image/png", "application/octet-stream"),
        ("a.mp4", "video/mp4", "application/octet-stream"),
        ("a", "nonsense", "application/octet-stream"),
    ] {
        let response = if content_type == "nonsense" {
            super::post(
                api,
                reqwest::multipart::Form::new().part("f", reqwest::multipart::Part::text(page).file_name(name)),
            )
            .await
        } else {
            super::post(api, reqwest::multipart::Form::new().part("f", super::part(name, content_type, page))).await
        };
        let id = response.json::<serde_json::Value>().await.expect("JSON")["id"].as_str().expect("an id").to_owned();
        let url = format!("{}/files/{id}", world.server.url);
        let signed = file(api, &id, "signedUrl").await["signedUrl"].as_str().expect("an address").to_owned();
        for url in [url, signed] {
            let (status, headers, _) = hear(api, Method::GET, &url, &[]).await;
            assert_eq!(status, StatusCode::OK);
            assert_eq!(header(&headers, "content-type"), served, "{name}");
            assert!(header(&headers, "content-disposition").starts_with("attachment; filename=\"a"), "{name}");
            assert_eq!(header(&headers, "x-content-type-options"), "nosniff");
            assert_eq!(header(&headers, "content-security-policy"), "default-src 'none'; sandbox");
        }
    }
    let id = upload(api, "Фото.png", "image/png", PIXEL).await;
    let (_, headers, _) = hear(api, Method::GET, &format!("{}/files/{id}", world.server.url), &[]).await;
    let disposition = header(&headers, "content-disposition");
    assert_eq!(disposition, "inline; filename=\"____.png\"; filename*=UTF-8''%D0%A4%D0%BE%D1%82%D0%BE.png");
    let policy = header(&headers, "content-security-policy");
    assert!(
        policy.contains("default-src 'none'") && policy.contains("sandbox") && !policy.contains("script"),
        "{policy}"
    );
    assert_eq!(header(&headers, "x-content-type-options"), "nosniff");
}

async fn a_signed_address_is_good_for_one_thing_for_a_while(world: World) {
    let api = &world.admin.api;
    let id = upload(api, "a.txt", "text/plain", "a").await;
    let signed = file(api, &id, "signedUrl").await["signedUrl"].as_str().expect("an address").to_owned();
    let anybody = Api::anonymous(&world.server.url);
    assert_eq!(get(&anybody, &json!(signed)).await.0, StatusCode::OK);
    let (path, query) = signed.split_once('?').expect("a query");
    let (until, signature) = query.split_once('&').expect("two parameters");
    let until: i64 = until.trim_start_matches("until=").parse().expect("a time");
    let minutes = (until - Time::now().0) / 1000;
    assert!((240..=300).contains(&minutes), "five minutes: {minutes} s");

    let signature = signature.trim_start_matches("signature=");
    let other = upload(api, "b.txt", "text/plain", "b").await;
    for wrong in [
        format!("{path}?until={}&signature={signature}", until + 60_000),
        format!("{path}?until={until}&signature={}", signature.to_lowercase()),
        format!("{path}?until={until}&signature="),
        format!("{}/files/{other}?until={until}&signature={signature}", world.server.url),
        format!("{path}/preview?until={until}&signature={signature}"),
        format!("{}/media/{id}/{until}.{signature}/file.txt", world.server.url),
    ] {
        assert_eq!(get(&anybody, &json!(wrong)).await.0, StatusCode::NOT_FOUND, "{wrong}");
    }
    // What was signed for a moment that is past.
    let app = &world.server.running().app;
    let row = AttachmentId::parse(&id).expect("an id");
    let past = Time::now().plus(-1);
    let signature = app.secrets.sign(&format!("file {id}"), past);
    assert!(by_signature(app, Purpose::File, row, past, &signature).await.expect("an answer").is_none());
    let expired = json!(format!("{path}?until={}&signature={signature}", past.0));
    assert_eq!(get(&anybody, &expired).await.0, StatusCode::NOT_FOUND);
}

async fn a_messenger_fetches_what_it_is_to_send(mut world: World) {
    let api = world.admin.api.clone();
    let anybody = Api::anonymous(&world.server.url);
    for (name, content_type, bytes, end) in [
        ("Фото.JPEG", "image/png", PIXEL, "/file.png"),
        ("Отчёт.PDF", "application/pdf", &b"%PDF-1.7"[..], "/file.pdf"),
        ("noname", "text/html", b"<script>", "/file.html"),
    ] {
        let id = upload(&api, name, content_type, bytes).await;
        let app = &world.server.running().app;
        let url = public_url(app, &row(app, &id).await).expect("the outside reaches us");
        assert!(url.starts_with(&format!("{}/media/{id}/", world.server.url)) && url.ends_with(end), "{url}");
        let (status, headers, got) = hear(&anybody, Method::GET, &url, &[]).await;
        assert_eq!((status, got), (StatusCode::OK, bytes.to_vec()));
        let how = if name.ends_with("JPEG") { "inline" } else { "attachment" };
        assert!(header(&headers, "content-disposition").starts_with(how), "{name}");
        let (status, headers, got) = hear(&anybody, Method::HEAD, &url, &[]).await;
        assert_eq!((status, got.len()), (StatusCode::OK, 0));
        assert_eq!(header(&headers, "content-length"), bytes.len().to_string());
        let (signed, _) = url.rsplit_once('/').expect("a name");
        let (until, signature) = signed.rsplit('/').next().expect("a part").split_once('.').expect("both");
        let days = (until.parse::<i64>().expect("a time") - Time::now().0) / (24 * 60 * 60 * 1000);
        assert!(days >= 14, "a device may be offline for 14 days: {days}");
        for wrong in [
            format!("{}/files/{id}?until={until}&signature={signature}", world.server.url),
            url.replace(until, "9999999999999"),
            format!("{}/media/{id}/{until}/file", world.server.url),
            format!("{}/media/{id}/./file", world.server.url),
        ] {
            assert_eq!(get(&anybody, &json!(wrong)).await.0, StatusCode::NOT_FOUND, "{wrong}");
        }
        // Whatever the name is that a messenger asks for.
        assert_eq!(ask(&anybody, &format!("{signed}/a.jpg")).send().await.expect("an answer").status(), StatusCode::OK);
    }
    let id = upload(&api, "a.txt", "text/plain", "a").await;
    world.hide_from_outside().await;
    let app = &world.server.running().app;
    assert_eq!(public_url(app, &row(app, &id).await), None);
}

async fn the_file_of_a_deleted_message_is_had_by_nobody(world: World) {
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &Person::new(5871), "Hello").await;
    let api = &world.admin.api;
    let mut feed = world.follow(api, None).await;
    let id = upload(api, "price.txt", "text/plain", "nine ninety").await;
    let message: String = super::send(api, &dialogue, "", &[&id]).await.get("sendMessage.message.id");
    feed.until_delivery(&message, "SENT").await;
    let signed = file(api, &id, "signedUrl").await["signedUrl"].as_str().expect("an address").to_owned();
    let anybody = Api::anonymous(&world.server.url);
    assert_eq!(hear(&anybody, Method::GET, &signed, &[]).await.0, StatusCode::OK);

    // Before the messenger knows, and after.
    let gate = world.telegram.gate_next("deleteMessage");
    let delete = "mutation($id: ID!) { deleteMessage(messageId: $id) { message { id } } }";
    api.run(delete, json!({ "id": message })).await.data();
    let own = format!("{}/files/{id}", world.server.url);
    let statuses = async || {
        let signed = hear(&anybody, Method::GET, &signed, &[]).await.0;
        (signed.as_u16(), hear(api, Method::GET, &own, &[]).await.0.as_u16())
    };
    assert_eq!(statuses().await, (404, 404));
    gate.release();
    world.telegram.wait_for_calls("deleteMessage", 1).await;
    // What is sent next waits for the change.
    let next = world.admin.send(&dialogue, "next").await;
    feed.until_delivery(&next, "SENT").await;
    assert_eq!(statuses().await, (404, 404));
    let again = super::send(api, &dialogue, "", &[&id]).await;
    assert_eq!((again.error_code(), again.error_field()), ("BAD_USER_INPUT", Some("input.fileIds")));
}

async fn who_loses_the_dialogue_loses_its_files(world: World) {
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &Person::new(5872), "Hello").await;
    let observer = world.user("OBSERVER").await;
    let id = upload(&world.admin.api, "Фото.png", "image/png", PIXEL).await;
    super::send(&world.admin.api, &dialogue, "", &[&id]).await.data();
    world.admin.set_participant(&dialogue, &observer.id, "OBSERVER").await;
    let url = format!("{}/files/{id}", world.server.url);
    assert_eq!(hear(&observer.api, Method::GET, &url, &[]).await.0, StatusCode::OK);
    let remove = "mutation($d: ID!, $u: ID!) { removeParticipant(dialogueId: $d, userId: $u) { dialogue { id } } }";
    world.admin.api.run(remove, json!({ "d": dialogue, "u": observer.id })).await.data();
    for url in [url.clone(), format!("{url}/preview")] {
        assert_eq!(hear(&observer.api, Method::GET, &url, &[]).await.0, StatusCode::NOT_FOUND, "{url}");
    }
}
