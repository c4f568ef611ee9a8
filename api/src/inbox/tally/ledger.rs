//! The counters of many users as of one snapshot of the database, and the same as of a later one.

use std::collections::HashMap;
use std::sync::Arc;

use colloquy_entity::*;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Order, Query, SimpleExpr, SubQueryStatement};
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect};

use crate::error::Result;
use crate::log::{Entry, Kind, Seen};

use super::super::list::Counter;
use super::super::participants;
use super::count::{self, All};
use super::standing::{Employee, Owner, Staff, Standing, is_client};

/// Where more than this happened meanwhile, everybody is counted anew.
const MOST: usize = 20_000;
/// Dialogues that are looked at together.
const CHUNK: usize = 500;

/// What changes counters.
const COUNTED: &[Kind] = &[
    Kind::DialogueOpened,
    Kind::DialogueClosed,
    Kind::DialogueReopened,
    Kind::DialogueRead,
    Kind::MessageAdded,
    Kind::ParticipantAdded,
    Kind::ParticipantRemoved,
    Kind::UserChanged,
];

/// What is a user's own in their counters. Of whoever sees everything, the dialogues themselves are counted once for all
/// (`Ledger::all`), and here only by how much theirs differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub owner: Owner,
    pub own: [Counter; 4],
    /// The number of their latest request.
    pub asked: u64,
}

/// The counters, as of one snapshot of the database.
#[derive(Clone)]
pub(super) struct Ledger {
    pub seen: Seen,
    /// Who worked here then; none where that was not written down.
    pub staff: Option<Arc<Staff>>,
    /// None as long as nobody has asked who sees everything.
    pub all: Option<All>,
    pub accounts: HashMap<UserId, Account>,
}

impl Ledger {
    /// Of nobody yet.
    pub fn new(seen: Seen) -> Self {
        Self { seen, staff: None, all: None, accounts: HashMap::new() }
    }

    /// A user's counters, if they are known.
    pub fn numbers(&self, user: UserId) -> Option<[Counter; 4]> {
        let account = self.accounts.get(&user)?;
        let mut numbers = account.own;
        if account.owner.sees_all() {
            for (counter, all) in numbers.iter_mut().zip(self.all?) {
                counter.count += all;
            }
        }
        Some(numbers)
    }

    /// The counters of all who see everything.
    pub fn of_who_see_all(&self) -> impl Iterator<Item = (UserId, [Counter; 4])> {
        let users = self.accounts.values().map(|account| account.owner).filter(Owner::sees_all);
        users.filter_map(|owner| Some((owner.id, self.numbers(owner.id)?)))
    }

    /// Takes in a user's counters: [`Ledger::numbers`] the other way round.
    pub fn account_of(&mut self, owner: Owner, numbers: [Counter; 4]) {
        let [mine, unassigned, others, closed] = numbers;
        let mut account = Account { owner, own: numbers, asked: 0 };
        if account.owner.sees_all() {
            let all = [0, unassigned.count, others.count + mine.count, closed.count];
            for (counter, all) in account.own.iter_mut().zip(all) {
                counter.count -= all;
            }
            self.all = Some(all);
        }
        self.accounts.insert(owner.id, account);
    }

    /// The same as of this snapshot; none where that cannot be told from the log. It stays as it is meanwhile: who waits for
    /// this may go away.
    pub async fn moved(&self, tx: &DatabaseTransaction) -> Result<Option<Self>> {
        let (seen, news) = self.seen.since(tx, COUNTED, MOST).await?;
        let Some(news) = news else { return Ok(None) };
        let mut next = Self { seen, ..self.clone() };
        if news.is_empty() {
            return Ok(Some(next));
        }
        let is_changed = news.iter().any(|entry| entry.kind == Kind::UserChanged);
        let now = match &self.staff {
            Some(was) if !is_changed => Arc::clone(was),
            None if is_changed => return Ok(None),
            _ => Arc::new(staff(tx).await?),
        };
        let was = self.staff.as_ref().unwrap_or(&now);
        // Whoever has another role sees other dialogues.
        next.accounts.retain(|user, account| now.get(user).is_some_and(|user| user.role == account.owner.role));
        next.take(tx, &news, was, &now).await?;
        next.staff = Some(now);
        Ok(Some(next))
    }

    /// Moves the numbers on by what happened; `was` is who worked here before it.
    async fn take(&mut self, tx: &DatabaseTransaction, news: &[Entry], was: &Staff, now: &Staff) -> Result<()> {
        let mut of: HashMap<DialogueId, Vec<&Entry>> = HashMap::new();
        for entry in news {
            if let Some(dialogue) = entry.dialogue {
                of.entry(dialogue).or_default().push(entry);
            }
        }
        // Whether somebody is active shows in all that they answer for.
        let is_active = |staff: &Staff, user: &UserId| staff.get(user).is_some_and(|user| user.is_active);
        let changed = news.iter().filter(|entry| entry.kind == Kind::UserChanged).filter_map(|entry| entry.detail.user);
        let changed: Vec<UserId> = changed.filter(|user| is_active(was, user) != is_active(now, user)).collect();
        for dialogue in participants::answered_for(tx, &changed).await? {
            of.entry(dialogue).or_default();
        }
        let ids: Vec<DialogueId> = of.keys().copied().collect();
        for ids in ids.chunks(CHUNK) {
            for (id, standing) in standings(tx, ids, &of).await? {
                let mut former = standing.clone();
                for entry in of.get(&id).into_iter().flatten().rev() {
                    former.undo(entry);
                }
                self.count(&former, was, -1);
                self.count(&standing, now, 1);
            }
        }
        Ok(())
    }

    fn count(&mut self, standing: &Standing, staff: &Staff, sign: i64) {
        let responsibles = standing.active_responsibles(staff);
        if let (Some(all), Some(group)) = (&mut self.all, standing.group_of_all(&responsibles)) {
            all[group as usize] += sign;
        }
        for account in self.accounts.values_mut() {
            standing.count(&account.owner, &responsibles, &mut account.own, sign);
        }
    }

    /// With what another has of the same snapshot.
    pub fn join(&mut self, other: Self) {
        self.staff = self.staff.take().or(other.staff);
        self.all = self.all.or(other.all);
        self.accounts.extend(other.accounts);
    }

    /// Counts those of these users whom it does not have, as of its own snapshot, and what all see, unless somebody knows
    /// that already.
    pub async fn open(
        &mut self,
        tx: &DatabaseTransaction,
        users: &[UserId],
        asked: u64,
        knows_all: bool,
    ) -> Result<()> {
        let staff = self.staff.clone().unwrap_or_default();
        for user in users {
            let Some(employee) = staff.get(user).filter(|employee| employee.is_active) else { continue };
            let owner = Owner::new(*user, employee);
            if !self.accounts.contains_key(user) {
                self.accounts.insert(*user, Account { owner, own: count::own(tx, &owner).await?, asked });
            }
            if owner.sees_all() && !knows_all && self.all.is_none() {
                self.all = Some(count::all(tx).await?);
            }
        }
        Ok(())
    }

    /// Lets go of those who have not asked for the longest time, until there are so many.
    pub fn shrink(&mut self, most: usize) {
        let Some(too_many) = self.accounts.len().checked_sub(most).filter(|too_many| *too_many > 0) else { return };
        let mut asked: Vec<(u64, UserId)> = self.accounts.iter().map(|(user, of)| (of.asked, *user)).collect();
        asked.sort_unstable();
        for (_, user) in asked.into_iter().take(too_many) {
            self.accounts.remove(&user);
        }
    }
}

/// Dialogues as they are, by what is to be undone of them later.
async fn standings(
    tx: &DatabaseTransaction,
    ids: &[DialogueId],
    news: &HashMap<DialogueId, Vec<&Entry>>,
) -> Result<HashMap<DialogueId, Standing>> {
    let of_these = ids.iter().filter_map(|id| news.get(id));
    let written = of_these.filter_map(|news| news.iter().find(|e| e.kind == Kind::MessageAdded && is_client(e)));
    let written: Vec<MessageId> = written.filter_map(|entry| entry.detail.message).collect();
    let before = before(tx, &written).await?;
    let rows = dialogue::Entity::find().filter(dialogue::Column::Id.is_in(ids.iter().copied())).all(tx).await?;
    let standing = |row: dialogue::Model| Standing {
        exists: true,
        state: row.state,
        participants: Vec::new(),
        written: row.client_message_count,
        last: row.last_client_message_at,
        last_before: before.get(&row.id).copied().flatten(),
        read: HashMap::new(),
    };
    let mut standings: HashMap<DialogueId, Standing> = rows.into_iter().map(|row| (row.id, standing(row))).collect();
    for part in participants::of(tx, ids).await? {
        if let Some(standing) = standings.get_mut(&part.dialogue_id) {
            standing.participants.push((part.user_id, part.role));
        }
    }
    let marks = read_mark::Column::DialogueId.is_in(ids.iter().copied());
    for mark in read_mark::Entity::find().filter(marks).all(tx).await? {
        if let Some(standing) = standings.get_mut(&mark.dialogue_id) {
            standing.read.insert(mark.user_id, mark.read_count);
        }
    }
    Ok(standings)
}

/// When the client had last written before each of these messages, by dialogue.
async fn before(db: &impl ConnectionTrait, messages: &[MessageId]) -> Result<HashMap<DialogueId, Option<Time>>> {
    if messages.is_empty() {
        return Ok(HashMap::new());
    }
    let earlier = Alias::new("earlier");
    let of = |column: message::Column| Expr::col((earlier.clone(), column));
    let this = |column: message::Column| Expr::col((message::Entity, column));
    let last = Query::select()
        .expr(of(message::Column::CreatedAt))
        .from_as(message::Entity, earlier.clone())
        .and_where(of(message::Column::DialogueId).eq(this(message::Column::DialogueId)))
        .and_where(of(message::Column::Ordinal).lt(this(message::Column::Ordinal)))
        .and_where(of(message::Column::Origin).eq(MessageOrigin::Client))
        .order_by((earlier.clone(), message::Column::Ordinal), Order::Desc)
        .limit(1)
        .take();
    let last = SimpleExpr::SubQuery(None, Box::new(SubQueryStatement::SelectStatement(last)));
    let found: Vec<(DialogueId, Option<Time>)> = message::Entity::find()
        .select_only()
        .column(message::Column::DialogueId)
        .expr_as(last, "last")
        .filter(message::Column::Id.is_in(messages.iter().copied()))
        .into_tuple()
        .all(db)
        .await?;
    Ok(found.into_iter().collect())
}

/// Who works here.
pub(super) async fn staff(tx: &DatabaseTransaction) -> Result<Staff> {
    let users = user::Entity::find().all(tx).await?;
    let employee = |user: &user::Model| Employee { role: user.role, is_active: user.is_active, since: user.created_at };
    Ok(users.into_iter().map(|user| (user.id, employee(&user))).collect())
}
