//! What the pretend Telegram knows: bots, calls, files, and the faults to come.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::Instant;

use axum::body::Bytes;
use serde_json::{Map, Value};

use crate::wire::{Held, Plans, Upload, Watched};

/// A call of a method, or a download.
#[derive(Clone, Debug)]
pub struct Call {
    /// Whose.
    pub token: String,
    /// As documented (`sendMessage`), however it was written; `file` for a download.
    pub method: String,
    /// The chat that it is about.
    pub chat_id: Option<i64>,
    /// The text of a message.
    pub text: Option<String>,
    /// The text beside a file.
    pub caption: Option<String>,
    /// The message that it answers.
    pub reply_to: Option<i64>,
    /// The file that came with it.
    pub file: Option<Upload>,
    /// All arguments.
    pub arguments: Map<String, Value>,
    /// The message that it made; none where it was refused.
    pub message_id: Option<i64>,
    /// The status of its answer, whether or not that arrived.
    pub status: u16,
    /// When it came.
    pub at: Instant,
}

/// Where a bot's updates are posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// The address.
    pub url: String,
    /// What the secret header holds.
    pub secret: String,
    /// The kinds of update asked for.
    pub allowed_updates: Vec<String>,
}

/// A bot.
pub struct Bot {
    pub id: i64,
    pub username: String,
    pub webhook: Option<Webhook>,
    /// Updates that are not confirmed.
    pub queue: VecDeque<Value>,
    /// Goes up with each `getUpdates`, and ends the one before.
    pub poll: u64,
    /// The answer that an ended `getUpdates` gets.
    pub ended_by: &'static str,
    /// The last message id of each chat.
    last: HashMap<i64, i64>,
    /// What they begin above.
    above: i64,
    /// The messages that can be answered.
    known: HashSet<(i64, i64)>,
    /// The bot's own messages that were not deleted, by chat and id.
    pub own: BTreeMap<(i64, i64), Kept>,
}

/// A message of the bot's.
pub struct Kept {
    /// Its text or caption.
    pub text: String,
    /// Whether the text is a caption.
    pub has_file: bool,
}

/// A file that can be had.
#[derive(Clone)]
pub struct StoredFile {
    pub bytes: Bytes,
    pub gate: Option<Held>,
}

#[derive(Default)]
pub struct State {
    pub bots: HashMap<String, Bot>,
    pub calls: Vec<Call>,
    pub files: HashMap<String, StoredFile>,
    /// Whether there is a bot for every token.
    pub is_open: bool,
    /// What messages' ids begin above.
    pub above: i64,
    /// Tokens that are good no more.
    pub revoked: HashSet<String>,
    /// What is to go wrong.
    pub plans: Plans,
}

/// What all parts of the fake share.
pub type Shared = Watched<State>;

impl State {
    pub fn add_bot(&mut self, token: &str, username: &str) {
        let id = token.split_once(':').and_then(|(id, _)| id.parse().ok());
        let id = id.unwrap_or_else(|| panic!("a bot's token is <number>:<anything>, not {token}"));
        let bot = Bot {
            id,
            username: username.to_owned(),
            webhook: None,
            queue: VecDeque::new(),
            poll: 0,
            ended_by: "",
            last: HashMap::new(),
            above: self.above,
            known: HashSet::new(),
            own: BTreeMap::new(),
        };
        self.bots.insert(token.to_owned(), bot);
    }

    /// Makes the bot of an unknown token where every token has one.
    pub fn welcome(&mut self, token: &str) -> bool {
        let id = token.split_once(':').and_then(|(id, _)| id.parse::<i64>().ok());
        let Some(id) = id.filter(|_| self.is_open) else { return false };
        self.add_bot(token, &format!("pretend_{id}_bot"));
        true
    }

    pub fn push(&mut self, token: &str, update: Value) {
        self.note(token, &update);
        self.known_bot(token).queue.push_back(update);
    }

    /// Remembers the message of an update: it can be answered, and later ids are higher.
    pub fn note(&mut self, token: &str, update: &Value) {
        let message = &update["message"];
        if let (Some(chat), Some(id)) = (message["chat"]["id"].as_i64(), message["message_id"].as_i64()) {
            self.known_bot(token).note(chat, id);
        }
    }

    fn known_bot(&mut self, token: &str) -> &mut Bot {
        self.bots.get_mut(token).unwrap_or_else(|| panic!("no bot has the token {token}"))
    }
}

impl Bot {
    /// A new message's id: they grow in each chat.
    pub fn next_message(&mut self, chat: i64) -> i64 {
        let id = self.last.get(&chat).unwrap_or(&self.above) + 1;
        self.note(chat, id);
        id
    }

    /// Whether a message can be answered.
    pub fn knows(&self, chat: i64, message: i64) -> bool {
        self.known.contains(&(chat, message))
    }

    /// Keeps a message of the bot's as it was sent.
    pub fn keep(&mut self, chat: i64, message: i64, call: &Call) {
        let text = call.text.clone().or_else(|| call.caption.clone()).unwrap_or_default();
        self.own.insert((chat, message), Kept { text, has_file: call.file.is_some() });
    }

    /// The bot's messages in a chat, in order.
    pub fn shown(&self, chat: i64) -> Vec<(i64, String)> {
        let of_chat = self.own.range((chat, i64::MIN)..=(chat, i64::MAX));
        of_chat.map(|((_, id), kept)| (*id, kept.text.clone())).collect()
    }

    fn note(&mut self, chat: i64, message: i64) {
        let last = self.last.entry(chat).or_default();
        *last = message.max(*last);
        self.known.insert((chat, message));
    }
}

/// The calls so far in a line each, for a story that fails.
pub fn summary(state: &State) -> String {
    let line = |call: &Call| {
        let text = call.text.as_ref().or(call.caption.as_ref());
        format!("\n  {} to {:?}: {:?} made {:?}", call.method, call.chat_id, text, call.message_id)
    };
    let lines: String = state.calls.iter().map(line).collect();
    format!("{} calls{lines}", state.calls.len())
}
