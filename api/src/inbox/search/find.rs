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
use crate::policy;
use crate::viewer::Viewer;
use crate::words::Query;

use super::Shelf;
use super::index::{Place, block, lexeme};

/// PostgreSQL looks through so many of the newest: what is common is among them.
const NEWEST: u64 = 20_000;
/// Where not all dialogues are searched, each of so many is first asked for its own: to find out which dialogues there are
/// takes longer.
const NEAR: u64 = 2_000;
/// Of what is rarer than that, so many are taken without an order, and sorted here.
const RARE: u64 = 2_000;

const NUMBER: &str = "number";

/// What a page is taken from.
pub(super) struct Find<'a> {
    pub shelf: Shelf,
    /// Only what they may see.
    pub viewer: &'a Viewer,
    /// Only in dialogues of which this holds.
    pub filter: Option<Condition>,
    /// These are a few, and named.
    pub is_of_few: bool,
    /// Not before this number, and before that.
    pub from: Option<i64>,
    pub to: Option<i64>,
    /// So many.
    pub most: u64,
}

impl Find<'_> {
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
        // What has a sign SQLite looks up in no index: by that of the dialogues it would ask all that are searched at each
        // hit, which is right for a few only.
        let sign = if self.is_of_few { "" } else { "+" };
        let mut select = self.within(table, Expr::cust(format!("{sign}{table}.dialogue_id")));
        select
            .from(Alias::new(&index))
            .inner_join(Alias::new(table), Expr::cust(format!("{table}.number = {index}.rowid")))
            .and_where(Expr::cust_with_values(format!("{index} MATCH ?"), [query.fts5()]));
        // Of the index itself, which goes there at once; by the table it would go through all that is newer.
        for (sign, number) in [("<", after.map(|place| place.number)), (">=", self.from), ("<", self.to)] {
            if let Some(number) = number {
                select.and_where(Expr::cust_with_values(format!("{index}.rowid {sign} ?"), [number]));
            }
        }
        self.read(tx, &select, &format!(" ORDER BY {index}.rowid DESC LIMIT {}", self.most)).await
    }

    async fn in_postgres(&self, tx: &DatabaseTransaction, words: &str, after: Option<&Place>) -> Result<Vec<Place>> {
        let (mut found, mut border) = (Vec::new(), after.copied());
        let windows = if self.is_of_all() { &[NEWEST][..] } else { &[NEAR, NEWEST] };
        for window in windows {
            let newest = self.newest(border.as_ref(), *window);
            let mut select = if *window == NEAR { self.one_by_one("newest") } else { self.among("newest") };
            select.from_subquery(newest.clone(), "newest").and_where(has("newest", words));
            let more = self.read(tx, &select, &self.in_order("number", found.len())).await?;
            found.extend(more);
            if self.is_enough(&found) {
                return Ok(found);
            }
            let mut last = Select::select();
            last.column(NUMBER).column(self.shelf.id()).from_subquery(newest, "newest");
            border = self.read(tx, &last, &format!(" LIMIT 1 OFFSET {}", window - 1)).await?.pop();
            if border.is_none() {
                return Ok(found);
            }
        }
        let Some(mut border) = border else { return Ok(found) };
        let mut at = block(border.number);
        if !self.is_of_all() {
            // What is common, in some of the dialogues: to take all that there is of it would take long.
            self.add_block(tx, words, at, &border, &mut found).await?;
            if self.is_enough(&found) {
                return Ok(found);
            }
            border = Place::start_of(at);
            at -= 1;
        }
        let mut rare = self.read(tx, &self.below_with(words, &border), &format!(" LIMIT {RARE}")).await?;
        if (rare.len() as u64) < RARE {
            rare.sort_by(|one, other| other.cmp(one));
            found.extend(rare);
            found.truncate(usize::try_from(self.most).unwrap_or(usize::MAX));
        } else {
            self.by_blocks(tx, words, at, &border, &mut found).await?;
        }
        Ok(found)
    }

    /// Whether what is found fills the page.
    fn is_enough(&self, found: &[Place]) -> bool {
        found.len() as u64 >= self.most
    }

    /// The newest first, as many as are missing.
    fn in_order(&self, number: &str, found: usize) -> String {
        format!(" ORDER BY {number} DESC, {} DESC LIMIT {}", self.shelf.id(), self.most.saturating_sub(found as u64))
    }

    /// Adds what is below a border, block by block from this one on, until there is enough of it.
    async fn by_blocks(
        &self,
        tx: &DatabaseTransaction,
        words: &str,
        mut at: i64,
        border: &Place,
        found: &mut Vec<Place>,
    ) -> Result<()> {
        let table = self.shelf.table();
        let mut oldest = Select::select();
        oldest.column(NUMBER).column(self.shelf.id()).from(Alias::new(table));
        let oldest = self.read(tx, &oldest, " ORDER BY number LIMIT 1").await?;
        let oldest = oldest.first().map_or(border.number, |place| place.number);
        let oldest = Ord::max(oldest, self.from.unwrap_or(i64::MIN));
        while at >= block(oldest) && !self.is_enough(found) {
            self.add_block(tx, words, at, border, found).await?;
            at -= 1;
        }
        Ok(())
    }

    /// Adds what a block has below a border.
    async fn add_block(
        &self,
        tx: &DatabaseTransaction,
        words: &str,
        at: i64,
        border: &Place,
        found: &mut Vec<Place>,
    ) -> Result<()> {
        let select = self.below_with(&format!("({words}) & {}", lexeme(at)), border);
        // By no index's order.
        let number = format!("{}.number + 0", self.shelf.table());
        let more = self.read(tx, &select, &self.in_order(&number, found.len())).await?;
        found.extend(more);
        Ok(())
    }

    /// What has these words below a border.
    fn below_with(&self, words: &str, border: &Place) -> SelectStatement {
        let table = self.shelf.table();
        let mut select = self.among(table);
        select.from(Alias::new(table)).and_where(has(table, words)).and_where(self.below(table, border));
        select
    }

    /// The newest, whatever words they have.
    fn newest(&self, after: Option<&Place>, window: u64) -> SelectStatement {
        let table = self.shelf.table();
        let mut newest = Select::select();
        newest
            .columns([NUMBER, self.shelf.id(), "dialogue_id", "words"])
            .from(Alias::new(table))
            .cond_where(self.bounds(table))
            .order_by(NUMBER, Order::Desc)
            .order_by(self.shelf.id(), Order::Desc)
            .limit(window);
        if let Some(place) = after {
            newest.and_where(self.below(table, place));
        }
        newest
    }

    /// Whether all dialogues are searched.
    fn is_of_all(&self) -> bool {
        self.filter.is_none() && policy::visible(self.viewer).is_empty()
    }

    /// Where they stand who are within bounds, and in the dialogues that are searched.
    fn among(&self, of: &str) -> SelectStatement {
        self.within(of, Expr::col((Alias::new(of), Alias::new("dialogue_id"))))
    }

    /// The same; how each names its dialogue may say more than which that is.
    fn within(&self, of: &str, dialogue: Expr) -> SelectStatement {
        let mut select = self.select(of);
        select.cond_where(self.bounds(of));
        match &self.filter {
            None => select.cond_where(policy::visible_by(self.viewer, dialogue)),
            Some(filter) => select.and_where(dialogue.in_subquery(dialogues(filter.clone()))),
        };
        select
    }

    /// The same, where each is asked for its own dialogue.
    fn one_by_one(&self, of: &str) -> SelectStatement {
        let filter = self.filter.clone().unwrap_or_else(|| policy::visible(self.viewer));
        let own =
            Expr::col((dialogue::Entity, dialogue::Column::Id)).equals((Alias::new(of), Alias::new("dialogue_id")));
        // With an offset it is not made a join.
        let dialogue = dialogues(filter).and_where(own).offset(0).take();
        self.select(of).and_where(Expr::exists(dialogue)).take()
    }

    fn select(&self, of: &str) -> SelectStatement {
        let column = |name: &str| (Alias::new(of), Alias::new(name));
        Select::select().column(column(NUMBER)).column(column(self.shelf.id())).take()
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

/// The dialogues of which this holds.
fn dialogues(holds: Condition) -> SelectStatement {
    Select::select().column((dialogue::Entity, dialogue::Column::Id)).from(dialogue::Entity).cond_where(holds).take()
}

/// In PostgreSQL: whether it has these words.
fn has(table: &str, words: &str) -> SimpleExpr {
    Expr::cust_with_values(format!("{table}.words @@ $1::tsquery"), [words])
}
