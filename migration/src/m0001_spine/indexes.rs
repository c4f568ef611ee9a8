//! The indexes of the first tables.

use sea_orm_migration::prelude::*;

/// All of them.
pub(super) fn indexes() -> Vec<IndexCreateStatement> {
    let index = |name: &'static str, table: &'static str, columns: &[&'static str]| {
        let mut index = Index::create();
        index.name(name).table(table);
        for column in columns {
            index.col(*column);
        }
        index
    };
    let unique = |name, table, columns: &[&'static str]| index(name, table, columns).unique().take();
    let partial =
        |name, table, columns: &[&'static str], when: SimpleExpr| index(name, table, columns).and_where(when).take();
    vec![
        unique("users_email_key", "users", &["email"]),
        unique("sessions_token_hash_key", "sessions", &["token_hash"]),
        index("sessions_user", "sessions", &["user_id"]),
        unique("api_tokens_token_hash_key", "api_tokens", &["token_hash"]),
        index("api_tokens_user", "api_tokens", &["user_id"]),
        unique("channels_external_key", "channels", &["kind", "external_id"]),
        index("queue_members_user", "queue_members", &["user_id"]),
        partial("contractors_merged", "contractors", &["merged_into_id"], Expr::col("merged_into_id").is_not_null()),
        unique("clients_external_key", "clients", &["kind", "external_id"]),
        index("clients_contractor", "clients", &["contractor_id"]),
        unique("dialogues_channel_client_key", "dialogues", &["channel_id", "client_id"]),
        index("dialogues_client", "dialogues", &["client_id"]),
        index("dialogues_activity", "dialogues", &["last_activity_at", "id"]),
        index("dialogues_state_activity", "dialogues", &["state", "last_activity_at", "id"]),
        index("dialogues_opened", "dialogues", &["opened_at", "id"]),
        index("dialogues_closed", "dialogues", &["closed_at", "id"]),
        unique("messages_ordinal_key", "messages", &["dialogue_id", "ordinal"]),
        unique("messages_external_key", "messages", &["channel_id", "external_id"]),
        unique("messages_idempotency_key", "messages", &["author_id", "idempotency_key"]),
        partial(
            "messages_queued",
            "messages",
            &["channel_id", "dialogue_id", "ordinal"],
            Expr::col("delivery_status").eq(Expr::cust("'QUEUED'")),
        ),
        index("attachments_message", "attachments", &["message_id", "ordinal"]),
        partial(
            "attachments_pending",
            "attachments",
            &["next_attempt_at"],
            Expr::col("state").eq(Expr::cust("'PENDING'")),
        ),
        partial("attachments_unsent", "attachments", &["created_at"], Expr::col("message_id").is_null()),
        index("participants_user", "participants", &["user_id", "role"]),
        index("read_marks_user", "read_marks", &["user_id"]),
        unique("tags_name_key_key", "tags", &["name_key"]),
        index("dialogue_tags_tag", "dialogue_tags", &["tag_id"]),
        index("comments_dialogue", "comments", &["dialogue_id", "id"]),
        index("comment_mentions_user", "comment_mentions", &["user_id"]),
        unique("stages_ordinal_key", "stages", &["funnel_id", "ordinal"]),
        index("deals_contractor", "deals", &["contractor_id"]),
        index("deals_stage", "deals", &["stage_id"]),
        index("deals_responsible", "deals", &["responsible_id"]),
        unique("projects_external_key", "projects", &["external_id"]),
        unique("tasks_external_key", "tasks", &["external_id"]),
        index("tasks_project", "tasks", &["project_id"]),
        index("tasks_responsible", "tasks", &["responsible_id"]),
        index("dialogue_deals_deal", "dialogue_deals", &["deal_id"]),
        index("dialogue_projects_project", "dialogue_projects", &["project_id"]),
        index("dialogue_tasks_task", "dialogue_tasks", &["task_id"]),
        index("events_kind", "events", &["kind", "position"]),
        partial("events_addressee", "events", &["addressee_id", "position"], Expr::col("addressee_id").is_not_null()),
    ]
}
