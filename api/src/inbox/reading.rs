//! Reading: how far each user has read, and what is unread.
//!
//! A dialogue counts its client messages, a read mark holds how many of them were read: unread is a subtraction, and a
//! message writes nothing per user. Without a mark, what is older than the user counts as read.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use colloquy_entity::*;
use sea_orm::sea_query::{Expr, ExprTrait, Func, OnConflict, Query, SimpleExpr};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait};

use crate::app::App;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::log::{Entry, Kind};
use crate::policy::Act;
use crate::viewer::Viewer;

use super::dialogues;

/// Moves the viewer's read mark forward to a message; nothing where it is there or further.
pub async fn mark(app: &App, viewer: &Viewer, id: DialogueId, up_to: Option<MessageId>) -> Result<dialogue::Model> {
    let mut tx = app.begin().await?;
    let dialogue = dialogues::lock_for(&tx, viewer, id, Act::See).await?;
    let message = match up_to {
        Some(id) => message::Entity::find_by_id(id).one(&*tx).await?,
        None => None,
    };
    let message = message.filter(|message| message.dialogue_id == dialogue.id);
    let message = message.ok_or_else(|| Error::bad("upToMessageId", "There is no such message in this dialogue"))?;
    read_up_to(&mut tx, viewer, &dialogue, message.client_ordinal).await?;
    if !tx.is_quiet() {
        tx.commit().await?;
    }
    Ok(dialogue)
}

/// Counts the first `count` client messages of a locked dialogue as read by the viewer, and tells, where they were not.
pub(super) async fn read_up_to(tx: &mut Tx<'_>, viewer: &Viewer, dialogue: &dialogue::Model, count: i64) -> Result<()> {
    let read = read_counts(&**tx, &[viewer.into()], std::slice::from_ref(dialogue), &Before::default()).await?;
    let before = read.get(&(dialogue.id, viewer.id)).copied().unwrap_or_default();
    if before >= count {
        return Ok(());
    }
    let mark =
        read_mark::ActiveModel { dialogue_id: Set(dialogue.id), user_id: Set(viewer.id), read_count: Set(count) };
    let key = OnConflict::columns([read_mark::Column::DialogueId, read_mark::Column::UserId])
        .update_column(read_mark::Column::ReadCount)
        .to_owned();
    read_mark::Entity::insert(mark).on_conflict(key).exec_without_returning(&**tx).await?;
    let entry = Entry::of(Kind::DialogueRead, viewer.actor(), dialogue);
    tx.emit(entry.with(|detail| detail.read_before = Some(before)));
    Ok(())
}

/// Somebody who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reader {
    /// Who.
    pub user: UserId,
    /// Client messages older than this count as read by them.
    pub since: Time,
}

impl From<&Viewer> for Reader {
    fn from(viewer: &Viewer) -> Self {
        Self { user: viewer.id, since: viewer.since }
    }
}

/// By dialogue and user.
pub(super) type Counts = HashMap<(DialogueId, UserId), i64>;

/// How many messages a client had written when an employee was hired: that never changes, and is looked up once.
#[derive(Default)]
pub struct Before(Mutex<Counts>);

/// More than so many are not kept.
const KEPT: usize = 200_000;

impl Before {
    fn known(&self, pair: &(DialogueId, UserId)) -> Option<i64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(pair).copied()
    }

    fn learn(&self, counts: &Counts) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() + counts.len() > KEPT {
            known.clear();
        }
        known.extend(counts);
    }
}

/// How many client messages of each dialogue each of these has not read.
pub async fn unread_counts(
    app: &App,
    readers: &[Reader],
    dialogues: &[dialogue::Model],
) -> Result<HashMap<(DialogueId, UserId), i64>> {
    let mut counts = read_counts(app.db.read(), readers, dialogues, &app.before).await?;
    for dialogue in dialogues {
        for reader in readers {
            let read = counts.entry((dialogue.id, reader.user)).or_default();
            *read = Ord::max(dialogue.client_message_count - *read, 0);
        }
    }
    Ok(counts)
}

/// How many client messages of each dialogue each of these has read.
pub(super) async fn read_counts(
    db: &impl ConnectionTrait,
    readers: &[Reader],
    dialogues: &[dialogue::Model],
    before: &Before,
) -> Result<Counts> {
    let marks = read_mark::Entity::find()
        .filter(read_mark::Column::UserId.is_in(readers.iter().map(|reader| reader.user)))
        .filter(read_mark::Column::DialogueId.is_in(dialogues.iter().map(|dialogue| dialogue.id)))
        .all(db)
        .await?;
    let mut read: Counts = marks.into_iter().map(|mark| ((mark.dialogue_id, mark.user_id), mark.read_count)).collect();
    let mut unknown = HashSet::new();
    for dialogue in dialogues {
        for reader in readers {
            let pair = (dialogue.id, reader.user);
            let mark = read.get(&pair).copied();
            match read_by_mark(reader, dialogue, mark).or_else(|| before.known(&pair)) {
                Some(count) => {
                    read.insert(pair, count);
                }
                None => {
                    unknown.insert(pair);
                }
            }
        }
    }
    if !unknown.is_empty() {
        let mut found = before_hired(db, &unknown).await?;
        for pair in unknown {
            found.entry(pair).or_default();
        }
        before.learn(&found);
        read.extend(found);
    }
    Ok(read)
}

/// How many client messages somebody has read, as far as their mark and the dialogue tell.
fn read_by_mark(reader: &Reader, dialogue: &dialogue::Model, mark: Option<i64>) -> Option<i64> {
    if mark.is_some() {
        return mark;
    }
    if dialogue.created_at > reader.since {
        return Some(0);
    }
    let is_older = dialogue.last_client_message_at.is_none_or(|at| at <= reader.since);
    is_older.then_some(dialogue.client_message_count)
}

/// How many they have not read, as far as their mark and the dialogue tell.
pub(super) fn unread_by_mark(reader: &Reader, dialogue: &dialogue::Model, mark: Option<i64>) -> Option<i64> {
    Some(Ord::max(dialogue.client_message_count - read_by_mark(reader, dialogue, mark)?, 0))
}

/// How many messages the clients of these dialogues had written when these users were hired; where none, nothing.
async fn before_hired(db: &impl ConnectionTrait, pairs: &HashSet<(DialogueId, UserId)>) -> Result<Counts> {
    let (dialogues, users): (HashSet<DialogueId>, HashSet<UserId>) = pairs.iter().copied().unzip();
    let mut query = message::Entity::find()
        .select_only()
        .column(message::Column::DialogueId)
        .column(user::Column::Id)
        .column_as(message::Column::ClientOrdinal.max(), "read")
        .filter(message::Column::DialogueId.is_in(dialogues))
        .filter(user::Column::Id.is_in(users))
        .group_by(message::Column::DialogueId)
        .group_by(user::Column::Id);
    let hired = Expr::col((user::Entity, user::Column::CreatedAt));
    let before = Expr::col((message::Entity, message::Column::CreatedAt)).lte(hired);
    QueryTrait::query(&mut query).inner_join(user::Entity, before);
    let counts: Vec<(DialogueId, UserId, i64)> = query.into_tuple().all(db).await?;
    Ok(counts.into_iter().map(|(dialogue, user, count)| ((dialogue, user), count)).collect())
}

/// For queries over dialogues: whether the viewer has something unread in it. The same as [`unread_counts`]: where there is
/// no mark, one message that came after the viewer did is enough.
pub(super) fn is_unread(viewer: &Viewer) -> SimpleExpr {
    let mark = Query::select()
        .column(read_mark::Column::ReadCount)
        .from(read_mark::Entity)
        .and_where(
            Expr::col((read_mark::Entity, read_mark::Column::DialogueId))
                .eq(Expr::col((dialogue::Entity, dialogue::Column::Id))),
        )
        .and_where(read_mark::Column::UserId.eq(viewer.id))
        .take();
    let read = Func::coalesce([SimpleExpr::from(mark), Expr::cust("0")]);
    // Whatever was read or not, nothing older than the viewer is unread: this much an index can tell.
    let recent = dialogue::Column::LastClientMessageAt.gt(viewer.since);
    recent.and(Expr::col((dialogue::Entity, dialogue::Column::ClientMessageCount)).gt(read))
}
