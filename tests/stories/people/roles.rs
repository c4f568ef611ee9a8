//! What a change of role or a deactivation does, to what an employee may do and to who is left.

use futures_util::future::join;
use serde_json::{Value, json};

use crate::harness::feed;
use crate::harness::socket::Socket;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::{Someone, World};

use super::{PASSWORD, VIEWER, anonymous, email, sign_in, update};

stories!(World: the_last_administrator_stays_one, of_two_administrators_who_demote_each_other_one_stays,
    a_new_role_holds_at_once_and_is_told_to_its_owner, a_deactivated_employee_is_out_at_once,
    a_new_password_ends_the_other_sessions);

async fn administrators(world: &World) -> Vec<Value> {
    let users = world.admin.api.run("{ users(role: ADMIN) { nodes { id isActive } } }", Value::Null).await;
    let users: Vec<Value> = users.get("users.nodes");
    users.into_iter().filter(|user| user["isActive"] == true).collect()
}

async fn the_last_administrator_stays_one(world: World) {
    let admin = &world.admin;
    let inactive = world.user("ADMIN").await;
    update(admin, &inactive, json!({ "isActive": false })).await.data();
    let changes =
        [json!({ "role": "EMPLOYEE" }), json!({ "isActive": false }), json!({ "role": "OBSERVER", "isActive": false })];
    for change in &changes {
        assert_eq!(update(admin, admin, change.clone()).await.error_code(), "CONFLICT", "{change}");
    }
    assert_eq!(administrators(&world).await, [json!({ "id": admin.id, "isActive": true })]);

    // With another one, they may go.
    let second = world.user("ADMIN").await;
    update(&second, admin, json!({ "role": "EMPLOYEE" })).await.data();
    for change in &changes {
        assert_eq!(update(&second, &second, change.clone()).await.error_code(), "CONFLICT", "{change}");
    }
    assert_eq!(update(admin, &second, json!({ "name": "x" })).await.error_code(), "FORBIDDEN");
}

async fn of_two_administrators_who_demote_each_other_one_stays(world: World) {
    for change in [json!({ "role": "EMPLOYEE" }), json!({ "isActive": false })] {
        // Those of the last round who are left do no harm: they are demoted first, by who is left.
        let (first, second) = (world.user("ADMIN").await, world.user("ADMIN").await);
        demote_all_but(&world, &[&first, &second]).await;

        let (one, other) = join(update(&first, &second, change.clone()), update(&second, &first, change)).await;

        let done = [&one, &other].into_iter().filter(|answer| answer.errors().is_empty()).count();
        assert_eq!(done, 1, "{one}\n{other}");
        let left = if one.errors().is_empty() { &first } else { &second };
        let users = left.api.run("{ users(role: ADMIN) { nodes { id isActive } } }", Value::Null).await;
        let users: Vec<Value> = users.get("users.nodes");
        let active: Vec<_> = users.iter().filter(|user| user["isActive"] == true).collect();
        assert_eq!(active, [&json!({ "id": left.id, "isActive": true })]);
        // The harness's own administrator makes the next round's.
        update(left, &world.admin, json!({ "role": "ADMIN" })).await.data();
    }
}

async fn demote_all_but(world: &World, kept: &[&Someone]) {
    for user in administrators(world).await {
        let id = user["id"].as_str().expect("an id").to_owned();
        if kept.iter().all(|kept| kept.id != id) {
            let user = Someone { id, api: kept[0].api.clone() };
            update(kept[0], &user, json!({ "role": "EMPLOYEE" })).await.data();
        }
    }
}

async fn a_new_role_holds_at_once_and_is_told_to_its_owner(world: World) {
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &Person::new(1001), "hello").await;
    let user = world.user("EMPLOYEE").await;
    let start = world.cursor().await;
    let mut live = world.follow(&user.api, Some(&start)).await;
    let sees = async || {
        let read = user
            .api
            .run("query($id: ID!) { dialogue(id: $id) { id } dialogues { totalCount } }", json!({ "id": dialogue }));
        let answer = read.await;
        assert_eq!(answer.at("dialogue").is_null(), answer.at("dialogues.totalCount") == 0, "{answer}");
        !answer.at("dialogue").is_null()
    };
    let mut expected = Vec::new();
    for (role, seen, told) in [
        ("ADMIN", true, None),
        ("EMPLOYEE", true, None),
        ("OBSERVER", false, Some("ACCESS_REVOKED")),
        ("OBSERVER", false, None),
        ("ADMIN", true, Some("ACCESS_GRANTED")),
        ("OBSERVER", false, Some("ACCESS_REVOKED")),
        ("EMPLOYEE", true, Some("ACCESS_GRANTED")),
    ] {
        update(&world.admin, &user, json!({ "role": role })).await.data();
        assert_eq!(sees().await, seen, "as {role}");
        expected.extend(told);
    }

    let events = feed::events(&user.api, Some(&start)).await;
    assert_eq!(feed::kinds(&events), expected);
    for event in &events {
        assert_eq!((&event["dialogueId"], &event["dialogue"]), (&Value::Null, &Value::Null));
        assert_eq!(event["actor"]["id"], json!(world.admin.id));
        assert_eq!(live.next().await, *event, "live as read");
    }
    assert_eq!(feed::events(&world.admin.api, Some(&start)).await, Vec::<Value>::new(), "it is theirs alone");
    let named = "query($after: String, $kinds: [EventKind!]) { events(after: $after, filter: { kinds: $kinds }) { nodes { kind } } }";
    for (kinds, count) in
        [(json!(["MESSAGE_ADDED"]), 0), (json!(["ACCESS_GRANTED"]), 2), (json!(["ACCESS_REVOKED"]), 2)]
    {
        let answer = user.api.run(named, json!({ "after": start, "kinds": kinds })).await;
        assert_eq!(answer.get::<Vec<Value>>("events.nodes").len(), count, "{kinds}");
    }
}

async fn a_deactivated_employee_is_out_at_once(world: World) {
    let user = world.user("EMPLOYEE").await;
    let email = email(&user).await;
    let session = sign_in(&anonymous(&world), &email, PASSWORD).await.get::<String>("signIn.token");
    let url = format!("{}/graphql", world.server.url);
    let by_token = Socket::connect(&url, user.api.token.as_deref()).await;
    let by_session = Socket::connect(&url, Some(&session)).await;
    let following = by_token.subscribe("subscription { events { kind } }", json!({}));
    let other = Socket::connect(&url, world.admin.api.token.as_deref()).await;

    update(&world.admin, &user, json!({ "isActive": false })).await.data();

    for socket in [&by_token, &by_session] {
        assert_eq!(socket.closed().await.0, 4403);
    }
    drop(following);
    for api in [user.api.clone(), user.api.with_token(&session)] {
        assert_eq!(api.run(VIEWER, Value::Null).await.error_code(), "UNAUTHENTICATED");
    }
    let mut again = crate::harness::socket::Raw::open(&url).await;
    let token = user.api.token.as_deref().expect("a token");
    again.send(json!({ "type": "connection_init", "payload": { "authorization": format!("Bearer {token}") } })).await;
    assert_eq!(again.closed().await.0, 4403);
    other.ping().await;

    // Who comes back signs in anew: sessions are over, tokens hold again.
    update(&world.admin, &user, json!({ "isActive": true })).await.data();
    assert_eq!(user.api.with_token(&session).run(VIEWER, Value::Null).await.error_code(), "UNAUTHENTICATED");
    sign_in(&anonymous(&world), &email, PASSWORD).await.data();
}

async fn a_new_password_ends_the_other_sessions(world: World) {
    let email = "admin@example.com";
    let other = sign_in(&anonymous(&world), email, PASSWORD).await.get::<String>("signIn.token");
    let url = format!("{}/graphql", world.server.url);
    let socket = Socket::connect(&url, Some(&other)).await;
    let own = Socket::connect(&url, world.admin.api.token.as_deref()).await;

    update(&world.admin, &world.admin, json!({ "password": "another horse battery" })).await.data();

    assert_eq!(socket.closed().await.0, 4403);
    assert_eq!(world.admin.api.with_token(&other).run(VIEWER, Value::Null).await.error_code(), "UNAUTHENTICATED");
    world.admin.api.run(VIEWER, Value::Null).await.data();
    own.ping().await;
    assert_eq!(sign_in(&anonymous(&world), email, PASSWORD).await.error_code(), "UNAUTHENTICATED");
    sign_in(&anonymous(&world), email, "another horse battery").await.data();
}
