//! Messages: adding one to a dialogue, sending, trying again.

use std::collections::HashMap;

use colloquy_entity::*;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, Select, SqlErr,
};
use uuid::Uuid;

use crate::app::App;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::log::{Actor, Entry, Kind};
use crate::messenger;
use crate::paging::{Page, PageArgs, Window};
use crate::policy::{self, Act};
use crate::ranked;
use crate::viewer::Viewer;

use super::{dialogues, files, reading, search};

/// A message before it has its place in a dialogue.
pub(super) struct Draft {
    pub origin: MessageOrigin,
    pub author: Option<UserId>,
    pub actor: Option<Actor>,
    pub text: String,
    pub external_id: Option<String>,
    pub reply_to: Option<MessageId>,
    pub sent_at: Time,
    pub album_id: Option<String>,
    pub forwarded_from: Option<String>,
    pub edited_at: Option<Time>,
    pub edit_key: Option<i64>,
    pub idempotency_key: Option<String>,
}

impl Draft {
    /// A text that we send.
    pub fn outgoing(origin: MessageOrigin, text: String, now: Time) -> Self {
        Self {
            origin,
            author: None,
            actor: None,
            text,
            external_id: None,
            reply_to: None,
            sent_at: now,
            album_id: None,
            forwarded_from: None,
            edited_at: None,
            edit_key: None,
            idempotency_key: None,
        }
    }
}

/// Gives a message its place at the end of a locked dialogue, and tells of it. The caller stores the dialogue.
pub(super) async fn add(tx: &mut Tx<'_>, dialogue: &mut dialogue::Model, draft: Draft) -> Result<message::Model> {
    let from_client = draft.origin == MessageOrigin::Client;
    dialogue.message_count += 1;
    if from_client {
        dialogue.client_message_count += 1;
        dialogue.last_client_message_at = Some(tx.now());
    }
    let queued = matches!(draft.origin, MessageOrigin::Operator | MessageOrigin::Welcome | MessageOrigin::AutoReply);
    let delivery = match draft.origin {
        MessageOrigin::Client => None,
        MessageOrigin::Messenger => Some(DeliveryStatus::Sent),
        _ => Some(DeliveryStatus::Queued),
    };
    let message = message::Model {
        id: MessageId::new(),
        dialogue_id: dialogue.id,
        channel_id: dialogue.channel_id,
        ordinal: dialogue.message_count,
        client_ordinal: dialogue.client_message_count,
        external_id: draft.external_id,
        more_external_ids: None,
        origin: draft.origin,
        author_id: draft.author,
        text: draft.text,
        reply_to_id: draft.reply_to,
        created_at: tx.now(),
        sent_at: draft.sent_at,
        album_id: draft.album_id,
        forwarded_from: draft.forwarded_from,
        edited_at: draft.edited_at,
        edit_key: draft.edit_key,
        deleted_at: None,
        delivery_status: delivery,
        delivery_at: delivery.map(|_| tx.now()),
        failure: None,
        attempts: 0,
        next_attempt_at: queued.then_some(tx.now()),
        idempotency_key: draft.idempotency_key,
    };
    let row = message.clone().into_active_model().reset_all();
    message::Entity::insert(row).exec_without_returning(&**tx).await.map_err(|error| match error.sql_err() {
        // In this dialogue its lock keeps the same key from being used twice.
        Some(SqlErr::UniqueConstraintViolation(_)) if message.idempotency_key.is_some() => used_elsewhere(),
        _ => error.into(),
    })?;
    search::new_message(tx, &message).await?;
    dialogue.last_message_id = Some(message.id);
    dialogue.last_activity_at = tx.now();
    tx.emit(tell(Kind::MessageAdded, draft.actor, dialogue, message.id));
    Ok(message)
}

fn used_elsewhere() -> Error {
    Error::conflict("This idempotency key was used in another dialogue")
}

/// An event of a message.
pub(super) fn tell(kind: Kind, actor: Option<Actor>, dialogue: &dialogue::Model, message: MessageId) -> Entry {
    Entry::of(kind, actor, dialogue).with(|detail| detail.message = Some(message))
}

/// What an employee sends.
pub struct Outgoing {
    /// In which dialogue.
    pub dialogue: DialogueId,
    /// The words; may be empty beside files.
    pub text: String,
    /// Uploaded files, by what the client called them.
    pub files: Vec<Option<AttachmentId>>,
    /// The message that it answers.
    pub reply_to: Option<Option<MessageId>>,
    /// The same key from the same user answers with the message that it made first.
    pub idempotency_key: Option<String>,
}

/// Longest idempotency key, in characters.
const LONGEST_KEY: usize = 255;

/// Queues a message to the client. A closed dialogue is reopened by it, and what came before it counts as read.
pub async fn send(app: &App, viewer: &Viewer, outgoing: Outgoing) -> Result<message::Model> {
    let mut tx = app.begin().await?;
    let mut dialogue = dialogues::lock_for(&tx, viewer, outgoing.dialogue, Act::Reply).await?;
    if let Some(key) = &outgoing.idempotency_key {
        if key.is_empty() || key.chars().count() > LONGEST_KEY || key.contains('\0') {
            let words = format!("A key has 1 to {LONGEST_KEY} characters, none of them U+0000");
            return Err(Error::bad("input.idempotencyKey", words));
        }
        if let Some(before) = by_key(&tx, viewer, key).await? {
            return if before.dialogue_id == dialogue.id { Ok(before) } else { Err(used_elsewhere()) };
        }
    }
    let channel = channel::Entity::find_by_id(dialogue.channel_id).one(&*tx).await?;
    let channel = channel.ok_or_else(|| Error::internal("a dialogue without its channel"))?;
    if channel.state == ChannelState::Disconnected {
        return Err(Error::conflict("The channel is disconnected"));
    }
    check_text("input.text", &outgoing.text, channel.kind, !outgoing.files.is_empty())?;
    let reply_to = match outgoing.reply_to {
        None => None,
        Some(id) => Some(in_dialogue(&tx, &dialogue, id, "input.replyToId").await?.id),
    };
    dialogues::reopen_locked(&mut tx, &mut dialogue, viewer.actor()).await?;
    reading::read_up_to(&mut tx, viewer, &dialogue, dialogue.client_message_count).await?;
    let draft = Draft {
        author: Some(viewer.id),
        actor: viewer.actor(),
        reply_to,
        idempotency_key: outgoing.idempotency_key,
        ..Draft::outgoing(MessageOrigin::Operator, outgoing.text, tx.now())
    };
    let message = add(&mut tx, &mut dialogue, draft).await?;
    files::attach(&tx, viewer, channel.kind, message.id, &outgoing.files).await?;
    if !outgoing.files.is_empty() {
        search::message(&tx, &message).await?;
    }
    dialogues::store(&tx, &dialogue).await?;
    tx.commit().await?;
    Ok(message)
}

async fn by_key(tx: &Tx<'_>, viewer: &Viewer, key: &str) -> Result<Option<message::Model>> {
    let query = message::Entity::find().filter(message::Column::AuthorId.eq(viewer.id));
    Ok(query.filter(message::Column::IdempotencyKey.eq(key)).one(&**tx).await?)
}

async fn in_dialogue(
    tx: &Tx<'_>,
    dialogue: &dialogue::Model,
    id: Option<MessageId>,
    field: &str,
) -> Result<message::Model> {
    let found = match id {
        Some(id) => message::Entity::find_by_id(id).one(&**tx).await?,
        None => None,
    };
    let found = found.filter(|message| message.dialogue_id == dialogue.id);
    found.ok_or_else(|| Error::bad(field, "There is no such message in this dialogue"))
}

/// A text that the messenger will take: not empty (unless files go with it) and not too long, in UTF-16 units.
pub(super) fn check_text(field: &str, text: &str, kind: ChannelKind, may_be_empty: bool) -> Result<()> {
    if text.contains('\0') {
        return Err(Error::bad(field, "A text cannot contain the character U+0000"));
    }
    if text.trim().is_empty() && !(may_be_empty && text.is_empty()) {
        return Err(Error::bad(field, "A message cannot be empty"));
    }
    let limit = messenger::text_limit(kind);
    let length = text.encode_utf16().count();
    if length > limit {
        return Err(Error::bad(
            field,
            format!("A message can have {limit} UTF-16 units at most; this one has {length}"),
        ));
    }
    Ok(())
}

/// Queues a FAILED message again. CONFLICT where it has not failed.
pub async fn retry(app: &App, viewer: &Viewer, id: MessageId) -> Result<message::Model> {
    let (tx, dialogue, mut message) = lock_message(app, viewer, id, Act::Reply).await?;
    let mut tx = tx;
    if message.delivery_status != Some(DeliveryStatus::Failed) {
        return Err(Error::conflict("Only a message that has failed can be sent again"));
    }
    if message.deleted_at.is_some() {
        return Err(Error::conflict("The message was deleted"));
    }
    let channel = channel::Entity::find_by_id(message.channel_id).one(&*tx).await?;
    if channel.is_none_or(|channel| channel.state == ChannelState::Disconnected) {
        return Err(Error::conflict("The channel is disconnected"));
    }
    message.delivery_status = Some(DeliveryStatus::Queued);
    message.delivery_at = Some(tx.now());
    message.failure = None;
    message.attempts = 0;
    message.next_attempt_at = Some(tx.now());
    store(&tx, &message).await?;
    tx.emit(delivery_changed(viewer.actor(), &dialogue, &message));
    tx.commit().await?;
    Ok(message)
}

/// The event of a message's delivery having become what it is.
pub(super) fn delivery_changed(actor: Option<Actor>, dialogue: &dialogue::Model, message: &message::Model) -> Entry {
    tell(Kind::MessageDeliveryChanged, actor, dialogue, message.id)
        .with(|detail| detail.delivery = message.delivery_status)
}

/// A message with its dialogue locked, if the viewer may do this in it.
pub(super) async fn lock_message<'a>(
    app: &'a App,
    viewer: &Viewer,
    id: MessageId,
    act: Act,
) -> Result<(Tx<'a>, dialogue::Model, message::Model)> {
    let tx = app.begin().await?;
    let of = message::Entity::find_by_id(id).one(&*tx).await?.ok_or(Error::NotFound("message"))?;
    let dialogue = dialogues::lock_for(&tx, viewer, of.dialogue_id, act).await;
    let dialogue = dialogue.map_err(|error| match error {
        Error::NotFound(_) => Error::NotFound("message"),
        other => other,
    })?;
    // Read again under the lock.
    let message = message::Entity::find_by_id(id).one(&*tx).await?.ok_or(Error::NotFound("message"))?;
    Ok((tx, dialogue, message))
}

/// A page of each dialogue's messages, from old to new. The viewer sees the dialogues: whoever has their rows has that.
pub async fn pages(
    db: &impl ConnectionTrait,
    dialogues: &[DialogueId],
    args: &PageArgs,
) -> Result<HashMap<Uuid, Page<message::Model>>> {
    let window: Window<i64> = args.window()?;
    let list = |id| message::Entity::find().filter(message::Column::DialogueId.eq(id));
    ranked::pages(db, dialogues.iter().map(|id| (id.0, list(*id))), message::Column::Ordinal, &window).await
}

/// Those of the messages whose dialogues the viewer may see.
pub async fn by_ids(db: &impl ConnectionTrait, viewer: &Viewer, ids: &[MessageId]) -> Result<Vec<message::Model>> {
    Ok(named(viewer, ids).all(db).await?)
}

/// The query for them.
pub fn named(viewer: &Viewer, ids: &[MessageId]) -> Select<message::Entity> {
    let dialogue = Expr::col(message::Column::DialogueId.as_column_ref());
    let named = message::Column::Id.is_in(ids.iter().copied());
    message::Entity::find().filter(named).filter(policy::visible_each(viewer, dialogue))
}

/// Writes a message back, as it was changed under its dialogue's lock.
pub(super) async fn store(tx: &Tx<'_>, message: &message::Model) -> Result<()> {
    message.clone().into_active_model().reset_all().update_without_returning(&**tx).await?;
    Ok(())
}
