//! Reading contractors, as the viewer may see them.

use std::collections::{HashMap, HashSet};

use colloquy_entity::*;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, JoinType, Order, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, QueryTrait};

use crate::error::Result;
use crate::inbox::{clients, text};
use crate::paging::{Page, PageArgs, Window};
use crate::policy::{self, Power};
use crate::ranked;
use crate::viewer::Viewer;

/// The contractors that the viewer may see: an observer those of the dialogues that they may see. Merged ones are none.
pub(super) fn visible(viewer: &Viewer) -> Condition {
    let stands = Condition::all().add(contractor::Column::MergedIntoId.is_null());
    if policy::has(viewer.role, Power::SeeAllCards) {
        return stands;
    }
    let seen = Query::select()
        .column(client::Column::ContractorId)
        .from(client::Entity)
        .cond_where(clients::visible(viewer))
        .take();
    stands.add(contractor::Column::Id.in_subquery(seen))
}

/// Those of the contractors that the viewer may see.
pub async fn by_ids(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    ids: &[ContractorId],
) -> Result<Vec<contractor::Model>> {
    let query = contractor::Entity::find().filter(contractor::Column::Id.is_in(ids.iter().copied()));
    Ok(query.filter(visible(viewer)).all(db).await?)
}

/// The contractors that events name, by the ids that they name; of a merged one, the one that stayed.
///
/// For who may see the event. Of one that they may not see any more, no more than its kind and name.
pub async fn named(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    ids: &[ContractorId],
) -> Result<Vec<(ContractorId, contractor::Model)>> {
    let find = async |ids: Vec<ContractorId>| -> Result<Vec<contractor::Model>> {
        Ok(contractor::Entity::find().filter(contractor::Column::Id.is_in(ids)).all(db).await?)
    };
    let rows = find(ids.to_vec()).await?;
    let stands: HashMap<_, _> = rows.iter().map(|row| (row.id, row.merged_into_id.unwrap_or(row.id))).collect();
    let mut by_id: HashMap<_, _> = rows.into_iter().map(|row| (row.id, row)).collect();
    let further: Vec<_> = stands.values().filter(|id| !by_id.contains_key(id)).copied().collect();
    if !further.is_empty() {
        by_id.extend(find(further).await?.into_iter().map(|row| (row.id, row)));
    }
    if !policy::has(viewer.role, Power::SeeAllCards) {
        let standing: Vec<_> = stands.values().copied().collect();
        let seen: HashSet<_> = by_ids(db, viewer, &standing).await?.into_iter().map(|row| row.id).collect();
        for row in by_id.values_mut().filter(|row| !seen.contains(&row.id)) {
            (row.phone, row.email, row.note) = (None, None, None);
        }
    }
    Ok(stands.into_iter().filter_map(|(id, stays)| Some((id, by_id.get(&stays)?.clone()))).collect())
}

/// The contractors that are one by now, by each of these: itself, what it was merged into, and all merged into that. A
/// feed of one is the feed of all of them.
pub async fn merged_with(
    db: &impl ConnectionTrait,
    ids: &[ContractorId],
) -> Result<HashMap<ContractorId, Vec<ContractorId>>> {
    let find = async |all: Condition| -> Result<Vec<(ContractorId, Option<ContractorId>)>> {
        let query = contractor::Entity::find().select_only();
        let query = query.columns([contractor::Column::Id, contractor::Column::MergedIntoId]).filter(all);
        Ok(query.into_tuple().all(db).await?)
    };
    let named = find(Condition::all().add(contractor::Column::Id.is_in(ids.iter().copied()))).await?;
    let stays: HashMap<_, _> = named.into_iter().map(|(id, into)| (id, into.unwrap_or(id))).collect();
    let gone = find(Condition::all().add(contractor::Column::MergedIntoId.is_in(stays.values().copied()))).await?;
    let family = |stays: ContractorId| {
        let gone = gone.iter().filter(|(_, into)| *into == Some(stays)).map(|(id, _)| *id);
        std::iter::once(stays).chain(gone).collect()
    };
    Ok(ids.iter().map(|id| (*id, family(stays.get(id).copied().unwrap_or(*id)))).collect())
}

fn wanted(viewer: &Viewer, words: Option<&str>) -> sea_orm::Select<contractor::Entity> {
    let query = contractor::Entity::find().filter(visible(viewer));
    match words.filter(|words| !words.trim().is_empty()) {
        Some(words) => query.filter(text::contains(contractor::Column::Lookup, words)),
        None => query,
    }
}

/// Contractors in the order in which they were made; `text` is in the name, phone number or e-mail address.
pub async fn page(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    text: Option<&str>,
    args: &PageArgs,
) -> Result<Page<contractor::Model>> {
    let window: Window<ContractorId> = args.window()?;
    ranked::page(db, wanted(viewer, text), contractor::Column::Id, &window).await
}

/// How many there are.
pub async fn count(db: &impl ConnectionTrait, viewer: &Viewer, text: Option<&str>) -> Result<u64> {
    Ok(wanted(viewer, text).count(db).await?)
}

/// The latest clients of contractors that the viewer may see.
pub async fn clients(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    ids: &[ContractorId],
) -> Result<Vec<(ContractorId, client::Model)>> {
    let query = client::Entity::find()
        .filter(clients::visible(viewer))
        .filter(client::Column::ContractorId.is_in(ids.iter().copied()));
    let id = Expr::col((client::Entity, client::Column::Id));
    let owner = (client::Entity, client::Column::ContractorId);
    let rows = ranked::each(db, query, owner, [(id, Order::Desc)], ranked::LATEST).await?;
    Ok(rows.into_iter().map(|(owner, row)| (ContractorId(owner), row)).collect())
}

/// The dialogues of contractors that the viewer may see, the latest active first.
pub async fn dialogues(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    ids: &[ContractorId],
) -> Result<Vec<(ContractorId, dialogue::Model)>> {
    let mut query = dialogue::Entity::find().filter(policy::visible(viewer));
    let column = |column| Expr::col((dialogue::Entity, column));
    let owner = (client::Entity, client::Column::ContractorId);
    QueryTrait::query(&mut query)
        .join(
            JoinType::InnerJoin,
            client::Entity,
            column(dialogue::Column::ClientId).equals((client::Entity, client::Column::Id)),
        )
        .and_where(client::Column::ContractorId.is_in(ids.iter().copied()));
    let order = [(column(dialogue::Column::LastActivityAt), Order::Desc), (column(dialogue::Column::Id), Order::Desc)];
    let rows = ranked::each(db, query, owner, order, ranked::LATEST).await?;
    Ok(rows.into_iter().map(|(owner, row)| (ContractorId(owner), row)).collect())
}
