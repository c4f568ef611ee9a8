//! Who may do what: every mutation of the schema for each role and part, by the table of rules.md.

mod reading;
mod scene;
mod table;
mod ways;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::client::Answer;
use crate::harness::schema;
use crate::harness::story::stories;
use crate::harness::world::{Someone, World};

use scene::{Part, Role, Scene};
use table::{FOR_EVERYBODY, May, NAMED, ROWS, Row};

stories!(World: each_mutation_is_for_whom_the_rules_say, what_may_not_be_seen_is_as_what_does_not_exist,
    nothing_is_for_who_is_not_signed_in);

/// All that the schema has is in the table, and the other way round.
async fn complete(world: &World) {
    let (served, _) = schema::served(&world.admin.api).await;
    let served: BTreeSet<_> = served.0["Mutation"].fields.keys().map(String::as_str).collect();
    let known: BTreeSet<_> = ROWS.iter().map(|row| row.mutation).chain(FOR_EVERYBODY.iter().copied()).collect();
    assert_eq!(known, served, "the mutations of the table, and those of the schema");
}

async fn each_mutation_is_for_whom_the_rules_say(world: World) {
    complete(&world).await;
    let stage = scene::Stage::set(&world).await;
    let everyone = Role::ALL.into_iter().flat_map(|role| Part::ALL.into_iter().map(move |part| (role, part)));
    let mut scenes = Vec::new();
    for (role, part) in everyone {
        scenes.push(Scene::play(&world, &stage, role, part).await);
    }
    let mut wrong = Vec::new();

    // First all that is refused: it changes nothing.
    let before = world.cursor().await;
    for scene in &scenes {
        for row in ROWS.iter().filter(|row| row.may(scene.role, scene.part) != May::Yes) {
            let answer = ask(&scene.viewer, &(row.ask)(scene)).await;
            wrong.extend(unlike(row, scene, &answer));
        }
    }
    assert_eq!(world.cursor().await, before, "a refused mutation changed something; of the refused: {wrong:#?}");

    for scene in &scenes {
        for row in ROWS.iter().filter(|row| row.may(scene.role, scene.part) == May::Yes) {
            let answer = ask(&scene.viewer, &(row.ask)(scene)).await;
            wrong.extend(unlike(row, scene, &answer));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// How an answer differs from what the table says.
fn unlike(row: &Row, scene: &Scene, answer: &Answer) -> Option<String> {
    let field = &answer.body["data"][row.mutation];
    let code = answer.errors().first().and_then(|error| error["extensions"]["code"].as_str());
    // What is done in many dialogues at once is refused in each by itself.
    let outcome = &field["outcomes"][0];
    let (field, code) = match outcome.is_null() {
        true => (field, code),
        false => (&outcome["dialogue"], outcome["error"]["code"].as_str()),
    };
    let (words, like) = match row.may(scene.role, scene.part) {
        May::Yes => ("done", code.is_none() && answer.errors().is_empty() && field.is_object()),
        May::Forbidden => ("FORBIDDEN", code == Some("FORBIDDEN") && field.is_null()),
        May::NotFound => ("NOT_FOUND", code == Some("NOT_FOUND") && field.is_null()),
        May::Later => ("a clear no", matches!(code, Some("BAD_USER_INPUT" | "CONFLICT")) && field.is_null()),
    };
    let who = format!("{:?} as {:?}", scene.role, scene.part);
    (!like).then(|| format!("{} ({}) by {who} is not {words}: {}", row.mutation, row.what, answer.body))
}

async fn ask(viewer: &Someone, field: &str) -> Answer {
    viewer.api.run(&format!("mutation {{ {field} }}"), Value::Null).await
}

/// The code, words and field of the only error.
fn refusal(answer: &Answer) -> Value {
    let outcomes = answer.body["data"].as_object().and_then(|data| data.values().next()?["outcomes"].as_array());
    if let Some(outcomes) = outcomes {
        let error = &outcomes[0]["error"];
        return json!([error["message"], { "code": error["code"], "field": error["field"] }]);
    }
    let error = answer.error();
    json!([error["message"], error["extensions"]])
}

async fn what_may_not_be_seen_is_as_what_does_not_exist(world: World) {
    let stage = scene::Stage::set(&world).await;
    let stranger = Scene::play(&world, &stage, Role::Observer, Part::None).await;
    let admin = Scene::play(&world, &stage, Role::Admin, Part::None).await;
    for row in ROWS {
        if row.may(Role::Observer, Part::None) == May::NotFound {
            let hidden = (row.ask)(&stranger);
            let answer = refusal(&ask(&stranger.viewer, &hidden).await);
            for nothing in nothings(&hidden) {
                assert_eq!(refusal(&ask(&stranger.viewer, &nothing).await), answer, "{hidden}, and {nothing}");
            }
        }
        // To who may do everything, an id that is malformed, of another kind or of nothing is answered alike.
        let mut answers = Vec::new();
        for nothing in nothings(&(row.ask)(&admin)) {
            answers.push((refusal(&ask(&admin.viewer, &nothing).await), nothing));
        }
        // A value that names somebody or something else is bad input; what the mutation is about is not found.
        let is_named = NAMED.contains(&(row.mutation, row.what));
        for (answer, nothing) in &answers {
            assert_eq!(answer[1]["code"], if is_named { "BAD_USER_INPUT" } else { "NOT_FOUND" }, "{nothing}: {answer}");
            assert_eq!(*answer, answers[0].0, "{nothing}");
        }
    }
}

/// The same with the first id replaced: one of nothing, one of another kind, and what is none.
fn nothings(field: &str) -> Vec<String> {
    let Some(id) = scene::ids(field).next() else { return Vec::new() };
    let (kind, _) = id.split_once('_').expect("an id has a prefix");
    let fresh = Uuid::now_v7().simple();
    let other = if kind == "tsk" { "dlg" } else { "tsk" };
    let nothings = [format!("{kind}_{fresh}"), format!("{other}_{fresh}"), "nonsense".into(), String::new()];
    nothings.into_iter().map(|nothing| field.replacen(id, &nothing, 1)).collect()
}

async fn nothing_is_for_who_is_not_signed_in(world: World) {
    let stage = scene::Stage::set(&world).await;
    let scene = Scene::play(&world, &stage, Role::Admin, Part::Responsible).await;
    let anonymous = crate::harness::client::Api::anonymous(&world.server.url);
    for api in [anonymous.clone(), anonymous.with_token("cqt_nobodys")] {
        let stranger = Someone { id: String::new(), api };
        for row in ROWS {
            let answer = stranger.api.run(&format!("mutation {{ {} }}", (row.ask)(&scene)), Value::Null);
            refused_as_unknown(answer, &format!("{} ({})", row.mutation, row.what)).await;
        }
        refused_as_unknown(stranger.api.run("mutation { signOut { signedOut } }", Value::Null), "signOut").await;
    }
}

/// Over HTTP a token that is none of ours may be refused before the document is looked at.
async fn refused_as_unknown(answer: impl Future<Output = Answer>, what: &str) {
    let answer = answer.await;
    assert_eq!(answer.error_code(), "UNAUTHENTICATED", "{what}");
}
