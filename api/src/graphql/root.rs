//! The schema: all nouns' queries and mutations together, and how an operation is run.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use async_graphql::{MergedObject, Request, Response, SDLExportOptions, Schema};
use futures_util::stream::{BoxStream, StreamExt, once};

use crate::app::App;
use crate::error::{Error, Result};
use crate::live::Answer;
use crate::log;
use crate::metrics::Of;
use crate::paging;
use crate::policy::{self, Power};
use crate::viewer::Viewer;

use super::ask::{Asking, Mode};
use super::errors::{dress, refusal};
use super::guard::{Guard, Limits, Operation};
use super::rounds::Rounds;
use super::shared::{self, Groups, Part};
use super::subscriptions::Subscription;
use super::{bulk, cards, channels, clients, comments, contractors, deals, dialogues, events, funnels, messages};
use super::{node, projects, search, tasks, users, work};

/// What can be read
#[derive(MergedObject, Default)]
pub struct Query(
    node::NodeQueries,
    users::UserQueries,
    dialogues::DialogueQueries,
    search::SearchQueries,
    events::EventQueries,
    channels::ChannelQueries,
    comments::TagQueries,
    clients::ClientQueries,
    contractors::ContractorQueries,
    funnels::FunnelQueries,
    deals::DealQueries,
    projects::ProjectQueries,
    tasks::TaskQueries,
);

/// What can be changed. A field that fails is null beside its error; the others have their results
#[derive(MergedObject, Default)]
pub struct Mutation(
    users::UserMutations,
    messages::MessageMutations,
    work::DialogueMutations,
    bulk::BulkMutations,
    comments::CommentMutations,
    channels::ChannelMutations,
    clients::ClientMutations,
    cards::LinkMutations,
    contractors::ContractorMutations,
    funnels::FunnelMutations,
    deals::DealMutations,
    projects::ProjectMutations,
    tasks::TaskMutations,
);

type Served = Schema<Query, Mutation, Subscription>;

/// The schema itself, without anything behind it.
pub fn schema() -> Served {
    // The guard bounds depth, cost and all else before this sees a document; suggestions would tell of a hidden schema.
    Schema::build(Query::default(), Mutation::default(), Subscription).disable_suggestions().finish()
}

/// The schema as `colloquy schema` prints it.
pub fn sdl() -> String {
    schema().sdl_with_options(SDLExportOptions::new().sorted_fields().sorted_enum_items().sorted_arguments())
}

/// Runs operations for the doors.
pub struct Api {
    app: Arc<App>,
    schema: Served,
    guard: Guard,
    pub(super) groups: Arc<Groups>,
}

impl Api {
    /// For an app.
    pub fn new(app: Arc<App>) -> Self {
        Self { app, schema: schema(), guard: Guard::new(limits()), groups: Arc::default() }
    }

    /// The app behind it.
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Bounds a document and tells what it is; a refusal is already the answer.
    #[expect(clippy::result_large_err, reason = "a refusal is the whole answer")]
    pub fn admit(&self, request: Request, viewer: Option<&Viewer>) -> Result<(Request, Operation), Response> {
        let (request, operation) = self.guard.admit(request).map_err(Response::from)?;
        // One sign-in a document: otherwise one request tries a thousand passwords.
        if operation.roots.iter().filter(|root| root.as_str() == "signIn").count() > 1 {
            return Err(refusal(Error::bad("", "A document can sign in once")));
        }
        let may_look =
            self.app.config.introspection || viewer.is_some_and(|viewer| policy::has(viewer.role, Power::Administer));
        Ok((if may_look { request } else { request.disable_introspection() }, operation))
    }

    /// Runs an admitted query or mutation to its end.
    pub async fn run(&self, request: Request, operation: &Operation, viewer: Option<Viewer>) -> Response {
        let cursor = if operation.roots.iter().any(|root| root.as_str() == "eventCursor") {
            // Before anything else is read: all of it is at least this new.
            log::head(self.app.db.read()).await.ok()
        } else {
            None
        };
        let rounds = Rounds::default();
        let mut asking = Asking::new(Arc::clone(&self.app), viewer, Mode::Once, Part::Whole, &rounds);
        asking.cursor = cursor;
        let response = dress(rounds.run(self.schema.execute(request.data(asking))).await);
        if operation.kind == OperationType::Mutation {
            count(&self.app, "", operation, &response);
        }
        response
    }

    /// Runs an admitted subscription: an answer for each event.
    pub fn follow(
        self: &Arc<Self>,
        request: Request,
        operation: &Operation,
        viewer: Option<Viewer>,
    ) -> BoxStream<'static, Answer> {
        let is_of_log = operation.roots.iter().any(|root| matches!(root.as_str(), "events" | "eventBatches"));
        match viewer.filter(|_| is_of_log) {
            // The field itself is one of those.
            Some(viewer) => shared::answers(Arc::clone(self), request, viewer, operation.own <= 1).boxed(),
            None => self.answers(request, viewer, Mode::Live, Part::Whole).map(Answer::from).boxed(),
        }
    }

    /// The answers of one execution.
    pub(super) fn answers(
        &self,
        request: Request,
        viewer: Option<Viewer>,
        mode: Mode,
        part: Part,
    ) -> BoxStream<'static, Response> {
        let rounds = Rounds::default();
        let asking = Asking::new(Arc::clone(&self.app), viewer, mode, part, &rounds);
        rounds.follow(self.schema.execute_stream(request.data(asking)).boxed()).map(dress).boxed()
    }

    /// Whatever it is.
    pub fn execute(self: &Arc<Self>, request: Request, viewer: Option<Viewer>) -> BoxStream<'static, Answer> {
        match self.admit(request, viewer.as_ref()) {
            Err(refusal) => once(async { refusal.into() }).boxed(),
            Ok((request, operation)) if operation.kind == OperationType::Subscription => {
                self.follow(request, &operation, viewer)
            }
            Ok((request, operation)) => {
                let api = Arc::clone(self);
                once(async move { api.run(request, &operation, viewer).await.into() }).boxed()
            }
        }
    }
}

/// Counts a document's mutations; `door` stands before their names.
pub(super) fn count(app: &App, door: &str, operation: &Operation, response: &Response) {
    // What did not validate could name anything.
    if response.errors.iter().any(|error| error.path.is_empty()) {
        return;
    }
    let code = response.errors.first().and_then(|error| error.extensions.as_ref()?.get("code").cloned());
    let code = match code {
        Some(async_graphql::Value::String(code)) => code,
        _ => "OK".into(),
    };
    for root in &operation.roots {
        app.metrics.mutations.get_or_create(&Of::new(format!("{door}{root}"), code.clone())).inc();
    }
}

/// What one request may cost.
fn limits() -> Limits {
    let lists = HashMap::from([
        ("apiTokens", 20),
        ("attachments", 3),
        ("channels", 10),
        ("clients", 2),
        ("deals", 3),
        ("dialogues", 3),
        ("funnels", 10),
        ("mentions", 2),
        ("outcomes", 100),
        ("participants", 5),
        ("projects", 2),
        ("queue", 10),
        ("stages", 8),
        ("tags", 5),
        ("tasks", 3),
    ]);
    Limits { usual: paging::USUAL.unsigned_abs().into(), lists, own: shared::OWN, ..Limits::default() }
}
