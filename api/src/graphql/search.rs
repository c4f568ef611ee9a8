//! Searching what was written.

use async_graphql::{Context, Object, SimpleObject};

use crate::error::Result;
use crate::inbox::search::{self, Asked, Found, Results};
use crate::paging::{Key, PageArgs};

use super::Ask;
use super::comments::Comment;
use super::connection::PageInfo;
use super::filters::{DateTimeRange, DialogueFilter};
use super::messages::Message;

/// A message found by a search
#[derive(SimpleObject)]
pub struct MessageSearchEdge {
    /// Its place among the results
    cursor: String,
    /// The message
    node: Message,
    /// HTML-escaped text around the hit, the hits in <mark></mark>
    snippet: String,
}

/// A page of search results, newest first
#[derive(SimpleObject)]
pub struct MessageSearchConnection {
    /// The results
    edges: Vec<MessageSearchEdge>,
    /// Where the page stands
    page_info: PageInfo,
}

/// A comment found by a search
#[derive(SimpleObject)]
pub struct CommentSearchEdge {
    /// Its place among the results
    cursor: String,
    /// The comment
    node: Comment,
    /// HTML-escaped text around the hit, the hits in <mark></mark>
    snippet: String,
}

/// A page of search results, newest first
#[derive(SimpleObject)]
pub struct CommentSearchConnection {
    /// The results
    edges: Vec<CommentSearchEdge>,
    /// Where the page stands
    page_info: PageInfo,
}

/// Each result as an edge, and where the page stands.
fn shown<T, E>(results: Results<T>, edge: impl Fn(String, T, String) -> E) -> (Vec<E>, PageInfo) {
    let Results { page, ends } = results;
    let [start_cursor, end_cursor] = ends.map_or([None, None], |ends| ends.map(|place| Some(place.encode())));
    let page_info =
        PageInfo { has_next_page: page.has_next, has_previous_page: page.has_previous, start_cursor, end_cursor };
    let edge = |found: Found<T>| edge(found.place.encode(), found.what, found.snippet);
    (page.items.into_iter().map(edge).collect(), page_info)
}

/// Searching.
#[derive(Default)]
pub struct SearchQueries;

#[Object]
impl SearchQueries {
    /// Full-text search over messages, newest first; Russian and English word forms, prefixes as typed
    ///
    /// All words have to be there, in the text or in what its files are called; the last one may be the beginning of a
    /// word, and any that ends with a star. What is in quotes stands in that order. Telephone and other numbers are found
    /// however they are spelled. BAD_USER_INPUT without a word, with over 32 or with over 1,000 characters.
    async fn search_messages(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to look for")] text: String,
        #[graphql(desc = "Only in these dialogues")] filter: Option<DialogueFilter>,
        #[graphql(desc = "Only messages stored then")] created_at: Option<DateTimeRange>,
        #[graphql(desc = "So many: 1 to 100")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor")] after: Option<String>,
    ) -> Result<MessageSearchConnection> {
        let (app, viewer) = (ctx.app()?, ctx.viewer()?);
        let filter = filter.unwrap_or_default().into();
        let asked = Asked { text: &text, filter: &filter, created_at: created_at.map(Into::into).unwrap_or_default() };
        let found = search::messages(app, &viewer, &asked, &PageArgs { first, after, ..PageArgs::default() }).await?;
        let (edges, page_info) =
            shown(found, |cursor, found, snippet| MessageSearchEdge { cursor, node: Message::from(found), snippet });
        Ok(MessageSearchConnection { edges, page_info })
    }

    /// The same over comments
    async fn search_comments(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to look for")] text: String,
        #[graphql(desc = "Only in these dialogues")] filter: Option<DialogueFilter>,
        #[graphql(desc = "Only comments written then")] created_at: Option<DateTimeRange>,
        #[graphql(desc = "So many: 1 to 100")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor")] after: Option<String>,
    ) -> Result<CommentSearchConnection> {
        let (app, viewer) = (ctx.app()?, ctx.viewer()?);
        let filter = filter.unwrap_or_default().into();
        let asked = Asked { text: &text, filter: &filter, created_at: created_at.map(Into::into).unwrap_or_default() };
        let found = search::comments(app, &viewer, &asked, &PageArgs { first, after, ..PageArgs::default() }).await?;
        let (edges, page_info) =
            shown(found, |cursor, found, snippet| CommentSearchEdge { cursor, node: Comment(found), snippet });
        Ok(CommentSearchConnection { edges, page_info })
    }
}
