//! Funnels: ordered lists of stages. They are settings: no event tells of them.

use colloquy_entity::*;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};

use crate::app::App;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::policy::{self, Power};
use crate::ranked;
use crate::viewer::Viewer;

use super::cards::Given;
use super::text;

/// Most stages of a funnel.
const MOST_STAGES: usize = 100;

/// Makes a funnel with its stages, in this order; for administrators.
pub async fn create(app: &App, viewer: &Viewer, name: &str, stages: &[(String, StageKind)]) -> Result<funnel::Model> {
    policy::require(viewer, Power::Administer)?;
    let name = text::name("input.name", name)?;
    if stages.is_empty() || stages.len() > MOST_STAGES {
        return Err(Error::bad("input.stages", format!("A funnel has 1 to {MOST_STAGES} stages")));
    }
    let tx = app.begin().await?;
    let funnel = funnel::Model { id: FunnelId::new(), name, created_at: tx.now() };
    let rows = (0..).zip(stages).map(|(ordinal, (name, kind))| {
        let name = text::name(&format!("input.stages.{ordinal}.name"), name)?;
        let stage = stage::Model { id: StageId::new(), funnel_id: funnel.id, ordinal, name, kind: *kind };
        Ok(stage.into_active_model().reset_all())
    });
    let rows = rows.collect::<Result<Vec<stage::ActiveModel>>>()?;
    let row = funnel.clone().into_active_model().reset_all();
    funnel::Entity::insert(row).exec_without_returning(&*tx).await?;
    stage::Entity::insert_many(rows).exec_without_returning(&*tx).await?;
    tx.commit().await?;
    Ok(funnel)
}

/// The latest funnels, in the order in which they were made. Every active user may see them.
pub async fn list(db: &impl ConnectionTrait) -> Result<Vec<funnel::Model>> {
    let latest = funnel::Entity::find().order_by_desc(funnel::Column::Id).limit(ranked::LATEST);
    let mut funnels = latest.all(db).await?;
    funnels.reverse();
    Ok(funnels)
}

/// The funnels of these ids.
pub async fn by_ids(db: &impl ConnectionTrait, ids: &[FunnelId]) -> Result<Vec<funnel::Model>> {
    Ok(funnel::Entity::find().filter(funnel::Column::Id.is_in(ids.iter().copied())).all(db).await?)
}

/// The stages of funnels, in their order.
pub async fn stages_of(db: &impl ConnectionTrait, ids: &[FunnelId]) -> Result<Vec<stage::Model>> {
    let query = stage::Entity::find().filter(stage::Column::FunnelId.is_in(ids.iter().copied()));
    Ok(query.order_by_asc(stage::Column::FunnelId).order_by_asc(stage::Column::Ordinal).all(db).await?)
}

/// The stages of these ids.
pub async fn stages(db: &impl ConnectionTrait, ids: &[StageId]) -> Result<Vec<stage::Model>> {
    Ok(stage::Entity::find().filter(stage::Column::Id.is_in(ids.iter().copied())).all(db).await?)
}

/// The stage at which a deal begins; nothing where there is no such funnel.
pub(super) async fn first_stage(tx: &Tx<'_>, funnel: FunnelId) -> Result<Option<StageId>> {
    Ok(stages_of(&**tx, &[funnel]).await?.first().map(|stage| stage.id))
}

/// The stage that is asked for, which has to be the funnel's.
pub(super) async fn stage_in(tx: &Tx<'_>, funnel: FunnelId, given: Given<StageId>) -> Result<StageId> {
    let found = match given {
        Some(id) => stage::Entity::find_by_id(id).one(&**tx).await?,
        None => None,
    };
    let stage = found.filter(|stage| stage.funnel_id == funnel).map(|stage| stage.id);
    stage.ok_or_else(|| Error::bad("input.stageId", "The deal's funnel has no such stage"))
}
