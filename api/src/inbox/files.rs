//! Attachments: what came with a message, what goes with one, and fetching files from messengers.

use std::sync::Arc;

use async_trait::async_trait;
use colloquy_entity::*;
use futures_util::StreamExt;
use object_store::{ObjectStore, ObjectStoreExt, WriteMultipart, path::Path};
use sea_orm::sea_query::{Expr, ExprTrait, LockType, Query};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect,
};

use crate::app::App;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::log::Kind;
use crate::messenger::{ByteStream, Fault, Messenger, OutgoingFile, Part, Source};
use crate::metrics::Of;
use crate::viewer::Viewer;

use super::{channels, dialogues, messages};

/// Most files of one message.
const MOST: usize = 10;
/// How often fetching is tried.
const TRIES: i32 = 10;
/// A fetch that was begun and not ended by then was that of a process that died.
const CLAIM: i64 = 10 * 60 * 1000;
/// Written to the store at a time; two of them are held.
const PIECE: usize = 5 * 1024 * 1024;

/// Stores what came with a message; files are fetched later.
pub(super) async fn receive(tx: &Tx<'_>, message: MessageId, parts: &[Part]) -> Result<()> {
    for (ordinal, part) in (0..).zip(parts) {
        attachment::Entity::insert(row(tx, message, ordinal, part)).exec_without_returning(&**tx).await?;
    }
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
    attachment::Entity::delete_many().filter(attachment::Column::MessageId.eq(message)).exec(&**tx).await?;
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
    }
}

fn row(tx: &Tx<'_>, message: MessageId, ordinal: i32, part: &Part) -> attachment::ActiveModel {
    let mut model = attachment::Model {
        id: AttachmentId::new(),
        message_id: Some(message),
        uploader_id: None,
        ordinal,
        kind: AttachmentKind::File,
        file_kind: None,
        name: String::new(),
        content_type: None,
        size: None,
        state: None,
        reference: None,
        stored_as: None,
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
    }
    model.into_active_model().reset_all()
}

/// Puts the viewer's uploaded files on their new message.
pub(super) async fn attach(
    tx: &Tx<'_>,
    viewer: &Viewer,
    message: MessageId,
    files: &[Option<AttachmentId>],
) -> Result<()> {
    let field = "input.fileIds";
    if files.len() > MOST {
        return Err(Error::bad(field, format!("A message can have {MOST} files at most")));
    }
    for (ordinal, id) in (0..).zip(files) {
        let missing = || Error::bad(field, "There is no such file, or it was sent already");
        let found = attachment::Entity::find_by_id(id.ok_or_else(missing)?).lock(LockType::Update).one(&**tx).await?;
        let file = found.filter(|file| file.uploader_id == Some(viewer.id) && file.message_id.is_none());
        let mut file = file.ok_or_else(missing)?.into_active_model();
        file.message_id = Set(Some(message));
        file.ordinal = Set(ordinal);
        file.update(&**tx).await?;
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
    let row = attachment::ActiveModel { message_id: Set(None), ..Default::default() };
    attachment::Entity::update_many()
        .set(row)
        .filter(attachment::Column::MessageId.eq(message))
        .exec(&**tx)
        .await?;
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
        let path = file.stored_as?;
        Some(OutgoingFile {
            name: file.name,
            content_type: file.content_type.unwrap_or_else(|| "application/octet-stream".into()),
            kind: file.file_kind.unwrap_or(FileKind::Document),
            size: u64::try_from(file.size.unwrap_or_default()).unwrap_or_default(),
            url: None,
            bytes: Arc::new(Stored { store: Arc::clone(&app.store), path: Path::from(path) }),
        })
    };
    Ok(files.into_iter().filter_map(ready).collect())
}

/// A file in the store.
struct Stored {
    store: Arc<dyn ObjectStore>,
    path: Path,
}

#[async_trait]
impl Source for Stored {
    async fn open(&self) -> std::io::Result<ByteStream> {
        let found = self.store.get(&self.path).await.map_err(std::io::Error::other)?;
        Ok(found.into_stream().map(|piece| piece.map_err(std::io::Error::other)).boxed())
    }
}

/// Fetches one file, and notes what became of it.
pub(super) async fn fetch(app: &App, messenger: &dyn Messenger, file: attachment::Model) -> Result<()> {
    let path = format!("{}", file.id);
    let fetched = download(app, messenger, file.reference.as_deref().unwrap_or_default(), &path).await;
    let mut file = file;
    let outcome = match fetched {
        Ok(size) => {
            file.size = Some(size);
            file.stored_as = Some(path);
            file.state = Some(FileState::Ready);
            "ready"
        }
        Err(Fault::Passing { words, retry_after, .. }) if file.attempts + 1 < TRIES => {
            tracing::info!(file = %file.id, words, "a file could not be fetched; it is tried again");
            let wait = app.config.pace.retry * 2u32.saturating_pow(file.attempts.unsigned_abs());
            let wait = wait.max(retry_after.unwrap_or_default());
            let at = Time::now().plus(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
            let row = attachment::ActiveModel {
                id: Set(file.id),
                attempts: Set(file.attempts + 1),
                next_attempt_at: Set(Some(at)),
                ..Default::default()
            };
            attachment::Entity::update(row).exec(app.db.write()).await?;
            app.metrics.files.get_or_create(&Of::new("telegram", "again")).inc();
            return Ok(());
        }
        Err(fault) => {
            tracing::warn!(file = %file.id, words = fault.words(), "a file cannot be had");
            if let (Fault::Broken { words }, Some(message)) = (&fault, file.message_id) {
                channels::fails(app, message, words).await?;
            }
            file.state = Some(FileState::Failed);
            "failed"
        }
    };
    app.metrics.files.get_or_create(&Of::new(messenger.kind().as_str().to_lowercase(), outcome)).inc();
    settle(app, file).await
}

/// Streams a file into the store, a piece at a time.
async fn download(
    app: &App,
    messenger: &dyn Messenger,
    reference: &str,
    path: &str,
) -> std::result::Result<i64, Fault> {
    let mut download = messenger.download(reference).await?;
    let store: &Arc<dyn ObjectStore> = &app.store;
    let kept = |error: object_store::Error| {
        tracing::error!(%error, "the file store does not work");
        Fault::passing("The file store does not work")
    };
    let upload = store.put_multipart(&Path::from(path)).await.map_err(kept)?;
    let mut writer = WriteMultipart::new_with_chunk_size(upload, PIECE);
    let mut size = 0i64;
    while let Some(piece) = download.bytes.next().await {
        match piece {
            Ok(piece) => {
                size += i64::try_from(piece.len()).unwrap_or_default();
                writer.wait_for_capacity(1).await.map_err(kept)?;
                writer.put(piece);
            }
            Err(error) => {
                let _ = writer.abort().await;
                return Err(Fault::passing(format!("The download broke off: {error}")));
            }
        }
    }
    writer.finish().await.map_err(kept)?;
    Ok(size)
}

/// Notes what became of a file, and tells.
async fn settle(app: &App, file: attachment::Model) -> Result<()> {
    let Some(id) = file.message_id else { return Ok(()) };
    let mut tx = app.begin().await?;
    let Some(message) = message::Entity::find_by_id(id).one(&*tx).await? else { return Ok(()) };
    let Some(dialogue) = dialogues::lock(&tx, message.dialogue_id).await? else { return Ok(()) };
    let row = attachment::ActiveModel {
        state: Set(file.state),
        size: Set(file.size),
        stored_as: Set(file.stored_as),
        attempts: Set(file.attempts + 1),
        next_attempt_at: Set(None),
        ..Default::default()
    };
    // An edit may have put another file in its place meanwhile.
    let pending = attachment::Entity::update_many()
        .set(row)
        .filter(attachment::Column::Id.eq(file.id))
        .filter(attachment::Column::State.eq(FileState::Pending))
        .exec(&*tx)
        .await?;
    if pending.rows_affected == 0 {
        return Ok(());
    }
    tx.emit(messages::tell(Kind::MessageFileChanged, None, &dialogue, id));
    tx.commit().await
}

/// A file by an address that was signed for who might see it: the signature stands for their rights.
pub async fn by_signature(db: &impl ConnectionTrait, id: AttachmentId) -> Result<Option<attachment::Model>> {
    let found = attachment::Entity::find_by_id(id).one(db).await?;
    Ok(found.filter(|file| file.kind == AttachmentKind::File))
}

/// A file's size and bytes, from the store.
pub async fn read(app: &App, file: &attachment::Model) -> Result<(u64, ByteStream)> {
    let path = file.stored_as.as_deref().ok_or(Error::NotFound("file"))?;
    let found = app.store.get(&Path::from(path)).await.map_err(Error::internal)?;
    Ok((found.meta.size, found.into_stream().map(|piece| piece.map_err(std::io::Error::other)).boxed()))
}
