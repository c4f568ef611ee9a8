//! Files on their way out, in three steps: where to, the bytes, and what was made of them.
//!
//! dev.vk.com/en/api/upload/photo-in-message and /file-in-message.

use colloquy_entity::FileKind;
use reqwest::Body;
use reqwest::multipart::{Form, Part};
use serde_json::Value;

use super::client::{CallError, Vk, unreadable};
use super::fault;
use super::read::{int_of, str_of};
use crate::messenger::{Fault, OutgoingFile, sanitize};

/// The largest photo and file, in bytes.
const PHOTO: u64 = 50 << 20;
const FILE: u64 = 200 << 20;

/// Whether VK takes it at all.
pub fn check(file: &OutgoingFile) -> Result<(), Fault> {
    if file.size > FILE { Err(fault::too_large()) } else { Ok(()) }
}

/// Uploads a file as what it is, else as a document, which can be almost anything; what to name in a message.
pub async fn upload(vk: &Vk, peer: i64, file: &OutgoingFile) -> Result<String, Fault> {
    let is_photo = matches!(file.content_type.as_str(), "image/jpeg" | "image/png") && file.kind == FileKind::Image;
    if is_photo
        && file.size <= PHOTO
        && let Some(photo) = photo(vk, peer, file).await?
    {
        return Ok(photo);
    }
    if file.kind == FileKind::Voice
        && file.content_type == "audio/ogg"
        && let Ok(voice) = document(vk, peer, file, "audio_message").await?
    {
        return Ok(voice);
    }
    document(vk, peer, file, "doc").await?.map_err(|words| Fault::fatal(format!("VK does not take the file: {words}")))
}

/// Nothing where VK takes it for no photo: too thin, too large in pixels, or no picture at all.
async fn photo(vk: &Vk, peer: i64, file: &OutgoingFile) -> Result<Option<String>, Fault> {
    let server = address(vk, "photos.getMessagesUploadServer", &[("peer_id", peer.to_string())]).await?;
    let form = Form::new().part("photo", part(file).await?);
    let taken = vk.upload(&server, form, file.size).await.map_err(fault::of_call)?;
    let photo = str_of(&taken, "photo").filter(|photo| !matches!(*photo, "" | "[]"));
    let (Some(photo), Some(hash)) = (photo, str_of(&taken, "hash")) else { return Ok(None) };
    // A number, and in some answers a text.
    let server = int_of(&taken, "server").map(|server| server.to_string());
    let server = server.or_else(|| str_of(&taken, "server").map(str::to_owned)).unwrap_or_default();
    let save = [("photo", photo.to_owned()), ("server", server), ("hash", hash.to_owned())];
    match vk.call("photos.saveMessagesPhoto", &save).await {
        Ok(saved) => saved.get(0).and_then(|photo| named("photo", photo)).map(Some).ok_or_else(lost),
        Err(CallError::Refused { code: 100 | 114 | 118 | 121 | 129, .. }) => Ok(None),
        Err(error) => Err(fault::of_call(error)),
    }
}

/// A document or a voice; in the upload server's own words why not.
async fn document(vk: &Vk, peer: i64, file: &OutgoingFile, kind: &str) -> Result<Result<String, String>, Fault> {
    let ask = [("peer_id", peer.to_string()), ("type", kind.to_owned())];
    let server = address(vk, "docs.getMessagesUploadServer", &ask).await?;
    let form = Form::new().part("file", part(file).await?);
    let taken = vk.upload(&server, form, file.size).await.map_err(fault::of_call)?;
    let Some(uploaded) = str_of(&taken, "file").filter(|uploaded| !uploaded.is_empty()) else {
        let words = str_of(&taken, "error_descr").or_else(|| str_of(&taken, "error")).unwrap_or_default();
        let words = words.strip_prefix("Error uploading document: ").unwrap_or(words);
        let words = sanitize::line(words, sanitize::NAME);
        return Ok(Err(if words.is_empty() { "it gave no reason".to_owned() } else { words }));
    };
    let save = [("file", uploaded.to_owned()), ("title", file_name(file))];
    let saved = vk.call("docs.save", &save).await.map_err(fault::of_call)?;
    // Older servers answer with a list of documents.
    let saved = saved.get(0).unwrap_or(&saved);
    let what = str_of(saved, "type").map(|kind| &saved[kind]).filter(|what| what.is_object()).unwrap_or(saved);
    // A voice is named as the document that it is, as VK's own examples do.
    Ok(Ok(named("doc", what).ok_or_else(lost)?))
}

/// Where VK wants the bytes.
async fn address(vk: &Vk, method: &str, arguments: &[(&str, String)]) -> Result<String, Fault> {
    let answer = vk.call(method, arguments).await.map_err(fault::of_call)?;
    str_of(&answer, "upload_url").map(str::to_owned).ok_or_else(lost)
}

/// How an attachment is named in a message: `photo-1_2_key`.
pub fn named(kind: &str, of: &Value) -> Option<String> {
    let (owner, id) = (int_of(of, "owner_id")?, int_of(of, "id")?);
    let key = str_of(of, "access_key").filter(|key| key.bytes().all(|b| b.is_ascii_graphic() && b != b','));
    let key = key.filter(|key| !key.is_empty()).map(|key| format!("_{key}")).unwrap_or_default();
    Some(format!("{kind}{owner}_{id}{key}"))
}

fn lost() -> Fault {
    fault::of_call(unreadable())
}

/// A quote in a file's name ends it for some parsers.
fn file_name(file: &OutgoingFile) -> String {
    sanitize::file_name(&file.name).unwrap_or_else(|| "file".to_owned()).replace('"', "'")
}

/// A file as a part of a form, read as it is sent.
async fn part(file: &OutgoingFile) -> Result<Part, Fault> {
    let unreadable = |_| Fault::passing("The file could not be read from the store");
    let bytes = file.bytes.open().await.map_err(unreadable)?;
    let part = Part::stream_with_length(Body::wrap_stream(bytes), file.size).file_name(file_name(file));
    let content_type = sanitize::content_type(&file.content_type);
    part.mime_str(content_type.as_deref().unwrap_or("application/octet-stream"))
        .map_err(|_| Fault::fatal("The file's content type cannot be sent"))
}
