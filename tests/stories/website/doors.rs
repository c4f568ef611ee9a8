//! Who is let in: tokens, origins, channels that end, visitors who are blocked, documents that are too much.

use reqwest::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH, ORIGIN as ORIGIN_HEADER};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::Backend;
use crate::harness::client::Api;
use crate::harness::socket::Raw;
use crate::harness::story::{self, stories};
use crate::harness::visitor::{ORIGIN, Visitor, begin};
use crate::harness::world::World;

stories!(World:
    forged_and_foreign_tokens_open_nothing,
    foreign_origins_are_refused_at_every_door,
    origins_can_be_changed_and_count_at_once,
    a_disconnected_channel_ends_its_visitors,
    a_blocked_visitor_is_told,
);

const FOREIGN: &str = "https://evil.example";

fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().expect("a client")
}

/// How a socket with this origin and token ends: the status of a refused upgrade, or the code of the close.
async fn socket(url: &str, origin: Option<&str>, token: Option<&str>) -> u16 {
    let headers: Vec<(&str, &str)> = origin.map(|origin| ("Origin", origin)).into_iter().collect();
    match Raw::open_with(&format!("{url}/chat"), &headers).await {
        Err(tokio_tungstenite::tungstenite::Error::Http(response)) => response.status().as_u16(),
        Err(error) => panic!("{error}"),
        Ok(mut raw) => {
            let authorization = token.map(|token| format!("Bearer {token}"));
            raw.send(json!({ "type": "connection_init", "payload": { "authorization": authorization } })).await;
            match raw.try_next().await {
                Ok(message) => {
                    assert_eq!(message["type"], "connection_ack");
                    0
                }
                Err((code, words)) => {
                    assert!(!words.is_empty());
                    code
                }
            }
        }
    }
}

async fn forged_and_foreign_tokens_open_nothing(world: World) {
    let channel = world.connect_website("Shop", &[ORIGIN]).await;
    let visitor = Visitor::start(&world, &channel).await;
    visitor.say("Hello").await;
    let token = visitor.api.token.clone().expect("a token");
    let other_origin = world.connect_website("Other", &["https://other.example"]).await;
    let elsewhere = Visitor::start_at(&Api::page(&world.server.url, "https://other.example"), &other_origin).await;
    let mut cut = token.clone();
    cut.pop();
    let forged = format!("{}{}", &token[..token.len() - 2], if token.ends_with("AA") { "BB" } else { "AA" });
    let staff = world.admin.api.token.clone().expect("signed in");
    for wrong in [forged, cut, "cqv_".into(), "x".into(), staff] {
        let forger = Visitor { api: visitor.api.with_token(&wrong) };
        let refused = forger.api.run("{ chat { name } }", Value::Null).await;
        assert_eq!((refused.error_code(), refused.status), ("UNAUTHENTICATED", StatusCode::UNAUTHORIZED), "{wrong}");
        assert_eq!(forger.send("k", "hello").await.error_code(), "UNAUTHENTICATED");
        let (status, body) = forger.upload("a.txt", "text/plain", b"hello".to_vec()).await;
        assert_eq!(
            (status, &body["errors"][0]["extensions"]["code"]),
            (StatusCode::UNAUTHORIZED, &json!("UNAUTHENTICATED"))
        );
        assert_eq!(socket(&world.server.url, Some(ORIGIN), Some(&wrong)).await, 4403, "{wrong}");
    }
    assert_eq!(socket(&world.server.url, Some(ORIGIN), None).await, 4403, "a socket is a visitor's");
    // A token of another channel, on this channel's pages: known to us, and not from there.
    let stolen = Visitor {
        api: Api::page(&world.server.url, ORIGIN).with_token(elsewhere.api.token.as_deref().expect("a token")),
    };
    let refused = stolen.api.run("{ chat { name } }", Value::Null).await;
    assert_eq!((refused.error_code(), refused.status), ("FORBIDDEN", StatusCode::FORBIDDEN));
    assert_eq!(socket(&world.server.url, Some(ORIGIN), stolen.api.token.as_deref()).await, 4403);
    assert_eq!(stolen.upload("a.txt", "text/plain", b"hello".to_vec()).await.0, StatusCode::FORBIDDEN);
    // What is no website's chat is not there.
    let bot = world.connect_channel("Bot").await;
    for id in [bot.id.as_str(), "chn_nonsense", &format!("chn_{:032}", 0)] {
        assert_eq!(begin(&Api::page(&world.server.url, ORIGIN), id).await.error_code(), "NOT_FOUND");
    }
    assert_eq!(begin(&Api::page(&world.server.url, ORIGIN), &other_origin.id).await.error_code(), "FORBIDDEN");
}

async fn foreign_origins_are_refused_at_every_door(world: World) {
    let url = world.server.url.clone();
    let channel = world.connect_website("Shop", &[ORIGIN]).await;
    let token = Visitor::start(&world, &channel).await.api.token.expect("a token");
    let query = json!({ "query": "{ chat { name } }" });
    let foreign =
        [FOREIGN, "null", "", "https://shop.example.evil.example", "http://shop.example", "https://shop.example:8443"];
    for origin in foreign.map(Some).into_iter().chain([None]) {
        for path in ["/chat", "/chat/files"] {
            for token in [Some(&token), None] {
                let mut request = http().post(format!("{url}{path}")).json(&query);
                if let Some(token) = token {
                    request = request.bearer_auth(token);
                }
                if let Some(origin) = origin {
                    request = request.header(ORIGIN_HEADER, origin);
                }
                let heard = request.send().await.expect("an answer");
                assert_eq!(heard.status(), StatusCode::FORBIDDEN, "{path} from {origin:?}");
                assert!(heard.headers().get("access-control-allow-origin").is_none());
                let body: Value = heard.json().await.expect("JSON");
                assert_eq!(body["errors"][0]["extensions"]["code"], "FORBIDDEN");
            }
        }
        assert_eq!(socket(&url, origin, Some(&token)).await, 403, "{origin:?}");
    }
    for (origin, is_allowed) in [(ORIGIN, true), (FOREIGN, false), (url.as_str(), true)] {
        for path in ["/chat", "/chat/files"] {
            let preflight = http()
                .request(Method::OPTIONS, format!("{url}{path}"))
                .header(ORIGIN_HEADER, origin)
                .header("Access-Control-Request-Method", "POST")
                .header("Access-Control-Request-Headers", "authorization,content-type");
            let heard = preflight.send().await.expect("an answer");
            let allowed =
                heard.headers().get("access-control-allow-origin").map(|value| value.to_str().expect("ASCII"));
            assert_eq!(allowed, is_allowed.then_some(origin), "{path} from {origin}");
            assert!(heard.headers().get("access-control-allow-credentials").is_none(), "no cookie crosses");
            if is_allowed {
                let headers = heard.headers()["access-control-allow-headers"].to_str().expect("ASCII").to_lowercase();
                assert!(headers.contains("authorization") && headers.contains("content-type"), "{headers}");
            }
        }
    }
    // From our own pages, too, and read by the page in any case.
    let own = Visitor::start_at(&Api::page(&url, &url), &channel).await;
    assert_eq!(own.chat().await["name"], "Shop");
    let heard = own.api.request("{ chat { name } }", &Value::Null).send().await.expect("an answer");
    assert_eq!(heard.headers()["access-control-allow-origin"], url.as_str());
    // The chat's origins open no other door.
    let desk =
        http().post(format!("{url}/graphql")).header(ORIGIN_HEADER, ORIGIN).json(&json!({ "query": "{ __typename }" }));
    let heard = desk.send().await.expect("an answer");
    assert!(heard.headers().get("access-control-allow-origin").is_none());
}

async fn origins_can_be_changed_and_count_at_once(world: World) {
    let channel = world.connect_website("Shop", &[ORIGIN]).await;
    let bot = world.connect_channel("Bot").await;
    let employee = world.user("EMPLOYEE").await;
    let read = "query { channels { id allowedOrigins widgetSnippet } }";
    let channels: Vec<Value> = employee.api.run(read, Value::Null).await.get("channels");
    let of = |id: &str| channels.iter().find(|one| one["id"] == *id).expect("it is there");
    assert_eq!(of(&channel.id)["allowedOrigins"], json!([ORIGIN]));
    let snippet =
        format!("<script src=\"{}/widget.js\" data-channel=\"{}\" async></script>", world.server.url, channel.id);
    assert_eq!(of(&channel.id)["widgetSnippet"], json!(snippet));
    assert_eq!((&of(&bot.id)["allowedOrigins"], &of(&bot.id)["widgetSnippet"]), (&Value::Null, &Value::Null));

    let visitor = Visitor::start(&world, &channel).await;
    visitor.say("Hello").await;
    let updates = visitor.follow(None).await;
    updates.socket.ping().await;
    let update =
        "mutation($input: UpdateChannelInput!) { updateChannel(input: $input) { channel { allowedOrigins } } }";
    let set = async |api: &Api, id: &str, origins: Value| {
        api.run(update, json!({ "input": { "channelId": id, "allowedOrigins": origins } })).await
    };
    for (id, origins) in [
        (&bot.id, json!([ORIGIN])),
        (&channel.id, Value::Null),
        (&channel.id, json!([])),
        (&channel.id, json!(["https://shop.example/page"])),
    ] {
        let refused = set(&world.admin.api, id, origins).await;
        assert_eq!(
            (refused.error_code(), refused.error_field()),
            ("BAD_USER_INPUT", Some("input.allowedOrigins")),
            "{refused}"
        );
    }
    assert_eq!(set(&employee.api, &channel.id, json!([FOREIGN])).await.error_code(), "FORBIDDEN");
    let before = world.cursor().await;
    set(&world.admin.api, &channel.id, json!([format!("{ORIGIN}/")])).await.data();
    assert_eq!(world.cursor().await, before, "the same origins are nothing new");

    let new = set(&world.admin.api, &channel.id, json!(["https://new.example"])).await;
    assert_eq!(new.at("updateChannel.channel.allowedOrigins"), &json!(["https://new.example"]));
    assert_eq!(updates.socket.closed().await.0, 4403, "pages of the origin that was removed are told");
    assert_eq!(visitor.api.run("{ chat { name } }", Value::Null).await.error_code(), "FORBIDDEN");
    let moved = Visitor {
        api: Api::page(&world.server.url, "https://new.example")
            .with_token(visitor.api.token.as_deref().expect("a token")),
    };
    assert_eq!(moved.chat().await["messages"]["nodes"][0]["text"], "Hello", "the visitor is who they were");
}

async fn a_disconnected_channel_ends_its_visitors(world: World) {
    let channel = world.connect_website("Shop", &[ORIGIN]).await;
    // What keeps the origin known.
    world.connect_website("Other", &[ORIGIN]).await;
    let visitor = Visitor::start(&world, &channel).await;
    visitor.say("Hello").await;
    let updates = visitor.follow(None).await;
    updates.socket.ping().await;

    world.admin.act("disconnectChannel", "channelId", &channel.id).await.data();

    let (code, words) = updates.socket.closed().await;
    assert_eq!(code, 4403);
    assert!(words.contains("not connected any more"), "{words}");
    let refused = visitor.send("k", "hello?").await;
    assert_eq!(refused.error_code(), "UNAUTHENTICATED");
    assert!(refused.error()["message"].as_str().is_some_and(|words| words.contains("not connected any more")));
    assert_eq!(visitor.connect().await.err().map(|(code, _)| code), Some(4403));
    assert_eq!(begin(&Api::page(&world.server.url, ORIGIN), &channel.id).await.error_code(), "NOT_FOUND");
}

async fn a_blocked_visitor_is_told(world: World) {
    let channel = world.connect_website("Shop", &[ORIGIN]).await;
    let visitor = Visitor::start(&world, &channel).await;
    visitor.say("Hello").await;
    let dialogue = world.only_dialogue(&channel).await;
    let client =
        world.admin.dialogue(&dialogue, "client { id }").await["client"]["id"].as_str().expect("an id").to_owned();
    let block =
        "mutation($id: ID!, $blocked: Boolean!) { blockClient(clientId: $id, blocked: $blocked) { __typename } }";
    world.admin.api.run(block, json!({ "id": client, "blocked": true })).await.data();
    let before = world.cursor().await;

    let refused = visitor.send("k", "let me in").await;
    assert_eq!(refused.error_code(), "FORBIDDEN");
    assert_eq!(visitor.upload("a.txt", "text/plain", b"hello".to_vec()).await.0, StatusCode::FORBIDDEN);
    visitor.act("setTyping", None).await.data();
    assert_eq!(world.cursor().await, before, "nothing was stored");
    assert_eq!(visitor.chat().await["messages"]["nodes"][0]["text"], "Hello", "what there is can be read");

    world.admin.api.run(block, json!({ "id": client, "blocked": false })).await.data();
    visitor.say("thank you").await;
}

#[test]
fn documents_that_are_too_much_are_refused() {
    story::run(Backend::Sqlite, World::start, async |world: World| {
        let channel = world.connect_website("Shop", &[ORIGIN]).await;
        let visitor = Visitor::start(&world, &channel).await;
        let nested = format!(
            "{{ chat {{ messages(before: {}1{}) {{ nodes {{ id }} }} }} }}",
            "[".repeat(5_000),
            "]".repeat(5_000)
        );
        let bomb: String =
            (0..8).map(|n| format!("fragment F{n} on Query {{ {} }} ", format!("...F{} ", n + 1).repeat(12))).collect();
        let bomb = format!("{{ ...F0 }} {bomb} fragment F8 on Query {{ chat {{ name }} }}");
        let starts: String =
            (0..30).map(|n| format!("a{n}: startChat(channelId: \"{}\") {{ token }} ", channel.id)).collect();
        for document in [&nested, &bomb, &format!("mutation {{ {starts} }}")] {
            for api in [&visitor.api, &Api::page(&world.server.url, ORIGIN)] {
                let refused = api.run(document, Value::Null).await;
                assert_eq!(refused.error_code(), "QUERY_TOO_COMPLEX");
            }
        }
        let socket = visitor.connect().await.expect("a socket");
        let error = socket.subscribe(&nested, Value::Null).error().await;
        assert_eq!(error[0]["extensions"]["code"], "QUERY_TOO_COMPLEX");
        let error =
            socket.subscribe("subscription { a: updates { cursor } b: updates { cursor } }", Value::Null).error().await;
        assert_eq!(error[0]["extensions"]["code"], "BAD_USER_INPUT");
        let by_post = visitor.api.run("subscription { updates { cursor } }", Value::Null).await;
        assert_eq!(by_post.error_code(), "BAD_USER_INPUT");
        let text =
            visitor.api.post("/chat").header(CONTENT_TYPE, "text/plain").body("{\"query\":\"{ chat { name } }\"}");
        assert_eq!(text.send().await.expect("an answer").status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
        let large = visitor.api.request(&format!("{{ chat {{ name }} }} #{}", "x".repeat(200_000)), &Value::Null);
        assert_eq!(large.send().await.expect("an answer").status(), StatusCode::PAYLOAD_TOO_LARGE);
        visitor.say("still here").await;
    });
}

#[test]
fn the_schema_can_be_hidden() {
    let start = async |backend| World::start_with(backend, |config| config.introspection = false).await;
    story::run(Backend::Sqlite, start, async |world: World| {
        let channel = world.connect_website("Shop", &[ORIGIN]).await;
        let visitor = Visitor::start(&world, &channel).await;
        let answer = visitor.api.run("{ __schema { types { name } } }", Value::Null).await;
        assert!(!answer.body.to_string().contains("ChatMessage"), "{answer}");
        assert_eq!(visitor.chat().await["name"], "Shop");
    });
}

#[test]
fn the_script_may_be_loaded_from_anywhere() {
    story::run(Backend::Sqlite, World::start, async |world: World| {
        let url = format!("{}/widget.js", world.server.url);
        let heard = http().get(&url).header(ORIGIN_HEADER, FOREIGN).send().await.expect("an answer");
        if heard.status() == StatusCode::NOT_FOUND {
            let words = heard.text().await.expect("words");
            assert!(words.contains("make page"), "it is not built here: {words}");
            return;
        }
        assert_eq!(heard.status(), StatusCode::OK);
        for (name, value) in [
            ("content-type", "text/javascript; charset=utf-8"),
            ("access-control-allow-origin", "*"),
            ("cross-origin-resource-policy", "cross-origin"),
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-cache"),
        ] {
            assert_eq!(heard.headers()[name], value);
        }
        let tag = heard.headers()[ETAG].clone();
        let again = http().get(&url).header(IF_NONE_MATCH, tag).send().await.expect("an answer");
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        let other = http().get(&url).header(IF_NONE_MATCH, "\"other\"").send().await.expect("an answer");
        assert_eq!(other.status(), StatusCode::OK);
    });
}
