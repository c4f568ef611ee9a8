//! Chaos by a seed: whatever is cut, killed, frozen or restarted, every subscriber ends with exactly the log, in order.
//!
//! A seed gives the plan of what goes wrong, and what everybody draws. `make chaos` runs a hundred of them, and
//! `make chaos SEED=17` the one that failed.

mod installation;
mod line;
mod plan;
mod subscribers;
mod writers;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::thread;
use std::time::{Duration, Instant};

use colloquy::log::Cursor;
use futures_util::future::{join, join_all, join3};
use serde_json::Value;
use tokio::time::timeout;

use crate::harness::Backend;
use crate::harness::chance::Chance;
use crate::harness::feed::{self, Feed, cursors};
use crate::harness::story;

use installation::{Installation, Stage};
use subscribers::{Had, LAST, Subscriber};
use writers::Promise;

use super::agreement::{agree, settled};

/// The variable that has the seeds, `17` or `1-100`; without it there are a few.
const SEEDS: &str = "COLLOQUY_CHAOS_SEEDS";
const FEW: RangeInclusive<u64> = 1..=3;
/// Whoever has not heard of anything for so long will not.
const DEAF: Duration = Duration::from_secs(10);
/// The seeds are shared out among so many tests, which run at the same time.
const PARTS: u64 = 3;
/// Word takes less, looking takes longer.
const LIVE: Duration = Duration::from_millis(500);

mod every_subscriber_ends_with_exactly_the_log {
    use super::{Backend, run};

    #[test]
    fn sqlite_first() {
        run(Backend::Sqlite, 0);
    }

    #[test]
    fn sqlite_second() {
        run(Backend::Sqlite, 1);
    }

    #[test]
    fn sqlite_third() {
        run(Backend::Sqlite, 2);
    }

    #[test]
    fn postgres_first() {
        run(Backend::Postgres, 0);
    }

    #[test]
    fn postgres_second() {
        run(Backend::Postgres, 1);
    }

    #[test]
    fn postgres_third() {
        run(Backend::Postgres, 2);
    }
}

fn run(backend: Backend, part: u64) {
    for seed in seeds().filter(|seed| seed % PARTS == part) {
        let _words = Words { backend, seed };
        story::run(backend, Installation::start, async |installation| withstand(&installation, seed).await);
    }
}

fn seeds() -> RangeInclusive<u64> {
    let Ok(text) = std::env::var(SEEDS) else { return FEW };
    let (first, last) = text.split_once('-').unwrap_or((&text, &text));
    let number =
        |text: &str| text.parse().unwrap_or_else(|_| panic!("{SEEDS} is one number or two: 1-100, not {text}"));
    number(first)..=number(last)
}

/// Says, when a story fails, by which seed.
struct Words {
    backend: Backend,
    seed: u64,
}

impl Drop for Words {
    fn drop(&mut self) {
        if thread::panicking() {
            let Self { backend, seed } = self;
            eprintln!("It failed on {backend} with the seed {seed}; once more: make chaos SEED={seed}");
            for plan::Step { after, fault } in planned(*backend, &mut Chance::new(*seed)) {
                eprintln!("after {after} changes: {fault:?}");
            }
        }
    }
}

fn planned(backend: Backend, chance: &mut Chance) -> Vec<plan::Step> {
    plan::draw(backend, installation::processes(backend), chance)
}

async fn withstand(installation: &Installation, seed: u64) {
    let began = Instant::now();
    let backend = installation.world.backend;
    let mut chance = Chance::new(seed);
    let plan = planned(backend, &mut chance);
    let subscribers = subscribers::all(installation);
    let following = join_all(subscribers.iter().map(|one| one.follow(installation, chance.part())));
    let mut last = chance.part();

    let storm = storm(installation, &plan, &mut chance);
    let story = async {
        let (mut texts, promises) = tokio::select! {
            written = storm => written,
            () = installation.stalled() => panic!("nothing was acknowledged any more after {} changes", installation.changes()),
        };
        settled(&installation.admin(), &installation.beginning).await;
        texts.extend(hear_live(installation, &mut last).await);
        installation.enter(Stage::Over);
        (texts, promises)
    };
    let (had, (texts, promises)) = join(following, story).await;

    for (subscriber, had) in subscribers.iter().zip(&had) {
        let log = subscriber.log(installation, &installation.door(&mut last)).await;
        compare(subscriber, had, &log);
    }
    let log = settled(&installation.admin(), &installation.beginning).await;
    everything_is_told_once(&log, texts, &promises);
    positions_follow_one_another(&had[0].events);
    let dialogues = log.iter().filter(|event| event["kind"] == "DIALOGUE_OPENED").map(|event| &event["dialogue"]["id"]);
    for dialogue in dialogues {
        agree(&installation.admin(), dialogue.as_str().expect("an id"), &log).await;
    }
    let connections: usize = had.iter().map(|had| had.connections).sum();
    assert!(connections > 3 * had.len(), "cut off too seldom: {connections} connections");
    eprintln!(
        "seed {seed} on {backend}: {} changes, {} events, {connections} connections, {:.1} s",
        installation.changes(),
        log.len(),
        began.elapsed().as_secs_f32(),
    );
}

/// Everybody writes, and everything that is planned goes wrong. Gives what clients wrote and what operators were answered.
async fn storm(installation: &Installation, plan: &[plan::Step], chance: &mut Chance) -> (Vec<String>, Vec<Promise>) {
    let clients = join_all((0..4).map(|number| writers::clients(installation, chance.part(), number)));
    let [first, second] = &installation.employees[..] else { panic!("there are two") };
    let operators = [&installation.world.admin, first, second];
    let operators = join_all(["A", "B", "C"].into_iter().zip(operators).map(|(name, who)| {
        let part = chance.part();
        writers::operator(installation, who, part, name)
    }));
    let faults = async {
        installation.suffer(plan).await;
        installation.enter(Stage::Calm);
    };
    let (texts, promises, ()) = join3(clients, operators, faults).await;
    (texts.concat(), promises.into_iter().flatten().collect())
}

/// With all well again, word travels at once, and the last message ends what everybody hears. Gives what was written.
///
/// Whoever got word of nothing would find a message by looking, once a second. One that is written when the one before has
/// just been found that way is found a second later.
async fn hear_live(installation: &Installation, chance: &mut Chance) -> Vec<String> {
    let mut feeds = Vec::new();
    let doors = installation.doors();
    for door in &doors {
        let api = installation.world.admin.at(door).api;
        // Who follows without a cursor begins when the server has looked where the log stands, which may be a moment later.
        let now = feed::cursor(&api).await;
        feeds.push(Feed::follow(&api, Some(&now)).await);
    }
    let mut texts = Vec::new();
    loop {
        let text = format!("Is it live by now? {}", texts.len());
        writers::bring(installation, installation.anna.says(&text), chance.part()).await;
        let taken = Instant::now();
        let heard = feeds.iter_mut().map(|feed| timeout(DEAF, feed.until(|event| event["message"]["text"] == text)));
        let heard = join_all(heard).await;
        let deaf: Vec<&String> =
            doors.iter().zip(&heard).filter_map(|(door, heard)| heard.as_ref().err().and(Some(door))).collect();
        assert!(deaf.is_empty(), "{text}: nothing is heard at {deaf:?} of {doors:?}");
        texts.push(text);
        if texts.len() > 1 && taken.elapsed() < LIVE {
            break;
        }
        assert!(texts.len() < 10, "events come, and not at once: {:?}", taken.elapsed());
    }
    texts.push(LAST.to_owned());
    writers::bring(installation, installation.anna.says(LAST), chance.part()).await;
    texts
}

fn compare(subscriber: &Subscriber, had: &Had, log: &[Value]) {
    let had = &had.events;
    if let Some(first) = (0..had.len().max(log.len())).find(|place| had.get(*place) != log.get(*place)) {
        panic!(
            "{} has {} events of {}, and not the log's from number {first} on: {:#?} instead of {:#?}",
            subscriber.name,
            had.len(),
            log.len(),
            had.get(first),
            log.get(first)
        );
    }
}

/// What was acknowledged is in the log, once; and what was not, at most once.
fn everything_is_told_once(log: &[Value], texts: Vec<String>, promises: &[Promise]) {
    let mut told: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for event in log.iter().filter(|event| event["kind"] == "MESSAGE_ADDED") {
        let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).expect("a message tells it");
        told.entry((text("/message/origin"), text("/message/text"))).or_default().push(text("/dialogue/id"));
    }
    for text in &texts {
        assert_eq!(told.get(&("CLIENT", text)).map(Vec::len), Some(1), "{text}");
    }
    let opened = log.iter().filter(|event| event["kind"] == "DIALOGUE_OPENED").count();
    for ((origin, text), dialogues) in &mut told {
        dialogues.sort();
        let number = dialogues.len();
        dialogues.dedup();
        assert_eq!(number, dialogues.len(), "{origin} {text}");
        if *origin == "WELCOME" {
            assert_eq!(number, opened, "each is welcomed");
        }
    }
    // Those of the beginning said hello, each in a dialogue of their own.
    let by_clients = told.keys().filter(|(origin, _)| *origin == "CLIENT").count();
    assert_eq!(by_clients, texts.len() + 1, "nobody else wrote");
    for Promise { kind, place, id } in promises {
        let telling =
            log.iter().filter(|event| event["kind"] == *kind && event.pointer(place).is_some_and(|at| at == id));
        assert_eq!(telling.count(), 1, "{kind} of {id}");
    }
}

/// An administrator sees all that happens here.
fn positions_follow_one_another(log: &[Value]) {
    let positions: Vec<i64> =
        cursors(log).iter().map(|cursor| Cursor::decode(cursor).expect("a cursor").position).collect();
    assert!(positions.windows(2).all(|pair| pair[1] == pair[0] + 1), "{positions:?}");
}
