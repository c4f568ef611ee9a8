//! The doors of the sandbox's page: the state, word of its changes, and what clients do.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Multipart, Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use futures_util::stream::{Stream, unfold};
use serde::Deserialize;
use serde_json::{Value, json};

use super::clients::Sending;
use super::{Kind, Sandbox};
use crate::wire::Upload;

/// Between two states that are told.
const PAUSE: Duration = Duration::from_millis(100);
/// Largest body of an action, in bytes: files are played with here.
const LARGEST: usize = 64 << 20;

/// All paths below `/api/` of the page.
pub fn router(sandbox: Sandbox) -> Router {
    Router::new()
        .route("/api/state", get(state))
        .route("/api/events", get(events))
        .route("/api/bots", post(add_bot))
        .route("/api/bots/{id}", patch(change_bot))
        .route("/api/phones", post(add_phone))
        .route("/api/phones/{id}", patch(change_phone).delete(remove_phone))
        .route("/api/phones/{id}/messages", post(write))
        .route("/api/phones/{id}/messages/{message}", axum::routing::put(rewrite))
        .route("/api/phones/{id}/read", post(read))
        .route("/api/phones/{id}/typing", post(types))
        .route("/api/files/{phone}/{message}/{nth}", get(file))
        .layer(DefaultBodyLimit::max(LARGEST))
        .with_state(sandbox)
}

fn done(result: Result<(), &'static str>) -> Response {
    match result {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(words) => (StatusCode::BAD_REQUEST, Json(json!({ "error": words }))).into_response(),
    }
}

async fn state(State(sandbox): State<Sandbox>) -> Json<Value> {
    Json(sandbox.view())
}

/// The whole state at once and after each change, at most ten times a second.
async fn events(State(sandbox): State<Sandbox>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let told = unfold((sandbox, None::<Value>), |(sandbox, told)| async move {
        loop {
            let mut changes = sandbox.changes();
            let now = sandbox.view();
            if told.as_ref() != Some(&now) {
                let event = Event::default().data(now.to_string());
                return Some((Ok(event), (sandbox, Some(now))));
            }
            changes.wait().await;
            tokio::time::sleep(PAUSE).await;
        }
    });
    Sse::new(told).keep_alive(KeepAlive::default())
}

#[derive(Deserialize)]
struct NewBot {
    kind: String,
    name: Option<String>,
}

async fn add_bot(State(sandbox): State<Sandbox>, Json(new): Json<NewBot>) -> Response {
    let Some(kind) = Kind::parse(&new.kind) else { return done(Err("There is no such messenger")) };
    let bot =
        sandbox.add_bot(kind, new.name.as_deref().filter(|name| !name.trim().is_empty()).unwrap_or("Pretend bot"));
    Json(json!({ "id": bot.id })).into_response()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BotChange {
    slow_seconds: Option<u64>,
    fail: Option<String>,
}

async fn change_bot(State(sandbox): State<Sandbox>, Path(id): Path<String>, Json(change): Json<BotChange>) -> Response {
    done(sandbox.set_faults(&id, change.slow_seconds, change.fail.as_deref()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewPhone {
    bot_id: String,
    name: Option<String>,
}

async fn add_phone(State(sandbox): State<Sandbox>, Json(new): Json<NewPhone>) -> Response {
    match sandbox.add_phone(&new.bot_id, new.name.as_deref()) {
        Some(id) => Json(json!({ "id": id.to_string() })).into_response(),
        None => done(Err("There is no such bot")),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PhoneChange {
    name: Option<String>,
    is_blocked: Option<bool>,
}

async fn change_phone(
    State(sandbox): State<Sandbox>,
    Path(id): Path<u64>,
    Json(change): Json<PhoneChange>,
) -> Response {
    if let Some(name) = change.name.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
        sandbox.rename(id, name);
    }
    match change.is_blocked {
        Some(blocked) => done(sandbox.block(id, blocked)),
        None => done(Ok(())),
    }
}

async fn remove_phone(State(sandbox): State<Sandbox>, Path(id): Path<u64>) -> Response {
    sandbox.state.change(|state| state.phones.remove(&id));
    done(Ok(()))
}

async fn write(State(sandbox): State<Sandbox>, Path(id): Path<u64>, form: Multipart) -> Response {
    match sending(form).await {
        Some(sending) => done(sandbox.write(id, sending)),
        None => done(Err("The form could not be read")),
    }
}

async fn sending(mut form: Multipart) -> Option<Sending> {
    let mut sending = Sending::default();
    while let Some(field) = form.next_field().await.ok()? {
        let name = field.name().unwrap_or_default().to_owned();
        if let Some(file) = field.file_name().map(str::to_owned) {
            let content_type = field.content_type().unwrap_or("application/octet-stream").to_owned();
            let bytes = field.bytes().await.ok()?;
            sending.files.push(Upload { field: name, name: file, content_type, bytes });
            continue;
        }
        let text = field.text().await.ok()?;
        match name.as_str() {
            "text" => sending.text = text,
            "replyToId" => sending.reply_to = Some(text).filter(|id| !id.is_empty()),
            "kind" => sending.extra = Some(text),
            _ => {}
        }
    }
    Some(sending)
}

#[derive(Deserialize)]
struct Rewriting {
    text: String,
}

async fn rewrite(
    State(sandbox): State<Sandbox>,
    Path((id, message)): Path<(u64, String)>,
    Json(new): Json<Rewriting>,
) -> Response {
    done(sandbox.rewrite(id, &message, &new.text))
}

async fn read(State(sandbox): State<Sandbox>, Path(id): Path<u64>) -> Response {
    done(sandbox.read(id))
}

async fn types(State(sandbox): State<Sandbox>, Path(id): Path<u64>) -> Response {
    done(sandbox.types(id))
}

/// A file of a message: never a page of this origin.
async fn file(State(sandbox): State<Sandbox>, Path((phone, message, nth)): Path<(u64, String, usize)>) -> Response {
    let Some(piece) = sandbox.piece(phone, &message, nth) else { return StatusCode::NOT_FOUND.into_response() };
    let bytes: Bytes = piece.bytes;
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    let kind =
        HeaderValue::from_str(&piece.content_type).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    response
}
