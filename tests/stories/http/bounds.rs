//! No single request kills or hangs the server: bodies, documents and introspection are bounded.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::Backend;
use crate::harness::client::Api;
use crate::harness::schema;
use crate::harness::socket::Raw;
use crate::harness::world::World;

use super::{asking, door, hear, http, told_once};

told_once!(
    made_up_methods_are_counted_as_one,
    bodies_are_bounded,
    nested_literals_do_not_kill_the_server,
    a_fragment_bomb_does_not_hang_the_server,
    costly_documents_are_refused,
    a_subscription_has_one_field,
    the_schema_can_be_hidden,
);

const MEBIBYTE: usize = 1024 * 1024;

/// That the server still answers.
async fn alive(world: &World) {
    world.admin.api.run("{ viewer { id } }", Value::Null).await.data();
}

async fn made_up_methods_are_counted_as_one(world: World) {
    for number in 0..5 {
        let method = Method::from_bytes(format!("MADEUP{number}").as_bytes()).expect("a token");
        http().request(method, &world.server.url).send().await.expect("an answer");
    }
    let invented = world.admin.api.run("mutation { inventedByMe { id } }", Value::Null).await;
    assert_eq!(invented.errors().len(), 1);
    let counted = world.server.running().app.metrics.print();
    assert!(counted.contains("OTHER "), "{counted}");
    assert!(!counted.contains("MADEUP") && !counted.contains("inventedByMe"), "{counted}");
}

async fn bodies_are_bounded(world: World) {
    let channel = world.connect_channel("Shop").await;
    let webhook = world.telegram.wait_for_webhook(&channel.token).await;
    let before = world.cursor().await;
    let large =
        |over: usize| format!("{{\"query\":\"{{ viewer {{ id }} }}\", \"extensions\": \"{}\"}}", "x".repeat(over));
    let request = |body: String| door(&world, Method::POST).header("Content-Type", "application/json").body(body);
    assert_eq!(hear(request(large(MEBIBYTE))).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(hear(request(large(MEBIBYTE - 1000))).await.status, StatusCode::OK);

    let post = async |body: String, secret: &str| {
        let request = http().post(&webhook.url).header("X-Telegram-Bot-Api-Secret-Token", secret);
        hear(request.header("Content-Type", "application/json").body(body)).await.status
    };
    let update = |room: usize| json!({ "update_id": 1, "nothing": "x".repeat(room) }).to_string();
    assert_eq!(post(update(MEBIBYTE), &webhook.secret).await, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(post(update(MEBIBYTE), "wrong").await, StatusCode::FORBIDDEN, "who it is comes first");
    assert_eq!(post(update(MEBIBYTE - 1000), &webhook.secret).await, StatusCode::OK);
    assert_eq!(world.cursor().await, before, "nothing was stored");
    alive(&world).await;
}

async fn nested_literals_do_not_kill_the_server(world: World) {
    let anonymous = Api::anonymous(&world.server.url);
    for (open, close) in [("[", "]"), ("{a:", "}"), ("[{a:", "}]")] {
        for depth in [40, 5_000, 20_000] {
            let (opened, closed) = (open.repeat(depth), close.repeat(depth));
            for document in [
                format!("{{ node(id: {opened}1{closed}) {{ id }} }}"),
                format!("query($x: ID = {opened}1{closed}) {{ node(id: $x) {{ id }} }}"),
                format!("{{ viewer @skip(if: {opened}true{closed}) {{ id }} }}"),
            ] {
                let answer = anonymous.run(&document, Value::Null).await;
                assert!(matches!(answer.error_code(), "QUERY_TOO_COMPLEX" | "BAD_USER_INPUT"), "{}", answer.body);
            }
        }
    }
    for depth in [40, 5_000] {
        let deep = format!("{}id{}", "{ viewer ".repeat(depth) + "{ ", " }".repeat(depth + 1));
        let answer = anonymous.run(&deep, Value::Null).await;
        assert_eq!(answer.error_code(), "QUERY_TOO_COMPLEX");
        let lists = format!("query($x: {}ID{}) {{ viewer {{ id }} }}", "[".repeat(depth), "]".repeat(depth));
        assert!(!anonymous.run(&lists, Value::Null).await.errors().is_empty());
        // Variables are JSON, which nests as well.
        let nested = format!(
            "{{\"query\":\"{{ viewer {{ id }} }}\",\"variables\":{{\"x\":{}1{}}}}}",
            "[".repeat(depth),
            "]".repeat(depth)
        );
        let heard = hear(door(&world, Method::POST).header("Content-Type", "application/json").body(nested)).await;
        assert!(heard.status == StatusCode::OK || heard.status == StatusCode::BAD_REQUEST, "{}", heard.status);
    }
    // The other doors, too.
    let bomb = format!("{{ node(id: {}1{}) {{ id }} }}", "[".repeat(5_000), "]".repeat(5_000));
    let heard = hear(http().get(asking(&world, &[("query", &bomb)]))).await;
    assert_eq!(heard.code(), "QUERY_TOO_COMPLEX");
    let mut socket =
        Raw::acknowledged(&format!("{}/graphql", world.server.url), world.admin.api.token.as_deref()).await;
    socket.send(json!({ "type": "subscribe", "id": "1", "payload": { "query": bomb } })).await;
    let message = socket.next().await;
    assert_eq!(
        (&message["type"], &message["payload"][0]["extensions"]["code"]),
        (&json!("error"), &json!("QUERY_TOO_COMPLEX"))
    );
    alive(&world).await;
}

async fn a_fragment_bomb_does_not_hang_the_server(world: World) {
    let anonymous = Api::anonymous(&world.server.url);
    let fragments: String =
        (0..8).map(|n| format!("fragment F{n} on Query {{ {} }} ", format!("...F{} ", n + 1).repeat(12))).collect();
    let bomb = format!("{{ ...F0 }} {fragments} fragment F8 on Query {{ viewer {{ id }} }}");
    assert_eq!(anonymous.run(&bomb, Value::Null).await.error_code(), "QUERY_TOO_COMPLEX");
    let circle = "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }";
    assert_eq!(anonymous.run(circle, Value::Null).await.error_code(), "BAD_USER_INPUT");
    let aliases: String = (0..5_000).map(|n| format!("a{n}: viewer {{ id }} ")).collect();
    assert_eq!(anonymous.run(&format!("{{ {aliases} }}"), Value::Null).await.error_code(), "QUERY_TOO_COMPLEX");
    let directives = "@skip(if: false) ".repeat(1_000);
    assert_eq!(
        anonymous.run(&format!("{{ viewer {directives} {{ id }} }}"), Value::Null).await.error_code(),
        "QUERY_TOO_COMPLEX"
    );
    alive(&world).await;
}

async fn costly_documents_are_refused(world: World) {
    let costly = "{ dialogues(first: 100) { nodes { messages(first: 100) { nodes { dialogue { events(first: 100) { nodes { cursor } } } } } } } }";
    let heard = hear(door(&world, Method::POST).json(&json!({ "query": costly }))).await;
    assert_eq!(heard.code(), "QUERY_TOO_COMPLEX");
    assert!(
        heard.json()["errors"][0]["message"].as_str().is_some_and(|words| words.contains("smaller pages")),
        "{}",
        heard.body
    );
    // What a front end asks for on its first screen is far below.
    let usual = "{ dialogues(first: 50) { nodes { id state group unreadCount client { id name avatarUrl } channel { id name kind }
        lastMessage { id text origin createdAt author { __typename ... on User { id name } } delivery { status } attachments { __typename ... on File { id name } } }
        participants { role user { id name } } tags { id name color } contractor { id name } deal { id title stage { id name } } }
        pageInfo { hasNextPage endCursor } totalCount } inbox { mine { count unreadCount } unassigned { count unreadCount } } viewer { id name role } }";
    world.admin.api.run(usual, Value::Null).await.data();
}

async fn a_subscription_has_one_field(world: World) {
    let url = format!("{}/graphql", world.server.url);
    let mut socket = Raw::acknowledged(&url, world.admin.api.token.as_deref()).await;
    for document in [
        "subscription { events { kind } inbox { mine { count } } }",
        "subscription { a: events { kind } b: events { kind } }",
        "subscription { ...A } fragment A on Subscription { events { kind } inbox { mine { count } } }",
    ] {
        socket.send(json!({ "type": "subscribe", "id": "1", "payload": { "query": document } })).await;
        let message = socket.next().await;
        assert_eq!(
            (&message["type"], &message["payload"][0]["extensions"]["code"]),
            (&json!("error"), &json!("BAD_USER_INPUT")),
            "{message}"
        );
    }
}

async fn the_schema_can_be_hidden(world: World) {
    let anonymous = Api::anonymous(&world.server.url);
    schema::served(&anonymous).await;
    drop(world);
    let world = World::start_with(Backend::Sqlite, |config| config.introspection = false).await;
    let employee = world.user("EMPLOYEE").await;
    schema::served(&world.admin.api).await;
    for api in [Api::anonymous(&world.server.url), employee.api] {
        for document in ["{ __schema { types { name } } }", "{ __type(name: \"Query\") { name } }"] {
            let answer = api.run(document, Value::Null).await;
            let told = answer.body["data"].as_object().into_iter().flatten().any(|(_, found)| !found.is_null());
            assert!(!told, "{}", answer.body);
            assert!(!answer.body.to_string().contains("dialogues"), "{}", answer.body);
        }
        // Nor do errors tell what would have been right.
        let answer = api.run("{ dialoguez { nodes { id } } }", Value::Null).await;
        assert!(!answer.body.to_string().contains("dialogues"), "{}", answer.body);
        let typename = api.run("{ __typename }", Value::Null).await;
        assert_eq!(typename.at("__typename"), "Query");
    }
}
