//! Cards: a first shape, until their own files come.

use async_graphql::{Context, ID, Object, Union};
use colloquy_entity as e;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::log::Kind;

macro_rules! card {
    ($(#[$doc:meta])* $name:ident, $module:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(pub e::$module::Model);
        $(#[$doc])*
        #[Object]
        impl $name {
            /// Its id
            pub async fn id(&self) -> ID {
                super::node::show(self.0.id)
            }
        }
    };
}
card!(
    /// A contractor
    Contractor, contractor
);
card!(
    /// A funnel
    Funnel, funnel
);
card!(
    /// A deal
    Deal, deal
);
card!(
    /// A project
    Project, project
);
card!(
    /// A task
    Task, task
);
/// A card
#[derive(Union)]
pub enum Card {
    /// A contractor
    Contractor(Contractor),
    /// A deal
    Deal(Deal),
    /// A project
    Project(Project),
    /// A task
    Task(Task),
}
pub async fn contractor_of(_: &Context<'_>, _: Option<e::ContractorId>) -> Result<Option<Contractor>> {
    Ok(None)
}
pub async fn find_funnel(_: &Context<'_>, _: e::FunnelId) -> Result<Option<Funnel>> {
    Ok(None)
}
pub async fn deals_of(_: &Context<'_>, _: e::DialogueId) -> Result<Vec<Deal>> {
    Ok(Vec::new())
}
pub async fn projects_of(_: &Context<'_>, _: e::DialogueId) -> Result<Vec<Project>> {
    Ok(Vec::new())
}
pub async fn tasks_of(_: &Context<'_>, _: e::DialogueId) -> Result<Vec<Task>> {
    Ok(Vec::new())
}
pub async fn card(_: &Context<'_>, _: Kind, _: Uuid) -> Result<Card> {
    Err(Error::NotFound("card"))
}
