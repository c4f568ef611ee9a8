//! Clients that do not read, and connections that are no longer there.

use std::time::Duration;

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::{Bounds, Closing, Server, Timing, soon};

fn brief() -> Timing {
    Timing { unread: Duration::from_millis(100), ..Timing::default() }
}

#[tokio::test]
async fn a_client_that_stops_reading_is_closed_and_delays_nobody() {
    let timing = Timing { close: Duration::from_secs(20), ..brief() };
    let mut server = Server::with(timing, Bounds::default()).await;
    let bystander = server.connect().await;
    let mut raw = server.acknowledged().await;
    raw.send(json!({"type": "subscribe", "id": "1", "payload": {"query": "subscription { flood(size: 50000) }"}}))
        .await;
    let mut counting = bystander.subscribe("subscription { count(to: 1000) }", json!({}));
    for number in 1..=1_000 {
        assert_eq!(counting.next().await, json!({"data": {"count": number}}));
    }
    server.dropped().await;
    let (code, reason) = raw.closed().await;
    assert_eq!(code, Closing::UNREAD, "{reason}");
    assert!(reason.contains("cursor"), "{reason}");
    server.has_open(1, 0).await;
}

#[tokio::test]
async fn a_client_that_never_reads_again_is_dropped() {
    let timing = Timing { close: Duration::from_millis(100), ..brief() };
    let mut server = Server::with(timing, Bounds::default()).await;
    let mut raw = server.acknowledged().await;
    raw.send(json!({"type": "subscribe", "id": "1", "payload": {"query": "subscription { flood(size: 50000) }"}}))
        .await;
    server.dropped().await;
    server.has_open(0, 0).await;
    assert_eq!(raw.closed().await.0, 1006);
}

#[tokio::test]
async fn one_answer_may_be_large() {
    let server = Server::start().await;
    let socket = server.connect().await;
    let mut query = socket.subscribe("{ text(size: 5000000) }", json!({}));
    assert_eq!(query.next().await["data"]["text"].as_str().map(str::len), Some(5_000_000));
}

/// Says more and more until the server reads no more of it; returns once nothing more can be said.
async fn talk_without_listening(frame: impl Fn() -> Message) {
    let timing = Timing { close: Duration::from_millis(50), ..brief() };
    let server = Server::with(timing, Bounds::default()).await;
    let mut raw = server.acknowledged().await;
    soon("the end of a client that only talks", async {
        while server.live.gauges().sockets.load(std::sync::atomic::Ordering::Relaxed) == 1 {
            raw.send_frame_now(frame()).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_client_that_pings_and_does_not_read_is_closed() {
    let padding = "x".repeat(60_000);
    talk_without_listening(|| Message::text(json!({"type": "ping", "payload": {"x": padding}}).to_string())).await;
    talk_without_listening(|| Message::Ping(vec![0; 125].into())).await;
}

#[tokio::test]
async fn a_connection_that_answers_no_ping_is_closed() {
    let timing = Timing { ping: Duration::from_millis(200), pong: Duration::from_millis(200), ..Timing::default() };
    let mut server = Server::with(timing, Bounds::default()).await;
    let mut raw = server.acknowledged().await;
    raw.send(json!({"type": "subscribe", "id": "1", "payload": {"query": "subscription { nothing }"}})).await;
    server.dropped().await;
    let (code, reason) = raw.closed().await;
    assert_eq!(code, Closing::UNREAD, "{reason}");
    assert!(reason.contains("ping"), "{reason}");
    server.has_open(0, 0).await;
}

#[tokio::test]
async fn a_connection_that_answers_pings_stays() {
    let timing = Timing { ping: Duration::from_millis(5), ..Timing::default() };
    let server = Server::with(timing, Bounds::default()).await;
    let mut raw = server.acknowledged().await;
    let mut pings = 0;
    while pings < 20 {
        let frame = raw.any_frame().await.expect("the connection stays").expect("the connection stays");
        pings += u32::from(matches!(frame, Message::Ping(_)));
    }
    raw.send(json!({"type": "ping"})).await;
    assert_eq!(raw.next().await, json!({"type": "pong"}));
}
