//! What kind of file it is: by what its sender says, and by its first bytes.

use colloquy_entity::FileKind;

/// Of nothing more is known than that it is bytes.
pub const ANY: &str = "application/octet-stream";

/// Whether a browser may show it by itself: pictures, films and sounds, in which nothing runs. Everything else is a
/// download, whatever it calls itself.
pub fn is_shown(content_type: &str) -> bool {
    matches!(
        content_type,
        "image/png"
            | "image/jpeg"
            | "image/gif"
            | "image/webp"
            | "video/mp4"
            | "video/webm"
            | "video/ogg"
            | "audio/mpeg"
            | "audio/mp4"
            | "audio/x-m4a"
            | "audio/aac"
            | "audio/ogg"
            | "audio/webm"
            | "audio/wav"
            | "audio/x-wav"
            | "audio/flac"
    )
}

/// What it is shown and sent as.
pub fn kind(content_type: &str) -> FileKind {
    match content_type.split_once('/') {
        // It is a page rather than a picture.
        Some(("image", "svg+xml")) => FileKind::Document,
        Some(("image", _)) => FileKind::Image,
        Some(("video", _)) => FileKind::Video,
        Some(("audio", _)) => FileKind::Audio,
        _ => FileKind::Document,
    }
}

/// The content type of a file: what its sender says, unless its first bytes are of a known format that is another. What
/// a browser would show by itself has to be what it says it is.
pub fn settle(said: Option<&str>, head: &[u8]) -> String {
    match (said, sniff(head)) {
        (Some(said), Some(of)) if of.contains(&said) => said,
        (_, Some(of)) => of.first().copied().unwrap_or(ANY),
        (Some(said), None) if !is_shown(said) => said,
        _ => ANY,
    }
    .to_owned()
}

/// The content types of the format that a file begins as, the usual one first.
fn sniff(head: &[u8]) -> Option<&'static [&'static str]> {
    Some(match head {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => &["image/png", "image/apng"],
        [0xFF, 0xD8, 0xFF, ..] => &["image/jpeg"],
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => &["image/gif"],
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => &["image/webp"],
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => {
            &["audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"]
        }
        [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => match brand {
            [b'M', b'4', b'A' | b'B', ..] => &["audio/mp4", "audio/x-m4a", "audio/m4a", "audio/aac", "video/mp4"],
            [b'q', b't', b' ', b' ', ..] => &["video/quicktime"],
            [b'h', b'e', b'i' | b'v', _, ..] | [b'm', b'i', b'f', b'1', ..] => {
                &["image/heic", "image/heif", "image/avif"]
            }
            [b'a', b'v', b'i', b'f' | b's', ..] => &["image/avif"],
            _ => {
                &["video/mp4", "audio/mp4", "audio/x-m4a", "video/x-m4v", "video/3gpp", "audio/3gpp", "video/quicktime"]
            }
        },
        [0x1A, 0x45, 0xDF, 0xA3, ..] => &["video/webm", "audio/webm", "video/x-matroska", "audio/x-matroska"],
        [b'O', b'g', b'g', b'S', ..] => &["audio/ogg", "video/ogg", "application/ogg", "audio/opus"],
        [b'f', b'L', b'a', b'C', ..] => &["audio/flac", "audio/x-flac"],
        // A sound with its title in front, or a frame of MPEG's layer III or of AAC.
        [b'I', b'D', b'3', ..] | [0xFF, 0xFA | 0xFB | 0xF2 | 0xF3 | 0xE2 | 0xE3, ..] => {
            &["audio/mpeg", "audio/mp3", "audio/aac"]
        }
        [0xFF, 0xF0 | 0xF1 | 0xF8 | 0xF9, ..] => &["audio/aac", "audio/aacp"],
        [b'%', b'P', b'D', b'F', b'-', ..] => &["application/pdf"],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_it_begins_as() {
        let png = b"\x89PNG\r\n\x1A\n0123";
        assert_eq!(settle(Some("text/html"), png), "image/png");
        assert_eq!(settle(None, png), "image/png");
        assert_eq!(settle(Some(ANY), b"GIF89a"), "image/gif");
        assert_eq!(settle(Some("audio/mp4"), b"\0\0\0\x20ftypisom"), "audio/mp4", "one container, several uses");
        assert_eq!(settle(Some("video/ogg"), b"OggS\0"), "video/ogg");
    }

    #[test]
    fn what_would_be_shown_has_to_be_it() {
        for claimed in ["image/png", "image/jpeg", "video/mp4", "audio/mpeg"] {
            assert_eq!(settle(Some(claimed), b"<script>alert(1)</script>"), ANY, "{claimed}");
            assert_eq!(settle(Some(claimed), b""), ANY, "{claimed}");
        }
    }

    #[test]
    fn what_nothing_is_known_of_is_what_its_sender_says() {
        assert_eq!(settle(Some("text/html"), b"<p>"), "text/html");
        assert_eq!(settle(Some("image/svg+xml"), b"<svg/>"), "image/svg+xml");
        assert_eq!(settle(Some("text/plain"), b"\xFF\xFEa\0"), "text/plain", "a byte order mark is no sound");
        assert_eq!(settle(None, b"abc"), ANY);
    }

    #[test]
    fn pages_are_documents_and_never_shown() {
        for page in ["text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "application/pdf", ANY] {
            assert_eq!((kind(page), is_shown(page)), (FileKind::Document, false), "{page}");
        }
        assert_eq!(kind("image/heic"), FileKind::Image);
    }
}
