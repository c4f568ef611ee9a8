//! What lists of a million dialogues are read by: columns that tell a dialogue's group, and an index for each way in.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;
use sea_orm_migration::sea_orm::DatabaseBackend;

/// Adds the columns, fills them from what is there, and makes the indexes.
#[derive(DeriveMigrationName)]
pub struct Migration;

/// From what the columns follow. The same on both databases.
const FILL: [&str; 3] = [
    "UPDATE dialogues SET closed_order = closed_at WHERE closed_at IS NOT NULL",
    "UPDATE participants SET is_open = TRUE
        WHERE dialogue_id IN (SELECT id FROM dialogues WHERE state = 'OPEN')",
    "UPDATE dialogues SET is_assigned = TRUE
        WHERE state = 'OPEN' AND id IN (SELECT p.dialogue_id FROM participants p
            JOIN users u ON u.id = p.user_id WHERE p.role = 'RESPONSIBLE' AND u.is_active)",
];

/// Of an index that another one holds.
const REPLACED: [(&str, &str); 6] = [
    ("participants_user", "participants"),
    ("dialogue_tags_tag", "dialogue_tags"),
    ("dialogue_deals_deal", "dialogue_deals"),
    ("dialogue_projects_project", "dialogue_projects"),
    ("dialogue_tasks_task", "dialogue_tasks"),
    ("read_marks_user", "read_marks"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let closed_order = big_integer("closed_order").default(0).take();
        let is_assigned = boolean("is_assigned").default(false).take();
        let is_open = boolean("is_open").default(false).take();
        for (table, column) in [("dialogues", closed_order), ("dialogues", is_assigned), ("participants", is_open)] {
            manager.alter_table(Table::alter().table(table).add_column(column).take()).await?;
        }
        let db = manager.get_connection();
        for statement in FILL {
            db.execute_unprepared(statement).await?;
        }
        for (name, table) in REPLACED {
            manager.drop_index(Index::drop().name(name).table(table).to_owned()).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        if manager.get_database_backend() == DatabaseBackend::Postgres {
            db.execute_unprepared(PARTS_OF_NAMES).await?;
            // The two go together: multiplied, they would tell of a twentieth of the dialogues that there are in work, and
            // the planner would rather sort all of them than walk the newest (300 times slower with a million).
            db.execute_unprepared(
                "CREATE STATISTICS dialogues_groups (dependencies, mcv) ON state, is_assigned FROM dialogues",
            )
            .await?;
        } else {
            // The names alone are a tenth of the rows; they are gone through.
            db.execute_unprepared("CREATE INDEX clients_lookup ON clients (lookup, id)").await?;
        }
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("migrations go forward only; restore a backup instead".into()))
    }
}

/// Where the extension may not be installed, names are found all the same, by going through them.
const PARTS_OF_NAMES: &str = "DO $$ BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX clients_lookup ON clients USING gin (lookup gin_trgm_ops) WITH (fastupdate = off);
    CREATE INDEX contractors_lookup ON contractors USING gin (lookup gin_trgm_ops) WITH (fastupdate = off);
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'names of clients have no index: %', SQLERRM;
END $$";

fn indexes() -> Vec<IndexCreateStatement> {
    let index = |name: &'static str, table: &'static str, columns: &[&'static str]| {
        let mut index = Index::create();
        index.name(name).table(table);
        for column in columns {
            index.col(*column);
        }
        index
    };
    let partial = |name, table, columns: &[&'static str], when: &'static str| {
        index(name, table, columns).and_where(Expr::cust(when)).take()
    };
    vec![
        partial("dialogues_open", "dialogues", &["is_assigned", "last_activity_at", "id"], "state = 'OPEN'"),
        index("dialogues_channel_activity", "dialogues", &["channel_id", "last_activity_at", "id"]),
        index("dialogues_closed_order", "dialogues", &["closed_order", "id"]),
        index("dialogues_written", "dialogues", &["last_client_message_at", "id"]),
        index("dialogues_created", "dialogues", &["created_at", "id"]),
        partial("participants_open", "participants", &["user_id", "role", "dialogue_id"], "is_open"),
        index("participants_user", "participants", &["user_id", "role", "dialogue_id"]),
        index("read_marks_user", "read_marks", &["user_id", "dialogue_id", "read_count"]),
        index("dialogue_tags_tag", "dialogue_tags", &["tag_id", "dialogue_id"]),
        index("dialogue_deals_deal", "dialogue_deals", &["deal_id", "dialogue_id"]),
        index("dialogue_projects_project", "dialogue_projects", &["project_id", "dialogue_id"]),
        index("dialogue_tasks_task", "dialogue_tasks", &["task_id", "dialogue_id"]),
    ]
}
