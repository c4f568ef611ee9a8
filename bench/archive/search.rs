//! Search: words that are rare, common and nobody's, phrases, prefixes, what an observer finds.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::Served;
use super::door::graphql;
use super::facts::Facts;
use super::filled::ask;
use super::questions::SEARCH;
use super::race::{MANY, Runner, race};
use crate::table::{Table, verdict};

/// Milliseconds below which 95 of a hundred searches are, on PostgreSQL, whatever is looked for.
const REACH: f64 = 200.0;
/// Words that are tried for a rare one.
const CANDIDATES: usize = 60;
/// The page of results that is far down.
const PAGES: usize = 20;

/// Each search by one connection and by many; the sizes in turns.
pub async fn table(served: &[Served<'_>]) -> Table {
    let mut table = Table::new(
        "Search in all messages, a page of 50",
        &["", "for", "found", "p50 / p95 ms", "16 at once", "a second", "reach", ""],
    );
    let mut all = Vec::new();
    for served in served {
        all.push(searches(served).await);
    }
    for place in 0..all[0].len() {
        let mut asked = Vec::new();
        for (served, searches) in served.iter().zip(&all) {
            if let (what, Some((token, variables))) = &searches[place] {
                let answer = ask(served.program.url(), token, SEARCH, variables.clone()).await;
                let request = graphql(token, SEARCH, variables);
                let runner = Runner { url: served.program.url().to_owned(), request };
                asked.push((served, *what, &variables["text"], found(&answer), runner));
            }
        }
        let (asked, runners): (Vec<_>, Vec<_>) =
            asked.into_iter().map(|(served, what, text, found, runner)| ((served, what, text, found), runner)).unzip();
        let [one, many] = [race(&runners, 1).await, race(&runners, MANY).await];
        for (((served, what, text, found), one), many) in asked.into_iter().zip(&one).zip(&many) {
            let is_bound = served.archive.database == "PostgreSQL";
            let slowest = one.below(95).max(many.below(95));
            table.row(vec![
                format!("{}, {what}", served.archive.name()),
                text.as_str().unwrap_or_default().to_owned(),
                found,
                one.times(),
                many.times(),
                format!("{:.0}", many.rate()),
                if is_bound { format!("p95 at most {REACH:.0}") } else { String::new() },
                if is_bound { verdict(slowest <= REACH) } else { String::new() },
            ]);
        }
    }
    table
}

/// How many are on the page, and whether there are more.
fn found(answer: &Value) -> String {
    let page = &answer["searchMessages"];
    let more = if page["pageInfo"]["hasNextPage"] == true { "+" } else { "" };
    format!("{}{more}", page["edges"].as_array().map_or(0, Vec::len))
}

/// What is looked for, by whom and with which variables; nothing where the archive has nothing of the kind.
type Search = (&'static str, Option<(String, Value)>);

async fn searches(served: &Served<'_>) -> Vec<Search> {
    let facts = served.facts;
    let operator = facts.operator.token.clone();
    let words = Words::of(facts);
    let common = words.common();
    let other = words.beside(&common);
    let phrase = words.phrase();
    let prefix: String = common.chars().take(4).collect();
    let rare = words.rare(served).await;
    let by_operator = |variables: Value| Some((operator.clone(), variables));
    let by_observer = |text: &str| facts.observer.as_ref().map(|who| (who.token.clone(), json!({ "text": text })));
    let channel = facts.channels.last().map(ToString::to_string);
    vec![
        ("a common word", by_operator(json!({ "text": format!("{common} ") }))),
        ("a rare word", rare.clone().and_then(|rare| by_operator(json!({ "text": format!("{rare} ") })))),
        ("the demo's rarest word", by_operator(json!({ "text": "аметист " }))),
        ("nobody's word", by_operator(json!({ "text": "щыщщыщщ " }))),
        ("a phrase", by_operator(json!({ "text": format!("\"{phrase}\"") }))),
        ("a prefix", by_operator(json!({ "text": prefix }))),
        ("two letters", by_operator(json!({ "text": prefix.chars().take(2).collect::<String>() }))),
        ("two words", by_operator(json!({ "text": format!("{common} {other} ") }))),
        (
            "a common and a rare word",
            rare.clone().and_then(|rare| by_operator(json!({ "text": format!("{common} {rare} ") }))),
        ),
        ("a common word of long ago", by_operator(json!({ "text": format!("{common} "), "createdAt": facts.old }))),
        (
            "a common word in the smallest channel",
            channel
                .and_then(|id| by_operator(json!({ "text": format!("{common} "), "filter": { "channelIds": [id] } }))),
        ),
        ("a common word, mine", by_operator(json!({ "text": format!("{common} "), "filter": { "group": "MINE" } }))),
        ("an observer's common word", by_observer(&format!("{common} "))),
        ("an observer's rare word", rare.and_then(|rare| by_observer(&format!("{rare} ")))),
        ("a common word, the 20th page", deep(served, &format!("{common} ")).await),
    ]
}

/// A page far down, which is walked to.
async fn deep(served: &Served<'_>, text: &str) -> Option<(String, Value)> {
    let token = &served.facts.operator.token;
    let mut variables = json!({ "text": text });
    for _ in 1..PAGES {
        let answer = ask(served.program.url(), token, SEARCH, variables.clone()).await;
        let info = &answer["searchMessages"]["pageInfo"];
        if info["hasNextPage"] != true {
            return None;
        }
        variables["after"] = info["endCursor"].clone();
    }
    Some((token.clone(), variables))
}

/// Words of some messages, lower case, as people separate them.
struct Words {
    messages: Vec<Vec<String>>,
    /// In how many of them each is.
    counts: HashMap<String, usize>,
}

impl Words {
    fn of(facts: &Facts) -> Self {
        let split = |text: &String| -> Vec<String> {
            let words = text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
            words.map(str::to_lowercase).collect()
        };
        let messages: Vec<Vec<String>> = facts.texts.iter().map(split).collect();
        let mut counts = HashMap::new();
        for message in &messages {
            let mut own = message.clone();
            own.sort();
            own.dedup();
            for word in own {
                *counts.entry(word).or_default() += 1;
            }
        }
        Self { messages, counts }
    }

    /// By how common they are; of those as common as each other, by the alphabet.
    fn ranked<'a>(&self, words: impl IntoIterator<Item = &'a String>) -> Vec<&'a String> {
        let mut words: Vec<&String> = words.into_iter().filter(|word| is_word(word)).collect();
        words.sort_by_key(|word| (std::cmp::Reverse(self.counts[*word]), *word));
        words
    }

    fn common(&self) -> String {
        self.ranked(self.counts.keys()).first().expect("messages have words").to_string()
    }

    /// Another one, of messages that have that one.
    fn beside(&self, common: &str) -> String {
        let others = self.messages.iter().filter(|message| message.iter().any(|word| word == common)).flatten();
        let others = self.ranked(others.filter(|word| *word != common));
        others.first().map_or_else(|| common.to_owned(), ToString::to_string)
    }

    /// The most common two in a row.
    fn phrase(&self) -> String {
        let mut pairs: HashMap<String, usize> = HashMap::new();
        for pair in self.messages.iter().flat_map(|message| message.windows(2)) {
            if pair.iter().all(|word| is_word(word)) {
                *pairs.entry(pair.join(" ")).or_default() += 1;
            }
        }
        let pair = pairs.into_iter().max_by(|(one, many), (other, more)| many.cmp(more).then(other.cmp(one)));
        pair.expect("messages have words").0
    }

    /// One that less than a page of messages has.
    async fn rare(&self, served: &Served<'_>) -> Option<String> {
        let mut words: Vec<&String> = self.counts.keys().filter(|word| word.chars().count() >= 5).collect();
        words.sort_by_key(|word| (self.counts[*word], *word));
        for word in words.into_iter().take(CANDIDATES) {
            let variables = json!({ "text": format!("{word} ") });
            let answer = ask(served.program.url(), &served.facts.operator.token, SEARCH, variables).await;
            let page = &answer["searchMessages"];
            if page["pageInfo"]["hasNextPage"] == false
                && page["edges"].as_array().is_some_and(|edges| !edges.is_empty())
            {
                return Some(word.clone());
            }
        }
        None
    }
}

/// Of letters, and not only a particle.
fn is_word(word: &str) -> bool {
    word.chars().count() >= 4 && word.chars().all(char::is_alphabetic)
}
