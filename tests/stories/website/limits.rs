//! How much a visitor, and an address, may do at a time.

use serde_json::Value;

use crate::harness::client::Api;
use crate::harness::socket::Raw;
use crate::harness::story::stories;
use crate::harness::visitor::{ORIGIN, Visitor};
use crate::harness::world::World;

stories!(World:
    a_visitor_writes_so_much_at_a_time,
    an_address_has_so_many_new_visitors,
    an_address_has_so_many_files_of_those_who_write_nothing,
    an_address_has_so_many_connections,
);

#[track_caller]
fn limited(answer: &crate::harness::client::Answer) {
    assert_eq!(answer.error_code(), "RATE_LIMITED", "{answer}");
    let wait = answer.error()["extensions"]["retryAfter"].as_u64();
    assert!(wait.is_some_and(|seconds| (1..=3601).contains(&seconds)), "{answer}");
}

async fn a_visitor_writes_so_much_at_a_time(world: World) {
    let channel = world.connect_website("Shop", &[ORIGIN]).await;
    let visitor = Visitor::start(&world, &channel).await;
    for number in 0..30 {
        visitor.say(&format!("message {number}")).await;
    }
    limited(&visitor.send("more", "one more").await);
    let dialogue = world.only_dialogue(&channel).await;
    assert_eq!(world.admin.messages(&dialogue).await.len(), 30, "it was not stored");
    let again = visitor.send("message 7", "message 7").await;
    assert_eq!(again.at("sendMessage.message.text"), "message 7", "what was sent is answered as before");
    assert_eq!(visitor.chat().await["name"], "Shop", "reading goes on");
    let other = Visitor::start(&world, &channel).await;
    other.say("Hello").await;
}

/// A page in the browser of somebody at another address, behind a proxy of ours.
async fn say_from(address: &str, api: &Api, key: &str) -> Value {
    let document = format!("mutation {{ sendMessage(text: \"Hello\", key: \"{key}\") {{ message {{ id }} }} }}");
    let request = api.request(&document, &Value::Null).header("X-Forwarded-For", format!("203.0.113.99, {address}"));
    request.send().await.expect("an answer").json().await.expect("JSON")
}

async fn an_address_has_so_many_new_visitors(world: World) {
    let channel = world.connect_website("Shop", &[ORIGIN]).await;
    let (here, elsewhere) = ("192.0.2.1", "192.0.2.2");
    let mut known = Vec::new();
    for _ in 0..20 {
        let new = Visitor::start(&world, &channel).await;
        assert!(say_from(here, &new.api, "first").await["errors"].is_null());
        known.push(new);
    }
    let one_more = Visitor::start(&world, &channel).await;
    assert_eq!(say_from(here, &one_more.api, "first").await["errors"][0]["extensions"]["code"], "RATE_LIMITED");
    assert_eq!(world.dialogues(&channel).await.len(), 20);
    assert!(say_from(elsewhere, &one_more.api, "first").await["errors"].is_null(), "from another address");
    // Who has written goes on, until all at the address together have written much in a minute.
    let mut written = known.len();
    'minute: for round in 0..10 {
        for visitor in &known {
            let answer = say_from(here, &visitor.api, &format!("round {round}")).await;
            if !answer["errors"].is_null() {
                assert_eq!(answer["errors"][0]["extensions"]["code"], "RATE_LIMITED");
                break 'minute;
            }
            written += 1;
        }
    }
    assert_eq!(written, 120);
    assert!(say_from(elsewhere, &known[0].api, "from elsewhere").await["errors"].is_null());
}

async fn an_address_has_so_many_files_of_those_who_write_nothing(world: World) {
    let channel = world.connect_website("Shop", &[ORIGIN]).await;
    for number in 0..30 {
        let visitor = Visitor::start(&world, &channel).await;
        assert_eq!(visitor.upload("a.txt", "text/plain", b"a".to_vec()).await.0, 200, "{number}");
    }
    let one_more = Visitor::start(&world, &channel).await;
    let (status, body) = one_more.upload("a.txt", "text/plain", b"a".to_vec()).await;
    assert_eq!((status.as_u16(), &body["errors"][0]["extensions"]["code"]), (429, &"RATE_LIMITED".into()));
    assert!(body["errors"][0]["extensions"]["retryAfter"].as_u64().is_some_and(|seconds| seconds > 0), "{body}");
    one_more.say("Hello").await;
    assert_eq!(one_more.upload("a.txt", "text/plain", b"a".to_vec()).await.0, 200, "who has written sends files");
    // In all twenty within an hour, of which ten wait to be sent.
    let mut taken = 1;
    loop {
        let (status, body) = one_more.upload("a.txt", "text/plain", b"a".to_vec()).await;
        if status != 200 {
            assert_eq!(status, 429, "{body}");
            break;
        }
        taken += 1;
        let id = body["id"].as_str().expect("an id");
        let sent = one_more.send_with(&format!("file {taken}"), serde_json::json!({ "files": [id] })).await;
        assert!(sent.errors().is_empty(), "{sent}");
    }
    assert_eq!(taken, 20);
}

async fn an_address_has_so_many_connections(world: World) {
    let channel = world.connect_website("Shop", &[ORIGIN]).await;
    let visitor = Visitor::start(&world, &channel).await;
    let mut open = Vec::new();
    let url = format!("{}/chat", world.server.url);
    for _ in 0..100 {
        open.push(Raw::open_with(&url, &[("Origin", ORIGIN)]).await.expect("it opens"));
    }
    let refused = match Raw::open_with(&url, &[("Origin", ORIGIN)]).await {
        Err(tokio_tungstenite::tungstenite::Error::Http(response)) => response.status().as_u16(),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("the 101st was opened"),
    };
    assert_eq!(refused, 429);
    assert!(visitor.chat().await["name"].is_string(), "who asks without one is answered");
    let elsewhere = Raw::open_with(&url, &[("Origin", ORIGIN), ("X-Forwarded-For", "192.0.2.1")]).await;
    elsewhere.expect("another address");
}
