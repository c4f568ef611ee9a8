//! What operations answer as server-sent events.

use std::time::Duration;

use reqwest::Response;
use serde_json::{Value, json};

use super::{Bounds, Server, Timing, soon};

/// The next event with its data, or nothing at the proper end of the stream; an error where it was broken off.
struct Events {
    response: Response,
    unread: String,
}

impl Events {
    async fn of(server: &Server, query: &str) -> Self {
        // Only the first test of the process installs it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let sent = client.post(&server.url).json(&json!({"query": query})).send();
        let response = soon("the response", sent).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, unread: String::new() }
    }

    /// The next event or comment, as it is written.
    async fn block(&mut self) -> reqwest::Result<Option<String>> {
        loop {
            if let Some((block, rest)) = self.unread.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.unread = rest;
                return Ok(Some(block));
            }
            match soon("an event", self.response.chunk()).await? {
                Some(chunk) => self.unread.push_str(std::str::from_utf8(&chunk).unwrap()),
                None => return Ok(None),
            }
        }
    }

    async fn next(&mut self) -> Value {
        let block = self.block().await.unwrap().expect("an event");
        let data =
            block.strip_prefix("event: next\ndata: ").unwrap_or_else(|| panic!("{block:?} instead of a next event"));
        serde_json::from_str(data).unwrap()
    }

    async fn completed(&mut self) {
        assert_eq!(self.block().await.unwrap().as_deref(), Some("event: complete\ndata: "));
        assert_eq!(self.block().await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_subscription_is_a_stream_of_events() {
    let server = Server::start().await;
    let mut events = Events::of(&server, "subscription { count(to: 100) }").await;
    for number in 1..=100 {
        assert_eq!(events.next().await, json!({"data": {"count": number}}));
    }
    events.completed().await;
    server.has_open(0, 0).await;
}

#[tokio::test]
async fn a_query_is_a_stream_of_one_event() {
    let server = Server::start().await;
    let mut events = Events::of(&server, "{ sum(of: [1, 2]) }").await;
    assert_eq!(events.next().await, json!({"data": {"sum": 3}}));
    events.completed().await;
}

#[tokio::test]
async fn a_request_error_is_a_next_event() {
    let server = Server::start().await;
    let mut events = Events::of(&server, "{ nothing }").await;
    let result = events.next().await;
    assert!(result["errors"][0]["message"].is_string(), "{result}");
    assert_eq!(result.get("data"), None, "{result}");
    events.completed().await;
}

#[tokio::test]
async fn comments_keep_a_quiet_stream_open() {
    let timing = Timing { comment: Duration::from_millis(5), ..Timing::default() };
    let server = Server::with(timing, Bounds::default()).await;
    let mut events = Events::of(&server, "subscription { nothing }").await;
    for _ in 0..5 {
        assert_eq!(events.block().await.unwrap().as_deref(), Some(":"));
    }
    server.has_open(0, 1).await;
}

#[tokio::test]
async fn a_client_that_leaves_ends_its_operation() {
    let mut server = Server::start().await;
    drop(Events::of(&server, "subscription { nothing }").await);
    server.dropped().await;
    server.has_open(0, 0).await;
}

#[tokio::test]
async fn a_client_that_stops_reading_is_broken_off() {
    let timing = Timing { unread: Duration::from_millis(100), ..Timing::default() };
    let mut server = Server::with(timing, Bounds::default()).await;
    let mut events = Events::of(&server, "subscription { flood(size: 50000) }").await;
    server.dropped().await;
    while let Ok(block) = events.block().await {
        assert!(block.is_some_and(|block| block.starts_with("event: next\n")), "the stream should not seem complete");
    }
}

#[tokio::test]
async fn what_ends_a_stream_from_our_side_breaks_it_off() {
    for revoke in [true, false] {
        let mut server = Server::start().await;
        let mut events = Events::of(&server, "subscription { nothing }").await;
        server.has_open(0, 1).await;
        let end = if revoke { &server.revoked } else { &server.stop };
        end.cancel();
        assert!(events.block().await.is_err(), "a client that sees an end without `complete` connects again");
        server.dropped().await;
        soon("the end of the stream", server.live.drained()).await;
    }
}
