//! Every way in which a socket is closed, by its code.

use std::time::Duration;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::{Bounds, Server, Timing, socket::Raw, soon};

fn init(token: &str) -> Value {
    json!({"type": "connection_init", "payload": {"authorization": format!("Bearer {token}")}})
}

fn subscribe(id: &str, query: &str) -> Value {
    json!({"type": "subscribe", "id": id, "payload": {"query": query}})
}

#[tokio::test]
async fn a_malformed_message_closes_with_4400() {
    let server = Server::start().await;
    let bystander = server.connect().await;
    let messages = [
        "",
        "ping",
        "{",
        "\u{0}",
        "null",
        "1",
        "[]",
        r#"["ping"]"#,
        "{}",
        r#"{"type":null}"#,
        r#"{"type":7}"#,
        r#"{"type":""}"#,
        r#"{"type":"start","id":"1"}"#,
        r#"{"type":"next","id":"1","payload":{}}"#,
        r#"{"type":"error","id":"1","payload":[]}"#,
        r#"{"type":"connection_ack"}"#,
        r#"{"type":"ping","payload":1}"#,
        r#"{"type":"pong","payload":"x"}"#,
        r#"{"type":"complete"}"#,
        r#"{"type":"complete","id":""}"#,
        r#"{"type":"complete","id":1}"#,
        r#"{"type":"subscribe","payload":{"query":"{ x }"}}"#,
        r#"{"type":"subscribe","id":"","payload":{"query":"{ x }"}}"#,
        r#"{"type":"subscribe","id":1,"payload":{"query":"{ x }"}}"#,
        r#"{"type":"subscribe","id":null,"payload":{"query":"{ x }"}}"#,
        r#"{"type":"subscribe","id":"1"}"#,
        r#"{"type":"subscribe","id":"1","payload":null}"#,
        r#"{"type":"subscribe","id":"1","payload":"{ x }"}"#,
        r#"{"type":"subscribe","id":"1","payload":{}}"#,
        r#"{"type":"subscribe","id":"1","payload":{"query":1}}"#,
        r#"{"type":"subscribe","id":"1","payload":{"query":null}}"#,
        r#"{"type":"subscribe","id":"1","payload":{"query":"{ x }","operationName":1}}"#,
        r#"{"type":"subscribe","id":"1","payload":{"query":"{ x }","variables":[]}}"#,
        r#"{"type":"subscribe","id":"1","payload":{"query":"{ x }","variables":"x"}}"#,
        r#"{"type":"subscribe","id":"1","payload":{"query":"{ x }","extensions":1}}"#,
    ];
    let long_id = subscribe(&"x".repeat(257), "{ x }").to_string();
    let deep = format!(r#"{{"type":"ping","payload":{{"a":{}}}}}"#, "[".repeat(10_000));
    for message in messages.into_iter().chain([long_id.as_str(), deep.as_str()]) {
        let mut raw = server.acknowledged().await;
        raw.send_frame(Message::text(message)).await;
        let (code, reason) = raw.closed().await;
        assert_eq!(code, 4400, "{message}: {reason}");
        assert!(!reason.is_empty() && reason.len() <= 123, "{message}: {reason}");
    }
    bystander.ping().await;
    let mut query = bystander.subscribe("{ sum(of: [1, 2]) }", json!({}));
    assert_eq!(query.next().await, json!({"data": {"sum": 3}}));
}

#[tokio::test]
async fn frames_that_are_no_text_close_with_4400() {
    let server = Server::start().await;
    for frame in [Message::binary(br#"{"type":"ping"}"#.to_vec()), Message::binary(Vec::new())] {
        let mut raw = server.acknowledged().await;
        raw.send_frame(frame).await;
        assert_eq!(raw.closed().await, (4400, "The message is binary".into()));
    }
}

#[tokio::test]
async fn a_message_that_is_too_large_closes_with_4400() {
    let timing = Timing { close: Duration::from_millis(200), ..Timing::default() };
    let server = Server::with(timing, Bounds::default()).await;
    let bystander = server.connect().await;
    for size in [64 * 1024 + 1, 1024 * 1024] {
        let mut raw = server.acknowledged().await;
        raw.send_frame(Message::text("x".repeat(size))).await;
        let (code, reason) = raw.closed().await;
        assert_eq!(code, 4400, "{reason}");
        assert!(reason.contains("too long"), "{reason}");
    }
    server.has_open(1, 0).await;
    bystander.ping().await;
}

#[tokio::test]
async fn the_largest_message_is_read() {
    let server = Server::start().await;
    let mut raw = server.acknowledged().await;
    let padding = " ".repeat(64 * 1024 - 15);
    raw.send_frame(Message::text(format!(r#"{{"type":"ping"}}{padding}"#))).await;
    assert_eq!(raw.next().await, json!({"type": "pong"}));
}

#[tokio::test]
async fn what_is_no_websocket_frame_closes_with_4400() {
    use tokio_tungstenite::tungstenite::protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    };
    let timing = Timing { close: Duration::from_millis(200), ..Timing::default() };
    let server = Server::with(timing, Bounds::default()).await;
    let frames = [
        Frame::message(vec![0xff, 0xfe], OpCode::Data(Data::Text), true),
        Frame::message(b"x".to_vec(), OpCode::Data(Data::Continue), true),
        Frame::message(b"x".to_vec(), OpCode::Data(Data::Reserved(5)), true),
    ];
    for frame in frames {
        let mut raw = server.acknowledged().await;
        raw.send_frame(Message::Frame(frame)).await;
        assert_eq!(raw.closed().await.0, 4400);
    }
    server.has_open(0, 0).await;
}

#[tokio::test]
async fn subscribing_before_the_acknowledgement_closes_with_4401() {
    let server = Server::start().await;
    let mut early = Raw::open(&server.url).await;
    early.send(subscribe("1", "{ x }")).await;
    assert_eq!(early.closed().await, (4401, "Unauthorized".into()));
    let mut hasty = Raw::open(&server.url).await;
    hasty.send(init("slow")).await;
    hasty.send(subscribe("1", "{ x }")).await;
    assert_eq!(hasty.closed().await.0, 4401);
}

#[tokio::test]
async fn a_token_that_is_refused_closes_with_4403() {
    let server = Server::start().await;
    for message in
        [init("bad"), json!({"type": "connection_init"}), json!({"type": "connection_init", "payload": null})]
    {
        let mut raw = Raw::open(&server.url).await;
        raw.send(message).await;
        assert_eq!(raw.closed().await, (4403, "The token is not valid".into()));
    }
}

#[tokio::test]
async fn what_is_away_closes_so_that_clients_try_again() {
    let server = Server::start().await;
    let mut raw = Raw::open(&server.url).await;
    raw.send(init("away")).await;
    assert_eq!(raw.closed().await, (1013, "The database is away".into()));
}

#[tokio::test]
async fn a_revoked_token_closes_what_it_opened() {
    let mut server = Server::start().await;
    let socket = server.connect().await;
    let _following = socket.subscribe("subscription { nothing }", json!({}));
    socket.ping().await;
    server.revoked.cancel();
    assert_eq!(socket.closed().await, (4403, "The token was revoked".into()));
    server.dropped().await;
    server.has_open(0, 0).await;
}

#[tokio::test]
async fn a_client_without_the_subprotocol_is_closed_with_4406() {
    let server = Server::start().await;
    let mut raw = Raw::open_without_subprotocol(&server.url).await;
    assert_eq!(raw.closed().await, (4406, "Subprotocol not acceptable".into()));
}

#[tokio::test]
async fn a_client_that_says_nothing_is_closed_with_4408() {
    let server = Server::with(Timing { init: Duration::from_millis(50), ..Timing::default() }, Bounds::default()).await;
    let mut silent = Raw::open(&server.url).await;
    assert_eq!(silent.closed().await, (4408, "Connection initialisation timeout".into()));
    let mut chatty = Raw::open(&server.url).await;
    chatty.send(json!({"type": "ping"})).await;
    assert_eq!(chatty.closed().await.0, 4408);
    let mut waiting = Raw::open(&server.url).await;
    waiting.send(init("slow")).await;
    let mut later = Raw::open(&server.url).await;
    assert_eq!(later.closed().await.0, 4408);
    waiting.send(json!({"type": "ping"})).await;
    assert_eq!(waiting.next().await, json!({"type": "pong"}), "whoever has said who they are is waited for");
}

#[tokio::test]
async fn an_id_that_is_in_use_closes_with_4409() {
    let mut server = Server::start().await;
    let mut raw = server.acknowledged().await;
    raw.send(subscribe("a", "subscription { nothing }")).await;
    raw.send(subscribe("a", "subscription { nothing }")).await;
    assert_eq!(raw.closed().await, (4409, "Subscriber for a already exists".into()));
    server.dropped().await;
    let mut long = server.acknowledged().await;
    for _ in 0..2 {
        long.send(subscribe(&"ы".repeat(128), "subscription { nothing }")).await;
    }
    let (code, reason) = long.closed().await;
    assert_eq!(code, 4409);
    assert!(reason.len() <= 123, "{reason}");
}

#[tokio::test]
async fn a_second_init_closes_with_4429() {
    let server = Server::start().await;
    let mut acknowledged = server.acknowledged().await;
    acknowledged.send(init("good")).await;
    assert_eq!(acknowledged.closed().await, (4429, "Too many initialisation requests".into()));
    let mut hasty = Raw::open(&server.url).await;
    hasty.send(init("slow")).await;
    hasty.send(init("slow")).await;
    assert_eq!(hasty.closed().await.0, 4429);
}

#[tokio::test]
async fn a_stopping_server_closes_with_1001() {
    let mut server = Server::start().await;
    let (idle, following) = (server.connect().await, server.connect().await);
    let mut silent = Raw::open(&server.url).await;
    let _nothing = following.subscribe("subscription { nothing }", json!({}));
    following.ping().await;
    server.stop.cancel();
    for closed in [idle.closed().await, following.closed().await, silent.closed().await] {
        assert_eq!(closed, (1001, "The server is stopping".into()));
    }
    server.dropped().await;
    // The silent one answers the close frame only as it is read.
    drop(silent);
    soon("the last socket's end", server.live.drained()).await;
    server.has_open(0, 0).await;
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_operations_along() {
    let mut server = Server::start().await;
    let socket = server.connect().await;
    let following = socket.subscribe("subscription { nothing }", json!({}));
    server.has_open(1, 1).await;
    drop((socket, following));
    server.dropped().await;
    server.has_open(0, 0).await;
    let mut vanishing = server.acknowledged().await;
    vanishing.send(subscribe("1", "subscription { nothing }")).await;
    drop(vanishing);
    server.dropped().await;
    server.has_open(0, 0).await;
}

#[tokio::test]
async fn a_panic_takes_its_own_socket_alone() {
    let server = Server::start().await;
    let (bystander, unlucky) = (server.connect().await, server.connect().await);
    let _panicking = unlucky.subscribe("subscription { panic }", json!({}));
    assert_eq!(unlucky.closed().await.0, 1006);
    server.has_open(1, 0).await;
    bystander.ping().await;
}
