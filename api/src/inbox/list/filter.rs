//! What a list of dialogues may be asked for.

use std::collections::BTreeSet;

use colloquy_entity::*;
use sea_orm::ColumnTrait;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Func, Query, SelectStatement, SimpleExpr, UnionType};

use crate::error::{Error, Result};
use crate::policy;
use crate::viewer::Viewer;

use super::super::{reading, text};
use super::{Among, Group, in_state};

/// Dialogues in which one of these users has this part.
fn part(role: ParticipantRole, users: impl IntoIterator<Item = UserId>) -> SelectStatement {
    Query::select()
        .column(participant::Column::DialogueId)
        .from(participant::Entity)
        .and_where(participant::Column::UserId.is_in(users))
        .and_where(participant::Column::Role.eq(role))
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
/// So many dialogues of a list are looked through first for what may be common.
const FIRST: u64 = 2_000;
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

    /// Where to look first for a page of what may be common, though the database cannot tell.
    pub(super) fn first_among(&self) -> &'static [Among] {
        let few = Self { dialogues: self.dialogues.clone(), clients: self.clients.clone(), ..Self::default() };
        if few != Self::default() {
            return &[];
        }
        if self.text.as_deref().is_some_and(|text| !text.trim().is_empty()) {
            // To find all who are called so takes longest.
            return &[Among::First(FIRST), Among::First(10 * FIRST)];
        }
        let (_, rest) = self.split();
        let is_planned_well = rest == Self { unread_only: rest.unread_only, ..Self::default() };
        if is_planned_well { &[] } else { &[Among::First(FIRST)] }
    }

    /// What a list's indexes bound by themselves, and the rest.
    pub(super) fn split(&self) -> (Self, Self) {
        let Self { group, state, channels, kinds, last_activity_at, .. } = self.clone();
        let bounded = Self { group, state, channels, kinds, last_activity_at, ..Self::default() };
        let none =
            Self { group: None, state: None, channels: None, kinds: None, last_activity_at: None, ..self.clone() };
        (bounded, none)
    }

    /// For queries over dialogues that the viewer may see: those for which all of it holds.
    pub(super) fn holds(&self, viewer: &Viewer) -> Result<Condition> {
        Ok(self
            .beside(Condition::all())?
            .add_option(self.group.map(|group| group.condition(viewer)))
            .add_option(self.unread_only.then(|| reading::is_unread(viewer))))
    }

    /// For queries over dialogues: of those that the viewer may see, the ones for which all of it holds.
    pub(in crate::inbox) fn condition(&self, viewer: &Viewer) -> Result<Condition> {
        Ok(policy::visible(viewer).add(self.holds(viewer)?))
    }

    /// What has to hold already, and of this filter all that is the same whoever asks: neither `group` nor `unread_only`.
    pub(in crate::inbox) fn beside(&self, mut all: Condition) -> Result<Condition> {
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
            .add_option(self.state.map(in_state))
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
fn with_all_of(tags: &[Option<TagId>]) -> Condition {
    let Some(tags) = tags.iter().copied().collect::<Option<BTreeSet<TagId>>>() else {
        return Condition::all().add(Expr::cust("1 = 0"));
    };
    let tagged = |tags: &[TagId]| {
        Query::select()
            .column(dialogue_tag::Column::DialogueId)
            .from(dialogue_tag::Entity)
            .and_where(dialogue_tag::Column::TagId.is_in(tags.iter().copied()))
            .take()
    };
    let tags: Vec<TagId> = tags.into_iter().collect();
    let within = |tagged| dialogue::Column::Id.in_subquery(tagged);
    if tags.len() <= FEW {
        return tags.iter().fold(Condition::all(), |all, tag| all.add(within(tagged(&[*tag]))));
    }
    let count = i64::try_from(tags.len()).unwrap_or(i64::MAX);
    let all = Func::count(Expr::col(dialogue_tag::Column::TagId)).eq(count);
    Condition::all().add(within(tagged(&tags).group_by_col(dialogue_tag::Column::DialogueId).and_having(all).take()))
}

/// Dialogues of the clients for whom this holds.
fn of_clients(holds: SimpleExpr) -> SimpleExpr {
    let clients = Query::select().column(client::Column::Id).from(client::Entity).and_where(holds).take();
    dialogue::Column::ClientId.in_subquery(clients)
}

/// In the client's name or user name, or the contractor's name. Each in its own index: none serves both at once.
fn named(words: &str) -> SimpleExpr {
    let clients =
        |holds: SimpleExpr| Query::select().column(client::Column::Id).from(client::Entity).and_where(holds).take();
    let contractors = Query::select()
        .column(contractor::Column::Id)
        .from(contractor::Entity)
        .and_where(text::contains_in_name(contractor::Column::Lookup, words))
        .take();
    let by_contractor = clients(client::Column::ContractorId.in_subquery(contractors));
    let named = clients(text::contains(client::Column::Lookup, words)).union(UnionType::Distinct, by_contractor).take();
    dialogue::Column::ClientId.in_subquery(named)
}
