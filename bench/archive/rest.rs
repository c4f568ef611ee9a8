//! The yardstick of the list: a route that answers a page by the best SQL that a hand writes, and does nothing else.
//!
//! It asks who it is as the program does, by the token's hash, for each request.

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Json;
use axum::routing::get;
use colloquy::secrets::token_hash;
use colloquy_entity::{ChannelId, ClientId, DialogueId, MessageId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::{PgPool, Row as _, SqlitePool};
use uuid::Uuid;

use super::facts::moment;

/// As many as the program has.
const CONNECTIONS: u32 = 20;

const WHO: &str = "SELECT u.id, u.created_at FROM api_tokens t JOIN users u ON u.id = t.user_id
    WHERE t.token_hash = $1 AND u.is_active = TRUE AND (t.expires_at IS NULL OR t.expires_at > $2)";

/// One statement: a page of rows by the group's index, and what is shown of each around it. `$1` is the user, `$2` since
/// when they are here.
const PAGE: &str = "SELECT d.id, d.state, d.last_activity_at,
      CASE WHEN r.read_count IS NOT NULL THEN d.client_message_count - r.read_count
        WHEN d.created_at > $2 THEN d.client_message_count
        WHEN coalesce(d.last_client_message_at, 0) <= $2 THEN 0
        ELSE d.client_message_count - coalesce((SELECT max(b.client_ordinal) FROM messages b
          WHERE b.dialogue_id = d.id AND b.created_at <= $2), 0) END AS unread,
      c.id, c.name, c.username, h.id, h.kind, h.name,
      coalesce((SELECT {group}({object}('role', p.role, 'user', {object}('id', 'usr_' || {usr}, 'name', u.name))
          ORDER BY p.since, p.user_id) FROM participants p JOIN users u ON u.id = p.user_id
        WHERE p.dialogue_id = d.id){text}, '[]') AS participants,
      coalesce((SELECT {group}({object}('id', 'tag_' || {tag}, 'name', t.name, 'color', t.color) ORDER BY l.added_at)
        FROM dialogue_tags l JOIN tags t ON t.id = l.tag_id WHERE l.dialogue_id = d.id){text}, '[]') AS tags,
      m.id, m.origin, m.text, m.created_at, m.delivery_status, a.id, a.name
    FROM (SELECT * FROM dialogues WHERE {where} ORDER BY last_activity_at DESC, id DESC LIMIT 51) d
    JOIN clients c ON c.id = d.client_id
    JOIN channels h ON h.id = d.channel_id
    LEFT JOIN messages m ON m.id = d.last_message_id
    LEFT JOIN users a ON a.id = m.author_id
    LEFT JOIN read_marks r ON r.dialogue_id = d.id AND r.user_id = $1
    ORDER BY d.last_activity_at DESC, d.id DESC";

/// The groups, as indexes know them.
const WHERE: [(&str, &str); 4] = [
    (
        "mine",
        "state = 'OPEN' AND is_assigned = TRUE AND id IN (SELECT dialogue_id FROM participants
           WHERE user_id = $1 AND role = 'RESPONSIBLE' AND is_open)",
    ),
    ("unassigned", "state = 'OPEN' AND is_assigned = FALSE"),
    (
        "others",
        "state = 'OPEN' AND is_assigned = TRUE AND NOT EXISTS (SELECT 1 FROM participants o
           WHERE o.dialogue_id = dialogues.id AND o.user_id = $1 AND o.role = 'RESPONSIBLE' AND o.is_open)",
    ),
    ("closed", "state = 'CLOSED'"),
];

/// What a request needs.
struct Route {
    database: Pool,
    /// By group.
    pages: Vec<(&'static str, String)>,
}

enum Pool {
    Postgres(PgPool),
    Sqlite(SqlitePool),
}

/// The route, on the database that the environment names as for the program.
pub async fn router() -> Router {
    let url = std::env::var("DATABASE_URL").expect("the bench says which");
    let database = if url.starts_with("sqlite:") {
        let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS).test_before_acquire(false);
        Pool::Sqlite(pool.connect(&url).await.expect("the database opens"))
    } else {
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).test_before_acquire(false);
        Pool::Postgres(pool.connect(&url).await.expect("the database can be reached"))
    };
    let words = match &database {
        Pool::Postgres(_) => [
            ("{group}", "json_agg"),
            ("{object}", "json_build_object"),
            ("{usr}", "replace(u.id::text, '-', '')"),
            ("{tag}", "replace(t.id::text, '-', '')"),
            ("{text}", "::text"),
        ],
        Pool::Sqlite(_) => [
            ("{group}", "json_group_array"),
            ("{object}", "json_object"),
            ("{usr}", "lower(hex(u.id))"),
            ("{tag}", "lower(hex(t.id))"),
            ("{text}", ""),
        ],
    };
    let statement = words.into_iter().fold(PAGE.to_owned(), |sql, (place, word)| sql.replace(place, word));
    let pages = WHERE.map(|(group, holds)| (group, statement.replace("{where}", holds))).into();
    let route: &'static Route = Box::leak(Box::new(Route { database, pages }));
    Router::new().route("/dialogues", get(page)).with_state(route)
}

#[derive(Deserialize)]
struct Asked {
    group: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    nodes: Vec<Node>,
    page_info: PageInfo,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Node {
    id: String,
    state: String,
    last_activity_at: String,
    unread_count: i64,
    client: Client,
    channel: Channel,
    participants: Box<RawValue>,
    tags: Box<RawValue>,
    last_message: Option<Message>,
}

#[derive(Serialize)]
struct Client {
    id: String,
    name: String,
    username: Option<String>,
}

#[derive(Serialize)]
struct Channel {
    id: String,
    kind: String,
    name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    id: String,
    origin: String,
    text: String,
    created_at: String,
    author: Option<Author>,
    delivery: Option<Delivery>,
}

#[derive(Serialize)]
struct Author {
    id: String,
    name: String,
}

#[derive(Serialize)]
struct Delivery {
    status: String,
}

async fn page(
    State(route): State<&'static Route>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Json<Page>, StatusCode> {
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let hash = token_hash(token.ok_or(StatusCode::UNAUTHORIZED)?);
    let (_, sql) = route.pages.iter().find(|(group, _)| *group == asked.group).ok_or(StatusCode::NOT_FOUND)?;
    let nodes = match &route.database {
        Pool::Postgres(pool) => postgres(pool, &hash, sql).await,
        Pool::Sqlite(pool) => sqlite(pool, &hash, sql).await,
    };
    let mut nodes = nodes.map_err(|error| {
        eprintln!("{error}");
        StatusCode::INTERNAL_SERVER_ERROR
    })?;
    let page_info = PageInfo { has_next_page: nodes.len() > 50 };
    nodes.truncate(50);
    Ok(Json(Page { nodes, page_info }))
}

/// For sqlx the two databases are two kinds of query.
macro_rules! nodes {
    ($pool:expr, $hash:expr, $sql:expr) => {{
        let mut connection = $pool.acquire().await?;
        let now = colloquy_entity::Time::now().0;
        let who = sqlx::query(WHO).bind($hash).bind(now).fetch_one(&mut *connection).await?;
        let (user, since): (Uuid, i64) = (who.try_get(0)?, who.try_get(1)?);
        let rows = sqlx::query($sql).bind(user).bind(since).fetch_all(&mut *connection).await?;
        drop(connection);
        let mut nodes = Vec::with_capacity(rows.len());
        for row in rows {
            let client =
                Client { id: ClientId(row.try_get(4)?).to_string(), name: row.try_get(5)?, username: row.try_get(6)? };
            let message: Option<Uuid> = row.try_get(12)?;
            let last_message = match message {
                None => None,
                Some(id) => {
                    let origin: String = row.try_get(13)?;
                    let user: Option<Uuid> = row.try_get(17)?;
                    let author = match user {
                        Some(id) => Some(Author { id: UserId(id).to_string(), name: row.try_get(18)? }),
                        None if origin == "CLIENT" => Some(Author { id: client.id.clone(), name: client.name.clone() }),
                        None => None,
                    };
                    let status: Option<String> = row.try_get(16)?;
                    Some(Message {
                        id: MessageId(id).to_string(),
                        origin,
                        text: row.try_get(14)?,
                        created_at: moment(row.try_get(15)?),
                        author,
                        delivery: status.map(|status| Delivery { status }),
                    })
                }
            };
            nodes.push(Node {
                id: DialogueId(row.try_get(0)?).to_string(),
                state: row.try_get(1)?,
                last_activity_at: moment(row.try_get(2)?),
                unread_count: row.try_get(3)?,
                channel: Channel {
                    id: ChannelId(row.try_get(7)?).to_string(),
                    kind: row.try_get(8)?,
                    name: row.try_get(9)?,
                },
                participants: json(row.try_get(10)?)?,
                tags: json(row.try_get(11)?)?,
                client,
                last_message,
            });
        }
        Ok(nodes)
    }};
}

async fn postgres(pool: &PgPool, hash: &[u8], sql: &'static str) -> sqlx::Result<Vec<Node>> {
    nodes!(pool, hash, sql)
}

async fn sqlite(pool: &SqlitePool, hash: &[u8], sql: &'static str) -> sqlx::Result<Vec<Node>> {
    nodes!(pool, hash, sql)
}

/// As the database wrote it.
fn json(text: String) -> sqlx::Result<Box<RawValue>> {
    RawValue::from_string(text).map_err(|error| sqlx::Error::Decode(error.into()))
}
