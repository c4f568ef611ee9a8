//! What each answer of the fixtures means for a message.

use std::time::Duration;

use super::server::{answer, bot};
use super::wire::{send, text};
use super::{fixture, names};
use crate::messenger::Fault;

/// What sending comes to when Telegram answers so; `None` for answers that belong to other methods.
fn expected(response: &str) -> Option<Result<&'static str, Fault>> {
    let fatal = |words: &str| Err(Fault::fatal(words));
    let unreachable = |words: &str| Err(Fault::Final { words: words.to_owned(), unreachable: true });
    let broken = |words: &str| Err(Fault::Broken { words: words.to_owned() });
    let passing = |words: &str, seconds: Option<u64>, whole_channel| {
        let retry_after = seconds.map(Duration::from_secs);
        Err(Fault::Passing { words: words.to_owned(), retry_after, whole_channel })
    };
    Some(match response {
        "sendMessage-ok.json" => Ok("5000000101:500"),
        "sendPhoto-ok.json" => Ok("5000000101:501"),
        "sendDocument-ok.json" => Ok("5000000101:502"),
        "error-400-chat-not-found.json" => fatal("Telegram knows no chat of the bot with this client"),
        "error-400-message-too-long.json" | "error-400-text-too-long-bytes.json" => {
            fatal("The text is longer than Telegram takes")
        }
        "error-400-caption-too-long.json" => fatal("The text is longer than Telegram takes beside a file"),
        "error-400-message-text-empty.json" => fatal("Telegram takes no message without text"),
        "error-400-bot-logged-out.json" => fatal("The bot is logged out at this Bot API server"),
        "error-400-reply-not-found.json" => fatal("Telegram refused it: message to be replied not found"),
        "error-400-photo-invalid-dimensions.json" => fatal("Telegram refused it: PHOTO_INVALID_DIMENSIONS"),
        "error-400-wrong-http-url.json" => fatal("Telegram refused it: wrong HTTP URL specified"),
        "error-400-failed-get-http-url.json" => fatal("Telegram refused it: failed to get HTTP URL content"),
        "error-400-wrong-content-type.json" => fatal("Telegram refused it: wrong type of the web page content"),
        "error-400-no-photo-in-request.json" => fatal("Telegram refused it: there is no photo in the request"),
        "error-400-bad-webhook-url.json" => fatal("Telegram refused it: invalid webhook URL specified"),
        "error-400-secret-token-long.json" => fatal("Telegram refused it: secret token is too long"),
        "error-400-group-upgraded.json" => fatal("Telegram refused it: group chat was upgraded to a supergroup chat"),
        "error-400-secret-token-chars.json" => fatal("Telegram refused it: secret token contains unallowed characters"),
        "error-400-bad-webhook-https.json" => {
            fatal("Telegram refused it: bad webhook: An HTTPS URL must be provided for webhook")
        }
        "error-400-bad-webhook-port.json" => {
            fatal("Telegram refused it: bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
        }
        "error-400-cant-parse-entities.json" => {
            fatal("Telegram refused it: can't parse entities: Can't find end of the entity starting at byte offset 4")
        }
        "error-400-message-not-modified.json" => fatal(
            "Telegram refused it: message is not modified: specified new message content and reply markup are exactly \
             the same as a current content and reply markup of the message",
        ),
        "error-400-query-too-old.json" => {
            fatal("Telegram refused it: query is too old and response timeout expired or query ID is invalid")
        }
        "error-401-invalid-token.json"
        | "error-401-unauthorized.json"
        | "error-404-method.json"
        | "error-404-not-found.json"
        | "file-download-404.json" => broken("Telegram does not accept the bot's token"),
        "error-403-blocked.json" => unreachable("The client has blocked the bot"),
        "error-403-deactivated.json" => unreachable("The client's Telegram account no longer exists"),
        "error-403-cant-initiate.json" => {
            unreachable("The client has not started the bot; only then can it write to them")
        }
        "error-403-bot-to-bot.json" => unreachable("The client is a bot, and bots cannot write to each other"),
        "error-403-kicked-supergroup.json" => unreachable("Telegram does not let the bot write to this client"),
        "error-409-other-getupdates.json" | "error-409-terminated-by-setwebhook.json" => {
            passing("Another program asks for this bot's updates", None, true)
        }
        "error-409-webhook-active.json" => {
            passing("The bot's updates go to a webhook, and cannot be asked for", None, true)
        }
        "error-413-too-large.json" => fatal("The file is too large: Telegram takes up to 50 MB"),
        "error-421-misdirected.json" => broken("This Bot API server does not serve this bot"),
        "error-429-retry-after.json" => passing("Telegram asks to send more slowly", Some(5), true),
        "error-429-long.json" => passing("Telegram asks to send more slowly", Some(60), true),
        "error-500-restart.json" => passing("Telegram has a fault of its own (500)", None, false),
        "error-502-bad-gateway-html.json" => {
            passing("Telegram is not available (a server before it answered 502)", None, false)
        }
        _ => return None,
    })
}

#[tokio::test]
async fn every_answer_means_what_the_tables_say() {
    let mut sendings = 0;
    for name in names("responses") {
        let Some(expected) = expected(&name) else {
            assert!(!name.starts_with("error"), "{name} is a new error: say here what it means");
            continue;
        };
        let (bot, _) = bot([answer(&fixture("responses", &name))]).await;
        let result = send(&bot, &text("Здравствуйте")).await;
        assert_eq!(result, expected.map(|id| vec![id.to_owned()]), "{name}");
        sendings += 1;
    }
    assert!(sendings > 40, "only {sendings}");
}
