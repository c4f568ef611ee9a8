//! The ways to follow the log, over connections that may end at any time.

use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::harness::client::Api;
use crate::harness::socket::{Closed, Raw};
use crate::harness::sse::Stream;

use super::installation::{PATIENCE, PAUSE};

/// What subscribers ask of an event: nothing that a later one changes.
const FACT: &str = "
    fragment Fact on Event {
        cursor kind at
        dialogue { id }
        ... on MessageEvent { message { id text } deliveryStatus }
        ... on ParticipantEvent { user { id } role }
        ... on TagEvent { tag { id } }
        ... on CommentEvent { comment { id } }
        ... on CardEvent { changes { field from to } }
    }";

/// How a subscriber follows.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    /// `Subscription.events` by WebSocket
    Events,
    /// `Subscription.eventBatches` by WebSocket
    Batches,
    /// `Subscription.events` as server-sent events
    Stream,
    /// `Query.events`, again and again
    Pages,
}

/// Events, and the cursor to go on from.
pub struct Heard {
    pub events: Vec<Value>,
    pub cursor: Option<String>,
}

/// A subscriber's connection. Dropped, it is cut: the server is not told.
pub enum Line<'a> {
    Socket(Raw),
    Stream(Stream),
    Pages { api: &'a Api, filter: &'a Value, after: String },
}

impl<'a> Line<'a> {
    /// Follows by a way after a cursor, or tells in words why not just now.
    pub async fn open(way: Way, api: &'a Api, filter: &'a Value, after: &str) -> Result<Self, String> {
        let variables = json!({ "filter": filter, "after": after });
        let (field, fields) = match way {
            Way::Events | Way::Stream => ("events", "...Fact"),
            Way::Batches => ("eventBatches", "events { ...Fact } cursor live"),
            Way::Pages => return Ok(Self::Pages { api, filter, after: after.to_owned() }),
        };
        let document = format!(
            "subscription($filter: EventFilter, $after: String) {{ {field}(filter: $filter, after: $after) {{ {fields} }} }} {FACT}"
        );
        if let Way::Stream = way {
            let stream = Stream::try_open(api, &document, variables).await;
            return stream.map(Self::Stream).map_err(|error| {
                assert!(error.status().is_none_or(|status| status.is_server_error()), "no stream: {error:?}");
                format!("no stream: {error:?}")
            });
        }
        let url = format!("{}/graphql", api.url);
        let mut raw = Raw::try_acknowledged(&url, api.token.as_deref()).await.map_err(ended)?;
        let payload = json!({ "query": document, "variables": variables });
        raw.send(json!({ "type": "subscribe", "id": "1", "payload": payload })).await;
        Ok(Self::Socket(raw))
    }

    /// What comes next, or in words how the connection ended.
    pub async fn next(&mut self) -> Result<Heard, String> {
        let payload = match self {
            Self::Socket(raw) => message(raw).await?,
            // There is nothing to ask on a stream: who hears nothing goes elsewhere.
            Self::Stream(stream) => timeout(PATIENCE, stream.try_next()).await.map_err(|_| "silence")??,
            Self::Pages { api, filter, after } => loop {
                let page = timeout(PATIENCE, page(api, filter, after)).await.map_err(|_| "no page")??;
                if !page.events.is_empty() {
                    if let Some(end) = &page.cursor {
                        after.clone_from(end);
                    }
                    return Ok(page);
                }
                sleep(PAUSE).await;
            },
        };
        heard(payload)
    }
}

/// The next message of the only operation. After a while of silence the server is asked whether it is there.
async fn message(raw: &mut Raw) -> Result<Value, String> {
    let mut is_asked = false;
    loop {
        match timeout(PATIENCE / 2, raw.try_next()).await {
            Ok(Ok(mut message)) => match message["type"].as_str() {
                Some("pong") => is_asked = false,
                Some("next") => return Ok(message["payload"].take()),
                _ => return Err(refused(&message["payload"], message.to_string())),
            },
            Ok(Err(closed)) => return Err(ended(closed)),
            Err(_) if is_asked => return Err("no answer to a ping".into()),
            Err(_) => {
                raw.send(json!({ "type": "ping" })).await;
                is_asked = true;
            }
        }
    }
}

/// The events of a result.
fn heard(mut payload: Value) -> Result<Heard, String> {
    if !payload["errors"].is_null() {
        return Err(refused(&payload["errors"], payload.to_string()));
    }
    let data = payload["data"].as_object_mut().ok_or("no data")?;
    if let Some(batch) = data.get_mut("eventBatches") {
        let Value::Array(events) = batch["events"].take() else { return Err("no batch".into()) };
        return Ok(Heard { events, cursor: batch["cursor"].as_str().map(str::to_owned) });
    }
    let event = data.remove("events").filter(Value::is_object).ok_or("no event")?;
    let cursor = event["cursor"].as_str().map(str::to_owned);
    Ok(Heard { events: vec![event], cursor })
}

/// A page of `Query.events`.
pub async fn page(api: &Api, filter: &Value, after: &str) -> Result<Heard, String> {
    let document = format!(
        "query($filter: EventFilter, $after: String) {{ events(filter: $filter, first: 100, after: $after) {{
            nodes {{ ...Fact }} pageInfo {{ endCursor }} }} }} {FACT}"
    );
    let answer = api.try_run(&document, json!({ "filter": filter, "after": after })).await?;
    if !answer.errors().is_empty() {
        return Err(refused(&answer.body["errors"], answer.to_string()));
    }
    Ok(Heard { events: answer.get("events.nodes"), cursor: answer.get("events.pageInfo.endCursor") })
}

/// How a connection ended, in words. None ends as if the subscriber had done anything wrong.
fn ended((code, reason): Closed) -> String {
    assert!([1001, 1005, 1006, 1013, 4410].contains(&code), "closed with {code} {reason}");
    format!("closed with {code} {reason}")
}

/// The same for errors: whatever is away, trying again is of use.
fn refused(errors: &Value, words: String) -> String {
    let codes = errors.as_array().into_iter().flatten().map(|error| &error["extensions"]["code"]);
    assert!(codes.clone().all(|code| code == "INTERNAL"), "{words}");
    words
}
