//! What operations answer over a WebSocket.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::{Bounds, Server, Timing, socket::Raw};

#[tokio::test]
async fn a_query_answers_once_and_completes() {
    let server = Server::start().await;
    let socket = server.connect().await;
    let mut query = socket.subscribe("query ($of: [Int!]!) { sum(of: $of) }", json!({"of": [1, 2, 3]}));
    assert_eq!(query.next().await, json!({"data": {"sum": 6}}));
    query.completed().await;
    let mut mutation = socket.subscribe("mutation { change }", Value::Null);
    assert_eq!(mutation.next().await, json!({"data": {"change": true}}));
    mutation.completed().await;
    server.has_open(1, 0).await;
}

#[tokio::test]
async fn a_subscription_answers_in_order_and_completes() {
    let server = Server::start().await;
    let socket = server.connect().await;
    let mut following = socket.subscribe("subscription { count(to: 500) }", json!({}));
    for number in 1..=500 {
        assert_eq!(following.next().await, json!({"data": {"count": number}}));
    }
    following.completed().await;
    server.has_open(1, 0).await;
}

#[tokio::test]
async fn a_request_error_is_an_error_and_nothing_follows() {
    let server = Server::start().await;
    let socket = server.connect().await;
    for query in
        ["{", "{ nothing }", "subscription { unknown }", "{ sum }", "query A { sum(of: []) } query B { sum(of: []) }"]
    {
        let mut refused = socket.subscribe(query, json!({}));
        let errors = refused.error().await;
        assert!(errors[0]["message"].is_string(), "{query}: {errors}");
        assert_eq!(errors[0].get("path"), None, "{query}: {errors}");
    }
    let mut raw = server.acknowledged().await;
    raw.send(json!({"type": "subscribe", "id": "1", "payload": {"query": "{"}})).await;
    assert_eq!(raw.next().await["type"], "error");
    raw.send(json!({"type": "ping"})).await;
    assert_eq!(raw.next().await, json!({"type": "pong"}), "nothing more should be said of what was refused");
}

#[tokio::test]
async fn a_field_error_is_a_result() {
    let server = Server::start().await;
    let socket = server.connect().await;
    let mut failing = socket.subscribe("{ fail }", json!({}));
    let result = failing.next().await;
    assert_eq!((&result["data"], &result["errors"][0]["path"]), (&Value::Null, &json!(["fail"])));
    failing.completed().await;
}

#[tokio::test]
async fn what_a_request_may_leave_out_may_be_null() {
    let server = Server::start().await;
    let mut raw = server.acknowledged().await;
    let payload =
        json!({"query": "query A { sum(of: [1]) }", "operationName": null, "variables": null, "extensions": null});
    raw.send(json!({"type": "subscribe", "id": "1", "payload": payload})).await;
    assert_eq!(raw.next().await, json!({"id": "1", "type": "next", "payload": {"data": {"sum": 1}}}));
    assert_eq!(raw.next().await, json!({"id": "1", "type": "complete"}));
    let named = json!({"query": "query A { sum(of: [1]) } query B { sum(of: [2]) }", "operationName": "B", "extensions": {"a": 1}});
    raw.send(json!({"type": "subscribe", "id": "1", "payload": named, "more": true})).await;
    assert_eq!(raw.next().await["payload"], json!({"data": {"sum": 2}}), "an id is free again once it is completed");
}

#[tokio::test]
async fn an_id_is_returned_as_it_came() {
    let server = Server::start().await;
    let mut raw = server.acknowledged().await;
    for id in ["\"", "\\", "\u{0}\n", "ключ", "🔑", " "] {
        raw.send(json!({"type": "subscribe", "id": id, "payload": {"query": "{ sum(of: []) }"}})).await;
        assert_eq!(raw.next().await, json!({"id": id, "type": "next", "payload": {"data": {"sum": 0}}}));
        assert_eq!(raw.next().await, json!({"id": id, "type": "complete"}));
    }
}

#[tokio::test]
async fn what_the_client_completes_says_nothing_more() {
    let mut server = Server::start().await;
    let mut raw = server.acknowledged().await;
    let flood = json!({"type": "subscribe", "id": "1", "payload": {"query": "subscription { flood(size: 5000) }"}});
    raw.send(flood.clone()).await;
    assert_eq!(raw.next().await["type"], "next");
    raw.send(json!({"type": "complete", "id": "1"})).await;
    raw.send(json!({"type": "ping", "payload": {"after": "complete"}})).await;
    while raw.next().await["type"] != "pong" {}
    server.dropped().await;
    raw.send(json!({"type": "ping"})).await;
    assert_eq!(raw.next().await, json!({"type": "pong"}));
    raw.send(flood).await;
    assert_eq!(raw.next().await["type"], "next", "the id is free again");
    for id in ["1", "1", "never begun"] {
        raw.send(json!({"type": "complete", "id": id})).await;
    }
    raw.send(json!({"type": "ping", "payload": {"still": "open"}})).await;
    while raw.next().await["type"] != "pong" {}
    server.has_open(1, 0).await;
}

#[tokio::test]
async fn pings_are_answered_with_their_payload() {
    let server = Server::start().await;
    let mut raw = Raw::open(&server.url).await;
    raw.send(json!({"type": "ping"})).await;
    assert_eq!(raw.next().await, json!({"type": "pong"}), "also before the connection is acknowledged");
    for payload in [json!({}), json!({"at": 1.5, "список": [null, {"a": "\"\n"}]})] {
        raw.send(json!({"type": "ping", "payload": payload})).await;
        assert_eq!(raw.next().await, json!({"type": "pong", "payload": payload}));
    }
    raw.send(json!({"type": "ping", "payload": null})).await;
    assert_eq!(raw.next().await, json!({"type": "pong"}));
    raw.send(json!({"type": "pong", "payload": {"unasked": true}})).await;
    raw.send_frame(Message::Ping(b"hello"[..].into())).await;
    loop {
        match raw.any_frame().await.unwrap().unwrap() {
            Message::Pong(payload) => return assert_eq!(&payload[..], b"hello"),
            Message::Ping(_) => {}
            other => panic!("{other:?} instead of a pong"),
        }
    }
}

#[tokio::test]
async fn operations_share_a_socket_fairly() {
    let server = Server::start().await;
    let socket = server.connect().await;
    let mut floods: Vec<_> =
        (0..3).map(|_| socket.subscribe("subscription { flood(size: 1000) }", json!({}))).collect();
    let mut counting = socket.subscribe("subscription { count(to: 50) }", json!({}));
    for number in 1..=50 {
        assert_eq!(counting.next().await, json!({"data": {"count": number}}));
    }
    for flood in &mut floods {
        assert_eq!(flood.next().await["data"]["flood"].as_str().map(str::len), Some(1000));
        flood.complete();
    }
    socket.ping().await;
    server.has_open(1, 0).await;
}

#[tokio::test]
async fn more_operations_than_allowed_are_refused_one_by_one() {
    let server = Server::with(Timing::default(), Bounds { operations: 3, ..Bounds::default() }).await;
    let socket = server.connect().await;
    let following: Vec<_> = (0..3).map(|_| socket.subscribe("subscription { nothing }", json!({}))).collect();
    for _ in 0..1_000 {
        let mut refused = socket.subscribe("subscription { nothing }", json!({}));
        assert_eq!(refused.error().await[0]["extensions"]["code"], "RATE_LIMITED");
    }
    server.has_open(1, 3).await;
    following[1].complete();
    let mut query = socket.subscribe("{ sum(of: [1]) }", json!({}));
    assert_eq!(query.next().await, json!({"data": {"sum": 1}}));
}
