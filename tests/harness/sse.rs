//! A client of server-sent events, in graphql-sse's distinct connections mode.

use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Response, StatusCode};
use serde_json::Value;
use tokio::time::timeout;

use super::client::Api;

/// Only a failing story waits so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A stream, read event by event.
pub struct Stream {
    response: Response,
    unread: String,
}

impl Stream {
    /// Begins an operation.
    pub async fn open(api: &Api, document: &str, variables: Value) -> Self {
        Self::try_open(api, document, variables).await.expect("a stream")
    }

    /// As [`open`](Self::open), where the server may be away.
    pub async fn try_open(api: &Api, document: &str, variables: Value) -> reqwest::Result<Self> {
        let request = api.request(document, &variables).header(ACCEPT, "text/event-stream");
        let response = request.send().await?.error_for_status()?;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[CONTENT_TYPE], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-cache");
        Ok(Self { response, unread: String::new() })
    }

    /// The next event as it is written; nothing at the proper end, an error where the stream was broken off. Comments are
    /// passed over, as by any reader.
    pub async fn block(&mut self) -> reqwest::Result<Option<String>> {
        loop {
            if let Some((block, rest)) = self.unread.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.unread = rest;
                if block != ":" {
                    return Ok(Some(block));
                }
                continue;
            }
            let chunk = timeout(PATIENCE, self.response.chunk()).await.expect("an event in time");
            match chunk? {
                Some(chunk) => self.unread.push_str(std::str::from_utf8(&chunk).expect("UTF-8")),
                None => return Ok(None),
            }
        }
    }

    /// The next result.
    pub async fn next(&mut self) -> Value {
        self.try_next().await.unwrap_or_else(|reason| panic!("{reason}"))
    }

    /// The next result, or in words how the stream ended instead.
    pub async fn try_next(&mut self) -> Result<Value, String> {
        let block = self.block().await.map_err(|error| format!("broken off: {error:?}"))?.ok_or("a proper end")?;
        let data = block.strip_prefix("event: next\ndata: ").ok_or(format!("{block:?} is no next event"))?;
        assert!(!data.contains('\n'), "one line: {data}");
        Ok(serde_json::from_str(data).expect("JSON"))
    }

    /// Waits for the server to complete it.
    pub async fn completed(&mut self) {
        assert_eq!(self.block().await.expect("no break").as_deref(), Some("event: complete\ndata: "));
        assert_eq!(self.block().await.expect("a proper end"), None, "and that is all");
    }

    /// What comes until the stream is broken off, which is without `complete`.
    pub async fn broken_off(&mut self) -> Vec<String> {
        let mut heard = Vec::new();
        loop {
            match self.block().await {
                Ok(Some(block)) => heard.push(block),
                Ok(None) => panic!("a proper end after {heard:?}"),
                Err(_) => return heard,
            }
        }
    }
}
