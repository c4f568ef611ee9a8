//! Bytes of a file as an answer: whole or in part, and never as a page of our origin.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use colloquy_entity::attachment;

use crate::error::Error;
use crate::inbox::files;

use super::super::Doors;
use super::range::{self, Asked};
use super::refused;

/// What a download may do: nothing.
const LOCKED: &str = "default-src 'none'; sandbox";
/// What a browser shows by itself may show itself, in the page that a browser makes around it.
const SHOWN: &str = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox";

/// A file, or the part of it that was asked for.
pub async fn file(doors: &Doors, file: &attachment::Model, method: &Method, headers: &HeaderMap) -> Response {
    let content_type = files::content_type(file);
    let (size, tag) = (files::size(file), format!("\"{}\"", file.id));
    if range::is_known(headers, &tag) {
        return dress(StatusCode::NOT_MODIFIED, Body::empty(), &tag, &[]);
    }
    let (status, part) = match range::asked(headers, size, &tag) {
        Asked::Whole => (StatusCode::OK, None),
        Asked::Part(part) => (StatusCode::PARTIAL_CONTENT, Some(part)),
        Asked::Nothing => {
            let content_range = (header::CONTENT_RANGE, format!("bytes */{size}"));
            return dress(StatusCode::RANGE_NOT_SATISFIABLE, Body::empty(), &tag, &[content_range]);
        }
    };
    let body = if *method == Method::HEAD {
        Body::empty()
    } else {
        match files::read(doors.app(), file, part.clone()).await {
            Ok(bytes) => Body::from_stream(bytes),
            Err(error) => return lost(file, error),
        }
    };
    let (is_shown, length) = (files::is_shown(content_type), part.as_ref().map_or(size, |part| part.end - part.start));
    let how = if is_shown { "inline" } else { "attachment" };
    let mut more = vec![
        (header::CONTENT_LENGTH, length.to_string()),
        (header::CONTENT_TYPE, content_type.to_owned()),
        (header::CONTENT_DISPOSITION, disposition(how, &file.name)),
        (header::CONTENT_SECURITY_POLICY, if is_shown { SHOWN } else { LOCKED }.to_owned()),
    ];
    if let Some(part) = part {
        more.push((header::CONTENT_RANGE, format!("bytes {}-{}/{size}", part.start, part.end - 1)));
    }
    dress(status, body, &tag, &more)
}

/// A file's preview, which we have made.
pub async fn preview(doors: &Doors, file: &attachment::Model, method: &Method, headers: &HeaderMap) -> Response {
    let tag = format!("\"{}-preview\"", file.id);
    let path = file.preview_as.as_deref().unwrap_or_default();
    if !path.is_empty() && range::is_known(headers, &tag) {
        return dress(StatusCode::NOT_MODIFIED, Body::empty(), &tag, &[]);
    }
    let body = match files::read_preview(doors.app(), file).await {
        Ok(_) if *method == Method::HEAD => Body::empty(),
        Ok(bytes) => Body::from_stream(bytes),
        Err(error) => return lost(file, error),
    };
    let content_type = if path.ends_with(".png") { "image/png" } else { "image/jpeg" };
    let more = [
        (header::CONTENT_TYPE, content_type.to_owned()),
        (header::CONTENT_DISPOSITION, "inline".to_owned()),
        (header::CONTENT_SECURITY_POLICY, SHOWN.to_owned()),
    ];
    let mut response = dress(StatusCode::OK, body, &tag, &more);
    // There are only whole ones.
    response.headers_mut().remove(header::ACCEPT_RANGES);
    response
}

/// What all answers have.
fn dress(status: StatusCode, body: Body, tag: &str, more: &[(HeaderName, String)]) -> Response {
    let mut response = (status, body).into_response();
    let same = [
        (header::ACCEPT_RANGES, "bytes"),
        (header::ETAG, tag),
        (header::CACHE_CONTROL, "private, max-age=300"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // The address may be a signed one.
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    let more = more.iter().map(|(name, value)| (name.clone(), value.as_str()));
    for (name, value) in same.into_iter().chain(more) {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// It is in the database, and not in the store.
fn lost(file: &attachment::Model, error: Error) -> Response {
    if file.stored_as.is_some() && !matches!(error, Error::NotFound("preview")) {
        tracing::error!(file = %file.id, ?error, "a file cannot be had from the store");
    }
    refused(error)
}

/// The name for old programs in ASCII, and for all others as it is.
fn disposition(how: &str, name: &str) -> String {
    let plain: String =
        name.chars().map(|c| if matches!(c, ' '..='~') && !matches!(c, '"' | '\\' | '%') { c } else { '_' }).collect();
    format!("{how}; filename=\"{plain}\"; filename*=UTF-8''{}", percent(name))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_twice() {
        assert_eq!(
            disposition("attachment", "Счёт \"7\".pdf"),
            "attachment; filename=\"____ _7_.pdf\"; filename*=UTF-8''%D0%A1%D1%87%D1%91%D1%82%20%227%22.pdf"
        );
        assert_eq!(disposition("inline", "a b.png"), "inline; filename=\"a b.png\"; filename*=UTF-8''a%20b.png");
    }
}
