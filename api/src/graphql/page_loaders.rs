//! Loaders of pages: the same page of many things' lists is read in one statement.

use std::collections::HashMap;
use std::hash::Hash;

use async_graphql::Context;
use async_graphql::dataloader::Loader;
use colloquy_entity::*;
use futures_util::future::BoxFuture;
use uuid::Uuid;

use crate::app::App;
use crate::error::{Error, Result};
use crate::inbox::{comments, contractors, messages, tasks};
use crate::log::{self, Cursor, Event, Filter, Kind};
use crate::paging::{Page, PageArgs, Window};
use crate::viewer::Viewer;

use super::Ask;
use super::loaders::{Loaders, Reads, group};

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

/// By owner.
type Pages<T> = Result<HashMap<Uuid, Page<T>>>;

/// A list of which pages are read.
pub trait List: Clone + Eq + Hash + Send + Sync + 'static {
    /// What is in it.
    type Item: Clone + Send + Sync + 'static;

    /// The same page of each owner's list; of an empty one, none.
    fn pages(
        &self,
        app: &App,
        viewer: &Viewer,
        owners: &[Uuid],
        args: &PageArgs,
    ) -> impl Future<Output = Pages<Self::Item>> + Send;
}

impl<L: List> PageOf<L> {
    /// Reads a list's page, together with the same page of others that the same answer asks for.
    pub fn read<'a>(
        ctx: &'a Context<'_>,
        owner: Uuid,
        list: L,
        args: PageArgs,
    ) -> BoxFuture<'a, Result<Page<L::Item>>> {
        // Apart, as what loads is: most fields of those who have such lists are others.
        Box::pin(async move {
            match ctx.load(Self { owner, list, args: args.clone() }).await? {
                Some(page) => page,
                None => Ok(Page::empty(&args)),
            }
        })
    }
}

impl<L: List> Reads<PageOf<L>> for Loaders {
    /// A feed may hold what is addressed to the viewer.
    const ALIKE: bool = false;
}

impl<L: List> Loader<PageOf<L>> for Loaders {
    type Value = Result<Page<L::Item>>;
    type Error = Error;

    /// One statement for each page that is asked of several things: most often all are asked for the same.
    async fn load(&self, keys: &[PageOf<L>]) -> Result<HashMap<PageOf<L>, Self::Value>> {
        let same = group(keys.iter().map(|key| ((key.list.clone(), key.args.clone()), key.owner)));
        let mut pages = HashMap::new();
        for ((list, args), owners) in same {
            let read = || async { list.pages(&self.app, &self.viewer()?, &owners, &args).await };
            let key = |owner| PageOf { owner, list: list.clone(), args: args.clone() };
            match self.patiently(read).await {
                Ok(found) => pages.extend(found.into_iter().map(|(owner, page)| (key(owner), Ok(page)))),
                // Arguments that cannot be are the fault of those alone who came with them.
                Err(error) => pages.extend(owners.iter().map(|owner| (key(*owner), Err(error.clone())))),
            }
        }
        Ok(pages)
    }
}

fn ids<I>(owners: &[Uuid], id: fn(Uuid) -> I) -> Vec<I> {
    owners.iter().copied().map(id).collect()
}

/// How a list's pages are read.
macro_rules! list {
    ($list:ty => $item:ty, |$this:pat_param, $app:ident, $viewer:pat_param, $owners:ident, $args:ident| $body:block) => {
        impl List for $list {
            type Item = $item;

            async fn pages(&self, $app: &App, $viewer: &Viewer, $owners: &[Uuid], $args: &PageArgs) -> Pages<$item> {
                let $this = self;
                $body
            }
        }
    };
}

list!(Messages => message::Model, |_, app, _, owners, args| {
    messages::pages(app.db.read(), &ids(owners, DialogueId), args).await
});
list!(Comments => comment::Model, |_, app, _, owners, args| {
    comments::pages(app.db.read(), &ids(owners, DialogueId), args).await
});
list!(Tasks => task::Model, |_, app, viewer, owners, args| {
    tasks::of_projects(app.db.read(), viewer, &ids(owners, ProjectId), args).await
});
list!(Feed => Event, |feed, app, viewer, owners, args| {
    let window: Window<Cursor> = args.window()?;
    let about = |owner, subjects, kinds| (owner, Filter { kinds, subjects: vec![subjects], ..Filter::default() });
    let feeds: Vec<(Uuid, Filter)> = match feed {
        Feed::Of(kinds) => owners.iter().map(|owner| about(*owner, vec![*owner], kinds.clone())).collect(),
        Feed::OfContractor => {
            let merged = contractors::merged_with(app.db.read(), &ids(owners, ContractorId)).await?;
            let bare = |ids: Vec<ContractorId>| ids.into_iter().map(|id| id.0).collect();
            merged.into_iter().map(|(owner, ids)| about(owner.0, bare(ids), None)).collect()
        }
    };
    log::pages(app.db.read(), viewer, &feeds, &window).await
});
