//! Comments: employees' notes, and calling one another by them.

use serde_json::{Value, json};

use crate::harness::client::Answer;
use crate::harness::feed::{Feed, events_in_short};
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::{Someone, World};

stories!(World:
    who_is_mentioned_hears_of_it_and_finds_it_later,
    only_who_may_see_the_dialogue_can_be_mentioned,
    whoever_loses_the_dialogue_loses_its_mentions,
);

#[track_caller]
fn comment(someone: &Someone, dialogue: &str, mentions: &[&str]) -> impl Future<Output = Answer> + use<> {
    let add = "mutation($input: AddCommentInput!) { addComment(input: $input) { comment { id mentions { id } } } }";
    someone.api.run(add, json!({ "input": { "dialogueId": dialogue, "text": "Look", "mentionIds": mentions } }))
}

/// The dialogues in which somebody was called, from old to new.
async fn mentions(someone: &Someone) -> Vec<Value> {
    let list = "{ events(filter: { mentioningMe: true, kinds: [COMMENT_ADDED] }) {
        nodes { dialogue { id } ... on CommentEvent { comment { text } } }
    } }";
    someone.api.run(list, Value::Null).await.get("events.nodes")
}

async fn who_is_mentioned_hears_of_it_and_finds_it_later(world: World) {
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &Person::new(6601), "Hello").await;
    let (employee, other) = (world.user("EMPLOYEE").await, world.user("EMPLOYEE").await);
    let observer = world.user("OBSERVER").await;
    world.admin.set_participant(&dialogue, &observer.id, "OBSERVER").await;
    let mut live = Vec::new();
    for someone in [&employee, &observer, &other] {
        live.push(Feed::follow_filtered(&someone.api, json!({ "mentioningMe": true }), None).await);
    }

    comment(&world.admin, &dialogue, &[]).await.data();
    let called = comment(&world.admin, &dialogue, &[&employee.id, &observer.id, &employee.id]).await;
    let id: String = called.get("addComment.comment.id");
    let named: Vec<Value> = called.get("addComment.comment.mentions");
    assert_eq!(named.len(), 2, "whoever is named twice is called once");
    comment(&world.admin, &dialogue, &[&other.id]).await.data();

    for (feed, someone) in live.iter_mut().zip([&employee, &observer, &other]) {
        let event = feed.next().await;
        assert_eq!(event["kind"], "COMMENT_ADDED");
        let found = mentions(someone).await;
        assert_eq!(found, [json!({ "dialogue": { "id": dialogue }, "comment": { "text": "Look" } })]);
    }
    assert!(mentions(&world.admin).await.is_empty());

    let edit = "mutation($id: ID!) { editComment(commentId: $id, text: \"Look here\") { comment { id } } }";
    world.admin.api.run(edit, json!({ "id": id })).await.data();
    assert_eq!(live[0].next().await["kind"], "COMMENT_EDITED");
    assert_eq!(mentions(&employee).await[0]["comment"]["text"], "Look here");
    let delete = "mutation($id: ID!) { deleteComment(commentId: $id) { dialogue { id } } }";
    world.admin.api.run(delete, json!({ "id": id })).await.data();
    assert_eq!(live[0].next().await["kind"], "COMMENT_DELETED");
    assert_eq!(mentions(&employee).await[0]["comment"], Value::Null, "that they were called stays in the log");
}

async fn only_who_may_see_the_dialogue_can_be_mentioned(world: World) {
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &Person::new(6611), "Hello").await;
    let stranger = world.user("OBSERVER").await;
    let gone = world.user("EMPLOYEE").await;
    let deactivate = "mutation($id: ID!) { updateUser(input: { userId: $id, isActive: false }) { user { id } } }";
    world.admin.api.run(deactivate, json!({ "id": gone.id })).await.data();
    let before = world.cursor().await;
    for named in [&stranger.id[..], &gone.id, "usr_nobody", ""] {
        let answer = comment(&world.admin, &dialogue, &[&world.admin.id, named]).await;
        assert_eq!(
            (answer.error_code(), answer.error_field()),
            ("BAD_USER_INPUT", Some("input.mentionIds")),
            "{named}"
        );
    }
    assert!(world.events_after(&before).await.is_empty(), "and nothing of it was done");
    let theirs = stranger.api.run("query($id: ID!) { dialogue(id: $id) { id } }", json!({ "id": dialogue })).await;
    assert_eq!(theirs.at("dialogue"), &Value::Null, "naming them does not let them in");
    assert!(events_in_short(&stranger.api, &before, "kind").await.is_empty());
}

async fn whoever_loses_the_dialogue_loses_its_mentions(world: World) {
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &Person::new(6621), "Hello").await;
    let observer = world.user("OBSERVER").await;
    world.admin.set_participant(&dialogue, &observer.id, "OBSERVER").await;
    comment(&world.admin, &dialogue, &[&observer.id]).await.data();
    assert_eq!(mentions(&observer).await.len(), 1);
    let remove = "mutation($d: ID!, $u: ID!) { removeParticipant(dialogueId: $d, userId: $u) { dialogue { id } } }";
    world.admin.api.run(remove, json!({ "d": dialogue, "u": observer.id })).await.data();
    assert!(mentions(&observer).await.is_empty());
}
