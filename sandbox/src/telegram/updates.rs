//! How updates leave: the webhook's settings, `getUpdates`, and their form on the wire.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::Instant;
use url::{Host, Url};

use super::api::Answer;
use super::state::{Shared, State, Webhook};

/// An update as Telegram writes it: everything beyond ASCII escaped.
pub fn on_the_wire(update: &Value) -> String {
    let mut wire = String::new();
    for unit in update.to_string().encode_utf16() {
        match u8::try_from(unit) {
            Ok(ascii) if ascii.is_ascii() => wire.push(ascii.into()),
            _ => wire.push_str(&format!("\\u{unit:04x}")),
        }
    }
    wire
}

/// `setWebhook`, with the checks of the real one; plain HTTP is fine for this machine alone.
pub fn set_webhook(state: &mut State, token: &str, arguments: &Map<String, Value>) -> Answer {
    let text = |key: &str| arguments.get(key).and_then(Value::as_str).unwrap_or_default();
    let Ok(url) = Url::parse(text("url")) else { return Answer::fixture("error-400-bad-webhook-url") };
    let loopback = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
        return Answer::fixture("error-400-bad-webhook-https");
    }
    if !loopback && !matches!(url.port_or_known_default(), Some(80 | 88 | 443 | 8443)) {
        return Answer::fixture("error-400-bad-webhook-port");
    }
    let secret = text("secret_token");
    if secret.len() > 256 {
        return Answer::fixture("error-400-secret-token-long");
    }
    if !secret.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')) {
        return Answer::fixture("error-400-secret-token-chars");
    }
    let allowed = arguments.get("allowed_updates").and_then(Value::as_array);
    let webhook = Webhook {
        url: url.into(),
        secret: secret.to_owned(),
        allowed_updates: allowed.into_iter().flatten().filter_map(|kind| Some(kind.as_str()?.to_owned())).collect(),
    };
    let Some(bot) = state.bots.get_mut(token) else { return Answer::fixture("error-401-unauthorized") };
    if bot.webhook.as_ref() == Some(&webhook) {
        return Answer::fixture("setWebhook-already");
    }
    bot.webhook = Some(webhook);
    bot.poll += 1;
    bot.ended_by = "error-409-terminated-by-setwebhook";
    Answer::fixture("setWebhook-ok")
}

/// `deleteWebhook`.
pub fn delete_webhook(state: &mut State, token: &str) -> Answer {
    match state.bots.get_mut(token).and_then(|bot| bot.webhook.take()) {
        Some(_) => Answer::fixture("deleteWebhook-ok"),
        None => Answer::fixture("deleteWebhook-already"),
    }
}

/// `getUpdates`: what is below the offset is confirmed and gone; waits for the first update up to `timeout` seconds.
pub async fn get_updates(shared: &Shared, token: &str, arguments: &Map<String, Value>) -> Answer {
    let number = |key: &str| arguments.get(key).and_then(Value::as_i64);
    let limit = number("limit").and_then(|limit| usize::try_from(limit).ok()).unwrap_or(100).clamp(1, 100);
    let timeout = number("timeout").and_then(|timeout| u64::try_from(timeout).ok()).unwrap_or(0).min(50);
    let deadline = Instant::now() + Duration::from_secs(timeout);

    let mut changes = shared.changes();
    let turn = shared.change(|state| {
        let bot = state.bots.get_mut(token)?;
        bot.poll += 1;
        bot.ended_by = "error-409-other-getupdates";
        confirm(&mut bot.queue, number("offset").unwrap_or(0));
        Some(bot.poll)
    });
    loop {
        changes.mark_unchanged();
        let answer = shared.read(|state| {
            let Some(bot) = state.bots.get(token) else { return Some(Answer::fixture("error-401-unauthorized")) };
            if Some(bot.poll) != turn {
                return Some(Answer::fixture(bot.ended_by));
            }
            if bot.webhook.is_some() {
                return Some(Answer::fixture("error-409-webhook-active"));
            }
            let batch: Vec<&Value> = bot.queue.iter().take(limit).collect();
            (!batch.is_empty()).then(|| Answer::ok(json!(batch)))
        });
        if let Some(answer) = answer {
            return answer;
        }
        if tokio::time::timeout_at(deadline, changes.changed()).await.is_err() {
            return Answer::ok(json!([]));
        }
    }
}

/// Forgets what is below the offset; a negative one counts from the end.
fn confirm(queue: &mut VecDeque<Value>, offset: i64) {
    if offset < 0 {
        let keep = usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX);
        queue.drain(..queue.len().saturating_sub(keep));
    } else {
        queue.retain(|update| update["update_id"].as_i64().is_some_and(|id| id >= offset));
    }
}
