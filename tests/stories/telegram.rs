//! The pretend Telegram itself, seen by the client that it is made for.

use std::future::IntoFuture as _;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use colloquy::messenger::telegram::{CallError, Telegram};
use colloquy::messenger::{self, Incoming, Messenger as _, Outgoing, OutgoingFile, Secret, Sent, http_client, verify};
use colloquy_entity::FileKind;
use futures_util::TryStreamExt as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use colloquy_sandbox::telegram::{FakeTelegram, Fault};

const TOKEN: &str = "7000000001:test";
const CHAT: i64 = 5_000_000_101;

async fn start() -> (FakeTelegram, Telegram) {
    let fake = FakeTelegram::start().await;
    fake.bot(TOKEN, "inbox_bot");
    let bot = client(&fake, TOKEN);
    (fake, bot)
}

fn client(fake: &FakeTelegram, token: &str) -> Telegram {
    Telegram::new(http_client().expect("a client"), fake.url(), Secret::new(token)).expect("an address")
}

fn text(text: &str) -> Outgoing {
    Outgoing {
        to: CHAT.to_string(),
        text: text.to_owned(),
        reply_to: None,
        files: Vec::new(),
        sender: "Shop".to_owned(),
        repeat_key: 1,
    }
}

async fn send(bot: &Telegram, message: &Outgoing) -> Result<Vec<String>, messenger::Fault> {
    let mut sent = Sent::default();
    bot.send(message, &mut sent).await.map(|()| sent.external_ids)
}

fn update(id: i64, message_id: i64, text: &str) -> Value {
    json!({ "update_id": id, "message": {
        "message_id": message_id,
        "date": 1_790_000_000,
        "from": { "id": CHAT, "is_bot": false, "first_name": "Анна" },
        "chat": { "id": CHAT, "type": "private", "first_name": "Анна" },
        "text": text,
    } })
}

#[tokio::test]
async fn an_open_one_has_a_bot_for_every_token() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let fake = FakeTelegram::open(listener);
    let bot = client(&fake, "7000000002:never-seen");
    assert_eq!(bot.me().await.unwrap().username.as_deref(), Some("pretend_7000000002_bot"));
    assert!(client(&fake, "letters:never-seen").me().await.is_err(), "a bot's id is a number");
    let second = async {
        send(&bot, &text("first")).await.unwrap();
        send(&bot, &text("second")).await.unwrap();
    };
    let (heard, ()) = tokio::join!(fake.message(1), second);
    assert_eq!(heard.text.as_deref(), Some("second"));
    assert_eq!(fake.last_called().as_deref(), Some("7000000002:never-seen"));
    assert!(fake.knows("7000000002:never-seen") && !fake.knows("letters:never-seen"));
}

#[tokio::test]
async fn tokens_are_told_apart() {
    let (fake, bot) = start().await;
    let me = bot.me().await.unwrap();
    assert_eq!((me.id, me.username.as_deref()), (7_000_000_001, Some("inbox_bot")));
    for token in ["7000000002:unknown", "malformed"] {
        let error = client(&fake, token).me().await.unwrap_err();
        assert!(matches!(error, CallError::Refused { code: 401, .. }), "{token}: {error:?}");
    }
    fake.set_revoked(TOKEN, true);
    assert!(matches!(send(&bot, &text("x")).await, Err(messenger::Fault::Broken { .. })));
}

#[tokio::test]
async fn messages_are_recorded_with_growing_ids() {
    let (fake, bot) = start().await;
    fake.push(TOKEN, update(1, 41, "вопрос"));
    assert_eq!(send(&bot, &text("первый")).await.unwrap(), [format!("{CHAT}:42")]);
    let picture = OutgoingFile {
        name: "Фото.png".to_owned(),
        content_type: "image/png".to_owned(),
        kind: FileKind::Image,
        size: 3,
        url: None,
        bytes: Arc::new(Bytes::from_static(b"PNG")),
    };
    let reply_to = Some(format!("{CHAT}:41"));
    send(&bot, &Outgoing { files: vec![picture], reply_to, ..text("второй") }).await.unwrap();

    let [first, second] = fake.wait_for_sent(2).await.try_into().unwrap();
    assert_eq!((first.method.as_str(), first.token.as_str()), ("sendMessage", TOKEN));
    assert_eq!((first.chat_id, first.text.as_deref(), first.message_id), (Some(CHAT), Some("первый"), Some(42)));
    assert_eq!(first.arguments.get("parse_mode"), None);
    assert!(first.at <= second.at);
    assert_eq!((second.method.as_str(), second.reply_to), ("sendPhoto", Some(41)));
    assert_eq!((second.caption.as_deref(), second.message_id), (Some("второй"), Some(43)));
    let file = second.file.unwrap();
    assert_eq!((file.name.as_str(), file.content_type.as_str()), ("Фото.png", "image/png"));
    assert_eq!((file.field.as_str(), &file.bytes[..]), ("photo", &b"PNG"[..]));
}

#[tokio::test]
async fn it_fails_on_demand() {
    let (fake, bot) = start().await;
    let bot = bot.with_patience(Duration::from_millis(200));
    let passing = |fault: &messenger::Fault| matches!(fault, messenger::Fault::Passing { .. });

    fake.fail("sendMessage", Some(1), Fault::Html502, 1);
    fake.fail_next("sendMessage", Fault::Status("error-403-blocked"));
    let blocked = send(&bot, &text("a")).await.unwrap_err();
    assert!(matches!(blocked, messenger::Fault::Final { unreachable: true, .. }), "{blocked:?}");
    for fault in [Fault::RateLimited(7), Fault::Html502, Fault::Reset, Fault::Hang, Fault::AcceptedThenReset] {
        fake.fail_next("sendMessage", fault);
        let error = send(&bot, &text("b")).await.unwrap_err();
        assert!(passing(&error), "{fault:?}: {error:?}");
        if let Fault::RateLimited(seconds) = fault {
            let messenger::Fault::Passing { retry_after, whole_channel, .. } = error else { unreachable!() };
            assert_eq!((retry_after, whole_channel), (Some(Duration::from_secs(seconds)), true));
        }
    }
    send(&bot, &text("c")).await.unwrap();
    let texts: Vec<_> = fake.wait_for_sent(2).await.into_iter().map(|call| call.text.unwrap()).collect();
    assert_eq!(texts, ["b", "c"], "the one whose answer was lost, and the last");
    assert_eq!(fake.wait_for_calls("sendMessage", 7).await.len(), 7, "refused ones too");
    assert!(passing(&send(&bot, &Outgoing { to: "1".to_owned(), ..text("d") }).await.unwrap_err()), "that chat's own");
}

#[tokio::test]
async fn updates_are_handed_out_until_confirmed() {
    let (fake, bot) = start().await;
    let waiting = tokio::spawn({
        let bot = bot.clone();
        async move { bot.poll(None).await }
    });
    fake.push(TOKEN, update(10, 1, "раз"));
    let first = waiting.await.unwrap().unwrap();
    assert_eq!(first.updates, [update(10, 1, "раз")]);
    assert_eq!(bot.poll(None).await.unwrap(), first, "not confirmed yet");
    fake.push(TOKEN, update(11, 2, "два"));
    let second = bot.poll(first.cursor.as_deref()).await.unwrap();
    assert_eq!(second.updates, [update(11, 2, "два")]);
    assert_eq!(fake.pending(TOKEN), 1);
    bot.updates(Some(12), Duration::ZERO).await.unwrap();
    fake.wait_for_confirmed(TOKEN).await;
}

#[tokio::test]
async fn one_poll_ends_the_other_and_a_webhook_both() {
    let (fake, bot) = start().await;
    let code = |result: Result<Vec<Value>, CallError>| match result {
        Err(CallError::Refused { code, .. }) => code,
        other => panic!("not refused: {other:?}"),
    };
    let poll = || {
        let bot = bot.clone();
        tokio::spawn(async move { bot.updates(None, Duration::from_secs(50)).await })
    };
    let polls = [poll(), poll()];
    // Whichever came first is ended by the other, and the other by the webhook.
    fake.wait_for_calls("getUpdates", 1).await;
    bot.set_webhook("https://inbox.example/webhooks/telegram/1", &Secret::new("s")).await.unwrap();
    for ended in polls {
        assert_eq!(code(ended.await.unwrap()), 409);
    }
    assert_eq!(code(bot.updates(None, Duration::ZERO).await), 409);
    bot.delete_webhook().await.unwrap();
    assert_eq!(fake.webhook(TOKEN), None);
    assert_eq!(bot.updates(None, Duration::ZERO).await.unwrap(), Vec::<Value>::new());
}

#[tokio::test]
async fn webhooks_are_checked_as_by_the_real_one() {
    let (fake, bot) = start().await;
    let long = "s".repeat(257);
    for (url, secret, description) in [
        ("nowhere", "s", "invalid webhook URL specified"),
        ("http://inbox.example/", "s", "bad webhook: An HTTPS URL must be provided for webhook"),
        ("https://inbox.example:444/", "s", "bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443"),
        ("https://inbox.example/", "s s", "secret token contains unallowed characters"),
        ("https://inbox.example/", &long, "secret token is too long"),
    ] {
        let error = bot.set_webhook(url, &Secret::new(secret)).await.unwrap_err();
        assert_eq!(error.to_string(), format!("Telegram answered 400: Bad Request: {description}"));
    }
    assert_eq!(fake.webhook(TOKEN), None);
}

#[tokio::test]
async fn updates_are_posted_with_the_secret() {
    let (fake, bot) = start().await;
    let (heard, mut hears) = mpsc::unbounded_channel();
    let hook =
        async |State(heard): State<mpsc::UnboundedSender<(HeaderMap, Bytes)>>, headers: HeaderMap, body: Bytes| {
            heard.send((headers, body)).unwrap();
            StatusCode::SERVICE_UNAVAILABLE
        };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/webhooks/telegram/1", listener.local_addr().unwrap());
    let app = Router::new().route("/webhooks/telegram/1", post(hook)).with_state(heard);
    tokio::spawn(axum::serve(listener, app).into_future());

    bot.set_webhook(&url, &Secret::new("s3-_")).await.unwrap();
    let webhook = fake.wait_for_webhook(TOKEN).await;
    assert_eq!((webhook.url.as_str(), webhook.secret.as_str()), (url.as_str(), "s3-_"));
    assert_eq!(webhook.allowed_updates, ["message", "edited_message", "callback_query", "my_chat_member"]);
    assert_eq!(fake.deliver(TOKEN, &update(1, 9, "Привет 🇷🇺")).await, StatusCode::SERVICE_UNAVAILABLE);
    let (headers, body) = hears.recv().await.unwrap();
    let secret = headers.get("X-Telegram-Bot-Api-Secret-Token").map(|value| value.as_bytes());
    assert!(verify(&Secret::new("s3-_"), secret));
    assert!(body.is_ascii());
    match bot.read(&serde_json::from_slice(&body).unwrap()) {
        Incoming::Message(message) => assert_eq!(message.text, "Привет 🇷🇺"),
        other => panic!("{other:?}"),
    }
    assert_eq!(send(&bot, &text("x")).await.unwrap(), [format!("{CHAT}:10")], "after the client's message");

    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    bot.set_webhook(&format!("http://{nobody}/"), &Secret::new("s3-_")).await.unwrap();
    assert!(fake.try_deliver(TOKEN, &update(2, 11, "x")).await.is_err());
}

#[tokio::test]
async fn files_come_when_their_gate_opens() {
    let (fake, bot) = start().await;
    fake.file("free", Bytes::from_static(b"free"));
    fake.file("large", vec![0; (20 << 20) + 1]);
    let gate = fake.gated_file("held", vec![7; 300_000]);

    let held = tokio::spawn({
        let bot = bot.clone();
        async move { bot.download("held").await.unwrap().bytes.try_collect::<Vec<Bytes>>().await.unwrap().concat() }
    });
    fake.wait_for_calls("file", 1).await;
    let free = bot.download("free").await.unwrap();
    assert_eq!(free.size, Some(4));
    assert_eq!(free.bytes.try_collect::<Vec<Bytes>>().await.unwrap().concat(), b"free", "not behind the held one");
    assert!(!held.is_finished());
    gate.release();
    assert_eq!(held.await.unwrap(), vec![7; 300_000]);

    let large = bot.download("large").await.err().unwrap();
    assert_eq!(large.words(), "The file is larger than 20 MB, the most that Telegram hands over");
    let gone = bot.download("gone").await.err().unwrap();
    assert_eq!(gone.words(), "Telegram does not have the file at the moment");
    fake.fail_next("file", Fault::Reset);
    let reset = bot.download("free").await.err().unwrap();
    assert_eq!(reset.words(), "The connection to Telegram broke off");
}
