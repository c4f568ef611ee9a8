//! Values are checked before anything is run, however they come.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::client::Answer;
use crate::harness::story::stories;
use crate::harness::world::World;

stories!(World: a_bad_value_is_found_before_any_mutation_ran, a_required_variable_is_required,
    a_variable_that_is_left_out_is_absent, a_body_that_is_too_large_is_told_so_in_json);

fn refused(answer: &Answer, field: &str) {
    assert_eq!((answer.error_code(), answer.error_field()), ("BAD_USER_INPUT", Some(field)), "{answer}");
    assert_eq!(answer.body["data"], Value::Null);
}

async fn a_bad_value_is_found_before_any_mutation_ran(world: World) {
    let before = world.cursor().await;
    for (field, bad) in [
        ("dueAt", "\"2027-13-01T00:00:00Z\""),
        ("dueAt", "7"),
        ("externalUrl", "\"nope\""),
        ("externalUrl", "\"javascript:alert(1)\""),
    ] {
        let document = format!(
            "mutation($unset: String) {{
                first: createTask(input: {{ title: \"A\" }}) {{ task {{ id }} }}
                second: createTask(input: {{ title: \"B\", description: $unset, {field}: {bad} }}) {{ task {{ id }} }}
            }}"
        );
        let answer = world.admin.api.run(&document, Value::Null).await;
        refused(&answer, &format!("input.{field}"));
    }
    let by_variable = "mutation($at: DateTime, $amount: Decimal) {
        createTask(input: { title: \"A\", dueAt: $at }) { task { id } }
        createDeal(input: { title: \"A\", funnelId: \"fun_1\", amount: $amount, currency: \"RUB\" }) { deal { id } }
    }";
    let answer = world.admin.api.run(by_variable, json!({ "at": "yesterday" })).await;
    refused(&answer, "input.dueAt");
    for amount in [json!("12,5"), json!("1e5"), json!(12.5)] {
        let answer = world.admin.api.run(by_variable, json!({ "amount": amount })).await;
        refused(&answer, "input.amount");
    }
    let whole = "mutation($input: UpsertTaskInput!) { upsertTask(input: $input) { isNew } }";
    let input = json!({ "externalId": "T-1", "title": "A", "dueAt": "soon" });
    refused(&world.admin.api.run(whole, json!({ "input": input })).await, "input.dueAt");
    assert!(world.events_after(&before).await.is_empty(), "nothing of it was done");
}

async fn a_required_variable_is_required(world: World) {
    let list = "query($ids: [ID!]!) { dialogues(filter: { dialogueIds: $ids }) { totalCount } }";
    let clears =
        "mutation($at: DateTime!) { upsertTask(input: { externalId: \"T-1\", title: \"A\", dueAt: $at }) { isNew } }";
    let before = world.cursor().await;
    for (document, variables) in [
        (list, Value::Null),
        (list, json!({ "ids": null })),
        (clears, Value::Null),
        (clears, json!({ "at": null })),
        ("query($after: String!) { events(after: $after) { nodes { kind } } }", json!({})),
    ] {
        let answer = world.admin.api.run(document, variables.clone()).await;
        assert_eq!((answer.error_code(), answer.error_field()), ("BAD_USER_INPUT", None), "{document} {variables}");
    }
    assert!(world.events_after(&before).await.is_empty());
    let default = "query($first: Int! = 1) { events(first: $first) { nodes { kind } } }";
    world.admin.api.run(default, Value::Null).await.data();
}

async fn a_variable_that_is_left_out_is_absent(world: World) {
    let task = "mutation($id: String!, $title: String, $note: String, $state: TaskState) {
        upsertTask(input: { externalId: $id, title: $title, description: $note, state: $state }) {
            task { title description state }
        }
    }";
    let full = json!({ "id": "T-1", "title": "A", "note": "B", "state": "DONE" });
    world.admin.api.run(task, full).await.data();
    let answer = world.admin.api.run(task, json!({ "id": "T-1" })).await;
    let expected = json!({ "title": "A", "description": "B", "state": "DONE" });
    assert_eq!(answer.at("upsertTask.task"), &expected, "what is absent stays");
    let answer = world.admin.api.run(task, json!({ "id": "T-1", "note": null })).await;
    assert_eq!(answer.at("upsertTask.task.description"), &Value::Null, "and null clears");
    // In a list a variable that is left out is null, and through fragments it is absent just as well.
    let listed = "query($one: ID, $two: ID!) { dialogues(filter: { dialogueIds: [$two] }) { ...Page } }
        fragment Page on DialogueConnection { nodes { messages(first: 1, after: $none) { nodes { id } } } }";
    let listed = listed.replace("$one: ID", "$none: String");
    world.admin.api.run(&listed, json!({ "two": "dlg_1" })).await.data();
}

async fn a_body_that_is_too_large_is_told_so_in_json(world: World) {
    let body = format!("{{\"query\": \"{}\"}}", "x".repeat(2 << 20));
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let request = client.post(format!("{}/graphql", world.server.url)).header("content-type", "application/json");
    let response = request.body(body).send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let answer: Value = response.json().await.expect("JSON");
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
}
