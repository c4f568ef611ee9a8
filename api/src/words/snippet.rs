//! Snippets: the text around a hit, safe to be put into a page.

use std::ops::Range;

use super::numbers::numbers;
use super::query::{Query, Term};
use super::{Word, words};

/// Bytes before the first hit and after it, at most; cut between words.
const BEFORE: usize = 80;
const AFTER: usize = 200;

impl Query {
    /// The text around the first hit, HTML-escaped, the hits in `<mark></mark>`; the beginning of it where there is none.
    /// The first part with a hit is shown.
    pub fn snippet<'a>(&self, parts: impl IntoIterator<Item = &'a str>) -> String {
        let mut first = None;
        for text in parts {
            let hits = self.hits(text);
            if !hits.is_empty() {
                return cut(text, &hits);
            }
            first = first.or(Some(text).filter(|text| !text.is_empty()));
        }
        first.map(|text| cut(text, &[])).unwrap_or_default()
    }

    /// Where the words are that were asked for, in order.
    fn hits(&self, text: &str) -> Vec<Range<usize>> {
        let words = words(text);
        let mut is_hit = vec![false; words.len()];
        for term in self.leaves() {
            match term {
                // Its parts are leaves.
                Term::Begun { .. } => {}
                Term::Word { form, stem, is_prefix } => {
                    for (word, is_hit) in words.iter().zip(&mut is_hit) {
                        let is_part = word.parts().contains(&form.as_str());
                        let begins = *is_prefix && word.form.starts_with(form.as_str());
                        *is_hit |= word.stem == *stem || word.form == *form || begins || is_part;
                    }
                }
                Term::Phrase(stems) => {
                    for at in 0..words.len().saturating_sub(stems.len() - 1) {
                        if words[at..].iter().zip(stems).all(|(word, stem)| word.stem == *stem) {
                            is_hit[at..at + stems.len()].fill(true);
                        }
                    }
                }
                Term::Number { spellings, is_prefix, groups } => {
                    let is = |digits: &str| {
                        spellings.iter().any(|all| digits == all || (*is_prefix && digits.starts_with(all.as_str())))
                    };
                    let is_word = |word: &Word| {
                        is(&word.form) || word.parts().iter().any(|part| is(part)) || groups.contains(&word.form)
                    };
                    for (word, is_hit) in words.iter().zip(&mut is_hit) {
                        *is_hit |= is_word(word);
                    }
                    for number in numbers(text, &words) {
                        if number.spellings().iter().any(|digits| is(digits)) {
                            is_hit[number.words].fill(true);
                        }
                    }
                }
            }
        }
        words.into_iter().zip(is_hit).filter(|(_, is_hit)| *is_hit).map(|(word, _)| word.range).collect()
    }
}

fn cut(text: &str, hits: &[Range<usize>]) -> String {
    let first = hits.first().map_or(0, |hit| hit.start);
    let from = begin(text, first);
    let to = end(text, hits.first().map_or(0, |hit| hit.end));
    let mut html = String::from(if from > 0 { "…" } else { "" });
    let mut at = from;
    for hit in hits.iter().filter(|hit| hit.end <= to) {
        escape(&text[at..hit.start], &mut html);
        html.push_str("<mark>");
        escape(&text[hit.clone()], &mut html);
        html.push_str("</mark>");
        at = hit.end;
    }
    escape(&text[at..to], &mut html);
    if to < text.len() {
        html.push('…');
    }
    html
}

/// Where the text before a hit is cut: behind a space, not too far from it.
fn begin(text: &str, hit: usize) -> usize {
    if hit <= BEFORE {
        return 0;
    }
    let from = (hit - BEFORE..=hit).find(|at| text.is_char_boundary(*at)).unwrap_or(hit);
    text[from..hit].find(char::is_whitespace).map_or(from, |space| {
        let space = from + space;
        space + text[space..].chars().next().map_or(0, char::len_utf8)
    })
}

/// Where the text after a hit is cut: before a space, not too far from it.
fn end(text: &str, hit: usize) -> usize {
    if text.len() - hit <= AFTER {
        return text.len();
    }
    let to = (hit..=hit + AFTER).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(hit);
    text[hit..to].rfind(char::is_whitespace).map_or(to, |space| hit + space)
}

fn escape(text: &str, html: &mut String) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
}
