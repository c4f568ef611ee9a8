//! What is asked for: words that all have to be there, phrases in quotes, beginnings of words, numbers.

use super::numbers::{begun, international, numbers};
use super::{Word, words};

/// Longest query, in characters, and most words of it.
const LONGEST: usize = 1_000;
const MOST: usize = 32;
/// A single letter begins too many words to be a beginning.
const SHORTEST_PREFIX: usize = 2;
/// Quotes of a phrase.
const QUOTES: &[char] = &['"', '«', '»', '“', '”', '„'];

/// Why a text cannot be searched for, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused(pub &'static str);

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// All have to hold.
    pub(super) terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Term {
    /// A word in any of its forms; or one that begins so.
    Word { form: String, stem: String, is_prefix: bool },
    /// Words in this order, beside each other.
    Phrase(Vec<String>),
    /// A number in any spelling: one of these together, or all of its groups.
    Number { spellings: Vec<String>, is_prefix: bool, groups: Vec<String> },
}

impl Query {
    /// Reads what somebody typed. Nothing of it is syntax but quotes, and a star at a word's end.
    pub fn read(text: &str) -> Result<Self, Refused> {
        if text.chars().count() > LONGEST {
            return Err(Refused("A search can have 1,000 characters at most"));
        }
        let mut terms = Vec::new();
        for (nth, part) in text.split(QUOTES).enumerate() {
            let words = words(part);
            if nth % 2 == 1 && words.len() > 1 {
                terms.push(Term::Phrase(words.into_iter().map(|word| word.stem).collect()));
            } else {
                // The last word is still being typed, where nothing follows it.
                let is_open = nth % 2 == 0 && text.ends_with(part) && text.split(QUOTES).count() == nth + 1;
                free(part, &words, is_open, &mut terms);
            }
        }
        match terms.len() {
            0 => Err(Refused("There is no word in it")),
            1..=MOST => Ok(Self { terms }),
            _ => Err(Refused("A search can have 32 words at most")),
        }
    }

    /// For PostgreSQL: the text of a `tsquery`.
    pub fn tsquery(&self) -> String {
        let terms = self.terms.iter().map(|term| match term {
            Term::Word { form, stem, is_prefix } => {
                format!("('={stem}' | '{form}'{} | '+{form}')", star(*is_prefix, ":*"))
            }
            Term::Phrase(stems) => {
                let stems: Vec<String> = stems.iter().map(|stem| format!("'={stem}'")).collect();
                format!("({})", stems.join(" <-> "))
            }
            Term::Number { spellings, is_prefix, groups } => {
                let any = star(*is_prefix, ":*");
                let together = spellings.iter().flat_map(|all| [format!("'{all}'{any}"), format!("'+{all}'{any}")]);
                let together: Vec<String> = together.collect();
                let apart = apart(groups, *is_prefix, |group, is_prefix| format!("'{group}'{}", star(is_prefix, ":*")));
                format!("({} | ({}))", together.join(" | "), apart.join(" & "))
            }
        });
        terms.collect::<Vec<_>>().join(" & ")
    }

    /// For SQLite's FTS5: the text of a `MATCH`.
    pub fn fts5(&self) -> String {
        let terms = self.terms.iter().map(|term| match term {
            Term::Word { form, stem, is_prefix } => {
                format!("(stems : \"{stem}\" OR forms : \"{form}\"{} OR extras : \"{form}\")", star(*is_prefix, " *"))
            }
            Term::Phrase(stems) => format!("(stems : \"{}\")", stems.join(" ")),
            Term::Number { spellings, is_prefix, groups } => {
                let any = star(*is_prefix, " *");
                let together = spellings.iter().map(|all| format!("({{forms extras}} : \"{all}\"{any})"));
                let together: Vec<String> = together.collect();
                let of = |group: &str, is_prefix| format!("forms : \"{group}\"{}", star(is_prefix, " *"));
                let apart = apart(groups, *is_prefix, of);
                format!("({} OR ({}))", together.join(" OR "), apart.join(" AND "))
            }
        });
        terms.collect::<Vec<_>>().join(" AND ")
    }
}

fn star(is_prefix: bool, star: &str) -> &str {
    if is_prefix { star } else { "" }
}

/// The groups of a number, each for itself: the last may be the beginning of one.
fn apart(groups: &[String], is_prefix: bool, of: impl Fn(&str, bool) -> String) -> Vec<String> {
    let is_begun = |at: usize| is_prefix && at + 1 == groups.len() && groups[at].len() >= SHORTEST_PREFIX;
    groups.iter().enumerate().map(|(at, group)| of(group, is_begun(at))).collect()
}

/// Words outside of quotes.
fn free(text: &str, words: &[Word], is_open: bool, terms: &mut Vec<Term>) {
    let numbers = numbers(text, words);
    let mut at = 0;
    while at < words.len() {
        // The longest that begins here.
        let number = numbers.iter().filter(|number| number.words.start == at).max_by_key(|number| number.words.end);
        let begun = begun(text, &words[at..]).filter(|_| is_open);
        if let Some(digits) = begun.filter(|_| number.is_none_or(|number| number.words.end < words.len())) {
            let groups = words[at..].iter().map(|word| word.form.clone()).collect();
            terms.push(Term::Number { spellings: asked(&digits), is_prefix: true, groups });
            return;
        }
        let end = number.map_or(at + 1, |number| number.words.end);
        let word = &words[end - 1];
        let after = &text[word.range.end..];
        let is_prefix = after.starts_with('*') || (is_open && end == words.len() && after.is_empty());
        let length = number.map_or(word.form.chars().count(), |number| number.digits.len());
        let is_prefix = is_prefix && length >= SHORTEST_PREFIX;
        terms.push(match number {
            Some(number) => Term::Number {
                spellings: asked(&number.digits),
                is_prefix,
                groups: words[at..end].iter().map(|word| word.form.clone()).collect(),
            },
            None if word.is_number() => {
                Term::Number { spellings: asked(&word.form), is_prefix, groups: vec![word.form.clone()] }
            }
            None => Term::Word { form: word.form.clone(), stem: word.stem.clone(), is_prefix },
        });
        at = end;
    }
}

/// The spellings that a number is asked by: those of a telephone number are stored without the 8.
fn asked(digits: &str) -> Vec<String> {
    let mut asked = vec![digits.to_owned()];
    let same = international(digits);
    if digits.len() == 11 && same.starts_with('7') {
        asked = vec![same.clone(), same[1..].to_owned()];
    } else if (4..11).contains(&digits.len())
        && let Some(rest) = digits.strip_prefix('8')
    {
        // Perhaps its beginning.
        asked.push(format!("7{rest}"));
    }
    asked
}
