//! A page of dialogues with what a list shows of each, read by one statement.
//!
//! Loaders would read the same in one statement for each kind of thing, in three rounds.

use std::fmt::Write;

use colloquy_entity::*;
use sea_orm::sea_query::{Order, Values};
use sea_orm::{
    ColumnTrait, DatabaseBackend, EntityTrait, FromQueryResult, IdenStatic, Iterable, QueryResult, Statement,
};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::viewer::Viewer;

use super::super::reading;
use super::OrderBy;

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
}

/// A dialogue, and of what was wanted all that the statement could tell.
#[derive(Clone, Debug)]
pub struct Found {
    /// Itself.
    pub dialogue: dialogue::Model,
    /// With whom it is.
    pub client: Option<client::Model>,
    /// In which channel.
    pub channel: Option<channel::Model>,
    /// The newest message; none where there is none, or it was not wanted.
    pub last_message: Option<message::Model>,
    /// The employee who wrote it. Users come without their secrets.
    pub author: Option<user::Model>,
    /// Who takes part, the longest first.
    pub participants: Option<Vec<(participant::Model, user::Model)>>,
    /// Its tags, in the order in which they were put there.
    pub tags: Option<Vec<tag::Model>>,
    /// How many client messages the viewer has not read; none where that takes more than a look at the row.
    pub unread: Option<i64>,
}

const CLIENT: &str = "c_";
const CHANNEL: &str = "h_";
const MESSAGE: &str = "m_";
const AUTHOR: &str = "a_";

/// What lists have no use for, and shall not carry around.
const SECRET: [&str; 2] = ["password_hash", "lookup"];

/// A participant and their user, as the statement packs them: user, part, since, and of the user name, e-mail, role,
/// whether they are active, since when they are here.
type Part = (String, String, i64, String, String, String, u8, i64);
/// A tag: its id, name, colour.
type Tag = (String, String, String);

impl Wanted {
    /// Puts what is wanted around a statement that reads a page of dialogues.
    pub(super) fn around(self, mut page: Statement, viewer: &Viewer, by: OrderBy, order: &Order) -> Statement {
        if self == Self::default() {
            return page;
        }
        let on_postgres = page.db_backend == DatabaseBackend::Postgres;
        let (array, group, id) = match on_postgres {
            true => ("json_build_array", "json_agg", ""),
            false => ("json_array", "json_group_array", "hex"),
        };
        let (mut columns, mut joins) = ("page.*".to_owned(), String::new());
        if self.client {
            prefixed::<client::Entity>(&mut columns, CLIENT);
            joins.push_str(" JOIN clients c_ ON c_.id = page.client_id");
        }
        if self.channel {
            prefixed::<channel::Entity>(&mut columns, CHANNEL);
            joins.push_str(" JOIN channels h_ ON h_.id = page.channel_id");
        }
        if self.last_message {
            prefixed::<message::Entity>(&mut columns, MESSAGE);
            joins.push_str(" LEFT JOIN messages m_ ON m_.id = page.last_message_id");
            prefixed::<user::Entity>(&mut columns, AUTHOR);
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

/// The columns of a table that is joined under its prefix.
fn prefixed<E: EntityTrait>(columns: &mut String, prefix: &str)
where
    E::Column: Iterable + ColumnTrait,
{
    for column in E::Column::iter() {
        let name = column.as_str();
        let _ = match SECRET.contains(&name) {
            true => write!(columns, ", '' AS {prefix}{name}"),
            false => write!(columns, ", {prefix}.{name} AS {prefix}{name}"),
        };
    }
}

impl Found {
    /// From a row of such a statement.
    pub(super) fn read(row: &QueryResult, viewer: &Viewer, wanted: Wanted) -> Result<Self> {
        let dialogue = dialogue::Model::from_query_result(row, "")?;
        let client = wanted.client.then(|| client::Model::from_query_result(row, CLIENT)).transpose()?;
        let channel = wanted.channel.then(|| channel::Model::from_query_result(row, CHANNEL)).transpose()?;
        let last_message = match wanted.last_message && dialogue.last_message_id.is_some() {
            true => Some(message::Model::from_query_result(row, MESSAGE)?),
            false => None,
        };
        let author = match last_message.as_ref().and_then(|message| message.author_id) {
            Some(_) => Some(user::Model::from_query_result(row, AUTHOR)?),
            None => None,
        };
        let participants = match wanted.participants {
            true => Some(
                packed::<Part>(row, "parts")?.into_iter().map(|part| unpack(&dialogue, part)).collect::<Result<_>>()?,
            ),
            false => None,
        };
        let tags = match wanted.tags {
            true => Some(packed::<Tag>(row, "labels")?.into_iter().map(label).collect::<Result<_>>()?),
            false => None,
        };
        let unread = match wanted.unread {
            true => reading::unread_by_mark(&viewer.into(), &dialogue, row.try_get("", "read_count")?),
            false => None,
        };
        Ok(Self { dialogue, client, channel, last_message, author, participants, tags, unread })
    }
}

/// A list that was packed into one column; none where there was nothing to pack.
fn packed<T: DeserializeOwned>(row: &QueryResult, column: &str) -> Result<Vec<T>> {
    let text: Option<String> = row.try_get("", column)?;
    match text {
        None => Ok(Vec::new()),
        Some(text) => serde_json::from_str(&text).map_err(Error::internal),
    }
}

fn id(text: &str) -> Result<Uuid> {
    Uuid::parse_str(text).map_err(Error::internal)
}

fn unpack(
    dialogue: &dialogue::Model,
    (user, part, since, name, email, role, is_active, created_at): Part,
) -> Result<(participant::Model, user::Model)> {
    let user_id = UserId(id(&user)?);
    let part = participant::Model {
        dialogue_id: dialogue.id,
        user_id,
        role: value(part)?,
        since: Time(since),
        is_open: dialogue.state == DialogueState::Open,
    };
    let user = user::Model {
        id: user_id,
        name,
        email,
        // See `SECRET`.
        password_hash: String::new(),
        lookup: String::new(),
        role: value(role)?,
        is_active: is_active == 1,
        created_at: Time(created_at),
    };
    Ok((part, user))
}

fn value<E: sea_orm::ActiveEnum<Value = String>>(text: String) -> Result<E> {
    E::try_from_value(&text).map_err(Error::from)
}

fn label((of, name, color): Tag) -> Result<tag::Model> {
    // The key serves the search for a name, which is done.
    Ok(tag::Model { id: TagId(id(&of)?), name, name_key: String::new(), color })
}
