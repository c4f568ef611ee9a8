//! Channels: connecting a bot, and where its updates go.

use colloquy_sandbox::telegram::Fault;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::client::{Answer, Api};
use crate::harness::feed::kinds;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::{Someone, World};

stories!(World:
    of_many_who_connect_a_bot_at_once_one_does_and_its_webhook_stays,
    a_public_address_that_is_another_now_takes_the_webhook_along,
    a_failed_message_of_a_disconnected_channel_is_not_queued_again,
    the_same_key_in_two_dialogues_at_once_is_a_conflict,
    a_known_client_who_writes_to_another_bot_opens_a_dialogue_first,
    a_contractor_that_is_merged_while_it_is_followed_is_followed_on,
    with_another_key_a_channel_fails_and_can_be_connected_anew,
    a_failing_channel_is_so_over_a_restart_until_the_messenger_knows_it_again,
);

#[track_caller]
fn connect(api: &Api, token: &str) -> impl Future<Output = Answer> + use<> {
    let input = json!({ "name": "Shop", "credentials": { "telegram": { "botToken": token } } });
    let connect = "mutation($input: ConnectChannelInput!) { connectChannel(input: $input) { channel { id state } } }";
    api.run(connect, json!({ "input": input }))
}

async fn of_many_who_connect_a_bot_at_once_one_does_and_its_webhook_stays(world: World) {
    let token = "7000900001:many";
    world.telegram.bot(token, "many_bot");
    let answers = join_all((0..6).map(|_| connect(&world.admin.api, token))).await;
    let (done, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.errors().is_empty());
    assert_eq!(done.len(), 1);
    let id: String = done[0].get("connectChannel.channel.id");
    for answer in refused {
        assert_eq!(answer.error_code(), "CONFLICT");
        assert_eq!(answer.error()["extensions"]["existingId"], json!(id));
    }
    let webhook = world.telegram.wait_for_webhook(token).await;
    assert!(webhook.url.ends_with(&id), "{}", webhook.url);
    assert_eq!(world.telegram.deliver(token, &Person::new(6701).says("Hello")).await, 200);
}

async fn a_public_address_that_is_another_now_takes_the_webhook_along(mut world: World) {
    let channel = world.connect_channel("Shop").await;
    let first = world.telegram.wait_for_webhook(&channel.token).await.url;
    assert!(first.starts_with(&world.server.url));

    world.restart().await;
    world.telegram.wait_for_webhook_at(&channel.token, &world.server.url).await;
    world.write(&channel, &Person::new(6711), "by the new address").await;

    world.hide_from_outside().await;
    let mut feed = world.follow(&world.admin.api, None).await;
    world.telegram.push(&channel.token, Person::new(6711).says("by polling"));
    feed.until(|event| event["message"]["text"] == "by polling").await;
    assert_eq!(world.telegram.webhook(&channel.token), None);
    let state = world.admin.api.run("{ channels { state } }", Value::Null).await;
    assert_eq!(state.at("channels"), &json!([{ "state": "CONNECTED" }]));
}

async fn a_failed_message_of_a_disconnected_channel_is_not_queued_again(world: World) {
    let channel = world.connect_channel("Shop").await;
    let anna = Person::new(6721);
    let dialogue = world.write(&channel, &anna, "Hello").await;
    let fault = Fault::Status("error-400-chat-not-found");
    world.telegram.fail("sendMessage", Some(anna.id), fault, 1);
    let mut feed = world.follow(&world.admin.api, None).await;
    let message = world.admin.send(&dialogue, "It will not arrive").await;
    feed.until_delivery(&message, "FAILED").await;
    world.admin.act("disconnectChannel", "channelId", &channel.id).await.data();
    let before = world.cursor().await;
    let retry = "mutation($id: ID!) { retryMessage(messageId: $id) { message { id } } }";
    assert_eq!(world.admin.api.run(retry, json!({ "id": message })).await.error_code(), "CONFLICT");
    assert!(world.events_after(&before).await.is_empty());
}

async fn the_same_key_in_two_dialogues_at_once_is_a_conflict(world: World) {
    let channel = world.connect_channel("Shop").await;
    let mut dialogues = Vec::new();
    for person in 6731..6735 {
        dialogues.push(world.write(&channel, &Person::new(person), "Hello").await);
    }
    let send = "mutation($d: ID!) {
        sendMessage(input: { dialogueId: $d, text: \"Sent\", idempotencyKey: \"one\" }) { message { id } }
    }";
    let answers = join_all(dialogues.iter().map(|id| world.admin.api.run(send, json!({ "d": id })))).await;
    let codes: Vec<_> =
        answers.iter().filter(|answer| !answer.errors().is_empty()).map(|answer| answer.error_code()).collect();
    assert_eq!(codes, ["CONFLICT"; 3]);
}

async fn a_known_client_who_writes_to_another_bot_opens_a_dialogue_first(world: World) {
    let (shop, help) = (world.connect_channel("Shop").await, world.connect_channel("Help").await);
    let anna = Person::new(6741);
    world.write(&shop, &anna, "Hello").await;
    let before = world.cursor().await;
    let renamed = Person { name: "Anna Petrova".into(), ..anna };
    let dialogue = world.write(&help, &renamed, "It is me").await;
    let events = world.events_after(&before).await;
    assert_eq!(kinds(&events)[..2], ["DIALOGUE_OPENED", "CLIENT_CHANGED"]);
    let found = world.admin.dialogue(&dialogue, "client { name } events(first: 1) { nodes { kind } }").await;
    assert_eq!(found["events"]["nodes"], json!([{ "kind": "DIALOGUE_OPENED" }]));
    assert_eq!(found["client"]["name"], "Anna Petrova");
}

async fn contractor(someone: &Someone, dialogue: &str) -> String {
    let found = someone.dialogue(dialogue, "contractor { id }").await;
    found["contractor"]["id"].as_str().expect("the client has one").to_owned()
}

async fn a_contractor_that_is_merged_while_it_is_followed_is_followed_on(world: World) {
    let channel = world.connect_channel("Shop").await;
    let first = world.write(&channel, &Person::new(6751), "Hello").await;
    let second = world.write(&channel, &Person::new(6752), "Hello").await;
    let (kept, merged) = (contractor(&world.admin, &first).await, contractor(&world.admin, &second).await);
    let before = world.cursor().await;
    let filter = json!({ "contractorIds": [merged] });
    let mut feed = crate::harness::feed::Feed::follow_filtered(&world.admin.api, filter.clone(), None).await;
    let merge = "mutation($kept: ID!, $merged: ID!) {
        mergeContractors(contractorId: $kept, mergedId: $merged) { contractor { id } }
    }";
    world.admin.api.run(merge, json!({ "kept": kept, "merged": merged })).await.data();
    let note =
        "mutation($id: ID!) { updateContractor(input: { contractorId: $id, note: \"One\" }) { contractor { id } } }";
    world.admin.api.run(note, json!({ "id": kept })).await.data();
    let heard = [feed.next().await, feed.next().await];
    assert_eq!(kinds(&heard), ["CONTRACTOR_MERGED", "CONTRACTOR_CHANGED"]);
    let read = "query($f: EventFilter, $after: String) { events(filter: $f, after: $after) { nodes { kind } } }";
    let read = world.admin.api.run(read, json!({ "f": filter, "after": before })).await;
    assert_eq!(kinds(&read.get::<Vec<Value>>("events.nodes")), kinds(&heard), "as it is read later");
}

async fn with_another_key_a_channel_fails_and_can_be_connected_anew(mut world: World) {
    let channel = world.connect_channel("Shop").await;
    world.write(&channel, &Person::new(6761), "Hello").await;
    world.server.stop().await;
    world.server = world.another_with(|config| config.secret_key = Some([0xa5; 32])).await;
    world.admin = world.admin.at(&world.server.url);
    let admin = &world.admin;
    let state = "{ channels { state stateReason } }";
    let mut feed = world.follow(&admin.api, None).await;
    while admin.api.run(state, Value::Null).await.at("channels.0.state") != "FAILING" {
        feed.until(|event| event["kind"] == "CHANNEL_CHANGED").await;
    }
    let reason: String = admin.api.run(state, Value::Null).await.get("channels.0.stateReason");
    assert!(reason.contains("SECRET_KEY"), "{reason}");

    let answer = connect(&admin.api, &channel.token).await;
    assert_eq!(answer.at("connectChannel.channel"), &json!({ "id": channel.id, "state": "CONNECTED" }));
    world.telegram.wait_for_webhook_at(&channel.token, &world.server.url).await;
    world.write(&channel, &Person::new(6761), "And now?").await;
    admin.act("disconnectChannel", "channelId", &channel.id).await.data();
}

async fn a_failing_channel_is_so_over_a_restart_until_the_messenger_knows_it_again(mut world: World) {
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &Person::new(6771), "Hello").await;
    let state = async |at: &Api| at.run("{ channels { state } }", Value::Null).await.at("channels.0.state").clone();
    let mut feed = world.follow(&world.admin.api, None).await;
    world.telegram.set_revoked(&channel.token, true);
    let id = world.admin.send(&dialogue, "Hi").await;
    feed.until(|event| event["kind"] == "CHANNEL_CHANGED").await;
    // Nothing waits to be sent, which would find out as well.
    let delete = "mutation($id: ID!) { deleteMessage(messageId: $id) { message { delivery { status } } } }";
    let deleted = world.admin.api.run(delete, json!({ "id": id })).await;
    assert_eq!(deleted.at("deleteMessage.message.delivery.status"), "FAILED");
    world.server.stop().await;
    world.telegram.set_revoked(&channel.token, false);

    let asked = world.telegram.calls("getMe").len();
    world.telegram.fail_next("getMe", Fault::Status("error-401-unauthorized"));
    let program = world.program().await;
    world.telegram.wait_for_calls("getMe", asked + 1).await;
    assert_eq!(state(&world.admin.at(program.url()).api).await, "FAILING", "the token is not accepted still");
    program.kill9().await;

    world.telegram.fail_next("getMe", Fault::Html502);
    let program = world.program().await;
    let admin = world.admin.at(program.url());
    let mut feed = world.follow(&admin.api, None).await;
    while state(&admin.api).await != "CONNECTED" {
        feed.until(|event| event["kind"] == "CHANNEL_CHANGED").await;
    }
    assert_eq!(world.telegram.calls("getMe").len(), asked + 3);
}
