//! Tasks and projects that another system owns, and colloquy mirrors.

use serde_json::{Value, json};

use super::{change, create};
use crate::harness::client::Answer;
use crate::harness::feed::kinds;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::{Someone, World};

stories!(World:
    what_another_system_owns_is_made_once_and_then_changed,
    a_task_upserted_in_a_dialogue_is_linked_to_it,
    of_many_upserts_at_once_one_makes_the_task,
    an_external_id_is_of_one_card,
);

/// `upsertTask`, `upsertProject`.
#[track_caller]
fn upsert(someone: &Someone, noun: &str, input: Value) -> impl Future<Output = Answer> + use<> {
    let (field, card) = (format!("upsert{noun}"), noun.to_lowercase());
    let document = format!(
        "mutation($input: Upsert{noun}Input!) {{ {field}(input: $input) {{ isNew {card} {{ id externalId }} }} }}"
    );
    someone.api.run(&document, json!({ "input": input }))
}

async fn what_another_system_owns_is_made_once_and_then_changed(world: World) {
    for (noun, name) in [("Task", "title"), ("Project", "name")] {
        let path = format!("upsert{noun}.{}", noun.to_lowercase());
        let before = world.cursor().await;
        let unnamed = upsert(&world.admin, noun, json!({ "externalId": "JIRA-1" })).await;
        let field = format!("input.{name}");
        assert_eq!((unnamed.error_code(), unnamed.error_field()), ("BAD_USER_INPUT", Some(field.as_str())));

        let url = "https://tracker.example/JIRA-1";
        let full = json!({ "externalId": " JIRA-1 ", name: "Count them", "externalUrl": url, "description": "All" });
        let made = upsert(&world.admin, noun, full.clone()).await;
        assert_eq!(made.at(&format!("upsert{noun}.isNew")), true);
        let id: String = made.get(&format!("{path}.id"));
        assert_eq!(made.at(&format!("{path}.externalId")), "JIRA-1");

        let again = upsert(&world.admin, noun, full).await;
        assert_eq!(
            again.at(&format!("upsert{noun}")),
            &json!({
                "isNew": false, noun.to_lowercase(): { "id": id, "externalId": "JIRA-1" },
            })
        );
        let renamed = json!({ "externalId": "JIRA-1", name: "Count all of them", "description": null });
        assert_eq!(upsert(&world.admin, noun, renamed).await.get::<String>(&format!("{path}.id")), id);

        let events = world.events_after(&before).await;
        let expected = [format!("{}_CREATED", noun.to_uppercase()), format!("{}_CHANGED", noun.to_uppercase())];
        assert_eq!(kinds(&events), expected, "the same once more is no event");
        let changes = json!([
            { "field": name, "from": "Count them", "to": "Count all of them" },
            { "field": "description", "from": "All", "to": null },
        ]);
        assert_eq!(events[1]["changes"], changes, "what is absent stays");
        let list = format!("{}s", noun.to_lowercase());
        let find = format!("query($id: String) {{ {list}(externalId: $id) {{ totalCount nodes {{ id }} }} }}");
        let found = world.admin.api.run(&find, json!({ "id": "JIRA-1" })).await;
        assert_eq!(found.at(&list), &json!({ "totalCount": 1, "nodes": [{ "id": id }] }));
        for nothing in ["JIRA", "jira-1", "", "\0"] {
            let found = world.admin.api.run(&find, json!({ "id": nothing })).await;
            assert_eq!(found.at(&format!("{list}.totalCount")), 0, "{nothing:?}");
        }
    }
    let done = json!({ "externalId": "JIRA-2", "title": "Done there already", "state": "DONE" });
    upsert(&world.admin, "Task", done).await.data();
    let states = world.admin.api.run("{ tasks(state: DONE) { nodes { externalId } } }", Value::Null).await;
    assert_eq!(states.at("tasks.nodes"), &json!([{ "externalId": "JIRA-2" }]));
}

async fn a_task_upserted_in_a_dialogue_is_linked_to_it(world: World) {
    let channel = world.connect_channel("Shop").await;
    let first = world.write(&channel, &Person::new(6301), "Hello").await;
    let second = world.write(&channel, &Person::new(6302), "Hello").await;
    let before = world.cursor().await;
    for dialogue in [&first, &second, &second] {
        let input = json!({ "externalId": "T-1", "title": "Count them", "dialogueId": dialogue });
        upsert(&world.admin, "Task", input).await.data();
    }
    let events = world.events_after(&before).await;
    assert_eq!(kinds(&events), ["TASK_CREATED", "TASK_LINKED"], "made in the first, linked to the second, once");
    assert_eq!(events[1]["dialogue"]["id"], json!(second));
    let nowhere = json!({ "externalId": "T-2", "title": "Count them", "dialogueId": "dlg_1" });
    assert_eq!(upsert(&world.admin, "Task", nowhere).await.error_code(), "NOT_FOUND");
}

async fn of_many_upserts_at_once_one_makes_the_task(world: World) {
    let before = world.cursor().await;
    let input = |n: usize| json!({ "externalId": "T-1", "title": format!("Title {n}") });
    let asked: Vec<_> = (0..10).map(|n| upsert(&world.admin, "Task", input(n))).collect();
    let answers = futures_util::future::join_all(asked).await;
    let new = answers.iter().filter(|answer| answer.get::<bool>("upsertTask.isNew")).count();
    assert_eq!(new, 1);
    let ids: std::collections::HashSet<String> =
        answers.iter().map(|answer| answer.get("upsertTask.task.id")).collect();
    assert_eq!(ids.len(), 1);
    let events = world.events_after(&before).await;
    assert_eq!(kinds(&events).iter().filter(|kind| **kind == "TASK_CREATED").count(), 1);
    assert_eq!(kinds(&events).len(), 10, "nine others changed its title");
}

async fn an_external_id_is_of_one_card(world: World) {
    for (noun, name, id) in [("Task", "title", "taskId"), ("Project", "name", "projectId")] {
        let first = create(&world.admin, noun, json!({ name: "A", "externalId": "X-1" })).await;
        let second = create(&world.admin, noun, json!({ name: "B", "externalId": "  " })).await;
        let third = create(&world.admin, noun, json!({ name: "C" })).await;
        let before = world.cursor().await;
        let taken = json!({ name: "D", "externalId": "X-1" });
        assert_eq!(change(&world.admin, "create", noun, &taken).await.error_code(), "CONFLICT");
        for other in [&second, &third] {
            let taken = json!({ id: other, "externalId": "X-1" });
            assert_eq!(change(&world.admin, "update", noun, &taken).await.error_code(), "CONFLICT");
        }
        for bad in ["a\nb", &"x".repeat(257)] {
            let answer = upsert(&world.admin, noun, json!({ "externalId": bad, name: "E" })).await;
            assert_eq!((answer.error_code(), answer.error_field()), ("BAD_USER_INPUT", Some("input.externalId")));
        }
        let empty = upsert(&world.admin, noun, json!({ "externalId": " ", name: "E" })).await;
        assert_eq!(empty.error_field(), Some("input.externalId"));
        assert!(world.events_after(&before).await.is_empty(), "what is refused leaves nothing");

        change(&world.admin, "update", noun, &json!({ id: first, "externalId": null })).await.data();
        change(&world.admin, "update", noun, &json!({ id: second, "externalId": "X-1" })).await.data();
        let events = world.events_after(&before).await;
        assert_eq!(events[0]["changes"], json!([{ "field": "externalId", "from": "X-1", "to": null }]));
    }
}
