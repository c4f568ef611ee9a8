//! Contractors: the customer cards that clients belong to.

use colloquy_entity::*;
use sea_orm::sea_query::{LockType, Query, SelectStatement};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};

use crate::app::App;
use crate::db::{Tx, retried};
use crate::error::{Error, Result};
use crate::log::{Actor, Entry, Kind};
use crate::policy::Act;
use crate::viewer::Viewer;

use super::cards::{self, Given, Place};
use super::{dialogues, text};

mod merge;
mod read;

pub use merge::merge;
use read::visible;
pub use read::{by_ids, clients, count, dialogues, merged_with, named, page};

/// A contractor for a client who has none, made with their first dialogue.
pub(super) async fn for_client(
    tx: &mut Tx<'_>,
    client: &mut client::Model,
    dialogue: &dialogue::Model,
    phone: Option<String>,
) -> Result<()> {
    if client.contractor_id.is_some() {
        return Ok(());
    }
    let contractor = contractor::Model {
        id: ContractorId::new(),
        kind: ContractorKind::Person,
        name: client.name.clone(),
        phone: phone.or_else(|| client.phone.clone()),
        email: None,
        note: None,
        merged_into_id: None,
        lookup: String::new(),
        created_at: tx.now(),
    };
    let contractor = insert(tx, contractor).await?;
    move_client(tx, client, contractor.id, std::slice::from_ref(dialogue), None).await?;
    client.contractor_id = Some(contractor.id);
    Ok(())
}

async fn insert(tx: &Tx<'_>, mut contractor: contractor::Model) -> Result<contractor::Model> {
    contractor.lookup = lookup(&contractor);
    let row = contractor.clone().into_active_model().reset_all();
    contractor::Entity::insert(row).exec_without_returning(&**tx).await?;
    Ok(contractor)
}

fn lookup(contractor: &contractor::Model) -> String {
    let contractor::Model { name, phone, email, .. } = contractor;
    text::lookup([name.as_str(), phone.as_deref().unwrap_or_default(), email.as_deref().unwrap_or_default()])
}

/// Moves a locked client to a contractor, which each of the client's dialogues tells of.
async fn move_client(
    tx: &mut Tx<'_>,
    client: &client::Model,
    to: ContractorId,
    dialogues: &[dialogue::Model],
    actor: Option<Actor>,
) -> Result<()> {
    let row = client::ActiveModel { id: Set(client.id), contractor_id: Set(Some(to)), ..Default::default() };
    row.update_without_returning(&**tx).await?;
    for dialogue in dialogues {
        let linked = Entry::of(Kind::ContractorLinked, actor, dialogue).about(to.0).about(client.id.0);
        // The feed of the one that the client leaves tells of it, too.
        let linked = client.contractor_id.map(|id| id.0).into_iter().fold(linked, Entry::about);
        tx.emit(linked.with(|detail| {
            detail.card = Some(to.0);
            detail.client = Some(client.id);
        }));
    }
    Ok(())
}

/// A new contractor.
#[derive(Clone, Debug)]
pub struct NewContractor {
    /// Person or company.
    pub kind: ContractorKind,
    /// As the company knows them.
    pub name: String,
    /// As written.
    pub phone: Option<String>,
    /// As written.
    pub email: Option<String>,
    /// Anything else.
    pub note: Option<String>,
    /// The client of this dialogue moves to it.
    pub dialogue: Option<Given<DialogueId>>,
}

/// Makes a contractor, on its own or for the client of a dialogue.
pub async fn create(app: &App, viewer: &Viewer, new: NewContractor) -> Result<contractor::Model> {
    cards::require_making(viewer, new.dialogue.is_some())?;
    let new = &new;
    retried(|| create_once(app, viewer, new)).await
}

async fn create_once(app: &App, viewer: &Viewer, new: &NewContractor) -> Result<contractor::Model> {
    let mut tx = app.begin().await?;
    let whose = match new.dialogue {
        Some(id) => Some(lock_client(&tx, viewer, id.ok_or(Error::NotFound("dialogue"))?).await?),
        None => None,
    };
    let contractor = contractor::Model {
        id: ContractorId::new(),
        kind: new.kind,
        name: text::name("input.name", &new.name)?,
        phone: text::line("input.phone", new.phone.as_deref())?,
        email: text::line("input.email", new.email.as_deref())?,
        note: text::optional_note("input.note", new.note.as_deref())?,
        merged_into_id: None,
        lookup: String::new(),
        created_at: tx.now(),
    };
    let contractor = insert(&tx, contractor).await?;
    match whose {
        Some((client, dialogues)) => {
            move_client(&mut tx, &client, contractor.id, &dialogues, viewer.actor()).await?;
        }
        None => tx.emit(cards::tell(Kind::ContractorCreated, viewer.actor(), contractor.id.0, &[])),
    }
    tx.commit().await?;
    Ok(contractor)
}

/// Moves the client of a dialogue to a contractor, with all dialogues of theirs. Nothing where they are there.
pub async fn link(
    app: &App,
    viewer: &Viewer,
    dialogue: DialogueId,
    contractor: Given<ContractorId>,
) -> Result<dialogue::Model> {
    retried(|| link_once(app, viewer, dialogue, contractor)).await
}

async fn link_once(
    app: &App,
    viewer: &Viewer,
    dialogue: DialogueId,
    contractor: Given<ContractorId>,
) -> Result<dialogue::Model> {
    let mut tx = app.begin().await?;
    let (client, all) = lock_client(&tx, viewer, dialogue).await?;
    let contractor = hold(&tx, viewer, contractor).await?;
    if client.contractor_id != Some(contractor) {
        move_client(&mut tx, &client, contractor, &all, viewer.actor()).await?;
        tx.commit().await?;
    }
    let named = all.into_iter().find(|row| row.id == dialogue);
    named.ok_or_else(|| Error::internal("a client's dialogues lack the one they were found by"))
}

/// Locks the client of a dialogue in which the viewer may arrange things, and all dialogues of theirs.
async fn lock_client(tx: &Tx<'_>, viewer: &Viewer, id: DialogueId) -> Result<(client::Model, Vec<dialogue::Model>)> {
    let client = dialogues::find(&**tx, viewer, id).await?.client_id;
    // So that no dialogue of theirs is made meanwhile either: it would refer to the client.
    let client = client::Entity::find_by_id(client).lock(LockType::Update).one(&**tx).await?;
    let client = client.ok_or_else(|| Error::internal("a dialogue without its client"))?;
    let dialogues = dialogue::Entity::find()
        .filter(dialogue::Column::ClientId.eq(client.id))
        .order_by_asc(dialogue::Column::Id)
        .lock(LockType::NoKeyUpdate)
        .all(&**tx)
        .await?;
    dialogues::lock_for(tx, viewer, id, Act::Arrange).await?;
    Ok((client, dialogues))
}

/// Keeps a contractor that the viewer may see from being merged away while this change is made.
pub(super) async fn hold(tx: &Tx<'_>, viewer: &Viewer, given: Given<ContractorId>) -> Result<ContractorId> {
    let missing = Error::NotFound("contractor");
    let Some(id) = given else { return Err(missing) };
    let found = contractor::Entity::find_by_id(id).filter(visible(viewer)).lock(LockType::Share).one(&**tx).await?;
    found.map(|contractor| contractor.id).ok_or(missing)
}

/// What is to change; what is absent stays, and `Some(None)` clears.
#[derive(Clone, Debug, Default)]
pub struct ContractorChange {
    /// Person or company.
    pub kind: Option<ContractorKind>,
    /// As the company knows them.
    pub name: Option<String>,
    /// As written.
    pub phone: Option<Option<String>>,
    /// As written.
    pub email: Option<Option<String>>,
    /// Anything else.
    pub note: Option<Option<String>>,
}

/// Changes a contractor. Nothing new, no event.
pub async fn update(
    app: &App,
    viewer: &Viewer,
    id: Given<ContractorId>,
    change: ContractorChange,
) -> Result<contractor::Model> {
    let missing = || Error::NotFound("contractor");
    let mut tx = app.begin().await?;
    let id = id.ok_or_else(missing)?;
    cards::require(&*tx, viewer, "contractor", Act::Arrange, dialogues_of(id)).await?;
    let found = contractor::Entity::find_by_id(id)
        .filter(contractor::Column::MergedIntoId.is_null())
        .lock(LockType::NoKeyUpdate)
        .one(&*tx)
        .await?;
    let before = found.ok_or_else(missing)?;
    let mut after = before.clone();
    after.kind = change.kind.unwrap_or(after.kind);
    if let Some(name) = &change.name {
        after.name = text::name("input.name", name)?;
    }
    if let Some(phone) = &change.phone {
        after.phone = text::line("input.phone", phone.as_deref())?;
    }
    if let Some(email) = &change.email {
        after.email = text::line("input.email", email.as_deref())?;
    }
    if let Some(note) = &change.note {
        after.note = text::optional_note("input.note", note.as_deref())?;
    }
    let changes = cards::changes(fields(&before), fields(&after));
    if changes.is_empty() {
        return Ok(before);
    }
    after.lookup = lookup(&after);
    after.clone().into_active_model().reset_all().update_without_returning(&*tx).await?;
    let entry = cards::tell(Kind::ContractorChanged, viewer.actor(), id.0, &places(&tx, id).await?);
    tx.emit(entry.with(|detail| detail.changes = changes));
    tx.commit().await?;
    Ok(after)
}

fn fields(contractor: &contractor::Model) -> [(&'static str, Option<String>); 5] {
    [
        ("kind", Some(contractor.kind.as_str().into())),
        ("name", Some(contractor.name.clone())),
        ("phone", contractor.phone.clone()),
        ("email", contractor.email.clone()),
        ("note", contractor.note.clone()),
    ]
}

/// The ids of a contractor's dialogues.
fn dialogues_of(id: ContractorId) -> SelectStatement {
    let clients = Query::select()
        .column(client::Column::Id)
        .from(client::Entity)
        .and_where(client::Column::ContractorId.eq(id))
        .take();
    Query::select()
        .column(dialogue::Column::Id)
        .from(dialogue::Entity)
        .and_where(dialogue::Column::ClientId.in_subquery(clients))
        .take()
}

/// A contractor's dialogues, the latest active first.
async fn places(tx: &Tx<'_>, id: ContractorId) -> Result<Vec<Place>> {
    Ok(dialogue::Entity::find()
        .select_only()
        .column_as(dialogue::Column::Id, "dialogue_id")
        .column(dialogue::Column::ChannelId)
        .filter(dialogue::Column::Id.in_subquery(dialogues_of(id)))
        .order_by_desc(dialogue::Column::LastActivityAt)
        .order_by_desc(dialogue::Column::Id)
        .into_model()
        .all(&**tx)
        .await?)
}
