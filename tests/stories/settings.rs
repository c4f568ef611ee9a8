//! A channel's settings: what is left out stays, null clears, and what cannot be is refused whole.

use serde_json::{Value, json};

use crate::harness::client::Answer;
use crate::harness::feed;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::{Channel, Someone, World};

stories!(World: what_is_left_out_stays_and_null_clears, what_cannot_be_empty_is_not_cleared,
    settings_that_cannot_be_are_refused_whole, each_change_is_told_once, a_funnel_brings_deals_until_it_is_cleared,
    a_bot_is_connected_once_and_comes_back, credentials_that_cannot_be_are_refused_by_name);

const CHANNEL: &str = "id name state stateReason queue { id } funnel { id } welcomeText autoReplyEnabled autoReplyText";

async fn update(by: &Someone, channel: &Channel, fields: Value) -> Answer {
    let mut input = fields;
    input["channelId"] = json!(channel.id);
    let update = format!(
        "mutation($input: UpdateChannelInput!) {{ updateChannel(input: $input) {{ channel {{ {CHANNEL} }} }} }}"
    );
    by.api.run(&update, json!({ "input": input })).await
}

async fn settings(world: &World) -> Value {
    world.admin.api.run(&format!("{{ channels {{ {CHANNEL} }} }}"), Value::Null).await.at("channels.0").clone()
}

async fn funnel(world: &World) -> String {
    let funnel = "mutation { createFunnel(input: { name: \"Sales\", stages: [{ name: \"New\" }, { name: \"Won\", kind: WON }] }) { funnel { id } } }";
    world.admin.api.run(funnel, Value::Null).await.get("createFunnel.funnel.id")
}

/// A channel with everything set.
async fn full(world: &World) -> Channel {
    let channel = world.connect_channel("Shop").await;
    let all = json!({
        "name": "Магазин", "queueUserIds": [world.admin.id], "funnelId": funnel(world).await, "welcomeText": "Welcome!",
        "autoReplyEnabled": true, "autoReplyText": "Soon.",
    });
    update(&world.admin, &channel, all).await.data();
    channel
}

async fn what_is_left_out_stays_and_null_clears(world: World) {
    let channel = full(&world).await;
    let before = settings(&world).await;
    update(&world.admin, &channel, json!({})).await.data();
    // Variables that are declared and not given are as left out, in an input's fields and as an input's whole.
    let unset = "mutation($id: ID!, $name: String, $queue: [ID!], $funnel: ID, $welcome: String, $on: Boolean, $reply: String) {
        updateChannel(input: {
            channelId: $id, name: $name, queueUserIds: $queue, funnelId: $funnel, welcomeText: $welcome,
            autoReplyEnabled: $on, autoReplyText: $reply
        }) { channel { id } }
    }";
    world.admin.api.run(unset, json!({ "id": channel.id })).await.data();
    assert_eq!(settings(&world).await, before);

    // Given as null they are null.
    let answer = world.admin.api.run(unset, json!({ "id": channel.id, "welcome": null })).await;
    answer.data();
    let mut expected = before;
    expected["welcomeText"] = Value::Null;
    assert_eq!(settings(&world).await, expected);
    for (field, cleared) in [("funnelId", "funnel"), ("autoReplyText", "autoReplyText")] {
        update(&world.admin, &channel, json!({ field: null })).await.data();
        expected[cleared] = Value::Null;
        assert_eq!(settings(&world).await, expected);
    }
    update(&world.admin, &channel, json!({ "queueUserIds": [], "autoReplyEnabled": false })).await.data();
    expected["queue"] = json!([]);
    expected["autoReplyEnabled"] = json!(false);
    assert_eq!(settings(&world).await, expected);
}

async fn what_cannot_be_empty_is_not_cleared(world: World) {
    let channel = full(&world).await;
    let before = settings(&world).await;
    for field in ["name", "queueUserIds", "autoReplyEnabled"] {
        let answer = update(&world.admin, &channel, json!({ field: null, "welcomeText": "changed" })).await;
        let expected = format!("input.{field}");
        assert_eq!((answer.error_code(), answer.error_field()), ("BAD_USER_INPUT", Some(expected.as_str())));
    }
    assert_eq!(settings(&world).await, before);
}

async fn settings_that_cannot_be_are_refused_whole(world: World) {
    let channel = full(&world).await;
    let gone = world.user("EMPLOYEE").await;
    let deactivate = "mutation($id: ID!) { updateUser(input: { userId: $id, isActive: false }) { user { id } } }";
    world.admin.api.run(deactivate, json!({ "id": gone.id })).await.data();
    let before = settings(&world).await;
    // 4,096 UTF-16 units are Telegram's: an emoji is two.
    let just = "🙂".repeat(2048);
    let too_long = format!("{just}!");
    for (field, value) in [
        ("name", json!("")),
        ("name", json!("n".repeat(257))),
        ("welcomeText", json!(too_long)),
        ("autoReplyText", json!(too_long)),
        ("welcomeText", json!("a\u{0}b")),
        ("queueUserIds", json!([gone.id])),
        ("queueUserIds", json!([world.admin.id, world.admin.id])),
        ("queueUserIds", json!(["nonsense"])),
        ("queueUserIds", json!([channel.id])),
    ] {
        // Beside a change that could be made.
        let answer = update(&world.admin, &channel, json!({ "autoReplyEnabled": false, field: value })).await;
        let expected = format!("input.{field}");
        assert_eq!(
            (answer.error_code(), answer.error_field()),
            ("BAD_USER_INPUT", Some(expected.as_str())),
            "{answer}"
        );
    }
    for id in [json!("nonsense"), json!(world.admin.id)] {
        let answer = update(&world.admin, &channel, json!({ "autoReplyEnabled": false, "funnelId": id })).await;
        assert_eq!(answer.error_code(), "NOT_FOUND", "{answer}");
    }
    assert_eq!(settings(&world).await, before);

    let answer = update(&world.admin, &channel, json!({ "welcomeText": just, "autoReplyText": "  " })).await;
    let changed = answer.at("updateChannel.channel");
    assert_eq!(
        (&changed["welcomeText"], &changed["autoReplyText"]),
        (&json!(just), &Value::Null),
        "an empty text is none"
    );
}

async fn each_change_is_told_once(world: World) {
    let channel = full(&world).await;
    let start = world.cursor().await;
    let same = json!({ "name": "Магазин", "queueUserIds": [world.admin.id], "welcomeText": "Welcome!", "autoReplyEnabled": true });
    update(&world.admin, &channel, same).await.data();
    assert_eq!(world.events_after(&start).await, Vec::<Value>::new(), "nothing was new");

    let observer = world.user("OBSERVER").await;
    update(&world.admin, &channel, json!({ "name": "Other", "welcomeText": null, "queueUserIds": [] })).await.data();

    for viewer in [&world.admin, &observer] {
        let events = feed::events(&viewer.api, Some(&start)).await;
        assert_eq!(feed::kinds(&events), ["CHANNEL_CHANGED"], "one for all, and everybody may see channels");
        assert_eq!(events[0]["channel"]["id"], json!(channel.id));
        assert_eq!((&events[0]["actor"]["id"], &events[0]["dialogue"]), (&json!(world.admin.id), &Value::Null));
    }
}

async fn a_funnel_brings_deals_until_it_is_cleared(world: World) {
    let channel = world.connect_channel("Shop").await;
    let deals = async |dialogue: &str| {
        world.admin.dialogue(dialogue, "deals { funnel { id } stage { name } }").await["deals"].clone()
    };
    let without = world.write(&channel, &Person::new(501), "hello").await;
    assert_eq!(deals(&without).await, json!([]));

    let funnel = funnel(&world).await;
    update(&world.admin, &channel, json!({ "funnelId": funnel })).await.data();
    let with = world.write(&channel, &Person::new(502), "hello").await;
    assert_eq!(deals(&with).await, json!([{ "funnel": { "id": funnel }, "stage": { "name": "New" } }]));
    world.admin.close(&without).await;
    world.write(&channel, &Person::new(501), "again").await;
    assert_eq!(deals(&without).await, json!([]), "a reopened dialogue makes none");

    update(&world.admin, &channel, json!({ "funnelId": null })).await.data();
    let after = world.write(&channel, &Person::new(503), "hello").await;
    assert_eq!(deals(&after).await, json!([]));
}

async fn a_bot_is_connected_once_and_comes_back(world: World) {
    let channel = full(&world).await;
    let connect = "mutation($token: String!, $name: String!) {
        connectChannel(input: { name: $name, credentials: { telegram: { botToken: $token } } }) { channel { id state name } }
    }";
    let again = world.admin.api.run(connect, json!({ "token": channel.token, "name": "Twice" })).await;
    assert_eq!((again.error_code(), &again.error()["extensions"]["existingId"]), ("CONFLICT", &json!(channel.id)));

    let dialogue = world.write(&channel, &Person::new(601), "hello").await;
    let disconnect = "mutation($id: ID!) { disconnectChannel(channelId: $id) { channel { state } } }";
    for _ in 0..2 {
        let answer = world.admin.api.run(disconnect, json!({ "id": channel.id })).await;
        assert_eq!(answer.at("disconnectChannel.channel.state"), "DISCONNECTED");
    }
    assert!(world.telegram.webhook(&channel.token).is_none(), "Telegram posts nothing more");
    let send = json!({ "input": { "dialogueId": dialogue, "text": "too late" } });
    let send = world
        .admin
        .api
        .run("mutation($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }", send)
        .await;
    assert_eq!(send.error_code(), "CONFLICT");

    let back = world.admin.api.run(connect, json!({ "token": channel.token, "name": "Back" })).await;
    assert_eq!(back.at("connectChannel.channel"), &json!({ "id": channel.id, "state": "CONNECTED", "name": "Back" }));
    let kept = settings(&world).await;
    assert_eq!((&kept["welcomeText"], &kept["queue"]), (&json!("Welcome!"), &json!([{ "id": world.admin.id }])));
    assert_eq!(world.write(&channel, &Person::new(601), "again").await, dialogue, "the history goes on");

    for token in ["", "nonsense", "1:unknown", "1:with space", "1:ü", &"1".repeat(300)] {
        let answer = world.admin.api.run(connect, json!({ "token": token, "name": "x" })).await;
        assert_eq!(
            (answer.error_code(), answer.error_field()),
            ("BAD_USER_INPUT", Some("input.credentials.telegram.botToken")),
            "{token}"
        );
    }
}

async fn credentials_that_cannot_be_are_refused_by_name(world: World) {
    let connect = async |credentials: &str| {
        let connect = format!(
            "mutation {{ connectChannel(input: {{ name: \"x\", credentials: {{ {credentials} }} }}) {{ channel {{ id }} }} }}"
        );
        world.admin.api.run(&connect, Value::Null).await
    };
    let refused = [
        ("vk.groupId", "vk: { groupId: \"shop\", accessToken: \"x\" }"),
        ("vk.groupId", "vk: { groupId: \"0\", accessToken: \"x\" }"),
        ("vk.accessToken", "vk: { groupId: \"1\", accessToken: \" \" }"),
        ("viber.authToken", "viber: { authToken: \"with space\" }"),
        ("website.allowedOrigins", "website: { allowedOrigins: [] }"),
        ("website.allowedOrigins", "website: { allowedOrigins: [\"https://shop.example/path\"] }"),
        ("website.allowedOrigins", "website: { allowedOrigins: [\"https://me@shop.example\"] }"),
    ];
    for (kind, credentials) in refused {
        let answer = connect(credentials).await;
        let field = format!("input.credentials.{kind}");
        assert_eq!(
            (answer.error_code(), answer.error_field()),
            ("BAD_USER_INPUT", Some(field.as_str())),
            "{credentials}"
        );
        assert!(answer.error()["message"].as_str().is_some_and(|words| words.len() > 15), "{answer}");
    }
    for none in
        ["", "vk: { groupId: \"1\", accessToken: \"x\" }, viber: { authToken: \"x\" }", "telegram: null", "icq: {}"]
    {
        assert_eq!(connect(none).await.error_code(), "BAD_USER_INPUT", "{none}");
    }
    assert_eq!(world.admin.api.run("{ channels { id } }", Value::Null).await.at("channels"), &json!([]));
}
