//! What a Telegram message holds: its text and parts, or a text that names what we have no type for.

use colloquy_entity::FileKind;
use serde_json::Value;

use super::read::{full_name, int_of, label_of, str_of};
use crate::messenger::{IncomingFile, Part, sanitize};

/// A message's content.
pub struct Content {
    pub text: String,
    pub parts: Vec<Part>,
    /// The writer's own number, if this message shares it.
    pub phone: Option<String>,
}

/// Fields that are no content: who, when, where, how. Any other field is, should there be nothing that we know.
const ABOUT: &[&str] = &[
    "author_signature",
    "business_connection_id",
    "caption",
    "caption_entities",
    "chat",
    "date",
    "direct_messages_topic",
    "edit_date",
    "effect_id",
    "entities",
    "ephemeral_message_id",
    "external_reply",
    "forward_date",
    "forward_from",
    "forward_from_chat",
    "forward_from_message_id",
    "forward_origin",
    "forward_sender_name",
    "forward_signature",
    "from",
    "guest_bot_caller_chat",
    "guest_bot_caller_user",
    "guest_query_id",
    "has_media_spoiler",
    "has_protected_content",
    "is_automatic_forward",
    "is_from_offline",
    "is_paid_post",
    "is_topic_message",
    "link_preview_options",
    "media_group_id",
    "message_id",
    "message_thread_id",
    "paid_star_count",
    "quote",
    "reply_markup",
    "reply_to_checklist_task_id",
    "reply_to_message",
    "reply_to_poll_option_id",
    "reply_to_story",
    "sender_boost_count",
    "sender_business_bot",
    "sender_chat",
    "sender_tag",
    "show_caption_above_media",
    "suggested_post_info",
    "text",
    "via_bot",
];

/// What Telegram's documentation calls service messages, and the old names of some that its server still sends.
const SERVICE: &[&str] = &[
    "all_members_are_administrators",
    "boost_added",
    "channel_chat_created",
    "chat_background_set",
    "chat_owner_changed",
    "chat_owner_left",
    "chat_shared",
    "checklist_tasks_added",
    "checklist_tasks_done",
    "connected_website",
    "delete_chat_photo",
    "direct_message_price_changed",
    "forum_topic_closed",
    "forum_topic_created",
    "forum_topic_edited",
    "forum_topic_reopened",
    "general_forum_topic_hidden",
    "general_forum_topic_unhidden",
    "gift",
    "gift_upgrade_sent",
    "giveaway_completed",
    "giveaway_created",
    "group_chat_created",
    "left_chat_member",
    "left_chat_participant",
    "managed_bot_created",
    "message_auto_delete_timer_changed",
    "migrate_from_chat_id",
    "migrate_to_chat_id",
    "new_chat_member",
    "new_chat_members",
    "new_chat_participant",
    "new_chat_photo",
    "new_chat_title",
    "paid_message_price_changed",
    "passport_data",
    "pinned_message",
    "poll_option_added",
    "poll_option_deleted",
    "proximity_alert_triggered",
    "refunded_payment",
    "successful_payment",
    "suggested_post_approval_failed",
    "suggested_post_approved",
    "suggested_post_declined",
    "suggested_post_paid",
    "suggested_post_refunded",
    "supergroup_chat_created",
    "unique_gift",
    "user_shared",
    "users_shared",
    "video_chat_ended",
    "video_chat_participants_invited",
    "video_chat_scheduled",
    "video_chat_started",
    "voice_chat_ended",
    "voice_chat_participants_invited",
    "voice_chat_scheduled",
    "voice_chat_started",
    "web_app_data",
    "write_access_allowed",
];

/// The content of message `id` by the user `writer`; `None` for a service message.
pub fn read(message: &Value, id: i64, writer: Option<i64>) -> Option<Content> {
    let mut parts = Vec::new();
    parts.extend(read_file(message, id).map(Part::File));
    parts.extend(read_place(message));
    let contact = read_contact(message);
    let own = contact.is_some() && writer.is_some() && int_of(&message["contact"], "user_id") == writer;
    let phone = contact.as_ref().filter(|_| own).map(|(_, phone)| phone.clone());
    parts.extend(contact.map(|(name, phone)| Part::Contact { name, phone }));

    let caption = sanitize::text(str_of(message, "text").or_else(|| str_of(message, "caption")).unwrap_or_default());
    if !parts.is_empty() || str_of(message, "text").is_some_and(|_| !caption.is_empty()) {
        return Some(Content { text: caption.into_owned(), parts, phone });
    }
    if message.as_object().is_some_and(|fields| fields.keys().any(|key| SERVICE.contains(&key.as_str()))) {
        return None;
    }
    let mut text = placeholder(message);
    if !caption.is_empty() {
        text = format!("{text} {caption}");
    }
    Some(Content { text, parts, phone })
}

/// A text that names what came: `[Poll] Question?`, `[Dice] 🎲 5`, `[Hologram]`.
fn placeholder(message: &Value) -> String {
    let Some((kind, content)) = unknown_content(message) else {
        return "[Unsupported message]".to_owned();
    };
    let detail = match kind {
        "poll" => label_of(content, "question"),
        "game" | "checklist" | "invoice" => label_of(content, "title"),
        "story" => label_of(&content["chat"], "title"),
        "dice" => label_of(content, "emoji").map(|emoji| match int_of(content, "value") {
            Some(value) => format!("{emoji} {value}"),
            None => emoji,
        }),
        _ => None,
    };
    let kind = sanitize::line(&kind.replace('_', " "), sanitize::NAME);
    let mut letters = kind.chars();
    let name: String = letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect();
    match detail {
        Some(detail) => format!("[{name}] {detail}"),
        None => format!("[{name}]"),
    }
}

/// The field that holds the content: an object or list sooner than a plain value, which may be a new remark about it.
fn unknown_content(message: &Value) -> Option<(&str, &Value)> {
    let fields = || {
        let all = message.as_object().into_iter().flatten();
        all.filter(|(key, value)| !ABOUT.contains(&key.as_str()) && !value.is_null())
    };
    fields()
        .find(|(_, value)| value.is_object() || value.is_array())
        .or_else(|| fields().next())
        .map(|(key, value)| (key.as_str(), value))
}

/// The one file of a message. An animation comes with a copy of itself as a document, for old bots.
fn read_file(message: &Value, id: i64) -> Option<IncomingFile> {
    if let Some(sizes) = message.get("photo").and_then(Value::as_array) {
        // Ascending; the last is the largest.
        let found = sizes.iter().rev().find_map(|size| file(size, id, FileKind::Image, "image/jpeg", "photo"));
        if found.is_some() {
            return found;
        }
    }
    let track = track(&message["audio"]);
    let of = |key, kind, content_type, stem| message.get(key).and_then(|v| file(v, id, kind, content_type, stem));
    of("animation", FileKind::Video, "video/mp4", "animation")
        .map(|animation| match animation.content_type.as_str() {
            "image/gif" => IncomingFile { kind: FileKind::Image, ..animation },
            _ => animation,
        })
        .or_else(|| of("video", FileKind::Video, "video/mp4", "video"))
        .or_else(|| {
            let side = size_of(&message["video_note"], "length");
            let note = of("video_note", FileKind::Video, "video/mp4", "video-note")?;
            Some(IncomingFile { width: side, height: side, ..note })
        })
        .or_else(|| of("voice", FileKind::Voice, "audio/ogg", "voice"))
        .or_else(|| of("audio", FileKind::Audio, "audio/mpeg", &track))
        .or_else(|| read_sticker(message, id))
        .or_else(|| of("document", FileKind::Document, "application/octet-stream", "file"))
}

/// Stickers come without content type and name; two flags tell the format.
fn read_sticker(message: &Value, id: i64) -> Option<IncomingFile> {
    let sticker = message.get("sticker")?;
    let content_type = if sticker["is_animated"] == true {
        "application/x-tgsticker"
    } else if sticker["is_video"] == true {
        "video/webm"
    } else {
        "image/webp"
    };
    let stem = label_of(sticker, "emoji").map_or_else(|| "sticker".to_owned(), |emoji| format!("sticker {emoji}"));
    file(sticker, id, FileKind::Sticker, content_type, &stem)
}

/// A file as Telegram describes it, `None` without the reference that it is fetched by.
fn file(of: &Value, id: i64, kind: FileKind, usual_type: &str, stem: &str) -> Option<IncomingFile> {
    let reference = str_of(of, "file_id")
        .filter(|reference| (1..=sanitize::REFERENCE).contains(&reference.len()))
        .filter(|reference| reference.chars().all(|c| c.is_ascii_graphic()))?;
    let content_type =
        str_of(of, "mime_type").and_then(sanitize::content_type).unwrap_or_else(|| usual_type.to_owned());
    let made_up = || {
        let name = format!("{stem}-{id}.{}", sanitize::extension(&content_type));
        sanitize::file_name(&name).unwrap_or(name)
    };
    Some(IncomingFile {
        kind,
        name: str_of(of, "file_name").and_then(sanitize::file_name).unwrap_or_else(made_up),
        size: int_of(of, "file_size").filter(|size| *size >= 0),
        reference: reference.to_owned(),
        width: size_of(of, "width"),
        height: size_of(of, "height"),
        duration: size_of(of, "duration"),
        content_type,
    })
}

/// What to call a piece of music without a file name.
fn track(audio: &Value) -> String {
    let parts = [label_of(audio, "performer"), label_of(audio, "title")];
    let named: Vec<String> = parts.into_iter().flatten().collect();
    if named.is_empty() { "audio".to_owned() } else { sanitize::line(&named.join(" - "), 200) }
}

/// A place, a live one or a venue, which holds its place twice.
fn read_place(message: &Value) -> Option<Part> {
    let venue = &message["venue"];
    let location = message.get("location").filter(|it| it.is_object()).or_else(|| venue.get("location"))?;
    let degrees = |key, most: f64| location.get(key).and_then(Value::as_f64).filter(|d| (-most..=most).contains(d));
    Some(Part::Location {
        latitude: degrees("latitude", 90.0)?,
        longitude: degrees("longitude", 180.0)?,
        title: label_of(venue, "title"),
    })
}

/// Name and number of a shared contact.
fn read_contact(message: &Value) -> Option<(String, String)> {
    let contact = message.get("contact")?;
    let phone = sanitize::line(str_of(contact, "phone_number")?, sanitize::PHONE);
    (!phone.is_empty()).then(|| (full_name(contact).unwrap_or_else(|| phone.clone()), phone))
}

/// Pixels or seconds.
fn size_of(of: &Value, key: &str) -> Option<i32> {
    int_of(of, key).and_then(|n| i32::try_from(n).ok()).filter(|n| *n >= 0)
}
