//! What a client wrote, as the update of each messenger.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::{Bot, Piece, Sandbox, Written};
use crate::viber::User;
use crate::vk;

impl Sandbox {
    pub(super) fn by_telegram(&self, bot: &Bot, person: &str, name: &str, written: &Written) -> (String, Value) {
        let chat: i64 = person.parse().unwrap_or_default();
        let number = self.telegram.next_message(&bot.token, chat);
        let mut message = json!({
            "message_id": number,
            "date": seconds(),
            "from": { "id": chat, "is_bot": false, "first_name": name },
            "chat": { "id": chat, "type": "private", "first_name": name },
        });
        let mut words = "text";
        if let Some(piece) = written.pieces.first() {
            words = "caption";
            let file = format!("in-{chat}-{number}");
            self.telegram.file(&file, piece.bytes.clone());
            let mut described = json!({ "file_id": file, "file_unique_id": file, "file_size": piece.bytes.len(), "file_name": piece.name });
            described["mime_type"] = piece.content_type.as_str().into();
            match piece.kind {
                "IMAGE" => {
                    (described["width"], described["height"]) = (json!(800), json!(600));
                    message["photo"] = json!([described]);
                }
                "STICKER" => message["sticker"] = described,
                "VIDEO" => message["video"] = described,
                "AUDIO" => message["audio"] = described,
                _ => message["document"] = described,
            }
        }
        if !written.text.is_empty() {
            message[words] = written.text.as_str().into();
        }
        if let Some((latitude, longitude)) = written.location {
            message["location"] = json!({ "latitude": latitude, "longitude": longitude });
        }
        if let Some((name, phone)) = &written.contact {
            message["contact"] = json!({ "phone_number": phone, "first_name": name, "user_id": chat });
        }
        let answered = written.reply_to.as_deref().and_then(|id| id.split_once('-')?.1.parse::<i64>().ok());
        if let Some(answered) = answered {
            message["reply_to_message"] = json!({ "message_id": answered, "chat": { "id": chat }, "date": seconds() });
        }
        (number.to_string(), json!({ "update_id": number_of_update(), "message": message }))
    }

    pub(super) fn by_vk(&self, bot: &Bot, person: &str, written: &Written) -> (String, Value) {
        let person: i64 = person.parse().unwrap_or_default();
        let attachment = |piece: &Piece| {
            let path = format!("in/{}/{}", number_of_update(), piece.name);
            let url = self.vk.media(&path, &piece.content_type, piece.bytes.clone());
            let extension = piece.name.rsplit_once('.').map_or("bin", |(_, extension)| extension);
            let size = json!({ "type": "z", "url": url, "width": 800, "height": 600 });
            match piece.kind {
                "IMAGE" => json!({ "type": "photo", "photo": { "id": 1, "owner_id": person, "sizes": [size] } }),
                "STICKER" => json!({ "type": "sticker", "sticker": {
                    "sticker_id": 1, "product_id": 1, "images": [{ "url": url, "width": 512, "height": 512 }],
                } }),
                _ => json!({ "type": "doc", "doc": {
                    "id": 1, "owner_id": person, "title": piece.name, "size": piece.bytes.len(), "ext": extension,
                    "type": 8, "url": url,
                } }),
            }
        };
        let attachments: Vec<Value> = written.pieces.iter().map(attachment).collect();
        let mut fields = json!({ "text": written.text, "attachments": attachments });
        if let Some((latitude, longitude)) = written.location {
            fields["geo"] = json!({ "type": "point", "coordinates": { "latitude": latitude, "longitude": longitude } });
        }
        let answered = written.reply_to.as_deref().and_then(|id| id.split_once('-')?.1.parse::<i64>().ok());
        if let Some(answered) = answered {
            fields["reply_message"] = json!({ "conversation_message_id": answered, "peer_id": person });
        }
        let event = self.vk.sends(bot.group, person, fields);
        (vk::number(&event).to_string(), event)
    }

    pub(super) fn by_viber(&self, person: &str, name: &str, written: &Written) -> (String, Value) {
        let message = match (written.pieces.first(), written.location, &written.contact) {
            (Some(piece), ..) => {
                let url = self.viber.media(&piece.name, piece.bytes.clone());
                let (size, name) = (piece.bytes.len(), &piece.name);
                match piece.kind {
                    "IMAGE" => json!({ "type": "picture", "media": url, "file_name": name, "text": written.text }),
                    "VIDEO" => json!({ "type": "video", "media": url, "size": size, "duration": 5000 }),
                    "STICKER" => json!({ "type": "sticker", "media": url, "sticker_id": 40100 }),
                    _ => json!({ "type": "file", "media": url, "file_name": name, "size": size }),
                }
            }
            (None, Some((lat, lon)), _) => json!({ "type": "location", "location": { "lat": lat, "lon": lon } }),
            (None, None, Some((name, phone))) => {
                json!({ "type": "contact", "contact": { "name": name, "phone_number": phone } })
            }
            _ => json!({ "type": "text", "text": written.text }),
        };
        let event = now(viber_user(person, name).message(message));
        (event["message_token"].to_string(), event)
    }
}

/// Who has a phone, as Viber knows them.
pub(super) fn viber_user(person: &str, name: &str) -> User {
    User { id: person.to_owned(), name: name.to_owned(), avatar: None }
}

/// An event of Viber's that happens now.
pub(super) fn now(mut event: Value) -> Value {
    event["timestamp"] = (seconds() * 1000).into();
    event
}

/// Of the client's clock.
pub(super) fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Update ids grow, also over a restart of the sandbox.
pub(super) fn number_of_update() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let now = seconds() % 200_000_000 * 10;
    NEXT.fetch_max(now, Ordering::Relaxed);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
