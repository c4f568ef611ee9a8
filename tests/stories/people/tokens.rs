//! Tokens: made, used, expired, revoked, and never kept in clear.

use colloquy_entity::{Time, api_token, session};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Statement};
use serde_json::{Value, json};

use crate::harness::Backend;
use crate::harness::client::Answer;
use crate::harness::socket::Socket;
use crate::harness::story::stories;
use crate::harness::world::{Someone, World};

use super::{PASSWORD, VIEWER, anonymous, sign_in, update};

stories!(World: a_token_is_shown_once_and_works_until_it_is_revoked, tokens_are_checked, tokens_and_sessions_expire,
    signing_out_closes_its_own_connections, nothing_secret_is_kept_in_clear);

const CREATE: &str = "mutation($input: CreateApiTokenInput!) {
    createApiToken(input: $input) { apiToken { id name user { id } lastUsedAt expiresAt } secret }
}";
const TOKENS: &str = "{ apiTokens { id name user { id } lastUsedAt expiresAt } }";

async fn create(by: &Someone, input: Value) -> Answer {
    by.api.run(CREATE, json!({ "input": input })).await
}

async fn names(of: &Someone) -> Vec<String> {
    let tokens: Vec<Value> = of.api.run(TOKENS, Value::Null).await.get("apiTokens");
    tokens.iter().map(|token| token["name"].as_str().expect("a name").to_owned()).collect()
}

async fn revoke(by: &Someone, id: &Value) -> Answer {
    let revoke = "mutation($id: ID!) { revokeApiToken(apiTokenId: $id) { apiToken { id } secret } }";
    by.api.run(revoke, json!({ "id": id })).await
}

async fn a_token_is_shown_once_and_works_until_it_is_revoked(world: World) {
    let user = world.user("EMPLOYEE").await;
    let created = create(&user, json!({ "name": "sync" })).await;
    let token = created.at("createApiToken.apiToken").clone();
    assert_eq!((&token["user"]["id"], &token["lastUsedAt"]), (&json!(user.id), &Value::Null));
    let program =
        Someone { id: user.id.clone(), api: user.api.with_token(&created.get::<String>("createApiToken.secret")) };
    assert_eq!(program.api.run(VIEWER, Value::Null).await.at("viewer.id"), &json!(user.id));
    let listed: Vec<Value> = user.api.run(TOKENS, Value::Null).await.get("apiTokens");
    let listed = listed.iter().find(|listed| listed["id"] == token["id"]).expect("it is listed");
    assert!(listed["lastUsedAt"].is_string(), "it was used: {listed}");

    // One's own; an administrator's answer has everyone's.
    let for_them = create(&world.admin, json!({ "name": "from above", "userId": user.id })).await;
    assert_eq!(for_them.at("createApiToken.apiToken.user.id"), &json!(user.id));
    assert_eq!(names(&user).await, ["story", "sync", "from above"]);
    let colleague = world.user("EMPLOYEE").await;
    assert_eq!(names(&colleague).await, ["story"]);
    assert_eq!(names(&world.admin).await, ["story", "sync", "from above", "story"]);
    assert_eq!(create(&user, json!({ "name": "x", "userId": colleague.id })).await.error_code(), "FORBIDDEN");
    create(&user, json!({ "name": "y", "userId": user.id })).await.data();
    let node = colleague.api.run("query($id: ID!) { node(id: $id) { id } }", json!({ "id": token["id"] })).await;
    assert_eq!(node.at("node"), &Value::Null);
    assert_eq!(revoke(&colleague, &token["id"]).await.error_code(), "NOT_FOUND");

    let socket = Socket::connect(&format!("{}/graphql", user.api.url), program.api.token.as_deref()).await;
    let revoked = revoke(&user, &token["id"]).await;
    assert_eq!(revoked.at("revokeApiToken.secret"), &Value::Null);
    assert_eq!(socket.closed().await.0, 4403);
    assert_eq!(program.api.run(VIEWER, Value::Null).await.error_code(), "UNAUTHENTICATED");
    assert_eq!(revoke(&user, &token["id"]).await.error_code(), "NOT_FOUND", "it is gone");
    user.api.run(VIEWER, Value::Null).await.data();
}

async fn tokens_are_checked(world: World) {
    let user = world.user("EMPLOYEE").await;
    let gone = world.user("EMPLOYEE").await;
    update(&world.admin, &gone, json!({ "isActive": false })).await.data();
    for (input, field) in [
        (json!({ "name": "" }), "input.name"),
        (json!({ "name": "n".repeat(257) }), "input.name"),
        (json!({ "name": "x", "expiresAt": "2020-01-01T00:00:00Z" }), "input.expiresAt"),
        (json!({ "name": "x", "userId": gone.id }), "input.userId"),
        (json!({ "name": "x", "userId": "nonsense" }), "input.userId"),
    ] {
        let answer = create(&world.admin, input.clone()).await;
        assert_eq!((answer.error_code(), answer.error_field()), ("BAD_USER_INPUT", Some(field)), "{input}");
    }
    assert_eq!(create(&world.admin, json!({ "name": "x", "expiresAt": "soon" })).await.error_code(), "BAD_USER_INPUT");
    let dated = create(&user, json!({ "name": "dated", "expiresAt": "2999-12-31T23:59:59.9999+03:00" })).await;
    assert_eq!(dated.at("createApiToken.apiToken.expiresAt"), "2999-12-31T20:59:59.999Z", "UTC, to the millisecond");
    for token in ["", "nonsense", "cqt_", "cqs_nonsense", &"t".repeat(5000)] {
        assert_eq!(
            user.api.with_token(token).run(VIEWER, Value::Null).await.error_code(),
            "UNAUTHENTICATED",
            "{token}"
        );
    }
}

async fn tokens_and_sessions_expire(world: World) {
    let user = world.user("EMPLOYEE").await;
    let created = create(&user, json!({ "name": "dated", "expiresAt": "2999-12-31T00:00:00Z" })).await;
    let by_token = user.api.with_token(&created.get::<String>("createApiToken.secret"));
    let signed_in = sign_in(&anonymous(&world), &super::email(&user).await, PASSWORD).await;
    let by_session = user.api.with_token(&signed_in.get::<String>("signIn.token"));
    for api in [&by_token, &by_session] {
        api.run(VIEWER, Value::Null).await.data();
    }

    // The time has come.
    let db = world.server.running().app.db.write();
    let past = Expr::value(Time::now().plus(-1).0);
    let tokens = api_token::Entity::update_many().col_expr(api_token::Column::ExpiresAt, past.clone());
    tokens.filter(api_token::Column::ExpiresAt.is_not_null()).exec(db).await.expect("a row");
    session::Entity::update_many().col_expr(session::Column::ExpiresAt, past).exec(db).await.expect("a row");

    for api in [&by_token, &by_session, &world.admin.api] {
        assert_eq!(api.run(VIEWER, Value::Null).await.error_code(), "UNAUTHENTICATED");
    }
    user.api.run(VIEWER, Value::Null).await.data();
}

async fn signing_out_closes_its_own_connections(world: World) {
    let signed_in = sign_in(&anonymous(&world), "admin@example.com", PASSWORD).await;
    let session = world.admin.api.with_token(&signed_in.get::<String>("signIn.token"));
    let url = format!("{}/graphql", session.url);
    let socket = Socket::connect(&url, session.token.as_deref()).await;
    let other = Socket::connect(&url, world.admin.api.token.as_deref()).await;

    session.run("mutation { signOut { signedOut } }", Value::Null).await.data();

    assert_eq!(socket.closed().await.0, 4403);
    other.ping().await;
}

async fn nothing_secret_is_kept_in_clear(world: World) {
    let channel = world.connect_channel("Shop").await;
    let webhook = world.telegram.wait_for_webhook(&channel.token).await;
    let user = world.user("EMPLOYEE").await;
    let token = user.api.token.clone().expect("a token");
    let session = world.admin.api.token.clone().expect("a session");
    let secrets = [PASSWORD, &token, &session, &channel.token, &webhook.secret];
    let kept = everything_kept(&world).await;
    assert!(kept.contains("admin@example.com") && kept.contains("$argon2id$"), "what is kept was read");
    for secret in secrets {
        assert!(!kept.contains(secret), "{secret} is kept in clear");
        // PostgreSQL shows bytes as hexadecimal digits.
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert!(!kept.contains(&hex), "{secret} is kept in clear, as bytes");
    }
    let told = user.api.run("{ channels { id name handle state stateReason } }", Value::Null).await.body.to_string();
    assert!(!told.contains(&channel.token) && !told.contains(&webhook.secret));
}

/// The whole database as text, whatever else may be between.
async fn everything_kept(world: &World) -> String {
    let db = world.server.running().app.db.write();
    match world.backend {
        Backend::Sqlite => {
            let file = world.database.url.strip_prefix("sqlite://").expect("a file").to_owned();
            let files = [file.clone(), format!("{file}-wal")];
            let bytes: Vec<u8> = files.iter().flat_map(|file| std::fs::read(file).unwrap_or_default()).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        }
        Backend::Postgres => {
            let all = "SELECT database_to_xml(true, true, '')::text AS everything";
            let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), all)).await;
            let everything: String = row.expect("readable").expect("a row").try_get("", "everything").expect("a text");
            // XML has bytes in base64; their text is looked for as it is in every other column.
            everything + &bytes_kept(world).await
        }
    }
}

async fn bytes_kept(world: &World) -> String {
    let db = world.server.running().app.db.write();
    let sql = "SELECT coalesce(string_agg(encode(bytes, 'hex'), ' '), '') AS hex FROM (
        SELECT token_hash AS bytes FROM sessions UNION ALL SELECT token_hash FROM api_tokens UNION ALL SELECT credentials FROM channels
    ) AS all_bytes";
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await;
    row.expect("readable").expect("a row").try_get("", "hex").expect("a text")
}
