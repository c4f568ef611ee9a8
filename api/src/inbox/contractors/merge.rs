//! Merging two contractors that turn out to be one.

use colloquy_entity::*;
use sea_orm::sea_query::{Expr, ExprTrait, LockType};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::app::App;
use crate::db::{Tx, retried};
use crate::error::{Error, Result};
use crate::inbox::cards::{self, Given};
use crate::log::{Entry, Kind};
use crate::policy::{self, Power};
use crate::viewer::Viewer;

use super::places;

/// Moves the clients, with their dialogues, and the deals of `merged` to `kept`. Events go on naming `merged`; nothing
/// else does.
pub async fn merge(
    app: &App,
    viewer: &Viewer,
    kept: Given<ContractorId>,
    merged: Given<ContractorId>,
) -> Result<contractor::Model> {
    policy::require(viewer, Power::Curate)?;
    let missing = || Error::NotFound("contractor");
    let kept = kept.ok_or_else(missing)?;
    let merged = merged.ok_or_else(missing)?;
    if kept == merged {
        return Err(Error::bad("mergedId", "A contractor cannot be merged into itself"));
    }
    retried(|| merge_once(app, viewer, kept, merged)).await
}

async fn merge_once(app: &App, viewer: &Viewer, kept: ContractorId, merged: ContractorId) -> Result<contractor::Model> {
    let mut tx = app.begin().await?;
    lock_clients(&tx, merged).await?;
    let both = contractor::Entity::find()
        .filter(contractor::Column::Id.is_in([kept, merged]))
        .filter(contractor::Column::MergedIntoId.is_null())
        .order_by_asc(contractor::Column::Id)
        .lock(LockType::NoKeyUpdate)
        .all(&*tx)
        .await?;
    let stays = both.iter().find(|contractor| contractor.id == kept).filter(|_| both.len() == 2);
    let stays = stays.ok_or(Error::NotFound("contractor"))?.clone();
    // Those who were moved to it before it was locked; from now on nobody is.
    lock_clients(&tx, merged).await?;
    client::Entity::update_many()
        .col_expr(client::Column::ContractorId, Expr::value(kept))
        .filter(client::Column::ContractorId.eq(merged))
        .exec(&*tx)
        .await?;
    let deals = deal::Entity::update_many()
        .col_expr(deal::Column::ContractorId, Expr::value(kept))
        .filter(deal::Column::ContractorId.eq(merged))
        .exec_with_returning(&*tx)
        .await?;
    // Those merged into it earlier follow, so that from any of them it is one step.
    let gone = contractor::Column::Id.eq(merged).or(contractor::Column::MergedIntoId.eq(merged));
    contractor::Entity::update_many()
        .col_expr(contractor::Column::MergedIntoId, Expr::value(kept))
        .filter(gone)
        .exec(&*tx)
        .await?;
    let entry = cards::tell(Kind::ContractorMerged, viewer.actor(), kept.0, &places(&tx, kept).await?).about(merged.0);
    let entry = deals.iter().map(|deal| deal.id.0).fold(entry, Entry::about);
    tx.emit(entry.with(|detail| detail.merged = Some(merged)));
    tx.commit().await?;
    Ok(stays)
}

/// As linking does, so that neither a client nor a dialogue of theirs gets by.
async fn lock_clients(tx: &Tx<'_>, of: ContractorId) -> Result<()> {
    client::Entity::find()
        .filter(client::Column::ContractorId.eq(of))
        .order_by_asc(client::Column::Id)
        .lock(LockType::Update)
        .all(&**tx)
        .await?;
    Ok(())
}
