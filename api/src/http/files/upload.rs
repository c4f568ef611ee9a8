//! `POST /files`: one file of a form, as it comes, into the store.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Json;
use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::multipart::Field;
use axum::extract::{FromRequest, Multipart, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt, stream};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::app::App;
use crate::error::{Error, Result};
use crate::inbox::files::{self, Uploader};
use crate::messenger::ByteStream;

use super::super::{Doors, identity};
use super::refused;

/// Beside the file, what a form may have in bytes.
const FORM: u64 = 64 << 10;
/// The largest body.
pub const LARGEST_BODY: usize = (files::LARGEST + FORM) as usize;
/// The same from a visitor.
pub const LARGEST_BODY_OF_VISITORS: usize = (files::LARGEST_OF_VISITORS + FORM) as usize;
/// Bytes that a form may have before its file, and between what can be read of it.
const LARGEST_GAP: usize = 1 << 20;
/// How long is waited for the end of an upload that is refused.
const LINGER: Duration = Duration::from_secs(30);
/// How long an upload may stand still.
const STALL: Duration = Duration::from_secs(60);

/// `POST /files`: 200 with the file's id once it is kept.
pub async fn upload(State(doors): State<Doors>, request: Request) -> Response {
    let app = Arc::clone(doors.app());
    let answer = app.clone().tasks.spawn(async move {
        // In a task of its own: when the connection goes away, what came of the file is still cleared up.
        let viewer = match identity::of(&app, request.headers()).await {
            Ok(Some(viewer)) => viewer,
            Ok(None) => return refuse_upload(request, Error::Unauthenticated("Sign in first")).await,
            Err(error) => return refuse_upload(request, error).await,
        };
        answer(take(&app, &(&viewer).into(), request).await)
    });
    answer.await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// The same for an uploader whom another door has let in.
pub async fn upload_by(app: &Arc<App>, by: Uploader, request: Request) -> Response {
    let to = Arc::clone(app);
    let answer = app.tasks.spawn(async move { answer(take(&to, &by, request).await) });
    answer.await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// Refuses an upload unread. Who is still sending would not hear the answer: what comes is taken and forgotten, as long
/// as that is not too much or takes too long.
pub async fn refuse_upload(request: Request, error: Error) -> Response {
    forget(request.into_body()).await;
    refused(error)
}

async fn forget(body: Body) {
    let mut pieces = body.into_data_stream();
    let mut left = LARGEST_BODY;
    let all = async {
        while let Some(Ok(piece)) = pieces.next().await
            && piece.len() <= left
        {
            left -= piece.len();
        }
    };
    let _ = timeout(LINGER, all).await;
}

fn answer(kept: Result<String>) -> Response {
    match kept {
        Ok(id) => Json(json!({ "id": id })).into_response(),
        Err(error) => refused(error),
    }
}

async fn take(app: &Arc<App>, by: &Uploader, request: Request) -> Result<String> {
    if length(request.headers()).is_some_and(|length| length > by.largest() + FORM) {
        forget(request.into_body()).await;
        return Err(too_large(by));
    }
    let gap = Gap::default();
    let sips = |body: Body| Sips { body: body.into_data_stream(), had_one: false, gap: gap.clone() };
    let request = request.map(|body| Body::from_stream(sips(body)));
    let no_form = |_| Error::bad("", "Send a form: multipart/form-data with one file");
    let mut form = Multipart::from_request(request, &()).await.map_err(no_form)?;
    let id = loop {
        let next = timeout(STALL, form.next_field()).await.map_err(|_| stalled())?;
        let Some(field) = next.map_err(|error| broken(by, error))? else {
            return Err(Error::bad("file", "The form has no file"));
        };
        gap.over();
        if let Some(name) = name(&field) {
            break keep(app, by, field, &name, &gap).await;
        }
    };
    gap.end();
    // The rest, within the body's bound: who is still sending would not hear the answer. A second file is not kept.
    while let Ok(Ok(Some(_))) = timeout(STALL, form.next_field()).await {}
    id
}

/// Keeps a form's file.
async fn keep(app: &Arc<App>, by: &Uploader, field: Field<'_>, name: &str, gap: &Gap) -> Result<String> {
    let content_type = field.content_type().map(str::to_owned);
    // The form lends its parts, and what is kept wants to be owned: piece by piece through a channel of one.
    let (to_store, pieces) = mpsc::channel::<io::Result<Bytes>>(1);
    let bytes: ByteStream = stream::unfold(pieces, |mut pieces| async { Some((pieces.recv().await?, pieces)) }).boxed();
    let kept = files::upload(app, by, name, content_type.as_deref(), bytes);
    let (kept, read) = tokio::join!(kept, pour(by, field, to_store, gap));
    // What is too large for the door is too large for the store, whichever says so first.
    read?;
    Ok(kept?.id.to_string())
}

/// Hands a field on; to its end even where nobody takes it any more.
async fn pour(by: &Uploader, mut field: Field<'_>, to: mpsc::Sender<io::Result<Bytes>>, gap: &Gap) -> Result<()> {
    loop {
        let piece = match timeout(STALL, field.chunk()).await {
            Ok(Ok(Some(piece))) => {
                gap.over();
                piece
            }
            Ok(Ok(None)) => return Ok(()),
            Ok(Err(error)) => {
                let error = broken(by, error);
                let _ = to.send(Err(io::Error::other(error.to_string()))).await;
                return Err(error);
            }
            Err(_) => {
                let _ = to.send(Err(io::Error::other("it stands still"))).await;
                return Err(stalled());
            }
        };
        let _ = to.send(Ok(piece)).await;
    }
}

/// A body whose reader gets one piece at a time: what reads forms would else take in all that has come, and hold it.
struct Sips {
    body: BodyDataStream,
    had_one: bool,
    gap: Gap,
}

/// What may still come before the reader has found something in it: what is before a file and between its parts is held, and
/// searched again with each piece.
#[derive(Clone)]
struct Gap(Arc<AtomicUsize>);

impl Default for Gap {
    fn default() -> Self {
        Self(Arc::new(AtomicUsize::new(LARGEST_GAP)))
    }
}

impl Gap {
    /// Something was found.
    fn over(&self) {
        self.0.store(LARGEST_GAP, Ordering::Relaxed);
    }

    /// Whatever comes from now on is not kept.
    fn end(&self) {
        self.0.store(usize::MAX, Ordering::Relaxed);
    }

    fn takes(&self, piece: &Bytes) -> bool {
        let left = self.0.load(Ordering::Relaxed).checked_sub(piece.len());
        self.0.store(left.unwrap_or(0), Ordering::Relaxed);
        left.is_some()
    }
}

impl Stream for Sips {
    type Item = std::result::Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.had_one) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let piece = self.body.poll_next_unpin(cx);
        if let Poll::Ready(Some(Ok(piece))) = &piece
            && !self.gap.takes(piece)
        {
            return Poll::Ready(Some(Err(axum::Error::new("this is no form"))));
        }
        self.had_one = matches!(piece, Poll::Ready(Some(_)));
        piece
    }
}

fn broken(by: &Uploader, error: axum::extract::multipart::MultipartError) -> Error {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return too_large(by);
    }
    Error::bad("file", "The form broke off, or is none")
}

fn stalled() -> Error {
    Error::bad("file", "The upload broke off: nothing came for a minute")
}

fn too_large(by: &Uploader) -> Error {
    Error::TooLarge(format!("A file can have {} MiB at most", by.largest() >> 20))
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The name of a part that is a file. Browsers write it as it is, with %22 for a quotation mark; some programs as RFC 8187
/// has it.
fn name(field: &Field<'_>) -> Option<String> {
    if let Some(name) = field.file_name() {
        return Some(name.replace("%22", "\"").replace("%0D", "").replace("%0A", ""));
    }
    extended(field.headers().get(header::CONTENT_DISPOSITION)?.to_str().ok()?)
}

/// `filename*=utf-8''…`
fn extended(disposition: &str) -> Option<String> {
    let mut parameters = disposition.split(';').filter_map(|part| part.trim().split_once('='));
    let (_, value) = parameters.find(|(name, _)| name.eq_ignore_ascii_case("filename*"))?;
    let (charset, rest) = value.split_once('\'')?;
    let (_, encoded) = rest.split_once('\'')?;
    if !charset.eq_ignore_ascii_case("utf-8") {
        return None;
    }
    let mut bytes = Vec::new();
    let mut left = encoded.bytes();
    while let Some(byte) = left.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [left.next()?, left.next()?];
        bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_be_written_as_rfc_8187_has_it() {
        let disposition = "form-data; name=\"file\"; filename*=utf-8''%D0%94%D0%B0%20%22.txt";
        assert_eq!(extended(disposition).as_deref(), Some("Да \".txt"));
        for wrong in ["form-data", "filename*=a", "filename*=latin1''a", "filename*=utf-8''%", "filename*=utf-8''%FF"] {
            assert_eq!(extended(wrong), None, "{wrong}");
        }
    }
}
