//! The names of what a chunk's rows lead to, by ids: what may not be seen has none.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::Hash;

use colloquy_entity::*;
use sea_orm::sea_query::Condition;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect, TryGetableMany, Value};

use crate::error::Result;
use crate::inbox::clients;

use super::Source;

/// Most ids in one statement: SQLite takes 32,766 values.
const AT_ONCE: usize = 5_000;

/// Names by ids.
pub(super) type Names<I> = HashMap<I, String>;

/// Of these ids those whose rows let something hold, each with one of its columns.
async fn named<E: EntityTrait, I: Copy + Ord + Eq + Hash + Into<Value>, N>(
    db: &DatabaseTransaction,
    [id, name]: [E::Column; 2],
    ids: BTreeSet<I>,
    holds: Condition,
) -> Result<HashMap<I, N>>
where
    (I, N): TryGetableMany,
{
    let ids: Vec<I> = ids.into_iter().collect();
    let mut found = HashMap::new();
    for ids in ids.chunks(AT_ONCE) {
        let rows = E::find().select_only().columns([id, name]).filter(id.is_in(ids.iter().copied()));
        let rows: Vec<(I, N)> = rows.filter(holds.clone()).into_tuple().all(db).await?;
        found.extend(rows);
    }
    Ok(found)
}

macro_rules! names {
    ($($(#[$doc:meta])* $function:ident: $entity:ident($id:ty) = $name:ident as $is:ty;)*) => {$(
        $(#[$doc])*
        pub(super) async fn $function(
            from: &Source<'_>,
            ids: BTreeSet<$id>,
        ) -> Result<HashMap<$id, $is>> {
            let columns = [$entity::Column::Id, $entity::Column::$name];
            named::<$entity::Entity, _, _>(from.db, columns, ids, Condition::all()).await
        }
    )*};
}

names! {
    /// Employees.
    users: user(UserId) = Name as String;
    /// Channels.
    channels: channel(ChannelId) = Name as String;
    /// What messengers channels are of.
    kinds: channel(ChannelId) = Kind as ChannelKind;
    /// Tags.
    tags: tag(TagId) = Name as String;
    /// Deals.
    deals: deal(DealId) = Title as String;
    /// Projects.
    projects: project(ProjectId) = Name as String;
    /// Tasks.
    tasks: task(TaskId) = Title as String;
    /// Contractors, merged ones, too.
    contractors: contractor(ContractorId) = Name as String;
    /// What contractors were merged into.
    merged: contractor(ContractorId) = MergedIntoId as Option<ContractorId>;
    /// What messages say now.
    messages: message(MessageId) = Text as String;
    /// What comments say now; those that were deleted are not there.
    comments: comment(CommentId) = Text as String;
}

/// Clients that may be seen.
pub(super) async fn clients(from: &Source<'_>, ids: BTreeSet<ClientId>) -> Result<Names<ClientId>> {
    let seen = from.viewer.map_or_else(Condition::all, clients::visible);
    named::<client::Entity, _, _>(from.db, [client::Column::Id, client::Column::Name], ids, seen).await
}

/// Of these dialogues those for which this holds.
pub(super) async fn dialogues(
    from: &Source<'_>,
    ids: BTreeSet<DialogueId>,
    holds: Condition,
) -> Result<HashSet<DialogueId>> {
    let columns = [dialogue::Column::Id, dialogue::Column::ChannelId];
    let found: HashMap<_, ChannelId> = named::<dialogue::Entity, _, _>(from.db, columns, ids, holds).await?;
    Ok(found.into_keys().collect())
}
