//! The doors: methods and files of the Bot API, with the checks and answers of the real server.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use axum::extract::{ConnectInfo, FromRequest as _, Multipart, Path, Request, State as Shares};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::state::{Call, Shared, State, StoredFile};
use super::{messages, updates};
use crate::socket::Cut;
use crate::wire::{self, Fault, Upload};

/// The methods that there are, and for those that send a file the field that holds it.
const METHODS: [(&str, &str); 18] = [
    ("getMe", ""),
    ("setWebhook", ""),
    ("deleteWebhook", ""),
    ("getWebhookInfo", ""),
    ("getUpdates", ""),
    ("getFile", ""),
    ("sendChatAction", ""),
    ("answerCallbackQuery", ""),
    ("sendMessage", ""),
    ("editMessageText", ""),
    ("editMessageCaption", ""),
    ("deleteMessage", ""),
    ("sendPhoto", "photo"),
    ("sendAnimation", "animation"),
    ("sendVideo", "video"),
    ("sendAudio", "audio"),
    ("sendVoice", "voice"),
    ("sendDocument", "document"),
];
/// Stickers take no caption.
const STICKER: (&str, &str) = ("sendSticker", "sticker");

/// The largest file that a bot may fetch, and the largest photo and file that it may send.
const FETCH: usize = 20 << 20;
const PHOTO: usize = 10 << 20;
const UPLOAD: usize = 50 << 20;

/// What goes back, and what came of the call.
pub struct Answer {
    wire: wire::Answer,
    /// The message that the call made.
    message_id: Option<i64>,
}

impl Answer {
    /// `{"ok": true, "result": …}`.
    pub fn ok(result: Value) -> Self {
        wire::Answer::json(&json!({ "ok": true, "result": result })).into()
    }

    /// A recorded answer.
    pub fn fixture(name: &str) -> Self {
        wire::Answer::recorded("telegram", name).into()
    }

    pub fn error(code: u16, description: &str) -> Self {
        let body = json!({ "ok": false, "error_code": code, "description": description });
        wire::Answer { status: code, ..wire::Answer::json(&body) }.into()
    }

    fn rate_limited(seconds: u64) -> Self {
        let body = json!({
            "ok": false,
            "error_code": 429,
            "description": format!("Too Many Requests: retry after {seconds}"),
            "parameters": { "retry_after": seconds },
        });
        let headers = vec![("retry-after".to_owned(), seconds.to_string())];
        wire::Answer { status: 429, headers, body: body.to_string().into() }.into()
    }
}

impl From<wire::Answer> for Answer {
    fn from(wire: wire::Answer) -> Self {
        Self { wire, message_id: None }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        self.wire.into_response()
    }
}

/// Whatever is neither a method nor a file.
pub async fn nowhere() -> Answer {
    Answer::fixture("error-404-not-found")
}

/// `/bot<token>/<method>`.
pub async fn method(
    Shares(shared): Shares<Arc<Shared>>,
    ConnectInfo(connection): ConnectInfo<Cut>,
    Path((bot, method)): Path<(String, String)>,
    request: Request,
) -> Answer {
    let token = match token(&shared, &bot) {
        Ok(token) => token,
        Err(answer) => return answer,
    };
    let known = METHODS.into_iter().chain([STICKER]).find(|(name, _)| name.eq_ignore_ascii_case(&method));
    let Some((method, field)) = known else { return Answer::fixture("error-404-method") };
    let (arguments, file) = arguments(request).await;
    let mut call = call(token, method, arguments);
    call.file = file;
    let chat = call.chat_id.map(|chat| chat.to_string());
    let (fault, gate) = shared.change(|state| state.plans.next(method, chat.as_deref()));
    let answer = match fault {
        None | Some(Fault::AcceptedThenReset) => answer(&shared, &call, field).await,
        Some(fault) => refusal(fault),
    };
    (call.message_id, call.status) = (answer.message_id, answer.wire.status);
    // Recorded once it has its effect and before the answer leaves; a poll is recorded when it ends.
    shared.change(|state| state.calls.push(call));
    wire::pass(gate).await;
    Fault::strike(fault, &connection).await;
    answer
}

/// `/file/bot<token>/<file_path>`.
pub async fn file(
    Shares(shared): Shares<Arc<Shared>>,
    ConnectInfo(connection): ConnectInfo<Cut>,
    Path((bot, path)): Path<(String, String)>,
) -> Answer {
    let token = match token(&shared, &bot) {
        Ok(token) => token,
        Err(answer) => return answer,
    };
    let call = call(token, "file", Map::from_iter([("file_path".to_owned(), path.clone().into())]));
    let fault = shared.change(|state| {
        state.calls.push(call);
        state.plans.next("file", None).0
    });
    Fault::strike(fault, &connection).await;
    if let Some(fault) = fault {
        return refusal(fault);
    }
    let file = path.strip_prefix("documents/").and_then(|id| shared.read(|state| state.files.get(id).cloned()));
    let Some(StoredFile { bytes, gate }) = file else { return Answer::fixture("file-download-404") };
    wire::pass(gate).await;
    wire::Answer::bytes("application/octet-stream", bytes).into()
}

/// The token in `bot<token>`, if it is some bot's.
fn token(shared: &Shared, segment: &str) -> Result<String, Answer> {
    let token = segment.strip_prefix("bot").ok_or_else(|| Answer::fixture("error-404-not-found"))?;
    if !token.contains(':') || token.starts_with('0') || token.len() > 80 {
        return Err(Answer::fixture("error-401-invalid-token"));
    }
    if shared.read(|state| state.bots.contains_key(token)) || shared.change(|state| state.welcome(token)) {
        return Ok(token.to_owned());
    }
    Err(Answer::fixture("error-401-unauthorized"))
}

/// The answer of a planned fault. Where the connection is cut, nobody gets to see it.
fn refusal(fault: Fault) -> Answer {
    match fault {
        Fault::Status(name) => Answer::fixture(name),
        Fault::RateLimited(seconds) => Answer::rate_limited(seconds),
        Fault::Html502 => Answer::fixture("error-502-bad-gateway-html"),
        Fault::Reset | Fault::Hang | Fault::AcceptedThenReset => Answer::fixture("error-500-restart"),
    }
}

fn call(token: String, method: &str, arguments: Map<String, Value>) -> Call {
    let text = |key: &str| arguments.get(key).and_then(Value::as_str).map(str::to_owned);
    Call {
        token,
        method: method.to_owned(),
        chat_id: arguments.get("chat_id").and_then(|id| id.as_i64().or_else(|| id.as_str()?.parse().ok())),
        text: text("text"),
        caption: text("caption"),
        reply_to: arguments.get("reply_parameters").and_then(|reply| reply["message_id"].as_i64()),
        file: None,
        arguments,
        message_id: None,
        status: 200,
        at: Instant::now(),
    }
}

/// The arguments of a request, however it carries them, and a file.
async fn arguments(request: Request) -> (Map<String, Value>, Option<Upload>) {
    let mut arguments = Map::new();
    for (key, value) in url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()) {
        arguments.insert(key.clone().into(), argument(&key, &value));
    }
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if content_type.starts_with("multipart/form-data") {
        let mut form = Multipart::from_request(request, &()).await.expect("a form");
        let mut upload = None;
        while let Some(part) = form.next_field().await.expect("a part of a form") {
            let field = part.name().unwrap_or_default().to_owned();
            let content_type = part.content_type().unwrap_or_default().to_owned();
            if let Some(name) = part.file_name().map(str::to_owned) {
                let bytes = part.bytes().await.expect("a file in a form");
                upload = Some(Upload { field, name, content_type, bytes });
            } else {
                let text = part.text().await.expect("a text in a form");
                let value = argument(&field, &text);
                arguments.insert(field, value);
            }
        }
        return (arguments, upload);
    }
    let json = content_type.starts_with("application/json");
    let body = axum::body::to_bytes(request.into_body(), usize::MAX).await.unwrap_or_default();
    if json {
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        arguments.extend(body.as_object().cloned().unwrap_or_default());
    } else {
        for (key, value) in url::form_urlencoded::parse(&body) {
            arguments.insert(key.clone().into(), argument(&key, &value));
        }
    }
    (arguments, None)
}

/// Forms carry JSON as text; a text is one whatever it looks like.
fn argument(key: &str, value: &str) -> Value {
    match key {
        "text" | "caption" => value.into(),
        _ => serde_json::from_str(value).unwrap_or_else(|_| value.into()),
    }
}

async fn answer(shared: &Shared, call: &Call, field: &str) -> Answer {
    let (token, arguments) = (call.token.as_str(), &call.arguments);
    match call.method.as_str() {
        "getUpdates" => updates::get_updates(shared, token, arguments).await,
        "setWebhook" => shared.change(|state| updates::set_webhook(state, token, arguments)),
        "deleteWebhook" => shared.change(|state| updates::delete_webhook(state, token)),
        "getMe" => shared.read(|state| get_me(state, token)),
        "getWebhookInfo" => shared.read(|state| get_webhook_info(state, token)),
        "getFile" => shared.read(|state| get_file(state, arguments)),
        "sendChatAction" if call.chat_id.is_none() => Answer::fixture("error-400-chat-not-found"),
        "sendChatAction" | "answerCallbackQuery" => Answer::ok(true.into()),
        "editMessageText" | "editMessageCaption" => shared.change(|state| messages::edit(state, call)),
        "deleteMessage" => shared.change(|state| messages::delete(state, call)),
        _ => match check(call, field) {
            Ok(chat) => shared.change(|state| send(state, call, chat, field)),
            Err(answer) => answer,
        },
    }
}

fn get_me(state: &State, token: &str) -> Answer {
    let Some(bot) = state.bots.get(token) else { return Answer::fixture("error-401-unauthorized") };
    let name = format!("{} (pretend)", bot.username);
    Answer::ok(json!({ "id": bot.id, "is_bot": true, "first_name": name, "username": bot.username }))
}

fn get_webhook_info(state: &State, token: &str) -> Answer {
    let Some(bot) = state.bots.get(token) else { return Answer::fixture("error-401-unauthorized") };
    let url = bot.webhook.as_ref().map_or("", |webhook| webhook.url.as_str());
    Answer::ok(json!({ "url": url, "has_custom_certificate": false, "pending_update_count": bot.queue.len() }))
}

fn get_file(state: &State, arguments: &Map<String, Value>) -> Answer {
    let Some(id) = arguments.get("file_id").and_then(Value::as_str) else {
        return Answer::fixture("getFile-invalid-id");
    };
    let Some(file) = state.files.get(id) else { return Answer::fixture("getFile-bad-id") };
    let size = file.bytes.len();
    if size > FETCH {
        return Answer::fixture("getFile-too-big");
    }
    let path = format!("documents/{id}");
    Answer::ok(json!({ "file_id": id, "file_unique_id": id, "file_size": size, "file_path": path }))
}

/// Whether a message can be sent; the chat that it goes to.
fn check(call: &Call, field: &str) -> Result<i64, Answer> {
    let chat = call.chat_id.ok_or_else(|| Answer::fixture("error-400-chat-not-found"))?;
    if field.is_empty() {
        let text = call.text.as_deref().unwrap_or_default();
        return match text {
            _ if text.len() > 32_768 => Err(Answer::fixture("error-400-text-too-long-bytes")),
            _ if text.chars().count() > 4096 => Err(Answer::fixture("error-400-message-too-long")),
            _ if text.trim().is_empty() => Err(Answer::fixture("error-400-message-text-empty")),
            _ => Ok(chat),
        };
    }
    let Some(file) = call.file.as_ref().filter(|file| file.field == field && !file.name.is_empty()) else {
        return Err(Answer::error(400, &format!("Bad Request: there is no {field} in the request")));
    };
    match file.bytes.len() {
        0 => Err(Answer::error(400, "Bad Request: file must be non-empty")),
        size if size > UPLOAD => Err(Answer::fixture("error-413-too-large")),
        size if field == "photo" && size > PHOTO => Err(Answer::fixture("error-400-photo-invalid-dimensions")),
        _ if call.caption.as_ref().is_some_and(|caption| caption.chars().count() > 1024) => {
            Err(Answer::fixture("error-400-caption-too-long"))
        }
        _ => Ok(chat),
    }
}

/// Makes the message; what it carries can be fetched then.
fn send(state: &mut State, call: &Call, chat: i64, field: &str) -> Answer {
    let Some(bot) = state.bots.get_mut(&call.token) else { return Answer::fixture("error-401-unauthorized") };
    let lenient = call.arguments.get("reply_parameters").is_some_and(|r| r["allow_sending_without_reply"] == true);
    if call.reply_to.is_some_and(|id| !bot.knows(chat, id)) && !lenient {
        return Answer::fixture("error-400-reply-not-found");
    }
    let id = bot.next_message(chat);
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    bot.keep(chat, id, call);
    let mut message = json!({
        "message_id": id,
        "from": { "id": bot.id, "is_bot": true, "first_name": bot.username, "username": bot.username },
        "chat": { "id": chat, "type": "private", "first_name": "Client" },
        "date": seconds,
    });
    if let Some(text) = &call.text {
        message["text"] = text.as_str().into();
    }
    if let Some(caption) = &call.caption {
        message["caption"] = caption.as_str().into();
    }
    if let Some(file) = &call.file {
        let file_id = format!("sent-{}-{chat}-{id}", bot.id);
        let described = json!({ "file_id": file_id, "file_unique_id": file_id, "file_size": file.bytes.len() });
        message[field] = if field == "photo" { json!([described]) } else { described };
        state.files.insert(file_id, StoredFile { bytes: file.bytes.clone(), gate: None });
    }
    Answer { message_id: Some(id), ..Answer::ok(message) }
}
