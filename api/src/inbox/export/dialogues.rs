//! Dialogues, in the order in which they began.

use std::collections::{BTreeSet, HashMap};

use colloquy_entity::*;
use sea_orm::sea_query::{Expr, ExprTrait, Order};
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseBackend, EntityTrait, QueryFilter, QueryOrder, QueryTrait};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::inbox::links::{self, Linked};
use crate::inbox::{participants, tags};
use crate::paging::{self, Key};

use super::Source;
use super::names::{self, Names};
use super::write::{Cell, Lines, record};

/// Where a dialogue stands: by when it began, which never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub created_at: Time,
    pub id: DialogueId,
}

impl From<&dialogue::Model> for Place {
    fn from(row: &dialogue::Model) -> Self {
        Self { created_at: row.created_at, id: row.id }
    }
}

/// Tells these cursors from those of lists, which are as long.
const LETTER: u8 = b'd';

impl Place {
    pub(super) fn bytes(self) -> Vec<u8> {
        [&self.created_at.0.to_be_bytes()[..], self.id.0.as_bytes()].concat()
    }

    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let (created_at, id) = bytes.split_at_checked(8)?;
        let created_at = Time(i64::from_be_bytes(created_at.try_into().ok()?));
        Some(Self { created_at, id: DialogueId(Uuid::from_slice(id).ok()?) })
    }
}

impl Key for Place {
    fn encode(&self) -> String {
        paging::pack(&[&[LETTER][..], &self.bytes()].concat())
    }

    fn decode(text: &str) -> Option<Self> {
        let bytes: [u8; 25] = paging::unpack(text)?;
        bytes.strip_prefix(&[LETTER]).and_then(Self::of)
    }
}

/// The place that a cursor says; none where there is no cursor.
pub(super) fn place<K: Key>(after: Option<&str>) -> Result<Option<K>> {
    let read = |text| K::decode(text).ok_or_else(|| Error::bad("after", "This is no cursor of such an export"));
    after.map(read).transpose()
}

/// The next dialogues behind a place, or at it and behind it.
pub(super) async fn page(from: &Source<'_>, after: Option<Place>, with_it: bool) -> Result<Vec<dialogue::Model>> {
    let columns = [dialogue::Column::CreatedAt, dialogue::Column::Id];
    let mut query = dialogue::Entity::find().filter(from.wanted()?);
    if let Some(place) = after {
        let here = Expr::tuple(columns.map(|column| Expr::col((dialogue::Entity, column))));
        let there = Expr::tuple([place.created_at.into(), place.id.into()]);
        query = query.filter(if with_it { here.gte(there) } else { here.gt(there) });
    }
    for column in columns {
        query = query.order_by(column, Order::Asc);
    }
    let mut statement = query.build(from.db.get_database_backend());
    if from.db.get_database_backend() == DatabaseBackend::Sqlite && !is_narrow(from) {
        // It would find all that match anew for each page, and sort them. So the whole export is one walk at most.
        let walk = " FROM \"dialogues\" INDEXED BY dialogues_created ";
        statement.sql = statement.sql.replacen(" FROM \"dialogues\" ", walk, 1);
    }
    // A literal, as in the list of dialogues.
    statement.sql.push_str(&format!(" LIMIT {}", from.rows));
    Ok(dialogue::Entity::find().from_raw_sql(statement).all(from.db).await?)
}

/// Whether so few match that it is better to find them first.
fn is_narrow(from: &Source<'_>) -> bool {
    let filter = from.filter;
    let cards = filter.deals.is_some() || filter.projects.is_some() || filter.tasks.is_some();
    let is_named = cards || filter.dialogues.is_some() || filter.clients.is_some() || filter.contractors.is_some();
    is_named || from.viewer.is_some_and(|viewer| viewer.role == Role::Observer)
}

/// How far it is.
pub(super) struct Walk {
    after: Option<Place>,
}

impl Walk {
    pub(super) fn behind(after: Option<&str>) -> Result<Self> {
        Ok(Self { after: place(after)? })
    }

    pub(super) async fn next(&mut self, from: &Source<'_>, lines: &mut Lines) -> Result<bool> {
        let rows = page(from, self.after, false).await?;
        let around = Around::of(from, &rows).await?;
        for row in &rows {
            lines.line(COLUMNS, &cells(row, &around))?;
        }
        self.after = rows.last().map(Place::from).or(self.after);
        Ok(rows.len() >= from.rows as usize)
    }
}

type Listed<T> = HashMap<DialogueId, Vec<T>>;

/// What stands around a chunk's dialogues.
struct Around {
    channels: Names<ChannelId>,
    kinds: HashMap<ChannelId, ChannelKind>,
    clients: HashMap<ClientId, client::Model>,
    contractors: Names<ContractorId>,
    users: Names<UserId>,
    participants: Listed<participant::Model>,
    tags: Listed<tag::Model>,
    deals: Listed<(Uuid, String)>,
    projects: Listed<(Uuid, String)>,
    tasks: Listed<(Uuid, String)>,
}

fn listed<T>(rows: impl IntoIterator<Item = (DialogueId, T)>) -> Listed<T> {
    let mut lists = Listed::new();
    for (id, row) in rows {
        lists.entry(id).or_default().push(row);
    }
    lists
}

async fn cards(from: &Source<'_>, kind: Linked, ids: &[DialogueId]) -> Result<Listed<(Uuid, String)>> {
    let names = links::names(from.db, kind, ids).await?;
    Ok(listed(names.into_iter().map(|(dialogue, id, name)| (dialogue, (id, name)))))
}

impl Around {
    async fn of(from: &Source<'_>, rows: &[dialogue::Model]) -> Result<Self> {
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        let channels: BTreeSet<_> = rows.iter().map(|row| row.channel_id).collect();
        // Whoever sees the dialogue sees its client and contractor.
        let clients = client::Entity::find().filter(client::Column::Id.is_in(rows.iter().map(|row| row.client_id)));
        let clients: HashMap<_, _> = clients.all(from.db).await?.into_iter().map(|row| (row.id, row)).collect();
        let participants = participants::of(from.db, &ids).await?;
        Ok(Self {
            channels: names::channels(from, channels.clone()).await?,
            kinds: names::kinds(from, channels).await?,
            contractors: names::contractors(from, clients.values().filter_map(|row| row.contractor_id).collect())
                .await?,
            users: names::users(from, participants.iter().map(|row| row.user_id).collect()).await?,
            tags: listed(tags::of(from.db, &ids).await?),
            deals: cards(from, Linked::Deal, &ids).await?,
            projects: cards(from, Linked::Project, &ids).await?,
            tasks: cards(from, Linked::Task, &ids).await?,
            participants: listed(participants.into_iter().map(|row| (row.dialogue_id, row))),
            clients,
        })
    }

    fn in_part(&self, id: DialogueId, role: ParticipantRole) -> impl Iterator<Item = UserId> {
        let all = self.participants.get(&id).into_iter().flatten();
        all.filter(move |row| row.role == role).map(|row| row.user_id)
    }

    fn names_in_part(&self, id: DialogueId, role: ParticipantRole) -> Cell<'_> {
        Cell::Writtens(self.in_part(id, role).filter_map(|user| self.users.get(&user).cloned()).collect())
    }
}

fn ids<I: Id + std::fmt::Display>(cards: &Listed<(Uuid, String)>, of: DialogueId) -> Cell<'static> {
    Cell::plains(cards.get(&of).into_iter().flatten().map(|(id, _)| I::from_uuid(*id)))
}

fn names_of(cards: &Listed<(Uuid, String)>, of: DialogueId) -> Cell<'static> {
    Cell::Writtens(cards.get(&of).into_iter().flatten().map(|(_, name)| name.clone()).collect())
}

record! {
    /// Named as the fields of `Dialogue`.
    fn cells(row: dialogue::Model, around: Around) {
        "id" => Cell::plain(row.id),
        "channelId" => Cell::plain(row.channel_id),
        "channelName" => around.channels.get(&row.channel_id).map(|name| Cell::written(name)),
        "channelKind" => around.kinds.get(&row.channel_id).map(|kind| Cell::plain(kind.as_str())),
        "clientId" => Cell::plain(row.client_id),
        "clientName" => around.clients.get(&row.client_id).map(|client| Cell::written(&client.name)),
        "clientUsername" => {
            around.clients.get(&row.client_id).and_then(|client| client.username.as_deref()).map(Cell::written)
        },
        "contractorId" => around.clients.get(&row.client_id).and_then(|client| client.contractor_id).map(Cell::plain),
        "contractorName" => {
            let id = around.clients.get(&row.client_id).and_then(|client| client.contractor_id);
            id.and_then(|id| around.contractors.get(&id)).map(|name| Cell::written(name))
        },
        "state" => Cell::plain(row.state.as_str()),
        "isReachable" => Cell::Flag(row.is_reachable),
        "openedAt" => Cell::time(row.opened_at),
        "closedAt" => row.closed_at.map(Cell::time),
        "lastActivityAt" => Cell::time(row.last_activity_at),
        "lastMessageId" => row.last_message_id.map(Cell::plain),
        "messageCount" => Cell::Number(row.message_count),
        "responsibleIds" => Cell::plains(around.in_part(row.id, ParticipantRole::Responsible)),
        "responsibleNames" => around.names_in_part(row.id, ParticipantRole::Responsible),
        "observerIds" => Cell::plains(around.in_part(row.id, ParticipantRole::Observer)),
        "observerNames" => around.names_in_part(row.id, ParticipantRole::Observer),
        "tagIds" => Cell::plains(around.tags.get(&row.id).into_iter().flatten().map(|tag| tag.id)),
        "tagNames" => {
            Cell::Writtens(around.tags.get(&row.id).into_iter().flatten().map(|tag| tag.name.clone()).collect())
        },
        "dealIds" => ids::<DealId>(&around.deals, row.id),
        "dealNames" => names_of(&around.deals, row.id),
        "projectIds" => ids::<ProjectId>(&around.projects, row.id),
        "projectNames" => names_of(&around.projects, row.id),
        "taskIds" => ids::<TaskId>(&around.tasks, row.id),
        "taskNames" => names_of(&around.tasks, row.id),
        "cursor" => Cell::Plain(Place::from(row).encode()),
    }
}
