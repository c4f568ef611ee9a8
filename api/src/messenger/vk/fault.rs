//! What an error of VK means for the message, the client and the channel, in an operator's words.
//!
//! Decided by the number: the words of VK vary. dev.vk.com/en/reference/errors, and errors.json of the schema.

use std::time::Duration;

use super::client::CallError;
use crate::messenger::Fault;

const SECOND: u64 = 1;
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// What a failed call means.
pub fn of_call(error: CallError) -> Fault {
    match error {
        CallError::Refused { code, words } => refused(code, &words),
        CallError::Foreign { status: 413, .. } => too_large(),
        CallError::Foreign { status, retry_after } => Fault::Passing {
            words: format!("VK is not available (a server before it answered {status})"),
            retry_after,
            whole_channel: status == 429,
        },
        CallError::Lost { words } => Fault::passing(words),
    }
}

/// A file that VK does not take.
pub fn too_large() -> Fault {
    Fault::fatal("The file is too large: VK takes photos of up to 50 MB and files of up to 200 MB")
}

/// Of a token that was revoked, or never was one.
pub const REFUSED_TOKEN: &str = "VK does not accept the community's token";

/// What the number of an error means.
pub fn refused(code: i64, words: &str) -> Fault {
    let broken = |words: &str| Fault::Broken { words: words.to_owned() };
    let unreachable = |words: &str| Fault::Final { words: words.to_owned(), unreachable: true };
    let passing = |words: &str, seconds: u64, whole_channel: bool| Fault::Passing {
        words: words.to_owned(),
        retry_after: Some(Duration::from_secs(seconds)),
        whole_channel,
    };
    match code {
        1 | 10 => Fault::passing(format!("VK has a fault of its own ({code})")),
        5 | 27 | 28 => broken(REFUSED_TOKEN),
        6 => passing("VK asks to send more slowly", SECOND, true),
        7 | 15 => {
            broken("The community's token lacks a right: it needs community management, messages, photos and documents")
        }
        9 => passing("VK asks to do the same less often", 3 * MINUTE, false),
        14 => broken("VK asks for a captcha: answer a client in the community's own page, and try again"),
        17 => broken("VK wants the token's owner to confirm who they are"),
        18 => unreachable("The client's VK page was deleted or banned"),
        29 => passing("VK's quota for the community is used up for now", HOUR, true),
        900 => unreachable("The client is on the community's blacklist"),
        901 => unreachable("The client has not let the community write to them"),
        902 => unreachable("The client's privacy settings do not let the community write to them"),
        909 => Fault::fatal("VK does not let this message be changed any more"),
        910 => Fault::fatal("The message is larger than VK takes"),
        912 => Fault::fatal("Bot features are turned off in the community's settings"),
        913 | 921 => Fault::fatal("VK does not let this message be answered or forwarded"),
        914 => Fault::fatal("The text is longer than VK takes"),
        917 | 945 | 946 | 983 | 1012 => Fault::fatal("VK does not let the community write to this conversation"),
        924 => Fault::fatal("VK does not let this message be removed for the client any more"),
        932 | 936 => Fault::fatal("VK knows no conversation of the community with this client"),
        943 => Fault::fatal("VK does not let the community send messages of this kind"),
        944 => passing("VK's limit for messages of this kind is reached for now", 10 * MINUTE, false),
        950 => Fault::fatal("The time in which VK lets this client be answered is over"),
        984 => broken("VK has restricted the community's messages as spam"),
        1021 => unreachable("The client has not written to the community; only then can it write to them"),
        2000 => Fault::fatal(
            "The community has ten callback servers, the most that VK allows: remove one in its settings (API, Callback API)",
        ),
        _ if words.is_empty() => Fault::fatal(format!("VK refused it ({code})")),
        _ => Fault::fatal(format!("VK refused it ({code}): {words}")),
    }
}
