//! Operations answered as server-sent events, in graphql-sse's distinct connections mode.

use chrono::DateTime;
use colloquy_entity::Time;
use reqwest::StatusCode;
use reqwest::header::ACCEPT;
use serde_json::{Value, json};

use crate::harness::feed::{TOLD, cursor, cursors};
use crate::harness::sse::Stream;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::World;

stories!(World: a_subscription_is_a_stream_that_resumes, what_is_no_subscription_is_a_stream_of_one,
    a_right_that_ends_breaks_the_stream_off);

fn follow() -> String {
    format!("subscription($after: String) {{ events(after: $after) {{ ...Told }} }} {TOLD}")
}

async fn a_subscription_is_a_stream_that_resumes(world: World) {
    let channel = world.connect_channel("Shop").await;
    let api = &world.admin.api;
    let start = cursor(api).await;
    let mut stream = Stream::open(api, &follow(), json!({ "after": start })).await;
    let mut batches = Stream::open(api, "subscription { eventBatches { events { kind } live } }", json!({})).await;
    assert_eq!(batches.next().await, json!({ "data": { "eventBatches": { "events": [], "live": true } } }));
    // A line break in a text is one in JSON, not one of the stream.
    let dialogue = world.write(&channel, &Person::new(8101), "two\nlines\r\n\r\nand more\u{2028}").await;
    world.admin.close(&dialogue).await;
    let log = world.events_after(&start).await;
    assert!(log.len() >= 4, "{log:#?}");
    for event in &log {
        assert_eq!(stream.next().await, json!({ "data": { "events": event } }), "live as read");
    }
    let mut kinds = Vec::new();
    while kinds.last() != Some(&json!("DIALOGUE_CLOSED")) {
        let batch = batches.next().await["data"]["eventBatches"]["events"].take();
        kinds.extend(batch.as_array().expect("events").iter().map(|event| event["kind"].clone()));
    }
    assert_eq!(kinds, log.iter().map(|event| event["kind"].clone()).collect::<Vec<_>>());
    drop(stream);

    // Whoever was away comes back with their last cursor.
    let seen = cursors(&log)[1];
    world.write(&channel, &Person::new(8101), "again").await;
    let missed = world.events_after(seen).await;
    let mut resumed = Stream::open(api, &follow(), json!({ "after": seen })).await;
    for event in &missed {
        assert_eq!(resumed.next().await["data"]["events"], *event, "each once, in order");
    }
    let before = cursor(api).await;
    world.admin.close(&dialogue).await;
    assert_eq!(resumed.next().await["data"]["events"], world.events_after(&before).await[0], "and goes on live");
}

async fn what_is_no_subscription_is_a_stream_of_one(world: World) {
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &Person::new(8111), "hello").await;
    let api = &world.admin.api;
    for (document, variables) in [
        ("{ viewer { id role } }", json!({})),
        ("query($d: ID!) { dialogue(id: $d) { id state messages { nodes { text } } } }", json!({ "d": dialogue })),
        ("mutation($d: ID!) { closeDialogue(dialogueId: $d) { dialogue { state } } }", json!({ "d": dialogue })),
        ("mutation { closeDialogue(dialogueId: \"x\") { dialogue { id } } }", json!({})),
        ("{ nothing }", json!({})),
        ("{ broken", json!({})),
        ("query($d: ID!) { dialogue(id: $d) { id } }", json!({})),
        ("subscription($d: ID!) { typing(dialogueId: $d) { nothing } }", json!({ "d": dialogue })),
    ] {
        let mut stream = Stream::open(api, document, variables.clone()).await;
        let told = stream.next().await;
        stream.completed().await;
        if !document.starts_with("subscription") {
            assert_eq!(told, api.run(document, variables).await.body, "as by HTTP: {document}");
        }
        assert!(told.get("data").is_some() || !told["errors"].as_array().expect("errors").is_empty(), "{told}");
    }
    for (document, variables, code) in [
        ("subscription($a: String) { events(after: $a) { kind } }", json!({ "a": "no cursor" }), "BAD_USER_INPUT"),
        ("subscription { typing(dialogueId: \"nonsense\") { until } }", json!({}), "NOT_FOUND"),
        ("subscription { events { kind } inbox { mine { count } } }", json!({}), "BAD_USER_INPUT"),
    ] {
        let mut stream = Stream::open(api, document, variables).await;
        let told = stream.next().await;
        assert_eq!(told["errors"][0]["extensions"]["code"], code, "{told}");
        stream.completed().await;
    }
    // Without a right there is no stream at all.
    let request = super::http().post(format!("{}/graphql", api.url)).header(ACCEPT, "text/event-stream");
    let refused = super::hear(request.bearer_auth("cqt_nonsense").json(&json!({ "query": "{ viewer { id } }" }))).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"));
    assert_eq!(refused.header("content-type"), "application/json");
}

async fn a_right_that_ends_breaks_the_stream_off(world: World) {
    let user = world.user("EMPLOYEE").await;
    let channel = world.connect_channel("Shop").await;
    let create = "mutation($input: CreateApiTokenInput!) { createApiToken(input: $input) { secret apiToken { id } } }";
    let token = async |expires_at: Value| {
        let answer = user.api.run(create, json!({ "input": { "name": "sse", "expiresAt": expires_at } })).await;
        let secret: String = answer.get("createApiToken.secret");
        (user.api.with_token(&secret), answer.get::<String>("createApiToken.apiToken.id"))
    };
    let soon = DateTime::from_timestamp_millis(Time::now().plus(1_500).0).expect("a year of ours");
    let (dated, _) = token(json!(soon.to_rfc3339())).await;
    let (revoked, id) = token(Value::Null).await;
    let start = world.cursor().await;
    let after = json!({ "after": start });
    let mut by_dated = Stream::open(&dated, &follow(), after.clone()).await;
    let mut by_revoked = Stream::open(&revoked, &follow(), after.clone()).await;
    let mut by_user = Stream::open(&user.api, &follow(), after.clone()).await;
    let mut by_other = Stream::open(&world.admin.api, &follow(), after).await;
    let dialogue = world.write(&channel, &Person::new(8121), "hello").await;
    for stream in [&mut by_dated, &mut by_revoked, &mut by_user] {
        while stream.next().await["data"]["events"]["kind"] != "MESSAGE_ADDED" {}
    }

    world.admin.act("revokeApiToken", "apiTokenId", &id).await.data();
    assert_eq!(by_revoked.broken_off().await, Vec::<String>::new());
    assert_eq!(by_dated.broken_off().await, Vec::<String>::new(), "its time has come");

    let deactivate = "mutation($id: ID!) { updateUser(input: { userId: $id, isActive: false }) { user { id } } }";
    world.admin.api.run(deactivate, json!({ "id": user.id })).await.data();
    world.admin.close(&dialogue).await;
    let heard = by_user.broken_off().await;
    assert!(heard.iter().all(|block| !block.contains("DIALOGUE_CLOSED")), "{heard:?}");
    while by_other.next().await["data"]["events"]["kind"] != "DIALOGUE_CLOSED" {}
}
