//! What is searched, written in the transaction of what it is of: it is found once that has committed.

use colloquy_entity::*;
use sea_orm::{ConnectionTrait, DatabaseBackend, Statement, Value};
use uuid::Uuid;

use super::{Shelf, files};
use crate::db::Tx;
use crate::error::Result;
use crate::paging::Key;
use crate::words::{Stored, stored};

/// The end of a number that tells apart what was written in one millisecond, in bits.
const APART: u32 = 21;

/// Where something stands among what is searched: later is larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub(super) number: i64,
    pub(super) id: Uuid,
}

impl Place {
    /// All that is in earlier blocks is below.
    pub(super) fn start_of(block: i64) -> Self {
        Self { number: block << BLOCK, id: Uuid::nil() }
    }
}

impl Key for Place {
    fn encode(&self) -> String {
        crate::paging::pack(&[&b"f"[..], &self.number.to_be_bytes(), self.id.as_bytes()].concat())
    }

    fn decode(text: &str) -> Option<Self> {
        let bytes: [u8; 25] = crate::paging::unpack(text)?;
        let (number, id) = bytes.strip_prefix(b"f")?.split_at(8);
        Some(Self { number: i64::from_be_bytes(number.try_into().ok()?), id: Uuid::from_slice(id).ok()? })
    }
}

/// Numbers that begin alike are of one block: some 25 days.
const BLOCK: u32 = APART + 31;

/// The block of what has this number.
pub(super) fn block(number: i64) -> i64 {
    number >> BLOCK
}

/// What finds all that is in a block, in PostgreSQL's index. No word begins so.
pub(super) fn lexeme(block: i64) -> String {
    format!("'#{block}'")
}

/// The number of what was written then.
pub(super) fn number_at(at: Time, apart: i64) -> i64 {
    at.0.clamp(0, i64::MAX >> APART) << APART | apart
}

/// What of a message is searched: its text, and what its files, places and contacts are called.
pub(super) fn parts<'a>(message: &message::Model, of: impl IntoIterator<Item = &'a attachment::Model>) -> Vec<String> {
    let mut parts = vec![message.text.clone()];
    for part in of {
        parts.push(part.name.clone());
        parts.extend(part.phone.clone());
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// What is to be found, by what, and where it stands.
pub(in crate::inbox) struct Entry {
    shelf: Shelf,
    pub id: Uuid,
    pub dialogue: DialogueId,
    /// Later is larger; SQLite has each once.
    pub number: i64,
    stored: Stored,
}

impl Entry {
    pub fn of_message(message: &message::Model, of: &[attachment::Model]) -> Self {
        let parts = parts(message, of.iter().filter(|part| part.message_id == Some(message.id)));
        Self {
            shelf: Shelf::Messages,
            id: message.id.0,
            dialogue: message.dialogue_id,
            // Of one moment and one dialogue, in their order.
            number: number_at(message.created_at, message.ordinal % (1 << APART)),
            stored: stored(parts.iter().map(String::as_str)),
        }
    }

    /// For PostgreSQL: what it is found by, and in which block it stands.
    pub fn vector(&self) -> String {
        self.stored.vector() + &lexeme(block(self.number))
    }

    /// For SQLite: stems, forms, extras.
    pub fn columns(&self) -> [String; 3] {
        self.stored.columns()
    }

    /// Where it is stored.
    pub fn table(&self) -> &'static str {
        self.shelf.table()
    }

    /// Whether there is nothing by which it could be found.
    pub fn is_empty(&self) -> bool {
        self.stored.is_empty()
    }

    pub fn of_comment(comment: &comment::Model) -> Self {
        Self {
            shelf: Shelf::Comments,
            id: comment.id.0,
            dialogue: comment.dialogue_id,
            number: number_at(comment.created_at, apart(comment.id.0)),
            stored: stored([comment.text.as_str()]),
        }
    }
}

/// Ids are random at their end.
fn apart(id: Uuid) -> i64 {
    let (_, end) = id.as_u64_pair();
    i64::try_from(end & ((1 << APART) - 1)).unwrap_or_default()
}

/// Has a message found by what it is now, or not any more where it was deleted.
pub(in crate::inbox) async fn message(tx: &Tx<'_>, message: &message::Model) -> Result<()> {
    if message.deleted_at.is_some() {
        return remove(&**tx, Shelf::Messages, message.id.0).await;
    }
    let of = files::of(&**tx, &[message.id]).await?;
    put(&**tx, &Entry::of_message(message, &of)).await
}

/// Has a new message found by its text: what is put on it is not there yet.
pub(in crate::inbox) async fn new_message(tx: &Tx<'_>, message: &message::Model) -> Result<()> {
    put(&**tx, &Entry::of_message(message, &[])).await
}

/// Has a comment found by what it is now.
pub(in crate::inbox) async fn comment(tx: &Tx<'_>, comment: &comment::Model) -> Result<()> {
    put(&**tx, &Entry::of_comment(comment)).await
}

/// Has a comment found no more.
pub(in crate::inbox) async fn no_comment(tx: &Tx<'_>, comment: CommentId) -> Result<()> {
    remove(&**tx, Shelf::Comments, comment.0).await
}

/// Stores an entry in place of what is stored of the same.
pub(super) async fn put(db: &impl ConnectionTrait, entry: &Entry) -> Result<()> {
    if entry.is_empty() {
        return remove(db, entry.shelf, entry.id).await;
    }
    let (table, id) = (entry.shelf.table(), entry.shelf.id());
    if db.get_database_backend() == DatabaseBackend::Postgres {
        let insert = format!(
            "INSERT INTO {table} ({id}, dialogue_id, number, words) VALUES ($1, $2, $3, $4::tsvector)
             ON CONFLICT ({id}) DO UPDATE SET words = excluded.words"
        );
        let values = [entry.id.into(), entry.dialogue.0.into(), entry.number.into(), entry.vector().into()];
        return run(db, &insert, values).await;
    }
    let number = match one(db, &format!("SELECT number FROM {table} WHERE {id} = ?"), [entry.id.into()]).await? {
        Some(number) => number,
        None => {
            let number = free(db, table, entry.number).await?;
            let insert = format!("INSERT INTO {table} ({id}, dialogue_id, number) VALUES (?, ?, ?)");
            run(db, &insert, [entry.id.into(), entry.dialogue.0.into(), number.into()]).await?;
            number
        }
    };
    let insert = format!("INSERT OR REPLACE INTO {table}_index (rowid, stems, forms, extras) VALUES (?, ?, ?, ?)");
    let [stems, forms, extras] = entry.columns();
    run(db, &insert, [number.into(), stems.into(), forms.into(), extras.into()]).await
}

/// SQLite's index knows its rows by the number alone: of two with one number, the second has the next.
async fn free(db: &impl ConnectionTrait, table: &str, mut number: i64) -> Result<i64> {
    let taken = format!("SELECT number FROM {table} WHERE number = ?");
    while one(db, &taken, [number.into()]).await?.is_some() {
        number += 1;
    }
    Ok(number)
}

async fn remove(db: &impl ConnectionTrait, shelf: Shelf, of: Uuid) -> Result<()> {
    let (table, id) = (shelf.table(), shelf.id());
    if db.get_database_backend() == DatabaseBackend::Postgres {
        return run(db, &format!("DELETE FROM {table} WHERE {id} = $1"), [of.into()]).await;
    }
    let index = format!("DELETE FROM {table}_index WHERE rowid = (SELECT number FROM {table} WHERE {id} = ?)");
    run(db, &index, [of.into()]).await?;
    run(db, &format!("DELETE FROM {table} WHERE {id} = ?"), [of.into()]).await
}

async fn run(db: &impl ConnectionTrait, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<()> {
    db.execute_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await?;
    Ok(())
}

async fn one(db: &impl ConnectionTrait, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<Option<i64>> {
    let row = db.query_one_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await?;
    row.map(|row| Ok(row.try_get("", "number")?)).transpose()
}
