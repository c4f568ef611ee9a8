//! Reading the past: pages of the log with the viewer's rights inside the query, and where the log ends.

use std::collections::HashMap;

use colloquy_entity::{Role, event, event_subject, log_head, participant};
use sea_orm::sea_query::{Condition, ExprTrait, Query, SimpleExpr};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use uuid::Uuid;

use super::event::Row;
use super::{Cursor, Event, Filter, Kind};
use crate::error::{Error, Result};
use crate::paging::{Page, Window};
use crate::ranked;
use crate::viewer::Viewer;

/// One page of what the viewer may see and wants, from old to new. A cursor that is not of this log is BAD_USER_INPUT.
pub async fn page(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: &Filter,
    window: &Window<Cursor>,
) -> Result<Page<Event>> {
    let window = positions(db, window).await?;
    read(ranked::page(db, wanted(viewer, filter), event::Column::Position, &window).await?)
}

/// The same page of several feeds, each with its filter; of an empty one, none.
pub async fn pages(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    feeds: &[(Uuid, Filter)],
    window: &Window<Cursor>,
) -> Result<HashMap<Uuid, Page<Event>>> {
    let window = positions(db, window).await?;
    let lists = feeds.iter().map(|(id, filter)| (*id, wanted(viewer, filter)));
    let pages = ranked::pages(db, lists, event::Column::Position, &window).await?;
    pages.into_iter().map(|(id, page)| Ok((id, read(page)?))).collect()
}

fn wanted(viewer: &Viewer, filter: &Filter) -> Select<event::Entity> {
    event::Entity::find().filter(visible(viewer, None)).filter(filter.condition())
}

/// Between the same places, once the cursors are known to be of this log.
async fn positions(db: &impl ConnectionTrait, window: &Window<Cursor>) -> Result<Window<i64>> {
    for (field, cursor) in [("after", window.after), ("before", window.before)] {
        if let Some(cursor) = cursor {
            verify(db, cursor, field).await?;
        }
    }
    let position = |cursor: Cursor| cursor.position;
    let (after, before) = (window.after.map(position), window.before.map(position));
    Ok(Window { size: window.size, backward: window.backward, after, before })
}

fn read(page: Page<Row>) -> Result<Page<Event>> {
    let Page { items, has_next, has_previous } = page;
    let items = items.into_iter().map(Event::try_from).collect::<Result<_>>()?;
    Ok(Page { items, has_next, has_previous })
}

/// Where the log ends: everything up to there has its place.
pub async fn head(db: &impl ConnectionTrait) -> Result<Cursor> {
    let newest: Option<Row> = event::Entity::find().order_by_desc(event::Column::Position).into_model().one(db).await?;
    match newest {
        Some(row) => Ok(Cursor { position: row.position, mark: row.mark }),
        None => Ok(Cursor::START),
    }
}

/// The cursor of a position.
pub(super) async fn cursor_at(db: &impl ConnectionTrait, position: i64) -> Result<Cursor> {
    if position == 0 {
        return Ok(Cursor::START);
    }
    let row: Option<Row> = event::Entity::find_by_id(position).into_model().one(db).await?;
    let row = row.ok_or_else(|| Error::internal(format!("the log has no event {position}")))?;
    Ok(Cursor { position, mark: row.mark })
}

/// The same as a bare position, from the row that whoever gives positions locks.
pub(super) async fn head_position(db: &impl ConnectionTrait) -> Result<i64> {
    let head = log_head::Entity::find_by_id(1).one(db).await?;
    Ok(head.ok_or_else(|| Error::internal("the log has no head"))?.position)
}

/// That the event of a cursor stands where it stood. It does not after an older backup was restored: going on from
/// there would skip, silently, what took its place.
pub async fn verify(db: &impl ConnectionTrait, cursor: Cursor, field: &str) -> Result<()> {
    if cursor == Cursor::START {
        return Ok(());
    }
    let mark: Option<i32> = event::Entity::find_by_id(cursor.position)
        .select_only()
        .column(event::Column::Mark)
        .into_tuple()
        .one(db)
        .await?;
    if mark == Some(cursor.mark) {
        return Ok(());
    }
    Err(Error::bad(field, "This cursor is not of this log (was an older backup restored?): read everything anew"))
}

/// Events after a position, whosever, whole transactions at a time.
pub(super) async fn after(db: &impl ConnectionTrait, position: i64, limit: u64) -> Result<Vec<Event>> {
    let from = |position| {
        event::Entity::find().filter(event::Column::Position.gt(position)).order_by_asc(event::Column::Position)
    };
    let mut rows: Vec<Row> = from(position).limit(limit).into_model().all(db).await?;
    if rows.len() as u64 == limit
        && let Some(last) = rows.last()
    {
        // The rest of the last transaction: rights change by whole ones.
        let (position, batch) = (last.position, last.batch);
        let rest: Vec<Row> = from(position).filter(event::Column::Batch.eq(batch)).into_model().all(db).await?;
        rows.extend(rest);
    }
    rows.into_iter().map(Event::try_from).collect()
}

/// Events in `(after, up_to]` that the viewer may see and wants, and how far that page reaches.
pub(super) async fn stretch(
    db: &impl ConnectionTrait,
    filter: &Filter,
    after: i64,
    up_to: i64,
    limit: u64,
) -> Result<(Vec<Event>, i64)> {
    let rows: Vec<Row> = event::Entity::find()
        .filter(filter.condition())
        .filter(event::Column::Position.gt(after))
        .filter(event::Column::Position.lte(up_to))
        .order_by_asc(event::Column::Position)
        .limit(limit)
        .into_model()
        .all(db)
        .await?;
    let reached = match rows.last() {
        Some(last) if rows.len() as u64 == limit => last.position,
        _ => up_to,
    };
    Ok((rows.into_iter().map(Event::try_from).collect::<Result<_>>()?, reached))
}

/// Events in `(after, up_to]` that the viewer may see; where nobody asks in particular, all that the API ever shows anybody.
pub async fn between(db: &impl ConnectionTrait, viewer: Option<&Viewer>, after: i64, up_to: i64) -> Result<Vec<Event>> {
    let rows: Vec<Row> = event::Entity::find()
        .filter(event::Column::Position.gt(after))
        .filter(event::Column::Position.lte(up_to))
        .filter(viewer.map_or_else(shown, |viewer| visible(viewer, Some((after, up_to)))))
        .order_by_asc(event::Column::Position)
        .into_model()
        .all(db)
        .await?;
    rows.into_iter().map(Event::try_from).collect()
}

/// Whether the viewer has lost sight of something after a position.
pub async fn has_lost(db: &impl ConnectionTrait, viewer: &Viewer, after: i64) -> Result<bool> {
    let lost: Option<i64> = event::Entity::find()
        .select_only()
        .column(event::Column::Position)
        .filter(event::Column::AddresseeId.eq(viewer.id))
        .filter(event::Column::Position.gt(after))
        .filter(event::Column::Kind.eq(Kind::AccessRevoked.as_str()))
        .into_tuple()
        .one(db)
        .await?;
    Ok(lost.is_some())
}

/// What the API shows to one or the other.
fn shown() -> Condition {
    let hidden = Kind::ALL.iter().filter(|kind| kind.is_hidden()).map(|kind| kind.as_str());
    Condition::all().add(event::Column::Kind.is_not_in(hidden))
}

/// What the viewer may see. The same rule for what is delivered is [`super::Access::hears`].
///
/// Who asks for what is `within` two positions, the first not included, says so: the feeds of an observer's dialogues
/// are looked into there only.
fn visible(viewer: &Viewer, within: Option<(i64, i64)>) -> Condition {
    let for_everyone = Condition::all().add(event::Column::AddresseeId.is_null());
    let for_everyone = match viewer.role {
        Role::Admin | Role::Employee => for_everyone,
        Role::Observer => for_everyone.add(
            Condition::any()
                .add(event::Column::Kind.eq(Kind::ChannelChanged.as_str()))
                .add(in_own_dialogue(viewer, within)),
        ),
    };
    shown().add(Condition::any().add(event::Column::AddresseeId.eq(viewer.id)).add(for_everyone))
}

fn in_own_dialogue(viewer: &Viewer, within: Option<(i64, i64)>) -> SimpleExpr {
    let position = event_subject::Column::Position;
    let within = within.map(|(after, up_to)| position.gt(after).and(position.lte(up_to)));
    event::Column::Position.in_subquery(
        Query::select()
            .column(position)
            .from(event_subject::Entity)
            .cond_where(Condition::all().add_option(within))
            .and_where(
                event_subject::Column::SubjectId.in_subquery(
                    Query::select()
                        .column(participant::Column::DialogueId)
                        .from(participant::Entity)
                        .and_where(participant::Column::UserId.eq(viewer.id))
                        .take(),
                ),
            )
            .take(),
    )
}
