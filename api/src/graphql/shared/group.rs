//! Groups: those who follow with the same operation, and what they have been told of late.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::{Duration, Instant};

use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Request, Response, Variables};
use futures_util::FutureExt;
use futures_util::stream::{BoxStream, StreamExt};
use tokio::sync::{SetOnce, mpsc};

use crate::app::App;
use crate::error::Error;
use crate::live::Answer;
use crate::log::{Filter, Gate};
use crate::viewer::Viewer;

use super::super::errors::refusal;
use super::super::loads::Loads;
use super::super::variables::used_below_the_top;
use super::lock;
use super::portion::{Feed, Place, Portion, Slot, Source};

/// Portions of which a group keeps what was told, for those who come to them later.
const KEPT: usize = 64;
/// An answer shows things as they are: one that is older is not taken any more.
const FRESH: Duration = Duration::from_secs(1);

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
    pub fn key(&self, source: &Source) -> Key {
        let below = used_below_the_top(&self.document);
        // First and last tell what is between them where the filter is the same.
        let filter = match source {
            Source::Events(_) => None,
            Source::Batches { following, .. } => Some(following.filter().clone()),
        };
        let used: BTreeMap<_, _> = self.variables.iter().filter(|(name, _)| below.contains(name.as_str())).collect();
        let variables = serde_json::to_string(&used).unwrap_or_default();
        Key { text: self.text.clone(), name: self.name.clone(), variables, filter }
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Key {
    text: String,
    name: Option<String>,
    variables: String,
    filter: Option<Filter>,
}

/// Begins an execution that answers what is fed to it: for one viewer, or for all who see everything.
pub type Execute = Box<dyn Fn(Option<Viewer>, Feed) -> BoxStream<'static, Response> + Send + Sync>;

/// One execution, that goes on.
#[derive(Default)]
pub struct Execution {
    begun: Option<(mpsc::UnboundedSender<Portion>, BoxStream<'static, Response>)>,
    loads: Slot,
}

impl Execution {
    pub async fn answer(
        &mut self,
        execute: &Execute,
        viewer: Option<Viewer>,
        portion: Portion,
        loads: Option<Arc<Loads>>,
    ) -> Response {
        *lock(&self.loads) = loads;
        // Taken out while it answers: where nobody waits for the answer any more, the next one begins anew.
        let (feed, mut answers) = self.begun.take().unwrap_or_else(|| {
            let (feed, portions) = mpsc::unbounded_channel();
            let fed = Feed { portions: Mutex::new(Some(portions)), loads: Arc::clone(&self.loads) };
            (feed, execute(viewer, fed))
        });
        let _ = feed.send(portion);
        let answer = answers.next().await;
        *lock(&self.loads) = None;
        if answer.is_some() {
            self.begun = Some((feed, answers));
        }
        answer.unwrap_or_else(|| refusal(Error::internal("an execution ended before it answered")))
    }
}

/// Those who follow with the same operation and variables.
pub struct Group {
    key: Key,
    app: Arc<App>,
    pub execute: Execute,
    /// For all of them who see everything.
    execution: tokio::sync::Mutex<Execution>,
    told: Mutex<VecDeque<Arc<Told>>>,
    gate: OnceLock<Arc<Gate>>,
    groups: Arc<Groups>,
}

/// What those of a group are told of one portion.
pub struct Told {
    place: Place,
    since: Instant,
    /// For all of them, once it is executed.
    pub answer: SetOnce<Answer>,
    /// Whether that is under way.
    begun: AtomicBool,
    /// What it leads to.
    pub loads: Arc<Loads>,
    /// Whether one of them goes before the others.
    goes_before: AtomicBool,
    /// Once that one was told.
    went_before: SetOnce<()>,
}

/// All groups of a process.
#[derive(Default)]
pub struct Groups(Mutex<HashMap<Key, Weak<Group>>>);

impl Groups {
    /// The group of an operation; of the first who comes, `execute` stays.
    pub fn join(self: &Arc<Self>, app: &Arc<App>, key: Key, execute: impl FnOnce() -> Execute) -> Arc<Group> {
        let mut groups = lock(&self.0);
        if let Some(group) = groups.get(&key).and_then(Weak::upgrade) {
            return group;
        }
        let group = Arc::new(Group {
            key: key.clone(),
            app: Arc::clone(app),
            execute: execute(),
            execution: tokio::sync::Mutex::default(),
            told: Mutex::default(),
            gate: OnceLock::new(),
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
    /// With which event a batch ends that begins with this one, as far as one who came to it before has decided: others are
    /// told the same.
    pub fn cut(&self, first: i64) -> Option<i64> {
        let begins = |told: &&Arc<Told>| told.place.0 == Some(first);
        lock(&self.told).iter().rev().find(begins).and_then(|told| told.place.1)
    }

    /// Where events are answered for all who see everything, before these are woken.
    pub fn gate(self: &Arc<Self>) -> Arc<Gate> {
        let group = Arc::downgrade(self);
        let prepare = move |event| {
            let group = Weak::upgrade(&group);
            let prepared = async move {
                let portion = Portion::Event(event);
                if let Some(group) = group.filter(|_| portion.is_for_all()) {
                    group.answer(&group.told(&portion), portion).await;
                }
            };
            prepared.boxed()
        };
        Arc::clone(self.gate.get_or_init(|| Arc::new(Gate::new(prepare))))
    }

    /// The answer for all who see everything. It is executed in a task of its own: whoever asked first may not come to
    /// look for it, because their client takes nothing, and the others do not wait for that.
    pub async fn answer(self: &Arc<Self>, told: &Arc<Told>, portion: Portion) -> Answer {
        if !told.begun.swap(true, Ordering::AcqRel) {
            let (group, owed) = (Arc::clone(self), Owed(Arc::clone(told)));
            tokio::spawn(async move {
                let loads = Some(Arc::clone(&owed.0.loads));
                let answer = group.execution.lock().await.answer(&group.execute, None, portion, loads).await;
                let _ = owed.0.answer.set(answer.into());
            });
        }
        told.answer.wait().await.clone()
    }

    /// The answer for one of them alone, who finds what another has read. Whoever goes before does so in a task of its
    /// own, for the same reason; so nobody who waits is ever handed what the others wait for.
    pub async fn own_answer(
        self: &Arc<Self>,
        own: &mut Execution,
        viewer: Viewer,
        told: &Arc<Told>,
        portion: Portion,
    ) -> Response {
        if told.goes_before.swap(true, Ordering::AcqRel) {
            told.went_before.wait().await;
            return own.answer(&self.execute, Some(viewer), portion, Some(Arc::clone(&told.loads))).await;
        }
        let (group, going, mut execution) = (Arc::clone(self), Going(Arc::clone(told)), std::mem::take(own));
        let gone = tokio::spawn(async move {
            let loads = Some(Arc::clone(&going.0.loads));
            let answer = execution.answer(&group.execute, Some(viewer), portion, loads).await;
            (execution, answer)
        });
        match gone.await {
            Ok((execution, answer)) => {
                *own = execution;
                answer
            }
            Err(error) => refusal(Error::internal(error)),
        }
    }

    /// What they are told of a portion.
    pub fn told(&self, portion: &Portion) -> Arc<Told> {
        let place = portion.place();
        let mut all = lock(&self.told);
        let fresh = |told: &Arc<Told>| told.since.elapsed() < FRESH;
        if let Some(told) = all.iter().rev().find(|told| told.place == place).filter(|told| fresh(told)) {
            return Arc::clone(told);
        }
        all.retain(fresh);
        if all.len() >= KEPT {
            all.pop_front();
        }
        let told = Arc::new(Told {
            place,
            since: Instant::now(),
            answer: SetOnce::new(),
            begun: AtomicBool::new(false),
            loads: Arc::new(Loads::new(&self.app)),
            goes_before: AtomicBool::new(false),
            went_before: SetOnce::new(),
        });
        all.push_back(Arc::clone(&told));
        told
    }
}

/// An answer that others wait for: they get one also where its execution breaks.
struct Owed(Arc<Told>);

impl Drop for Owed {
    fn drop(&mut self) {
        if !self.0.answer.initialized() {
            let _ = self.0.answer.set(refusal(Error::internal("an execution broke")).into());
        }
    }
}

/// One who goes before: the others go on whatever becomes of it.
struct Going(Arc<Told>);

impl Drop for Going {
    fn drop(&mut self) {
        let _ = self.0.went_before.set(());
    }
}
