//! Messages, their attachments and their delivery.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject, Union};
use colloquy_entity::{AttachmentKind, attachment, message};

use crate::error::{Error, Result};
use crate::inbox::{changes, files, messages};

use super::clients::Client;
use super::connection::connection;
use super::dialogues::Dialogue;
use super::direct::Direct;
use super::loaders::AttachmentsOf;
use super::node::{parse, show};
use super::scalars::{DateTime, Url};
use super::users::{User, user_of};
use super::words::{DeliveryStatus, FileKind, FileState, MessageOrigin};
use super::{Ask, answer};

/// A message in a dialogue
#[derive(Clone)]
pub struct Message(pub Arc<message::Model>);

impl From<message::Model> for Message {
    fn from(row: message::Model) -> Self {
        Self(Arc::new(row))
    }
}

/// Who did something
#[derive(Union)]
pub enum Actor {
    /// An employee
    User(User),
    /// A client
    Client(Client),
}

/// A message in a dialogue
#[Object]
impl Message {
    /// Its id
    pub async fn id(&self) -> ID {
        show(self.0.id)
    }

    /// Where it stands
    async fn dialogue(&self, ctx: &Context<'_>) -> Result<Dialogue> {
        ctx.load(self.0.dialogue_id).await?.map(Dialogue).ok_or(Error::NotFound("dialogue"))
    }

    /// Who it comes from
    async fn origin(&self) -> MessageOrigin {
        self.0.origin.into()
    }

    /// Null for automatic messages and for those sent from the messenger's own app
    async fn author(&self, ctx: &Context<'_>) -> Option<Actor> {
        answer(ctx, author(ctx, &self.0).await).flatten()
    }

    /// As written; empty once it was deleted
    async fn text(&self) -> &str {
        &self.0.text
    }

    /// Files, places and contacts, in the messenger's order
    async fn attachments(&self, ctx: &Context<'_>) -> Result<Vec<Attachment>> {
        if self.0.deleted_at.is_some() {
            return Ok(Vec::new());
        }
        let rows = ctx.load(AttachmentsOf(self.0.id)).await?.unwrap_or_default();
        Ok(rows.into_iter().map(Attachment::from).collect())
    }

    /// What it answers
    async fn reply_to(&self, ctx: &Context<'_>) -> Option<Message> {
        let id = self.0.reply_to_id?;
        answer(ctx, ctx.load(id).await).flatten().map(Message)
    }

    /// When it was stored: the order of messages
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When the messenger says it was written
    async fn sent_at(&self) -> DateTime {
        self.0.sent_at.into()
    }

    /// The same for messages that were sent as one album
    async fn album_id(&self) -> Option<&str> {
        self.0.album_id.as_deref()
    }

    /// Whom it is forwarded from, as the messenger names them
    async fn forwarded_from(&self) -> Option<&str> {
        self.0.forwarded_from.as_deref()
    }

    /// When its text was last changed
    async fn edited_at(&self) -> Option<DateTime> {
        self.0.edited_at.map(Into::into)
    }

    /// When it was deleted: its text is gone, its place stays
    async fn deleted_at(&self) -> Option<DateTime> {
        self.0.deleted_at.map(Into::into)
    }

    /// Null for the client's messages
    async fn delivery(&self) -> Option<Direct<Delivery>> {
        Some(Direct(Delivery {
            status: self.0.delivery_status?.into(),
            at: self.0.delivery_at.unwrap_or(self.0.created_at).into(),
            failure: self.0.failure.clone(),
            attempts: self.0.attempts,
        }))
    }
}

async fn author(ctx: &Context<'_>, message: &message::Model) -> Result<Option<Actor>> {
    if let Some(user) = message.author_id {
        return Ok(Some(Actor::User(user_of(ctx, user).await?)));
    }
    if message.origin != colloquy_entity::MessageOrigin::Client {
        return Ok(None);
    }
    let Some(dialogue) = ctx.load(message.dialogue_id).await? else { return Ok(None) };
    Ok(ctx.load(dialogue.client_id).await?.map(Client).map(Actor::Client))
}

connection!(Message, MessageConnection, MessageEdge, "messages", nodes = nodes, counted = total);

/// How far a message to a client has come
#[derive(SimpleObject)]
pub struct Delivery {
    /// Where it is
    status: DeliveryStatus,
    /// Since when
    at: DateTime,
    /// Why it failed, in words an operator understands
    failure: Option<String>,
    /// How often sending was tried
    attempts: i32,
}

/// What a message carries beside its text
#[derive(Union)]
#[expect(clippy::large_enum_variant, reason = "it is made, resolved and dropped")]
pub enum Attachment {
    /// A file
    File(File),
    /// A place
    Location(Location),
    /// A phone number
    SharedContact(SharedContact),
}

impl From<attachment::Model> for Attachment {
    fn from(row: attachment::Model) -> Self {
        match row.kind {
            AttachmentKind::File => Self::File(File(row)),
            AttachmentKind::Location => Self::Location(Location {
                latitude: row.latitude.unwrap_or_default(),
                longitude: row.longitude.unwrap_or_default(),
                title: Some(row.name).filter(|name| !name.is_empty()),
            }),
            AttachmentKind::Contact => {
                Self::SharedContact(SharedContact { name: row.name, phone: row.phone.unwrap_or_default() })
            }
        }
    }
}

/// A file
#[derive(Clone)]
pub struct File(pub attachment::Model);

/// A file
#[Object]
impl File {
    /// Its id
    pub async fn id(&self) -> ID {
        show(self.0.id)
    }

    /// What kind of file
    async fn kind(&self) -> FileKind {
        self.0.file_kind.unwrap_or(colloquy_entity::FileKind::Document).into()
    }

    /// As its sender named it
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Its media type, as its sender said
    async fn content_type(&self) -> &str {
        files::content_type(&self.0)
    }

    /// Bytes; 0 when the messenger does not say and it is not fetched yet
    async fn size(&self) -> i32 {
        i32::try_from(self.0.size.unwrap_or_default()).unwrap_or(i32::MAX)
    }

    /// Whether it can be had
    async fn state(&self) -> FileState {
        self.0.state.unwrap_or(colloquy_entity::FileState::Pending).into()
    }

    /// Needs the same authorization as the API; 404 until READY
    async fn url(&self, ctx: &Context<'_>) -> Result<Url> {
        Ok(Url(files::url(ctx.app()?, &self.0)))
    }

    /// For an <img> or a download without a header: valid for five minutes; null until READY
    async fn signed_url(&self, ctx: &Context<'_>) -> Option<Url> {
        answer(ctx, ctx.app().map(|app| files::signed_url(app, &self.0))).flatten().map(Url)
    }

    /// A small picture of it, at most 320 pixels a side, for images; signed, valid for five minutes; null where there is
    /// none
    async fn preview_url(&self, ctx: &Context<'_>) -> Option<Url> {
        answer(ctx, ctx.app().map(|app| files::preview_url(app, &self.0))).flatten().map(Url)
    }

    /// Pixels
    async fn width(&self) -> Option<i32> {
        self.0.width
    }

    /// Pixels
    async fn height(&self) -> Option<i32> {
        self.0.height
    }

    /// Seconds
    async fn duration(&self) -> Option<i32> {
        self.0.duration
    }
}

/// A place
#[derive(SimpleObject)]
pub struct Location {
    /// Degrees, -90 to 90
    latitude: f64,
    /// Degrees, -180 to 180
    longitude: f64,
    /// What is there, where the client named it
    title: Option<String>,
}

/// Somebody's phone number
#[derive(SimpleObject)]
pub struct SharedContact {
    /// Whose it is
    name: String,
    /// As the messenger writes it
    phone: String,
}

/// A message to a client
#[derive(InputObject)]
pub struct SendMessageInput {
    /// Where
    dialogue_id: ID,
    /// 1 to as many UTF-16 units as the messenger takes (Telegram and VK 4,096, Viber 7,000, website 10,000); may be
    /// absent beside files
    text: Option<String>,
    /// Ids that POST /files returned, 10 at most
    file_ids: Option<Vec<ID>>,
    /// The message of this dialogue that it answers
    reply_to_id: Option<ID>,
    /// The same key from the same user answers with the message it made the first time; 1 to 255 characters
    idempotency_key: Option<String>,
}

/// The message
#[derive(SimpleObject)]
pub struct MessagePayload {
    /// As it is now
    message: Message,
}

/// Sending messages.
#[derive(Default)]
pub struct MessageMutations;

#[Object]
impl MessageMutations {
    /// Queues a message to the client and answers; it is sent at once, in order, and tried again where that may help
    async fn send_message(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The message")] input: SendMessageInput,
    ) -> Option<MessagePayload> {
        answer(ctx, send(ctx, input).await)
    }

    /// Queues a FAILED message again
    async fn retry_message(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which message")] message_id: ID,
    ) -> Option<MessagePayload> {
        answer(ctx, retry(ctx, message_id).await)
    }

    /// The company's own message, in the messenger too; BAD_USER_INPUT where the messenger cannot
    async fn edit_message(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which message")] message_id: ID,
        #[graphql(desc = "Its new text")] text: String,
    ) -> Option<MessagePayload> {
        answer(ctx, edit(ctx, message_id, &text).await)
    }

    /// Deletes the company's own message, in the messenger too; BAD_USER_INPUT where the messenger cannot
    async fn delete_message(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which message")] message_id: ID,
    ) -> Option<MessagePayload> {
        answer(ctx, delete(ctx, message_id).await)
    }
}

async fn send(ctx: &Context<'_>, input: SendMessageInput) -> Result<MessagePayload> {
    let outgoing = messages::Outgoing {
        dialogue: parse(&input.dialogue_id).ok_or(Error::NotFound("dialogue"))?,
        text: input.text.unwrap_or_default(),
        files: input.file_ids.unwrap_or_default().iter().map(parse).collect(),
        reply_to: input.reply_to_id.as_ref().map(parse),
        idempotency_key: input.idempotency_key,
    };
    let message = messages::send(ctx.app()?, &ctx.viewer()?, outgoing).await?;
    Ok(MessagePayload { message: message.into() })
}

async fn retry(ctx: &Context<'_>, id: ID) -> Result<MessagePayload> {
    let id = parse(&id).ok_or(Error::NotFound("message"))?;
    let message = messages::retry(ctx.app()?, &ctx.viewer()?, id).await?;
    Ok(MessagePayload { message: message.into() })
}

async fn edit(ctx: &Context<'_>, id: ID, text: &str) -> Result<MessagePayload> {
    let id = parse(&id).ok_or(Error::NotFound("message"))?;
    let message = changes::edit(ctx.app()?, &ctx.viewer()?, id, text).await?;
    Ok(MessagePayload { message: message.into() })
}

async fn delete(ctx: &Context<'_>, id: ID) -> Result<MessagePayload> {
    let id = parse(&id).ok_or(Error::NotFound("message"))?;
    let message = changes::delete(ctx.app()?, &ctx.viewer()?, id).await?;
    Ok(MessagePayload { message: message.into() })
}
