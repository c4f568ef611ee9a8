//! Reading rows column by column, in the order in which the statement has them.
//!
//! By their names, as the entities read them, each name is put together and looked up anew in each row: for a page with
//! all that a list shows that took half as long as the database needs for it.

use colloquy_entity::*;
use sea_orm::{ActiveEnum, QueryResult};
use sqlx::postgres::{PgRow, Postgres};
use sqlx::sqlite::{Sqlite, SqliteRow};
use sqlx::{Decode, Row as _, Type, ValueRef as _};
use uuid::Uuid;

use crate::error::{Error, Result};

/// A row, and how far it was read.
pub struct Columns<'r> {
    row: Row<'r>,
    next: usize,
}

enum Row<'r> {
    Postgres(&'r PgRow),
    Sqlite(&'r SqliteRow),
}

/// The same for both kinds of row.
macro_rules! either {
    ($columns:expr, $row:ident => $body:expr) => {
        match $columns.row {
            Row::Postgres($row) => $body.map_err(Error::internal),
            Row::Sqlite($row) => $body.map_err(Error::internal),
        }
    };
}

impl<'r> Columns<'r> {
    /// From the first column on.
    pub fn of(row: &'r QueryResult) -> Result<Self> {
        let row = match (row.try_as_pg_row(), row.try_as_sqlite_row()) {
            (Some(row), _) => Row::Postgres(row),
            (None, Some(row)) => Row::Sqlite(row),
            (None, None) => return Err(Error::internal("a row of no database that is known")),
        };
        Ok(Self { row, next: 0 })
    }

    /// The next column.
    pub fn next<T: Column>(&mut self) -> Result<T> {
        T::read(self)
    }

    /// Passes over so many.
    pub fn skip(&mut self, count: usize) {
        self.next += count;
    }

    fn plain<T>(&mut self) -> Result<T>
    where
        T: Decode<'r, Postgres> + Type<Postgres> + Decode<'r, Sqlite> + Type<Sqlite>,
    {
        let at = self.next;
        self.next += 1;
        either!(self, row => row.try_get(at))
    }

    fn is_null(&self) -> Result<bool> {
        either!(self, row => row.try_get_raw(self.next).map(|value| value.is_null()))
    }
}

/// What a column may hold.
pub trait Column: Sized {
    /// Reads the next column.
    fn read(columns: &mut Columns<'_>) -> Result<Self>;
}

impl<T: Column> Column for Option<T> {
    fn read(columns: &mut Columns<'_>) -> Result<Self> {
        if columns.is_null()? {
            columns.skip(1);
            return Ok(None);
        }
        T::read(columns).map(Some)
    }
}

/// Columns of these types, each made of what the databases know.
macro_rules! columns {
    ($($name:ty: $plain:ty => $make:expr;)*) => {$(
        impl Column for $name {
            fn read(columns: &mut Columns<'_>) -> Result<Self> {
                let make: fn($plain) -> Result<Self> = $make;
                make(columns.plain()?)
            }
        }
    )*};
}

fn word<E: ActiveEnum<Value = String>>(text: &str) -> Result<E> {
    E::try_from_value(&text.to_owned()).map_err(Error::from)
}

columns! {
    bool: bool => Ok;
    i32: i32 => Ok;
    i64: i64 => Ok;
    String: String => Ok;
    Vec<u8>: Vec<u8> => Ok;
    Time: i64 => |moment| Ok(Self(moment));
    ChannelId: Uuid => |id| Ok(Self(id));
    ClientId: Uuid => |id| Ok(Self(id));
    ContractorId: Uuid => |id| Ok(Self(id));
    DialogueId: Uuid => |id| Ok(Self(id));
    FunnelId: Uuid => |id| Ok(Self(id));
    MessageId: Uuid => |id| Ok(Self(id));
    UserId: Uuid => |id| Ok(Self(id));
    ChannelKind: &str => word;
    ChannelState: &str => word;
    DeliveryStatus: &str => word;
    DialogueState: &str => word;
    MessageOrigin: &str => word;
    Role: &str => word;
}

/// How much of a row is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rows {
    /// All that may be shown.
    #[default]
    Whole,
    /// What lists show.
    Brief,
}

/// A table's row as lists read it.
pub trait Shown: Sized {
    /// Its columns, in the order in which they are read.
    fn columns(rows: Rows) -> &'static [&'static str];

    /// Reads all of them.
    fn read(columns: &mut Columns<'_>, rows: Rows) -> Result<Self>;
}

/// Which columns of a table lists read, which they read only where whole rows are wanted, and what stands for those; and
/// what stands for the others, which they have no use for and shall not carry around.
macro_rules! shown {
    ($($model:ty { $($field:ident,)* } whole { $($seldom:ident: $none:expr,)* } but { $($left:ident: $blank:expr,)* })*) => {$(
        impl Shown for $model {
            fn columns(rows: Rows) -> &'static [&'static str] {
                match rows {
                    Rows::Whole => &[$(stringify!($field),)* $(stringify!($seldom),)*],
                    Rows::Brief => &[$(stringify!($field),)*],
                }
            }

            fn read(columns: &mut Columns<'_>, rows: Rows) -> Result<Self> {
                let _is_whole = rows == Rows::Whole;
                Ok(Self {
                    $($field: columns.next()?,)*
                    $($seldom: if _is_whole { columns.next()? } else { $none },)*
                    $($left: $blank,)*
                })
            }
        }
    )*};
}

shown! {
    dialogue::Model {
        id, channel_id, client_id, state, is_reachable, created_at, opened_at, closed_at, last_activity_at,
        last_message_id, message_count, client_message_count, read_number, last_client_message_at, closed_order,
        is_assigned,
    } whole {} but {}
    client::Model {
        id, kind, name, username,
    } whole {
        avatar_url: None, profile_url: None, contractor_id: None, is_blocked: false, first_seen_at: Time(0),
    } but {
        external_id: String::new(), phone: None, lookup: String::new(), profile_at: None,
    }
    // Whoever administers asks a website for its origins, which are kept with its credentials.
    channel::Model {
        id, kind, name, state, created_at,
    } whole {
        handle: None, state_reason: None, credentials: Vec::new(), funnel_id: None, welcome_text: None,
        auto_reply_enabled: false, auto_reply_text: None,
    } but {
        external_id: String::new(), webhook_url: None, poll_cursor: None, last_given_to: None,
    }
    message::Model {
        id, dialogue_id, channel_id, origin, author_id, text, created_at, deleted_at, delivery_status,
    } whole {
        ordinal: 0, reply_to_id: None, sent_at: Time(0), album_id: None, forwarded_from: None, edited_at: None,
        delivery_at: None, failure: None, attempts: 0,
    } but {
        client_ordinal: 0, external_id: None, more_external_ids: None, edit_key: None, next_attempt_at: None,
        idempotency_key: None,
    }
    user::Model {
        id, name, role, is_active, created_at,
    } whole {
        email: String::new(),
    } but {
        password_hash: String::new(), lookup: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::{IdenStatic, Iterable};

    use super::*;

    #[test]
    fn a_dialogue_alone_is_read_in_the_order_of_its_table() {
        let table: Vec<String> = dialogue::Column::iter().map(|column| column.as_str().to_owned()).collect();
        assert_eq!(dialogue::Model::columns(Rows::Whole), table);
        assert_eq!(dialogue::Model::columns(Rows::Brief), table);
    }
}
