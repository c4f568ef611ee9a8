//! Viber: a bot of the REST Bot API, over HTTP alone.
//!
//! `read` is what comes in, `send` what goes out, `client` the wire, `fault` what an error there means. What Viber's
//! documentation says is from its source, github.com/Viber/creators-hub; it knows neither editing nor deleting, typing,
//! answering a message, asking for updates, nor a key against a repeat.

mod client;
mod content;
mod fault;
mod read;
mod send;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use colloquy_entity::ChannelKind;
use serde_json::{Value, json};

pub use client::{CallError, Viber};
pub use fault::FORGOTTEN;

use super::{
    Download, Fault, Identity, Incoming, Messenger, Outgoing, Polled, Posted, Profile, Rate, Rates, Secret, Sent,
    sanitize,
};

/// Hex HMAC-SHA256 over the raw body, keyed by the bot's token: "Callbacks" of the documentation.
const SIGNATURE_HEADER: &str = "x-viber-content-signature";

/// What we ask to be told. `message`, `subscribed` and `unsubscribed` come in any case.
const EVENTS: [&str; 7] =
    ["message", "subscribed", "unsubscribed", "conversation_started", "delivered", "seen", "failed"];

/// The largest file that is fetched, in bytes. A client's Viber sends files of up to 200 MB.
const DOWNLOAD: u64 = 200 << 20;

/// The longest text in characters; they are counted in UTF-16 units, of which there are never fewer.
pub(super) const TEXT: usize = 7000;

#[async_trait]
impl Messenger for Viber {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Viber
    }

    /// No rate is documented but 100 messages an hour to a client who does not answer: status 12 tells of that. What
    /// broadcasts may (500 requests in 10 s) is far above this.
    fn rates(&self) -> Rates {
        Rates { channel: Rate { per_second: 20, burst: 2 }, chat: Rate { per_second: 1, burst: 3 } }
    }

    /// Whether the body is signed with the bot's token. Nobody can say for certain that the event `webhook`, which only
    /// tries the address out, is signed: it may come without; [`challenge`](Self::challenge) keeps nothing of it.
    fn verify(&self, _: &Secret, posted: Posted<'_>) -> bool {
        match posted.header(SIGNATURE_HEADER) {
            Some(signature) => self.is_signed(posted.body, signature),
            None => serde_json::from_slice(posted.body).is_ok_and(|update| read::is_check(&update)),
        }
    }

    async fn challenge(&self, update: &Value) -> Option<Result<String, Fault>> {
        read::is_check(update).then(|| Ok(String::new()))
    }

    fn read(&self, update: &Value) -> Incoming {
        read::read(update)
    }

    /// `get_user_details`, for whom no update names: twice in twelve hours for a client, no more.
    async fn profile(&self, person: &str) -> Result<Option<Profile>, Fault> {
        match self.call("get_user_details", &json!({ "id": person })).await {
            Ok(answer) => {
                let person = read::person(&answer["user"], person.to_owned());
                Ok(Some(Profile { name: person.name, username: None, avatar_url: person.avatar_url }))
            }
            // Asked too often: what is known stays, and nobody asks again for a while.
            Err(CallError::Refused { status: fault::TOO_MANY, .. }) => Ok(Some(Profile::default())),
            Err(error) => Err(fault::of_call(error)),
        }
    }

    async fn identify(&self) -> Result<Identity, Fault> {
        let account = self.call("get_account_info", &json!({})).await.map_err(fault::of_call)?;
        let label = |key: &str| sanitize::line(account[key].as_str().unwrap_or_default(), sanitize::NAME);
        let id = label("id");
        if id.is_empty() {
            return Err(fault::of_call(client::unreadable()));
        }
        let uri = Some(label("uri")).filter(|uri| is_plain(uri));
        let name = Some(label("name")).filter(|name| !name.is_empty()).or_else(|| uri.clone());
        Ok(Identity {
            name: name.unwrap_or_else(|| "Viber bot".to_owned()),
            profile_url: uri.as_ref().map(|uri| format!("viber://pa?chatURI={uri}")),
            username: uri,
            external_id: id,
        })
    }

    /// Viber tries `url` out within this call. It has one address for a bot: this takes the place of any other.
    async fn subscribe(&self, url: &str, _: &Secret) -> Result<(), Fault> {
        // Without the two flags clients come without name and picture.
        let hook = json!({ "url": url, "event_types": EVENTS, "send_name": true, "send_photo": true });
        self.call("set_webhook", &hook).await.map(drop).map_err(fault::of_set_webhook)
    }

    async fn unsubscribe(&self, _: Option<&str>) -> Result<(), Fault> {
        self.call("set_webhook", &json!({ "url": "" })).await.map(drop).map_err(fault::of_set_webhook)
    }

    async fn poll(&self, _: Option<&str>) -> Result<Polled, Fault> {
        Err(Fault::Broken { words: "Viber cannot be asked for updates: start colloquy with PUBLIC_URL".to_owned() })
    }

    async fn send(&self, message: &Outgoing, sent: &mut Sent) -> Result<(), Fault> {
        send::send(self, message, sent).await
    }

    async fn edit(&self, _: &Outgoing, _: &Sent) -> Result<(), Fault> {
        Err(Fault::fatal("Viber lets nobody change a message that was sent"))
    }

    async fn delete(&self, _: &Outgoing, _: &Sent) -> Result<(), Fault> {
        Err(Fault::fatal("Viber lets nobody remove a message that was sent"))
    }

    /// Viber shows none.
    async fn typing(&self, _: &str) -> Result<(), Fault> {
        Ok(())
    }

    /// Pressed buttons come as texts, and wait for nothing.
    async fn acknowledge(&self, _: &str) -> Result<(), Fault> {
        Ok(())
    }

    /// From the address that the update named. It is good for an hour from then on, and nobody gives another.
    async fn download(&self, reference: &str) -> Result<Download, Fault> {
        self.web().fetch(reference, DOWNLOAD).await
    }
}

/// Letters, digits and what stands between them in a bot's URI.
fn is_plain(uri: &str) -> bool {
    !uri.is_empty() && uri.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}
