//! The same done in many dialogues by one mutation: each its own outcome, one event each.

use serde_json::{Value, json};

use crate::harness::client::Answer;
use crate::harness::feed::kinds;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::{Channel, Someone, World};

stories!(World:
    each_dialogue_has_its_own_outcome,
    what_is_so_already_makes_no_event,
    a_hundred_at_a_time_and_no_more,
);

const OUTCOMES: &str = "outcomes { dialogueId dialogue { id state } error { code message field } }";

async fn close(someone: &Someone, ids: &[impl AsRef<str>]) -> Answer {
    let ids: Vec<&str> = ids.iter().map(AsRef::as_ref).collect();
    let document = format!("mutation($ids: [ID!]!) {{ closeDialogues(dialogueIds: $ids) {{ {OUTCOMES} }} }}");
    someone.api.run(&document, json!({ "ids": ids })).await
}

async fn dialogues(world: &World, channel: &Channel, first: i64, count: i64) -> Vec<String> {
    let mut dialogues = Vec::new();
    for number in first..first + count {
        dialogues.push(world.write(channel, &Person::new(number), "Hello").await);
    }
    dialogues
}

async fn each_dialogue_has_its_own_outcome(world: World) {
    let channel = world.connect_channel("Shop").await;
    let theirs = dialogues(&world, &channel, 6501, 4).await;
    let observer = world.user("OBSERVER").await;
    world.admin.set_participant(&theirs[0], &observer.id, "RESPONSIBLE").await;
    world.admin.set_participant(&theirs[1], &observer.id, "OBSERVER").await;
    world.admin.set_participant(&theirs[3], &observer.id, "RESPONSIBLE").await;
    let before = world.cursor().await;

    let asked = [&theirs[0], &theirs[1], &theirs[2], "nonsense", &theirs[3]];
    let answer = close(&observer, &asked).await;

    let outcomes = answer.at("closeDialogues.outcomes");
    let told: Vec<_> = outcomes.as_array().expect("a list").iter().map(|outcome| &outcome["dialogueId"]).collect();
    assert_eq!(told, asked, "in the order in which they were given");
    let codes: Vec<_> = outcomes.as_array().expect("a list").iter().map(|outcome| &outcome["error"]["code"]).collect();
    assert_eq!(codes, [&Value::Null, &json!("FORBIDDEN"), &json!("NOT_FOUND"), &json!("NOT_FOUND"), &Value::Null]);
    assert_eq!(outcomes[0]["dialogue"], json!({ "id": theirs[0], "state": "CLOSED" }));
    assert_eq!((&outcomes[1]["dialogue"], &outcomes[2]["dialogue"]), (&Value::Null, &Value::Null));
    assert_eq!(outcomes[2]["error"], outcomes[3]["error"], "what may not be seen is as what does not exist");
    let events = world.events_after(&before).await;
    assert_eq!(kinds(&events), ["DIALOGUE_CLOSED"; 2]);
    assert_eq!([&events[0]["dialogue"]["id"], &events[1]["dialogue"]["id"]], [&theirs[0], &theirs[3]]);

    let gone = world.user("EMPLOYEE").await;
    let deactivate = "mutation($id: ID!) { updateUser(input: { userId: $id, isActive: false }) { user { id } } }";
    world.admin.api.run(deactivate, json!({ "id": gone.id })).await.data();
    let assign = format!(
        "mutation($ids: [ID!]!, $user: ID!) {{ assignDialogues(dialogueIds: $ids, userId: $user, role: RESPONSIBLE) {{ {OUTCOMES} }} }}"
    );
    let answer = world.admin.api.run(&assign, json!({ "ids": [theirs[2]], "user": gone.id })).await;
    let error = answer.at("assignDialogues.outcomes.0.error");
    assert_eq!((&error["code"], &error["field"]), (&json!("BAD_USER_INPUT"), &json!("userId")));
}

async fn what_is_so_already_makes_no_event(world: World) {
    let channel = world.connect_channel("Shop").await;
    let theirs = dialogues(&world, &channel, 6511, 2).await;
    let employee = world.user("EMPLOYEE").await;
    let before = world.cursor().await;
    let all = format!(
        "mutation($ids: [ID!]!, $user: ID!, $tags: [ID!]!) {{
            assignDialogues(dialogueIds: $ids, userId: $user, role: RESPONSIBLE) {{ {OUTCOMES} }}
            tagDialogues(dialogueIds: $ids, names: [\"vip\"]) {{ {OUTCOMES} }}
            untagDialogues(dialogueIds: $ids, tagIds: $tags) {{ {OUTCOMES} }}
            closeDialogues(dialogueIds: $ids) {{ {OUTCOMES} }}
        }}"
    );
    let twice = [&theirs[0], &theirs[1], &theirs[0]];
    let mut tags = Value::Array(Vec::new());
    let expected =
        ["PARTICIPANT_ADDED", "PARTICIPANT_ADDED", "TAG_ADDED", "TAG_ADDED", "DIALOGUE_CLOSED", "DIALOGUE_CLOSED"];
    for _ in 0..2 {
        let answer = world.admin.api.run(&all, json!({ "ids": twice, "user": employee.id, "tags": tags })).await;
        for mutation in ["assignDialogues", "tagDialogues", "untagDialogues", "closeDialogues"] {
            for outcome in answer.at(&format!("{mutation}.outcomes")).as_array().expect("a list") {
                assert_eq!(outcome["error"], Value::Null, "{mutation}");
            }
        }
        assert_eq!(kinds(&world.events_after(&before).await), expected, "one event for each thing changed");
        tags = json!([]);
    }
    let tag = world.admin.dialogue(&theirs[0], "tags { id }").await["tags"][0]["id"].clone();
    let before = world.cursor().await;
    let untag = format!(
        "mutation($ids: [ID!]!, $tags: [ID!]!) {{ untagDialogues(dialogueIds: $ids, tagIds: $tags) {{ {OUTCOMES} }} }}"
    );
    world.admin.api.run(&untag, json!({ "ids": twice, "tags": [tag] })).await.data();
    assert_eq!(kinds(&world.events_after(&before).await), ["TAG_REMOVED"; 2]);
}

async fn a_hundred_at_a_time_and_no_more(world: World) {
    let channel = world.connect_channel("Shop").await;
    let theirs = dialogues(&world, &channel, 6521, 100).await;
    let before = world.cursor().await;
    for count in [0, 101] {
        let ids = vec![theirs[0].as_str(); count];
        let answer = close(&world.admin, &ids).await;
        assert_eq!((answer.error_code(), answer.error_field()), ("BAD_USER_INPUT", Some("dialogueIds")), "{count}");
    }
    assert!(world.events_after(&before).await.is_empty());
    let answer = close(&world.admin, &theirs).await;
    assert_eq!(answer.at("closeDialogues.outcomes").as_array().expect("a list").len(), 100);
    assert_eq!(kinds(&world.events_after(&before).await), ["DIALOGUE_CLOSED"; 100]);
}
