//! Changing and removing what was sent.
//!
//! Of the pieces that a message was sent in, the first has its text: alone, or as the caption of the first file.

use serde_json::json;

use super::client::{CallError, Telegram};
use super::send::{CAPTION, in_chat};
use super::{TEXT, chat, fault};
use crate::messenger::{Fault, Outgoing, Sent, text_length};

/// `editMessageText` or `editMessageCaption`: core.telegram.org/bots/api#updating-messages.
pub async fn edit(bot: &Telegram, message: &Outgoing, sent: &Sent) -> Result<(), Fault> {
    let chat_id = chat(&message.to)?;
    let id = sent.external_ids.first().and_then(|id| in_chat(id, chat_id));
    let id = id.ok_or_else(|| Fault::fatal("Telegram has no such message"))?;
    // As many messages as files: the text stands beside the first of them.
    let is_caption = !message.files.is_empty() && sent.external_ids.len() == message.files.len();
    let (method, field, limit) = match is_caption {
        true => ("editMessageCaption", "caption", CAPTION),
        false => ("editMessageText", "text", TEXT),
    };
    if text_length(&message.text) > limit {
        return Err(Fault::fatal(format!("Telegram takes {limit} characters there at most")));
    }
    let call = json!({ "chat_id": chat_id, "message_id": id, field: message.text });
    match bot.call(method, &call).await {
        Ok(_) => Ok(()),
        // An earlier try arrived, and its answer did not.
        Err(CallError::Refused { code: 400, description, .. }) if description.contains("message is not modified") => {
            Ok(())
        }
        Err(error) => Err(fault::of_call(error)),
    }
}

/// `deleteMessage` for each piece; only within 48 hours.
pub async fn delete(bot: &Telegram, message: &Outgoing, sent: &Sent) -> Result<(), Fault> {
    let chat_id = chat(&message.to)?;
    for id in sent.external_ids.iter().filter_map(|id| in_chat(id, chat_id)) {
        match bot.call("deleteMessage", &json!({ "chat_id": chat_id, "message_id": id })).await {
            Ok(_) => {}
            Err(CallError::Refused { code: 400, description, .. })
                if description.contains("message to delete not found") => {}
            Err(error) => return Err(fault::of_call(error)),
        }
    }
    Ok(())
}
