//! What is stored: entities equal migrations on both databases, and each migration is replayed over data.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use colloquy::config;
use colloquy::db::Db;
use colloquy_entity as entity;
use colloquy_migration::Migrator;
use futures_util::future::join_all;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseBackend, DatabaseConnection, DbErr, EntityName, EntityTrait,
    Schema, Statement, sea_query::TableCreateStatement,
};
use sea_orm_migration::MigratorTrait;
use uuid::Uuid;

use crate::harness::Backend;
use crate::harness::postgres::PostgresServer;
use crate::harness::scratch::Scratch;
use crate::harness::story::stories;

/// An entity: its file, its table as its columns have it, and whether all its rows can be read and there are some.
struct Stored {
    file: &'static str,
    table: &'static str,
    create: fn(&Schema) -> TableCreateStatement,
    read: for<'a> fn(&'a DatabaseConnection) -> Reading<'a>,
}

type Reading<'a> = std::pin::Pin<Box<dyn Future<Output = Result<usize, DbErr>> + Send + 'a>>;

macro_rules! stored {
    ($($file:ident)+) => {
        [$(Stored {
            file: stringify!($file),
            table: entity::$file::Entity.table_name(),
            create: |schema| schema.create_table_from_entity(entity::$file::Entity),
            read: |db| Box::pin(async move { Ok(entity::$file::Entity::find().all(db).await?.len()) }),
        }),+]
    };
}

fn all() -> impl IntoIterator<Item = Stored> {
    stored![
        api_token attachment awaited_channel channel client comment comment_mention comment_word contractor counter deal dialogue
        dialogue_deal dialogue_project dialogue_tag dialogue_task early_receipt event event_subject failed_update
        funnel log_head message message_change message_word participant pending_event project queue_member read_mark session setting stage tag task user
    ]
}

#[test]
fn every_entity_is_known_to_these_stories() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../entity/src");
    let files = fs::read_dir(folder).expect("the entities' folder").map(|file| file.expect("readable").path());
    let with_model: BTreeSet<String> = files
        .filter(|file| fs::read_to_string(file).expect("a source file").contains("DeriveEntityModel"))
        .map(|file| file.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    let known: BTreeSet<String> = all().into_iter().map(|stored| stored.file.to_owned()).collect();
    assert_eq!(known, with_model, "the list above and the files of entity/src");
}

/// Databases without any table.
struct Empty {
    backend: Backend,
    dir: Scratch,
}

impl Empty {
    async fn start(backend: Backend) -> Self {
        Self { backend, dir: Scratch::new() }
    }

    /// Another one.
    async fn database(&self) -> Bare {
        match self.backend {
            Backend::Sqlite => {
                let file = self.dir.path().join(format!("{}.db", Uuid::new_v4()));
                fs::File::create(&file).expect("a file is made");
                Bare {
                    url: format!("sqlite://{}", file.display()),
                    settings: config::Database::Sqlite(file),
                    name: None,
                }
            }
            Backend::Postgres => {
                let server = PostgresServer::shared().await;
                let name = server.create_database("template0").await;
                let url = server.url(&name);
                Bare { settings: config::Database::Postgres(url.clone()), url, name: Some(name) }
            }
        }
    }
}

/// One of them; dropped with this.
struct Bare {
    url: String,
    settings: config::Database,
    name: Option<String>,
}

impl Bare {
    async fn connect(&self) -> DatabaseConnection {
        // One connection: `PRAGMA foreign_keys` is a connection's own.
        let options = ConnectOptions::new(&self.url).max_connections(1).to_owned();
        Database::connect(options).await.expect("a fresh database answers")
    }

    /// As the program does it.
    async fn migrate(&self) {
        let db = Db::connect(&self.settings).await.expect("a fresh database answers");
        db.migrate().await.expect("it migrates");
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        if let Some(name) = self.name.take() {
            PostgresServer::drop_shared_database(name);
        }
    }
}

/// What a database says of a column: its type, whether it may be null, its default, its place in the primary key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Column {
    kind: String,
    nullable: bool,
    default: Option<String>,
    key: i64,
}

const SQLITE_COLUMNS: &str = "SELECT m.name AS table_name, c.name AS column_name, lower(c.type) AS kind, \
    c.\"notnull\" = 0 AND c.pk = 0 AS nullable, c.dflt_value AS standard, CAST(c.pk AS BIGINT) AS key \
    FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name <> 'seaql_migrations' AND m.name NOT LIKE 'sqlite%'";

const POSTGRES_COLUMNS: &str = "SELECT c.relname::text AS table_name, a.attname::text AS column_name, \
    format_type(a.atttypid, a.atttypmod) AS kind, NOT a.attnotnull AS nullable, \
    pg_get_expr(d.adbin, d.adrelid) AS standard, \
    coalesce(array_position(i.indkey::int2[], a.attnum), -1)::bigint + 1 AS key \
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum \
    LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary \
    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relname <> 'seaql_migrations'";

async fn columns(db: &DatabaseConnection) -> BTreeMap<String, Column> {
    let backend = db.get_database_backend();
    let sql = if backend == DatabaseBackend::Sqlite { SQLITE_COLUMNS } else { POSTGRES_COLUMNS };
    let rows = db.query_all_raw(Statement::from_string(backend, sql)).await.expect("the catalogue is readable");
    let column = |row: &sea_orm::QueryResult| -> Result<_, DbErr> {
        let (table, column): (String, String) = (row.try_get("", "table_name")?, row.try_get("", "column_name")?);
        let known = Column {
            kind: row.try_get("", "kind")?,
            nullable: row.try_get("", "nullable")?,
            default: row.try_get("", "standard")?,
            key: row.try_get("", "key")?,
        };
        Ok((format!("{table}.{column}"), known))
    };
    rows.iter().map(|row| column(row).expect("a column of the catalogue")).collect()
}

stories!(Empty: entities_equal_migrations, each_migration_is_replayed_over_data, migrating_again_changes_nothing,
    of_several_that_migrate_at_once_each_succeeds);

async fn entities_equal_migrations(empty: Empty) {
    let (migrated, made) = (empty.database().await, empty.database().await);
    migrated.migrate().await;
    let db = made.connect().await;
    // What only the database knows how to keep: PostgreSQL's vectors, SQLite's full-text tables and what those consist of.
    let is_of_entity = |name: &String| {
        let words = |table: &&str| *name == format!("{table}.words") || name.starts_with(&format!("{table}_index"));
        !colloquy_migration::BY_THE_DATABASE.iter().any(words)
    };
    let schema = Schema::new(db.get_database_backend());
    for stored in all() {
        db.execute(&(stored.create)(&schema)).await.unwrap_or_else(|error| panic!("{}: {error}", stored.table));
    }

    let (migrations, entities) = (columns(&migrated.connect().await).await, columns(&db).await);

    let differences: Vec<String> = migrations
        .keys()
        .chain(entities.keys())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .filter(|name| is_of_entity(name) && migrations.get(*name) != entities.get(*name))
        .map(|name| format!("{name}: migrated {:?}, as entity {:?}", migrations.get(name), entities.get(name)))
        .collect();
    assert!(differences.is_empty(), "{differences:#?}");
    assert!(migrations.len() > 100, "the catalogue was read: {} columns", migrations.len());
}

async fn each_migration_is_replayed_over_data(empty: Empty) {
    let database = empty.database().await;
    let db = database.connect().await;
    for migration in Migrator::migrations() {
        Migrator::up(&db, Some(1)).await.unwrap_or_else(|error| panic!("{}: {error}", migration.name()));
        let rows = format!("{}/../tests/fixtures/storage/{}.sql", env!("CARGO_MANIFEST_DIR"), migration.name());
        let rows = fs::read_to_string(&rows).unwrap_or_else(|_| panic!("{rows}: rows for the next migration to keep"));
        db.execute_unprepared(&in_dialect(&rows, empty.backend))
            .await
            .unwrap_or_else(|error| panic!("rows after {}: {error}", migration.name()));
    }
    assert!(Migrator::get_pending_migrations(&db).await.expect("the list is readable").is_empty());

    for stored in all() {
        let read = (stored.read)(&db).await.unwrap_or_else(|error| panic!("{}: {error}", stored.table));
        assert!(read > 0, "no migration's rows fill {}", stored.table);
    }
    let mut assigned = Vec::new();
    let parts = entity::participant::Entity::find().all(&db).await.expect("parts");
    for dialogue in entity::dialogue::Entity::find().all(&db).await.expect("dialogues") {
        let is_open = dialogue.state == entity::DialogueState::Open;
        assert_eq!(dialogue.closed_order, dialogue.closed_at.unwrap_or(entity::Time(0)));
        let parts = || parts.iter().filter(|part| part.dialogue_id == dialogue.id);
        assert!(parts().all(|part| part.is_open == is_open));
        // The first user of the rows is active, the second is not.
        let mut active = parts()
            .filter(|part| part.role == entity::ParticipantRole::Responsible && part.user_id.0 == Uuid::from_u128(1));
        assert_eq!(dialogue.is_assigned, is_open && active.next().is_some());
        assigned.push(dialogue.is_assigned);
    }
    assigned.sort();
    assert_eq!(assigned, [false, false, true], "one of each");
}

/// Rows as in the fixtures, where ids and bytes are written alike for both databases.
fn in_dialect(rows: &str, backend: Backend) -> String {
    let mut sql = String::new();
    let mut rest = rows;
    while let Some((before, after)) = rest.split_once('{') {
        sql.push_str(before);
        let inside = after.split_once('}').map_or("", |(inside, _)| inside);
        let hex = match inside.split_once(' ') {
            Some(("id", number)) => format!("{:032x}", number.parse::<u32>().expect("an id's number")),
            Some(("bytes", hex)) => hex.to_owned(),
            // A brace of JSON's.
            _ => {
                sql.push('{');
                rest = after;
                continue;
            }
        };
        sql.push_str(&match (backend, inside.starts_with("id")) {
            (Backend::Sqlite, _) => format!("x'{hex}'"),
            (Backend::Postgres, true) => format!("'{hex}'"),
            (Backend::Postgres, false) => format!("'\\x{hex}'"),
        });
        rest = &after[inside.len() + 1..];
    }
    sql + rest
}

/// Everything that the catalogue has: columns, and indexes and constraints as they are written.
pub(super) async fn shape(db: &DatabaseConnection) -> (BTreeMap<String, Column>, Vec<String>) {
    let backend = db.get_database_backend();
    let sql = match backend {
        // What counts of rows are kept in comes and goes with the counting.
        DatabaseBackend::Sqlite => {
            "SELECT sql AS text FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_stat%' ORDER BY 1"
        }
        _ => {
            "SELECT indexdef AS text FROM pg_indexes WHERE schemaname = 'public' UNION ALL \
             SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint \
             WHERE connamespace = 'public'::regnamespace ORDER BY 1"
        }
    };
    let rows = db.query_all_raw(Statement::from_string(backend, sql)).await.expect("the catalogue is readable");
    (columns(db).await, rows.iter().map(|row| row.try_get("", "text").expect("a text")).collect())
}

async fn migrating_again_changes_nothing(empty: Empty) {
    let database = empty.database().await;
    database.migrate().await;
    let db = database.connect().await;
    let before = shape(&db).await;
    let mark = entity::setting::ActiveModel { name: sea_orm::Set("mark".into()), value: sea_orm::Set("kept".into()) };
    entity::setting::Entity::insert(mark).exec_without_returning(&db).await.expect("a row is stored");

    database.migrate().await;

    assert_eq!(shape(&db).await, before);
    assert_eq!(entity::setting::Entity::find().all(&db).await.expect("rows").len(), 1);
    assert!(!before.1.is_empty() && Migrator::get_pending_migrations(&db).await.expect("a list").is_empty());
}

async fn of_several_that_migrate_at_once_each_succeeds(empty: Empty) {
    let database = empty.database().await;

    join_all((0..4).map(|_| database.migrate())).await;

    let applied = Migrator::get_applied_migrations(&database.connect().await).await.expect("the list is readable");
    assert_eq!(applied.len(), Migrator::migrations().len());
}
