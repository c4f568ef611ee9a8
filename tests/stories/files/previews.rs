//! Previews: a small picture of each picture, for who may see it.

use image::{DynamicImage, ImageFormat};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{ask, file, files, get, upload};
use crate::harness::client::Api;
use crate::harness::story::stories;
use crate::harness::updates::{Person, document};
use crate::harness::world::World;

stories!(World:
    a_picture_from_a_client_is_ready_with_its_preview,
    an_uploaded_picture_has_one_soon,
    what_is_no_picture_has_none,
);

const FIELDS: &str = "id state contentType width height previewUrl url";

/// A picture of this size, see-through or not.
fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    DynamicImage::new_rgb8(width, height).write_to(&mut bytes, format).expect("a picture");
    bytes.into_inner()
}

/// The file once it has a preview: that is made beside the upload.
pub async fn previewed(api: &Api, id: &str) -> Value {
    loop {
        let read = file(api, id, FIELDS).await;
        if read["previewUrl"] != Value::Null {
            return read;
        }
        tokio::task::yield_now().await;
    }
}

async fn a_picture_from_a_client_is_ready_with_its_preview(world: World) {
    let channel = world.connect_channel("Shop").await;
    world.telegram.file("photo", picture(800, 600, ImageFormat::Jpeg));
    let mut feed = world.follow(&world.admin.api, None).await;
    let anna = Person::new(5841);
    let mut update = anna.sends(document("photo", 1));
    update["message"]["document"]["mime_type"] = json!("image/jpeg");
    world.take(&channel, &update).await;
    feed.until(|event| event["kind"] == "MESSAGE_FILE_CHANGED").await;
    let dialogue = world.dialogue(&channel, &anna).await;
    let [photo] = &files(&world.admin, &dialogue).await[..] else { panic!("one file") };
    let id = photo["id"].as_str().expect("an id");
    let read = file(&world.admin.api, id, FIELDS).await;
    assert_eq!((&read["width"], &read["height"], &read["state"]), (&json!(800), &json!(600), &json!("READY")));

    let anybody = Api::anonymous(&world.server.url);
    let (status, bytes) = get(&anybody, &read["previewUrl"]).await;
    assert_eq!(status, StatusCode::OK);
    let preview = image::load_from_memory_with_format(&bytes, ImageFormat::Jpeg).expect("a JPEG");
    assert_eq!((preview.width(), preview.height()), (320, 240));

    // The same rights as the file's, and a signature of its own.
    let bare = json!(format!("{}/files/{id}/preview", world.server.url));
    let observer = world.user("OBSERVER").await;
    assert_eq!(get(&anybody, &bare).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(get(&observer.api, &bare).await.0, StatusCode::NOT_FOUND);
    assert_eq!(get(&world.admin.api, &bare).await.1, bytes);
    let signed = read["previewUrl"].as_str().expect("an address");
    let as_file = json!(signed.replace("/preview?", "?"));
    assert_eq!(get(&anybody, &as_file).await.0, StatusCode::NOT_FOUND, "it opens the preview alone");
    let headers = ask(&anybody, signed).send().await.expect("an answer").headers().clone();
    assert_eq!(
        (&headers["content-type"], &headers["x-content-type-options"]),
        (&"image/jpeg".parse().expect("a value"), &"nosniff".parse().expect("a value"))
    );
    let known = ask(&anybody, signed).header("if-none-match", &headers["etag"]).send().await.expect("an answer");
    assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
}

async fn an_uploaded_picture_has_one_soon(world: World) {
    let api = &world.admin.api;
    for (format, content_type) in [
        (ImageFormat::Png, "image/png"),
        (ImageFormat::Gif, "image/gif"),
        (ImageFormat::WebP, "image/webp"),
        // What it is called does not matter.
        (ImageFormat::Jpeg, "application/octet-stream"),
    ] {
        let id = upload(api, "a", content_type, picture(640, 20, format)).await;
        let read = previewed(api, &id).await;
        assert_eq!((&read["width"], &read["height"]), (&json!(640), &json!(20)), "{format:?}");
        let (status, bytes) = get(api, &read["previewUrl"]).await;
        assert_eq!(status, StatusCode::OK);
        let preview = image::load_from_memory(&bytes).expect("a picture");
        assert_eq!((preview.width(), preview.height()), (320, 10), "{format:?}");
    }
}

async fn what_is_no_picture_has_none(world: World) {
    let channel = world.connect_channel("Shop").await;
    // It begins as a PNG, says that it has 30,000 pixels a side, and is a few bytes.
    let mut bomb = picture(1, 1, ImageFormat::Png);
    bomb[16..24].copy_from_slice(&[0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30]);
    world.telegram.file("bomb", bomb);
    world.telegram.file("drawing", "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>");
    world.telegram.file("half", picture(100, 100, ImageFormat::Png)[..60].to_vec());
    let mut feed = world.follow(&world.admin.api, None).await;
    let anna = Person::new(5843);
    for (name, content_type) in [("bomb", "image/png"), ("drawing", "image/svg+xml"), ("half", "image/png")] {
        let mut update = anna.sends(document(name, 1));
        update["message"]["document"]["mime_type"] = json!(content_type);
        world.take(&channel, &update).await;
        feed.until(|event| event["kind"] == "MESSAGE_FILE_CHANGED").await;
    }
    let dialogue = world.dialogue(&channel, &anna).await;
    let all = files(&world.admin, &dialogue).await;
    assert_eq!(all.len(), 3);
    for one in all {
        assert_eq!(one["state"], "READY", "the file is there all the same");
        let id = one["id"].as_str().expect("an id");
        assert_eq!(file(&world.admin.api, id, "previewUrl").await["previewUrl"], Value::Null);
        let bare = json!(format!("{}/files/{id}/preview", world.server.url));
        assert_eq!(get(&world.admin.api, &bare).await.0, StatusCode::NOT_FOUND);
    }
}
