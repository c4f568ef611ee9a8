//! What nobody sends is removed after a day.

use colloquy::inbox::files::sweep;
use colloquy_entity::Time;
use reqwest::StatusCode;
use serde_json::Value;

use super::previews::previewed;
use super::uploads::PIXEL;
use super::{ask, file, kept, send, upload};
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::World;

stories!(World: what_nobody_sends_is_removed_after_a_day);

async fn what_nobody_sends_is_removed_after_a_day(world: World) {
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &Person::new(5831), "Hello").await;
    let api = &world.admin.api;
    let picture = upload(api, "a.png", "image/png", PIXEL).await;
    let note = upload(api, "a.txt", "text/plain", "note").await;
    let sent = upload(api, "b.txt", "text/plain", "taken").await;
    previewed(api, &picture).await;
    assert_eq!(kept(&world).len(), 4, "a preview, too");
    send(api, &dialogue, "", &[&sent]).await.data();

    let app = &world.server.running().app;
    let sweep_at = async |at: Time| sweep(app, at).await.expect("it sweeps");
    let day = 24 * 60 * 60 * 1000;
    assert_eq!(sweep_at(Time::now()).await, 0);
    assert_eq!(sweep_at(Time::now().plus(day - 60_000)).await, 0, "not before");
    let another = world.backend == crate::harness::Backend::Postgres;
    let other = if another { Some(world.another().await) } else { None };
    let at = Time::now().plus(day + 1);
    let removed = match &other {
        // Two at once do it once.
        Some(other) => {
            let (here, there) = tokio::join!(sweep(app, at), sweep(&other.running().app, at));
            here.expect("it sweeps") + there.expect("it sweeps")
        }
        None => sweep_at(at).await,
    };
    assert_eq!(removed, 2);
    assert_eq!(kept(&world), [5]);
    for gone in [&picture, &note] {
        assert_eq!(file(api, gone, "id").await, Value::Null);
        let url = format!("{}/files/{gone}", world.server.url);
        assert_eq!(ask(api, &url).send().await.expect("an answer").status(), StatusCode::NOT_FOUND);
        assert_eq!(send(api, &dialogue, "", &[gone]).await.error_field(), Some("input.fileIds"));
    }
    let url = format!("{}/files/{sent}", world.server.url);
    assert_eq!(ask(api, &url).send().await.expect("an answer").status(), StatusCode::OK);
}
