//! A message on its way out: one call for its text and one for each file.
//!
//! Each call makes one message at Telegram, and nothing tells Telegram that a call is a repeat. So a message is a fixed
//! list of pieces, and a further try leaves out as many as have ids.

use colloquy_entity::FileKind;
use reqwest::Body;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::client::{CallError, Telegram, unreadable};
use super::{TEXT, chat, fault, message_id};
use crate::messenger::{Fault, Outgoing, OutgoingFile, Sent, sanitize, text_length};

/// The longest text beside a file, in UTF-16 units.
pub(super) const CAPTION: usize = 1024;
/// The largest photo in bytes; larger ones go as documents.
const PHOTO: u64 = 10 << 20;
/// The largest file in bytes. Above it the server closes the connection amid the upload, which would look passing.
const UPLOAD: u64 = 50 << 20;

/// One message at Telegram.
enum Piece<'a> {
    Text(&'a str),
    File(&'a OutgoingFile, &'a str),
}

/// Sends what `sent` does not have yet.
pub async fn send(bot: &Telegram, message: &Outgoing, sent: &mut Sent) -> Result<(), Fault> {
    let chat_id = chat(&message.to)?;
    let pieces = pieces(message)?;
    for (nth, piece) in pieces.iter().enumerate().skip(sent.external_ids.len()) {
        // The answered message is shown once, above the first piece.
        let reply_to = message.reply_to.as_deref().filter(|_| nth == 0).and_then(|id| in_chat(id, chat_id));
        let result = match piece {
            Piece::Text(text) => send_text(bot, chat_id, text, reply_to).await?,
            Piece::File(file, caption) => send_file(bot, chat_id, file, caption, reply_to).await?,
        };
        let id = result["message_id"].as_i64().ok_or_else(|| fault::of_call(unreadable()))?;
        sent.external_ids.push(message_id(chat_id, id));
    }
    Ok(())
}

/// The same list for the same message, always. The text is the first file's caption where it fits, else a message of
/// its own before the files.
fn pieces(message: &Outgoing) -> Result<Vec<Piece<'_>>, Fault> {
    let text = message.text.as_str();
    if text_length(text) > TEXT {
        return Err(Fault::fatal("The text is longer than Telegram takes"));
    }
    if message.files.iter().any(|file| file.size > UPLOAD) {
        return Err(fault::too_large());
    }
    let captioned = message.files.first().is_some_and(|file| method(file) != Method::Sticker);
    let fits = captioned && text_length(text) <= CAPTION;
    let mut pieces = Vec::with_capacity(message.files.len() + 1);
    if !fits && !text.trim().is_empty() {
        pieces.push(Piece::Text(text));
    }
    for (nth, file) in message.files.iter().enumerate() {
        pieces.push(Piece::File(file, if nth == 0 && fits { text } else { "" }));
    }
    if pieces.is_empty() {
        return Err(Fault::fatal("Telegram takes no message without text"));
    }
    Ok(pieces)
}

/// No `parse_mode`: an operator's `<` and `_` mean themselves.
async fn send_text(bot: &Telegram, chat_id: i64, text: &str, reply_to: Option<i64>) -> Result<Value, Fault> {
    let mut message = json!({ "chat_id": chat_id, "text": text });
    if let Some(id) = reply_to {
        message["reply_parameters"] = reply(id);
    }
    bot.call("sendMessage", &message).await.map_err(fault::of_call)
}

async fn send_file(
    bot: &Telegram,
    chat_id: i64,
    file: &OutgoingFile,
    caption: &str,
    reply_to: Option<i64>,
) -> Result<Value, Fault> {
    let upload = async |method: Method| -> Result<Result<Value, CallError>, Fault> {
        let mut form = Form::new().text("chat_id", chat_id.to_string());
        if !caption.is_empty() {
            form = form.text("caption", caption.to_owned());
        }
        if let Some(id) = reply_to {
            form = form.text("reply_parameters", reply(id).to_string());
        }
        let (call, field) = method.call();
        Ok(bot.upload(call, form.part(field, part(file).await?), file.size).await)
    };
    let method = method(file);
    match upload(method).await? {
        // A picture that Telegram cannot show as a photo (too long, too thin, broken) still is a file.
        Err(CallError::Refused { code: 400, description, .. })
            if method == Method::Photo && (description.contains("PHOTO_") || description.contains("IMAGE_")) =>
        {
            upload(Method::Document).await?.map_err(fault::of_call)
        }
        answer => answer.map_err(fault::of_call),
    }
}

/// A file as a part of a form, read as it is sent.
async fn part(file: &OutgoingFile) -> Result<Part, Fault> {
    let unreadable = |_| Fault::passing("The file could not be read from the store");
    let bytes = file.bytes.open().await.map_err(unreadable)?;
    // Without a file name Telegram takes the part for text. A quote in it ends it for some parsers.
    let name = sanitize::file_name(&file.name).unwrap_or_else(|| "file".to_owned()).replace('"', "'");
    let part = Part::stream_with_length(Body::wrap_stream(bytes), file.size).file_name(name);
    let content_type = sanitize::content_type(&file.content_type);
    part.mime_str(content_type.as_deref().unwrap_or("application/octet-stream"))
        .map_err(|_| Fault::fatal("The file's content type cannot be sent"))
}

/// The ways to send a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Photo,
    Animation,
    Video,
    Audio,
    Voice,
    Sticker,
    Document,
}

impl Method {
    /// The Bot API's method and its field for the file.
    fn call(self) -> (&'static str, &'static str) {
        match self {
            Self::Photo => ("sendPhoto", "photo"),
            Self::Animation => ("sendAnimation", "animation"),
            Self::Video => ("sendVideo", "video"),
            Self::Audio => ("sendAudio", "audio"),
            Self::Voice => ("sendVoice", "voice"),
            Self::Sticker => ("sendSticker", "sticker"),
            Self::Document => ("sendDocument", "document"),
        }
    }
}

/// How a file is sent: as what it is where Telegram knows the format, else as a document, which takes any.
pub fn method(file: &OutgoingFile) -> Method {
    match (file.kind, file.content_type.as_str()) {
        (FileKind::Image, "image/jpeg" | "image/png" | "image/webp") if file.size <= PHOTO => Method::Photo,
        (FileKind::Image, "image/gif") => Method::Animation,
        (FileKind::Video, "video/mp4") => Method::Video,
        (FileKind::Voice, "audio/ogg") => Method::Voice,
        (FileKind::Audio | FileKind::Voice, "audio/mpeg" | "audio/mp4" | "audio/x-m4a") => Method::Audio,
        (FileKind::Sticker, "image/webp" | "video/webm" | "application/x-tgsticker") => Method::Sticker,
        _ => Method::Document,
    }
}

/// The answered message; without it, should it be deleted.
fn reply(id: i64) -> Value {
    json!({ "message_id": id, "allow_sending_without_reply": true })
}

/// The message id in an external id of this chat.
pub(super) fn in_chat(external_id: &str, chat_id: i64) -> Option<i64> {
    let (chat, message) = external_id.split_once(':')?;
    if chat.parse() != Ok(chat_id) {
        return None;
    }
    message.parse().ok()
}
