//! What the pretend Viber knows: bots, the people who met them, calls, media, and the faults to come.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use axum::body::Bytes;
use serde_json::{Value, json};

use crate::wire::{Held, Plans, Watched};

/// When the clock stands still at the beginning, in milliseconds: about when the recorded events are of.
const BEGINNING: i64 = 1_790_000_000_000;
/// Tokens of messages begin above 2^53, as the real ones are.
const FIRST_MESSAGE: u64 = 5_900_000_000_000_500_001;
/// How long an address of media is good, in milliseconds.
const MEDIA: i64 = 60 * 60 * 1000;

/// A call of a method.
#[derive(Clone, Debug)]
pub struct Call {
    /// Whose.
    pub token: String,
    /// `send_message`.
    pub method: String,
    /// The person it is to.
    pub receiver: Option<String>,
    /// The type of a message: `text`, `picture`.
    pub kind: Option<String>,
    /// The text of a message, or beside its picture.
    pub text: Option<String>,
    /// All arguments.
    pub arguments: Value,
    /// The message that it made; none where it was refused.
    pub message_token: Option<u64>,
    /// Viber's own status in the answer; none where that was no answer of Viber's.
    pub status: Option<i64>,
    /// When it came.
    pub at: Instant,
}

/// Where a bot's events are posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// The address.
    pub url: String,
    /// The events asked for; all where nothing was said.
    pub event_types: Option<Vec<String>>,
    /// Whether people come with their names.
    pub send_name: bool,
    /// Whether people come with their pictures.
    pub send_photo: bool,
}

impl Webhook {
    /// Whether an event is posted there: some are, whatever was asked for.
    pub fn wants(&self, event: &str) -> bool {
        matches!(event, "message" | "subscribed" | "unsubscribed" | "webhook")
            || self.event_types.as_ref().is_none_or(|types| types.iter().any(|one| one == event))
    }
}

/// How the check of an address comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Check {
    /// As other events do.
    #[default]
    Signed,
    /// Without a signature.
    Unsigned,
    /// With somebody else's.
    Forged,
}

/// A bot.
pub struct Account {
    pub id: String,
    pub name: String,
    pub uri: String,
    pub webhook: Option<Webhook>,
    pub people: HashMap<String, Met>,
}

/// A person whom a bot has met.
#[derive(Default)]
pub struct Met {
    pub is_subscribed: bool,
    pub name: Option<String>,
    /// When messages were sent to them since they wrote last.
    pub unanswered: Vec<i64>,
    /// When their details were asked for.
    pub asked: Vec<i64>,
}

/// A file that people sent.
#[derive(Clone)]
pub struct Media {
    pub name: String,
    pub bytes: Bytes,
    pub expires: i64,
    pub signature: String,
    pub gate: Option<Held>,
}

/// What came of fetching the media of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The HTTP status; none where nobody answered.
    pub status: Option<u16>,
    /// The content type that came with it.
    pub content_type: Option<String>,
    /// What came.
    pub bytes: Bytes,
    /// Why the message cannot be shown.
    pub trouble: Option<String>,
}

pub struct State {
    pub url: String,
    pub accounts: HashMap<String, Account>,
    pub revoked: HashSet<String>,
    pub calls: Vec<Call>,
    pub media: HashMap<String, Media>,
    pub fetched: HashMap<u64, Fetched>,
    /// Whether there is a bot for every token.
    pub is_open: bool,
    pub checks: Check,
    /// Milliseconds since 1970.
    pub now: i64,
    pub next_message: u64,
    /// What is to go wrong.
    pub plans: Plans,
}

/// What all parts of the fake share.
pub type Shared = Watched<State>;

impl State {
    pub fn at(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            accounts: HashMap::new(),
            revoked: HashSet::new(),
            calls: Vec::new(),
            media: HashMap::new(),
            fetched: HashMap::new(),
            is_open: false,
            checks: Check::Signed,
            now: BEGINNING,
            next_message: FIRST_MESSAGE,
            plans: Plans::default(),
        }
    }

    pub fn add_account(&mut self, token: &str, uri: &str) {
        let account = Account {
            id: format!("pa:{}", 75_346_594_275_400_u64 + self.accounts.len() as u64),
            name: format!("{uri} (pretend)"),
            uri: uri.to_owned(),
            webhook: None,
            people: HashMap::new(),
        };
        self.accounts.insert(token.to_owned(), account);
    }

    /// The bot of a token that is good.
    pub fn account(&mut self, token: &str) -> Option<&mut Account> {
        if self.revoked.contains(token) {
            return None;
        }
        if self.is_open && !token.is_empty() && !self.accounts.contains_key(token) {
            let uri = format!("pretend{}bot", self.accounts.len() + 1);
            self.add_account(token, &uri);
        }
        self.accounts.get_mut(token)
    }

    /// Remembers what an event tells of a person: who writes is subscribed, and may be written to anew.
    pub fn note(&mut self, token: &str, event: &Value) {
        let person = event.get("sender").or_else(|| event.get("user"));
        let id = person.and_then(|person| person["id"].as_str()).or_else(|| event["user_id"].as_str());
        let (Some(id), Some(account)) = (id, self.accounts.get_mut(token)) else { return };
        let met = account.people.entry(id.to_owned()).or_default();
        if let Some(name) = person.and_then(|person| person["name"].as_str()) {
            met.name = Some(name.to_owned());
        }
        match event["event"].as_str().unwrap_or_default() {
            "message" => {
                met.is_subscribed = true;
                met.unanswered.clear();
            }
            "subscribed" => met.is_subscribed = true,
            "unsubscribed" => met.is_subscribed = false,
            _ => {}
        }
    }

    /// The event that tells how far a message came.
    pub fn receipt(&self, event: &str, message: u64, desc: Option<&str>) -> Option<Value> {
        let call = self.calls.iter().find(|call| call.message_token == Some(message))?;
        let mut receipt = json!({
            "event": event,
            "timestamp": self.now,
            "chat_hostname": "SN-CHAT-03_",
            "message_token": message,
            "user_id": call.receiver,
        });
        if let Some(desc) = desc {
            receipt["desc"] = desc.into();
        }
        Some(receipt)
    }

    pub fn add_media(&mut self, name: &str, bytes: Bytes, gate: Option<Held>) -> String {
        let id = format!("{:08x}", self.media.len() + 1);
        let expires = self.now + MEDIA;
        let signature = super::post::sign("media", format!("{id} {expires}").as_bytes());
        let url = format!("{}/media/{id}/{name}?Expires={}&Signature={signature}", self.url, expires / 1000);
        let media = Media { name: name.to_owned(), bytes, expires, signature, gate };
        self.media.insert(id, media);
        url
    }
}

/// The calls so far in a line each, for a story that fails.
pub fn summary(state: &State) -> String {
    let line = |call: &Call| {
        let (kind, text) = (call.kind.as_deref().unwrap_or_default(), call.text.as_deref().unwrap_or_default());
        let made = call.message_token;
        format!("\n  {} to {:?}: {kind} {text:?} made {made:?}, status {:?}", call.method, call.receiver, call.status)
    };
    let lines: String = state.calls.iter().map(line).collect();
    format!("{} calls{lines}", state.calls.len())
}
