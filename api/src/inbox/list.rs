//! The list of dialogues: the operator's inbox and the archive are one query, filtered.

mod columns;
mod filter;
mod order;
mod ways;
mod whole;

use colloquy_entity::*;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, IntoCondition, Order, Query, SelectStatement, SimpleExpr};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, Iterable, PaginatorTrait, QueryFilter, QueryResult, QuerySelect,
    QueryTrait, Statement,
};

use crate::app::App;
use crate::error::{Error, Result};
use crate::paging::{Page, PageArgs, Window};
use crate::policy;
use crate::viewer::Viewer;

use super::tally;

pub use columns::Rows;
use filter::How;
pub use filter::{DialogueFilter, Range};
pub use order::{OrderBy, Place};
pub use ways::Among;
use whole::Common;
pub use whole::{Found, Wanted};

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
    pub fn of(viewer: UserId, state: DialogueState, active_responsibles: &[UserId]) -> Self {
        match state {
            DialogueState::Closed => Self::Closed,
            DialogueState::Open if active_responsibles.contains(&viewer) => Self::Mine,
            DialogueState::Open if active_responsibles.is_empty() => Self::Unassigned,
            DialogueState::Open => Self::Others,
        }
    }

    /// The same for queries over dialogues.
    fn condition(self, viewer: &Viewer, how: How) -> Condition {
        let outline = self.outline().into_condition();
        match self {
            Self::Closed | Self::Unassigned => outline,
            Self::Mine => outline.add(how.among(dialogue::Column::Id, participant::Column::DialogueId, mine(viewer))),
            Self::Others => {
                let this = Expr::col((participant::Entity, participant::Column::DialogueId));
                let mut mine = mine(viewer);
                mine.expr(Expr::val(1)).and_where(this.equals((dialogue::Entity, dialogue::Column::Id)));
                outline.add(Expr::exists(mine).not())
            }
        }
    }

    /// What an index bounds of it. Written as the partial indexes are: what is bound matches none of them.
    fn outline(self) -> SimpleExpr {
        match self {
            Self::Closed => in_state(DialogueState::Closed),
            Self::Unassigned => in_state(DialogueState::Open).and(Expr::cust("dialogues.is_assigned = FALSE")),
            Self::Mine | Self::Others => in_state(DialogueState::Open).and(Expr::cust("dialogues.is_assigned = TRUE")),
        }
    }
}

/// In this state, as a literal.
fn in_state(state: DialogueState) -> SimpleExpr {
    Expr::cust(match state {
        DialogueState::Open => "dialogues.state = 'OPEN'",
        DialogueState::Closed => "dialogues.state = 'CLOSED'",
    })
}

/// The open dialogues that the viewer answers for.
fn mine(viewer: &Viewer) -> SelectStatement {
    Query::select()
        .from(participant::Entity)
        .and_where(participant::Column::UserId.eq(viewer.id))
        .and_where(Expr::cust("participants.role = 'RESPONSIBLE'"))
        .and_where(Expr::cust("participants.is_open"))
        .take()
}

/// A page of the dialogues that the viewer may see and wants, with what is wanted of each.
pub async fn page(
    app: &App,
    viewer: &Viewer,
    filter: &DialogueFilter,
    order: (OrderBy, bool),
    args: &PageArgs,
    wanted: Wanted,
) -> Result<Page<Found>> {
    let window: Window<Place> = args.window()?;
    let ask = |among| statement(app, viewer, filter, order, args, wanted, among);
    let is_full = |rows: &[QueryResult]| rows.len() as u64 > window.size;
    let mut rows = Vec::new();
    if filter.is_usual() {
        let first = ways::to_mine(app, viewer, filter, order.0, window.size);
        for among in first.into_iter().chain([Among::All]) {
            rows = app.db.read().query_all_raw(ask(among)?).await?;
            if is_full(&rows) {
                break;
            }
        }
    } else if let Some((few, tx)) = tally::few_unread(app, viewer, filter, window.size).await? {
        rows = tx.query_all_raw(ask(Among::Unread(few))?).await?;
        tx.rollback().await?;
    } else {
        // How rare what is asked for is decides between its index and the list's.
        let tx = app.db.planned().await?;
        for (place, among) in ways::to(app, viewer, filter, order.0, window.size, &tx).await?.into_iter().enumerate() {
            // SQLite goes through all names to tell.
            let is_further = place > 0 && matches!(among, Among::First(_)) && app.db.is_postgres();
            if is_further && ways::is_rare(filter, &tx).await? {
                continue;
            }
            rows = tx.query_all_raw(ask(among)?).await?;
            if is_full(&rows) {
                break;
            }
        }
        tx.rollback().await?;
    }
    let mut common = Common::of(wanted);
    let found = rows.iter().map(|row| Found::read(row, viewer, wanted, &mut common)).collect::<Result<Vec<_>>>()?;
    Ok(Page::cut(found, &window))
}

/// Stands for a limit at the end of an order.
const FIRST_OF: &str = "the_first";

/// Writes limits as literals, where the builder would bind them. For limits that it does not know PostgreSQL expects more work
/// than for those that it does, so it would plan a page each time that is to be planned once.
fn in_letters(sql: String, first: Option<u64>) -> String {
    let sql = sql.replace(&format!(" ORDER BY {} ASC", filter::ALONE), " LIMIT 1 OFFSET 0");
    match first {
        Some(limit) => sql.replace(&format!(", {FIRST_OF} ASC"), &format!(" LIMIT {limit}")),
        None => sql,
    }
}

/// The one statement that reads such a page, and one row more.
pub fn statement(
    app: &App,
    viewer: &Viewer,
    filter: &DialogueFilter,
    (by, ascending): (OrderBy, bool),
    args: &PageArgs,
    wanted: Wanted,
    among: Among,
) -> Result<Statement> {
    let window: Window<Place> = args.window()?;
    let column = |column| Expr::col((dialogue::Entity, column));
    let mut beyond = Condition::all();
    // Later in the list is smaller in number where the newest come first.
    for (field, bound, is_after) in [("after", &window.after, true), ("before", &window.before, false)] {
        let Some(place) = *bound else { continue };
        if place.by != by {
            return Err(Error::bad(field, format!("`{field}` is a cursor of this list in another order")));
        }
        // As one value: an index goes to it, however deep it is.
        let here = Expr::tuple([column(by.column()), column(dialogue::Column::Id)]);
        let there = Expr::tuple([place.moment.into(), place.id.into()]);
        beyond = beyond.add(if is_after == ascending { here.gt(there) } else { here.lt(there) });
    }
    let order = if ascending == window.backward { Order::Desc } else { Order::Asc };
    let ordered = |mut query: SelectStatement, by: OrderBy, order: &Order| {
        query.order_by_expr(column(by.column()), order.clone());
        query.order_by_expr(column(dialogue::Column::Id), order.clone());
        query
    };
    let all = |holds: Condition| dialogue::Entity::find().filter(holds).into_query();
    let of = |some: SelectStatement, holds: Condition| {
        let columns = dialogue::Column::iter().map(column);
        Query::select().exprs(columns).from_subquery(some, dialogue::Entity).cond_where(holds).take()
    };
    let mut literal = None;
    let page = match among {
        Among::All => all(filter.condition(viewer)?.add(beyond)),
        Among::First(limit) => {
            let (bounded, rest) = filter.split();
            let first = ordered(all(bounded.condition(viewer)?.add(beyond)), by, &order).limit(limit).take();
            of(first, rest.holds(viewer, How::OneByOne)?)
        }
        Among::Assigned(limit) => {
            let assigned = policy::visible(viewer).add(Group::Mine.outline()).add(beyond);
            let mut assigned = ordered(all(assigned), by, &order);
            literal = Some(limit);
            of(assigned.order_by_expr(Expr::cust(FIRST_OF), Order::Asc).take(), filter.holds(viewer, How::OneByOne)?)
        }
        Among::Span => {
            let keys = [dialogue::Column::Id, by.column()];
            let mut span = dialogue::Entity::find().select_only().columns(keys);
            let holds = filter.span().as_ref().unwrap_or(filter).condition(viewer)?;
            span = span.filter(holds.add(beyond));
            // With a limit, however far, the database finds them before it sorts them.
            let span = span.into_query().limit(i64::MAX.unsigned_abs()).take();
            let page = Query::select().column(dialogue::Column::Id).from_subquery(span, dialogue::Entity).take();
            let page = ordered(page, by, &order).limit(window.size + 1).take();
            all(dialogue::Column::Id.in_subquery(page).into_condition())
        }
        Among::Unread(limit) => {
            let (unread, rest) = filter.split_unread();
            // Whatever the order: what is unread stands among the latest active, or nearly always.
            let unread = ordered(all(unread.condition(viewer)?), OrderBy::LastActivity, &Order::Desc);
            of(unread.to_owned().limit(limit).take(), rest.holds(viewer, How::OneByOne)?.add(beyond))
        }
    };
    let page = ordered(page, by, &order);
    let mut page = app.db.write().get_database_backend().build(&page);
    page.sql = in_letters(page.sql, literal);
    // A literal: PostgreSQL plans the page anew for one that is bound.
    page.sql.push_str(&format!(" LIMIT {}", window.size + 1));
    Ok(wanted.around(page, viewer, by, &order))
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
