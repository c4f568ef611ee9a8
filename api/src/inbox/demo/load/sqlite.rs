//! Rows into SQLite, by inserts of many.

use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement, Value};

use crate::app::App;
use crate::error::{Error, Result};

/// Values in one statement. More are not faster, and the database keeps few statements of that size prepared.
const VALUES: usize = 3_000;
/// KiB of the file that are held, and not written and read again and again, while it is filled; and otherwise.
const CACHE: [u32; 2] = [256 << 10, 2 << 10];
/// Those of keys have no text and stay.
const INDEXES: &str = "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY rowid";

/// A transaction that fills the database.
pub struct Sqlite {
    tx: DatabaseTransaction,
    /// What to make in the end.
    missing: Vec<String>,
}

impl Sqlite {
    pub async fn begin(app: &App) -> Result<Self> {
        // On the one connection that writes.
        app.db.write().execute_unprepared(&format!("PRAGMA cache_size = -{}", CACHE[0])).await?;
        Ok(Self { tx: app.db.begin().await?, missing: Vec::new() })
    }

    pub async fn number(&mut self, sql: &str) -> Result<i64> {
        let row = self.tx.query_one_raw(Statement::from_string(self.tx.get_database_backend(), sql)).await?;
        Ok(row.ok_or_else(|| Error::internal("no row"))?.try_get_by_index(0)?)
    }

    pub async fn drop_indexes(&mut self) -> Result<()> {
        let rows = self.tx.query_all_raw(Statement::from_string(self.tx.get_database_backend(), INDEXES)).await?;
        for row in rows {
            let (name, sql): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            self.run(&format!("DROP INDEX \"{name}\"")).await?;
            self.missing.push(sql);
        }
        Ok(())
    }

    pub async fn insert(&mut self, table: &str, columns: &[&str], values: Vec<Value>) -> Result<()> {
        let most = VALUES / columns.len();
        let row = format!("({})", vec!["?"; columns.len()].join(", "));
        let into: Vec<String> = columns.iter().map(|column| format!("\"{column}\"")).collect();
        let into = format!("INSERT INTO {table} ({}) VALUES ", into.join(", "));
        let full = into.clone() + &vec![row.as_str(); most].join(", ");
        let mut values = values.into_iter().peekable();
        while values.peek().is_some() {
            let values: Vec<Value> = values.by_ref().take(most * columns.len()).collect();
            let count = values.len() / columns.len();
            // The same text each time but the last: it is prepared once.
            let sql = if count == most { full.clone() } else { into.clone() + &vec![row.as_str(); count].join(", ") };
            self.tx.execute_raw(Statement::from_sql_and_values(self.tx.get_database_backend(), sql, values)).await?;
        }
        Ok(())
    }

    pub async fn run(&mut self, sql: &str) -> Result<()> {
        self.tx.execute_unprepared(sql).await?;
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
        self.tx.commit().await?;
        let end = format!("PRAGMA analysis_limit = 2000; ANALYZE; PRAGMA cache_size = -{}", CACHE[1]);
        app.db.write().execute_unprepared(&end).await?;
        Ok(())
    }
}
