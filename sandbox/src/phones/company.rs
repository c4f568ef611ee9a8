//! What the company wrote, as a client's messenger shows it.

use std::time::{Duration, Instant};

use super::{Bot, Kind, Phone, Piece, Sandbox};

/// How long a messenger shows that somebody is typing.
const TYPING: Duration = Duration::from_secs(5);

/// A message of the company.
pub(super) struct Shown {
    pub key: String,
    pub text: String,
    pub at: Instant,
    pub is_edited: bool,
    pub is_deleted: bool,
    pub reply_to: Option<String>,
    pub pieces: Vec<Piece>,
    pub mark: &'static str,
}

impl Sandbox {
    /// What the company wrote to a phone, in order.
    pub(super) fn company(&self, bot: &Bot, phone: &Phone) -> Vec<Shown> {
        let is_read = |at: Instant| phone.read_at.is_some_and(|read| at <= read);
        match bot.kind {
            Kind::Telegram => {
                let chat = phone.person.parse().unwrap_or_default();
                let now = self.telegram.shown(&bot.token, chat);
                let sent = self.telegram.sent().into_iter().filter(|call| {
                    call.token == bot.token && call.chat_id == Some(chat) && call.method.starts_with("send")
                });
                sent.filter_map(|call| {
                    let id = call.message_id?;
                    let text = call.text.or(call.caption).unwrap_or_default();
                    let kept = now.iter().find(|(kept, _)| *kept == id).map(|(_, text)| text.clone());
                    Some(Shown {
                        key: id.to_string(),
                        at: call.at,
                        is_edited: kept.as_ref().is_some_and(|kept| *kept != text),
                        is_deleted: kept.is_none(),
                        text: kept.unwrap_or_default(),
                        reply_to: call.reply_to.map(|id| id.to_string()),
                        pieces: call
                            .file
                            .into_iter()
                            .map(|file| piece(file.name, file.content_type, file.bytes))
                            .collect(),
                        mark: "SENT",
                    })
                })
                .collect()
            }
            Kind::Vk => {
                let peer: i64 = phone.person.parse().unwrap_or_default();
                let all = self.vk.conversations(bot.group).into_iter();
                all.filter(|message| message.is_out && message.peer == peer)
                    .map(|message| Shown {
                        key: message.number.to_string(),
                        at: message.at,
                        is_edited: message.edits > 0,
                        is_deleted: message.is_deleted,
                        text: if message.is_deleted { String::new() } else { message.text },
                        reply_to: message.reply_to.map(|number| number.to_string()),
                        pieces: message
                            .files
                            .into_iter()
                            .map(|file| piece(file.name, file.content_type, file.bytes))
                            .collect(),
                        mark: if is_read(message.at) { "READ" } else { "SENT" },
                    })
                    .collect()
            }
            Kind::Viber => {
                let shown = self.viber.shown(&bot.token, &phone.person).into_iter();
                shown
                    .filter_map(|call| {
                        let token = call.message_token?;
                        let name = call.arguments["file_name"].as_str().or(call.arguments["media"].as_str());
                        let name = name.unwrap_or("file").rsplit('/').next().unwrap_or("file").to_owned();
                        let fetched = self.viber.fetched(token);
                        let pieces =
                            fetched.map(|fetched| piece(name, fetched.content_type.unwrap_or_default(), fetched.bytes));
                        Some(Shown {
                            key: token.to_string(),
                            at: call.at,
                            is_edited: false,
                            is_deleted: false,
                            text: call.text.unwrap_or_default(),
                            reply_to: None,
                            pieces: pieces.into_iter().collect(),
                            mark: if is_read(call.at) { "READ" } else { "DELIVERED" },
                        })
                    })
                    .collect()
            }
        }
    }

    /// Until when a phone shows that somebody of the company is typing.
    pub(super) fn typing_until(&self, bot: &Bot, phone: &Phone) -> Option<Instant> {
        let person: Option<i64> = phone.person.parse().ok();
        let last = match bot.kind {
            Kind::Telegram => {
                let calls = self.telegram.calls("sendChatAction").into_iter();
                calls.filter(|call| call.token == bot.token && call.chat_id == person).map(|call| call.at).last()
            }
            Kind::Vk => {
                let calls = self.vk.calls("messages.setActivity").into_iter();
                calls.filter(|call| call.group == bot.group && call.peer == person).map(|call| call.at).last()
            }
            Kind::Viber => None,
        };
        last.map(|at| at + TYPING).filter(|until| *until > Instant::now())
    }
}

/// A file as it is shown.
pub(super) fn piece(name: String, content_type: String, bytes: axum::body::Bytes) -> Piece {
    let kind = match content_type.split('/').next().unwrap_or_default() {
        "image" => "IMAGE",
        "video" => "VIDEO",
        "audio" => "AUDIO",
        _ => "DOCUMENT",
    };
    Piece { name, content_type, bytes, kind }
}
