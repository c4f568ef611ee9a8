//! Uploads: a file from an employee or a visitor, theirs until it is sent; and the removal of those that nobody sent.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use colloquy_entity::*;
use sea_orm::sea_query::LockType;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect,
};
use tokio::sync::Semaphore;
use tokio::time::MissedTickBehavior;

use crate::app::App;
use crate::error::{Error, Result};
use crate::messenger::{ByteStream, sanitize};
use crate::viewer::Viewer;

use super::store::{self, LARGEST, LARGEST_OF_VISITORS, Lost};
use super::{preview, types};

/// Most files that a user, and that a visitor, has uploaded and not sent: a disk is not filled by one of them.
const MOST_UNSENT: (u64, u64) = (100, 10);
/// Most files that they upload at a time.
const AT_ONCE: (usize, usize) = (10, 3);
/// How long an uploaded file waits to be sent, in milliseconds.
const KEPT_FOR: i64 = 24 * 60 * 60 * 1000;
/// How often those that were not are looked for.
const SWEEP: Duration = Duration::from_secs(60 * 60);
/// Of them, how many at a time.
const BATCH: u64 = 100;
/// When one who uploads too much at a time may try again, in seconds.
const SOON: u64 = 10;

/// Whose a file is until it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Uploader {
    /// An employee's.
    User(UserId),
    /// A visitor's, by their external id.
    Visitor(String),
}

impl From<&Viewer> for Uploader {
    fn from(viewer: &Viewer) -> Self {
        Self::User(viewer.id)
    }
}

impl Uploader {
    /// The largest file that is taken from them, in bytes.
    pub fn largest(&self) -> u64 {
        self.choose((LARGEST, LARGEST_OF_VISITORS))
    }

    fn choose<T>(&self, (of_users, of_visitors): (T, T)) -> T {
        match self {
            Self::User(_) => of_users,
            Self::Visitor(_) => of_visitors,
        }
    }

    /// Which files are theirs.
    fn theirs(&self) -> Condition {
        let condition = Condition::all().add(attachment::Column::MessageId.is_null());
        match self {
            Self::User(id) => condition.add(attachment::Column::UploaderId.eq(*id)),
            Self::Visitor(id) => condition.add(attachment::Column::Visitor.eq(id)),
        }
    }
}

/// What of files is under way in this process.
pub struct Underway {
    /// Pictures are drawn one at a time: each takes a core and much memory.
    pub(super) drawing: Arc<Semaphore>,
    uploads: Mutex<HashMap<Uploader, usize>>,
}

impl Default for Underway {
    fn default() -> Self {
        Self { drawing: Arc::new(Semaphore::new(1)), uploads: Mutex::default() }
    }
}

impl Underway {
    fn uploads(&self) -> MutexGuard<'_, HashMap<Uploader, usize>> {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, by: &Uploader) -> Result<Place<'_>> {
        let mut uploads = self.uploads();
        let count = uploads.entry(by.clone()).or_default();
        if *count >= by.choose(AT_ONCE) {
            return Err(Error::RateLimited(SOON));
        }
        *count += 1;
        Ok(Place { of: self, by: by.clone() })
    }
}

/// One upload's place among those of its uploader, as long as it lives.
struct Place<'a> {
    of: &'a Underway,
    by: Uploader,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut uploads = self.of.uploads();
        if let Some(count) = uploads.get_mut(&self.by) {
            *count -= 1;
            if *count == 0 {
                uploads.remove(&self.by);
            }
        }
    }
}

/// Keeps a file for its uploader to send; any active user may, and any visitor whom the door has let in. It is known once
/// all of it is there, else nothing is kept.
pub async fn upload(
    app: &Arc<App>,
    by: &Uploader,
    name: &str,
    content_type: Option<&str>,
    bytes: ByteStream,
) -> Result<attachment::Model> {
    let _place = app.underway.begin(by)?;
    check_unsent(app.db.read(), by).await?;
    let id = AttachmentId::new();
    let path = id.to_string();
    let kept = store::keep_at_most(app, &path, bytes, by.largest()).await.map_err(|lost| match lost {
        Lost::TooLarge => Error::TooLarge(format!("A file can have {} MiB at most", by.largest() >> 20)),
        Lost::Source(error) => Error::bad("file", format!("The upload broke off: {error}")),
        Lost::Store(error) => Error::internal(error),
    })?;
    let said = content_type.and_then(sanitize::content_type);
    let content_type = types::settle(said.as_deref(), &kept.head);
    let name = sanitize::file_name(name).unwrap_or_else(|| format!("file.{}", sanitize::extension(&content_type)));
    let file = attachment::Model {
        id,
        message_id: None,
        uploader_id: match by {
            Uploader::User(id) => Some(*id),
            Uploader::Visitor(_) => None,
        },
        visitor: match by {
            Uploader::User(_) => None,
            Uploader::Visitor(id) => Some(id.clone()),
        },
        ordinal: 0,
        kind: AttachmentKind::File,
        file_kind: Some(types::kind(&content_type)),
        name,
        content_type: Some(content_type),
        size: i64::try_from(kept.size).ok(),
        state: Some(FileState::Ready),
        reference: None,
        stored_as: Some(path),
        preview_as: None,
        width: None,
        height: None,
        duration: None,
        latitude: None,
        longitude: None,
        phone: None,
        attempts: 0,
        next_attempt_at: None,
        created_at: Time::now(),
    };
    if let Err(error) = note(app, by, &file).await {
        store::discard(app, &id.to_string()).await;
        return Err(error);
    }
    preview::later(app, file.clone());
    Ok(file)
}

/// Stores the row, if its uploader still may: an upload takes its time.
async fn note(app: &App, by: &Uploader, file: &attachment::Model) -> Result<()> {
    if file.size == Some(0) {
        return Err(Error::bad("file", "The file is empty: no messenger takes that"));
    }
    let tx = app.begin().await?;
    if let Uploader::User(id) = by {
        // Of uploads at the same time, each counts those that were before it.
        let user = user::Entity::find_by_id(*id).lock(LockType::NoKeyUpdate).one(&*tx).await?;
        if user.is_none_or(|user| !user.is_active) {
            return Err(Error::Unauthenticated("The user was deactivated"));
        }
    }
    check_unsent(&*tx, by).await?;
    let row = file.clone().into_active_model().reset_all();
    attachment::Entity::insert(row).exec_without_returning(&*tx).await?;
    tx.commit().await
}

/// RATE_LIMITED with too many unsent files, until the first of them is removed.
async fn check_unsent(db: &impl sea_orm::ConnectionTrait, by: &Uploader) -> Result<()> {
    let unsent = attachment::Entity::find().filter(by.theirs()).filter(attachment::Column::State.eq(FileState::Ready));
    if unsent.clone().count(db).await? < by.choose(MOST_UNSENT) {
        return Ok(());
    }
    let first = unsent.order_by_asc(attachment::Column::CreatedAt).one(db).await?;
    let until = first.map_or(0, |first| first.created_at.plus(KEPT_FOR).0 - Time::now().0);
    Err(Error::RateLimited(u64::try_from(until / 1000).unwrap_or_default().max(1)))
}

/// Removes the uploads of more than a day ago that no message has, and the files that an edit replaced. Answers how many;
/// several processes may do it at once.
pub async fn sweep(app: &App, now: Time) -> Result<u64> {
    let (mut removed, mut after) = (0, Time(i64::MIN));
    loop {
        let stale = attachment::Entity::find()
            .filter(attachment::Column::MessageId.is_null())
            .filter(attachment::Column::CreatedAt.lt(now.plus(-KEPT_FOR)))
            .filter(attachment::Column::CreatedAt.gt(after))
            .order_by_asc(attachment::Column::CreatedAt)
            .limit(BATCH)
            .all(app.db.read())
            .await?;
        let Some(last) = stale.last() else { return Ok(removed) };
        after = last.created_at;
        for file in stale {
            removed += u64::from(remove(app, &file).await?);
        }
    }
}

/// Removes one file that no message has; false where it could not be, or is not to be.
async fn remove(app: &App, file: &attachment::Model) -> Result<bool> {
    let unsent = Condition::all().add(attachment::Column::Id.eq(file.id)).add(attachment::Column::MessageId.is_null());
    // From here on nobody can send it; what fails below is done at the next sweep.
    let given_up = attachment::ActiveModel { state: Set(Some(FileState::Failed)), ..Default::default() };
    let update = attachment::Entity::update_many().set(given_up).filter(unsent.clone());
    if update.exec(app.db.write()).await?.rows_affected == 0 {
        return Ok(false);
    }
    for path in [file.stored_as.as_ref(), file.preview_as.as_ref()].into_iter().flatten() {
        if let Err(error) = store::remove(app, path).await {
            tracing::warn!(path, %error, "a file that nobody sent could not be removed from the store");
            return Ok(false);
        }
    }
    let delete = attachment::Entity::delete_many().filter(unsent).exec(app.db.write()).await?;
    Ok(delete.rows_affected > 0)
}

/// Sweeps each hour until the process is to stop.
pub async fn run(app: Arc<App>) {
    let mut hours = tokio::time::interval(SWEEP);
    hours.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while app.stop.run_until_cancelled(hours.tick()).await.is_some() {
        match sweep(&app, Time::now()).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "files that nobody sent were removed"),
            Err(error) => tracing::warn!(%error, "files that nobody sent could not be looked for"),
        }
    }
}
