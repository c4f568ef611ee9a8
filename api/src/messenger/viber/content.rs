//! What a Viber message holds: its text and parts, or a text that names what we have no type for.

use colloquy_entity::FileKind;
use serde_json::Value;

use super::read::{address, label_of, str_of};
use crate::messenger::{IncomingFile, Part, formats, sanitize};

/// A message's content.
pub struct Content {
    pub text: String,
    pub parts: Vec<Part>,
}

/// The content of the message with this token. Never nothing: what there is no type for is named.
pub fn read(message: &Value, token: u64) -> Content {
    let kind = str_of(message, "type").unwrap_or_default();
    let text = sanitize::text(str_of(message, "text").unwrap_or_default()).into_owned();
    let part = match kind {
        "text" if text.trim().is_empty() => return named("Empty message", None, ""),
        "text" => return Content { text, parts: Vec::new() },
        "url" => return link(message, text),
        "picture" => file(message, token, FileKind::Image, "image/jpeg", "photo").map(Part::File),
        "video" => file(message, token, FileKind::Video, "video/mp4", "video").map(Part::File),
        "file" => file(message, token, FileKind::Document, "application/octet-stream", "file").map(Part::File),
        "sticker" => file(message, token, FileKind::Sticker, "image/png", "sticker").map(Part::File),
        "location" => place(&message["location"]),
        "contact" => contact(&message["contact"]),
        _ => None,
    };
    match part {
        Some(part) => Content { text, parts: vec![part] },
        None => named(&name(kind), detail(message), &text),
    }
}

/// A text that names what came: `[Sticker] 153500`, `[Rich media]`.
fn named(name: &str, detail: Option<String>, text: &str) -> Content {
    let mut all = format!("[{name}]");
    for more in detail.iter().map(String::as_str).chain([text]).filter(|more| !more.is_empty()) {
        all.push(' ');
        all.push_str(more);
    }
    Content { text: all, parts: Vec::new() }
}

/// A kind's name as people write one.
fn name(kind: &str) -> String {
    let kind = sanitize::line(&kind.replace(['_', '-'], " "), sanitize::NAME);
    let mut letters = kind.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => "Unsupported message".to_owned(),
    }
}

/// What tells the one that came from others of its kind.
fn detail(message: &Value) -> Option<String> {
    let sticker = &message["sticker_id"];
    label_of(&message["contact"], "name")
        .or_else(|| label_of(&message["location"], "address"))
        .or_else(|| sticker.as_u64().map(|id| id.to_string()))
        .or_else(|| label_of(message, "sticker_id"))
        .or_else(|| label_of(message, "file_name").filter(|name| name != "null"))
}

/// A link: its address, and what was written beside it.
fn link(message: &Value, text: String) -> Content {
    let media = sanitize::text(str_of(message, "media").unwrap_or_default());
    let text = match (text.trim().is_empty(), media.trim().is_empty()) {
        (true, true) => return named("Url", None, ""),
        (true, false) => media.into_owned(),
        (false, _) if text.contains(&*media) => text,
        (false, _) => format!("{text}\n{media}"),
    };
    Content { text, parts: Vec::new() }
}

/// A file as Viber describes it, `None` without the address that it is fetched from.
fn file(message: &Value, token: u64, kind: FileKind, usual_type: &str, stem: &str) -> Option<IncomingFile> {
    let reference = address(message, "media")?;
    // Some phones send the word.
    let given = str_of(message, "file_name").filter(|name| *name != "null").and_then(sanitize::file_name);
    let extension = given.as_deref().and_then(formats::extension).or_else(|| formats::extension_of_url(&reference));
    let told = extension.as_deref().and_then(formats::content_type);
    let fits = |told: &&str| match kind {
        FileKind::Image | FileKind::Sticker => told.starts_with("image/"),
        FileKind::Video => told.starts_with("video/"),
        _ => true,
    };
    let content_type = told.filter(fits).unwrap_or(usual_type).to_owned();
    let made_up = || {
        let extension = extension.filter(|_| told.is_some_and(|told| told == content_type));
        format!("{stem}-{token}.{}", extension.as_deref().unwrap_or(sanitize::extension(&content_type)))
    };
    Some(IncomingFile {
        kind,
        name: given.unwrap_or_else(made_up),
        size: message["size"].as_i64().filter(|size| *size >= 0),
        reference,
        width: None,
        height: None,
        duration: duration(&message["duration"]),
        content_type,
    })
}

/// Seconds. Milliseconds were seen, seconds are documented for what bots send: a video of less than a second is rarer
/// than one of minutes.
fn duration(of: &Value) -> Option<i32> {
    let number = of.as_i64().filter(|number| *number >= 0)?;
    i32::try_from(if number < 1000 { number } else { number / 1000 }).ok()
}

fn place(location: &Value) -> Option<Part> {
    let degrees = |key: &str, most: f64| {
        let value = location.get(key)?;
        let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
        number.filter(|degrees| (-most..=most).contains(degrees))
    };
    Some(Part::Location {
        latitude: degrees("lat", 90.0)?,
        longitude: degrees("lon", 180.0)?,
        title: label_of(location, "address"),
    })
}

/// Name and number of a shared contact. Nothing tells whether it is the writer's own.
fn contact(contact: &Value) -> Option<Part> {
    let phone = sanitize::line(str_of(contact, "phone_number")?, sanitize::PHONE);
    (!phone.is_empty())
        .then(|| Part::Contact { name: label_of(contact, "name").unwrap_or_else(|| phone.clone()), phone })
}
