//! Several processes, and processes that are killed: nothing that was answered is lost.

use std::time::{Duration, Instant};

use colloquy::config::Pace;
use futures_util::StreamExt as _;
use futures_util::stream;
use reqwest::StatusCode;
use sea_orm::sqlx::postgres::PgListener;
use sea_orm::sqlx::{Connection as _, PgConnection, query_scalar, raw_sql};
use serde_json::{Value, json};

use crate::harness::Backend;
use crate::harness::chance::Chance;
use crate::harness::feed::{cursors, kinds};
use crate::harness::socket::Socket;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::World;
use colloquy_sandbox::telegram::Fault;

stories!(World:
    a_process_killed_while_it_sends_loses_no_message,
    killed_again_and_again_nothing_that_was_answered_is_lost,
    a_process_that_is_asked_to_end_says_goodbye,
);

stories!(World, Postgres: a_channel_passes_on_when_its_process_is_killed, of_several_processes_one_polls,
    a_process_frozen_in_the_middle_of_a_change_holds_up_nobody,
    a_lease_that_is_lost_for_a_moment_sends_nothing_twice);
stories!(World, Sqlite: a_second_process_on_one_file_is_refused);
stories!(Unhurried, Postgres: an_event_whose_process_died_before_its_position_comes_within_two_seconds);

/// A world with the waits of the real program.
struct Unhurried(World);

impl Unhurried {
    async fn start(backend: Backend) -> Self {
        Self(World::start_with(backend, |config| config.pace = Pace::default()).await)
    }
}

async fn an_event_whose_process_died_before_its_position_comes_within_two_seconds(Unhurried(world): Unhurried) {
    let channel = world.connect_channel("Shop").await;
    let program = world.program().await;
    let mut feed = world.follow(&world.admin.api, None).await;
    let before = world.cursor().await;
    // Word of each commit that leaves events without positions.
    let mut database = PgConnection::connect(&world.database.url).await.expect("the database answers");
    let tell = "
        CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_notify('pending', ''); RETURN NULL; END $$;
        CREATE TRIGGER tell AFTER INSERT ON pending_events FOR EACH STATEMENT EXECUTE FUNCTION tell();";
    raw_sql(tell).execute(&mut database).await.expect("a trigger is made");
    let mut commits = PgListener::connect(&world.database.url).await.expect("the database answers");
    commits.listen("pending").await.expect("it tells");
    // Whoever gives positions locks the head first.
    let mut head = database.begin().await.expect("a transaction begins");
    raw_sql("SELECT position FROM log_heads WHERE id = 1 FOR UPDATE")
        .execute(&mut *head)
        .await
        .expect("the head is ours");

    let anna = Person::new(6401);
    let update = anna.says("Hello");
    let (telegram, url, token, posted) =
        (world.telegram.clone(), program.url().to_owned(), channel.token.clone(), update.clone());
    let delivery = tokio::spawn(async move { telegram.try_deliver_at(&url, &token, &posted).await });
    commits.recv().await.expect("the change is committed");
    program.kill9().await;
    assert!(delivery.await.expect("no panic").is_err(), "it was killed before it answered");
    assert!(world.events_after(&before).await.is_empty(), "no position yet");

    head.rollback().await.expect("the head is free");
    let free = Instant::now();
    let events = feed.until(|event| event["kind"] == "MESSAGE_ADDED").await;
    assert!(free.elapsed() < Duration::from_secs(2), "{:?}", free.elapsed());
    assert_eq!(kinds(&events), ["DIALOGUE_OPENED", "CONTRACTOR_LINKED", "MESSAGE_ADDED"]);
    assert_eq!(cursors(&world.events_after(&before).await), cursors(&events));
    // Telegram got no answer and posts it again.
    world.take(&channel, &update).await;
    let dialogue = world.dialogue(&channel, &anna).await;
    assert_eq!(world.admin.messages(&dialogue).await.len(), 1);
    assert_eq!(world.events_after(&before).await.len(), 3);
}

async fn a_process_killed_while_it_sends_loses_no_message(mut world: World) {
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &Person::new(6411), "Hello").await;
    let before = world.cursor().await;
    world.server.stop().await;
    let first = world.program().await;
    let admin = world.admin.at(first.url());
    world.telegram.fail_next("sendMessage", Fault::Hang);
    let one = admin.send(&dialogue, "one").await;
    let two = admin.send(&dialogue, "two").await;
    world.telegram.wait_for_calls("sendMessage", 1).await;
    assert_eq!(admin.messages(&dialogue).await[1]["delivery"]["status"], "QUEUED");
    first.kill9().await;

    let second = world.program().await;
    let admin = world.admin.at(second.url());
    let mut feed = world.follow(&admin.api, Some(&before)).await;
    let events = feed.until_delivery(&two, "SENT").await;

    let texts: Vec<Option<String>> = world.telegram.sent().iter().map(|call| call.text.clone()).collect();
    assert_eq!(texts, [Some("one".into()), Some("two".into())], "once each, in order");
    let delivered: Vec<&Value> = events.iter().filter(|event| event["deliveryStatus"] == "SENT").collect();
    assert_eq!(delivered.iter().map(|event| &event["message"]["id"]).collect::<Vec<_>>(), [&json!(one), &json!(two)]);
    assert_eq!(
        admin.messages(&dialogue).await[1]["delivery"]["attempts"],
        2,
        "the try that ended with its process was one"
    );
}

async fn killed_again_and_again_nothing_that_was_answered_is_lost(mut world: World) {
    const ROUNDS: i64 = 3;
    const PEOPLE: i64 = 8;
    let channel = world.connect_channel("Shop").await;
    world.set_channel(&channel, json!({ "welcomeText": "Welcome!" })).await;
    let start = world.cursor().await;
    world.server.stop().await;
    let mut chance = Chance::new(7);
    let mut program = world.program().await;
    let people: Vec<Person> = (6420..6420 + PEOPLE).map(Person::new).collect();

    for round in 0..ROUNDS {
        let updates: Vec<Value> = (0..2)
            .flat_map(|part| people.iter().map(move |one| one.says(&format!("round {round}, part {part}"))))
            .collect();
        let post = |update: &Value| {
            let (telegram, url, token, update) =
                (world.telegram.clone(), program.url().to_owned(), channel.token.clone(), update.clone());
            async move { (telegram.try_deliver_at(&url, &token, &update).await, update) }
        };
        // It is killed when so many have been answered.
        let enough = chance.below(updates.len() as u64) as usize;
        let mut posting = stream::iter(updates.iter().map(post)).buffer_unordered(6);
        for _ in 0..enough {
            let (answer, _) = posting.next().await.expect("more are posted");
            assert_eq!(answer.ok(), Some(StatusCode::OK));
        }
        program.kill9().await;
        drop(posting);
        program = world.program().await;
        // As Telegram does, and once more than it would: all of them come again.
        for update in &updates {
            assert_eq!(world.deliver_at(program.url(), &channel, update).await, StatusCode::OK);
        }
    }

    program.kill9().await;
    world.restart().await;
    for person in &people {
        let dialogue = world.dialogue(&channel, person).await;
        let messages = world.admin.messages(&dialogue).await;
        let of = |origin: &str| messages.iter().filter(|message| message["origin"] == origin).count();
        assert_eq!((of("CLIENT"), of("WELCOME")), (ROUNDS as usize * 2, 1), "{}", person.name);
        let events = world.admin.dialogue(&dialogue, "events(first: 100) { nodes { kind } }").await;
        let kinds: Vec<&Value> =
            events["events"]["nodes"].as_array().expect("events").iter().map(|event| &event["kind"]).collect();
        assert_eq!(kinds[0], "DIALOGUE_OPENED");
        let added = kinds.iter().filter(|kind| **kind == "MESSAGE_ADDED").count();
        assert_eq!(added, messages.len(), "one event each");
    }
    // Each welcome left, though one whose process was killed between its answer and the commit may have left twice.
    let sent = world.telegram.wait_for_sent(PEOPLE as usize).await;
    let log = world.events_after(&start).await;
    let mut feed = world.follow(&world.admin.api, log.last().and_then(|event| event["cursor"].as_str())).await;
    let mut settled = kinds(&log).iter().filter(|kind| **kind == "MESSAGE_DELIVERY_CHANGED").count();
    while settled < PEOPLE as usize {
        settled += usize::from(feed.next().await["kind"] == "MESSAGE_DELIVERY_CHANGED");
    }
    for person in &people {
        assert!(sent.iter().any(|call| call.chat_id == Some(person.id)), "{} is welcomed", person.name);
    }
}

async fn a_process_that_is_asked_to_end_says_goodbye(mut world: World) {
    world.server.stop().await;
    let program = world.program().await;
    let socket = Socket::connect(&format!("{}/graphql", program.url()), world.admin.api.token.as_deref()).await;
    let _following = socket.subscribe("subscription { events { cursor } }", Value::Null);
    socket.ping().await;
    let asked = Instant::now();
    let (status, (code, _)) = tokio::join!(program.terminate(), socket.closed());
    assert_eq!((status.code(), code), (Some(0), 1001));
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
}

async fn a_channel_passes_on_when_its_process_is_killed(mut world: World) {
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &Person::new(6441), "Hello").await;
    // The program has the channel once no other process runs.
    world.server.stop().await;
    let program = world.program().await;
    let theirs = world.admin.at(program.url());
    theirs.send(&dialogue, "one").await;
    world.telegram.wait_for_sent(1).await;
    world.server = world.another().await;
    let here = world.admin.at(&world.server.url);

    program.kill9().await;
    here.send(&dialogue, "two").await;

    let sent = world.telegram.wait_for_sent(2).await;
    assert_eq!(sent[1].text.as_deref(), Some("two"));
}

async fn a_process_frozen_in_the_middle_of_a_change_holds_up_nobody(mut world: World) {
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &Person::new(6461), "Hello").await;
    world.server.stop().await;
    let program = world.program().await;
    let theirs = world.admin.at(program.url());
    theirs.send(&dialogue, "one").await;
    world.telegram.wait_for_sent(1).await;
    world.server = world.another().await;
    let here = world.admin.at(&world.server.url);
    // It holds the channel's lease, and is stopped while a change of its holds the dialogue.
    let mut database = PgConnection::connect(&world.database.url).await.expect("the database answers");
    let linger = "
        CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1); RETURN NEW; END $$;
        CREATE TRIGGER linger BEFORE INSERT ON messages FOR EACH ROW WHEN (NEW.text = 'held') EXECUTE FUNCTION linger();";
    raw_sql(linger).execute(&mut database).await.expect("a trigger is made");
    let held = {
        let send = "mutation($d: ID!) { sendMessage(input: { dialogueId: $d, text: \"held\" }) { message { id } } }";
        tokio::spawn(theirs.api.run(send, json!({ "d": dialogue })))
    };
    let lingers = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
    while query_scalar::<_, i64>(lingers).fetch_one(&mut database).await.expect("a count") == 0 {}
    program.signal(libc::SIGSTOP);

    here.send(&dialogue, "two").await;
    let sent = world.telegram.wait_for_sent(2).await;
    assert_eq!(sent[1].text.as_deref(), Some("two"), "sent by the other process");

    program.signal(libc::SIGCONT);
    let answer = held.await.expect("an answer");
    assert_eq!(answer.error_code(), "INTERNAL", "its change was taken from it: {answer}");
    here.send(&dialogue, "three").await;
    theirs.send(&dialogue, "four").await;
    let sent = world.telegram.wait_for_sent(4).await;
    let texts: Vec<_> = sent.iter().filter_map(|call| call.text.as_deref()).collect();
    assert_eq!(texts, ["one", "two", "three", "four"], "each once, in order");
}

async fn of_several_processes_one_polls(mut world: World) {
    world.hide_from_outside().await;
    let channel = world.connect_channel("Shop").await;
    let _others = [world.another().await, world.another().await];
    let anna = Person::new(6451);
    let mut feed = world.follow(&world.admin.api, None).await;
    for number in 0..5 {
        let text = number.to_string();
        world.telegram.push(&channel.token, anna.says(&text));
        feed.until(|event| event["message"]["text"] == json!(text)).await;
    }
    world.telegram.wait_for_confirmed(&channel.token).await;
    let polls = world.telegram.calls("getUpdates");
    assert!(polls.iter().all(|call| call.status == 200), "Telegram refuses a second one who asks");
    let dialogue = world.dialogue(&channel, &anna).await;
    assert_eq!(world.admin.messages(&dialogue).await.len(), 5);
}

async fn a_second_process_on_one_file_is_refused(world: World) {
    let refused = world.try_another().await;
    let words = refused.err().expect("the file is taken");
    assert!(words.starts_with("DATABASE_URL: another process serves"), "{words}");
}

async fn a_lease_that_is_lost_for_a_moment_sends_nothing_twice(world: World) {
    let channel = world.connect_channel("Shop").await;
    let anna = Person::new(6491);
    let dialogue = world.write(&channel, &anna, "Hello").await;
    let mut feed = world.follow(&world.admin.api, None).await;
    let gate = world.telegram.gate_next("sendMessage");
    let id = world.admin.send(&dialogue, "Once").await;
    world.telegram.wait_for_calls("sendMessage", 1).await;
    let mut database = PgConnection::connect(&world.database.url).await.expect("the database answers");
    let lose = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE application_name = 'colloquy leases' AND datname = current_database()";
    assert_eq!(query_scalar::<_, i64>(lose).fetch_one(&mut database).await.expect("it is ended"), 1);
    // Somebody has the lease again, and what is sent elsewhere goes.
    let boris = Person::new(6492);
    let elsewhere = world.write(&channel, &boris, "Hello").await;
    let is_held = "SELECT count(*) FROM pg_stat_activity
        WHERE application_name = 'colloquy leases' AND datname = current_database()";
    while query_scalar::<_, i64>(is_held).fetch_one(&mut database).await.expect("an answer") == 0 {
        tokio::task::yield_now().await;
    }
    let other = world.admin.send(&elsewhere, "Elsewhere").await;
    feed.until_delivery(&other, "SENT").await;
    gate.release();
    feed.until_delivery(&id, "SENT").await;
    let texts: Vec<Option<String>> = world.telegram.sent().into_iter().map(|call| call.text).collect();
    assert_eq!(texts.iter().filter(|text| text.as_deref() == Some("Once")).count(), 1, "{texts:?}");
}
