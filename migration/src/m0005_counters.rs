//! Where the counters of each user's list are written down, so that a process which starts need not count.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Adds the table; the program fills it.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut table = Table::create();
        table
            .table("counters")
            .col(uuid("user_id").primary_key())
            .col(big_integer("position"))
            .col(json_binary("ahead"));
        for group in ["mine", "unassigned", "others", "closed"] {
            table.col(big_integer(group)).col(big_integer(format!("{group}_unread")));
        }
        table.foreign_key(ForeignKey::create().from("counters", "user_id").to("users", "id"));
        manager.create_table(table).await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("migrations go forward only; restore a backup instead".into()))
    }
}
