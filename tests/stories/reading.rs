//! What is unread: per user, client messages after a mark that only moves forward.

use serde_json::{Value, json};

use crate::harness::feed::kinds;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::{Someone, World};

stories!(World:
    client_messages_are_unread_until_they_are_read,
    a_read_mark_only_moves_forward,
    a_new_user_begins_with_everything_read,
    replying_reads_what_came_before_it,
    claiming_and_closing_read_nothing,
    nothing_of_our_own_is_unread,
    reading_on_one_device_shows_on_the_others,
    whoever_sees_a_dialogue_may_mark_it_read,
);

async fn unread(viewer: &Someone, dialogue: &str) -> i64 {
    viewer.dialogue(dialogue, "unreadCount").await["unreadCount"].as_i64().expect("a number")
}

async fn unread_in_list(viewer: &Someone) -> Vec<Value> {
    let list = "{ dialogues(filter: { unreadOnly: true }) { nodes { id } } }";
    let answer = viewer.api.run(list, Value::Null).await;
    answer.get::<Vec<Value>>("dialogues.nodes").into_iter().map(|mut node| node["id"].take()).collect()
}

async fn ids(viewer: &Someone, dialogue: &str) -> Vec<String> {
    let messages = viewer.messages(dialogue).await;
    messages.iter().map(|message| message["id"].as_str().expect("an id").to_owned()).collect()
}

async fn client_messages_are_unread_until_they_are_read(world: World) {
    let employee = world.user("EMPLOYEE").await;
    let channel = world.connect_channel("Shop").await;
    let anna = Person::new(5901);
    let dialogue = world.write(&channel, &anna, "one").await;
    world.write(&channel, &anna, "two").await;
    world.write(&channel, &anna, "three").await;
    assert_eq!((unread(&world.admin, &dialogue).await, unread(&employee, &dialogue).await), (3, 3));
    let messages = ids(&employee, &dialogue).await;

    employee.mark_read(&dialogue, &messages[1]).await;

    assert_eq!((unread(&world.admin, &dialogue).await, unread(&employee, &dialogue).await), (3, 1), "per user");
    assert_eq!(unread_in_list(&employee).await, [json!(dialogue)]);
    employee.mark_read(&dialogue, &messages[2]).await;
    assert!(unread_in_list(&employee).await.is_empty());
    assert_eq!(unread_in_list(&world.admin).await, [json!(dialogue)]);
    world.write(&channel, &anna, "four").await;
    assert_eq!((unread(&world.admin, &dialogue).await, unread(&employee, &dialogue).await), (4, 1));
}

async fn a_read_mark_only_moves_forward(world: World) {
    let channel = world.connect_channel("Shop").await;
    let anna = Person::new(5911);
    let dialogue = world.write(&channel, &anna, "one").await;
    world.write(&channel, &anna, "two").await;
    let messages = ids(&world.admin, &dialogue).await;
    let before = world.cursor().await;

    world.admin.mark_read(&dialogue, &messages[1]).await;
    world.admin.mark_read(&dialogue, &messages[0]).await;
    world.admin.mark_read(&dialogue, &messages[1]).await;

    assert_eq!(unread(&world.admin, &dialogue).await, 0);
    assert_eq!(kinds(&world.events_after(&before).await), ["DIALOGUE_READ"], "told when the count changes");
    let other = world.write(&channel, &Person::new(5912), "Hello").await;
    let elsewhere = ids(&world.admin, &other).await;
    let mark =
        "mutation($id: ID!, $message: ID!) { markRead(dialogueId: $id, upToMessageId: $message) { dialogue { id } } }";
    let answer = world.admin.api.run(mark, json!({ "id": dialogue, "message": elsewhere[0] })).await;
    assert_eq!((answer.error_code(), answer.error_field()), ("BAD_USER_INPUT", Some("upToMessageId")));
}

async fn a_new_user_begins_with_everything_read(world: World) {
    let channel = world.connect_channel("Shop").await;
    let anna = Person::new(5921);
    let dialogue = world.write(&channel, &anna, "one").await;
    let late = world.user("EMPLOYEE").await;
    assert_eq!((unread(&world.admin, &dialogue).await, unread(&late, &dialogue).await), (1, 0));
    assert!(unread_in_list(&late).await.is_empty());
    world.write(&channel, &anna, "two").await;
    assert_eq!((unread(&world.admin, &dialogue).await, unread(&late, &dialogue).await), (2, 1));
    assert_eq!(unread_in_list(&late).await, [json!(dialogue)]);
    let inbox = late.api.run("{ inbox { unassigned { count unreadCount } } }", Value::Null).await;
    assert_eq!(inbox.at("inbox.unassigned"), &json!({ "count": 1, "unreadCount": 1 }));
}

async fn replying_reads_what_came_before_it(world: World) {
    let employee = world.user("EMPLOYEE").await;
    let channel = world.connect_channel("Shop").await;
    let anna = Person::new(5931);
    let dialogue = world.write(&channel, &anna, "one").await;
    world.write(&channel, &anna, "two").await;
    let before = world.cursor().await;

    employee.send(&dialogue, "Hi").await;

    assert_eq!((unread(&world.admin, &dialogue).await, unread(&employee, &dialogue).await), (2, 0));
    let events = world.events_after(&before).await;
    assert_eq!(kinds(&events)[..2], ["DIALOGUE_READ", "MESSAGE_ADDED"], "in this order");
    assert_eq!(events[0]["actor"]["id"], json!(employee.id));
    let before = world.cursor().await;
    employee.send(&dialogue, "Anything else?").await;
    let events = world.events_after(&before).await;
    assert!(!kinds(&events).contains(&"DIALOGUE_READ"), "its count did not change");
}

async fn claiming_and_closing_read_nothing(world: World) {
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &Person::new(5941), "one").await;
    world.admin.act("claimDialogue", "dialogueId", &dialogue).await.data();
    assert_eq!(unread(&world.admin, &dialogue).await, 1);
    world.admin.close(&dialogue).await;
    assert_eq!(unread(&world.admin, &dialogue).await, 1);
    let closed = world.admin.api.run("{ inbox { closed { count unreadCount } } }", Value::Null).await;
    assert_eq!(closed.at("inbox.closed"), &json!({ "count": 1, "unreadCount": 1 }));
    world.admin.act("reopenDialogue", "dialogueId", &dialogue).await.data();
    assert_eq!(unread(&world.admin, &dialogue).await, 1);
}

async fn nothing_of_our_own_is_unread(world: World) {
    let channel = world.connect_channel("Shop").await;
    world
        .set_channel(&channel, json!({ "welcomeText": "Welcome!", "autoReplyEnabled": true, "autoReplyText": "Soon" }))
        .await;
    let dialogue = world.write(&channel, &Person::new(5951), "one").await;
    let colleague = world.user("EMPLOYEE").await;
    assert_eq!(unread(&world.admin, &dialogue).await, 1, "automatic texts do not count");
    let messages = ids(&world.admin, &dialogue).await;
    world.admin.mark_read(&dialogue, &messages[0]).await;

    colleague.send(&dialogue, "Hi").await;
    let comment = "mutation($input: AddCommentInput!) { addComment(input: $input) { comment { id } } }";
    let input = json!({ "dialogueId": dialogue, "text": "Look", "mentionIds": [world.admin.id] });
    colleague.api.run(comment, json!({ "input": input })).await.data();
    colleague.close(&dialogue).await;

    assert_eq!(unread(&world.admin, &dialogue).await, 0);
    assert!(unread_in_list(&world.admin).await.is_empty());
}

async fn reading_on_one_device_shows_on_the_others(world: World) {
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &Person::new(5961), "one").await;
    let colleague = world.user("EMPLOYEE").await;
    let mut other_device = world.follow(&world.admin.api, None).await;
    let mut colleagues = world.follow(&colleague.api, None).await;
    let messages = ids(&world.admin, &dialogue).await;

    world.admin.mark_read(&dialogue, &messages[0]).await;

    for feed in [&mut other_device, &mut colleagues] {
        let event = feed.next().await;
        assert_eq!((&event["kind"], &event["dialogue"]["id"]), (&json!("DIALOGUE_READ"), &json!(dialogue)));
        assert_eq!(event["actor"]["id"], json!(world.admin.id));
    }
    assert_eq!(unread(&world.admin, &dialogue).await, 0);
}

async fn whoever_sees_a_dialogue_may_mark_it_read(world: World) {
    let channel = world.connect_channel("Shop").await;
    let observer = world.user("OBSERVER").await;
    let dialogue = world.write(&channel, &Person::new(5971), "one").await;
    let messages = ids(&world.admin, &dialogue).await;
    let mark = "mutation($id: ID!, $message: ID!) { markRead(dialogueId: $id, upToMessageId: $message) { dialogue { unreadCount } } }";
    let variables = json!({ "id": dialogue, "message": messages[0] });
    assert_eq!(observer.api.run(mark, variables.clone()).await.error_code(), "NOT_FOUND");
    world.admin.set_participant(&dialogue, &observer.id, "OBSERVER").await;
    assert_eq!(unread(&observer, &dialogue).await, 1);
    assert_eq!(observer.api.run(mark, variables).await.at("markRead.dialogue.unreadCount"), &json!(0));
}
