//! Events to the words that all messengers share.
//!
//! Fields are read one by one and nothing is required that is not needed: an event of another shape is understood as far
//! as it goes. What Viber sends is in `tests/fixtures/viber/payloads`.

use colloquy_entity::Time;
use serde_json::Value;
use url::Url;

use super::content::{self, Content};
use super::fault;
use crate::messenger::{Incoming, IncomingMessage, Person, Receipt, Received, sanitize};

/// What stands for the name of a client who shows none: "content personalisation" is off.
const NAMELESS: &str = "Subscriber";

/// The last millisecond of the year 9999; later ones have no RFC 3339 form.
const LAST_TIME: i64 = 253_402_300_799_999;

/// Whether an event only tries our address out.
pub fn is_check(update: &Value) -> bool {
    str_of(update, "event") == Some("webhook")
}

/// What an event says, whatever is in it.
pub fn read(update: &Value) -> Incoming {
    if !update.is_object() {
        return Incoming::Unreadable { what: "not an object" };
    }
    match str_of(update, "event").unwrap_or_default() {
        "message" => read_message(update),
        "subscribed" => read_reachable(update, true),
        "unsubscribed" => read_reachable(update, false),
        // Opening the chat is neither a message nor a subscription; but it tells of one that there is.
        "conversation_started" if update["subscribed"] == true => read_reachable(update, true),
        "conversation_started" => Incoming::Ignored { reason: "the client has only opened the chat" },
        "delivered" => read_receipt(update, Received::Delivered),
        "seen" => read_receipt(update, Received::Read),
        "failed" => read_receipt(update, Received::Failed(failure(update))),
        "webhook" | "client_status" | "action" => Incoming::Ignored { reason: "of no interest" },
        kind => Incoming::Unknown { kind: sanitize::line(kind, sanitize::NAME) },
    }
}

fn read_message(update: &Value) -> Incoming {
    if !update["chat_id"].is_null() {
        return Incoming::Ignored { reason: "not a private chat" };
    }
    let (Some(token), Some(id)) = (token(&update["message_token"]), id(&update["sender"], "id")) else {
        return Incoming::Unreadable { what: "message without a sender or a token" };
    };
    let Content { text, parts } = content::read(&update["message"], token);
    Incoming::Message(Box::new(IncomingMessage {
        external_id: token.to_string(),
        person: person(&update["sender"], id),
        text,
        parts,
        reply_to: None,
        sent_at: time_of(update, "timestamp").unwrap_or_else(Time::now),
        edit_key: None,
        edited_at: None,
        album_id: None,
        forwarded_from: None,
        is_cropped: false,
    }))
}

fn read_reachable(update: &Value, reachable: bool) -> Incoming {
    let user = &update["user"];
    match id(user, "id").or_else(|| id(update, "user_id")) {
        Some(id) => Incoming::Reachable { person: person(user, id), reachable },
        None => Incoming::Unreadable { what: "a subscription without a client" },
    }
}

fn read_receipt(update: &Value, what: Received) -> Incoming {
    let client = id(update, "user_id").or_else(|| id(&update["user"], "id"));
    match (token(&update["message_token"]), client) {
        (Some(token), Some(client)) => {
            Incoming::Receipt(Receipt { person: Person::of(client), external_id: token.to_string(), what })
        }
        _ => Incoming::Unreadable { what: "a receipt without a client or a token" },
    }
}

/// Why a message did not arrive after all.
fn failure(update: &Value) -> String {
    match str_of(update, "desc").and_then(fault::said) {
        Some(reason) => format!("Viber could not deliver it: {reason}"),
        None => "Viber could not deliver it".to_owned(),
    }
}

/// What a user, a sender or an answer of `get_user_details` tells of a person.
pub(super) fn person(of: &Value, id: String) -> Person {
    let name = label_of(of, "name").filter(|name| name != NAMELESS);
    Person { name, avatar_url: address(of, "avatar"), ..Person::of(id) }
}

/// A client's id: an opaque text, of which only bounds are expected.
fn id(of: &Value, key: &str) -> Option<String> {
    let id = str_of(of, key)?;
    let fits = (1..=sanitize::IDENTIFIER).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
    fits.then(|| id.to_owned())
}

/// A message's token: an unsigned number of 64 bits, which the documentation also shows as a string. It fits no float.
pub(super) fn token(value: &Value) -> Option<u64> {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    value.as_u64().or_else(|| value.as_str().and_then(digits))
}

/// An address that anyone can open.
pub(super) fn address(of: &Value, key: &str) -> Option<String> {
    let url = Url::parse(str_of(of, key)?).ok()?;
    let url = matches!(url.scheme(), "http" | "https").then(|| url.to_string())?;
    (url.len() <= sanitize::REFERENCE).then_some(url)
}

pub(super) fn str_of<'a>(of: &'a Value, key: &str) -> Option<&'a str> {
    of.get(key)?.as_str()
}

/// A short text on one line, if there is anything in it.
pub(super) fn label_of(of: &Value, key: &str) -> Option<String> {
    let label = sanitize::line(str_of(of, key)?, sanitize::NAME);
    (!label.is_empty()).then_some(label)
}

/// Viber's times are milliseconds since 1970.
fn time_of(of: &Value, key: &str) -> Option<Time> {
    of.get(key)?.as_i64().filter(|time| (1..=LAST_TIME).contains(time)).map(Time)
}
