//! Whatever is asked of events: who follows gets, to the byte, what they would read for themselves, however many follow alike.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::harness::chance::Chance;
use crate::harness::client::Api;
use crate::harness::schema::{self, Shape};
use crate::harness::socket::Raw;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::{Channel, Someone, World};

stories!(World: who_follows_gets_what_they_would_read_whoever_follows_beside_them);

/// Another seed is another story.
const SEED: u64 = 20_261_122;
const DOCUMENTS: usize = 9;
const DEPTH: usize = 4;
/// Only a failing story waits so long.
const PATIENCE: Duration = Duration::from_secs(20);
/// Its answer carries the time at which it was signed.
const TIMED: &str = "signedUrl";

/// Random selections of what there is below a type.
struct Growth<'a> {
    shape: &'a Shape,
    chance: Chance,
    fragments: Vec<String>,
    names: usize,
    /// Whether dialogues are asked for what is the viewer's own.
    with_own: bool,
}

impl Growth<'_> {
    fn name(&mut self) -> String {
        self.names += 1;
        format!("n{}", self.names)
    }

    /// The object types that a value of this type may have.
    fn possible(&self, of: &str) -> BTreeSet<String> {
        let shape = self.shape;
        let there = &shape.0[of];
        match there.kind.as_str() {
            "UNION" => there.members.clone(),
            _ => shape.0.iter().filter(|(_, one)| one.implements.contains(of)).map(|(name, _)| name.clone()).collect(),
        }
    }

    fn is_leaf(&self, of: &str) -> bool {
        self.shape.0.get(of).is_none_or(|found| matches!(found.kind.as_str(), "SCALAR" | "ENUM"))
    }

    /// Fields in braces; in a fragment under names of their own, as those of another type may have the same with another
    /// meaning.
    fn selection(&mut self, of: &str, depth: usize, in_fragment: bool) -> String {
        let mut parts = Vec::new();
        let shape = self.shape;
        let fields: Vec<_> = shape.0[of]
            .fields
            .iter()
            .filter(|(name, field)| *name != TIMED && !field.arguments.values().any(schema::Input::is_required))
            .filter(|(_, field)| depth < DEPTH || self.is_leaf(field.named()))
            .collect();
        let mut chosen = BTreeSet::new();
        for _ in 0..=self.chance.below(4).min(fields.len() as u64) {
            if !fields.is_empty() {
                chosen.insert(self.chance.below(fields.len() as u64) as usize);
            }
        }
        // In an order of chance, too.
        let mut chosen: Vec<usize> = chosen.into_iter().collect();
        if self.chance.below(2) == 0 {
            chosen.reverse();
        }
        for index in chosen {
            let (name, field) = fields[index];
            let alias =
                if in_fragment || self.chance.below(2) == 0 { format!("{}: ", self.name()) } else { String::new() };
            let arguments = if field.arguments.contains_key("first") { "(first: 2)" } else { "" };
            let below = match self.is_leaf(field.named()) {
                true => String::new(),
                false => self.selection(field.named(), depth + 1, false),
            };
            parts.push(format!("{alias}{name}{arguments} {below}"));
        }
        if of == "Dialogue" && self.with_own {
            let own =
                format!("{}: group {}: unreadCount {}: viewerCan {{ reply }}", self.name(), self.name(), self.name());
            parts.push(own);
        }
        let possible: Vec<String> = self.possible(of).into_iter().collect();
        if !possible.is_empty() {
            for _ in 0..=self.chance.below(3) {
                let one = self.chance.one_of(&possible).clone();
                let below = self.selection(&one, depth, true);
                if self.chance.below(2) == 0 {
                    parts.push(format!("... on {one} {below}"));
                } else {
                    let name = self.name();
                    self.fragments.push(format!("fragment {name} on {one} {below}"));
                    parts.push(format!("...{name}"));
                }
            }
        }
        if parts.is_empty() || self.chance.below(3) == 0 {
            parts.push("__typename".into());
        }
        format!("{{ {} }}", parts.join(" "))
    }
}

/// What is asked of an event, and how it is followed.
struct Asked {
    selection: String,
    fragments: String,
    in_batches: bool,
}

impl Asked {
    fn grow(shape: &Shape, number: usize) -> Self {
        let chance = Chance::new(SEED + number as u64);
        let with_own = number % 3 == 2;
        let mut growth = Growth { shape, chance, fragments: Vec::new(), names: 0, with_own };
        let selection = growth.selection("Event", 1, false);
        // Where it stands is asked first, to know how far a follower has come.
        let selection = selection.replacen('{', "{ place: cursor", 1);
        Self { selection, fragments: growth.fragments.join(" "), in_batches: number % 4 == 3 }
    }

    fn subscription(&self) -> String {
        let Self { selection, fragments, in_batches } = self;
        match in_batches {
            true => format!(
                "subscription($after: String) {{ eventBatches(after: $after) {{ events {selection} }} }} {fragments}"
            ),
            false => format!("subscription($after: String) {{ events(after: $after) {selection} }} {fragments}"),
        }
    }

    fn query(&self) -> String {
        let Self { selection, fragments, .. } = self;
        format!("query($after: String) {{ events(first: 30, after: $after) {{ nodes {selection} }} }} {fragments}")
    }

    /// The events in the text of an answer, as they are written, with commas between.
    fn events<'a>(&self, frame: &'a str) -> &'a str {
        let (begin, end) = match self.in_batches {
            true => ("{\"data\":{\"eventBatches\":{\"events\":[", "]}}}}"),
            false => ("{\"data\":{\"events\":", "}}}"),
        };
        let found = frame.split_once(begin).and_then(|(_, rest)| rest.strip_suffix(end));
        found.unwrap_or_else(|| panic!("{frame} is no answer to {}", self.subscription()))
    }
}

/// What a viewer reads after a cursor: the events as they are written, with commas between, and the last one's place.
async fn read(http: &reqwest::Client, api: &Api, asked: &Asked, after: &str) -> (String, Option<String>) {
    let body = json!({ "query": asked.query(), "variables": { "after": after } });
    let request = http.post(format!("{}/graphql", api.url)).json(&body);
    let answer = request.bearer_auth(api.token.as_deref().expect("signed in")).send().await.expect("an answer");
    let text = answer.text().await.expect("a body");
    let nodes = text.strip_prefix("{\"data\":{\"events\":{\"nodes\":[").and_then(|rest| rest.strip_suffix("]}}}"));
    let nodes = nodes.unwrap_or_else(|| panic!("{text} is no answer to {}", asked.query()));
    let parsed: Value = serde_json::from_str(&text).expect("JSON");
    let last = parsed["data"]["events"]["nodes"].as_array().and_then(|nodes| nodes.last()?["place"].as_str());
    (nodes.to_owned(), last.map(str::to_owned))
}

/// One who follows.
struct Follower<'a> {
    viewer: &'a Someone,
    asked: &'a Asked,
    /// Read all the time, as whoever does not read is not kept.
    frames: mpsc::UnboundedReceiver<String>,
}

impl<'a> Follower<'a> {
    async fn begin(viewer: &'a Someone, asked: &'a Asked, after: &str) -> Self {
        let url = format!("{}/graphql", viewer.api.url);
        let mut socket = Raw::acknowledged(&url, viewer.api.token.as_deref()).await;
        let payload = json!({ "query": asked.subscription(), "variables": { "after": after } });
        socket.send(json!({ "type": "subscribe", "id": "1", "payload": payload })).await;
        let (heard, frames) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok(frame) = socket.next_frame().await {
                let _ = heard.send(frame.to_text().expect("a text").to_owned());
            }
        });
        Self { viewer, asked, frames }
    }

    /// What comes up to the event at a place, as it is written, with commas between.
    async fn hear(&mut self, last: &str) -> String {
        let mut heard = Vec::new();
        let place = format!("\"place\":{last:?}");
        loop {
            let frame = timeout(PATIENCE, self.frames.recv()).await.expect("an event in time").expect("it stays open");
            if !frame.contains("\"type\":\"next\"") {
                assert!(frame.contains("\"type\":\"ping\""), "{frame} to {}", self.asked.subscription());
                continue;
            }
            let events = self.asked.events(&frame);
            if !events.is_empty() {
                heard.push(events.to_owned());
            }
            if events.contains(&place) {
                return heard.join(",");
            }
        }
    }
}

/// What happens, one by one.
struct Scene {
    channel: Channel,
    person: Person,
    newcomer: Person,
    dialogue: String,
    other: String,
    observer: String,
    colleague: String,
}

const CHANGES: usize = 12;

impl Scene {
    async fn change(&self, world: &World, number: usize) {
        let admin = &world.admin;
        let run = async |document: &str| {
            let ids = [
                ("$dialogue", &self.dialogue),
                ("$other", &self.other),
                ("$observer", &self.observer),
                ("$colleague", &self.colleague),
                ("$channel", &self.channel.id),
            ];
            // In place: a variable that is not used would be refused.
            let written =
                ids.iter().fold(document.to_owned(), |text, (name, id)| text.replace(name, &format!("{id:?}")));
            admin.api.run(&format!("mutation {{ {written} }}"), Value::Null).await.data();
        };
        match number {
            0 => world.take(&self.channel, &self.person.says("one \"more\"")).await,
            1 => run("addComment(input: { dialogueId: $dialogue, text: \"look\", mentionIds: [$colleague] }) { comment { id } }").await,
            2 => run("addTags(dialogueId: $dialogue, names: [\"a\", \"b\"]) { dialogue { id } }").await,
            3 => run("setParticipant(dialogueId: $dialogue, userId: $colleague, role: RESPONSIBLE) { dialogue { id } }").await,
            4 => run("createTask(input: { title: \"Do\", dialogueId: $dialogue, responsibleId: $colleague }) { task { id } }").await,
            5 => run("createProject(input: { name: \"Works\", dialogueId: $other }) { project { id } }").await,
            6 => world.take(&self.channel, &self.newcomer.says("hello")).await,
            7 => run("setParticipant(dialogueId: $other, userId: $observer, role: OBSERVER) { dialogue { id } }").await,
            8 => run("closeDialogue(dialogueId: $other) { dialogue { id } } createContractor(input: { name: \"Firm\", dialogueId: $dialogue }) { contractor { id } }").await,
            9 => run("removeParticipant(dialogueId: $other, userId: $observer) { dialogue { id } }").await,
            10 => world.take(&self.channel, &self.person.blocks(true)).await,
            _ => run("updateChannel(input: { channelId: $channel, name: \"Renamed\" }) { channel { id } }").await,
        }
    }
}

async fn who_follows_gets_what_they_would_read_whoever_follows_beside_them(world: World) {
    let (shape, _) = schema::served(&world.admin.api).await;
    let channel = world.connect_channel("Shop").await;
    let person = Person::new(8601);
    let dialogue = world.write(&channel, &person, "hello").await;
    let other = world.write(&channel, &Person::new(8602), "hello").await;
    let (colleague, employee) = (world.user("EMPLOYEE").await, world.user("EMPLOYEE").await);
    let (observer, answering) = (world.user("OBSERVER").await, world.user("OBSERVER").await);
    world.admin.set_participant(&dialogue, &observer.id, "OBSERVER").await;
    world.admin.set_participant(&dialogue, &answering.id, "RESPONSIBLE").await;
    let viewers = [&world.admin, &colleague, &employee, &observer, &answering];
    let (observer_id, colleague_id) = (observer.id.clone(), colleague.id.clone());
    let newcomer = Person::new(8603);
    let scene = Scene { channel, person, newcomer, dialogue, other, observer: observer_id, colleague: colleague_id };

    let all: Vec<Asked> = (0..DOCUMENTS).map(|number| Asked::grow(&shape, number)).collect();
    let http = reqwest::Client::new();
    let mut after = world.cursor().await;
    let mut followers = Vec::new();
    for asked in &all {
        for viewer in viewers {
            followers.push(Follower::begin(viewer, asked, &after).await);
        }
    }
    for change in 0..CHANGES {
        scene.change(&world, change).await;
        for follower in &mut followers {
            let (expected, last) = read(&http, &follower.viewer.api, follower.asked, &after).await;
            if let Some(last) = last {
                let heard = follower.hear(&last).await;
                assert_eq!(
                    heard,
                    expected,
                    "change {change} for {}: {}",
                    follower.viewer.id,
                    follower.asked.subscription()
                );
            }
        }
        after = world.cursor().await;
    }
}
