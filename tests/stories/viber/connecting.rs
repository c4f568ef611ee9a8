//! Connecting a bot of Viber's: the address that is tried out meanwhile, what goes wrong with that, and the end of it.

use colloquy_entity::awaited_channel;
use colloquy_sandbox::viber::{Check, Fault, User};
use sea_orm::EntityTrait as _;
use serde_json::{Value, json};

use crate::harness::story::stories;
use crate::harness::world::World;

stories!(World:
    an_address_is_tried_out_while_the_bot_is_connected,
    while_it_is_being_connected_a_message_comes_again,
    a_check_that_fails_is_refused_with_words_and_leaves_nothing,
    a_refused_bot_is_told_of_with_words,
    without_a_public_address_it_is_refused_with_words,
    without_a_public_address_for_a_while_it_fails_and_goes_on,
    another_public_address_takes_the_webhook_along,
    a_disconnected_bot_has_no_webhook_and_keeps_its_history,
    only_viber_is_believed,
);

async fn nothing_is_left(world: &World) {
    let channels = world.admin.api.run("{ channels { id } }", Value::Null).await;
    assert_eq!(channels.at("channels"), &json!([]));
    let db = world.server.running().app.db.read();
    assert!(awaited_channel::Entity::find().all(db).await.expect("the table is there").is_empty());
}

async fn an_address_is_tried_out_while_the_bot_is_connected(world: World) {
    for how in [Check::Signed, Check::Unsigned] {
        world.viber.check_addresses(how);
        let before = world.cursor().await;
        let channel = world.connect_viber("Shop").await;
        let webhook = world.viber.webhook(&channel.token).expect("it was taken");
        assert_eq!(webhook.url, format!("{}/webhooks/viber/{}", world.server.url, channel.id));
        assert!(webhook.send_name && webhook.send_photo);
        for event in ["message", "subscribed", "unsubscribed", "conversation_started", "delivered", "seen", "failed"] {
            assert!(webhook.wants(event), "{event}");
        }
        let events = world.events_after(&before).await;
        assert_eq!(events.len(), 1, "CHANNEL_CHANGED alone: {events:#?}");
        world.viber_says(&channel, &User::new("Anna"), "Hello").await;
        let again = world.try_connect_viber("Again", &channel.token).await;
        assert_eq!(again.error_code(), "CONFLICT");
        assert_eq!(again.error()["extensions"]["existingId"], json!(channel.id));
    }
    let channels = world.admin.api.run("{ channels { kind state handle } }", Value::Null).await;
    let shop = channels.at("channels.0");
    assert_eq!((&shop["kind"], &shop["state"]), (&json!("VIBER"), &json!("CONNECTED")));
    assert!(shop["handle"].as_str().is_some_and(|handle| handle.starts_with("@shop")), "{shop}");
}

async fn while_it_is_being_connected_a_message_comes_again(world: World) {
    let token = "445da6az1s345z78-dazcczb2542zv51a-beginning";
    world.viber.bot(token, "beginning");
    let gate = world.viber.gate_next("set_webhook");
    let connecting = tokio::spawn(world.try_connect_viber("Shop", token));
    world.viber.wait_for_webhook(token).await;
    let (anna, boris) = (User::new("Anna"), User::new("Boris"));
    let hello = anna.says("Hello");
    assert_eq!(world.viber.deliver(token, &hello).await, 503, "it is to come again");
    assert_eq!(world.viber.deliver_raw(token, hello.to_string().as_bytes(), Some("00")).await, 403);
    assert_eq!(world.viber.deliver_raw(token, br#"{"event":"webhook"}"#, None).await, 200, "tried out once more");
    gate.release();
    let answer = connecting.await.expect("it ends");
    let channel = answer.get("connectChannel.channel.id");
    let channel = crate::harness::world::Channel { id: channel, token: token.into() };
    world.viber_tells(&channel, &hello).await;
    world.viber_says(&channel, &boris, "Me too").await;
    let dialogue = world.viber_dialogue(&channel, "Anna").await;
    assert_eq!(world.admin.messages(&dialogue).await.len(), 1);
}

async fn a_check_that_fails_is_refused_with_words_and_leaves_nothing(world: World) {
    let token = "445da6az1s345z78-dazcczb2542zv51a-failing";
    world.viber.bot(token, "failing");
    // Somebody else's signature: the door answers 403, and Viber takes no such address.
    world.viber.check_addresses(Check::Forged);
    let answer = world.try_connect_viber("Shop", token).await;
    assert_eq!(answer.error_code(), "BAD_USER_INPUT");
    let words = answer.error()["message"].as_str().expect("words");
    assert_eq!(words, "Viber tried the address under PUBLIC_URL out, and got no 200 from there, but 403");
    assert_eq!(world.viber.webhook(token), None);
    nothing_is_left(&world).await;

    world.viber.check_addresses(Check::Signed);
    world.viber.fail_next("set_webhook", Fault::Hang);
    let answer = world.try_connect_viber("Shop", token).await;
    assert_eq!(answer.error_code(), "CONFLICT", "it may go well later: {answer}");
    nothing_is_left(&world).await;
    assert_eq!(world.try_connect_viber("Shop", token).await.at("connectChannel.channel.state"), "CONNECTED");
}

async fn a_refused_bot_is_told_of_with_words(world: World) {
    let answer = world.try_connect_viber("Shop", "445da6az1s345z78-nobodys").await;
    assert_eq!(answer.error_code(), "BAD_USER_INPUT");
    assert_eq!(answer.error_field(), Some("input.credentials.viber.authToken"));
    assert_eq!(answer.error()["message"], "Viber does not accept the bot's token");
    for no_token in ["", " ", "с пробелом", "a b"] {
        let answer = world.try_connect_viber("Shop", no_token).await;
        assert_eq!(answer.error_code(), "BAD_USER_INPUT", "{no_token:?}");
    }
    assert_eq!(world.viber.calls("set_webhook").len(), 0);
    nothing_is_left(&world).await;
}

async fn without_a_public_address_it_is_refused_with_words(mut world: World) {
    world.hide_from_outside().await;
    world.viber.bot("445da6az1s345z78-hidden", "hidden");
    let answer = world.try_connect_viber("Shop", "445da6az1s345z78-hidden").await;
    assert_eq!(answer.error_code(), "BAD_USER_INPUT");
    let words = answer.error()["message"].as_str().expect("words");
    assert!(words.contains("PUBLIC_URL") && words.contains("outside can reach"), "{words}");
    assert!(world.viber.calls("get_account_info").is_empty(), "nobody was asked");
    nothing_is_left(&world).await;
}

async fn state(world: &World) -> Value {
    world.admin.api.run("{ channels { state stateReason } }", Value::Null).await.at("channels.0").clone()
}

/// Waits until the one channel is in a state.
async fn until(world: &World, wanted: &str) -> Value {
    let mut feed = world.follow(&world.admin.api, None).await;
    loop {
        let now = state(world).await;
        if now["state"] == wanted {
            return now;
        }
        feed.until(|event| event["kind"] == "CHANNEL_CHANGED").await;
    }
}

async fn without_a_public_address_for_a_while_it_fails_and_goes_on(mut world: World) {
    let channel = world.connect_viber("Shop").await;
    let webhook = world.viber.webhook(&channel.token);
    world.hide_from_outside().await;
    let failing = until(&world, "FAILING").await;
    let reason = failing["stateReason"].as_str().expect("words");
    assert!(reason.contains("PUBLIC_URL"), "{reason}");
    // Viber goes on posting to where it was told: with the same address again nothing is lost.
    assert_eq!(world.viber.webhook(&channel.token), webhook);
}

async fn another_public_address_takes_the_webhook_along(mut world: World) {
    let channel = world.connect_viber("Shop").await;
    world.restart().await;
    world.viber.wait_for_webhook_at(&channel.token, &world.server.url).await;
    world.viber_says(&channel, &User::new("Anna"), "by the new address").await;
    assert_eq!(state(&world).await, json!({ "state": "CONNECTED", "stateReason": null }));
}

async fn a_disconnected_bot_has_no_webhook_and_keeps_its_history(world: World) {
    let channel = world.connect_viber("Shop").await;
    let anna = User::new("Anna");
    let dialogue = world.viber_says(&channel, &anna, "Hello").await;
    let url = world.viber.webhook(&channel.token).expect("one").url;
    world.admin.act("disconnectChannel", "channelId", &channel.id).await.data();
    assert_eq!(world.viber.webhook(&channel.token), None, "Viber posts no more");
    assert_eq!(world.admin.messages(&dialogue).await.len(), 1, "the history stays");
    let late = anna.says("Anybody?").to_string();
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let signature = colloquy_sandbox::viber::sign(&channel.token, late.as_bytes());
    let post = client.post(&url).header("X-Viber-Content-Signature", signature).body(late);
    assert_eq!(post.send().await.expect("an answer").status(), 404);
    let send = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }";
    let answer = world.admin.api.run(send, json!({ "input": { "dialogueId": dialogue, "text": "Hi" } })).await;
    assert_eq!(answer.error_code(), "CONFLICT");

    let answer = world.try_connect_viber("Shop", &channel.token).await;
    assert_eq!(answer.at("connectChannel.channel.id"), &json!(channel.id));
    assert_eq!(world.viber_says(&channel, &anna, "Back?").await, dialogue, "the history goes on");
}

async fn only_viber_is_believed(world: World) {
    let channel = world.connect_viber("Shop").await;
    let other = world.connect_viber("Help").await;
    let before = world.cursor().await;
    let body = User::new("Anna").says("Let me in").to_string();
    let sign = |token: &str, body: &str| colloquy_sandbox::viber::sign(token, body.as_bytes());
    let right = sign(&channel.token, &body);
    let (others, of_more) = (sign(&other.token, &body), sign(&channel.token, &(body.clone() + " ")));
    let wrong = [None, Some(""), Some("00"), Some("not hex"), Some(&right[2..]), Some(&others), Some(&of_more)];
    for signature in wrong {
        let status = world.viber.deliver_raw(&channel.token, body.as_bytes(), signature).await;
        assert_eq!(status, 403, "{signature:?}");
    }
    // Only what tries the address out may come unsigned, and never with a wrong signature.
    let check = br#"{"event":"webhook"}"#;
    assert_eq!(world.viber.deliver_raw(&channel.token, check, Some(&right)).await, 403);
    assert_eq!(world.viber.deliver_raw(&channel.token, check, None).await, 200);
    let twice = br#"{"event":"webhook","event":"message","sender":{"id":"x"},"message_token":1,"message":{}}"#;
    assert_eq!(world.viber.deliver_raw(&channel.token, twice, None).await, 403);
    let large = format!("{{\"event\":\"webhook\",\"x\":\"{}\"}}", "x".repeat(1 << 20));
    assert_eq!(world.viber.deliver_raw(&channel.token, large.as_bytes(), None).await, 413);
    assert!(world.events_after(&before).await.is_empty(), "nothing is stored");

    let upper = right.to_uppercase();
    assert_eq!(world.viber.deliver_raw(&channel.token, body.as_bytes(), Some(&upper)).await, 200);
    assert_eq!(world.viber.deliver_raw(&channel.token, body.as_bytes(), Some(&right)).await, 200, "the same once more");
    let dialogue = world.viber_dialogue(&channel, "Anna").await;
    assert_eq!(world.admin.messages(&dialogue).await.len(), 1);
}
