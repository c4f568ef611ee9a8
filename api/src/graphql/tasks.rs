//! Tasks, here or mirrored from another system.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use colloquy_entity::{self as stored, task};

use crate::error::Result;
use crate::inbox::tasks;
use crate::paging::PageArgs;

use super::card_loaders::DialoguesOfTask;
use super::cards::Project;
use super::connection::{connection, counting};
use super::dialogues::Dialogue;
use super::events::{EventConnection, feed};
use super::node::{parse, required, show};
use super::page_loaders::Feed;
use super::scalars::{DateTime, Url};
use super::users::{User, user_of};
use super::words::TaskState;
use super::{Ask, answer};

/// A task, here or mirrored from another system
#[derive(Clone)]
pub struct Task(pub task::Model);

/// A task, here or mirrored from another system
#[Object]
impl Task {
    /// Its id
    pub async fn id(&self) -> ID {
        show(self.0.id)
    }

    /// What is to be done
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// In more words
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// Whether it is done
    async fn state(&self) -> TaskState {
        self.0.state.into()
    }

    /// Of which project it is a part, if the viewer may see it
    async fn project(&self, ctx: &Context<'_>) -> Option<Project> {
        answer(ctx, ctx.load(self.0.project_id?).await).flatten().map(Project)
    }

    /// Who is to do it
    async fn responsible(&self, ctx: &Context<'_>) -> Option<User> {
        answer(ctx, user_of(ctx, self.0.responsible_id?).await)
    }

    /// Until when
    async fn due_at(&self) -> Option<DateTime> {
        self.0.due_at.map(Into::into)
    }

    /// The task's page in the system that owns it
    async fn external_url(&self) -> Option<Url> {
        self.0.external_url.clone().map(Url)
    }

    /// The task's id in the system that owns it; no two tasks have the same
    async fn external_id(&self) -> Option<&str> {
        self.0.external_id.as_deref()
    }

    /// The linked dialogues that the viewer may see, the latest linked first; 100 at most
    async fn dialogues(&self, ctx: &Context<'_>) -> Result<Vec<Dialogue>> {
        Ok(ctx.load(DialoguesOfTask(self.0.id)).await?.unwrap_or_default().into_iter().map(Dialogue::from).collect())
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

connection!(Task, TaskConnection, TaskEdge, "tasks", nodes = nodes, counted = total);

/// Reading tasks.
#[derive(Default)]
pub struct TaskQueries;

#[Object]
impl TaskQueries {
    /// The tasks that the viewer may see, in the order in which they were made
    async fn tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "In the title")] text: Option<String>,
        #[graphql(desc = "Only of this project")] project_id: Option<ID>,
        #[graphql(desc = "Only those that this employee is to do")] responsible_id: Option<ID>,
        #[graphql(desc = "Only those to do, or those done")] state: Option<TaskState>,
        #[graphql(desc = "Only the one with this id in the system that owns it")] external_id: Option<String>,
        #[graphql(desc = "So many from the start, or after `after`: 1 to 100")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor")] after: Option<String>,
    ) -> Result<TaskConnection> {
        let filter = tasks::TaskFilter {
            text,
            project: project_id.as_ref().map(parse),
            responsible: responsible_id.as_ref().map(parse),
            state: state.map(Into::into),
            external_id,
        };
        let args = PageArgs { first, after, ..PageArgs::default() };
        let page = tasks::page(ctx.app()?.db.read(), &ctx.viewer()?, &filter, &args).await?;
        let total = counting!(app, viewer => {
            let filter = filter.clone();
            async move { tasks::count(app.db.read(), &viewer, &filter).await }
        });
        Ok(TaskConnection::new(page.map(Task), |task| task.0.id, total))
    }
}

/// A new task
#[derive(InputObject)]
pub struct CreateTaskInput {
    /// What is to be done; 256 characters at most
    title: String,
    /// In more words; 10,000 characters at most
    description: Option<String>,
    /// Of which project it is a part
    project_id: Option<ID>,
    /// Who is to do it: an active employee
    responsible_id: Option<ID>,
    /// Until when
    due_at: Option<DateTime>,
    /// The task's page in the system that owns it
    external_url: Option<Url>,
    /// The task's id in the system that owns it, 256 characters at most; CONFLICT where another task has it
    external_id: Option<String>,
    /// Also links it to this dialogue
    dialogue_id: Option<ID>,
}

/// What to change of a task; what is absent stays, null clears
#[derive(InputObject)]
pub struct UpdateTaskInput {
    /// Which one
    task_id: ID,
    /// The task's id in the system that owns it, 256 characters at most; CONFLICT where another task has it
    external_id: MaybeUndefined<String>,
    #[graphql(flatten)]
    fields: TaskFields,
}

/// A task as the system that owns it has it now; what is absent stays, null clears
#[derive(InputObject)]
pub struct UpsertTaskInput {
    /// The task's id in the system that owns it: 1 to 256 characters
    external_id: String,
    /// Also links it to this dialogue
    dialogue_id: Option<ID>,
    #[graphql(flatten)]
    fields: TaskFields,
}

/// What can be changed of a task.
#[derive(InputObject)]
struct TaskFields {
    /// What is to be done; 256 characters at most
    title: MaybeUndefined<String>,
    /// In more words; 10,000 characters at most
    description: MaybeUndefined<String>,
    /// Whether it is done
    state: MaybeUndefined<TaskState>,
    /// Of which project it is a part
    project_id: MaybeUndefined<ID>,
    /// Who is to do it: an active employee
    responsible_id: MaybeUndefined<ID>,
    /// Until when
    due_at: MaybeUndefined<DateTime>,
    /// The task's page in the system that owns it
    external_url: MaybeUndefined<Url>,
}

impl TaskFields {
    fn change(self, external_id: MaybeUndefined<String>) -> Result<tasks::TaskChange> {
        Ok(tasks::TaskChange {
            title: required("input.title", self.title)?,
            description: self.description.into(),
            state: required("input.state", self.state)?.map(Into::into),
            project: self.project_id.map_value(|id| parse(&id)).into(),
            responsible: self.responsible_id.map_value(|id| parse(&id)).into(),
            due_at: self.due_at.map_value(|at| at.0).into(),
            external_url: self.external_url.map_value(|url| url.0).into(),
            external_id: external_id.into(),
        })
    }
}

/// The task
#[derive(SimpleObject)]
pub struct TaskPayload {
    /// As it is now
    task: Task,
}

/// The task
#[derive(SimpleObject)]
pub struct UpsertTaskPayload {
    /// As it is now
    task: Task,
    /// Whether there was none with this id before
    is_new: bool,
}

/// Changing tasks.
#[derive(Default)]
pub struct TaskMutations;

#[Object]
impl TaskMutations {
    /// Makes a task, on its own or in a dialogue; an observer only in a dialogue in which they are responsible
    async fn create_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new task")] input: CreateTaskInput,
    ) -> Option<TaskPayload> {
        answer(ctx, create(ctx, input).await)
    }

    /// Changes a task; an observer only one of a dialogue in which they are responsible
    async fn update_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change")] input: UpdateTaskInput,
    ) -> Option<TaskPayload> {
        answer(ctx, update(ctx, input).await)
    }

    /// Makes or changes the task that has this id in another system, as createTask or updateTask would; safe to repeat.
    /// A new one needs a title
    async fn upsert_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task as the other system has it")] input: UpsertTaskInput,
    ) -> Option<UpsertTaskPayload> {
        answer(ctx, upsert(ctx, input).await)
    }
}

async fn create(ctx: &Context<'_>, input: CreateTaskInput) -> Result<TaskPayload> {
    let new = tasks::NewTask {
        title: input.title,
        description: input.description,
        project: input.project_id.as_ref().map(parse),
        responsible: input.responsible_id.as_ref().map(parse),
        state: stored::TaskState::Open,
        due_at: input.due_at.map(|at| at.0),
        external_url: input.external_url.map(|url| url.0),
        external_id: input.external_id,
        dialogue: input.dialogue_id.as_ref().map(parse),
    };
    Ok(TaskPayload { task: Task(tasks::create(ctx.app()?, &ctx.viewer()?, new).await?) })
}

async fn update(ctx: &Context<'_>, input: UpdateTaskInput) -> Result<TaskPayload> {
    let change = input.fields.change(input.external_id)?;
    let id = parse(&input.task_id);
    Ok(TaskPayload { task: Task(tasks::update(ctx.app()?, &ctx.viewer()?, id, change).await?) })
}

async fn upsert(ctx: &Context<'_>, input: UpsertTaskInput) -> Result<UpsertTaskPayload> {
    let change = input.fields.change(MaybeUndefined::Undefined)?;
    let dialogue = input.dialogue_id.as_ref().map(parse);
    let (task, is_new) = tasks::upsert(ctx.app()?, &ctx.viewer()?, &input.external_id, change, dialogue).await?;
    Ok(UpsertTaskPayload { task: Task(task), is_new })
}
