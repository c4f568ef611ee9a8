//! Viber: what its people write and do, and what the company sends them.

mod answers;
mod connecting;
mod faults;
mod files;
mod payloads;
mod receipts;

use colloquy_entity::message;
use colloquy_sandbox::viber::{Content, User};
use sea_orm::EntityTrait as _;
use serde_json::{Value, json};

use crate::harness::feed::kinds;
use crate::harness::story::stories;
use crate::harness::world::{Channel, World};

stories!(World:
    a_first_message_is_greeted_and_opening_the_chat_is_not,
    what_people_send_arrives_as_what_it_is,
    what_is_written_is_sent_as_it_is,
    a_text_of_seven_thousand_fits_and_a_longer_one_is_refused,
    who_unsubscribed_is_out_of_reach_until_they_come_back,
    a_client_without_a_name_is_asked_for_it_and_seldom,
    the_name_that_clients_see_is_the_channels_as_it_is_now,
    tokens_are_exact_beyond_what_floats_and_signed_numbers_hold,
    nothing_that_was_sent_can_be_changed_or_removed,
    writing_is_shown_to_nobody_and_does_no_harm,
);

/// A channel, somebody who wrote to it, and their dialogue.
async fn begin(world: &World, name: &str) -> (Channel, User, String) {
    let channel = world.connect_viber("Shop").await;
    let user = User::new(name);
    let dialogue = world.viber_says(&channel, &user, "Hello").await;
    (channel, user, dialogue)
}

/// How far a message came.
async fn delivery(world: &World, dialogue: &str, id: &str) -> Value {
    let messages = world.admin.messages(dialogue).await;
    messages.into_iter().find(|message| message["id"] == id).expect("it is there")["delivery"].take()
}

async fn a_first_message_is_greeted_and_opening_the_chat_is_not(world: World) {
    let channel = world.connect_viber("Shop").await;
    world.set_channel(&channel, json!({ "welcomeText": "Welcome!" })).await;
    let anna = User { avatar: Some("https://media.viber.example/anna?dlid=1".into()), ..User::new("Anna") };
    let before = world.cursor().await;
    for subscribed in [false, true] {
        world.viber_tells(&channel, &anna.opens(subscribed)).await;
    }
    world.viber_tells(&channel, &anna.subscribes()).await;
    assert!(world.events_after(&before).await.is_empty(), "there is no dialogue without a message");

    let dialogue = world.viber_says(&channel, &anna, "Hello").await;
    let sent = world.viber.wait_for_sent(1).await;
    assert_eq!((sent[0].receiver.as_deref(), sent[0].text.as_deref()), (Some(&*anna.id), Some("Welcome!")));
    let events = world.events_after(&before).await;
    assert_eq!(kinds(&events)[..3], ["DIALOGUE_OPENED", "CONTRACTOR_LINKED", "MESSAGE_ADDED"]);
    let client = world.admin.dialogue(&dialogue, "client { name username profileUrl avatarUrl isReachable }").await;
    let expected = json!({
        "name": "Anna", "username": null, "profileUrl": null, "isReachable": true,
        "avatarUrl": "https://media.viber.example/anna?dlid=1",
    });
    assert_eq!(client["client"], expected);
}

async fn what_people_send_arrives_as_what_it_is(world: World) {
    let (channel, anna, dialogue) = begin(&world, "Anna").await;
    let file = "https://dl-media.viber.example/a/b.pdf?Expires=1&Signature=s";
    for content in [
        Content::Picture("https://dl-media.viber.example/a/b.jpg?Expires=1".into(), Some("Look".into())),
        Content::Video("https://dl-media.viber.example/a/b.mp4?Expires=1".into()),
        Content::File(file.into(), "Договор.pdf".into(), 12),
        Content::Sticker(46105),
        Content::Location(55.75, 37.61),
        Content::Contact("Boris".into(), "+70000000001".into()),
        Content::Url("https://example.com/page".into()),
    ] {
        world.viber_tells(&channel, &anna.sends(&content)).await;
    }
    world.viber_tells(&channel, &anna.message(json!({ "type": "rich_media", "rich_media": {} }))).await;
    let messages = world.admin.messages(&dialogue).await;
    let outline: Vec<(&str, &str)> = messages
        .iter()
        .map(|message| {
            let attachment = &message["attachments"][0];
            let what = attachment["kind"].as_str().or(attachment["__typename"].as_str()).unwrap_or_default();
            (message["text"].as_str().expect("a text"), what)
        })
        .collect();
    let expected = [
        ("Hello", ""),
        ("Look", "IMAGE"),
        ("", "VIDEO"),
        ("", "DOCUMENT"),
        ("[Sticker] 46105", ""),
        ("", "Location"),
        ("", "SharedContact"),
        ("https://example.com/page", ""),
        ("[Rich media]", ""),
    ];
    assert_eq!(outline, expected);
    let video = &messages[2]["attachments"][0];
    assert_eq!((&video["duration"], &video["contentType"]), (&json!(7), &json!("video/mp4")));
    let contact = &messages[6]["attachments"][0];
    assert_eq!((&contact["contact"], &contact["phone"]), (&json!("Boris"), &json!("+70000000001")));
}

async fn what_is_written_is_sent_as_it_is(world: World) {
    let (channel, anna, dialogue) = begin(&world, "Anna").await;
    let mut feed = world.follow(&world.admin.api, None).await;
    let text = "<b>5 < 6 & *not* _bold_</b>\n\u{202e}rtl\u{202c} 👨\u{200d}👩\u{200d}👧 \\ \"quoted\" {} (smiley)";
    let first = world.admin.send(&dialogue, text).await;
    let answered = world.admin.messages(&dialogue).await[0]["id"].clone();
    let send = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }";
    let input = json!({ "dialogueId": dialogue, "text": "An answer", "replyToId": answered });
    let second: String = world.admin.api.run(send, json!({ "input": input })).await.get("sendMessage.message.id");
    feed.until_delivery(&second, "SENT").await;

    let sent = world.viber.sent();
    assert_eq!(sent[0].text.as_deref(), Some(text));
    let expected = json!({ "receiver": anna.id, "type": "text", "text": "An answer", "sender": { "name": "Shop" } });
    assert_eq!(sent[1].arguments, expected, "what it answers cannot be shown");
    assert_eq!(sent[1].token, channel.token);
    assert_eq!(delivery(&world, &dialogue, &first).await["attempts"], 1);
}

async fn a_text_of_seven_thousand_fits_and_a_longer_one_is_refused(world: World) {
    let (_, _, dialogue) = begin(&world, "Anna").await;
    let send = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }";
    for text in ["б".repeat(7001), "😀".repeat(3500) + "a", " ".into()] {
        let answer = world.admin.api.run(send, json!({ "input": { "dialogueId": dialogue, "text": text } })).await;
        assert_eq!((answer.error_code(), answer.error_field()), ("BAD_USER_INPUT", Some("input.text")));
    }
    let fits = ["б".repeat(7000), "😀".repeat(3500), "水".repeat(7000)];
    for text in &fits {
        world.admin.send(&dialogue, text).await;
    }
    let sent = world.viber.wait_for_sent(3).await;
    let texts: Vec<_> = sent.iter().map(|call| call.text.as_deref().expect("a text")).collect();
    assert_eq!(texts, fits, "21,000 bytes are within Viber's 30 KB");

    // Each of these takes six bytes there.
    let mut feed = world.follow(&world.admin.api, None).await;
    let id = world.admin.send(&dialogue, &"\u{1}".repeat(7000)).await;
    feed.until_delivery(&id, "FAILED").await;
    let words = "The text is longer than the 30 KB that Viber takes: shorten it";
    assert_eq!(delivery(&world, &dialogue, &id).await["failure"], words);
}

async fn who_unsubscribed_is_out_of_reach_until_they_come_back(world: World) {
    let (channel, anna, dialogue) = begin(&world, "Anna").await;
    let reachable = async || world.admin.dialogue(&dialogue, "isReachable").await["isReachable"].clone();
    let before = world.cursor().await;
    world.viber_tells(&channel, &anna.unsubscribes()).await;
    assert_eq!(reachable().await, json!(false));
    let mut feed = world.follow(&world.admin.api, None).await;
    let id = world.admin.send(&dialogue, "Are you there?").await;
    feed.until_delivery(&id, "FAILED").await;
    let words = "The client is not subscribed to the bot; once they write to it, it can write to them";
    let expected = json!({ "status": "FAILED", "failure": words, "attempts": 1 });
    assert_eq!(delivery(&world, &dialogue, &id).await, expected);

    for back in [anna.subscribes(), anna.opens(true), anna.says("I am back")] {
        world.viber_tells(&channel, &anna.unsubscribes()).await;
        world.viber_tells(&channel, &anna.opens(false)).await;
        assert_eq!(reachable().await, json!(false), "to look at the chat is no subscription");
        world.viber_tells(&channel, &back).await;
        assert_eq!(reachable().await, json!(true));
    }
    world.admin.act("retryMessage", "messageId", &id).await.data();
    feed.until_delivery(&id, "SENT").await;
    let events = world.events_after(&before).await;
    let changes = events.iter().filter(|event| event["kind"] == "CLIENT_CHANGED").count();
    assert_eq!(changes, 6, "three times gone, three times back: what is so already makes none");
}

async fn a_client_without_a_name_is_asked_for_it_and_seldom(world: World) {
    let channel = world.connect_viber("Shop").await;
    let anna = User::new("Anna");
    let nameless = |text: &str| {
        let mut event = anna.says(text);
        event["sender"].as_object_mut().expect("a person").remove("name");
        event
    };
    // Viber knows the name, and does not tell it with the message.
    world.viber.deliver(&channel.token, &anna.subscribes()).await;
    world.viber_tells(&channel, &nameless("Hello")).await;
    world.viber_tells(&channel, &nameless("It is me")).await;
    world.viber_dialogue(&channel, "Anna").await;
    assert_eq!(world.viber.calls("get_user_details").len(), 1, "twice in twelve hours is all that Viber allows");

    let boris = User { name: "Subscriber".into(), ..User::new("Boris") };
    world.viber_tells(&channel, &boris.says("Hello")).await;
    world.viber_dialogue(&channel, "Viber client").await;
}

async fn the_name_that_clients_see_is_the_channels_as_it_is_now(world: World) {
    let (channel, _, dialogue) = begin(&world, "Anna").await;
    let names = ["Аптека на улице Академика Королёва", "😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀", "Shop"];
    for (nth, name) in names.iter().enumerate() {
        world.set_channel(&channel, json!({ "name": name })).await;
        world.admin.send(&dialogue, "Hi").await;
        world.viber.wait_for_sent(nth + 1).await;
    }
    let sent = world.viber.sent();
    let shown: Vec<&str> = sent.iter().filter_map(|call| call.arguments["sender"]["name"].as_str()).collect();
    assert_eq!(
        shown,
        ["Аптека на улице Академика Ко", "😀😀😀😀😀😀😀😀😀😀😀😀😀😀", "Shop"],
        "28 UTF-16 units at most"
    );
}

async fn tokens_are_exact_beyond_what_floats_and_signed_numbers_hold(world: World) {
    let (channel, anna, dialogue) = begin(&world, "Anna").await;
    let mut feed = world.follow(&world.admin.api, None).await;
    for token in [(1 << 53) + 1, i64::MAX as u64 + 2, u64::MAX - 58] {
        world.viber.next_message_token(token);
        let id = world.admin.send(&dialogue, "Hi").await;
        feed.until_delivery(&id, "SENT").await;
        // One beside it, which a float would not tell from it, is of no message.
        let mut other = anna.says("");
        other["event"] = json!("seen");
        other["user_id"] = json!(anna.id);
        other["message_token"] = json!(token - 1);
        world.viber_tells(&channel, &other).await;
        assert_eq!(delivery(&world, &dialogue, &id).await["status"], "SENT");
        assert_eq!(world.viber.delivered(&channel.token, token).await, 200);
        assert_eq!(delivery(&world, &dialogue, &id).await["status"], "DELIVERED");
        // Shown as a string, as the documentation has it.
        other["message_token"] = json!(token.to_string());
        world.viber_tells(&channel, &other).await;
        assert_eq!(delivery(&world, &dialogue, &id).await["status"], "READ");
    }
    let mut event = anna.says("beyond");
    event["message_token"] = json!(u64::MAX - 58 - 100);
    world.viber_tells(&channel, &event).await;
    let db = world.server.running().app.db.read();
    let rows = message::Entity::find().all(db).await.expect("messages");
    let ids: Vec<&str> = rows.iter().filter_map(|row| row.external_id.as_deref()).collect();
    for id in ["9007199254740993", "9223372036854775809", "18446744073709551557", "18446744073709551457"] {
        assert!(ids.contains(&id), "{id} is not among {ids:?}");
    }
}

async fn nothing_that_was_sent_can_be_changed_or_removed(world: World) {
    let (_, _, dialogue) = begin(&world, "Anna").await;
    let mut feed = world.follow(&world.admin.api, None).await;
    let id = world.admin.send(&dialogue, "One").await;
    feed.until_delivery(&id, "SENT").await;
    let edit = "mutation($id: ID!) { editMessage(messageId: $id, text: \"Two\") { message { id } } }";
    let delete = "mutation($id: ID!) { deleteMessage(messageId: $id) { message { id } } }";
    for change in [edit, delete] {
        let answer = world.admin.api.run(change, json!({ "id": id })).await;
        assert_eq!(answer.error_code(), "BAD_USER_INPUT");
        let words = answer.error()["message"].as_str().expect("words");
        assert_eq!(words, "Viber lets nobody change or remove a message that was sent");
    }
    assert_eq!(world.admin.messages(&dialogue).await[1]["text"], "One");
}

async fn writing_is_shown_to_nobody_and_does_no_harm(world: World) {
    let (_, _, dialogue) = begin(&world, "Anna").await;
    let typing = "mutation($id: ID!) { setTyping(dialogueId: $id) { dialogue { id } } }";
    world.admin.api.run(typing, json!({ "id": dialogue })).await.data();
    world.admin.send(&dialogue, "Hi").await;
    world.viber.wait_for_sent(1).await;
    let state = world.admin.api.run("{ channels { state } }", Value::Null).await;
    assert_eq!(state.at("channels.0.state"), "CONNECTED");
}
