//! Changing and removing what was sent.

use serde_json::Value;

use super::client::{CallError, Vk};
use super::read::{int_of, str_of};
use super::{TEXT, content, fault, number_of, peer, upload};
use crate::messenger::{Fault, Outgoing, Sent, text_length};

/// `messages.edit`. What an edit does not name is gone from the message: so its attachments are asked for, and named again.
pub async fn edit(vk: &Vk, message: &Outgoing, sent: &Sent) -> Result<(), Fault> {
    if text_length(&message.text) > TEXT {
        return Err(fault::refused(914, ""));
    }
    let peer = peer(&message.to)?;
    let id = sent.external_ids.first().filter(|id| number_of(id, peer).is_some());
    let gone = || Fault::fatal("The message is no longer at VK");
    let id = id.ok_or_else(gone)?;
    let now = content::ask(vk, peer, id).await?.ok_or_else(gone)?;
    let number = number_of(id, peer).unwrap_or_default();
    let mut call = vec![
        ("peer_id", peer.to_string()),
        ("cmid", number.to_string()),
        ("message", message.text.clone()),
        ("attachment", attachments(&now).join(",")),
        ("keep_forward_messages", "1".to_owned()),
        ("keep_snippets", "1".to_owned()),
    ];
    if let (Some(lat), Some(long)) =
        (now["geo"]["coordinates"]["latitude"].as_f64(), now["geo"]["coordinates"]["longitude"].as_f64())
    {
        call.extend([("lat", lat.to_string()), ("long", long.to_string())]);
    }
    vk.call("messages.edit", &call).await.map(drop).map_err(fault::of_call)
}

/// What a message has, as an edit names it. A link is a snippet, which is kept as such.
fn attachments(message: &Value) -> Vec<String> {
    let one = |attachment: &Value| {
        let kind = str_of(attachment, "type").filter(|kind| *kind != "link")?;
        upload::named(kind, &attachment[kind])
    };
    message["attachments"].as_array().into_iter().flatten().filter_map(one).collect()
}

/// `messages.delete` for everybody; VK allows it for a day.
pub async fn delete(vk: &Vk, message: &Outgoing, sent: &Sent) -> Result<(), Fault> {
    let peer = peer(&message.to)?;
    let numbers: Vec<String> =
        sent.external_ids.iter().filter_map(|id| number_of(id, peer)).map(|number| number.to_string()).collect();
    if numbers.is_empty() {
        return Err(Fault::fatal("VK has no such message"));
    }
    let call = [
        ("peer_id", peer.to_string()),
        ("cmids", numbers.join(",")),
        ("delete_for_all", "1".to_owned()),
        ("group_id", vk.group().to_string()),
    ];
    let answer = vk.call("messages.delete", &call).await.map_err(fault::of_call)?;
    // Of one that is gone already `response` is 0, which is no error.
    let refused = answer.as_array().into_iter().flatten().find_map(|one| one.get("error").filter(|e| e.is_object()));
    match refused {
        Some(error) => {
            let code = int_of(error, "code").unwrap_or_default();
            let words = str_of(error, "description").unwrap_or_default().to_owned();
            Err(fault::of_call(CallError::Refused { code, words }))
        }
        None => Ok(()),
    }
}
