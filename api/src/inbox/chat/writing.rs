//! What a visitor does: writes, types, and marks how far they have received and read.

use colloquy_entity::*;
use sea_orm::sea_query::LockType;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::app::App;
use crate::db;
use crate::error::{Error, Result};
use crate::inbox::files::{MOST, Uploader};
use crate::inbox::receive::{self, Outcome};
use crate::inbox::{dialogues, messages as inbox_messages, receipts, typing};
use crate::messenger::{Incoming, IncomingMessage, Part, Person};
use crate::metrics::Of;

use super::limits::Address;
use super::messages::{self, Message};
use super::{Visitor, channel, client, dialogue};

/// Longest key, in characters.
const LONGEST_KEY: usize = 128;
/// To one whom the company has blocked: their messages would be dropped, and they are told.
const BLOCKED: Error = Error::Forbidden("You cannot write in this chat any more");

/// What a visitor writes.
pub struct Words {
    /// May be empty beside files.
    pub text: String,
    /// Files that they uploaded.
    pub files: Vec<Option<AttachmentId>>,
    /// The same key again answers with the message that it made first.
    pub key: String,
}

/// Takes a message in, as from any messenger: the dialogue, the queue, the funnel and the automatic texts are its own.
pub async fn send(app: &App, visitor: &Visitor, address: Address, words: Words) -> Result<Message> {
    let channel = channel(app, visitor).await?;
    let is_key = |key: &str| (1..=LONGEST_KEY).contains(&key.chars().count()) && !key.contains('\0');
    if !is_key(&words.key) {
        return Err(Error::bad("key", format!("A key has 1 to {LONGEST_KEY} characters, none of them U+0000")));
    }
    let external_id = format!("{}{}", messages::key_prefix(visitor), words.key);
    if let Some(before) = sent(app, visitor, &external_id).await? {
        return Ok(before);
    }
    let client = client(app, visitor).await?;
    if client.as_ref().is_some_and(|client| client.is_blocked) {
        return Err(BLOCKED);
    }
    inbox_messages::check_text("text", &words.text, ChannelKind::Website, !words.files.is_empty())?;
    let message = IncomingMessage {
        external_id: external_id.clone(),
        person: Person { name: Some(visitor.name()), ..Person::of(visitor.external_id()) },
        text: words.text,
        parts: parts(visitor, &words.files)?,
        reply_to: None,
        sent_at: Time::now(),
        edit_key: None,
        edited_at: None,
        album_id: None,
        forwarded_from: None,
        is_cropped: false,
    };
    // What could not be sent anyway uses nothing up.
    app.chat.limits.writes(visitor.id, address, client.is_none())?;
    let outcome = receive::receive(app, &channel, Incoming::Message(Box::new(message))).await?;
    app.metrics.inbound.get_or_create(&Of::new("website", outcome.as_str())).inc();
    if outcome == Outcome::Dropped {
        return Err(BLOCKED);
    }
    sent(app, visitor, &external_id).await?.ok_or_else(|| Error::internal("a visitor's message went away"))
}

fn parts(visitor: &Visitor, files: &[Option<AttachmentId>]) -> Result<Vec<Part>> {
    let field = "fileIds";
    if files.len() > MOST {
        return Err(Error::bad(field, format!("A message can have {MOST} files at most")));
    }
    let missing = || Error::bad(field, "There is no such file, or it was sent already");
    let part =
        |id: &Option<AttachmentId>| Ok(Part::Uploaded { id: id.ok_or_else(missing)?, visitor: visitor.external_id() });
    files.iter().map(part).collect()
}

/// The message that a visitor sent with this external id.
async fn sent(app: &App, visitor: &Visitor, external_id: &str) -> Result<Option<Message>> {
    let found = message::Entity::find()
        .filter(message::Column::ChannelId.eq(visitor.channel))
        .filter(message::Column::ExternalId.eq(external_id))
        .one(app.db.read())
        .await?;
    let Some(row) = found else { return Ok(None) };
    let dialogue = row.dialogue_id;
    Ok(messages::dress(app, visitor, dialogue, vec![row]).await?.pop())
}

/// Whether a visitor may upload a file now, and as whose it is kept.
pub async fn may_upload(app: &App, visitor: &Visitor, address: Address) -> Result<Uploader> {
    let client = client(app, visitor).await?;
    if client.as_ref().is_some_and(|client| client.is_blocked) {
        return Err(BLOCKED);
    }
    app.chat.limits.uploads(visitor.id, address, client.is_none())?;
    Ok(Uploader::Visitor(visitor.external_id()))
}

/// Tells the operators that the visitor is writing. Nobody is told before the first message, of one who is blocked, or
/// more often than anybody types.
pub async fn set_typing(app: &App, visitor: &Visitor) -> Result<()> {
    let channel = channel(app, visitor).await?;
    if app.chat.limits.types(visitor.id).is_err() {
        return Ok(());
    }
    typing::by_client(app, &channel, &Person::of(visitor.external_id())).await
}

/// The company's messages up to this one are on a device of the visitor.
pub async fn mark_delivered(app: &App, visitor: &Visitor, up_to: Option<MessageId>) -> Result<()> {
    mark(app, visitor, up_to, DeliveryStatus::Delivered).await
}

/// The visitor has seen the company's messages up to this one.
pub async fn mark_read(app: &App, visitor: &Visitor, up_to: Option<MessageId>) -> Result<()> {
    mark(app, visitor, up_to, DeliveryStatus::Read).await
}

async fn mark(app: &App, visitor: &Visitor, up_to: Option<MessageId>, status: DeliveryStatus) -> Result<()> {
    let missing = || Error::NotFound("message");
    let id = up_to.ok_or_else(missing)?;
    let dialogue = dialogue(app, visitor).await?.ok_or_else(missing)?;
    let last = message::Entity::find_by_id(id).one(app.db.read()).await?;
    let last = last.filter(|message| message.dialogue_id == dialogue.id).ok_or_else(missing)?;
    db::retried(|| forward(app, dialogue.id, last.ordinal, status)).await
}

/// Moves what stands before it up to `status`; nothing where all has come so far.
async fn forward(app: &App, dialogue: DialogueId, up_to: i64, status: DeliveryStatus) -> Result<()> {
    // A visitor has it as soon as it is in the log, perhaps before the sender has noted that it was sent.
    let behind = [DeliveryStatus::Queued, DeliveryStatus::Sent, DeliveryStatus::Delivered];
    let behind: Vec<DeliveryStatus> = behind.into_iter().filter(|one| *one < status).collect();
    let query = message::Entity::find()
        .filter(message::Column::DialogueId.eq(dialogue))
        .filter(message::Column::Ordinal.lte(up_to))
        .filter(message::Column::DeliveryStatus.is_in(behind))
        .order_by_asc(message::Column::Ordinal);
    if query.clone().limit(1).one(app.db.read()).await?.is_none() {
        return Ok(());
    }
    let mut tx = app.begin().await?;
    let Some(dialogue) = dialogues::lock(&tx, dialogue).await? else { return Ok(()) };
    for mut message in query.lock(LockType::NoKeyUpdate).all(&*tx).await? {
        receipts::forward(&mut tx, &dialogue, &mut message, status, None);
        inbox_messages::store(&tx, &message).await?;
    }
    if tx.is_quiet() {
        return Ok(());
    }
    tx.commit().await
}
