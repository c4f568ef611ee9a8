//! Spans of time are read from their index alone, sorted by the latest activity, however much lies in them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DatabaseBackend;

/// Makes the indexes of openings and closings anew, with the time of the latest activity.
#[derive(DeriveMigrationName)]
pub struct Migration;

/// `closed_order` tells all that `closed_at` does.
const REPLACED: [&str; 3] = ["dialogues_opened", "dialogues_closed", "dialogues_closed_order"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in REPLACED {
            manager.drop_index(Index::drop().name(name).table("dialogues").to_owned()).await?;
        }
        for (name, moment) in [("dialogues_opened", "opened_at"), ("dialogues_closed_order", "closed_order")] {
            let mut index = Index::create();
            index.name(name).table("dialogues").col(moment).col("id").col("last_activity_at");
            manager.create_index(index).await?;
        }
        if manager.get_database_backend() == DatabaseBackend::Sqlite {
            // It takes what is equal for rarer than it is, and would sort all that is closed.
            for (name, moment) in [("dialogues_state_opened", "opened_at"), ("dialogues_state_closed", "closed_order")]
            {
                let mut index = Index::create();
                index.name(name).table("dialogues").col("state").col(moment).col("id");
                manager.create_index(index).await?;
            }
        }
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("migrations go forward only; restore a backup instead".into()))
    }
}
