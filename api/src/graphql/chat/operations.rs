//! What a visitor asks for.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use futures_util::stream::{BoxStream, StreamExt, unfold};

use crate::error::{Error, Result};
use crate::inbox::chat::{self, Updates, Words};
use crate::log::Cursor;
use crate::paging::Key;

use super::objects::{Chat, ChatMessage, ChatUpdate, SendChatMessagePayload, StartChatPayload};
use super::{Asking, parse};

/// What a visitor reads.
pub struct Query;

/// What a visitor reads. Each request but the one with `startChat` has the visitor's token: `Authorization: Bearer …`
#[Object]
impl Query {
    /// The visitor's conversation; with an empty list before the first message
    async fn chat(&self, ctx: &Context<'_>) -> Result<Chat> {
        let asking = Asking::of(ctx)?;
        Ok(Chat(chat::Chat::of(&asking.app, asking.visitor()?).await?))
    }
}

/// What a visitor does.
pub struct Mutation;

/// What a visitor does
#[Object]
impl Mutation {
    /// Begins as a new visitor; the token is the visitor's from then on. No Authorization needed. FORBIDDEN where the
    /// page's origin may not show this channel's chat
    async fn start_chat(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The website channel")] channel_id: ID,
    ) -> Result<StartChatPayload> {
        let asking = Asking::of(ctx)?;
        let token = chat::start(&asking.app, parse(&channel_id), &asking.visit.page).await?;
        Ok(StartChatPayload { token })
    }

    /// With the same key again it answers with the message that it made first. FORBIDDEN to a visitor whom the company
    /// has blocked; RATE_LIMITED, with `extensions.retryAfter` in seconds, where it is too much
    async fn send_message(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The words; may be left out beside files")] text: Option<String>,
        #[graphql(desc = "What POST /chat/files answered; up to 10")] file_ids: Option<Vec<ID>>,
        #[graphql(desc = "Anything that is another for each message, 1 to 128 characters")] key: String,
    ) -> Result<SendChatMessagePayload> {
        let asking = Asking::of(ctx)?;
        let files = file_ids.unwrap_or_default().iter().map(|id| parse(id)).collect();
        let words = Words { text: text.unwrap_or_default(), files, key };
        let message = chat::send(&asking.app, asking.visitor()?, asking.visit.address, words).await?;
        Ok(SendChatMessagePayload { message: ChatMessage(message) })
    }

    /// Shows the operators for some seconds that the visitor writes
    async fn set_typing(&self, ctx: &Context<'_>) -> Result<bool> {
        let asking = Asking::of(ctx)?;
        chat::set_typing(&asking.app, asking.visitor()?).await?;
        Ok(true)
    }

    /// Messages of the company up to this one arrived
    async fn mark_delivered(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The latest that arrived")] up_to_message_id: ID,
    ) -> Result<bool> {
        let asking = Asking::of(ctx)?;
        chat::mark_delivered(&asking.app, asking.visitor()?, parse(&up_to_message_id)).await?;
        Ok(true)
    }

    /// Messages of the company up to this one were seen
    async fn mark_read(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The latest that was seen")] up_to_message_id: ID,
    ) -> Result<bool> {
        let asking = Asking::of(ctx)?;
        chat::mark_read(&asking.app, asking.visitor()?, parse(&up_to_message_id)).await?;
        Ok(true)
    }
}

/// Following live.
pub struct Subscription;

/// Following live, by WebSocket with the subprotocol graphql-transport-ws: `connection_init` has the visitor's token,
/// `{"authorization": "Bearer …"}`; 4403 closes one that is refused, and all of a channel that is disconnected
#[async_graphql::Subscription]
impl Subscription {
    /// Each message that is new or changed, in order, none left out after a cursor and none twice; how far the company
    /// has read; and who is typing. Without a cursor, only what comes
    async fn updates(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A cursor of the chat or of an update: begin with what comes after it")] after: Option<String>,
    ) -> Result<BoxStream<'static, Result<ChatUpdate>>> {
        let asking = Asking::of(ctx)?;
        let no_cursor = || Error::bad("after", "`after` is no cursor of the chat");
        let after = after.map(|text| <Cursor as Key>::decode(&text).ok_or_else(no_cursor)).transpose()?;
        let updates = Updates::start(Arc::clone(&asking.app), *asking.visitor()?, after).await?;
        // An error ends it: the visitor resumes by the last cursor.
        let next = async |updates: Option<Updates>| {
            let mut updates = updates?;
            match updates.next().await {
                Ok(update) => Some((Ok(ChatUpdate::from(update)), Some(updates))),
                Err(error) => Some((Err(error), None)),
            }
        };
        Ok(unfold(Some(updates), next).boxed())
    }
}
