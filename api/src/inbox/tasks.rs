//! Tasks, here or mirrored from another system.

use std::collections::{HashMap, HashSet};

use colloquy_entity::*;
use sea_orm::sea_query::{Condition, LockType};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QuerySelect,
};
use uuid::Uuid;

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
use super::{projects, text};

/// A new task.
#[derive(Clone, Debug)]
pub struct NewTask {
    /// What is to be done.
    pub title: String,
    /// In more words.
    pub description: Option<String>,
    /// Part of which project.
    pub project: Option<Given<ProjectId>>,
    /// Who is to do it.
    pub responsible: Option<Given<UserId>>,
    /// Open or done.
    pub state: TaskState,
    /// Until when.
    pub due_at: Option<Time>,
    /// Its page in the system that owns it.
    pub external_url: Option<String>,
    /// Its id there.
    pub external_id: Option<String>,
    /// Linked to it.
    pub dialogue: Option<Given<DialogueId>>,
}

/// Makes a task, on its own or in a dialogue.
pub async fn create(app: &App, viewer: &Viewer, new: NewTask) -> Result<task::Model> {
    let mut tx = app.begin().await?;
    let task = insert(&mut tx, viewer, new).await?;
    tx.commit().await?;
    Ok(task)
}

async fn insert(tx: &mut Tx<'_>, viewer: &Viewer, new: NewTask) -> Result<task::Model> {
    cards::require_making(viewer, new.dialogue.is_some())?;
    let title = text::name("input.title", &new.title)?;
    let description = text::optional_note("input.description", new.description.as_deref())?;
    let external_id = cards::external_id(new.external_id.as_deref())?;
    let dialogue = cards::lock_place(tx, viewer, new.dialogue).await?;
    let project = match new.project {
        Some(given) => Some(projects::known(tx, viewer, given).await?),
        None => None,
    };
    let responsible = match new.responsible {
        Some(given) => Some(cards::responsible(tx, given).await?),
        None => None,
    };
    let task = task::Model {
        id: TaskId::new(),
        lookup: text::lookup([&title]),
        title,
        description,
        state: new.state,
        project_id: project,
        responsible_id: responsible,
        due_at: new.due_at,
        external_url: new.external_url,
        external_id,
        created_at: tx.now(),
    };
    let row = task.clone().into_active_model().reset_all();
    task::Entity::insert(row).exec_without_returning(&**tx).await.map_err(cards::taken("task"))?;
    if let Some(dialogue) = dialogue {
        Linked::Task.put(tx, dialogue.id, task.id.0).await?;
    }
    let created = Linked::Task.tell(tx, Kind::TaskCreated, viewer, task.id.0).await?;
    tx.emit(created);
    Ok(task)
}

/// What is to change; what is absent stays, and `Some(None)` clears.
#[derive(Clone, Debug, Default)]
pub struct TaskChange {
    /// What is to be done.
    pub title: Option<String>,
    /// In more words.
    pub description: Option<Option<String>>,
    /// Open or done.
    pub state: Option<TaskState>,
    /// Part of which project.
    pub project: Option<Option<Given<ProjectId>>>,
    /// Who is to do it.
    pub responsible: Option<Option<Given<UserId>>>,
    /// Until when.
    pub due_at: Option<Option<Time>>,
    /// Its page in the system that owns it.
    pub external_url: Option<Option<String>>,
    /// Its id there.
    pub external_id: Option<Option<String>>,
}

/// Changes a task. Nothing new, no event.
pub async fn update(app: &App, viewer: &Viewer, id: Given<TaskId>, change: TaskChange) -> Result<task::Model> {
    let mut tx = app.begin().await?;
    let task = apply(&mut tx, viewer, id, change).await?;
    if !tx.is_quiet() {
        tx.commit().await?;
    }
    Ok(task)
}

/// Changes the task with this id in the system that owns it, or makes one; and links it, if a dialogue is given. Whether
/// it was made.
pub async fn upsert(
    app: &App,
    viewer: &Viewer,
    external_id: &str,
    change: TaskChange,
    place: Option<Given<DialogueId>>,
) -> Result<(task::Model, bool)> {
    let external_id = &cards::required_external_id(external_id)?;
    cards::made_or_found(|| upsert_once(app, viewer, external_id, change.clone(), place)).await
}

async fn upsert_once(
    app: &App,
    viewer: &Viewer,
    external_id: &str,
    change: TaskChange,
    place: Option<Given<DialogueId>>,
) -> Result<(task::Model, bool)> {
    let mut tx = app.begin().await?;
    // One that they may not see is as none until it stands in the way.
    let found = task::Entity::find().filter(task::Column::ExternalId.eq(external_id)).filter(visible(viewer));
    let found = found.one(&*tx).await?;
    let done = match found {
        Some(found) => {
            let dialogue = cards::lock_place(&tx, viewer, place).await?;
            let task = apply(&mut tx, viewer, Some(found.id), change).await?;
            if let Some(dialogue) = dialogue {
                Linked::Task.put_and_tell(&mut tx, viewer, dialogue.id, task.id.0).await?;
            }
            (task, false)
        }
        None => {
            let new = NewTask {
                title: change.title.ok_or_else(|| Error::bad("input.title", "A new task needs a title"))?,
                description: change.description.flatten(),
                project: change.project.flatten(),
                responsible: change.responsible.flatten(),
                state: change.state.unwrap_or(TaskState::Open),
                due_at: change.due_at.flatten(),
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

async fn apply(tx: &mut Tx<'_>, viewer: &Viewer, id: Given<TaskId>, change: TaskChange) -> Result<task::Model> {
    let missing = || Error::NotFound("task");
    let id = id.ok_or_else(missing)?;
    Linked::Task.require(tx, viewer, id.0, Act::Arrange).await?;
    let found = task::Entity::find_by_id(id).lock(LockType::NoKeyUpdate).one(&**tx).await?;
    let before = found.ok_or_else(missing)?;
    let mut after = before.clone();
    if let Some(title) = &change.title {
        after.title = text::name("input.title", title)?;
        after.lookup = text::lookup([&after.title]);
    }
    if let Some(description) = &change.description {
        after.description = text::optional_note("input.description", description.as_deref())?;
    }
    after.state = change.state.unwrap_or(after.state);
    after.project_id = match change.project {
        None => before.project_id,
        Some(None) => None,
        Some(Some(given)) => Some(projects::known(tx, viewer, given).await?),
    };
    after.responsible_id = cards::change_responsible(tx, before.responsible_id, change.responsible).await?;
    after.due_at = change.due_at.unwrap_or(after.due_at);
    after.external_url = change.external_url.unwrap_or(after.external_url);
    if let Some(given) = &change.external_id {
        after.external_id = cards::external_id(given.as_deref())?;
    }
    let changes = cards::changes(fields(&before), fields(&after));
    if changes.is_empty() {
        return Ok(before);
    }
    let row = after.clone().into_active_model().reset_all();
    row.update_without_returning(&**tx).await.map_err(cards::taken("task"))?;
    let entry = Linked::Task.tell(tx, Kind::TaskChanged, viewer, id.0).await?;
    tx.emit(entry.with(|detail| detail.changes = changes));
    Ok(after)
}

fn fields(task: &task::Model) -> [(&'static str, Option<String>); 8] {
    [
        ("title", Some(task.title.clone())),
        ("description", task.description.clone()),
        ("state", Some(task.state.as_str().into())),
        ("project", task.project_id.map(|id| id.to_string())),
        ("responsible", task.responsible_id.map(|id| id.to_string())),
        ("dueAt", task.due_at.map(text::rfc3339)),
        ("externalUrl", task.external_url.clone()),
        ("externalId", task.external_id.clone()),
    ]
}

/// The tasks that the viewer may see: an observer those of the dialogues that they may see.
fn visible(viewer: &Viewer) -> Condition {
    if policy::has(viewer.role, Power::SeeAllCards) {
        return Condition::all();
    }
    Condition::all().add(task::Column::Id.in_subquery(Linked::Task.seen_by(viewer)))
}

/// Those of the tasks that the viewer may see.
pub async fn by_ids(db: &impl ConnectionTrait, viewer: &Viewer, ids: &[TaskId]) -> Result<Vec<task::Model>> {
    let query = task::Entity::find().filter(task::Column::Id.is_in(ids.iter().copied()));
    Ok(query.filter(visible(viewer)).all(db).await?)
}

/// The tasks that events name, for who may see the event. Of one that they may not see any more, no more than its title
/// and state.
pub async fn named(db: &impl ConnectionTrait, viewer: &Viewer, ids: &[TaskId]) -> Result<Vec<task::Model>> {
    let mut rows = task::Entity::find().filter(task::Column::Id.is_in(ids.iter().copied())).all(db).await?;
    if !policy::has(viewer.role, Power::SeeAllCards) {
        let seen: HashSet<_> = by_ids(db, viewer, ids).await?.into_iter().map(|row| row.id).collect();
        for row in rows.iter_mut().filter(|row| !seen.contains(&row.id)) {
            (row.description, row.external_url, row.external_id) = (None, None, None);
            (row.project_id, row.responsible_id, row.due_at) = (None, None, None);
        }
    }
    Ok(rows)
}

/// Which tasks are wanted. Ids of nothing that there is match nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TaskFilter {
    /// In the title.
    pub text: Option<String>,
    /// Of this project.
    pub project: Option<Given<ProjectId>>,
    /// That this user is to do.
    pub responsible: Option<Given<UserId>>,
    /// Open or done.
    pub state: Option<TaskState>,
    /// With this id in the system that owns it.
    pub external_id: Option<String>,
}

impl TaskFilter {
    fn query(&self, viewer: &Viewer) -> sea_orm::Select<task::Entity> {
        let words = self.text.as_deref().filter(|words| !words.trim().is_empty());
        let all = visible(viewer)
            .add_option(words.map(|words| text::contains(task::Column::Lookup, words)))
            .add_option(self.project.map(|id| task::Column::ProjectId.is_in(id)))
            .add_option(self.responsible.map(|id| task::Column::ResponsibleId.is_in(id)))
            .add_option(self.state.map(|state| task::Column::State.eq(state)))
            .add_option(self.external_id.as_deref().map(|id| text::equals(task::Column::ExternalId, id)));
        task::Entity::find().filter(all)
    }
}

/// Tasks in the order in which they were made.
pub async fn page(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: &TaskFilter,
    args: &PageArgs,
) -> Result<Page<task::Model>> {
    let window: Window<TaskId> = args.window()?;
    ranked::page(db, filter.query(viewer), task::Column::Id, &window).await
}

/// How many there are.
pub async fn count(db: &impl ConnectionTrait, viewer: &Viewer, filter: &TaskFilter) -> Result<u64> {
    Ok(filter.query(viewer).count(db).await?)
}

/// A page of each project's tasks that the viewer may see, in the order in which they were made; of a project that has
/// none, none.
pub async fn of_projects(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    ids: &[ProjectId],
    args: &PageArgs,
) -> Result<HashMap<Uuid, Page<task::Model>>> {
    let window: Window<TaskId> = args.window()?;
    let list = |id| task::Entity::find().filter(visible(viewer)).filter(task::Column::ProjectId.eq(id));
    ranked::pages(db, ids.iter().map(|id| (id.0, list(*id))), task::Column::Id, &window).await
}

/// How many tasks of each project the viewer may see; of a project that has none, nothing.
pub async fn counts(db: &impl ConnectionTrait, viewer: &Viewer, ids: &[ProjectId]) -> Result<Vec<(ProjectId, i64)>> {
    Ok(task::Entity::find()
        .select_only()
        .column(task::Column::ProjectId)
        .column_as(task::Column::Id.count(), "count")
        .filter(visible(viewer))
        .filter(task::Column::ProjectId.is_in(ids.iter().copied()))
        .group_by(task::Column::ProjectId)
        .into_tuple()
        .all(db)
        .await?)
}

/// The latest tasks of dialogues, the latest linked first. For who sees the dialogues.
pub async fn of_dialogues(db: &impl ConnectionTrait, ids: &[DialogueId]) -> Result<Vec<(DialogueId, task::Model)>> {
    Linked::Task.of_dialogues::<task::Entity>(db, ids).await
}
