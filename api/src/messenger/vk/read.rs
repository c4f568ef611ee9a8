//! What an event of VK says.
//!
//! Events are read field by field from plain JSON, never into a type as a whole: a field of a new shape must not cost the
//! message. Wire facts: dev.vk.com/en/api/community-events/json-schema.

use colloquy_entity::Time;
use serde_json::Value;

use super::{content, is_person, message_id, page};
use crate::messenger::{Echo, Incoming, IncomingMessage, Person, Receipt, Received, sanitize};

/// The events that we ask for.
pub const EVENTS: &[&str] = &[
    "message_new",
    "message_reply",
    "message_edit",
    "message_allow",
    "message_deny",
    "message_event",
    "message_read",
    "message_typing_state",
    "user_block",
    "user_unblock",
];

/// Events that are known and make nothing; they are turned off.
pub const OTHER_EVENTS: &[&str] = &[
    "audio_new",
    "board_post_delete",
    "board_post_edit",
    "board_post_new",
    "board_post_restore",
    "donut_money_withdraw",
    "donut_money_withdraw_error",
    "donut_subscription_cancelled",
    "donut_subscription_create",
    "donut_subscription_expired",
    "donut_subscription_price_changed",
    "donut_subscription_prolonged",
    "group_change_photo",
    "group_change_settings",
    "group_join",
    "group_leave",
    "group_officers_edit",
    "lead_forms_new",
    "like_add",
    "like_remove",
    "market_comment_delete",
    "market_comment_edit",
    "market_comment_new",
    "market_comment_restore",
    "market_order_edit",
    "market_order_new",
    "message_reaction_event",
    "photo_comment_delete",
    "photo_comment_edit",
    "photo_comment_new",
    "photo_comment_restore",
    "photo_new",
    "poll_vote_new",
    "video_comment_delete",
    "video_comment_edit",
    "video_comment_new",
    "video_comment_restore",
    "video_new",
    "wall_post_new",
    "wall_reply_delete",
    "wall_reply_edit",
    "wall_reply_new",
    "wall_reply_restore",
    "wall_repost",
    "wall_schedule_post_delete",
    "wall_schedule_post_new",
];

/// The last second of the year 9999; later ones have no RFC 3339 form.
const LAST_SECOND: i64 = 253_402_300_799;

/// What an event says, whatever is in it; `now` is when it came.
pub fn read(event: &Value, now: Time) -> Incoming {
    let Some(fields) = event.as_object() else {
        return Incoming::Unreadable { what: "not an object" };
    };
    let kind = fields.get("type").and_then(Value::as_str).unwrap_or_default();
    let object = &event["object"];
    match kind {
        "message_new" => read_message(object, Telling::New, now),
        "message_reply" => read_message(object, Telling::Sent, now),
        "message_edit" => read_message(object, Telling::Edited, now),
        "message_read" => read_receipt(object),
        "message_typing_state" => match person(object, "from_id") {
            Ok(person) => Incoming::Typing { person },
            Err(incoming) => *incoming,
        },
        "message_allow" | "user_unblock" => reachable(object, true),
        "message_deny" | "user_block" => reachable(object, false),
        "message_event" => read_button(object),
        "confirmation" => Incoming::Ignored { reason: "the address is tried out" },
        _ if OTHER_EVENTS.contains(&kind) => Incoming::Ignored { reason: "of no interest" },
        _ => Incoming::Unknown { kind: sanitize::line(kind, sanitize::NAME) },
    }
}

/// What an event tells of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Telling {
    New,
    Sent,
    Edited,
}

/// Three forms: nested since 5.103, flat since 5.80 and always for what is sent or edited, and the oldest, with `body`.
fn read_message(object: &Value, telling: Telling, now: Time) -> Incoming {
    let message = object.get("message").filter(|message| message.is_object()).unwrap_or(object);
    let unreadable = || Incoming::Unreadable { what: "message without a conversation or an id" };
    let Some(peer) = conversation(message) else { return unreadable() };
    if !is_person(peer) {
        return Incoming::Ignored { reason: "not a conversation with one person" };
    }
    if message.get("action").is_some_and(Value::is_object) {
        return Incoming::Ignored { reason: "a service message" };
    }
    let is_out = flag(message, "out") || telling == Telling::Sent;
    if !is_out && int_of(message, "from_id").is_some_and(|from| from != peer) {
        return Incoming::Ignored { reason: "written by another community" };
    }
    let Some(mut read) = content::read(message, peer, now) else { return unreadable() };
    if telling == Telling::Edited {
        let at = time_of(message, "update_time").unwrap_or(read.sent_at);
        read.edited_at = Some(at);
        read.edit_key = Some(edit_key(at, now));
    }
    let read = Box::new(read);
    match (is_out, telling) {
        (true, _) => Incoming::Echo(Box::new(Echo {
            repeat_key: int_of(message, "random_id").and_then(|key| i32::try_from(key).ok()).filter(|key| *key != 0),
            is_edit: telling == Telling::Edited,
            message: *read,
        })),
        (false, Telling::Edited) => Incoming::Edited(read),
        (false, _) => Incoming::Message(read),
    }
}

/// The conversation that a message is of.
fn conversation(message: &Value) -> Option<i64> {
    let peer = int_of(message, "peer_id").or_else(|| int_of(message, "user_id"));
    peer.or_else(|| int_of(message, "from_id").filter(|from| *from > 0))
}

/// Edits are told to the second. Of those of one second, the later to come is the later.
fn edit_key(at: Time, now: Time) -> i64 {
    /// A day, for clocks that differ.
    const BEFORE: i64 = 86_400_000;
    /// 24 days of milliseconds.
    const MOST: i64 = (1 << 31) - 1;
    let late = now.0.saturating_sub(at.0).saturating_add(BEFORE).clamp(0, MOST);
    // Seconds fit 32 bits until 2106.
    ((at.0 / 1000).clamp(0, i64::from(u32::MAX)) << 31).saturating_add(late)
}

/// What the client has read of what we wrote, up to a message.
fn read_receipt(object: &Value) -> Incoming {
    let person = match person(object, "from_id") {
        Ok(person) => person,
        Err(incoming) => return *incoming,
    };
    let peer = int_of(object, "peer_id").or_else(|| int_of(object, "from_id")).unwrap_or_default();
    if !is_person(peer) {
        return Incoming::Ignored { reason: "not a conversation with one person" };
    }
    match int_of(object, "conversation_message_id").filter(|number| *number > 0) {
        Some(number) => {
            Incoming::Receipt(Receipt { person, external_id: message_id(peer, number), what: Received::Read })
        }
        // Before 5.139 only the community's own number was told, which says nothing of the conversation's order.
        None => Incoming::Ignored { reason: "a receipt without the conversation's number" },
    }
}

fn reachable(object: &Value, reachable: bool) -> Incoming {
    match person(object, "user_id") {
        Ok(person) => Incoming::Reachable { person, reachable },
        Err(incoming) => *incoming,
    }
}

/// A press is answered with three ids: `messages.sendMessageEventAnswer`.
fn read_button(object: &Value) -> Incoming {
    let event = str_of(object, "event_id").filter(|id| id.bytes().all(|b| b.is_ascii_graphic()) && !id.is_empty());
    let user = int_of(object, "user_id");
    match (event, user, int_of(object, "peer_id").or(user)) {
        (Some(event), Some(user), Some(peer)) if event.len() <= sanitize::IDENTIFIER => {
            Incoming::Button { id: format!("{event} {user} {peer}") }
        }
        _ => Incoming::Unreadable { what: "message_event without its ids" },
    }
}

/// The person whose id stands under `key`; else what to make of the event.
fn person(object: &Value, key: &str) -> Result<Person, Box<Incoming>> {
    match int_of(object, key) {
        Some(id) if is_person(id) => Ok(of_id(id)),
        Some(_) => Err(Box::new(Incoming::Ignored { reason: "not a person" })),
        None => Err(Box::new(Incoming::Unreadable { what: "event without its person" })),
    }
}

/// Events tell nobody's name: `users.get` does.
pub(super) fn of_id(id: i64) -> Person {
    Person { profile_url: Some(page(id)), ..Person::of(id.to_string()) }
}

/// As a changed message is when it came again whole: what told of the change holds on.
pub(super) fn as_told(whole: IncomingMessage, told: &IncomingMessage) -> IncomingMessage {
    IncomingMessage { edit_key: told.edit_key, edited_at: told.edited_at, person: told.person.clone(), ..whole }
}

pub(super) fn str_of<'a>(of: &'a Value, key: &str) -> Option<&'a str> {
    of.get(key)?.as_str()
}

pub(super) fn int_of(of: &Value, key: &str) -> Option<i64> {
    of.get(key)?.as_i64()
}

/// 1 or true.
pub(super) fn flag(of: &Value, key: &str) -> bool {
    of.get(key).is_some_and(|flag| flag == 1 || flag == true)
}

/// A short text on one line, if there is anything in it.
pub(super) fn label_of(of: &Value, key: &str) -> Option<String> {
    let label = sanitize::line(str_of(of, key)?, sanitize::NAME);
    (!label.is_empty()).then_some(label)
}

/// VK's times are whole seconds since 1970.
pub(super) fn time_of(of: &Value, key: &str) -> Option<Time> {
    int_of(of, key).filter(|seconds| (1..=LAST_SECOND).contains(seconds)).map(|seconds| Time(seconds * 1000))
}
