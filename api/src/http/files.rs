//! The files' doors: uploads from employees; files and their previews to who may see the dialogue, and to who has a
//! signed address.

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use colloquy_entity::{AttachmentId, FileState, Id, Time, attachment};
use serde::Deserialize;

use crate::error::{Error, Result};
use crate::graphql;
use crate::inbox::files::{self, Purpose};

use super::{Doors, identity};

mod range;
mod serve;
mod upload;

pub(super) use upload::{LARGEST_BODY, LARGEST_BODY_OF_VISITORS, refuse_upload, upload, upload_by};

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
    method: Method,
    headers: HeaderMap,
) -> Response {
    match find(&doors, Purpose::File, &id, &signed, &headers).await {
        Ok(file) => serve::file(&doors, &file, &method, &headers).await,
        Err(error) => refused(error),
    }
}

/// `GET /files/{id}/preview`: the same for the small picture; 404 where there is none.
pub(super) async fn preview(
    State(doors): State<Doors>,
    Path(id): Path<String>,
    Query(signed): Query<Signed>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    match find(&doors, Purpose::Preview, &id, &signed, &headers).await {
        Ok(file) => serve::preview(&doors, &file, &method, &headers).await,
        Err(error) => refused(error),
    }
}

/// `GET /media/{id}/{until}.{signature}/{name}`: for messengers, which fetch what we send through them. The name is for
/// those that go by its end.
pub(super) async fn media(
    State(doors): State<Doors>,
    Path((id, signed, _name)): Path<(String, String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let signed = signed.split_once('.').and_then(|(until, signature)| Some((until.parse().ok()?, signature)));
    let (until, signature) = signed.unwrap_or_default();
    let signed = Signed { until: Some(until), signature: Some(signature.to_owned()) };
    match find(&doors, Purpose::Messenger, &id, &signed, &headers).await {
        Ok(file) => serve::file(&doors, &file, &method, &headers).await,
        Err(error) => refused(error),
    }
}

async fn find(
    doors: &Doors,
    purpose: Purpose,
    id: &str,
    signed: &Signed,
    headers: &HeaderMap,
) -> Result<attachment::Model> {
    let app = doors.app();
    let missing = Error::NotFound("file");
    let Ok(id) = AttachmentId::parse(id) else { return Err(missing) };
    let found = if let (Some(until), Some(signature)) = (signed.until, &signed.signature) {
        files::by_signature(app, purpose, id, Time(until), signature).await?
    } else {
        let viewer = identity::of(app, headers).await?.ok_or(Error::Unauthenticated("Sign in first"))?;
        files::find(app.db.read(), &viewer, id).await?
    };
    found.filter(|file| file.state == Some(FileState::Ready)).ok_or(missing)
}

/// An error as GraphQL writes it, with the status that says the same.
pub(super) fn refused(error: Error) -> Response {
    let status = match &error {
        Error::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
        Error::Forbidden(_) => StatusCode::FORBIDDEN,
        Error::NotFound(_) => StatusCode::NOT_FOUND,
        Error::BadInput { .. } | Error::TooComplex(_) => StatusCode::BAD_REQUEST,
        Error::Conflict { .. } => StatusCode::CONFLICT,
        Error::RateLimited(_) => StatusCode::TOO_MANY_REQUESTS,
        Error::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        Error::Away(_) => StatusCode::SERVICE_UNAVAILABLE,
        Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let wait = if let Error::RateLimited(seconds) = error { Some(seconds) } else { None };
    let errors = graphql::refusal(error).errors;
    let body = axum::Json(serde_json::json!({ "errors": errors }));
    let mut response = (status, [(header::CACHE_CONTROL, "no-store")], body).into_response();
    if let Some(seconds) = wait {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}
