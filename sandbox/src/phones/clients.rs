//! What clients do, as the updates that tell colloquy of it, brought until they are taken.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::company::piece;
use super::updates::{now, number_of_update, seconds, viber_user};
use super::{Bot, Kind, Piece, Sandbox, Update, Written};
use crate::wire::Upload;

/// Between tries at an update that was not taken; then it is given up.
const WAITS: [u64; 8] = [1, 1, 2, 4, 8, 16, 32, 60];

/// What a client sends.
#[derive(Default)]
pub(super) struct Sending {
    pub text: String,
    pub reply_to: Option<String>,
    /// `LOCATION`, `CONTACT`, `STICKER`, or else.
    pub extra: Option<String>,
    pub files: Vec<Upload>,
}

impl Sandbox {
    /// A client writes.
    pub(super) fn write(&self, id: u64, sending: Sending) -> Result<(), &'static str> {
        let (bot, person, name) = self.of(id).ok_or("There is no such phone")?;
        let mut pieces: Vec<Piece> = Vec::new();
        for file in sending.files {
            pieces.push(piece(file.name, file.content_type, file.bytes));
        }
        if sending.extra.as_deref() == Some("STICKER") {
            pieces = vec![Piece { kind: "STICKER", ..piece("sticker.png".into(), "image/png".into(), STICKER.into()) }];
        }
        let location = (sending.extra.as_deref() == Some("LOCATION")).then_some((55.7539, 37.6208));
        let contact = (sending.extra.as_deref() == Some("CONTACT")).then(|| (name.clone(), "+79990000000".to_owned()));
        let is_empty = sending.text.trim().is_empty() && pieces.is_empty() && location.is_none() && contact.is_none();
        if is_empty {
            return Err("There is nothing to send");
        }
        // Telegram and Viber send each file as a message of its own; VK has up to ten in one.
        let parts: Vec<Vec<Piece>> = match bot.kind {
            Kind::Vk => vec![pieces],
            _ if pieces.is_empty() => vec![Vec::new()],
            _ => pieces.into_iter().map(|piece| vec![piece]).collect(),
        };
        for (nth, pieces) in parts.into_iter().enumerate() {
            let text = if nth == 0 { sending.text.clone() } else { String::new() };
            let mut written = Written {
                key: String::new(),
                text,
                at: Instant::now(),
                edited_at: None,
                reply_to: sending.reply_to.clone().filter(|_| nth == 0 && bot.kind != Kind::Viber),
                pieces,
                location,
                contact: contact.clone(),
                event: Value::Null,
                update: Update { state: "WAITING", status: None, tries: 0 },
            };
            (written.key, written.event) = match bot.kind {
                Kind::Telegram => self.by_telegram(&bot, &person, &name, &written),
                Kind::Vk => self.by_vk(&bot, &person, &written),
                Kind::Viber => self.by_viber(&person, &name, &written),
            };
            let (key, event) = (written.key.clone(), written.event.clone());
            self.state.change(|state| {
                if let Some(phone) = state.phones.get_mut(&id) {
                    phone.written.push(written);
                    // Who writes to a community or a Viber bot lets it answer.
                    phone.is_blocked &= bot.kind == Kind::Telegram;
                }
            });
            self.bring(id, bot.clone(), Some(key), event);
        }
        Ok(())
    }

    /// A client changes what they wrote.
    pub(super) fn rewrite(&self, id: u64, message: &str, text: &str) -> Result<(), &'static str> {
        let (bot, person, _) = self.of(id).ok_or("There is no such phone")?;
        if bot.kind == Kind::Viber {
            return Err("Viber lets nobody change what they wrote");
        }
        if text.trim().is_empty() {
            return Err("A message cannot become empty");
        }
        let key = message.strip_prefix("in-").ok_or("Only own messages can be changed")?.to_owned();
        let mut event = self.state.read(|state| {
            let written = state.phones.get(&id)?.written.iter().find(|written| written.key == key)?;
            Some(written.event.clone())
        });
        let event = event.as_mut().ok_or("There is no such message")?;
        let edit = if bot.kind == Kind::Vk {
            self.vk.edits(bot.group, person.parse().unwrap_or_default(), event, json!({ "text": text }))
        } else {
            let mut message = event["message"].take();
            let words = if message.get("text").is_some() { "text" } else { "caption" };
            message[words] = text.into();
            message["edit_date"] = seconds().into();
            event["message"] = message.clone();
            json!({ "update_id": number_of_update(), "edited_message": message })
        };
        let event = event.clone();
        self.state.change(|state| {
            let written = state.phones.get_mut(&id).and_then(|phone| phone.written.iter_mut().find(|w| w.key == key));
            if let Some(written) = written {
                text.clone_into(&mut written.text);
                written.edited_at = Some(Instant::now());
                if bot.kind == Kind::Telegram {
                    written.event = event;
                }
            }
        });
        self.bring(id, bot, Some(key), edit);
        Ok(())
    }

    /// A client has looked at the chat.
    pub(super) fn read(&self, id: u64) -> Result<(), &'static str> {
        let (bot, person, _) = self.of(id).ok_or("There is no such phone")?;
        let seen = self.state.change(|state| {
            let bot =
                state.phones.get(&id).map(|phone| phone.bot.clone()).and_then(|bot| state.bots.get(&bot).cloned())?;
            let phone = state.phones.get_mut(&id)?;
            let last = self.company(&bot, phone).pop()?;
            let is_new = phone.read_at.is_none_or(|read| read < last.at);
            phone.read_at = Some(last.at);
            is_new.then_some(last.key)
        });
        let Some(last) = seen else { return Ok(()) };
        match bot.kind {
            Kind::Telegram => {}
            Kind::Vk => {
                let (person, number) = (person.parse().unwrap_or_default(), last.parse().unwrap_or_default());
                let event = self.vk.reads(bot.group, person, number);
                self.bring(id, bot, None, event);
            }
            Kind::Viber => {
                let event = json!({
                    "event": "seen",
                    "timestamp": seconds() * 1000,
                    "chat_hostname": "SN-CHAT-PRETEND",
                    "message_token": last.parse::<u64>().unwrap_or_default(),
                    "user_id": person,
                });
                self.bring(id, bot, None, event);
            }
        }
        Ok(())
    }

    /// A client is typing.
    pub(super) fn types(&self, id: u64) -> Result<(), &'static str> {
        let (bot, person, _) = self.of(id).ok_or("There is no such phone")?;
        if bot.kind == Kind::Vk {
            let event = self.vk.types(bot.group, person.parse().unwrap_or_default());
            self.bring(id, bot, None, event);
        }
        Ok(())
    }

    /// A client blocks the bot, or lets it write again.
    pub(super) fn block(&self, id: u64, blocked: bool) -> Result<(), &'static str> {
        let (bot, person, name) = self.of(id).ok_or("There is no such phone")?;
        self.state.change(|state| {
            if let Some(phone) = state.phones.get_mut(&id) {
                phone.is_blocked = blocked;
            }
        });
        let event = match bot.kind {
            Kind::Telegram => {
                let chat: i64 = person.parse().unwrap_or_default();
                self.telegram.set_blocked(chat, blocked);
                let status = |is: bool| json!({ "status": if is { "kicked" } else { "member" } });
                json!({ "update_id": number_of_update(), "my_chat_member": {
                    "chat": { "id": chat, "type": "private", "first_name": name },
                    "from": { "id": chat, "is_bot": false, "first_name": name },
                    "date": seconds(),
                    "old_chat_member": status(!blocked),
                    "new_chat_member": status(blocked),
                } })
            }
            Kind::Vk => self.vk.allows(bot.group, person.parse().unwrap_or_default(), !blocked),
            Kind::Viber => {
                let user = viber_user(&person, &name);
                now(if blocked { user.unsubscribes() } else { user.subscribes() })
            }
        };
        self.bring(id, bot, None, event);
        Ok(())
    }

    /// Brings an update until it is taken, in the background; notes at the message, if it is of one, what became of it.
    fn bring(&self, phone: u64, bot: Bot, key: Option<String>, event: Value) {
        let this = self.clone();
        tokio::spawn(async move {
            for (tries, wait) in (1..).zip(WAITS) {
                let answer = this.bring_once(&bot, &event).await;
                let taken = matches!(answer, Brought::Polled | Brought::Answered(200..=299));
                let status = match answer {
                    Brought::Answered(status) => Some(status),
                    Brought::Polled | Brought::Lost => None,
                };
                let given_up = tries as usize == WAITS.len();
                let state = if taken {
                    "TAKEN"
                } else if given_up {
                    "REFUSED"
                } else {
                    "WAITING"
                };
                if let Some(key) = &key {
                    this.state.change(|all| {
                        let written = all.phones.get_mut(&phone).map(|phone| &mut phone.written);
                        if let Some(written) = written.and_then(|all| all.iter_mut().find(|one| one.key == *key)) {
                            written.update = Update { state, status, tries };
                        }
                    });
                }
                if taken {
                    return;
                }
                // As messengers wait before they bring it again.
                tokio::time::sleep(Duration::from_secs(wait)).await;
            }
        });
    }

    async fn bring_once(&self, bot: &Bot, event: &Value) -> Brought {
        match bot.kind {
            Kind::Telegram if self.telegram.webhook(&bot.token).is_some() => {
                Brought::of(self.telegram.try_deliver(&bot.token, event).await)
            }
            Kind::Telegram => {
                self.telegram.push(&bot.token, event.clone());
                Brought::Polled
            }
            Kind::Vk if self.vk.servers(bot.group).iter().any(|server| server.status == "ok") => {
                let delivery = self.vk.deliver(bot.group, event).await;
                match (delivery.status, delivery.is_taken()) {
                    (0, _) | (200, false) => Brought::Lost,
                    (status, _) => Brought::Answered(status),
                }
            }
            Kind::Vk => {
                self.vk.push(bot.group, event.clone());
                Brought::Polled
            }
            Kind::Viber if self.viber.webhook(&bot.token).is_some() => {
                Brought::of(self.viber.try_deliver(&bot.token, event).await)
            }
            Kind::Viber => Brought::Lost,
        }
    }
}

/// What came of one try.
enum Brought {
    Answered(u16),
    /// It lies ready for who asks.
    Polled,
    /// Nobody answered.
    Lost,
}

impl Brought {
    fn of(answer: reqwest::Result<axum::http::StatusCode>) -> Self {
        answer.map_or(Self::Lost, |status| Self::Answered(status.as_u16()))
    }
}

/// A small picture: one pixel, in the form of a PNG.
const STICKER: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, b'I', b'H', b'D', b'R', 0, 0, 0, 1, 0, 0, 0, 1, 8,
    6, 0, 0, 0, 0x1f, 0x15, 0xc4, 0x89, 0, 0, 0, 0x0d, b'I', b'D', b'A', b'T', 0x78, 0x9c, 0x63, 0xf8, 0xcf, 0xc0,
    0xf0, 0x1f, 0, 5, 0, 1, 0xff, 0x89, 0x99, 0x3d, 0x1d, 0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82,
];
