//! A message on its way out: its files first, then one call for it all, with a key against a repeat.
//!
//! A call that is made again with the same `random_id` within an hour makes no second message: dev.vk.com, messages.send.

use serde_json::{Value, json};

use super::client::{CallError, Vk, unreadable};
use super::read::{int_of, str_of};
use super::{TEXT, fault, message_id, number_of, peer, upload};
use crate::messenger::{Fault, Outgoing, Sent, text_length};

/// Attachments of one message.
const FILES: usize = 10;

/// Sends it, unless it was.
pub async fn send(vk: &Vk, message: &Outgoing, sent: &mut Sent) -> Result<(), Fault> {
    if !sent.external_ids.is_empty() {
        return Ok(());
    }
    let peer = peer(&message.to)?;
    check(message)?;
    let mut attachments = Vec::with_capacity(message.files.len());
    for file in &message.files {
        attachments.push(upload::upload(vk, peer, file).await?);
    }
    let mut call = vec![
        // One alone: the answer then has the conversation's number of the message, which `peer_id` does not bring.
        ("peer_ids", peer.to_string()),
        ("random_id", message.repeat_key.to_string()),
        ("message", message.text.clone()),
        ("attachment", attachments.join(",")),
    ];
    let answered = message.reply_to.as_deref().and_then(|id| number_of(id, peer));
    if let Some(number) = answered {
        let reply = json!({ "peer_id": peer, "conversation_message_ids": [number], "is_reply": true });
        call.push(("forward", reply.to_string()));
    }
    let taken = match once(vk, &call, peer).await {
        // The answered message may be gone. Nothing was sent.
        Err(CallError::Refused { code: 100 | 913 | 921, .. }) if answered.is_some() => {
            call.retain(|(key, _)| *key != "forward");
            once(vk, &call, peer).await
        }
        taken => taken,
    };
    let taken = taken.map_err(fault::of_call)?;
    let number = match (taken.number, taken.id) {
        (None, Some(id)) => number_by_id(vk, id, peer).await,
        (number, _) => number,
    };
    // Without a number it is sent all the same: its echo brings it.
    sent.external_ids.extend(number.map(|number| message_id(peer, number)));
    Ok(())
}

fn check(message: &Outgoing) -> Result<(), Fault> {
    if text_length(&message.text) > TEXT {
        return Err(fault::refused(914, ""));
    }
    if message.text.trim().is_empty() && message.files.is_empty() {
        return Err(Fault::fatal("VK takes no message without text"));
    }
    if message.files.len() > FILES {
        return Err(Fault::fatal(format!("VK takes {FILES} files with a message at most")));
    }
    message.files.iter().try_for_each(upload::check)
}

/// What VK tells of a message that it has taken.
struct Taken {
    id: Option<i64>,
    number: Option<i64>,
}

async fn once(vk: &Vk, call: &[(&str, String)], peer: i64) -> Result<Taken, CallError> {
    let answer = vk.call("messages.send", call).await?;
    let positive = |of: &Value, key| int_of(of, key).filter(|id| *id > 0);
    let Some(all) = answer.as_array() else {
        let id = answer.as_i64().ok_or_else(unreadable)?;
        return Ok(Taken { id: Some(id).filter(|id| *id > 0), number: None });
    };
    let one = all.iter().find(|one| int_of(one, "peer_id") == Some(peer)).or(all.first()).ok_or_else(unreadable)?;
    // What went wrong with one recipient stands beside it.
    if let Some(error) = one.get("error").filter(|error| error.is_object()) {
        let code = int_of(error, "code").unwrap_or_default();
        return Err(CallError::Refused { code, words: str_of(error, "description").unwrap_or_default().to_owned() });
    }
    Ok(Taken { id: positive(one, "message_id"), number: positive(one, "conversation_message_id") })
}

/// The conversation's number of a message, where the answer to its sending has only the community's.
async fn number_by_id(vk: &Vk, id: i64, peer: i64) -> Option<i64> {
    let ask = [("message_ids", id.to_string()), ("group_id", vk.group().to_string())];
    let found = vk.call("messages.getById", &ask).await.ok()?;
    let item = found["items"].get(0)?;
    int_of(item, "conversation_message_id").filter(|_| int_of(item, "peer_id").is_none_or(|of| of == peer))
}
