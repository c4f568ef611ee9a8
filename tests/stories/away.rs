//! The database goes away and comes back: nothing that was answered is lost, and everything goes on by itself.

use futures_util::StreamExt as _;
use futures_util::stream;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::feed::cursors;
use crate::harness::postgres::PostgresServer;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::World;
use crate::harness::{Backend, provision_on};

stories!(Apart, Postgres:
    an_update_meets_a_database_that_is_away_and_comes_again,
    a_database_that_crashes_loses_nothing_that_was_answered,
    a_database_that_is_away_when_the_messenger_answers_sends_nothing_twice,
);

/// A world on a database server of its own.
struct Apart {
    world: World,
    postgres: PostgresServer,
}

impl Apart {
    async fn start(backend: Backend) -> Self {
        let postgres = PostgresServer::start_own().await;
        let database = provision_on(&postgres).await;
        Self { world: World::start_in(backend, database, |_| ()).await, postgres }
    }
}

async fn status(world: &World, path: &str) -> StatusCode {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    client.get(format!("{}{path}", world.server.url)).send().await.expect("an answer").status()
}

async fn an_update_meets_a_database_that_is_away_and_comes_again(Apart { world, postgres }: Apart) {
    let channel = world.connect_channel("Shop").await;
    let anna = Person::new(6601);
    let dialogue = world.write(&channel, &anna, "Hello").await;
    let before = world.cursor().await;
    let mut feed = world.follow(&world.admin.api, None).await;
    assert_eq!(status(&world, "/readyz").await, StatusCode::OK);
    postgres.stop().await;

    let update = anna.says("Are you there?");
    let read = world.admin.api.run("{ eventCursor }", Value::Null);
    let (refused, read, ready) = tokio::join!(world.deliver(&channel, &update), read, status(&world, "/readyz"));
    assert_eq!(refused, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ready, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(status(&world, "/healthz").await, StatusCode::OK, "alive all the same");
    assert_eq!(read.error_code(), "INTERNAL");

    postgres.start().await;
    // As the messenger does; connections of before may be found dead one by one.
    loop {
        match world.deliver(&channel, &update).await {
            StatusCode::OK => break,
            refused => assert_eq!(refused, StatusCode::SERVICE_UNAVAILABLE),
        }
    }
    let id = world.admin.send(&dialogue, "Yes").await;
    let followed = feed.until_delivery(&id, "SENT").await;
    assert_eq!(
        cursors(&followed),
        cursors(&world.events_after(&before).await),
        "followed, and sent, without a restart"
    );
    let messages = world.admin.messages(&dialogue).await;
    let texts: Vec<&Value> = messages.iter().map(|message| &message["text"]).collect();
    assert_eq!(texts, ["Hello", "Are you there?", "Yes"]);
    assert_eq!(status(&world, "/readyz").await, StatusCode::OK);
}

async fn a_database_that_crashes_loses_nothing_that_was_answered(Apart { world, postgres }: Apart) {
    const MESSAGES: usize = 60;
    let channel = world.connect_channel("Shop").await;
    let before = world.cursor().await;
    let mut feed = world.follow(&world.admin.api, None).await;
    let updates: Vec<Value> =
        (0..MESSAGES).map(|number| Person::new(6620 + number as i64 % 7).says(&number.to_string())).collect();
    let answers = {
        let posting = stream::iter(updates.iter().map(|update| world.deliver(&channel, update))).buffered(8);
        let mut posting = std::pin::pin!(posting);
        let mut answers = Vec::new();
        while answers.len() < 20 {
            answers.push(posting.next().await.expect("more are posted"));
        }
        let crash = async {
            postgres.crash().await;
            postgres.start().await;
        };
        let (rest, ()) = tokio::join!(posting.collect::<Vec<_>>(), crash);
        answers.extend(rest);
        answers
    };
    let refused: Vec<&Value> = updates
        .iter()
        .zip(&answers)
        .filter(|(_, status)| **status != StatusCode::OK)
        .map(|(update, _)| update)
        .collect();
    for update in &refused {
        world.take(&channel, update).await;
    }

    let log = world.events_after(&before).await;
    let mut followed: Vec<Value> = Vec::new();
    while followed.len() < log.len() {
        match feed.try_next().await {
            Some(event) => followed.push(event),
            // It could not be shown while the database was away: whoever follows resumes.
            None => {
                let after =
                    followed.last().map_or(before.as_str(), |event| event["cursor"].as_str().expect("a cursor"));
                feed = world.follow(&world.admin.api, Some(after)).await;
            }
        }
    }
    assert_eq!(cursors(&followed), cursors(&log));
    let mut texts: Vec<u64> = log
        .iter()
        .filter(|event| event["kind"] == "MESSAGE_ADDED")
        .map(|event| event["message"]["text"].as_str().and_then(|text| text.parse().ok()).expect("a number"))
        .collect();
    texts.sort();
    assert_eq!(json!(texts), json!((0..MESSAGES).collect::<Vec<_>>()), "each once; {} came again", refused.len());
}

async fn a_database_that_is_away_when_the_messenger_answers_sends_nothing_twice(Apart { world, postgres }: Apart) {
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &Person::new(6651), "Hello").await;
    let gate = world.telegram.gate_next("sendMessage");
    let id = world.admin.send(&dialogue, "Once").await;
    world.telegram.wait_for_calls("sendMessage", 1).await;
    postgres.stop().await;
    gate.release();
    assert_eq!(status(&world, "/readyz").await, StatusCode::SERVICE_UNAVAILABLE);
    postgres.start().await;
    let mut feed = world.follow(&world.admin.api, None).await;
    let next = world.admin.send(&dialogue, "Twice?").await;
    feed.until_delivery(&next, "SENT").await;
    let texts: Vec<Option<String>> = world.telegram.sent().into_iter().map(|call| call.text).collect();
    assert_eq!(texts, ["Once", "Twice?"].map(|text| Some(text.to_owned())));
    let messages = world.admin.messages(&dialogue).await;
    let first = messages.iter().find(|message| message["id"] == id).expect("it is there");
    assert_eq!(first["delivery"]["status"], "SENT");
}
