//! What is said in the made-up dialogues: clients ask, employees answer what was asked, in the client's language.

mod english;
mod names;
mod russian;

use super::chance::Chance;

pub use names::{TAGS, name};

/// Every ten-thousandth message of an archive has it, from the first on, and nothing else does.
pub const RARE: &str = "аметист";
/// In 16 of a hundred messages, in one form or another.
pub const COMMON: &str = "заказ";
/// Words that stand together in one of a hundred messages.
pub const PHRASE: &str = "уже в пути";
/// Of a hundred messages 6 have a word that begins so.
pub const PREFIX: &str = "дост";

/// So many messages lie from one with the rare word to the next.
const APART: u64 = 10_000;

/// How many of so many messages have the rare word.
pub fn rare_in(messages: u64) -> u64 {
    messages.div_ceil(APART)
}

/// What the message of this number, from 0, has besides what it says.
pub fn besides(number: u64) -> Option<String> {
    number.is_multiple_of(APART).then(|| format!(" ({RARE})"))
}

/// What clients ask about, and how it is answered. `{…}` is filled in.
struct Topic {
    asked: &'static [&'static str],
    answered: &'static [&'static str],
}

/// One language of a shop's clients.
struct Language {
    hello: &'static str,
    topics: &'static [Topic],
    /// What a client says who asks nothing, never first.
    aside: Topic,
    goods: &'static [&'static str],
    /// With the word that leads there.
    cities: &'static [&'static str],
    notes: &'static [&'static str],
    first: &'static [&'static [&'static str]],
    last: &'static [&'static [&'static str]],
}

/// What a dialogue is about just now: an answer is about the same good, order and price as the question.
pub struct Subject {
    language: &'static Language,
    topic: &'static Topic,
    order: u64,
    phone: u64,
    /// Of the rest that is filled in.
    rest: Chance,
}

impl Subject {
    /// Of a dialogue that begins.
    pub fn new(language: &Spoken, chance: &mut Chance) -> Self {
        let language = language.0;
        let mut subject = Self {
            language,
            topic: &language.topics[0],
            order: 10_000 + chance.below(900_000),
            phone: chance.below(10_000_000),
            rest: chance.clone(),
        };
        subject.change(chance);
        subject
    }

    fn change(&mut self, chance: &mut Chance) {
        self.topic = chance.one(self.language.topics);
        self.rest = chance.clone();
    }

    /// What the client writes: of the same still, of something else, or nothing in particular.
    pub fn asked(&mut self, chance: &mut Chance, is_first: bool) -> String {
        match chance.below(100) {
            _ if is_first => {}
            0..30 => {}
            30..80 => self.change(chance),
            _ => return self.filled(word(chance, self.language.aside.asked)),
        }
        let mut text = self.filled(word(chance, self.topic.asked));
        if is_first && chance.percent(60) {
            text = format!("{} {text}", self.language.hello);
        }
        self.lengthened(text, chance, |topic| topic.asked)
    }

    /// What an employee answers to it.
    pub fn answered(&mut self, chance: &mut Chance) -> String {
        let topic = if chance.percent(12) { &self.language.aside } else { self.topic };
        let text = self.filled(word(chance, topic.answered));
        self.lengthened(text, chance, |topic| topic.answered)
    }

    /// What employees tell each other of it.
    pub fn note(&self, chance: &mut Chance) -> String {
        self.filled(word(chance, self.language.notes))
    }

    /// What a deal, project or task is about.
    pub fn matter(&self) -> String {
        self.filled("{good}, №{order}")
    }

    /// Some say more at once.
    fn lengthened(&self, mut text: String, chance: &mut Chance, of: fn(&Topic) -> &'static [&'static str]) -> String {
        while chance.percent(20) {
            let more = self.filled(word(chance, of(self.topic)));
            if !text.contains(&more) {
                text.push_str(if text.ends_with(char::is_alphanumeric) { ". " } else { " " });
                text.push_str(&more);
            }
        }
        text
    }

    fn filled(&self, template: &str) -> String {
        let mut rest = self.rest.clone();
        let (good, city) = (word(&mut rest, self.language.goods), word(&mut rest, self.language.cities));
        let price = 10 * (10 + rest.below(2_000));
        let mut text = String::with_capacity(template.len() + 32);
        let mut pieces = template.split(['{', '}']);
        // Outside and inside of braces in turn.
        while let Some(piece) = pieces.next() {
            text.push_str(piece);
            match pieces.next() {
                None => break,
                Some("good") => text.push_str(good),
                Some("city") => text.push_str(city),
                Some("order") => text.push_str(&self.order.to_string()),
                Some("price") if price >= 1_000 => text.push_str(&format!("{} {:03}", price / 1_000, price % 1_000)),
                Some("price") => text.push_str(&price.to_string()),
                // Of no operator's range.
                Some(_) => {
                    let (front, back) = (self.phone / 10_000, self.phone % 10_000);
                    text.push_str(&format!("+7 (000) {front:03}-{:02}-{:02}", back / 100, back % 100));
                }
            }
        }
        text
    }
}

fn word(chance: &mut Chance, of: &[&'static str]) -> &'static str {
    chance.one::<&'static str>(of)
}

/// The language of somebody.
#[derive(Clone, Copy)]
pub struct Spoken(&'static Language);

impl Spoken {
    /// A client's: Russian for four of five.
    pub fn by(chance: &mut Chance) -> Self {
        Self(if chance.percent(80) { &russian::RUSSIAN } else { &english::ENGLISH })
    }

    /// Of the company's own.
    pub fn russian() -> Self {
        Self(&russian::RUSSIAN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_unfilled_and_the_words_for_searches_are_as_frequent_as_said() {
        let mut chance = Chance::of(1, 0, 0);
        let mut texts = Vec::new();
        for _ in 0..8_000 {
            let mut subject = Subject::new(&Spoken::by(&mut chance), &mut chance);
            texts.push(subject.asked(&mut chance, true));
            texts.push(subject.answered(&mut chance));
            texts.push(subject.asked(&mut chance, false));
        }
        assert!(texts.iter().all(|text| !text.contains(['{', '}']) && !text.trim().is_empty()));
        let with = |word: &str| texts.iter().filter(|text| text.to_lowercase().contains(word)).count();
        let percent = |word: &str| 100.0 * with(word) as f64 / texts.len() as f64;
        assert_eq!([COMMON, PHRASE, PREFIX].map(|words| percent(words).round()), [16.0, 1.0, 6.0]);
        assert_eq!(with(RARE), 0);
        let in_english = texts.iter().filter(|text| text.chars().all(|c| !('а'..='я').contains(&c))).count();
        assert!((17..23).contains(&(100 * in_english / texts.len())), "{in_english}");
    }

    #[test]
    fn the_rare_word_is_in_so_many_messages() {
        for (messages, with) in [(1, 1), (10_000, 1), (10_001, 2), (1_000_000, 100)] {
            assert_eq!(rare_in(messages), with);
            assert_eq!((0..messages).filter_map(besides).count() as u64, with);
        }
    }

    #[test]
    fn an_answer_is_about_what_was_asked() {
        let mut chance = Chance::of(1, 0, 0);
        for _ in 0..200 {
            let mut subject = Subject::new(&Spoken::russian(), &mut chance);
            let (asked, topic) = (subject.asked(&mut chance, true), subject.topic);
            let said: Vec<String> = topic.asked.iter().map(|template| subject.filled(template)).collect();
            assert!(said.iter().any(|one| asked.contains(one.as_str())), "{asked}");
            let answer = subject.answered(&mut chance);
            let fits = topic.answered.iter().chain(russian::RUSSIAN.aside.answered);
            let fits: Vec<String> = fits.map(|template| subject.filled(template)).collect();
            assert!(fits.iter().any(|one| answer.starts_with(one.as_str())), "{asked}: {answer}");
        }
    }
}
