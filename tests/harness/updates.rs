//! Telegram's updates, as stories need them: recorded ones, and those of made-up people.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};

/// Updates get growing ids, as a bot's do.
static NEXT_UPDATE: AtomicI64 = AtomicI64::new(900_000_000);
/// Messages too; the bot's answers find room between them, as both share a chat's ids.
static NEXT_MESSAGE: AtomicI64 = AtomicI64::new(10_000);
const ROOM: i64 = 100;

/// A recorded update of `tests/fixtures/telegram/payloads`, named without `.json`.
pub fn payload(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/telegram/payloads");
    let text = std::fs::read_to_string(folder.join(format!("{name}.json")));
    let text = text.unwrap_or_else(|error| panic!("the payload {name}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("the payload {name}: {error}"))
}

/// A person who writes to bots.
#[derive(Clone, Debug)]
pub struct Person {
    /// Telegram's id of them, and of their chat with a bot
    pub id: i64,
    /// Their whole name; unlike anybody else's as long as their id is
    pub name: String,
}

impl Person {
    pub fn new(id: i64) -> Self {
        Self { id, name: format!("Person{id}") }
    }

    /// A text message.
    pub fn says(&self, text: &str) -> Value {
        self.sends(json!({ "text": text }))
    }

    /// A message with this content.
    pub fn sends(&self, content: Value) -> Value {
        self.message("message", NEXT_MESSAGE.fetch_add(ROOM, Ordering::Relaxed), content)
    }

    /// The edit of an earlier message (an update of theirs): its content is now this.
    pub fn edits(&self, message: &Value, content: Value) -> Value {
        let id = message_id(message);
        let mut update = self.message("edited_message", id, content);
        update["edited_message"]["edit_date"] = json!(1_790_000_100);
        update
    }

    /// They blocked the bot, or let it write again.
    pub fn blocks(&self, blocked: bool) -> Value {
        let (old, new) = if blocked { ("member", "kicked") } else { ("kicked", "member") };
        let mut update = payload("44-my-chat-member-kicked");
        update["update_id"] = json!(next_update());
        let change = &mut update["my_chat_member"];
        change["from"] = self.from();
        change["chat"] = self.chat();
        change["old_chat_member"]["status"] = json!(old);
        change["new_chat_member"]["status"] = json!(new);
        update
    }

    fn message(&self, kind: &str, id: i64, content: Value) -> Value {
        let mut message = json!({
            "message_id": id,
            "date": 1_790_000_000,
            "from": self.from(),
            "chat": self.chat(),
        });
        let fields = content.as_object().expect("a message's content is an object");
        message.as_object_mut().expect("it is one").extend(fields.clone());
        json!({ "update_id": next_update(), kind: message })
    }

    fn from(&self) -> Value {
        json!({ "id": self.id, "is_bot": false, "first_name": self.name })
    }

    fn chat(&self) -> Value {
        json!({ "id": self.id, "type": "private", "first_name": self.name })
    }
}

/// A document that somebody sends; the fake has to know the file.
pub fn document(file_id: &str, size: usize) -> Value {
    json!({ "document": {
        "file_id": file_id,
        "file_unique_id": format!("unique-{file_id}"),
        "file_name": format!("{file_id}.txt"),
        "mime_type": "text/plain",
        "file_size": size,
    } })
}

/// Telegram's id of an update's message.
pub fn message_id(update: &Value) -> i64 {
    let message = update.get("message").or_else(|| update.get("edited_message"));
    message.and_then(|message| message["message_id"].as_i64()).expect("an update with a message")
}

/// The next update's id: later updates have higher ones.
pub fn next_update() -> i64 {
    NEXT_UPDATE.fetch_add(1, Ordering::Relaxed)
}
