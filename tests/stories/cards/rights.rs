//! Who sees, changes and makes cards.

use serde_json::{Value, json};

use super::{activity, card, change, create, funnel, link};
use crate::harness::feed::kinds;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::World;

stories!(World:
    an_observer_sees_the_cards_of_their_dialogues,
    an_observer_changes_cards_where_they_are_responsible,
    an_observer_makes_cards_where_they_are_responsible,
    of_a_card_that_went_elsewhere_an_observer_keeps_the_name,
    a_feed_shows_an_observer_what_happened_in_their_dialogues,
);

async fn an_observer_sees_the_cards_of_their_dialogues(world: World) {
    let funnel = funnel(&world).await;
    let channel = world.connect_channel("Shop").await;
    world.set_channel(&channel, json!({ "funnelId": funnel.id })).await;
    let theirs = world.write(&channel, &Person::new(6301), "Hello").await;
    let other = world.write(&channel, &Person::new(6302), "Hello").await;
    let (employee, observer) = (world.user("EMPLOYEE").await, world.user("OBSERVER").await);
    world.admin.set_participant(&theirs, &observer.id, "OBSERVER").await;
    for dialogue in [&theirs, &other] {
        create(&world.admin, "Task", json!({ "title": "A", "dialogueId": dialogue })).await;
        create(&world.admin, "Project", json!({ "name": "A", "dialogueId": dialogue })).await;
    }
    let lists = "{
        contractors { totalCount nodes { id dialogues { id } } } deals { totalCount nodes { id dialogues { id } } }
        projects { totalCount nodes { id dialogues { id } } } tasks { totalCount nodes { id dialogues { id } } }
    }";
    let all = employee.api.run(lists, Value::Null).await;
    let seen = observer.api.run(lists, Value::Null).await;
    for (list, noun) in [("contractors", "Contractor"), ("deals", "Deal"), ("projects", "Project"), ("tasks", "Task")] {
        assert_eq!(all.at(&format!("{list}.totalCount")), 2);
        assert_eq!(seen.at(&format!("{list}.totalCount")), 1);
        assert_eq!(seen.at(&format!("{list}.nodes.0.dialogues")), &json!([{ "id": theirs }]));
        for place in 0..2 {
            let id: String = all.get(&format!("{list}.nodes.{place}.id"));
            let found = card(&observer, noun, &id, "id").await;
            assert_eq!(found.is_null(), json!(id) != seen.body["data"][list]["nodes"][0]["id"], "{noun}");
        }
    }
    // A card in both worlds shows each their own dialogues.
    let shared: String = seen.get("tasks.nodes.0.id");
    link(&world.admin, "linkTask", &other, &shared).await.data();
    assert_eq!(card(&observer, "Task", &shared, "dialogues { id }").await, json!({ "dialogues": [{ "id": theirs }] }));
    let both = json!({ "dialogues": [{ "id": other }, { "id": theirs }] });
    assert_eq!(card(&employee, "Task", &shared, "dialogues { id }").await, both);
}

async fn an_observer_changes_cards_where_they_are_responsible(world: World) {
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &Person::new(6303), "Hello").await;
    let observer = world.user("OBSERVER").await;
    let task = create(&world.admin, "Task", json!({ "title": "A", "dialogueId": dialogue })).await;
    let hidden = create(&world.admin, "Task", json!({ "title": "B" })).await;
    let contractor = world.admin.dialogue(&dialogue, "contractor { id }").await["contractor"]["id"].clone();
    let attempts = || {
        [
            ("Task", json!({ "taskId": task, "title": "C" })),
            ("Contractor", json!({ "contractorId": contractor, "name": "C" })),
        ]
    };
    for (noun, input) in attempts() {
        assert_eq!(change(&observer, "update", noun, &input).await.error_code(), "NOT_FOUND");
    }
    world.admin.set_participant(&dialogue, &observer.id, "OBSERVER").await;
    for (noun, input) in attempts() {
        assert_eq!(change(&observer, "update", noun, &input).await.error_code(), "FORBIDDEN");
    }
    assert_eq!(link(&observer, "unlinkTask", &dialogue, &task).await.error_code(), "FORBIDDEN");
    world.admin.set_participant(&dialogue, &observer.id, "RESPONSIBLE").await;
    for (noun, input) in attempts() {
        change(&observer, "update", noun, &input).await.data();
    }
    // Elsewhere nothing has changed.
    let input = json!({ "taskId": hidden, "title": "C" });
    assert_eq!(change(&observer, "update", "Task", &input).await.error_code(), "NOT_FOUND");
    assert_eq!(link(&observer, "linkTask", &dialogue, &hidden).await.error_code(), "NOT_FOUND");
    let (kept, merged) = (contractor.as_str().expect("an id"), "ctr_1");
    let merge = "mutation($kept: ID!, $merged: ID!) {
        mergeContractors(contractorId: $kept, mergedId: $merged) { contractor { id } }
    }";
    let merged = observer.api.run(merge, json!({ "kept": kept, "merged": merged })).await;
    assert_eq!(merged.error_code(), "FORBIDDEN");
}

async fn an_observer_makes_cards_where_they_are_responsible(world: World) {
    let funnel = funnel(&world).await;
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &Person::new(6304), "Hello").await;
    let observer = world.user("OBSERVER").await;
    let nouns = [
        ("Deal", json!({ "title": "A", "funnelId": funnel.id })),
        ("Task", json!({ "title": "B" })),
        ("Project", json!({ "name": "C" })),
        ("Contractor", json!({ "name": "D" })),
    ];
    for (noun, alone) in &nouns {
        let mut inside = alone.clone();
        inside["dialogueId"] = json!(dialogue);
        assert_eq!(change(&observer, "create", noun, alone).await.error_code(), "FORBIDDEN");
        assert_eq!(change(&observer, "create", noun, &inside).await.error_code(), "NOT_FOUND");
        world.admin.set_participant(&dialogue, &observer.id, "OBSERVER").await;
        assert_eq!(change(&observer, "create", noun, &inside).await.error_code(), "FORBIDDEN");
        world.admin.set_participant(&dialogue, &observer.id, "RESPONSIBLE").await;
        let made = create(&observer, noun, inside).await;
        assert_eq!(card(&observer, noun, &made, "id").await["id"], json!(made));
        let remove =
            "mutation($id: ID!, $user: ID!) { removeParticipant(dialogueId: $id, userId: $user) { dialogue { id } } }";
        world.admin.api.run(remove, json!({ "id": dialogue, "user": observer.id })).await.data();
    }
}

async fn of_a_card_that_went_elsewhere_an_observer_keeps_the_name(world: World) {
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &Person::new(6305), "Hello").await;
    let observer = world.user("OBSERVER").await;
    world.admin.set_participant(&dialogue, &observer.id, "OBSERVER").await;
    let task = json!({ "title": "A", "dialogueId": dialogue, "description": "Secret" });
    let task = create(&world.admin, "Task", task).await;
    link(&world.admin, "unlinkTask", &dialogue, &task).await.data();

    let events =
        "events(last: 1) { nodes { kind ... on CardEvent { card { ... on Task { id title description } } } } }";
    let seen = observer.dialogue(&dialogue, events).await;
    let told = |description: Value| json!([{ "kind": "TASK_UNLINKED", "card": { "id": task, "title": "A", "description": description } }]);
    assert_eq!(seen["events"]["nodes"], told(Value::Null));
    assert_eq!(world.admin.dialogue(&dialogue, events).await["events"]["nodes"], told(json!("Secret")));
    assert_eq!(card(&observer, "Task", &task, "id").await, Value::Null);
}

async fn a_feed_shows_an_observer_what_happened_in_their_dialogues(world: World) {
    let channel = world.connect_channel("Shop").await;
    let theirs = world.write(&channel, &Person::new(6306), "Hello").await;
    let other = world.write(&channel, &Person::new(6307), "Hello").await;
    let observer = world.user("OBSERVER").await;
    world.admin.set_participant(&theirs, &observer.id, "OBSERVER").await;
    let mut feed = world.follow(&observer.api, None).await;
    let task = create(&world.admin, "Task", json!({ "title": "A", "dialogueId": other })).await;
    link(&world.admin, "linkTask", &theirs, &task).await.data();
    change(&world.admin, "update", "Task", &json!({ "taskId": task, "state": "DONE" })).await.data();
    link(&world.admin, "unlinkTask", &theirs, &task).await.data();
    change(&world.admin, "update", "Task", &json!({ "taskId": task, "state": "OPEN" })).await.data();
    link(&world.admin, "linkTask", &theirs, &task).await.data();

    let whole = ["TASK_CREATED", "TASK_LINKED", "TASK_CHANGED", "TASK_UNLINKED", "TASK_CHANGED", "TASK_LINKED"];
    assert_eq!(activity(&world.admin, "Task", &task).await, whole);
    let seen = ["TASK_LINKED", "TASK_CHANGED", "TASK_UNLINKED", "TASK_LINKED"];
    assert_eq!(activity(&observer, "Task", &task).await, seen);
    let mut live = Vec::new();
    for _ in seen {
        live.push(feed.next().await);
    }
    assert_eq!(kinds(&live), seen);
}
