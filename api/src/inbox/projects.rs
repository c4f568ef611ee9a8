//! Projects, here or mirrored from another system.

use std::collections::HashSet;

use colloquy_entity::*;
use sea_orm::sea_query::{Condition, LockType};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QuerySelect,
};

use crate::app::App;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::log::Kind;
use crate::paging::{Page, PageArgs, Window};
use crate::policy::{self, Act, Power};
use crate::ranked;
use crate::viewer::Viewer;

use super::cards::{self, Given};
use super::links::Linked;
use super::text;

/// A new project.
#[derive(Clone, Debug)]
pub struct NewProject {
    /// Its name.
    pub name: String,
    /// What it is about.
    pub description: Option<String>,
    /// Its page in the system that owns it.
    pub external_url: Option<String>,
    /// Its id there.
    pub external_id: Option<String>,
    /// Linked to it.
    pub dialogue: Option<Given<DialogueId>>,
}

/// Makes a project, on its own or linked to a dialogue.
pub async fn create(app: &App, viewer: &Viewer, new: NewProject) -> Result<project::Model> {
    let mut tx = app.begin().await?;
    let project = insert(&mut tx, viewer, new).await?;
    tx.commit().await?;
    Ok(project)
}

async fn insert(tx: &mut Tx<'_>, viewer: &Viewer, new: NewProject) -> Result<project::Model> {
    cards::require_making(viewer, new.dialogue.is_some())?;
    let name = text::name("input.name", &new.name)?;
    let description = text::optional_note("input.description", new.description.as_deref())?;
    let external_id = cards::external_id(new.external_id.as_deref())?;
    let dialogue = cards::lock_place(tx, viewer, new.dialogue).await?;
    let project = project::Model {
        id: ProjectId::new(),
        lookup: text::lookup([&name]),
        name,
        description,
        external_url: new.external_url,
        external_id,
        created_at: tx.now(),
    };
    let row = project.clone().into_active_model().reset_all();
    project::Entity::insert(row).exec_without_returning(&**tx).await.map_err(cards::taken("project"))?;
    let kind = match dialogue {
        Some(dialogue) => {
            Linked::Project.put(tx, dialogue.id, project.id.0).await?;
            Kind::ProjectLinked
        }
        None => Kind::ProjectCreated,
    };
    let entry = Linked::Project.tell(tx, kind, viewer, project.id.0).await?;
    tx.emit(entry);
    Ok(project)
}

/// What is to change; what is absent stays, and `Some(None)` clears.
#[derive(Clone, Debug, Default)]
pub struct ProjectChange {
    /// Its name.
    pub name: Option<String>,
    /// What it is about.
    pub description: Option<Option<String>>,
    /// Its page in the system that owns it.
    pub external_url: Option<Option<String>>,
    /// Its id there.
    pub external_id: Option<Option<String>>,
}

/// Changes a project. Nothing new, no event.
pub async fn update(app: &App, viewer: &Viewer, id: Given<ProjectId>, change: ProjectChange) -> Result<project::Model> {
    let mut tx = app.begin().await?;
    let project = apply(&mut tx, viewer, id, change).await?;
    if !tx.is_quiet() {
        tx.commit().await?;
    }
    Ok(project)
}

/// Changes the project with this id in the system that owns it, or makes one; and links it, if a dialogue is given.
/// Whether it was made.
pub async fn upsert(
    app: &App,
    viewer: &Viewer,
    external_id: &str,
    change: ProjectChange,
    place: Option<Given<DialogueId>>,
) -> Result<(project::Model, bool)> {
    let external_id = &cards::required_external_id(external_id)?;
    cards::made_or_found(|| upsert_once(app, viewer, external_id, change.clone(), place)).await
}

async fn upsert_once(
    app: &App,
    viewer: &Viewer,
    external_id: &str,
    change: ProjectChange,
    place: Option<Given<DialogueId>>,
) -> Result<(project::Model, bool)> {
    let mut tx = app.begin().await?;
    // One that they may not see is as none until it stands in the way.
    let found = project::Entity::find().filter(project::Column::ExternalId.eq(external_id)).filter(visible(viewer));
    let found = found.one(&*tx).await?;
    let done = match found {
        Some(found) => {
            let dialogue = cards::lock_place(&tx, viewer, place).await?;
            let project = apply(&mut tx, viewer, Some(found.id), change).await?;
            if let Some(dialogue) = dialogue {
                Linked::Project.put_and_tell(&mut tx, viewer, dialogue.id, project.id.0).await?;
            }
            (project, false)
        }
        None => {
            let new = NewProject {
                name: change.name.ok_or_else(|| Error::bad("input.name", "A new project needs a name"))?,
                description: change.description.flatten(),
                external_url: change.external_url.flatten(),
                external_id: Some(external_id.into()),
                dialogue: place,
            };
            (insert(&mut tx, viewer, new).await?, true)
        }
    };
    if !tx.is_quiet() {
        tx.commit().await?;
    }
    Ok(done)
}

async fn apply(
    tx: &mut Tx<'_>,
    viewer: &Viewer,
    id: Given<ProjectId>,
    change: ProjectChange,
) -> Result<project::Model> {
    let missing = || Error::NotFound("project");
    let id = id.ok_or_else(missing)?;
    Linked::Project.require(tx, viewer, id.0, Act::Arrange).await?;
    let found = project::Entity::find_by_id(id).lock(LockType::NoKeyUpdate).one(&**tx).await?;
    let before = found.ok_or_else(missing)?;
    let mut after = before.clone();
    if let Some(name) = &change.name {
        after.name = text::name("input.name", name)?;
        after.lookup = text::lookup([&after.name]);
    }
    if let Some(description) = &change.description {
        after.description = text::optional_note("input.description", description.as_deref())?;
    }
    after.external_url = change.external_url.unwrap_or(after.external_url);
    if let Some(given) = &change.external_id {
        after.external_id = cards::external_id(given.as_deref())?;
    }
    let changes = cards::changes(fields(&before), fields(&after));
    if changes.is_empty() {
        return Ok(before);
    }
    let row = after.clone().into_active_model().reset_all();
    row.update_without_returning(&**tx).await.map_err(cards::taken("project"))?;
    let entry = Linked::Project.tell(tx, Kind::ProjectChanged, viewer, id.0).await?;
    tx.emit(entry.with(|detail| detail.changes = changes));
    Ok(after)
}

fn fields(project: &project::Model) -> [(&'static str, Option<String>); 4] {
    [
        ("name", Some(project.name.clone())),
        ("description", project.description.clone()),
        ("externalUrl", project.external_url.clone()),
        ("externalId", project.external_id.clone()),
    ]
}

/// That there is such a project, and the viewer may see it.
pub(super) async fn known(tx: &Tx<'_>, viewer: &Viewer, given: Given<ProjectId>) -> Result<ProjectId> {
    let missing = Error::NotFound("project");
    let Some(id) = given else { return Err(missing) };
    by_ids(&**tx, viewer, &[id]).await?.first().map(|project| project.id).ok_or(missing)
}

/// The projects that the viewer may see: an observer those of the dialogues that they may see.
fn visible(viewer: &Viewer) -> Condition {
    if policy::has(viewer.role, Power::SeeAllCards) {
        return Condition::all();
    }
    Condition::all().add(project::Column::Id.in_subquery(Linked::Project.seen_by(viewer)))
}

/// Those of the projects that the viewer may see.
pub async fn by_ids(db: &impl ConnectionTrait, viewer: &Viewer, ids: &[ProjectId]) -> Result<Vec<project::Model>> {
    let query = project::Entity::find().filter(project::Column::Id.is_in(ids.iter().copied()));
    Ok(query.filter(visible(viewer)).all(db).await?)
}

/// The projects that events name, for who may see the event. Of one that they may not see any more, no more than its
/// name.
pub async fn named(db: &impl ConnectionTrait, viewer: &Viewer, ids: &[ProjectId]) -> Result<Vec<project::Model>> {
    let mut rows = project::Entity::find().filter(project::Column::Id.is_in(ids.iter().copied())).all(db).await?;
    if !policy::has(viewer.role, Power::SeeAllCards) {
        let seen: HashSet<_> = by_ids(db, viewer, ids).await?.into_iter().map(|row| row.id).collect();
        for row in rows.iter_mut().filter(|row| !seen.contains(&row.id)) {
            (row.description, row.external_url, row.external_id) = (None, None, None);
        }
    }
    Ok(rows)
}

/// Which projects are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ProjectFilter {
    /// In the name.
    pub text: Option<String>,
    /// With this id in the system that owns it.
    pub external_id: Option<String>,
}

impl ProjectFilter {
    fn query(&self, viewer: &Viewer) -> sea_orm::Select<project::Entity> {
        let words = self.text.as_deref().filter(|words| !words.trim().is_empty());
        let all = visible(viewer)
            .add_option(words.map(|words| text::contains(project::Column::Lookup, words)))
            .add_option(self.external_id.as_deref().map(|id| text::equals(project::Column::ExternalId, id)));
        project::Entity::find().filter(all)
    }
}

/// Projects in the order in which they were made.
pub async fn page(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: &ProjectFilter,
    args: &PageArgs,
) -> Result<Page<project::Model>> {
    let window: Window<ProjectId> = args.window()?;
    ranked::page(db, filter.query(viewer), project::Column::Id, &window).await
}

/// How many there are.
pub async fn count(db: &impl ConnectionTrait, viewer: &Viewer, filter: &ProjectFilter) -> Result<u64> {
    Ok(filter.query(viewer).count(db).await?)
}

/// The latest projects of dialogues, the latest linked first. For who sees the dialogues.
pub async fn of_dialogues(db: &impl ConnectionTrait, ids: &[DialogueId]) -> Result<Vec<(DialogueId, project::Model)>> {
    Linked::Project.of_dialogues::<project::Entity>(db, ids).await
}
