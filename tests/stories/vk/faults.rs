//! Faults of VK, errors in a 200 included: passing ones are tried again, final ones said in words, and a channel that VK
//! refuses fails until it works.

use std::time::Duration;

use serde_json::{Value, json};

use super::{begin, health, message, sent};
use crate::harness::Backend;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::World;
use colloquy_sandbox::vk::Fault;

stories!(World:
    passing_faults_are_tried_again_and_others_go_on,
    too_many_calls_in_a_second_hold_the_channel_back,
    a_final_fault_of_one_recipient_is_said_at_once,
    a_revoked_token_makes_the_channel_failing_until_it_works,
    while_vk_is_away_connecting_and_typing_harm_nothing,
);

stories!(Quick: a_vk_that_never_answers_is_a_passing_fault);

/// A world that waits for messengers a quarter of a second.
struct Quick(World);

impl Quick {
    async fn start(backend: Backend) -> Self {
        Self(World::start_with(backend, |config| config.pace.messenger = Duration::from_millis(250)).await)
    }
}

async fn delivery(world: &World, dialogue: &str, id: &str) -> Value {
    message(world, dialogue, id).await["delivery"].take()
}

async fn passing_faults_are_tried_again_and_others_go_on(world: World) {
    let (shop, anna, dialogue) = begin(&world, 7_701).await;
    let other = world.write_vk(&shop, &Person::new(7_702), "Hello").await;
    let faults = [Fault::Status("error-0001"), Fault::Status("error-0010"), Fault::Html502, Fault::Reset];
    for fault in faults {
        world.vk.fail("messages.send", Some(anna.id), fault, 1);
    }
    let mut feed = world.follow(&world.admin.api, None).await;
    let first = world.admin.send(&dialogue, "one").await;
    let second = world.admin.send(&dialogue, "two").await;
    let theirs = world.admin.send(&other, "to another").await;
    let events = feed.until_delivery(&second, "SENT").await;
    let sent: Vec<&Value> =
        events.iter().filter(|event| event["deliveryStatus"] == "SENT").map(|event| &event["message"]["id"]).collect();
    assert_eq!(sent, [&json!(theirs), &json!(first), &json!(second)], "nobody else waits");
    assert_eq!(delivery(&world, &dialogue, &first).await, json!({ "status": "SENT", "failure": null, "attempts": 5 }));
    assert_eq!(health(&world).await["state"], "CONNECTED");
}

async fn too_many_calls_in_a_second_hold_the_channel_back(world: World) {
    let (shop, anna, dialogue) = begin(&world, 7_711).await;
    world.vk.fail("messages.send", Some(anna.id), Fault::RateLimited(1), 1);
    let mut feed = world.follow(&world.admin.api, None).await;
    let id = world.admin.send(&dialogue, "slowly").await;
    feed.until_delivery(&id, "SENT").await;
    let calls = world.vk.calls("messages.send");
    assert_eq!((calls.len(), calls[0].error), (2, Some(6)));
    let waited = calls[1].at - calls[0].at;
    assert!(waited >= Duration::from_secs(1), "only {waited:?}");

    // What VK allows is kept to without being told: 20 calls in any second.
    let mut dialogues = Vec::new();
    for person in 0..10 {
        dialogues.push(world.write_vk(&shop, &Person::new(7_712 + person), "Hello").await);
    }
    for number in 0..30 {
        world.admin.send(&dialogues[number % 10], &number.to_string()).await;
    }
    let sent = world.vk.wait_for_sent(shop.group, 31).await;
    for window in sent[1..].windows(21) {
        let took = window[20].at - window[0].at;
        assert!(took >= Duration::from_millis(900), "21 messages in {took:?}");
    }
}

async fn a_final_fault_of_one_recipient_is_said_at_once(world: World) {
    let (_, anna, dialogue) = begin(&world, 7_721).await;
    for (answer, words, unreachable) in [
        ("error-0902", "The client's privacy settings do not let the community write to them", true),
        ("error-0914", "The text is longer than VK takes", false),
        ("error-0936", "VK knows no conversation of the community with this client", false),
    ] {
        world.vk.fail("messages.send", Some(anna.id), Fault::Status(answer), 1);
        let mut feed = world.follow(&world.admin.api, None).await;
        let id = world.admin.send(&dialogue, "Hi").await;
        feed.until_delivery(&id, "FAILED").await;
        let expected = json!({ "status": "FAILED", "failure": words, "attempts": 1 });
        assert_eq!(delivery(&world, &dialogue, &id).await, expected, "{answer}");
        if unreachable {
            let now = world.admin.dialogue(&dialogue, "isReachable").await;
            assert_eq!(now["isReachable"], false, "{answer}");
        }
    }
    sent(&world, &dialogue, "and what comes after goes on").await;
}

async fn a_revoked_token_makes_the_channel_failing_until_it_works(world: World) {
    let (shop, _, dialogue) = begin(&world, 7_731).await;
    let channel = world.connect_channel("Telegram").await;
    let elsewhere = world.write(&channel, &Person::new(7_732), "Hello").await;
    world.vk.revoke(&shop.channel.token, shop.group, true);
    let mut feed = world.follow(&world.admin.api, None).await;
    let id = world.admin.send(&dialogue, "Hi").await;
    feed.until(|event| event["kind"] == "CHANNEL_CHANGED").await;
    let failing = json!({ "state": "FAILING", "stateReason": "VK does not accept the community's token" });
    assert_eq!(health(&world).await, failing);
    sent(&world, &elsewhere, "other channels go on").await;
    // Clients' messages still arrive.
    world.write_vk(&shop, &Person::new(7_731), "Are you there?").await;

    world.vk.revoke(&shop.channel.token, shop.group, false);
    feed.until_delivery(&id, "SENT").await;
    // A question from before, answered late, may still say otherwise: until the next one.
    while health(&world).await != json!({ "state": "CONNECTED", "stateReason": null }) {
        feed.until(|event| event["kind"] == "CHANNEL_CHANGED").await;
    }
}

async fn while_vk_is_away_connecting_and_typing_harm_nothing(world: World) {
    let (shop, anna, dialogue) = begin(&world, 7_741).await;
    world.vk.fail("messages.setActivity", Some(anna.id), Fault::Reset, 1);
    world.admin.act("setTyping", "dialogueId", &dialogue).await.data();
    world.vk.wait_for_calls("messages.setActivity", 1).await;
    world.vk.fail("groups.getCallbackServers", None, Fault::Html502, 1);
    world.admin.act("disconnectChannel", "channelId", &shop.channel.id).await.data();
    let state = world.admin.api.run("{ channels { state } }", Value::Null).await;
    assert_eq!(state.at("channels.0.state"), "DISCONNECTED", "VK's absence keeps nobody from it");
    let server = &world.vk.servers(shop.group)[0];
    let event = world.vk.says(shop.group, anna.id, "Hello?");
    assert_eq!(world.vk.deliver_raw(&server.url, &event).await.status, 404);
}

async fn a_vk_that_never_answers_is_a_passing_fault(Quick(world): Quick) {
    let (shop, anna, dialogue) = begin(&world, 7_751).await;
    world.vk.fail("messages.send", Some(anna.id), Fault::Hang, 2);
    let mut feed = world.follow(&world.admin.api, None).await;
    let id = world.admin.send(&dialogue, "hello?").await;
    feed.until_delivery(&id, "SENT").await;
    assert_eq!(delivery(&world, &dialogue, &id).await, json!({ "status": "SENT", "failure": null, "attempts": 3 }));
    assert_eq!(world.vk.sent(shop.group).len(), 1);
}
