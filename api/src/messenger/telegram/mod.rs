//! Telegram: a bot of the Bot API, over HTTP alone.
//!
//! `read` is what comes in, `send` and `change` what goes out, `client` the wire, `fault` what an error there means.

mod change;
mod client;
mod content;
mod fault;
mod read;
mod send;
#[cfg(test)]
mod tests;

use std::time::Duration;

use async_trait::async_trait;
use colloquy_entity::ChannelKind;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

pub use client::{Bot, CallError, Telegram};

use super::{
    Download, Fault, Identity, Incoming, Messenger, Outgoing, Polled, Posted, Rate, Rates, Secret, Sent, verify,
};

/// What Telegram shows of the secret that we gave it: core.telegram.org/bots/api#setwebhook.
const SECRET_HEADER: &str = "x-telegram-bot-api-secret-token";

/// The updates that we ask for; the others would only be ignored.
const UPDATES: [&str; 4] = ["message", "edited_message", "callback_query", "my_chat_member"];

/// How long one poll waits for an update. The server allows 50 s.
const POLL: Duration = Duration::from_secs(30);

/// The longest text in UTF-16 units. Servers were also seen to count code points, which are never more.
pub(super) const TEXT: usize = 4096;

#[async_trait]
impl Messenger for Telegram {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Telegram
    }

    /// 30 in any second for a bot, about one a second for a chat, short bursts allowed: core.telegram.org/bots/faq.
    fn rates(&self) -> Rates {
        Rates { channel: Rate { per_second: 28, burst: 2 }, chat: Rate { per_second: 1, burst: 3 } }
    }

    fn verify(&self, secret: &Secret, posted: Posted<'_>) -> bool {
        verify(secret, posted.header(SECRET_HEADER))
    }

    fn verify_headers(&self, secret: &Secret, headers: &HeaderMap) -> bool {
        self.verify(secret, Posted { headers, body: &[] })
    }

    fn read(&self, update: &Value) -> Incoming {
        read::read(update)
    }

    async fn identify(&self) -> Result<Identity, Fault> {
        let bot = self.me().await.map_err(fault::of_call)?;
        Ok(Identity {
            external_id: bot.id.to_string(),
            name: bot.first_name,
            profile_url: bot.username.as_ref().map(|username| format!("https://t.me/{username}")),
            username: bot.username,
        })
    }

    async fn subscribe(&self, url: &str, secret: &Secret) -> Result<(), Fault> {
        self.set_webhook(url, secret).await.map_err(fault::of_call)
    }

    async fn unsubscribe(&self, _url: Option<&str>) -> Result<(), Fault> {
        self.delete_webhook().await.map_err(fault::of_call)
    }

    /// The cursor is the next update's id. Telegram holds what is not confirmed for 24 hours, so that none is needed
    /// after a restart.
    async fn poll(&self, cursor: Option<&str>) -> Result<Polled, Fault> {
        let offset = cursor.and_then(|cursor| cursor.parse().ok());
        let updates = self.updates(offset, POLL).await.map_err(fault::of_call)?;
        let last = updates.iter().filter_map(|update| update["update_id"].as_i64()).max();
        match last {
            Some(last) => Ok(Polled { updates, cursor: Some(last.saturating_add(1).to_string()) }),
            None if updates.is_empty() => Ok(Polled { updates, cursor: cursor.map(str::to_owned) }),
            // They could never be confirmed, and would come again at once.
            None => Err(Fault::passing("Telegram answered with updates that have no id")),
        }
    }

    async fn send(&self, message: &Outgoing, sent: &mut Sent) -> Result<(), Fault> {
        send::send(self, message, sent).await
    }

    async fn edit(&self, message: &Outgoing, sent: &Sent) -> Result<(), Fault> {
        change::edit(self, message, sent).await
    }

    async fn delete(&self, message: &Outgoing, sent: &Sent) -> Result<(), Fault> {
        change::delete(self, message, sent).await
    }

    async fn typing(&self, to: &str) -> Result<(), Fault> {
        let chat_id = chat(to)?;
        self.call("sendChatAction", &json!({ "chat_id": chat_id, "action": "typing" }))
            .await
            .map_err(fault::of_call)?;
        Ok(())
    }

    async fn acknowledge(&self, button: &str) -> Result<(), Fault> {
        match self.call("answerCallbackQuery", &json!({ "callback_query_id": button })).await {
            Ok(_) => Ok(()),
            Err(CallError::Refused { code: 400, description, .. }) if description.contains("query is too old") => {
                Ok(())
            }
            Err(error) => Err(fault::of_call(error)),
        }
    }

    async fn download(&self, reference: &str) -> Result<Download, Fault> {
        let file = self.call("getFile", &json!({ "file_id": reference })).await.map_err(fault::of_get_file)?;
        let path = file["file_path"].as_str().filter(|path| !path.is_empty());
        let path = path.ok_or_else(|| Fault::fatal("Telegram does not hand this file over"))?;
        self.fetch(path).await.map_err(fault::of_fetch)
    }
}

/// How a message is named outside its chat: message ids count per chat.
fn message_id(chat: i64, message: i64) -> String {
    format!("{chat}:{message}")
}

/// The chat that a client's external id stands for.
fn chat(to: &str) -> Result<i64, Fault> {
    to.parse().map_err(|_| Fault::fatal("This client has no Telegram id"))
}

/// The user name of a person or bot. They are ASCII letters, digits and underscores; nothing else fits an address.
fn username(of: &Value) -> Option<String> {
    let name = of["username"].as_str()?;
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    ((1..=64).contains(&name.len()) && plain).then(|| name.to_owned())
}
