//! The messengers' door when something is wrong: who is refused, and what is brought again.

use reqwest::StatusCode;
use sea_orm::{ConnectionTrait as _, DatabaseBackend, EntityTrait as _};
use serde_json::json;

use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::{Channel, World};

stories!(World:
    an_update_that_fails_three_times_is_kept_and_answered_as_a_success,
    an_update_that_the_database_refuses_leaves_nothing_and_holds_nothing_back,
    an_update_that_lacks_what_its_kind_needs_is_kept,
    a_wrong_secret_stores_nothing,
    a_channel_that_is_not_there_is_not_found,
    without_a_public_address_updates_are_polled,
);

/// Posts a body to the channel's webhook as it is.
async fn post(world: &World, path: &str, secret: Option<&str>, body: &str) -> StatusCode {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let mut request = client.post(format!("{}{path}", world.server.url)).body(body.to_owned());
    if let Some(secret) = secret {
        request = request.header("X-Telegram-Bot-Api-Secret-Token", secret);
    }
    request.send().await.expect("an answer").status()
}

fn door(channel: &Channel) -> String {
    format!("/webhooks/telegram/{}", channel.id)
}

async fn an_update_that_fails_three_times_is_kept_and_answered_as_a_success(world: World) {
    let channel = world.connect_channel("Shop").await;
    let secret = world.telegram.wait_for_webhook(&channel.token).await.secret;
    let before = world.cursor().await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(post(&world, &door(&channel), Some(&secret), "{\"update_id\": 1, ").await.as_u16());
    }
    assert_eq!(statuses, [400, 400, 200]);
    let other = post(&world, &door(&channel), Some(&secret), "not JSON either").await;
    assert_eq!(other, 400, "another update has its own three tries");

    let app = &world.server.running().app;
    let kept = colloquy_entity::failed_update::Entity::find().all(app.db.read()).await.expect("the table is there");
    let mut kept: Vec<(&str, i32)> = kept.iter().map(|row| (row.body.as_str(), row.attempts)).collect();
    kept.sort();
    assert_eq!(kept, [("not JSON either", 1), ("{\"update_id\": 1, ", 3)]);
    let of = colloquy::metrics::Of::new("telegram", "kept");
    assert_eq!(app.metrics.inbound.get_or_create(&of).get(), 1, "and counted");
    assert!(world.events_after(&before).await.is_empty());

    world.write(&channel, &Person::new(6101), "What came behind it").await;
}

/// Has the database refuse messages with this text: well-formed, and yet never to be stored.
async fn refuse(world: &World, text: &str) {
    let db = world.server.running().app.db.write();
    let statements = match db.get_database_backend() {
        DatabaseBackend::Sqlite => vec![format!(
            "CREATE TRIGGER refuse BEFORE INSERT ON messages WHEN NEW.text = '{text}' BEGIN SELECT RAISE(ABORT, 'no'); END"
        )],
        _ => vec![
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$".into(),
            format!(
                "CREATE TRIGGER refuse BEFORE INSERT ON messages FOR EACH ROW WHEN (NEW.text = '{text}') \
                 EXECUTE FUNCTION refuse()"
            ),
        ],
    };
    for statement in statements {
        db.execute_unprepared(&statement).await.expect("a trigger");
    }
}

async fn an_update_that_the_database_refuses_leaves_nothing_and_holds_nothing_back(world: World) {
    let posted = world.connect_channel("Shop").await;
    let secret = world.telegram.wait_for_webhook(&posted.token).await.secret;
    refuse(&world, "poison").await;
    let before = world.cursor().await;
    let update = Person::new(6141).says("poison").to_string();
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(post(&world, &door(&posted), Some(&secret), &update).await.as_u16());
    }
    assert_eq!(statuses, [500, 500, 200]);
    assert!(world.events_after(&before).await.is_empty(), "neither a dialogue nor a client: all of it or nothing");

    let mut world = world;
    world.hide_from_outside().await;
    let polled = world.connect_channel("Help").await;
    let mut feed = world.follow(&world.admin.api, None).await;
    let boris = Person::new(6142);
    world.telegram.push(&polled.token, boris.says("poison"));
    world.telegram.push(&polled.token, boris.says("after it"));
    feed.until(|event| event["message"]["text"] == "after it").await;
    let messages = world.admin.messages(&world.dialogue(&polled, &boris).await).await;
    assert_eq!(messages.len(), 1);
}

async fn an_update_that_lacks_what_its_kind_needs_is_kept(world: World) {
    let channel = world.connect_channel("Shop").await;
    let secret = world.telegram.wait_for_webhook(&channel.token).await.secret;
    let odd = "{\"update_id\": 77, \"message\": {\"message_id\": \"no\", \"text\": \"Anybody there?\"}}";
    assert_eq!(post(&world, &door(&channel), Some(&secret), odd).await, 200, "it would be no better the next time");
    let app = &world.server.running().app;
    let kept = colloquy_entity::failed_update::Entity::find().all(app.db.read()).await.expect("the table is there");
    assert_eq!(kept.iter().map(|row| row.body.as_str()).collect::<Vec<_>>(), [odd]);
}

async fn a_wrong_secret_stores_nothing(world: World) {
    let channel = world.connect_channel("Shop").await;
    let other = world.connect_channel("Help").await;
    let secret = world.telegram.wait_for_webhook(&channel.token).await.secret;
    let others = world.telegram.wait_for_webhook(&other.token).await.secret;
    assert_ne!(secret, others);
    let before = world.cursor().await;
    let update = Person::new(6111).says("Let me in").to_string();
    for wrong in [None, Some(""), Some("wrong"), Some(&others[..]), Some(&secret[1..])] {
        assert_eq!(post(&world, &door(&channel), wrong, &update).await, 403, "{wrong:?}");
    }
    assert!(world.events_after(&before).await.is_empty());
    assert_eq!(post(&world, &door(&channel), Some(&secret), &update).await, 200);
}

async fn a_channel_that_is_not_there_is_not_found(world: World) {
    let channel = world.connect_channel("Shop").await;
    let secret = world.telegram.wait_for_webhook(&channel.token).await.secret;
    let id = &channel.id;
    let nowhere = [
        format!("/webhooks/vk/{id}"),
        format!("/webhooks/sms/{id}"),
        "/webhooks/telegram/cha_nothing".into(),
        format!("/webhooks/telegram/{}x", id),
        format!("/webhooks/telegram/{}", world.admin.id),
    ];
    for path in nowhere {
        assert_eq!(post(&world, &path, Some(&secret), "{}").await, 404, "{path}");
    }
    world.admin.act("disconnectChannel", "channelId", id).await.data();
    let status = post(&world, &door(&channel), Some(&secret), &Person::new(6121).says("Hello?").to_string()).await;
    assert_eq!(status, 404, "disconnected; never 410, after which Telegram gives up");
}

async fn without_a_public_address_updates_are_polled(world: World) {
    // The same database, without an address that the outside could reach.
    let mut world = world;
    world.hide_from_outside().await;
    let channel = world.connect_channel("Shop").await;
    assert_eq!(world.telegram.webhook(&channel.token), None);
    let anna = Person::new(6131);
    let mut feed = world.follow(&world.admin.api, None).await;
    for text in ["one", "two"] {
        world.telegram.push(&channel.token, anna.says(text));
    }
    // One that cannot be stored holds nothing back.
    world.telegram.push(&channel.token, json!({ "update_id": 1, "odd": true }));
    world.telegram.push(&channel.token, anna.says("three"));
    feed.until(|event| event["message"]["text"] == "three").await;
    world.telegram.wait_for_confirmed(&channel.token).await;
    let dialogue = world.dialogue(&channel, &anna).await;
    let messages = world.admin.messages(&dialogue).await;
    assert_eq!(messages.iter().map(|message| &message["text"]).collect::<Vec<_>>(), ["one", "two", "three"]);
    world.admin.send(&dialogue, "four").await;
    world.telegram.wait_for_sent(1).await;
}
