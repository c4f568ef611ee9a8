//! Files in S3: as in a folder, and a wrong setting ends the start.

use futures_util::stream;
use reqwest::StatusCode;
use reqwest::multipart::{Form, Part};
use url::Url;

use colloquy::inbox::files::sweep;
use colloquy::messenger::Secret;
use colloquy_entity::Time;

use super::previews::previewed;
use super::uploads::PIXEL;
use super::{ask, post, send, upload};
use crate::harness::Backend;
use crate::harness::s3::FakeS3;
use crate::harness::story::stories;
use crate::harness::updates::{Person, document};
use crate::harness::world::World;

stories!(OnS3: files_go_to_s3_and_come_back, nothing_is_left_in_s3_of_what_breaks_off, a_store_that_refuses_ends_the_start);

/// A world that keeps its files in a pretend S3.
struct OnS3 {
    world: World,
    s3: FakeS3,
}

impl OnS3 {
    async fn start(backend: Backend) -> Self {
        let s3 = FakeS3::start().await;
        let world = World::start_with(backend, |config| {
            config.files_url = s3.files_url();
            config.s3 = Some(s3.settings());
        });
        Self { world: world.await, s3 }
    }
}

async fn files_go_to_s3_and_come_back(OnS3 { world, s3 }: OnS3) {
    assert!(s3.objects().is_empty(), "what was tried out at the start is gone");
    let channel = world.connect_channel("Shop").await;
    let anna = Person::new(5851);
    let dialogue = world.write(&channel, &anna, "Hello").await;
    let api = &world.admin.api;
    let large: Vec<u8> = (0..3_000_000u32).flat_map(u32::to_le_bytes).collect();
    let id = upload(api, "large.bin", "application/zip", large.clone()).await;
    let unsent = upload(api, "a.png", "image/png", PIXEL).await;
    previewed(api, &unsent).await;
    assert!(s3.objects().keys().all(|key| key.starts_with("kept/here/fil_")), "{:?}", s3.objects().keys());
    assert_eq!((s3.objects().len(), s3.unfinished()), (3, 0));

    let mut feed = world.follow(api, None).await;
    let message: String = send(api, &dialogue, "", &[&id]).await.get("sendMessage.message.id");
    feed.until_delivery(&message, "SENT").await;
    assert!(world.telegram.sent()[0].file.as_ref().expect("a file").bytes == large, "byte for byte");
    let url = format!("{}/files/{id}", world.server.url);
    let whole = ask(api, &url).send().await.expect("an answer").bytes().await.expect("the bytes");
    assert!(whole == large, "byte for byte");
    let part = ask(api, &url).header("range", "bytes=6000000-6000003").send().await.expect("an answer");
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.bytes().await.expect("the bytes"), large[6_000_000..6_000_004]);

    world.telegram.file("price", "nine ninety");
    world.take(&channel, &anna.sends(document("price", 11))).await;
    feed.until(|event| event["kind"] == "MESSAGE_FILE_CHANGED").await;
    assert!(s3.objects().values().any(|object| object == "nine ninety"));
    let tomorrow = Time::now().plus(25 * 60 * 60 * 1000);
    assert_eq!(sweep(&world.server.running().app, tomorrow).await.expect("it sweeps"), 1);
    assert_eq!(s3.objects().len(), 2, "the picture nobody sent is gone with its preview");
}

async fn nothing_is_left_in_s3_of_what_breaks_off(OnS3 { mut world, s3 }: OnS3) {
    let pieces = (0..12).map(|n| if n < 11 { Ok(vec![7; 1 << 20]) } else { Err(std::io::Error::other("gone")) });
    let file = Part::stream(reqwest::Body::wrap_stream(stream::iter(pieces))).file_name("a.bin");
    let form = Form::new().part("file", file);
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let token = world.admin.api.token.clone().expect("signed in");
    let broken = http.post(format!("{}/files", world.server.url)).bearer_auth(token).multipart(form).send().await;
    assert!(broken.is_err(), "it broke off");
    let empty = Form::new().part("file", Part::bytes(Vec::new()).file_name("a"));
    assert_eq!(post(&world.admin.api, empty).await.status(), StatusCode::BAD_REQUEST);
    // What is under way has ended when the server has.
    world.server.stop().await;
    assert_eq!((s3.begun(), s3.objects().len(), s3.unfinished()), (2, 0, 0));
}

async fn a_store_that_refuses_ends_the_start(OnS3 { mut world, s3 }: OnS3) {
    world.server.stop().await;
    let refusal = async |url: Url, secret: Option<&str>| {
        let mut settings = s3.settings();
        if let Some(secret) = secret {
            settings.secret_access_key = Secret::new(secret.to_owned());
        }
        let started = world.try_another_with(|config| {
            config.files_url = url;
            config.s3 = Some(settings);
        });
        started.await.err().expect("it does not start")
    };
    let words = refusal(s3.files_url(), Some("a wrong one")).await;
    assert!(
        words.starts_with("FILES_URL: the bucket attachments refuses us") && !words.contains("a wrong one"),
        "{words}"
    );
    let words = refusal("s3://elsewhere".parse().expect("an address"), None).await;
    assert_eq!(words, "FILES_URL: there is no bucket elsewhere");
}
