//! VK: the messages of a community, over HTTP alone.
//!
//! `read`, `content`, `attachments` and `forwards` are what comes in, `send`, `upload` and `change` what goes out; `callback`
//! and `poll` are how events reach us, `client` is the wire, `fault` what an error there means. Wire facts: API 5.199,
//! dev.vk.com/en/api and github.com/VKCOM/vk-api-schema.

mod attachments;
mod callback;
mod change;
mod client;
mod content;
mod fault;
mod forwards;
mod poll;
mod read;
mod send;
#[cfg(test)]
mod tests;
mod upload;

use async_trait::async_trait;
use colloquy_entity::{ChannelKind, Time};
use serde_json::Value;

pub use client::{CallError, Vk};
pub use fault::REFUSED_TOKEN;

use super::{
    Download, Fault, Identity, Incoming, IncomingMessage, Messenger, Outgoing, Polled, Posted, Profile, Rate, Rates,
    Secret, Sent, sanitize, verify,
};
use read::{int_of, label_of, str_of};

/// The longest text in UTF-16 units. The documentation says 9,000, but only 4,096 are safe.
pub(super) const TEXT: usize = 4096;

/// The largest file that is fetched, in bytes: documents have up to 200 MB at VK.
const DOWNLOAD: u64 = 200 << 20;

/// Conversations of several people are numbered from here: dev.vk.com/en/method/messages.send, `peer_id`.
const CHATS: i64 = 2_000_000_000;

#[async_trait]
impl Messenger for Vk {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Vk
    }

    /// 20 calls in any second for a community's token: dev.vk.com/en/api/api-requests. A message without files is one call;
    /// what is left is for names, typing and buttons.
    fn rates(&self) -> Rates {
        Rates { channel: Rate { per_second: 16, burst: 2 }, chat: Rate { per_second: 1, burst: 3 } }
    }

    fn verify(&self, secret: &Secret, posted: Posted<'_>) -> bool {
        let Ok(body) = serde_json::from_slice::<Value>(posted.body) else { return false };
        if int_of(&body, "group_id") != Some(self.group()) {
            return false;
        }
        match str_of(&body, "secret") {
            Some(presented) => verify(secret, Some(presented.as_bytes())),
            // VK asks so before the secret is set; the answer is worth nothing to anybody but VK.
            None => str_of(&body, "type") == Some("confirmation"),
        }
    }

    async fn challenge(&self, update: &Value) -> Option<Result<String, Fault>> {
        (str_of(update, "type") == Some("confirmation")).then_some(())?;
        Some(callback::confirmation(self).await)
    }

    fn taken(&self) -> &'static str {
        "ok"
    }

    fn read(&self, update: &Value) -> Incoming {
        read::read(update, Time::now())
    }

    async fn whole(&self, message: &IncomingMessage) -> Result<Option<IncomingMessage>, Fault> {
        content::whole(self, message).await
    }

    async fn profile(&self, person: &str) -> Result<Option<Profile>, Fault> {
        let id = peer(person)?;
        let ask = [("user_ids", id.to_string()), ("fields", "photo_200,screen_name,has_photo".to_owned())];
        let found = self.call("users.get", &ask).await.map_err(fault::of_call)?;
        Ok(found.get(0).filter(|user| user.is_object()).map(|user| profile(user, id)))
    }

    /// Without an id it is the token's own community that is told of.
    async fn identify(&self) -> Result<Identity, Fault> {
        let found = self.call("groups.getById", &[]).await.map_err(fault::of_call)?;
        // Older servers answer with the list itself.
        let group = found.get("groups").unwrap_or(&found).get(0);
        let group = group.ok_or_else(|| Fault::fatal("This is no community's token"))?;
        let id = int_of(group, "id").ok_or_else(client::unreadable).map_err(fault::of_call)?;
        let name = label_of(group, "name").unwrap_or_else(|| format!("VK {id}"));
        if id != self.group() {
            return Err(Fault::fatal(format!("The token is of another community: {name} ({id})")));
        }
        let username = screen_name(group);
        let page = username.clone().unwrap_or_else(|| format!("club{id}"));
        Ok(Identity {
            external_id: id.to_string(),
            name,
            username,
            profile_url: Some(format!("https://vk.com/{page}")),
        })
    }

    async fn subscribe(&self, url: &str, secret: &Secret) -> Result<(), Fault> {
        callback::subscribe(self, url, secret).await
    }

    async fn unsubscribe(&self, url: Option<&str>) -> Result<(), Fault> {
        callback::unsubscribe(self, url).await
    }

    /// The cursor is where and from when on the community's long-poll server is asked, as JSON.
    async fn poll(&self, cursor: Option<&str>) -> Result<Polled, Fault> {
        poll::poll(self, cursor).await
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
        let ask = [("peer_id", peer(to)?.to_string()), ("type", "typing".to_owned())];
        self.call("messages.setActivity", &ask).await.map(drop).map_err(fault::of_call)
    }

    async fn acknowledge(&self, button: &str) -> Result<(), Fault> {
        let [event, user, peer] = button.splitn(3, ' ').collect::<Vec<_>>()[..] else {
            return Err(Fault::fatal("This is no press of a button"));
        };
        let ask = [("event_id", event.to_owned()), ("user_id", user.to_owned()), ("peer_id", peer.to_owned())];
        match self.call("messages.sendMessageEventAnswer", &ask).await {
            // After about a minute VK knows no such press.
            Ok(_) | Err(CallError::Refused { code: 100, .. }) => Ok(()),
            Err(error) => Err(fault::of_call(error)),
        }
    }

    async fn download(&self, reference: &str) -> Result<Download, Fault> {
        self.web().fetch(reference, DOWNLOAD).await
    }
}

/// How a message is named outside its conversation: they are counted in each.
fn message_id(peer: i64, number: i64) -> String {
    format!("{peer}:{number}")
}

/// The number of a message in the conversation with `peer`.
fn number_of(external_id: &str, peer: i64) -> Option<i64> {
    let (of, number) = external_id.split_once(':')?;
    if of.parse() != Ok(peer) {
        return None;
    }
    number.parse().ok()
}

/// The conversation that a client's external id stands for.
fn peer(to: &str) -> Result<i64, Fault> {
    to.parse().ok().filter(|peer| is_person(*peer)).ok_or_else(|| Fault::fatal("This client has no VK id"))
}

/// Whether it is a person's id; communities have negative ones.
fn is_person(id: i64) -> bool {
    (1..CHATS).contains(&id)
}

/// The page of a person or, by a negative id, of a community.
fn page(id: i64) -> String {
    match id {
        0.. => format!("https://vk.com/id{id}"),
        _ => format!("https://vk.com/club{}", id.unsigned_abs()),
    }
}

/// The name of a page in its address, where its owner chose one.
fn screen_name(of: &Value) -> Option<String> {
    let name = str_of(of, "screen_name").or_else(|| str_of(of, "domain"))?;
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
    let is_number = |prefix: &str| {
        name.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
    };
    let chosen = !["id", "club", "public", "event"].into_iter().any(is_number);
    ((1..=64).contains(&name.len()) && plain && chosen).then(|| name.to_owned())
}

/// What `users.get` tells. A deleted page is called DELETED and has a stub for a picture: then nothing is known any more.
fn profile(user: &Value, id: i64) -> Profile {
    let part = |key| label_of(user, key).unwrap_or_default();
    let name = sanitize::line(&format!("{} {}", part("first_name"), part("last_name")), sanitize::NAME);
    let is_gone = str_of(user, "deactivated").is_some();
    if name.is_empty() || name == "DELETED" || int_of(user, "id").is_some_and(|of| of != id) {
        return Profile::default();
    }
    let has_photo = !is_gone && int_of(user, "has_photo") != Some(0);
    let avatar = str_of(user, "photo_200").filter(|_| has_photo).filter(|url| url.starts_with("http"));
    let avatar = avatar.filter(|url| url.len() <= sanitize::REFERENCE && !url.contains("/images/camera_"));
    Profile { name: Some(name), username: screen_name(user), avatar_url: avatar.map(str::to_owned) }
}
