//! The files' door: to who may see the dialogue, as a download and never as a page of our origin.

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use colloquy_entity::{AttachmentId, FileState, Id, Time, attachment};
use serde::Deserialize;

use crate::error::{Error, Result};
use crate::inbox::files;

use super::{Doors, identity};

/// A signed address, where it is one.
#[derive(Deserialize)]
pub(super) struct Signed {
    until: Option<i64>,
    signature: Option<String>,
}

/// `GET /files/{id}`: 404 for what is not there, is not READY, or may not be seen; 401 where nobody is signed in.
pub(super) async fn get(
    State(doors): State<Doors>,
    Path(id): Path<String>,
    Query(signed): Query<Signed>,
    headers: HeaderMap,
) -> Response {
    match find(&doors, &id, &signed, &headers).await {
        Ok(Some(file)) => serve(&doors, file).await,
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(Error::Unauthenticated(_)) => StatusCode::UNAUTHORIZED.into_response(),
        Err(Error::Away(_)) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Err(error) => {
            tracing::error!(?error, "a file could not be served");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn find(doors: &Doors, id: &str, signed: &Signed, headers: &HeaderMap) -> Result<Option<attachment::Model>> {
    let app = doors.app();
    let Ok(id) = AttachmentId::parse(id) else { return Ok(None) };
    if let (Some(until), Some(signature)) = (signed.until, &signed.signature) {
        if !app.secrets.verify_signature(&id.to_string(), Time(until), signature) {
            return Ok(None);
        }
        return files::by_signature(app.db.read(), id).await;
    }
    let viewer = identity::of(app, headers).await?.ok_or(Error::Unauthenticated("Sign in first"))?;
    files::find(app.db.read(), &viewer, id).await
}

async fn serve(doors: &Doors, file: attachment::Model) -> Response {
    if file.state != Some(FileState::Ready) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let (size, bytes) = match files::read(doors.app(), &file).await {
        Ok(found) => found,
        Err(error) => {
            tracing::error!(file = %file.id, ?error, "a file is not in the store");
            return StatusCode::NOT_FOUND.into_response();
        }
    };
    let mut response = Response::new(Body::from_stream(bytes));
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(header::CONTENT_LENGTH, &size.to_string());
    set(header::CONTENT_TYPE, file.content_type.as_deref().unwrap_or("application/octet-stream"));
    set(header::CONTENT_DISPOSITION, &format!("attachment; filename*=UTF-8''{}", percent(&file.name)));
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    // Whatever it is, nothing in it runs or loads anything here.
    set(header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox");
    set(header::CACHE_CONTROL, "private, max-age=300");
    response
}

/// RFC 8187: all but letters and digits as %XX.
fn percent(name: &str) -> String {
    name.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
