//! Clients: people as their messengers know them.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};
use colloquy_entity::client;

use crate::error::Result;
use crate::inbox::clients;
use crate::paging::PageArgs;

use super::cards::{self, Contractor};
use super::connection::{connection, counting};
use super::dialogues::Dialogue;
use super::loaders::{DialoguesOfClient, IsReachable};
use super::node::{parse, show};
use super::scalars::{DateTime, Url};
use super::words::ChannelKind;
use super::{Ask, answer};

/// Lists that are no connections hold the latest so many.
const LATEST: usize = 100;

/// A person as one messenger knows them
#[derive(Clone)]
pub struct Client(pub Arc<client::Model>);

impl From<client::Model> for Client {
    fn from(row: client::Model) -> Self {
        Self(Arc::new(row))
    }
}

/// A person as one messenger knows them
#[Object]
impl Client {
    /// Its id
    pub async fn id(&self) -> ID {
        show(self.0.id)
    }

    /// Which messenger knows them
    async fn channel_kind(&self) -> ChannelKind {
        self.0.kind.into()
    }

    /// As the messenger tells it
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Without the @
    async fn username(&self) -> Option<&str> {
        self.0.username.as_deref()
    }

    /// Their picture
    async fn avatar_url(&self) -> Option<Url> {
        self.0.avatar_url.clone().map(Url)
    }

    /// Their page in the messenger, where it has such pages
    async fn profile_url(&self) -> Option<Url> {
        self.0.profile_url.clone().map(Url)
    }

    /// Their customer card
    async fn contractor(&self, ctx: &Context<'_>) -> Option<Contractor> {
        answer(ctx, cards::contractor_of(ctx, self.0.contractor_id).await).flatten()
    }

    /// We refuse their messages
    async fn is_blocked(&self) -> bool {
        self.0.is_blocked
    }

    /// In any channel
    async fn is_reachable(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(ctx.load(IsReachable(self.0.id)).await?.is_some())
    }

    /// Their dialogues that the viewer may see, the latest active first; 100 at most
    async fn dialogues(&self, ctx: &Context<'_>) -> Result<Vec<Dialogue>> {
        let dialogues = ctx.load(DialoguesOfClient(self.0.id)).await?.unwrap_or_default();
        Ok(dialogues.into_iter().take(LATEST).map(Dialogue::from).collect())
    }

    /// When they first wrote
    async fn first_seen_at(&self) -> DateTime {
        self.0.first_seen_at.into()
    }
}

connection!(Client, ClientConnection, ClientEdge, "clients", nodes = nodes, counted = total);

/// Reading clients.
#[derive(Default)]
pub struct ClientQueries;

#[Object]
impl ClientQueries {
    /// The clients that the viewer may see, in the order in which they first wrote
    async fn clients(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "In the name or user name")] text: Option<String>,
        #[graphql(desc = "So many from the start, or after `after`: 1 to 100")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor")] after: Option<String>,
    ) -> Result<ClientConnection> {
        let args = PageArgs { first, after, ..PageArgs::default() };
        let page = clients::page(ctx.app()?.db.read(), &ctx.viewer()?, text.as_deref(), &args).await?;
        let total = counting!(app, viewer => {
            let text = text.clone();
            async move { clients::count(app.db.read(), &viewer, text.as_deref()).await }
        });
        Ok(ClientConnection::new(page.map(Client::from), |client| client.0.id, total))
    }
}

/// The client
#[derive(SimpleObject)]
pub struct ClientPayload {
    /// As they are now
    client: Client,
}

/// Changing clients.
#[derive(Default)]
pub struct ClientMutations;

#[Object]
impl ClientMutations {
    /// Refuses a client's messages from now on, or takes them again
    async fn block_client(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which client")] client_id: ID,
        #[graphql(desc = "Whether to refuse their messages")] blocked: bool,
    ) -> Option<ClientPayload> {
        answer(ctx, block(ctx, client_id, blocked).await)
    }
}

async fn block(ctx: &Context<'_>, id: ID, blocked: bool) -> Result<ClientPayload> {
    let client = clients::block(ctx.app()?, &ctx.viewer()?, parse(&id), blocked).await?;
    Ok(ClientPayload { client: client.into() })
}
