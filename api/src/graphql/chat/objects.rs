//! What a visitor is shown.

use async_graphql::{Context, ID, Object, SimpleObject};
use colloquy_entity::attachment;

use crate::error::Result;
use crate::inbox::chat;
use crate::inbox::files;
use crate::log::Cursor;
use crate::paging::{Key, Page, PageArgs, USUAL};

use super::super::node::show;
use super::super::scalars::{DateTime, Url};
use super::{Asking, longest_text};

/// A visitor's conversation with the company
pub struct Chat(pub chat::Chat);

/// A visitor's conversation with the company
#[Object]
impl Chat {
    /// What the window is titled: the channel's name
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// From old to new; the latest 50 without arguments
    async fn messages(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many, 1 to 100")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor: a page's `startCursor`")] before: Option<String>,
    ) -> Result<ChatMessageConnection> {
        let args = PageArgs { last: Some(last.unwrap_or(USUAL)), before, ..PageArgs::default() };
        let page = self.0.messages(&Asking::of(ctx)?.app, &args).await?;
        Ok(ChatMessageConnection(page))
    }

    /// Following `updates` after it misses nothing that is not in the same answer
    async fn cursor(&self) -> String {
        Cursor::encode(self.0.cursor)
    }

    /// Messages of the company that the visitor has not read
    async fn unread_count(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(i32::try_from(self.0.unread(&Asking::of(ctx)?.app).await?).unwrap_or(i32::MAX))
    }

    /// Most bytes of one file
    async fn largest_file(&self) -> i32 {
        i32::try_from(files::LARGEST_OF_VISITORS).unwrap_or(i32::MAX)
    }

    /// Most UTF-16 units of a text
    async fn longest_text(&self) -> i32 {
        longest_text()
    }
}

/// A page of messages
pub struct ChatMessageConnection(Page<chat::Message>);

/// A page of messages
#[Object]
impl ChatMessageConnection {
    /// From old to new
    async fn nodes(&self) -> Vec<ChatMessage> {
        self.0.items.iter().cloned().map(ChatMessage).collect()
    }

    /// Whether there are older ones
    async fn has_previous_page(&self) -> bool {
        self.0.has_previous
    }

    /// For `before`, to read older ones; null where the page is empty
    async fn start_cursor(&self) -> Option<String> {
        self.0.items.first().map(|message| message.row.ordinal.encode())
    }
}

/// A message
pub struct ChatMessage(pub chat::Message);

/// A message
#[Object]
impl ChatMessage {
    /// Its id
    async fn id(&self) -> ID {
        show(self.0.row.id)
    }

    /// Whether the visitor wrote it
    async fn is_own(&self) -> bool {
        self.0.is_own()
    }

    /// The employee's name; null for the visitor's and for automatic ones
    async fn author(&self) -> Option<&str> {
        self.0.author.as_deref()
    }

    /// Empty once deleted
    async fn text(&self) -> &str {
        &self.0.row.text
    }

    /// What came with it; none once deleted
    async fn files(&self) -> Vec<ChatFile> {
        self.0.files.iter().cloned().map(ChatFile).collect()
    }

    /// When it was stored: the order of messages
    async fn created_at(&self) -> DateTime {
        self.0.row.created_at.into()
    }

    /// When its text was last changed
    async fn edited_at(&self) -> Option<DateTime> {
        self.0.row.edited_at.map(Into::into)
    }

    /// When it was deleted: its text is gone, its place stays
    async fn deleted_at(&self) -> Option<DateTime> {
        self.0.row.deleted_at.map(Into::into)
    }

    /// The visitor's own: the key that it was sent with
    async fn key(&self) -> Option<&str> {
        self.0.key.as_deref()
    }

    /// The visitor's own: the company has read it. The company's: the visitor has
    async fn is_read(&self) -> bool {
        self.0.is_read
    }
}

/// A file
pub struct ChatFile(attachment::Model);

/// A file
#[Object]
impl ChatFile {
    /// Its id
    async fn id(&self) -> ID {
        show(self.0.id)
    }

    /// As its sender named it
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Its media type
    async fn content_type(&self) -> &str {
        self.0.content_type.as_deref().unwrap_or("application/octet-stream")
    }

    /// Bytes
    async fn size(&self) -> i32 {
        i32::try_from(files::size(&self.0)).unwrap_or(i32::MAX)
    }

    /// Signed, valid for five minutes; null while it is not there
    async fn url(&self, ctx: &Context<'_>) -> Result<Option<Url>> {
        Ok(files::signed_url(&Asking::of(ctx)?.app, &self.0).map(Url))
    }

    /// A small picture of it, for images; signed, valid for five minutes
    async fn preview_url(&self, ctx: &Context<'_>) -> Result<Option<Url>> {
        Ok(files::preview_url(&Asking::of(ctx)?.app, &self.0).map(Url))
    }

    /// Pixels
    async fn width(&self) -> Option<i32> {
        self.0.width
    }

    /// Pixels
    async fn height(&self) -> Option<i32> {
        self.0.height
    }
}

/// Something new in the chat; one of its fields beside the cursor is there
#[derive(SimpleObject)]
pub struct ChatUpdate {
    /// Resume after this; null for what is not kept (typing)
    cursor: Option<String>,
    /// A message that is new, or as it is now
    message: Option<ChatMessage>,
    /// The company has read the visitor's messages up to this one
    read_up_to: Option<ID>,
    /// An employee is typing
    typing: Option<ChatTyping>,
}

impl From<chat::Update> for ChatUpdate {
    fn from(update: chat::Update) -> Self {
        let cursor = update.cursor.map(Cursor::encode);
        let none = Self { cursor, message: None, read_up_to: None, typing: None };
        match update.told {
            chat::Told::Message(message) => Self { message: Some(ChatMessage(*message)), ..none },
            chat::Told::ReadUpTo(id) => Self { read_up_to: Some(show(id)), ..none },
            chat::Told::Typing { name, until } => {
                Self { typing: Some(ChatTyping { name, until: until.into() }), ..none }
            }
        }
    }
}

/// An employee is typing
#[derive(SimpleObject)]
pub struct ChatTyping {
    /// The employee's name
    name: String,
    /// Until then, unless renewed
    until: DateTime,
}

/// A new visitor
#[derive(SimpleObject)]
pub struct StartChatPayload {
    /// Proves who the visitor is, from then on; it does not expire
    pub token: String,
}

/// The message that was sent
#[derive(SimpleObject)]
pub struct SendChatMessagePayload {
    /// As it is now
    pub message: ChatMessage,
}
