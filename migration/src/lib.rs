//! How what colloquy stores changes: portable migrations, forward only.
//!
//! A migration is never edited once it was released; the next change is the next file. A test replays each over data.

use sea_orm_migration::prelude::*;

mod m0001_spine;
mod m0002_messengers;
mod m0003_search;
mod m0004_archive;
mod m0005_counters;
mod m0006_spans;

pub use m0003_search::BY_THE_DATABASE;

/// All migrations, oldest first.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_spine::Migration),
            Box::new(m0002_messengers::Migration),
            Box::new(m0003_search::Migration),
            Box::new(m0004_archive::Migration),
            Box::new(m0005_counters::Migration),
            Box::new(m0006_spans::Migration),
        ]
    }
}
