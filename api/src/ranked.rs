//! The first so many rows of a list, or of each of several lists in one statement: what loaders ask for.

use std::collections::HashMap;

use sea_orm::sea_query::{
    Asterisk, Expr, ExprTrait, IntoColumnRef, Order, OrderedStatement, Query, SimpleExpr, UnionType, WindowStatement,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, IdenStatic, QueryFilter, QueryOrder, QueryResult,
    QuerySelect, QueryTrait, Select, TryGetable, Value,
};
use uuid::Uuid;

use crate::error::Result;
use crate::paging::{Page, Window};

/// What a list that is no connection holds of each owner.
pub(crate) const LATEST: u64 = 100;
/// Most lists in one statement: SQLite takes 500 parts.
const PARTS: usize = 100;

/// A page of a list in the order of one column, in which no two rows are alike and whose values the cursors hold.
pub(crate) async fn page<E: EntityTrait, C: Into<Value> + Copy, M: FromQueryResult + Send + Sync>(
    db: &impl ConnectionTrait,
    list: Select<E>,
    by: E::Column,
    window: &Window<C>,
) -> Result<Page<M>> {
    Ok(Page::cut(cut(list, by, window).into_model::<M>().all(db).await?, window))
}

/// The same page of each owner's list; of an owner whose list is empty, none. Each list is read no further than its
/// page, where [`each`] numbers all that there is.
pub(crate) async fn pages<E: EntityTrait, C: Into<Value> + Copy + Ord + TryGetable, M: FromQueryResult>(
    db: &impl ConnectionTrait,
    lists: impl IntoIterator<Item = (Uuid, Select<E>)>,
    by: E::Column,
    window: &Window<C>,
) -> Result<HashMap<Uuid, Page<M>>> {
    let parts: Vec<_> = lists
        .into_iter()
        .map(|(owner, list)| {
            let list = QueryTrait::into_query(cut(list, by, window));
            let owner = Expr::val(owner);
            Query::select().column(Asterisk).expr_as(owner, "owner_id").from_subquery(list, "part").take()
        })
        .collect();
    let mut found: HashMap<Uuid, Vec<(C, M)>> = HashMap::new();
    for parts in parts.chunks(PARTS) {
        let Some((first, others)) = parts.split_first() else { break };
        let mut whole = first.clone();
        for part in others {
            whole.union(UnionType::All, part.clone());
        }
        for row in db.query_all(&whole).await? {
            let (place, model) = (row.try_get("", by.as_str())?, M::from_query_result(&row, "")?);
            found.entry(row.try_get("", "owner_id")?).or_default().push((place, model));
        }
    }
    let pages = found.into_iter().map(|(owner, mut rows)| {
        // A union promises no order.
        rows.sort_by_key(|(place, _)| *place);
        if window.backward {
            rows.reverse();
        }
        (owner, Page::cut(rows.into_iter().map(|(_, model)| model).collect(), window))
    });
    Ok(pages.collect())
}

/// Between the window's cursors, as many rows as tell the page and whether there is more.
fn cut<E: EntityTrait, C: Into<Value> + Copy>(mut list: Select<E>, by: E::Column, window: &Window<C>) -> Select<E> {
    if let Some(after) = window.after {
        list = list.filter(by.gt(after));
    }
    if let Some(before) = window.before {
        list = list.filter(by.lt(before));
    }
    let order = if window.backward { Order::Desc } else { Order::Asc };
    list.order_by(by, order).limit(window.size + 1)
}

/// Of the rows that a query finds the first `most` of each owner, by owner and then in the order given.
pub(crate) async fn each<E: EntityTrait, M: FromQueryResult>(
    db: &impl ConnectionTrait,
    mut query: Select<E>,
    owner: impl IntoColumnRef,
    order: impl IntoIterator<Item = (SimpleExpr, Order)>,
    most: u64,
) -> Result<Vec<(Uuid, M)>> {
    let owner = owner.into_column_ref();
    let mut window = WindowStatement::partition_by(owner.clone());
    for (by, direction) in order {
        OrderedStatement::order_by_expr(&mut window, by, direction);
    }
    let inner = QueryTrait::query(&mut query)
        .expr_as(Expr::col(owner), "owner_id")
        .expr_window_as(Expr::cust("ROW_NUMBER()"), window, "place")
        .take();
    let outer = Query::select()
        .column(Asterisk)
        .from_subquery(inner, "ranked")
        .and_where(Expr::col("place").lte(most))
        .order_by("owner_id", Order::Asc)
        .order_by("place", Order::Asc)
        .take();
    let rows = db.query_all(&outer).await?;
    let read = |row| Ok((QueryResult::try_get(row, "", "owner_id")?, M::from_query_result(row, "")?));
    rows.iter().map(read).collect()
}
