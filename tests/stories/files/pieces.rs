//! A message of several pieces: a further try goes on where the one before broke off.

use serde_json::json;

use super::uploads::PIXEL;
use super::{send, upload};
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::World;
use colloquy_sandbox::telegram::Fault;

stories!(World: what_has_arrived_is_not_sent_twice, a_failed_message_goes_on_when_it_is_sent_again);

async fn what_has_arrived_is_not_sent_twice(world: World) {
    let channel = world.connect_channel("Shop").await;
    let anna = Person::new(5821);
    let dialogue = world.write(&channel, &anna, "Hello").await;
    let api = &world.admin.api;
    let picture = upload(api, "a.png", "image/png", PIXEL).await;
    let document = upload(api, "b.txt", "text/plain", "second").await;
    let last = upload(api, "c.txt", "text/plain", "third").await;
    for fault in [Fault::Reset, Fault::Html502, Fault::Status("error-500-restart")] {
        world.telegram.fail("sendDocument", Some(anna.id), fault, 1);
    }
    let mut feed = world.follow(api, None).await;
    let sent = send(api, &dialogue, "All of it", &[&picture, &document, &last]).await;
    let message: String = sent.get("sendMessage.message.id");
    feed.until_delivery(&message, "SENT").await;

    let arrived: Vec<_> =
        world.telegram.sent().into_iter().map(|call| (call.method, call.file.expect("a file").name)).collect();
    let expected = [("sendPhoto", "a.png"), ("sendDocument", "b.txt"), ("sendDocument", "c.txt")];
    assert_eq!(arrived, expected.map(|(method, name)| (method.to_owned(), name.to_owned())));
    assert_eq!(world.telegram.calls("sendPhoto").len(), 1, "once");
    assert_eq!(world.telegram.calls("sendDocument").len(), 5);
    let messages = world.admin.messages(&dialogue).await;
    assert_eq!(messages.last().expect("it is there")["delivery"]["attempts"], 4);

    // All the pieces' ids are known: an answer to the last points at the message.
    let id = world.telegram.sent()[0].message_id.expect("it arrived");
    let mut answer = anna.says("Thanks");
    answer["message"]["reply_to_message"] = json!({
        "message_id": id, "date": 1_790_000_000, "chat": answer["message"]["chat"].clone(), "text": "All of it",
    });
    world.take(&channel, &answer).await;
    let messages = world.admin.messages(&dialogue).await;
    assert_eq!(messages.last().expect("it is there")["replyTo"]["id"], json!(message));
}

async fn a_failed_message_goes_on_when_it_is_sent_again(world: World) {
    let channel = world.connect_channel("Shop").await;
    let anna = Person::new(5822);
    let dialogue = world.write(&channel, &anna, "Hello").await;
    let api = &world.admin.api;
    let picture = upload(api, "a.png", "image/png", PIXEL).await;
    let document = upload(api, "b.txt", "text/plain", "second").await;
    world.telegram.fail("sendDocument", Some(anna.id), Fault::Status("error-403-blocked"), 1);
    let mut feed = world.follow(api, None).await;
    let message: String = send(api, &dialogue, "", &[&picture, &document]).await.get("sendMessage.message.id");
    feed.until_delivery(&message, "FAILED").await;
    world.admin.act("retryMessage", "messageId", &message).await.data();
    feed.until_delivery(&message, "SENT").await;
    let arrived: Vec<_> = world.telegram.sent().into_iter().map(|call| call.method).collect();
    assert_eq!(arrived, ["sendPhoto", "sendDocument"]);
}
