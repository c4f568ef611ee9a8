//! Projects, here or mirrored from another system.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use colloquy_entity::project;

use crate::error::Result;
use crate::inbox::projects;
use crate::paging::PageArgs;

use super::card_loaders::{DialoguesOfProject, TaskCount};
use super::cards::Task;
use super::connection::{connection, counting};
use super::dialogues::Dialogue;
use super::events::{EventConnection, feed};
use super::node::{parse, required, show};
use super::page_loaders::{Feed, PageOf, Tasks};
use super::scalars::{DateTime, Url};
use super::tasks::TaskConnection;
use super::{Ask, answer};

/// A project, here or mirrored from another system
#[derive(Clone)]
pub struct Project(pub project::Model);

/// A project, here or mirrored from another system
#[Object]
impl Project {
    /// Its id
    pub async fn id(&self) -> ID {
        show(self.0.id)
    }

    /// Its name
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What it is about
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// The project's page in the system that owns it
    async fn external_url(&self) -> Option<Url> {
        self.0.external_url.clone().map(Url)
    }

    /// The project's id in the system that owns it; no two projects have the same
    async fn external_id(&self) -> Option<&str> {
        self.0.external_id.as_deref()
    }

    /// Its tasks that the viewer may see, in the order in which they were made
    async fn tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, or after `after`: 1 to 100")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor")] after: Option<String>,
    ) -> Result<TaskConnection> {
        let project = self.0.id;
        let page = PageOf::read(ctx, project.0, Tasks, PageArgs { first, after, ..PageArgs::default() }).await?;
        // Counted for all projects of the answer together, and only when asked for.
        let count = match ctx.look_ahead().field("totalCount").exists() {
            true => ctx.load(TaskCount(project)).await?.unwrap_or_default(),
            false => 0,
        };
        let total = counting!(app, viewer => {
            let _ = app;
            async move { Ok(count) }
        });
        Ok(TaskConnection::new(page.map(Task), |task| task.0.id, total))
    }

    /// The linked dialogues that the viewer may see, the latest linked first; 100 at most
    async fn dialogues(&self, ctx: &Context<'_>) -> Result<Vec<Dialogue>> {
        Ok(ctx.load(DialoguesOfProject(self.0.id)).await?.unwrap_or_default().into_iter().map(Dialogue::from).collect())
    }

    /// What happened to it, from old to new
    async fn activity(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, or after `after`: 1 to 100")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor")] after: Option<String>,
        #[graphql(desc = "So many from the end, or before `before`: 1 to 100")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor")] before: Option<String>,
    ) -> Result<EventConnection> {
        feed(ctx, self.0.id.0, Feed::Of(None), PageArgs { first, after, last, before }).await
    }

    /// When it was made
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }
}

connection!(Project, ProjectConnection, ProjectEdge, "projects", nodes = nodes, counted = total);

/// Reading projects.
#[derive(Default)]
pub struct ProjectQueries;

#[Object]
impl ProjectQueries {
    /// The projects that the viewer may see, in the order in which they were made
    async fn projects(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "In the name")] text: Option<String>,
        #[graphql(desc = "Only the one with this id in the system that owns it")] external_id: Option<String>,
        #[graphql(desc = "So many from the start, or after `after`: 1 to 100")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor")] after: Option<String>,
    ) -> Result<ProjectConnection> {
        let args = PageArgs { first, after, ..PageArgs::default() };
        let filter = projects::ProjectFilter { text, external_id };
        let page = projects::page(ctx.app()?.db.read(), &ctx.viewer()?, &filter, &args).await?;
        let total = counting!(app, viewer => {
            let filter = filter.clone();
            async move { projects::count(app.db.read(), &viewer, &filter).await }
        });
        Ok(ProjectConnection::new(page.map(Project), |project| project.0.id, total))
    }
}

/// A new project
#[derive(InputObject)]
pub struct CreateProjectInput {
    /// Its name; 256 characters at most
    name: String,
    /// What it is about; 10,000 characters at most
    description: Option<String>,
    /// The project's page in the system that owns it
    external_url: Option<Url>,
    /// The project's id in the system that owns it, 256 characters at most; CONFLICT where another project has it
    external_id: Option<String>,
    /// Also links it to this dialogue
    dialogue_id: Option<ID>,
}

/// What to change of a project; what is absent stays, null clears
#[derive(InputObject)]
pub struct UpdateProjectInput {
    /// Which one
    project_id: ID,
    /// The project's id in the system that owns it, 256 characters at most; CONFLICT where another project has it
    external_id: MaybeUndefined<String>,
    #[graphql(flatten)]
    fields: ProjectFields,
}

/// A project as the system that owns it has it now; what is absent stays, null clears
#[derive(InputObject)]
pub struct UpsertProjectInput {
    /// The project's id in the system that owns it: 1 to 256 characters
    external_id: String,
    /// Also links it to this dialogue
    dialogue_id: Option<ID>,
    #[graphql(flatten)]
    fields: ProjectFields,
}

/// What can be changed of a project.
#[derive(InputObject)]
struct ProjectFields {
    /// Its name; 256 characters at most
    name: MaybeUndefined<String>,
    /// What it is about; 10,000 characters at most
    description: MaybeUndefined<String>,
    /// The project's page in the system that owns it
    external_url: MaybeUndefined<Url>,
}

impl ProjectFields {
    fn change(self, external_id: MaybeUndefined<String>) -> Result<projects::ProjectChange> {
        Ok(projects::ProjectChange {
            name: required("input.name", self.name)?,
            description: self.description.into(),
            external_url: self.external_url.map_value(|url| url.0).into(),
            external_id: external_id.into(),
        })
    }
}

/// The project
#[derive(SimpleObject)]
pub struct ProjectPayload {
    /// As it is now
    project: Project,
}

/// The project
#[derive(SimpleObject)]
pub struct UpsertProjectPayload {
    /// As it is now
    project: Project,
    /// Whether there was none with this id before
    is_new: bool,
}

/// Changing projects.
#[derive(Default)]
pub struct ProjectMutations;

#[Object]
impl ProjectMutations {
    /// Makes a project, on its own or linked to a dialogue; an observer only with a dialogue in which they are
    /// responsible
    async fn create_project(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new project")] input: CreateProjectInput,
    ) -> Option<ProjectPayload> {
        answer(ctx, create(ctx, input).await)
    }

    /// Changes a project; an observer only one of a dialogue in which they are responsible
    async fn update_project(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change")] input: UpdateProjectInput,
    ) -> Option<ProjectPayload> {
        answer(ctx, update(ctx, input).await)
    }

    /// Makes or changes the project that has this id in another system, as createProject or updateProject would; safe to
    /// repeat. A new one needs a name
    async fn upsert_project(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project as the other system has it")] input: UpsertProjectInput,
    ) -> Option<UpsertProjectPayload> {
        answer(ctx, upsert(ctx, input).await)
    }
}

async fn create(ctx: &Context<'_>, input: CreateProjectInput) -> Result<ProjectPayload> {
    let new = projects::NewProject {
        name: input.name,
        description: input.description,
        external_url: input.external_url.map(|url| url.0),
        external_id: input.external_id,
        dialogue: input.dialogue_id.as_ref().map(parse),
    };
    Ok(ProjectPayload { project: Project(projects::create(ctx.app()?, &ctx.viewer()?, new).await?) })
}

async fn update(ctx: &Context<'_>, input: UpdateProjectInput) -> Result<ProjectPayload> {
    let change = input.fields.change(input.external_id)?;
    let id = parse(&input.project_id);
    Ok(ProjectPayload { project: Project(projects::update(ctx.app()?, &ctx.viewer()?, id, change).await?) })
}

async fn upsert(ctx: &Context<'_>, input: UpsertProjectInput) -> Result<UpsertProjectPayload> {
    let change = input.fields.change(MaybeUndefined::Undefined)?;
    let dialogue = input.dialogue_id.as_ref().map(parse);
    let (project, is_new) = projects::upsert(ctx.app()?, &ctx.viewer()?, &input.external_id, change, dialogue).await?;
    Ok(UpsertProjectPayload { project: Project(project), is_new })
}
