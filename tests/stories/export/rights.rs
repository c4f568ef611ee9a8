//! Who gets what of an export: what they see elsewhere, and nothing more.

use reqwest::StatusCode;
use serde_json::Value;

use crate::harness::feed;
use crate::harness::story::stories;
use crate::harness::world::World;

use super::words::{self, dialogues, events, messages};
use super::{Archive, ask, bare, export, request, same};

stories!(World: each_viewer_gets_what_they_see, who_is_not_signed_in_gets_nothing, it_is_a_download_and_nothing_else);

async fn each_viewer_gets_what_they_see(world: World) {
    let archive = Archive::fill(&world).await;
    let nobody = world.user("OBSERVER").await;
    for (viewer, sees) in [(&archive.employee, 3), (&archive.observer, 1), (&nobody, 0)] {
        let api = &viewer.api;
        let lines = export(api, &[("what", "dialogues")]).await;
        assert_eq!(lines.len(), sees);
        same(&bare(&lines), &dialogues(api, &archive.dialogues).await);
        same(&bare(&export(api, &[]).await), &messages(api, &archive.dialogues).await);
        let read = feed::events(api, None).await;
        same(&words::of_events(&export(api, &[("what", "events")]).await), &events(&read));
        assert!(!read.is_empty(), "channels' changes are everybody's");
    }
    let all = export(&archive.observer.api, &[("what", "events")]).await;
    assert!(all.iter().any(|event| event["kind"] == "ACCESS_GRANTED"));
    let of_task: Vec<_> = all.iter().filter(|event| event["kind"] == "TASK_LINKED").collect();
    assert_eq!(of_task.len(), 1, "a task of theirs was linked to another dialogue");
    assert!(of_task[0]["dialogueId"].is_null(), "which they may not know: {:#}", of_task[0]);
    // Nothing is exported of what they see no more.
    let remove = "mutation($d: ID!, $u: ID!) { removeParticipant(dialogueId: $d, userId: $u) { dialogue { id } } }";
    let ids = serde_json::json!({ "d": archive.dialogues[1], "u": archive.observer.id });
    world.admin.api.run(remove, ids).await.data();
    let observer = &archive.observer.api;
    assert_eq!(ask(observer, &[]).await, (StatusCode::OK, String::new()));
    let left = export(observer, &[("what", "events")]).await;
    let kinds: Vec<_> = left.iter().filter_map(|event| event["kind"].as_str()).collect();
    assert!(kinds.iter().all(|kind| kind.starts_with("ACCESS_") || *kind == "CHANNEL_CHANGED"), "{kinds:?}");
}

async fn who_is_not_signed_in_gets_nothing(world: World) {
    let anonymous = crate::harness::client::Api::anonymous(&world.server.url);
    for api in [anonymous.clone(), anonymous.with_token("cqt_nobodys"), anonymous.with_token("")] {
        // Whatever else is wrong.
        for query in [&[][..], &[("what", "nonsense")]] {
            let (status, text) = ask(&api, query).await;
            let body: Value = serde_json::from_str(&text).expect("JSON");
            let code = &body["errors"][0]["extensions"]["code"];
            assert_eq!((status, code.as_str()), (StatusCode::UNAUTHORIZED, Some("UNAUTHENTICATED")), "{text}");
        }
    }
}

async fn it_is_a_download_and_nothing_else(world: World) {
    for (query, media_type, name) in [
        (&[][..], "application/x-ndjson", "colloquy-messages.ndjson"),
        (&[("what", "events"), ("format", "csv")], "text/csv; charset=utf-8; header=present", "colloquy-events.csv"),
    ] {
        let response = request(&world.admin.api, query).send().await.expect("an answer");
        let header = |name: &str| response.headers().get(name).expect("it is there").to_str().expect("text").to_owned();
        assert_eq!(header("content-type"), media_type);
        assert_eq!(header("content-disposition"), format!("attachment; filename=\"{name}\""));
        assert_eq!((header("x-content-type-options"), header("cache-control")), ("nosniff".into(), "no-store".into()));
    }
    let posted = world.admin.api.post("/export").send().await.expect("an answer");
    assert_eq!(posted.status(), StatusCode::METHOD_NOT_ALLOWED);
}
