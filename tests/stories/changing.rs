//! The company changes and deletes what it wrote: here at once, at the messenger in the order of sending.

use colloquy_sandbox::telegram::Fault;
use serde_json::{Value, json};

use crate::harness::client::Answer;
use crate::harness::feed::kinds;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::{Channel, Someone, World};
use crate::stories::files::uploads::PIXEL;
use crate::stories::files::{send, upload};

stories!(World:
    an_edit_is_seen_here_at_once_and_there,
    an_edit_that_changes_nothing_makes_nothing,
    a_deleted_message_keeps_its_place_without_its_text,
    changes_are_told_in_the_order_of_sending,
    what_waits_is_changed_where_it_waits,
    what_was_deleted_in_the_queue_is_never_sent,
    what_was_deleted_is_not_sent_again_nor_its_files,
    what_was_deleted_while_the_channel_rests_is_never_sent,
    what_is_begun_goes_on_as_it_began,
    an_edit_that_the_messenger_refuses_is_taken_back,
    a_passing_fault_of_an_edit_is_tried_again_and_holds_back_what_comes_after,
    only_what_the_company_wrote_can_be_changed,
    bad_changes_are_refused,
);

async fn begin(world: &World, person: i64) -> (Channel, Person, String) {
    let channel = world.connect_channel("Shop").await;
    let person = Person::new(person);
    let dialogue = world.write(&channel, &person, "Hello").await;
    (channel, person, dialogue)
}

async fn edit(of: &Someone, message: &str, text: &str) -> Answer {
    let edit = "mutation($id: ID!, $text: String!) { editMessage(messageId: $id, text: $text) {
        message { id text editedAt deletedAt delivery { status failure } }
    } }";
    of.api.run(edit, json!({ "id": message, "text": text })).await
}

async fn delete(of: &Someone, message: &str) -> Answer {
    let delete = "mutation($id: ID!) { deleteMessage(messageId: $id) {
        message { id text editedAt deletedAt delivery { status failure } }
    } }";
    of.api.run(delete, json!({ "id": message })).await
}

/// Sends a text, and waits until it is sent.
async fn sent(world: &World, dialogue: &str, text: &str) -> String {
    let mut feed = world.follow(&world.admin.api, None).await;
    let id = world.admin.send(dialogue, text).await;
    feed.until_delivery(&id, "SENT").await;
    id
}

async fn message(of: &Someone, dialogue: &str, id: &str) -> Value {
    let messages = of.messages(dialogue).await;
    messages.into_iter().find(|message| message["id"] == id).expect("the message is there")
}

async fn an_edit_is_seen_here_at_once_and_there(world: World) {
    let (channel, anna, dialogue) = begin(&world, 6001).await;
    let id = sent(&world, &dialogue, "It costs 90").await;
    let before = world.cursor().await;

    let edited = edit(&world.admin, &id, "It costs 99").await;

    let edited = edited.at("editMessage.message");
    assert_eq!((&edited["text"], &edited["deletedAt"]), (&json!("It costs 99"), &Value::Null));
    assert!(edited["editedAt"].is_string(), "{edited}");
    let [call] = &world.telegram.wait_for_calls("editMessageText", 1).await[..] else { panic!("told once") };
    assert_eq!((call.chat_id, call.text.as_deref()), (Some(anna.id), Some("It costs 99")));
    let shown: Vec<String> = world.telegram.shown(&channel.token, anna.id).into_iter().map(|(_, text)| text).collect();
    assert_eq!(shown, ["It costs 99"]);
    let events = world.events_after(&before).await;
    assert_eq!(kinds(&events), ["MESSAGE_EDITED"]);
    assert_eq!(events[0]["actor"]["id"], json!(world.admin.id));
    assert_eq!(message(&world.admin, &dialogue, &id).await["delivery"]["status"], "SENT");
}

async fn an_edit_that_changes_nothing_makes_nothing(world: World) {
    let (_, _, dialogue) = begin(&world, 6011).await;
    let id = sent(&world, &dialogue, "The same").await;
    let before = world.cursor().await;

    let edited = edit(&world.admin, &id, "The same").await;

    assert_eq!(edited.at("editMessage.message.editedAt"), &Value::Null);
    assert!(world.events_after(&before).await.is_empty());
    // What is sent after it is told after it: were there a call, it would have come by then.
    sent(&world, &dialogue, "And on").await;
    assert!(world.telegram.calls("editMessageText").is_empty());
}

async fn a_deleted_message_keeps_its_place_without_its_text(world: World) {
    let (channel, anna, dialogue) = begin(&world, 6021).await;
    let id = sent(&world, &dialogue, "For somebody else").await;
    let before = world.cursor().await;

    let deleted = delete(&world.admin, &id).await;
    world.telegram.wait_for_calls("deleteMessage", 1).await;
    let again = delete(&world.admin, &id).await;

    for answer in [deleted, again] {
        let deleted = answer.at("deleteMessage.message");
        assert_eq!(deleted["text"], "");
        assert!(deleted["deletedAt"].is_string(), "{deleted}");
    }
    assert_eq!(kinds(&world.events_after(&before).await), ["MESSAGE_DELETED"], "once");
    assert!(world.telegram.shown(&channel.token, anna.id).is_empty());
    let ids: Vec<Value> = world.admin.messages(&dialogue).await.iter().map(|message| message["id"].clone()).collect();
    assert_eq!(ids[1], json!(id), "in its place");
    assert_eq!(edit(&world.admin, &id, "Back").await.error_code(), "CONFLICT");
    assert_eq!(world.admin.act("retryMessage", "messageId", &id).await.error_code(), "CONFLICT");
}

async fn changes_are_told_in_the_order_of_sending(world: World) {
    let (_, anna, dialogue) = begin(&world, 6031).await;
    let first = sent(&world, &dialogue, "one").await;
    // Nothing leaves until the third try of this one: the rest is queued behind it.
    world.telegram.fail("sendMessage", Some(anna.id), Fault::Html502, 2);
    let second = world.admin.send(&dialogue, "two").await;
    edit(&world.admin, &first, "one!").await.data();
    world.admin.send(&dialogue, "three").await;
    edit(&world.admin, &first, "one!!").await.data();
    delete(&world.admin, &second).await.data();
    let last = sent(&world, &dialogue, "four").await;

    assert_eq!(message(&world.admin, &dialogue, &last).await["delivery"]["status"], "SENT");
    let calls = world.telegram.all_calls();
    let told = calls.iter().filter(|call| call.status == 200).filter_map(|call| match call.method.as_str() {
        "sendMessage" => call.text.clone(),
        "editMessageText" => Some(format!("edit {}", call.text.clone().unwrap_or_default())),
        "deleteMessage" => Some("delete".into()),
        _ => None,
    });
    let told: Vec<String> = told.collect();
    let without_second: Vec<&str> = told.iter().map(String::as_str).filter(|what| *what != "two").collect();
    let expected = ["one", "edit one!", "three", "edit one!!", "four"];
    let rest: Vec<&str> = without_second.iter().copied().filter(|what| *what != "delete").collect();
    assert_eq!(rest, expected, "of {told:?}");
}

async fn what_waits_is_changed_where_it_waits(world: World) {
    let (channel, anna, dialogue) = begin(&world, 6041).await;
    world.telegram.fail("sendMessage", Some(anna.id), Fault::Html502, 2);
    world.admin.send(&dialogue, "first").await;
    let id = world.admin.send(&dialogue, "secnd").await;
    edit(&world.admin, &id, "second").await.data();
    sent(&world, &dialogue, "third").await;

    let shown: Vec<String> = world.telegram.shown(&channel.token, anna.id).into_iter().map(|(_, text)| text).collect();
    assert_eq!(shown, ["first", "second", "third"]);
    assert!(message(&world.admin, &dialogue, &id).await["editedAt"].is_string());
}

async fn what_was_deleted_in_the_queue_is_never_sent(world: World) {
    let (_, anna, dialogue) = begin(&world, 6051).await;
    world.telegram.fail("sendMessage", Some(anna.id), Fault::Html502, 2);
    world.admin.send(&dialogue, "first").await;
    let id = world.admin.send(&dialogue, "a slip").await;
    let deleted = delete(&world.admin, &id).await;
    sent(&world, &dialogue, "third").await;

    let delivery = deleted.at("deleteMessage.message.delivery");
    assert_eq!(delivery, &json!({ "status": "FAILED", "failure": "It was deleted before it was sent" }));
    let texts: Vec<Option<String>> = world.telegram.sent().into_iter().map(|call| call.text).collect();
    assert_eq!(texts, [Some("first".to_owned()), Some("third".to_owned())]);
}

async fn an_edit_that_the_messenger_refuses_is_taken_back(world: World) {
    let (_, _, dialogue) = begin(&world, 6061).await;
    let id = sent(&world, &dialogue, "as it was").await;
    let mut feed = world.follow(&world.admin.api, None).await;
    world.telegram.fail_next("editMessageText", Fault::Status("error-400-cant-parse-entities"));

    edit(&world.admin, &id, "otherwise").await.data();
    let events = feed.until_delivery(&id, "SENT").await;

    assert_eq!(kinds(&events), ["MESSAGE_EDITED", "MESSAGE_EDITED", "MESSAGE_DELIVERY_CHANGED"]);
    let now = message(&world.admin, &dialogue, &id).await;
    assert_eq!((&now["text"], &now["editedAt"]), (&json!("as it was"), &Value::Null));
    let failure = now["delivery"]["failure"].as_str().expect("words");
    assert!(failure.starts_with("The change did not reach the client: "), "{failure}");

    edit(&world.admin, &id, "once more").await.data();
    feed.until_delivery(&id, "SENT").await;
    let now = message(&world.admin, &dialogue, &id).await;
    assert_eq!((&now["text"], &now["delivery"]["failure"]), (&json!("once more"), &Value::Null));
}

async fn a_passing_fault_of_an_edit_is_tried_again_and_holds_back_what_comes_after(world: World) {
    let (channel, anna, dialogue) = begin(&world, 6071).await;
    let id = sent(&world, &dialogue, "a").await;
    // The first is told, and its answer is lost; the second finds that nothing is to be changed.
    world.telegram.fail_next("editMessageText", Fault::AcceptedThenReset);
    edit(&world.admin, &id, "b").await.data();
    sent(&world, &dialogue, "c").await;

    assert_eq!(world.telegram.calls("editMessageText").len(), 2);
    let shown: Vec<String> = world.telegram.shown(&channel.token, anna.id).into_iter().map(|(_, text)| text).collect();
    assert_eq!(shown, ["b", "c"]);
    let methods: Vec<String> = world.telegram.all_calls().into_iter().map(|call| call.method).collect();
    let place = |method: &str| methods.iter().rposition(|called| called == method).expect("called");
    assert!(place("editMessageText") < place("sendMessage"), "{methods:?}");
}

async fn only_what_the_company_wrote_can_be_changed(world: World) {
    let (_, _, dialogue) = begin(&world, 6081).await;
    let clients = world.admin.messages(&dialogue).await[0]["id"].as_str().expect("an id").to_owned();
    for refused in [edit(&world.admin, &clients, "other words").await, delete(&world.admin, &clients).await] {
        assert_eq!((refused.error_code(), refused.error_field()), ("BAD_USER_INPUT", Some("messageId")));
    }
    assert_eq!(world.admin.messages(&dialogue).await[0]["text"], "Hello");
}

async fn bad_changes_are_refused(world: World) {
    let (_, _, dialogue) = begin(&world, 6091).await;
    let id = sent(&world, &dialogue, "fine").await;
    for text in [String::new(), "  ".into(), "a".repeat(4097), "a\0".into()] {
        let refused = edit(&world.admin, &id, &text).await;
        assert_eq!((refused.error_code(), refused.error_field()), ("BAD_USER_INPUT", Some("text")), "{text:.10}");
    }
    assert_eq!(edit(&world.admin, "msg_00", "x").await.error_code(), "NOT_FOUND");
    assert_eq!(delete(&world.admin, &dialogue).await.error_code(), "NOT_FOUND");
    assert_eq!(message(&world.admin, &dialogue, &id).await["text"], "fine");
}

async fn what_was_deleted_is_not_sent_again_nor_its_files(world: World) {
    let (_, anna, dialogue) = begin(&world, 6091).await;
    world.telegram.fail("sendMessage", Some(anna.id), Fault::Html502, 2);
    world.admin.send(&dialogue, "first").await;
    let file = upload(&world.admin.api, "price.txt", "text/plain", "nine ninety").await;
    let with_file = send(&world.admin.api, &dialogue, "a slip", &[&file]).await;
    let id: String = with_file.get("sendMessage.message.id");
    delete(&world.admin, &id).await.data();
    let retried = world.admin.act("retryMessage", "messageId", &id).await;
    assert_eq!(retried.error_code(), "CONFLICT");
    let again = send(&world.admin.api, &dialogue, "", &[&file]).await;
    assert_eq!(again.error_code(), "BAD_USER_INPUT", "the file went with it");
    sent(&world, &dialogue, "third").await;
    let texts: Vec<Option<String>> = world.telegram.sent().into_iter().map(|call| call.text).collect();
    assert_eq!(texts, [Some("first".to_owned()), Some("third".to_owned())]);
    assert_eq!(message(&world.admin, &dialogue, &id).await["delivery"]["status"], "FAILED");
}

/// A try is counted before its turn comes; as long as the channel rests, that is no sending.
async fn what_was_deleted_while_the_channel_rests_is_never_sent(world: World) {
    let (channel, anna, _) = begin(&world, 6101).await;
    let boris = Person::new(6102);
    let elsewhere = world.write(&channel, &boris, "Hello").await;
    world.telegram.fail("sendMessage", Some(anna.id), Fault::RateLimited(2), 1);
    let mut feed = world.follow(&world.admin.api, None).await;
    let dialogue = world.dialogue(&channel, &anna).await;
    let first = world.admin.send(&dialogue, "first").await;
    world.telegram.wait_for_calls("sendMessage", 1).await;
    let slip = world.admin.send(&elsewhere, "a slip").await;
    // Until it stands before its turn.
    while message(&world.admin, &elsewhere, &slip).await["delivery"]["attempts"] == 0 {
        tokio::task::yield_now().await;
    }
    delete(&world.admin, &slip).await.data();
    let third = world.admin.send(&elsewhere, "third").await;
    feed.until_delivery(&third, "SENT").await;
    while message(&world.admin, &dialogue, &first).await["delivery"]["status"] != "SENT" {
        feed.next().await;
    }
    let mut texts: Vec<String> = world.telegram.sent().into_iter().filter_map(|call| call.text).collect();
    texts.sort();
    assert_eq!(texts, ["first", "third"]);
}

async fn what_is_begun_goes_on_as_it_began(world: World) {
    let (channel, anna, dialogue) = begin(&world, 6111).await;
    let [picture, document] = [("a.png", "image/png"), ("b.txt", "text/plain")];
    let picture = upload(&world.admin.api, picture.0, picture.1, PIXEL).await;
    let document = upload(&world.admin.api, document.0, document.1, "second").await;
    let gate = world.telegram.gate_next("sendDocument");
    world.telegram.fail("sendDocument", Some(anna.id), Fault::Html502, 1);
    let mut feed = world.follow(&world.admin.api, None).await;
    let answer = send(&world.admin.api, &dialogue, "Caption", &[&picture, &document]).await;
    let id: String = answer.get("sendMessage.message.id");
    world.telegram.wait_for_calls("sendDocument", 1).await;
    // Longer than a caption can be: sent anew, it would be in other pieces.
    let long = "long ".repeat(300);
    edit(&world.admin, &id, &long).await.data();
    gate.release();
    feed.until_delivery(&id, "SENT").await;
    let pieces: Vec<String> = world.telegram.sent().into_iter().map(|call| call.method).collect();
    assert_eq!(pieces, ["sendPhoto", "sendDocument"], "each once");
    assert_eq!(world.telegram.shown(&channel.token, anna.id)[0].1, "Caption");
}
