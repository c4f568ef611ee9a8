//! Pages of what is found: newest first, each once, while more is written; filtered, and by who may see it.

use sea_orm::sqlx::{self, Connection as _, PgConnection, raw_sql};
use serde_json::{Value, json};

use super::{found, search, texts};
use crate::harness::client::Api;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::World;

stories!(World:
    pages_go_from_the_newest_on_while_more_is_written,
    what_was_written_at_one_moment_is_in_its_order,
    what_is_found_can_be_filtered,
    an_observer_finds_what_they_see,
);
stories!(World, Postgres: what_is_rare_is_found_below_the_newest, what_was_common_once_is_found_block_by_block);

async fn pages_go_from_the_newest_on_while_more_is_written(world: World) {
    let channel = world.connect_channel("Shop").await;
    let people: Vec<Person> = (0..3).map(|number| Person::new(7_201 + number)).collect();
    for number in 0..25 {
        world.take(&channel, &people[number % 3].says(&format!("слово {number}"))).await;
    }
    let (mut after, mut seen) = (Value::Null, Vec::new());
    loop {
        let answer = search(&world.admin.api, json!({ "text": "слова", "first": 4, "after": after })).await;
        seen.extend(texts(&answer));
        world.take(&channel, &people[0].says("слово меж страниц")).await;
        let info = answer.at("searchMessages.pageInfo").clone();
        assert_eq!(info["hasPreviousPage"], json!(!after.is_null()));
        if info["hasNextPage"] == false {
            break;
        }
        after = info["endCursor"].clone();
    }
    let expected: Vec<String> = (0..25).rev().map(|number| format!("слово {number}")).collect();
    assert_eq!(seen, expected, "each once, newest first");

    let other = world.admin.api.run("{ dialogues { edges { cursor } } }", Value::Null).await;
    let foreign = other.at("dialogues.edges.0.cursor").clone();
    let answer = search(&world.admin.api, json!({ "text": "слова", "after": foreign })).await;
    assert_eq!((answer.error_code(), answer.error_field()), ("BAD_USER_INPUT", Some("after")));
}

async fn what_was_written_at_one_moment_is_in_its_order(world: World) {
    let channel = world.connect_channel("Shop").await;
    let settings = json!({ "welcomeText": "привет 2", "autoReplyEnabled": true, "autoReplyText": "привет 3" });
    world.set_channel(&channel, settings).await;
    for number in 0..5 {
        world.take(&channel, &Person::new(7_206 + number).says("привет 1")).await;
    }
    let expected: Vec<String> = (0..15).map(|nth| format!("привет {}", 3 - nth % 3)).collect();
    assert_eq!(found(&world, "привет").await, expected);
}

async fn what_is_found_can_be_filtered(world: World) {
    let (shop, help) = (world.connect_channel("Shop").await, world.connect_channel("Help").await);
    let (anna, boris) = (Person::new(7_211), Person::new(7_212));
    let at_shop = world.write(&shop, &anna, "вопрос в магазин").await;
    let at_help = world.write(&help, &boris, "вопрос в поддержку").await;
    world.admin.close(&at_help).await;
    let with =
        async |filter: Value| texts(&search(&world.admin.api, json!({ "text": "вопрос", "filter": filter })).await);
    assert_eq!(with(json!({})).await, ["вопрос в поддержку", "вопрос в магазин"]);
    for (filter, expected) in [
        (json!({ "channelIds": [shop.id] }), "вопрос в магазин"),
        (json!({ "state": "CLOSED" }), "вопрос в поддержку"),
        (json!({ "group": "UNASSIGNED" }), "вопрос в магазин"),
        (json!({ "dialogueIds": [at_shop] }), "вопрос в магазин"),
        (json!({ "text": boris.name }), "вопрос в поддержку"),
    ] {
        assert_eq!(with(filter.clone()).await, [expected], "{filter}");
    }
    let messages = world.admin.dialogue(&at_help, "messages { nodes { createdAt } }").await;
    let at = messages["messages"]["nodes"][0]["createdAt"].clone();
    let within = async |range: Value| texts(&search(&world.admin.api, json!({ "text": "вопрос", "at": range })).await);
    assert_eq!(within(json!({ "from": at })).await, ["вопрос в поддержку"]);
    assert_eq!(within(json!({ "to": at })).await, ["вопрос в магазин"]);
}

async fn an_observer_finds_what_they_see(world: World) {
    let channel = world.connect_channel("Shop").await;
    let theirs = world.write(&channel, &Person::new(7_221), "секрет один").await;
    world.write(&channel, &Person::new(7_222), "секрет два").await;
    let observer = world.user("OBSERVER").await;
    let finds = async || texts(&search(&observer.api, json!({ "text": "секрет" })).await);
    assert!(finds().await.is_empty());
    world.admin.set_participant(&theirs, &observer.id, "OBSERVER").await;
    assert_eq!(finds().await, ["секрет один"]);
    let remove = "mutation($d: ID!, $u: ID!) { removeParticipant(dialogueId: $d, userId: $u) { dialogue { id } } }";
    world.admin.api.run(remove, json!({ "d": theirs, "u": observer.id })).await.data();
    assert!(finds().await.is_empty());
    assert_eq!(found(&world, "секрет").await.len(), 2);
}

/// The newest are looked through one by one; what is below them, the index finds.
async fn what_is_rare_is_found_below_the_newest(world: World) {
    let channel = world.connect_channel("Shop").await;
    let anna = Person::new(7_231);
    for number in 0..3 {
        world.take(&channel, &anna.says(&format!("старина {number}"))).await;
    }
    let dialogue = world.dialogue(&channel, &anna).await;
    world.write(&channel, &Person::new(7_232), "старина чужая").await;
    let fill = format!(
        "INSERT INTO message_words (message_id, dialogue_id, number, words)
         SELECT gen_random_uuid(), '{}', (SELECT max(number) FROM message_words) + nth, 'наполнитель'
         FROM generate_series(1, 22100) nth",
        dialogue.trim_start_matches("dlg_")
    );
    let mut database = PgConnection::connect(&world.database.url).await.expect("the database answers");
    raw_sql(sqlx::AssertSqlSafe(fill)).execute(&mut database).await.expect("it is filled");
    for number in 3..5 {
        world.take(&channel, &anna.says(&format!("старина {number}"))).await;
    }
    let theirs: Vec<String> = (0..5).rev().map(|number| format!("старина {number}")).collect();
    let mut everything = theirs.clone();
    everything.insert(2, "старина чужая".into());
    assert_eq!(one_by_one(&world.admin.api, "старина", Value::Null, 6).await, everything);
    assert_eq!(found(&world, "старина").await, everything, "in one page");
    let observer = world.user("OBSERVER").await;
    let finds = async |filter: Value| search(&observer.api, json!({ "text": "старина", "filter": filter })).await;
    assert!(texts(&finds(Value::Null).await).is_empty());
    world.admin.set_participant(&dialogue, &observer.id, "OBSERVER").await;
    assert_eq!(texts(&finds(Value::Null).await), theirs, "one's own alone");
    let filter = json!({ "dialogueIds": [dialogue] });
    assert_eq!(one_by_one(&world.admin.api, "старина", filter, 5).await, theirs, "of one dialogue");
}

/// Through pages of one.
async fn one_by_one(api: &Api, text: &str, filter: Value, count: usize) -> Vec<String> {
    let (mut after, mut seen) = (Value::Null, Vec::new());
    while seen.len() < count {
        let variables = json!({ "text": text, "filter": filter, "first": 1, "after": after });
        let answer = search(api, variables).await;
        let page = texts(&answer);
        assert_eq!(page.len(), 1, "after {seen:?}: {answer}");
        seen.extend(page);
        after = answer.at("searchMessages.pageInfo.endCursor").clone();
    }
    seen
}

async fn what_was_common_once_is_found_block_by_block(world: World) {
    let channel = world.connect_channel("Shop").await;
    let anna = Person::new(7_241);
    for number in 0..4 {
        world.take(&channel, &anna.says(&format!("старина {number}"))).await;
    }
    let dialogue = world.dialogue(&channel, &anna).await;
    for number in 0..4 {
        world.take(&channel, &Person::new(7_242).says(&format!("старина чужая {number}"))).await;
    }
    let observer = world.user("OBSERVER").await;
    world.admin.set_participant(&dialogue, &observer.id, "OBSERVER").await;
    // A block is 2^52 numbers. The first message of each is of two blocks ago, the next two of the last; before them the
    // word was in everything, and since then it is in nothing of more than are looked through. What stands for those is no
    // message.
    let fill = format!(
        "CREATE FUNCTION moved(words tsvector, blocks_from bigint, blocks_to bigint) RETURNS tsvector LANGUAGE sql AS
             $$ SELECT (ts_delete(words, '#' || blocks_from)::text || ' ''#' || blocks_to || '''')::tsvector $$;
         DO $$ BEGIN
             IF EXISTS (SELECT 1 FROM message_words WHERE NOT words @@ quote_literal('#' || (number >> 52))::tsquery)
             THEN RAISE 'a message does not name its block'; END IF;
         END $$;
         UPDATE message_words w SET number = w.number - (((5 - m.ordinal) / 2) << 52),
             words = moved(words, w.number >> 52, (w.number >> 52) - (5 - m.ordinal) / 2)
         FROM messages m WHERE m.id = w.message_id;
         INSERT INTO message_words (message_id, dialogue_id, number, words)
         SELECT gen_random_uuid(), '{dialogue}', number - (1::bigint << 52) - nth,
             moved(words, number >> 52, (number >> 52) - 1)
         FROM (SELECT * FROM message_words ORDER BY number LIMIT 1) AS oldest, generate_series(1, 2500) nth;
         INSERT INTO message_words (message_id, dialogue_id, number, words)
         SELECT gen_random_uuid(), '{dialogue}', (SELECT max(number) FROM message_words) + nth, 'filler'
         FROM generate_series(1, 22100) nth",
        dialogue = dialogue.trim_start_matches("dlg_")
    );
    let mut database = PgConnection::connect(&world.database.url).await.expect("the database answers");
    raw_sql(sqlx::AssertSqlSafe(fill)).execute(&mut database).await.expect("it is filled");
    let everything = [
        ["старина чужая 3", "старина 3", "старина чужая 2", "старина чужая 1"],
        ["старина 2", "старина 1", "старина чужая 0", "старина 0"],
    ];
    let everything = everything.concat();
    let theirs: Vec<&str> = everything.iter().copied().filter(|text| !text.contains("чужая")).collect();
    let (admin, nothing) = (&world.admin.api, Value::Null);
    for (who, api, filter, expected) in [
        ("who sees everything", admin, nothing.clone(), &everything[..]),
        ("who sees one dialogue", &observer.api, nothing, &theirs),
        ("who looks in one dialogue", admin, json!({ "dialogueIds": [dialogue] }), &theirs),
    ] {
        let count = expected.len();
        assert_eq!(one_by_one(api, "старина", filter.clone(), count).await, expected, "{who}, one by one");
        let first = search(api, json!({ "text": "старина", "filter": filter, "first": count })).await;
        assert_eq!(texts(&first), expected, "{who}, in one page");
        assert_eq!(first.at("searchMessages.pageInfo.hasNextPage"), &json!(true), "{who}: there is what came before");
    }
}
