//! The website's chat: a visitor writes and is answered, live, and hears nothing but their own conversation.

mod browser;
mod doors;
mod files;
mod limits;
mod live;

use serde_json::{Value, json};

use crate::harness::feed::{Feed, kinds};
use crate::harness::story::stories;
use crate::harness::visitor::{MESSAGE, ORIGIN, Visitor};
use crate::harness::world::World;

stories!(World:
    a_visitor_writes_as_any_client_does,
    an_operator_answers_and_sees_how_far_it_came,
    the_company_has_read_what_the_visitor_wrote,
    the_same_key_sends_once,
    what_the_company_changes_changes_for_the_visitor,
    a_visitor_has_their_own_conversation_alone,
    what_cannot_be_sent_is_refused_in_words,
    a_long_conversation_is_read_page_by_page,
);

fn texts(updates: &[Value]) -> Vec<&str> {
    updates.iter().filter_map(|update| update["message"]["text"].as_str()).collect()
}

async fn a_visitor_writes_as_any_client_does(world: World) {
    let channel = world.connect_website("Shop", &[ORIGIN]).await;
    let manager = world.user("EMPLOYEE").await;
    let funnel = "mutation { createFunnel(input: { name: \"Sales\", stages: [{ name: \"New\", kind: OPEN }] }) { funnel { id } } }";
    let funnel: String = world.admin.api.run(funnel, Value::Null).await.get("createFunnel.funnel.id");
    world
        .set_channel(
            &channel,
            json!({
                "queueUserIds": [manager.id], "funnelId": funnel, "welcomeText": "Welcome!",
                "autoReplyEnabled": true, "autoReplyText": "We answer soon",
            }),
        )
        .await;
    let visitor = Visitor::start(&world, &channel).await;
    let empty = visitor.chat().await;
    assert_eq!((&empty["name"], &empty["unreadCount"]), (&json!("Shop"), &json!(0)));
    assert_eq!(empty["messages"], json!({ "nodes": [], "hasPreviousPage": false, "startCursor": null }));
    assert!(world.dialogues(&channel).await.is_empty(), "nothing is stored of who has not written");
    let mut updates = visitor.follow(None).await;
    let before = world.cursor().await;

    let sent = visitor.send("k1", "Is it there?").await;

    let message = sent.at("sendMessage.message");
    assert_eq!(
        (&message["isOwn"], &message["key"], &message["text"]),
        (&json!(true), &json!("k1"), &json!("Is it there?"))
    );
    assert_eq!((&message["author"], &message["isRead"]), (&Value::Null, &json!(false)));
    let told = updates.until_text("We answer soon").await;
    assert_eq!(texts(&told), ["Is it there?", "Welcome!", "We answer soon"], "whoever had no dialogue hears it begin");
    assert_eq!(told[0]["message"], *message);
    assert!(told[1..].iter().all(|of| of["message"]["isOwn"] == false && of["message"]["author"].is_null()));
    let events = world.events_after(&before).await;
    let expected =
        ["DIALOGUE_OPENED", "CONTRACTOR_LINKED", "DEAL_CREATED", "PARTICIPANT_ADDED", "MESSAGE_ADDED", "MESSAGE_ADDED"];
    assert_eq!(kinds(&events)[..6], expected, "as in any channel");
    let dialogue = world.only_dialogue(&channel).await;
    let seen = world
        .admin
        .dialogue(&dialogue, "unreadCount client { name isReachable } contractor { name } participants { user { id } }")
        .await;
    let name = seen["client"]["name"].as_str().expect("a name");
    assert!(name.starts_with("Visitor ") && name.len() == 12, "told from others by a part of the id: {name}");
    assert_eq!((&seen["client"]["isReachable"], &seen["unreadCount"]), (&json!(true), &json!(1)));
    assert_eq!(seen["participants"][0]["user"]["id"], json!(manager.id));
    assert_eq!(seen["contractor"]["name"], json!(name));

    world.admin.close(&dialogue).await;
    visitor.say("And now?").await;
    let told = updates.until_text("We answer soon").await;
    assert_eq!(texts(&told), ["And now?", "We answer soon"], "reopened: no second welcome");
    assert_eq!(world.only_dialogue(&channel).await, dialogue);
}

async fn an_operator_answers_and_sees_how_far_it_came(world: World) {
    let channel = world.connect_website("Shop", &[ORIGIN]).await;
    let visitor = Visitor::start(&world, &channel).await;
    visitor.say("Hello").await;
    let dialogue = world.only_dialogue(&channel).await;
    let mut updates = visitor.follow(None).await;
    let mut other_tab = visitor.follow(None).await;
    let mut feed = Feed::follow(&world.admin.api, None).await;

    let answer = world.admin.send(&dialogue, "Good day").await;

    let heard = loop {
        let update = updates.next().await;
        if update["message"].is_object() {
            break update["message"].clone();
        }
    };
    assert_eq!((&heard["id"], &heard["text"]), (&json!(answer), &json!("Good day")));
    assert_eq!(
        (&heard["author"], &heard["isOwn"], &heard["isRead"]),
        (&json!("Administrator"), &json!(false), &json!(false))
    );
    feed.until_delivery(&answer, "SENT").await;
    assert_eq!(visitor.chat().await["unreadCount"], 1);

    visitor.act("markDelivered", Some(&answer)).await.data();
    feed.until_delivery(&answer, "DELIVERED").await;
    visitor.act("markRead", Some(&answer)).await.data();
    feed.until_delivery(&answer, "READ").await;

    other_tab.until_text("Good day").await;
    let read = other_tab.message().await;
    assert_eq!((&read["id"], &read["isRead"]), (&json!(answer), &json!(true)), "the visitor's other tabs are told");
    assert_eq!(visitor.chat().await["unreadCount"], 0);
    let before = world.cursor().await;
    visitor.act("markDelivered", Some(&answer)).await.data();
    visitor.act("markRead", Some(&answer)).await.data();
    assert_eq!(world.events_after(&before).await, Vec::<Value>::new(), "marks go forward only");

    // Read as soon as it is seen, be it before the sender has noted anything; and all before it with it.
    let one = world.admin.send(&dialogue, "one").await;
    let two = world.admin.send(&dialogue, "two").await;
    visitor.act("markRead", Some(&two)).await.data();
    feed.until_delivery(&one, "READ").await;
    feed.until_delivery(&two, "READ").await;
    world.admin.send(&dialogue, "three").await;
    updates.until_text("three").await;
    let messages = world.admin.messages(&dialogue).await;
    for id in [&one, &two] {
        let message = messages.iter().find(|message| message["id"] == json!(id)).expect("it is there");
        assert_eq!(message["delivery"]["status"], "READ", "and stays so");
    }
}

async fn the_company_has_read_what_the_visitor_wrote(world: World) {
    let channel = world.connect_website("Shop", &[ORIGIN]).await;
    let colleague = world.user("EMPLOYEE").await;
    let visitor = Visitor::start(&world, &channel).await;
    let first = visitor.say("one").await;
    let second = visitor.say("two").await;
    let dialogue = world.only_dialogue(&channel).await;
    let mut updates = visitor.follow(None).await;

    world.admin.mark_read(&dialogue, &first).await;
    let told = updates.next().await;
    assert_eq!((&told["readUpTo"], &told["message"]), (&json!(first), &Value::Null));
    assert!(told["cursor"].is_string());
    let read = async || -> Vec<bool> {
        let chat = visitor.chat().await;
        let nodes = chat["messages"]["nodes"].as_array().expect("messages").clone();
        nodes.iter().filter(|of| of["isOwn"] == true).map(|of| of["isRead"] == true).collect()
    };
    assert_eq!(read().await, [true, false]);

    // Who reads less than another has read before tells nothing new; an answer reads what came before it.
    colleague.mark_read(&dialogue, &first).await;
    colleague.send(&dialogue, "Yes").await;
    let told = updates.next().await;
    assert_eq!(told["readUpTo"], json!(second));
    assert_eq!(updates.message().await["author"], "Employee 1");
    assert_eq!(read().await, [true, true]);
}

async fn the_same_key_sends_once(world: World) {
    let channel = world.connect_website("Shop", &[ORIGIN]).await;
    let visitor = Visitor::start(&world, &channel).await;
    let first = visitor.send("k", "Hello").await;
    let before = world.cursor().await;

    let again = visitor.send("k", "Hello").await;
    assert_eq!(again.at("sendMessage.message.id"), first.at("sendMessage.message.id"));
    assert_eq!(world.events_after(&before).await, Vec::<Value>::new());

    let (one, two, three) =
        tokio::join!(visitor.send("k2", "Once"), visitor.send("k2", "Once"), visitor.send("k2", "Once"));
    for other in [two, three] {
        assert_eq!(other.at("sendMessage.message"), one.at("sendMessage.message"));
    }
    let another = Visitor::start(&world, &channel).await;
    let theirs = another.send("k", "Mine").await;
    assert_ne!(theirs.at("sendMessage.message.id"), first.at("sendMessage.message.id"), "keys are each visitor's own");
    assert_eq!(world.dialogues(&channel).await.len(), 2);

    // A new visitor's first message, sent by impatient hands.
    let third = Visitor::start(&world, &channel).await;
    let (one, two) = tokio::join!(third.send("k", "Hello"), third.send("k", "Hello"));
    assert_eq!(one.at("sendMessage.message.id"), two.at("sendMessage.message.id"));
    assert_eq!(world.dialogues(&channel).await.len(), 3);
}

async fn what_the_company_changes_changes_for_the_visitor(world: World) {
    let channel = world.connect_website("Shop", &[ORIGIN]).await;
    let visitor = Visitor::start(&world, &channel).await;
    visitor.say("Hello").await;
    let dialogue = world.only_dialogue(&channel).await;
    let mut updates = visitor.follow(None).await;
    let answer = world.admin.send(&dialogue, "Goood day").await;
    updates.until_text("Goood day").await;

    let edit = "mutation($id: ID!) { editMessage(messageId: $id, text: \"Good day\") { message { id } } }";
    world.admin.api.run(edit, json!({ "id": answer })).await.data();
    let edited = updates.message().await;
    assert_eq!((&edited["id"], &edited["text"]), (&json!(answer), &json!("Good day")));
    assert!(edited["editedAt"].is_string() && edited["deletedAt"].is_null());

    world.admin.act("deleteMessage", "messageId", &answer).await.data();
    let deleted = updates.message().await;
    assert_eq!((&deleted["id"], &deleted["text"], &deleted["files"]), (&json!(answer), &json!(""), &json!([])));
    assert!(deleted["deletedAt"].is_string());
    let chat = visitor.chat().await;
    assert_eq!(chat["messages"]["nodes"][1]["text"], "", "its place stays");
    assert_eq!(chat["unreadCount"], 0, "nobody waits to read it");
}

async fn a_visitor_has_their_own_conversation_alone(world: World) {
    let channel = world.connect_website("Shop", &[ORIGIN]).await;
    let (anna, boris) = (Visitor::start(&world, &channel).await, Visitor::start(&world, &channel).await);
    let annas = anna.say("I am Anna").await;
    let dialogue = world.only_dialogue(&channel).await;
    let mut boris_hears = boris.follow(None).await;
    let answer = world.admin.send(&dialogue, "Good day, Anna").await;
    let before = world.cursor().await;

    for id in [&annas, &answer, "msg_nonsense"] {
        for mutation in ["markRead", "markDelivered"] {
            assert_eq!(boris.act(mutation, Some(id)).await.error_code(), "NOT_FOUND");
        }
    }
    assert_eq!(boris.chat().await["messages"]["nodes"], json!([]));
    boris.say("I am Boris").await;
    assert_eq!(boris_hears.message().await["text"], "I am Boris", "the first that he hears");
    for id in [&annas, &answer] {
        assert_eq!(boris.act("markRead", Some(id)).await.error_code(), "NOT_FOUND", "nor with a dialogue of his own");
    }
    let events = world.events_after(&before).await;
    let is_annas = |of: &&Value| of["dialogue"]["id"] == json!(dialogue) && of["deliveryStatus"] == "READ";
    assert!(!events.iter().any(|of| is_annas(&of)), "nothing of Anna's was read by Boris");
    // Without a token there is nothing to see, and nothing but the API of visitors is here.
    let nobody = Visitor { api: crate::harness::client::Api::page(&world.server.url, ORIGIN) };
    let chat = nobody.api.run("{ chat { name } }", Value::Null).await;
    assert_eq!(chat.error_code(), "UNAUTHENTICATED");
    assert_eq!(nobody.send("k", "hello").await.error_code(), "UNAUTHENTICATED");
    let inbox = anna.api.run("{ dialogues(first: 1) { nodes { id } } }", Value::Null).await;
    assert_eq!(inbox.error_code(), "BAD_USER_INPUT");
    let desk = crate::harness::client::Api::anonymous(&world.server.url);
    let refused =
        desk.with_token(anna.api.token.as_deref().expect("a token")).run("{ viewer { id } }", Value::Null).await;
    assert_eq!(refused.error_code(), "UNAUTHENTICATED", "a visitor's token opens no other door");
    let token = world.admin.api.token.as_deref().expect("signed in");
    let staff = nobody.api.with_token(token).run("{ chat { name } }", Value::Null).await;
    assert_eq!(staff.error_code(), "UNAUTHENTICATED", "nor an employee's this one");
}

async fn what_cannot_be_sent_is_refused_in_words(world: World) {
    let channel = world.connect_website("Shop", &[ORIGIN]).await;
    let visitor = Visitor::start(&world, &channel).await;
    let before = world.cursor().await;
    for (key, text, field) in [
        ("k", "", "text"),
        ("k", "  \n", "text"),
        ("k", "a\0b", "text"),
        ("k", &"x".repeat(10_001), "text"),
        ("k", &"😀".repeat(5_001), "text"),
        ("", "hello", "key"),
        (&"k".repeat(129), "hello", "key"),
        ("a\0b", "hello", "key"),
    ] {
        let refused = visitor.send(key, text).await;
        assert_eq!((refused.error_code(), refused.error_field()), ("BAD_USER_INPUT", Some(field)), "{refused}");
        assert!(refused.error()["message"].as_str().is_some_and(|words| !words.is_empty()));
    }
    for files in [json!(["fil_nonsense"]), json!([format!("fil_{:032}", 0)]), json!(vec!["fil_x"; 11])] {
        let refused = visitor.send_with("k", json!({ "text": "see", "files": files })).await;
        assert_eq!((refused.error_code(), refused.error_field()), ("BAD_USER_INPUT", Some("fileIds")), "{refused}");
    }
    for (arguments, field) in [("last: 0", "last"), ("last: 101", "last"), ("before: \"x\"", "before")] {
        let document = format!("{{ chat {{ messages({arguments}) {{ nodes {{ id }} }} }} }}");
        let refused = visitor.api.run(&document, Value::Null).await;
        assert_eq!((refused.error_code(), refused.error_field()), ("BAD_USER_INPUT", Some(field)), "{refused}");
    }
    assert_eq!(world.cursor().await, before, "nothing was stored");
    visitor.send("k", &"😀".repeat(5_000)).await.data();
}

async fn a_long_conversation_is_read_page_by_page(world: World) {
    let channel = world.connect_website("Shop", &[ORIGIN]).await;
    let visitor = Visitor::start(&world, &channel).await;
    for number in 0..7 {
        visitor.say(&number.to_string()).await;
    }
    let page = async |before: Value| {
        let document = format!(
            "query($before: String) {{ chat {{ messages(last: 3, before: $before) {{
                nodes {{ ...Message }} hasPreviousPage startCursor }} }} }} {MESSAGE}"
        );
        let mut answer = visitor.api.run(&document, json!({ "before": before })).await.at("chat.messages").clone();
        let nodes = answer["nodes"].take();
        let texts: Vec<String> =
            nodes.as_array().expect("nodes").iter().map(|of| of["text"].as_str().expect("a text").to_owned()).collect();
        (texts.join(" "), answer["hasPreviousPage"] == true, answer["startCursor"].take())
    };
    let (texts, more, start) = page(Value::Null).await;
    assert_eq!((texts.as_str(), more), ("4 5 6", true));
    let (texts, more, start) = page(start).await;
    assert_eq!((texts.as_str(), more), ("1 2 3", true));
    let (texts, more, _) = page(start).await;
    assert_eq!((texts.as_str(), more), ("0", false));
}
