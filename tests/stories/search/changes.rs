//! What is written is found at once, and what was changed as it is now.

use serde_json::{Value, json};

use super::found;
use crate::harness::Backend;
use crate::harness::story::stories;
use crate::harness::updates::{Person, document};
use crate::harness::world::World;
use crate::stories::files::{send, upload};
use colloquy::words;
use colloquy_entity::*;
use colloquy_sandbox::telegram::Fault;
use sea_orm::{
    ConnectionTrait, Database, DatabaseBackend, DatabaseConnection, EntityTrait, PaginatorTrait, QueryOrder, Statement,
    TransactionTrait,
};

stories!(World:
    what_was_written_is_found_once_it_was_answered,
    what_was_changed_is_found_as_it_is,
    files_are_found_by_their_names,
    comments_are_found_on_their_own,
    what_was_written_before_there_was_a_search_is_found,
    storing_anew_goes_on_where_it_was_interrupted,
);
// Two write at once on PostgreSQL alone.
stories!(World, Postgres: what_is_changed_while_all_is_stored_anew_is_found_as_it_is);
stories!(World, Sqlite: an_index_of_words_is_not_gone_through_to_tidy_it);

async fn what_was_written_is_found_once_it_was_answered(world: World) {
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &Person::new(7_101), "Входящее").await;
    for number in 0..20 {
        let text = format!("Исходящее номер{number}х");
        world.admin.send(&dialogue, &text).await;
        assert_eq!(found(&world, &format!("номер{number}х")).await, [text]);
    }
    assert_eq!(found(&world, "входящее").await, ["Входящее"]);
}

async fn what_was_changed_is_found_as_it_is(world: World) {
    let channel = world.connect_channel("Shop").await;
    let anna = Person::new(7_111);
    let original = anna.says("старое");
    world.take(&channel, &original).await;
    world.take(&channel, &anna.edits(&original, json!({ "text": "новое" }))).await;
    assert_eq!((found(&world, "новое").await.len(), found(&world, "старое").await.len()), (1, 0));

    let dialogue = world.dialogue(&channel, &anna).await;
    let mut feed = world.follow(&world.admin.api, None).await;
    let id = world.admin.send(&dialogue, "первое").await;
    feed.until_delivery(&id, "SENT").await;
    let edit = "mutation($id: ID!, $text: String!) { editMessage(messageId: $id, text: $text) { message { id } } }";
    let edit = async |text: &str| world.admin.api.run(edit, json!({ "id": id, "text": text })).await.data().clone();
    edit("второе").await;
    assert_eq!((found(&world, "второе").await.len(), found(&world, "первое").await.len()), (1, 0));
    world.telegram.wait_for_calls("editMessageText", 1).await;

    // Refused by the messenger: it is again what the client sees.
    world.telegram.fail_next("editMessageText", Fault::Status("error-400-cant-parse-entities"));
    edit("третье").await;
    feed.until(|event| event["deliveryStatus"] == "SENT" && event["message"]["id"] == id).await;
    assert_eq!((found(&world, "второе").await.len(), found(&world, "третье").await.len()), (1, 0));

    world.admin.act("deleteMessage", "messageId", &id).await.data();
    assert!(found(&world, "второе").await.is_empty(), "deleted texts are not found");
}

async fn files_are_found_by_their_names(world: World) {
    let channel = world.connect_channel("Shop").await;
    let anna = Person::new(7_121);
    world.take(&channel, &anna.sends(document("price", 11))).await;
    assert_eq!(found(&world, "price").await.len(), 1);
    let dialogue = world.dialogue(&channel, &anna).await;
    let file = upload(&world.admin.api, "Договор_поставки №7.pdf", "application/pdf", "%PDF-1.4").await;
    let sent: String = send(&world.admin.api, &dialogue, "Вот он", &[&file]).await.get("sendMessage.message.id");
    for asked in ["договора", "поставки", "вот договор", "pdf"] {
        let answer = super::search(&world.admin.api, json!({ "text": asked })).await;
        assert_eq!(answer.at("searchMessages.edges.0.node.id"), &json!(sent), "{asked}");
    }
    let answer = super::search(&world.admin.api, json!({ "text": "поставка" })).await;
    assert_eq!(answer.at("searchMessages.edges.0.snippet"), "Договор_<mark>поставки</mark> №7.pdf");
    assert!(found(&world, "\"он договор\"").await.is_empty(), "no phrase goes over from the text to a name");
}

async fn comments_are_found_on_their_own(world: World) {
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &Person::new(7_131), "Сообщение").await;
    let add = "mutation($d: ID!, $t: String!) { addComment(input: { dialogueId: $d, text: $t }) { comment { id } } }";
    let added = world.admin.api.run(add, json!({ "d": dialogue, "t": "Заметка о скидке" })).await;
    let id: String = added.get("addComment.comment.id");
    let comments = async |text: &str| -> Vec<Value> {
        let search = "query($text: String!) { searchComments(text: $text) { edges { cursor snippet node { id } } } }";
        world.admin.api.run(search, json!({ "text": text })).await.get("searchComments.edges")
    };
    assert!(found(&world, "скидка").await.is_empty());
    let [hit] = &comments("скидка").await[..] else { panic!("one comment") };
    assert_eq!((&hit["node"]["id"], &hit["snippet"]), (&json!(id), &json!("Заметка о <mark>скидке</mark>")));
    let edit = "mutation($id: ID!) { editComment(commentId: $id, text: \"О доставке\") { comment { id } } }";
    world.admin.api.run(edit, json!({ "id": id })).await.data();
    assert_eq!((comments("скидка").await.len(), comments("доставка").await.len()), (0, 1));
    world.admin.act("deleteComment", "commentId", &id).await;
    assert!(comments("доставка").await.is_empty());
}

async fn what_was_written_before_there_was_a_search_is_found(mut world: World) {
    let channel = world.connect_channel("Shop").await;
    let anna = Person::new(7_141);
    for number in 0..5 {
        world.take(&channel, &anna.says(&format!("раньше {number}"))).await;
    }
    let dialogue = world.dialogue(&channel, &anna).await;
    let add = "mutation($d: ID!) { addComment(input: { dialogueId: $d, text: \"раньше\" }) { comment { id } } }";
    world.admin.api.run(add, json!({ "d": dialogue })).await.data();
    world.server.stop().await;
    as_of_an_earlier_analyzer(&world, "an earlier one", "= (SELECT max(number) FROM message_words)").await;
    world.restart().await;
    // Nothing is forgotten meanwhile: by what is stored it is found until its turn has come.
    let untouched: Vec<String> = (0..4).rev().map(|number| format!("раньше {number}")).collect();
    let mut at_once = found(&world, "раньше").await;
    at_once.retain(|text| untouched.contains(text));
    assert_eq!(at_once, untouched);
    until_made_anew(&world).await;
    let expected: Vec<String> = (0..5).rev().map(|number| format!("раньше {number}")).collect();
    assert_eq!(found(&world, "раньше").await, expected, "newest first, as ever");
    assert!(found(&world, "давно").await.is_empty(), "what an earlier one stored is replaced");
    let search = "{ searchComments(text: \"раньше\") { edges { node { id } } } }";
    let comments = world.admin.api.run(search, Value::Null).await;
    assert_eq!(comments.at("searchComments.edges").as_array().map(Vec::len), Some(1));
}

async fn storing_anew_goes_on_where_it_was_interrupted(mut world: World) {
    let channel = world.connect_channel("Shop").await;
    let anna = Person::new(7_151);
    for number in 0..5 {
        world.take(&channel, &anna.says(&format!("раньше {number}"))).await;
    }
    world.server.stop().await;
    let db = connect(&world).await;
    let rows = message::Entity::find().order_by_desc(message::Column::Id).all(&db).await.expect("messages");
    db.close().await.expect("it closes");
    let reached = format!("{}; messages below {}", words::VERSION, rows[1].id.0);
    as_of_an_earlier_analyzer(&world, &reached, "> 0").await;
    world.restart().await;
    until_made_anew(&world).await;
    assert_eq!(found(&world, "раньше").await, ["раньше 2", "раньше 1", "раньше 0"], "what is left");
    assert_eq!(found(&world, "давно").await, ["раньше 4", "раньше 3"], "what was done already is left alone");
}

async fn what_is_changed_while_all_is_stored_anew_is_found_as_it_is(mut world: World) {
    let channel = world.connect_channel("Shop").await;
    let anna = Person::new(7_161);
    for number in 0..4 {
        world.take(&channel, &anna.says(&format!("раньше {number}"))).await;
    }
    world.server.stop().await;
    as_of_an_earlier_analyzer(&world, "an earlier one", "> 0").await;
    // As whoever deletes a message and whoever changes one have it, just before they are done.
    let (db, watched) = (connect(&world).await, connect(&world).await);
    let tx = db.begin().await.expect("a transaction");
    let anew = format!("UPDATE message_words SET words = $${}$$ WHERE", words::stored(["потом"]).vector());
    for change in [
        "UPDATE messages SET text = '', deleted_at = 1 WHERE text = 'раньше 1'",
        "DELETE FROM message_words WHERE message_id = (SELECT id FROM messages WHERE deleted_at = 1)",
        "UPDATE messages SET text = 'потом' WHERE text = 'раньше 2'",
        &format!("{anew} message_id = (SELECT id FROM messages WHERE text = 'потом')"),
    ] {
        tx.execute_unprepared(change).await.expect("it is changed");
    }
    world.restart().await;
    let waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    let waiting = Statement::from_string(DatabaseBackend::Postgres, waiting);
    while watched.query_one_raw(waiting.clone()).await.expect("it answers").is_none() {
        tokio::task::yield_now().await;
    }
    tx.commit().await.expect("it is done");
    until_made_anew(&world).await;
    assert_eq!(found(&world, "раньше").await, ["раньше 3", "раньше 0"]);
    assert_eq!(found(&world, "потом").await, ["потом"]);
    let stored = message_word::Entity::find().count(&watched).await.expect("they are counted");
    assert_eq!(stored, 3, "of what was deleted no words are left");
    for db in [db, watched] {
        db.close().await.expect("it closes");
    }
}

/// SQLite took the index for as small as it was at the start, and went through all of it whenever FTS5 put parts of it
/// together.
async fn an_index_of_words_is_not_gone_through_to_tidy_it(world: World) {
    let db = world.server.running().app.db.write();
    for table in ["message_words_index_data", "comment_words_index_data"] {
        // As FTS5 asks.
        let delete = format!("EXPLAIN QUERY PLAN DELETE FROM {table} WHERE id >= ? AND id <= ?");
        let delete = Statement::from_sql_and_values(DatabaseBackend::Sqlite, delete, [1.into(), 2.into()]);
        let plan = db.query_one_raw(delete).await.expect("a plan").expect("a line");
        let plan: String = plan.try_get("", "detail").expect("a text");
        assert!(plan.contains("rowid>? AND rowid<?"), "{plan}");
    }
}

async fn until_made_anew(world: &World) {
    let db = connect(world).await;
    let setting = || setting::Entity::find_by_id("search".to_owned()).one(&db);
    while setting().await.expect("it is read").is_none_or(|setting| setting.value != words::VERSION) {
        tokio::task::yield_now().await;
    }
    db.close().await.expect("it closes");
}

/// As a database of before, in which some messages were stored by another word.
async fn as_of_an_earlier_analyzer(world: &World, reached: &str, numbers: &str) {
    let db = connect(world).await;
    let before = words::stored(["давно"]);
    let before = match world.backend {
        Backend::Postgres => format!("UPDATE message_words SET words = $${}$$ WHERE number {numbers}", before.vector()),
        Backend::Sqlite => {
            let [stems, forms, extras] = before.columns();
            format!(
                "INSERT OR REPLACE INTO message_words_index (rowid, stems, forms, extras)
                    SELECT number, '{stems}', '{forms}', '{extras}' FROM message_words WHERE number {numbers}"
            )
        }
    };
    for change in [format!("UPDATE settings SET value = '{reached}' WHERE name = 'search'"), before] {
        db.execute_unprepared(&change).await.expect("it is as it was");
    }
    db.close().await.expect("it closes");
}

async fn connect(world: &World) -> DatabaseConnection {
    Database::connect(&world.database.url).await.expect("the database answers")
}
