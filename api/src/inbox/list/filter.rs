//! What a list of dialogues may be asked for.

use std::collections::BTreeSet;

use colloquy_entity::*;
use sea_orm::ColumnTrait;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Func, Order, Query, SelectStatement, SimpleExpr, UnionType};

use crate::error::{Error, Result};
use crate::policy;
use crate::viewer::Viewer;

use super::super::{reading, text};
use super::{Group, in_state};

/// Stands for a limit and an offset, without which PostgreSQL would look up all after all. See [`super::in_letters`].
pub(super) const ALONE: &str = "the_one";

/// How it is found out of which dialogues something holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// All of them are looked up: there may be few.
    AtOnce,
    /// Each dialogue that is looked at is asked for itself: there may be many.
    OneByOne,
}

impl How {
    /// Whether a dialogue's column is among what is selected, which is this column alone.
    pub(super) fn among<C: ColumnTrait>(
        self,
        own: dialogue::Column,
        selected: C,
        mut all: SelectStatement,
    ) -> SimpleExpr {
        all.expr(Expr::col(selected.as_column_ref()));
        match self {
            Self::AtOnce => own.in_subquery(all),
            Self::OneByOne => {
                let own = Expr::col((dialogue::Entity, own));
                let one = all.and_where(Expr::col(selected.as_column_ref()).eq(own));
                Expr::exists(one.order_by_expr(Expr::cust(ALONE), Order::Asc).take())
            }
        }
    }
}

/// Dialogues in which one of these users has this part.
fn part(how: How, role: ParticipantRole, users: &[UserId]) -> SimpleExpr {
    let parts = Query::select()
        .from(participant::Entity)
        .and_where(participant::Column::UserId.is_in(users.iter().copied()))
        .and_where(participant::Column::Role.eq(role))
        .take();
    how.among(dialogue::Column::Id, participant::Column::DialogueId, parts)
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
        let is_closed = matches!(column, dialogue::Column::ClosedOrder) && (from.is_some() || to.is_some());
        // Those that are open stand at the beginning of time.
        Condition::all().add_option(from).add_option(to).add_option(is_closed.then(|| column.gt(Time(0))))
    }

    pub(in crate::inbox) fn check(self, field: &str) -> Result<()> {
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
    /// All of these.
    pub tags: Option<Vec<TagId>>,
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
    ($how:expr, $entity:ident, $column:ident, $ids:expr) => {
        $ids.as_ref().map(|ids| {
            let links = Query::select()
                .from($entity::Entity)
                .and_where($entity::Column::$column.is_in(ids.iter().copied()))
                .take();
            $how.among(dialogue::Column::Id, $entity::Column::DialogueId, links)
        })
    };
}

/// Most ids in one list of a filter.
const MOST: usize = 1_000;
/// So many tags are looked for one by one.
const FEW: usize = 8;
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

    /// Whether nothing is asked but what each operator's list asks all day.
    pub(super) fn is_usual(&self) -> bool {
        *self == Self { group: self.group, state: self.state, ..Self::default() }
    }

    /// How many dialogues or clients it names, if it does.
    pub(in crate::inbox) fn names(&self) -> Option<usize> {
        self.dialogues.as_ref().map(Vec::len).or(self.clients.as_ref().map(Vec::len))
    }

    /// Who is asked for as what, if nothing else is asked for.
    pub(super) fn parts(&self) -> Option<(&[UserId], ParticipantRole)> {
        let Self { responsibles, observers, .. } = self.clone();
        let is_all = *self == Self { responsibles, observers, ..Self::default() };
        match (&self.responsibles, &self.observers) {
            (Some(users), None) if is_all => Some((users, ParticipantRole::Responsible)),
            (None, Some(users)) if is_all => Some((users, ParticipantRole::Observer)),
            _ => None,
        }
    }

    /// The same in fewer words, if nothing is asked for but the time of opening or that of closing.
    pub(super) fn span(&self) -> Option<Self> {
        let Self { opened_at, closed_at, .. } = *self;
        let mut rest = Self { opened_at: None, closed_at: None, ..self.clone() };
        if closed_at.is_some_and(|range| range.from.or(range.to).is_some()) {
            // What was closed then, and is not open again, is closed.
            rest.group.take_if(|group| *group == Group::Closed);
            rest.state.take_if(|state| *state == DialogueState::Closed);
        }
        let is_span = rest == Self::default() && opened_at.is_some() != closed_at.is_some();
        is_span.then_some(Self { opened_at, closed_at, ..rest })
    }

    /// What a list's indexes bound by themselves, and the rest.
    pub(super) fn split(&self) -> (Self, Self) {
        let Self { group, state, channels, kinds, last_activity_at, .. } = self.clone();
        let bounded = Self { group, state, channels, kinds, last_activity_at, ..Self::default() };
        let none =
            Self { group: None, state: None, channels: None, kinds: None, last_activity_at: None, ..self.clone() };
        (bounded, none)
    }

    /// What the counters of unread dialogues tell apart, and the rest.
    pub(super) fn split_unread(&self) -> (Self, Self) {
        let counted = self.counted();
        (counted, Self { group: None, state: None, unread_only: false, ..self.clone() })
    }

    /// So much of it as the counters know.
    pub(in crate::inbox) fn counted(&self) -> Self {
        let Self { group, state, unread_only, .. } = *self;
        Self { group, state, unread_only, ..Self::default() }
    }

    /// For queries over dialogues that the viewer may see: those for which all of it holds.
    pub(super) fn holds(&self, viewer: &Viewer, how: How) -> Result<Condition> {
        Ok(self
            .all_of(Condition::all(), how)?
            .add_option(self.group.map(|group| group.condition(viewer, how)))
            .add_option(self.unread_only.then(|| reading::is_unread(viewer))))
    }

    /// For queries over dialogues: of those that the viewer may see, the ones for which all of it holds.
    pub(in crate::inbox) fn condition(&self, viewer: &Viewer) -> Result<Condition> {
        Ok(policy::visible(viewer).add(self.holds(viewer, How::AtOnce)?))
    }

    /// What has to hold already, and of this filter all that is the same whoever asks: neither `group` nor `unread_only`.
    pub(in crate::inbox) fn beside(&self, all: Condition) -> Result<Condition> {
        self.all_of(all, How::AtOnce)
    }

    fn all_of(&self, mut all: Condition, how: How) -> Result<Condition> {
        let ranges = [
            ("filter.openedAt", dialogue::Column::OpenedAt, self.opened_at),
            ("filter.closedAt", dialogue::Column::ClosedOrder, self.closed_at),
            ("filter.lastActivityAt", dialogue::Column::LastActivityAt, self.last_activity_at),
        ];
        for (field, column, range) in ranges {
            let Some(range) = range else { continue };
            range.check(field)?;
            all = all.add(range.on(column));
        }
        self.check()?;
        let part = |role, users: &Option<Vec<UserId>>| users.as_ref().map(|users| part(how, role, users));
        Ok(all
            .add_option(self.state.map(in_state))
            .add_option(self.text.as_deref().filter(|text| !text.trim().is_empty()).map(|text| named(how, text)))
            .add_option(self.dialogues.as_ref().map(|ids| dialogue::Column::Id.is_in(ids.iter().copied())))
            .add_option(self.channels.as_ref().map(|ids| dialogue::Column::ChannelId.is_in(ids.iter().copied())))
            .add_option(self.kinds.as_ref().map(|kinds| {
                let of = channel::Column::Kind.is_in(kinds.iter().copied());
                let channels = Query::select().column(channel::Column::Id).from(channel::Entity).and_where(of).take();
                dialogue::Column::ChannelId.in_subquery(channels)
            }))
            .add_option(self.clients.as_ref().map(|ids| dialogue::Column::ClientId.is_in(ids.iter().copied())))
            .add_option(part(ParticipantRole::Responsible, &self.responsibles))
            .add_option(part(ParticipantRole::Observer, &self.observers))
            .add_option(
                self.contractors
                    .as_ref()
                    .map(|ids| of_clients(how, client::Column::ContractorId.is_in(ids.iter().copied()))),
            )
            .add_option(self.tags.as_deref().filter(|tags| !tags.is_empty()).map(|tags| with_all_of(how, tags)))
            .add_option(linked!(how, dialogue_deal, DealId, self.deals))
            .add_option(linked!(how, dialogue_project, ProjectId, self.projects))
            .add_option(linked!(how, dialogue_task, TaskId, self.tasks)))
    }
}

/// Dialogues with all of these tags.
fn with_all_of(how: How, tags: &[TagId]) -> Condition {
    let tagged = |tags: &[TagId]| {
        let is_one = dialogue_tag::Column::TagId.is_in(tags.iter().copied());
        Query::select().from(dialogue_tag::Entity).and_where(is_one).take()
    };
    let tags: Vec<TagId> = tags.iter().copied().collect::<BTreeSet<TagId>>().into_iter().collect();
    let within = |how: How, tagged| how.among(dialogue::Column::Id, dialogue_tag::Column::DialogueId, tagged);
    if tags.len() <= FEW {
        return tags.iter().fold(Condition::all(), |all, tag| all.add(within(how, tagged(&[*tag]))));
    }
    let count = i64::try_from(tags.len()).unwrap_or(i64::MAX);
    let all = Func::count(Expr::col(dialogue_tag::Column::TagId)).eq(count);
    let tagged = tagged(&tags).group_by_col(dialogue_tag::Column::DialogueId).and_having(all).take();
    Condition::all().add(within(How::AtOnce, tagged))
}

/// Dialogues of the clients for whom this holds.
fn of_clients(how: How, holds: SimpleExpr) -> SimpleExpr {
    let clients = Query::select().from(client::Entity).and_where(holds).take();
    how.among(dialogue::Column::ClientId, client::Column::Id, clients)
}

/// In the client's name or user name, or the contractor's name.
fn named(how: How, words: &str) -> SimpleExpr {
    let mut contractors = Query::select()
        .column(contractor::Column::Id)
        .from(contractor::Entity)
        .and_where(text::contains_in_name(contractor::Column::Lookup, words))
        .take();
    let own = text::contains(client::Column::Lookup, words);
    if how == How::OneByOne {
        let id = Expr::col(contractor::Column::Id.as_column_ref());
        contractors.and_where(id.eq(Expr::col(client::Column::ContractorId.as_column_ref()))).limit(1).offset(0);
        return of_clients(how, own.or(Expr::exists(contractors)));
    }
    // Each in its own index: none serves both at once.
    let clients =
        |holds: SimpleExpr| Query::select().column(client::Column::Id).from(client::Entity).and_where(holds).take();
    let by_contractor = clients(client::Column::ContractorId.in_subquery(contractors));
    dialogue::Column::ClientId.in_subquery(clients(own).union(UnionType::Distinct, by_contractor).take())
}
