//! The visitor's API: a small schema of its own for the website's chat, behind the same guard.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use async_graphql::{Context, Request, Response, SDLExportOptions, Schema};
use colloquy_entity::{ChannelKind, Id};
use futures_util::stream::{BoxStream, StreamExt, once};

use crate::app::App;
use crate::error::{Error, Result};
use crate::inbox::chat::{Address, Page, Visitor};
use crate::live::Answer;
use crate::messenger;
use crate::paging;

use super::errors::{dress, refusal};
use super::guard::{Guard, Limits, Operation};
use super::root;

mod objects;
mod operations;

use operations::{Mutation, Query, Subscription};

type Served = Schema<Query, Mutation, Subscription>;

fn schema() -> Served {
    Schema::build(Query, Mutation, Subscription).disable_suggestions().finish()
}

/// The schema as `colloquy schema --chat` prints it.
pub fn sdl() -> String {
    schema().sdl_with_options(SDLExportOptions::new().sorted_fields().sorted_enum_items().sorted_arguments())
}

/// Who asks, and from where. The request's own data.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Where the page is from.
    pub page: Page,
    /// Where its reader is.
    pub address: Address,
    /// Whom their token stands for; none before `startChat`.
    pub visitor: Option<Visitor>,
}

/// What resolvers work with.
struct Asking {
    app: Arc<App>,
    visit: Visit,
}

impl Asking {
    fn of<'a>(ctx: &Context<'a>) -> Result<&'a Self> {
        ctx.data::<Self>().map_err(|error| Error::internal(error.message))
    }

    fn visitor(&self) -> Result<&Visitor> {
        self.visit.visitor.as_ref().ok_or(Error::Unauthenticated("Send a visitor's token: startChat gives one"))
    }
}

/// An id as the outside writes it; none for another kind's.
fn parse<I: Id>(id: &str) -> Option<I> {
    I::parse(id).ok()
}

/// The longest text of a message, in UTF-16 units.
fn longest_text() -> i32 {
    i32::try_from(messenger::text_limit(ChannelKind::Website)).unwrap_or(i32::MAX)
}

/// Runs visitors' operations for the doors.
pub struct ChatApi {
    app: Arc<App>,
    schema: Served,
    guard: Guard,
}

impl ChatApi {
    /// For an app.
    pub fn new(app: Arc<App>) -> Self {
        Self { app, schema: schema(), guard: Guard::new(limits()) }
    }

    /// The app behind it.
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Bounds a document and tells what it is; a refusal is already the answer.
    #[expect(clippy::result_large_err, reason = "a refusal is the whole answer")]
    pub fn admit(&self, request: Request, visit: &Visit) -> Result<(Request, Operation), Response> {
        self.app.chat.asks(visit.visitor.as_ref(), visit.address).map_err(refusal)?;
        let (request, operation) = self.guard.admit(request).map_err(Response::from)?;
        Ok((if self.app.config.introspection { request } else { request.disable_introspection() }, operation))
    }

    /// Runs an admitted query or mutation to its end.
    pub async fn run(&self, request: Request, operation: &Operation, visit: Visit) -> Response {
        let response = dress(self.schema.execute(request.data(self.asking(visit))).await);
        if operation.kind == OperationType::Mutation {
            root::count(&self.app, "chat ", operation, &response);
        }
        response
    }

    /// Whatever it is.
    pub fn execute(self: &Arc<Self>, request: Request, visit: Visit) -> BoxStream<'static, Answer> {
        match self.admit(request, &visit) {
            Err(refusal) => once(async { refusal.into() }).boxed(),
            Ok((request, operation)) if operation.kind == OperationType::Subscription => {
                let request = request.data(self.asking(visit));
                self.schema.execute_stream(request).map(dress).map(Answer::from).boxed()
            }
            Ok((request, operation)) => {
                let api = Arc::clone(self);
                once(async move { api.run(request, &operation, visit).await.into() }).boxed()
            }
        }
    }

    fn asking(&self, visit: Visit) -> Asking {
        Asking { app: Arc::clone(&self.app), visit }
    }
}

/// What one request may cost: a widget asks for little, and anybody may ask.
fn limits() -> Limits {
    Limits {
        bytes: 16 * 1024,
        tokens: 2_000,
        operations: 10,
        fields: 1_000,
        aliases: 20,
        roots: 10,
        cost: 10_000,
        usual: paging::USUAL.unsigned_abs().into(),
        lists: HashMap::from([("files", 3)]),
        ..Limits::default()
    }
}
