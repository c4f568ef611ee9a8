//! What messages and comments are found by.
//!
//! Words are stored as `words` of the api crate makes them. Tables of their own: each step of a message's delivery writes
//! the message anew, and would write an index of its words with it.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;
use sea_orm_migration::sea_orm::DatabaseBackend;

/// Adds the tables; what is there already is indexed by the program.
#[derive(DeriveMigrationName)]
pub struct Migration;

/// What entities do not have of these tables: the words themselves, in the database's own kind of index.
pub const BY_THE_DATABASE: [&str; 2] = ["message_words", "comment_words"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, of) in [("message_words", "message_id"), ("comment_words", "comment_id")] {
            let table = Table::create()
                .table(name)
                .col(uuid(of).primary_key())
                .col(uuid("dialogue_id"))
                .col(big_integer("number"))
                .take();
            manager.create_table(table).await?;
            let dialogue =
                Index::create().name(format!("{name}_dialogue")).table(name).col("dialogue_id").col("number").take();
            manager.create_index(dialogue).await?;
            let db = manager.get_connection();
            if manager.get_database_backend() == DatabaseBackend::Postgres {
                // Not at once: a list of what is new would have to be gone through by each search.
                db.execute_unprepared(&format!(
                    "ALTER TABLE {name} ADD COLUMN words tsvector NOT NULL DEFAULT '';
                     ALTER TABLE {name} ALTER COLUMN words SET STATISTICS 1000;
                     CREATE INDEX {name}_newest ON {name} (number, {of});
                     CREATE INDEX {name}_words ON {name} USING gin (words) WITH (fastupdate = off)"
                ))
                .await?;
            } else {
                // Its rows are those of the table with the same number. Only spaces part words: they are ours.
                db.execute_unprepared(&format!(
                    "CREATE UNIQUE INDEX {name}_newest ON {name} (number);
                     CREATE VIRTUAL TABLE {name}_index USING fts5(stems, forms, extras, content='',
                         contentless_delete=1, tokenize='ascii', prefix='2 3')"
                ))
                .await?;
            }
        }
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("migrations go forward only; restore a backup instead".into()))
    }
}
