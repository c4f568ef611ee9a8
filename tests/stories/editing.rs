//! Edits: a message keeps its id, and the latest edit wins, however updates arrive.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::feed::kinds;
use crate::harness::story::stories;
use crate::harness::updates::{Person, document, message_id, payload};
use crate::harness::world::World;

stories!(World:
    an_edit_changes_the_message_and_nothing_else,
    an_edit_that_changes_nothing_makes_no_event,
    an_edit_of_a_message_that_never_came_is_that_message,
    of_several_edits_the_last_update_wins_in_whatever_order,
    edits_of_one_second_are_told_apart_by_their_updates,
    a_moving_live_location_is_no_edit,
    an_edit_may_put_another_file_in_its_place,
    edits_at_once_end_in_the_latest,
);

const SEEN: &str = "unreadCount lastActivityAt messages { nodes { id text editedAt createdAt } }";

async fn an_edit_changes_the_message_and_nothing_else(world: World) {
    let channel = world.connect_channel("Shop").await;
    let anna = Person::new(5401);
    let update = anna.says("How much is it?");
    world.take(&channel, &update).await;
    let dialogue = world.dialogue(&channel, &anna).await;
    let earlier = world.admin.dialogue(&dialogue, SEEN).await;
    let id = earlier["messages"]["nodes"][0]["id"].as_str().expect("an id");
    world.admin.mark_read(&dialogue, id).await;
    let before = world.cursor().await;

    world.take(&channel, &anna.edits(&update, json!({ "text": "How much are two?" }))).await;

    let now = world.admin.dialogue(&dialogue, SEEN).await;
    let message = &now["messages"]["nodes"][0];
    assert_eq!(
        (&message["text"], &message["editedAt"]),
        (&json!("How much are two?"), &json!("2026-09-21T14:15:00.000Z"))
    );
    let kept = |of: &Value| {
        (
            of["lastActivityAt"].clone(),
            of["messages"]["nodes"][0]["id"].clone(),
            of["messages"]["nodes"][0]["createdAt"].clone(),
        )
    };
    assert_eq!(kept(&now), kept(&earlier), "no activity");
    assert_eq!(now["unreadCount"], 0, "nothing unread");
    let events = world.events_after(&before).await;
    assert_eq!(kinds(&events), ["MESSAGE_EDITED"]);
    assert_eq!(events[0]["message"]["id"], json!(id));
    assert_eq!(events[0]["actor"]["__typename"], "Client");
}

async fn an_edit_that_changes_nothing_makes_no_event(world: World) {
    let channel = world.connect_channel("Shop").await;
    let anna = Person::new(5402);
    let update = anna.says("How much is it?");
    world.take(&channel, &update).await;
    let edit = anna.edits(&update, json!({ "text": "How much are two?" }));
    world.take(&channel, &edit).await;
    let before = world.cursor().await;

    world.take(&channel, &edit).await;
    world.take(&channel, &anna.edits(&update, json!({ "text": "How much are two?" }))).await;
    world.take(&channel, &update).await;

    assert!(world.events_after(&before).await.is_empty(), "repeated, the same text, the original again");
}

async fn an_edit_of_a_message_that_never_came_is_that_message(world: World) {
    let channel = world.connect_channel("Shop").await;
    world.set_channel(&channel, json!({ "welcomeText": "Welcome!" })).await;
    let anna = Person::new(5403);
    let original = anna.says("How much is it?");
    let before = world.cursor().await;

    world.take(&channel, &anna.edits(&original, json!({ "text": "How much are two?" }))).await;
    world.take(&channel, &original).await;

    let events = world.events_after(&before).await;
    let expected = ["DIALOGUE_OPENED", "CONTRACTOR_LINKED", "MESSAGE_ADDED", "MESSAGE_ADDED"];
    assert_eq!(kinds(&events)[..4], expected);
    let dialogue = world.dialogue(&channel, &anna).await;
    let messages = world.admin.messages(&dialogue).await;
    let read: Vec<(&Value, bool)> = messages.iter().map(|m| (&m["text"], m["editedAt"].is_string())).collect();
    assert_eq!(
        read,
        [(&json!("How much are two?"), true), (&json!("Welcome!"), false)],
        "the original changes nothing"
    );
}

async fn of_several_edits_the_last_update_wins_in_whatever_order(world: World) {
    let channel = world.connect_channel("Shop").await;
    let anna = Person::new(5404);
    let original = anna.says("one");
    let edits: Vec<Value> = ["two", "three", "four"].map(|text| anna.edits(&original, json!({ "text": text }))).into();
    world.take(&channel, &original).await;
    for edit in edits.iter().rev() {
        world.take(&channel, edit).await;
    }
    let dialogue = world.dialogue(&channel, &anna).await;
    assert_eq!(world.admin.messages(&dialogue).await[0]["text"], "four");

    // One that ends where it began undoes what comes late.
    let clara = Person::new(5408);
    let original = clara.says("one");
    let edits: Vec<Value> = ["two", "one"].map(|text| clara.edits(&original, json!({ "text": text }))).into();
    for update in [&original, &edits[1], &edits[0]] {
        world.take(&channel, update).await;
    }
    let dialogue = world.dialogue(&channel, &clara).await;
    assert_eq!(world.admin.messages(&dialogue).await[0]["text"], "one");

    // The same where the edits come before the original.
    let boris = Person::new(5405);
    let original = boris.says("one");
    let edits: Vec<Value> = ["two", "three"].map(|text| boris.edits(&original, json!({ "text": text }))).into();
    for update in [&edits[1], &edits[0], &original] {
        world.take(&channel, update).await;
    }
    let dialogue = world.dialogue(&channel, &boris).await;
    let messages = world.admin.messages(&dialogue).await;
    assert_eq!(messages.iter().map(|message| &message["text"]).collect::<Vec<_>>(), ["three"]);
}

async fn edits_of_one_second_are_told_apart_by_their_updates(world: World) {
    let (first, second) = (payload("32-edited-text"), payload("66-edited-same-second-twice"));
    assert_eq!(first["edited_message"]["edit_date"], second["edited_message"]["edit_date"]);
    let anna = Person { id: 5_000_000_101, name: "Анна Примерова".into() };
    for (name, order) in [("In order", [&first, &second]), ("Out of order", [&second, &first])] {
        let channel = world.connect_channel(name).await;
        world.take(&channel, &payload("01-text")).await;
        for update in order {
            world.take(&channel, update).await;
        }
        let dialogue = world.dialogue(&channel, &anna).await;
        let text = &world.admin.messages(&dialogue).await[0]["text"];
        assert_eq!(text, "Здравствуйте! Сколько стоит доставка в Казань и Уфу?", "{name}");
    }
}

async fn a_moving_live_location_is_no_edit(world: World) {
    let channel = world.connect_channel("Shop").await;
    world.take(&channel, &payload("20-live-location")).await;
    let anna = Person { id: 5_000_000_101, name: "Анна Примерова".into() };
    let dialogue = world.dialogue(&channel, &anna).await;
    let before = world.cursor().await;

    world.take(&channel, &payload("21-live-location-edit")).await;

    assert_eq!(kinds(&world.events_after(&before).await), ["MESSAGE_EDITED"]);
    let [message] = &world.admin.messages(&dialogue).await[..] else { panic!("one message") };
    assert_eq!(message["editedAt"], Value::Null);
    assert_eq!(
        message["attachments"],
        json!([{ "__typename": "Location", "latitude": 55.7512, "longitude": 37.6131, "title": null }])
    );
}

async fn an_edit_may_put_another_file_in_its_place(world: World) {
    let channel = world.connect_channel("Shop").await;
    world.telegram.file("first", "one");
    world.telegram.file("second", "two!");
    let anna = Person::new(5406);
    let mut feed = world.follow(&world.admin.api, None).await;
    let original = anna.sends(document("first", 3));
    world.take(&channel, &original).await;
    feed.until(|event| event["kind"] == "MESSAGE_FILE_CHANGED").await;
    let dialogue = world.dialogue(&channel, &anna).await;
    let earlier = world.admin.messages(&dialogue).await;

    let mut captioned = document("first", 3);
    captioned["caption"] = json!("words");
    world.take(&channel, &anna.edits(&original, captioned)).await;
    let with_words = world.admin.messages(&dialogue).await;
    assert_eq!(with_words[0]["text"], "words");
    assert_eq!(with_words[0]["attachments"], earlier[0]["attachments"], "the file is the same one");

    world.take(&channel, &anna.edits(&original, document("second", 4))).await;
    feed.until(|event| event["kind"] == "MESSAGE_FILE_CHANGED").await;
    let [message] = &world.admin.messages(&dialogue).await[..] else { panic!("one message") };
    let [file] = &message["attachments"].as_array().expect("a list")[..] else { panic!("one file") };
    assert_eq!((&file["name"], &file["size"], &file["state"]), (&json!("second.txt"), &json!(4), &json!("READY")));
}

async fn edits_at_once_end_in_the_latest(world: World) {
    let channel = world.connect_channel("Shop").await;
    let anna = Person::new(5407);
    let original = anna.says("0");
    let mut updates = vec![original.clone()];
    updates.extend((1..=12).map(|number| anna.edits(&original, json!({ "text": number.to_string() }))));
    assert!(updates.iter().all(|update| message_id(update) == message_id(&original)));
    let statuses =
        futures_util::future::join_all(updates.iter().rev().map(|update| world.deliver(&channel, update))).await;
    assert!(statuses.iter().all(|status| *status == StatusCode::OK), "{statuses:?}");
    let dialogue = world.dialogue(&channel, &anna).await;
    let messages = world.admin.messages(&dialogue).await;
    assert_eq!(messages.iter().map(|message| &message["text"]).collect::<Vec<_>>(), ["12"]);
}
