//! What is stored of a text, so that it is found.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::numbers::numbers;
use super::{Word, words};

/// Stands between parts, so that no phrase goes over from one to the next. No word of a text has it.
const BORDER: &str = "¶";
/// PostgreSQL keeps so many places of a word, and places up to the second.
const PLACES: usize = 255;
const LAST_PLACE: usize = 16_383;

/// What is stored of a text, so that it is found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// The stems and the forms of its words, in their order.
    stems: Vec<String>,
    forms: Vec<String>,
    /// What else it is found by: numbers written together, the letters and digits of mixed words.
    extras: BTreeSet<String>,
}

/// What is stored of a text that has these parts: what was written, and the names of files.
pub fn stored<'a>(parts: impl IntoIterator<Item = &'a str>) -> Stored {
    let mut all = Stored::default();
    for text in parts {
        let words = words(text);
        if !all.forms.is_empty() && !words.is_empty() {
            all.stems.push(BORDER.to_owned());
            all.forms.push(BORDER.to_owned());
        }
        all.extras.extend(words.iter().flat_map(Word::parts).map(str::to_owned));
        all.extras.extend(numbers(text, &words).iter().flat_map(|number| number.spellings()));
        for word in words {
            all.stems.push(word.stem);
            all.forms.push(word.form);
        }
    }
    all
}

impl Stored {
    /// Whether there is nothing by which it could be found.
    pub fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }

    /// For SQLite's FTS5: stems, forms and extras, each a text of words with spaces between.
    pub fn columns(&self) -> [String; 3] {
        let extras: Vec<String> = self.extras.iter().cloned().collect();
        [&self.stems, &self.forms, &extras].map(|words| words.join(" "))
    }

    /// For PostgreSQL: the text of a `tsvector`. Stems begin with `=` and extras with `+`, so that none is taken for another.
    pub fn vector(&self) -> String {
        let mut places: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (place, (stem, form)) in (1..).zip(self.stems.iter().zip(&self.forms)) {
            for lexeme in [format!("={stem}"), form.clone()] {
                let of = places.entry(lexeme).or_default();
                if of.len() < PLACES && place < LAST_PLACE {
                    of.push(place);
                }
            }
        }
        let mut text = String::new();
        for (lexeme, places) in &places {
            // Words have no quotes and no backslashes.
            let places: Vec<String> = places.iter().map(usize::to_string).collect();
            let colon = if places.is_empty() { "" } else { ":" };
            let _ = write!(text, "'{lexeme}'{colon}{} ", places.join(","));
        }
        for extra in &self.extras {
            let _ = write!(text, "'+{extra}' ");
        }
        text
    }
}
