//! Ids as the outside sees them, and finding anything by its id.

use async_graphql::{Context, ID, Interface, MaybeUndefined, Object};
use colloquy_entity::Id;

use crate::error::{Error, Result};
use crate::inbox::{files, sessions};

use super::cards::{Contractor, Deal, Funnel, Project, Task};
use super::channels::Channel;
use super::clients::Client;
use super::comments::{Comment, Tag};
use super::dialogues::Dialogue;
use super::funnels::Stage;
use super::messages::{File, Message};
use super::users::{ApiToken, User};
use super::{Ask, answer};

/// Reads an id; nothing where it is malformed or of another kind: that is as what does not exist.
pub fn parse<I: Id>(id: &ID) -> Option<I> {
    I::parse(id).ok()
}

/// Those of the ids that are of this kind; the others match nothing.
pub fn parse_all<I: Id>(ids: &[ID]) -> Vec<I> {
    ids.iter().filter_map(parse).collect()
}

/// An id for the outside.
pub fn show(id: impl Id + std::fmt::Display) -> ID {
    ID(id.to_string())
}

/// The value of an input field that cannot be null: absent stays, null is BAD_USER_INPUT.
pub fn required<T>(field: &str, value: MaybeUndefined<T>) -> Result<Option<T>> {
    match value {
        MaybeUndefined::Undefined => Ok(None),
        MaybeUndefined::Null => Err(Error::bad(field, "This cannot be null: leave it out to keep it")),
        MaybeUndefined::Value(value) => Ok(Some(value)),
    }
}

/// Anything that has an id
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Its id: of all things, only this one has it"))]
pub enum Node {
    /// A dialogue
    Dialogue(Dialogue),
    /// A message
    Message(Message),
    /// A file
    File(File),
    /// A comment
    Comment(Comment),
    /// A tag
    Tag(Tag),
    /// A channel
    Channel(Channel),
    /// A client
    Client(Client),
    /// An employee
    User(User),
    /// An API token
    ApiToken(ApiToken),
    /// A contractor
    Contractor(Contractor),
    /// A funnel
    Funnel(Funnel),
    /// A stage of a funnel
    Stage(Stage),
    /// A deal
    Deal(Deal),
    /// A project
    Project(Project),
    /// A task
    Task(Task),
}

/// A dialogue, if the viewer may see it.
pub async fn find_dialogue(ctx: &Context<'_>, id: &ID) -> Result<Option<Dialogue>> {
    ctx.viewer()?;
    match parse::<colloquy_entity::DialogueId>(id) {
        Some(id) => Ok(ctx.load(id).await?.map(Dialogue)),
        None => Ok(None),
    }
}

/// Whatever has this id, if the viewer may see it.
async fn find(ctx: &Context<'_>, id: &ID) -> Result<Option<Node>> {
    let viewer = ctx.viewer()?;
    macro_rules! load {
        ($($id:ident => $node:ident,)*) => {
            $(if let Some(id) = parse::<colloquy_entity::$id>(id) {
                return Ok(ctx.load(id).await?.map($node).map(Node::$node));
            })*
        };
    }
    load! {
        DialogueId => Dialogue,
        MessageId => Message,
        CommentId => Comment,
        TagId => Tag,
        ChannelId => Channel,
        ClientId => Client,
        UserId => User,
        ContractorId => Contractor,
        FunnelId => Funnel,
        StageId => Stage,
        DealId => Deal,
        ProjectId => Project,
        TaskId => Task,
    }
    let db = ctx.app()?.db.read();
    if let Some(id) = parse(id) {
        return Ok(files::find(db, &viewer, id).await?.map(File).map(Node::File));
    }
    if let Some(id) = parse(id) {
        return Ok(sessions::token(db, &viewer, id).await?.map(ApiToken).map(Node::ApiToken));
    }
    Ok(None)
}

/// Finding anything by its id.
#[derive(Default)]
pub struct NodeQueries;

/// Most ids of one `nodes`.
const MOST: usize = 100;

#[Object]
impl NodeQueries {
    /// Whatever has this id; null where there is nothing that the viewer may see
    async fn node(&self, ctx: &Context<'_>, #[graphql(desc = "Any id")] id: ID) -> Option<Node> {
        answer(ctx, find(ctx, &id).await).flatten()
    }

    /// The same for many, in the order asked; 100 at most
    async fn nodes(&self, ctx: &Context<'_>, #[graphql(desc = "Any ids")] ids: Vec<ID>) -> Result<Vec<Option<Node>>> {
        if ids.len() > MOST {
            return Err(Error::bad("ids", format!("Ask for {MOST} ids at most")));
        }
        let found = futures_util::future::try_join_all(ids.iter().map(|id| find(ctx, id))).await?;
        Ok(found)
    }
}
