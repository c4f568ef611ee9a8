//! Dialogues: the list, one of them, and what is done in them.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use colloquy_entity::dialogue;

use crate::error::{Error, Result};
use crate::inbox::list::{self, Group, Rows, Wanted};
use crate::inbox::tally;
use crate::paging::PageArgs;
use crate::policy::{self, Act};

use super::brief::is_brief;
use super::cards::{self, Contractor, Deal, Project, Task};
use super::channels::Channel;
use super::clients::Client;
use super::comments::{Comment, CommentConnection, Tag};
use super::connection::{connection, counting};
use super::direct::Direct;
use super::events::{self, EventConnection};
use super::kinds::EventKind;
use super::loaders::{CommentCount, ParticipantsOf, ResponsiblesOf, TagsOf};
use super::messages::{Message, MessageConnection};
use super::node::show;
use super::page_loaders::{Comments, Feed, Messages, PageOf};
use super::scalars::DateTime;
use super::users::{User, user_of};
use super::words::{DialogueState, ParticipantRole};
use super::{Ask, answer};

/// One client's conversation with the company in one channel; it closes and reopens, and is never a new one
#[derive(Clone)]
pub struct Dialogue(pub Arc<dialogue::Model>);

impl From<dialogue::Model> for Dialogue {
    fn from(row: dialogue::Model) -> Self {
        Self(Arc::new(row))
    }
}

/// Where a dialogue stands in a viewer's list
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
#[graphql(remote = "Group")]
pub enum DialogueGroup {
    /// Open, the viewer is a responsible
    Mine,
    /// Open, no active responsible
    Unassigned,
    /// Open, others are responsible and the viewer is not
    Others,
    /// Closed
    Closed,
}

/// One client's conversation with the company in one channel; it closes and reopens, and is never a new one
#[Object]
impl Dialogue {
    /// Its id
    pub async fn id(&self) -> ID {
        show(self.0.id)
    }

    /// In which channel
    async fn channel(&self, ctx: &Context<'_>) -> Result<Direct<Channel>> {
        let channel = ctx.load(self.0.channel_id).await?;
        channel.map(Channel).map(Direct).ok_or_else(|| Error::internal("a channel is gone"))
    }

    /// With whom
    async fn client(&self, ctx: &Context<'_>) -> Result<Direct<Client>> {
        ctx.load(self.0.client_id).await?.map(Client).map(Direct).ok_or(Error::NotFound("client"))
    }

    /// Whether it is in work
    async fn state(&self) -> DialogueState {
        self.0.state.into()
    }

    /// Where it stands in the viewer's list
    async fn group(&self, ctx: &Context<'_>) -> Result<DialogueGroup> {
        let responsibles = ctx.load(ResponsiblesOf(self.0.id)).await?.unwrap_or_default();
        Ok(Group::of(ctx.viewer()?.id, self.0.state, &responsibles).into())
    }

    /// False while the client has blocked or left this channel's bot
    async fn is_reachable(&self) -> bool {
        self.0.is_reachable
    }

    /// When it was last opened
    async fn opened_at(&self) -> DateTime {
        self.0.opened_at.into()
    }

    /// When it was closed, while it is
    async fn closed_at(&self) -> Option<DateTime> {
        self.0.closed_at.map(Into::into)
    }

    /// The last message by anyone, opening, closing or reopening
    async fn last_activity_at(&self) -> DateTime {
        self.0.last_activity_at.into()
    }

    /// The newest message
    async fn last_message(&self, ctx: &Context<'_>) -> Option<Direct<Message>> {
        let id = self.0.last_message_id?;
        answer(ctx, ctx.load(id).await).flatten().map(Message).map(Direct)
    }

    /// Who takes part, the longest first
    async fn participants(&self, ctx: &Context<'_>) -> Result<Vec<Direct<Participant>>> {
        let rows = ctx.load(ParticipantsOf(self.0.id)).await?.unwrap_or_default();
        Ok(rows.into_iter().map(Participant).map(Direct).collect())
    }

    /// Its tags, in the order in which they were put there
    async fn tags(&self, ctx: &Context<'_>) -> Result<Vec<Direct<Tag>>> {
        Ok(ctx.load(TagsOf(self.0.id)).await?.unwrap_or_default().into_iter().map(Tag).map(Direct).collect())
    }

    /// The client's customer card
    async fn contractor(&self, ctx: &Context<'_>) -> Option<Contractor> {
        let client = answer(ctx, ctx.load(self.0.client_id).await).flatten()?;
        answer(ctx, cards::contractor_of(ctx, client.contractor_id).await).flatten()
    }

    /// The deal that the conversation is about now: the latest linked
    async fn deal(&self, ctx: &Context<'_>) -> Option<Deal> {
        answer(ctx, cards::deals_of(ctx, self.0.id).await)?.into_iter().next()
    }

    /// The linked deals, the latest linked first
    async fn deals(&self, ctx: &Context<'_>) -> Result<Vec<Deal>> {
        cards::deals_of(ctx, self.0.id).await
    }

    /// The linked projects, the latest linked first
    async fn projects(&self, ctx: &Context<'_>) -> Result<Vec<Project>> {
        cards::projects_of(ctx, self.0.id).await
    }

    /// The linked tasks, the latest linked first
    async fn tasks(&self, ctx: &Context<'_>) -> Result<Vec<Task>> {
        cards::tasks_of(ctx, self.0.id).await
    }

    /// Employees' notes, from old to new
    async fn comments(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, or after `after`: 1 to 100")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor")] after: Option<String>,
        #[graphql(desc = "So many from the end, or before `before`: 1 to 100")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor")] before: Option<String>,
    ) -> Result<CommentConnection> {
        let id = self.0.id;
        let page = PageOf::read(ctx, id.0, Comments, PageArgs { first, after, last, before }).await?;
        let count = match ctx.look_ahead().field("totalCount").exists() {
            true => ctx.load(CommentCount(id)).await?.unwrap_or_default(),
            false => 0,
        };
        let total = counting!(app, viewer => { let _ = app; async move { Ok(count) } });
        Ok(CommentConnection::new(page.map(Comment), |comment| comment.0.id, total))
    }

    /// Its messages, from old to new
    async fn messages(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, or after `after`: 1 to 100")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor")] after: Option<String>,
        #[graphql(desc = "So many from the end, or before `before`: 1 to 100")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor")] before: Option<String>,
    ) -> Result<MessageConnection> {
        let page = PageOf::read(ctx, self.0.id.0, Messages, PageArgs { first, after, last, before }).await?;
        let count = self.0.message_count.unsigned_abs();
        let total = counting!(app, viewer => { let _ = app; async move { Ok(count) } });
        Ok(MessageConnection::new(page.map(Message::from), |message| message.0.ordinal, total))
    }

    /// The dialogue's timeline: its messages and every change, in order
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only these kinds; ACCESS_* only where they are named")] kinds: Option<Vec<EventKind>>,
        #[graphql(desc = "So many from the start, or after `after`: 1 to 100")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor")] after: Option<String>,
        #[graphql(desc = "So many from the end, or before `before`: 1 to 100")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor")] before: Option<String>,
    ) -> Result<EventConnection> {
        let kinds = kinds.map(|kinds| kinds.into_iter().map(Into::into).collect());
        events::feed(ctx, self.0.id.0, Feed::Of(kinds), PageArgs { first, after, last, before }).await
    }

    /// Client messages after the viewer's read mark
    async fn unread_count(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(i32::try_from(ctx.unread(self.0.id).await?.unwrap_or_default()).unwrap_or(i32::MAX))
    }

    /// What the viewer may do in it
    async fn viewer_can(&self, ctx: &Context<'_>) -> Result<DialoguePermissions> {
        let viewer = ctx.viewer()?;
        let participants = ctx.load(ParticipantsOf(self.0.id)).await?.unwrap_or_default();
        let part = participants.iter().find(|part| part.user_id == viewer.id).map(|part| part.role);
        let may = |act| policy::may(viewer.role, part, act);
        Ok(DialoguePermissions {
            reply: may(Act::Reply),
            close: may(Act::Close),
            manage_participants: may(Act::ManageParticipants),
            comment: may(Act::Comment),
        })
    }
}

connection!(Dialogue, DialogueConnection, DialogueEdge, "dialogues", nodes = nodes, counted = total);

/// What the viewer may do in a dialogue
#[derive(SimpleObject)]
pub struct DialoguePermissions {
    /// Reply, retry, show that they are typing
    reply: bool,
    /// Close, reopen and claim
    close: bool,
    /// Add, change and remove participants
    manage_participants: bool,
    /// Comment
    comment: bool,
}

/// An employee's part in a dialogue
#[derive(Clone)]
pub struct Participant(pub colloquy_entity::participant::Model);

/// An employee's part in a dialogue
#[Object]
impl Participant {
    /// Who
    async fn user(&self, ctx: &Context<'_>) -> Result<Direct<User>> {
        user_of(ctx, self.0.user_id).await.map(Direct)
    }

    /// As what
    async fn role(&self) -> ParticipantRole {
        self.0.role.into()
    }

    /// Since when in this role
    async fn since(&self) -> DateTime {
        self.0.since.into()
    }
}

/// The dialogue
#[derive(SimpleObject)]
pub struct DialoguePayload {
    /// As it is now
    pub dialogue: Dialogue,
}

/// By what dialogues are ordered
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
#[expect(clippy::enum_variant_names, reason = "the contract's names")]
pub enum DialogueOrderField {
    /// The last message, opening, closing or reopening
    LastActivityAt,
    /// The last opening
    OpenedAt,
    /// The closing; open ones count as closed before all others
    ClosedAt,
}

/// Which way a list runs
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
pub enum OrderDirection {
    /// The oldest first
    Asc,
    /// The newest first
    Desc,
}

/// How dialogues are ordered
#[derive(Clone, Copy, Debug, InputObject)]
pub struct DialogueOrder {
    /// By what
    field: DialogueOrderField,
    /// Which way
    direction: OrderDirection,
}

impl DialogueOrder {
    fn read(order: Option<Self>) -> (list::OrderBy, bool) {
        let Some(order) = order else { return (list::OrderBy::LastActivity, false) };
        let by = match order.field {
            DialogueOrderField::LastActivityAt => list::OrderBy::LastActivity,
            DialogueOrderField::OpenedAt => list::OrderBy::Opened,
            DialogueOrderField::ClosedAt => list::OrderBy::Closed,
        };
        (by, order.direction == OrderDirection::Asc)
    }
}

/// Reading dialogues.
#[derive(Default)]
pub struct DialogueQueries;

#[Object]
impl DialogueQueries {
    /// A dialogue; null where there is none that the viewer may see
    async fn dialogue(&self, ctx: &Context<'_>, #[graphql(desc = "Its id")] id: ID) -> Option<Dialogue> {
        answer(ctx, super::node::find_dialogue(ctx, &id).await).flatten()
    }

    /// The inbox list and the archive: one query, filtered
    async fn dialogues(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "All that is given has to hold")] filter: Option<super::filters::DialogueFilter>,
        #[graphql(desc = "The latest active first when absent")] order_by: Option<DialogueOrder>,
        #[graphql(desc = "So many from the start, or after `after`: 1 to 100")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor")] after: Option<String>,
        #[graphql(desc = "So many from the end, or before `before`: 1 to 100")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor")] before: Option<String>,
    ) -> Result<DialogueConnection> {
        let filter: list::DialogueFilter = filter.map(Into::into).unwrap_or_default();
        let order = DialogueOrder::read(order_by);
        let (app, viewer, args) = (ctx.app()?, ctx.viewer()?, PageArgs { first, after, last, before });
        let page = list::page(app, &viewer, &filter, order, &args, wanted(ctx)).await?;
        let known = &ctx.asking()?.known;
        let total = counting!(app, viewer => {
            let filter = filter.clone();
            async move { tally::total(&app, &viewer, &filter).await }
        });
        Ok(DialogueConnection::new(
            page.map(|found| Dialogue(known.take(found))),
            |dialogue| order.0.key(&dialogue.0),
            total,
        ))
    }

    /// The four groups of the operator's list, with their counters
    async fn inbox(&self, ctx: &Context<'_>) -> Result<Inbox> {
        Ok(tally::now(ctx.app()?, &ctx.viewer()?).await?.into())
    }
}

/// What the answer will ask of each dialogue of a list.
fn wanted(ctx: &Context<'_>) -> Wanted {
    let ahead = ctx.look_ahead();
    let asks =
        |field| ahead.field("nodes").field(field).exists() || ahead.field("edges").field("node").field(field).exists();
    Wanted {
        client: asks("client") || asks("contractor"),
        channel: asks("channel"),
        last_message: asks("lastMessage"),
        participants: asks("participants") || asks("group") || asks("viewerCan"),
        tags: asks("tags"),
        unread: asks("unreadCount"),
        rows: if is_brief(ctx) { Rows::Brief } else { Rows::Whole },
    }
}

/// The four groups of the operator's list: disjoint, and together all that the viewer may see
#[derive(Clone, Copy, Debug, PartialEq, Eq, SimpleObject)]
pub struct Inbox {
    /// Open, the viewer is a responsible
    mine: InboxGroup,
    /// Open, no active responsible
    unassigned: InboxGroup,
    /// Open, others are responsible and the viewer is not
    others: InboxGroup,
    /// Closed
    closed: InboxGroup,
}

/// The counters of a group
#[derive(Clone, Copy, Debug, PartialEq, Eq, SimpleObject)]
pub struct InboxGroup {
    /// Dialogues of the group
    count: i32,
    /// Dialogues of the group with unread messages
    unread_count: i32,
}

impl From<[list::Counter; 4]> for Inbox {
    fn from([mine, unassigned, others, closed]: [list::Counter; 4]) -> Self {
        let group = |counter: list::Counter| InboxGroup {
            count: i32::try_from(counter.count).unwrap_or(i32::MAX),
            unread_count: i32::try_from(counter.unread).unwrap_or(i32::MAX),
        };
        Self { mine: group(mine), unassigned: group(unassigned), others: group(others), closed: group(closed) }
    }
}
