//! The queue: who becomes responsible, strictly in turn.

use std::collections::HashMap;

use futures_util::StreamExt as _;
use futures_util::stream;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::Backend;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::{Channel, Someone, World};

stories!(World:
    dialogues_go_round_the_queue,
    an_empty_queue_leaves_dialogues_unassigned,
    deactivated_managers_are_passed_over,
    a_changed_queue_goes_on_after_the_last_manager,
    a_reopened_dialogue_stays_with_an_active_responsible,
    hundreds_of_dialogues_at_once_are_shared_out_in_turn,
);

/// Who is responsible for a dialogue that this person begins.
async fn given(world: &World, channel: &Channel, person: i64) -> Vec<String> {
    let dialogue = world.write(channel, &Person::new(person), "Hello").await;
    responsibles(world, &dialogue).await
}

async fn responsibles(world: &World, dialogue: &str) -> Vec<String> {
    let now = world.admin.dialogue(dialogue, "participants { user { id } role }").await;
    let all = now["participants"].as_array().expect("participants").iter();
    let responsible = all.filter(|one| one["role"] == "RESPONSIBLE");
    responsible.map(|one| one["user"]["id"].as_str().expect("an id").to_owned()).collect()
}

async fn managers(world: &World, channel: &Channel, count: usize) -> Vec<Someone> {
    let mut managers = Vec::new();
    for _ in 0..count {
        managers.push(world.user("EMPLOYEE").await);
    }
    queue(world, channel, &managers.iter().collect::<Vec<_>>()).await;
    managers
}

async fn queue(world: &World, channel: &Channel, managers: &[&Someone]) {
    let ids: Vec<&str> = managers.iter().map(|manager| manager.id.as_str()).collect();
    world.set_channel(channel, json!({ "queueUserIds": ids })).await;
}

async fn set_active(world: &World, user: &Someone, active: bool) {
    let update = "mutation($input: UpdateUserInput!) { updateUser(input: $input) { user { isActive } } }";
    world.admin.api.run(update, json!({ "input": { "userId": user.id, "isActive": active } })).await.data();
}

async fn dialogues_go_round_the_queue(world: World) {
    let channel = world.connect_channel("Shop").await;
    let managers = managers(&world, &channel, 3).await;
    for person in 0..7 {
        let turn = &managers[person as usize % 3];
        assert_eq!(given(&world, &channel, 5200 + person).await, std::slice::from_ref(&turn.id), "dialogue {person}");
    }
    // Each channel has its own turn.
    let other = world.connect_channel("Help").await;
    queue(&world, &other, &managers.iter().collect::<Vec<_>>()).await;
    assert_eq!(given(&world, &other, 5200).await, [managers[0].id.clone()]);
}

async fn an_empty_queue_leaves_dialogues_unassigned(world: World) {
    let channel = world.connect_channel("Shop").await;
    assert!(given(&world, &channel, 5211).await.is_empty());
    let answer = world.admin.api.run("{ inbox { unassigned { count } } }", Value::Null).await;
    assert_eq!(answer.at("inbox.unassigned.count"), &json!(1));
}

async fn deactivated_managers_are_passed_over(world: World) {
    let channel = world.connect_channel("Shop").await;
    let managers = managers(&world, &channel, 3).await;
    set_active(&world, &managers[1], false).await;
    assert_eq!(given(&world, &channel, 5221).await, [managers[0].id.clone()]);
    assert_eq!(given(&world, &channel, 5222).await, [managers[2].id.clone()]);
    set_active(&world, &managers[1], true).await;
    assert_eq!(given(&world, &channel, 5223).await, [managers[0].id.clone()]);
    assert_eq!(given(&world, &channel, 5224).await, [managers[1].id.clone()], "back in turn");
    for manager in &managers {
        set_active(&world, manager, false).await;
    }
    assert!(given(&world, &channel, 5225).await.is_empty(), "nobody is left");
}

async fn a_changed_queue_goes_on_after_the_last_manager(world: World) {
    let channel = world.connect_channel("Shop").await;
    let [a, b, c, d] = &managers(&world, &channel, 4).await[..] else { unreachable!("four were asked for") };
    queue(&world, &channel, &[a, b, c]).await;
    assert_eq!(given(&world, &channel, 5231).await, std::slice::from_ref(&a.id));
    assert_eq!(given(&world, &channel, 5232).await, std::slice::from_ref(&b.id));
    queue(&world, &channel, &[d, c, b, a]).await;
    assert_eq!(given(&world, &channel, 5233).await, std::slice::from_ref(&a.id), "who follows b now");
    queue(&world, &channel, &[d, c, b]).await;
    assert_eq!(given(&world, &channel, 5234).await, std::slice::from_ref(&d.id), "a left: who followed them is next");
    queue(&world, &channel, &[]).await;
    assert!(given(&world, &channel, 5235).await.is_empty());
}

async fn a_reopened_dialogue_stays_with_an_active_responsible(world: World) {
    let channel = world.connect_channel("Shop").await;
    let managers = managers(&world, &channel, 2).await;
    let anna = Person::new(5241);
    let dialogue = world.write(&channel, &anna, "Hello").await;
    assert_eq!(responsibles(&world, &dialogue).await, [managers[0].id.clone()]);

    world.admin.close(&dialogue).await;
    world.write(&channel, &anna, "Again").await;
    assert_eq!(responsibles(&world, &dialogue).await, [managers[0].id.clone()], "no turn is taken");

    world.admin.close(&dialogue).await;
    set_active(&world, &managers[0], false).await;
    world.write(&channel, &anna, "And again").await;
    let now = responsibles(&world, &dialogue).await;
    assert!(now.contains(&managers[1].id), "no active one was left: the next of the queue, {now:?}");
}

/// On PostgreSQL by three servers; on SQLite one is all there can be.
async fn hundreds_of_dialogues_at_once_are_shared_out_in_turn(world: World) {
    const DIALOGUES: i64 = 300;
    let channel = world.connect_channel("Shop").await;
    let managers = managers(&world, &channel, 3).await;
    let mut others = Vec::new();
    if world.backend == Backend::Postgres {
        others.extend([world.another().await, world.another().await]);
    }
    let mut servers = vec![world.server.url.as_str()];
    servers.extend(others.iter().map(|server| server.url.as_str()));
    let before = world.cursor().await;

    let updates: Vec<(&str, Value)> =
        (0..DIALOGUES).map(|n| (servers[n as usize % servers.len()], Person::new(6000 + n).says("Hello"))).collect();
    let deliver = |(server, update): &(&str, Value)| {
        let (world, channel, server, update) = (&world, &channel, server.to_string(), update.clone());
        async move { world.deliver_at(&server, channel, &update).await }
    };
    let statuses: Vec<StatusCode> = stream::iter(updates.iter().map(deliver)).buffer_unordered(24).collect().await;
    assert!(statuses.iter().all(|status| *status == StatusCode::OK), "{statuses:?}");

    let events = world.events_after(&before).await;
    let turns: Vec<&str> = events
        .iter()
        .filter(|event| event["kind"] == "PARTICIPANT_ADDED")
        .map(|event| event["user"]["id"].as_str().expect("an id"))
        .collect();
    let mut shares: HashMap<&str, usize> = HashMap::new();
    turns.iter().for_each(|user| *shares.entry(user).or_default() += 1);
    assert_eq!(managers.iter().map(|manager| shares[manager.id.as_str()]).collect::<Vec<_>>(), [100, 100, 100]);
    let in_turn = turns.iter().enumerate().all(|(turn, user)| *user == managers[turn % 3].id);
    assert!(in_turn, "not strictly in turn: {turns:?}");
    let opened = events.iter().filter(|event| event["kind"] == "DIALOGUE_OPENED").count();
    assert_eq!(opened, 300);
}
