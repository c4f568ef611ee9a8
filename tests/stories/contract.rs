//! The served schema holds the contract that others build on, and tells what everything in it means.

use std::fs;
use std::path::Path;

use crate::harness::Backend;
use crate::harness::schema::{broken, served, written};
use crate::harness::story;
use crate::harness::visitor::Visitor;
use crate::harness::world::World;

fn read(file: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The schema is one whatever the database.
#[test]
fn the_served_schema_holds_the_contract_and_describes_everything() {
    story::run(Backend::Sqlite, World::start, async |world: World| {
        let (served, bare) = served(&world.admin.api).await;

        let broken = broken(&written(&read("tests/fixtures/contract.graphql")), &served);
        assert!(broken.is_empty(), "of the contract this does not hold: {broken:#?}");
        assert!(bare.is_empty(), "these have no description: {bare:#?}");
        assert_eq!(served, written(&read("schema.graphql")), "schema.graphql is stale: `colloquy schema` prints it");
    });
}

#[test]
fn the_visitors_schema_is_printed_and_describes_everything() {
    story::run(Backend::Sqlite, World::start, async |world: World| {
        let channel = world.connect_website("Shop", &["https://shop.example"]).await;
        let (served, bare) = served(&Visitor::start(&world, &channel).await.api).await;

        assert!(bare.is_empty(), "these have no description: {bare:#?}");
        assert_eq!(served, written(&read("chat.graphql")), "chat.graphql is stale: `colloquy schema --chat` prints it");
    });
}

#[test]
fn what_breaks_callers_is_found() {
    let contract = written(
        "directive @oneOf on INPUT_OBJECT
        type Query implements Node { id: ID! dialogues(first: Int, state: State! = OPEN): [Query!]! gone: Int }
        enum State { OPEN CLOSED } union Card = Query input One @oneOf { a: Int } interface Node { id: ID! } scalar URL",
    );
    assert!(broken(&contract, &contract).is_empty());

    let other = written(
        "type Query { id: ID dialogues(first: Int!, state: State! = CLOSED, late: Int!): [Query]! }
        enum State { OPEN } union Card = State input One { a: Int b: Int! } interface Node { id: ID! }",
    );
    let found = broken(&contract, &other);
    let expected = [
        "Card has no Query",
        "One is not @oneOf",
        "One(b:) is new and required",
        "Query does not implement Node",
        "Query.dialogues is [Query]! instead of [Query!]!",
        "Query.dialogues(first:) is Int! instead of Int",
        "Query.dialogues(state:) defaults to Some(\"CLOSED\"), not Some(\"OPEN\")",
        "Query.dialogues(late:) is new and required",
        "Query.gone is missing",
        "Query.id is ID instead of ID!",
        "State has no CLOSED",
        "type URL is missing",
    ];
    assert_eq!(found, expected);
}
