//! What ends a connection ends it wherever it is: on another server, without Redis, by the clock.

use std::time::{Duration, Instant};

use chrono::DateTime;
use colloquy::config::Pace;
use colloquy_entity::Time;
use serde_json::{Value, json};

use crate::harness::Backend;
use crate::harness::client::Api;
use crate::harness::socket::{Operation, Raw, Socket};
use crate::harness::story::stories;
use crate::harness::world::{Server, Someone, World};

stories!(World: a_token_that_expires_closes_its_connections);
stories!(Hasty: a_client_has_as_long_to_say_who_it_is_as_is_set);
stories!(Pair, Postgres: what_ends_on_one_server_is_closed_on_another, without_redis_it_is_closed_there_too);

const PASSWORD: &str = "correct horse battery";

/// A server that waits but a moment for `connection_init`.
struct Hasty(World);

impl Hasty {
    async fn start(backend: Backend) -> Self {
        Self(World::start_with(backend, |config| config.connection_init_wait = Duration::from_millis(300)).await)
    }
}

async fn a_client_has_as_long_to_say_who_it_is_as_is_set(Hasty(world): Hasty) {
    let url = format!("{}/graphql", world.server.url);
    let opened = Instant::now();
    let mut quick = Raw::acknowledged(&url, world.admin.api.token.as_deref()).await;
    let (code, _) = Raw::open(&url).await.closed().await;
    assert_eq!(code, 4408);
    assert!(opened.elapsed() < Duration::from_secs(9), "ten seconds are for who sets nothing");
    quick.send(json!({ "type": "ping" })).await;
    assert_eq!(quick.next().await, json!({ "type": "pong" }), "who has said it goes on");
}

/// A server where rights end, and others where connections are open.
struct Pair {
    world: World,
    /// Looks into the database each second, as it does by itself.
    patient: Server,
    /// Never looks by itself as long as a story lasts: what it hears it hears by Redis.
    deaf: Server,
}

impl Pair {
    async fn start(backend: Backend) -> Self {
        let world = World::start_with(backend, |config| config.pace = Pace::default()).await;
        let patient = world.another().await;
        let deaf = world.another_with(|config| config.pace.look = Duration::from_secs(3600)).await;
        Self { world, patient, deaf }
    }

    /// Ends each kind of right at the first server: what was opened by it at another is closed, and nothing else.
    async fn end_each(&self, there: &Server) {
        let world = &self.world;
        let (api, admin) = (&world.admin.api, &world.admin);
        let user = world.user("EMPLOYEE").await;
        let colleague = world.user("EMPLOYEE").await;
        let bystanders = open(there, &[api, &colleague.api]).await;

        let (token, id) = token(&user, Value::Null).await;
        let opened = open(there, &[&token]).await;
        admin.act("revokeApiToken", "apiTokenId", &id).await.data();
        closed(&opened).await;

        let session = session(world, &user).await;
        let opened = open(there, &[&session]).await;
        session.run("mutation { signOut { signedOut } }", Value::Null).await.data();
        closed(&opened).await;

        let ended = [self::session(world, &user).await, self::session(world, &user).await];
        let opened = open(there, &[&ended[0], &ended[1]]).await;
        update(admin, &user, json!({ "password": "another horse battery" })).await;
        closed(&opened).await;

        let opened = open(there, &[&user.api]).await;
        update(admin, &user, json!({ "isActive": false })).await;
        closed(&opened).await;

        for (socket, _) in &bystanders {
            socket.ping().await;
        }
    }
}

async fn follow(server: &str, api: &Api) -> (Socket, Operation) {
    let socket = Socket::connect(&format!("{server}/graphql"), api.token.as_deref()).await;
    let operation = socket.subscribe("subscription { events { kind } }", json!({}));
    socket.ping().await;
    (socket, operation)
}

/// Connections of these, each with something that it follows.
async fn open(there: &Server, apis: &[&Api]) -> Vec<(Socket, Operation)> {
    let mut open = Vec::new();
    for api in apis {
        open.push(follow(&there.url, api).await);
    }
    open
}

async fn closed(opened: &[(Socket, Operation)]) {
    for (socket, _) in opened {
        assert_eq!(socket.closed().await.0, 4403);
    }
}

/// A further API token of somebody's, and its id.
async fn token(of: &Someone, expires_at: Value) -> (Api, String) {
    let create = "mutation($input: CreateApiTokenInput!) { createApiToken(input: $input) { secret apiToken { id } } }";
    let answer = of.api.run(create, json!({ "input": { "name": "live", "expiresAt": expires_at } })).await;
    let secret: String = answer.get("createApiToken.secret");
    (of.api.with_token(&secret), answer.get("createApiToken.apiToken.id"))
}

async fn session(world: &World, of: &Someone) -> Api {
    let email: String = of.api.run("{ viewer { email } }", Value::Null).await.get("viewer.email");
    let sign_in = "mutation($email: String!, $password: String!) {
        signIn(input: { email: $email, password: $password }) { token }
    }";
    let anonymous = Api::anonymous(&world.server.url);
    let answer = anonymous.run(sign_in, json!({ "email": email, "password": PASSWORD })).await;
    anonymous.with_token(&answer.get::<String>("signIn.token"))
}

async fn update(by: &Someone, user: &Someone, mut fields: Value) {
    fields["userId"] = json!(user.id);
    let update = "mutation($input: UpdateUserInput!) { updateUser(input: $input) { user { id } } }";
    by.api.run(update, json!({ "input": fields })).await.data();
}

async fn what_ends_on_one_server_is_closed_on_another(pair: Pair) {
    pair.end_each(&pair.deaf).await;
}

async fn without_redis_it_is_closed_there_too(pair: Pair) {
    pair.world.database.redis.as_ref().expect("PostgreSQL comes with it").stop().await;
    pair.end_each(&pair.patient).await;
}

async fn a_token_that_expires_closes_its_connections(world: World) {
    let user = world.user("EMPLOYEE").await;
    let soon = DateTime::from_timestamp_millis(Time::now().plus(1_500).0).expect("a year of ours");
    let (dated, _) = token(&user, json!(soon.to_rfc3339())).await;
    let (lasting, _) = token(&user, json!("2999-12-31T00:00:00Z")).await;
    let (expiring, mut following) = follow(&world.server.url, &dated).await;
    let other = follow(&world.server.url, &lasting).await;
    dated.run("{ viewer { id } }", Value::Null).await.data();
    let channel = world.connect_channel("Shop").await;
    world.write(&channel, &crate::harness::updates::Person::new(8011), "hello").await;
    assert_eq!(following.next().await["data"]["events"]["kind"], "CHANNEL_CHANGED", "until then it is as any");

    let (code, words) = expiring.closed().await;

    assert_eq!(code, 4403);
    assert!(words.contains("expired"), "{words}");
    let refused = dated.run("{ viewer { id } }", Value::Null).await;
    assert_eq!(refused.error_code(), "UNAUTHENTICATED");
    other.0.ping().await;
}
