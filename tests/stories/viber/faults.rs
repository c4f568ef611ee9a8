//! Faults of Viber: what is tried again, what is not, and a channel that fails until it works.

use std::time::Duration;

use colloquy_sandbox::viber::{Call, Fault, User};
use serde_json::{Value, json};

use super::{begin, delivery};
use crate::harness::Backend;
use crate::harness::story::stories;
use crate::harness::world::World;

stories!(World:
    passing_faults_are_tried_again_in_order,
    what_viber_asks_to_wait_is_waited,
    a_lost_answer_loses_no_message,
    a_revoked_token_makes_the_channel_failing_until_it_works,
    a_forgotten_address_is_told_again,
    a_channel_that_fails_holds_up_no_other,
    a_client_who_does_not_answer_gets_a_hundred_an_hour,
);

stories!(Quick: a_viber_that_never_answers_is_a_passing_fault);

/// A world that waits for Viber for a moment only.
struct Quick(World);

impl Quick {
    async fn start(backend: Backend) -> Self {
        let change = |config: &mut colloquy::config::Config| config.pace.messenger = Duration::from_millis(250);
        Self(World::start_with(backend, change).await)
    }
}

fn texts(calls: &[Call]) -> Vec<&str> {
    calls.iter().map(|call| call.text.as_deref().expect("a text")).collect()
}

async fn passing_faults_are_tried_again_in_order(world: World) {
    let (_, anna, dialogue) = begin(&world, "Anna").await;
    let mut feed = world.follow(&world.admin.api, None).await;
    for fault in [Fault::Status("error-http-500"), Fault::Html502, Fault::Reset] {
        world.viber.fail("send_message", Some(&anna.id), fault, 1);
    }
    let first = world.admin.send(&dialogue, "one").await;
    let second = world.admin.send(&dialogue, "two").await;
    feed.until_delivery(&second, "SENT").await;
    let expected = json!({ "status": "SENT", "failure": null, "attempts": 4 });
    assert_eq!(delivery(&world, &dialogue, &first).await, expected);
    assert_eq!(texts(&world.viber.sent()), ["one", "two"], "each once, in order");
    let state = world.admin.api.run("{ channels { state } }", Value::Null).await;
    assert_eq!(state.at("channels.0.state"), "CONNECTED");
}

async fn what_viber_asks_to_wait_is_waited(world: World) {
    let (_, anna, dialogue) = begin(&world, "Anna").await;
    world.viber.fail("send_message", Some(&anna.id), Fault::RateLimited(1), 1);
    world.admin.send(&dialogue, "slowly").await;
    let calls = world.viber.wait_for_calls("send_message", 2).await;
    let waited = calls[1].at - calls[0].at;
    assert!(waited >= Duration::from_secs(1), "only {waited:?}");
    assert_eq!(texts(&world.viber.sent()), ["slowly"]);
}

async fn a_lost_answer_loses_no_message(world: World) {
    let (channel, anna, dialogue) = begin(&world, "Anna").await;
    let mut feed = world.follow(&world.admin.api, None).await;
    world.viber.fail("send_message", Some(&anna.id), Fault::AcceptedThenReset, 1);
    let id = world.admin.send(&dialogue, "did it arrive?").await;
    feed.until_delivery(&id, "SENT").await;
    // Viber has no key against a repeat: twice is what may happen, never not at all.
    let sent = world.viber.sent();
    assert_eq!(texts(&sent), ["did it arrive?", "did it arrive?"]);
    assert_eq!(world.admin.messages(&dialogue).await.len(), 2, "one message all the same");
    // Of the first, whose token nobody knows, receipts come as well.
    assert_eq!(world.viber.seen(&channel.token, sent[0].message_token.expect("it was taken")).await, 200);
    assert_eq!(delivery(&world, &dialogue, &id).await["status"], "SENT");
}

/// What the channel's health is.
async fn health(world: &World) -> Value {
    world.admin.api.run("{ channels { state stateReason } }", Value::Null).await.at("channels.0").clone()
}

async fn a_revoked_token_makes_the_channel_failing_until_it_works(world: World) {
    let (channel, anna, dialogue) = begin(&world, "Anna").await;
    let mut feed = world.follow(&world.admin.api, None).await;
    world.viber.revoke(&channel.token);
    let id = world.admin.send(&dialogue, "Hi").await;
    feed.until(|event| event["kind"] == "CHANNEL_CHANGED").await;
    let words = "Viber does not accept the bot's token";
    assert_eq!(health(&world).await, json!({ "state": "FAILING", "stateReason": words }));
    // What clients write is taken all the same.
    world.viber_tells(&channel, &anna.says("Hello?")).await;

    world.viber.restore(&channel.token);
    feed.until_delivery(&id, "SENT").await;
    assert_eq!(health(&world).await, json!({ "state": "CONNECTED", "stateReason": null }));
    assert_eq!(texts(&world.viber.sent()), ["Hi"]);
}

async fn a_forgotten_address_is_told_again(world: World) {
    let (channel, anna, dialogue) = begin(&world, "Anna").await;
    let mut feed = world.follow(&world.admin.api, None).await;
    let before = world.viber.wait_for_webhook(&channel.token).await;
    world.viber.forget_webhook(&channel.token);
    let id = world.admin.send(&dialogue, "Hi").await;
    // It fails, and works again; whether the address or the message proves that first is open.
    let mut seen = Vec::new();
    while seen.len() < 3 {
        let event = feed.next().await;
        if event["kind"] == "CHANNEL_CHANGED" || (event["message"]["id"] == id && event["deliveryStatus"] == "SENT") {
            seen.push(event["kind"].clone());
        }
    }
    assert_eq!(seen.iter().filter(|kind| **kind == "CHANNEL_CHANGED").count(), 2, "{seen:?}");
    assert_eq!(world.viber.wait_for_webhook(&channel.token).await, before, "with all that was asked for");
    assert_eq!(health(&world).await, json!({ "state": "CONNECTED", "stateReason": null }));
    assert_eq!(texts(&world.viber.sent()), ["Hi"]);
    world.viber_tells(&channel, &anna.says("Hello again")).await;
}

async fn a_channel_that_fails_holds_up_no_other(world: World) {
    let (failing, _, dialogue) = begin(&world, "Anna").await;
    let works = world.connect_viber("Help").await;
    let boris = User::new("Boris");
    let other = world.viber_says(&works, &boris, "Hello").await;
    world.viber.revoke(&failing.token);
    let mut feed = world.follow(&world.admin.api, None).await;
    world.admin.send(&dialogue, "Into the void").await;
    feed.until(|event| event["kind"] == "CHANNEL_CHANGED").await;
    let id = world.admin.send(&other, "Hi").await;
    feed.until_delivery(&id, "SENT").await;
    assert_eq!(texts(&world.viber.sent()), ["Hi"]);
}

async fn a_client_who_does_not_answer_gets_a_hundred_an_hour(world: World) {
    let (channel, anna, dialogue) = begin(&world, "Anna").await;
    let mut feed = world.follow(&world.admin.api, None).await;
    for number in 0..100 {
        world.admin.send(&dialogue, &number.to_string()).await;
    }
    world.viber.wait_for_sent(100).await;
    let id = world.admin.send(&dialogue, "one too many").await;
    let calls = world.viber.wait_for_calls("send_message", 101).await;
    assert_eq!((calls[100].status, calls[100].message_token), (Some(12), None));
    // Another client is not kept waiting for it.
    let boris = User::new("Boris");
    let other = world.viber_says(&channel, &boris, "Hello").await;
    let theirs = world.admin.send(&other, "Hi").await;
    feed.until_delivery(&theirs, "SENT").await;
    let last = world.admin.dialogue(&dialogue, "messages(last: 1) { nodes { id delivery { status } } }").await;
    assert_eq!(last["messages"]["nodes"], json!([{ "id": id, "delivery": { "status": "QUEUED" } }]));
    assert_eq!(world.viber.calls("send_message").len(), 102, "{} is left alone", anna.name);
}

async fn a_viber_that_never_answers_is_a_passing_fault(Quick(world): Quick) {
    let (_, anna, dialogue) = begin(&world, "Anna").await;
    let mut feed = world.follow(&world.admin.api, None).await;
    world.viber.fail("send_message", Some(&anna.id), Fault::Hang, 2);
    let id = world.admin.send(&dialogue, "hello?").await;
    feed.until_delivery(&id, "SENT").await;
    let expected = json!({ "status": "SENT", "failure": null, "attempts": 3 });
    assert_eq!(delivery(&world, &dialogue, &id).await, expected);
    assert_eq!(texts(&world.viber.sent()), ["hello?"]);
}
