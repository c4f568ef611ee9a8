//! Attachments: what came with a message, what goes with one, and who may have their bytes.

use std::ops::Range;
use std::sync::Arc;

use colloquy_entity::*;
use object_store::path::Path;
use sea_orm::sea_query::{Expr, ExprTrait, LockType, Query};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect,
};

use crate::app::App;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::messenger::{self, ByteStream, OutgoingFile, Part};
use crate::viewer::Viewer;

use super::messages;

mod address;
mod fetch;
mod preview;
mod store;
mod types;
mod upload;

pub use address::{Purpose, by_signature, preview_url, public_url, signed_url, url};
pub(super) use fetch::fetch;
pub use store::{LARGEST, LARGEST_OF_VISITORS};
pub use types::is_shown;
pub use upload::{Underway, Uploader, run, sweep, upload};

/// Most files of one message.
pub(super) const MOST: usize = 10;
/// A fetch that was begun and not ended by then was that of a process that died.
const CLAIM: i64 = 20 * 60 * 1000;

/// Stores what came with a message; files are fetched later.
pub(super) async fn receive(tx: &Tx<'_>, message: MessageId, parts: &[Part]) -> Result<()> {
    for (ordinal, part) in (0..).zip(parts) {
        if let Part::Uploaded { id, visitor } = part {
            let is_theirs = |file: &attachment::Model| file.visitor.as_ref() == Some(visitor);
            put(tx, message, ordinal, unsent(tx, "fileIds", Some(*id), is_theirs).await?).await?;
        } else {
            attachment::Entity::insert(row(tx, message, ordinal, part)).exec_without_returning(&**tx).await?;
        }
    }
    Ok(())
}

/// An uploaded file that no message has yet, locked.
async fn unsent(
    tx: &Tx<'_>,
    field: &str,
    id: Option<AttachmentId>,
    is_theirs: impl Fn(&attachment::Model) -> bool,
) -> Result<attachment::Model> {
    let missing = || Error::bad(field, "There is no such file, or it was sent already");
    let found = attachment::Entity::find_by_id(id.ok_or_else(missing)?).lock(LockType::Update).one(&**tx).await?;
    // One that is being removed is not READY.
    let is_there = |file: &attachment::Model| file.message_id.is_none() && file.state == Some(FileState::Ready);
    found.filter(|file| is_there(file) && is_theirs(file)).ok_or_else(missing)
}

/// Puts an uploaded file on a message.
async fn put(tx: &Tx<'_>, message: MessageId, ordinal: i32, file: attachment::Model) -> Result<()> {
    let mut file = file.into_active_model();
    file.message_id = Set(Some(message));
    file.ordinal = Set(ordinal);
    file.update(&**tx).await?;
    Ok(())
}

/// What an edit brought in place of what was there; whether anything of it is another.
pub(super) async fn replace(tx: &Tx<'_>, message: MessageId, parts: &[Part]) -> Result<bool> {
    let before = of(&**tx, &[message]).await?;
    if before.len() == parts.len() && before.iter().zip(parts).all(|(row, part)| is_same(row, part)) {
        return Ok(false);
    }
    // A place that moved stays the attachment that it was.
    if let ([only], [Part::Location { latitude, longitude, .. }]) = (&before[..], parts)
        && only.kind == AttachmentKind::Location
    {
        let mut moved = only.clone().into_active_model();
        moved.latitude = Set(Some(*latitude));
        moved.longitude = Set(Some(*longitude));
        moved.update(&**tx).await?;
        return Ok(true);
    }
    // What has bytes in the store is left to the sweep: they are to go only once this is committed.
    let stored =
        attachment::ActiveModel { message_id: Set(None), state: Set(Some(FileState::Failed)), ..Default::default() };
    let replaced = attachment::Column::MessageId.eq(message);
    let with_bytes = replaced.clone().and(attachment::Column::StoredAs.is_not_null());
    attachment::Entity::update_many().set(stored).filter(with_bytes).exec(&**tx).await?;
    attachment::Entity::delete_many().filter(replaced).exec(&**tx).await?;
    receive(tx, message, parts).await?;
    Ok(true)
}

/// Messengers give a file a new reference now and then: what it is tells more.
fn is_same(row: &attachment::Model, part: &Part) -> bool {
    match part {
        Part::File(file) => {
            row.file_kind == Some(file.kind)
                && (row.reference.as_ref() == Some(&file.reference)
                    || (row.name == file.name
                        && (row.size == file.size || file.size.is_none())
                        && (row.width, row.height, row.duration) == (file.width, file.height, file.duration)))
        }
        Part::Location { latitude, longitude, .. } => {
            (row.latitude, row.longitude) == (Some(*latitude), Some(*longitude))
        }
        Part::Contact { name, phone } => row.name == *name && row.phone.as_ref() == Some(phone),
        Part::Uploaded { id, .. } => row.id == *id,
    }
}

fn row(tx: &Tx<'_>, message: MessageId, ordinal: i32, part: &Part) -> attachment::ActiveModel {
    let mut model = attachment::Model {
        id: AttachmentId::new(),
        message_id: Some(message),
        uploader_id: None,
        visitor: None,
        ordinal,
        kind: AttachmentKind::File,
        file_kind: None,
        name: String::new(),
        content_type: None,
        size: None,
        state: None,
        reference: None,
        stored_as: None,
        preview_as: None,
        width: None,
        height: None,
        duration: None,
        latitude: None,
        longitude: None,
        phone: None,
        attempts: 0,
        next_attempt_at: None,
        created_at: tx.now(),
    };
    match part {
        Part::File(file) => {
            model.file_kind = Some(file.kind);
            model.name.clone_from(&file.name);
            model.content_type = Some(file.content_type.clone());
            model.size = file.size;
            model.state = Some(FileState::Pending);
            model.reference = Some(file.reference.clone());
            (model.width, model.height, model.duration) = (file.width, file.height, file.duration);
            model.next_attempt_at = Some(tx.now());
        }
        Part::Location { latitude, longitude, title } => {
            model.kind = AttachmentKind::Location;
            (model.latitude, model.longitude) = (Some(*latitude), Some(*longitude));
            model.name = title.clone().unwrap_or_default();
        }
        Part::Contact { name, phone } => {
            model.kind = AttachmentKind::Contact;
            model.name.clone_from(name);
            model.phone = Some(phone.clone());
        }
        // Its row is there, and is put on the message.
        Part::Uploaded { .. } => {}
    }
    model.into_active_model().reset_all()
}

/// Puts the viewer's uploaded files on their new message, if its messenger takes them.
pub(super) async fn attach(
    tx: &Tx<'_>,
    viewer: &Viewer,
    kind: ChannelKind,
    message: MessageId,
    files: &[Option<AttachmentId>],
) -> Result<()> {
    let field = "input.fileIds";
    if files.len() > MOST {
        return Err(Error::bad(field, format!("A message can have {MOST} files at most")));
    }
    for (ordinal, id) in (0..).zip(files) {
        let file = unsent(tx, field, *id, |file| file.uploader_id == Some(viewer.id)).await?;
        if let Some(words) = messenger::refusal(kind, file_kind(&file), &file.name, size(&file)) {
            return Err(Error::bad(field, words));
        }
        put(tx, message, ordinal, file).await?;
    }
    Ok(())
}

/// The attachments of messages, in their order. The viewer sees the messages: whoever has their rows has that.
pub async fn of(db: &impl ConnectionTrait, ids: &[MessageId]) -> Result<Vec<attachment::Model>> {
    Ok(attachment::Entity::find()
        .filter(attachment::Column::MessageId.is_in(ids.iter().copied()))
        .order_by_asc(attachment::Column::Ordinal)
        .all(db)
        .await?)
}

/// Lets the attachments of a message go that was deleted; what they are of is removed as what was never sent.
pub(super) async fn let_go(tx: &Tx<'_>, message: MessageId) -> Result<()> {
    // Neither can it be had or sent again meanwhile.
    let (message_id, state) = (Set(None), Set(Some(FileState::Failed)));
    let row = attachment::ActiveModel { message_id, state, ..Default::default() };
    attachment::Entity::update_many().set(row).filter(attachment::Column::MessageId.eq(message)).exec(&**tx).await?;
    Ok(())
}

/// A file, if the viewer may see its dialogue, or uploaded it and has not sent it yet.
pub async fn find(db: &impl ConnectionTrait, viewer: &Viewer, id: AttachmentId) -> Result<Option<attachment::Model>> {
    let Some(file) = attachment::Entity::find_by_id(id).one(db).await? else { return Ok(None) };
    if file.kind != AttachmentKind::File {
        return Ok(None);
    }
    let is_visible = match file.message_id {
        Some(message) => {
            let seen = messages::by_ids(db, viewer, &[message]).await?;
            seen.iter().any(|message| message.deleted_at.is_none())
        }
        None => file.uploader_id == Some(viewer.id),
    };
    Ok(is_visible.then_some(file))
}

/// Files of a channel that are to be fetched now, claimed for this process.
pub(super) async fn claim(app: &App, channel: ChannelId, most: u64) -> Result<Vec<attachment::Model>> {
    let now = Time::now();
    // Looked up for each of the few that are pending: a list of the channel's messages would be its whole archive.
    let of_channel = Query::select()
        .expr(Expr::cust("1"))
        .from(message::Entity)
        .and_where(
            Expr::col((message::Entity, message::Column::Id)).equals(attachment::Column::MessageId.as_column_ref()),
        )
        .and_where(message::Column::ChannelId.eq(channel))
        .take();
    let due = attachment::Entity::find()
        // Literal, as in the partial index.
        .filter(Expr::col((attachment::Entity, attachment::Column::State)).eq(Expr::cust("'PENDING'")))
        .filter(attachment::Column::NextAttemptAt.lte(now))
        .filter(Expr::exists(of_channel))
        .order_by_asc(attachment::Column::NextAttemptAt)
        .limit(most)
        .all(app.db.read())
        .await?;
    for file in &due {
        let claim = attachment::ActiveModel { next_attempt_at: Set(Some(now.plus(CLAIM))), ..Default::default() };
        attachment::Entity::update_many()
            .set(claim)
            .filter(attachment::Column::Id.eq(file.id))
            .exec(app.db.write())
            .await?;
    }
    Ok(due)
}

/// Gives a claim back: the file may be fetched at once by whoever is next.
pub(super) async fn unclaim(app: &App, file: AttachmentId) {
    let row = attachment::ActiveModel { next_attempt_at: Set(Some(Time::now())), ..Default::default() };
    let update = attachment::Entity::update_many()
        .set(row)
        .filter(attachment::Column::Id.eq(file))
        .filter(attachment::Column::State.eq(FileState::Pending));
    if let Err(error) = update.exec(app.db.write()).await {
        tracing::info!(%file, %error, "a file's claim could not be given back; it runs out by itself");
    }
}

/// The files that go with a message, to be read from the store at each try.
pub(super) async fn outgoing(app: &App, message: MessageId) -> Result<Vec<OutgoingFile>> {
    let files = of(app.db.read(), &[message]).await?;
    let ready = |file: attachment::Model| {
        let path = Path::from(file.stored_as.as_deref()?);
        Some(OutgoingFile {
            kind: file_kind(&file),
            size: size(&file),
            bytes: Arc::new(store::Stored { store: Arc::clone(&app.store), path }),
            url: public_url(app, &file),
            content_type: file.content_type.unwrap_or_else(|| types::ANY.into()),
            name: file.name,
        })
    };
    Ok(files.into_iter().filter_map(ready).collect())
}

/// What kind of file it is.
pub(super) fn file_kind(file: &attachment::Model) -> FileKind {
    file.file_kind.unwrap_or(FileKind::Document)
}

/// Its media type, as its sender said.
pub fn content_type(file: &attachment::Model) -> &str {
    file.content_type.as_deref().unwrap_or(types::ANY)
}

/// Bytes; 0 as long as nobody knows.
pub fn size(file: &attachment::Model) -> u64 {
    u64::try_from(file.size.unwrap_or_default()).unwrap_or_default()
}

/// A file's bytes, or some of them, for who was let have it. NOT_FOUND until it is READY.
pub async fn read(app: &App, file: &attachment::Model, range: Option<Range<u64>>) -> Result<ByteStream> {
    let path = file.stored_as.as_deref().filter(|_| file.state == Some(FileState::Ready));
    store::read(app, path.ok_or(Error::NotFound("file"))?, range).await
}

/// The same of its preview. NOT_FOUND where there is none.
pub async fn read_preview(app: &App, file: &attachment::Model) -> Result<ByteStream> {
    store::read(app, file.preview_as.as_deref().ok_or(Error::NotFound("preview"))?, None).await
}
