//! Following live.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Context, ID, SimpleObject};
use colloquy_entity::DialogueId;
use futures_util::future::ready;
use futures_util::stream::{BoxStream, Stream, StreamExt, empty, poll_fn, unfold};
use tokio::time::{Instant, sleep_until};

use crate::error::{Error, Result};
use crate::inbox::{dialogues, typing};
use crate::log::{self, Cursor, Followed, Following, Hearer};
use crate::paging::Key;

use super::Ask;
use super::clients::Client;
use super::dialogues::{Dialogue, Inbox};
use super::events::Event;
use super::filters::EventFilter;
use super::messages::Actor;
use super::node::parse;
use super::scalars::DateTime;
use super::shared::{Part, Portion, Source, lock};
use super::users::user_of;

/// The counters are told at once and then at most so often.
const COUNTERS: Duration = Duration::from_millis(500);

/// Following live.
#[derive(Default)]
pub struct Subscription;

/// Events, many at a time
#[derive(SimpleObject)]
pub struct EventBatch {
    /// In the log's order; may be none
    events: Vec<Event>,
    /// Resume after this
    cursor: String,
    /// False while catching up
    live: bool,
}

/// Somebody is typing
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Typing {
    #[graphql(skip)]
    dialogue_id: DialogueId,
    #[graphql(skip)]
    actor: log::Actor,
    /// Until then, unless renewed
    until: DateTime,
}

#[async_graphql::ComplexObject]
impl Typing {
    /// In which dialogue
    async fn dialogue(&self, ctx: &Context<'_>) -> Result<Dialogue> {
        ctx.load(self.dialogue_id).await?.map(Dialogue).ok_or(Error::NotFound("dialogue"))
    }

    /// Who
    async fn actor(&self, ctx: &Context<'_>) -> Result<Actor> {
        match self.actor {
            log::Actor::User(id) => Ok(Actor::User(user_of(ctx, id).await?)),
            log::Actor::Client(id) => {
                ctx.load(id).await?.map(|client| Actor::Client(Client(client))).ok_or(Error::NotFound("client"))
            }
        }
    }
}

async fn follow(ctx: &Context<'_>, filter: Option<EventFilter>, after: Option<String>) -> Result<Following> {
    let viewer = ctx.viewer()?;
    let no_cursor = || Error::bad("after", "`after` is no cursor of the log");
    let after = after.map(|text| <Cursor as Key>::decode(&text).ok_or_else(no_cursor)).transpose()?;
    let log = Arc::clone(&ctx.app()?.log);
    Following::start(log, Hearer::User(viewer.id), EventFilter::read(filter, ctx).await?, after).await
}

/// What follows the log is left for the subscriber where this begins a subscription; else what is fed is answered.
async fn answers<T: Send + 'static>(
    ctx: &Context<'_>,
    answer: fn(Portion) -> Option<Result<T>>,
    source: impl AsyncFnOnce() -> Result<Source>,
) -> Result<BoxStream<'static, Result<T>>> {
    match &ctx.asking()?.part {
        Part::Answers(feed) => {
            let mut fed = feed.portions().ok_or_else(|| Error::internal("a subscription is answered once"))?;
            let portions = poll_fn(move |cx| fed.poll_recv(cx));
            Ok(portions.filter_map(move |portion| ready(answer(portion))).boxed())
        }
        Part::Begin(begun) => {
            let source = source().await?;
            *lock(begun) = Some(source);
            Ok(empty().boxed())
        }
        Part::Whole => Err(Error::internal("a subscription runs in parts")),
    }
}

/// Following live, one field for each subscription.
///
/// By WebSocket with the subprotocol graphql-transport-ws, or by POST with `Accept: text/event-stream` (the distinct
/// connections of graphql-sse). A WebSocket is closed with one of that subprotocol's codes: 4400 for a message that is
/// none, 4401 before `connection_init`, 4403 where the token is refused, has ended, or its user was deactivated, 4406
/// for another subprotocol, 4408 without `connection_init` in time, 4409 for an id that is in use, 4429 for a second
/// `connection_init`; with 1001 when the server stops, and 1013 when it cannot answer now. And with 4410, a code of our own: the client did not take for
/// fifteen seconds what was written to it, or did not answer a ping. Whatever ended a connection, connect again (after
/// 4401 and 4403 with another token) and resume after the last cursor: nothing is lost and nothing comes twice.
///
/// Up to a hundred operations may be under way on one WebSocket; one more is answered with an `error`, RATE_LIMITED.
#[async_graphql::Subscription]
impl Subscription {
    /// Every event that the viewer may see, each once, in the log's order. With `after`, first all that came
    /// after that cursor, then what comes, without a gap or a repeat between; without it, only what comes.
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "All that is given has to hold")] filter: Option<EventFilter>,
        #[graphql(desc = "A cursor of the log: begin with what comes after it")] after: Option<String>,
    ) -> Result<BoxStream<'static, Result<Event>>> {
        let event = |portion| match portion {
            Portion::Event(event) => Some(Ok(Event::of(event))),
            Portion::Batch(_) => None,
        };
        answers(ctx, event, async || Ok(Source::Events(follow(ctx, filter, after).await?))).await
    }

    /// The same, many at a time. A batch comes also without events, to move the cursor on past what the filter leaves out
    /// and to tell when the past is caught up.
    async fn event_batches(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "All that is given has to hold")] filter: Option<EventFilter>,
        #[graphql(desc = "A cursor of the log: begin with what comes after it")] after: Option<String>,
    ) -> Result<BoxStream<'static, Result<EventBatch>>> {
        let batch = |portion| match portion {
            Portion::Batch(Followed { events, cursor, live }) => {
                let events = events.into_iter().map(Event::of).collect();
                Some(Ok(EventBatch { events, cursor: cursor.encode(), live }))
            }
            Portion::Event(_) => None,
        };
        answers(ctx, batch, async || Ok(Source::Batches { following: follow(ctx, filter, after).await?, due: None }))
            .await
    }

    /// The counters of the four groups: at once, and then whenever they change
    async fn inbox(&self, ctx: &Context<'_>) -> Result<impl Stream<Item = Inbox>> {
        let counters = ctx.app()?.tally.follow(&ctx.viewer()?);
        Ok(unfold((counters, None, Instant::now()), |(mut counters, told, due)| async move {
            loop {
                // What changes meanwhile is told with it.
                sleep_until(due).await;
                let counted = *counters.borrow_and_update();
                if counted.is_some() && counted != told {
                    return Some((Inbox::from(counted?), (counters, counted, Instant::now() + COUNTERS)));
                }
                counters.changed().await.ok()?;
            }
        }))
    }

    /// Who is typing in a dialogue; not in the log
    async fn typing(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "In which dialogue")] dialogue_id: ID,
    ) -> Result<impl Stream<Item = Typing>> {
        let viewer = ctx.viewer()?;
        let id = parse(&dialogue_id).ok_or(Error::NotFound("dialogue"))?;
        let app = Arc::clone(&ctx.asking()?.app);
        dialogues::find(app.db.read(), &viewer, id).await?;
        let words = app.bus.listen();
        Ok(unfold((app, words), move |(app, mut words)| async move {
            loop {
                let heard = typing::next(&app, &viewer, id, &mut words).await?;
                if let Some(actor) = heard.actor() {
                    return Some((Typing { dialogue_id: id, actor, until: heard.until.into() }, (app, words)));
                }
            }
        }))
    }
}
