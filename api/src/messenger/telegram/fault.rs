//! What an error of the Bot API means for the message, the client and the channel, in an operator's words.
//!
//! Decided by the code; the description only chooses words, for it may change.

use super::client::CallError;
use crate::messenger::{Fault, sanitize};

/// What a failed call means.
pub fn of_call(error: CallError) -> Fault {
    let (code, description, retry_after) = match error {
        CallError::Refused { code, description, retry_after } => (code, description, retry_after),
        CallError::Foreign { status: 413, .. } => return too_large(),
        CallError::Foreign { status, retry_after } => {
            let words = format!("Telegram is not available (a server before it answered {status})");
            return Fault::Passing { words, retry_after, whole_channel: status == 429 };
        }
        CallError::Lost { words } => return Fault::passing(words),
    };
    match code {
        401 | 404 => Fault::Broken { words: "Telegram does not accept the bot's token".to_owned() },
        421 => Fault::Broken { words: "This Bot API server does not serve this bot".to_owned() },
        403 => Fault::Final { words: forbidden(&description).to_owned(), unreachable: true },
        408 => Fault::passing("Telegram did not answer in time"),
        409 => Fault::Passing {
            words: if description.contains("webhook is active") {
                "The bot's updates go to a webhook, and cannot be asked for".to_owned()
            } else {
                "Another program asks for this bot's updates".to_owned()
            },
            retry_after,
            whole_channel: true,
        },
        413 => too_large(),
        429 => {
            let words = "Telegram asks to send more slowly".to_owned();
            Fault::Passing { words, retry_after, whole_channel: true }
        }
        400..=499 => Fault::fatal(refused(&description)),
        _ => {
            let words = format!("Telegram has a fault of its own ({code})");
            Fault::Passing { words, retry_after, whole_channel: false }
        }
    }
}

/// What a failed `getFile` means.
pub fn of_get_file(error: CallError) -> Fault {
    match &error {
        CallError::Refused { code: 400, description, .. } if description.contains("too big") => {
            Fault::fatal("The file is larger than 20 MB, the most that Telegram hands over")
        }
        // "wrong file_id or the file is temporarily unavailable": which of the two, it does not say.
        CallError::Refused { code: 400, description, .. } if description.contains("temporarily unavailable") => {
            Fault::passing("Telegram does not have the file at the moment")
        }
        CallError::Refused { code: 400, .. } => Fault::fatal("Telegram no longer has the file"),
        _ => of_call(error),
    }
}

/// What a failed download means. The address of a file expires; the next try asks for a new one.
pub fn of_fetch(error: CallError) -> Fault {
    match error {
        CallError::Refused { code: 404, .. } => Fault::passing("The file's address at Telegram has expired"),
        _ => of_call(error),
    }
}

/// A file that Telegram does not take.
pub fn too_large() -> Fault {
    Fault::fatal("The file is too large: Telegram takes up to 50 MB")
}

fn forbidden(description: &str) -> &'static str {
    if description.contains("blocked by the user") {
        "The client has blocked the bot"
    } else if description.contains("deactivated") {
        "The client's Telegram account no longer exists"
    } else if description.contains("initiate conversation") {
        "The client has not started the bot; only then can it write to them"
    } else if description.contains("to bots") {
        "The client is a bot, and bots cannot write to each other"
    } else {
        "Telegram does not let the bot write to this client"
    }
}

fn refused(description: &str) -> String {
    const KNOWN: [(&str, &str); 12] = [
        ("chat not found", "Telegram knows no chat of the bot with this client"),
        ("message is too long", "The text is longer than Telegram takes"),
        ("text is too long", "The text is longer than Telegram takes"),
        ("caption is too long", "The text is longer than Telegram takes beside a file"),
        ("text is empty", "Telegram takes no message without text"),
        ("VOICE_MESSAGES_FORBIDDEN", "The client does not accept voice messages"),
        ("receiving of voice messages", "The client does not accept voice messages"),
        ("file must be non-empty", "Telegram takes no empty file"),
        ("message can't be edited", "Telegram does not let this message be changed any more"),
        ("message to edit not found", "The message is no longer at Telegram"),
        ("message can't be deleted", "Telegram lets a message be removed within 48 hours only"),
        ("Logged out", "The bot is logged out at this Bot API server"),
    ];
    if let Some((_, words)) = KNOWN.iter().find(|(sign, _)| description.contains(sign)) {
        return (*words).to_owned();
    }
    let reason = sanitize::line(description.strip_prefix("Bad Request: ").unwrap_or(description), sanitize::NAME);
    if reason.is_empty() { "Telegram refused it".to_owned() } else { format!("Telegram refused it: {reason}") }
}
