//! A made-up archive of any size: the same for the same seed, told by the log as if it had happened.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use colloquy_entity::*;
use sea_orm::{ConnectionTrait, EntityTrait, PaginatorTrait};

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

const MARKS: u64 = 30;
/// Dialogues that are stored together.
const DIALOGUES: usize = 2_000;
/// Messages, nearly: rows of the second part that are stored together.
const MESSAGES: usize = 5_000;
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
    if dialogue::Entity::find().count(app.db.read()).await? > 0 {
        return Err(Error::conflict(
            "There are dialogues in this database: made-up ones are put into an empty one only",
        ));
    }
    let head = log_head::Entity::find().one(app.db.read()).await?.map_or(0, |head| head.position);
    let company = Company::new(app, size).await?;
    let mut filling =
        Filling { load: Load::begin(app).await?, seed: size.seed, position: head, number: 0, batch: Batch::default() };
    filling.company(&company).await?;
    filling.dialogues(&company, size, tell).await?;
    filling.messages(&company, size, tell).await?;
    let Filling { mut load, position, .. } = filling;
    load.run(&format!("UPDATE log_heads SET position = {position} WHERE id = 1")).await?;
    load.run("DELETE FROM counters").await?;
    load.run("DELETE FROM settings WHERE name = 'search'").await?;
    load.put::<setting::Entity>(vec![setting::Model { name: "search".into(), value: words::VERSION.into() }]).await?;
    if app.db.is_postgres() {
        load.run(&format!("SELECT setval('event_batches', {})", position + 1)).await?;
    }
    load.index(|left| tell(Progress::Indexing(left))).await?;
    load.commit().await?;
    tell(Progress::Counting);
    // Also marks which pages everybody sees, so that indexes alone can answer.
    let count = if app.db.is_postgres() { "VACUUM (ANALYZE)" } else { "PRAGMA analysis_limit = 2000; ANALYZE" };
    app.db.write().execute_unprepared(count).await?;
    Ok(())
}

struct Filling {
    load: Load,
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

impl Filling {
    async fn company(&mut self, company: &Company) -> Result<()> {
        let load = &mut self.load;
        load.put::<user::Entity>(company.users.clone()).await?;
        load.put::<funnel::Entity>(vec![company.funnel.clone()]).await?;
        load.put::<stage::Entity>(company.stages.clone()).await?;
        load.put::<channel::Entity>(company.channels.clone()).await?;
        load.put::<queue_member::Entity>(company.queues()).await?;
        load.put::<tag::Entity>(company.tags.clone()).await?;
        load.put::<project::Entity>(company.projects.clone()).await?;
        for entry in company.entries() {
            self.tell(FROM, vec![entry])?;
        }
        Ok(())
    }

    /// What the dialogues come to: messages refer to it.
    async fn dialogues(&mut self, company: &Company, size: Size, tell: Tell<'_>) -> Result<()> {
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
            let load = &mut self.load;
            load.put::<contractor::Entity>(talks.iter().filter_map(|talk| talk.contractor.clone()).collect()).await?;
            load.put::<client::Entity>(talks.iter().map(|talk| talk.client.clone()).collect()).await?;
            load.put::<dialogue::Entity>(talks.iter().map(|talk| talk.dialogue.clone()).collect()).await?;
            let mut rest: Vec<_> = talks.into_iter().map(|talk| talk.rest).collect();
            macro_rules! put {
                ($entity:ident, $rows:ident) => {
                    load.put::<$entity::Entity>(rest.iter_mut().flat_map(|rest| rest.$rows.drain(..)).collect())
                        .await?;
                };
            }
            put!(participant, participants);
            put!(read_mark, read_marks);
            put!(dialogue_tag, tags);
            put!(dialogue_project, projects);
            let (deals, links) = rest.iter_mut().flat_map(|rest| rest.deals.drain(..)).unzip();
            load.put::<deal::Entity>(deals).await?;
            load.put::<dialogue_deal::Entity>(links).await?;
            let (tasks, links) = rest.iter_mut().flat_map(|rest| rest.tasks.drain(..)).unzip();
            load.put::<task::Entity>(tasks).await?;
            load.put::<dialogue_task::Entity>(links).await?;
            tell(Progress::Storing(size.messages * BEFORE / 100 * first / size.dialogues, whole));
        }
        Ok(())
    }

    /// What was said, in the order of time, as the log has it.
    async fn messages(&mut self, company: &Company, size: Size, tell: Tell<'_>) -> Result<()> {
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
            if let Some(moment) = turn.0.go_on() {
                stored += u64::from(moment.message.is_some());
                self.take(moment)?;
                going.push(turn);
            }
            if self.batch.events.len() >= 2 * MESSAGES {
                self.store().await?;
                tell(Progress::Storing(before + stored, whole));
            }
        }
        self.store().await
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

    async fn store(&mut self) -> Result<()> {
        let Batch { messages, attachments, comments, words, events, subjects } = std::mem::take(&mut self.batch);
        self.load.put::<message::Entity>(messages).await?;
        self.load.put::<attachment::Entity>(attachments).await?;
        self.load.put::<comment::Entity>(comments).await?;
        self.load.words(&words).await?;
        self.load.put::<event::Entity>(events).await?;
        self.load.put::<event_subject::Entity>(subjects).await
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
