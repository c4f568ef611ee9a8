//! People who use Viber: what they do, as the events that tell of it.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::state::Webhook;

/// Events get growing tokens, as those of messages are.
static NEXT_EVENT: AtomicU64 = AtomicU64::new(5_900_000_000_000_000_001);

/// The next event's token.
pub fn event_token() -> u64 {
    NEXT_EVENT.fetch_add(1, Ordering::Relaxed)
}

/// A person, as one bot knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Opaque: about what Viber's look like.
    pub id: String,
    /// What they call themselves.
    pub name: String,
    /// Their picture, if they have one.
    pub avatar: Option<String>,
}

/// What a person writes.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    Text(String),
    /// The address of one, and words.
    Picture(String, Option<String>),
    Video(String),
    /// The address of one, its name and its size in bytes.
    File(String, String, u64),
    Sticker(u64),
    /// Degrees.
    Location(f64, f64),
    /// A name and a number.
    Contact(String, String),
    Url(String),
}

impl Content {
    fn message(&self) -> Value {
        match self {
            Self::Text(text) => json!({ "type": "text", "text": text }),
            Self::Picture(media, text) => {
                let mut message = json!({ "type": "picture", "media": media, "file_name": name_in(media) });
                if let Some(text) = text {
                    message["text"] = text.as_str().into();
                }
                message
            }
            Self::Video(media) => json!({ "type": "video", "media": media, "duration": 7000 }),
            Self::File(media, name, size) => {
                json!({ "type": "file", "media": media, "file_name": name, "size": size })
            }
            Self::Sticker(id) => json!({ "type": "sticker", "sticker_id": id }),
            Self::Location(lat, lon) => json!({ "type": "location", "location": { "lat": lat, "lon": lon } }),
            Self::Contact(name, phone) => {
                json!({ "type": "contact", "contact": { "name": name, "phone_number": phone } })
            }
            Self::Url(url) => json!({ "type": "url", "media": url, "text": url }),
        }
    }
}

fn name_in(media: &str) -> String {
    let path = media.split('?').next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

impl User {
    /// Somebody: their id follows from their name.
    pub fn new(name: &str) -> Self {
        let letters: String = name.chars().filter(char::is_ascii_alphanumeric).take(22).collect();
        Self { id: format!("{letters:A<22}=="), name: name.to_owned(), avatar: None }
    }

    /// A text message.
    pub fn says(&self, text: &str) -> Value {
        self.sends(&Content::Text(text.to_owned()))
    }

    /// A message.
    pub fn sends(&self, content: &Content) -> Value {
        self.message(content.message())
    }

    /// A message with this `message`.
    pub fn message(&self, message: Value) -> Value {
        let mut event = event("message");
        event["sender"] = self.described();
        event["message"] = message;
        event["silent"] = false.into();
        event
    }

    /// They let the bot write to them.
    pub fn subscribes(&self) -> Value {
        let mut event = event("subscribed");
        event["user"] = self.described();
        event
    }

    /// They let it no more.
    pub fn unsubscribes(&self) -> Value {
        let mut event = event("unsubscribed");
        event["user_id"] = self.id.as_str().into();
        event
    }

    /// They opened the chat.
    pub fn opens(&self, subscribed: bool) -> Value {
        let mut event = event("conversation_started");
        event["type"] = "open".into();
        event["user"] = self.described();
        event["subscribed"] = subscribed.into();
        event
    }

    fn described(&self) -> Value {
        let mut user =
            json!({ "id": self.id, "name": self.name, "language": "ru-RU", "country": "RU", "api_version": 10 });
        if let Some(avatar) = &self.avatar {
            user["avatar"] = avatar.as_str().into();
        }
        user
    }
}

fn event(kind: &str) -> Value {
    json!({
        "event": kind,
        "timestamp": 1_790_000_000_000_i64,
        "chat_hostname": "SN-CHAT-03_",
        "message_token": event_token(),
    })
}

/// Leaves out of an event what the bot did not ask for.
pub fn as_asked(webhook: &Webhook, mut event: Value) -> Value {
    for key in ["sender", "user"] {
        if let Some(person) = event.get_mut(key).and_then(Value::as_object_mut) {
            if !webhook.send_name {
                person.remove("name");
            }
            if !webhook.send_photo {
                person.remove("avatar");
            }
        }
    }
    event
}
