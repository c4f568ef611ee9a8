//! What a message carries: text, attachments, a place, what it answers and what it forwards.

use colloquy_entity::Time;
use serde_json::Value;

use super::attachments::Gathered;
use super::client::Vk;
use super::read::{as_told, flag, int_of, label_of, of_id, str_of, time_of};
use super::{fault, forwards, message_id, number_of, peer};
use crate::messenger::{Fault, IncomingMessage, Part, sanitize};

/// A message of the conversation with `peer`, in whichever form; `None` without an id.
pub fn read(message: &Value, peer: i64, now: Time) -> Option<IncomingMessage> {
    let own = str_of(message, "text").or_else(|| str_of(message, "body")).unwrap_or_default();
    let own = sanitize::text(own).into_owned();
    let mut gathered = Gathered::beside(&own);
    gathered.take_all(&message["attachments"]);
    gathered.parts.extend(place(message));
    if message.get("geo").is_some_and(Value::is_object) && place(message).is_none() {
        gathered.lines.push("[Location]".to_owned());
    }
    let forwarded = forwards::read(&message["fwd_messages"], &mut gathered.parts);
    let named = gathered.lines.join("\n");
    let quoted = forwarded.as_ref().map_or("", |forwarded| &forwarded.text);
    let said = [own.as_str(), &named, quoted].into_iter().filter(|piece| !piece.is_empty());
    let mut text = said.collect::<Vec<_>>().join("\n");
    if text.trim().is_empty() && gathered.parts.is_empty() {
        text = "[Unsupported message]".to_owned();
    }
    Some(IncomingMessage {
        external_id: external_id(message, peer)?,
        person: of_id(peer),
        text,
        parts: gathered.parts,
        reply_to: reply_to(message, peer),
        sent_at: time_of(message, "date").unwrap_or(now),
        edit_key: None,
        edited_at: None,
        album_id: None,
        forwarded_from: forwarded.map(|forwarded| forwarded.from),
        is_cropped: flag(message, "is_cropped"),
    })
}

/// By the conversation's number. The oldest form has none but the community's own, which counts otherwise.
fn external_id(message: &Value, peer: i64) -> Option<String> {
    let id = |key| int_of(message, key).filter(|id| *id > 0);
    match id("conversation_message_id").or_else(|| id("cmid")) {
        Some(number) => Some(message_id(peer, number)),
        None => Some(format!("{peer}:m{}", id("id")?)),
    }
}

/// The answered message, where it is one of this conversation.
fn reply_to(message: &Value, peer: i64) -> Option<String> {
    let replied = message.get("reply_message").filter(|replied| replied.is_object())?;
    if int_of(replied, "peer_id").is_some_and(|other| other != peer) {
        return None;
    }
    external_id(replied, peer)
}

/// Two numbers, or in older versions both in one text.
fn place(message: &Value) -> Option<Part> {
    let geo = message.get("geo")?;
    let coordinates = &geo["coordinates"];
    let (latitude, longitude) = match coordinates.as_str() {
        Some(text) => {
            let (latitude, longitude) = text.trim().split_once(char::is_whitespace)?;
            (latitude.parse().ok()?, longitude.trim().parse().ok()?)
        }
        None => (coordinates["latitude"].as_f64()?, coordinates["longitude"].as_f64()?),
    };
    let is_on_earth = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
    is_on_earth.then(|| Part::Location { latitude, longitude, title: label_of(&geo["place"], "title") })
}

/// The whole of a message that came cropped.
pub async fn whole(vk: &Vk, message: &IncomingMessage) -> Result<Option<IncomingMessage>, Fault> {
    let peer = peer(&message.person.external_id)?;
    let found = ask(vk, peer, &message.external_id).await?;
    let whole = found.and_then(|item| read(&item, peer, message.sent_at));
    let whole = whole.filter(|whole| whole.external_id == message.external_id);
    Ok(whole.map(|whole| as_told(whole, message)))
}

/// A message as VK has it now; nothing where it is gone.
pub async fn ask(vk: &Vk, peer: i64, external_id: &str) -> Result<Option<Value>, Fault> {
    let group = ("group_id", vk.group().to_string());
    let answer = match number_of(external_id, peer) {
        Some(number) => {
            let ask = [("peer_id", peer.to_string()), ("conversation_message_ids", number.to_string()), group];
            vk.call("messages.getByConversationMessageId", &ask).await
        }
        None => {
            let id = external_id.rsplit_once(":m").map(|(_, id)| id.to_owned());
            let id = id.ok_or_else(|| Fault::fatal("VK has no such message"))?;
            vk.call("messages.getById", &[("message_ids", id), group]).await
        }
    };
    let mut answer = answer.map_err(fault::of_call)?;
    let item = answer["items"].get_mut(0).map(Value::take);
    Ok(item.filter(Value::is_object))
}
