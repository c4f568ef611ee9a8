//! Rows by the million: one transaction, so that there is all of it or nothing.
//!
//! Indexes are made once all rows are there: that is several times faster than keeping them row by row.

mod postgres;
mod sqlite;

use colloquy_entity::{comment_word, message_word};
use sea_orm::{EntityName, EntityTrait, IdenStatic, Iterable, ModelTrait, Value};

use crate::app::App;
use crate::error::Result;

use super::super::search::Entry as Words;
use postgres::Postgres;
use sqlite::Sqlite;

/// Where rows go.
pub enum Load {
    Postgres(Postgres),
    Sqlite(Sqlite),
}

impl Load {
    /// Nobody else writes from now on.
    pub async fn begin(app: &App) -> Result<Self> {
        Ok(if app.db.is_postgres() {
            Self::Postgres(Postgres::begin(app).await?)
        } else {
            Self::Sqlite(Sqlite::begin(app).await?)
        })
    }

    /// The number that a query answers.
    pub async fn number(&mut self, sql: &str) -> Result<i64> {
        match self {
            Self::Postgres(load) => load.number(sql).await,
            Self::Sqlite(load) => load.number(sql).await,
        }
    }

    /// Takes away what would be kept up with each row: [`Load::index`] makes it anew.
    pub async fn without_indexes(&mut self) -> Result<()> {
        match self {
            Self::Postgres(load) => load.drop_indexes().await,
            Self::Sqlite(load) => load.drop_indexes().await,
        }
    }

    /// Adds rows of one kind.
    pub async fn put<E>(&mut self, rows: Vec<E::Model>) -> Result<()>
    where
        E: EntityTrait + Default,
    {
        let columns: Vec<E::Column> = E::Column::iter().collect();
        let values = rows.iter().flat_map(|row| columns.iter().map(|column| row.get(*column))).collect();
        let names = columns.iter().map(IdenStatic::as_str).collect();
        self.rows(E::default().table_name().to_owned(), names, values).await
    }

    /// Adds what is found by words.
    pub async fn words(&mut self, entries: &[Words]) -> Result<()> {
        let tables =
            [(message_word::Entity.table_name(), "message_id"), (comment_word::Entity.table_name(), "comment_id")];
        for (table, id) in tables {
            let (mut places, mut vectors, mut columns) = (Vec::new(), Vec::new(), Vec::new());
            for entry in entries.iter().filter(|entry| entry.table() == table && !entry.is_empty()) {
                let place: [Value; 3] = [entry.id.into(), entry.dialogue.0.into(), entry.number.into()];
                if let Self::Postgres(_) = self {
                    vectors.extend(place);
                    vectors.push(entry.vector().into());
                } else {
                    places.extend(place);
                    columns.push(entry.number.into());
                    columns.extend(entry.columns().map(Value::from));
                }
            }
            self.rows(table.to_owned(), vec![id, "dialogue_id", "number", "words"], vectors).await?;
            self.rows(table.to_owned(), vec![id, "dialogue_id", "number"], places).await?;
            self.rows(format!("{table}_index"), vec!["rowid", "stems", "forms", "extras"], columns).await?;
        }
        Ok(())
    }

    /// Row by row, as many values each as there are columns.
    async fn rows(&mut self, table: String, columns: Vec<&'static str>, values: Vec<Value>) -> Result<()> {
        if values.is_empty() {
            return Ok(());
        }
        match self {
            Self::Postgres(load) => load.copy(&table, &columns, values).await,
            Self::Sqlite(load) => load.insert(&table, &columns, values).await,
        }
    }

    /// Runs a statement that both databases know.
    pub async fn run(&mut self, sql: &str) -> Result<()> {
        match self {
            Self::Postgres(load) => load.run(sql).await,
            Self::Sqlite(load) => load.run(sql).await,
        }
    }

    /// Makes the indexes; telling how many there are yet to make.
    pub async fn index(&mut self, tell: impl FnMut(usize)) -> Result<()> {
        match self {
            Self::Postgres(load) => load.index(tell).await,
            Self::Sqlite(load) => load.index(tell).await,
        }
    }

    /// Commits, and has the database count its rows, for its plans.
    pub async fn commit(self, app: &App) -> Result<()> {
        match self {
            Self::Postgres(load) => load.commit(app).await,
            Self::Sqlite(load) => load.commit(app).await,
        }
    }
}
