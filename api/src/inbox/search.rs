//! Searching what was written: the whole archive, newest first, of what the viewer may see.
//!
//! What is found by what is decided by [`words`](crate::words), alike on both databases; each has its own kind of index for them.

mod catch_up;
mod index;

use colloquy_entity::*;
use sea_orm::sea_query::{Alias, Condition, Expr, ExprTrait, Query as Select, SelectStatement};
use sea_orm::{ConnectionTrait, DatabaseBackend, DatabaseConnection, QueryResult, Statement};

use crate::app::App;
use crate::error::{Error, Result};
use crate::paging::{Page, PageArgs, Window};
use crate::viewer::Viewer;
use crate::words::Query;

use super::files;
use super::list::{DialogueFilter, Range};

pub use catch_up::run as catch_up;
pub use index::Place;
pub(super) use index::{comment, message, new_message, no_comment};

/// PostgreSQL looks through so many of the newest before it asks the index, which knows no order: what is common is among
/// them, and of what is not the index has little.
const NEWEST: u64 = 20_000;

const NUMBER: &str = "number";
/// In place of a table that sea-query has no words for.
const FROM: &str = "from here";

/// What is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shelf {
    Messages,
    Comments,
}

impl Shelf {
    fn table(self) -> &'static str {
        match self {
            Self::Messages => "message_words",
            Self::Comments => "comment_words",
        }
    }

    fn id(self) -> &'static str {
        match self {
            Self::Messages => "message_id",
            Self::Comments => "comment_id",
        }
    }
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Found<T> {
    /// Its place among the results.
    pub place: Place,
    /// The text around the hit, HTML-escaped, the hits in `<mark></mark>`.
    pub snippet: String,
    /// What it is.
    pub what: T,
}

/// What is looked for, and among what.
pub struct Asked<'a> {
    /// As it was typed.
    pub text: &'a str,
    /// Only in these dialogues.
    pub filter: &'a DialogueFilter,
    /// Only what was written then.
    pub created_at: Range,
}

/// A page of messages; what their files are called counts as written, too.
pub async fn messages(
    app: &App,
    viewer: &Viewer,
    asked: &Asked<'_>,
    args: &PageArgs,
) -> Result<Page<Found<message::Model>>> {
    let (query, page) = page(app, viewer, Shelf::Messages, asked, args).await?;
    let ids: Vec<MessageId> = page.items.iter().map(|place| MessageId(place.id)).collect();
    let db = app.db.read();
    let rows = super::messages::by_ids(db, viewer, &ids).await?;
    let files = files::of(db, &ids).await?;
    let found = page.items.into_iter().filter_map(|place| {
        // One that was deleted since is not shown.
        let row = rows.iter().find(|row| row.id.0 == place.id && row.deleted_at.is_none())?.clone();
        let of = files.iter().filter(|file| file.message_id == Some(row.id));
        let parts = index::parts(&row, of);
        Some(Found { place, snippet: query.snippet(parts.iter().map(String::as_str)), what: row })
    });
    Ok(Page { items: found.collect(), has_next: page.has_next, has_previous: page.has_previous })
}

/// A page of comments.
pub async fn comments(
    app: &App,
    viewer: &Viewer,
    asked: &Asked<'_>,
    args: &PageArgs,
) -> Result<Page<Found<comment::Model>>> {
    let (query, page) = page(app, viewer, Shelf::Comments, asked, args).await?;
    let ids: Vec<CommentId> = page.items.iter().map(|place| CommentId(place.id)).collect();
    let rows = super::comments::by_ids(app.db.read(), viewer, &ids).await?;
    let found = page.items.into_iter().filter_map(|place| {
        let row = rows.iter().find(|row| row.id.0 == place.id)?.clone();
        Some(Found { place, snippet: query.snippet([row.text.as_str()]), what: row })
    });
    Ok(Page { items: found.collect(), has_next: page.has_next, has_previous: page.has_previous })
}

/// The places of a page, with what was asked for.
async fn page(
    app: &App,
    viewer: &Viewer,
    shelf: Shelf,
    asked: &Asked<'_>,
    args: &PageArgs,
) -> Result<(Query, Page<Place>)> {
    let query = Query::read(asked.text).map_err(|refused| Error::bad("text", refused.0))?;
    let window: Window<Place> = args.window()?;
    asked.created_at.check("createdAt")?;
    let number = |at: Option<Time>| at.map(|at| index::number_at(at, 0));
    let find = Find {
        shelf,
        seen: seen(viewer, asked.filter)?,
        from: number(asked.created_at.from),
        to: number(asked.created_at.to),
        most: window.size + 1,
    };
    let db = app.db.read();
    let rows = if db.get_database_backend() == DatabaseBackend::Postgres {
        find.in_postgres(db, &query, window.after.as_ref()).await?
    } else {
        find.in_sqlite(db, &query, window.after.as_ref()).await?
    };
    Ok((query, Page::cut(rows, &window)))
}

/// The dialogues that are searched; none where that is all of them.
fn seen(viewer: &Viewer, filter: &DialogueFilter) -> Result<Option<Condition>> {
    let sees_all = viewer.role != Role::Observer;
    if sees_all && *filter == DialogueFilter::default() {
        return Ok(None);
    }
    Ok(Some(filter.condition(viewer)?))
}

struct Find {
    shelf: Shelf,
    seen: Option<Condition>,
    from: Option<i64>,
    to: Option<i64>,
    most: u64,
}

impl Find {
    /// What all statements have: where it stands, and in what dialogues it is.
    fn select(&self, from: Alias, below: Option<&Place>) -> SelectStatement {
        let mut select = Select::select();
        select.column((from.clone(), NUMBER)).column((from.clone(), Alias::new(self.shelf.id())));
        if let Some(seen) = &self.seen {
            let dialogues =
                Select::select().column(dialogue::Column::Id).from(dialogue::Entity).cond_where(seen.clone()).take();
            select.and_where(Expr::col((from.clone(), Alias::new("dialogue_id"))).in_subquery(dialogues));
        }
        self.bounds(&mut select, &from, below);
        select
    }

    fn bounds(&self, select: &mut SelectStatement, from: &Alias, below: Option<&Place>) {
        let number = || Expr::col((from.clone(), NUMBER));
        if let Some(least) = self.from {
            select.and_where(number().gte(least));
        }
        if let Some(most) = self.to {
            select.and_where(number().lt(most));
        }
        if let Some(place) = below {
            let id = Expr::col((from.clone(), Alias::new(self.shelf.id())));
            select.and_where(Expr::tuple([number(), id]).lt(Expr::tuple([place.number.into(), place.id.into()])));
        }
    }

    /// The index gives its rows in the order of their numbers, and no more than are asked for.
    async fn in_sqlite(&self, db: &DatabaseConnection, query: &Query, after: Option<&Place>) -> Result<Vec<Place>> {
        let (table, index) = (self.shelf.table(), format!("{}_index", self.shelf.table()));
        let mut select = self.select(Alias::new(table), None);
        select
            .from(Alias::new(&index))
            .inner_join(Alias::new(table), Expr::cust(format!("{table}.number = {index}.rowid")))
            // Its words have no quotes.
            .and_where(Expr::cust(format!("{index} MATCH '{}'", query.fts5())));
        if let Some(place) = after {
            select.and_where(Expr::cust(format!("{index}.rowid < {}", place.number)));
        }
        self.places(db, &select, &format!(" ORDER BY {index}.rowid DESC LIMIT {}", self.most)).await
    }

    async fn in_postgres(&self, db: &DatabaseConnection, query: &Query, after: Option<&Place>) -> Result<Vec<Place>> {
        let (table, id) = (self.shelf.table(), self.shelf.id());
        let matches =
            |of: &str| Expr::cust(format!("{of}.words @@ '{}'::tsquery", query.tsquery().replace('\'', "''")));
        let newest = format!("SELECT * FROM {table} WHERE {} ORDER BY number DESC, {id} DESC", self.range(after));
        let mut select = self.select(Alias::new("newest"), None);
        select.and_where(matches("newest"));
        let from = format!("({newest} LIMIT {NEWEST}) AS newest");
        select.from(Alias::new(FROM));
        let order = format!(" ORDER BY number DESC, {id} DESC LIMIT {}", self.most);
        let mut found = self.places_from(db, &select, &from, &order).await?;
        if found.len() as u64 == self.most {
            return Ok(found);
        }
        let last = format!("SELECT number, {id} FROM ({newest} LIMIT 1 OFFSET {}) AS last", NEWEST - 1);
        let last = db.query_one_raw(Statement::from_string(DatabaseBackend::Postgres, last)).await?;
        let Some(last) = last else { return Ok(found) };
        let last = self.place(&last)?;
        let mut select = self.select(Alias::new(table), Some(&last));
        select.from(Alias::new(table)).and_where(matches(table));
        // What came since has moved the border: what is above it is found already.
        let is_found = found.iter().map(|place| place.id);
        select.and_where(Expr::col((Alias::new(table), Alias::new(id))).is_not_in(is_found));
        // By no index's order: what is rare is found by its words.
        let order =
            format!(" ORDER BY {table}.number + 0 DESC, {table}.{id} DESC LIMIT {}", self.most - found.len() as u64);
        found.extend(self.places(db, &select, &order).await?);
        Ok(found)
    }

    /// The bounds as a text.
    fn range(&self, below: Option<&Place>) -> String {
        let mut terms = vec!["true".to_owned()];
        terms.extend(self.from.map(|from| format!("number >= {from}")));
        terms.extend(self.to.map(|to| format!("number < {to}")));
        terms.extend(below.map(|place| format!("(number, {}) < ({}, '{}')", self.shelf.id(), place.number, place.id)));
        terms.join(" AND ")
    }

    async fn places(&self, db: &DatabaseConnection, select: &SelectStatement, tail: &str) -> Result<Vec<Place>> {
        self.places_from(db, select, "", tail).await
    }

    /// Limits are literals: as bound values they would be planned anew.
    async fn places_from(
        &self,
        db: &DatabaseConnection,
        select: &SelectStatement,
        from: &str,
        tail: &str,
    ) -> Result<Vec<Place>> {
        let mut statement = db.get_database_backend().build(select);
        if !from.is_empty() {
            statement.sql = statement.sql.replacen(&format!("\"{FROM}\""), from, 1);
        }
        statement.sql.push_str(tail);
        db.query_all_raw(statement).await?.iter().map(|row| self.place(row)).collect()
    }

    fn place(&self, row: &QueryResult) -> Result<Place> {
        Ok(Place { number: row.try_get("", "number")?, id: row.try_get("", self.shelf.id())? })
    }
}
