//! What is in an archive, so that questions can be asked to which there is an answer. The database tells.

use colloquy_entity::{ChannelId, ClientId, ContractorId, DealId, DialogueId, ProjectId, TagId, TaskId, UserId};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, Statement, TryGetable};
use serde_json::{Value, json};

use super::filled::{Archive, cell};

/// Somebody who asks.
pub struct Person {
    pub token: String,
}

/// What is known of one archive. Lists have the most common first; what there is none of is absent.
pub struct Facts {
    /// The employee with the most dialogues in work.
    pub operator: Person,
    /// The observer who may see the most.
    pub observer: Option<Person>,
    pub tags: Vec<TagId>,
    pub channels: Vec<ChannelId>,
    /// Kinds of channels, by how many dialogues they have.
    pub kinds: Vec<String>,
    pub responsibles: Vec<UserId>,
    pub observers: Vec<UserId>,
    pub client: ClientId,
    /// That client's name.
    pub name: String,
    pub contractor: Option<ContractorId>,
    pub deal: Option<DealId>,
    pub project: Option<ProjectId>,
    pub task: Option<TaskId>,
    /// A hundredth of the time in which dialogues were opened, in the middle of it.
    pub opened: Value,
    pub closed: Value,
    pub active: Value,
    /// By an order's field: a dialogue far down in its list, and at which page of 50 of it.
    pub deep: Vec<(&'static str, DialogueId, u64)>,
    /// A tenth of all messages is older than this.
    pub old: Value,
    /// Texts of messages: from the oldest, the middle and the newest.
    pub texts: Vec<String>,
}

/// The page that is far down.
const DEEP: u64 = 10_000;
/// Of a page.
const ROWS: u64 = 50;
/// Texts that words are chosen from, of each part.
const TEXTS: u64 = 1_000;

impl Facts {
    pub async fn of(archive: &Archive) -> Self {
        let db = Asked(archive.connect().await);
        let size = archive.size;
        let somebody = |order: &str| {
            format!(
                "SELECT u.email FROM users u JOIN participants p ON p.user_id = u.id
                 WHERE u.is_active = TRUE AND {order} GROUP BY u.id, u.email ORDER BY count(*) DESC, u.id LIMIT 1"
            )
        };
        let operator = "u.role <> 'OBSERVER' AND p.role = 'RESPONSIBLE' AND p.is_open";
        let operator = db.one(&somebody(operator)).await.expect("somebody has dialogues in work");
        let observer = db.one(&somebody("u.role = 'OBSERVER'")).await;
        let person = |email: String| {
            let token = archive.command(&["token", "create", "--email", &email, "--name", "bench"]);
            Person { token }
        };
        let part = |role: &str| {
            format!(
                "SELECT user_id FROM participants WHERE role = '{role}' GROUP BY user_id ORDER BY count(*) DESC, user_id"
            )
        };
        let middle = size.dialogues / 2;
        let client = format!("SELECT client_id FROM dialogues ORDER BY created_at, id LIMIT 1 OFFSET {middle}");
        let client: ClientId = db.one(&client).await.expect("there are dialogues");
        let name = format!(
            "SELECT c.name FROM dialogues d JOIN clients c ON c.id = d.client_id ORDER BY d.created_at, d.id
             LIMIT 1 OFFSET {middle}"
        );
        let mut deep = Vec::new();
        for (field, column) in
            [("LAST_ACTIVITY_AT", "last_activity_at"), ("OPENED_AT", "opened_at"), ("CLOSED_AT", "closed_order")]
        {
            let page = DEEP.min(size.dialogues * 9 / 10 / ROWS);
            let offset = (page - 1) * ROWS - 1;
            let far = format!("SELECT id FROM dialogues ORDER BY {column} DESC, id DESC LIMIT 1 OFFSET {offset}");
            deep.push((field, db.one(&far).await.expect("there are so many"), page));
        }
        let mut texts = Vec::new();
        for offset in [0, size.messages / 2, size.messages.saturating_sub(TEXTS)] {
            let some = format!(
                "SELECT text FROM messages WHERE id >= (SELECT id FROM messages ORDER BY id LIMIT 1 OFFSET {offset})
                 ORDER BY id LIMIT {TEXTS}"
            );
            texts.extend(db.all::<String>(&some).await);
        }
        let old = format!(
            "SELECT created_at FROM messages WHERE id = (SELECT id FROM messages ORDER BY id LIMIT 1 OFFSET {})",
            size.messages / 10
        );
        let old: i64 = db.one(&old).await.expect("there are messages");
        let facts = Self {
            operator: person(operator),
            observer: observer.map(person),
            tags: db.all("SELECT tag_id FROM dialogue_tags GROUP BY tag_id ORDER BY count(*) DESC, tag_id").await,
            channels: db.all("SELECT channel_id FROM dialogues GROUP BY channel_id ORDER BY count(*) DESC").await,
            kinds: db
                .all(
                    "SELECT h.kind FROM dialogues d JOIN channels h ON h.id = d.channel_id
                     GROUP BY h.kind ORDER BY count(*) DESC, h.kind",
                )
                .await,
            responsibles: db.all(&part("RESPONSIBLE")).await,
            observers: db.all(&part("OBSERVER")).await,
            client,
            name: db.one(&name).await.expect("clients have names"),
            contractor: db
                .one("SELECT contractor_id FROM clients WHERE contractor_id IS NOT NULL ORDER BY id DESC LIMIT 1")
                .await,
            deal: db.one("SELECT deal_id FROM dialogue_deals ORDER BY deal_id DESC LIMIT 1").await,
            project: db.one("SELECT project_id FROM dialogue_projects ORDER BY project_id DESC LIMIT 1").await,
            task: db.one("SELECT task_id FROM dialogue_tasks ORDER BY task_id DESC LIMIT 1").await,
            opened: db.middle("opened_at").await,
            closed: db.middle("closed_at").await,
            active: db.middle("last_activity_at").await,
            deep,
            old: json!({ "to": moment(old) }),
            texts,
        };
        db.0.close().await.expect("the database closes");
        facts
    }
}

struct Asked(DatabaseConnection);

impl Asked {
    async fn query(&self, sql: &str) -> Vec<sea_orm::QueryResult> {
        let statement = Statement::from_string(self.0.get_database_backend(), sql);
        self.0.query_all_raw(statement).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    async fn all<T: TryGetable>(&self, sql: &str) -> Vec<T> {
        self.query(sql).await.iter().map(|row| cell(row, 0)).collect()
    }

    async fn one<T: TryGetable>(&self, sql: &str) -> Option<T> {
        self.query(sql).await.first().map(|row| cell(row, 0))
    }

    /// A hundredth of the time that a column covers, in the middle of it.
    async fn middle(&self, column: &str) -> Value {
        let ends = format!("SELECT min({column}), max({column}) FROM dialogues");
        let ends = self.query(&ends).await;
        let (first, last): (i64, i64) = (cell(&ends[0], 0), cell(&ends[0], 1));
        let from = first + (last - first) / 2;
        json!({ "from": moment(from), "to": moment(from + (last - first) / 100) })
    }
}

/// RFC 3339, UTC, to the millisecond.
pub fn moment(milliseconds: i64) -> String {
    let moment = chrono::DateTime::from_timestamp_millis(milliseconds).expect("a time of this age");
    moment.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}
