//! Searching what was written: the whole archive, newest first, of what the viewer may see.
//!
//! What is found by what is decided by [`words`](crate::words), alike on both databases; each has its own kind of index for them.

mod catch_up;
mod find;
mod index;

use colloquy_entity::*;

use crate::app::App;
use crate::error::{Error, Result};
use crate::paging::{Page, PageArgs, Window};
use crate::viewer::Viewer;
use crate::words::Query;

use super::files;
use super::list::{DialogueFilter, Range};
use find::Find;

pub use catch_up::run as catch_up;
pub use index::Place;
pub(super) use index::{Entry, comment, message, new_message, no_comment};

/// What is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shelf {
    Messages,
    Comments,
}

impl Shelf {
    /// The table of its words.
    fn table(self) -> &'static str {
        match self {
            Self::Messages => "message_words",
            Self::Comments => "comment_words",
        }
    }

    /// The table of what is searched.
    fn of(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Comments => "comments",
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

/// A page of them.
pub struct Results<T> {
    /// Those that are still there.
    pub page: Page<Found<T>>,
    /// The first place and the last: where the page stands, whatever was deleted meanwhile.
    pub ends: Option<[Place; 2]>,
}

impl<T> Results<T> {
    /// From the places that were found; `show` leaves out what is not there any more.
    fn of(places: Page<Place>, show: impl Fn(Place) -> Option<Found<T>>) -> Self {
        let ends = places.items.first().copied().zip(places.items.last().copied()).map(<[Place; 2]>::from);
        let Page { items, has_next, has_previous } = places;
        Self { page: Page { items: items.into_iter().filter_map(show).collect(), has_next, has_previous }, ends }
    }
}

/// So many dialogues are few.
const FEW: usize = 5;

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
) -> Result<Results<message::Model>> {
    let (query, page) = page(app, viewer, Shelf::Messages, asked, args).await?;
    let ids: Vec<MessageId> = page.items.iter().map(|place| MessageId(place.id)).collect();
    let db = app.db.read();
    let rows = super::messages::by_ids(db, viewer, &ids).await?;
    let files = files::of(db, &ids).await?;
    Ok(Results::of(page, |place| {
        // One that was deleted since is not shown.
        let row = rows.iter().find(|row| row.id.0 == place.id && row.deleted_at.is_none())?.clone();
        let of = files.iter().filter(|file| file.message_id == Some(row.id));
        let parts = index::parts(&row, of);
        Some(Found { place, snippet: query.snippet(parts.iter().map(String::as_str)), what: row })
    }))
}

/// A page of comments.
pub async fn comments(
    app: &App,
    viewer: &Viewer,
    asked: &Asked<'_>,
    args: &PageArgs,
) -> Result<Results<comment::Model>> {
    let (query, page) = page(app, viewer, Shelf::Comments, asked, args).await?;
    let ids: Vec<CommentId> = page.items.iter().map(|place| CommentId(place.id)).collect();
    let rows = super::comments::by_ids(app.db.read(), viewer, &ids).await?;
    Ok(Results::of(page, |place| {
        let row = rows.iter().find(|row| row.id.0 == place.id)?.clone();
        Some(Found { place, snippet: query.snippet([row.text.as_str()]), what: row })
    }))
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
        viewer,
        // None where it is of all dialogues.
        filter: (*asked.filter != DialogueFilter::default()).then(|| asked.filter.condition(viewer)).transpose()?,
        is_of_few: asked.filter.names().is_some_and(|named| named <= FEW),
        from: number(asked.created_at.from),
        to: number(asked.created_at.to),
        most: window.size + 1,
    };
    let rows = find.places(app, &query, window.after.as_ref()).await?;
    Ok((query, Page::cut(rows, &window)))
}
