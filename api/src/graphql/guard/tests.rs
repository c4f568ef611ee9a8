//! Each thing that the guard holds against, run past it and, where it is let through, past async-graphql.

mod operation;

use std::{fmt::Write, thread};

use async_graphql::{EmptySubscription, Object, Request, Schema};
use serde_json::json;

use super::*;

struct Query;

#[Object]
impl Query {
    async fn sum(&self, of: Option<Vec<i32>>) -> i32 {
        of.unwrap_or_default().iter().sum()
    }

    async fn this(&self, first: Option<i32>) -> Query {
        let _ = first;
        Query
    }

    async fn echo(&self, text: String) -> String {
        text
    }
}

struct Mutation;

#[Object]
impl Mutation {
    async fn change(&self) -> bool {
        true
    }
}

fn admit(request: Request, limits: &Limits) -> Result<(Request, Operation), Refused> {
    Guard::new(limits.clone()).admit(request)
}

fn admitted(document: impl Into<String>) -> Result<Operation, Refused> {
    admit(Request::new(document), &Limits::default()).map(|(_, operation)| operation)
}

fn reason(document: impl Into<String>) -> Reason {
    admitted(document).expect_err("the document should be refused").reason()
}

fn operation(document: &str) -> Operation {
    admitted(document).expect("the document should be let through")
}

/// Answers as the server does, on a thread with the stack of tokio's workers.
fn answer(request: Request, limits: Limits) -> serde_json::Value {
    let worker = thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(move || {
        let schema = Schema::build(Query, Mutation, EmptySubscription).finish();
        let response = match admit(request, &limits) {
            Ok((request, _)) => {
                tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(schema.execute(request))
            }
            Err(refused) => refused.into(),
        };
        serde_json::to_value(response).unwrap()
    });
    worker.unwrap().join().expect("answering should not panic")
}

fn code(answer: &serde_json::Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("no code in {answer}"))
}

#[test]
fn nested_lists_are_refused_before_they_are_parsed() {
    let bomb = format!("{{ sum(of: {}{}) }}", "[".repeat(5_000), "]".repeat(5_000));
    assert_eq!(code(&answer(Request::new(bomb), Limits::default())), "QUERY_TOO_COMPLEX");
    let open = format!("{{ sum(of: {}", "[".repeat(5_000));
    assert_eq!(reason(open), Reason::TooComplex);
    let types = format!("query ($a: {}Int{}) {{ sum }}", "[".repeat(5_000), "]".repeat(5_000));
    assert_eq!(reason(types), Reason::TooComplex);
    let objects = format!("{{ sum(of: {}1{}) }}", "{a:".repeat(4_000), "}".repeat(4_000));
    assert_eq!(reason(objects), Reason::TooComplex);
}

#[test]
fn the_deepest_brackets_that_pass_do_not_harm_the_parser() {
    for (open, close) in [("[", "]"), ("{a:", "}")] {
        let document = format!("{{ sum(of: {}{}) }}", open.repeat(30), close.repeat(30));
        let answer = answer(Request::new(document), Limits::default());
        assert!(answer["errors"][0]["message"].is_string(), "{answer}");
    }
    let limits = Limits { depth: 100, ..Limits::default() };
    let document = format!("{}sum{}", "{this".repeat(31) + "{", "}".repeat(32));
    let answer = answer(Request::new(document), limits);
    assert_eq!(answer.get("errors"), None, "{answer}");
}

/// 8 fragments of 12 spreads each come to 12⁸ fields.
fn fragment_bomb(last: &str) -> String {
    let mut bomb = "{ ...F0 }".to_owned();
    for fragment in 0..8 {
        let spread = if fragment == 7 { last.to_owned() } else { format!("this {{ ...F{} }} ", fragment + 1) };
        write!(bomb, " fragment F{fragment} on Query {{ {} }}", spread.repeat(12)).unwrap();
    }
    bomb
}

#[test]
fn a_fragment_bomb_is_refused() {
    let answer = answer(Request::new(fragment_bomb("this { sum } ")), Limits::default());
    assert_eq!(code(&answer), "QUERY_TOO_COMPLEX");
    let flat = fragment_bomb("sum ").replace("this {", "... {");
    assert_eq!(reason(flat), Reason::TooComplex);
    let spread_by_none = fragment_bomb("sum ").replacen("{ ...F0 }", "{ sum } fragment Z on Query { ...F0 }", 1);
    assert_eq!(operation(&spread_by_none).fields, 1);
}

#[test]
fn a_bomb_of_spreads_that_lead_nowhere_is_refused() {
    assert_eq!(reason(fragment_bomb("...Nowhere ")), Reason::BadInput);
}

#[test]
fn a_bomb_in_an_operation_that_does_not_run_is_refused() {
    let bomb = fragment_bomb("sum ").replacen("{ ...F0 }", "query A { sum } query B { ...F0 }", 1);
    let refused = admit(Request::new(bomb).operation_name("A"), &Limits::default());
    assert_eq!(refused.expect_err("operation B should be counted").reason(), Reason::TooComplex);
}

#[test]
fn fragments_that_spread_one_another_are_refused() {
    for document in [
        "{ ...A } fragment A on Query { sum ...A }",
        "{ ...A } fragment A on Query { this { ...B } } fragment B on Query { ... { ...A } }",
        "{ sum } fragment A on Query { ...B } fragment B on Query { ...A }",
    ] {
        assert_eq!(reason(document), Reason::BadInput, "{document}");
    }
}

#[test]
fn a_long_chain_of_fragments_is_refused() {
    let mut chain = "{ sum }".to_owned();
    for link in 0..900 {
        write!(chain, "fragment F{link} on Query{{...F{}}}", link + 1).unwrap();
    }
    chain += "fragment F900 on Query{sum}";
    let limits = Limits { tokens: 100_000, ..Limits::default() };
    assert_eq!(code(&answer(Request::new(chain), limits)), "QUERY_TOO_COMPLEX");
}

#[test]
fn what_is_large_is_refused() {
    let aliases: String = (0..10_000).map(|alias| format!("a{alias}:sum ")).collect();
    let few_aliases: String = (0..501).map(|alias| format!("a{alias}:sum ")).collect();
    let operations =
        |count: usize| -> String { (0..count).map(|operation| format!("query Q{operation} {{ sum }} ")).collect() };
    for document in [
        format!("{{ {aliases} }}"),
        format!("{{ this {{ {few_aliases} }} }}"),
        format!("{{ {} }}", "sum ".repeat(101)),
        format!("{{ sum {} }}", "@skip(if: false) ".repeat(1_000)),
        format!("{{ sum {} }}", "@a ".repeat(9)),
        format!("query {} {{ sum }}", "@a ".repeat(9)),
        format!("{{ ...A }} fragment A on Query {} {{ sum }}", "@a ".repeat(9)),
        operations(1_000),
        operations(51),
        "{a".repeat(32 * 1024),
        " ".repeat(64 * 1024 + 1),
        "{sum}".to_owned() + &"#".repeat(64 * 1024),
    ] {
        assert_eq!(reason(document.as_str()), Reason::TooComplex, "{}", &document[..60]);
    }
}

#[test]
fn as_many_mistakes_as_pass_are_answered() {
    let unknown: String = (0..4_900).map(|field| format!("unknown{field} ")).collect();
    for document in [
        format!("{{ this {{ {unknown} }} }}"),
        format!("{{ this {{ {} }} }}", unknown.replace(' ', ",")),
        format!("{{ sum(of: [{unknown}]) }}"),
        format!("{{ {} }}", "x".repeat(64_000)),
    ] {
        let answer = answer(Request::new(document.as_str()), Limits::default());
        assert!(answer["errors"][0]["message"].is_string(), "{}", &document[..60]);
    }
}

#[test]
fn what_is_no_document_is_refused() {
    for document in [
        "",
        " \n",
        "{",
        "}",
        "{ }",
        "{ sum ) }",
        "\0",
        "{ sum\0 }",
        "{ сумма }",
        "{ echo(text: \"abc }",
        "{ echo(text: \"abc\n\") }",
        "{ echo(text: \"abc\\",
        "{ echo(text: \"\"\"abc\" }",
        "{ echo(text: \"\"\"abc\\\"\"\" }",
        "{ echo(text: \"\"\"abc\\\\\"\"\") }",
        "{ echo(text: \"\\uD83D\\uDE00\") }",
        "{ sum(of: 1e999999999) }",
        "{ sum(of: 1a) }",
        "type Query { sum: Int }",
        "fragment A on Query { sum }",
        "query A { sum } query A { sum }",
        "{ sum } query A { sum }",
        "{ ...A } fragment A on Query { sum } fragment A on Query { sum }",
        "{ ...A }",
    ] {
        assert_eq!(reason(document), Reason::BadInput, "{document:?}");
    }
}

#[test]
fn a_syntax_error_names_the_place_and_not_the_document() {
    let refused =
        admitted(format!("{{ echo(text: \"{}\")\n  sum( }}", "x".repeat(60_000))).expect_err("it does not parse");
    assert!(refused.to_string().starts_with("Syntax error at line 2, column 8: expected"), "{refused}");
    assert!(refused.to_string().len() < 200, "{refused}");
    let error = ServerError::from(refused);
    assert_eq!((error.locations[0].line, error.locations[0].column), (2, 8));
}

#[test]
fn brackets_in_strings_and_comments_do_not_count() {
    let brackets = "[{(".repeat(100);
    for document in [
        format!("{{ echo(text: \"{brackets}\\\"{brackets}\") }}"),
        format!("{{ echo(text: \"\"\"{brackets}\"{brackets}\\\"\"\"\n{brackets}\"\"\") }}"),
        format!("{{ echo(text: \"\") # \" {brackets}\n }}"),
        format!("{{ echo(text: \"# привет\") #{brackets}\r }}"),
        "\u{feff}{ echo(text: \"\\\\\") sum }".to_owned(),
    ] {
        let answer = answer(Request::new(document.as_str()), Limits::default());
        assert!(answer["data"]["echo"].is_string(), "{document}: {answer}");
    }
}

#[test]
fn no_bracket_hides_from_the_scan() {
    let bomb = "[".repeat(5_000);
    for document in [
        format!("{{ echo(text: \"\"{bomb}"),
        format!("{{ echo(text: \"\\\\\"{bomb}"),
        format!("{{ echo(text: \"\"\"\"\"\"{bomb}"),
        format!("{{ sum # \" \r (of: {bomb}"),
    ] {
        assert_eq!(reason(document.as_str()), Reason::TooComplex, "{}", &document[..30]);
    }
}

#[test]
fn deep_variables_are_answered() {
    let request = |levels: usize| {
        let lists = format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        serde_json::from_str::<Request>(&format!(
            r#"{{"query": "query ($of: [Int!]) {{ sum(of: $of) }}", "variables": {{"of": {lists}}}}}"#
        ))
    };
    assert!(request(127).is_err(), "serde_json should stop at 128 levels of the whole body");
    let answer = answer(request(125).unwrap(), Limits::default());
    assert!(answer["errors"][0]["message"].is_string(), "{answer}");
    let typed = answer_to_typed_lists();
    assert!(typed["errors"][0]["message"].is_string(), "{typed}");
}

fn answer_to_typed_lists() -> serde_json::Value {
    let (open, close) = ("[".repeat(30), "]".repeat(30));
    let lists = format!("{}1{}", "[".repeat(125), "]".repeat(125));
    let body =
        format!(r#"{{"query": "query ($of: {open}Int{close}) {{ sum(of: $of) }}", "variables": {{"of": {lists}}}}}"#);
    answer(serde_json::from_str(&body).unwrap(), Limits::default())
}

#[test]
fn what_is_let_through_is_not_parsed_again() {
    let (mut request, _) = admit(Request::new("{ sum(of: [1, 2]) }"), &Limits::default()).unwrap();
    request.query = String::new();
    let schema = Schema::build(Query, Mutation, EmptySubscription).finish();
    let response = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(schema.execute(request));
    assert_eq!(serde_json::to_value(response).unwrap(), json!({"data": {"sum": 3}}));
}

#[test]
fn a_document_that_is_known_is_measured_anew_for_each_request() {
    let guard = Guard::new(Limits { cost: 50, ..Limits::default() });
    let request = |variables| {
        let document = "query($n: Int, $of: [Int!]) { this(first: $n) { sum(of: $of) } }";
        Request::new(document).variables(async_graphql::Variables::from_json(variables))
    };
    let mut costs = Vec::new();
    for variables in [json!({ "n": 2, "of": [1] }), json!({}), json!({ "n": 3, "of": [1, 2] })] {
        let (mut admitted, operation) = guard.admit(request(variables.clone())).unwrap();
        // What one request left out is there again for the next.
        let (_, chosen) = admitted.parsed_query().unwrap().operations.iter().next().unwrap();
        assert_eq!(chosen.node.variable_definitions.len(), variables.as_object().unwrap().len());
        costs.push(operation.cost);
    }
    assert!(costs[2] > costs[0], "{costs:?}");
    let refused = guard.admit(request(json!({ "n": 100 }))).unwrap_err();
    assert_eq!(refused.reason(), Reason::TooComplex);
    assert!(guard.admit(request(json!({ "n": 2 }))).is_ok());
}
