//! One who follows and takes nothing more: the others who follow with the same document are told all the same.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use async_graphql::{Request, Variables};
use colloquy::graphql::Api;
use colloquy::inbox::sessions;
use futures_util::StreamExt;
use futures_util::future::poll_fn;
use serde_json::json;
use tokio::time::timeout;

use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::World;

stories!(World: wherever_one_stops_the_others_are_told);

/// Only a failing story waits so long.
const PATIENCE: Duration = Duration::from_secs(10);
/// More than an answer takes: an answer that came ends the rounds.
const POLLS: usize = 200;

const DOCUMENTS: [&str; 3] = [
    "subscription($after: String) { events(after: $after) { kind dialogue { id client { name } } } }",
    "subscription($after: String) { eventBatches(after: $after) { events { kind dialogue { id client { name } } } } }",
    "subscription($after: String) { events(after: $after) { kind dialogue { id unreadCount client { name } } } }",
];

async fn wherever_one_stops_the_others_are_told(world: World) {
    let app = &world.server.running().app;
    let token = world.admin.api.token.as_deref().expect("signed in");
    let viewer = sessions::viewer(app, token).await.expect("a viewer");
    let channel = world.connect_channel("Shop").await;
    let after = world.cursor().await;
    world.write(&channel, &Person::new(8701), "hello").await;
    let api = Arc::new(Api::new(Arc::clone(app)));
    for document in DOCUMENTS {
        let follow = || {
            let request = Request::new(document).variables(Variables::from_json(json!({ "after": after })));
            api.execute(request, Some(viewer))
        };
        for polls in 1.. {
            assert!(polls < POLLS, "no answer to {document}");
            let (mut stalled, mut polled) = (follow(), 0);
            // What a socket does that cannot be written to: it looks no more, whatever is under way.
            let answered = poll_fn(|cx| {
                polled += 1;
                match stalled.poll_next_unpin(cx) {
                    Poll::Ready(_) => Poll::Ready(true),
                    Poll::Pending if polled >= polls => Poll::Ready(false),
                    Poll::Pending => Poll::Pending,
                }
            });
            let answered = answered.await;
            let told = timeout(PATIENCE, follow().next()).await;
            let told = told.unwrap_or_else(|_| panic!("another stopped after {polls} polls of {document}"));
            assert!(told.is_some(), "it goes on: {document}");
            drop(stalled);
            if answered {
                break;
            }
        }
    }
}
