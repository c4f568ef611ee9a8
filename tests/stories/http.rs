//! The HTTP door: which requests are taken, in which form answers come, and who may ask from where.

mod bounds;
mod origins;
mod sse;
mod values;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::harness::Backend;
use crate::harness::story::stories;
use crate::harness::world::World;
use colloquy_sandbox::telegram::Fault;

stories!(World: the_server_tells_whether_it_is_alive_and_ready);

/// What is the same whatever the database is told on one.
macro_rules! told_once {
    ($($story:ident),+ $(,)?) => {
        $(
            mod $story {
                #[test]
                fn sqlite() {
                    use crate::harness::{Backend, story, world::World};
                    story::run(Backend::Sqlite, World::start, super::$story);
                }
            }
        )+
    };
}
use told_once;

told_once!(
    get_takes_queries_only,
    operations_come_as_json_only,
    what_is_no_request_is_refused_in_words,
    statuses_are_those_of_the_asked_form,
    requests_have_ids,
    a_browser_gets_the_page,
    metrics_are_served_on_their_own_address,
    metrics_count_what_was_sent_and_asked_of_the_database,
);

/// Status, headers and body.
struct Heard {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Heard {
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{} and no JSON: {}", self.status, self.body))
    }

    /// The code of the only error.
    #[track_caller]
    fn code(&self) -> String {
        let body = self.json();
        let errors = body["errors"].as_array().unwrap_or_else(|| panic!("no errors in {body}"));
        assert_eq!(errors.len(), 1, "{body}");
        assert!(errors[0]["message"].as_str().is_some_and(|words| !words.is_empty()), "{body}");
        errors[0]["extensions"]["code"].as_str().expect("a code").to_owned()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }
}

fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().expect("a client")
}

async fn hear(request: RequestBuilder) -> Heard {
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status(), response.headers().clone());
    Heard { status, headers, body: response.text().await.expect("a body") }
}

/// A request to the GraphQL door by the administrator.
fn door(world: &World, method: Method) -> RequestBuilder {
    let token = world.admin.api.token.as_deref().expect("signed in");
    http().request(method, format!("{}/graphql", world.server.url)).bearer_auth(token)
}

/// The GraphQL door's address with a query in it.
fn asking(world: &World, query: &[(&str, &str)]) -> url::Url {
    url::Url::parse_with_params(&format!("{}/graphql", world.server.url), query).expect("an address")
}

async fn get_takes_queries_only(world: World) {
    let token = world.admin.api.token.as_deref().expect("signed in");
    let get = async |query: &[(&str, &str)]| hear(http().get(asking(&world, query)).bearer_auth(token)).await;
    let heard = get(&[("query", "{ viewer { id } }")]).await;
    assert_eq!((heard.status, &heard.json()["data"]["viewer"]["id"]), (StatusCode::OK, &json!(world.admin.id)));
    let document = "query A($id: ID!) { node(id: $id) { id } } query B { viewer { name } }";
    let variables = json!({ "id": world.admin.id }).to_string();
    let heard = get(&[("query", document), ("operationName", "A"), ("variables", &variables)]).await;
    assert_eq!(heard.json()["data"]["node"]["id"], json!(world.admin.id));

    let before = world.cursor().await;
    for mutation in [
        "mutation { createApiToken(input: { name: \"x\" }) { secret } }",
        "mutation { signOut { signedOut } }",
        "query A { viewer { id } } mutation B { signOut { signedOut } }",
        "subscription { events { kind } }",
    ] {
        let heard =
            get(&[("query", mutation), ("operationName", if mutation.contains("mutation B") { "B" } else { "" })])
                .await;
        assert_eq!(
            (heard.status, heard.code().as_str()),
            (StatusCode::METHOD_NOT_ALLOWED, "BAD_USER_INPUT"),
            "{mutation}"
        );
        assert_eq!(heard.header("allow"), "POST");
    }
    assert_eq!(world.cursor().await, before);
    for variables in ["nonsense", "[]", "1"] {
        let heard = get(&[("query", "{ viewer { id } }"), ("variables", variables)]).await;
        assert_eq!((heard.status, heard.code().as_str()), (StatusCode::BAD_REQUEST, "BAD_USER_INPUT"), "{variables}");
    }
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        assert_eq!(hear(door(&world, method)).await.status, StatusCode::METHOD_NOT_ALLOWED);
    }
}

async fn operations_come_as_json_only(world: World) {
    let mutation =
        json!({ "query": "mutation { createApiToken(input: { name: \"forged\" }) { secret } }" }).to_string();
    let multipart =
        format!("--b\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n{mutation}\r\n--b--\r\n");
    for (kind, body) in [
        (None, mutation.clone()),
        (Some("text/plain"), mutation.clone()),
        (Some("text/plain; application/json"), mutation.clone()),
        (Some("application/graphql"), "mutation { signOut { signedOut } }".into()),
        (Some("application/x-www-form-urlencoded"), format!("query={mutation}")),
        (Some("multipart/form-data; boundary=b"), multipart),
        (Some("application/jsonp"), mutation.clone()),
    ] {
        let mut request = door(&world, Method::POST).body(body);
        if let Some(kind) = kind {
            request = request.header(CONTENT_TYPE, kind);
        }
        let heard = hear(request).await;
        assert_eq!(
            (heard.status, heard.code().as_str()),
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, "BAD_USER_INPUT"),
            "{kind:?}"
        );
    }
    let tokens = world.admin.api.run("{ apiTokens { name } }", Value::Null).await;
    assert_eq!(tokens.at("apiTokens"), &json!([]), "nothing of it ran");
    for kind in ["application/json", "application/json; charset=utf-8", "Application/JSON"] {
        let heard =
            hear(door(&world, Method::POST).header(CONTENT_TYPE, kind).body("{\"query\":\"{ viewer { id } }\"}")).await;
        assert_eq!(heard.json()["data"]["viewer"]["id"], json!(world.admin.id), "{kind}");
    }
}

async fn what_is_no_request_is_refused_in_words(world: World) {
    for body in [
        "",
        "{",
        "{\"query\":",
        "null",
        "1",
        "\"{ viewer { id } }\"",
        "{}",
        "{\"query\": null}",
        "{\"query\": 1}",
        "{\"query\": \"{ viewer { id } }\", \"variables\": []}",
        "{\"query\": \"{ viewer { id } }\", \"variables\": \"{}\"}",
        "{\"query\": \"{ viewer { id } }\", \"operationName\": 1}",
        "[]",
        "[{\"query\": \"{ viewer { id } }\"}, {\"query\": \"{ viewer { id } }\"}]",
        "\u{feff}{\"query\": \"{ viewer { id } }\"}",
    ] {
        let heard = hear(door(&world, Method::POST).header(CONTENT_TYPE, "application/json").body(body)).await;
        assert_eq!((heard.status, heard.code().as_str()), (StatusCode::BAD_REQUEST, "BAD_USER_INPUT"), "{body}");
    }
    let bytes = b"{\"query\": \"{ viewer { id } } # \xff\"}".to_vec();
    let heard = hear(door(&world, Method::POST).header(CONTENT_TYPE, "application/json").body(bytes)).await;
    assert_eq!((heard.status, heard.code().as_str()), (StatusCode::BAD_REQUEST, "BAD_USER_INPUT"));
    for (query, field) in
        [("", "syntax"), ("{", "syntax"), ("{ nothing }", "an unknown field"), ("{ node { id } }", "an argument")]
    {
        let heard = hear(door(&world, Method::POST).json(&json!({ "query": query }))).await;
        assert_eq!(heard.code(), "BAD_USER_INPUT", "{field}");
        assert!(heard.json()["errors"][0]["extensions"]["field"].is_null(), "a document's error names no argument");
    }
}

async fn statuses_are_those_of_the_asked_form(world: World) {
    let graphql = "application/graphql-response+json";
    let ask = async |accept: &str, token: Option<&str>, query: &str| {
        let token = token.or(world.admin.api.token.as_deref()).expect("one");
        let request = http().post(format!("{}/graphql", world.server.url)).bearer_auth(token);
        hear(request.header(ACCEPT, accept).json(&json!({ "query": query }))).await
    };
    let good = "{ viewer { id } }";
    let partly = "mutation { closeDialogue(dialogueId: \"x\") { dialogue { id } } createApiToken(input: { name: \"y\" }) { secret } }";
    for (accept, kind, query, status) in [
        ("application/json", "application/json", good, 200),
        ("*/*", "application/json", good, 200),
        ("text/html, */*", "application/json", good, 200),
        (graphql, graphql, good, 200),
        ("application/graphql-response+json, application/json;q=0.9", graphql, good, 200),
        ("application/json", "application/json", "{", 200),
        (graphql, graphql, "{", 400),
        (graphql, graphql, "{ nothing }", 400),
        (graphql, graphql, partly, 200),
    ] {
        let heard = ask(accept, None, query).await;
        assert_eq!(
            (heard.status.as_u16(), heard.header("content-type")),
            (status, kind),
            "{accept}, {query}: {}",
            heard.body
        );
        assert_eq!(heard.header("cache-control"), "no-store");
    }
    let heard = ask(graphql, None, partly).await;
    assert_eq!((heard.code().as_str(), &heard.json()["data"]["closeDialogue"]), ("NOT_FOUND", &Value::Null));
    assert!(heard.json()["data"]["createApiToken"]["secret"].is_string(), "the others have their results");
    for accept in [graphql, "application/json"] {
        let heard = ask(accept, Some("cqt_nonsense"), good).await;
        assert_eq!((heard.status, heard.code().as_str()), (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"), "{accept}");
    }
    let anonymous = hear(http().post(format!("{}/graphql", world.server.url)).json(&json!({ "query": good }))).await;
    assert_eq!(anonymous.code(), "UNAUTHENTICATED");
    let subscription =
        hear(door(&world, Method::POST).json(&json!({ "query": "subscription { events { kind } }" }))).await;
    assert_eq!((subscription.status, subscription.code().as_str()), (StatusCode::BAD_REQUEST, "BAD_USER_INPUT"));
}

async fn requests_have_ids(world: World) {
    let url = format!("{}/healthz", world.server.url);
    let (one, other) = (hear(http().get(&url)).await, hear(http().get(&url)).await);
    assert!(one.header("x-request-id").len() >= 16 && one.header("x-request-id") != other.header("x-request-id"));
    let given = hear(http().get(&url).header("x-request-id", "proxy-42_a")).await;
    assert_eq!(given.header("x-request-id"), "proxy-42_a");
    for odd in ["with space", "<script>", &"x".repeat(65), ""] {
        let heard = hear(http().get(&url).header("x-request-id", odd)).await;
        assert!(heard.header("x-request-id") != odd && !heard.header("x-request-id").is_empty(), "{odd}");
    }
    assert!(
        !hear(door(&world, Method::POST).body("{")).await.header("x-request-id").is_empty(),
        "refusals have one, too"
    );
    assert!(!hear(http().get(format!("{}/nowhere", world.server.url))).await.header("x-request-id").is_empty());
}

async fn the_server_tells_whether_it_is_alive_and_ready(world: World) {
    for path in ["/healthz", "/readyz"] {
        let heard = hear(http().get(format!("{}{path}", world.server.url))).await;
        assert_eq!(heard.status, StatusCode::OK, "{path}: {}", heard.body);
    }
    if world.backend == Backend::Postgres {
        let redis = world.database.redis.as_ref().expect("its own Redis");
        redis.stop().await;
        let heard = hear(http().get(format!("{}/readyz", world.server.url))).await;
        assert_eq!(heard.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(heard.body.contains("Redis"), "{}", heard.body);
        assert_eq!(hear(http().get(format!("{}/healthz", world.server.url))).await.status, StatusCode::OK);
    }
}

async fn a_browser_gets_the_page(world: World) {
    let request = http().get(format!("{}/graphql", world.server.url)).header(ACCEPT, "text/html,application/xhtml+xml");
    let page = hear(request).await;
    // Without Node nothing is built: then it says so.
    if page.status == StatusCode::NOT_FOUND {
        assert!(page.body.contains("make page"), "{}", page.body);
        return;
    }
    assert!(page.header("content-type").starts_with("text/html"), "{}", page.header("content-type"));
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"), "{policy}");
    for source in page.body.split(['"', '\'']).filter(|word| word.contains("://") || word.starts_with("//")) {
        assert!(source.starts_with("http://www.w3.org/"), "the page loads {source} from elsewhere");
    }
    let assets: Vec<_> =
        page.body.split('"').filter(|word| word.starts_with("/assets/") || word.starts_with("./assets/")).collect();
    for asset in assets {
        let heard = hear(http().get(format!("{}/{}", world.server.url, asset.trim_start_matches(['.', '/'])))).await;
        assert_eq!(heard.status, StatusCode::OK, "{asset}");
    }
    for outside in ["/assets/../../Cargo.toml", "/assets/%2e%2e/%2e%2e/Cargo.toml", "/assets/..%2f..%2fCargo.toml"] {
        let heard = hear(http().get(format!("{}{outside}", world.server.url))).await;
        assert!(heard.status == StatusCode::NOT_FOUND && !heard.body.contains("workspace"), "{outside}");
    }
}

async fn metrics_are_served_on_their_own_address(world: World) {
    assert_eq!(
        hear(http().get(format!("{}/metrics", world.server.url))).await.status,
        StatusCode::NOT_FOUND,
        "off by default"
    );
    drop(world);
    let free = crate::harness::port::free_port();
    let world = World::start_with(Backend::Sqlite, |config| {
        config.metrics_listen = Some(([127, 0, 0, 1], free).into());
    });
    let world = world.await;
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &crate::harness::updates::Person::new(701), "hello").await;
    world.admin.close(&dialogue).await;
    world.admin.api.run("mutation { closeDialogue(dialogueId: \"x\") { dialogue { id } } }", Value::Null).await;
    let follow = world.follow(&world.admin.api, None).await;
    let heard = hear(http().get(format!("http://127.0.0.1:{free}/metrics"))).await;
    drop(follow);
    assert_eq!(heard.status, StatusCode::OK);
    for (subject, line) in [
        ("requests", "POST /graphql"),
        ("mutations", "closeDialogue"),
        ("mutations", "NOT_FOUND"),
        ("inbound", "telegram"),
        ("subscri", ""),
        ("lag", ""),
    ] {
        let told = heard.body.lines().any(|text| text.contains(subject) && text.contains(line));
        assert!(told, "{subject} {line} is not in\n{}", heard.body);
    }
    assert!(heard.body.ends_with("# EOF\n"), "OpenMetrics ends so");
    let token = world.admin.api.token.as_deref().expect("signed in");
    assert!(!heard.body.contains(token) && !heard.body.contains(&channel.token));
    let wrong = hear(http().get(format!("http://127.0.0.1:{free}/graphql"))).await;
    assert_eq!(wrong.status, StatusCode::NOT_FOUND, "nothing else is there");
}

async fn metrics_count_what_was_sent_and_asked_of_the_database(world: World) {
    drop(world);
    let free = crate::harness::port::free_port();
    let world = World::start_with(Backend::Sqlite, |config| {
        config.metrics_listen = Some(([127, 0, 0, 1], free).into());
    });
    let world = world.await;
    let read = async || hear(http().get(format!("http://127.0.0.1:{free}/metrics"))).await.body;
    let channel = world.connect_channel("Shop").await;
    let person = crate::harness::updates::Person::new(711);
    let dialogue = world.write(&channel, &person, "hello").await;
    let mut feed = world.follow(&world.admin.api, None).await;
    assert_eq!(sample(&read().await, "colloquy_outbound_total{what=\"telegram\",outcome=\"sent\"}"), 0);
    let statements = sample(&read().await, "colloquy_statements_total");
    for (text, status) in [("one", "SENT"), ("two", "SENT"), ("never", "FAILED"), ("three", "SENT")] {
        if status == "FAILED" {
            world.telegram.fail_next("sendMessage", Fault::Status("error-400-chat-not-found"));
        }
        let message = world.admin.send(&dialogue, text).await;
        feed.until_delivery(&message, status).await;
    }
    let told = read().await;
    for (outcome, count) in [("sent", 3), ("failed", 1)] {
        let name = format!("colloquy_outbound_total{{what=\"telegram\",outcome=\"{outcome}\"}}");
        assert_eq!(sample(&told, &name), count, "{told}");
    }
    let more = sample(&told, "colloquy_statements_total") - statements;
    assert!(more >= 8, "each message is at least written and settled: {more} statements");
}

/// The value of one line; 0 where there is none.
fn sample(told: &str, name: &str) -> u64 {
    let line = told.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0, |value| value.parse().unwrap_or_else(|_| panic!("{name} is {value}")))
}
