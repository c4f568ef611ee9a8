//! Connections: pages as the Relay specification shapes them, one macro for all nouns.

use std::sync::Arc;

use async_graphql::SimpleObject;
use futures_util::future::BoxFuture;

use crate::app::App;
use crate::error::Result;
use crate::viewer::Viewer;

/// Where a page stands in its list
#[derive(Clone, Debug, SimpleObject)]
pub struct PageInfo {
    /// Whether there is more after this page
    pub has_next_page: bool,
    /// Whether there is more before this page
    pub has_previous_page: bool,
    /// The first edge's cursor
    pub start_cursor: Option<String>,
    /// The last edge's cursor
    pub end_cursor: Option<String>,
}

/// Counts a list, should anybody ask.
pub type Counting = Arc<dyn Fn(Arc<App>, Viewer) -> BoxFuture<'static, Result<u64>> + Send + Sync>;

/// A `Counting` from an async closure's body: `counting!(app, viewer => users::count(app.db.read(), &filter).await)`.
macro_rules! counting {
    ($app:ident, $viewer:ident => $body:expr) => {
        std::sync::Arc::new(move |$app: std::sync::Arc<crate::app::App>, $viewer: crate::viewer::Viewer| {
            Box::pin({
                let _ = &$viewer;
                $body
            }) as futures_util::future::BoxFuture<'static, crate::error::Result<u64>>
        }) as $crate::graphql::connection::Counting
    };
}

/// Makes `XConnection` and `XEdge` of a node type. `counted` adds `totalCount`; `nodes` adds `nodes`.
macro_rules! connection {
    ($node:ident, $connection:ident, $edge:ident, $what:literal $(, nodes = $nodes:ident)? $(, counted = $counted:ident)?) => {
        #[doc = concat!("A page of ", $what)]
        pub struct $connection {
            edges: Vec<$edge>,
            page_info: $crate::graphql::connection::PageInfo,
            $($counted: $crate::graphql::connection::Counting,)?
        }

        #[doc = concat!("One of the page's ", $what)]
        #[derive(async_graphql::SimpleObject)]
        pub struct $edge {
            /// Its place in the list, to go on from
            cursor: String,
            /// What stands there
            node: $crate::graphql::direct::Direct<$node>,
        }

        impl $connection {
            /// From a page; `key` is what a node's cursor holds.
            pub fn new<K: $crate::paging::Key>(
                page: $crate::paging::Page<$node>,
                key: impl Fn(&$node) -> K,
                $($counted: $crate::graphql::connection::Counting,)?
            ) -> Self {
                let edge = |node| $edge { cursor: key(&node).encode(), node: $crate::graphql::direct::Direct(node) };
                let edges: Vec<_> = page.items.into_iter().map(edge).collect();
                let page_info = $crate::graphql::connection::PageInfo {
                    has_next_page: page.has_next,
                    has_previous_page: page.has_previous,
                    start_cursor: edges.first().map(|edge| edge.cursor.clone()),
                    end_cursor: edges.last().map(|edge| edge.cursor.clone()),
                };
                Self { edges, page_info, $($counted,)? }
            }
        }

        #[doc = concat!("A page of ", $what)]
        #[async_graphql::Object]
        impl $connection {
            /// The page's entries, each with its cursor
            async fn edges(&self) -> Vec<$crate::graphql::direct::Direct<&$edge>> {
                self.edges.iter().map($crate::graphql::direct::Direct).collect()
            }

            $(
            /// The page's entries alone
            async fn $nodes(&self) -> Vec<&$crate::graphql::direct::Direct<$node>> {
                self.edges.iter().map(|edge| &edge.node).collect()
            }
            )?

            /// Where the page stands in its list
            async fn page_info(&self) -> &$crate::graphql::connection::PageInfo {
                &self.page_info
            }

            $(
            /// How many there are in all; counted only when asked for
            #[graphql(name = "totalCount")]
            async fn $counted(&self, ctx: &async_graphql::Context<'_>) -> $crate::error::Result<i32> {
                use $crate::graphql::Ask;
                let asking = ctx.asking()?;
                let count = (self.$counted)(std::sync::Arc::clone(&asking.app), asking.viewer()?).await?;
                Ok(i32::try_from(count).unwrap_or(i32::MAX))
            }
            )?
        }
    };
}

pub(super) use {connection, counting};
