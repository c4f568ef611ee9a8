//! The community's long-poll server, where VK cannot reach us: dev.vk.com/en/api/bots/getting-started.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{CallError, Vk, unreadable};
use super::read::{int_of, str_of};
use super::{callback, fault};
use crate::messenger::{Fault, Polled};

/// How long one poll waits for an event. The server allows 90 s.
const WAIT: Duration = Duration::from_secs(25);
/// After an answer that sends us back, of the patience with a call: a server that always does so is not asked in a rush.
const PAUSE: u32 = 30;

/// Where to ask, and from when on.
#[derive(Debug, PartialEq, Eq)]
struct Cursor {
    server: String,
    key: String,
    ts: String,
}

impl Cursor {
    fn read(text: &str) -> Option<Self> {
        Self::of(&serde_json::from_str(text).ok()?)
    }

    fn of(value: &Value) -> Option<Self> {
        let text = |key| str_of(value, key).filter(|text| !text.is_empty()).map(str::to_owned);
        Some(Self { server: text("server")?, key: text("key")?, ts: moment(value)? })
    }

    fn polled(self, updates: Vec<Value>) -> Polled {
        let cursor = json!({ "server": self.server, "key": self.key, "ts": self.ts });
        Polled { updates, cursor: Some(cursor.to_string()) }
    }
}

/// A text, or now and then a number.
fn moment(of: &Value) -> Option<String> {
    str_of(of, "ts").map(str::to_owned).or_else(|| int_of(of, "ts").map(|ts| ts.to_string()))
}

/// Waits for events after the cursor.
pub async fn poll(vk: &Vk, cursor: Option<&str>) -> Result<Polled, Fault> {
    let Some(cursor) = cursor.and_then(Cursor::read) else {
        // Kept before anything is waited for: what comes from now on is ours, whatever happens to this process.
        return Ok(begin(vk).await?.polled(Vec::new()));
    };
    let wait = WAIT.as_secs().to_string();
    let query = [("act", "a_check"), ("key", &cursor.key), ("ts", &cursor.ts), ("wait", &wait)];
    let mut answer = match vk.ask(&cursor.server, &query, WAIT).await {
        Ok(answer) => answer,
        Err(error) => return elsewhere(vk, cursor, error).await,
    };
    if let Some(failed) = answer.get("failed") {
        tokio::time::sleep(vk.patience() / PAUSE).await;
        return again(vk, cursor, failed.as_i64(), moment(&answer)).await;
    }
    let ts = moment(&answer).ok_or_else(|| fault::of_call(unreadable()))?;
    let updates = match answer["updates"].take() {
        Value::Array(updates) => updates,
        _ => Vec::new(),
    };
    Ok(Cursor { ts, ..cursor }.polled(updates))
}

/// What the server's `failed` asks for. Of the events that it does not have any more, nobody else has any, either.
async fn again(vk: &Vk, cursor: Cursor, failed: Option<i64>, ts: Option<String>) -> Result<Polled, Fault> {
    let next = match (failed, ts) {
        // The history begins later.
        (Some(1), Some(ts)) => Cursor { ts, ..cursor },
        // The key has run out, and the moment holds.
        (Some(2), _) => Cursor { ts: cursor.ts, ..begin(vk).await? },
        // 3: neither holds. Of what else may come in future, a new beginning is a way out, too.
        _ => begin(vk).await?,
    };
    Ok(next.polled(Vec::new()))
}

/// The server does not answer: perhaps it is another by now.
async fn elsewhere(vk: &Vk, cursor: Cursor, error: CallError) -> Result<Polled, Fault> {
    let fault = fault::of_call(error);
    let next = Cursor { ts: cursor.ts.clone(), ..begin(vk).await? };
    if next == cursor { Err(fault) } else { Ok(next.polled(Vec::new())) }
}

/// Turns long polling on with the events that we read, and finds out where it is.
async fn begin(vk: &Vk) -> Result<Cursor, Fault> {
    let mut settings = callback::chosen(vk);
    settings.push(("enabled", "1".to_owned()));
    vk.call("groups.setLongPollSettings", &settings).await.map_err(fault::of_call)?;
    let group = [("group_id", vk.group().to_string())];
    let server = vk.call("groups.getLongPollServer", &group).await.map_err(fault::of_call)?;
    Cursor::of(&server).ok_or_else(|| fault::of_call(unreadable()))
}
