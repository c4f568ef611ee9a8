//! The first so many of each of several owners, in one statement: what loaders ask for.

use sea_orm::sea_query::{
    Asterisk, Expr, ExprTrait, IntoColumnRef, Order, OrderedStatement, Query, SimpleExpr, WindowStatement,
};
use sea_orm::{ConnectionTrait, EntityTrait, FromQueryResult, QueryTrait, Select};
use uuid::Uuid;

use crate::error::Result;

/// What a list that is no connection holds of each owner.
pub(crate) const LATEST: u64 = 100;

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
    let read = |row| Ok((sea_orm::QueryResult::try_get(row, "", "owner_id")?, M::from_query_result(row, "")?));
    rows.iter().map(read).collect()
}
