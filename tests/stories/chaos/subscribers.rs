//! Those who follow the log: each loses its connection again and again, and resumes by its cursor at whatever process.

use std::pin::pin;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::harness::chance::Chance;
use crate::harness::client::Api;
use crate::harness::world::Someone;

use super::installation::{Installation, PATIENCE, PAUSE, Stage};
use super::line::{Heard, Line, Way, page};

/// The text of the last message that everybody hears.
pub const LAST: &str = "That was all";
/// Long after the last message whoever has not heard it does so no more.
const LATE: Duration = Duration::from_secs(20);

/// Somebody who follows.
pub struct Subscriber {
    pub name: &'static str,
    who: Someone,
    filter: Value,
    way: Way,
}

/// What a subscriber has.
pub struct Had {
    pub events: Vec<Value>,
    /// How often it was connected
    pub connections: usize,
    cursor: String,
    is_complete: bool,
}

impl Had {
    fn take(&mut self, heard: Heard) {
        self.is_complete |= heard.events.iter().any(is_last);
        self.events.extend(heard.events);
        self.cursor = heard.cursor.unwrap_or_else(|| std::mem::take(&mut self.cursor));
    }
}

/// Every way, every role, with filters and without.
pub fn all(installation: &Installation) -> Vec<Subscriber> {
    let admin = || installation.world.admin.clone();
    let employee = |number: usize| installation.employees[number].clone();
    let observer = |number: usize| installation.observers[number].clone();
    let one = || json!({ "dialogueIds": [installation.dialogues[0]] });
    let messages = json!({ "kinds": ["MESSAGE_ADDED"] });
    let subscriber = |name, who, filter, way| Subscriber { name, who, filter, way };
    vec![
        subscriber("an administrator", admin(), Value::Null, Way::Events),
        subscriber("another at the same desk", admin(), Value::Null, Way::Events),
        subscriber("an employee", employee(0), Value::Null, Way::Events),
        subscriber("an employee by batches", employee(1), Value::Null, Way::Batches),
        subscriber("an employee by server-sent events", employee(0), Value::Null, Way::Stream),
        subscriber("an administrator by pages", admin(), Value::Null, Way::Pages),
        subscriber("one who follows one dialogue", employee(1), one(), Way::Events),
        subscriber("one who follows one dialogue by batches", admin(), one(), Way::Batches),
        subscriber("one who follows messages", employee(0), messages, Way::Events),
        subscriber("an observer", observer(0), Value::Null, Way::Events),
        subscriber("an observer by batches", observer(1), Value::Null, Way::Batches),
        subscriber("an observer by server-sent events", observer(1), Value::Null, Way::Stream),
    ]
}

fn is_last(event: &Value) -> bool {
    event["kind"] == "MESSAGE_ADDED" && event["message"]["text"] == LAST
}

impl Subscriber {
    /// Everything up to the last message; less where that does not come.
    pub async fn follow(&self, installation: &Installation, mut chance: Chance) -> Had {
        let mut had =
            Had { events: Vec::new(), connections: 0, cursor: installation.start.clone(), is_complete: false };
        let mut late = pin!(async {
            installation.reached(Stage::Over).await;
            sleep(LATE).await;
        });
        while !had.is_complete {
            let api = self.who.api.at(&installation.door(&mut chance));
            let enough = match installation.stage() {
                Stage::Storm => enough(&mut chance),
                Stage::Calm | Stage::Over => None,
            };
            tokio::select! {
                // However it ended, the next connection goes on from the cursor.
                _ = self.listen(&api, &mut had, enough) => {}
                () = installation.cut() => {}
                () = &mut late => break,
            }
            sleep(PAUSE).await;
        }
        had
    }

    /// Listens at one process until it has heard enough or all, or the connection ends.
    async fn listen(&self, api: &Api, had: &mut Had, enough: Option<usize>) -> Result<(), String> {
        let line = Line::open(self.way, api, &self.filter, &had.cursor);
        let mut line = timeout(PATIENCE, line).await.map_err(|_| "no answer")??;
        had.connections += 1;
        let before = had.events.len();
        while !had.is_complete && enough.is_none_or(|enough| had.events.len() - before < enough) {
            had.take(line.next().await?);
        }
        Ok(())
    }

    /// What there is for them to have: their log as it is read, up to the last message.
    pub async fn log(&self, installation: &Installation, door: &str) -> Vec<Value> {
        let api = self.who.api.at(door);
        let mut after = installation.start.clone();
        let mut log: Vec<Value> = Vec::new();
        while !log.last().is_some_and(is_last) {
            let heard = page(&api, &self.filter, &after).await.expect("a page");
            assert!(!heard.events.is_empty(), "{} cannot read the last message", self.name);
            after = heard.cursor.expect("a page with events has an end");
            let end = heard.events.iter().position(is_last).map_or(heard.events.len(), |last| last + 1);
            log.extend(heard.events.into_iter().take(end));
        }
        log
    }
}

/// After how many events the subscriber's end of the connection breaks: at once, soon, or not by itself.
fn enough(chance: &mut Chance) -> Option<usize> {
    match chance.below(6) {
        0 => Some(0),
        1 => Some(1),
        2..=4 => Some(2 + chance.below(40) as usize),
        _ => None,
    }
}
