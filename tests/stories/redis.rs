//! Redis carries word between processes. Without it events come late, and none is lost.

mod nodes;

use std::time::{Duration, Instant};

use colloquy::config::Pace;
use serde_json::Value;
use tokio::time::timeout;

use crate::harness::Backend;
use crate::harness::feed::{Feed, cursors};
use crate::harness::redis::RedisServer;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::{Channel, Server, World};

stories!(Pair, Postgres:
    word_of_events_travels_by_redis,
    while_redis_is_away_events_come_within_two_seconds,
    a_redis_that_hangs_holds_up_no_change,
    when_redis_is_back_delivery_is_live_again,
);

/// A server where things happen, and one where they are followed.
struct Pair {
    world: World,
    /// Looks into the database each second, as it does by itself.
    patient: Server,
    /// Never looks by itself as long as a story lasts: what it hears it hears by Redis.
    deaf: Server,
    channel: Channel,
}

impl Pair {
    async fn start(backend: Backend) -> Self {
        let world = World::start_with(backend, |config| config.pace = Pace::default()).await;
        let patient = world.another().await;
        let deaf = world.another_with(|config| config.pace.look = Duration::from_secs(3600)).await;
        let channel = world.connect_channel("Shop").await;
        Self { world, patient, deaf, channel }
    }

    fn redis(&self) -> &RedisServer {
        self.world.database.redis.as_ref().expect("PostgreSQL comes with it")
    }

    async fn follow_at(&self, server: &Server) -> Feed {
        self.world.follow(&self.world.admin.at(&server.url).api, None).await
    }

    async fn write(&self, person: i64) {
        self.world.take(&self.channel, &Person::new(person).says("Hello")).await;
    }
}

fn is_message(event: &Value) -> bool {
    event["kind"] == "MESSAGE_ADDED"
}

async fn word_of_events_travels_by_redis(pair: Pair) {
    let before = pair.world.cursor().await;
    let mut feed = pair.follow_at(&pair.deaf).await;
    let mut heard = Vec::new();
    for person in 6501..6521 {
        pair.write(person).await;
        heard.extend(feed.until(is_message).await);
    }
    assert_eq!(cursors(&heard), cursors(&pair.world.events_after(&before).await));
}

/// Everybody's events of twenty messages, each within two seconds.
async fn hear_in_time(pair: &Pair, feed: &mut Feed, people: std::ops::Range<i64>) {
    let before = pair.world.cursor().await;
    let mut heard = Vec::new();
    for person in people {
        pair.write(person).await;
        let written = Instant::now();
        if person % 5 == 0 {
            // Others go unwatched, and are read with the next that is.
            let last = pair.world.cursor().await;
            heard.extend(feed.until_cursor(&last).await);
            assert!(written.elapsed() < Duration::from_secs(2), "after {:?}", written.elapsed());
        }
    }
    assert_eq!(cursors(&heard), cursors(&pair.world.events_after(&before).await), "each once, in order");
}

async fn while_redis_is_away_events_come_within_two_seconds(pair: Pair) {
    let mut feed = pair.follow_at(&pair.patient).await;
    pair.redis().stop().await;
    hear_in_time(&pair, &mut feed, 6531..6546).await;
}

async fn a_redis_that_hangs_holds_up_no_change(pair: Pair) {
    let mut feed = pair.follow_at(&pair.patient).await;
    pair.redis().signal(libc::SIGSTOP);
    let asked = Instant::now();
    for person in 6551..6561 {
        pair.write(person).await;
    }
    // Were each to wait for Redis, it would be a second each.
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    hear_first(&mut feed).await;
    hear_in_time(&pair, &mut feed, 6561..6566).await;
    pair.redis().signal(libc::SIGCONT);
}

async fn hear_first(feed: &mut Feed) {
    for _ in 0..10 {
        feed.until(is_message).await;
    }
}

async fn when_redis_is_back_delivery_is_live_again(pair: Pair) {
    let before = pair.world.cursor().await;
    let mut feed = pair.follow_at(&pair.deaf).await;
    pair.redis().stop().await;
    for person in 6571..6576 {
        pair.write(person).await;
    }
    pair.redis().start().await;
    // What is said before the server has found Redis again is lost; the first that it hears tells of a gap.
    let mut heard = Vec::new();
    let mut person = 6576;
    while heard.is_empty() {
        pair.write(person).await;
        person += 1;
        let soon = timeout(Duration::from_millis(100), feed.next()).await;
        heard.extend(soon.ok());
    }
    pair.write(person).await;
    let last = pair.world.cursor().await;
    heard.extend(feed.until_cursor(&last).await);
    assert_eq!(cursors(&heard), cursors(&pair.world.events_after(&before).await), "each once, in order");
    for person in 6900..6905 {
        pair.write(person).await;
        feed.until(is_message).await;
    }
}
