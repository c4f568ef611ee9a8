//! Contractors: the customer cards that clients belong to.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use colloquy_entity::contractor;

use crate::error::Result;
use crate::inbox::contractors;
use crate::paging::PageArgs;

use super::card_loaders::{ClientsOf, DealsOfContractor, DialoguesOfContractor};
use super::cards::Deal;
use super::clients::Client;
use super::connection::{connection, counting};
use super::dialogues::Dialogue;
use super::events::{EventConnection, feed};
use super::node::{parse, required, show};
use super::page_loaders::Feed;
use super::scalars::DateTime;
use super::words::ContractorKind;
use super::{Ask, answer};

/// A customer card, of a person or a company
#[derive(Clone)]
pub struct Contractor(pub contractor::Model);

/// A customer card, of a person or a company
#[Object]
impl Contractor {
    /// Its id
    pub async fn id(&self) -> ID {
        show(self.0.id)
    }

    /// Whether it is a person or a company
    async fn kind(&self) -> ContractorKind {
        self.0.kind.into()
    }

    /// As the company knows them
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// As written
    async fn phone(&self) -> Option<&str> {
        self.0.phone.as_deref()
    }

    /// As written
    async fn email(&self) -> Option<&str> {
        self.0.email.as_deref()
    }

    /// Anything else worth knowing
    async fn note(&self) -> Option<&str> {
        self.0.note.as_deref()
    }

    /// The people who write for it, whom the viewer may see, the newest first; 100 at most
    async fn clients(&self, ctx: &Context<'_>) -> Result<Vec<Client>> {
        Ok(ctx.load(ClientsOf(self.0.id)).await?.unwrap_or_default().into_iter().map(Client::from).collect())
    }

    /// Its deals that the viewer may see, the newest first; 100 at most
    async fn deals(&self, ctx: &Context<'_>) -> Result<Vec<Deal>> {
        Ok(ctx.load(DealsOfContractor(self.0.id)).await?.unwrap_or_default().into_iter().map(Deal).collect())
    }

    /// Its clients' dialogues that the viewer may see, the latest active first; 100 at most
    async fn dialogues(&self, ctx: &Context<'_>) -> Result<Vec<Dialogue>> {
        Ok(ctx
            .load(DialoguesOfContractor(self.0.id))
            .await?
            .unwrap_or_default()
            .into_iter()
            .map(Dialogue::from)
            .collect())
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
        feed(ctx, self.0.id.0, Feed::OfContractor, PageArgs { first, after, last, before }).await
    }

    /// When it was made
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }
}

connection!(Contractor, ContractorConnection, ContractorEdge, "contractors", nodes = nodes, counted = total);

/// Reading contractors.
#[derive(Default)]
pub struct ContractorQueries;

#[Object]
impl ContractorQueries {
    /// The contractors that the viewer may see, in the order in which they were made
    async fn contractors(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "In the name, phone number or e-mail address")] text: Option<String>,
        #[graphql(desc = "So many from the start, or after `after`: 1 to 100")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor")] after: Option<String>,
    ) -> Result<ContractorConnection> {
        let args = PageArgs { first, after, ..PageArgs::default() };
        let page = contractors::page(ctx.app()?.db.read(), &ctx.viewer()?, text.as_deref(), &args).await?;
        let total = counting!(app, viewer => {
            let text = text.clone();
            async move { contractors::count(app.db.read(), &viewer, text.as_deref()).await }
        });
        Ok(ContractorConnection::new(page.map(Contractor), |contractor| contractor.0.id, total))
    }
}

/// A new contractor
#[derive(InputObject)]
pub struct CreateContractorInput {
    /// As the company knows them; 256 characters at most
    name: String,
    /// Whether it is a person or a company
    #[graphql(default_with = "ContractorKind::Person")]
    kind: ContractorKind,
    /// As written; 256 characters at most
    phone: Option<String>,
    /// As written; 256 characters at most
    email: Option<String>,
    /// Anything else worth knowing; 10,000 characters at most
    note: Option<String>,
    /// Also moves this dialogue's client to it
    dialogue_id: Option<ID>,
}

/// What to change of a contractor; what is absent stays, null clears
#[derive(InputObject)]
pub struct UpdateContractorInput {
    /// Which one
    contractor_id: ID,
    /// As the company knows them; 256 characters at most
    name: MaybeUndefined<String>,
    /// Whether it is a person or a company
    kind: MaybeUndefined<ContractorKind>,
    /// As written; 256 characters at most
    phone: MaybeUndefined<String>,
    /// As written; 256 characters at most
    email: MaybeUndefined<String>,
    /// Anything else worth knowing; 10,000 characters at most
    note: MaybeUndefined<String>,
}

/// The contractor
#[derive(SimpleObject)]
pub struct ContractorPayload {
    /// As it is now
    contractor: Contractor,
}

/// Changing contractors.
#[derive(Default)]
pub struct ContractorMutations;

#[Object]
impl ContractorMutations {
    /// Makes a contractor, on its own or for the client of a dialogue; an observer only for one of a dialogue in which
    /// they are responsible
    async fn create_contractor(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new contractor")] input: CreateContractorInput,
    ) -> Option<ContractorPayload> {
        answer(ctx, create(ctx, input).await)
    }

    /// Changes a contractor; an observer only one of a dialogue in which they are responsible
    async fn update_contractor(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change")] input: UpdateContractorInput,
    ) -> Option<ContractorPayload> {
        answer(ctx, update(ctx, input).await)
    }

    /// Moves clients, deals and dialogues of the second into the first, and removes the second; not for observers
    async fn merge_contractors(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The one that stays")] contractor_id: ID,
        #[graphql(desc = "The one that goes")] merged_id: ID,
    ) -> Option<ContractorPayload> {
        answer(ctx, merge(ctx, &contractor_id, &merged_id).await)
    }
}

async fn create(ctx: &Context<'_>, input: CreateContractorInput) -> Result<ContractorPayload> {
    let new = contractors::NewContractor {
        kind: input.kind.into(),
        name: input.name,
        phone: input.phone,
        email: input.email,
        note: input.note,
        dialogue: input.dialogue_id.as_ref().map(parse),
    };
    let contractor = contractors::create(ctx.app()?, &ctx.viewer()?, new).await?;
    Ok(ContractorPayload { contractor: Contractor(contractor) })
}

async fn update(ctx: &Context<'_>, input: UpdateContractorInput) -> Result<ContractorPayload> {
    let change = contractors::ContractorChange {
        kind: required("input.kind", input.kind)?.map(Into::into),
        name: required("input.name", input.name)?,
        phone: input.phone.into(),
        email: input.email.into(),
        note: input.note.into(),
    };
    let id = parse(&input.contractor_id);
    let contractor = contractors::update(ctx.app()?, &ctx.viewer()?, id, change).await?;
    Ok(ContractorPayload { contractor: Contractor(contractor) })
}

async fn merge(ctx: &Context<'_>, kept: &ID, merged: &ID) -> Result<ContractorPayload> {
    let contractor = contractors::merge(ctx.app()?, &ctx.viewer()?, parse(kept), parse(merged)).await?;
    Ok(ContractorPayload { contractor: Contractor(contractor) })
}
