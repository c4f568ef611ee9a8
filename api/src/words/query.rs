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
    /// Perhaps one number that is still being typed; or what else its groups are.
    Begun { number: Box<Self>, otherwise: Vec<Self> },
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
        all(&self.terms, " & ", &Term::tsquery)
    }

    /// For SQLite's FTS5: the text of a `MATCH`.
    pub fn fts5(&self) -> String {
        all(&self.terms, " AND ", &Term::fts5)
    }

    /// What words of a text can be hits by.
    pub(super) fn leaves(&self) -> Vec<&Term> {
        let leaves = self.terms.iter().flat_map(|term| match term {
            Term::Begun { number, otherwise } => [number.as_ref()].into_iter().chain(otherwise).collect(),
            other => vec![other],
        });
        leaves.collect()
    }
}

fn all(terms: &[Term], and: &str, text: &dyn Fn(&Term) -> String) -> String {
    terms.iter().map(text).collect::<Vec<_>>().join(and)
}

impl Term {
    fn tsquery(&self) -> String {
        match self {
            Self::Word { form, stem, is_prefix } => {
                format!("('={stem}' | '{form}'{} | '+{form}')", star(*is_prefix, ":*"))
            }
            Self::Phrase(stems) => {
                let stems: Vec<String> = stems.iter().map(|stem| format!("'={stem}'")).collect();
                format!("({})", stems.join(" <-> "))
            }
            Self::Number { spellings, is_prefix, groups } => {
                let star = star(*is_prefix, ":*");
                let together = spellings.iter().flat_map(|all| [format!("'{all}'{star}"), format!("'+{all}'{star}")]);
                let together: Vec<String> = together.collect();
                let apart: Vec<String> = groups.iter().map(|group| format!("('{group}' | '+{group}')")).collect();
                either(&together.join(" | "), " | ", &apart.join(" & "))
            }
            Self::Begun { number, otherwise } => {
                either(&number.tsquery(), " | ", &all(otherwise, " & ", &Self::tsquery))
            }
        }
    }

    fn fts5(&self) -> String {
        match self {
            Self::Word { form, stem, is_prefix } => {
                format!("(stems : \"{stem}\" OR forms : \"{form}\"{} OR extras : \"{form}\")", star(*is_prefix, " *"))
            }
            Self::Phrase(stems) => format!("(stems : \"{}\")", stems.join(" ")),
            Self::Number { spellings, is_prefix, groups } => {
                let star = star(*is_prefix, " *");
                let together = spellings.iter().map(|all| format!("({{forms extras}} : \"{all}\"{star})"));
                let together: Vec<String> = together.collect();
                let apart = groups.iter().map(|group| format!("{{forms extras}} : \"{group}\""));
                let apart: Vec<String> = apart.collect();
                either(&together.join(" OR "), " OR ", &apart.join(" AND "))
            }
            Self::Begun { number, otherwise } => either(&number.fts5(), " OR ", &all(otherwise, " AND ", &Self::fts5)),
        }
    }
}

/// One, or the other if there is one.
fn either(one: &str, or: &str, other: &str) -> String {
    if other.is_empty() { format!("({one})") } else { format!("({one}{or}({other}))") }
}

fn star(is_prefix: bool, star: &str) -> &str {
    if is_prefix { star } else { "" }
}

/// Words outside of quotes.
fn free(text: &str, words: &[Word], is_open: bool, terms: &mut Vec<Term>) {
    let numbers = numbers(text, words);
    let (mut at, mut typed) = (0, None);
    while at < words.len() {
        // The longest that begins here.
        let number = numbers.iter().filter(|number| number.words.start == at).max_by_key(|number| number.words.end);
        let is_whole = number.is_some_and(|number| number.words.end == words.len());
        if is_open && !is_whole && typed.is_none() {
            typed = begun(text, &words[at..]).map(|digits| (terms.len(), asked(&digits)));
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
    if let Some((from, spellings)) = typed {
        let number = Box::new(Term::Number { spellings, is_prefix: true, groups: Vec::new() });
        let otherwise = terms.split_off(from);
        terms.push(Term::Begun { number, otherwise });
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
