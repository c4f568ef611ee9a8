//! The long poll: where VK cannot reach us, nothing is lost that VK still has, and nothing stalls.

use serde_json::json;

use crate::harness::Backend;
use crate::harness::communities::Community;
use crate::harness::feed::Feed;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::World;
use colloquy_sandbox::vk::Fault;

stories!(Hidden:
    what_came_while_we_were_away_is_asked_for,
    a_server_that_sends_us_back_is_asked_anew,
    one_odd_event_stalls_nothing,
    faults_of_polling_are_tried_again,
    a_poll_that_goes_on_proves_nothing_of_the_token,
    updates_that_never_come_make_the_channel_failing,
);

/// A world that the outside cannot reach.
struct Hidden(World);

impl Hidden {
    async fn start(backend: Backend) -> Self {
        let mut world = World::start(backend).await;
        world.hide_from_outside().await;
        Self(world)
    }
}

const ANNA: i64 = 7_201;

async fn begin(world: &World) -> (Community, Feed) {
    let shop = world.connect_vk("Shop").await;
    world.vk.person(ANNA, "Person7201", "");
    world.vk.wait_for_calls("longpoll", 1).await;
    (shop, world.follow(&world.admin.api, None).await)
}

async fn arrives(world: &World, shop: &Community, feed: &mut Feed, text: &str) {
    let event = world.vk.says(shop.group, ANNA, text);
    world.vk.happen(shop.group, &event).await;
    feed.until(|event| event["message"]["text"] == text).await;
}

async fn texts(world: &World, shop: &Community) -> Vec<String> {
    let dialogue = world.dialogue(&shop.channel, &Person::new(ANNA)).await;
    let messages = world.admin.messages(&dialogue).await;
    messages.iter().map(|message| message["text"].as_str().expect("a text").to_owned()).collect()
}

async fn what_came_while_we_were_away_is_asked_for(Hidden(mut world): Hidden) {
    let (shop, mut feed) = begin(&world).await;
    arrives(&world, &shop, &mut feed, "one").await;
    let dialogue = world.dialogue(&shop.channel, &Person::new(ANNA)).await;
    let answer = super::sent(&world, &dialogue, "two").await;
    let number = world.vk.sent(shop.group)[0].number;
    world.vk.happen(shop.group, &world.vk.reads(shop.group, ANNA, number)).await;
    feed.until_delivery(&answer, "READ").await;

    world.server.stop().await;
    world.vk.happen(shop.group, &world.vk.says(shop.group, ANNA, "three")).await;
    world.restart().await;
    let mut feed = world.follow(&world.admin.api, None).await;
    arrives(&world, &shop, &mut feed, "four").await;
    assert_eq!(texts(&world, &shop).await, ["one", "two", "three", "four"], "each once, in order");
}

async fn a_server_that_sends_us_back_is_asked_anew(Hidden(world): Hidden) {
    let (shop, mut feed) = begin(&world).await;
    let asked = || world.vk.calls("groups.getLongPollServer").len();
    // What is planned is for the poll after the one that waits; so each has to have begun.
    arrives(&world, &shop, &mut feed, "zero").await;
    let mut polls = 2;
    world.vk.wait_for_calls("longpoll", polls).await;

    let before = asked();
    world.vk.fail_poll(shop.group, json!({ "failed": 1, "ts": 18 }));
    arrives(&world, &shop, &mut feed, "one").await;
    world.vk.wait_for_calls("longpoll", polls + 2).await;
    arrives(&world, &shop, &mut feed, "two").await;
    polls += 3;
    world.vk.wait_for_calls("longpoll", polls).await;
    assert_eq!(asked(), before, "the key is as good as before");

    for strange in [json!({ "failed": 3 }), json!({ "failed": 4, "min_version": 0 }), json!({ "failed": "?" })] {
        let before = asked();
        world.vk.fail_poll(shop.group, strange.clone());
        arrives(&world, &shop, &mut feed, &format!("before {strange}")).await;
        world.vk.wait_for_calls("groups.getLongPollServer", before + 1).await;
        arrives(&world, &shop, &mut feed, &format!("after {strange}")).await;
        polls += 3;
        world.vk.wait_for_calls("longpoll", polls).await;
    }

    let before = asked();
    world.vk.fail_poll(shop.group, json!({ "failed": 2 }));
    world.vk.change_key(shop.group);
    arrives(&world, &shop, &mut feed, "three").await;
    arrives(&world, &shop, &mut feed, "four").await;
    assert!(asked() > before, "for another key");
    let texts = texts(&world, &shop).await;
    assert_eq!(
        (&texts[..3], &texts[9..]),
        (&["zero", "one", "two"].map(String::from)[..], &["three", "four"].map(String::from)[..])
    );
    assert_eq!(texts.len(), 11, "each once: {texts:?}");
}

async fn one_odd_event_stalls_nothing(Hidden(world): Hidden) {
    let (shop, mut feed) = begin(&world).await;
    for odd in [json!(null), json!(7), json!("ts"), json!([]), json!({ "type": "message_new", "object": 5 })] {
        world.vk.push(shop.group, odd);
    }
    world.vk.push(shop.group, world.vk.tells(shop.group, "quantum_event", json!({ "x": [1, null] })));
    arrives(&world, &shop, &mut feed, "all the same").await;
    assert_eq!(texts(&world, &shop).await, ["all the same"]);
}

async fn faults_of_polling_are_tried_again(Hidden(world): Hidden) {
    let (shop, mut feed) = begin(&world).await;
    for fault in [Fault::Html502, Fault::Reset, Fault::Status("longpoll-failed-2")] {
        world.vk.fail("longpoll", None, fault, 1);
    }
    for text in ["one", "two", "three", "four"] {
        arrives(&world, &shop, &mut feed, text).await;
    }
    assert_eq!(texts(&world, &shop).await, ["one", "two", "three", "four"]);

    world.vk.revoke(&shop.channel.token, shop.group, true);
    world.vk.change_key(shop.group);
    world.vk.push(shop.group, world.vk.says(shop.group, ANNA, "the poll under way ends"));
    feed.until(|event| event["kind"] == "CHANNEL_CHANGED").await;
    let failing = super::health(&world).await;
    assert_eq!(failing["state"], "FAILING", "{failing}");
    assert_eq!(failing["stateReason"], "VK does not accept the community's token");
    world.vk.revoke(&shop.channel.token, shop.group, false);
    feed.until(|event| event["kind"] == "CHANNEL_CHANGED").await;
    assert_eq!(super::health(&world).await, json!({ "state": "CONNECTED", "stateReason": null }));
    arrives(&world, &shop, &mut feed, "again").await;
}

async fn a_poll_that_goes_on_proves_nothing_of_the_token(Hidden(world): Hidden) {
    let (shop, mut feed) = begin(&world).await;
    arrives(&world, &shop, &mut feed, "one").await;
    let dialogue = world.dialogue(&shop.channel, &Person::new(ANNA)).await;
    world.vk.revoke(&shop.channel.token, shop.group, true);
    let id = world.admin.send(&dialogue, "Hi").await;
    feed.until(|event| event["kind"] == "CHANNEL_CHANGED").await;
    arrives(&world, &shop, &mut feed, "two").await;
    arrives(&world, &shop, &mut feed, "three").await;
    assert_eq!(super::health(&world).await["state"], "FAILING");
    // Without anything that is to be sent, it is asked after now and then.
    world.admin.act("deleteMessage", "messageId", &id).await.data();
    world.vk.revoke(&shop.channel.token, shop.group, false);
    feed.until(|event| event["kind"] == "CHANNEL_CHANGED").await;
    assert_eq!(super::health(&world).await, json!({ "state": "CONNECTED", "stateReason": null }));
}

async fn updates_that_never_come_make_the_channel_failing(Hidden(world): Hidden) {
    let (shop, mut feed) = begin(&world).await;
    world.vk.fail("longpoll", None, Fault::Html502, 6);
    // The poll that is under way ends well.
    arrives(&world, &shop, &mut feed, "one").await;
    feed.until(|event| event["kind"] == "CHANNEL_CHANGED").await;
    let reason = super::health(&world).await["stateReason"].take();
    assert!(reason.as_str().is_some_and(|reason| reason.starts_with("Its updates cannot be had: VK")), "{reason}");
    arrives(&world, &shop, &mut feed, "two").await;
    while super::health(&world).await["state"] != "CONNECTED" {
        feed.until(|event| event["kind"] == "CHANNEL_CHANGED").await;
    }
}
