//! The messengers' door: verified, then stored, then answered.

use axum::body::to_bytes;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::error::Error;
use crate::inbox::connecting;
use crate::inbox::intake::{self, Answer};
use crate::messenger::Posted;

use super::Doors;

/// Largest update, in bytes.
const LARGEST: usize = 1024 * 1024;

/// `POST /webhooks/{kind}/{channel}`: 404 for no such channel, 403 for a wrong secret, 413 for a body too large, 503
/// while the database is away; 200 once it is stored. Never 410: Telegram removes a webhook that answers so.
pub(super) async fn receive(
    State(doors): State<Doors>,
    Path((kind, id)): Path<(String, String)>,
    request: Request,
) -> Response {
    let app = doors.app();
    let door = match connecting::at_door(app, &kind, &id).await {
        Ok(Some(door)) => door,
        Ok(None) => return StatusCode::NOT_FOUND.into_response(),
        Err(error) => return again(&error),
    };
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST).await else {
        // Who it is comes first, as far as the headers tell.
        return match intake::may_be_known(app, &door, &head.headers) {
            Ok(true) => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
            Ok(false) => StatusCode::FORBIDDEN.into_response(),
            Err(error) => again(&error),
        };
    };
    let posted = Posted { headers: &head.headers, body: &body };
    match intake::take(app, &door, posted).await {
        Answer::Done(words) => plain(words.into_owned()),
        Answer::Refused => StatusCode::FORBIDDEN.into_response(),
        Answer::Again(error) => again(&error),
    }
}

/// VK takes nothing but the very words for a success, and others do not look.
fn plain(words: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], words).into_response()
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
