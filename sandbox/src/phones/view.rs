//! The whole state as the page has it: `frontend/sandbox/protocol.ts` describes it.

use std::time::Instant;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::company::Shown;
use super::{Bot, Kind, Phone, Piece, Sandbox, Written};

impl Sandbox {
    /// All of it.
    pub(super) fn view(&self) -> Value {
        self.state.read(|state| {
            let bots: Vec<Value> = state.bots.values().map(|bot| self.bot(bot)).collect();
            let of = |(id, phone): (&u64, &Phone)| Some(self.phone(*id, phone, state.bots.get(&phone.bot)?));
            let phones: Vec<Value> = state.phones.iter().filter_map(of).collect();
            json!({ "colloquy": self.colloquy.as_ref().map(|url| json!({ "url": url })), "bots": bots, "phones": phones })
        })
    }

    fn bot(&self, bot: &Bot) -> Value {
        let webhook = match bot.kind {
            Kind::Telegram => self.telegram.webhook(&bot.token).map(|webhook| webhook.url),
            Kind::Vk => {
                let servers = self.vk.servers(bot.group);
                servers.into_iter().find(|server| server.status == "ok").map(|server| server.url)
            }
            Kind::Viber => self.viber.webhook(&bot.token).map(|webhook| webhook.url),
        };
        let polls = match bot.kind {
            Kind::Telegram => self.telegram.is_polled(&bot.token),
            Kind::Vk => !self.vk.polled_events(bot.group).is_empty(),
            Kind::Viber => false,
        };
        let reached = match webhook {
            Some(url) => json!({ "how": "WEBHOOK", "url": url }),
            None if polls => json!({ "how": "POLLING" }),
            None => json!({ "how": "NOBODY" }),
        };
        json!({
            "id": bot.id,
            "kind": bot.kind.as_str(),
            "name": bot.name,
            "handle": null,
            "credentials": bot.credentials().1,
            "reached": reached,
            "faults": { "slowSeconds": bot.slow_seconds, "fail": bot.fail },
        })
    }

    fn phone(&self, id: u64, phone: &Phone, bot: &Bot) -> Value {
        let company = self.company(bot, phone);
        let mut messages: Vec<(Instant, Value)> =
            company.iter().map(|shown| (shown.at, self.of_company(id, phone, shown))).collect();
        messages.extend(phone.written.iter().map(|written| (written.at, self.of_client(id, written))));
        messages.sort_by_key(|(at, _)| *at);
        let messages: Vec<Value> = messages.into_iter().map(|(_, message)| message).collect();
        json!({
            "id": id.to_string(),
            "botId": phone.bot,
            "person": { "id": phone.person, "name": phone.name, "username": null },
            "isBlocked": phone.is_blocked,
            "companyTypingUntil": self.typing_until(bot, phone).map(|until| self.time(until)),
            "messages": messages,
        })
    }

    fn of_company(&self, id: u64, phone: &Phone, shown: &Shown) -> Value {
        json!({
            "id": format!("out-{}", shown.key),
            "from": "COMPANY",
            "text": shown.text,
            "at": self.time(shown.at),
            "editedAt": shown.is_edited.then(|| self.time(shown.at)),
            "isDeleted": shown.is_deleted,
            "replyToId": shown.reply_to.as_ref().map(|key| name_of(phone, key)),
            "files": files(id, &format!("out-{}", shown.key), &shown.pieces),
            "location": null,
            "contact": null,
            "mark": shown.mark,
            "update": null,
        })
    }

    fn of_client(&self, phone: u64, written: &Written) -> Value {
        json!({
            "id": format!("in-{}", written.key),
            "from": "CLIENT",
            "text": written.text,
            "at": self.time(written.at),
            "editedAt": written.edited_at.map(|at| self.time(at)),
            "isDeleted": false,
            "replyToId": written.reply_to,
            "files": files(phone, &format!("in-{}", written.key), &written.pieces),
            "location": written.location.map(|(latitude, longitude)| {
                json!({ "latitude": latitude, "longitude": longitude, "title": null })
            }),
            "contact": written.contact.as_ref().map(|(name, phone)| json!({ "name": name, "phone": phone })),
            "mark": null,
            "update": { "state": written.update.state, "status": written.update.status, "tries": written.update.tries },
        })
    }

    fn time(&self, at: Instant) -> String {
        let (began, then) = self.began;
        let at: DateTime<Utc> = (then + at.saturating_duration_since(began)).into();
        at.to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    /// A file by where the page finds it.
    pub(super) fn piece(&self, phone: u64, message: &str, nth: usize) -> Option<Piece> {
        self.state.read(|state| {
            let of = state.phones.get(&phone)?;
            if let Some(key) = message.strip_prefix("in-") {
                return of.written.iter().find(|written| written.key == key)?.pieces.get(nth).cloned();
            }
            let key = message.strip_prefix("out-")?;
            let company = self.company(state.bots.get(&of.bot)?, of);
            company.into_iter().find(|shown| shown.key == key)?.pieces.into_iter().nth(nth)
        })
    }
}

/// How the page names the message of a key: messengers count both sides' messages together.
fn name_of(phone: &Phone, key: &str) -> String {
    let of_client = phone.written.iter().any(|written| written.key == key);
    format!("{}-{key}", if of_client { "in" } else { "out" })
}

fn files(phone: u64, message: &str, pieces: &[Piece]) -> Vec<Value> {
    let file = |(nth, piece): (usize, &Piece)| {
        json!({
            "name": piece.name,
            "contentType": piece.content_type,
            "size": piece.bytes.len(),
            "url": format!("/api/files/{phone}/{message}/{nth}"),
            "kind": piece.kind,
        })
    };
    pieces.iter().enumerate().map(file).collect()
}
