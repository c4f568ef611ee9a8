//! The people who write: found or made, and kept as their messenger tells of them.

use colloquy_entity::*;
use sea_orm::sea_query::{LockType, OnConflict};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};

use crate::app::App;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::log::{Actor, Entry, Kind};
use crate::messenger::Person;

use super::super::{dialogues, text};
use super::Outcome;

/// The client blocked the bot, or came back.
pub(super) async fn reachable(
    app: &App,
    channel: &channel::Model,
    person: &Person,
    reachable: bool,
) -> Result<Outcome> {
    let mut tx = app.begin().await?;
    let Some(mut client) = known(&tx, channel.kind, person).await? else { return Ok(Outcome::Ignored) };
    let found = dialogue::Entity::find()
        .filter(dialogue::Column::ChannelId.eq(channel.id))
        .filter(dialogue::Column::ClientId.eq(client.id))
        .lock(LockType::NoKeyUpdate)
        .one(&*tx)
        .await?;
    let Some(mut dialogue) = found else { return Ok(Outcome::Ignored) };
    tx.goes_on_after(dialogue.last_activity_at);
    let changed = dialogue.is_reachable != reachable;
    dialogue.is_reachable = reachable;
    refresh(&mut tx, &mut client, person, &dialogue, changed).await?;
    if tx.is_quiet() {
        return Ok(Outcome::Repeated);
    }
    dialogues::store(&tx, &dialogue).await?;
    tx.commit().await?;
    Ok(Outcome::Stored)
}

async fn by_external_id(tx: &Tx<'_>, kind: ChannelKind, id: &str) -> Result<Option<client::Model>> {
    let query = client::Entity::find().filter(client::Column::Kind.eq(kind)).filter(client::Column::ExternalId.eq(id));
    Ok(query.one(&**tx).await?)
}

/// A client who is known. One who is to be changed is locked, before any dialogue is.
async fn known(tx: &Tx<'_>, kind: ChannelKind, person: &Person) -> Result<Option<client::Model>> {
    let Some(client) = by_external_id(tx, kind, &person.external_id).await? else { return Ok(None) };
    if client.contractor_id.is_some() && told(&client, person) == client {
        return Ok(Some(client));
    }
    Ok(client::Entity::find_by_id(client.id).lock(LockType::NoKeyUpdate).one(&**tx).await?)
}

/// The client, found or made; and whether they were known.
pub(super) async fn client(tx: &Tx<'_>, kind: ChannelKind, person: &Person) -> Result<(client::Model, bool)> {
    if let Some(client) = known(tx, kind, person).await? {
        return Ok((client, true));
    }
    let nobody = client::Model {
        id: ClientId::new(),
        kind,
        external_id: person.external_id.clone(),
        name: stand_in(kind, &person.external_id),
        username: None,
        avatar_url: None,
        profile_url: None,
        phone: None,
        contractor_id: None,
        is_blocked: false,
        lookup: String::new(),
        profile_at: None,
        first_seen_at: tx.now(),
    };
    let new = told(&nobody, person);
    let once = OnConflict::columns([client::Column::Kind, client::Column::ExternalId]).do_nothing().to_owned();
    let made = client::Entity::insert(new.clone().into_active_model().reset_all())
        .on_conflict(once)
        .exec_without_returning(&**tx)
        .await?;
    if made > 0 {
        return Ok((new, false));
    }
    // Another message of theirs was first, and has committed meanwhile.
    let client = known(tx, kind, person).await?;
    Ok((client.ok_or_else(|| Error::internal("a client went away"))?, true))
}

/// What a client is called of whom the messenger has told no name yet.
fn stand_in(kind: ChannelKind, external_id: &str) -> String {
    match kind {
        ChannelKind::Telegram => format!("Telegram {external_id}"),
        ChannelKind::Vk => format!("VK {external_id}"),
        // Its ids are long and say nothing.
        ChannelKind::Viber => "Viber client".into(),
        ChannelKind::Website => "Visitor".into(),
    }
}

/// The client with what the messenger tells of them now. Who tells a name tells all; else what is known stays.
fn told(client: &client::Model, person: &Person) -> client::Model {
    let mut told = client.clone();
    if let Some(name) = &person.name {
        told.name.clone_from(name);
        told.username.clone_from(&person.username);
    }
    told.profile_url = person.profile_url.clone().or_else(|| told.profile_url.filter(|_| person.name.is_none()));
    told.avatar_url = person.avatar_url.clone().or(told.avatar_url);
    told.phone = person.phone.clone().or(told.phone);
    told.profile_at = person.profile_at.or(told.profile_at);
    told.lookup = text::lookup([&told.name, told.username.as_deref().unwrap_or_default()]);
    told
}

/// What the messenger tells of a person now; one event where anything of it is new.
pub(super) async fn refresh(
    tx: &mut Tx<'_>,
    client: &mut client::Model,
    person: &Person,
    dialogue: &dialogue::Model,
    reachability_changed: bool,
) -> Result<()> {
    let told = told(client, person);
    let is_new = told != *client;
    // A phone number is kept for the contractor's card; of the client the API shows none.
    let shows = told.name != client.name
        || told.username != client.username
        || told.avatar_url != client.avatar_url
        || told.profile_url != client.profile_url;
    *client = told;
    if is_new {
        let row = client::ActiveModel {
            id: Set(client.id),
            name: Set(client.name.clone()),
            username: Set(client.username.clone()),
            avatar_url: Set(client.avatar_url.clone()),
            profile_at: Set(client.profile_at),
            profile_url: Set(client.profile_url.clone()),
            phone: Set(client.phone.clone()),
            lookup: Set(client.lookup.clone()),
            ..Default::default()
        };
        row.update(&**tx).await?;
    }
    if shows || reachability_changed {
        let event = changed(tx, client.id, Some(Actor::Client(client.id)), dialogue).await?;
        tx.emit(event);
    }
    Ok(())
}

/// CLIENT_CHANGED, in the dialogue where it was noticed and seen in all that the client has.
pub(in crate::inbox) async fn changed(
    tx: &Tx<'_>,
    client: ClientId,
    actor: Option<Actor>,
    dialogue: &dialogue::Model,
) -> Result<Entry> {
    let all: Vec<DialogueId> = dialogue::Entity::find()
        .select_only()
        .column(dialogue::Column::Id)
        .filter(dialogue::Column::ClientId.eq(client))
        .order_by_asc(dialogue::Column::Id)
        .into_tuple()
        .all(&**tx)
        .await?;
    let entry = Entry::of(Kind::ClientChanged, actor, dialogue).about(client.0).seen_in(all);
    Ok(entry.with(|detail| detail.client = Some(client)))
}
