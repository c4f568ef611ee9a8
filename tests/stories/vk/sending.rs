//! Sending: once, in order, with the key that keeps a repeat from being a second message.

use serde_json::{Value, json};

use super::{begin, message, sent};
use crate::harness::story::stories;
use crate::harness::world::World;
use colloquy_sandbox::vk::Fault;

stories!(World:
    an_answer_is_sent_as_it_is,
    a_lost_answer_makes_no_second_message,
    a_reply_points_at_what_it_answers,
    an_answer_without_the_number_is_completed,
);

async fn an_answer_is_sent_as_it_is(world: World) {
    let (shop, anna, dialogue) = begin(&world, 7_501).await;
    let text = "<b>5 < 6 & *not* _bold_</b>\n\u{202e}rtl\u{202c} 👨\u{200d}👩\u{200d}👧 \\ \"quoted\" {} +%20&a=b";
    sent(&world, &dialogue, text).await;
    let [message] = &world.vk.sent(shop.group)[..] else { panic!("sent once") };
    assert_eq!((message.text.as_str(), message.peer, message.reply_to), (text, anna.id, None));
    assert!(message.random_id > 0 && i32::try_from(message.random_id).is_ok());
    let [call] = &world.vk.calls("messages.send")[..] else { panic!("one call") };
    assert_eq!((call.text("v"), call.text("peer_ids")), ("5.199", "7501"));
    assert!(!call.arguments.contains_key("access_token"), "the token is in no argument");
    let send = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }";
    let long = "a".repeat(4097);
    let answer = world.admin.api.run(send, json!({ "input": { "dialogueId": dialogue, "text": long } })).await;
    assert_eq!((answer.error_code(), answer.error_field()), ("BAD_USER_INPUT", Some("input.text")));
}

async fn a_lost_answer_makes_no_second_message(world: World) {
    let (shop, anna, dialogue) = begin(&world, 7_511).await;
    world.vk.fail("messages.send", Some(anna.id), Fault::AcceptedThenReset, 2);
    let mut feed = world.follow(&world.admin.api, None).await;
    let id = world.admin.send(&dialogue, "did it arrive?").await;
    feed.until_delivery(&id, "SENT").await;
    let calls = world.vk.wait_for_calls("messages.send", 1).await;
    let keys: Vec<&str> = calls.iter().map(|call| call.text("random_id")).collect();
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    let texts: Vec<String> = world.vk.sent(shop.group).into_iter().map(|message| message.text).collect();
    assert_eq!(texts, ["did it arrive?"], "VK has it once");
    assert_eq!(world.admin.messages(&dialogue).await.len(), 2);

    sent(&world, &dialogue, "another").await;
    let keys: Vec<i64> = world.vk.sent(shop.group).iter().map(|message| message.random_id).collect();
    assert_ne!(keys[0], keys[1], "each message has its own");
}

async fn a_reply_points_at_what_it_answers(world: World) {
    let (shop, anna, dialogue) = begin(&world, 7_521).await;
    world.take_vk(&shop, &world.vk.says(shop.group, anna.id, "And this?")).await;
    let asked = world.admin.messages(&dialogue).await[1]["id"].clone();
    let reply = async |text: &str| {
        let send = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }";
        let input = json!({ "dialogueId": dialogue, "text": text, "replyToId": asked });
        let mut feed = world.follow(&world.admin.api, None).await;
        let answer = world.admin.api.run(send, json!({ "input": input })).await;
        let id: String = answer.get("sendMessage.message.id");
        feed.until_delivery(&id, "SENT").await;
    };
    reply("That too").await;
    assert_eq!(world.vk.sent(shop.group)[0].reply_to, Some(2));

    // What is gone there is answered without it.
    world.vk.fail("messages.send", Some(anna.id), Fault::Status("error-0921"), 1);
    reply("Still that").await;
    let last = world.vk.sent(shop.group).pop().expect("it arrived");
    assert_eq!((last.text.as_str(), last.reply_to), ("Still that", None));
}

async fn an_answer_without_the_number_is_completed(world: World) {
    let (shop, anna, dialogue) = begin(&world, 7_531).await;
    world.vk.answer_with_numbers_alone();
    world.vk.echo(colloquy_sandbox::vk::Echoes::Held);
    let id = sent(&world, &dialogue, "Which number?").await;
    let mut feed = world.follow(&world.admin.api, None).await;
    let number = world.vk.sent(shop.group)[0].number;
    world.take_vk(&shop, &world.vk.reads(shop.group, anna.id, number)).await;
    feed.until_delivery(&id, "READ").await;
    assert_eq!(message(&world, &dialogue, &id).await["delivery"]["failure"], Value::Null);
}
