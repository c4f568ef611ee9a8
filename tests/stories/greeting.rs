//! Automatic texts: the welcome once, the auto-reply whenever a client starts.

use serde_json::{Value, json};

use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::World;

stories!(World:
    the_welcome_comes_once_and_the_auto_reply_at_each_start,
    without_texts_or_with_the_reply_off_nothing_is_sent,
    an_employee_who_reopens_greets_nobody,
    automatic_texts_have_the_messengers_limit,
);

async fn origins(world: &World, dialogue: &str) -> Vec<Value> {
    world.admin.messages(dialogue).await.into_iter().map(|mut message| message["origin"].take()).collect()
}

async fn the_welcome_comes_once_and_the_auto_reply_at_each_start(world: World) {
    let channel = world.connect_channel("Shop").await;
    let settings = json!({ "welcomeText": "Welcome!", "autoReplyEnabled": true, "autoReplyText": "Soon" });
    world.set_channel(&channel, settings).await;
    let anna = Person::new(5101);
    let dialogue = world.write(&channel, &anna, "Hello").await;
    world.write(&channel, &anna, "Are you there?").await;
    assert_eq!(origins(&world, &dialogue).await, ["CLIENT", "WELCOME", "AUTO_REPLY", "CLIENT"]);

    for _ in 0..2 {
        world.admin.close(&dialogue).await;
        world.write(&channel, &anna, "Once more").await;
    }
    let expected = ["CLIENT", "WELCOME", "AUTO_REPLY", "CLIENT", "CLIENT", "AUTO_REPLY", "CLIENT", "AUTO_REPLY"];
    assert_eq!(origins(&world, &dialogue).await, expected);

    let sent = world.telegram.wait_for_sent(4).await;
    let texts: Vec<Option<&str>> = sent.iter().map(|call| call.text.as_deref()).collect();
    assert_eq!(texts, [Some("Welcome!"), Some("Soon"), Some("Soon"), Some("Soon")]);
    let messages = world.admin.messages(&dialogue).await;
    assert!(messages[1]["author"].is_null() && messages[2]["author"].is_null(), "nobody wrote them");
}

async fn without_texts_or_with_the_reply_off_nothing_is_sent(world: World) {
    let channel = world.connect_channel("Shop").await;
    world.set_channel(&channel, json!({ "autoReplyEnabled": false, "autoReplyText": "Soon" })).await;
    let first = world.write(&channel, &Person::new(5111), "Hello").await;
    world.set_channel(&channel, json!({ "autoReplyEnabled": true, "autoReplyText": null, "welcomeText": null })).await;
    let second = world.write(&channel, &Person::new(5112), "Hello").await;
    for dialogue in [first, second] {
        assert_eq!(origins(&world, &dialogue).await, ["CLIENT"]);
    }
}

async fn an_employee_who_reopens_greets_nobody(world: World) {
    let manager = world.user("EMPLOYEE").await;
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &Person::new(5121), "Hello").await;
    let settings = json!({
        "queueUserIds": [manager.id], "welcomeText": "Welcome!", "autoReplyEnabled": true, "autoReplyText": "Soon",
    });
    world.set_channel(&channel, settings).await;

    world.admin.close(&dialogue).await;
    world.admin.act("reopenDialogue", "dialogueId", &dialogue).await.data();
    world.admin.close(&dialogue).await;
    world.admin.send(&dialogue, "We have news").await;

    assert_eq!(origins(&world, &dialogue).await, ["CLIENT", "OPERATOR"]);
    let now = world.admin.dialogue(&dialogue, "state participants { user { id } }").await;
    assert_eq!(now, json!({ "state": "OPEN", "participants": [] }), "the queue is not asked either");
}

async fn automatic_texts_have_the_messengers_limit(world: World) {
    let channel = world.connect_channel("Shop").await;
    let update = "mutation($input: UpdateChannelInput!) { updateChannel(input: $input) { channel { welcomeText autoReplyText } } }";
    // Each of these takes two UTF-16 units.
    let (fits, too_long) = ("😀".repeat(2048), "😀".repeat(2048) + "a");
    for field in ["welcomeText", "autoReplyText"] {
        let input = |text: &str| json!({ "input": { "channelId": channel.id, field: text } });
        let answer = world.admin.api.run(update, input(&fits)).await;
        assert_eq!(answer.at(&format!("updateChannel.channel.{field}")), &json!(fits));
        let answer = world.admin.api.run(update, input(&too_long)).await;
        let field = format!("input.{field}");
        assert_eq!((answer.error_code(), answer.error_field()), ("BAD_USER_INPUT", Some(field.as_str())));
    }
    let answer = world.admin.api.run("{ channels { welcomeText autoReplyText } }", Value::Null).await;
    assert_eq!(answer.at("channels"), &json!([{ "welcomeText": fits, "autoReplyText": fits }]), "as they were");
}
