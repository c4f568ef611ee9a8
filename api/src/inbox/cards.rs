//! What all cards have in common: who may see, change and make them, and how events tell of them.

use colloquy_entity::*;
use sea_orm::sea_query::SelectStatement;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, QueryFilter, QuerySelect, SqlErr};
use uuid::Uuid;

use crate::db::Tx;
use crate::error::{Error, Result};
use crate::log::{Actor, Change, Entry, Kind};
use crate::policy::{self, Act, Power};
use crate::viewer::Viewer;

use super::{dialogues, participants, text};

/// An id as it came: nothing where it is malformed, which is as what does not exist.
pub type Given<I> = Option<I>;

/// A dialogue to which a card is linked.
#[derive(Clone, Copy, Debug, FromQueryResult)]
pub(super) struct Place {
    /// The dialogue.
    pub dialogue_id: DialogueId,
    /// Its channel.
    pub channel_id: ChannelId,
}

/// Whether the viewer may do this to a card that is linked to these dialogues: NOT_FOUND where they may not even see
/// it, else FORBIDDEN.
pub(super) async fn require(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    what: &'static str,
    act: Act,
    linked: SelectStatement,
) -> Result<()> {
    if policy::has(viewer.role, Power::ManageCards) {
        return Ok(());
    }
    let parts: Vec<ParticipantRole> = participant::Entity::find()
        .select_only()
        .column(participant::Column::Role)
        .distinct()
        .filter(participant::Column::UserId.eq(viewer.id))
        .filter(participant::Column::DialogueId.in_subquery(linked))
        .into_tuple()
        .all(db)
        .await?;
    let responsible = parts.iter().find(|part| **part == ParticipantRole::Responsible);
    let part = responsible.or(parts.first()).copied();
    if !policy::may(viewer.role, part, Act::See) {
        return Err(Error::NotFound(what));
    }
    if !policy::may(viewer.role, part, act) {
        return Err(Error::Forbidden("An observer may change cards only of dialogues in which they are responsible"));
    }
    Ok(())
}

/// Whether the viewer may make a card at all: an observer only in a dialogue, whose rights are checked as it is locked.
pub(super) fn require_making(viewer: &Viewer, in_dialogue: bool) -> Result<()> {
    if in_dialogue || policy::has(viewer.role, Power::ManageCards) {
        return Ok(());
    }
    Err(Error::Forbidden("An observer may make cards only from a dialogue in which they are responsible"))
}

/// The dialogue in which a card is made, locked.
pub(super) async fn lock_place(
    tx: &Tx<'_>,
    viewer: &Viewer,
    dialogue: Option<Given<DialogueId>>,
) -> Result<Option<dialogue::Model>> {
    let Some(given) = dialogue else { return Ok(None) };
    let id = given.ok_or(Error::NotFound("dialogue"))?;
    Ok(Some(dialogues::lock_for(tx, viewer, id, Act::Arrange).await?))
}

/// Who is to answer for a card: an active user, who stays so until this change is made.
pub(super) async fn responsible(tx: &Tx<'_>, given: Given<UserId>) -> Result<UserId> {
    let bad = |words| Error::bad("input.responsibleId", words);
    let user = match given {
        Some(id) => participants::lock_user(tx, id).await?,
        None => None,
    };
    match user {
        None => Err(bad("There is no such user")),
        Some(user) if !user.is_active => Err(bad("This user is deactivated")),
        Some(user) => Ok(user.id),
    }
}

/// The same for a change: absent stays, `Some(None)` clears. Who answered before may go on, even deactivated.
pub(super) async fn change_responsible(
    tx: &Tx<'_>,
    before: Option<UserId>,
    change: Option<Option<Given<UserId>>>,
) -> Result<Option<UserId>> {
    match change {
        None => Ok(before),
        Some(None) => Ok(None),
        Some(Some(given)) if given.is_some() && given == before => Ok(before),
        Some(Some(given)) => Ok(Some(responsible(tx, given).await?)),
    }
}

/// Something that happened to a card, told in all dialogues to which it is linked; the first is where it happened.
pub(super) fn tell(kind: Kind, actor: Option<Actor>, card: Uuid, places: &[Place]) -> Entry {
    let mut entry = Entry::new(kind, actor).about(card);
    entry.dialogue = places.first().map(|place| place.dialogue_id);
    entry.channel = places.first().map(|place| place.channel_id);
    entry.seen_in(places.iter().map(|place| place.dialogue_id)).with(|detail| detail.card = Some(card))
}

/// A card's id in the system that owns it: one line; nothing where it is blank.
pub(super) fn external_id(given: Option<&str>) -> Result<Option<String>> {
    text::line("input.externalId", given)
}

/// The same where there must be one.
pub(super) fn required_external_id(given: &str) -> Result<String> {
    external_id(Some(given))?.ok_or_else(|| Error::bad("input.externalId", "An id cannot be empty"))
}

/// What the database says of a card with the external id of another.
pub(super) fn taken(what: &'static str) -> impl Fn(DbErr) -> Error {
    move |error| match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => Error::conflict(format!("Another {what} has this external id")),
        _ => error.into(),
    }
}

/// Makes or changes a card by its external id. Of two that make it at once the later changes what the earlier made.
pub(super) async fn made_or_found<T, F: Future<Output = Result<T>>>(run: impl Fn() -> F) -> Result<T> {
    match run().await {
        Err(Error::Conflict { .. }) => run().await,
        done => done,
    }
}

/// What differs between the fields of a card before and after, each by its name in the schema.
pub(super) fn changes<const N: usize>(
    before: [(&str, Option<String>); N],
    after: [(&str, Option<String>); N],
) -> Vec<Change> {
    let pairs = before.into_iter().zip(after);
    pairs
        .filter(|((_, from), (_, to))| from != to)
        .map(|((field, from), (_, to))| Change { field: field.into(), from, to })
        .collect()
}
