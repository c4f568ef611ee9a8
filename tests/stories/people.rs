//! Employees: signing in and out, their tokens, and what is kept of both.

mod roles;
mod tokens;

use reqwest::header::SET_COOKIE;
use serde_json::{Value, json};

use crate::harness::client::{Answer, Api};
use crate::harness::story::stories;
use crate::harness::world::{Someone, World};

const SIGN_IN: &str = "mutation($email: String!, $password: String!) {
    signIn(input: { email: $email, password: $password }) { token expiresAt viewer { id email role isActive } }
}";
const VIEWER: &str = "{ viewer { id } }";
/// Of everybody that the harness makes.
const PASSWORD: &str = "correct horse battery";

stories!(World: whoever_knows_the_password_signs_in_and_out, who_is_unknown_is_answered_as_who_is_wrong,
    too_many_failures_have_to_wait, one_document_signs_in_once, new_employees_are_checked,
    what_is_left_out_stays_and_null_is_refused, employees_are_found_by_name_and_role);

async fn sign_in(api: &Api, email: &str, password: &str) -> Answer {
    api.run(SIGN_IN, json!({ "email": email, "password": password })).await
}

fn anonymous(world: &World) -> Api {
    Api::anonymous(&world.server.url)
}

async fn email(user: &Someone) -> String {
    user.api.run("{ viewer { email } }", Value::Null).await.get("viewer.email")
}

/// Changes a user as an administrator.
async fn update(by: &Someone, user: &Someone, fields: Value) -> Answer {
    let mut input = fields;
    input["userId"] = json!(user.id);
    let update =
        "mutation($input: UpdateUserInput!) { updateUser(input: $input) { user { id name email role isActive } } }";
    by.api.run(update, json!({ "input": input })).await
}

async fn whoever_knows_the_password_signs_in_and_out(world: World) {
    for role in ["ADMIN", "EMPLOYEE", "OBSERVER"] {
        let user = world.user(role).await;
        let email = email(&user).await;
        let answer = sign_in(&anonymous(&world), &format!(" {} ", email.to_uppercase()), PASSWORD).await;
        assert_eq!(
            answer.at("signIn.viewer"),
            &json!({ "id": user.id, "email": email, "role": role, "isActive": true })
        );
        let session = user.api.with_token(&answer.get::<String>("signIn.token"));
        assert_eq!(session.run(VIEWER, Value::Null).await.at("viewer.id"), &json!(user.id));

        let out = session.run("mutation { signOut { signedOut } }", Value::Null).await;
        assert_eq!(out.at("signOut.signedOut"), true);

        assert_eq!(session.run(VIEWER, Value::Null).await.error_code(), "UNAUTHENTICATED");
        assert_eq!(
            user.api.run(VIEWER, Value::Null).await.at("viewer.id"),
            &json!(user.id),
            "the token is another thing"
        );
        let kept = user.api.run("mutation { signOut { signedOut } }", Value::Null).await;
        assert_eq!(kept.error_code(), "CONFLICT", "an API token is revoked instead");
    }

    // The page's cookie: for this page alone, and scripts cannot read it.
    let body = json!({ "query": SIGN_IN, "variables": { "email": "admin@example.com", "password": PASSWORD } });
    let http = reqwest::Client::new();
    let url = format!("{}/graphql", world.server.url);
    let response = http.post(&url).json(&body).send().await.expect("an answer");
    let cookie = response.headers()[SET_COOKIE].to_str().expect("ASCII").to_owned();
    for part in ["; Path=/", "; HttpOnly", "; SameSite=Strict", "; Max-Age=2592000"] {
        assert!(cookie.contains(part), "{cookie} has no {part}");
    }
    let (pair, _) = cookie.split_once(';').expect("attributes");
    let asked =
        http.post(&url).header("Cookie", pair).json(&json!({ "query": VIEWER })).send().await.expect("an answer");
    let asked: Value = asked.json().await.expect("JSON");
    assert_eq!(asked["data"]["viewer"]["id"], json!(world.admin.id));
}

async fn who_is_unknown_is_answered_as_who_is_wrong(world: World) {
    let gone = world.user("EMPLOYEE").await;
    let gone_email = email(&gone).await;
    update(&world.admin, &gone, json!({ "isActive": false })).await.data();
    let api = anonymous(&world);

    let wrong = sign_in(&api, "admin@example.com", "no such password").await;

    assert_eq!(wrong.error_code(), "UNAUTHENTICATED");
    assert_eq!(wrong.body["data"]["signIn"], Value::Null);
    for (email, password) in [
        ("nobody@example.com", PASSWORD),
        ("nobody@example.com", ""),
        ("admin@example.com", ""),
        ("", ""),
        ("not an address", PASSWORD),
        (gone_email.as_str(), PASSWORD),
        (gone_email.as_str(), "no such password"),
        ("admin@example.com", &"long ".repeat(1000)),
        ("admin@example.com\0", PASSWORD),
    ] {
        let answer = sign_in(&api, email, password).await;
        assert_eq!(answer.body, wrong.body, "{email:?} with {password:?}");
    }
}

async fn too_many_failures_have_to_wait(world: World) {
    let api = anonymous(&world);
    for email in ["admin@example.com", "nobody@example.com"] {
        for attempt in 1..=10 {
            assert_eq!(sign_in(&api, email, "wrong").await.error_code(), "UNAUTHENTICATED", "attempt {attempt}");
        }
        for password in ["wrong", PASSWORD] {
            let answer = sign_in(&api, email, password).await;
            assert_eq!(answer.error_code(), "RATE_LIMITED", "{email}");
            let wait = answer.error()["extensions"]["retryAfter"].as_u64();
            assert!(wait.is_some_and(|seconds| (1..=60).contains(&seconds)), "{answer}");
        }
    }
    // Nobody else waits for that, and who is signed in stays.
    let other = world.user("EMPLOYEE").await;
    sign_in(&api, &email(&other).await, PASSWORD).await.data();
    world.admin.api.run(VIEWER, Value::Null).await.data();
}

async fn one_document_signs_in_once(world: World) {
    let many: String = (0..20)
        .map(|n| {
            format!("s{n}: signIn(input: {{ email: \"admin@example.com\", password: \"guess {n}\" }}) {{ token }} ")
        })
        .collect();
    let answer = anonymous(&world).run(&format!("mutation {{ {many} }}"), Value::Null).await;
    assert_eq!(answer.error_code(), "BAD_USER_INPUT");
    let hidden = "mutation { ...Two } fragment Two on Mutation {
        a: signIn(input: { email: \"a@b.c\", password: \"x\" }) { token } b: signIn(input: { email: \"a@b.c\", password: \"y\" }) { token }
    }";
    assert_eq!(anonymous(&world).run(hidden, Value::Null).await.error_code(), "BAD_USER_INPUT");
}

async fn users(world: &World) -> Value {
    world
        .admin
        .api
        .run("{ users(first: 100) { nodes { id name email role isActive } } }", Value::Null)
        .await
        .get("users.nodes")
}

async fn new_employees_are_checked(world: World) {
    let before = users(&world).await;
    let create = "mutation($input: CreateUserInput!) { createUser(input: $input) { user { id name email } } }";
    let good = json!({ "name": "Zoë", "email": "zoe@example.com", "password": "long enough", "role": "OBSERVER" });
    for (field, values) in [
        ("name", vec![json!(""), json!("  "), json!("a\nb"), json!("n".repeat(257)), json!("\u{0}")]),
        (
            "email",
            vec![
                json!(""),
                json!("zoe"),
                json!("@example.com"),
                json!("zoe@"),
                json!("z o@example.com"),
                json!("ADMIN@example.com"),
            ],
        ),
        ("password", vec![json!(""), json!("short"), json!("p".repeat(1025))]),
    ] {
        for value in values {
            let mut input = good.clone();
            input[field] = value.clone();
            let answer = world.admin.api.run(create, json!({ "input": input })).await;
            let expected = format!("input.{field}");
            assert_eq!(
                (answer.error_code(), answer.error_field()),
                ("BAD_USER_INPUT", Some(expected.as_str())),
                "{value}"
            );
        }
    }
    assert_eq!(users(&world).await, before, "what was refused changed nothing");

    let mut input = good;
    input["name"] = json!("  Zoë  ");
    input["email"] = json!(" Zoe@Example.com ");
    let answer = world.admin.api.run(create, json!({ "input": input })).await;
    assert_eq!(
        (answer.at("createUser.user.name"), answer.at("createUser.user.email")),
        (&json!("Zoë"), &json!("zoe@example.com"))
    );
    sign_in(&anonymous(&world), "zoe@example.com", "long enough").await.data();
}

async fn what_is_left_out_stays_and_null_is_refused(world: World) {
    let user = world.user("EMPLOYEE").await;
    let before = users(&world).await;
    for field in ["name", "email", "password", "role", "isActive"] {
        let answer = update(&world.admin, &user, json!({ field: null })).await;
        let expected = format!("input.{field}");
        assert_eq!((answer.error_code(), answer.error_field()), ("BAD_USER_INPUT", Some(expected.as_str())));
    }
    // Variables that are declared and not given are as left out.
    let unset = "mutation($id: ID!, $name: String, $email: String, $password: String, $role: Role, $active: Boolean) {
        updateUser(input: { userId: $id, name: $name, email: $email, password: $password, role: $role, isActive: $active }) {
            user { id }
        }
    }";
    world.admin.api.run(unset, json!({ "id": user.id })).await.data();
    assert_eq!(users(&world).await, before);
    sign_in(&anonymous(&world), &email(&user).await, PASSWORD).await.data();

    let answer = update(&world.admin, &user, json!({ "email": "admin@example.com" })).await;
    assert_eq!((answer.error_code(), answer.error_field()), ("BAD_USER_INPUT", Some("input.email")), "taken");
    let answer = update(&world.admin, &user, json!({ "name": "Named anew", "email": "anew@example.com" })).await;
    assert_eq!(
        answer.at("updateUser.user"),
        &json!({ "id": user.id, "name": "Named anew", "email": "anew@example.com", "role": "EMPLOYEE", "isActive": true })
    );
}

async fn employees_are_found_by_name_and_role(world: World) {
    let create = "mutation($name: String!, $email: String!, $role: Role!) {
        createUser(input: { name: $name, email: $email, password: \"long enough\", role: $role }) { user { id } }
    }";
    for (name, email, role) in [
        ("Алёна Ёлкина", "alena@example.com", "EMPLOYEE"),
        ("Пётр 100%", "petr_1@example.com", "OBSERVER"),
        ("Ann_Lee", "ann@example.com", "EMPLOYEE"),
    ] {
        world.admin.api.run(create, json!({ "name": name, "email": email, "role": role })).await.data();
    }
    let find = "query($text: String, $role: Role) { users(text: $text, role: $role) { totalCount nodes { name } } }";
    for (asked, expected) in [
        (json!({ "text": "ЕЛКИНА" }), vec!["Алёна Ёлкина"]),
        (json!({ "text": "алЁна" }), vec!["Алёна Ёлкина"]),
        (json!({ "text": "пЕтР" }), vec!["Пётр 100%"]),
        (json!({ "text": "%" }), vec!["Пётр 100%"]),
        (json!({ "text": "_" }), vec!["Пётр 100%", "Ann_Lee"]),
        (json!({ "text": "\\" }), vec![]),
        (json!({ "text": "example.com" }), vec!["Administrator", "Алёна Ёлкина", "Пётр 100%", "Ann_Lee"]),
        (json!({ "role": "EMPLOYEE" }), vec!["Алёна Ёлкина", "Ann_Lee"]),
        (json!({ "text": "ann@", "role": "OBSERVER" }), vec![]),
        (json!({ "text": "" }), vec!["Administrator", "Алёна Ёлкина", "Пётр 100%", "Ann_Lee"]),
    ] {
        let answer = world.admin.api.run(find, asked.clone()).await;
        let nodes: Vec<Value> = answer.get("users.nodes");
        let names: Vec<_> = nodes.iter().filter_map(|user| user["name"].as_str()).collect();
        assert_eq!(names, expected, "{asked}");
        assert_eq!(answer.at("users.totalCount"), expected.len(), "{asked}");
    }
}
