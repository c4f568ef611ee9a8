//! Strings from outside made fit to keep: no U+0000 (PostgreSQL refuses it), no control characters where one line is
//! meant, and never longer than a bound.

use std::borrow::Cow;

/// The longest name, title or user name that is kept, in characters.
pub const NAME: usize = 256;
/// The longest phone number that is kept, in characters.
pub const PHONE: usize = 64;
/// The longest identifier that is kept (an album's, a button's), in characters.
pub const IDENTIFIER: usize = 256;
/// The longest file reference that is kept, in characters; messengers promise no bound.
pub const REFERENCE: usize = 2048;
/// The longest content type that is kept, in characters; RFC 6838 allows 127 a side.
const CONTENT_TYPE: usize = 255;
/// The longest extension that a shortened file name keeps, in characters.
const EXTENSION: usize = 16;

/// A message's text: every character but U+0000, whole.
pub fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "")) } else { Cow::Borrowed(text) }
}

/// One line of at most `max` characters: control characters become spaces, the ends are trimmed. Empty when nothing
/// visible is left, so that a name made of invisible characters counts as none.
pub fn line(text: &str, max: usize) -> String {
    let clean: String = text.chars().filter(|c| *c != '\0').map(|c| if c.is_control() { ' ' } else { c }).collect();
    if clean.chars().all(is_invisible) {
        return String::new();
    }
    let cut: String = clean.trim().chars().take(max).collect();
    cut.trim_end().to_owned()
}

/// A file's name for keeping and showing: no path separators, no control characters, none that turn the direction of
/// the text (they disguise an extension). `None` when nothing is left of it.
pub fn file_name(name: &str) -> Option<String> {
    let turned = |c: char| matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    let clean: String = name
        .chars()
        .filter(|c| !c.is_control() && !turned(*c))
        .map(|c| if matches!(c, '/' | '\\') { '_' } else { c })
        .collect();
    let clean = clean.trim();
    if clean.chars().all(|c| is_invisible(c) || c == '.') {
        return None;
    }
    let length = clean.chars().count();
    if length <= NAME {
        return Some(clean.to_owned());
    }
    let extension = clean.rsplit_once('.').map(|(_, ext)| ext).filter(|ext| ext.chars().count() <= EXTENSION);
    Some(match extension {
        Some(extension) => {
            let stem: String = clean.chars().take(NAME - 1 - extension.chars().count()).collect();
            format!("{stem}.{extension}")
        }
        None => clean.chars().take(NAME).collect(),
    })
}

/// A content type in lower case and without parameters, if it is one.
pub fn content_type(value: &str) -> Option<String> {
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let (kind, subtype) = essence.split_once('/')?;
    // RFC 6838, 4.2: restricted-name.
    let token = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "!#$&-^_.+".contains(c))
    };
    (token(kind) && token(subtype) && essence.len() <= CONTENT_TYPE).then_some(essence)
}

/// The extension that files of this content type usually have.
pub fn extension(content_type: &str) -> &'static str {
    match content_type {
        "image/jpeg" => "jpg",
        "image/png" => "png",
        "image/gif" => "gif",
        "image/webp" => "webp",
        "image/heic" => "heic",
        "image/svg+xml" => "svg",
        "video/mp4" => "mp4",
        "video/quicktime" => "mov",
        "video/webm" => "webm",
        "video/x-matroska" => "mkv",
        "audio/ogg" | "application/ogg" => "ogg",
        "audio/mpeg" => "mp3",
        "audio/mp4" | "audio/x-m4a" => "m4a",
        "audio/wav" | "audio/x-wav" => "wav",
        "audio/flac" => "flac",
        "application/pdf" => "pdf",
        "application/zip" => "zip",
        "application/json" => "json",
        "application/msword" => "doc",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => "docx",
        "application/vnd.ms-excel" => "xls",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => "xlsx",
        "application/x-tgsticker" => "tgs",
        "text/plain" => "txt",
        "text/csv" => "csv",
        "text/html" => "html",
        "text/vcard" => "vcf",
        _ => "bin",
    }
}

/// White space, control characters and those that take no room or show nothing.
fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c,
            '\u{AD}' | '\u{34F}' | '\u{115F}' | '\u{1160}' | '\u{180E}' | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_lose_nothing_but_nul() {
        assert_eq!(text("a\0b\u{1}\r\n\u{202E}c "), "ab\u{1}\r\n\u{202E}c ");
        assert!(matches!(text("as it was"), Cow::Borrowed("as it was")));
    }

    #[test]
    fn lines_are_one_line_and_bounded() {
        assert_eq!(line("  Анна\n\0 Б\t ", NAME), "Анна  Б");
        assert_eq!(line(&"я".repeat(300), NAME).chars().count(), NAME);
        assert_eq!(line("\u{3164}\u{200B} ", NAME), "");
        assert_eq!(line("👨\u{200D}👩", NAME), "👨\u{200D}👩", "joiners inside stay");
    }

    #[test]
    fn file_names_are_no_paths() {
        assert_eq!(file_name("../../etc/passwd").as_deref(), Some(".._.._etc_passwd"));
        assert_eq!(file_name("C:\\a\r\nb.txt").as_deref(), Some("C:_ab.txt"));
        assert_eq!(file_name("cod\u{202E}fdp.exe").as_deref(), Some("codfdp.exe"));
        assert_eq!(
            file_name("Договор №7 «проба» — копия (1).pdf").as_deref(),
            Some("Договор №7 «проба» — копия (1).pdf")
        );
        for nothing in ["", " ", ".", "..", "\0", "\u{200B}"] {
            assert_eq!(file_name(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn a_shortened_file_name_keeps_its_extension() {
        let long = file_name(&format!("{}.pdf", "я".repeat(300))).unwrap();
        assert_eq!(long.chars().count(), NAME);
        assert!(long.ends_with("я.pdf"));
        assert_eq!(file_name(&"a.".repeat(300)).unwrap().chars().count(), NAME);
    }

    #[test]
    fn only_content_types_are_content_types() {
        assert_eq!(content_type("Text/HTML; charset=utf-8").as_deref(), Some("text/html"));
        assert_eq!(content_type("image/svg+xml").as_deref(), Some("image/svg+xml"));
        for wrong in ["", "image", "image/", "/png", "a/b/c", "text/html\r\nX: y", "текст/html", "a b/c"] {
            assert_eq!(content_type(wrong), None, "{wrong:?}");
        }
        assert_eq!(content_type(&format!("a/{}", "b".repeat(300))), None);
    }
}
