//! A page of dialogues with what a list shows of each, read by one statement.
//!
//! Loaders would read the same in one statement for each kind of thing, in three rounds.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use colloquy_entity::*;
use sea_orm::sea_query::{Order, Values};
use sea_orm::{DatabaseBackend, IdenStatic, QueryResult, Statement};
use serde::Deserialize;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::viewer::Viewer;

use super::super::reading;
use super::OrderBy;
use super::columns::{Columns, Rows, Shown};

/// What is asked of each dialogue beside itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// With whom it is.
    pub client: bool,
    /// In which channel.
    pub channel: bool,
    /// The newest message.
    pub last_message: bool,
    /// Who takes part, as users.
    pub participants: bool,
    /// Its tags.
    pub tags: bool,
    /// How much the viewer has not read.
    pub unread: bool,
    /// How much of clients, channels, messages and their authors.
    pub rows: Rows,
}

/// A dialogue, and of what was wanted all that the statement could tell.
#[derive(Clone, Debug)]
pub struct Found {
    /// Itself.
    pub dialogue: Arc<dialogue::Model>,
    /// With whom it is.
    pub client: Option<Arc<client::Model>>,
    /// In which channel.
    pub channel: Option<Arc<channel::Model>>,
    /// The newest message; none where there is none, or it was not wanted.
    pub last_message: Option<Arc<message::Model>>,
    /// The employee who wrote it. Users come without their secrets.
    pub author: Option<Arc<user::Model>>,
    /// Who takes part, the longest first.
    pub participants: Option<Vec<(participant::Model, Arc<user::Model>)>>,
    /// Its tags, in the order in which they were put there.
    pub tags: Option<Vec<tag::Model>>,
    /// How many client messages the viewer has not read; none where that takes more than a look at the row.
    pub unread: Option<i64>,
}

/// A participant and their user, as the statement packs them: user, part, since, and of the user name, e-mail, role,
/// whether they are active, since when they are here. What is borrowed has nothing that JSON escapes.
type Part<'a> = (&'a str, &'a str, i64, String, String, &'a str, u8, i64);
/// A tag: its id, name, colour.
type Tag<'a> = (&'a str, String, String);

impl Wanted {
    /// Puts what is wanted around a statement that reads a page of dialogues.
    pub(super) fn around(self, mut page: Statement, viewer: &Viewer, by: OrderBy, order: &Order) -> Statement {
        if (Self { rows: Rows::Whole, ..self }) == Self::default() {
            return page;
        }
        let on_postgres = page.db_backend == DatabaseBackend::Postgres;
        let (array, group, id) = match on_postgres {
            true => ("json_build_array", "json_agg", ""),
            false => ("json_array", "json_group_array", "hex"),
        };
        // In the order in which they are read.
        let (mut columns, mut joins) = (String::new(), String::new());
        add::<dialogue::Model>(&mut columns, "page", self.rows);
        if self.client {
            add::<client::Model>(&mut columns, "c_", self.rows);
            joins.push_str(" JOIN clients c_ ON c_.id = page.client_id");
        }
        if self.channel {
            add::<channel::Model>(&mut columns, "h_", self.rows);
            joins.push_str(" JOIN channels h_ ON h_.id = page.channel_id");
        }
        if self.last_message {
            add::<message::Model>(&mut columns, "m_", self.rows);
            joins.push_str(" LEFT JOIN messages m_ ON m_.id = page.last_message_id");
            add::<user::Model>(&mut columns, "a_", self.rows);
            joins.push_str(" LEFT JOIN users a_ ON a_.id = m_.author_id");
        }
        if self.unread {
            columns.push_str(", r_.read_count AS read_count");
            let values = page.values.get_or_insert_with(|| Values(Vec::new()));
            values.0.push(viewer.id.into());
            let place = if on_postgres { format!("${}", values.0.len()) } else { "?".to_owned() };
            let _ = write!(joins, " LEFT JOIN read_marks r_ ON r_.dialogue_id = page.id AND r_.user_id = {place}");
        }
        if self.participants {
            let text = if on_postgres { "::text" } else { "" };
            let _ = write!(
                columns,
                ", (SELECT {group}({array}({id}(u.id), p.role, p.since, u.name, u.email, u.role,
                    CASE WHEN u.is_active THEN 1 ELSE 0 END, u.created_at) ORDER BY p.since, p.user_id){text}
                    FROM participants p JOIN users u ON u.id = p.user_id WHERE p.dialogue_id = page.id) AS parts"
            );
        }
        if self.tags {
            let text = if on_postgres { "::text" } else { "" };
            let _ = write!(
                columns,
                ", (SELECT {group}({array}({id}(t.id), t.name, t.color) ORDER BY l.added_at){text}
                    FROM dialogue_tags l JOIN tags t ON t.id = l.tag_id WHERE l.dialogue_id = page.id) AS labels"
            );
        }
        let (key, order) = (by.column().as_str().to_owned(), if *order == Order::Asc { "ASC" } else { "DESC" });
        page.sql =
            format!("SELECT {columns} FROM ({}) AS page{joins} ORDER BY page.{key} {order}, page.id {order}", page.sql);
        page
    }
}

/// Adds what is read of a table.
fn add<T: Shown>(columns: &mut String, table: &str, rows: Rows) {
    for column in T::columns(rows) {
        let comma = if columns.is_empty() { "" } else { ", " };
        // Under names of their own: the page around is ordered by those of dialogues.
        let _ = write!(columns, "{comma}{table}.{column} AS {table}_{column}");
    }
}

/// What rows of a page have in common, and is read once.
#[derive(Default)]
pub(super) struct Common {
    /// How much of a row is read.
    rows: Rows,
    channels: HashMap<ChannelId, Arc<channel::Model>>,
    users: HashMap<UserId, Arc<user::Model>>,
}

impl Common {
    /// Of a page of which this is wanted.
    pub fn of(wanted: Wanted) -> Self {
        Self { rows: wanted.rows, ..Self::default() }
    }

    fn channel(&mut self, id: ChannelId, columns: &mut Columns<'_>) -> Result<Arc<channel::Model>> {
        if let Some(channel) = self.channels.get(&id) {
            columns.skip(channel::Model::columns(self.rows).len());
            return Ok(Arc::clone(channel));
        }
        let channel = Arc::new(channel::Model::read(columns, self.rows)?);
        self.channels.insert(id, Arc::clone(&channel));
        Ok(channel)
    }

    fn author(&mut self, id: UserId, columns: &mut Columns<'_>) -> Result<Arc<user::Model>> {
        if let Some(user) = self.users.get(&id) {
            columns.skip(user::Model::columns(self.rows).len());
            return Ok(Arc::clone(user));
        }
        let user = Arc::new(user::Model::read(columns, self.rows)?);
        self.users.insert(id, Arc::clone(&user));
        Ok(user)
    }

    fn parts(
        &mut self,
        dialogue: &dialogue::Model,
        packed: Option<&str>,
    ) -> Result<Vec<(participant::Model, Arc<user::Model>)>> {
        let part = |(user, part, since, name, email, role, is_active, created_at): Part<'_>| {
            let user_id = UserId(id(user)?);
            let part = participant::Model {
                dialogue_id: dialogue.id,
                user_id,
                role: value(part)?,
                since: Time(since),
                is_open: dialogue.state == DialogueState::Open,
            };
            if let Some(user) = self.users.get(&user_id) {
                return Ok((part, Arc::clone(user)));
            }
            let user = Arc::new(user::Model {
                id: user_id,
                name,
                email,
                // Lists carry no secrets around.
                password_hash: String::new(),
                lookup: String::new(),
                role: value(role)?,
                is_active: is_active == 1,
                created_at: Time(created_at),
            });
            self.users.insert(user_id, Arc::clone(&user));
            Ok((part, user))
        };
        unpack::<Part<'_>>(packed)?.into_iter().map(part).collect()
    }
}

impl Found {
    /// From a row of such a statement.
    pub(super) fn read(row: &QueryResult, viewer: &Viewer, wanted: Wanted, common: &mut Common) -> Result<Self> {
        let (columns, rows) = (&mut Columns::of(row)?, wanted.rows);
        let dialogue = dialogue::Model::read(columns, rows)?;
        let client = wanted.client.then(|| client::Model::read(columns, rows).map(Arc::new)).transpose()?;
        let channel = wanted.channel.then(|| common.channel(dialogue.channel_id, columns)).transpose()?;
        let (mut last_message, mut author) = (None, None);
        if wanted.last_message {
            match dialogue.last_message_id {
                Some(_) => last_message = Some(Arc::new(message::Model::read(columns, rows)?)),
                None => columns.skip(message::Model::columns(rows).len()),
            }
            match last_message.as_ref().and_then(|message| message.author_id) {
                Some(user) => author = Some(common.author(user, columns)?),
                None => columns.skip(user::Model::columns(rows).len()),
            }
        }
        let unread = match wanted.unread {
            true => reading::unread_by_mark(&viewer.into(), &dialogue, columns.next()?),
            false => None,
        };
        let participants = match wanted.participants {
            true => Some(common.parts(&dialogue, columns.next::<Option<String>>()?.as_deref())?),
            false => None,
        };
        let tags = match wanted.tags {
            true => {
                let packed: Option<String> = columns.next()?;
                Some(unpack(packed.as_deref())?.into_iter().map(label).collect::<Result<_>>()?)
            }
            false => None,
        };
        Ok(Self { dialogue: Arc::new(dialogue), client, channel, last_message, author, participants, tags, unread })
    }
}

/// A list that was packed into one column; none where there was nothing to pack.
fn unpack<'a, T: Deserialize<'a>>(packed: Option<&'a str>) -> Result<Vec<T>> {
    packed.map_or_else(|| Ok(Vec::new()), |text| serde_json::from_str(text).map_err(Error::internal))
}

fn id(text: &str) -> Result<Uuid> {
    Uuid::parse_str(text).map_err(Error::internal)
}

fn value<E: sea_orm::ActiveEnum<Value = String>>(text: &str) -> Result<E> {
    E::try_from_value(&text.to_owned()).map_err(Error::from)
}

fn label((of, name, color): Tag<'_>) -> Result<tag::Model> {
    // The key serves the search for a name, which is done.
    Ok(tag::Model { id: TagId(id(of)?), name, name_key: String::new(), color })
}
