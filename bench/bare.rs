//! The yardstick: a client that does nothing but run a message's statements, prepared, with the same boundaries of
//! transactions and the same durability, on a copy of the program's database.
//!
//! As in the program, who finds that the transaction before theirs has given positions to their events, too, gives none.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use colloquy::words::stored;
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, Row as _, SqliteConnection};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::inbound::Writer;
use crate::installation::{Installation, TEXT, chat};
use crate::statements::*;

/// So many clients who write, each with a connection.
pub async fn writers(installation: &Installation, at_once: usize, first: i64) -> Vec<Box<dyn Writer>> {
    let mut writers: Vec<Box<dyn Writer>> = Vec::new();
    let who = |client| Who { channel: installation.channel, client, next: first };
    if let Some(file) = installation.copy_url.strip_prefix("sqlite://") {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true);
        let open = async || options.connect().await.expect("the copy opens");
        let writer = Arc::new(Mutex::new(open().await));
        for client in 0..at_once {
            writers.push(Box::new(Sqlite { who: who(client), reader: open().await, writer: Arc::clone(&writer) }));
        }
    } else {
        let positions = Arc::new(Positions::default());
        for client in 0..at_once {
            let connection = PgConnection::connect(&installation.copy_url).await.expect("the copy can be reached");
            writers.push(Box::new(Postgres { who: who(client), connection, positions: Arc::clone(&positions) }));
        }
    }
    writers
}

/// Who writes, and the number of what they write next.
struct Who {
    channel: Uuid,
    client: usize,
    next: i64,
}

/// What a message became.
struct Written {
    client: Uuid,
    dialogue: Uuid,
    message: Uuid,
    at: i64,
}

impl Written {
    /// Where it stands among what is searched.
    fn number(&self) -> i64 {
        self.at << 21 | i64::try_from(self.message.as_u64_pair().1 & ((1 << 21) - 1)).unwrap_or_default()
    }

    fn detail(&self) -> Value {
        json!({ "subjects": [self.dialogue], "message": self.message })
    }
}

/// The statements up to the events, which both databases have in common; for sqlx they are two kinds of query.
macro_rules! write {
    ($connection:expr, $who:expr, $dialogue:expr) => {{
        let (connection, who) = ($connection, $who);
        let at = now();
        let external_id = format!("{}:{}", chat(who.client), who.next);
        let client = sqlx::query(CLIENT).bind("TELEGRAM").bind(chat(who.client).to_string()).bind(1i64);
        let client: Uuid = client.fetch_one(&mut *connection).await?.try_get("id")?;
        let dialogue = sqlx::query($dialogue).bind(who.channel).bind(client).bind(1i64);
        let dialogue = dialogue.fetch_one(&mut *connection).await?;
        let id: Uuid = dialogue.try_get("id")?;
        let stored = sqlx::query(STORED).bind(who.channel).bind(&external_id).bind(1i64);
        assert!(stored.fetch_optional(&mut *connection).await?.is_none(), "{external_id} is there already");
        sqlx::query(CHANNEL).bind(who.channel).bind(1i64).fetch_one(&mut *connection).await?;
        let message = Uuid::now_v7();
        let (count, of_client): (i64, i64) =
            (dialogue.try_get("message_count")?, dialogue.try_get("client_message_count")?);
        sqlx::query(ADD)
            .bind(message)
            .bind(id)
            .bind(who.channel)
            .bind(count + 1)
            .bind(of_client + 1)
            .bind(&external_id)
            .bind("CLIENT")
            .bind(None::<Uuid>)
            .bind(TEXT)
            .bind(None::<Uuid>)
            .bind(at)
            .bind(1_790_000_000_000i64)
            .bind(None::<String>)
            .bind(None::<String>)
            .bind(None::<i64>)
            .bind(None::<i64>)
            .bind(None::<i64>)
            .bind(None::<String>)
            .bind(None::<i64>)
            .bind(None::<String>)
            .bind(0i32)
            .bind(None::<i64>)
            .bind(None::<String>)
            .execute(&mut *connection)
            .await?;
        sqlx::query(STORE_DIALOGUE)
            .bind(who.channel)
            .bind(client)
            .bind("OPEN")
            .bind(true)
            .bind(dialogue.try_get::<i64, _>("created_at")?)
            .bind(dialogue.try_get::<i64, _>("opened_at")?)
            .bind(None::<i64>)
            .bind(at)
            .bind(message)
            .bind(count + 1)
            .bind(of_client + 1)
            .bind(dialogue.try_get::<Option<i64>, _>("read_number")?)
            .bind(at)
            .bind(dialogue.try_get::<i64, _>("closed_order")?)
            .bind(dialogue.try_get::<bool, _>("is_assigned")?)
            .bind(id)
            .execute(&mut *connection)
            .await?;
        Written { client, dialogue: id, message, at }
    }};
}

struct Postgres {
    who: Who,
    connection: PgConnection,
    positions: Arc<Positions>,
}

/// Positions are given by one of those who write at a time.
#[derive(Default)]
struct Positions {
    one: Mutex<()>,
    committed: AtomicU64,
    positioned: AtomicU64,
}

impl Postgres {
    async fn take(&mut self) -> sqlx::Result<()> {
        sqlx::query(CHANNEL).bind(self.who.channel).bind(1i64).fetch_one(&mut self.connection).await?;
        let mut tx = self.connection.begin().await?;
        let written = write!(&mut *tx, &self.who, LOCK_DIALOGUE);
        sqlx::query(WORDS)
            .bind(written.message)
            .bind(written.dialogue)
            .bind(written.number())
            .bind(stored([TEXT]).vector())
            .execute(&mut *tx)
            .await?;
        let event = json!([{
            "ordinal": 0,
            "mark": 1,
            "at": written.at,
            "kind": "MESSAGE_ADDED",
            "actor_user_id": null,
            "actor_client_id": written.client,
            "dialogue_id": written.dialogue,
            "channel_id": self.who.channel,
            "addressee_id": null,
            "detail": written.detail(),
        }]);
        sqlx::query(PEND).bind(event).execute(&mut *tx).await?;
        tx.commit().await?;
        self.position().await
    }

    async fn position(&mut self) -> sqlx::Result<()> {
        let positions = Arc::clone(&self.positions);
        let mine = positions.committed.fetch_add(1, Ordering::SeqCst) + 1;
        let _one = positions.one.lock().await;
        if positions.positioned.load(Ordering::SeqCst) >= mine {
            return Ok(());
        }
        let covered = positions.committed.load(Ordering::SeqCst);
        let mut tx = self.connection.begin().await?;
        let head: i64 = sqlx::query(LOCK_HEAD).fetch_one(&mut *tx).await?.try_get(0)?;
        sqlx::query(MOVE).bind(head).fetch_all(&mut *tx).await?;
        tx.commit().await?;
        positions.positioned.store(covered, Ordering::SeqCst);
        Ok(())
    }
}

struct Sqlite {
    who: Who,
    reader: SqliteConnection,
    /// One for all, as SQLite has it.
    writer: Arc<Mutex<SqliteConnection>>,
}

impl Sqlite {
    async fn take(&mut self) -> sqlx::Result<()> {
        sqlx::query(CHANNEL).bind(self.who.channel).bind(1i64).fetch_one(&mut self.reader).await?;
        let mut writer = self.writer.lock().await;
        let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
        let written = write!(&mut *tx, &self.who, DIALOGUE);
        let number = written.number();
        for (lookup, taken) in [(WORDS_OF, None), (WORDS_AT, Some(number))] {
            let lookup = sqlx::query(lookup);
            let lookup = if let Some(number) = taken { lookup.bind(number) } else { lookup.bind(written.message) };
            assert!(lookup.fetch_optional(&mut *tx).await?.is_none(), "it is new");
        }
        let place = sqlx::query(PLACE_WORDS).bind(written.message).bind(written.dialogue).bind(number);
        place.execute(&mut *tx).await?;
        let [stems, forms, extras] = stored([TEXT]).columns();
        let index = sqlx::query(INDEX_WORDS).bind(number).bind(stems).bind(forms).bind(extras);
        index.execute(&mut *tx).await?;
        let position: i64 =
            sqlx::query(MOVE_HEAD).bind(1i64).bind(1i32).fetch_one(&mut *tx).await?.try_get("position")?;
        sqlx::query(PLACE)
            .bind(position)
            .bind(1i32)
            .bind(position)
            .bind(written.at)
            .bind("MESSAGE_ADDED")
            .bind(None::<Uuid>)
            .bind(written.client)
            .bind(written.dialogue)
            .bind(self.who.channel)
            .bind(None::<Uuid>)
            .bind(written.detail())
            .execute(&mut *tx)
            .await?;
        sqlx::query(FEED).bind(written.dialogue).bind(position).execute(&mut *tx).await?;
        tx.commit().await
    }
}

#[async_trait]
impl Writer for Postgres {
    async fn write(&mut self) {
        self.take().await.expect("statements of the program");
        self.who.next += 1;
    }
}

#[async_trait]
impl Writer for Sqlite {
    async fn write(&mut self) {
        self.take().await.expect("statements of the program");
        self.who.next += 1;
    }
}

/// Milliseconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or_default()
}
