//! Whether an answer shows no more than operators' lists do: then lists read less of each client, channel and message.
//!
//! Half of those columns are shown when somebody looks at one of them, not in a list. What is read by a list serves the
//! whole answer (`known.rs`), so it is the whole operation that is looked at, by the names of its fields; any other name
//! than these has whole rows read.

use async_graphql::Context;
use async_graphql::parser::types::{Selection, SelectionSet};

/// Whether all that the operation selects is in lists' rows.
pub(super) fn is_brief(ctx: &Context<'_>) -> bool {
    let fragments = ctx.query_env.fragments.values().map(|fragment| &fragment.node.selection_set.node);
    is_listed(&ctx.query_env.operation.node.selection_set.node) && fragments.into_iter().all(is_listed)
}

fn is_listed(selected: &SelectionSet) -> bool {
    selected.items.iter().all(|selection| match &selection.node {
        Selection::Field(field) => is_of_lists(&field.node.name.node) && is_listed(&field.node.selection_set.node),
        Selection::InlineFragment(fragment) => is_listed(&fragment.node.selection_set.node),
        Selection::FragmentSpread(_) => true,
    })
}

/// What these lead to, on whichever type, takes no column that a brief row leaves out.
fn is_of_lists(field: &str) -> bool {
    matches!(
        field,
        "__typename"
            | "author"
            | "channel"
            | "client"
            | "close"
            | "closed"
            | "closedAt"
            | "color"
            | "comment"
            | "count"
            | "createdAt"
            | "cursor"
            | "deletedAt"
            | "delivery"
            | "dialogues"
            | "edges"
            | "endCursor"
            | "eventCursor"
            | "group"
            | "hasNextPage"
            | "hasPreviousPage"
            | "id"
            | "inbox"
            | "isActive"
            | "isReachable"
            | "kind"
            | "lastActivityAt"
            | "lastMessage"
            | "manageParticipants"
            | "mine"
            | "name"
            | "node"
            | "nodes"
            | "openedAt"
            | "origin"
            | "others"
            | "pageInfo"
            | "participants"
            | "reply"
            | "role"
            | "since"
            | "startCursor"
            | "state"
            | "status"
            | "tags"
            | "text"
            | "totalCount"
            | "unassigned"
            | "unreadCount"
            | "user"
            | "username"
            | "viewerCan"
    )
}
