//! Stopping in good order: what is under way is finished, and nothing more is taken.

use futures_util::future::join;
use serde_json::{Value, json};

use crate::harness::feed::Feed;
use crate::harness::socket::Socket;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::World;

stories!(World: what_is_under_way_at_a_stop_is_finished);

async fn what_is_under_way_at_a_stop_is_finished(mut world: World) {
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &Person::new(8401), "hello").await;
    let (admin, telegram, url) = (world.admin.clone(), world.telegram.clone(), world.server.url.clone());
    let before = world.cursor().await;

    // A message on its way: Telegram has it, and its answer is slow. So is that to a request, which waits for it.
    let sending = telegram.gate_next("sendMessage");
    let message = admin.send(&dialogue, "on its way").await;
    telegram.wait_for_calls("sendMessage", 1).await;
    let connecting = telegram.gate_next("getMe");
    let known = telegram.calls("getMe").len();
    telegram.bot("7000009999:slow", "slow_bot");
    let connect = "mutation { connectChannel(input: { name: \"Slow\", credentials: { telegram: { botToken: \"7000009999:slow\" } } }) {
        channel { name state }
    } }";
    let request = tokio::spawn(admin.api.run(connect, Value::Null));
    telegram.wait_for_calls("getMe", known + 1).await;
    let socket = Socket::connect(&format!("{url}/graphql"), admin.api.token.as_deref()).await;

    let meanwhile = async {
        assert_eq!(socket.closed().await.0, 1001, "it stops");
        connecting.release();
        let answer = request.await.expect("no panic");
        assert_eq!(answer.at("connectChannel.channel"), &json!({ "name": "Slow", "state": "CONNECTED" }));
        sending.release();
    };
    join(world.server.stop(), meanwhile).await;
    assert!(reqwest::get(format!("{url}/healthz")).await.is_err(), "nobody is there");

    world.restart().await;
    let mut feed = Feed::follow(&world.admin.api, Some(&before)).await;
    feed.until_delivery(&message, "SENT").await;
    let next = world.admin.send(&dialogue, "the next").await;
    feed.until_delivery(&next, "SENT").await;
    let texts: Vec<_> = world.telegram.sent().into_iter().filter_map(|call| call.text).collect();
    assert_eq!(texts, ["on its way", "the next"], "each once: how it went was recorded before the end");
    let kept = world.admin.api.run("{ channels { name } }", Value::Null).await;
    assert_eq!(kept.at("channels"), &json!([{ "name": "Shop" }, { "name": "Slow" }]));
}
