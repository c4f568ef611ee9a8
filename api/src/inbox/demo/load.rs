//! Rows by the million: one transaction, so that there is all of it or nothing.
//!
//! PostgreSQL takes them by COPY, with the indexes made once all rows are there; SQLite by inserts of many rows.

use std::fmt::Write as _;

use colloquy_entity::message_word;
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, EntityName, EntityTrait, IdenStatic, IntoActiveModel, Iterable, ModelTrait,
    Statement, TransactionTrait, Value,
};
use sqlx::{AssertSqlSafe, Executor, Postgres, Row, Transaction};

use crate::app::App;
use crate::error::{Error, Result};

use super::super::search::Entry as Words;

/// Values in one statement of SQLite's at most.
const VALUES: usize = 32_000;
/// Bytes of a COPY that are sent at once.
const PIECE: usize = 1 << 20;

/// Where rows go.
pub enum Load {
    Postgres {
        tx: Transaction<'static, Postgres>,
        /// Indexes to make in the end, as PostgreSQL writes them.
        indexes: Vec<String>,
    },
    Sqlite(DatabaseTransaction),
}

impl Load {
    pub async fn begin(app: &App) -> Result<Self> {
        if !app.db.is_postgres() {
            return Ok(Self::Sqlite(app.db.write().begin().await?));
        }
        let mut tx = app.db.write().get_postgres_connection_pool().begin().await.map_err(Error::internal)?;
        let settings = "SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL maintenance_work_mem = '512MB'";
        raw(&mut tx, settings).await?;
        // Those of constraints stay.
        let indexes = "SELECT indexname::text, indexdef FROM pg_indexes WHERE schemaname = current_schema()
            AND tablename NOT IN ('users', 'sessions', 'api_tokens', 'seaql_migrations')
            AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = indexname)";
        let rows = sqlx::query(indexes).fetch_all(&mut *tx).await.map_err(Error::internal)?;
        let mut definitions = Vec::new();
        for row in rows {
            raw(&mut tx, &format!("DROP INDEX \"{}\"", row.get::<String, _>(0))).await?;
            definitions.push(row.get::<String, _>(1));
        }
        Ok(Self::Postgres { tx, indexes: definitions })
    }

    /// Adds rows of one kind.
    pub async fn put<E>(&mut self, rows: Vec<E::Model>) -> Result<()>
    where
        E: EntityTrait + Default,
        E::Model: IntoActiveModel<E::ActiveModel>,
        E::ActiveModel: Send,
    {
        let table = E::default().table_name().to_owned();
        let columns: Vec<E::Column> = E::Column::iter().collect();
        match self {
            Self::Postgres { tx, .. } => {
                let names: Vec<&str> = columns.iter().map(IdenStatic::as_str).collect();
                let mut text = String::new();
                for row in &rows {
                    for (place, column) in columns.iter().enumerate() {
                        if place > 0 {
                            text.push('\t');
                        }
                        cell(&mut text, row.get(*column))?;
                    }
                    text.push('\n');
                }
                copy(tx, &table, &names, text).await
            }
            Self::Sqlite(tx) => {
                let mut rows = rows.into_iter().peekable();
                while rows.peek().is_some() {
                    let chunk: Vec<E::ActiveModel> =
                        rows.by_ref().take(VALUES / columns.len()).map(IntoActiveModel::into_active_model).collect();
                    E::insert_many(chunk).exec_without_returning(&*tx).await?;
                }
                Ok(())
            }
        }
    }

    /// Adds what is found by words.
    pub async fn words(&mut self, entries: &[Words]) -> Result<()> {
        match self {
            Self::Postgres { tx, .. } => {
                for (table, columns, entries) in by_table(entries) {
                    let mut text = String::new();
                    for entry in entries {
                        let _ = write!(text, "{}\t{}\t{}\t", entry.id, entry.dialogue.0, entry.number);
                        escape(&mut text, &entry.vector());
                        text.push('\n');
                    }
                    copy(tx, table, &[columns, "dialogue_id", "number", "words"], text).await?;
                }
                Ok(())
            }
            Self::Sqlite(tx) => {
                for (table, id, entries) in by_table(entries) {
                    for chunk in entries.chunks(VALUES / 7) {
                        let (mut rows, mut words) = (Vec::new(), Vec::new());
                        for entry in chunk {
                            rows.extend::<[Value; 3]>([entry.id.into(), entry.dialogue.0.into(), entry.number.into()]);
                            let [stems, forms, extras] = entry.columns();
                            words.extend::<[Value; 4]>([
                                entry.number.into(),
                                stems.into(),
                                forms.into(),
                                extras.into(),
                            ]);
                        }
                        let into = format!("{table} ({id}, dialogue_id, number)");
                        insert(tx, &into, 3, rows).await?;
                        insert(tx, &format!("{table}_index (rowid, stems, forms, extras)"), 4, words).await?;
                    }
                }
                Ok(())
            }
        }
    }

    /// Runs a statement that both databases know.
    pub async fn run(&mut self, sql: &str) -> Result<()> {
        match self {
            Self::Postgres { tx, .. } => raw(tx, sql).await,
            Self::Sqlite(tx) => {
                tx.execute_unprepared(sql).await?;
                Ok(())
            }
        }
    }

    /// Makes the indexes; telling how many there are yet to make.
    pub async fn index(&mut self, mut tell: impl FnMut(usize)) -> Result<()> {
        if let Self::Postgres { tx, indexes } = self {
            let count = indexes.len();
            for (place, index) in indexes.drain(..).enumerate() {
                tell(count - place);
                raw(tx, &index).await?;
            }
        }
        Ok(())
    }

    pub async fn commit(self) -> Result<()> {
        match self {
            Self::Postgres { tx, .. } => tx.commit().await.map_err(Error::internal),
            Self::Sqlite(tx) => Ok(tx.commit().await?),
        }
    }
}

type Shelf<'a> = (&'static str, &'static str, Vec<&'a Words>);

fn by_table(entries: &[Words]) -> impl Iterator<Item = Shelf<'_>> {
    let of = |table: &'static str, id: &'static str| {
        (table, id, entries.iter().filter(|entry| entry.table() == table && !entry.is_empty()).collect::<Vec<_>>())
    };
    [of(message_word::Entity.table_name(), "message_id"), of("comment_words", "comment_id")]
        .into_iter()
        .filter(|(_, _, entries)| !entries.is_empty())
}

async fn raw(tx: &mut Transaction<'static, Postgres>, sql: &str) -> Result<()> {
    tx.execute(sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))).await.map_err(Error::internal)?;
    Ok(())
}

async fn insert(tx: &DatabaseTransaction, into: &str, columns: usize, values: Vec<Value>) -> Result<()> {
    let row = format!("({})", vec!["?"; columns].join(", "));
    let sql = format!("INSERT INTO {into} VALUES {}", vec![row; values.len() / columns].join(", "));
    tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), sql, values)).await?;
    Ok(())
}

async fn copy(tx: &mut Transaction<'static, Postgres>, table: &str, columns: &[&str], text: String) -> Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let columns: Vec<String> = columns.iter().map(|column| format!("\"{column}\"")).collect();
    let sql = format!("COPY {table} ({}) FROM STDIN", columns.join(", "));
    let mut into = tx.copy_in_raw(&sql).await.map_err(Error::internal)?;
    for piece in text.as_bytes().chunks(PIECE) {
        into.send(piece).await.map_err(Error::internal)?;
    }
    into.finish().await.map_err(Error::internal)?;
    Ok(())
}

/// A value as COPY's text has it.
fn cell(text: &mut String, value: Value) -> Result<()> {
    let written = match value {
        Value::Bool(Some(value)) => write!(text, "{value}"),
        Value::Int(Some(value)) => write!(text, "{value}"),
        Value::BigInt(Some(value)) => write!(text, "{value}"),
        Value::Double(Some(value)) => write!(text, "{value}"),
        Value::Uuid(Some(value)) => write!(text, "{value}"),
        Value::String(Some(value)) => {
            escape(text, &value);
            Ok(())
        }
        Value::Json(Some(value)) => {
            escape(text, &value.to_string());
            Ok(())
        }
        Value::Bytes(Some(value)) => {
            text.push_str("\\\\x");
            value.iter().try_for_each(|byte| write!(text, "{byte:02x}"))
        }
        Value::Bool(None)
        | Value::Int(None)
        | Value::BigInt(None)
        | Value::Double(None)
        | Value::Uuid(None)
        | Value::String(None)
        | Value::Json(None)
        | Value::Bytes(None) => {
            text.push_str("\\N");
            Ok(())
        }
        other => return Err(Error::internal(format!("rows have no values like {other:?}"))),
    };
    written.map_err(Error::internal)
}

fn escape(text: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            c => text.push(c),
        }
    }
}
