//! The list of dialogues: the operator's inbox and the archive are one query, filtered.

use std::collections::BTreeSet;

use colloquy_entity::*;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Func, IntoCondition, Order, Query, SelectStatement, SimpleExpr};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::paging::{self, Key, Page, PageArgs, Window};
use crate::policy;
use crate::viewer::Viewer;

use super::{reading, text};

/// Where a dialogue stands in a viewer's list: the four are disjoint, and together are all that the viewer may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// Open, the viewer is a responsible.
    Mine,
    /// Open, nobody active is responsible.
    Unassigned,
    /// Open, others are responsible and the viewer is not.
    Others,
    /// Closed.
    Closed,
}

impl Group {
    /// All of them, in the order of the API.
    pub const ALL: [Self; 4] = [Self::Mine, Self::Unassigned, Self::Others, Self::Closed];

    /// From what a dialogue is and who answers for it.
    pub fn of(viewer: &Viewer, state: DialogueState, active_responsibles: &[UserId]) -> Self {
        match state {
            DialogueState::Closed => Self::Closed,
            DialogueState::Open if active_responsibles.contains(&viewer.id) => Self::Mine,
            DialogueState::Open if active_responsibles.is_empty() => Self::Unassigned,
            DialogueState::Open => Self::Others,
        }
    }

    /// The same for queries over dialogues.
    pub(super) fn condition(self, viewer: &Viewer) -> Condition {
        let state = |state| dialogue::Column::State.eq(state);
        let mine = dialogue::Column::Id.in_subquery(part(ParticipantRole::Responsible, [viewer.id]));
        let anybody = Expr::exists(active_responsible());
        match self {
            Self::Closed => state(DialogueState::Closed).into_condition(),
            Self::Mine => Condition::all().add(state(DialogueState::Open)).add(mine),
            Self::Unassigned => Condition::all().add(state(DialogueState::Open)).add(anybody.not()),
            Self::Others => Condition::all().add(state(DialogueState::Open)).add(anybody).add(mine.not()),
        }
    }
}

/// Dialogues in which one of these users has this part.
fn part(role: ParticipantRole, users: impl IntoIterator<Item = UserId>) -> SelectStatement {
    Query::select()
        .column(participant::Column::DialogueId)
        .from(participant::Entity)
        .and_where(participant::Column::UserId.is_in(users))
        .and_where(participant::Column::Role.eq(role))
        .take()
}

/// Of the dialogue of the outer query.
fn active_responsible() -> SelectStatement {
    let user = Expr::col((user::Entity, user::Column::Id));
    Query::select()
        .expr(Expr::cust("1"))
        .from(participant::Entity)
        .inner_join(user::Entity, user.equals((participant::Entity, participant::Column::UserId)))
        .and_where(
            Expr::col((participant::Entity, participant::Column::DialogueId))
                .equals((dialogue::Entity, dialogue::Column::Id)),
        )
        .and_where(participant::Column::Role.eq(ParticipantRole::Responsible))
        .and_where(user::Column::IsActive.eq(true))
        .take()
}

/// From (included) to (excluded).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Range {
    /// Not before.
    pub from: Option<Time>,
    /// Before.
    pub to: Option<Time>,
}

impl Range {
    fn on(self, column: dialogue::Column) -> Condition {
        let from = self.from.map(|from| column.gte(from));
        let to = self.to.map(|to| column.lt(to));
        Condition::all().add_option(from).add_option(to)
    }

    pub(super) fn check(self, field: &str) -> Result<()> {
        match (self.from, self.to) {
            (Some(from), Some(to)) if from > to => Err(Error::bad(field, "`from` is after `to`")),
            _ => Ok(()),
        }
    }
}

/// All that is given has to hold. Ids of nothing that there is match nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the contract has them, one by one")]
pub struct DialogueFilter {
    pub group: Option<Group>,
    pub state: Option<DialogueState>,
    pub text: Option<String>,
    pub dialogues: Option<Vec<DialogueId>>,
    pub channels: Option<Vec<ChannelId>>,
    pub kinds: Option<Vec<ChannelKind>>,
    pub clients: Option<Vec<ClientId>>,
    pub responsibles: Option<Vec<UserId>>,
    pub observers: Option<Vec<UserId>>,
    /// All of these; an id that is none matches nothing.
    pub tags: Option<Vec<Option<TagId>>>,
    pub contractors: Option<Vec<ContractorId>>,
    pub deals: Option<Vec<DealId>>,
    pub projects: Option<Vec<ProjectId>>,
    pub tasks: Option<Vec<TaskId>>,
    pub opened_at: Option<Range>,
    pub closed_at: Option<Range>,
    pub last_activity_at: Option<Range>,
    pub unread_only: bool,
}

macro_rules! linked {
    ($entity:ident, $column:ident, $ids:expr) => {
        $ids.as_ref().map(|ids| {
            dialogue::Column::Id.in_subquery(
                Query::select()
                    .column($entity::Column::DialogueId)
                    .from($entity::Entity)
                    .and_where($entity::Column::$column.is_in(ids.iter().copied()))
                    .take(),
            )
        })
    };
}

/// Most ids in one list of a filter.
const MOST: usize = 1_000;
/// Longest text of a filter, in characters.
const LONGEST: usize = 1_000;

impl DialogueFilter {
    /// Databases have bounds, too, and say less of them.
    fn check(&self) -> Result<()> {
        fn length<T>(list: &Option<Vec<T>>) -> usize {
            list.as_ref().map_or(0, Vec::len)
        }
        for (field, length) in [
            ("dialogueIds", length(&self.dialogues)),
            ("channelIds", length(&self.channels)),
            ("clientIds", length(&self.clients)),
            ("responsibleIds", length(&self.responsibles)),
            ("observerIds", length(&self.observers)),
            ("tagIds", length(&self.tags)),
            ("contractorIds", length(&self.contractors)),
            ("dealIds", length(&self.deals)),
            ("projectIds", length(&self.projects)),
            ("taskIds", length(&self.tasks)),
        ] {
            if length > MOST {
                return Err(Error::bad(format!("filter.{field}"), format!("A list can have {MOST} ids at most")));
            }
        }
        if self.text.as_ref().is_some_and(|text| text.chars().count() > LONGEST) {
            return Err(Error::bad("filter.text", format!("A text can have {LONGEST} characters at most")));
        }
        Ok(())
    }

    pub(super) fn condition(&self, viewer: &Viewer) -> Result<Condition> {
        Ok(self
            .beside(policy::visible(viewer))?
            .add_option(self.group.map(|group| group.condition(viewer)))
            .add_option(self.unread_only.then(|| reading::is_unread(viewer))))
    }

    /// What has to hold already, and of this filter all that is the same whoever asks: neither `group` nor `unread_only`.
    pub(super) fn beside(&self, mut all: Condition) -> Result<Condition> {
        let ranges = [
            ("filter.openedAt", dialogue::Column::OpenedAt, self.opened_at),
            ("filter.closedAt", dialogue::Column::ClosedAt, self.closed_at),
            ("filter.lastActivityAt", dialogue::Column::LastActivityAt, self.last_activity_at),
        ];
        for (field, column, range) in ranges {
            let Some(range) = range else { continue };
            range.check(field)?;
            all = all.add(range.on(column));
        }
        self.check()?;
        let responsibles =
            self.responsibles.as_ref().map(|users| part(ParticipantRole::Responsible, users.iter().copied()));
        let observers = self.observers.as_ref().map(|users| part(ParticipantRole::Observer, users.iter().copied()));
        Ok(all
            .add_option(self.state.map(|state| dialogue::Column::State.eq(state)))
            .add_option(self.text.as_deref().filter(|text| !text.trim().is_empty()).map(named))
            .add_option(self.dialogues.as_ref().map(|ids| dialogue::Column::Id.is_in(ids.iter().copied())))
            .add_option(self.channels.as_ref().map(|ids| dialogue::Column::ChannelId.is_in(ids.iter().copied())))
            .add_option(self.kinds.as_ref().map(|kinds| {
                let of = channel::Column::Kind.is_in(kinds.iter().copied());
                let channels = Query::select().column(channel::Column::Id).from(channel::Entity).and_where(of).take();
                dialogue::Column::ChannelId.in_subquery(channels)
            }))
            .add_option(self.clients.as_ref().map(|ids| dialogue::Column::ClientId.is_in(ids.iter().copied())))
            .add_option(responsibles.map(|part| dialogue::Column::Id.in_subquery(part)))
            .add_option(observers.map(|part| dialogue::Column::Id.in_subquery(part)))
            .add_option(
                self.contractors
                    .as_ref()
                    .map(|ids| of_clients(client::Column::ContractorId.is_in(ids.iter().copied()))),
            )
            .add_option(self.tags.as_deref().filter(|tags| !tags.is_empty()).map(with_all_of))
            .add_option(linked!(dialogue_deal, DealId, self.deals))
            .add_option(linked!(dialogue_project, ProjectId, self.projects))
            .add_option(linked!(dialogue_task, TaskId, self.tasks)))
    }
}

/// Dialogues with all of these tags.
fn with_all_of(tags: &[Option<TagId>]) -> SimpleExpr {
    let Some(tags) = tags.iter().copied().collect::<Option<BTreeSet<TagId>>>() else {
        return Expr::cust("1 = 0");
    };
    let count = i64::try_from(tags.len()).unwrap_or(i64::MAX);
    let tagged = Query::select()
        .column(dialogue_tag::Column::DialogueId)
        .from(dialogue_tag::Entity)
        .and_where(dialogue_tag::Column::TagId.is_in(tags))
        .group_by_col(dialogue_tag::Column::DialogueId)
        .and_having(Func::count(Expr::col(dialogue_tag::Column::TagId)).eq(count))
        .take();
    dialogue::Column::Id.in_subquery(tagged)
}

/// Dialogues of the clients for whom this holds.
fn of_clients(holds: SimpleExpr) -> SimpleExpr {
    let clients = Query::select().column(client::Column::Id).from(client::Entity).and_where(holds).take();
    dialogue::Column::ClientId.in_subquery(clients)
}

/// In the client's name or user name, or the contractor's name.
fn named(words: &str) -> SimpleExpr {
    let contractors = Query::select()
        .column(contractor::Column::Id)
        .from(contractor::Entity)
        .and_where(text::contains_in_name(contractor::Column::Lookup, words))
        .take();
    of_clients(text::contains(client::Column::Lookup, words).or(client::Column::ContractorId.in_subquery(contractors)))
}

/// By what a list is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrderBy {
    /// The last message, opening, closing or reopening.
    LastActivity,
    /// The last opening.
    Opened,
    /// The closing; open ones count as closed at the beginning of time.
    Closed,
}

impl OrderBy {
    fn expr(self) -> SimpleExpr {
        match self {
            Self::LastActivity => Expr::col((dialogue::Entity, dialogue::Column::LastActivityAt)),
            Self::Opened => Expr::col((dialogue::Entity, dialogue::Column::OpenedAt)),
            Self::Closed => {
                let closed = Expr::col((dialogue::Entity, dialogue::Column::ClosedAt));
                Func::coalesce([closed, Expr::cust("0")]).into()
            }
        }
    }

    /// The place of a dialogue in this order: what its cursor holds.
    pub fn key(self, dialogue: &dialogue::Model) -> Place {
        let moment = match self {
            Self::LastActivity => dialogue.last_activity_at.0,
            Self::Opened => dialogue.opened_at.0,
            Self::Closed => dialogue.closed_at.map_or(0, |at| at.0),
        };
        Place { by: self, moment, id: dialogue.id.0 }
    }

    const ALL: [(Self, u8); 3] = [(Self::LastActivity, b'a'), (Self::Opened, b'o'), (Self::Closed, b'c')];
}

/// Where a dialogue stands in a list that is ordered so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    by: OrderBy,
    moment: i64,
    id: Uuid,
}

impl Key for Place {
    fn encode(&self) -> String {
        let by = OrderBy::ALL.into_iter().filter(|(by, _)| *by == self.by).map(|(_, letter)| letter);
        let bytes = by.chain(self.moment.to_be_bytes()).chain(*self.id.as_bytes());
        paging::pack(&bytes.collect::<Vec<_>>())
    }

    fn decode(text: &str) -> Option<Self> {
        let bytes: [u8; 25] = paging::unpack(text)?;
        let (by, _) = OrderBy::ALL.into_iter().find(|(_, letter)| *letter == bytes[0])?;
        let (moment, id) = bytes[1..].split_at(8);
        Some(Self { by, moment: i64::from_be_bytes(moment.try_into().ok()?), id: Uuid::from_slice(id).ok()? })
    }
}

/// A page of the dialogues that the viewer may see and wants.
pub async fn page(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: &DialogueFilter,
    (by, ascending): (OrderBy, bool),
    args: &PageArgs,
) -> Result<Page<dialogue::Model>> {
    let window: Window<Place> = args.window()?;
    let mut query = dialogue::Entity::find().filter(filter.condition(viewer)?);
    let id = || Expr::col((dialogue::Entity, dialogue::Column::Id));
    // Later in the list is smaller in number where the newest come first.
    for (field, bound, is_after) in [("after", &window.after, true), ("before", &window.before, false)] {
        let Some(place) = *bound else { continue };
        if place.by != by {
            return Err(Error::bad(field, format!("`{field}` is a cursor of this list in another order")));
        }
        // As one value: an index goes to it, however deep it is.
        let (here, there) = (Expr::tuple([by.expr(), id()]), Expr::tuple([place.moment.into(), place.id.into()]));
        query = query.filter(if is_after == ascending { here.gt(there) } else { here.lt(there) });
    }
    let order = if ascending == window.backward { Order::Desc } else { Order::Asc };
    let query = query.order_by(by.expr(), order.clone()).order_by(id(), order);
    let mut statement = query.build(db.get_database_backend());
    // A literal: PostgreSQL plans the page anew for one that is bound.
    statement.sql.push_str(&format!(" LIMIT {}", window.size + 1));
    Ok(Page::cut(dialogue::Entity::find().from_raw_sql(statement).all(db).await?, &window))
}

/// How many there are.
pub async fn count(db: &impl ConnectionTrait, viewer: &Viewer, filter: &DialogueFilter) -> Result<u64> {
    Ok(dialogue::Entity::find().filter(filter.condition(viewer)?).count(db).await?)
}

/// The counters of one group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    /// Dialogues.
    pub count: i64,
    /// Of them, those with something unread.
    pub unread: i64,
}

/// The counters of the four groups, in the order of [`Group::ALL`].
pub async fn counters(db: &impl ConnectionTrait, viewer: &Viewer) -> Result<[Counter; 4]> {
    let sum = |condition: Condition| {
        let one = Expr::case(condition, Expr::cust("1")).finally(Expr::cust("0"));
        Func::coalesce([Func::sum(one).into(), Expr::cust("0")])
    };
    let mut query = dialogue::Entity::find().select_only().filter(policy::visible(viewer));
    for (place, group) in Group::ALL.into_iter().enumerate() {
        let inside = group.condition(viewer);
        let unread = Condition::all().add(inside.clone()).add(reading::is_unread(viewer));
        query = query.expr_as(Func::cast_as(sum(inside), "bigint"), format!("count{place}"));
        query = query.expr_as(Func::cast_as(sum(unread), "bigint"), format!("unread{place}"));
    }
    let row = query.into_model::<Row>().one(db).await?.unwrap_or_default();
    Ok([
        Counter { count: row.count0, unread: row.unread0 },
        Counter { count: row.count1, unread: row.unread1 },
        Counter { count: row.count2, unread: row.unread2 },
        Counter { count: row.count3, unread: row.unread3 },
    ])
}

#[derive(Default, sea_orm::FromQueryResult)]
struct Row {
    count0: i64,
    unread0: i64,
    count1: i64,
    unread1: i64,
    count2: i64,
    unread2: i64,
    count3: i64,
    unread3: i64,
}
