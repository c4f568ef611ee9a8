//! Events as the schema shows them: one interface, a type for each family of kinds.

use std::sync::Arc;

use async_graphql::{Context, ID, Interface, Object, SimpleObject};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::log::{self, Cursor, Kind};
use crate::paging::{Page, PageArgs, Window};

use super::cards::{self, Card};
use super::channels::Channel;
use super::clients::Client;
use super::comments::{Comment, Tag};
use super::connection::connection;
use super::dialogues::Dialogue;
use super::kinds::EventKind;
use super::messages::{Actor, Message};
use super::node::show;
use super::page_loaders::{Feed, PageOf};
use super::scalars::DateTime;
use super::users::{User, user_of};
use super::words::{DeliveryStatus, ParticipantRole};
use super::{Ask, answer};

/// One entry of the log. Reading it, following it live and resuming after `cursor` all give the same entries in the same
/// order, as far as the viewer's rights stayed the same
#[derive(Clone, Interface)]
#[graphql(
    field(name = "cursor", ty = "String", desc = "Its place in the log: resume after it"),
    field(name = "kind", ty = "Result<EventKind>", desc = "What happened"),
    field(name = "at", ty = "DateTime", desc = "When"),
    field(name = "actor", ty = "Option<Actor>", desc = "Null when the system did it"),
    field(
        name = "dialogue",
        ty = "Option<Dialogue>",
        desc = "Null for an event of a card that is linked to no dialogue"
    )
)]
pub enum Event {
    /// Of a dialogue's state
    DialogueState(DialogueStateEvent),
    /// Of a message
    Message(MessageEvent),
    /// Of a participant
    Participant(ParticipantEvent),
    /// Of a tag
    Tag(TagEvent),
    /// Of a comment
    Comment(CommentEvent),
    /// Of a card
    Card(CardEvent),
    /// Of a client
    Client(ClientEvent),
    /// Of a channel
    Channel(ChannelEvent),
    /// Of what the viewer may see
    Access(AccessEvent),
}

impl Event {
    /// The type for the event's kind.
    pub fn of(event: Arc<log::Event>) -> Self {
        use Kind::*;
        match event.kind {
            DialogueOpened | DialogueClosed | DialogueReopened | DialogueRead => {
                Self::DialogueState(DialogueStateEvent(event))
            }
            MessageAdded | MessageEdited | MessageDeleted | MessageDeliveryChanged | MessageFileChanged => {
                Self::Message(MessageEvent(event))
            }
            ParticipantAdded | ParticipantRemoved => Self::Participant(ParticipantEvent(event)),
            TagAdded | TagRemoved => Self::Tag(TagEvent(event)),
            CommentAdded | CommentEdited | CommentDeleted => Self::Comment(CommentEvent(event)),
            ClientChanged => Self::Client(ClientEvent(event)),
            ChannelChanged => Self::Channel(ChannelEvent(event)),
            ContractorCreated | ContractorLinked | ContractorChanged | ContractorMerged | DealCreated | DealLinked
            | DealUnlinked | DealChanged | ProjectCreated | ProjectLinked | ProjectUnlinked | ProjectChanged
            | TaskCreated | TaskLinked | TaskUnlinked | TaskChanged => Self::Card(CardEvent(event)),
            AccessGranted | AccessRevoked | UserChanged | SessionEnded | TokenRevoked => {
                Self::Access(AccessEvent(event))
            }
        }
    }

    /// Its entry of the log.
    pub fn entry(&self) -> &log::Event {
        match self {
            Self::DialogueState(event) => &event.0,
            Self::Message(event) => &event.0,
            Self::Participant(event) => &event.0,
            Self::Tag(event) => &event.0,
            Self::Comment(event) => &event.0,
            Self::Card(event) => &event.0,
            Self::Client(event) => &event.0,
            Self::Channel(event) => &event.0,
            Self::Access(event) => &event.0,
        }
    }
}

/// A type of the interface: the fields that all share, and its own.
macro_rules! event {
    ($(#[$doc:meta])* $name:ident { $($own:tt)* }) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(Arc<log::Event>);

        $(#[$doc])*
        #[Object]
        impl $name {
            /// Its place in the log: resume after it
            pub async fn cursor(&self) -> String {
                Cursor::from(&*self.0).encode()
            }

            /// What happened
            pub async fn kind(&self) -> Result<EventKind> {
                EventKind::of(self.0.kind)
            }

            /// When
            pub async fn at(&self) -> DateTime {
                self.0.at.into()
            }

            /// Null when the system did it
            pub async fn actor(&self, ctx: &Context<'_>) -> Option<Actor> {
                answer(ctx, actor(ctx, &self.0).await).flatten()
            }

            /// Where it happened, if the viewer may see it
            pub async fn dialogue(&self, ctx: &Context<'_>) -> Option<Dialogue> {
                answer(ctx, dialogue(ctx, &self.0).await).flatten()
            }

            $($own)*
        }
    };
}

async fn actor(ctx: &Context<'_>, event: &log::Event) -> Result<Option<Actor>> {
    Ok(match event.actor {
        Some(log::Actor::User(id)) => Some(Actor::User(user_of(ctx, id).await?)),
        Some(log::Actor::Client(id)) => ctx.load(id).await?.map(Client).map(Actor::Client),
        None => None,
    })
}

async fn dialogue(ctx: &Context<'_>, event: &log::Event) -> Result<Option<Dialogue>> {
    match event.dialogue {
        Some(id) if event.kind != Kind::AccessRevoked => Ok(ctx.load(id).await?.map(Dialogue)),
        _ => Ok(None),
    }
}

fn missing(what: &'static str) -> Error {
    Error::NotFound(what)
}

event! {
    /// DIALOGUE_OPENED, DIALOGUE_CLOSED, DIALOGUE_REOPENED, DIALOGUE_READ
    DialogueStateEvent {}
}

event! {
    /// Every MESSAGE_ event
    MessageEvent {
        /// As it is now
        async fn message(&self, ctx: &Context<'_>) -> Result<Message> {
            let id = self.0.detail.message.ok_or_else(|| Error::internal("an event without its message"))?;
            ctx.load(id).await?.map(Message).ok_or_else(|| missing("message"))
        }

        /// Of MESSAGE_DELIVERY_CHANGED: what it became then
        async fn delivery_status(&self) -> Option<DeliveryStatus> {
            self.0.detail.delivery.map(Into::into)
        }
    }
}

event! {
    /// PARTICIPANT_ADDED, PARTICIPANT_REMOVED
    ParticipantEvent {
        /// Who
        async fn user(&self, ctx: &Context<'_>) -> Result<User> {
            let id = self.0.detail.user.ok_or_else(|| Error::internal("an event without its user"))?;
            user_of(ctx, id).await
        }

        /// What they became, or were
        async fn role(&self) -> Result<ParticipantRole> {
            let role = self.0.detail.participant.ok_or_else(|| Error::internal("an event without its role"))?;
            Ok(role.into())
        }
    }
}

event! {
    /// TAG_ADDED, TAG_REMOVED
    TagEvent {
        /// Which tag, as it is now
        async fn tag(&self, ctx: &Context<'_>) -> Result<Tag> {
            let id = self.0.detail.tag.ok_or_else(|| Error::internal("an event without its tag"))?;
            ctx.load(id).await?.map(Tag).ok_or_else(|| missing("tag"))
        }
    }
}

event! {
    /// COMMENT_ADDED, COMMENT_EDITED, COMMENT_DELETED
    CommentEvent {
        /// Null once it was deleted
        async fn comment(&self, ctx: &Context<'_>) -> Option<Comment> {
            let id = self.0.detail.comment?;
            answer(ctx, ctx.load(id).await).flatten().map(Comment)
        }
    }
}

event! {
    /// Every CONTRACTOR_, DEAL_, PROJECT_ and TASK_ event; one of a deal or task with several dialogues stands in the
    /// timeline of each
    CardEvent {
        /// As it is now; of a merged contractor, the one that stayed
        async fn card(&self, ctx: &Context<'_>) -> Result<Card> {
            let id = self.0.detail.card.ok_or_else(|| Error::internal("an event without its card"))?;
            cards::card(ctx, self.0.kind, id).await
        }

        /// What changed then
        async fn changes(&self) -> Vec<Change> {
            self.0.detail.changes.iter().cloned().map(Into::into).collect()
        }
    }
}

event! {
    /// CLIENT_CHANGED: name, picture, blocked, reachable
    ClientEvent {
        /// As they are now
        async fn client(&self, ctx: &Context<'_>) -> Result<Client> {
            let id = self.0.detail.client.ok_or_else(|| Error::internal("an event without its client"))?;
            ctx.load(id).await?.map(Client).ok_or_else(|| missing("client"))
        }
    }
}

event! {
    /// CHANNEL_CHANGED: settings or state
    ChannelEvent {
        /// As it is now
        async fn channel(&self, ctx: &Context<'_>) -> Result<Channel> {
            let id = self.0.channel.ok_or_else(|| Error::internal("an event without its channel"))?;
            ctx.load(id).await?.map(Channel).ok_or_else(|| missing("channel"))
        }
    }
}

event! {
    /// ACCESS_GRANTED, ACCESS_REVOKED: what the viewer may see has changed. After ACCESS_REVOKED no event of that
    /// dialogue comes, and its copy is to be dropped.
    AccessEvent {
        /// Null when the viewer's own role changed: every list is to be read again
        async fn dialogue_id(&self) -> Option<ID> {
            self.0.entry.dialogue.map(show)
        }
    }
}

/// One field that changed
#[derive(SimpleObject)]
pub struct Change {
    /// The field as named in this schema
    field: String,
    /// Before
    from: Option<String>,
    /// After
    to: Option<String>,
}

impl From<log::Change> for Change {
    fn from(change: log::Change) -> Self {
        Self { field: change.field, from: change.from, to: change.to }
    }
}

connection!(Event, EventConnection, EventEdge, "events", nodes = nodes);

/// A page of the log as the viewer may read it.
pub async fn page(ctx: &Context<'_>, filter: &log::Filter, args: PageArgs) -> Result<EventConnection> {
    let window: Window<Cursor> = args.window()?;
    let viewer = ctx.viewer()?;
    Ok(connected(log::page(ctx.app()?.db.read(), &viewer, filter, &window).await?))
}

fn connected(page: Page<log::Event>) -> EventConnection {
    let page = page.map(|event| Event::of(Arc::new(event)));
    EventConnection::new(page, |event| Cursor::from(event.entry()))
}

/// What happened to a card or a dialogue: its feed.
pub async fn feed(ctx: &Context<'_>, subject: Uuid, feed: Feed, args: PageArgs) -> Result<EventConnection> {
    Ok(connected(PageOf::read(ctx, subject, feed, args).await?))
}

/// Reading the log.
#[derive(Default)]
pub struct EventQueries;

#[Object]
impl EventQueries {
    /// Where the log stands. Everything else in the same answer is at least this new, so following `events` after it
    /// misses nothing
    async fn event_cursor(&self, ctx: &Context<'_>) -> Result<String> {
        ctx.viewer()?;
        match ctx.asking()?.cursor {
            Some(cursor) => Ok(cursor.encode()),
            None => Ok(log::head(ctx.app()?.db.read()).await?.encode()),
        }
    }

    /// The event log in order, for syncing; the same events that Subscription.events delivers
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "All that is given has to hold")] filter: Option<super::filters::EventFilter>,
        #[graphql(desc = "So many from the start, or after `after`: 1 to 100")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor")] after: Option<String>,
        #[graphql(desc = "So many from the end, or before `before`: 1 to 100")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor")] before: Option<String>,
    ) -> Result<EventConnection> {
        let filter = super::filters::EventFilter::read(filter, ctx).await?;
        page(ctx, &filter, PageArgs { first, after, last, before }).await
    }
}
