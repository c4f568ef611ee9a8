//! The doors: methods of the VK API with the checks and answers of the real one, errors in a 200.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{ConnectInfo, Path, Request, State as Shares};
use axum::http::header::AUTHORIZATION;
use serde_json::{Map, Value, json};

use super::state::{Call, Shared, State};
use super::{FakeVk, groups, messages, uploads};
use crate::socket::Cut;
use crate::wire::{self, Answer, Fault};

/// What a method comes to: what is in `response`, or an error.
pub type Result = std::result::Result<Value, Refusal>;

/// An error, as VK tells it.
pub struct Refusal(pub i64, pub String);

/// An error by its number, in the words of the recorded answer where there is one.
pub fn refuse(code: i64) -> Refusal {
    let words = match code {
        5 => "User authorization failed: invalid access_token (4).",
        6 => "Too many requests per second",
        8 => "Invalid request: v (version) is required",
        15 => "Access denied: no access to call this method. It cannot be called with current scopes.",
        900 => "Can't send messages for users from blacklist",
        901 => "Can't send messages for users without permission",
        914 => "Message is too long",
        2000 => "Servers number limit is reached",
        _ => "Unknown error occurred",
    };
    Refusal(code, words.to_owned())
}

/// A parameter that is missing or wrong.
pub fn wrong(parameter: &str) -> Refusal {
    Refusal(100, format!("One of the parameters specified was missing or invalid: {parameter}"))
}

/// What a method gets.
pub struct Asked<'a> {
    pub group: i64,
    pub arguments: &'a Map<String, Value>,
    /// The address of the fake itself.
    pub url: &'a str,
}

impl Asked<'_> {
    pub fn text(&self, key: &str) -> &str {
        self.arguments.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    pub fn int(&self, key: &str) -> Option<i64> {
        self.text(key).trim().parse().ok()
    }

    /// Numbers with commas between.
    pub fn ints(&self, key: &str) -> Vec<i64> {
        self.text(key).split(',').filter_map(|one| one.trim().parse().ok()).collect()
    }

    /// Whether it is the token's own community that is asked about.
    pub fn own_group(&self) -> std::result::Result<(), Refusal> {
        if self.int("group_id") == Some(self.group) { Ok(()) } else { Err(refuse(15)) }
    }
}

/// `/method/<name>`.
pub async fn method(
    Shares(fake): Shares<Arc<FakeVk>>,
    ConnectInfo(connection): ConnectInfo<Cut>,
    Path(method): Path<String>,
    request: Request,
) -> Answer {
    let bearer = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let bearer = bearer.map(str::to_owned);
    // JSON is not understood: then nothing was said.
    let (mut arguments, _) = wire::form(request).await.unwrap_or_default();
    let token = arguments.remove("access_token").and_then(|token| Some(token.as_str()?.to_owned())).or(bearer);
    let group = token.and_then(|token| fake.shared.change(|state| state.group_of(&token)));
    let mut call = call(group.unwrap_or_default(), &method, arguments);
    let peer = call.peer.map(|peer| peer.to_string());
    let (fault, gate) = fake.shared.change(|state| state.plans.next(&method, peer.as_deref()));
    let answer = match (fault, group) {
        (None | Some(Fault::AcceptedThenReset), Some(group)) => {
            let asked = Asked { group, arguments: &call.arguments, url: fake.url() };
            let result = run(&fake.shared, &method, &asked, call.at);
            fake.after(group).await;
            envelope(result, &call)
        }
        (Some(fault), Some(_)) if !fault.has_effect() => refusal(fault, &call),
        _ => envelope(Err(refuse(5)), &call),
    };
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    call.error = body["error"]["error_code"].as_i64();
    // Recorded once it has its effect and before the answer leaves.
    fake.shared.change(|state| state.calls.push(call));
    wire::pass(gate).await;
    Fault::strike(fault, &connection).await;
    answer
}

/// A call that has come.
pub fn call(group: i64, method: &str, arguments: Map<String, Value>) -> Call {
    let number = |key: &str| arguments.get(key).and_then(|value| value.as_str()?.split(',').next()?.parse().ok());
    let peer = number("peer_ids").or_else(|| number("peer_id")).or_else(|| number("user_id"));
    Call {
        group,
        method: method.to_owned(),
        peer: peer.or_else(|| number("user_ids")),
        arguments,
        file: None,
        error: None,
        at: Instant::now(),
    }
}

fn run(shared: &Shared, method: &str, asked: &Asked<'_>, now: Instant) -> Result {
    if asked.text("v").is_empty() {
        return Err(refuse(8));
    }
    shared.change(|state| {
        if state.is_too_fast(asked.group, now) {
            return Err(refuse(6));
        }
        dispatch(state, method, asked)
    })
}

fn dispatch(state: &mut State, method: &str, asked: &Asked<'_>) -> Result {
    match method {
        "groups.getById" => groups::get_by_id(state, asked),
        "groups.getTokenPermissions" => Ok(json!({ "mask": 266_240, "permissions": [
            { "name": "manage", "setting": 262_144 }, { "name": "messages", "setting": 4096 }
        ] })),
        "groups.getCallbackConfirmationCode" => groups::confirmation_code(state, asked),
        "groups.getCallbackServers" => groups::servers(state, asked),
        "groups.addCallbackServer" => groups::add_server(state, asked),
        "groups.editCallbackServer" => groups::edit_server(state, asked),
        "groups.deleteCallbackServer" => groups::delete_server(state, asked),
        "groups.setCallbackSettings" => groups::choose_for_server(state, asked),
        "groups.setLongPollSettings" => groups::choose_for_poll(state, asked),
        "groups.getLongPollServer" => groups::poll_server(state, asked),
        "users.get" => {
            let ids = asked.ints("user_ids");
            Ok(ids.into_iter().filter_map(|id| state.person(id)).collect())
        }
        "messages.send" => messages::send(state, asked),
        "messages.edit" => messages::edit(state, asked),
        "messages.delete" => messages::delete(state, asked),
        "messages.getById" | "messages.getByConversationMessageId" => messages::get(state, asked),
        "messages.setActivity" if asked.int("peer_id").or(asked.int("user_id")).is_none() => Err(wrong("peer_id")),
        "messages.setActivity" | "messages.markAsRead" => Ok(json!(1)),
        "messages.sendMessageEventAnswer" => match (asked.text("event_id"), asked.int("user_id"), asked.int("peer_id"))
        {
            ("", ..) | (_, None, _) | (_, _, None) => Err(wrong("event_id")),
            _ => Ok(json!(1)),
        },
        "messages.isMessagesFromGroupAllowed" => {
            let person = asked.int("user_id").unwrap_or_default();
            let dialog = state.group(asked.group).dialog(person);
            Ok(json!({ "is_allowed": i64::from(dialog.is_allowed && !dialog.is_blocked) }))
        }
        "photos.getMessagesUploadServer" => Ok(uploads::photo_server(asked)),
        "photos.saveMessagesPhoto" => uploads::save_photo(state, asked),
        "docs.getMessagesUploadServer" => uploads::document_server(asked),
        "docs.save" => uploads::save_document(state, asked),
        _ => Err(Refusal(3, "Unknown method passed".to_owned())),
    }
}

/// What goes back: always a 200.
fn envelope(result: Result, call: &Call) -> Answer {
    match result {
        Ok(response) => Answer::json(&json!({ "response": response })),
        Err(Refusal(code, words)) => {
            let said = call.arguments.iter().map(|(key, value)| json!({ "key": key, "value": value }));
            let said: Vec<Value> = said.chain([json!({ "key": "method", "value": call.method })]).collect();
            Answer::json(&json!({ "error": { "error_code": code, "error_msg": words, "request_params": said } }))
        }
    }
}

/// The answer of a planned fault. Where the connection is cut, nobody gets to see it.
pub fn refusal(fault: Fault, call: &Call) -> Answer {
    match fault {
        Fault::Status(name) => Answer::recorded("vk", name),
        Fault::RateLimited(_) => envelope(Err(refuse(6)), call),
        Fault::Html502 => Answer::recorded("vk", "error-http-502-html"),
        Fault::Reset | Fault::Hang | Fault::AcceptedThenReset => Answer::recorded("vk", "error-0010"),
    }
}
