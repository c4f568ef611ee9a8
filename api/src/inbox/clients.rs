//! Clients: people as their messengers know them.

use colloquy_entity::*;
use sea_orm::sea_query::{Condition, LockType, Query};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect,
};

use crate::app::App;
use crate::error::{Error, Result};
use crate::paging::{Page, PageArgs, Window};
use crate::policy::{self, Power};
use crate::viewer::Viewer;

use super::{receive, text};

/// The clients that the viewer may see: an observer those of the dialogues that they may see.
pub(super) fn visible(viewer: &Viewer) -> Condition {
    if policy::has(viewer.role, Power::SeeAllCards) {
        return Condition::all();
    }
    let clients = Query::select()
        .column(dialogue::Column::ClientId)
        .from(dialogue::Entity)
        .cond_where(policy::visible(viewer))
        .take();
    Condition::all().add(client::Column::Id.in_subquery(clients))
}

/// Those of the clients that the viewer may see.
pub async fn by_ids(db: &impl ConnectionTrait, viewer: &Viewer, ids: &[ClientId]) -> Result<Vec<client::Model>> {
    let query = client::Entity::find().filter(client::Column::Id.is_in(ids.iter().copied()));
    Ok(query.filter(visible(viewer)).all(db).await?)
}

fn wanted(viewer: &Viewer, words: Option<&str>) -> sea_orm::Select<client::Entity> {
    let query = client::Entity::find().filter(visible(viewer));
    match words.filter(|words| !words.trim().is_empty()) {
        Some(words) => query.filter(text::contains(client::Column::Lookup, words)),
        None => query,
    }
}

/// Clients in the order in which they first wrote; `text` is in the name or user name.
pub async fn page(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    text: Option<&str>,
    args: &PageArgs,
) -> Result<Page<client::Model>> {
    let window: Window<ClientId> = args.window()?;
    let mut query = wanted(viewer, text);
    if let Some(after) = window.after {
        query = query.filter(client::Column::Id.gt(after));
    }
    Ok(Page::cut(query.order_by_asc(client::Column::Id).limit(window.size + 1).all(db).await?, &window))
}

/// How many there are.
pub async fn count(db: &impl ConnectionTrait, viewer: &Viewer, text: Option<&str>) -> Result<u64> {
    Ok(wanted(viewer, text).count(db).await?)
}

/// The latest dialogues of clients that the viewer may see.
pub async fn dialogues(db: &impl ConnectionTrait, viewer: &Viewer, ids: &[ClientId]) -> Result<Vec<dialogue::Model>> {
    Ok(dialogue::Entity::find()
        .filter(dialogue::Column::ClientId.is_in(ids.iter().copied()))
        .filter(policy::visible(viewer))
        .order_by_desc(dialogue::Column::LastActivityAt)
        .all(db)
        .await?)
}

/// Those of the clients who can be reached in any channel.
pub async fn reachable(db: &impl ConnectionTrait, ids: &[ClientId]) -> Result<Vec<ClientId>> {
    Ok(dialogue::Entity::find()
        .select_only()
        .column(dialogue::Column::ClientId)
        .distinct()
        .filter(dialogue::Column::ClientId.is_in(ids.iter().copied()))
        .filter(dialogue::Column::IsReachable.eq(true))
        .into_tuple()
        .all(db)
        .await?)
}

/// Refuses a client's messages from now on, or takes them again. Nothing where it is so.
pub async fn block(app: &App, viewer: &Viewer, id: Option<ClientId>, blocked: bool) -> Result<client::Model> {
    policy::require(viewer, Power::Curate)?;
    let id = id.ok_or(Error::NotFound("client"))?;
    let mut tx = app.begin().await?;
    let found = client::Entity::find_by_id(id).lock(LockType::NoKeyUpdate).one(&*tx).await?;
    let mut client = found.ok_or(Error::NotFound("client"))?;
    if client.is_blocked == blocked {
        return Ok(client);
    }
    client.is_blocked = blocked;
    let row = client::ActiveModel { id: Set(id), is_blocked: Set(blocked), ..Default::default() };
    row.update_without_returning(&*tx).await?;
    let latest = dialogue::Entity::find()
        .filter(dialogue::Column::ClientId.eq(id))
        .order_by_desc(dialogue::Column::LastActivityAt)
        .one(&*tx)
        .await?;
    if let Some(dialogue) = latest {
        let changed = receive::changed(&tx, id, viewer.actor(), &dialogue).await?;
        tx.emit(changed);
    }
    tx.commit().await?;
    Ok(client)
}
