//! Finding the newest of what has certain words, in each database's own kind of index.
//!
//! SQLite's index gives its rows in the order of their numbers, and no more than are asked for. PostgreSQL's knows no order:
//! it would give all that there is of a common word, to be sorted. So what is common is looked for among the newest, what
//! is rare is taken whole, and what is neither is asked for block by block, the newest first: each row has a lexeme that
//! names its block, and the index leaves out the others without reading them.

use sea_orm::sea_query::{Alias, Condition, Expr, ExprTrait, Order, Query as Select, SelectStatement, SimpleExpr};
use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult};

use colloquy_entity::dialogue;

use crate::app::App;
use crate::error::Result;
use crate::words::Query;

use super::Shelf;
use super::index::{Place, block, lexeme};

/// PostgreSQL looks through so many of the newest: what is common is among them.
const NEWEST: u64 = 20_000;
/// Of what is rarer than that, so many are taken without an order, and sorted here.
const RARE: u64 = 2_000;

const NUMBER: &str = "number";

/// What a page is taken from.
pub(super) struct Find {
    pub shelf: Shelf,
    /// Only in these dialogues.
    pub seen: Option<Condition>,
    /// Not before this number, and before that.
    pub from: Option<i64>,
    pub to: Option<i64>,
    /// So many.
    pub most: u64,
}

impl Find {
    /// The newest that are found, after a place among them; later ones first.
    pub async fn places(&self, app: &App, query: &Query, after: Option<&Place>) -> Result<Vec<Place>> {
        // One snapshot: what comes between two statements is in neither.
        let tx = app.db.planned().await?;
        let found = if app.db.is_postgres() {
            self.in_postgres(&tx, &query.tsquery(), after).await?
        } else {
            self.in_sqlite(&tx, query, after).await?
        };
        tx.rollback().await?;
        Ok(found)
    }

    async fn in_sqlite(&self, tx: &DatabaseTransaction, query: &Query, after: Option<&Place>) -> Result<Vec<Place>> {
        let (table, index) = (self.shelf.table(), format!("{}_index", self.shelf.table()));
        let mut select = self.select(table);
        select
            .from(Alias::new(&index))
            .inner_join(Alias::new(table), Expr::cust(format!("{table}.number = {index}.rowid")))
            .and_where(Expr::cust_with_values(format!("{index} MATCH ?"), [query.fts5()]));
        if let Some(place) = after {
            select.and_where(Expr::cust_with_values(format!("{index}.rowid < ?"), [place.number]));
        }
        self.read(tx, &select, &format!(" ORDER BY {index}.rowid DESC LIMIT {}", self.most)).await
    }

    async fn in_postgres(&self, tx: &DatabaseTransaction, words: &str, after: Option<&Place>) -> Result<Vec<Place>> {
        let table = self.shelf.table();
        let newest = self.newest(after);
        let mut select = self.select("newest");
        select.from_subquery(newest.clone(), "newest").and_where(has("newest", words));
        let in_order = format!(" ORDER BY number DESC, {} DESC LIMIT {}", self.shelf.id(), self.most);
        let mut found = self.read(tx, &select, &in_order).await?;
        if found.len() as u64 == self.most {
            return Ok(found);
        }
        let mut last = Select::select();
        last.column(NUMBER).column(self.shelf.id()).from_subquery(newest, "newest");
        let last = self.read(tx, &last, &format!(" LIMIT 1 OFFSET {}", NEWEST - 1)).await?;
        let Some(border) = last.first() else { return Ok(found) };

        let mut select = self.select(table);
        select.from(Alias::new(table)).and_where(has(table, words)).and_where(self.below(table, border));
        let mut rare = self.read(tx, &select, &format!(" LIMIT {RARE}")).await?;
        if (rare.len() as u64) < RARE {
            rare.sort_by(|one, other| other.cmp(one));
            found.extend(rare);
        } else {
            self.by_blocks(tx, words, border, &mut found).await?;
        }
        found.truncate(usize::try_from(self.most).unwrap_or(usize::MAX));
        Ok(found)
    }

    /// Adds what is below a border, until there is enough of it.
    async fn by_blocks(
        &self,
        tx: &DatabaseTransaction,
        words: &str,
        border: &Place,
        found: &mut Vec<Place>,
    ) -> Result<()> {
        let table = self.shelf.table();
        let mut oldest = Select::select();
        oldest.column(NUMBER).column(self.shelf.id()).from(Alias::new(table));
        let oldest = self.read(tx, &oldest, " ORDER BY number LIMIT 1").await?;
        let oldest = oldest.first().map_or(border.number, |place| place.number);
        let oldest = Ord::max(oldest, self.from.unwrap_or(i64::MIN));
        let mut at = block(border.number);
        while at >= block(oldest) && (found.len() as u64) < self.most {
            let mut select = self.select(table);
            select
                .from(Alias::new(table))
                .and_where(has(table, &format!("({words}) & {}", lexeme(at))))
                .and_where(self.below(table, border));
            // By no index's order.
            let order =
                format!(" ORDER BY {table}.number + 0 DESC, {table}.{} DESC LIMIT {}", self.shelf.id(), self.most);
            found.extend(self.read(tx, &select, &order).await?);
            at -= 1;
        }
        Ok(())
    }

    /// The newest, whatever words they have.
    fn newest(&self, after: Option<&Place>) -> SelectStatement {
        let table = self.shelf.table();
        let mut newest = Select::select();
        newest
            .columns([NUMBER, self.shelf.id(), "dialogue_id", "words"])
            .from(Alias::new(table))
            .cond_where(self.bounds(table))
            .order_by(NUMBER, Order::Desc)
            .order_by(self.shelf.id(), Order::Desc)
            .limit(NEWEST);
        if let Some(place) = after {
            newest.and_where(self.below(table, place));
        }
        newest
    }

    /// What all statements have: where it stands, and in what dialogues it is.
    fn select(&self, of: &str) -> SelectStatement {
        let column = |name: &str| (Alias::new(of), Alias::new(name));
        let mut select = Select::select();
        select.column(column(NUMBER)).column(column(self.shelf.id())).cond_where(self.bounds(of));
        if let Some(seen) = &self.seen {
            let dialogues =
                Select::select().column(dialogue::Column::Id).from(dialogue::Entity).cond_where(seen.clone()).take();
            select.and_where(Expr::col(column("dialogue_id")).in_subquery(dialogues));
        }
        select
    }

    fn bounds(&self, of: &str) -> Condition {
        let number = || Expr::col((Alias::new(of), NUMBER));
        let (from, to) = (self.from.map(|from| number().gte(from)), self.to.map(|to| number().lt(to)));
        Condition::all().add_option(from).add_option(to)
    }

    fn below(&self, of: &str, place: &Place) -> SimpleExpr {
        let column = |name: &str| Expr::col((Alias::new(of), Alias::new(name)));
        let here = Expr::tuple([column(NUMBER), column(self.shelf.id())]);
        here.lt(Expr::tuple([place.number.into(), place.id.into()]))
    }

    /// Limits are literals: as bound values they would be planned anew.
    async fn read(&self, tx: &DatabaseTransaction, select: &SelectStatement, tail: &str) -> Result<Vec<Place>> {
        let mut statement = tx.get_database_backend().build(select);
        statement.sql.push_str(tail);
        tx.query_all_raw(statement).await?.iter().map(|row| self.place(row)).collect()
    }

    fn place(&self, row: &QueryResult) -> Result<Place> {
        Ok(Place { number: row.try_get("", NUMBER)?, id: row.try_get("", self.shelf.id())? })
    }
}

/// In PostgreSQL: whether it has these words.
fn has(table: &str, words: &str) -> SimpleExpr {
    Expr::cust_with_values(format!("{table}.words @@ $1::tsquery"), [words])
}
