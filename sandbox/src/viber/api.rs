//! The doors: methods of the REST Bot API, with the checks and answers of the real server.

use std::time::Instant;

use axum::extract::{ConnectInfo, Path, Request, State as Shares};
use axum::http::HeaderMap;
use serde_json::{Value, json};
use url::{Host, Url};

use super::state::{Call, State, Webhook};
use super::{Doors, media, people, post};
use crate::socket::Cut;
use crate::wire::{self, Answer, Fault};

/// The largest request in bytes.
const REQUEST: usize = 30 * 1024;
/// The longest text, text beside a picture, sender's name, file's name and link, in UTF-16 units.
const TEXT: usize = 7000;
const CAPTION: usize = 768;
const SENDER: usize = 28;
const FILE_NAME: usize = 256;
const LINK: usize = 2000;
/// The largest picture, video and file that may be announced, in bytes.
const VIDEO: u64 = 26 << 20;
const FILE: u64 = 50 << 20;
/// Messages an hour to a person who does not answer, and the hour in milliseconds.
const UNANSWERED: usize = 100;
const HOUR: i64 = 60 * 60 * 1000;
/// How often a person's details are told in twelve hours.
const DETAILS: usize = 2;
/// Most people whose presence is told at once.
const PRESENCES: usize = 100;
/// Some of the extensions that are refused.
const FORBIDDEN: [&str; 12] = ["apk", "app", "bat", "bin", "cmd", "com", "exe", "jse", "msi", "ps1", "sh", "vbs"];

/// Whatever is no method.
pub async fn nowhere() -> Answer {
    Answer { status: 404, ..Answer::bytes("text/html", "<html><body>404 Not Found</body></html>".into()) }
}

/// `/pa/<method>`.
pub async fn method(
    Shares(doors): Shares<Doors>,
    ConnectInfo(connection): ConnectInfo<Cut>,
    Path(method): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Answer {
    let body = axum::body::to_bytes(request.into_body(), usize::MAX).await.unwrap_or_default();
    let arguments: Value = serde_json::from_slice(&body).unwrap_or_default();
    let token = headers.get("x-viber-auth-token").and_then(|value| value.to_str().ok());
    let Some(token) = token.or_else(|| arguments["auth_token"].as_str()).map(str::to_owned) else {
        return recorded("error-02-missing-auth-token");
    };
    if body.len() > REQUEST || !arguments.is_object() {
        return recorded("error-03-badData");
    }
    if doors.shared.change(|state| state.account(&token).is_none()) {
        return recorded("error-02-invalidAuthToken");
    }
    let mut call = call(token, &method, arguments);
    let (fault, gate) = doors.shared.change(|state| state.plans.next(&method, call.receiver.as_deref()));
    let answer = match fault {
        None | Some(Fault::AcceptedThenReset) => answer(&doors, &mut call).await,
        Some(fault) => refusal(fault),
    };
    call.status = serde_json::from_slice::<Value>(&answer.body).ok().and_then(|body| body["status"].as_i64());
    // Recorded once it has its effect and before the answer leaves.
    doors.shared.change(|state| state.calls.push(call.clone()));
    if call.message_token.is_some() {
        tokio::spawn(follow_up(doors, call));
    }
    wire::pass(gate).await;
    Fault::strike(fault, &connection).await;
    answer
}

/// What comes of a message that was taken: its media is fetched, and people's phones get it.
async fn follow_up(doors: Doors, call: Call) {
    let is_open = doors.shared.read(|state| state.is_open);
    media::fetch(doors.clone(), call.clone()).await;
    let Some(message) = call.message_token.filter(|_| is_open) else { return };
    let receipt = doors.shared.read(|state| {
        let can_be_shown = state.fetched.get(&message).is_none_or(|fetched| fetched.trouble.is_none());
        state.receipt("delivered", message, None).filter(|_| can_be_shown)
    });
    if let Some(receipt) = receipt {
        post::hand_over(doors, call.token, receipt).await;
    }
}

fn recorded(name: &str) -> Answer {
    Answer::recorded("viber", name)
}

/// The answer of a planned fault. Where the connection is cut, nobody gets to see it.
fn refusal(fault: Fault) -> Answer {
    let page = |status: u16| Answer { status, ..Answer::bytes("text/html", "<html><body>nginx</body></html>".into()) };
    match fault {
        Fault::Status(name) => recorded(name),
        Fault::RateLimited(seconds) => {
            let mut answer = page(429);
            answer.headers.push(("retry-after".into(), seconds.to_string()));
            answer
        }
        Fault::Html502 => page(502),
        Fault::Reset | Fault::Hang | Fault::AcceptedThenReset => recorded("error-http-500"),
    }
}

fn call(token: String, method: &str, arguments: Value) -> Call {
    let text = |key: &str| arguments[key].as_str().map(str::to_owned);
    Call {
        token,
        method: method.to_owned(),
        receiver: text("receiver").or_else(|| text("id")),
        kind: text("type"),
        text: text("text"),
        arguments,
        message_token: None,
        status: None,
        at: Instant::now(),
    }
}

async fn answer(doors: &Doors, call: &mut Call) -> Answer {
    match call.method.as_str() {
        "set_webhook" => set_webhook(doors, call).await,
        "get_account_info" => doors.shared.change(|state| get_account_info(state, call)),
        "get_user_details" => doors.shared.change(|state| get_user_details(state, call)),
        "get_online" => doors.shared.read(|state| get_online(state, call)),
        "send_message" => doors.shared.change(|state| match check(state, call) {
            Ok(()) => send(state, call),
            Err(name) => recorded(name),
        }),
        _ => Answer { status: 404, ..recorded("error-99-general") },
    }
}

/// `set_webhook`: the address is tried out before it is taken; one that fails leaves what was there.
async fn set_webhook(doors: &Doors, call: &Call) -> Answer {
    let Some(address) = call.arguments["url"].as_str() else { return recorded("error-04-missingData") };
    let webhook = if address.is_empty() {
        None
    } else {
        let is_good = Url::parse(address).is_ok_and(|url| match url.host() {
            Some(Host::Ipv4(ip)) => url.scheme() == "https" || ip.is_loopback(),
            Some(_) => url.scheme() == "https",
            None => false,
        });
        if !is_good {
            return recorded("set_webhook-invalid-url");
        }
        let flag = |key: &str| call.arguments[key].as_bool().unwrap_or(false);
        let types = call.arguments["event_types"].as_array();
        let types = types.map(|all| all.iter().filter_map(|one| Some(one.as_str()?.to_owned())).collect());
        let (send_name, send_photo) = (flag("send_name"), flag("send_photo"));
        Some(Webhook { url: address.to_owned(), event_types: types, send_name, send_photo })
    };
    if webhook.is_some() {
        let (event, how) = doors.shared.read(|state| {
            let token = people::event_token();
            let event = json!({
                "event": "webhook", "timestamp": state.now, "chat_hostname": "SN-CHAT-03_", "message_token": token,
            });
            (event, state.checks)
        });
        if let Err(instead) = post::check(&doors.http, address, &call.token, &event, how).await {
            let path = Url::parse(address).map(|url| url.path().to_owned()).unwrap_or_default();
            let words = format!("Result[HttpRequest[POST {path} HTTP/1.1]@351848d8{instead} null");
            return Answer::json(&json!({ "status": 1, "status_message": words, "chat_hostname": "SN-CHAT-03_" }));
        }
    }
    let is_removal = webhook.is_none();
    let types = webhook.as_ref().and_then(|webhook| webhook.event_types.clone());
    doors.shared.change(|state| {
        if let Some(account) = state.account(&call.token) {
            account.webhook = webhook;
        }
    });
    match types {
        _ if is_removal => recorded("set_webhook-removed"),
        None => recorded("set_webhook-ok"),
        Some(types) => Answer::json(&json!({
            "status": 0, "status_message": "ok", "chat_hostname": "SN-CHAT-03_", "event_types": types,
        })),
    }
}

fn get_account_info(state: &mut State, call: &Call) -> Answer {
    let Some(account) = state.account(&call.token) else { return recorded("get_account_info-bad-token") };
    Answer::json(&json!({
        "status": 0,
        "status_message": "ok",
        "chat_hostname": "SN-CHAT-03_",
        "id": account.id,
        "name": account.name,
        "uri": account.uri,
        "webhook": account.webhook.as_ref().map_or("", |webhook| webhook.url.as_str()),
        "subscribers_count": account.people.values().filter(|met| met.is_subscribed).count(),
    }))
}

fn get_user_details(state: &mut State, call: &Call) -> Answer {
    let now = state.now;
    let id = call.arguments["id"].as_str().unwrap_or_default().to_owned();
    let met = state.account(&call.token).and_then(|account| account.people.get_mut(&id));
    let Some(met) = met else { return recorded("error-05-receiverNotRegistered") };
    met.asked.retain(|at| at + 12 * HOUR > now);
    if met.asked.len() >= DETAILS {
        return recorded("get_user_details-limit");
    }
    met.asked.push(now);
    let name = met.name.clone().unwrap_or_else(|| "Subscriber".into());
    Answer::json(&json!({
        "status": 0,
        "status_message": "ok",
        "message_token": people::event_token(),
        "user": { "id": id, "name": name, "country": "RU", "language": "ru", "api_version": 10 },
    }))
}

fn get_online(state: &State, call: &Call) -> Answer {
    let ids: Vec<&str> = call.arguments["ids"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if ids.is_empty() || ids.len() > PRESENCES {
        return recorded("error-03-badData");
    }
    let people = state.accounts.get(&call.token).map(|account| &account.people);
    let presence = |id: &&str| match people.and_then(|people| people.get(*id)) {
        Some(met) if met.is_subscribed => json!({ "id": id, "online_status": 0, "online_status_message": "online" }),
        _ => json!({ "id": id, "online_status": 2, "online_status_message": "undisclosed" }),
    };
    let users: Vec<Value> = ids.iter().map(presence).collect();
    Answer::json(&json!({ "status": 0, "status_message": "ok", "users": users }))
}

/// Whether a message can be sent; the recorded answer where not.
fn check(state: &mut State, call: &Call) -> Result<(), &'static str> {
    let length = |text: &str| text.encode_utf16().count();
    let arguments = &call.arguments;
    let text = |key: &str| arguments[key].as_str().filter(|text| !text.is_empty());
    let receiver = call.receiver.as_deref().ok_or("error-04-missingData")?;
    let name = arguments["sender"]["name"].as_str().filter(|name| !name.is_empty()).ok_or("error-04-missingData")?;
    if length(name) > SENDER {
        return Err("error-03-badData");
    }
    let size = || arguments["size"].as_u64().filter(|size| *size > 0).ok_or("error-04-missingData");
    let media = || text("media").filter(|media| Url::parse(media).is_ok()).ok_or("error-04-missingData");
    let fits = match call.kind.as_deref() {
        Some("text") => length(text("text").ok_or("error-04-missingData")?) <= TEXT,
        Some("picture") => {
            media()?;
            length(arguments["text"].as_str().ok_or("error-04-missingData")?) <= CAPTION
        }
        Some("video") => {
            media()?;
            size()? <= VIDEO && arguments["duration"].as_u64().is_none_or(|seconds| seconds <= 180)
        }
        Some("file") => {
            media()?;
            let name = text("file_name").ok_or("error-04-missingData")?;
            let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
            let is_good = extension.is_some_and(|one| !one.is_empty() && !FORBIDDEN.contains(&one.as_str()));
            size()? <= FILE && name.chars().count() <= FILE_NAME && is_good
        }
        Some("url") => length(media()?) <= LINK,
        Some("sticker") => arguments["sticker_id"].is_u64(),
        Some("location") => arguments["location"]["lat"].is_f64() && arguments["location"]["lon"].is_f64(),
        Some("contact") => arguments["contact"]["phone_number"].as_str().is_some_and(|phone| phone.len() <= 18),
        _ => false,
    };
    if !fits {
        return Err("error-03-badData");
    }
    let now = state.now;
    let account = state.account(&call.token).ok_or("error-02-invalidAuthToken")?;
    if account.webhook.is_none() {
        return Err("error-10-webhookNotSet");
    }
    let met = account.people.get_mut(receiver).ok_or("error-999-bad-receiver-id")?;
    if !met.is_subscribed {
        return Err("error-06-notSubscribed");
    }
    met.unanswered.retain(|at| at + HOUR > now);
    if met.unanswered.len() >= UNANSWERED { Err("error-12-hourly-user-limit") } else { Ok(()) }
}

/// Makes the message.
fn send(state: &mut State, call: &mut Call) -> Answer {
    let (token, now) = (state.next_message, state.now);
    state.next_message += 1;
    let receiver = call.receiver.clone().unwrap_or_default();
    if let Some(met) = state.account(&call.token).and_then(|account| account.people.get_mut(&receiver)) {
        met.unanswered.push(now);
    }
    call.message_token = Some(token);
    Answer::json(&json!({
        "status": 0,
        "status_message": "ok",
        "message_token": token,
        "chat_hostname": "SN-CHAT-03_",
        "billing_status": 1,
    }))
}
