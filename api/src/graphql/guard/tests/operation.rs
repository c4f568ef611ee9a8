//! What the guard tells of an operation, and how it counts.

use async_graphql::Variables;
use serde_json::json;

use super::*;

#[test]
fn one_operation_is_chosen() {
    let document = "query A { sum } mutation B { change } subscription C { tick }";
    let named = |name: &str| admit(Request::new(document).operation_name(name), &Limits::default());
    for (name, kind) in
        [("A", OperationType::Query), ("B", OperationType::Mutation), ("C", OperationType::Subscription)]
    {
        let (request, operation) = named(name).unwrap();
        assert_eq!((operation.kind, operation.name.as_deref()), (kind, Some(name)));
        assert_eq!(request.operation_name.as_deref(), Some(name));
    }
    assert_eq!(named("D").expect_err("there is no D").reason(), Reason::BadInput);
    assert_eq!(named("").expect_err("an empty name is none").reason(), Reason::BadInput);
    assert_eq!(reason(document), Reason::BadInput);
    let anonymous = admit(Request::new("{ sum }").operation_name("A"), &Limits::default());
    assert_eq!(anonymous.expect_err("it has no name").reason(), Reason::BadInput);
    let (request, _) = admit(Request::new("{ sum }").operation_name(""), &Limits::default()).unwrap();
    assert_eq!(request.operation_name, None);
}

#[test]
fn a_subscription_follows_one_field() {
    for document in [
        "subscription { a b }",
        "subscription { a a }",
        "subscription { a: tick b: tick }",
        "subscription { ... { a } ... { b } }",
        "subscription { a ...B } fragment B on Subscription { b }",
        "subscription { ...B ...B } fragment B on Subscription { b }",
    ] {
        assert_eq!(reason(document), Reason::BadInput, "{document}");
    }
    let one = operation("subscription { ...B } fragment B on Subscription { ... { x: b { c d } } }");
    assert_eq!((one.kind, one.roots), (OperationType::Subscription, vec![Name::new("b")]));
}

#[test]
fn fields_at_the_top_are_named_with_their_fragments_spread() {
    let found = operation("mutation { a: signIn ...B signIn } fragment B on Mutation { c: signOut ... { signIn } }");
    assert_eq!(found.roots, ["signIn", "signOut", "signIn", "signIn"].map(Name::new));
    assert_eq!(found.fields, 4);
}

#[test]
fn depth_is_counted_through_fragments() {
    let at = |depth: usize| format!("{} sum {}", "{ this ".repeat(depth - 1) + "{", "}".repeat(depth));
    assert_eq!(operation(&at(15)).depth, 15);
    assert_eq!(reason(at(16)), Reason::TooComplex);
    let split = format!("{{ this {{ ...A }} }} fragment A on Query {}", at(13));
    assert_eq!(operation(&split).depth, 15 - 1);
    let split = format!("{{ this {{ this {{ this {{ ...A }} }} }} }} fragment A on Query {}", at(13));
    assert_eq!(reason(split), Reason::TooComplex);
}

#[test]
fn pages_multiply_the_cost() {
    let lists = HashMap::from([("dialogues", 3), ("messages", 50)]);
    let limits = Limits { lists, ..Limits::default() };
    let cost = |document: &str, variables: serde_json::Value| {
        let request = Request::new(document).variables(Variables::from_json(variables));
        admit(request, &limits).expect("the document should be let through").1.cost
    };
    let none = || json!({});
    assert_eq!(cost("{ a { b c } }", none()), 3);
    assert_eq!(cost("{ a(first: 10) { b c } }", none()), 21);
    assert_eq!(cost("{ a(last: 10) { b(first: 5) { c } } }", none()), 61);
    assert_eq!(cost("{ dialogues { b } }", none()), 4);
    assert_eq!(cost("{ x: dialogues { b } }", none()), 4);
    assert_eq!(cost("{ dialogues { nodes { b } } }", none()), 1 + 50 * 2);
    assert_eq!(cost("{ anything { edges { node { b } } } }", none()), 1 + 50 * 3);
    assert_eq!(
        cost("{ dialogues { ...P } } fragment P on C { ...Q } fragment Q on C { nodes { b } }", none()),
        1 + 50 * 2
    );
    assert_eq!(cost("{ dialogues { b { nodes { c } } } }", none()), 1 + 3 * (1 + 50 * 2), "of the one that has them");
    assert_eq!(cost("{ dialogues(first: 2) { b } }", none()), 3);
    assert_eq!(cost("{ dialogues(first: null) { nodes { b } } }", none()), 101);
    assert_eq!(cost("{ dialogues(first: 2, last: 7) { b } }", none()), 8);
    assert_eq!(cost("{ a(first: 3) { ...B } } fragment B on T { messages(first: 4) { c } }", none()), 16);
    let page = "query ($n: Int) { a(first: $n) { b } }";
    assert_eq!(cost(page, json!({"n": 10})), 11);
    assert_eq!(cost(page, none()), 2);
    assert_eq!(cost(page, json!({"n": null})), 2);
    let default = "query ($n: Int = 20) { a(first: $n) { b } }";
    assert_eq!(cost(default, none()), 21);
    assert_eq!(cost(default, json!({"n": 3})), 4);
    assert_eq!(cost("{ dialogues { messages { b } } }", none()), 1 + 3 * (1 + 50));
    assert_eq!(cost("{ dialogues(first: 2) { nodes { b } } }", none()), 1 + 2 * 2, "a connection's nodes are its page");
    assert_eq!(cost("{ nodes(ids: [\"x\", \"y\", \"z\"]) { b c } }", none()), 7);
    let ids = "query ($ids: [ID!]!) { nodes(ids: $ids) { b c } }";
    assert_eq!(cost(ids, json!({"ids": ["x", "y"]})), 5);
    assert_eq!(cost("query ($ids: [ID!]) { nodes(ids: $ids) { b c } }", none()), 3);
}

#[test]
fn page_sizes_that_make_no_sense_count_as_the_largest() {
    for size in [
        "-5",
        "0",
        "1",
        "101",
        "99999999999999999999999",
        "1e300",
        "-1e300",
        "1.5",
        "\"x\"",
        "[1]",
        "{a: 1}",
        "true",
        "ALL",
    ] {
        let found = operation(&format!("{{ a(first: {size}) {{ b }} }}"));
        assert!(found.cost == 101 || (size.len() == 1 && found.cost == 2), "{size}: {}", found.cost);
    }
    let nested = |times: usize| format!("{}b{}", "{ a(first: 2147483647) ".repeat(times) + "{", "}".repeat(times + 1));
    assert_eq!(operation(&nested(2)).cost, 10_101);
    assert_eq!(reason(nested(3)), Reason::TooComplex);
    let overflowing = admit(Request::new(nested(25)), &Limits { depth: 100, ..Limits::default() });
    assert_eq!(overflowing.expect_err("100²⁵ is over 2⁶⁴").reason(), Reason::TooComplex);
}

/// As graphql-js 16 writes it with all of its options on, nine levels of `ofType` included.
fn introspection() -> String {
    let of_type = " kind name ofType {".repeat(9) + " kind name" + &"}".repeat(9);
    format!(
        "query IntrospectionQuery {{ __schema {{ description queryType {{ name kind }} mutationType {{ name kind }}
           subscriptionType {{ name kind }} types {{ ...FullType }}
           directives {{ name description isRepeatable locations args(includeDeprecated: true) {{ ...InputValue }} }} }} }}
         fragment FullType on __Type {{ kind name description specifiedByURL isOneOf
           fields(includeDeprecated: true) {{ name description args(includeDeprecated: true) {{ ...InputValue }}
             type {{ ...TypeRef }} isDeprecated deprecationReason }}
           inputFields(includeDeprecated: true) {{ ...InputValue }} interfaces {{ ...TypeRef }}
           enumValues(includeDeprecated: true) {{ name description isDeprecated deprecationReason }}
           possibleTypes {{ ...TypeRef }} }}
         fragment InputValue on __InputValue {{ name description type {{ ...TypeRef }} defaultValue isDeprecated deprecationReason }}
         fragment TypeRef on __Type {{ {of_type} }}"
    )
}

#[test]
fn introspection_is_let_through() {
    let found = operation(&introspection());
    assert_eq!((found.depth, found.roots), (15, vec![Name::new("__schema")]));
    let answer = answer(Request::new(introspection()), Limits::default());
    assert_eq!(answer.get("errors"), None, "{answer}");
    assert_eq!(answer["data"]["__schema"]["queryType"]["name"], "Query");
}
