//! Loaders of pages: the same page of many things' lists is read in one statement.

use std::collections::HashMap;
use std::hash::Hash;

use async_graphql::Context;
use async_graphql::dataloader::Loader;
use colloquy_entity::*;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::inbox::{comments, contractors, messages, tasks};
use crate::log::{self, Cursor, Event, Filter, Kind};
use crate::paging::{Page, PageArgs, Window};

use super::Ask;
use super::loaders::{Loaders, group, loader};

/// A page of one of the lists that something has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PageOf<L> {
    owner: Uuid,
    list: L,
    args: PageArgs,
}

/// A dialogue's messages.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Messages;

/// A dialogue's comments.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Comments;

/// A project's tasks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tasks;

/// What happened to a dialogue or a card.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Feed {
    /// To a dialogue, a deal, a project or a task: all of it, or these kinds.
    Of(Option<Vec<Kind>>),
    /// To a contractor and those that were merged into it.
    OfContractor,
}

impl<L: Clone + Eq + Hash> PageOf<L> {
    /// Reads a list's page, together with the same page of others that the same answer asks for.
    pub async fn read<M: Clone + Send + Sync + 'static>(
        ctx: &Context<'_>,
        owner: Uuid,
        list: L,
        args: PageArgs,
    ) -> Result<Page<M>>
    where
        Self: Send + Sync + 'static,
        Loaders: Loader<Self, Value = Result<Page<M>>, Error = Error>,
    {
        match ctx.load(Self { owner, list, args: args.clone() }).await? {
            Some(page) => page,
            None => Ok(Page::empty(&args)),
        }
    }

    /// One statement for each page that is asked of several things: most often all are asked for the same.
    async fn load<M>(
        keys: &[Self],
        read: impl AsyncFn(L, PageArgs, Vec<Uuid>) -> Result<HashMap<Uuid, Page<M>>>,
    ) -> Result<HashMap<Self, Result<Page<M>>>> {
        let same = group(keys.iter().map(|key| ((key.list.clone(), key.args.clone()), key.owner)));
        let mut pages = HashMap::new();
        for ((list, args), owners) in same {
            let key = |owner| Self { owner, list: list.clone(), args: args.clone() };
            match read(list.clone(), args.clone(), owners.clone()).await {
                Ok(found) => pages.extend(found.into_iter().map(|(owner, page)| (key(owner), Ok(page)))),
                Err(error @ Error::Away(_)) => return Err(error),
                // Arguments that cannot be are the fault of those alone who came with them.
                Err(error) => pages.extend(owners.into_iter().map(|owner| (key(owner), Err(error.clone())))),
            }
        }
        Ok(pages)
    }
}

fn ids<I>(owners: Vec<Uuid>, id: fn(Uuid) -> I) -> Vec<I> {
    owners.into_iter().map(id).collect()
}

loader!(PageOf<Messages> => Result<Page<message::Model>>, |this, _viewer, keys| {
    let db = this.app.db.read();
    PageOf::load(keys, async |_, args, owners| messages::pages(db, &ids(owners, DialogueId), &args).await).await
});
loader!(PageOf<Comments> => Result<Page<comment::Model>>, |this, _viewer, keys| {
    let db = this.app.db.read();
    PageOf::load(keys, async |_, args, owners| comments::pages(db, &ids(owners, DialogueId), &args).await).await
});
loader!(PageOf<Tasks> => Result<Page<task::Model>>, |this, viewer, keys| {
    let db = this.app.db.read();
    PageOf::load(keys, async |_, args, owners| tasks::of_projects(db, viewer, &ids(owners, ProjectId), &args).await).await
});
loader!(PageOf<Feed> => Result<Page<Event>>, |this, viewer, keys| {
    let db = this.app.db.read();
    PageOf::load(keys, async |feed, args, owners| {
        let window: Window<Cursor> = args.window()?;
        let about = |owner, subjects, kinds| (owner, Filter { kinds, subjects: vec![subjects], ..Filter::default() });
        let feeds: Vec<(Uuid, Filter)> = match feed {
            Feed::Of(kinds) => owners.into_iter().map(|owner| about(owner, vec![owner], kinds.clone())).collect(),
            Feed::OfContractor => {
                let merged = contractors::merged_with(db, &ids(owners, ContractorId)).await?;
                let bare = |ids: Vec<ContractorId>| ids.into_iter().map(|id| id.0).collect();
                merged.into_iter().map(|(owner, ids)| about(owner.0, bare(ids), None)).collect()
            }
        };
        log::pages(db, viewer, &feeds, &window).await
    })
    .await
});
