//! Files both ways: those that people sent, at addresses that run out, and those that bots name, which are fetched.

use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path, Query, State as Shares};
use axum::http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::state::{Call, Fetched};
use super::{Doors, post};
use crate::socket::Cut;
use crate::wire::{self, Answer, Fault};

/// What is shown as a picture.
const PICTURES: [&str; 4] = ["jpg", "jpeg", "png", "gif"];
/// The largest picture, video and file, in bytes.
const PICTURE: usize = 3 << 20;
const VIDEO: usize = 26 << 20;
const FILE: usize = 50 << 20;

/// How an address is signed.
#[derive(Deserialize)]
pub struct Signed {
    #[serde(rename = "Signature")]
    signature: Option<String>,
}

/// `/media/<id>/<name>`: 404 for what is not there, 403 for an address that has run out or was not signed.
pub async fn serve(
    Shares(doors): Shares<Doors>,
    ConnectInfo(connection): ConnectInfo<Cut>,
    Path((id, name)): Path<(String, String)>,
    Query(signed): Query<Signed>,
) -> Answer {
    let (fault, _) = doors.shared.change(|state| state.plans.next("media", None));
    Fault::strike(fault, &connection).await;
    if fault.is_some() {
        return status(502);
    }
    let found = doors.shared.read(|state| {
        let media = state.media.get(&id).filter(|media| media.name == name).cloned()?;
        let is_good = state.now < media.expires && signed.signature.as_ref() == Some(&media.signature);
        Some((media, is_good))
    });
    match found {
        None => status(404),
        Some((_, false)) => status(403),
        Some((media, true)) => {
            wire::pass(media.gate).await;
            Answer::bytes(content_type(&media.name), media.bytes)
        }
    }
}

fn status(status: u16) -> Answer {
    Answer { status, ..Answer::bytes("application/xml", Bytes::from_static(b"<Error/>")) }
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("png") => "image/png",
        Some("gif") => "image/gif",
        Some("mp4") => "video/mp4",
        Some("pdf") => "application/pdf",
        _ => "application/octet-stream",
    }
}

/// Fetches what a message is to show, keeps it, and tells where it cannot be shown.
pub async fn fetch(doors: Doors, call: Call) {
    let (Some(message), Some(media)) = (call.message_token, call.arguments["media"].as_str()) else { return };
    if call.kind.as_deref() == Some("url") {
        return;
    }
    let mut fetched = Fetched { status: None, content_type: None, bytes: Bytes::new(), trouble: None };
    if let Ok(response) = doors.http.get(media).send().await {
        fetched.status = Some(response.status().as_u16());
        let header = response.headers().get(CONTENT_TYPE.as_str()).and_then(|value| value.to_str().ok());
        fetched.content_type = header.map(str::to_owned);
        fetched.bytes = response.bytes().await.unwrap_or_default();
    }
    fetched.trouble = trouble(&call, media, &fetched);
    let receipt = doors.shared.change(|state| {
        let receipt = fetched.trouble.as_deref().and_then(|trouble| state.receipt("failed", message, Some(trouble)));
        state.fetched.insert(message, fetched);
        receipt
    });
    if let Some(receipt) = receipt {
        post::hand_over(doors, call.token, receipt).await;
    }
}

/// Why what was fetched cannot be shown.
fn trouble(call: &Call, media: &str, fetched: &Fetched) -> Option<String> {
    let path = Url::parse(media).ok().map(|url| url.path().to_ascii_lowercase()).unwrap_or_default();
    let extension = path.rsplit_once('.').map(|(_, extension)| extension).unwrap_or_default();
    let size = fetched.bytes.len();
    let told = call.arguments.get("size").and_then(Value::as_u64).and_then(|size| usize::try_from(size).ok());
    let kind = call.kind.as_deref().unwrap_or_default();
    let (most, fits) = match kind {
        "picture" => (PICTURE, PICTURES.contains(&extension)),
        "video" => (VIDEO, extension == "mp4"),
        _ => (FILE, true),
    };
    match fetched.status {
        None => Some("media could not be reached".into()),
        Some(200) if !fits => Some(format!("{kind} has a wrong extension: {extension}")),
        Some(200) if size > most => Some(format!("{kind} is too large: {size}")),
        Some(200) if kind != "picture" && told != Some(size) => Some(format!("{kind} has {size} bytes, not {told:?}")),
        Some(200) => None,
        Some(status) => Some(format!("media answered {status}: {media}")),
    }
}
