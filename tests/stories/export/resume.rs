//! Going on behind a cursor, and what an export holds of what changes meanwhile.

use std::io::{BufRead, BufReader, Read};

use colloquy::db::Db;
use colloquy_entity::*;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::harness::child::Child;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::World;

use super::{Archive, command, export, lines, same, written};

stories!(World: each_cursor_goes_on_with_the_rest, what_changes_meanwhile_is_as_at_the_start, a_reader_may_stop);

async fn each_cursor_goes_on_with_the_rest(world: World) {
    Archive::fill(&world).await;
    let api = &world.admin.api;
    for what in ["messages", "dialogues", "events"] {
        let whole = export(api, &[("what", what)]).await;
        let cursor = |place: usize| whole[place]["cursor"].as_str().expect("a cursor").to_owned();
        for place in 0..whole.len() {
            same(&export(api, &[("what", what), ("after", &cursor(place))]).await, &whole[place + 1..]);
        }
        // A door goes on where the other was left.
        let middle = whole.len() / 2;
        let rest = lines(&written(&world, &["--what", what, "--after", &cursor(middle)]).await);
        let ids = |lines: &[Value]| -> Vec<Value> {
            let mine = lines.iter().filter(|line| line["kind"] != "ACCESS_GRANTED");
            mine.map(|line| line["cursor"].clone()).collect()
        };
        assert_eq!(ids(&rest), ids(&whole[middle + 1..]));
    }
    // Under another filter, too: what it leaves out is no step.
    let whole = export(api, &[]).await;
    let closed = export(api, &[("filter", "{\"state\": \"CLOSED\"}")]).await;
    let after = whole[0]["cursor"].as_str().expect("a cursor");
    same(&export(api, &[("filter", "{\"state\": \"CLOSED\"}"), ("after", after)]).await, &closed);
}

/// Gives a dialogue with one message so many more, as if it had had them before its next.
pub async fn fill(world: &World, dialogue: &str, count: i64, text: &str) {
    let db = world.server.running().app.db.write();
    let id = DialogueId::parse(dialogue).expect("an id");
    let first = message::Entity::find().filter(message::Column::DialogueId.eq(id)).one(db).await;
    let first = first.expect("the database answers").expect("a message");
    let rows: Vec<_> = (2..=count + 1)
        .map(|ordinal| {
            let row = message::Model {
                id: MessageId::new(),
                ordinal,
                client_ordinal: ordinal,
                external_id: None,
                text: format!("{ordinal} {text}"),
                ..first.clone()
            };
            row.into_active_model().reset_all()
        })
        .collect();
    for rows in rows.chunks(100) {
        message::Entity::insert_many(rows.to_vec()).exec_without_returning(db).await.expect("they are stored");
    }
    let counted = dialogue::Entity::update_many()
        .col_expr(dialogue::Column::MessageCount, Expr::value(count + 1))
        .col_expr(dialogue::Column::ClientMessageCount, Expr::value(count + 1))
        .filter(dialogue::Column::Id.eq(id));
    counted.exec(db).await.expect("they are counted");
}

/// Waits until PostgreSQL would have ended a transaction that does nothing, as it does others'.
async fn outwait(world: &World) {
    let db = Db::connect(&world.database.config()).await.expect("the database answers");
    if !db.is_postgres() {
        return;
    }
    let idle = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'
        AND state_change < now() - interval '2 seconds'";
    while db
        .read()
        .query_one_raw(sea_orm::Statement::from_string(sea_orm::DatabaseBackend::Postgres, idle))
        .await
        .expect("the database answers")
        .is_none()
    {
        tokio::task::yield_now().await;
    }
}

async fn what_changes_meanwhile_is_as_at_the_start(world: World) {
    let channel = world.connect_channel("Shop").await;
    let (anna, boris) = (Person::new(6811), Person::new(6812));
    let dialogue = world.write(&channel, &anna, "first").await;
    // More than are read at once, and more than what is on its way holds.
    fill(&world, &dialogue, 3_000, &"x".repeat(200)).await;
    let last = anna.says("last");
    world.take(&channel, &last).await;

    let child = Child::spawn(command(&world, &["--format", "ndjson"]), libc::SIGKILL).expect("the program runs");
    let output = child.process().stdout.take().expect("piped");
    let (first, mut output) = spawn_blocking(move || {
        let mut output = BufReader::new(output);
        let mut line = String::new();
        output.read_line(&mut line).expect("a line");
        (line, output)
    })
    .await
    .expect("no panic");
    world.take(&channel, &anna.edits(&last, json!({ "text": "changed" }))).await;
    world.write(&channel, &anna, "new").await;
    world.write(&channel, &boris, "another").await;
    world.admin.close(&dialogue).await;
    outwait(&world).await;
    let rest = spawn_blocking(move || {
        let mut rest = String::new();
        output.read_to_string(&mut rest).expect("text");
        rest
    })
    .await
    .expect("no panic");

    assert!(child.exit().await.success());
    let all = lines(&(first + &rest));
    assert_eq!(all.len(), 3_002);
    assert_eq!((&all[0]["text"], &all[3_001]["text"]), (&json!("first"), &json!("last")));
    assert!(all[3_001]["editedAt"].is_null());
    let ordered = all[1..3_001]
        .iter()
        .zip(2..)
        .all(|(line, number)| line["text"].as_str().is_some_and(|text| text.starts_with(&format!("{number} "))));
    assert!(ordered, "each in its place");
    // What goes on after it has what came behind it.
    let cursor = all[3_001]["cursor"].as_str().expect("a cursor");
    let later = lines(&written(&world, &["--after", cursor]).await);
    let texts: Vec<_> = later.iter().map(|line| &line["text"]).collect();
    assert_eq!(texts, ["new", "another"]);
}

async fn a_reader_may_stop(world: World) {
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &Person::new(6813), "first").await;
    fill(&world, &dialogue, 3_000, &"x".repeat(200)).await;
    let child = Child::spawn(command(&world, &[]), libc::SIGKILL).expect("the program runs");
    let (output, errors) = {
        let mut process = child.process();
        (process.stdout.take().expect("piped"), process.stderr.take().expect("piped"))
    };
    spawn_blocking(move || BufReader::new(output).read_line(&mut String::new()).expect("a line"))
        .await
        .expect("no panic");
    assert_eq!(child.exit().await.code(), Some(0), "as `head` does");
    let said = spawn_blocking(move || std::io::read_to_string(errors).expect("text")).await.expect("no panic");
    assert_eq!(said, "");
}
