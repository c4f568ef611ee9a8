//! Faults of the messenger: passing ones are tried again with growing waits, in order, up to ten times.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::Backend;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::World;
use colloquy_sandbox::telegram::{Call, Fault};

stories!(World:
    passing_faults_are_tried_again,
    what_the_messenger_asks_to_wait_is_waited,
    a_lost_answer_loses_no_message,
    a_refused_token_makes_the_channel_failing_until_it_works,
);

stories!(Quick: ten_tries_with_doubling_waits_and_then_failed, a_messenger_that_never_answers_is_a_passing_fault);

/// A world of so short waits that ten tries can be waited for.
struct Quick(World);

const FIRST_WAIT: Duration = Duration::from_millis(3);

impl Quick {
    async fn start(backend: Backend) -> Self {
        let change = |config: &mut colloquy::config::Config| {
            config.pace.retry = FIRST_WAIT;
            config.pace.messenger = Duration::from_millis(250);
        };
        Self(World::start_with(backend, change).await)
    }
}

async fn begin(world: &World, person: i64) -> (Person, String) {
    let channel = world.connect_channel("Shop").await;
    let person = Person::new(person);
    let dialogue = world.write(&channel, &person, "Hello").await;
    (person, dialogue)
}

async fn delivery(world: &World, dialogue: &str, id: &str) -> Value {
    let messages = world.admin.messages(dialogue).await;
    messages.into_iter().find(|message| message["id"] == id).expect("it is there")["delivery"].take()
}

fn texts(calls: &[Call]) -> Vec<&str> {
    calls.iter().map(|call| call.text.as_deref().expect("a text")).collect()
}

async fn passing_faults_are_tried_again(world: World) {
    let (anna, dialogue) = begin(&world, 5701).await;
    let mut feed = world.follow(&world.admin.api, None).await;
    for fault in [Fault::Status("error-500-restart"), Fault::Html502, Fault::Reset] {
        world.telegram.fail("sendMessage", Some(anna.id), fault, 1);
    }
    let first = world.admin.send(&dialogue, "one").await;
    let second = world.admin.send(&dialogue, "two").await;

    let events = feed.until_delivery(&second, "SENT").await;
    let changes: Vec<(&Value, &Value)> = events
        .iter()
        .filter(|event| event["kind"] == "MESSAGE_DELIVERY_CHANGED")
        .map(|event| (&event["message"]["id"], &event["deliveryStatus"]))
        .collect();
    assert_eq!(changes, [(&json!(first), &json!("SENT")), (&json!(second), &json!("SENT"))]);
    assert_eq!(delivery(&world, &dialogue, &first).await, json!({ "status": "SENT", "failure": null, "attempts": 4 }));
    assert_eq!(texts(&world.telegram.sent()), ["one", "two"], "each once, in order");
    assert_eq!(world.telegram.calls("sendMessage").len(), 5);
}

async fn what_the_messenger_asks_to_wait_is_waited(world: World) {
    let (anna, dialogue) = begin(&world, 5711).await;
    world.telegram.fail("sendMessage", Some(anna.id), Fault::RateLimited(1), 1);
    world.admin.send(&dialogue, "slowly").await;
    let calls = world.telegram.wait_for_calls("sendMessage", 2).await;
    let waited = calls[1].at - calls[0].at;
    assert!(waited >= Duration::from_secs(1), "only {waited:?}");
    assert_eq!(texts(&world.telegram.sent()), ["slowly"]);
}

async fn a_lost_answer_loses_no_message(world: World) {
    let (anna, dialogue) = begin(&world, 5721).await;
    let mut feed = world.follow(&world.admin.api, None).await;
    world.telegram.fail("sendMessage", Some(anna.id), Fault::AcceptedThenReset, 1);
    let id = world.admin.send(&dialogue, "did it arrive?").await;
    feed.until_delivery(&id, "SENT").await;
    // Telegram has no key against a repeat: twice is what may happen, never not at all.
    assert_eq!(texts(&world.telegram.sent()), ["did it arrive?", "did it arrive?"]);
    assert_eq!(world.admin.messages(&dialogue).await.len(), 2, "one message all the same");
}

async fn a_refused_token_makes_the_channel_failing_until_it_works(world: World) {
    let (anna, dialogue) = begin(&world, 5731).await;
    let mut feed = world.follow(&world.admin.api, None).await;
    world.telegram.fail("sendMessage", Some(anna.id), Fault::Status("error-401-unauthorized"), 1);
    let id = world.admin.send(&dialogue, "Hi").await;
    let health =
        async || world.admin.api.run("{ channels { state stateReason } }", Value::Null).await.at("channels.0").clone();

    feed.until(|event| event["kind"] == "CHANNEL_CHANGED").await;
    let events = feed.until_delivery(&id, "SENT").await;
    let changes = events.iter().filter(|event| event["kind"] == "CHANNEL_CHANGED").count();
    assert_eq!(changes, 1, "failing, and then not any more");
    assert_eq!(health().await, json!({ "state": "CONNECTED", "stateReason": null }));
}

async fn ten_tries_with_doubling_waits_and_then_failed(Quick(world): Quick) {
    let (anna, dialogue) = begin(&world, 5741).await;
    let mut feed = world.follow(&world.admin.api, None).await;
    world.telegram.fail("sendMessage", Some(anna.id), Fault::Html502, 10);
    let failed = world.admin.send(&dialogue, "one").await;
    let next = world.admin.send(&dialogue, "two").await;

    feed.until_delivery(&failed, "FAILED").await;
    feed.until_delivery(&next, "SENT").await;
    let calls = world.telegram.calls("sendMessage");
    assert_eq!(texts(&calls), [vec!["one"; 10], vec!["two"]].concat(), "the next waited, and went on");
    for (nth, pair) in calls[..10].windows(2).enumerate() {
        let (waited, least) = (pair[1].at - pair[0].at, FIRST_WAIT * 2u32.pow(nth as u32));
        assert!(waited >= least, "{waited:?} after try {}, and not {least:?}", nth + 1);
    }
    let words = "Telegram is not available (a server before it answered 502) (after 10 tries)";
    assert_eq!(
        delivery(&world, &dialogue, &failed).await,
        json!({ "status": "FAILED", "failure": words, "attempts": 10 })
    );

    world.admin.act("retryMessage", "messageId", &failed).await.data();
    feed.until_delivery(&failed, "SENT").await;
}

async fn a_messenger_that_never_answers_is_a_passing_fault(Quick(world): Quick) {
    let (anna, dialogue) = begin(&world, 5751).await;
    let mut feed = world.follow(&world.admin.api, None).await;
    world.telegram.fail("sendMessage", Some(anna.id), Fault::Hang, 2);
    let id = world.admin.send(&dialogue, "hello?").await;
    feed.until_delivery(&id, "SENT").await;
    assert_eq!(delivery(&world, &dialogue, &id).await, json!({ "status": "SENT", "failure": null, "attempts": 3 }));
    assert_eq!(texts(&world.telegram.sent()), ["hello?"]);
}
