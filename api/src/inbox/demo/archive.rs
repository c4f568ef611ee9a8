//! A made-up archive of any size: the same for the same seed, told by the log as if it had happened.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use colloquy_entity::*;
use tokio::sync::mpsc;

use crate::app::App;
use crate::error::{Error, Result};
use crate::log::{Actor, Entry};
use crate::words;

use super::super::search;
use super::chance::Chance;
use super::load::Load;
use super::plan::{FROM, Lengths, Size};
use super::staff::Company;
use super::talk::{Moment, Talk};
use super::texts;

const MARKS: u64 = 30;
/// Dialogues that are stored together.
const DIALOGUES: usize = 2_000;
/// Events that are stored together, with what they tell of.
const EVENTS: usize = 10_000;
/// So many times as many wait to be stored at most.
const AHEAD: usize = 2;
/// What comes before the messages, counted as so many of them in a hundred.
const BEFORE: u64 = 20;

/// How far it is, of what.
pub type Tell<'a> = &'a mut dyn FnMut(Progress);

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Rows are stored: so much of so much.
    Storing(u64, u64),
    /// Indexes are made; so many are left.
    Indexing(usize),
    /// The database counts its rows, for its plans.
    Counting,
}

/// Fills a database that has no dialogues yet. CONFLICT where it has, BAD_USER_INPUT for fewer messages than dialogues.
pub async fn fill(app: &App, size: Size, tell: Tell<'_>) -> Result<()> {
    size.check()?;
    let mut load = Load::begin(app).await?;
    if load.number("SELECT count(*) FROM dialogues").await? > 0 {
        return Err(Error::conflict(
            "There are dialogues in this database: made-up ones are put into an empty one only",
        ));
    }
    let position = load.number("SELECT position FROM log_heads WHERE id = 1").await?;
    load.without_indexes().await?;
    let company = Company::new(app, size).await?;
    put_company(&mut load, &company).await?;
    put_dialogues(&mut load, &company, size, tell).await?;
    let (batches, mut ready) = mpsc::channel::<Batch>(AHEAD);
    // While some are stored, the next are made up.
    let storing = tokio::spawn(async move {
        while let Some(batch) = ready.recv().await {
            batch.store(&mut load).await?;
        }
        Ok::<_, Error>(load)
    });
    let filling = Filling { batches, seed: size.seed, position, number: 0, batch: Batch::default() };
    let position = filling.run(&company, size, tell).await?;
    let mut load = storing.await.map_err(Error::internal)??;
    load.run(&format!("UPDATE log_heads SET position = {position} WHERE id = 1")).await?;
    // What was counted of an empty list is nothing to go on from.
    load.run("DELETE FROM counters").await?;
    load.run("DELETE FROM settings WHERE name = 'search'").await?;
    load.put::<setting::Entity>(vec![setting::Model { name: "search".into(), value: words::VERSION.into() }]).await?;
    if app.db.is_postgres() {
        load.run(&format!("SELECT setval('event_batches', {})", position + 1)).await?;
    }
    load.index(|left| tell(Progress::Indexing(left))).await?;
    tell(Progress::Counting);
    load.commit(app).await
}

async fn put_company(load: &mut Load, company: &Company) -> Result<()> {
    load.put::<user::Entity>(company.users.clone()).await?;
    load.put::<funnel::Entity>(vec![company.funnel.clone()]).await?;
    load.put::<stage::Entity>(company.stages.clone()).await?;
    load.put::<channel::Entity>(company.channels.clone()).await?;
    load.put::<queue_member::Entity>(company.queues()).await?;
    load.put::<tag::Entity>(company.tags.clone()).await
}

/// What the dialogues come to: messages refer to it.
async fn put_dialogues(load: &mut Load, company: &Company, size: Size, tell: Tell<'_>) -> Result<()> {
    let mut lengths: Lengths = size.lengths();
    let mut first = 0;
    let whole = size.messages + size.messages * BEFORE / 100;
    while first < size.dialogues {
        let chunk = (first..size.dialogues).zip(lengths.by_ref().take(DIALOGUES));
        let talks: Vec<Talk<'_>> = chunk
            .map(|(number, length)| {
                let mut talk = Talk::new(company, size, number, length);
                talk.finish();
                talk
            })
            .collect();
        first += talks.len() as u64;
        load.put::<contractor::Entity>(talks.iter().filter_map(|talk| talk.contractor.clone()).collect()).await?;
        load.put::<client::Entity>(talks.iter().map(|talk| talk.client.clone()).collect()).await?;
        load.put::<dialogue::Entity>(talks.iter().map(|talk| talk.dialogue.clone()).collect()).await?;
        let mut rest: Vec<_> = talks.into_iter().map(|talk| talk.rest).collect();
        macro_rules! put {
            ($entity:ident, $rows:ident) => {
                load.put::<$entity::Entity>(rest.iter_mut().flat_map(|rest| rest.$rows.drain(..)).collect()).await?;
            };
            ($entity:ident, $link:ident, $rows:ident) => {
                let (cards, links) = rest.iter_mut().flat_map(|rest| rest.$rows.drain(..)).unzip();
                load.put::<$entity::Entity>(cards).await?;
                load.put::<$link::Entity>(links).await?;
            };
        }
        put!(participant, participants);
        put!(read_mark, read_marks);
        put!(dialogue_tag, tags);
        put!(deal, dialogue_deal, deals);
        put!(project, dialogue_project, projects);
        put!(task, dialogue_task, tasks);
        tell(Progress::Storing(size.messages * BEFORE / 100 * first / size.dialogues, whole));
    }
    Ok(())
}

/// What was said, on its way into the database.
struct Filling {
    batches: mpsc::Sender<Batch>,
    seed: u64,
    /// Of the last event.
    position: i64,
    /// Of the last that is found by words: no two have one.
    number: i64,
    batch: Batch,
}

/// Rows on their way.
#[derive(Default)]
struct Batch {
    messages: Vec<message::Model>,
    attachments: Vec<attachment::Model>,
    comments: Vec<comment::Model>,
    words: Vec<search::Entry>,
    events: Vec<event::Model>,
    subjects: Vec<event_subject::Model>,
}

impl Batch {
    async fn store(self, load: &mut Load) -> Result<()> {
        let Self { messages, attachments, comments, words, events, subjects } = self;
        load.put::<message::Entity>(messages).await?;
        load.put::<attachment::Entity>(attachments).await?;
        load.put::<comment::Entity>(comments).await?;
        load.words(&words).await?;
        load.put::<event::Entity>(events).await?;
        load.put::<event_subject::Entity>(subjects).await
    }
}

impl Filling {
    /// What was said, in the order of time, as the log has it. Answers the last event's position.
    async fn run(mut self, company: &Company, size: Size, tell: Tell<'_>) -> Result<i64> {
        for entry in company.entries() {
            self.tell(FROM, vec![entry])?;
        }
        let mut lengths = (0..).zip(size.lengths()).peekable();
        let mut going: BinaryHeap<Turn<'_>> = BinaryHeap::new();
        let before = size.messages * BEFORE / 100;
        let (mut stored, whole) = (0, size.messages + before);
        loop {
            // Whoever begins before the next moment of those who have begun joins them.
            while let Some((number, _)) = lengths.peek()
                && going.peek().is_none_or(|turn| size.begins(*number) <= turn.0.at)
            {
                let Some((number, length)) = lengths.next() else { break };
                going.push(Turn(Box::new(Talk::new(company, size, number, length))));
            }
            let Some(mut turn) = going.pop() else { break };
            if let Some(mut moment) = turn.0.go_on() {
                if let Some(message) = &mut moment.message {
                    message.text.extend(texts::besides(stored));
                    stored += 1;
                }
                self.take(moment)?;
                going.push(turn);
            }
            if self.batch.events.len() >= EVENTS {
                if self.batches.send(std::mem::take(&mut self.batch)).await.is_err() {
                    // Whoever stores has failed, and says why.
                    return Ok(self.position);
                }
                tell(Progress::Storing(before + stored, whole));
            }
        }
        let _ = self.batches.send(self.batch).await;
        Ok(self.position)
    }

    fn take(&mut self, moment: Moment) -> Result<()> {
        let Moment { at, entries, message, attachment, comment } = moment;
        self.tell(at, entries)?;
        if let Some(message) = message {
            let files: Vec<_> = attachment.iter().cloned().collect();
            self.find(search::Entry::of_message(&message, &files));
            self.batch.attachments.extend(files);
            self.batch.messages.push(message);
        }
        if let Some(comment) = comment {
            self.find(search::Entry::of_comment(&comment));
            self.batch.comments.push(comment);
        }
        Ok(())
    }

    fn find(&mut self, mut entry: search::Entry) {
        self.number = Ord::max(entry.number, self.number + 1);
        entry.number = self.number;
        self.batch.words.push(entry);
    }

    /// One transaction's events.
    fn tell(&mut self, at: i64, entries: Vec<Entry>) -> Result<()> {
        let batch = self.position + 1;
        for entry in entries {
            self.position += 1;
            let position = self.position;
            let subjects = entry.detail.subjects.iter();
            self.batch.subjects.extend(subjects.map(|subject| event_subject::Model { subject_id: *subject, position }));
            let (actor_user_id, actor_client_id) = match entry.actor {
                Some(Actor::User(user)) => (Some(user), None),
                Some(Actor::Client(client)) => (None, Some(client)),
                None => (None, None),
            };
            let mark = Chance::of(self.seed, MARKS, position.unsigned_abs()).below(i32::MAX as u64);
            self.batch.events.push(event::Model {
                position,
                mark: i32::try_from(mark).unwrap_or_default() + 1,
                batch,
                at: Time(at),
                kind: entry.kind.as_str().into(),
                actor_user_id,
                actor_client_id,
                dialogue_id: entry.dialogue,
                channel_id: entry.channel,
                addressee_id: entry.addressee,
                detail: serde_json::to_value(&entry.detail)?,
            });
        }
        Ok(())
    }
}

/// A dialogue that waits for its next moment; the earliest is the greatest.
struct Turn<'a>(Box<Talk<'a>>);

impl Turn<'_> {
    fn key(&self) -> Reverse<(i64, DialogueId)> {
        Reverse((self.0.at, self.0.dialogue.id))
    }
}

impl PartialEq for Turn<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Turn<'_> {}

impl PartialOrd for Turn<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Turn<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}
