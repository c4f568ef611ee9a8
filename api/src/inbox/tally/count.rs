//! Counting from the tables, for those of whom nothing is known yet: by indexes, and little of it for each user.
//!
//! Unread is counted from its other side: what came since the user did, less what they have read to its end. The first is
//! a range of an index, the second their own marks.

use colloquy_entity::*;
use sea_orm::{ConnectionTrait, FromQueryResult, Statement, Value};

use crate::error::Result;

use super::super::list::{Counter, Group};
use super::standing::Owner;

/// By group, as whoever sees everything and answers for nothing has them.
pub(super) type All = [i64; 4];

// Terms of partial indexes stand as the indexes have them, and nothing of them is bound.
const ALL: &str = "SELECT
    (SELECT count(*) FROM dialogues WHERE state = 'OPEN' AND is_assigned = FALSE) AS unassigned,
    (SELECT count(*) FROM dialogues WHERE state = 'OPEN' AND is_assigned = TRUE) AS others,
    (SELECT count(*) FROM dialogues WHERE state = 'CLOSED') AS closed";

/// With a client's message since. Of the closed ones, which are nearly all, an index has the sum only.
const WRITTEN: &str = "SELECT unassigned, others, whole - unassigned - others AS closed FROM (SELECT
    (SELECT count(*) FROM dialogues WHERE state = 'OPEN' AND is_assigned = FALSE AND last_client_message_at > $1) AS unassigned,
    (SELECT count(*) FROM dialogues WHERE state = 'OPEN' AND is_assigned = TRUE AND last_client_message_at > $1) AS others,
    (SELECT count(*) FROM dialogues WHERE last_client_message_at > $1) AS whole) AS written";

/// Of these, those that were read to the end.
const READ: &str = "SELECT
    coalesce(sum(CASE WHEN d.state = 'OPEN' AND NOT d.is_assigned THEN 1 ELSE 0 END), 0) AS unassigned,
    coalesce(sum(CASE WHEN d.state = 'OPEN' AND d.is_assigned THEN 1 ELSE 0 END), 0) AS others,
    coalesce(sum(CASE WHEN d.state = 'CLOSED' THEN 1 ELSE 0 END), 0) AS closed
    FROM read_marks m JOIN dialogues d ON d.id = m.dialogue_id
    WHERE m.user_id = $2 AND m.read_count >= d.client_message_count AND d.last_client_message_at > $1";

/// What the user takes part in, by group; to be ended by which of it.
const PARTS: &str = "SELECT d.state, d.is_assigned, p.role, count(*) AS count,
    sum(CASE WHEN d.last_client_message_at > $1 AND d.client_message_count > coalesce(m.read_count, 0)
        THEN 1 ELSE 0 END) AS unread
    FROM participants p JOIN dialogues d ON d.id = p.dialogue_id
    LEFT JOIN read_marks m ON m.dialogue_id = d.id AND m.user_id = p.user_id
    WHERE p.user_id = $2";
const OPEN_ONES: &str = " AND p.is_open AND p.role = 'RESPONSIBLE'";
const BY_GROUP: &str = " GROUP BY d.state, d.is_assigned, p.role";

#[derive(FromQueryResult)]
struct Groups {
    unassigned: i64,
    others: i64,
    closed: i64,
}

impl Groups {
    async fn of(db: &impl ConnectionTrait, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<Self> {
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
        let none = Self { unassigned: 0, others: 0, closed: 0 };
        Ok(Self::find_by_statement(statement).one(db).await?.unwrap_or(none))
    }
}

#[derive(FromQueryResult)]
struct Part {
    state: DialogueState,
    is_assigned: bool,
    role: ParticipantRole,
    count: i64,
    unread: i64,
}

/// What is the same for all who see everything.
pub(super) async fn all(db: &impl ConnectionTrait) -> Result<All> {
    let Groups { unassigned, others, closed } = Groups::of(db, ALL, []).await?;
    Ok([0, unassigned, others, closed])
}

/// What is a user's own, who is active: for an observer everything; for others what is unread, and how many of all that
/// somebody answers for are theirs.
pub(super) async fn own(db: &impl ConnectionTrait, owner: &Owner) -> Result<[Counter; 4]> {
    let values = || [owner.since.into(), owner.id.into()];
    let which = if owner.sees_all() { OPEN_ONES } else { "" };
    let parts = format!("{PARTS}{which}{BY_GROUP}");
    let parts = Statement::from_sql_and_values(db.get_database_backend(), parts, values());
    let mut own = [Counter::default(); 4];
    for part in Part::find_by_statement(parts).all(db).await? {
        let group = match part.state {
            DialogueState::Closed => Group::Closed,
            DialogueState::Open if part.role == ParticipantRole::Responsible => Group::Mine,
            DialogueState::Open if part.is_assigned => Group::Others,
            DialogueState::Open => Group::Unassigned,
        };
        own[group as usize].count += part.count;
        own[group as usize].unread += part.unread;
    }
    if owner.sees_all() {
        let written = Groups::of(db, WRITTEN, [owner.since.into()]).await?;
        let read = Groups::of(db, READ, values()).await?;
        let mine = own[Group::Mine as usize];
        own[Group::Unassigned as usize].unread = written.unassigned - read.unassigned;
        own[Group::Others as usize] =
            Counter { count: -mine.count, unread: written.others - read.others - mine.unread };
        own[Group::Closed as usize].unread = written.closed - read.closed;
    }
    Ok(own)
}
