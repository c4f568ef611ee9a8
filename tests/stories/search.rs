//! Searching: what is found by what, alike on both databases, by whom, and when.

mod cases;
mod changes;
mod pages;

use serde_json::{Value, json};

use crate::harness::client::{Answer, Api};
use crate::harness::world::World;

/// Asks for messages; the whole answer.
async fn search(api: &Api, variables: Value) -> Answer {
    let document = "query($text: String!, $filter: DialogueFilter, $at: DateTimeRange, $first: Int, $after: String) {
        searchMessages(text: $text, filter: $filter, createdAt: $at, first: $first, after: $after) {
            edges { cursor node { id text dialogue { id } } snippet }
            pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        }
    }";
    api.run(document, variables).await
}

/// The texts that are found, newest first.
async fn found(world: &World, text: &str) -> Vec<String> {
    let answer = search(&world.admin.api, json!({ "text": text })).await;
    texts(&answer)
}

fn texts(answer: &Answer) -> Vec<String> {
    let edges = answer.at("searchMessages.edges").as_array().unwrap_or_else(|| panic!("{answer}"));
    edges.iter().map(|edge| edge["node"]["text"].as_str().expect("a text").to_owned()).collect()
}
