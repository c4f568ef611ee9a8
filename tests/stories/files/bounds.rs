//! Bounds of files: the largest one, how many, what each messenger takes, and where files are fetched from.

use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream;
use reqwest::multipart::{Form, Part};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use colloquy::inbox::files::LARGEST;
use colloquy::messenger::Fault;

use super::{kept, part, post, refused, send, upload};
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::World;

stories!(World:
    a_message_has_as_much_as_its_messenger_takes,
    an_upload_that_breaks_off_leaves_nothing,
    a_form_that_never_begins_is_not_waited_for,
    one_user_fills_no_disk,
);

stories!(World, Sqlite: a_file_over_the_limit_leaves_nothing);
stories!(World, Sqlite: a_payload_leads_to_no_internal_address);

async fn a_message_has_as_much_as_its_messenger_takes(world: World) {
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &Person::new(5811), "Hello").await;
    let api = &world.admin.api;
    let large = upload(api, "film.avi", "video/x-msvideo", vec![7; (50 << 20) + 1]).await;
    let small = upload(api, "a.txt", "text/plain", "a").await;
    let refused = send(api, &dialogue, "Look", &[&small, &large]).await;
    assert_eq!((refused.error_code(), refused.error_field()), ("BAD_USER_INPUT", Some("input.fileIds")));
    let words = refused.error()["message"].as_str().expect("words");
    assert_eq!(words, "Telegram takes videos of 50 MiB at most; film.avi has 50.1 MiB");
    assert_eq!(world.admin.messages(&dialogue).await.len(), 1, "nothing was sent");
    send(api, &dialogue, "Look", &[&small]).await.data();

    let mut many = Vec::new();
    for _ in 0..11 {
        many.push(upload(api, "a.txt", "text/plain", "a").await);
    }
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(send(api, &dialogue, "", &many).await.error_field(), Some("input.fileIds"));
    send(api, &dialogue, "", &many[..10]).await.data();
}

/// What a program writes that uploads by hand.
fn head(world: &World, length: &str) -> String {
    let token = world.admin.api.token.as_deref().expect("signed in");
    format!(
        "POST /files HTTP/1.1\r\nhost: here\r\nauthorization: Bearer {token}\r\n{length}\r\n\
         content-type: multipart/form-data; boundary=edge\r\n\r\n"
    )
}

const OPENING: &str = "--edge\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\n\r\n";

async fn connect(world: &World) -> TcpStream {
    TcpStream::connect(world.server.url.trim_start_matches("http://")).await.expect("it listens")
}

async fn an_upload_that_breaks_off_leaves_nothing(mut world: World) {
    let mut stream = connect(&world).await;
    let request = format!("{}{OPENING}", head(&world, "content-length: 20000000"));
    stream.write_all(request.as_bytes()).await.expect("it listens");
    stream.write_all(&vec![7; 8 << 20]).await.expect("it listens");
    drop(stream);
    // What is under way has ended when the server has.
    world.server.stop().await;
    assert_eq!(kept(&world), [0; 0]);
}

/// What is before a form's first part is held by whoever looks for that.
async fn a_form_that_never_begins_is_not_waited_for(world: World) {
    for opening in ["", "--edge\r\nx-endless: "] {
        let mut stream = connect(&world).await;
        let request = head(&world, &format!("content-length: {}", 100 << 20)) + opening;
        stream.write_all(request.as_bytes()).await.expect("it listens");
        let (mut answers, mut pieces) = stream.into_split();
        let piece = vec![b'x'; 64 << 10];
        let write = async {
            let mut written = 0;
            while pieces.write_all(&piece).await.is_ok() {
                written += piece.len();
            }
            written
        };
        let read = async {
            let mut answer = vec![0; 12];
            answers.read_exact(&mut answer).await.map(|_| String::from_utf8_lossy(&answer).into_owned())
        };
        tokio::select! {
            written = write => assert!(written < 20 << 20, "the connection was ended after {written}"),
            answer = read => assert_eq!(answer.expect("an answer"), "HTTP/1.1 400"),
        }
    }
    assert_eq!(kept(&world), [0; 0]);
}

async fn a_file_over_the_limit_leaves_nothing(world: World) {
    // One that says so is not read.
    let mut stream = connect(&world).await;
    let request = head(&world, &format!("content-length: {}\r\nconnection: close", 300u64 << 20));
    stream.write_all(request.as_bytes()).await.expect("it listens");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");

    // One that does not is read until it is too much.
    let piece = bytes::Bytes::from(vec![7; 1 << 20]);
    let pieces = (LARGEST >> 20) as usize;
    let too_much = stream::iter((0..pieces).map(move |_| Ok::<_, std::io::Error>(piece.clone())));
    let too_much = futures_util::StreamExt::chain(too_much, stream::iter([Ok("!".into())]));
    let file = Part::stream(reqwest::Body::wrap_stream(too_much)).file_name("a.bin");
    let response = post(&world.admin.api, Form::new().part("file", file)).await;
    assert_eq!(refused(response).await, (413, "BAD_USER_INPUT".into()));
    assert_eq!(kept(&world), [0; 0]);
    let unsent = "{ viewer { id } }";
    world.admin.api.run(unsent, serde_json::Value::Null).await.data();
}

async fn one_user_fills_no_disk(world: World) {
    let anna = world.user("EMPLOYEE").await;
    for _ in 0..10 {
        // As many as one may upload at a time.
        join_all((0..10).map(|_| upload(&anna.api, "a.txt", "text/plain", "a"))).await;
    }
    let form = Form::new().part("file", part("a.txt", "text/plain", "a"));
    assert_eq!(refused(post(&anna.api, form).await).await, (429, "RATE_LIMITED".into()));
    assert_eq!(kept(&world).len(), 100);
    upload(&world.admin.api, "a.txt", "text/plain", "a").await;
    let app = &world.server.running().app;
    let tomorrow = colloquy_entity::Time::now().plus(25 * 60 * 60 * 1000);
    assert_eq!(colloquy::inbox::files::sweep(app, tomorrow).await.expect("it sweeps"), 101);
    upload(&anna.api, "a.txt", "text/plain", "a").await;
}

/// What VK and Viber name as media is fetched by the app's `Web`; it knows only the settings' own hosts of this machine.
async fn a_payload_leads_to_no_internal_address(world: World) {
    let inside = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let web = &world.server.running().app.web;
    let port = inside.local_addr().expect("an address").port();
    for url in [
        format!("http://127.0.0.1:{port}/latest/meta-data?token=hidden"),
        format!("http://localhost:{port}/?token=hidden"),
        "http://169.254.169.254/latest/meta-data?token=hidden".into(),
        "http://[::ffff:10.0.0.1]/?token=hidden".into(),
    ] {
        match web.fetch(&url, LARGEST).await {
            Err(Fault::Final { words, .. }) => assert!(!words.contains("hidden"), "{words}"),
            Err(fault) => panic!("{url}: {fault}"),
            Ok(_) => panic!("{url} was fetched"),
        }
    }
    let connected = tokio::time::timeout(Duration::ZERO, inside.accept()).await;
    assert!(connected.is_err(), "nobody connected");
    // The settings' own host answers, if only that there is nothing.
    let of_telegram = web.fetch(&format!("{}/file/none", world.telegram.url()), LARGEST).await;
    assert!(matches!(of_telegram, Err(Fault::Final { words, .. }) if words.contains("gone")));
    assert_eq!(kept(&world), [0; 0]);
}
