//! The client against the pretend VK: files in three steps, byte for byte, and their keeping through an edit.

use std::sync::Arc;

use axum::body::Bytes;
use colloquy::messenger::vk::Vk;
use colloquy::messenger::web::Web;
use colloquy::messenger::{Fault, Messenger as _, Outgoing, OutgoingFile, Secret, Sent, http_client};
use colloquy_entity::FileKind;
use colloquy_sandbox::vk::{self, FakeVk};

const GROUP: i64 = 200_000_001;
const ANNA: i64 = 700_000_101;

async fn begin() -> (FakeVk, Vk) {
    let fake = FakeVk::start().await;
    fake.community(GROUP, "vk1.a.wire", "Shop");
    fake.says(GROUP, ANNA, "Hello");
    let http = http_client().expect("TLS");
    let vk =
        Vk::new(http, Web::new(&[]).expect("TLS"), fake.url(), GROUP, Secret::new("vk1.a.wire")).expect("an address");
    (fake, vk)
}

fn file(kind: FileKind, name: &str, content_type: &str, bytes: Vec<u8>) -> OutgoingFile {
    OutgoingFile {
        kind,
        name: name.into(),
        content_type: content_type.into(),
        size: bytes.len() as u64,
        bytes: Arc::new(Bytes::from(bytes)),
        url: None,
    }
}

fn message(text: &str, files: Vec<OutgoingFile>) -> Outgoing {
    let (to, sender) = (ANNA.to_string(), "Shop".into());
    Outgoing { to, text: text.into(), reply_to: None, files, sender, repeat_key: 77 }
}

fn some_bytes(length: usize) -> Vec<u8> {
    (0..length).map(|n| u8::try_from(n * 31 % 251).expect("below 251")).collect()
}

#[tokio::test]
async fn files_arrive_byte_for_byte_as_what_they_are() {
    let (fake, vk) = begin().await;
    let large = some_bytes(3 << 20);
    let files = vec![
        file(FileKind::Image, "Вид \"спереди\".png", "image/png", some_bytes(1000)),
        file(FileKind::Document, "Договор.pdf", "application/pdf", large.clone()),
        file(FileKind::Voice, "voice.ogg", "audio/ogg", some_bytes(77)),
        file(FileKind::Image, "moving.gif", "image/gif", some_bytes(5)),
        file(FileKind::Video, "clip.mp4", "video/mp4", Vec::new()),
    ];
    let mut sent = Sent::default();
    vk.send(&message("Here", files), &mut sent).await.expect("sent");

    let [arrived] = &fake.sent(GROUP)[..] else { panic!("one message") };
    assert_eq!(sent.external_ids, [format!("{ANNA}:{}", arrived.number)]);
    assert_eq!(arrived.text, "Here");
    let told: Vec<(&str, &str, &str)> =
        arrived.files.iter().map(|f| (f.kind.as_str(), f.name.as_str(), f.content_type.as_str())).collect();
    let expected = [
        ("photo", "Вид 'спереди'.png", "image/png"),
        ("doc", "Договор.pdf", "application/pdf"),
        ("audio_message", "voice.ogg", "audio/ogg"),
        ("doc", "moving.gif", "image/gif"),
        ("doc", "clip.mp4", "video/mp4"),
    ];
    assert_eq!(told, expected);
    assert_eq!(arrived.files[0].bytes, some_bytes(1000));
    assert!(arrived.files[1].bytes == large, "3 MiB, each byte");
    assert_eq!(arrived.files[2].bytes, some_bytes(77));

    // Sent once is sent; the same key again is the same message.
    vk.send(&message("Here", Vec::new()), &mut sent).await.expect("nothing to do");
    let mut again = Sent::default();
    vk.send(&message("Here", Vec::new()), &mut again).await.expect("known");
    assert_eq!(again, sent);
    assert_eq!(fake.sent(GROUP).len(), 1);

    // What an edit does not name would be gone.
    let text = message("Here they are", Vec::new());
    vk.edit(&text, &sent).await.expect("edited");
    let [arrived] = &fake.sent(GROUP)[..] else { panic!("one message") };
    assert_eq!((arrived.text.as_str(), arrived.files.len()), ("Here they are", 5));
    vk.edit(&message("", Vec::new()), &sent).await.expect("files need no words");
    vk.delete(&text, &sent).await.expect("removed");
    vk.delete(&text, &sent).await.expect("gone is gone");
    assert!(matches!(vk.edit(&text, &sent).await, Err(Fault::Final { .. })));
}

#[tokio::test]
async fn what_is_taken_for_no_photo_and_no_voice_goes_as_a_document() {
    let (fake, vk) = begin().await;
    fake.fail("upload.photo", None, vk::Fault::Status("upload-photo-empty"), 1);
    let photo = || vec![file(FileKind::Image, "thin.jpg", "image/jpeg", some_bytes(9))];
    vk.send(&message("", photo()), &mut Sent::default()).await.expect("sent");
    fake.fail("photos.saveMessagesPhoto", None, vk::Fault::Status("error-0100"), 1);
    let other = Outgoing { repeat_key: 78, ..message("", photo()) };
    vk.send(&other, &mut Sent::default()).await.expect("sent");
    fake.fail("upload.doc", None, vk::Fault::Status("upload-doc-error"), 1);
    let voice = vec![file(FileKind::Voice, "a.ogg", "audio/ogg", some_bytes(3))];
    vk.send(&Outgoing { repeat_key: 79, ..message("", voice) }, &mut Sent::default()).await.expect("sent");
    let kinds: Vec<String> = fake.sent(GROUP).iter().map(|message| message.files[0].kind.clone()).collect();
    assert_eq!(kinds, ["doc", "doc", "doc"]);
    assert_eq!(fake.sent(GROUP)[0].files[0].bytes, some_bytes(9));
}

#[tokio::test]
async fn a_file_that_vk_does_not_take_is_said_in_words() {
    let (fake, vk) = begin().await;
    fake.fail("upload.doc", None, vk::Fault::Status("upload-doc-error"), 1);
    let song = vec![file(FileKind::Audio, "song.mp3", "audio/mpeg", some_bytes(3))];
    let refused = vk.send(&message("", song), &mut Sent::default()).await.unwrap_err();
    assert_eq!(refused, Fault::fatal("VK does not take the file: file type not allowed"));
    fake.fail("upload.doc", None, vk::Fault::Html502, 1);
    let paper = || vec![file(FileKind::Document, "a.pdf", "application/pdf", some_bytes(3))];
    let passing = vk.send(&message("", paper()), &mut Sent::default()).await.unwrap_err();
    assert_eq!(passing, Fault::passing("VK is not available (a server before it answered 502)"));
    assert!(fake.sent(GROUP).is_empty());
    let mut large = paper();
    large[0].size = (200 << 20) + 1;
    let refused = vk.send(&message("", large), &mut Sent::default()).await.unwrap_err();
    assert!(refused.words().contains("too large"), "{refused}");
    assert_eq!(fake.calls("docs.getMessagesUploadServer").len(), 2, "it is not begun");
}

#[tokio::test]
async fn more_calls_than_vk_allows_are_refused_and_wait() {
    let (fake, vk) = begin().await;
    fake.limit(1);
    vk.send(&message("one", Vec::new()), &mut Sent::default()).await.expect("sent");
    let second = Outgoing { repeat_key: 78, ..message("two", Vec::new()) };
    let slower = vk.send(&second, &mut Sent::default()).await.unwrap_err();
    assert!(matches!(slower, Fault::Passing { whole_channel: true, retry_after: Some(_), .. }), "{slower:?}");
    assert_eq!(fake.sent(GROUP).len(), 1);
}
