//! Deals: sales in work.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use colloquy_entity::deal;

use crate::error::{Error, Result};
use crate::inbox::deals;
use crate::paging::PageArgs;

use super::card_loaders::DialoguesOfDeal;
use super::cards::{self, Contractor, Funnel};
use super::connection::{connection, counting};
use super::dialogues::Dialogue;
use super::events::{EventConnection, feed};
use super::funnels::Stage;
use super::node::{parse, required, show};
use super::page_loaders::Feed;
use super::scalars::{DateTime, Decimal};
use super::users::{User, user_of};
use super::{Ask, answer};

/// A sale in work
#[derive(Clone)]
pub struct Deal(pub deal::Model);

/// A sale in work
#[Object]
impl Deal {
    /// Its id
    pub async fn id(&self) -> ID {
        show(self.0.id)
    }

    /// What it is about
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// In which funnel it stands; it stays there
    async fn funnel(&self, ctx: &Context<'_>) -> Result<Funnel> {
        cards::find_funnel(ctx, self.0.funnel_id).await?.ok_or_else(|| Error::internal("a funnel is gone"))
    }

    /// How far it is
    async fn stage(&self, ctx: &Context<'_>) -> Result<Stage> {
        ctx.load(self.0.stage_id).await?.map(Stage).ok_or_else(|| Error::internal("a stage is gone"))
    }

    /// What it is worth, exactly as it was given
    async fn amount(&self) -> Option<Decimal> {
        let amount = self.0.amount.as_deref()?;
        rust_decimal::Decimal::from_str_exact(amount).ok().map(Decimal)
    }

    /// The amount's currency by ISO 4217: RUB
    async fn currency(&self) -> Option<&str> {
        self.0.currency.as_deref()
    }

    /// With whom it is, if the viewer may see them
    async fn contractor(&self, ctx: &Context<'_>) -> Option<Contractor> {
        answer(ctx, cards::contractor_of(ctx, self.0.contractor_id).await).flatten()
    }

    /// Who answers for it
    async fn responsible(&self, ctx: &Context<'_>) -> Option<User> {
        answer(ctx, user_of(ctx, self.0.responsible_id?).await)
    }

    /// The linked dialogues that the viewer may see, the latest linked first; 100 at most
    async fn dialogues(&self, ctx: &Context<'_>) -> Result<Vec<Dialogue>> {
        Ok(ctx.load(DialoguesOfDeal(self.0.id)).await?.unwrap_or_default().into_iter().map(Dialogue::from).collect())
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

connection!(Deal, DealConnection, DealEdge, "deals", nodes = nodes, counted = total);

/// Reading deals.
#[derive(Default)]
pub struct DealQueries;

#[Object]
impl DealQueries {
    /// The deals that the viewer may see, in the order in which they were made
    async fn deals(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "In the title")] text: Option<String>,
        #[graphql(desc = "Only in this funnel")] funnel_id: Option<ID>,
        #[graphql(desc = "Only at this stage")] stage_id: Option<ID>,
        #[graphql(desc = "Only those for which this employee answers")] responsible_id: Option<ID>,
        #[graphql(desc = "So many from the start, or after `after`: 1 to 100")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor")] after: Option<String>,
    ) -> Result<DealConnection> {
        let filter = deals::DealFilter {
            text,
            funnel: funnel_id.as_ref().map(parse),
            stage: stage_id.as_ref().map(parse),
            responsible: responsible_id.as_ref().map(parse),
        };
        let args = PageArgs { first, after, ..PageArgs::default() };
        let page = deals::page(ctx.app()?.db.read(), &ctx.viewer()?, &filter, &args).await?;
        let total = counting!(app, viewer => {
            let filter = filter.clone();
            async move { deals::count(app.db.read(), &viewer, &filter).await }
        });
        Ok(DealConnection::new(page.map(Deal), |deal| deal.0.id, total))
    }
}

/// A new deal
#[derive(InputObject)]
pub struct CreateDealInput {
    /// What it is about; 256 characters at most
    title: String,
    /// In which funnel
    funnel_id: ID,
    /// One of the funnel's stages; its first when absent
    stage_id: Option<ID>,
    /// What it is worth, with its currency; 18 digits before the point and 4 after it at most, kept as given
    amount: Option<Decimal>,
    /// The amount's currency by ISO 4217: RUB
    currency: Option<String>,
    /// With whom
    contractor_id: Option<ID>,
    /// Who answers for it: an active employee
    responsible_id: Option<ID>,
    /// Also links it to this dialogue
    dialogue_id: Option<ID>,
}

/// What to change of a deal; what is absent stays, null clears
#[derive(InputObject)]
pub struct UpdateDealInput {
    /// Which one
    deal_id: ID,
    /// What it is about; 256 characters at most
    title: MaybeUndefined<String>,
    /// One of the stages of the deal's funnel
    stage_id: MaybeUndefined<ID>,
    /// What it is worth; 18 digits before the point and 4 after it at most, kept as given. Null clears its currency, too
    amount: MaybeUndefined<Decimal>,
    /// The amount's currency by ISO 4217: RUB
    currency: MaybeUndefined<String>,
    /// With whom
    contractor_id: MaybeUndefined<ID>,
    /// Who answers for it: an active employee
    responsible_id: MaybeUndefined<ID>,
}

/// The deal
#[derive(SimpleObject)]
pub struct DealPayload {
    /// As it is now
    deal: Deal,
}

/// Changing deals.
#[derive(Default)]
pub struct DealMutations;

#[Object]
impl DealMutations {
    /// Makes a deal, on its own or in a dialogue; an observer only in a dialogue in which they are responsible
    async fn create_deal(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new deal")] input: CreateDealInput,
    ) -> Option<DealPayload> {
        answer(ctx, create(ctx, input).await)
    }

    /// Changes a deal; an observer only one of a dialogue in which they are responsible
    async fn update_deal(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change")] input: UpdateDealInput,
    ) -> Option<DealPayload> {
        answer(ctx, update(ctx, input).await)
    }
}

async fn create(ctx: &Context<'_>, input: CreateDealInput) -> Result<DealPayload> {
    let new = deals::NewDeal {
        title: input.title,
        funnel: parse(&input.funnel_id),
        stage: input.stage_id.as_ref().map(parse),
        amount: input.amount.map(|amount| amount.0),
        currency: input.currency,
        contractor: input.contractor_id.as_ref().map(parse),
        responsible: input.responsible_id.as_ref().map(parse),
        dialogue: input.dialogue_id.as_ref().map(parse),
    };
    Ok(DealPayload { deal: Deal(deals::create(ctx.app()?, &ctx.viewer()?, new).await?) })
}

async fn update(ctx: &Context<'_>, input: UpdateDealInput) -> Result<DealPayload> {
    let change = deals::DealChange {
        title: required("input.title", input.title)?,
        stage: required("input.stageId", input.stage_id)?.as_ref().map(parse),
        amount: input.amount.map_value(|amount| amount.0).into(),
        currency: input.currency.into(),
        contractor: input.contractor_id.map_value(|id| parse(&id)).into(),
        responsible: input.responsible_id.map_value(|id| parse(&id)).into(),
    };
    let id = parse(&input.deal_id);
    Ok(DealPayload { deal: Deal(deals::update(ctx.app()?, &ctx.viewer()?, id, change).await?) })
}
