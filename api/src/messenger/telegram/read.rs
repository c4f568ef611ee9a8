//! What a Telegram update says.
//!
//! Updates are read field by field from plain JSON, never into a type as a whole: a field of a new shape must not cost
//! the message. Wire facts: the Bot API 10.0 server's source and core.telegram.org/bots/api.

use colloquy_entity::Time;
use serde_json::Value;

use super::content::{self, Content};
use super::{message_id, username};
use crate::messenger::{Incoming, IncomingMessage, Person, sanitize};

/// Kinds of update that are known and make nothing.
const IGNORED: &[&str] = &[
    "business_connection",
    "business_message",
    "channel_post",
    "chat_boost",
    "chat_join_request",
    "chat_member",
    "chosen_inline_result",
    "deleted_business_messages",
    "edited_business_message",
    "edited_channel_post",
    "inline_query",
    "message_reaction",
    "message_reaction_count",
    "poll",
    "poll_answer",
    "pre_checkout_query",
    "purchased_paid_media",
    "removed_chat_boost",
    "shipping_query",
];

/// The last second of the year 9999; later ones have no RFC 3339 form.
const LAST_SECOND: i64 = 253_402_300_799;

/// What an update says, whatever is in it.
pub fn read(update: &Value) -> Incoming {
    let Some(fields) = update.as_object() else {
        return Incoming::Unreadable { what: "not an object" };
    };
    if let Some(message) = fields.get("message") {
        return read_message(message, None);
    }
    if let Some(message) = fields.get("edited_message") {
        return read_message(message, Some(int_of(update, "update_id")));
    }
    if let Some(query) = fields.get("callback_query") {
        return match str_of(query, "id").map(|id| sanitize::line(id, sanitize::IDENTIFIER)) {
            Some(id) if !id.is_empty() => Incoming::Button { id },
            _ => Incoming::Unreadable { what: "callback_query without an id" },
        };
    }
    if let Some(change) = fields.get("my_chat_member") {
        return read_membership(change);
    }
    if fields.keys().any(|key| IGNORED.contains(&key.as_str())) {
        return Incoming::Ignored { reason: "not from a private chat, or of no interest" };
    }
    let kind = fields.keys().find(|key| *key != "update_id").map_or("", String::as_str);
    Incoming::Unknown { kind: sanitize::line(kind, sanitize::NAME) }
}

/// `edit` is the number of the update that tells of a change.
fn read_message(message: &Value, edit: Option<Option<i64>>) -> Incoming {
    let (edited, update_id) = (edit.is_some(), edit.flatten());
    let unreadable = || Incoming::Unreadable { what: "message without a chat, a sender or an id" };
    let chat = &message["chat"];
    match str_of(chat, "type") {
        Some("private") => {}
        Some(_) => return Incoming::Ignored { reason: "not a private chat" },
        None => return unreadable(),
    }
    // A private chat has its person's id and name, should the sender be missing.
    let from = message.get("from").filter(|from| from.is_object()).unwrap_or(chat);
    if from["is_bot"] == true {
        return Incoming::Ignored { reason: "written by a bot" };
    }
    let (Some(chat_id), Some(id)) = (positive(chat, "id"), int_of(message, "message_id")) else {
        return unreadable();
    };
    let Content { text, parts, phone } = match content::read(message, id, int_of(from, "id")) {
        Some(content) => content,
        None => return Incoming::Ignored { reason: "a service message" },
    };
    let sent_at = time_of(message, "date").unwrap_or_else(Time::now);
    // A client cannot edit a place: an edit of one is a live location that moved, or ended.
    let moved = message["location"].is_object();
    let read = Box::new(IncomingMessage {
        external_id: message_id(chat_id, id),
        person: Person { phone, ..person(from, chat_id) },
        text,
        parts,
        reply_to: reply_to(message, chat_id),
        sent_at,
        // Two edits of one second have one edit_date: updates are numbered in their order.
        edit_key: update_id,
        edited_at: (edited && !moved).then(|| time_of(message, "edit_date").unwrap_or(sent_at)),
        album_id: label_of(message, "media_group_id"),
        forwarded_from: forwarded_from(message),
        is_cropped: false,
    });
    if edited { Incoming::Edited(read) } else { Incoming::Message(read) }
}

/// A client who blocks the bot "kicks" it from the private chat; unblocking makes it a member again.
fn read_membership(change: &Value) -> Incoming {
    let chat = &change["chat"];
    if str_of(chat, "type").is_some_and(|kind| kind != "private") {
        return Incoming::Ignored { reason: "not a private chat" };
    }
    let status = str_of(&change["new_chat_member"], "status");
    let (Some(id), Some(status)) = (positive(chat, "id"), status) else {
        return Incoming::Unreadable { what: "my_chat_member without a chat or a status" };
    };
    let from = change.get("from").filter(|from| from.is_object()).unwrap_or(chat);
    match status {
        "kicked" | "left" => Incoming::Reachable { person: person(from, id), reachable: false },
        "member" => Incoming::Reachable { person: person(from, id), reachable: true },
        _ => Incoming::Ignored { reason: "a membership that says nothing of reaching the client" },
    }
}

fn person(from: &Value, id: i64) -> Person {
    let username = username(from);
    let name = full_name(from).or_else(|| username.clone());
    let profile_url = username.as_ref().map(|username| format!("https://t.me/{username}"));
    Person { name, username, profile_url, ..Person::of(id.to_string()) }
}

/// First and last name of a user, a contact or a private chat. The first may be an empty string on the wire.
pub(super) fn full_name(of: &Value) -> Option<String> {
    let part = |key| str_of(of, key).map(|name| sanitize::line(name, sanitize::NAME)).unwrap_or_default();
    let full = sanitize::line(&format!("{} {}", part("first_name"), part("last_name")), sanitize::NAME);
    (!full.is_empty()).then_some(full)
}

/// The id of the answered message. An answer to a message of another chat (`external_reply`) has none here.
fn reply_to(message: &Value, chat_id: i64) -> Option<String> {
    let replied = message.get("reply_to_message")?;
    if int_of(&replied["chat"], "id").is_some_and(|other| other != chat_id) {
        return None;
    }
    Some(message_id(chat_id, int_of(replied, "message_id")?))
}

/// Whom a message is forwarded from: by `forward_origin`, else by the older fields, which the server still sends.
fn forwarded_from(message: &Value) -> Option<String> {
    let user = |user: &Value| full_name(user).or_else(|| label_of(user, "username"));
    let chat = |chat: &Value| label_of(chat, "title").or_else(|| user(chat));
    if let Some(origin) = message.get("forward_origin").filter(|origin| origin.is_object()) {
        let name = user(&origin["sender_user"])
            .or_else(|| label_of(origin, "sender_user_name"))
            .or_else(|| chat(&origin["sender_chat"]))
            .or_else(|| chat(&origin["chat"]));
        return Some(name.unwrap_or_else(|| "Unknown".to_owned()));
    }
    user(&message["forward_from"])
        .or_else(|| label_of(message, "forward_sender_name"))
        .or_else(|| chat(&message["forward_from_chat"]))
}

pub(super) fn str_of<'a>(of: &'a Value, key: &str) -> Option<&'a str> {
    of.get(key)?.as_str()
}

pub(super) fn int_of(of: &Value, key: &str) -> Option<i64> {
    of.get(key)?.as_i64()
}

/// A short text on one line, if there is anything in it.
pub(super) fn label_of(of: &Value, key: &str) -> Option<String> {
    let label = sanitize::line(str_of(of, key)?, sanitize::NAME);
    (!label.is_empty()).then_some(label)
}

fn positive(of: &Value, key: &str) -> Option<i64> {
    int_of(of, key).filter(|id| *id > 0)
}

/// Telegram's times are whole seconds since 1970. Zero stands for "inaccessible".
fn time_of(of: &Value, key: &str) -> Option<Time> {
    int_of(of, key).filter(|seconds| (1..=LAST_SECOND).contains(seconds)).map(|seconds| Time(seconds * 1000))
}
