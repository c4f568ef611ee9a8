//! What a status of Viber's means for the message, the client and the channel, in an operator's words.
//!
//! Decided by the number: the text beside it is free, and was seen to differ from the documentation's.

use std::time::Duration;

use super::client::CallError;
use crate::messenger::{Fault, sanitize};

/// `tooManyRequests`.
pub const TOO_MANY: i64 = 12;

/// How long a client is left alone who may get no more. The limit is of an hour, and a message is tried ten times: with
/// nine such waits between them the last is later than that.
const HOURLY: Duration = Duration::from_secs(420);

/// The webhook is gone at Viber; it takes no messages then.
pub const FORGOTTEN: &str = "Viber knows no address of the bot any more: it is told ours again within a minute";

/// What a failed call means.
pub fn of_call(error: CallError) -> Fault {
    let (status, message) = match error {
        CallError::Refused { status, message } => (status, message),
        CallError::Foreign { status: 413, .. } | CallError::TooLarge => return too_large(),
        CallError::Foreign { status, retry_after } => {
            let words = format!("Viber is not available (a server before it answered {status})");
            return Fault::Passing { words, retry_after, whole_channel: status == 429 };
        }
        CallError::Lost { words } => return Fault::passing(words),
    };
    let broken = |words: &str| Fault::Broken { words: words.to_owned() };
    let unreachable = |words: &str| Fault::Final { words: words.to_owned(), unreachable: true };
    match status {
        2 => broken("Viber does not accept the bot's token"),
        5 => unreachable("The client is not at Viber any more"),
        6 => unreachable("The client is not subscribed to the bot; once they write to it, it can write to them"),
        7 => broken("Viber has blocked the bot's account"),
        8 => broken("Viber does not know the bot's account any more"),
        9 => broken("Viber has suspended the bot's account"),
        10 => broken(FORGOTTEN),
        // It says nothing of a text, should this have been something else.
        11 => Fault::fatal("The client has no device that can show this"),
        // The one limit that is documented for `send_message` is that of a client: others are not kept waiting for it.
        TOO_MANY => Fault::Passing {
            words: "Viber takes no more to this client for a while: 100 messages an hour until they answer".to_owned(),
            retry_after: Some(HOURLY),
            whole_channel: false,
        },
        13 | 14 => Fault::fatal("The client's Viber is too old to show this"),
        15 => broken("Viber has not authorized the bot's account"),
        21 => Fault::fatal("Viber lets the bot write to nobody in the client's country"),
        23 => Fault::fatal("The bot's free messages of this month are used up"),
        24 => Fault::fatal("There is nothing left on the bot's account at Viber to pay for the message with"),
        _ => Fault::fatal(match said(&message) {
            Some(reason) => format!("Viber refused it: {reason} ({status})"),
            None => format!("Viber refused it ({status})"),
        }),
    }
}

/// What it means that an address was not taken.
pub fn of_set_webhook(error: CallError) -> Fault {
    match &error {
        // The number of both: the address is none to Viber, or it was posted to and did not answer 200.
        CallError::Refused { status: 1, message } if message.contains("HttpRe") => {
            let answered = message.split_once("HttpResponse[HTTP/1.1 ").map(|(_, rest)| rest);
            let code = answered.and_then(|rest| rest.get(..3)?.parse::<u16>().ok());
            let but = code.map(|code| format!(", but {code}")).unwrap_or_default();
            Fault::fatal(format!("Viber tried the address under PUBLIC_URL out, and got no 200 from there{but}"))
        }
        CallError::Refused { status: 1, .. } => Fault::fatal(
            "Viber does not take the address: PUBLIC_URL must be https://, reachable from outside, and have a \
             certificate of a known authority",
        ),
        CallError::Refused { status: TOO_MANY, .. } => Fault::passing("Viber asks to wait"),
        _ => of_call(error),
    }
}

/// What is larger than Viber takes in a call.
pub fn too_large() -> Fault {
    Fault::fatal("The message is larger than the 30 KB that Viber takes")
}

/// What Viber said, on one line and without addresses, which may be signed.
pub fn said(text: &str) -> Option<String> {
    let line = sanitize::line(text, sanitize::NAME);
    let words: Vec<&str> = line.split_whitespace().map(|word| if word.contains("://") { "…" } else { word }).collect();
    (!words.is_empty()).then(|| words.join(" "))
}
