//! A message on its way out: one call for its text and one for each file.
//!
//! Each call makes one message at Viber, and nothing tells Viber that a call is a repeat. So a message is a fixed list of
//! pieces, and a further try leaves out as many as have ids. Viber takes no uploads: it fetches files from us.

use colloquy_entity::{ChannelKind, FileKind};
use serde_json::{Value, json};

use super::client::{CallError, Viber};
use super::read::token;
use super::{TEXT, fault};
use crate::messenger::formats::{extension, extension_of_url};
use crate::messenger::{Fault, Outgoing, OutgoingFile, Sent, refusal, sanitize, text_length};

/// The longest text beside a picture, in UTF-16 units. 768 by the documentation of 2023, 512 before, 120 in the first: a
/// longer text goes as a message of its own.
const CAPTION: usize = 512;
/// The largest picture in bytes: 1 MB on an iPhone, 3 MB on Android, and nobody knows which the client has. Larger ones go
/// as files.
const PICTURE: u64 = 1_000_000;
/// The largest video in bytes; larger ones go as files. Megabytes, of which the documentation does not say how many bytes
/// they have: the smaller.
const VIDEO: u64 = 26_000_000;
/// The longest name of a file, in characters.
const FILE_NAME: usize = 256;
/// The longest name that a message shows, in UTF-16 units.
const SENDER: usize = 28;

/// One message at Viber.
enum Piece<'a> {
    Text(&'a str),
    Picture { url: &'a str, caption: &'a str },
    Video { url: &'a str, size: u64 },
    File { url: &'a str, size: u64, name: String },
}

/// Sends what `sent` does not have yet. What the message answers cannot be shown, and is left out.
pub async fn send(bot: &Viber, message: &Outgoing, sent: &mut Sent) -> Result<(), Fault> {
    if message.to.is_empty() {
        return Err(Fault::fatal("This client has no Viber id"));
    }
    let pieces = pieces(message)?;
    for (nth, piece) in pieces.iter().enumerate().skip(sent.external_ids.len()) {
        let mut call = piece.call();
        call["receiver"] = message.to.as_str().into();
        call["sender"] = json!({ "name": sender(&message.sender) });
        let answer = bot.call("send_message", &call).await.map_err(|error| refused(error, piece))?;
        // It is taken, whatever is missing from the answer: to send it again would be worse than to know no token.
        let id = token(&answer["message_token"]).map(|token| token.to_string());
        sent.external_ids.push(id.unwrap_or_else(|| format!("{}:{nth}", message.repeat_key)));
    }
    Ok(())
}

fn refused(error: CallError, piece: &Piece<'_>) -> Fault {
    match (error, piece) {
        (CallError::TooLarge, Piece::Text(_)) => {
            Fault::fatal("The text is longer than the 30 KB that Viber takes: shorten it")
        }
        (error, _) => fault::of_call(error),
    }
}

/// The same list for the same message, always. The text is the first file's caption where that is a picture and it fits,
/// else a message of its own before the files.
fn pieces(message: &Outgoing) -> Result<Vec<Piece<'_>>, Fault> {
    let text = message.text.as_str();
    if text_length(text) > TEXT {
        return Err(Fault::fatal("The text is longer than the 7000 characters that Viber takes"));
    }
    let mut pieces = message.files.iter().map(piece).collect::<Result<Vec<_>, _>>()?;
    match pieces.first_mut() {
        Some(Piece::Picture { caption, .. }) if text_length(text) <= CAPTION => *caption = text,
        _ if !text.trim().is_empty() => pieces.insert(0, Piece::Text(text)),
        _ => {}
    }
    if pieces.is_empty() {
        return Err(Fault::fatal("Viber takes no message without text"));
    }
    Ok(pieces)
}

/// How a file is sent: as what it is where Viber shows the format, else as a file.
fn piece(file: &OutgoingFile) -> Result<Piece<'_>, Fault> {
    let url = file.url.as_deref().ok_or_else(|| {
        Fault::fatal("Viber fetches files from us, and cannot reach us: start colloquy with PUBLIC_URL")
    })?;
    // Viber goes by the end of the address.
    let ends_with = |all: &[&str]| extension_of_url(url).is_some_and(|end| all.contains(&end.as_str()));
    let (kind, content_type, size) = (file.kind, file.content_type.as_str(), file.size);
    let is_image = matches!(kind, FileKind::Image | FileKind::Sticker);
    if is_image && size <= PICTURE && ends_with(&["jpg", "jpeg", "png", "gif"]) {
        return Ok(Piece::Picture { url, caption: "" });
    }
    if kind == FileKind::Video && content_type == "video/mp4" && size <= VIDEO && ends_with(&["mp4"]) {
        return Ok(Piece::Video { url, size });
    }
    let name = file_name(file);
    if let Some(words) = refusal(ChannelKind::Viber, FileKind::Document, &name, size) {
        return Err(Fault::fatal(words));
    }
    if size == 0 {
        return Err(Fault::fatal("Viber takes no empty file"));
    }
    Ok(Piece::File { url, size, name })
}

/// A name with an extension, by which Viber tells what the file is.
fn file_name(file: &OutgoingFile) -> String {
    let name = sanitize::file_name(&file.name).unwrap_or_else(|| "file".to_owned());
    if extension(&name).is_some() {
        return name;
    }
    // "bin" is one of those that Viber refuses.
    let usual = Some(sanitize::extension(&file.content_type)).filter(|usual| *usual != "bin").unwrap_or("dat");
    let stem: String = name.chars().take(FILE_NAME - 1 - usual.len()).collect();
    format!("{}.{usual}", stem.trim_end_matches(['.', ' ']))
}

impl Piece<'_> {
    /// The arguments of `send_message`, but for whom and from whom.
    fn call(&self) -> Value {
        match self {
            Self::Text(text) => json!({ "type": "text", "text": text }),
            // The text has to be there, if only as an empty one.
            Self::Picture { url, caption } => json!({ "type": "picture", "text": caption, "media": url }),
            Self::Video { url, size } => json!({ "type": "video", "media": url, "size": size }),
            Self::File { url, size, name } => {
                json!({ "type": "file", "media": url, "size": size, "file_name": name })
            }
        }
    }
}

/// Who speaks: Viber takes no message without a name.
fn sender(name: &str) -> String {
    let mut left = SENDER;
    let fits = |c: &char| {
        let fits = c.len_utf16() <= left;
        left = left.saturating_sub(c.len_utf16());
        fits
    };
    let name: String = sanitize::line(name, SENDER).chars().take_while(fits).collect();
    let name = sanitize::line(&name, SENDER);
    if name.is_empty() { "Support".to_owned() } else { name }
}
