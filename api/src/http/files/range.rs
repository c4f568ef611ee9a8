//! Which part of a file a request asks for: RFC 9110, section 14.

use std::ops::Range;

use axum::http::{HeaderMap, header};

/// What to answer with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// All of it: 200.
    Whole,
    /// These bytes: 206.
    Part(Range<u64>),
    /// Nothing of it is there: 416.
    Nothing,
}

/// Of a file of so many bytes that is known by this tag. Several ranges, and what cannot be read, are answered whole.
pub fn asked(headers: &HeaderMap, size: u64, tag: &str) -> Asked {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(ranges) = text(header::RANGE) else { return Asked::Whole };
    // With a date, too: only the tag tells that it is the same.
    if headers.contains_key(header::IF_RANGE) && text(header::IF_RANGE) != Some(tag) {
        return Asked::Whole;
    }
    let Some((unit, range)) = ranges.split_once('=') else { return Asked::Whole };
    let Some((first, last)) = range.trim().split_once('-') else { return Asked::Whole };
    let number = |text: &str| {
        let is_one = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
        is_one.then(|| text.parse().unwrap_or(u64::MAX))
    };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Asked::Whole;
    }
    match (first, number(first), last, number(last)) {
        ("", _, _, Some(length)) => match length.min(size) {
            0 => Asked::Nothing,
            length => Asked::Part(size - length..size),
        },
        (_, Some(first), "", _) if first < size => Asked::Part(first..size),
        (_, Some(_), "", _) => Asked::Nothing,
        (_, Some(first), _, Some(last)) if first > last => Asked::Whole,
        (_, Some(first), _, Some(last)) if first < size => Asked::Part(first..last.saturating_add(1).min(size)),
        (_, Some(_), _, Some(_)) => Asked::Nothing,
        _ => Asked::Whole,
    }
}

/// Whether who asks has it already.
pub fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let lines = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(range: &str, if_range: Option<&'static str>) -> Asked {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, range.parse().unwrap());
        if let Some(tag) = if_range {
            headers.insert(header::IF_RANGE, tag.parse().unwrap());
        }
        asked(&headers, 10, "\"a\"")
    }

    #[test]
    fn one_range_is_a_part() {
        for (range, part) in [
            ("bytes=0-0", 0..1),
            ("bytes=2-5", 2..6),
            ("bytes=2-", 2..10),
            ("bytes=9-99999999999999999999", 9..10),
            ("bytes=9-18446744073709551615", 9..10),
            ("bytes=-3", 7..10),
            ("bytes=-30", 0..10),
            ("Bytes = 0-1", 0..2),
        ] {
            assert_eq!(of(range, None), Asked::Part(part), "{range}");
        }
    }

    #[test]
    fn what_is_not_there_is_nothing() {
        for range in ["bytes=10-", "bytes=10-12", "bytes=-0"] {
            assert_eq!(of(range, None), Asked::Nothing, "{range}");
        }
    }

    #[test]
    fn what_cannot_be_read_or_is_several_is_the_whole() {
        for range in ["bytes=", "bytes=-", "bytes=a-b", "bytes=5-2", "bytes=0-1,4-5", "lines=0-1", "0-1", "bytes=+1-2"]
        {
            assert_eq!(of(range, None), Asked::Whole, "{range}");
        }
    }

    #[test]
    fn a_part_of_another_file_is_no_use() {
        assert_eq!(of("bytes=0-1", Some("\"a\"")), Asked::Part(0..2));
        for other in ["\"b\"", "W/\"a\"", "Wed, 21 Oct 2026 07:28:00 GMT"] {
            assert_eq!(of("bytes=0-1", Some(other)), Asked::Whole, "{other}");
        }
    }

    #[test]
    fn a_tag_is_known_in_any_list() {
        let known =
            |value: &str| is_known(&HeaderMap::from_iter([(header::IF_NONE_MATCH, value.parse().unwrap())]), "\"a\"");
        assert!(known("\"a\"") && known("\"b\", W/\"a\"") && known("*"));
        assert!(!known("\"b\"") && !known("a") && !is_known(&HeaderMap::new(), "\"a\""));
    }
}
