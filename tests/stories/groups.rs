//! The four groups of a viewer's list, claiming, and the order of the list.

mod kept;

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::client::Answer;
use crate::harness::feed::kinds;
use crate::harness::socket::Socket;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::{Channel, Someone, World};

stories!(World:
    groups_are_disjoint_and_together_everything_one_may_see,
    of_many_who_claim_at_once_exactly_one_wins,
    a_deactivated_responsible_counts_as_none,
    closing_may_depend_on_the_last_message,
    the_counters_follow_what_happens,
    only_activity_moves_a_dialogue_up,
);

const GROUPS: [&str; 4] = ["MINE", "UNASSIGNED", "OTHERS", "CLOSED"];

async fn in_group(viewer: &Someone, group: Option<&str>) -> BTreeSet<String> {
    let list = "query($group: DialogueGroup) { dialogues(filter: { group: $group }, first: 100) { totalCount nodes { id group } } }";
    let answer = viewer.api.run(list, json!({ "group": group })).await;
    let nodes: Vec<Value> = answer.get("dialogues.nodes");
    assert_eq!(answer.at("dialogues.totalCount"), &json!(nodes.len()));
    assert!(nodes.iter().all(|node| group.is_none_or(|group| node["group"] == group)), "{group:?}: {nodes:?}");
    nodes.iter().map(|node| node["id"].as_str().expect("an id").to_owned()).collect()
}

async fn counters(viewer: &Someone) -> Value {
    let inbox = "{ inbox { mine { ...C } unassigned { ...C } others { ...C } closed { ...C } } } fragment C on InboxGroup { count unreadCount }";
    viewer.api.run(inbox, Value::Null).await.at("inbox").clone()
}

async fn list(viewer: &Someone) -> Vec<String> {
    let answer = viewer.api.run("{ dialogues(first: 100) { nodes { id } } }", Value::Null).await;
    let nodes: Vec<Value> = answer.get("dialogues.nodes");
    nodes.iter().map(|node| node["id"].as_str().expect("an id").to_owned()).collect()
}

async fn several(world: &World, channel: &Channel, first: i64, count: i64) -> Vec<String> {
    let mut dialogues = Vec::new();
    for person in first..first + count {
        dialogues.push(world.write(channel, &Person::new(person), "Hello").await);
    }
    dialogues
}

async fn groups_are_disjoint_and_together_everything_one_may_see(world: World) {
    let channel = world.connect_channel("Shop").await;
    let employee = world.user("EMPLOYEE").await;
    let observer = world.user("OBSERVER").await;
    let dialogues = several(&world, &channel, 5801, 9).await;
    let admin = &world.admin;
    // 0: nobody. 1: the employee. 2: the administrator. 3: both. 4: closed. 5: the observer, responsible.
    // 6: the observer looks on in the employee's. 7: the observer looks on in nobody's. 8: closed, of the observer.
    admin.set_participant(&dialogues[1], &employee.id, "RESPONSIBLE").await;
    admin.set_participant(&dialogues[2], &admin.id, "RESPONSIBLE").await;
    admin.set_participant(&dialogues[3], &employee.id, "RESPONSIBLE").await;
    admin.set_participant(&dialogues[3], &admin.id, "RESPONSIBLE").await;
    admin.close(&dialogues[4]).await;
    admin.set_participant(&dialogues[5], &observer.id, "RESPONSIBLE").await;
    admin.set_participant(&dialogues[6], &employee.id, "RESPONSIBLE").await;
    admin.set_participant(&dialogues[6], &observer.id, "OBSERVER").await;
    admin.set_participant(&dialogues[7], &observer.id, "OBSERVER").await;
    admin.set_participant(&dialogues[8], &observer.id, "RESPONSIBLE").await;
    admin.close(&dialogues[8]).await;

    let expected: [(&Someone, [&[usize]; 4]); 3] = [
        (admin, [&[2, 3], &[0, 7], &[1, 5, 6], &[4, 8]]),
        (&employee, [&[1, 3, 6], &[0, 7], &[2, 5], &[4, 8]]),
        (&observer, [&[5], &[7], &[6], &[8]]),
    ];
    for (viewer, groups) in expected {
        let counted = counters(viewer).await;
        let mut together = BTreeSet::new();
        for (group, members) in GROUPS.into_iter().zip(groups) {
            let members: BTreeSet<String> = members.iter().map(|nth| dialogues[*nth].clone()).collect();
            assert_eq!(in_group(viewer, Some(group)).await, members, "{group} of {}", viewer.id);
            let counter = &counted[group.to_lowercase()];
            assert_eq!(counter["count"], json!(members.len()), "{group} of {}", viewer.id);
            assert!(together.is_disjoint(&members));
            together.extend(members);
        }
        assert_eq!(in_group(viewer, None).await, together);
    }
}

async fn of_many_who_claim_at_once_exactly_one_wins(world: World) {
    let channel = world.connect_channel("Shop").await;
    let mut people = Vec::new();
    for _ in 0..6 {
        people.push(world.user("EMPLOYEE").await);
    }
    let dialogue = world.write(&channel, &Person::new(5821), "Hello").await;
    let before = world.cursor().await;

    let answers = join_all(people.iter().map(|person| person.act("claimDialogue", "dialogueId", &dialogue))).await;

    let (won, lost): (Vec<(usize, &Answer)>, Vec<_>) =
        answers.iter().enumerate().partition(|(_, answer)| answer.errors().is_empty());
    assert_eq!((won.len(), lost.len()), (1, 5));
    let winner = &people[won[0].0];
    for (_, answer) in lost {
        assert_eq!(answer.error_code(), "CONFLICT");
        assert_eq!(answer.error()["extensions"]["holderIds"], json!([winner.id]));
    }
    let events = world.events_after(&before).await;
    assert_eq!(kinds(&events), ["PARTICIPANT_ADDED"]);
    assert_eq!((&events[0]["user"]["id"], &events[0]["role"]), (&json!(winner.id), &json!("RESPONSIBLE")));
    winner.act("claimDialogue", "dialogueId", &dialogue).await.data();
    assert_eq!(world.events_after(&before).await.len(), 1, "theirs already");

    world.admin.close(&dialogue).await;
    for person in &people {
        let answer = person.act("claimDialogue", "dialogueId", &dialogue).await;
        assert_eq!(answer.error_code(), "CONFLICT", "closed, whoever has it");
    }
}

async fn a_deactivated_responsible_counts_as_none(world: World) {
    let channel = world.connect_channel("Shop").await;
    let gone = world.user("EMPLOYEE").await;
    let dialogue = world.write(&channel, &Person::new(5831), "Hello").await;
    gone.act("claimDialogue", "dialogueId", &dialogue).await.data();
    let group = async || world.admin.dialogue(&dialogue, "group").await["group"].clone();
    assert_eq!(group().await, "OTHERS");

    let update = "mutation($input: UpdateUserInput!) { updateUser(input: $input) { user { isActive } } }";
    world.admin.api.run(update, json!({ "input": { "userId": gone.id, "isActive": false } })).await.data();

    assert_eq!(group().await, "UNASSIGNED");
    assert_eq!(counters(&world.admin).await["unassigned"]["count"], 1);
    world.admin.act("claimDialogue", "dialogueId", &dialogue).await.data();
    assert_eq!(group().await, "MINE");
}

async fn closing_may_depend_on_the_last_message(world: World) {
    let channel = world.connect_channel("Shop").await;
    let anna = Person::new(5841);
    let dialogue = world.write(&channel, &anna, "Thank you").await;
    let last = world.admin.messages(&dialogue).await[0]["id"].clone();
    world.write(&channel, &anna, "One more thing").await;
    let close = async |last: &Value| {
        let close = "mutation($id: ID!, $last: ID) { closeDialogue(dialogueId: $id, ifLastMessageId: $last) { dialogue { state } } }";
        world.admin.api.run(close, json!({ "id": dialogue, "last": last })).await
    };
    assert_eq!(close(&last).await.error_code(), "CONFLICT");
    assert_eq!(world.admin.dialogue(&dialogue, "state").await["state"], "OPEN");
    let last = world.admin.messages(&dialogue).await[1]["id"].clone();
    // What an employee writes is no reason.
    world.admin.send(&dialogue, "Yes?").await;
    assert_eq!(close(&last).await.at("closeDialogue.dialogue.state"), "CLOSED");
    let before = world.cursor().await;
    assert_eq!(close(&Value::Null).await.at("closeDialogue.dialogue.state"), "CLOSED");
    assert_eq!(world.events_after(&before).await.iter().filter(|e| e["kind"] == "DIALOGUE_CLOSED").count(), 0);
}

async fn the_counters_follow_what_happens(world: World) {
    let channel = world.connect_channel("Shop").await;
    let employee = world.user("EMPLOYEE").await;
    let socket = Socket::connect(&format!("{}/graphql", world.server.url), employee.api.token.as_deref()).await;
    let mut inbox = socket.subscribe(
        "subscription { inbox { mine { count unreadCount } unassigned { count unreadCount } others { count } closed { count } } }",
        Value::Null,
    );
    // Counters may skip states that lasted but a moment; they end in the last.
    let mut until = async |wanted: Value| {
        loop {
            let told = inbox.next().await;
            assert!(told["errors"].is_null(), "{told:#}");
            if told["data"]["inbox"] == wanted {
                return;
            }
        }
    };
    let state = |mine: [i32; 2], unassigned: [i32; 2], others: i32, closed: i32| {
        let two = |[count, unread]: [i32; 2]| json!({ "count": count, "unreadCount": unread });
        json!({ "mine": two(mine), "unassigned": two(unassigned), "others": { "count": others }, "closed": { "count": closed } })
    };
    until(state([0, 0], [0, 0], 0, 0)).await;
    let dialogue = world.write(&channel, &Person::new(5851), "Hello").await;
    until(state([0, 0], [1, 1], 0, 0)).await;
    employee.act("claimDialogue", "dialogueId", &dialogue).await.data();
    until(state([1, 1], [0, 0], 0, 0)).await;
    employee.send(&dialogue, "Hi").await;
    until(state([1, 0], [0, 0], 0, 0)).await;
    let remove =
        "mutation($id: ID!, $user: ID!) { removeParticipant(dialogueId: $id, userId: $user) { dialogue { id } } }";
    world.admin.api.run(remove, json!({ "id": dialogue, "user": employee.id })).await.data();
    world.admin.act("claimDialogue", "dialogueId", &dialogue).await.data();
    until(state([0, 0], [0, 0], 1, 0)).await;
    world.admin.close(&dialogue).await;
    until(state([0, 0], [0, 0], 0, 1)).await;
}

async fn only_activity_moves_a_dialogue_up(world: World) {
    let channel = world.connect_channel("Shop").await;
    let anna = Person::new(5860);
    let first = world.write(&channel, &anna, "Hello").await;
    let rest = several(&world, &channel, 5861, 2).await;
    let order = [rest[1].clone(), rest[0].clone(), first.clone()];
    assert_eq!(list(&world.admin).await, order, "the latest activity first");

    let message = world.admin.messages(&first).await[0]["id"].as_str().expect("an id").to_owned();
    world.admin.mark_read(&first, &message).await;
    world.admin.set_participant(&first, &world.admin.id, "RESPONSIBLE").await;
    let comment = "mutation($input: AddCommentInput!) { addComment(input: $input) { comment { id } } }";
    world.admin.api.run(comment, json!({ "input": { "dialogueId": first, "text": "Note" } })).await.data();
    let tag = "mutation($id: ID!) { addTags(dialogueId: $id, names: [\"vip\"]) { dialogue { id } } }";
    world.admin.api.run(tag, json!({ "id": first })).await.data();
    assert_eq!(list(&world.admin).await, order, "none of these is activity");

    let is_first = async |dialogue: &String, what: &str| {
        assert_eq!(&list(&world.admin).await[0], dialogue, "{what}");
    };
    world.admin.send(&first, "Hi").await;
    is_first(&first, "an employee's message").await;
    world.admin.close(&rest[0]).await;
    is_first(&rest[0], "closing").await;
    world.admin.close(&rest[1]).await;
    world.admin.act("reopenDialogue", "dialogueId", &rest[0]).await.data();
    is_first(&rest[0], "reopening").await;
    world.write(&channel, &anna, "And?").await;
    is_first(&first, "a client's message").await;
}
