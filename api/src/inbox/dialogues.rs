//! Dialogues: finding them as a viewer may, closing, reopening, claiming.

use colloquy_entity::*;
use sea_orm::sea_query::LockType;
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect};

use crate::app::App;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::log::{Actor, Entry, Kind};
use crate::policy::{self, Act};
use crate::viewer::Viewer;

use super::participants;

/// A dialogue, if the viewer may see it.
pub async fn find(db: &impl ConnectionTrait, viewer: &Viewer, id: DialogueId) -> Result<dialogue::Model> {
    let found = dialogue::Entity::find_by_id(id).filter(policy::visible(viewer)).one(db).await?;
    found.ok_or(Error::NotFound("dialogue"))
}

/// Those of the dialogues that the viewer may see.
pub async fn by_ids(db: &impl ConnectionTrait, viewer: &Viewer, ids: &[DialogueId]) -> Result<Vec<dialogue::Model>> {
    let query = dialogue::Entity::find().filter(dialogue::Column::Id.is_in(ids.iter().copied()));
    Ok(query.filter(policy::visible(viewer)).all(db).await?)
}

/// What the viewer is in a dialogue.
pub async fn part(db: &impl ConnectionTrait, user: UserId, id: DialogueId) -> Result<Option<ParticipantRole>> {
    Ok(participant::Entity::find_by_id((id, user)).one(db).await?.map(|row| row.role))
}

/// Locks a dialogue for a change, if the viewer may make it: NOT_FOUND where they may not even see it, else FORBIDDEN.
pub async fn lock_for(tx: &Tx<'_>, viewer: &Viewer, id: DialogueId, act: Act) -> Result<dialogue::Model> {
    let dialogue = lock(tx, id).await?.ok_or(Error::NotFound("dialogue"))?;
    let part = part(&**tx, viewer.id, id).await?;
    require(viewer, part, act)?;
    Ok(dialogue)
}

fn require(viewer: &Viewer, part: Option<ParticipantRole>, act: Act) -> Result<()> {
    if !policy::may(viewer.role, part, Act::See) {
        return Err(Error::NotFound("dialogue"));
    }
    if !policy::may(viewer.role, part, act) {
        return Err(Error::Forbidden("An observer of a dialogue may read it and comment, no more"));
    }
    Ok(())
}

/// Locks a dialogue against other changes until the transaction ends.
pub(super) async fn lock(tx: &Tx<'_>, id: DialogueId) -> Result<Option<dialogue::Model>> {
    let dialogue = dialogue::Entity::find_by_id(id).lock(LockType::NoKeyUpdate).one(&**tx).await?;
    if let Some(dialogue) = &dialogue {
        tx.goes_on_after(dialogue.last_activity_at);
    }
    Ok(dialogue)
}

/// Writes a locked dialogue back, as it was changed.
pub(super) async fn store(tx: &Tx<'_>, dialogue: &dialogue::Model) -> Result<()> {
    dialogue.clone().into_active_model().reset_all().update_without_returning(&**tx).await?;
    Ok(())
}

/// Closes it. Closing a closed one does nothing; with `if_last`, CONFLICT where a message has come since.
pub async fn close(
    app: &App,
    viewer: &Viewer,
    id: DialogueId,
    if_last: Option<Option<MessageId>>,
) -> Result<dialogue::Model> {
    let mut tx = app.begin().await?;
    let mut dialogue = lock_for(&tx, viewer, id, Act::Close).await?;
    if let Some(expected) = if_last
        && client_has_written_since(&tx, &dialogue, expected).await?
    {
        return Err(Error::conflict("The client has written since"));
    }
    if dialogue.state == DialogueState::Closed {
        return Ok(dialogue);
    }
    dialogue.state = DialogueState::Closed;
    dialogue.closed_at = Some(tx.now());
    dialogue.closed_order = tx.now();
    dialogue.last_activity_at = tx.now();
    participants::follow(&tx, &mut dialogue).await?;
    tx.emit(Entry::of(Kind::DialogueClosed, viewer.actor(), &dialogue));
    store(&tx, &dialogue).await?;
    tx.commit().await?;
    Ok(dialogue)
}

async fn client_has_written_since(
    tx: &Tx<'_>,
    dialogue: &dialogue::Model,
    expected: Option<MessageId>,
) -> Result<bool> {
    let message = match expected {
        Some(id) => message::Entity::find_by_id(id).one(&**tx).await?,
        None => None,
    };
    let message = message.filter(|message| message.dialogue_id == dialogue.id);
    let message = message.ok_or_else(|| Error::bad("ifLastMessageId", "There is no such message in this dialogue"))?;
    Ok(dialogue.client_message_count > message.client_ordinal)
}

/// Opens a closed one again, as an employee does: without the queue and the auto-reply. Nothing where it is open.
pub async fn reopen(app: &App, viewer: &Viewer, id: DialogueId) -> Result<dialogue::Model> {
    let mut tx = app.begin().await?;
    let mut dialogue = lock_for(&tx, viewer, id, Act::Close).await?;
    if reopen_locked(&mut tx, &mut dialogue, viewer.actor()).await? {
        store(&tx, &dialogue).await?;
        tx.commit().await?;
    }
    Ok(dialogue)
}

/// Whether it was closed. Tells of the reopening; the caller stores the dialogue.
pub(super) async fn reopen_locked(
    tx: &mut Tx<'_>,
    dialogue: &mut dialogue::Model,
    actor: Option<Actor>,
) -> Result<bool> {
    if dialogue.state == DialogueState::Open {
        return Ok(false);
    }
    dialogue.state = DialogueState::Open;
    dialogue.closed_at = None;
    dialogue.closed_order = Time(0);
    participants::follow(tx, dialogue).await?;
    dialogue.opened_at = tx.now();
    dialogue.last_activity_at = tx.now();
    tx.emit(Entry::of(Kind::DialogueReopened, actor, dialogue));
    Ok(true)
}

/// Makes the viewer responsible for an open dialogue without an active responsible.
///
/// Of many at once exactly one wins; the others, and whoever claims a closed one, get CONFLICT. Claiming what is the
/// viewer's already does nothing.
pub async fn claim(app: &App, viewer: &Viewer, id: DialogueId) -> Result<dialogue::Model> {
    let mut tx = app.begin().await?;
    let mut dialogue = lock_for(&tx, viewer, id, Act::Close).await?;
    if dialogue.state == DialogueState::Closed {
        return Err(Error::conflict("The dialogue is closed: reopen it first"));
    }
    let holders = participants::active_responsibles(&*tx, id).await?;
    if holders.contains(&viewer.id) {
        return Ok(dialogue);
    }
    if !holders.is_empty() {
        let words = "Somebody else is responsible for this dialogue".into();
        return Err(Error::Conflict { words, holders, existing: None });
    }
    participants::put(&mut tx, &mut dialogue, viewer.id, ParticipantRole::Responsible, viewer.actor()).await?;
    tx.commit().await?;
    Ok(dialogue)
}

/// A dialogue in which the viewer may do this, without locking it: for what changes nothing that is stored.
pub async fn check(db: &impl ConnectionTrait, viewer: &Viewer, id: DialogueId, act: Act) -> Result<dialogue::Model> {
    let dialogue = find(db, viewer, id).await?;
    require(viewer, part(db, viewer.id, id).await?, act)?;
    Ok(dialogue)
}
