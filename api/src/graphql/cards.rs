//! What all cards have in common: the union, finding them for other nouns, and linking them to dialogues.

use async_graphql::{Context, ID, Object, Union};
use colloquy_entity::{ContractorId, DealId, DialogueId, FunnelId, ProjectId, TaskId, dialogue};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::inbox::contractors;
use crate::inbox::links::{self, Linked};
use crate::log::Kind;

use super::card_loaders::{DealsOf, NamedContractor, NamedDeal, NamedProject, NamedTask, ProjectsOf, TasksOf};
use super::dialogues::DialoguePayload;
use super::node::parse;
use super::{Ask, answer};

pub use super::contractors::Contractor;
pub use super::deals::Deal;
pub use super::funnels::Funnel;
pub use super::projects::Project;
pub use super::tasks::Task;

/// What a CardEvent is about
#[derive(Union)]
pub enum Card {
    /// A customer card
    Contractor(Contractor),
    /// A sale in work
    Deal(Deal),
    /// A project
    Project(Project),
    /// A task
    Task(Task),
}

/// A client's contractor, if the viewer may see it.
pub async fn contractor_of(ctx: &Context<'_>, id: Option<ContractorId>) -> Result<Option<Contractor>> {
    match id {
        Some(id) => Ok(ctx.load(id).await?.map(Contractor)),
        None => Ok(None),
    }
}

/// A funnel.
pub async fn find_funnel(ctx: &Context<'_>, id: FunnelId) -> Result<Option<Funnel>> {
    Ok(ctx.load(id).await?.map(Funnel))
}

/// A dialogue's deals, the latest linked first: that is the current one.
pub async fn deals_of(ctx: &Context<'_>, id: DialogueId) -> Result<Vec<Deal>> {
    Ok(ctx.load(DealsOf(id)).await?.unwrap_or_default().into_iter().map(Deal).collect())
}

/// A dialogue's projects, the latest linked first.
pub async fn projects_of(ctx: &Context<'_>, id: DialogueId) -> Result<Vec<Project>> {
    Ok(ctx.load(ProjectsOf(id)).await?.unwrap_or_default().into_iter().map(Project).collect())
}

/// A dialogue's tasks, the latest linked first.
pub async fn tasks_of(ctx: &Context<'_>, id: DialogueId) -> Result<Vec<Task>> {
    Ok(ctx.load(TasksOf(id)).await?.unwrap_or_default().into_iter().map(Task).collect())
}

/// The card of an event that the viewer may see, as it is now; of a merged contractor, the one that stayed.
pub async fn card(ctx: &Context<'_>, kind: Kind, id: Uuid) -> Result<Card> {
    let found = match kind {
        Kind::ContractorCreated | Kind::ContractorLinked | Kind::ContractorChanged | Kind::ContractorMerged => {
            ctx.load(NamedContractor(ContractorId(id))).await?.map(Contractor).map(Card::Contractor)
        }
        Kind::DealCreated | Kind::DealLinked | Kind::DealUnlinked | Kind::DealChanged => {
            ctx.load(NamedDeal(DealId(id))).await?.map(Deal).map(Card::Deal)
        }
        Kind::ProjectCreated | Kind::ProjectLinked | Kind::ProjectUnlinked | Kind::ProjectChanged => {
            ctx.load(NamedProject(ProjectId(id))).await?.map(Project).map(Card::Project)
        }
        Kind::TaskCreated | Kind::TaskLinked | Kind::TaskUnlinked | Kind::TaskChanged => {
            ctx.load(NamedTask(TaskId(id))).await?.map(Task).map(Card::Task)
        }
        _ => None,
    };
    found.ok_or_else(|| Error::internal(format!("no card stands behind a {} event", kind.as_str())))
}

fn payload(result: Result<dialogue::Model>) -> Result<DialoguePayload> {
    result.map(|dialogue| DialoguePayload { dialogue: dialogue.into() })
}

fn which(id: &ID) -> Result<DialogueId> {
    parse(id).ok_or(Error::NotFound("dialogue"))
}

async fn link(ctx: &Context<'_>, kind: Linked, dialogue: ID, card: Option<Uuid>) -> Option<DialoguePayload> {
    let run = async { payload(links::link(ctx.app()?, &ctx.viewer()?, kind, which(&dialogue)?, card).await) };
    answer(ctx, run.await)
}

async fn unlink(ctx: &Context<'_>, kind: Linked, dialogue: ID, card: Option<Uuid>) -> Option<DialoguePayload> {
    let run = async { payload(links::unlink(ctx.app()?, &ctx.viewer()?, kind, which(&dialogue)?, card).await) };
    answer(ctx, run.await)
}

/// Linking cards to dialogues.
#[derive(Default)]
pub struct LinkMutations;

#[Object]
impl LinkMutations {
    /// Moves the dialogue's client to this contractor, with all dialogues of theirs
    async fn link_contractor(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of which dialogue")] dialogue_id: ID,
        #[graphql(desc = "To which contractor")] contractor_id: ID,
    ) -> Option<DialoguePayload> {
        let run = async {
            let contractor = parse(&contractor_id);
            payload(contractors::link(ctx.app()?, &ctx.viewer()?, which(&dialogue_id)?, contractor).await)
        };
        answer(ctx, run.await)
    }

    /// Links a deal, which becomes the dialogue's current one. Nothing where it is linked
    async fn link_deal(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "To which dialogue")] dialogue_id: ID,
        #[graphql(desc = "Which deal")] deal_id: ID,
    ) -> Option<DialoguePayload> {
        link(ctx, Linked::Deal, dialogue_id, parse(&deal_id).map(|id: DealId| id.0)).await
    }

    /// Unlinks a deal. Nothing where it is not linked
    async fn unlink_deal(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "From which dialogue")] dialogue_id: ID,
        #[graphql(desc = "Which deal")] deal_id: ID,
    ) -> Option<DialoguePayload> {
        unlink(ctx, Linked::Deal, dialogue_id, parse(&deal_id).map(|id: DealId| id.0)).await
    }

    /// Links a project. Nothing where it is linked
    async fn link_project(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "To which dialogue")] dialogue_id: ID,
        #[graphql(desc = "Which project")] project_id: ID,
    ) -> Option<DialoguePayload> {
        link(ctx, Linked::Project, dialogue_id, parse(&project_id).map(|id: ProjectId| id.0)).await
    }

    /// Unlinks a project. Nothing where it is not linked
    async fn unlink_project(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "From which dialogue")] dialogue_id: ID,
        #[graphql(desc = "Which project")] project_id: ID,
    ) -> Option<DialoguePayload> {
        unlink(ctx, Linked::Project, dialogue_id, parse(&project_id).map(|id: ProjectId| id.0)).await
    }

    /// Links a task. Nothing where it is linked
    async fn link_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "To which dialogue")] dialogue_id: ID,
        #[graphql(desc = "Which task")] task_id: ID,
    ) -> Option<DialoguePayload> {
        link(ctx, Linked::Task, dialogue_id, parse(&task_id).map(|id: TaskId| id.0)).await
    }

    /// Unlinks a task. Nothing where it is not linked
    async fn unlink_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "From which dialogue")] dialogue_id: ID,
        #[graphql(desc = "Which task")] task_id: ID,
    ) -> Option<DialoguePayload> {
        unlink(ctx, Linked::Task, dialogue_id, parse(&task_id).map(|id: TaskId| id.0)).await
    }
}
