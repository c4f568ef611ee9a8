//! Attachments: what there is a file of becomes one, and everything else words that name it, so that nobody misses that
//! something came. VK tells of each kind in an object of that name: dev.vk.com/en/reference/objects/attachments-message.

use colloquy_entity::FileKind;
use serde_json::Value;

use super::read::{int_of, label_of, str_of};
use crate::messenger::{IncomingFile, Part, formats, sanitize};

/// Attachments of one message; VK allows ten.
const MOST: usize = 50;
/// The longest line of words about an attachment, in characters.
const WORDS: usize = 300;

/// What the attachments of a message come to.
pub struct Gathered<'a> {
    /// The text that stands beside them.
    own: &'a str,
    pub parts: Vec<Part>,
    pub lines: Vec<String>,
}

impl<'a> Gathered<'a> {
    /// Nothing yet, beside a text.
    pub fn beside(own: &'a str) -> Self {
        Self { own, parts: Vec::new(), lines: Vec::new() }
    }

    /// Takes a list of attachments in.
    pub fn take_all(&mut self, attachments: &Value) {
        for attachment in attachments.as_array().into_iter().flatten().take(MOST) {
            self.take(attachment);
        }
    }

    fn take(&mut self, attachment: &Value) {
        let Some(kind) = str_of(attachment, "type") else {
            return self.lines.push("[Attachment]".to_owned());
        };
        let of = &attachment[kind];
        if let Some(file) = file(kind, of) {
            return self.parts.push(Part::File(file));
        }
        let (title, link) = words(kind, of);
        // VK makes a link of each address in a text.
        if kind == "link" && link.as_ref().is_some_and(|link| self.own.contains(link.trim_end_matches('/'))) {
            return;
        }
        let said = [Some(format!("[{}]", name(kind))), title, link];
        let said: Vec<String> = said.into_iter().flatten().collect();
        self.lines.push(sanitize::line(&said.join(" "), WORDS + sanitize::REFERENCE));
    }
}

/// The file of an attachment, where VK hands one over.
fn file(kind: &str, of: &Value) -> Option<IncomingFile> {
    match kind {
        "photo" => photo(of),
        "doc" => document(of),
        "audio_message" => voice(of),
        "graffiti" => picture(of, of, FileKind::Image, "graffiti", int_of(of, "id")),
        "sticker" => {
            let images = of.get("images").filter(|images| images.is_array()).unwrap_or(&of["images_with_background"]);
            picture(of, largest(images)?, FileKind::Sticker, "sticker", int_of(of, "sticker_id"))
        }
        _ => None,
    }
}

fn photo(of: &Value) -> Option<IncomingFile> {
    let original = of.get("orig_photo").filter(|photo| url(photo, "url").is_some());
    let best = original.or_else(|| largest(&of["sizes"]))?;
    let photo = picture(of, best, FileKind::Image, "photo", int_of(of, "id"))?;
    Some(IncomingFile { content_type: "image/jpeg".to_owned(), name: photo.name.replace(".png", ".jpg"), ..photo })
}

/// A picture at the `url` of `shape`, which has its width and height.
fn picture(of: &Value, shape: &Value, kind: FileKind, stem: &str, id: Option<i64>) -> Option<IncomingFile> {
    let reference = url(shape, "url")?;
    let id = id.or_else(|| int_of(of, "id")).unwrap_or_default();
    Some(IncomingFile {
        kind,
        name: format!("{stem}-{id}.png"),
        content_type: "image/png".to_owned(),
        size: None,
        reference,
        width: pixels(shape, "width"),
        height: pixels(shape, "height"),
        duration: None,
    })
}

/// The largest of several sizes that has an address. Of old photos VK does not know the pixels: then the last letter wins.
fn largest(sizes: &Value) -> Option<&Value> {
    let with_url = sizes.as_array()?.iter().filter(|size| url(size, "url").is_some());
    let area = |size: &Value| int_of(size, "width").unwrap_or(0).saturating_mul(int_of(size, "height").unwrap_or(0));
    // Of the letters o, p, q and r are cropped; s, m, x, y, z, w ascend: dev.vk.com/en/reference/objects/photo-sizes.
    let letter = |size: &Value| str_of(size, "type").and_then(|letter| "opqrsmxyzw".find(letter));
    with_url.max_by_key(|size| (area(size), letter(size)))
}

fn voice(of: &Value) -> Option<IncomingFile> {
    let ogg = url(of, "link_ogg").map(|link| (link, "audio/ogg"));
    let (reference, content_type) = ogg.or_else(|| url(of, "link_mp3").map(|link| (link, "audio/mpeg")))?;
    let id = int_of(of, "id").unwrap_or_default();
    Some(IncomingFile {
        kind: FileKind::Voice,
        name: format!("voice-{id}.{}", sanitize::extension(content_type)),
        content_type: content_type.to_owned(),
        size: None,
        reference,
        width: None,
        height: None,
        duration: pixels(of, "duration"),
    })
}

/// A document: what it is tells its extension, and where that is none that we know, VK's number.
fn document(of: &Value) -> Option<IncomingFile> {
    // Voices and graffiti of older clients.
    let preview = &of["preview"];
    if let Some(voice) = preview.get("audio_msg").or_else(|| preview.get("audio_message")).and_then(voice) {
        return Some(voice);
    }
    let reference = url(of, "url")?;
    let id = int_of(of, "id").unwrap_or_default();
    let extension = str_of(of, "ext").map(str::to_ascii_lowercase).unwrap_or_default();
    let extension: String = extension.chars().filter(char::is_ascii_alphanumeric).take(16).collect();
    let known = formats::content_type(&extension).unwrap_or("application/octet-stream");
    let kind = match (known.split('/').next(), int_of(of, "type")) {
        (Some("image"), _) | (_, Some(3 | 4)) => FileKind::Image,
        (Some("audio"), _) | (_, Some(5)) => FileKind::Audio,
        (Some("video"), _) | (_, Some(6)) => FileKind::Video,
        _ => FileKind::Document,
    };
    let title = str_of(of, "title").and_then(sanitize::file_name).unwrap_or_else(|| format!("file-{id}"));
    let has_extension = extension.is_empty() || title.to_ascii_lowercase().ends_with(&format!(".{extension}"));
    let name = if has_extension { title } else { format!("{title}.{extension}") };
    Some(IncomingFile {
        kind,
        name: sanitize::file_name(&name).unwrap_or(name),
        content_type: known.to_owned(),
        size: int_of(of, "size").filter(|size| *size >= 0),
        reference,
        width: None,
        height: None,
        duration: None,
    })
}

/// What to say of an attachment without a file: its title, and where it can be looked at.
fn words(kind: &str, of: &Value) -> (Option<String>, Option<String>) {
    let label = |key: &str| label_of(of, key).map(|label| shortened(&label));
    let at = |page: &str| {
        let (owner, id) = (int_of(of, "owner_id")?, int_of(of, "id")?);
        Some(format!("https://vk.com/{page}{owner}_{id}"))
    };
    match kind {
        "video" => (label("title"), at("video")),
        "audio" => (joined(label("artist"), label("title"), " – "), url(of, "url")),
        "link" => (label("title"), url(of, "url")),
        "wall" => {
            let owner = int_of(of, "owner_id").or_else(|| int_of(of, "to_id")).or_else(|| int_of(of, "from_id"));
            let post = owner.zip(int_of(of, "id"));
            (label("text"), post.map(|(owner, id)| format!("https://vk.com/wall{owner}_{id}")))
        }
        "wall_reply" => {
            let place = int_of(of, "owner_id").zip(int_of(of, "post_id")).zip(int_of(of, "id"));
            let link = place.map(|((owner, post), id)| format!("https://vk.com/wall{owner}_{post}?reply={id}"));
            (label("text"), link)
        }
        "market" => (joined(label("title"), label_of(&of["price"], "text"), ", "), at("product")),
        "market_album" => (label("title"), None),
        "poll" => (label("question"), at("poll")),
        "story" => (None, at("story")),
        "call" => (label("state").map(|state| state.replace('_', " ")), None),
        "gift" => (None, ["thumb_512", "thumb_256", "thumb_96"].into_iter().find_map(|size| url(of, size))),
        "podcast" => (joined(label("artist"), label("title"), " – "), at("podcast")),
        _ => {
            let title = ["title", "name", "text", "question"].into_iter().find_map(label);
            (title, url(of, "url"))
        }
    }
}

/// What an attachment's kind is called: `mini_app` is a mini app.
fn name(kind: &str) -> String {
    let known = match kind {
        "wall" => "Post",
        "wall_reply" => "Comment",
        "market" => "Product",
        "market_album" => "Products",
        "doc" => "File",
        "audio_message" => "Voice message",
        _ => "",
    };
    if !known.is_empty() {
        return known.to_owned();
    }
    let kind = sanitize::line(&kind.replace('_', " "), 64);
    let mut letters = kind.chars();
    let name: String = letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect();
    if name.is_empty() { "Attachment".to_owned() } else { name }
}

fn joined(first: Option<String>, second: Option<String>, by: &str) -> Option<String> {
    let both: Vec<String> = [first, second].into_iter().flatten().collect();
    (!both.is_empty()).then(|| both.join(by))
}

fn shortened(label: &str) -> String {
    let cut: String = label.chars().take(WORDS).collect();
    if cut.len() < label.len() { format!("{cut}…") } else { cut }
}

/// An address that can be fetched or opened.
fn url(of: &Value, key: &str) -> Option<String> {
    let url = str_of(of, key)?;
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    let fits = url.len() <= sanitize::REFERENCE && !url.chars().any(|c| c.is_control() || c.is_whitespace());
    (is_web && fits).then(|| url.to_owned())
}

/// Pixels or seconds.
fn pixels(of: &Value, key: &str) -> Option<i32> {
    int_of(of, key).and_then(|n| i32::try_from(n).ok()).filter(|n| *n >= 0)
}
