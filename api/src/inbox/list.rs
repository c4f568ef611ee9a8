//! The list of dialogues: the operator's inbox and the archive are one query, filtered.

mod columns;
mod filter;
mod order;
mod whole;

use colloquy_entity::*;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, IntoCondition, Order, Query, SelectStatement, SimpleExpr};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, Iterable, PaginatorTrait, QueryFilter, QueryTrait, Statement,
};

use crate::app::App;
use crate::error::{Error, Result};
use crate::paging::{Page, PageArgs, Window};
use crate::viewer::Viewer;

pub use filter::{DialogueFilter, Range};
pub use order::{OrderBy, Place};
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

    /// The same for queries over dialogues. Written as the partial indexes are: what is bound matches none of them.
    pub(super) fn condition(self, viewer: &Viewer) -> Condition {
        let assigned = || in_state(DialogueState::Open).and(Expr::cust("dialogues.is_assigned = TRUE"));
        match self {
            Self::Closed => in_state(DialogueState::Closed).into_condition(),
            Self::Mine => Condition::all().add(assigned()).add(dialogue::Column::Id.in_subquery(mine(viewer))),
            Self::Unassigned => {
                Condition::all().add(in_state(DialogueState::Open)).add(Expr::cust("dialogues.is_assigned = FALSE"))
            }
            Self::Others => {
                let this = Expr::col((participant::Entity, participant::Column::DialogueId));
                let mine = mine(viewer).and_where(this.equals((dialogue::Entity, dialogue::Column::Id))).take();
                Condition::all().add(assigned()).add(Expr::exists(mine).not())
            }
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
        .column(participant::Column::DialogueId)
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
    let whole = statement(app, viewer, filter, order, args, wanted, Among::All)?;
    let rows = if filter.is_usual() {
        app.db.read().query_all_raw(whole).await?
    } else {
        // How rare what is asked for is decides between its index and the list's.
        let tx = app.db.planned().await?;
        let mut rows = Vec::new();
        for &among in filter.first_among() {
            rows = tx.query_all_raw(statement(app, viewer, filter, order, args, wanted, among)?).await?;
            if rows.len() as u64 > window.size {
                break;
            }
        }
        if rows.len() as u64 <= window.size {
            rows = tx.query_all_raw(whole).await?;
        }
        tx.rollback().await?;
        rows
    };
    let mut common = Common::default();
    let found = rows.iter().map(|row| Found::read(row, viewer, wanted, &mut common)).collect::<Result<Vec<_>>>()?;
    Ok(Page::cut(found, &window))
}

/// Among which dialogues of the list a page is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Among {
    /// All of them.
    All,
    /// So many that come first in its order. What is common is found among them, whether or not the database knows that
    /// it is; to find all of it and sort that takes far longer.
    First(u64),
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
    let (before, after) = match among {
        Among::All => (filter.condition(viewer)?, None),
        Among::First(_) => {
            let (bounded, rest) = filter.split();
            (bounded.condition(viewer)?, Some(rest.holds(viewer)?))
        }
    };
    let mut query = dialogue::Entity::find().filter(before);
    let column = |column| Expr::col((dialogue::Entity, column));
    // Later in the list is smaller in number where the newest come first.
    for (field, bound, is_after) in [("after", &window.after, true), ("before", &window.before, false)] {
        let Some(place) = *bound else { continue };
        if place.by != by {
            return Err(Error::bad(field, format!("`{field}` is a cursor of this list in another order")));
        }
        // As one value: an index goes to it, however deep it is.
        let here = Expr::tuple([column(by.column()), column(dialogue::Column::Id)]);
        let there = Expr::tuple([place.moment.into(), place.id.into()]);
        query = query.filter(if is_after == ascending { here.gt(there) } else { here.lt(there) });
    }
    let order = if ascending == window.backward { Order::Desc } else { Order::Asc };
    let ordered = |query: &mut SelectStatement| {
        query.order_by_expr(column(by.column()), order.clone());
        query.order_by_expr(column(dialogue::Column::Id), order.clone());
    };
    let mut page = QueryTrait::into_query(query);
    if let (Among::First(limit), Some(rest)) = (among, after) {
        ordered(&mut page);
        page.limit(limit);
        let columns = dialogue::Column::iter().map(column);
        page = Query::select().exprs(columns).from_subquery(page, dialogue::Entity).cond_where(rest).take();
    }
    ordered(&mut page);
    let mut page = app.db.write().get_database_backend().build(&page);
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
