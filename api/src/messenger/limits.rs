//! Which files a messenger takes from us.

use colloquy_entity::{ChannelKind, FileKind};

/// Extensions that Viber refuses (its documentation's "forbidden file formats").
const FORBIDDEN_BY_VIBER: [&str; 47] = [
    "action", "apk", "app", "bat", "bin", "cmd", "com", "command", "cpl", "csh", "exe", "gadget", "inf1", "ins", "inx",
    "ipa", "isu", "job", "jse", "ksh", "lnk", "msc", "msi", "msp", "mst", "osx", "out", "paf", "pif", "prg", "ps1",
    "reg", "rgs", "run", "scr", "sct", "sh", "shb", "shs", "u3p", "vb", "vbe", "vbs", "vbscript", "workflow", "ws",
    "wsf",
];

/// The largest file of a kind that a messenger takes from us, in bytes.
///
/// Telegram: 50 MB by the Bot API's documentation, 50 MiB in its server's source; larger photos than 10 MB go as
/// documents. VK: 200 MB for documents (dev.vk.com, `docs.getMessagesUploadServer`). Viber: 50 MB for a file, 26 MB for a
/// video (developers.viber.com, `send_message`); it does not say which megabytes, so the smaller ones hold. The website's
/// chat is ours.
pub fn file_limit(messenger: ChannelKind, file: FileKind) -> u64 {
    match (messenger, file) {
        (ChannelKind::Telegram | ChannelKind::Website, _) => 50 << 20,
        (ChannelKind::Vk, _) => 200_000_000,
        (ChannelKind::Viber, FileKind::Video) => 26_000_000,
        (ChannelKind::Viber, _) => 50_000_000,
    }
}

/// Why a messenger does not take a file, in words for whoever wants to send it.
pub fn refusal(messenger: ChannelKind, kind: FileKind, name: &str, size: u64) -> Option<String> {
    let who = match messenger {
        ChannelKind::Telegram => "Telegram",
        ChannelKind::Vk => "VK",
        ChannelKind::Viber => "Viber",
        ChannelKind::Website => "The website's chat",
    };
    let limit = file_limit(messenger, kind);
    if size > limit {
        let (unit, unit_name) = if limit.is_multiple_of(1 << 20) { (1 << 20, "MiB") } else { (1_000_000, "MB") };
        let what = if kind == FileKind::Video { "videos" } else { "files" };
        // Rounded up: it is never shown as large as the limit.
        let tenths = (size * 10).div_ceil(unit);
        let (most, whole, tenth) = (limit / unit, tenths / 10, tenths % 10);
        let words = format!("{who} takes {what} of {most} {unit_name} at most; {name} has {whole}.{tenth} {unit_name}");
        return Some(words);
    }
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    let is_forbidden = extension.is_some_and(|extension| FORBIDDEN_BY_VIBER.contains(&extension.as_str()));
    (messenger == ChannelKind::Viber && is_forbidden)
        .then(|| format!("Viber takes no files like {name}: pack it first"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_messenger_takes_what_it_says() {
        use ChannelKind::{Telegram, Viber, Vk, Website};
        for (messenger, kind, most) in [
            (Telegram, FileKind::Document, 50 << 20),
            (Telegram, FileKind::Video, 50 << 20),
            (Vk, FileKind::Document, 200_000_000),
            (Viber, FileKind::Document, 50_000_000),
            (Viber, FileKind::Video, 26_000_000),
            (Website, FileKind::Image, 50 << 20),
        ] {
            assert_eq!(refusal(messenger, kind, "a.zip", most), None, "{messenger:?}");
            assert!(refusal(messenger, kind, "a.zip", most + 1).is_some(), "{messenger:?}");
        }
    }

    #[test]
    fn words_name_the_file_and_the_limit() {
        let words = refusal(ChannelKind::Telegram, FileKind::Video, "film.mp4", 64_000_000).unwrap();
        assert_eq!(words, "Telegram takes videos of 50 MiB at most; film.mp4 has 61.1 MiB");
        let words = refusal(ChannelKind::Viber, FileKind::Document, "a.pdf", 50_000_001).unwrap();
        assert_eq!(words, "Viber takes files of 50 MB at most; a.pdf has 50.1 MB");
    }

    #[test]
    fn only_viber_minds_extensions() {
        assert!(refusal(ChannelKind::Viber, FileKind::Document, "Setup.EXE", 1).is_some());
        assert!(refusal(ChannelKind::Viber, FileKind::Document, "exe", 1).is_none());
        assert!(refusal(ChannelKind::Telegram, FileKind::Document, "setup.exe", 1).is_none());
    }
}
