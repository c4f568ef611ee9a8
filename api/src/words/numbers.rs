//! Numbers in any spelling: `+7 (916) 123-45-67` is 89161234567, and `1 000 000` is 1000000.

use std::ops::Range;

use super::Word;

/// What may stand between the groups of one number, so many characters of it.
const BETWEEN: &[char] = &[' ', '\u{a0}', '\u{202f}', '-', '\u{2011}', '\u{2013}', '(', ')', '.', ',', '/', '+'];
const WIDEST: usize = 2;
/// Most digits of a telephone number.
const LONGEST: usize = 15;

/// A number that is written in several groups, or one that is a telephone's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Number {
    /// Which words make it.
    pub words: Range<usize>,
    /// All its digits.
    pub digits: String,
}

impl Number {
    /// The spellings by which it is found: a telephone number with the country's code, without it, and its local end.
    pub fn spellings(&self) -> Vec<String> {
        let digits = &self.digits;
        if digits.len() < 10 {
            return vec![digits.clone()];
        }
        let (local, end) = (&digits[digits.len() - 10..], &digits[digits.len() - 7..]);
        vec![international(digits), local.to_owned(), end.to_owned()]
    }
}

/// With 7 for the 8 that is dialled within Russia.
pub(super) fn international(digits: &str) -> String {
    match digits.strip_prefix('8') {
        Some(rest) if digits.len() == 11 => format!("7{rest}"),
        _ => digits.to_owned(),
    }
}

/// The numbers of a text that are more than one word, or are a telephone's.
pub(super) fn numbers(text: &str, words: &[Word]) -> Vec<Number> {
    let mut numbers = Vec::new();
    let mut from = 0;
    while from < words.len() {
        let mut to = from + 1;
        while words[from].is_number() && to < words.len() && goes_on(text, &words[to - 1], &words[to]) {
            to += 1;
        }
        of_run(text, words, from..to, &mut numbers);
        from = to;
    }
    numbers
}

/// The digits of a number of several groups that somebody is typing, up to the text's end: it may not look like one yet.
pub(super) fn begun(text: &str, words: &[Word]) -> Option<String> {
    let [first, .., last] = words else { return None };
    let is_one = first.is_number() && words.windows(2).all(|pair| goes_on(text, &pair[0], &pair[1]));
    let digits: String = words.iter().map(|word| word.form.as_str()).collect();
    (is_one && last.range.end == text.len() && digits.len() <= LONGEST).then_some(digits)
}

fn goes_on(text: &str, before: &Word, word: &Word) -> bool {
    let between = &text[before.range.end..word.range.start];
    word.is_number()
        && between.chars().count() <= WIDEST
        && between.chars().all(|c| BETWEEN.contains(&c))
        // What follows a comma and a space is another.
        && between != ", "
}

/// Of digits beside each other, all that look like one number.
fn of_run(text: &str, words: &[Word], run: Range<usize>, numbers: &mut Vec<Number>) {
    if !words[run.start].is_number() {
        return;
    }
    for from in run.clone() {
        let mut digits = String::new();
        for to in from..run.end {
            digits += &words[to].form;
            if digits.len() > LONGEST {
                break;
            }
            let groups: Vec<usize> = words[from..=to].iter().map(|word| word.form.len()).collect();
            let has_plus = text[..words[from].range.start].ends_with('+');
            let is_telephone = match digits.len() {
                7 => matches!(groups[..], [3, 2, 2] | [3, 4]),
                10 => true,
                11 => has_plus || digits.starts_with(['7', '8']),
                12..=LONGEST => has_plus,
                _ => false,
            };
            let is_grouped = groups.len() > 1 && groups[0] <= 3 && groups[1..].iter().all(|length| *length == 3);
            if is_telephone || is_grouped {
                numbers.push(Number { words: from..to + 1, digits: digits.clone() });
            }
        }
    }
}
