//! Words as they are searched: one analyzer for what is stored and for what is asked, the same on every database.
//!
//! A word is known by its form, as it was written but for case, Ё and accents, and by its stem, which all its forms share.
//! There are no stop words: whoever looks for «не» finds it.

mod irregular;
mod numbers;
mod query;
mod russian;
mod snippet;
mod stored;

use std::ops::Range;

use frostem::{Algorithm, Stemmer};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::{decompose_canonical, is_combining_mark};

pub use query::{Query, Refused};
pub use stored::{Stored, stored};

/// Another analyzer stores other words: what was stored by an earlier one is stored anew at the start.
pub const VERSION: &str = "3, Snowball 20261016";
/// A longer word counts as its beginning, in characters.
const LONGEST: usize = 64;
/// Of a text, so many words count.
const MOST: usize = 10_000;
/// What nobody sees, and pages have within words: soft hyphens, spaces and joiners without a width.
const INVISIBLE: [char; 6] = ['\u{ad}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{feff}'];

/// A word of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Word {
    /// Where it stands, in bytes.
    range: Range<usize>,
    form: String,
    stem: String,
}

impl Word {
    fn is_number(&self) -> bool {
        self.form.bytes().all(|b| b.is_ascii_digit())
    }

    /// The letters and the digits of a word that mixes them: `iphone13` is found by either.
    fn parts(&self) -> Vec<&str> {
        let is_digit = |c: char| c.is_ascii_digit();
        let mut parts = Vec::new();
        let mut rest = self.form.as_str();
        while let Some(first) = rest.chars().next() {
            let end = rest.find(|c| is_digit(c) != is_digit(first)).unwrap_or(rest.len());
            let (part, after) = rest.split_at(end);
            parts.push(part);
            rest = after;
        }
        if parts.len() > 1 { parts } else { Vec::new() }
    }
}

/// The words of a text, in their order.
fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut begun = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        let goes_on = begun.is_some() && (is_combining_mark(c) || INVISIBLE.contains(&c));
        match (begun, c.is_alphanumeric() || goes_on) {
            (None, true) => begun = Some(at),
            (Some(from), false) => {
                begun = None;
                let form = form(&text[from..at]);
                if !form.is_empty() {
                    words.push(Word { range: from..at, stem: stem(&form), form });
                }
                if words.len() == MOST {
                    break;
                }
            }
            _ => {}
        }
    }
    words
}

/// As two words are compared.
fn form(word: &str) -> String {
    let bare = |c: char| {
        // Latin letters lose their accents. Russian ones do not: Й is no И, and of Ё it is known what it is read as.
        let mut first = None;
        decompose_canonical(c, |part| first = first.or(Some(part)));
        match (c, first) {
            ('ё', _) => 'е',
            (_, Some(letter)) if letter.is_ascii_alphabetic() => letter,
            _ => c,
        }
    };
    let lower = word.nfkc().flat_map(char::to_lowercase).nfc();
    lower.map(bare).filter(|c| c.is_alphanumeric()).take(LONGEST).collect()
}

fn stem(form: &str) -> String {
    let is = |range: Range<char>| form.chars().all(|c| range.contains(&c));
    let algorithm = if is('a'..'{') {
        Algorithm::English
    } else if is('а'..'ѐ') {
        Algorithm::Russian
    } else {
        return form.to_owned();
    };
    let form = irregular::base(form);
    let stem = Stemmer::new(algorithm).stem(form);
    if algorithm == Algorithm::English {
        return stem.to_string();
    }
    russian::common(form, &stem)
}

#[cfg(test)]
mod tests;
