//! Echoes: VK tells of what the community writes, also of what we sent; that is no second message.

use colloquy_sandbox::vk::{Echoes, Fault};
use serde_json::{Value, json};

use super::{begin, message, sent};
use crate::harness::feed::kinds;
use crate::harness::story::stories;
use crate::harness::world::World;

stories!(World:
    the_echo_of_our_own_makes_no_second_message_whenever_it_comes,
    an_echo_brings_the_number_that_the_answer_lost,
    what_is_written_in_vks_page_reopens_the_dialogue_as_an_employee_would,
    what_is_written_in_vks_page_begins_a_dialogue_that_nobody_is_given,
    what_is_written_in_vks_page_is_read_whichever_is_told_first,
);

async fn the_echo_of_our_own_makes_no_second_message_whenever_it_comes(world: World) {
    let (shop, _, dialogue) = begin(&world, 7_401).await;
    world.vk.echo(Echoes::First);
    sent(&world, &dialogue, "echoed before the answer").await;
    world.vk.echo(Echoes::Held);
    sent(&world, &dialogue, "echoed after the answer").await;
    world.vk.release_echoes().await;
    world.vk.echo(Echoes::Meanwhile);
    sent(&world, &dialogue, "echoed meanwhile").await;

    assert_eq!(world.vk.sent(shop.group).len(), 3);
    world.vk.echo(Echoes::Held);
    let last = sent(&world, &dialogue, "last").await;
    let before = world.cursor().await;
    world.vk.release_echoes().await;
    assert!(world.events_after(&before).await.is_empty());
    let messages = world.admin.messages(&dialogue).await;
    let told: Vec<(&Value, &Value)> = messages.iter().map(|m| (&m["text"], &m["origin"])).collect();
    let ours = json!("OPERATOR");
    assert_eq!(told.len(), 5, "{told:?}");
    assert!(told[1..].iter().all(|(_, origin)| **origin == ours), "{told:?}");
    assert_eq!(message(&world, &dialogue, &last).await["delivery"]["attempts"], 1);
}

async fn an_echo_brings_the_number_that_the_answer_lost(world: World) {
    let (shop, anna, dialogue) = begin(&world, 7_411).await;
    // The answer has the community's number alone, and nothing more can be asked.
    world.vk.answer_with_numbers_alone();
    world.vk.echo(Echoes::Held);
    world.vk.fail("messages.getById", None, Fault::Status("error-0010"), 1);
    let mut feed = world.follow(&world.admin.api, None).await;
    let id = sent(&world, &dialogue, "Which number am I?").await;
    world.vk.release_echoes().await;
    let number = world.vk.sent(shop.group)[0].number;
    world.take_vk(&shop, &world.vk.reads(shop.group, anna.id, number)).await;
    feed.until_delivery(&id, "READ").await;

    // Where it can be asked, the answer is enough.
    let second = sent(&world, &dialogue, "And I?").await;
    let number = world.vk.sent(shop.group)[1].number;
    world.take_vk(&shop, &world.vk.reads(shop.group, anna.id, number)).await;
    feed.until_delivery(&second, "READ").await;
    assert_eq!(world.admin.messages(&dialogue).await.len(), 3);
}

async fn what_is_written_in_vks_page_reopens_the_dialogue_as_an_employee_would(world: World) {
    let (shop, anna, dialogue) = begin(&world, 7_421).await;
    let manager = world.user("EMPLOYEE").await;
    let settings = json!({
        "queueUserIds": [manager.id], "autoReplyEnabled": true, "autoReplyText": "We will be back", "welcomeText": "Hi",
    });
    world.set_channel(&shop.channel, settings).await;
    world.admin.close(&dialogue).await;
    let before = world.cursor().await;

    let event = world.vk.company_says(shop.group, anna.id, "From the page");
    world.take_vk(&shop, &event).await;
    world.take_vk(&shop, &event).await;

    let events = world.events_after(&before).await;
    assert_eq!(kinds(&events), ["DIALOGUE_REOPENED", "MESSAGE_ADDED"]);
    let last = world.admin.messages(&dialogue).await.pop().expect("messages");
    assert_eq!((&last["text"], &last["origin"]), (&json!("From the page"), &json!("MESSENGER")));
    let now = world.admin.dialogue(&dialogue, "state group unreadCount participants { role }").await;
    assert_eq!(now, json!({ "state": "OPEN", "group": "UNASSIGNED", "unreadCount": 1, "participants": [] }));

    // Changed in the page, too.
    let number = event["object"]["conversation_message_id"].as_i64().expect("a number");
    let edit = world.vk.company_edits(shop.group, anna.id, number, "From the page, with care");
    world.take_vk(&shop, &edit).await;
    let last = world.admin.messages(&dialogue).await.pop().expect("messages");
    assert_eq!((&last["text"], &last["origin"]), (&json!("From the page, with care"), &json!("MESSENGER")));
    assert!(world.vk.sent(shop.group).is_empty(), "no automatic text went out");
}

async fn what_is_written_in_vks_page_begins_a_dialogue_that_nobody_is_given(world: World) {
    let shop = world.connect_vk("Shop").await;
    let manager = world.user("EMPLOYEE").await;
    let settings = json!({ "queueUserIds": [manager.id], "welcomeText": "Hi" });
    world.set_channel(&shop.channel, settings).await;
    world.vk.person(7_431, "Person7431", "");
    let before = world.cursor().await;
    world.take_vk(&shop, &world.vk.company_says(shop.group, 7_431, "You won")).await;
    assert_eq!(kinds(&world.events_after(&before).await), ["DIALOGUE_OPENED", "CONTRACTOR_LINKED", "MESSAGE_ADDED"]);
    // The client's first message is theirs all the same.
    world.take_vk(&shop, &world.vk.says(shop.group, 7_431, "Really?")).await;
    world.vk.wait_for_message(shop.group, "the welcome", |message| message.text == "Hi").await;
}

async fn what_is_written_in_vks_page_is_read_whichever_is_told_first(world: World) {
    let (shop, anna, dialogue) = begin(&world, 7_441).await;
    for is_read_first in [false, true] {
        let written = world.vk.company_says(shop.group, anna.id, "From the page");
        let number = written["object"]["conversation_message_id"].as_i64().expect("a number");
        let read = world.vk.reads(shop.group, anna.id, number);
        for event in if is_read_first { [&read, &written] } else { [&written, &read] } {
            world.take_vk(&shop, event).await;
        }
        let last = world.admin.messages(&dialogue).await.pop().expect("messages");
        assert_eq!(last["text"], "From the page");
        assert_eq!(last["delivery"]["status"], "READ", "read first: {is_read_first}");
    }
}
