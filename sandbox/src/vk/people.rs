//! What people do: each of these makes an event as VK tells of it, which [`deliver`](super::FakeVk::deliver) posts or
//! [`happen`](super::FakeVk::happen) lets happen.

use serde_json::{Value, json};

use super::FakeVk;
use super::messages::{self, Writing};
use super::state::State;

impl FakeVk {
    /// Makes a person, as `users.get` tells of them.
    pub fn person(&self, id: i64, first_name: &str, last_name: &str) {
        self.person_with(json!({
            "id": id,
            "first_name": first_name,
            "last_name": last_name,
            "is_closed": false,
            "screen_name": format!("id{id}"),
            "photo_200": format!("{}/media/avatar/{id}.jpg", self.url()),
            "has_photo": 1,
        }));
    }

    /// Makes a person of whom VK tells this.
    pub fn person_with(&self, user: Value) {
        let id = user["id"].as_i64().unwrap_or_default();
        self.shared.change(|state| state.people.insert(id, user));
    }

    /// A person writes a text.
    pub fn says(&self, group: i64, person: i64, text: &str) -> Value {
        self.sends(group, person, json!({ "text": text }))
    }

    /// A person writes a message with these fields. Who writes lets the community answer.
    pub fn sends(&self, group: i64, person: i64, fields: Value) -> Value {
        self.shared.change(|state| {
            state.group(group).dialog(person).is_allowed = true;
            let (_, _, shown) = messages::keep(state, group, by(person, false), fields);
            state.event(group, "message_new", json!({ "message": shown, "client_info": { "lang_id": 0 } }))
        })
    }

    /// A person changes a message of theirs (an event of theirs): these fields are other now.
    pub fn edits(&self, group: i64, person: i64, event: &Value, fields: Value) -> Value {
        let number = number(event);
        self.shared.change(|state| {
            let found = state.group(group).dialog(person).message(number);
            let message = found.unwrap_or_else(|| panic!("{person} wrote no message {number}"));
            message.shown["update_time"] = json!(messages::seconds());
            if let (Some(shown), Some(fields)) = (message.shown.as_object_mut(), fields.as_object()) {
                shown.extend(fields.clone());
            }
            message.text = message.shown["text"].as_str().unwrap_or_default().to_owned();
            let object = message.shown.clone();
            state.event(group, "message_edit", object)
        })
    }

    /// A person has seen what the community wrote, up to a message by its number in the conversation.
    pub fn reads(&self, group: i64, person: i64, number: i64) -> Value {
        let read =
            json!({ "from_id": person, "peer_id": person, "conversation_message_id": number, "read_message_id": 1 });
        self.tells(group, "message_read", read)
    }

    /// A person is writing.
    pub fn types(&self, group: i64, person: i64) -> Value {
        self.tells(group, "message_typing_state", json!({ "state": "typing", "from_id": person, "to_id": -group }))
    }

    /// A person lets the community write to them, or does not any more.
    pub fn allows(&self, group: i64, person: i64, allowed: bool) -> Value {
        self.shared.change(|state| {
            state.group(group).dialog(person).is_allowed = allowed;
            let kind = if allowed { "message_allow" } else { "message_deny" };
            state.event(group, kind, json!({ "user_id": person }))
        })
    }

    /// The community blocks a person, or lets them be again.
    pub fn blocks(&self, group: i64, person: i64, blocked: bool) -> Value {
        self.shared.change(|state| {
            state.group(group).dialog(person).is_blocked = blocked;
            let kind = if blocked { "user_block" } else { "user_unblock" };
            state.event(group, kind, json!({ "admin_id": 700_000_999, "user_id": person }))
        })
    }

    /// Somebody of the company writes in VK's own page.
    pub fn company_says(&self, group: i64, person: i64, text: &str) -> Value {
        self.shared.change(|state| {
            let fields = json!({ "text": text, "admin_author_id": 700_000_999 });
            let (_, _, shown) = messages::keep(state, group, by(person, true), fields);
            state.event(group, "message_reply", shown)
        })
    }

    /// Somebody of the company changes in VK's own page what the community wrote.
    pub fn company_edits(&self, group: i64, person: i64, number: i64, text: &str) -> Value {
        self.shared.change(|state: &mut State| {
            let found = state.group(group).dialog(person).message(number);
            let message = found.unwrap_or_else(|| panic!("there is no message {number}"));
            message.text = text.to_owned();
            message.shown["text"] = json!(text);
            message.shown["update_time"] = json!(messages::seconds());
            let object = message.shown.clone();
            state.event(group, "message_edit", object)
        })
    }

    /// Any event.
    pub fn tells(&self, group: i64, kind: &str, object: Value) -> Value {
        self.shared.change(|state| state.event(group, kind, object))
    }
}

fn by(person: i64, is_out: bool) -> Writing {
    Writing { peer: person, is_out, text: String::new(), random_id: 0, reply_to: None, attachments: Vec::new() }
}

/// The number in its conversation of an event's message.
pub fn number(event: &Value) -> i64 {
    let object = &event["object"];
    let message = object.get("message").unwrap_or(object);
    message["conversation_message_id"].as_i64().unwrap_or_else(|| panic!("an event with a message, not {event}"))
}
