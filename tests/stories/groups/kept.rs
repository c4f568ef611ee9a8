//! The lists of the groups hold what each dialogue says of itself: what is kept for them follows every change.

use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use super::{GROUPS, in_group, several};
use crate::harness::client::Answer;
use crate::harness::story::stories;
use crate::harness::world::{Someone, World};

stories!(World: each_change_moves_a_dialogue_to_its_group, a_dialogue_is_in_its_group_whatever_happens_at_once);

async fn activate(world: &World, user: &Someone, is_active: bool) {
    let update = "mutation($input: UpdateUserInput!) { updateUser(input: $input) { user { isActive } } }";
    world.admin.api.run(update, json!({ "input": { "userId": user.id, "isActive": is_active } })).await.data();
}

async fn remove(world: &World, dialogue: &str, user: &Someone) -> Answer {
    let remove = "mutation($d: ID!, $u: ID!) { removeParticipant(dialogueId: $d, userId: $u) { dialogue { id } } }";
    world.admin.api.run(remove, json!({ "d": dialogue, "u": user.id })).await
}

/// The group in whose list it is; also that this is the one it names, and that it is in no other.
async fn group(viewer: &Someone, dialogue: &str) -> &'static str {
    let mut found = Vec::new();
    for group in GROUPS {
        if in_group(viewer, Some(group)).await.contains(dialogue) {
            found.push(group);
        }
    }
    assert_eq!(found.len(), 1, "{found:?}");
    found[0]
}

async fn each_change_moves_a_dialogue_to_its_group(world: World) {
    let channel = world.connect_channel("Shop").await;
    let (one, other) = (world.user("EMPLOYEE").await, world.user("EMPLOYEE").await);
    let dialogue = &several(&world, &channel, 5901, 1).await[0];
    let admin = &world.admin;
    let reopen = async || admin.act("reopenDialogue", "dialogueId", dialogue).await.data().clone();

    assert_eq!(group(admin, dialogue).await, "UNASSIGNED");
    admin.set_participant(dialogue, &one.id, "RESPONSIBLE").await;
    assert_eq!((group(admin, dialogue).await, group(&one, dialogue).await), ("OTHERS", "MINE"));
    admin.set_participant(dialogue, &one.id, "OBSERVER").await;
    assert_eq!(group(&one, dialogue).await, "UNASSIGNED");
    admin.set_participant(dialogue, &one.id, "RESPONSIBLE").await;
    admin.set_participant(dialogue, &other.id, "RESPONSIBLE").await;
    remove(&world, dialogue, &one).await.data();
    assert_eq!(group(&one, dialogue).await, "OTHERS");
    remove(&world, dialogue, &other).await.data();
    assert_eq!(group(&one, dialogue).await, "UNASSIGNED");

    // Closed, it is nobody's; open again, it is whose it was.
    admin.set_participant(dialogue, &one.id, "RESPONSIBLE").await;
    admin.close(dialogue).await;
    assert_eq!(group(&one, dialogue).await, "CLOSED");
    reopen().await;
    assert_eq!((group(admin, dialogue).await, group(&one, dialogue).await), ("OTHERS", "MINE"));

    // Somebody who leaves and comes back, with it open and with it closed.
    activate(&world, &one, false).await;
    assert_eq!(group(admin, dialogue).await, "UNASSIGNED");
    admin.close(dialogue).await;
    activate(&world, &one, true).await;
    reopen().await;
    assert_eq!(group(admin, dialogue).await, "OTHERS");
    admin.close(dialogue).await;
    activate(&world, &one, false).await;
    reopen().await;
    assert_eq!(group(admin, dialogue).await, "UNASSIGNED");
    activate(&world, &one, true).await;
    assert_eq!(group(admin, dialogue).await, "OTHERS");
    admin.set_participant(dialogue, &other.id, "RESPONSIBLE").await;
    activate(&world, &one, false).await;
    assert_eq!((group(admin, dialogue).await, group(&other, dialogue).await), ("OTHERS", "MINE"));
}

async fn a_dialogue_is_in_its_group_whatever_happens_at_once(world: World) {
    let channel = world.connect_channel("Shop").await;
    let (one, other) = (world.user("EMPLOYEE").await, world.user("EMPLOYEE").await);
    let dialogues = several(&world, &channel, 5921, 12).await;
    let admin = &world.admin;
    let set = "mutation($d: ID!, $u: ID!) { setParticipant(dialogueId: $d, userId: $u, role: RESPONSIBLE) { dialogue { id } } }";
    let turmoil = dialogues.iter().enumerate().map(async |(number, dialogue)| {
        for round in 0..4 {
            // Whether they are active just then decides whether it is allowed.
            let answer = admin.api.run(set, json!({ "d": dialogue, "u": one.id })).await;
            assert!(answer.errors().iter().all(|error| error["extensions"]["code"] == "BAD_USER_INPUT"), "{answer}");
            match (number + round) % 3 {
                0 => remove(&world, dialogue, &one).await.data().clone(),
                1 => {
                    admin.close(dialogue).await;
                    admin.act("reopenDialogue", "dialogueId", dialogue).await.data().clone()
                }
                _ => Value::Null,
            };
        }
    });
    let leaving = async {
        for round in 0..6 {
            activate(&world, &one, round % 2 == 1).await;
        }
        activate(&world, &one, false).await;
    };
    join(join_all(turmoil), leaving).await;

    for viewer in [admin, &other] {
        for dialogue in &dialogues {
            assert_eq!(group(viewer, dialogue).await, "UNASSIGNED", "its one responsible has left");
        }
    }
    activate(&world, &one, true).await;
    let mut theirs = 0;
    for dialogue in &dialogues {
        let has = admin.dialogue(dialogue, "participants { user { id } }").await != json!({ "participants": [] });
        theirs += usize::from(has);
        assert_eq!(group(admin, dialogue).await, if has { "OTHERS" } else { "UNASSIGNED" });
    }
    assert!(theirs > 0, "nobody was left with anything");
}
