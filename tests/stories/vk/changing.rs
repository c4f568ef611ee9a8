//! Changing and deleting at VK what the company wrote.

use serde_json::{Value, json};

use super::{begin, message, sent};
use crate::harness::feed::kinds;
use crate::harness::story::stories;
use crate::harness::world::World;
use colloquy_sandbox::vk::Fault;

stories!(World:
    an_edit_and_a_removal_arrive_and_their_echoes_make_nothing,
    an_edit_that_comes_too_late_is_taken_back,
    what_was_written_in_vks_page_can_be_changed_here,
    the_echo_of_an_earlier_edit_does_not_bring_it_back,
);

async fn edit(world: &World, id: &str, text: &str) {
    let edit = "mutation($id: ID!, $text: String!) { editMessage(messageId: $id, text: $text) { message { id } } }";
    world.admin.api.run(edit, json!({ "id": id, "text": text })).await.data();
}

async fn an_edit_and_a_removal_arrive_and_their_echoes_make_nothing(world: World) {
    let (shop, _, dialogue) = begin(&world, 7_601).await;
    world.vk.echo(colloquy_sandbox::vk::Echoes::First);
    world.vk.echo_edits();
    let id = sent(&world, &dialogue, "It costs 90").await;
    let before = world.cursor().await;
    edit(&world, &id, "It costs 99").await;
    let there = world.vk.wait_for_message(shop.group, "the edit", |message| message.edits == 1).await;
    assert_eq!(there.text, "It costs 99");
    let call = &world.vk.wait_for_calls("messages.edit", 1).await[0];
    assert_eq!((call.text("keep_forward_messages"), call.text("keep_snippets")), ("1", "1"));

    world.admin.act("deleteMessage", "messageId", &id).await.data();
    world.vk.wait_for_message(shop.group, "the removal", |message| message.is_deleted).await;
    let call = &world.vk.wait_for_calls("messages.delete", 1).await[0];
    assert_eq!((call.text("delete_for_all"), call.text("cmids")), ("1", there.number.to_string().as_str()));
    assert_eq!(kinds(&world.events_after(&before).await), ["MESSAGE_EDITED", "MESSAGE_DELETED"]);
    let now = message(&world, &dialogue, &id).await;
    assert!(now["deletedAt"].is_string() && now["text"] == "", "{now}");
}

async fn an_edit_that_comes_too_late_is_taken_back(world: World) {
    let (_, anna, dialogue) = begin(&world, 7_611).await;
    let id = sent(&world, &dialogue, "It costs 90").await;
    world.vk.fail("messages.edit", Some(anna.id), Fault::Status("error-0909"), 1);
    let mut feed = world.follow(&world.admin.api, None).await;
    edit(&world, &id, "It costs 99").await;
    feed.until(|event| event["kind"] == "MESSAGE_DELIVERY_CHANGED").await;
    let now = message(&world, &dialogue, &id).await;
    assert_eq!(now["text"], "It costs 90");
    let words = "The change did not reach the client: VK does not let this message be changed any more";
    assert_eq!(now["delivery"]["failure"], words);

    // A passing fault is none.
    world.vk.fail("messages.edit", Some(anna.id), Fault::Html502, 2);
    edit(&world, &id, "It costs 95").await;
    let calls = world.vk.wait_for_calls("messages.edit", 4).await;
    assert_eq!(calls[3].error, None);
    assert_eq!(message(&world, &dialogue, &id).await["text"], "It costs 95");
}

async fn what_was_written_in_vks_page_can_be_changed_here(world: World) {
    let (shop, anna, dialogue) = begin(&world, 7_621).await;
    world.take_vk(&shop, &world.vk.company_says(shop.group, anna.id, "From the page")).await;
    let theirs: Value = world.admin.messages(&dialogue).await.pop().expect("messages");
    edit(&world, theirs["id"].as_str().expect("an id"), "From here").await;
    world.vk.wait_for_message(shop.group, "the edit", |message| message.text == "From here").await;
}

async fn the_echo_of_an_earlier_edit_does_not_bring_it_back(world: World) {
    let (shop, anna, dialogue) = begin(&world, 7_631).await;
    let id = sent(&world, &dialogue, "one").await;
    edit(&world, &id, "two").await;
    let there = world.vk.wait_for_message(shop.group, "the edit", |message| message.edits == 1).await;
    let echo = world.vk.company_edits(shop.group, anna.id, there.number, "two");
    let gate = world.vk.gate_next("messages.edit");
    edit(&world, &id, "three").await;
    world.vk.wait_for_calls("messages.edit", 2).await;
    world.take_vk(&shop, &echo).await;
    assert_eq!(message(&world, &dialogue, &id).await["text"], "three");
    gate.release();
    world.vk.wait_for_message(shop.group, "the second edit", |message| message.text == "three").await;
}
