//! What the pretend VK knows: communities, conversations, people, files, calls, and the faults to come.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use serde_json::{Map, Value, json};

use crate::wire::{Held, Plans, Upload, Watched};

/// A call of a method, an upload or a long poll.
#[derive(Clone, Debug)]
pub struct Call {
    /// Of which community; 0 where the token is nobody's.
    pub group: i64,
    /// As documented (`messages.send`); `upload.photo`, `upload.doc`, `longpoll`, `media`.
    pub method: String,
    /// The conversation that it is about.
    pub peer: Option<i64>,
    /// All arguments, the token left out.
    pub arguments: Map<String, Value>,
    /// The file that came with it.
    pub file: Option<Upload>,
    /// The number of the error that it was answered with.
    pub error: Option<i64>,
    /// When it came.
    pub at: Instant,
}

impl Call {
    /// An argument, empty where there is none.
    pub fn text(&self, key: &str) -> &str {
        self.arguments.get(key).and_then(Value::as_str).unwrap_or_default()
    }
}

/// A file that a community uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentFile {
    /// `photo`, `doc` or `audio_message`.
    pub kind: String,
    /// Its title or file name.
    pub name: String,
    /// Its content type as it was uploaded.
    pub content_type: String,
    /// Its content.
    pub bytes: Bytes,
}

/// A message, as the fake keeps it.
#[derive(Clone, Debug)]
pub struct Message {
    /// The community's number of it.
    pub id: i64,
    /// The conversation's.
    pub number: i64,
    /// The person of the conversation.
    pub peer: i64,
    /// Whether the community wrote it.
    pub is_out: bool,
    /// Its words as they are now.
    pub text: String,
    /// What it was sent with, 0 for none.
    pub random_id: i64,
    /// The number of the message that it answers.
    pub reply_to: Option<i64>,
    /// What it carries.
    pub files: Vec<SentFile>,
    /// How those are named: `photo-1_2`.
    pub attachments: Vec<String>,
    /// How often it was changed.
    pub edits: usize,
    /// Whether it was removed for everybody.
    pub is_deleted: bool,
    /// All fields, as VK shows them.
    pub shown: Value,
    /// When it was written.
    pub at: Instant,
}

/// A conversation of a community with one person.
#[derive(Default)]
pub struct Dialog {
    pub messages: Vec<Message>,
    /// Whether the person lets the community write.
    pub is_allowed: bool,
    /// Whether the community has blocked the person.
    pub is_blocked: bool,
    /// The conversation's number that was given last.
    pub last: i64,
}

/// Where a community's events are posted to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackServer {
    pub id: i64,
    pub url: String,
    pub title: String,
    pub secret: String,
    /// `wait`, `ok` or `failed`, as `groups.getCallbackServers` tells.
    pub status: &'static str,
    /// The events chosen by `groups.setCallbackSettings`.
    pub events: HashSet<String>,
}

/// A community's long-poll server.
#[derive(Default)]
pub struct LongPoll {
    pub is_enabled: bool,
    pub events: HashSet<String>,
    pub key: String,
    /// The number of the last event.
    pub ts: i64,
    /// Events with their numbers; what is older than the first is forgotten.
    pub history: VecDeque<(i64, Value)>,
    /// Answers that the next polls get instead.
    pub failures: VecDeque<Value>,
}

/// A community.
pub struct Group {
    pub name: String,
    pub screen_name: String,
    /// What proves an address.
    pub code: String,
    pub servers: Vec<CallbackServer>,
    pub long_poll: LongPoll,
    pub dialogs: HashMap<i64, Dialog>,
    /// The number that was given last to a message, a server, a file.
    pub last: i64,
    /// What conversations' numbers begin above.
    above: i64,
}

/// A file that an upload server has, until it is saved, and after.
#[derive(Clone)]
pub struct Staged {
    pub upload: Upload,
    pub kind: String,
}

/// A file at an address.
#[derive(Clone)]
pub struct Media {
    pub content_type: String,
    pub bytes: Bytes,
    pub status: u16,
    pub gate: Option<Held>,
}

/// When the echo of a message comes that the API sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Echoes {
    /// At about the time of the answer, as the real one.
    #[default]
    Meanwhile,
    /// It is taken before the answer leaves.
    First,
    /// Not until [`release_echoes`](super::FakeVk::release_echoes).
    Held,
}

#[derive(Default)]
pub struct State {
    pub groups: BTreeMap<i64, Group>,
    pub tokens: HashMap<String, i64>,
    pub calls: Vec<Call>,
    pub people: HashMap<i64, Value>,
    pub staged: HashMap<String, Staged>,
    /// Saved files by how a message names them, without the key.
    pub saved: HashMap<String, SentFile>,
    pub media: HashMap<String, Media>,
    pub echoes: Echoes,
    pub held: Vec<(i64, Value)>,
    /// Whether changes by the API are echoed, too.
    pub edits_echo: bool,
    /// Whether `groups.getById` answers in the form of older versions.
    pub old_form: bool,
    /// Whether `messages.send` answers with the message's number alone.
    pub plain_answers: bool,
    /// Calls that a community may make in a second; 0 for any number.
    pub per_second: usize,
    /// What numbers begin above.
    pub above: i64,
    /// Whether there is a community for every token, and a person for every id.
    pub is_open: bool,
    /// Deliveries are repeated as VK does, so many times faster; 0 for never.
    pub haste: u32,
    pub plans: Plans,
    pub events: i64,
}

/// What all parts of the fake share.
pub type Shared = Watched<State>;

impl State {
    pub fn add_group(&mut self, id: i64, token: &str, name: &str) {
        let group = Group {
            name: name.to_owned(),
            screen_name: format!("pretend{id}"),
            code: format!("c0de{id:x}"),
            servers: Vec::new(),
            long_poll: LongPoll { key: format!("key-{id}-1"), ts: 16, ..LongPoll::default() },
            dialogs: HashMap::new(),
            last: 5000 + self.above,
            above: self.above,
        };
        self.groups.entry(id).or_insert(group);
        self.tokens.insert(token.to_owned(), id);
    }

    /// Whose token it is. Where every token is a community's, it is made of the number in it.
    pub fn group_of(&mut self, token: &str) -> Option<i64> {
        if let Some(group) = self.tokens.get(token) {
            return Some(*group);
        }
        let digits: String = token.chars().filter(char::is_ascii_digit).take(9).collect();
        let id = digits.parse().ok().filter(|id| self.is_open && *id > 0)?;
        self.add_group(id, token, &format!("Pretend community {id}"));
        Some(id)
    }

    /// As [`groups`](Self::groups) has it.
    ///
    /// # Panics
    /// When there is no such community.
    pub fn group(&mut self, id: i64) -> &mut Group {
        self.groups.get_mut(&id).unwrap_or_else(|| panic!("there is no community {id}"))
    }

    /// Whether one call more is more than a second allows.
    pub fn is_too_fast(&self, group: i64, now: Instant) -> bool {
        let recent = self.calls.iter().rev().take_while(|call| now - call.at < Duration::from_secs(1));
        let counted = recent.filter(|call| call.group == group && call.method.contains('.') && call.error != Some(6));
        self.per_second > 0 && counted.count() >= self.per_second
    }

    /// An event of a community as VK posts it, without the secret.
    pub fn event(&mut self, group: i64, kind: &str, object: Value) -> Value {
        self.events += 1;
        let id = format!("{:040x}", 0x00c0_ffee_0000_0000_i64 + self.events);
        json!({ "group_id": group, "type": kind, "event_id": id, "v": "5.199", "object": object })
    }

    /// What a person is called and how they look, as `users.get` tells.
    pub fn person(&self, id: i64) -> Option<Value> {
        let made_up = || {
            let name = format!("Person {}", id % 1000);
            json!({ "id": id, "first_name": name, "last_name": "", "screen_name": format!("id{id}"), "has_photo": 0 })
        };
        self.people.get(&id).cloned().or_else(|| self.is_open.then(made_up))
    }
}

impl Group {
    /// A number for something new.
    pub fn next(&mut self) -> i64 {
        self.last += 1;
        self.last
    }

    /// The conversation with a person, made where there is none.
    pub fn dialog(&mut self, peer: i64) -> &mut Dialog {
        let above = self.above;
        self.dialogs.entry(peer).or_insert_with(|| Dialog { last: above, ..Dialog::default() })
    }

    /// A message by the community's number of it.
    pub fn by_id(&self, id: i64) -> Option<&Message> {
        self.dialogs.values().flat_map(|dialog| &dialog.messages).find(|message| message.id == id)
    }

    /// Puts an event where pollers find it.
    pub fn push(&mut self, event: &Value) {
        let kind = event["type"].as_str().unwrap_or_default();
        let poll = &mut self.long_poll;
        if poll.is_enabled && poll.events.contains(kind) {
            poll.ts += 1;
            poll.history.push_back((poll.ts, event.clone()));
        }
    }
}

impl Dialog {
    /// A message by the conversation's number of it.
    pub fn message(&mut self, number: i64) -> Option<&mut Message> {
        self.messages.iter_mut().find(|message| message.number == number)
    }
}

/// The calls so far in a line each, for a story that fails.
pub fn summary(state: &State) -> String {
    let line = |call: &Call| {
        format!("\n  {} to {:?}: {:?} error {:?}", call.method, call.peer, call.text("message"), call.error)
    };
    let lines: String = state.calls.iter().map(line).collect();
    format!("{} calls{lines}", state.calls.len())
}
