//! Funnels: ordered lists of stages.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use colloquy_entity::{funnel, stage};

use crate::error::Result;
use crate::inbox::funnels;

use super::card_loaders::StagesOf;
use super::node::show;
use super::words::StageKind;
use super::{Ask, answer};

/// An ordered list of stages through which deals go
#[derive(Clone)]
pub struct Funnel(pub funnel::Model);

/// An ordered list of stages through which deals go
#[Object]
impl Funnel {
    /// Its id
    pub async fn id(&self) -> ID {
        show(self.0.id)
    }

    /// As the company calls it
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Its stages in their order; a deal begins at the first
    async fn stages(&self, ctx: &Context<'_>) -> Result<Vec<Stage>> {
        Ok(ctx.load(StagesOf(self.0.id)).await?.unwrap_or_default().into_iter().map(Stage).collect())
    }
}

/// A step of a funnel
#[derive(Clone)]
pub struct Stage(pub stage::Model);

/// A step of a funnel
#[Object]
impl Stage {
    /// Its id
    pub async fn id(&self) -> ID {
        show(self.0.id)
    }

    /// As the company calls it
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What it means for a deal that stands at it
    async fn kind(&self) -> StageKind {
        self.0.kind.into()
    }
}

/// Reading funnels.
#[derive(Default)]
pub struct FunnelQueries;

#[Object]
impl FunnelQueries {
    /// The funnels in the order in which they were made; the latest 100
    async fn funnels(&self, ctx: &Context<'_>) -> Result<Vec<Funnel>> {
        ctx.viewer()?;
        Ok(funnels::list(ctx.app()?.db.read()).await?.into_iter().map(Funnel).collect())
    }
}

/// A new funnel
#[derive(InputObject)]
pub struct CreateFunnelInput {
    /// As the company calls it; 256 characters at most
    name: String,
    /// Its stages in their order, 1 to 100; a deal begins at the first
    stages: Vec<StageInput>,
}

/// A stage of a new funnel
#[derive(InputObject)]
pub struct StageInput {
    /// As the company calls it; 256 characters at most
    name: String,
    /// What it means for a deal that stands at it
    #[graphql(default_with = "StageKind::Open")]
    kind: StageKind,
}

/// The funnel
#[derive(SimpleObject)]
pub struct FunnelPayload {
    /// As it is now
    funnel: Funnel,
}

/// Making funnels.
#[derive(Default)]
pub struct FunnelMutations;

#[Object]
impl FunnelMutations {
    /// Makes a funnel with its stages; for administrators
    async fn create_funnel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new funnel")] input: CreateFunnelInput,
    ) -> Option<FunnelPayload> {
        answer(ctx, create(ctx, input).await)
    }
}

async fn create(ctx: &Context<'_>, input: CreateFunnelInput) -> Result<FunnelPayload> {
    let stages: Vec<_> = input.stages.into_iter().map(|stage| (stage.name, stage.kind.into())).collect();
    let funnel = funnels::create(ctx.app()?, &ctx.viewer()?, &input.name, &stages).await?;
    Ok(FunnelPayload { funnel: Funnel(funnel) })
}
