//! The messages of graphql-transport-ws: <https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>.

use async_graphql::Request;
use axum::extract::ws::Utf8Bytes;
use serde_json::{Map, Value};

/// Bytes of an operation's id, which goes before each of its answers. Clients send UUIDs or counters.
const LONGEST_ID: usize = 256;

/// What a client says.
pub(super) enum Incoming {
    Init(Option<Map<String, Value>>),
    Subscribe { id: String, request: Box<Request> },
    Complete { id: String },
    Ping(Option<Map<String, Value>>),
    Pong,
}

/// Reads a client's message; an error says what is wrong with it, in the words of the close reason.
pub(super) fn read(text: &str) -> Result<Incoming, String> {
    let message: Value = serde_json::from_str(text).map_err(|error| format!("The message is not JSON: {error}"))?;
    let Value::Object(mut message) = message else { return Err("The message is not an object".into()) };
    let Some(Value::String(kind)) = message.remove("type") else { return Err("The message has no `type`".into()) };
    match kind.as_str() {
        "connection_init" => Ok(Incoming::Init(optional_object(message.remove("payload"))?)),
        "ping" => Ok(Incoming::Ping(optional_object(message.remove("payload"))?)),
        "pong" => optional_object(message.remove("payload")).map(|_| Incoming::Pong),
        "complete" => Ok(Incoming::Complete { id: id(&mut message)? }),
        "subscribe" => Ok(Incoming::Subscribe { id: id(&mut message)?, request: request(message.remove("payload"))? }),
        _ => Err("The message's `type` is none that a client sends".into()),
    }
}

fn optional_object(payload: Option<Value>) -> Result<Option<Map<String, Value>>, String> {
    match payload {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(payload)) => Ok(Some(payload)),
        Some(_) => Err("`payload` is not an object".into()),
    }
}

fn id(message: &mut Map<String, Value>) -> Result<String, String> {
    match message.remove("id") {
        Some(Value::String(id)) if id.is_empty() => Err("`id` is empty".into()),
        Some(Value::String(id)) if id.len() > LONGEST_ID => Err(format!("`id` is longer than {LONGEST_ID} bytes")),
        Some(Value::String(id)) => Ok(id),
        Some(_) => Err("`id` is not a string".into()),
        None => Err("The message has no `id`".into()),
    }
}

fn request(payload: Option<Value>) -> Result<Box<Request>, String> {
    let Some(Value::Object(payload)) = payload else { return Err("`payload` is not an object".into()) };
    if !payload.get("query").is_some_and(Value::is_string) {
        return Err("`payload.query` is not a string".into());
    }
    serde_json::from_value(Value::Object(payload)).map_err(|error| format!("`payload` is no request: {error}"))
}

pub(super) fn connection_ack() -> Utf8Bytes {
    Utf8Bytes::from_static(r#"{"type":"connection_ack"}"#)
}

/// The answer to a ping, with the payload that it brought.
pub(super) fn pong(payload: Option<Map<String, Value>>) -> Utf8Bytes {
    match payload {
        None => Utf8Bytes::from_static(r#"{"type":"pong"}"#),
        Some(payload) => Utf8Bytes::from(format!(r#"{{"type":"pong","payload":{}}}"#, Value::Object(payload))),
    }
}

/// Messages about one operation, which differ in all but the id put in front.
pub(super) struct Labelled(String);

impl Labelled {
    pub fn new(id: &str) -> Self {
        Self(format!(r#"{{"id":{},"type":"#, Value::from(id)))
    }

    pub fn next(&self, result: &str) -> Utf8Bytes {
        self.join(&[r#""next","payload":"#, result, "}"])
    }

    pub fn error(&self, errors: &str) -> Utf8Bytes {
        self.join(&[r#""error","payload":"#, errors, "}"])
    }

    pub fn complete(&self) -> Utf8Bytes {
        self.join(&[r#""complete"}"#])
    }

    fn join(&self, parts: &[&str]) -> Utf8Bytes {
        let length = self.0.len() + parts.iter().map(|part| part.len()).sum::<usize>();
        let mut message = String::with_capacity(length);
        message.push_str(&self.0);
        message.extend(parts.iter().copied());
        Utf8Bytes::from(message)
    }
}
