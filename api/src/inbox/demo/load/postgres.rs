//! Rows into PostgreSQL, by COPY.

use std::fmt::Write as _;

use sea_orm::{ConnectionTrait, DatabaseBackend, Statement, Value};
use sqlx::{AssertSqlSafe, Executor, Row, Transaction};

use crate::app::App;
use crate::error::{Error, Result};

/// Bytes of a COPY that are sent at once.
const PIECE: usize = 1 << 20;

/// What is taken away for the time, and by what it is made again: what refers to keys first, then keys, then other indexes.
const KEPT_UP: &str = "
    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
        format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)),
        CASE contype WHEN 'f' THEN 1 ELSE 2 END AS turn
    FROM pg_constraint WHERE connamespace = current_schema()::regnamespace AND contype IN ('p', 'u', 'f')
        AND conrelid <> 'seaql_migrations'::regclass
    UNION ALL
    SELECT format('DROP INDEX %I', indexname), indexdef, 3
    FROM pg_indexes WHERE schemaname = current_schema() AND tablename <> 'seaql_migrations'
        AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = format('%I', indexname)::regclass)
    ORDER BY turn";

/// A transaction that fills the database.
pub struct Postgres {
    tx: Transaction<'static, sqlx::Postgres>,
    /// What to make in the end.
    missing: Vec<String>,
}

impl Postgres {
    pub async fn begin(app: &App) -> Result<Self> {
        let tx = app.db.write().get_postgres_connection_pool().begin().await.map_err(Error::internal)?;
        let mut load = Self { tx, missing: Vec::new() };
        load.run("SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL maintenance_work_mem = '256MB'").await?;
        // Whoever serves the same database waits, before they take either: no position of the log is given twice.
        load.run("LOCK TABLE dialogues, log_heads IN EXCLUSIVE MODE").await?;
        Ok(load)
    }

    pub async fn number(&mut self, sql: &str) -> Result<i64> {
        let row = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_one(&mut *self.tx).await.map_err(Error::internal)?;
        row.try_get(0).map_err(Error::internal)
    }

    pub async fn drop_indexes(&mut self) -> Result<()> {
        let rows = sqlx::query(KEPT_UP).fetch_all(&mut *self.tx).await.map_err(Error::internal)?;
        for row in &rows {
            self.run(row.try_get(0).map_err(Error::internal)?).await?;
        }
        // Keys before what refers to them.
        for turn in [2, 3, 1] {
            for row in rows.iter().filter(|row| row.try_get(2).is_ok_and(|of: i32| of == turn)) {
                self.missing.push(row.try_get(1).map_err(Error::internal)?);
            }
        }
        Ok(())
    }

    pub async fn copy(&mut self, table: &str, columns: &[&str], values: Vec<Value>) -> Result<()> {
        let mut text = String::new();
        for (place, value) in values.into_iter().enumerate() {
            cell(&mut text, value)?;
            text.push(if (place + 1).is_multiple_of(columns.len()) { '\n' } else { '\t' });
        }
        let columns: Vec<String> = columns.iter().map(|column| format!("\"{column}\"")).collect();
        let sql = format!("COPY {table} ({}) FROM STDIN", columns.join(", "));
        let mut into = self.tx.copy_in_raw(&sql).await.map_err(Error::internal)?;
        for piece in text.as_bytes().chunks(PIECE) {
            into.send(piece).await.map_err(Error::internal)?;
        }
        into.finish().await.map_err(Error::internal)?;
        Ok(())
    }

    pub async fn run(&mut self, sql: &str) -> Result<()> {
        self.tx.execute(sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))).await.map_err(Error::internal)?;
        Ok(())
    }

    pub async fn index(&mut self, mut tell: impl FnMut(usize)) -> Result<()> {
        let missing = std::mem::take(&mut self.missing);
        for (place, index) in missing.iter().enumerate() {
            tell(missing.len() - place);
            self.run(index).await?;
        }
        Ok(())
    }

    pub async fn commit(self, app: &App) -> Result<()> {
        self.tx.commit().await.map_err(Error::internal)?;
        // Also marks which pages everybody sees, so that indexes alone can answer. Without names it would try the server's
        // own tables as well, and warn of each.
        let own = "SELECT string_agg(quote_ident(tablename), ', ') AS names FROM pg_tables
            WHERE schemaname = current_schema()";
        let own = app.db.write().query_one_raw(Statement::from_string(DatabaseBackend::Postgres, own)).await?;
        let names: Option<Option<String>> = own.map(|row| row.try_get("", "names")).transpose()?;
        if let Some(names) = names.flatten() {
            app.db.write().execute_unprepared(&format!("VACUUM (ANALYZE) {names}")).await?;
        }
        Ok(())
    }
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
    let mut rest = value;
    // Nearly always there is nothing to escape.
    while let Some(place) = rest.find(['\\', '\t', '\n', '\r']) {
        let (before, from) = rest.split_at(place);
        text.push_str(before);
        text.push_str(match from.as_bytes()[0] {
            b'\\' => "\\\\",
            b'\t' => "\\t",
            b'\n' => "\\n",
            _ => "\\r",
        });
        rest = &from[1..];
    }
    text.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_copy_takes_for_its_own_is_escaped() {
        let mut text = String::new();
        escape(&mut text, "a\\b\tc\nd\re 👍\\");
        assert_eq!(text, "a\\\\b\\tc\\nd\\re 👍\\\\");
        let mut text = String::new();
        for value in [Value::Bytes(Some(vec![1, 255])), Value::String(None), Value::Bool(Some(true))] {
            cell(&mut text, value).expect("it has a text");
        }
        assert_eq!(text, "\\\\x01ff\\Ntrue");
    }
}
