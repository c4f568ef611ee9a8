//! Shared execution: subscribers of the same operation, with the same variables and rights, share one execution and its
//! bytes.
//!
//! Each subscriber follows the log by itself, at its own speed and with its own rights. What it has to be told next is
//! executed by whoever comes to it first; the others take the answer. It is so for those who see everything,
//! administrators and employees, and for operations that select nothing of the viewer's own; everybody else's are
//! executed for each.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Request, Response, Variables};
use colloquy_entity::Role;
use futures_util::stream::{BoxStream, Stream, StreamExt, unfold};
use tokio::sync::{OnceCell, mpsc};

use crate::app::App;
use crate::error::{Error, Result};
use crate::live::Answer;
use crate::log::{Event, Followed, Following};
use crate::viewer::Viewer;

use super::ask::{Mode, everybody};
use super::errors::refusal;
use super::root::Api;
use super::variables::used_below_the_top;

/// Answers that a group keeps for those who come to them later.
const KEPT: usize = 64;
/// An answer shows things as they are: one that is older is not taken any more.
const FRESH: Duration = Duration::from_secs(1);

/// Most events of one batch.
const BATCH: usize = 100;
/// A batch comes at least so often, to move the cursor on.
const IDLE: Duration = Duration::from_secs(10);

/// Fields whose answers are the viewer's own. `events` counts once for the subscription itself: what is read of the log
/// below it may be addressed to the viewer.
pub(super) const OWN: &[&str] = &["group", "unreadCount", "viewerCan", "events"];

/// What a subscriber is to be told next.
#[derive(Clone)]
pub enum Portion {
    /// Of `events`.
    Event(Arc<Event>),
    /// Of `eventBatches`.
    Batch(Followed),
}

impl Portion {
    fn events(&self) -> &[Arc<Event>] {
        match self {
            Self::Event(event) => std::slice::from_ref(event),
            Self::Batch(batch) => &batch.events,
        }
    }

    /// Without the events that the viewer may not hear of any more; none where nothing is left to tell.
    fn still_heard(mut self, app: &App, viewer: &Viewer) -> Option<Self> {
        let heard = |event: &Arc<Event>| app.log.access(|access| access.hears(viewer.id, event));
        match &mut self {
            Self::Event(event) => return heard(event).then_some(self),
            Self::Batch(batch) => batch.events.retain(heard),
        }
        Some(self)
    }

    /// Whether every subscriber of a group would be told the same.
    fn is_for_all(&self) -> bool {
        self.events().iter().all(|event| event.addressee.is_none())
    }

    /// The same for the same portion. Filter and rights being the same, first and last tell what is between.
    fn place(&self) -> Place {
        let position = |event: Option<&Arc<Event>>| event.map(|event| event.position);
        let (first, last) = (position(self.events().first()), position(self.events().last()));
        match self {
            Self::Event(_) => (first, last, None),
            Self::Batch(batch) => (first, last, Some((batch.cursor.position, batch.live))),
        }
    }
}

type Place = (Option<i64>, Option<i64>, Option<(i64, bool)>);

/// How portions come out of a [`Following`].
pub enum Source {
    /// One by one.
    Events(Following),
    /// Many at a time; whether it is the first batch.
    Batches(Following, bool),
}

/// Which part of a subscription an execution is.
pub enum Part {
    /// All of it: a query or mutation, too.
    Whole,
    /// Its beginning: arguments are checked, and what follows the log is left here.
    Begin(Arc<Mutex<Option<Source>>>),
    /// Its answers, to the portions that are fed to it.
    Answers(Mutex<Option<mpsc::UnboundedReceiver<Portion>>>),
}

/// An admitted operation that is executed again and again.
#[derive(Clone)]
pub struct Repeated {
    /// The same operation has the same text.
    pub text: String,
    /// The same, parsed.
    pub document: ExecutableDocument,
    /// Of several in the document.
    pub name: Option<String>,
    /// As they were given.
    pub variables: Variables,
}

impl Repeated {
    /// Once more.
    pub fn request(&self) -> Request {
        let mut request = Request::new(self.text.clone()).variables(self.variables.clone());
        request.operation_name.clone_from(&self.name);
        request.set_parsed_query(self.document.clone());
        request
    }

    /// The same where all answers are: arguments at the top decide what is told, and not how it looks.
    fn key(&self, source: &Source) -> Key {
        let below = match source {
            Source::Events(_) => used_below_the_top(&self.document),
            // What is in a batch depends on them.
            Source::Batches(..) => self.variables.keys().map(|name| name.as_str()).collect(),
        };
        let used: BTreeMap<_, _> = self.variables.iter().filter(|(name, _)| below.contains(name.as_str())).collect();
        (self.text.clone(), self.name.clone(), serde_json::to_string(&used).unwrap_or_default())
    }
}

type Key = (String, Option<String>, String);

/// Begins an execution that answers what is fed to it: for one viewer, or for all who see everything.
pub type Execute =
    Box<dyn Fn(Option<Viewer>, mpsc::UnboundedReceiver<Portion>) -> BoxStream<'static, Response> + Send + Sync>;

/// One execution, that goes on.
#[derive(Default)]
struct Execution(Option<(mpsc::UnboundedSender<Portion>, BoxStream<'static, Response>)>);

impl Execution {
    async fn answer(&mut self, execute: &Execute, viewer: Option<Viewer>, portion: Portion) -> Response {
        // Taken out while it answers: where nobody waits for the answer any more, the next one begins anew.
        let (feed, mut answers) = self.0.take().unwrap_or_else(|| {
            let (feed, fed) = mpsc::unbounded_channel();
            (feed, execute(viewer, fed))
        });
        let _ = feed.send(portion);
        let answer = answers.next().await;
        if answer.is_some() {
            self.0 = Some((feed, answers));
        }
        answer.unwrap_or_else(|| refusal(Error::internal("an execution ended before it answered")))
    }
}

/// Those who follow with the same operation and variables.
struct Group {
    key: Key,
    execute: Execute,
    /// For all of them who see everything.
    execution: tokio::sync::Mutex<Execution>,
    answers: Mutex<VecDeque<Kept>>,
    groups: Arc<Groups>,
}

/// An answer, or its execution under way.
struct Kept {
    place: Place,
    since: Instant,
    answer: Arc<OnceCell<Answer>>,
}

/// All groups of a process.
#[derive(Default)]
pub struct Groups(Mutex<HashMap<Key, Weak<Group>>>);

impl Groups {
    /// The group of an operation; of the first who comes, `execute` stays.
    fn join(self: &Arc<Self>, key: Key, execute: impl FnOnce() -> Execute) -> Arc<Group> {
        let mut groups = lock(&self.0);
        if let Some(group) = groups.get(&key).and_then(Weak::upgrade) {
            return group;
        }
        let group = Arc::new(Group {
            key: key.clone(),
            execute: execute(),
            execution: tokio::sync::Mutex::default(),
            answers: Mutex::default(),
            groups: Arc::clone(self),
        });
        groups.insert(key, Arc::downgrade(&group));
        group
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let mut groups = lock(&self.groups.0);
        // Another may have been founded since the last of this one left.
        if groups.get(&self.key).is_some_and(|group| group.strong_count() == 0) {
            groups.remove(&self.key);
        }
    }
}

impl Group {
    /// What is answered already.
    fn answered(&self, portion: &Portion) -> std::result::Result<Answer, Arc<OnceCell<Answer>>> {
        let answer = self.place(portion.place());
        answer.get().cloned().ok_or(answer)
    }

    async fn answer(&self, answer: Arc<OnceCell<Answer>>, portion: Portion) -> Answer {
        let execute = async || self.execution.lock().await.answer(&self.execute, None, portion).await.into();
        answer.get_or_init(execute).await.clone()
    }

    fn place(&self, place: Place) -> Arc<OnceCell<Answer>> {
        let mut answers = lock(&self.answers);
        let fresh = |kept: &Kept| kept.since.elapsed() < FRESH;
        if let Some(kept) = answers.iter().rev().find(|kept| kept.place == place && fresh(kept)) {
            return Arc::clone(&kept.answer);
        }
        answers.retain(fresh);
        if answers.len() >= KEPT {
            answers.pop_front();
        }
        let answer = Arc::default();
        answers.push_back(Kept { place, since: Instant::now(), answer: Arc::clone(&answer) });
        answer
    }
}

/// What one who follows gets. `shares` where the operation selects nothing of the viewer's own.
pub(super) fn answers(api: Arc<Api>, request: Request, viewer: Viewer, shares: bool) -> impl Stream<Item = Answer> {
    let state = State::Before(Box::new((api, request, viewer, shares)));
    unfold(state, |state| async {
        let mut subscriber = match state {
            State::Before(all) => {
                let (api, request, viewer, shares) = *all;
                match Box::pin(Subscriber::begin(api, request, viewer, shares)).await {
                    Ok(subscriber) => subscriber,
                    Err(refusal) => return Some((refusal, State::Over)),
                }
            }
            State::On(subscriber) => subscriber,
            State::Over => return None,
        };
        match subscriber.next().await {
            Ok(answer) => Some((answer, State::On(subscriber))),
            // The client resumes by its cursor, and misses nothing.
            Err(error) => Some((refusal(error).into(), State::Over)),
        }
    })
}

enum State {
    Before(Box<(Arc<Api>, Request, Viewer, bool)>),
    On(Box<Subscriber>),
    Over,
}

/// One who follows.
struct Subscriber {
    app: Arc<App>,
    viewer: Viewer,
    source: Source,
    shares: bool,
    group: Arc<Group>,
    /// For what is told to this viewer alone.
    own: Execution,
}

impl Subscriber {
    /// Checks the arguments and joins those who follow with the same operation; an answer says what is wrong.
    async fn begin(
        api: Arc<Api>,
        mut request: Request,
        viewer: Viewer,
        shares: bool,
    ) -> std::result::Result<Box<Self>, Answer> {
        let refused = |error| Answer::from(super::dress(Response::from_errors(vec![error])));
        let document = request.parsed_query().map_err(refused)?.clone();
        let operation = Repeated {
            text: request.query.clone(),
            document,
            name: request.operation_name.clone(),
            variables: request.variables.clone(),
        };
        let begun = Arc::default();
        let part = Part::Begin(Arc::clone(&begun));
        if let Some(refusal) = api.answers(request, Some(viewer), Mode::Live, part).next().await {
            return Err(refusal.into());
        }
        let source = lock(&begun).take();
        let source = source.ok_or_else(|| refusal(Error::internal("a subscription did not begin")))?;
        let (app, groups) = (Arc::clone(api.app()), Arc::clone(&api.groups));
        let execute = |operation: Repeated| -> Execute {
            Box::new(move |viewer, fed| {
                let mode = if viewer.is_some() { Mode::Live } else { Mode::Shared };
                let viewer = viewer.unwrap_or_else(everybody);
                api.answers(operation.request(), Some(viewer), mode, Part::Answers(Mutex::new(Some(fed))))
            })
        };
        let group = groups.join(operation.key(&source), || execute(operation));
        Ok(Box::new(Self { app, viewer, source, shares, group, own: Execution::default() }))
    }

    /// The next answer.
    async fn next(&mut self) -> Result<Answer> {
        loop {
            let portion = match &mut self.source {
                Source::Events(following) => Portion::Event(following.next().await?),
                Source::Batches(following, is_first) => {
                    let patience = if std::mem::take(is_first) { Duration::ZERO } else { IDLE };
                    Portion::Batch(following.batch(BATCH, patience).await?)
                }
            };
            if self.shares && portion.is_for_all() && self.sees_everything() {
                match self.group.answered(&portion) {
                    Ok(answer) => return Ok(answer),
                    Err(unanswered) => {
                        let answer = Box::pin(self.group.answer(unanswered, portion.clone())).await;
                        // Whoever lost rights meanwhile gets what is theirs now.
                        if self.sees_everything() {
                            return Ok(answer);
                        }
                    }
                }
            }
            // Apart: what it takes is not held while a subscriber waits for what comes. So it is above and below.
            if let Some(answer) = Box::pin(self.own_answer(portion)).await? {
                return Ok(answer);
            }
        }
    }

    /// What this viewer alone is told; none where they may not hear of it any more.
    async fn own_answer(&mut self, portion: Portion) -> Result<Option<Answer>> {
        let told = self.own.answer(&self.group.execute, Some(self.viewer), portion.clone()).await;
        if told.errors.is_empty() {
            return Ok(Some(told.into()));
        }
        // A right that ended is in the database before word of it is here: what cannot be found then is not theirs.
        self.app.log.arrived().await?;
        let Some(portion) = portion.still_heard(&self.app, &self.viewer) else { return Ok(None) };
        Ok(Some(self.own.answer(&self.group.execute, Some(self.viewer), portion).await.into()))
    }

    fn sees_everything(&self) -> bool {
        let role = self.app.log.access(|access| access.role(self.viewer.id));
        matches!(role, Some(Role::Admin | Role::Employee))
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
