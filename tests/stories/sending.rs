//! A message to a client: queued, sent in order, and what its delivery tells.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::Backend;
use crate::harness::feed::kinds;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::{Channel, Someone, World};
use colloquy_sandbox::telegram::Fault;

stories!(World:
    an_answer_is_queued_and_then_sent,
    messages_of_a_dialogue_leave_in_order,
    a_reply_points_at_what_it_answers,
    what_is_written_is_sent_as_it_is,
    a_text_that_is_too_long_is_refused,
    one_idempotency_key_is_one_message,
    answering_a_closed_dialogue_reopens_it,
    a_failed_message_can_be_sent_again,
    a_blocked_bot_is_a_final_fault,
    a_disconnected_channel_sends_nothing,
);

stories!(Slow: the_messengers_limits_are_kept);

/// A world in which a chat takes a message each 100 ms, as Telegram takes one a second.
struct Slow(World);

impl Slow {
    async fn start(backend: Backend) -> Self {
        Self(World::start_with(backend, |config| config.pace.chat_gap = Duration::from_millis(100)).await)
    }
}

async fn begin(world: &World, person: i64) -> (Channel, Person, String) {
    let channel = world.connect_channel("Shop").await;
    let person = Person::new(person);
    let dialogue = world.write(&channel, &person, "Hello").await;
    (channel, person, dialogue)
}

async fn message(of: &Someone, dialogue: &str, id: &str) -> Value {
    let messages = of.messages(dialogue).await;
    messages.into_iter().find(|message| message["id"] == id).expect("the message is there")
}

async fn an_answer_is_queued_and_then_sent(world: World) {
    let (_, anna, dialogue) = begin(&world, 5501).await;
    let mut feed = world.follow(&world.admin.api, None).await;

    let send = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { message {
        id text origin author { ... on User { id } } delivery { status attempts failure }
    } } }";
    let answer = world.admin.api.run(send, json!({ "input": { "dialogueId": dialogue, "text": "Hi!" } })).await;
    let queued = answer.at("sendMessage.message");
    let id = queued["id"].as_str().expect("an id");
    let expected = json!({
        "id": id, "text": "Hi!", "origin": "OPERATOR", "author": { "id": world.admin.id },
        "delivery": { "status": "QUEUED", "attempts": 0, "failure": null },
    });
    assert_eq!(queued, &expected);

    let events = feed.until_delivery(id, "SENT").await;
    assert_eq!(kinds(&events), ["DIALOGUE_READ", "MESSAGE_ADDED", "MESSAGE_DELIVERY_CHANGED"]);
    assert_eq!(events[2]["actor"], Value::Null);
    let delivery = message(&world.admin, &dialogue, id).await["delivery"].clone();
    assert_eq!(delivery, json!({ "status": "SENT", "attempts": 1, "failure": null }));
    let [call] = &world.telegram.sent()[..] else { panic!("sent once") };
    assert_eq!((call.chat_id, call.text.as_deref()), (Some(anna.id), Some("Hi!")));
}

async fn messages_of_a_dialogue_leave_in_order(world: World) {
    let (channel, anna, dialogue) = begin(&world, 5511).await;
    let boris = Person::new(5512);
    let other = world.write(&channel, &boris, "Hello").await;
    // The first is tried several times; what came after it waits, and nobody else does.
    world.telegram.fail("sendMessage", Some(anna.id), Fault::Html502, 3);

    let mut texts = Vec::new();
    for number in 0..8 {
        texts.push(format!("part {number}"));
        world.admin.send(&dialogue, &texts[number]).await;
    }
    world.admin.send(&other, "for Boris").await;
    let sent = world.telegram.wait_for_sent(9).await;

    let to = |chat: i64| sent.iter().filter(move |call| call.chat_id == Some(chat));
    assert_eq!(to(anna.id).map(|call| call.text.clone().expect("a text")).collect::<Vec<_>>(), texts);
    assert_eq!(to(boris.id).count(), 1);
    let queued: Vec<Value> = world.admin.messages(&dialogue).await.iter().skip(1).map(|m| m["text"].clone()).collect();
    assert_eq!(queued, texts, "in the order in which they were sent");
}

async fn a_reply_points_at_what_it_answers(world: World) {
    let (channel, anna, dialogue) = begin(&world, 5521).await;
    let question = anna.says("And this?");
    world.take(&channel, &question).await;
    let asked = world.admin.messages(&dialogue).await[1]["id"].clone();
    let send = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { message { id replyTo { id } } } }";
    let input = json!({ "dialogueId": dialogue, "text": "That too", "replyToId": asked });
    let answer = world.admin.api.run(send, json!({ "input": input })).await;
    assert_eq!(answer.at("sendMessage.message.replyTo.id"), &asked);
    let sent = world.telegram.wait_for_sent(1).await;
    assert_eq!(sent[0].reply_to, question["message"]["message_id"].as_i64());

    let elsewhere = world.write(&channel, &Person::new(5522), "Hello").await;
    let other = world.admin.messages(&elsewhere).await[0]["id"].clone();
    let input = json!({ "dialogueId": dialogue, "text": "?", "replyToId": other });
    let answer = world.admin.api.run(send, json!({ "input": input })).await;
    assert_eq!((answer.error_code(), answer.error_field()), ("BAD_USER_INPUT", Some("input.replyToId")));
}

async fn what_is_written_is_sent_as_it_is(world: World) {
    let (_, _, dialogue) = begin(&world, 5531).await;
    let text = "<b>5 < 6 & *not* _bold_</b>\n\u{202e}rtl\u{202c} 👨\u{200d}👩\u{200d}👧 \\ \"quoted\" {}";
    world.admin.send(&dialogue, text).await;
    let sent = world.telegram.wait_for_sent(1).await;
    assert_eq!(sent[0].text.as_deref(), Some(text));
    assert_eq!(sent[0].arguments.get("parse_mode"), None);
}

async fn a_text_that_is_too_long_is_refused(world: World) {
    let (_, _, dialogue) = begin(&world, 5541).await;
    let before = world.cursor().await;
    let send = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }";
    // UTF-16 units count: this one takes two.
    let refused = ["a".repeat(4097), "😀".repeat(2048) + "a", String::new(), " \n\t ".into(), "a\0b".into()];
    for text in refused {
        let answer = world.admin.api.run(send, json!({ "input": { "dialogueId": dialogue, "text": text } })).await;
        assert_eq!((answer.error_code(), answer.error_field()), ("BAD_USER_INPUT", Some("input.text")), "{text:?}");
    }
    let answer = world.admin.api.run(send, json!({ "input": { "dialogueId": dialogue } })).await;
    assert_eq!((answer.error_code(), answer.error_field()), ("BAD_USER_INPUT", Some("input.text")));
    assert!(world.events_after(&before).await.is_empty(), "nothing changed");

    let fits = ["б".repeat(4096), "😀".repeat(2048)];
    for text in &fits {
        world.admin.send(&dialogue, text).await;
    }
    let sent = world.telegram.wait_for_sent(2).await;
    assert_eq!(sent.iter().map(|call| call.text.as_deref()).collect::<Vec<_>>(), [Some(&*fits[0]), Some(&*fits[1])]);
}

async fn one_idempotency_key_is_one_message(world: World) {
    let (channel, _, dialogue) = begin(&world, 5551).await;
    let send = async |who: &Someone, dialogue: &str, key: &str| {
        let send = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { message { id text } } }";
        let input = json!({ "dialogueId": dialogue, "text": "Once", "idempotencyKey": key });
        who.api.run(send, json!({ "input": input })).await
    };
    let answers = join_all((0..10).map(|_| send(&world.admin, &dialogue, "key"))).await;
    let ids: Vec<String> = answers.iter().map(|answer| answer.get("sendMessage.message.id")).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(world.admin.messages(&dialogue).await.len(), 2);

    let colleague = world.user("EMPLOYEE").await;
    let theirs: String = send(&colleague, &dialogue, "key").await.get("sendMessage.message.id");
    let another: String = send(&world.admin, &dialogue, "another key").await.get("sendMessage.message.id");
    assert_eq!(world.admin.messages(&dialogue).await.len(), 4, "{theirs} and {another} are messages of their own");
    let elsewhere = world.write(&channel, &Person::new(5552), "Hello").await;
    assert_eq!(send(&world.admin, &elsewhere, "key").await.error_code(), "CONFLICT");
    world.telegram.wait_for_sent(3).await;
}

async fn answering_a_closed_dialogue_reopens_it(world: World) {
    let (channel, _, dialogue) = begin(&world, 5561).await;
    let settings =
        json!({ "queueUserIds": [world.user("EMPLOYEE").await.id], "autoReplyEnabled": true, "autoReplyText": "Soon" });
    world.set_channel(&channel, settings).await;
    world.admin.close(&dialogue).await;
    let mut feed = world.follow(&world.admin.api, None).await;

    let id = world.admin.send(&dialogue, "Your parcel has come").await;

    let events = feed.until_delivery(&id, "SENT").await;
    let expected = ["DIALOGUE_REOPENED", "DIALOGUE_READ", "MESSAGE_ADDED", "MESSAGE_DELIVERY_CHANGED"];
    assert_eq!(kinds(&events), expected, "neither the queue nor the auto-reply");
    assert_eq!(events[0]["actor"]["id"], json!(world.admin.id));
    assert_eq!(world.admin.dialogue(&dialogue, "state closedAt").await, json!({ "state": "OPEN", "closedAt": null }));
}

async fn a_failed_message_can_be_sent_again(world: World) {
    let (_, anna, dialogue) = begin(&world, 5571).await;
    let mut feed = world.follow(&world.admin.api, None).await;
    world.telegram.fail("sendMessage", Some(anna.id), Fault::Status("error-400-chat-not-found"), 1);
    let failed = world.admin.send(&dialogue, "one").await;
    let next = world.admin.send(&dialogue, "two").await;

    feed.until_delivery(&next, "SENT").await;
    let delivery = message(&world.admin, &dialogue, &failed).await["delivery"].clone();
    let words = "Telegram knows no chat of the bot with this client";
    assert_eq!(delivery, json!({ "status": "FAILED", "failure": words, "attempts": 1 }), "at once");
    assert_eq!(world.telegram.calls("sendMessage").len(), 2, "the next one went on after it");

    assert_eq!(world.admin.act("retryMessage", "messageId", &next).await.error_code(), "CONFLICT");
    world.admin.act("retryMessage", "messageId", &failed).await.data();
    let events = feed.until_delivery(&failed, "SENT").await;
    let statuses: Vec<&Value> = events.iter().map(|event| &event["deliveryStatus"]).collect();
    assert_eq!(statuses, ["QUEUED", "SENT"]);
    let delivery = message(&world.admin, &dialogue, &failed).await["delivery"].clone();
    assert_eq!(delivery, json!({ "status": "SENT", "failure": null, "attempts": 1 }));
    assert_eq!(world.admin.act("retryMessage", "messageId", &failed).await.error_code(), "CONFLICT");
    let theirs = world.admin.messages(&dialogue).await[0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(world.admin.act("retryMessage", "messageId", &theirs).await.error_code(), "CONFLICT");
}

async fn a_blocked_bot_is_a_final_fault(world: World) {
    let (channel, anna, dialogue) = begin(&world, 5581).await;
    let mut feed = world.follow(&world.admin.api, None).await;
    world.telegram.fail("sendMessage", Some(anna.id), Fault::Status("error-403-blocked"), 1);
    let id = world.admin.send(&dialogue, "Are you there?").await;

    feed.until_delivery(&id, "FAILED").await;
    let delivery = message(&world.admin, &dialogue, &id).await["delivery"].clone();
    let expected = json!({ "status": "FAILED", "failure": "The client has blocked the bot", "attempts": 1 });
    assert_eq!(delivery, expected);
    let changed = feed.next().await;
    assert_eq!((&changed["kind"], &changed["client"]["isReachable"]), (&json!("CLIENT_CHANGED"), &json!(false)));
    assert_eq!(world.admin.dialogue(&dialogue, "isReachable").await["isReachable"], false);
    world.take(&channel, &anna.says("I unblocked you")).await;
    assert_eq!(world.admin.dialogue(&dialogue, "isReachable").await["isReachable"], true);
}

async fn a_disconnected_channel_sends_nothing(world: World) {
    let (channel, anna, dialogue) = begin(&world, 5591).await;
    world.admin.act("disconnectChannel", "channelId", &channel.id).await.data();
    assert_eq!(world.telegram.webhook(&channel.token), None, "Telegram posts no more");
    let send = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }";
    let answer = world.admin.api.run(send, json!({ "input": { "dialogueId": dialogue, "text": "Hi" } })).await;
    assert_eq!(answer.error_code(), "CONFLICT");

    let connect = "mutation($input: ConnectChannelInput!) { connectChannel(input: $input) { channel { id state } } }";
    let input = json!({ "name": "Shop", "credentials": { "telegram": { "botToken": channel.token } } });
    let answer = world.admin.api.run(connect, json!({ "input": input })).await;
    assert_eq!(answer.at("connectChannel.channel"), &json!({ "id": channel.id, "state": "CONNECTED" }));
    assert_eq!(world.write(&channel, &anna, "Back?").await, dialogue, "the history goes on");
    world.admin.send(&dialogue, "Back!").await;
    world.telegram.wait_for_sent(1).await;
    let answer = world.admin.api.run(connect, json!({ "input": input })).await;
    assert_eq!(answer.error_code(), "CONFLICT", "connected already");
}

async fn the_messengers_limits_are_kept(Slow(world): Slow) {
    let channel = world.connect_channel("Shop").await;
    let mut dialogues = Vec::new();
    for person in 0..12 {
        dialogues.push(world.write(&channel, &Person::new(5600 + person), "Hello").await);
    }
    // One chat: a short burst, then one a gap.
    for number in 0..8 {
        world.admin.send(&dialogues[0], &number.to_string()).await;
    }
    let sent = world.telegram.wait_for_sent(8).await;
    // As it arrives: the way there takes its time, and the first one's may be the longest.
    let took = sent[7].at - sent[0].at;
    assert!(took >= Duration::from_millis(350), "eight messages in {took:?}, and not five gaps");
    // A whole bot: at most thirty in any second.
    let sends: Vec<_> = (0..48).map(|number| world.admin.send(&dialogues[number % 12], "x")).collect();
    join_all(sends).await;
    let sent = world.telegram.wait_for_sent(56).await;
    for window in sent.windows(31) {
        let took = window[30].at - window[0].at;
        assert!(took >= Duration::from_millis(900), "31 messages in {took:?}");
    }
}
