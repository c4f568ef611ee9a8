//! By which ways a page is looked for, one after another until it is found. All lead to the same page; which is the
//! quickest depends on how many of a list are meant.

use colloquy_entity::*;
use sea_orm::sea_query::{Expr, Query, SelectStatement};
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect};

use crate::app::App;
use crate::error::Result;
use crate::viewer::Viewer;

use super::super::{tally, text};
use super::{DialogueFilter, Group, OrderBy};

/// So many dialogues of a list are looked through first for what may be common.
const FIRST: u64 = 2_000;
/// So few who are called by a name are looked up at once.
const RARE: u64 = 2_000;

/// So many times as far is looked for what is many as it would lie if it were spread.
const SPREAD: u64 = 8;

/// Among which dialogues of the list a page is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Among {
    /// All of them.
    All,
    /// All that were opened or closed in a span of time: found and sorted in that index alone. The database would read each
    /// of them from the table, or pass over all the newer ones.
    Span,
    /// So many that come first in its order. What is common is found among them, whether or not the database knows that
    /// it is; to find all of it and sort that takes far longer.
    First(u64),
    /// The same of the open dialogues that somebody answers for, where the viewer's own are many of them.
    Assigned(u64),
    /// The unread ones, of which there are so many at most. Nobody looks further once they are found: in a list that is
    /// read but for its newest, that is at once.
    Unread(u64),
}

/// Where the viewer's own open dialogues are looked for first, if they are many.
pub(super) fn to_mine(app: &App, viewer: &Viewer, filter: &DialogueFilter, by: OrderBy, rows: u64) -> Option<Among> {
    // In the other orders, what is closed stands between them.
    if filter.group != Some(Group::Mine) || filter.state.is_some() || by != OrderBy::LastActivity {
        return None;
    }
    let [mine, _, others, _] = tally::lately(app, viewer)?;
    let [mine, others] = [mine, others].map(|counter| u64::try_from(counter.count).unwrap_or_default());
    many(mine, mine + others, rows).map(Among::Assigned)
}

/// Where a page is looked for, where the database cannot tell how rare it is what the filter asks for. What the last of them
/// does not find is nowhere.
pub(super) async fn to(
    app: &App,
    viewer: &Viewer,
    filter: &DialogueFilter,
    by: OrderBy,
    rows: u64,
    tx: &DatabaseTransaction,
) -> Result<Vec<Among>> {
    let few =
        DialogueFilter { dialogues: filter.dialogues.clone(), clients: filter.clients.clone(), ..Default::default() };
    if few != DialogueFilter::default() {
        return Ok(vec![Among::All]);
    }
    if viewer.role == Role::Observer && count(of([viewer.id]), FIRST + 1, tx).await? <= FIRST {
        // All that they see, and nothing is looked for beyond.
        return Ok(vec![Among::First(FIRST)]);
    }
    if filter.text.as_deref().is_some_and(|text| !text.trim().is_empty()) {
        // To find all who are called so takes longest.
        return Ok(vec![Among::First(FIRST), Among::First(10 * FIRST), Among::All]);
    }
    let (_, rest) = filter.split();
    if rest == (DialogueFilter { unread_only: rest.unread_only, ..Default::default() }) {
        return Ok(vec![Among::All]);
    }
    if filter.span().is_some() && by == OrderBy::LastActivity {
        return Ok(vec![Among::First(FIRST), Among::Span]);
    }
    let first = to_parts(app, viewer, filter, rows, tx).await?;
    Ok(vec![first.unwrap_or(Among::First(FIRST)), Among::All])
}

/// Where the dialogues are looked for first that somebody takes part in, if nothing else is asked for and they are many.
async fn to_parts(
    app: &App,
    viewer: &Viewer,
    filter: &DialogueFilter,
    rows: u64,
    tx: &DatabaseTransaction,
) -> Result<Option<Among>> {
    let Some((users, role)) = filter.parts() else { return Ok(None) };
    let Some(counters) = tally::lately(app, viewer) else { return Ok(None) };
    let all: i64 = counters.iter().map(|counter| counter.count).sum();
    let all = u64::try_from(all).unwrap_or_default();
    let parts = of(users.iter().copied()).and_where(participant::Column::Role.eq(role)).take();
    let some = count(parts, enough(all, rows), tx).await?;
    Ok(many(some, all, rows).map(Among::First))
}

/// What these users take part in.
fn of(users: impl IntoIterator<Item = UserId>) -> SelectStatement {
    let is_theirs = participant::Column::UserId.is_in(users);
    Query::select().expr(Expr::val(1)).from(participant::Entity).and_where(is_theirs).take()
}

/// How many there are, if not more than that.
async fn count(mut parts: SelectStatement, most: u64, tx: &DatabaseTransaction) -> Result<u64> {
    let counted = Query::select()
        .expr_as(Expr::cust("COUNT(*)"), "parts")
        .from_subquery(parts.limit(most).take(), "parts")
        .take();
    let counted: Option<i64> = tx.query_one(&counted).await?.map(|row| row.try_get("", "parts")).transpose()?;
    Ok(counted.and_then(|counted| u64::try_from(counted).ok()).unwrap_or_default())
}

/// How many of a list are so many that it takes less to go through it until a page of them is found than to find all of
/// them and sort those: the page lies within `rows` × `all` / `some`, if they are spread.
fn enough(all: u64, rows: u64) -> u64 {
    (all * rows).isqrt() + 1
}

/// How far to look first for `some` of `all`, if that is to be tried: several times as far as they would reach if they were
/// spread, and hardly further than there are of them: a power of two. Who left has nothing among the newest.
fn many(some: u64, all: u64, rows: u64) -> Option<u64> {
    if some < enough(all, rows) {
        return None;
    }
    // For a large part of the list, PostgreSQL would sort all of it. A few lengths only: it keeps each statement's plan.
    Some(some.min(SPREAD * rows * all / some).next_power_of_two())
}

/// Whether so few are called by the filter's text that to find all of them takes less than to look through more of a list.
pub(super) async fn is_rare(filter: &DialogueFilter, tx: &DatabaseTransaction) -> Result<bool> {
    let Some(words) = filter.text.as_deref() else { return Ok(false) };
    // An index of trigrams knows nothing of less.
    if text::looked_for(words).chars().count() < 3 {
        return Ok(false);
    }
    let clients = client::Entity::find().select_only().column(client::Column::Id);
    let clients = clients.filter(text::contains(client::Column::Lookup, words)).limit(RARE + 1);
    let clients = clients.into_tuple::<ClientId>().all(tx).await?.len();
    let contractors = contractor::Entity::find().select_only().column(contractor::Column::Id);
    let contractors = contractors.filter(text::contains_in_name(contractor::Column::Lookup, words)).limit(RARE + 1);
    let contractors = contractors.into_tuple::<ContractorId>().all(tx).await?.len();
    Ok((clients + contractors) as u64 <= RARE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_gone_through_where_that_takes_less_than_to_find_all() {
        // Of 48,000 open ones: a page of 18,000 lies within the first 130, one of 500 within 4,800.
        assert_eq!(many(18_000, 48_000, 50), Some(2_048));
        assert_eq!(many(500, 48_000, 50), None);
        // Of few it is all the same.
        assert_eq!(many(40, 60, 50), None);
        assert_eq!(many(0, 0, 50), None);
        // No more is counted than decides.
        assert_eq!(many(7_072, 1_000_000, 50), Some(8_192));
    }
}
