//! The messengers' door: verified, then stored, then answered.

use axum::body::to_bytes;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::error::Error;
use crate::inbox::channels;
use crate::inbox::intake::{self, Answer};
use crate::messenger;

use super::Doors;

/// Largest update, in bytes.
const LARGEST: usize = 1024 * 1024;
/// What Telegram shows of the secret that we gave it: core.telegram.org/bots/api#setwebhook.
const TELEGRAM_SECRET: &str = "x-telegram-bot-api-secret-token";

/// `POST /webhooks/{kind}/{channel}`: 404 for no such channel, 403 for a wrong secret, 413 for a body too large, 503
/// while the database is away; 200 once it is stored. Never 410: Telegram removes a webhook that answers so.
pub(super) async fn receive(
    State(doors): State<Doors>,
    Path((kind, id)): Path<(String, String)>,
    request: Request,
) -> Response {
    let app = doors.app();
    let channel = match channels::at_door(app.db.read(), &kind, &id).await {
        Ok(Some(channel)) => channel,
        Ok(None) => return StatusCode::NOT_FOUND.into_response(),
        Err(error) => return again(&error),
    };
    let secret = match channels::webhook_secret(app, &channel) {
        Ok(secret) => secret,
        Err(error) => return again(&error),
    };
    let shown = request.headers().get(TELEGRAM_SECRET).map(HeaderValue::as_bytes);
    if !messenger::verify(&secret, shown) {
        tracing::warn!(channel = %channel.id, "a webhook came with a wrong secret");
        return StatusCode::FORBIDDEN.into_response();
    }
    let Ok(body) = to_bytes(request.into_body(), LARGEST).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    match intake::take(app, &channel, &body).await {
        Answer::Done => StatusCode::OK.into_response(),
        Answer::Again(error) => again(&error),
    }
}

/// The messenger is to bring it again.
fn again(error: &Error) -> Response {
    let status = match error {
        Error::Away(_) => StatusCode::SERVICE_UNAVAILABLE,
        Error::BadInput { .. } => StatusCode::BAD_REQUEST,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    tracing::warn!(?error, "an update is to come again");
    (status, [(header::RETRY_AFTER, HeaderValue::from_static("1"))]).into_response()
}
