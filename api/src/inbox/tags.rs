//! Tags: labels on dialogues, made by being used.

use std::collections::{BTreeMap, HashMap};

use colloquy_entity::*;
use sea_orm::sea_query::{OnConflict, Query};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, ModelTrait,
    QueryFilter, QueryOrder, QuerySelect, SqlErr,
};

use crate::app::App;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::log::{Entry, Kind};
use crate::policy::{self, Act, Power};
use crate::ranked;
use crate::viewer::Viewer;

use super::{dialogues, text};

/// Most tags named in one call.
const MOST: usize = 100;
/// Longest name, in characters.
const LONGEST: usize = 64;
/// Given in turn to new tags: readable on white and on black.
const COLORS: [&str; 10] =
    ["#e5484d", "#f76b15", "#ffb224", "#46a758", "#12a594", "#0090ff", "#3e63dd", "#8e4ec6", "#e93d82", "#978365"];

/// Puts tags on a dialogue by name; a new name makes a new tag. One event for each that was not there.
pub async fn add(app: &App, viewer: &Viewer, id: DialogueId, names: &[String]) -> Result<dialogue::Model> {
    let mut tx = app.begin().await?;
    let dialogue = dialogues::lock_for(&tx, viewer, id, Act::Arrange).await?;
    if names.len() > MOST {
        return Err(Error::bad("names", format!("Name {MOST} tags at most")));
    }
    let checked = names.iter().enumerate().map(|(place, name)| check(&format!("names.{place}"), name));
    let names = checked.collect::<Result<Vec<_>>>()?;
    // Made in one order: of two that make the same new tags at once, none waits for the other.
    let by_key: BTreeMap<String, &String> = names.iter().map(|name| (text::fold(name), name)).rev().collect();
    let mut made = HashMap::new();
    for (key, name) in by_key {
        made.insert(key, find_or_make(&tx, name).await?);
    }
    for (place, name) in (0..).zip(&names) {
        let Some(tag) = made.get(&text::fold(name)) else { continue };
        // In the order in which they were named, too.
        let added_at = tx.now().plus(place);
        let row = dialogue_tag::ActiveModel { dialogue_id: Set(id), tag_id: Set(tag.id), added_at: Set(added_at) };
        let once = OnConflict::columns([dialogue_tag::Column::DialogueId, dialogue_tag::Column::TagId])
            .do_nothing()
            .to_owned();
        if dialogue_tag::Entity::insert(row).on_conflict(once).exec_without_returning(&*tx).await? > 0 {
            tx.emit(tell(Kind::TagAdded, viewer, &dialogue, tag.id));
        }
    }
    if !tx.is_quiet() {
        tx.commit().await?;
    }
    Ok(dialogue)
}

/// Takes tags off a dialogue. One event for each that was there.
pub async fn remove(app: &App, viewer: &Viewer, id: DialogueId, tags: &[Option<TagId>]) -> Result<dialogue::Model> {
    let mut tx = app.begin().await?;
    let dialogue = dialogues::lock_for(&tx, viewer, id, Act::Arrange).await?;
    for tag in tags.iter().flatten() {
        if let Some(row) = dialogue_tag::Entity::find_by_id((id, *tag)).one(&*tx).await? {
            row.delete(&*tx).await?;
            tx.emit(tell(Kind::TagRemoved, viewer, &dialogue, *tag));
        }
    }
    if !tx.is_quiet() {
        tx.commit().await?;
    }
    Ok(dialogue)
}

/// Changes a tag's name or color everywhere: a setting, of which no event tells.
pub async fn update(
    app: &App,
    viewer: &Viewer,
    id: Option<TagId>,
    name: Option<&str>,
    color: Option<&str>,
) -> Result<tag::Model> {
    policy::require(viewer, Power::Curate)?;
    let id = id.ok_or(Error::NotFound("tag"))?;
    let mut row = tag::ActiveModel { id: Set(id), ..Default::default() };
    if let Some(name) = name {
        let name = check("name", name)?;
        row.name_key = Set(text::fold(&name));
        row.name = Set(name);
    }
    if let Some(color) = color {
        let is_color = color.len() == 7 && color.starts_with('#') && color[1..].bytes().all(|b| b.is_ascii_hexdigit());
        if !is_color {
            return Err(Error::bad("color", "A color is written #rrggbb"));
        }
        row.color = Set(color.to_lowercase());
    }
    let tx = app.begin().await?;
    let found = tag::Entity::find_by_id(id).one(&*tx).await?.ok_or(Error::NotFound("tag"))?;
    if !row.is_changed() {
        return Ok(found);
    }
    let updated = row.update(&*tx).await.map_err(|error| match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => Error::conflict("Another tag has this name"),
        _ => error.into(),
    })?;
    tx.commit().await?;
    Ok(updated)
}

fn check(field: &str, name: &str) -> Result<String> {
    let name = text::name(field, name)?;
    if name.chars().count() > LONGEST {
        return Err(Error::bad(field, format!("A tag's name can have {LONGEST} characters at most")));
    }
    Ok(name)
}

async fn find_or_make(tx: &Tx<'_>, name: &str) -> Result<tag::Model> {
    let key = text::fold(name);
    let find = || tag::Entity::find().filter(tag::Column::NameKey.eq(&key)).one(&**tx);
    if let Some(tag) = find().await? {
        return Ok(tag);
    }
    let sum: usize = key.bytes().map(usize::from).sum();
    let color = COLORS[sum % COLORS.len()].to_owned();
    let tag = tag::Model { id: TagId::new(), name: name.into(), name_key: key.clone(), color };
    let once = OnConflict::column(tag::Column::NameKey).do_nothing().to_owned();
    let made = tag::Entity::insert(tag.clone().into_active_model().reset_all())
        .on_conflict(once)
        .exec_without_returning(&**tx)
        .await?;
    if made > 0 {
        return Ok(tag);
    }
    find().await?.ok_or_else(|| Error::internal("a tag went away"))
}

fn tell(kind: Kind, viewer: &Viewer, dialogue: &dialogue::Model, tag: TagId) -> Entry {
    Entry::of(kind, viewer.actor(), dialogue).with(|detail| detail.tag = Some(tag))
}

/// The latest tags, by name; `words` is in the name. Every active user may see them.
pub async fn list(db: &impl ConnectionTrait, words: Option<&str>) -> Result<Vec<tag::Model>> {
    let mut query = tag::Entity::find().order_by_desc(tag::Column::Id);
    if let Some(words) = words {
        query = query.filter(text::contains(tag::Column::NameKey, words));
    }
    let mut latest = query.limit(ranked::LATEST).all(db).await?;
    latest.sort_by(|one, other| one.name_key.cmp(&other.name_key));
    Ok(latest)
}

/// The tags of these ids.
pub async fn by_ids(db: &impl ConnectionTrait, ids: &[TagId]) -> Result<Vec<tag::Model>> {
    Ok(tag::Entity::find().filter(tag::Column::Id.is_in(ids.iter().copied())).all(db).await?)
}

/// The tags of dialogues, in the order in which they were put there.
pub async fn of(db: &impl ConnectionTrait, ids: &[DialogueId]) -> Result<Vec<(DialogueId, tag::Model)>> {
    let links = dialogue_tag::Entity::find()
        .filter(dialogue_tag::Column::DialogueId.is_in(ids.iter().copied()))
        .order_by_asc(dialogue_tag::Column::AddedAt)
        .all(db)
        .await?;
    let of_links = Query::select()
        .column(dialogue_tag::Column::TagId)
        .from(dialogue_tag::Entity)
        .and_where(dialogue_tag::Column::DialogueId.is_in(ids.iter().copied()))
        .take();
    let tags = tag::Entity::find().filter(tag::Column::Id.in_subquery(of_links)).all(db).await?;
    let tags: HashMap<_, _> = tags.into_iter().map(|tag| (tag.id, tag)).collect();
    Ok(links.iter().filter_map(|link| Some((link.dialogue_id, tags.get(&link.tag_id)?.clone()))).collect())
}
