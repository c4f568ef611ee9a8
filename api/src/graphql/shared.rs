//! Shared execution: subscribers of the same operation, with the same variables and rights, share one execution and its
//! bytes.
//!
//! Each subscriber follows the log by itself, at its own speed and with its own rights. What it has to be told next is
//! executed once, in a task that depends on nobody's socket: before they are woken, or when the first comes to it; all take
//! the answer. It is so for those who see everything,
//! administrators and employees, and for operations that select nothing of the viewer's own; everybody else's are
//! executed for each.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_graphql::{Request, Response};
use colloquy_entity::Role;
use futures_util::stream::{Stream, StreamExt, unfold};
use tokio::time::{Instant, sleep_until};

use crate::app::App;
use crate::error::{Error, Result};
use crate::live::Answer;
use crate::viewer::Viewer;

use super::ask::{Mode, everybody};
use super::errors::refusal;
use super::root::Api;

mod group;
mod portion;

pub use group::Groups;
use group::{Execute, Execution, Group, Repeated, Told};
pub use portion::{Part, Portion, Source};

/// Most events of one batch.
const BATCH: usize = 100;
/// After a batch the next comes no sooner: where much happens, batches are few and large; where little does, each event
/// comes at once.
const GAP: Duration = Duration::from_millis(50);
/// A batch comes at least so often, to move the cursor on.
const IDLE: Duration = Duration::from_secs(10);

/// Fields whose answers are the viewer's own. `events` counts once for the subscription itself: what is read of the log
/// below it may be addressed to the viewer.
pub(super) const OWN: &[&str] = &["group", "unreadCount", "viewerCan", "events"];

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
                api.answers(operation.request(), Some(viewer), mode, Part::Answers(fed))
            })
        };
        let group = groups.join(&app, operation.key(&source), || execute(operation));
        let mut subscriber = Self { app, viewer, source, shares, group, own: Execution::default() };
        let gate = (subscriber.shares && subscriber.sees_everything()).then(|| subscriber.group.gate());
        if let (Source::Events(following), Some(gate)) = (&mut subscriber.source, gate) {
            following.wait_at(gate);
        }
        Ok(Box::new(subscriber))
    }

    /// The next answer.
    async fn next(&mut self) -> Result<Answer> {
        loop {
            let portion = match &mut self.source {
                Source::Events(following) => Portion::Event(following.next().await?),
                Source::Batches { following, due } => {
                    let patience = if due.is_none() { Duration::ZERO } else { IDLE };
                    sleep_until(due.unwrap_or_else(Instant::now)).await;
                    let batch = following.batch(BATCH, patience, |first| self.group.cut(first)).await?;
                    // Of the past as much as the client takes; of what comes, more at a time the more there is.
                    *due = Some(Instant::now() + if batch.live { GAP } else { Duration::ZERO });
                    Portion::Batch(batch)
                }
            };
            if portion.is_for_all() && self.sees_everything() {
                let told = self.group.told(&portion);
                if self.shares
                    && let Some(answer) = told.answer.get()
                {
                    return Ok(answer.clone());
                }
                // Apart: what it takes is not held while a subscriber waits for what comes. So it is below.
                let answer = Box::pin(self.answer_with_others(&told, portion.clone())).await;
                // Whoever lost rights meanwhile gets what is theirs now.
                if let Some(answer) = answer.filter(|_| self.sees_everything()) {
                    return Ok(answer);
                }
            }
            if let Some(answer) = Box::pin(self.own_answer(portion)).await? {
                return Ok(answer);
            }
        }
    }

    /// What one who sees everything is told; none where there are errors.
    async fn answer_with_others(&mut self, told: &Arc<Told>, portion: Portion) -> Option<Answer> {
        if self.shares {
            return Some(self.group.answer(told, portion).await);
        }
        let answer = self.group.own_answer(&mut self.own, self.viewer, told, portion).await;
        answer.errors.is_empty().then(|| answer.into())
    }

    /// What this viewer alone is told; none where they may not hear of it any more.
    async fn own_answer(&mut self, portion: Portion) -> Result<Option<Answer>> {
        let told = self.own.answer(&self.group.execute, Some(self.viewer), portion.clone(), None).await;
        if told.errors.is_empty() {
            return Ok(Some(told.into()));
        }
        // A right that ended is in the database before word of it is here: what cannot be found then is not theirs.
        self.app.log.arrived().await?;
        let Some(portion) = portion.still_heard(&self.app, &self.viewer) else { return Ok(None) };
        Ok(Some(self.own.answer(&self.group.execute, Some(self.viewer), portion, None).await.into()))
    }

    fn sees_everything(&self) -> bool {
        let role = self.app.log.access(|access| access.role(self.viewer.id));
        matches!(role, Some(Role::Admin | Role::Employee))
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
