//! Resuming after a cursor: whatever is written meanwhile, none is lost and none comes twice.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use crate::harness::Backend;
use crate::harness::chance::Chance;
use crate::harness::client::Answer;
use crate::harness::feed::{cursors, events, events_in_short, kinds};
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::{Someone, World};

stories!(World:
    cut_off_anywhere_a_follower_misses_nothing_and_gets_nothing_twice,
    a_follower_from_the_start_gets_the_whole_past_and_then_what_comes,
    the_log_stands_where_the_answer_beside_it_was_read,
    an_observer_who_was_away_hears_of_the_access_they_lost,
);

async fn cut_off_anywhere_a_follower_misses_nothing_and_gets_nothing_twice(world: World) {
    const WRITERS: i64 = 6;
    const EACH: i64 = 12;
    let channel = world.connect_channel("Shop").await;
    // On PostgreSQL whoever was cut off resumes at another server, which may be behind the one before.
    let other = match world.backend {
        Backend::Postgres => Some(world.another().await),
        Backend::Sqlite => None,
    };
    let there = other.as_ref().map_or_else(|| world.admin.clone(), |other| world.admin.at(&other.url));
    let doors = [&world.admin, &there];
    let start = world.cursor().await;

    let is_over = AtomicBool::new(false);
    let writers = async {
        let writer = |number: i64| {
            let (world, channel, door) = (&world, &channel, doors[number as usize % 2]);
            async move {
                let person = Person::new(6300 + number);
                let dialogue = world.write(channel, &person, "Hello").await;
                for round in 0..EACH {
                    match round % 4 {
                        0 => drop(door.send(&dialogue, "Yes?").await),
                        1 => door.close(&dialogue).await,
                        _ => drop(world.write(channel, &person, "And?").await),
                    }
                }
            }
        };
        join_all((0..WRITERS).map(writer)).await;
        is_over.store(true, Ordering::SeqCst);
    };
    let follower = async {
        let mut chance = Chance::new(1);
        let mut followed: Vec<Value> = Vec::new();
        let mut cuts = 0;
        loop {
            let was_over = is_over.load(Ordering::SeqCst);
            let after = followed.last().map_or(start.as_str(), |event| event["cursor"].as_str().expect("a cursor"));
            let behind = events_in_short(&world.admin.api, after, "cursor").await.len() as u64;
            if behind == 0 {
                if was_over {
                    assert!(cuts > 10, "cut off only {cuts} times");
                    return followed;
                }
                continue;
            }
            let mut feed = world.follow(&doors[cuts % 2].api, Some(after)).await;
            // No more than are certain to come; then the connection is cut.
            for _ in 0..=chance.below(behind.min(12)) {
                followed.push(feed.next().await);
            }
            cuts += 1;
        }
    };
    let (_, mut followed) = join(writers, follower).await;

    let sent = (WRITERS * EACH / 4) as usize;
    world.telegram.wait_for_sent(sent).await;
    let last = followed.last().expect("some came")["cursor"].as_str().expect("a cursor").to_owned();
    let mut feed = world.follow(&there.api, Some(&last)).await;
    let delivered = |events: &[Value]| kinds(events).iter().filter(|kind| **kind == "MESSAGE_DELIVERY_CHANGED").count();
    while delivered(&followed) < sent {
        followed.push(feed.next().await);
    }
    let log = world.events_after(&start).await;
    assert_eq!(cursors(&followed), cursors(&log)[..followed.len()]);
    assert_eq!(followed.len(), log.len(), "the last delivery was the last event");
    let messages = kinds(&log).iter().filter(|kind| **kind == "MESSAGE_ADDED").count();
    assert_eq!(messages as i64, WRITERS * (1 + EACH * 3 / 4), "and all that was written is there");
}

async fn a_follower_from_the_start_gets_the_whole_past_and_then_what_comes(world: World) {
    let channel = world.connect_channel("Shop").await;
    let start = world.cursor().await;
    for person in 6320..6330 {
        world.write(&channel, &Person::new(person), "Hello").await;
    }
    let past = world.events_after(&start).await;
    let mut feeds = Vec::new();
    for after in [Some(start.as_str()), past[12]["cursor"].as_str(), past.last().expect("one")["cursor"].as_str(), None]
    {
        feeds.push(world.follow(&world.admin.api, after).await);
    }
    for person in 6330..6335 {
        world.write(&channel, &Person::new(person), "Hello").await;
    }
    let log = world.events_after(&start).await;
    let last = cursors(&log).pop().expect("one").to_owned();
    let from = [0, 13, past.len(), past.len()];
    for (feed, from) in feeds.iter_mut().zip(from) {
        assert_eq!(cursors(&feed.until_cursor(&last).await), cursors(&log)[from..], "after event {from}");
    }
}

async fn the_log_stands_where_the_answer_beside_it_was_read(world: World) {
    const READ: &str = "{ dialogues(first: 10) { nodes { messages(first: 100) { nodes { id } } } } eventCursor }";
    let channel = world.connect_channel("Shop").await;
    let people: Vec<Person> = (6340..6344).map(Person::new).collect();
    let is_over = AtomicBool::new(false);
    let writing = async {
        for round in 0..15 {
            let updates: Vec<Value> = people.iter().map(|person| person.says(&round.to_string())).collect();
            join_all(updates.iter().map(|update| world.take(&channel, update))).await;
        }
        is_over.store(true, Ordering::SeqCst);
    };
    let reading = async {
        let mut answers = Vec::new();
        while !is_over.load(Ordering::SeqCst) {
            answers.push(world.admin.api.run(READ, Value::Null).await);
        }
        answers
    };
    let (_, answers) = join(writing, reading).await;

    let ids = |answer: &Answer| -> BTreeSet<String> {
        let dialogues: Vec<Value> = answer.get("dialogues.nodes");
        let messages =
            dialogues.iter().flat_map(|dialogue| dialogue["messages"]["nodes"].as_array().expect("messages"));
        messages.map(|message| message["id"].as_str().expect("an id").to_owned()).collect()
    };
    let all = ids(&world.admin.api.run(READ, Value::Null).await);
    assert_eq!(all.len(), 60);
    for answer in &answers {
        let mut known = ids(answer);
        let (cursor, of_messages) = (answer.get::<String>("eventCursor"), "... on MessageEvent { message { id } }");
        let later = events_in_short(&world.admin.api, &cursor, of_messages).await;
        known.extend(later.iter().filter_map(|event| event["message"]["id"].as_str().map(str::to_owned)));
        assert_eq!(known, all, "what an answer lacks comes after its cursor");
    }
}

async fn an_observer_who_was_away_hears_of_the_access_they_lost(world: World) {
    let channel = world.connect_channel("Shop").await;
    let observer: Someone = world.user("OBSERVER").await;
    let lost = world.write(&channel, &Person::new(6351), "Hello").await;
    let kept = world.write(&channel, &Person::new(6352), "Hello").await;
    for dialogue in [&lost, &kept] {
        world.admin.set_participant(dialogue, &observer.id, "OBSERVER").await;
    }
    let mut feed = world.follow(&observer.api, None).await;
    world.write(&channel, &Person::new(6351), "Still with us").await;
    let last = feed.next().await["cursor"].as_str().expect("a cursor").to_owned();
    drop(feed);

    world.write(&channel, &Person::new(6351), "A secret").await;
    let remove =
        "mutation($id: ID!, $user: ID!) { removeParticipant(dialogueId: $id, userId: $user) { dialogue { id } } }";
    let of_lost = json!({ "id": lost, "user": observer.id });
    world.admin.api.run(remove, of_lost).await.data();
    world.write(&channel, &Person::new(6351), "Another secret").await;
    world.write(&channel, &Person::new(6352), "For all").await;

    let mut feed = world.follow(&observer.api, Some(&last)).await;
    let heard = [feed.next().await, feed.next().await];
    assert_eq!(kinds(&heard), ["ACCESS_REVOKED", "MESSAGE_ADDED"]);
    assert_eq!((&heard[0]["dialogueId"], &heard[0]["dialogue"]), (&json!(lost), &Value::Null));
    assert_eq!(heard[1]["message"]["text"], "For all");
    assert_eq!(cursors(&events(&observer.api, Some(&last)).await), cursors(&heard), "read or followed");
}
