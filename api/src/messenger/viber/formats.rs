//! File formats: what Viber shows, what it refuses, and what an extension stands for.

use url::Url;

/// What the documentation calls forbidden file formats; Viber drops a message with one of them.
const FORBIDDEN: [&str; 47] = [
    "action", "apk", "app", "bat", "bin", "cmd", "com", "command", "cpl", "csh", "exe", "gadget", "inf1", "ins", "inx",
    "ipa", "isu", "job", "jse", "ksh", "lnk", "msc", "msi", "msp", "mst", "osx", "out", "paf", "pif", "prg", "ps1",
    "reg", "rgs", "run", "scr", "sct", "sh", "shb", "shs", "u3p", "vb", "vbe", "vbs", "vbscript", "workflow", "ws",
    "wsf",
];

/// Whether Viber takes no file of this name.
pub fn is_forbidden(name: &str) -> bool {
    extension(name).is_some_and(|extension| FORBIDDEN.contains(&extension.as_str()))
}

/// What stands behind the last dot of a name, in lower case.
pub fn extension(name: &str) -> Option<String> {
    let (stem, extension) = name.rsplit_once('.')?;
    let fits = (1..=16).contains(&extension.len()) && extension.bytes().all(|b| b.is_ascii_alphanumeric());
    (fits && !stem.is_empty()).then(|| extension.to_ascii_lowercase())
}

/// The same of the last part of an address's path.
pub fn extension_of_url(url: &str) -> Option<String> {
    extension(Url::parse(url).ok()?.path_segments()?.next_back()?)
}

/// The content type that files with this extension usually have.
pub fn content_type(extension: &str) -> Option<&'static str> {
    Some(match extension {
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "heic" => "image/heic",
        "svg" => "image/svg+xml",
        "mp4" | "m4v" => "video/mp4",
        "mov" => "video/quicktime",
        "webm" => "video/webm",
        "ogg" | "oga" => "audio/ogg",
        "mp3" => "audio/mpeg",
        "m4a" => "audio/mp4",
        "wav" => "audio/wav",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        "json" => "application/json",
        "doc" => "application/msword",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xls" => "application/vnd.ms-excel",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "txt" => "text/plain",
        "csv" => "text/csv",
        "html" | "htm" => "text/html",
        "vcf" => "text/vcard",
        _ => return None,
    })
}
