//! What a visitor hears live: all of theirs, once, also after being away and at another server, and nothing else.

use serde_json::{Value, json};

use crate::harness::Backend;
use crate::harness::feed::kinds;
use crate::harness::socket::Socket;
use crate::harness::story::stories;
use crate::harness::visitor::{ORIGIN, Updates, Visitor};
use crate::harness::world::{Channel, Someone, World};

stories!(World:
    who_was_away_hears_what_they_missed_once,
    nothing_of_the_company_reaches_a_visitor,
    who_types_is_told_both_ways,
    visitors_are_heard_and_told_at_every_server,
    a_cursor_of_another_log_is_refused,
);

async fn begun(world: &World) -> (Channel, Visitor, String) {
    let channel = world.connect_website("Shop", &[ORIGIN]).await;
    let visitor = Visitor::start(world, &channel).await;
    visitor.say("Hello").await;
    let dialogue = world.only_dialogue(&channel).await;
    (channel, visitor, dialogue)
}

/// What an update tells, in short.
fn told(update: &Value) -> String {
    let message = &update["message"];
    match (&update["readUpTo"], message["text"].as_str()) {
        (Value::String(_), _) => "read".into(),
        (_, Some(text)) if !message["deletedAt"].is_null() => format!("deleted{text}"),
        (_, Some(text)) => text.to_owned(),
        _ => format!("{update}"),
    }
}

async fn who_was_away_hears_what_they_missed_once(world: World) {
    let (_, visitor, dialogue) = begun(&world).await;
    let chat = visitor.chat().await;
    let mut updates = visitor.follow(chat["cursor"].as_str()).await;
    world.admin.send(&dialogue, "one").await;
    let seen = updates.until_text("one").await;
    let last = seen.last().expect("it is there")["cursor"].as_str().expect("a cursor").to_owned();
    // The laptop sleeps.
    drop(updates);
    let two = world.admin.send(&dialogue, "two").await;
    visitor.at(&world.server.url).say("from the phone").await;
    world.admin.act("deleteMessage", "messageId", &two).await.data();
    world.admin.send(&dialogue, "three").await;

    let mut resumed = visitor.follow(Some(&last)).await;
    let missed = resumed.until_text("three").await;
    world.admin.send(&dialogue, "four").await;
    let live = resumed.until_text("four").await;

    let all: Vec<String> = missed.iter().chain(&live).map(told).collect();
    // An event tells what is by now: "two" is gone when it is told of. The answer reads what the visitor wrote before it.
    assert_eq!(all, ["deleted", "from the phone", "deleted", "read", "three", "four"]);
    let mut cursors: Vec<&Value> = missed.iter().chain(&live).map(|of| &of["cursor"]).collect();
    cursors.sort_by_key(|cursor| cursor.to_string());
    cursors.dedup();
    assert_eq!(cursors.len(), all.len(), "each has its own cursor");

    // A cursor of the chat is as good: nothing that it shows comes again, and nothing later is left out.
    let chat = visitor.chat().await;
    world.admin.send(&dialogue, "five").await;
    let mut anew = visitor.follow(chat["cursor"].as_str()).await;
    assert_eq!(anew.until_text("five").await.len(), 1);
    // One from before the first message: the dialogue's beginning is among what was missed.
    let late = Visitor::start(&world, &world.connect_website("Other", &[ORIGIN]).await).await;
    let empty = late.chat().await;
    late.say("first").await;
    let mut from_the_start = late.follow(empty["cursor"].as_str()).await;
    assert_eq!(from_the_start.message().await["text"], "first");
}

/// Does everything in a dialogue that the company keeps to itself.
async fn everything_internal(world: &World, dialogue: &str, colleague: &Someone) {
    let admin = &world.admin;
    let comment =
        "mutation($d: ID!) { addComment(input: { dialogueId: $d, text: \"SECRET comment\" }) { comment { id } } }";
    let comment: String = admin.api.run(comment, json!({ "d": dialogue })).await.get("addComment.comment.id");
    let edit = "mutation($c: ID!) { editComment(commentId: $c, text: \"SECRET again\") { comment { id } } }";
    admin.api.run(edit, json!({ "c": comment })).await.data();
    admin.act("deleteComment", "commentId", &comment).await.data();
    admin.set_participant(dialogue, &colleague.id, "OBSERVER").await;
    admin.set_participant(dialogue, &colleague.id, "RESPONSIBLE").await;
    let remove = "mutation($d: ID!, $u: ID!) { removeParticipant(dialogueId: $d, userId: $u) { dialogue { id } } }";
    admin.api.run(remove, json!({ "d": dialogue, "u": colleague.id })).await.data();
    let tag = "mutation($d: ID!) { addTags(dialogueId: $d, names: [\"SECRET tag\"]) { dialogue { tags { id } } } }";
    let tag: String = admin.api.run(tag, json!({ "d": dialogue })).await.get("addTags.dialogue.tags.0.id");
    let remove = "mutation($d: ID!, $t: ID!) { removeTags(dialogueId: $d, tagIds: [$t]) { __typename } }";
    admin.api.run(remove, json!({ "d": dialogue, "t": tag })).await.data();
    let task = "mutation($d: ID!) { createTask(input: { title: \"SECRET task\", dialogueId: $d }) { task { id } } }";
    admin.api.run(task, json!({ "d": dialogue })).await.data();
    admin.close(dialogue).await;
    admin.act("reopenDialogue", "dialogueId", dialogue).await.data();
}

async fn nothing_of_the_company_reaches_a_visitor(world: World) {
    let (_, visitor, dialogue) = begun(&world).await;
    let colleague = world.user("EMPLOYEE").await;
    let start = visitor.chat().await["cursor"].as_str().expect("a cursor").to_owned();
    let mut updates = visitor.follow(Some(&start)).await;
    let before = world.cursor().await;

    everything_internal(&world, &dialogue, &colleague).await;
    world.admin.send(&dialogue, "the end").await;

    let happened = world.events_after(&before).await;
    let happened = kinds(&happened);
    for kind in [
        "COMMENT_ADDED",
        "COMMENT_EDITED",
        "COMMENT_DELETED",
        "TAG_ADDED",
        "TAG_REMOVED",
        "PARTICIPANT_ADDED",
        "DIALOGUE_CLOSED",
    ] {
        assert!(happened.contains(&kind), "{kind} has to happen for this to tell anything: {happened:?}");
    }
    let live = updates.until_text("the end").await;
    let mut again = visitor.follow(Some(&start)).await;
    let resumed = again.until_text("the end").await;
    for all in [live, resumed] {
        assert_eq!(all.iter().map(told).collect::<Vec<_>>(), ["read", "the end"], "{all:#?}");
        let text = serde_json::to_string(&all).expect("JSON");
        for word in ["SECRET", "@example.com", &world.admin.id, &colleague.id] {
            assert!(!text.contains(word), "{word} is in {text}");
        }
    }
    let chat = visitor.chat().await.to_string();
    assert!(!chat.contains("SECRET") && !chat.contains("@example.com") && !chat.contains(&world.admin.id), "{chat}");
}

async fn desk(someone: &Someone, dialogue: &str) -> (Socket, crate::harness::socket::Operation) {
    let socket = Socket::connect(&format!("{}/graphql", someone.api.url), someone.api.token.as_deref()).await;
    let document = "subscription($d: ID!) { typing(dialogueId: $d) { actor { __typename } } }";
    let operation = socket.subscribe(document, json!({ "d": dialogue }));
    socket.ping().await;
    (socket, operation)
}

/// Has an employee type until the visitor is told.
async fn typed(by: &Someone, dialogue: &str, updates: &mut Updates) -> Value {
    by.act("setTyping", "dialogueId", dialogue).await.data();
    updates.next().await
}

async fn who_types_is_told_both_ways(world: World) {
    let (channel, visitor, dialogue) = begun(&world).await;
    let other = Visitor::start(&world, &channel).await;
    other.say("Hello, too").await;
    let mut updates = visitor.follow(None).await;
    let mut others = other.follow(None).await;
    updates.socket.ping().await;
    world.admin.send(&dialogue, "a moment").await;
    updates.until_text("a moment").await;
    let (_socket, mut operator) = desk(&world.admin, &dialogue).await;
    let before = world.cursor().await;

    let update = typed(&world.admin, &dialogue, &mut updates).await;
    assert_eq!((&update["typing"]["name"], &update["cursor"]), (&json!("Administrator"), &Value::Null));
    assert!(update["typing"]["until"].is_string() && update["message"].is_null());
    visitor.act("setTyping", None).await.data();
    assert_eq!(operator.next().await["data"]["typing"]["actor"]["__typename"], "Client");
    let stranger = Visitor::start(&world, &channel).await;
    assert_eq!(stranger.act("setTyping", None).await.at("setTyping"), &json!(true), "to nobody, before a message");
    assert!(world.events_after(&before).await.iter().all(|of| of["kind"] == "MESSAGE_DELIVERY_CHANGED"), "in no log");
    other.say("still here").await;
    assert_eq!(others.message().await["text"], "still here", "what is typed to one is not told to another");
}

async fn visitors_are_heard_and_told_at_every_server(world: World) {
    if world.backend == Backend::Sqlite {
        // One process alone serves it.
        return;
    }
    let server = world.another().await;
    let channel = world.connect_website("Shop", &[ORIGIN]).await;
    let here = Visitor::start(&world, &channel).await;
    let there = here.at(&server.url);
    let colleague = world.admin.at(&server.url);
    let mut updates = [here.follow(None).await, there.follow(None).await];

    there.say("Hello").await;
    for updates in &mut updates {
        assert_eq!(updates.message().await["text"], "Hello", "also who had no dialogue when they began to listen");
    }
    let dialogue = world.only_dialogue(&channel).await;
    colleague.send(&dialogue, "Good day").await;
    let mut cursors = Vec::new();
    for updates in &mut updates {
        let told = updates.until_text("Good day").await;
        cursors.push(told.last().expect("it is there")["cursor"].clone());
    }
    assert_eq!(cursors[0], cursors[1], "one log");
    for someone in [&world.admin, &colleague] {
        for updates in &mut updates {
            assert_eq!(typed(someone, &dialogue, updates).await["typing"]["name"], "Administrator");
        }
        // Each was told of both.
        for updates in &mut updates {
            assert_eq!(updates.next().await["typing"]["name"], "Administrator");
        }
    }
    // A cursor from one server, at the other.
    world.admin.send(&dialogue, "later").await;
    let mut resumed = here.at(&server.url).follow(cursors[0].as_str()).await;
    assert_eq!(resumed.until_text("later").await.iter().map(told).collect::<Vec<_>>(), ["later"]);
    // The channel ends at one server, and at the other the connections do.
    world.admin.act("disconnectChannel", "channelId", &channel.id).await.data();
    assert_eq!(resumed.socket.closed().await.0, 4403);
}

async fn a_cursor_of_another_log_is_refused(world: World) {
    let (_, visitor, _) = begun(&world).await;
    let socket = visitor.connect().await.expect("a socket");
    for after in ["nonsense", "AAAAAAAAAAEAAAAB"] {
        let mut refused =
            socket.subscribe("subscription($a: String) { updates(after: $a) { cursor } }", json!({ "a": after }));
        let message = refused.message().await;
        let errors = if message["type"] == "error" { &message["payload"] } else { &message["payload"]["errors"] };
        assert_eq!(errors[0]["extensions"], json!({ "code": "BAD_USER_INPUT", "field": "after" }), "{message}");
    }
}
