//! Participants: who answers for a dialogue and who looks on, and the access that this gives and takes.

use std::collections::HashSet;

use colloquy_entity::*;
use sea_orm::sea_query::{Expr, ExprTrait, LockType, Query, SelectStatement};
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
    let mut dialogue = dialogues::lock_for(&tx, viewer, id, Act::ManageParticipants).await?;
    let user = user.ok_or_else(|| Error::bad("userId", "There is no such user"))?;
    put(&mut tx, &mut dialogue, user, role, viewer.actor()).await?;
    if !tx.is_quiet() {
        tx.commit().await?;
    }
    Ok(dialogue)
}

/// Takes an employee out. Nothing where they have no part.
pub async fn remove(app: &App, viewer: &Viewer, id: DialogueId, user: Option<UserId>) -> Result<dialogue::Model> {
    let mut tx = app.begin().await?;
    let mut dialogue = dialogues::lock_for(&tx, viewer, id, Act::ManageParticipants).await?;
    let user = user.ok_or_else(|| Error::bad("userId", "There is no such user"))?;
    let user = lock_user(&tx, user).await?.ok_or_else(|| Error::bad("userId", "There is no such user"))?;
    let Some(row) = participant::Entity::find_by_id((id, user.id)).one(&*tx).await? else { return Ok(dialogue) };
    let role = row.role;
    row.delete(&*tx).await?;
    settle(&tx, &mut dialogue).await?;
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
    dialogue: &mut dialogue::Model,
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
                is_open: Set(dialogue.state == DialogueState::Open),
            };
            participant::Entity::insert(row).exec_without_returning(&**tx).await?;
            tx.emit(tell(Kind::ParticipantAdded, actor, dialogue, user.id, role));
            if user.role == Role::Observer {
                tx.emit(access(Kind::AccessGranted, actor, dialogue, user.id));
            }
        }
    }
    settle(tx, dialogue).await
}

/// After a change of who takes part in a locked dialogue: whether it is assigned now.
async fn settle(tx: &Tx<'_>, dialogue: &mut dialogue::Model) -> Result<()> {
    let before = dialogue.is_assigned;
    dialogue.is_assigned = dialogue.state == DialogueState::Open && is_answered_for(tx, dialogue.id).await?;
    if dialogue.is_assigned != before {
        dialogue::Entity::update_many()
            .col_expr(dialogue::Column::IsAssigned, dialogue.is_assigned.into())
            .filter(dialogue::Column::Id.eq(dialogue.id))
            .exec(&**tx)
            .await?;
    }
    Ok(())
}

/// After the state of a locked dialogue has changed: its parts, and whether it is assigned. The caller stores the dialogue.
pub(super) async fn follow(tx: &Tx<'_>, dialogue: &mut dialogue::Model) -> Result<()> {
    let is_open = dialogue.state == DialogueState::Open;
    participant::Entity::update_many()
        .col_expr(participant::Column::IsOpen, is_open.into())
        .filter(participant::Column::DialogueId.eq(dialogue.id))
        .exec(&**tx)
        .await?;
    dialogue.is_assigned = is_open && is_answered_for(tx, dialogue.id).await?;
    Ok(())
}

/// Whether a locked dialogue has an active responsible; nobody of them is deactivated until this change has ended.
async fn is_answered_for(tx: &Tx<'_>, id: DialogueId) -> Result<bool> {
    let responsibles = Query::select()
        .column(participant::Column::UserId)
        .from(participant::Entity)
        .and_where(participant::Column::DialogueId.eq(id))
        .and_where(participant::Column::Role.eq(ParticipantRole::Responsible))
        .take();
    let users = user::Entity::find()
        .filter(user::Column::Id.in_subquery(responsibles))
        .order_by_asc(user::Column::Id)
        .lock(LockType::Share)
        .all(&**tx)
        .await?;
    Ok(users.iter().any(|user| user.is_active))
}

/// The open dialogues that a user is a responsible of, locked. Before the user is: that is the order of locks everywhere.
pub(super) async fn lock_open_of(tx: &Tx<'_>, user: UserId) -> Result<HashSet<DialogueId>> {
    let locked: Vec<DialogueId> = dialogue::Entity::find()
        .select_only()
        .column(dialogue::Column::Id)
        .filter(dialogue::Column::Id.in_subquery(open_of(user)))
        .order_by_asc(dialogue::Column::Id)
        .lock(LockType::NoKeyUpdate)
        .into_tuple()
        .all(&**tx)
        .await?;
    Ok(locked.into_iter().collect())
}

/// After a locked user was deactivated or activated again: which of the dialogues they are a responsible of are assigned.
///
/// False where one came to be theirs that is not among the locked: the change has to begin anew.
pub(super) async fn follow_user(tx: &Tx<'_>, user: UserId, locked: &HashSet<DialogueId>) -> Result<bool> {
    let theirs: Vec<DialogueId> = dialogue::Entity::find()
        .select_only()
        .column(dialogue::Column::Id)
        .filter(dialogue::Column::Id.in_subquery(open_of(user)))
        .into_tuple()
        .all(&**tx)
        .await?;
    if !theirs.iter().all(|id| locked.contains(id)) {
        return Ok(false);
    }
    let another = Expr::exists(active_responsible());
    dialogue::Entity::update_many()
        .col_expr(dialogue::Column::IsAssigned, another)
        .filter(dialogue::Column::Id.in_subquery(open_of(user)))
        .exec(&**tx)
        .await?;
    Ok(true)
}

/// The open dialogues that a user is a responsible of.
fn open_of(user: UserId) -> SelectStatement {
    Query::select()
        .column(participant::Column::DialogueId)
        .from(participant::Entity)
        .and_where(participant::Column::UserId.eq(user))
        .and_where(participant::Column::Role.eq(ParticipantRole::Responsible))
        .and_where(Expr::cust("is_open"))
        .take()
}

/// Of the dialogue of the outer query.
fn active_responsible() -> SelectStatement {
    let user = Expr::col((user::Entity, user::Column::Id));
    Query::select()
        .expr(Expr::cust("1"))
        .from(participant::Entity)
        .inner_join(user::Entity, user.equals((participant::Entity, participant::Column::UserId)))
        .and_where(
            Expr::col((participant::Entity, participant::Column::DialogueId))
                .equals((dialogue::Entity, dialogue::Column::Id)),
        )
        .and_where(participant::Column::Role.eq(ParticipantRole::Responsible))
        .and_where(user::Column::IsActive.eq(true))
        .take()
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

/// The open dialogues in which one of these users is a responsible.
pub(super) async fn answered_for(db: &impl ConnectionTrait, users: &[UserId]) -> Result<Vec<DialogueId>> {
    if users.is_empty() {
        return Ok(Vec::new());
    }
    Ok(participant::Entity::find()
        .select_only()
        .column(participant::Column::DialogueId)
        .filter(participant::Column::UserId.is_in(users.iter().copied()))
        .filter(participant::Column::Role.eq(ParticipantRole::Responsible))
        .filter(Expr::cust("is_open"))
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
