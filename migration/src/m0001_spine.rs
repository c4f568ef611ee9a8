//! The first tables: people, channels, dialogues, messages, cards, and the event log.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;
use sea_orm_migration::sea_orm::DatabaseBackend;

mod indexes;

/// Makes all tables of the first version.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in people().into_iter().chain(talk()).chain(cards()).chain(links()).chain(log()) {
            manager.create_table(table).await?;
        }
        for index in indexes::indexes() {
            manager.create_index(index).await?;
        }
        let connection = manager.get_connection();
        connection.execute_unprepared("INSERT INTO log_heads (id, position) VALUES (1, 0)").await?;
        if manager.get_database_backend() == DatabaseBackend::Postgres {
            connection.execute_unprepared("CREATE SEQUENCE event_batches").await?;
        }
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("migrations go forward only; restore a backup instead".into()))
    }
}

fn bytes(name: &'static str) -> ColumnDef {
    ColumnDef::new_with_type(name, ColumnType::VarBinary(StringLen::None)).not_null().take()
}

fn table(name: &'static str, columns: Vec<ColumnDef>) -> TableCreateStatement {
    let mut table = Table::create();
    table.table(name);
    for mut column in columns {
        table.col(&mut column);
    }
    table
}

fn key(table: &mut TableCreateStatement, columns: &[&'static str]) -> TableCreateStatement {
    let mut index = Index::create();
    for column in columns {
        index.col(*column);
    }
    table.primary_key(&mut index).take()
}

fn refers(table: &mut TableCreateStatement, column: &'static str, to: &'static str) -> TableCreateStatement {
    table.foreign_key(ForeignKey::create().from_col(column).to_tbl(to).to_col("id")).take()
}

/// Tables with the primary key `id`, a UUID.
fn noun(name: &'static str, columns: Vec<ColumnDef>) -> TableCreateStatement {
    let mut all = vec![uuid("id")];
    all.extend(columns);
    key(&mut table(name, all), &["id"])
}

fn people() -> Vec<TableCreateStatement> {
    vec![
        noun(
            "users",
            vec![
                text("name"),
                text("email"),
                text("password_hash"),
                text("role"),
                boolean("is_active"),
                text("lookup"),
                big_integer("created_at"),
            ],
        ),
        refers(
            &mut noun(
                "sessions",
                vec![uuid("user_id"), bytes("token_hash"), big_integer("created_at"), big_integer("expires_at")],
            ),
            "user_id",
            "users",
        ),
        refers(
            &mut noun(
                "api_tokens",
                vec![
                    uuid("user_id"),
                    text("name"),
                    bytes("token_hash"),
                    big_integer("created_at"),
                    big_integer_null("last_used_at"),
                    big_integer_null("expires_at"),
                ],
            ),
            "user_id",
            "users",
        ),
        refers(
            &mut noun(
                "contractors",
                vec![
                    text("kind"),
                    text("name"),
                    text_null("phone"),
                    text_null("email"),
                    text_null("note"),
                    uuid_null("merged_into_id"),
                    text("lookup"),
                    big_integer("created_at"),
                ],
            ),
            "merged_into_id",
            "contractors",
        ),
        refers(
            &mut noun(
                "clients",
                vec![
                    text("kind"),
                    text("external_id"),
                    text("name"),
                    text_null("username"),
                    text_null("avatar_url"),
                    text_null("profile_url"),
                    text_null("phone"),
                    uuid_null("contractor_id"),
                    boolean("is_blocked"),
                    text("lookup"),
                    big_integer("first_seen_at"),
                ],
            ),
            "contractor_id",
            "contractors",
        ),
        noun("funnels", vec![text("name"), big_integer("created_at")]),
        refers(
            &mut noun("stages", vec![uuid("funnel_id"), integer("ordinal"), text("name"), text("kind")]),
            "funnel_id",
            "funnels",
        ),
    ]
}

fn talk() -> Vec<TableCreateStatement> {
    let mut channels = noun(
        "channels",
        vec![
            text("kind"),
            text("external_id"),
            text("name"),
            text_null("handle"),
            text("state"),
            text_null("state_reason"),
            text_null("webhook_url"),
            bytes("credentials"),
            text_null("poll_cursor"),
            uuid_null("funnel_id"),
            text_null("welcome_text"),
            boolean("auto_reply_enabled"),
            text_null("auto_reply_text"),
            uuid_null("last_given_to"),
            big_integer("created_at"),
        ],
    );
    let mut queue = key(
        &mut table("queue_members", vec![uuid("channel_id"), integer("ordinal"), uuid("user_id")]),
        &["channel_id", "ordinal"],
    );
    let mut dialogues = noun(
        "dialogues",
        vec![
            uuid("channel_id"),
            uuid("client_id"),
            text("state"),
            boolean("is_reachable"),
            big_integer("created_at"),
            big_integer("opened_at"),
            big_integer_null("closed_at"),
            big_integer("last_activity_at"),
            uuid_null("last_message_id"),
            big_integer("message_count"),
            big_integer("client_message_count"),
            big_integer_null("last_client_message_at"),
        ],
    );
    let mut messages = noun(
        "messages",
        vec![
            uuid("dialogue_id"),
            uuid("channel_id"),
            big_integer("ordinal"),
            big_integer("client_ordinal"),
            text_null("external_id"),
            json_binary_null("more_external_ids"),
            text("origin"),
            uuid_null("author_id"),
            text("text"),
            uuid_null("reply_to_id"),
            big_integer("created_at"),
            big_integer("sent_at"),
            text_null("album_id"),
            text_null("forwarded_from"),
            big_integer_null("edited_at"),
            big_integer_null("edit_key"),
            big_integer_null("deleted_at"),
            text_null("delivery_status"),
            big_integer_null("delivery_at"),
            text_null("failure"),
            integer("attempts"),
            big_integer_null("next_attempt_at"),
            text_null("idempotency_key"),
        ],
    );
    let mut attachments = noun(
        "attachments",
        vec![
            uuid_null("message_id"),
            uuid_null("uploader_id"),
            integer("ordinal"),
            text("kind"),
            text_null("file_kind"),
            text("name"),
            text_null("content_type"),
            big_integer_null("size"),
            text_null("state"),
            text_null("reference"),
            text_null("stored_as"),
            text_null("preview_as"),
            integer_null("width"),
            integer_null("height"),
            integer_null("duration"),
            double_null("latitude"),
            double_null("longitude"),
            text_null("phone"),
            integer("attempts"),
            big_integer_null("next_attempt_at"),
            big_integer("created_at"),
        ],
    );
    vec![
        refers(&mut channels, "funnel_id", "funnels"),
        refers(&mut refers(&mut queue, "channel_id", "channels"), "user_id", "users"),
        refers(&mut refers(&mut dialogues, "channel_id", "channels"), "client_id", "clients"),
        refers(&mut refers(&mut messages, "dialogue_id", "dialogues"), "author_id", "users"),
        refers(&mut refers(&mut attachments, "message_id", "messages"), "uploader_id", "users"),
        link("participants", "dialogue_id", "user_id", "users", vec![text("role"), big_integer("since")]),
        link("read_marks", "dialogue_id", "user_id", "users", vec![big_integer("read_count")]),
        noun("tags", vec![text("name"), text("name_key"), text("color")]),
        link("dialogue_tags", "dialogue_id", "tag_id", "tags", vec![big_integer("added_at")]),
        refers(
            &mut refers(
                &mut noun(
                    "comments",
                    vec![
                        uuid("dialogue_id"),
                        uuid("author_id"),
                        text("text"),
                        big_integer("created_at"),
                        big_integer_null("edited_at"),
                    ],
                ),
                "dialogue_id",
                "dialogues",
            ),
            "author_id",
            "users",
        ),
        refers(
            &mut refers(
                &mut key(
                    &mut table("comment_mentions", vec![uuid("comment_id"), uuid("user_id")]),
                    &["comment_id", "user_id"],
                ),
                "comment_id",
                "comments",
            ),
            "user_id",
            "users",
        ),
    ]
}

/// A table whose rows lead from a dialogue to something else.
fn link(
    name: &'static str,
    from: &'static str,
    to: &'static str,
    target: &'static str,
    more: Vec<ColumnDef>,
) -> TableCreateStatement {
    let mut columns = vec![uuid(from), uuid(to)];
    columns.extend(more);
    refers(&mut refers(&mut key(&mut table(name, columns), &[from, to]), from, "dialogues"), to, target)
}

fn cards() -> Vec<TableCreateStatement> {
    let mut deals = noun(
        "deals",
        vec![
            text("title"),
            uuid("funnel_id"),
            uuid("stage_id"),
            text_null("amount"),
            text_null("currency"),
            uuid_null("contractor_id"),
            uuid_null("responsible_id"),
            text("lookup"),
            big_integer("created_at"),
        ],
    );
    let mut deals = refers(&mut refers(&mut deals, "funnel_id", "funnels"), "stage_id", "stages");
    let deals = refers(&mut refers(&mut deals, "contractor_id", "contractors"), "responsible_id", "users");
    let projects = noun(
        "projects",
        vec![
            text("name"),
            text_null("description"),
            text_null("external_url"),
            text_null("external_id"),
            text("lookup"),
            big_integer("created_at"),
        ],
    );
    let mut tasks = noun(
        "tasks",
        vec![
            text("title"),
            text_null("description"),
            text("state"),
            uuid_null("project_id"),
            uuid_null("responsible_id"),
            big_integer_null("due_at"),
            text_null("external_url"),
            text_null("external_id"),
            text("lookup"),
            big_integer("created_at"),
        ],
    );
    vec![deals, projects, refers(&mut refers(&mut tasks, "project_id", "projects"), "responsible_id", "users")]
}

fn links() -> Vec<TableCreateStatement> {
    vec![
        link("dialogue_deals", "dialogue_id", "deal_id", "deals", vec![big_integer("linked_at")]),
        link("dialogue_projects", "dialogue_id", "project_id", "projects", vec![big_integer("linked_at")]),
        link("dialogue_tasks", "dialogue_id", "task_id", "tasks", vec![big_integer("linked_at")]),
    ]
}

/// What an event holds, with a position or without one yet.
fn happening() -> Vec<ColumnDef> {
    vec![
        integer("mark"),
        big_integer("at"),
        text("kind"),
        uuid_null("actor_user_id"),
        uuid_null("actor_client_id"),
        uuid_null("dialogue_id"),
        uuid_null("channel_id"),
        uuid_null("addressee_id"),
        json_binary("detail"),
    ]
}

fn log() -> Vec<TableCreateStatement> {
    let mut event = vec![big_integer("position"), big_integer("batch")];
    event.extend(happening());
    let mut pending = vec![big_integer("batch"), integer("ordinal")];
    pending.extend(happening());
    vec![
        key(&mut table("events", event), &["position"]),
        key(&mut table("pending_events", pending), &["batch", "ordinal"]),
        key(
            &mut table("event_subjects", vec![uuid("subject_id"), big_integer("position")]),
            &["subject_id", "position"],
        ),
        key(&mut table("log_heads", vec![integer("id"), big_integer("position")]), &["id"]),
        key(&mut table("settings", vec![text("name"), text("value")]), &["name"]),
        key(
            &mut table(
                "failed_updates",
                vec![
                    uuid("channel_id"),
                    bytes("fingerprint"),
                    text("body"),
                    text("failure"),
                    integer("attempts"),
                    big_integer("received_at"),
                ],
            ),
            &["channel_id", "fingerprint"],
        ),
    ]
}
