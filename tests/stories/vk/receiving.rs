//! What clients do at VK, and what becomes of it here.

use chrono::{DateTime, Utc};
use colloquy_sandbox::vk::{Fault, number};
use serde_json::{Value, json};

use super::{begin, message, sent};
use crate::harness::feed::kinds;
use crate::harness::socket::Socket;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::World;

stories!(World:
    a_message_is_stored_once_however_often_it_comes,
    the_latest_edit_wins_also_within_a_second,
    an_answer_finds_what_it_answers,
    a_cropped_message_is_fetched_whole,
    names_come_from_vk_and_a_slow_answer_holds_nothing_back,
    what_the_client_has_read_is_read,
    who_types_is_told_both_ways,
    who_denies_messages_is_unreachable_until_they_allow_them,
);

async fn texts(world: &World, dialogue: &str) -> Vec<Value> {
    world.admin.messages(dialogue).await.into_iter().map(|mut message| message["text"].take()).collect()
}

async fn a_message_is_stored_once_however_often_it_comes(world: World) {
    let (shop, anna, dialogue) = begin(&world, 7_301).await;
    let event = world.vk.says(shop.group, anna.id, "Once");
    let deliveries = futures_util::future::join_all((0..8).map(|_| world.vk.deliver(shop.group, &event))).await;
    assert!(deliveries.iter().all(colloquy_sandbox::vk::Delivery::is_taken), "{deliveries:?}");
    assert!(world.vk.deliver_again(shop.group, &event, 1).await.is_taken());
    // The same message, told of by another event.
    let mut retold = event.clone();
    retold["event_id"] = json!("f".repeat(40));
    world.take_vk(&shop, &retold).await;
    assert_eq!(texts(&world, &dialogue).await, ["Hello", "Once"]);
}

async fn the_latest_edit_wins_also_within_a_second(world: World) {
    let (shop, anna, dialogue) = begin(&world, 7_311).await;
    let original = world.vk.says(shop.group, anna.id, "How much?");
    world.take_vk(&shop, &original).await;
    let edit = |text: &str, at: i64| {
        let fields = json!({ "text": text, "update_time": at });
        world.vk.edits(shop.group, anna.id, &original, fields)
    };
    let second = Utc::now().timestamp();
    let (first, second, third) = (edit("one", second), edit("two", second), edit("three", second + 1));
    for event in [&first, &second] {
        world.take_vk(&shop, event).await;
    }
    assert_eq!(texts(&world, &dialogue).await, ["Hello", "two"], "of one second, the later to come");
    let before = world.cursor().await;
    world.take_vk(&shop, &third).await;
    world.take_vk(&shop, &second).await;
    world.take_vk(&shop, &original).await;
    assert_eq!(texts(&world, &dialogue).await, ["Hello", "three"], "whatever the order");
    assert_eq!(kinds(&world.events_after(&before).await), ["MESSAGE_EDITED"]);
    assert!(world.admin.messages(&dialogue).await[1]["editedAt"].is_string());

    let unseen = world.vk.says(shop.group, anna.id, "never came");
    world.take_vk(&shop, &world.vk.edits(shop.group, anna.id, &unseen, json!({ "text": "came as an edit" }))).await;
    world.take_vk(&shop, &unseen).await;
    assert_eq!(texts(&world, &dialogue).await, ["Hello", "three", "came as an edit"]);
}

async fn an_answer_finds_what_it_answers(world: World) {
    let (shop, anna, dialogue) = begin(&world, 7_321).await;
    let ours = sent(&world, &dialogue, "It is 90").await;
    let theirs = world.admin.messages(&dialogue).await[0]["id"].clone();
    let number = world.vk.sent(shop.group)[0].number;
    for (replied, expected) in [(number, json!(ours)), (1, theirs), (999, Value::Null)] {
        let reply = json!({ "conversation_message_id": replied, "peer_id": anna.id, "text": "?" });
        let event = world.vk.sends(shop.group, anna.id, json!({ "text": "this", "reply_message": reply }));
        world.take_vk(&shop, &event).await;
        let last = world.admin.messages(&dialogue).await.pop().expect("messages");
        assert_eq!(last["replyTo"]["id"], expected, "to {replied}");
    }
}

async fn a_cropped_message_is_fetched_whole(world: World) {
    let (shop, anna, dialogue) = begin(&world, 7_331).await;
    let mut event = world.vk.says(shop.group, anna.id, "The beginning and the end");
    event["object"]["message"]["text"] = json!("The beginning");
    event["object"]["message"]["is_cropped"] = json!(true);
    world.take_vk(&shop, &event).await;
    assert_eq!(texts(&world, &dialogue).await, ["Hello", "The beginning and the end"]);
    let asked = &world.vk.calls("messages.getByConversationMessageId")[0];
    assert_eq!(asked.text("conversation_message_ids"), number(&event).to_string());

    // What cannot be had whole is better than nothing, and is completed when it can.
    let mut feed = world.follow(&world.admin.api, None).await;
    world.vk.fail("messages.getByConversationMessageId", None, Fault::Status("error-0010"), 3);
    let mut event = world.vk.says(shop.group, anna.id, "Second");
    event["object"]["message"]["text"] = json!("Sec");
    event["object"]["message"]["is_cropped"] = json!(1);
    world.take_vk(&shop, &event).await;
    let events = feed.until(|event| event["kind"] == "MESSAGE_EDITED").await;
    let added = events.iter().find(|event| event["kind"] == "MESSAGE_ADDED").expect("it was stored at once");
    assert_eq!(added["message"]["id"], events.last().expect("the edit")["message"]["id"]);
    assert_eq!(texts(&world, &dialogue).await[2], "Second");
    let last = world.admin.messages(&dialogue).await.pop().expect("messages");
    assert_eq!(last["editedAt"], Value::Null, "nobody changed it");
}

async fn names_come_from_vk_and_a_slow_answer_holds_nothing_back(world: World) {
    let shop = world.connect_vk("Shop").await;
    world.vk.person(7_341, "Анна", "Примерова");
    let gate = world.vk.gate_next("users.get");
    let mut feed = world.follow(&world.admin.api, None).await;
    world.take_vk(&shop, &world.vk.says(shop.group, 7_341, "Hello")).await;
    let added = feed.until(|event| event["kind"] == "MESSAGE_ADDED").await;
    let dialogue = added.last().expect("one")["dialogue"]["id"].as_str().expect("an id").to_owned();
    let called = async || world.admin.dialogue(&dialogue, "client { name username avatarUrl profileUrl }").await;
    let unknown = called().await["client"].take();
    assert_eq!((&unknown["name"], &unknown["profileUrl"]), (&json!("VK 7341"), &json!("https://vk.com/id7341")));
    gate.release();

    world.take_vk(&shop, &world.vk.says(shop.group, 7_341, "Are you there?")).await;
    let events = feed.until(|event| event["message"]["text"] == "Are you there?").await;
    assert_eq!(kinds(&events), ["CLIENT_CHANGED", "MESSAGE_ADDED"]);
    let known = called().await["client"].take();
    assert_eq!(known["name"], "Анна Примерова");
    assert_eq!(known["avatarUrl"], json!(format!("{}/media/avatar/7341.jpg", world.vk.url())));
    world.take_vk(&shop, &world.vk.says(shop.group, 7_341, "And now?")).await;
    assert_eq!(world.vk.calls("users.get").len(), 2, "asked once a day");

    // Nobody of that number, and one who deleted their page.
    world.vk.person_with(json!({ "id": 7_343, "first_name": "DELETED", "last_name": "", "deactivated": "deleted" }));
    for person in [7_342, 7_343] {
        world.take_vk(&shop, &world.vk.says(shop.group, person, "Hi")).await;
        let name = format!("VK {person}");
        world.dialogue(&shop.channel, &Person { id: person, name }).await;
    }
}

async fn what_the_client_has_read_is_read(world: World) {
    let (shop, anna, dialogue) = begin(&world, 7_351).await;
    let (first, second) = (sent(&world, &dialogue, "one").await, sent(&world, &dialogue, "two").await);
    let third = sent(&world, &dialogue, "three").await;
    let numbers: Vec<i64> = world.vk.sent(shop.group).iter().map(|message| message.number).collect();
    let status = async |id: &str| message(&world, &dialogue, id).await["delivery"]["status"].clone();

    world.take_vk(&shop, &world.vk.reads(shop.group, anna.id, numbers[1])).await;
    assert_eq!([status(&first).await, status(&second).await, status(&third).await], ["READ", "READ", "SENT"]);
    let before = world.cursor().await;
    world.take_vk(&shop, &world.vk.reads(shop.group, anna.id, numbers[0])).await;
    assert!(world.events_after(&before).await.is_empty(), "no step back");

    // Before the answer to the sending.
    let mut feed = world.follow(&world.admin.api, None).await;
    let gate = world.vk.gate_next("messages.send");
    let fourth = world.admin.send(&dialogue, "four").await;
    let early = world.vk.wait_for_sent(shop.group, 4).await[3].number;
    world.take_vk(&shop, &world.vk.reads(shop.group, anna.id, early)).await;
    gate.release();
    feed.until_delivery(&fourth, "READ").await;
    assert_eq!(status(&third).await, "READ");
}

async fn who_types_is_told_both_ways(world: World) {
    let (shop, anna, dialogue) = begin(&world, 7_361).await;
    let socket = Socket::connect(&format!("{}/graphql", world.server.url), world.admin.api.token.as_deref()).await;
    let document = "subscription($d: ID!) { typing(dialogueId: $d) { actor { ... on Client { name } } until } }";
    let mut typing = socket.subscribe(document, json!({ "d": dialogue }));
    socket.ping().await;
    let before = world.cursor().await;
    world.take_vk(&shop, &world.vk.types(shop.group, anna.id)).await;
    let told = typing.next().await["data"]["typing"].take();
    assert_eq!(told["actor"], json!({ "name": anna.name }));
    let until: DateTime<Utc> = told["until"].as_str().and_then(|at| at.parse().ok()).expect("a time");
    assert!(until > Utc::now());

    world.admin.act("setTyping", "dialogueId", &dialogue).await.data();
    let [call] = &world.vk.wait_for_calls("messages.setActivity", 1).await[..] else { panic!("once") };
    assert_eq!((call.peer, call.text("type"), call.error), (Some(anna.id), "typing", None));
    assert!(world.events_after(&before).await.is_empty(), "it is in no log");
}

async fn who_denies_messages_is_unreachable_until_they_allow_them(world: World) {
    let (shop, anna, dialogue) = begin(&world, 7_371).await;
    let reachable = async || world.admin.dialogue(&dialogue, "isReachable").await["isReachable"].clone();
    type Does<'a> = &'a dyn Fn(bool) -> Value;
    let allows: Does<'_> = &|allowed| world.vk.allows(shop.group, anna.id, allowed);
    let blocks: Does<'_> = &|allowed| world.vk.blocks(shop.group, anna.id, !allowed);
    for (does, words) in [
        (allows, "The client has not let the community write to them"),
        (blocks, "The client is on the community's blacklist"),
    ] {
        let before = world.cursor().await;
        world.take_vk(&shop, &does(false)).await;
        assert_eq!(reachable().await, false);
        let mut feed = world.follow(&world.admin.api, None).await;
        let id = world.admin.send(&dialogue, "Are you there?").await;
        feed.until_delivery(&id, "FAILED").await;
        let delivery = message(&world, &dialogue, &id).await["delivery"].take();
        assert_eq!(delivery, json!({ "status": "FAILED", "failure": words, "attempts": 1 }));
        world.take_vk(&shop, &does(true)).await;
        assert_eq!(reachable().await, true);
        sent(&world, &dialogue, "Good").await;
        let changes = world.events_after(&before).await;
        let changes = changes.iter().filter(|event| event["kind"] == "CLIENT_CHANGED").count();
        assert_eq!(changes, 2, "{words}");
    }
}
