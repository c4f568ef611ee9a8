//! The statements that one message makes, of a client who has a dialogue already.
//!
//! Taken from the program as it ran: by `log_statement = all` on PostgreSQL, and by sqlx's own log of statements on
//! SQLite; names are without quotes and tables here. To be taken anew when `inbox::receive` or the log changes. What
//! other parts of the program ask because a message came (is there something to send, or to fetch?) is not of the message.

/// At the door, and again inside of the transaction.
pub const CHANNEL: &str = "SELECT id, kind, external_id, name, handle, state, state_reason, webhook_url, credentials, \
    poll_cursor, funnel_id, welcome_text, auto_reply_enabled, auto_reply_text, last_given_to, created_at \
    FROM channels WHERE id = $1 LIMIT $2";

pub const CLIENT: &str = "SELECT id, kind, external_id, name, username, avatar_url, profile_url, phone, contractor_id, \
    is_blocked, lookup, profile_at, first_seen_at FROM clients WHERE kind = $1 AND external_id = $2 LIMIT $3";

/// On SQLite; there the transaction has the only lock from its beginning.
pub const DIALOGUE: &str = "SELECT id, channel_id, client_id, state, is_reachable, created_at, opened_at, closed_at, \
    last_activity_at, last_message_id, message_count, client_message_count, read_number, last_client_message_at, \
    closed_order, is_assigned FROM dialogues WHERE channel_id = $1 AND client_id = $2 LIMIT $3";

/// On PostgreSQL.
pub const LOCK_DIALOGUE: &str = "SELECT id, channel_id, client_id, state, is_reachable, created_at, opened_at, closed_at, \
    last_activity_at, last_message_id, message_count, client_message_count, read_number, last_client_message_at, \
    closed_order, is_assigned FROM dialogues WHERE channel_id = $1 AND client_id = $2 LIMIT $3 FOR NO KEY UPDATE";

pub const STORED: &str = "SELECT id, dialogue_id, channel_id, ordinal, client_ordinal, external_id, \
    more_external_ids, origin, author_id, text, reply_to_id, created_at, sent_at, album_id, forwarded_from, edited_at, edit_key, deleted_at, delivery_status, \
    delivery_at, failure, attempts, next_attempt_at, idempotency_key \
    FROM messages WHERE channel_id = $1 AND external_id = $2 LIMIT $3";

pub const ADD: &str = "INSERT INTO messages (id, dialogue_id, channel_id, ordinal, client_ordinal, external_id, \
    more_external_ids, origin, author_id, text, reply_to_id, created_at, sent_at, album_id, forwarded_from, edited_at, edit_key, deleted_at, \
    delivery_status, delivery_at, failure, attempts, next_attempt_at, idempotency_key) \
    VALUES ($1, $2, $3, $4, $5, $6, NULL, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)";

/// PostgreSQL: what the message is found by.
pub const WORDS: &str =
    "INSERT INTO message_words (message_id, dialogue_id, number, words) VALUES ($1, $2, $3, $4::tsvector)
             ON CONFLICT (message_id) DO UPDATE SET words = excluded.words";

/// SQLite: the same in four.
pub const WORDS_OF: &str = "SELECT number FROM message_words WHERE message_id = ?";
pub const WORDS_AT: &str = "SELECT number FROM message_words WHERE number = ?";
pub const PLACE_WORDS: &str = "INSERT INTO message_words (message_id, dialogue_id, number) VALUES (?, ?, ?)";
pub const INDEX_WORDS: &str =
    "INSERT OR REPLACE INTO message_words_index (rowid, stems, forms, extras) VALUES (?, ?, ?, ?)";

pub const STORE_DIALOGUE: &str = "UPDATE dialogues SET channel_id = $1, client_id = $2, state = $3, is_reachable = $4, \
    created_at = $5, opened_at = $6, closed_at = $7, last_activity_at = $8, last_message_id = $9, message_count = $10, \
    client_message_count = $11, read_number = $12, last_client_message_at = $13, closed_order = $14, is_assigned = $15 \
    WHERE id = $16";

/// PostgreSQL: the last of the message's transaction.
pub const PEND: &str = "WITH batch AS MATERIALIZED (SELECT nextval('event_batches') AS number) \
    INSERT INTO pending_events (batch, ordinal, mark, at, kind, actor_user_id, actor_client_id, dialogue_id, channel_id, \
      addressee_id, detail) \
    SELECT batch.number, e.ordinal, e.mark, e.at, e.kind, e.actor_user_id, e.actor_client_id, e.dialogue_id, e.channel_id, \
      e.addressee_id, e.detail \
    FROM batch, jsonb_to_recordset($1) AS e(ordinal int, mark int, at bigint, kind text, actor_user_id uuid, \
      actor_client_id uuid, dialogue_id uuid, channel_id uuid, addressee_id uuid, detail jsonb)";

/// PostgreSQL: the transaction that gives positions.
pub const LOCK_HEAD: &str = "SELECT position FROM log_heads WHERE id = 1 FOR UPDATE";

/// The rest of it.
pub const MOVE: &str = "WITH taken AS (DELETE FROM pending_events RETURNING *), \
    numbered AS (SELECT $1 + row_number() OVER (ORDER BY batch, ordinal) AS position, * FROM taken), \
    placed AS (INSERT INTO events (position, mark, batch, at, kind, actor_user_id, actor_client_id, dialogue_id, \
        channel_id, addressee_id, detail) \
      SELECT position, mark, batch, at, kind, actor_user_id, actor_client_id, dialogue_id, channel_id, addressee_id, detail \
      FROM numbered), \
    about AS (INSERT INTO event_subjects (subject_id, position) \
      SELECT subject::uuid, position FROM numbered, jsonb_array_elements_text(detail->'subjects') AS subject), \
    head AS (UPDATE log_heads SET position = $1 + (SELECT count(*) FROM taken) \
      WHERE id = 1 AND EXISTS (SELECT 1 FROM taken)) \
    SELECT position, mark, batch, at, kind, actor_user_id, actor_client_id, dialogue_id, channel_id, addressee_id, detail \
    FROM numbered ORDER BY position";

/// SQLite: positions are given inside of the message's transaction.
pub const MOVE_HEAD: &str = "UPDATE log_heads SET position = position + $1 WHERE id = $2 RETURNING id, position";

pub const PLACE: &str = "INSERT INTO events (position, mark, batch, at, kind, actor_user_id, actor_client_id, dialogue_id, \
    channel_id, addressee_id, detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

pub const FEED: &str = "INSERT INTO event_subjects (subject_id, position) VALUES ($1, $2)";
