//! Who may ask from where: CORS, cookies, and WebSockets of other origins.

use reqwest::header::{COOKIE, ORIGIN};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::Backend;
use crate::harness::socket::Raw;
use crate::harness::world::World;

use super::{door, hear, http, told_once};

told_once!(
    other_origins_read_what_is_allowed_to_them,
    a_cookie_counts_on_our_own_pages,
    a_socket_takes_a_cookie_of_our_own_pages
);

const ALLOWED: &str = "https://desk.example";
const FOREIGN: &str = "https://evil.example";

async fn with_an_allowed_origin() -> World {
    World::start_with(Backend::Sqlite, |config| config.allowed_origins = vec![ALLOWED.into()]).await
}

async fn other_origins_read_what_is_allowed_to_them(world: World) {
    let query = json!({ "query": "{ viewer { id } }" });
    let heard = hear(door(&world, Method::POST).header(ORIGIN, ALLOWED).json(&query)).await;
    assert_eq!(heard.header("access-control-allow-origin"), "", "nobody is allowed by default");
    drop(world);

    let world = with_an_allowed_origin().await;
    for (origin, allowed) in [
        (ALLOWED, true),
        (FOREIGN, false),
        ("https://desk.example.evil.example", false),
        ("http://desk.example", false),
        ("https://desk.example:8443", false),
        ("null", false),
    ] {
        let expected = if allowed { origin } else { "" };
        let heard = hear(door(&world, Method::POST).header(ORIGIN, origin).json(&query)).await;
        assert_eq!(heard.header("access-control-allow-origin"), expected, "{origin}");
        assert_eq!(heard.header("access-control-allow-credentials"), "", "no cookie crosses origins");
        let preflight = http()
            .request(Method::OPTIONS, format!("{}/graphql", world.server.url))
            .header(ORIGIN, origin)
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "authorization,content-type");
        let heard = hear(preflight).await;
        assert_eq!(heard.header("access-control-allow-origin"), expected, "{origin}");
        if allowed {
            let headers = heard.header("access-control-allow-headers").to_lowercase();
            assert!(headers.contains("authorization") && headers.contains("content-type"), "{headers}");
        }
    }
}

/// The page's cookie, which holds a session's token.
fn cookie(world: &World) -> String {
    format!("theme=dark; colloquy_session={}", world.admin.api.token.as_deref().expect("signed in"))
}

async fn a_cookie_counts_on_our_own_pages(world: World) {
    drop(world);
    let world = with_an_allowed_origin().await;
    let url = format!("{}/graphql", world.server.url);
    let ask = async |origin: Option<&str>, cookie: &str| {
        let mut request = http().post(&url).header(COOKIE, cookie).json(&json!({ "query": "{ viewer { id } }" }));
        if let Some(origin) = origin {
            request = request.header(ORIGIN, origin);
        }
        hear(request).await.json()["data"]["viewer"]["id"].clone()
    };
    let cookie = cookie(&world);
    for (origin, counts) in [
        (None, true),
        (Some(world.server.url.as_str()), true),
        (Some(ALLOWED), true),
        (Some(FOREIGN), false),
        (Some("null"), false),
        (Some(""), false),
    ] {
        let expected = if counts { json!(world.admin.id) } else { Value::Null };
        assert_eq!(ask(origin, &cookie).await, expected, "{origin:?}");
    }
    assert_eq!(ask(None, "colloquy_session=").await, Value::Null);
    assert_eq!(ask(None, "colloquy_session=cqs_nonsense").await, Value::Null, "one that is over counts as none");
    // With one that is over, the page can sign in anew.
    let sign_in =
        "mutation { signIn(input: { email: \"admin@example.com\", password: \"correct horse battery\" }) { token } }";
    let heard =
        hear(http().post(&url).header(COOKIE, "colloquy_session=cqs_nonsense").json(&json!({ "query": sign_in })))
            .await;
    assert!(heard.json()["data"]["signIn"]["token"].is_string(), "{}", heard.body);
    // A file as well.
    let heard = hear(http().get(format!("{}/files/fil_x", world.server.url)).header(COOKIE, &cookie)).await;
    assert_eq!(heard.status, StatusCode::NOT_FOUND);
    let heard = hear(
        http().get(format!("{}/files/fil_{:032}", world.server.url, 0)).header(COOKIE, &cookie).header(ORIGIN, FOREIGN),
    )
    .await;
    assert_eq!(heard.status, StatusCode::UNAUTHORIZED);
}

async fn a_socket_takes_a_cookie_of_our_own_pages(world: World) {
    drop(world);
    let world = with_an_allowed_origin().await;
    let url = format!("{}/graphql", world.server.url);
    let cookie = cookie(&world);
    let token = world.admin.api.token.as_deref().expect("signed in");
    let init = json!({ "type": "connection_init" });
    for (origin, counts) in [
        (None, true),
        (Some(world.server.url.as_str()), true),
        (Some(ALLOWED), true),
        (Some(FOREIGN), false),
        (Some("null"), false),
    ] {
        let mut headers = vec![("Cookie", cookie.as_str())];
        headers.extend(origin.map(|origin| ("Origin", origin)));
        let mut socket = Raw::open_with(&url, &headers).await.unwrap_or_else(|error| panic!("{origin:?}: {error}"));
        socket.send(init.clone()).await;
        if counts {
            assert_eq!(socket.next().await, json!({ "type": "connection_ack" }), "{origin:?}");
        } else {
            assert_eq!(socket.closed().await.0, 4403, "{origin:?}");
        }
    }
    // A token in connection_init is no cookie: a page that has one was given it.
    let mut socket = Raw::open_with(&url, &[("Origin", FOREIGN)]).await.expect("it opens");
    socket.send(json!({ "type": "connection_init", "payload": { "authorization": format!("Bearer {token}") } })).await;
    assert_eq!(socket.next().await, json!({ "type": "connection_ack" }));
    for refused in [json!(null), json!("Bearer cqt_nonsense"), json!(token), json!("Basic x"), json!(1), json!({})] {
        let mut socket = Raw::open(&url).await;
        socket.send(json!({ "type": "connection_init", "payload": { "authorization": refused } })).await;
        assert_eq!(socket.closed().await.0, 4403, "{refused}");
    }
}
