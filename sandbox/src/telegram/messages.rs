//! Changing and deleting the bot's messages, with the checks of the real server.

use serde_json::{Value, json};

use super::api::Answer;
use super::state::{Call, State};

/// `editMessageText`, `editMessageCaption`.
pub fn edit(state: &mut State, call: &Call) -> Answer {
    let Some(bot) = state.bots.get_mut(&call.token) else { return Answer::fixture("error-401-unauthorized") };
    let of_caption = call.method == "editMessageCaption";
    let text = if of_caption { call.caption.clone() } else { call.text.clone() }.unwrap_or_default();
    let key = call.chat_id.zip(call.arguments.get("message_id").and_then(Value::as_i64));
    let Some((chat, id)) = key.filter(|key| bot.own.contains_key(key)) else {
        return Answer::error(400, "Bad Request: message to edit not found");
    };
    let Some(kept) = bot.own.get_mut(&(chat, id)) else {
        return Answer::error(400, "Bad Request: message to edit not found");
    };
    match text.chars().count() {
        0 if !of_caption => return Answer::fixture("error-400-message-text-empty"),
        length if of_caption && length > 1024 => return Answer::fixture("error-400-caption-too-long"),
        length if length > 4096 => return Answer::fixture("error-400-message-too-long"),
        _ => {}
    }
    if kept.has_file != of_caption {
        return Answer::error(400, "Bad Request: there is no text in the message to edit");
    }
    if kept.text == text {
        return Answer::fixture("error-400-message-not-modified");
    }
    kept.text.clone_from(&text);
    Answer::ok(json!({
        "message_id": id,
        "chat": { "id": chat, "type": "private" },
        "date": 1_790_000_000,
        "edit_date": 1_790_000_001,
        (if of_caption { "caption" } else { "text" }): text,
    }))
}

/// `deleteMessage`.
pub fn delete(state: &mut State, call: &Call) -> Answer {
    let Some(bot) = state.bots.get_mut(&call.token) else { return Answer::fixture("error-401-unauthorized") };
    let key = call.chat_id.zip(call.arguments.get("message_id").and_then(Value::as_i64));
    match key.and_then(|key| bot.own.remove(&key)) {
        Some(_) => Answer::ok(true.into()),
        None => Answer::error(400, "Bad Request: message to delete not found"),
    }
}
