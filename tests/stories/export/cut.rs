//! Exports that are cut: who may have them no more, who takes nothing, and who asks for too many.

use std::time::Duration;

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::harness::Backend;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::{Someone, World};

use super::resume::fill;
use super::{ask, request};

stories!(Long:
    a_deactivated_user_gets_no_more,
    a_revoked_token_gets_no_more,
    who_loses_the_dialogue_gets_no_more,
    two_run_at_once_and_one_that_nobody_takes_is_given_up,
    a_stop_cuts_it,
);

/// A world with more to export than what is on its way holds.
struct Long {
    world: World,
    dialogue: String,
    user: Someone,
}

impl Long {
    async fn start(backend: Backend) -> Self {
        Self::start_with(backend, Duration::from_secs(60)).await
    }

    async fn start_with(backend: Backend, patience: Duration) -> Self {
        let world = World::start_with(backend, |config| config.pace.export_reader = patience).await;
        let channel = world.connect_channel("Shop").await;
        let dialogue = world.write(&channel, &Person::new(6821), "first").await;
        fill(&world, &dialogue, 200, &"долго ".repeat(20_000)).await;
        let user = world.user("OBSERVER").await;
        world.admin.set_participant(&dialogue, &user.id, "OBSERVER").await;
        Self { world, dialogue, user }
    }

    /// An export under way: something came of it.
    async fn begin(&self) -> Response {
        let mut response = request(&self.user.api, &[]).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        response.chunk().await.expect("a beginning").expect("not empty");
        response
    }
}

/// Whether it breaks off, instead of ending.
async fn breaks_off(mut response: Response) -> bool {
    loop {
        match response.chunk().await {
            Ok(Some(_)) => {}
            Ok(None) => return false,
            Err(_) => return true,
        }
    }
}

async fn is_cut(response: Response) {
    assert!(breaks_off(response).await, "an export that was cut ended as if it were whole");
}

async fn a_deactivated_user_gets_no_more(long: Long) {
    let whole = ask(&long.user.api, &[]).await.1;
    assert_eq!(whole.lines().count(), 201);
    let response = long.begin().await;
    let update = "mutation($id: ID!) { updateUser(input: { userId: $id, isActive: false }) { user { id } } }";
    long.world.admin.api.run(update, json!({ "id": long.user.id })).await.data();
    is_cut(response).await;
    assert_eq!(ask(&long.user.api, &[]).await.0, StatusCode::UNAUTHORIZED);
}

async fn a_revoked_token_gets_no_more(long: Long) {
    let tokens: Vec<Value> = long.user.api.run("{ apiTokens { id } }", Value::Null).await.get("apiTokens");
    let response = long.begin().await;
    let id = tokens[0]["id"].as_str().expect("an id");
    long.world.admin.act("revokeApiToken", "apiTokenId", id).await.data();
    is_cut(response).await;
}

async fn who_loses_the_dialogue_gets_no_more(long: Long) {
    let response = long.begin().await;
    let remove = "mutation($d: ID!, $u: ID!) { removeParticipant(dialogueId: $d, userId: $u) { dialogue { id } } }";
    long.world.admin.api.run(remove, json!({ "d": long.dialogue, "u": long.user.id })).await.data();
    is_cut(response).await;
    assert_eq!(ask(&long.user.api, &[]).await, (StatusCode::OK, String::new()));
    // Nor who turns into somebody who sees less.
    let employee = long.world.user("EMPLOYEE").await;
    let mut response = request(&employee.api, &[]).send().await.expect("an answer");
    response.chunk().await.expect("a beginning");
    let update = "mutation($id: ID!) { updateUser(input: { userId: $id, role: OBSERVER }) { user { id } } }";
    long.world.admin.api.run(update, json!({ "id": employee.id })).await.data();
    is_cut(response).await;
}

async fn two_run_at_once_and_one_that_nobody_takes_is_given_up(long: Long) {
    let (one, other) = (long.begin().await, long.begin().await);
    let refused = request(&long.world.admin.api, &[]).send().await.expect("an answer");
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait = refused.headers().get("retry-after").expect("when to ask again").to_str().expect("text");
    assert!(wait.parse::<u32>().is_ok_and(|seconds| seconds > 0), "{wait}");
    let body: Value = refused.json().await.expect("JSON");
    assert_eq!(body["errors"][0]["extensions"]["code"], "RATE_LIMITED");
    // A place is free once somebody has gone away.
    drop(one);
    while ask(&long.world.admin.api, &[("what", "dialogues")]).await.0 != StatusCode::OK {}
    drop(other);

    let hasty = Long::start_with(long.world.backend, Duration::from_millis(20)).await;
    let (one, other) = (hasty.begin().await, hasty.begin().await);
    while ask(&hasty.world.admin.api, &[("what", "dialogues")]).await.0 != StatusCode::OK {}
    // The one whose place was free, at least.
    let (one, other) = (breaks_off(one).await, breaks_off(other).await);
    assert!(one || other, "one that was given up ended as if it were whole");
}

async fn a_stop_cuts_it(mut long: Long) {
    let response = long.begin().await;
    long.world.server.stop().await;
    is_cut(response).await;
}
