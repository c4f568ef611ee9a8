//! What VK, Viber and websites need: receipts, changes of messages, profiles, channels that are about to be.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Adds it to the first version's tables.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in [("clients", "profile_at"), ("dialogues", "read_number")] {
            let column = big_integer_null(column);
            manager.alter_table(Table::alter().table(table).add_column(column).take()).await?;
        }
        let visitor = text_null("visitor");
        manager.alter_table(Table::alter().table("attachments").add_column(visitor).take()).await?;
        for table in [awaited_channels(), early_receipts(), message_changes()] {
            manager.create_table(table).await?;
        }
        let due = Index::create()
            .name("message_changes_dialogue")
            .table("message_changes")
            .col("dialogue_id")
            .col("after_ordinal")
            .take();
        manager.create_index(due).await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("migrations go forward only; restore a backup instead".into()))
    }
}

fn awaited_channels() -> TableCreateStatement {
    Table::create()
        .table("awaited_channels")
        .col(uuid("id").primary_key())
        .col(text("kind"))
        .col(text("external_id"))
        .col(ColumnDef::new_with_type("credentials", ColumnType::VarBinary(StringLen::None)).not_null())
        .col(big_integer("created_at"))
        .take()
}

fn early_receipts() -> TableCreateStatement {
    Table::create()
        .table("early_receipts")
        .col(uuid("channel_id"))
        .col(text("external_id"))
        .col(text("status"))
        .col(text_null("failure"))
        .col(big_integer("at"))
        .primary_key(Index::create().col("channel_id").col("external_id"))
        .take()
}

fn message_changes() -> TableCreateStatement {
    Table::create()
        .table("message_changes")
        .col(uuid("id").primary_key())
        .col(uuid("message_id"))
        .col(uuid("dialogue_id"))
        .col(uuid("channel_id"))
        .col(big_integer("after_ordinal"))
        .col(text_null("text"))
        .col(text("former_text"))
        .col(big_integer_null("former_edited_at"))
        .col(integer("attempts"))
        .col(big_integer("next_attempt_at"))
        .col(big_integer("created_at"))
        .foreign_key(ForeignKey::create().from_col("message_id").to_tbl("messages").to_col("id"))
        .take()
}
