//! Participants: who answers for a dialogue and who looks on, and the access that this gives and takes.

use colloquy_entity::*;
use sea_orm::sea_query::{LockType, Query};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, ModelTrait, QueryFilter, QueryOrder,
    QuerySelect,
};

use crate::app::App;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::log::{Actor, Entry, Kind};
use crate::policy::Act;
use crate::viewer::Viewer;

use super::dialogues;

/// Adds an employee or changes the role they have. Nothing where they have it.
pub async fn set(
    app: &App,
    viewer: &Viewer,
    id: DialogueId,
    user: Option<UserId>,
    role: ParticipantRole,
) -> Result<dialogue::Model> {
    let mut tx = app.begin().await?;
    let dialogue = dialogues::lock_for(&tx, viewer, id, Act::ManageParticipants).await?;
    let user = user.ok_or_else(|| Error::bad("userId", "There is no such user"))?;
    put(&mut tx, &dialogue, user, role, viewer.actor()).await?;
    if !tx.is_quiet() {
        tx.commit().await?;
    }
    Ok(dialogue)
}

/// Takes an employee out. Nothing where they have no part.
pub async fn remove(app: &App, viewer: &Viewer, id: DialogueId, user: Option<UserId>) -> Result<dialogue::Model> {
    let mut tx = app.begin().await?;
    let dialogue = dialogues::lock_for(&tx, viewer, id, Act::ManageParticipants).await?;
    let user = user.ok_or_else(|| Error::bad("userId", "There is no such user"))?;
    let user = lock_user(&tx, user).await?.ok_or_else(|| Error::bad("userId", "There is no such user"))?;
    let Some(row) = participant::Entity::find_by_id((id, user.id)).one(&*tx).await? else { return Ok(dialogue) };
    let role = row.role;
    row.delete(&*tx).await?;
    tx.emit(tell(Kind::ParticipantRemoved, viewer.actor(), &dialogue, user.id, role));
    if user.role == Role::Observer {
        tx.emit(access(Kind::AccessRevoked, viewer.actor(), &dialogue, user.id));
    }
    tx.commit().await?;
    Ok(dialogue)
}

/// Gives an active user this role in a locked dialogue, with the events of it. BAD_USER_INPUT for any other user.
pub(super) async fn put(
    tx: &mut Tx<'_>,
    dialogue: &dialogue::Model,
    user: UserId,
    role: ParticipantRole,
    actor: Option<Actor>,
) -> Result<()> {
    let user = lock_user(tx, user).await?.ok_or_else(|| Error::bad("userId", "There is no such user"))?;
    if !user.is_active {
        return Err(Error::bad("userId", "This user is deactivated"));
    }
    let before = participant::Entity::find_by_id((dialogue.id, user.id)).one(&**tx).await?;
    match before {
        Some(row) if row.role == role => return Ok(()),
        Some(row) => {
            tx.emit(tell(Kind::ParticipantRemoved, actor, dialogue, user.id, row.role));
            let mut row: participant::ActiveModel = row.into();
            row.role = Set(role);
            row.since = Set(tx.now());
            row.update(&**tx).await?;
            tx.emit(tell(Kind::ParticipantAdded, actor, dialogue, user.id, role));
        }
        None => {
            let row = participant::ActiveModel {
                dialogue_id: Set(dialogue.id),
                user_id: Set(user.id),
                role: Set(role),
                since: Set(tx.now()),
            };
            participant::Entity::insert(row).exec_without_returning(&**tx).await?;
            tx.emit(tell(Kind::ParticipantAdded, actor, dialogue, user.id, role));
            if user.role == Role::Observer {
                tx.emit(access(Kind::AccessGranted, actor, dialogue, user.id));
            }
        }
    }
    Ok(())
}

/// Against a change of role or a deactivation at the same time: one of the two sees what the other did.
pub(super) async fn lock_user(tx: &Tx<'_>, id: UserId) -> Result<Option<user::Model>> {
    Ok(user::Entity::find_by_id(id).lock(LockType::Share).one(&**tx).await?)
}

/// Those who answer for dialogues now: a deactivated responsible counts as none.
pub async fn responsibles(db: &impl ConnectionTrait, ids: &[DialogueId]) -> Result<Vec<(DialogueId, UserId)>> {
    let active =
        Query::select().column(user::Column::Id).from(user::Entity).and_where(user::Column::IsActive.eq(true)).take();
    Ok(participant::Entity::find()
        .select_only()
        .columns([participant::Column::DialogueId, participant::Column::UserId])
        .filter(participant::Column::DialogueId.is_in(ids.iter().copied()))
        .filter(participant::Column::Role.eq(ParticipantRole::Responsible))
        .filter(participant::Column::UserId.in_subquery(active))
        .order_by_asc(participant::Column::Since)
        .into_tuple()
        .all(db)
        .await?)
}

/// The dialogues in which one of these users is a responsible.
pub(super) async fn answered_for(db: &impl ConnectionTrait, users: &[UserId]) -> Result<Vec<DialogueId>> {
    if users.is_empty() {
        return Ok(Vec::new());
    }
    Ok(participant::Entity::find()
        .select_only()
        .column(participant::Column::DialogueId)
        .filter(participant::Column::UserId.is_in(users.iter().copied()))
        .filter(participant::Column::Role.eq(ParticipantRole::Responsible))
        .into_tuple()
        .all(db)
        .await?)
}

/// Those of one dialogue.
pub async fn active_responsibles(db: &impl ConnectionTrait, id: DialogueId) -> Result<Vec<UserId>> {
    Ok(responsibles(db, &[id]).await?.into_iter().map(|(_, user)| user).collect())
}

/// The participants of dialogues, longest first.
pub async fn of(db: &impl ConnectionTrait, ids: &[DialogueId]) -> Result<Vec<participant::Model>> {
    Ok(participant::Entity::find()
        .filter(participant::Column::DialogueId.is_in(ids.iter().copied()))
        .order_by_asc(participant::Column::Since)
        .order_by_asc(participant::Column::UserId)
        .all(db)
        .await?)
}

fn tell(kind: Kind, actor: Option<Actor>, dialogue: &dialogue::Model, user: UserId, role: ParticipantRole) -> Entry {
    Entry::of(kind, actor, dialogue).with(|detail| {
        detail.user = Some(user);
        detail.participant = Some(role);
    })
}

fn access(kind: Kind, actor: Option<Actor>, dialogue: &dialogue::Model, user: UserId) -> Entry {
    Entry::of(kind, actor, dialogue).for_user(user)
}
