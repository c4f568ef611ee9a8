//! A message from a client: one transaction, and all that belongs to it.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::feed::kinds;
use crate::harness::story::stories;
use crate::harness::updates::{Person, next_update};
use crate::harness::world::World;

stories!(World:
    a_first_message_makes_everything_in_one_order,
    an_update_delivered_ten_times_at_once_is_one_message,
    ten_messages_at_once_of_a_new_client_make_one_dialogue,
    one_person_and_two_bots_are_one_client_with_two_dialogues,
    a_closed_dialogue_is_reopened_by_its_client,
    whom_a_reopening_lets_in_hears_so_before_the_message,
    what_the_messenger_tells_of_a_client_is_kept_up,
    a_client_who_blocked_the_bot_is_out_of_reach_until_they_come_back,
    a_blocked_clients_messages_are_dropped_and_counted,
    an_album_is_as_many_messages_with_one_id,
    messages_are_in_order_of_arrival,
);

/// A funnel with two stages; its id.
async fn funnel(world: &World) -> String {
    let create = "mutation($input: CreateFunnelInput!) { createFunnel(input: $input) { funnel { id } } }";
    let input = json!({ "name": "Sales", "stages": [{ "name": "New" }, { "name": "Won", "kind": "WON" }] });
    world.admin.api.run(create, json!({ "input": input })).await.get("createFunnel.funnel.id")
}

/// Kind, and for messages their text.
fn outline(events: &[Value]) -> Vec<(&str, &str)> {
    let text = |event: &Value| event["message"].get("text").is_some();
    events
        .iter()
        .map(|event| {
            let words = if text(event) { event["message"]["text"].as_str() } else { None };
            (event["kind"].as_str().expect("a kind"), words.unwrap_or_default())
        })
        .collect()
}

async fn a_first_message_makes_everything_in_one_order(world: World) {
    let manager = world.user("OBSERVER").await;
    let channel = world.connect_channel("Shop").await;
    let settings = json!({
        "queueUserIds": [manager.id], "funnelId": funnel(&world).await,
        "welcomeText": "Welcome!", "autoReplyEnabled": true, "autoReplyText": "We answer soon",
    });
    world.set_channel(&channel, settings).await;
    let before = world.cursor().await;

    let anna = Person::new(5001);
    let dialogue = world.write(&channel, &anna, "Hello").await;

    let of_receipt: Vec<Value> = world.events_after(&before).await.into_iter().take(7).collect();
    let expected = [
        ("DIALOGUE_OPENED", ""),
        ("CONTRACTOR_LINKED", ""),
        ("DEAL_CREATED", ""),
        ("PARTICIPANT_ADDED", ""),
        ("MESSAGE_ADDED", "Hello"),
        ("MESSAGE_ADDED", "Welcome!"),
        ("MESSAGE_ADDED", "We answer soon"),
    ];
    assert_eq!(outline(&of_receipt), expected);
    assert!(of_receipt.iter().all(|event| event["dialogue"]["id"] == json!(dialogue)), "{of_receipt:#?}");
    let origins: Vec<&Value> = of_receipt[4..].iter().map(|event| &event["message"]["origin"]).collect();
    assert_eq!(origins, ["CLIENT", "WELCOME", "AUTO_REPLY"]);

    // Whom it lets in hears so, right after being added.
    let theirs = crate::harness::feed::events(&manager.api, Some(&before)).await;
    assert_eq!(kinds(&theirs[3..6]), ["PARTICIPANT_ADDED", "ACCESS_GRANTED", "MESSAGE_ADDED"]);
    assert_eq!(theirs[4]["dialogueId"], json!(dialogue));

    let fields = "state contractor { id name clients { name } } participants { user { id } role }
        deal { id stage { name } contractor { id } dialogues { id } } lastMessage { text }";
    let now = world.admin.dialogue(&dialogue, fields).await;
    assert_eq!(now["state"], "OPEN");
    assert_eq!(
        (&now["contractor"]["name"], &now["contractor"]["clients"][0]["name"]),
        (&json!(anna.name), &json!(anna.name))
    );
    assert_eq!(now["participants"], json!([{ "user": { "id": manager.id }, "role": "RESPONSIBLE" }]));
    assert_eq!(now["deal"]["stage"]["name"], "New");
    assert_eq!(now["deal"]["contractor"]["id"], now["contractor"]["id"]);
    assert_eq!(now["deal"]["dialogues"], json!([{ "id": dialogue }]));
    assert_eq!(now["lastMessage"]["text"], "We answer soon");

    let sent = world.telegram.wait_for_sent(2).await;
    let texts: Vec<_> = sent.iter().map(|call| (call.chat_id, call.text.as_deref())).collect();
    assert_eq!(texts, [(Some(anna.id), Some("Welcome!")), (Some(anna.id), Some("We answer soon"))]);
}

async fn an_update_delivered_ten_times_at_once_is_one_message(world: World) {
    let channel = world.connect_channel("Shop").await;
    world.set_channel(&channel, json!({ "welcomeText": "Welcome!" })).await;
    let before = world.cursor().await;
    let anna = Person::new(5002);
    let update = anna.says("Hello");

    let statuses = join_all((0..10).map(|_| world.deliver(&channel, &update))).await;

    assert_eq!(statuses, [StatusCode::OK; 10], "each is answered as the first");
    let dialogue = world.dialogue(&channel, &anna).await;
    let messages = world.admin.messages(&dialogue).await;
    assert_eq!(messages.iter().map(|message| &message["text"]).collect::<Vec<_>>(), ["Hello", "Welcome!"]);
    world.take(&channel, &update).await;
    world.telegram.wait_for_sent(1).await;
    let events = world.events_after(&before).await;
    let added = events.iter().filter(|event| event["kind"] == "MESSAGE_ADDED").count();
    let opened = events.iter().filter(|event| event["kind"] == "DIALOGUE_OPENED").count();
    assert_eq!((added, opened), (2, 1), "{:?}", kinds(&events));
}

async fn ten_messages_at_once_of_a_new_client_make_one_dialogue(world: World) {
    let first = world.user("EMPLOYEE").await;
    let second = world.user("EMPLOYEE").await;
    let channel = world.connect_channel("Shop").await;
    let settings = json!({
        "queueUserIds": [first.id, second.id], "funnelId": funnel(&world).await, "welcomeText": "Welcome!",
    });
    world.set_channel(&channel, settings).await;
    let before = world.cursor().await;
    let anna = Person::new(5003);
    let updates: Vec<Value> = (0..10).map(|number| anna.says(&format!("photo {number}"))).collect();

    let statuses = join_all(updates.iter().map(|update| world.deliver(&channel, update))).await;

    assert_eq!(statuses, [StatusCode::OK; 10]);
    let dialogue = world.dialogue(&channel, &anna).await;
    let messages = world.admin.messages(&dialogue).await;
    let from_client: Vec<&Value> =
        messages.iter().filter(|message| message["origin"] == "CLIENT").map(|message| &message["text"]).collect();
    let texts: BTreeSet<&str> = from_client.iter().filter_map(|text| text.as_str()).collect();
    assert_eq!((from_client.len(), texts.len()), (10, 10), "each once");
    assert_eq!(messages.iter().filter(|message| message["origin"] == "WELCOME").count(), 1);
    assert_eq!(messages[1]["origin"], "WELCOME", "after the very first");
    assert!(messages.is_sorted_by_key(|message| message["createdAt"].as_str().expect("a time")), "{messages:#?}");

    let events = world.events_after(&before).await;
    let of = |kind: &str| events.iter().filter(|event| event["kind"] == kind).count();
    assert_eq!(events[0]["kind"], "DIALOGUE_OPENED");
    let once = ["DIALOGUE_OPENED", "CONTRACTOR_LINKED", "DEAL_CREATED", "PARTICIPANT_ADDED"].map(of);
    assert_eq!(once, [1; 4], "{:?}", kinds(&events));
    // The order of messages is that of their events.
    let logged: Vec<&Value> = events.iter().filter(|event| event["kind"] == "MESSAGE_ADDED").collect();
    let logged: Vec<&Value> = logged.iter().map(|event| &event["message"]["id"]).collect();
    assert_eq!(logged, messages.iter().map(|message| &message["id"]).collect::<Vec<_>>());
    let now =
        world.admin.dialogue(&dialogue, "participants { user { id } } client { contractor { id } } deals { id }").await;
    assert_eq!(now["participants"], json!([{ "user": { "id": first.id } }]), "one turn was taken");
    assert_eq!(now["deals"].as_array().map(Vec::len), Some(1));
}

async fn one_person_and_two_bots_are_one_client_with_two_dialogues(world: World) {
    let shop = world.connect_channel("Shop").await;
    let help = world.connect_channel("Help").await;
    let anna = Person::new(5004);
    let in_shop = world.write(&shop, &anna, "To the shop").await;
    let before = world.cursor().await;
    let in_help = world.write(&help, &anna, "To the help").await;

    assert_ne!(in_shop, in_help);
    assert_eq!(
        kinds(&world.events_after(&before).await),
        ["DIALOGUE_OPENED", "MESSAGE_ADDED"],
        "they have a contractor"
    );
    let fields = "client { id dialogues { id } } contractor { id } messages { nodes { text } }";
    let first = world.admin.dialogue(&in_shop, fields).await;
    let second = world.admin.dialogue(&in_help, fields).await;
    assert_eq!(first["client"], second["client"]);
    assert_eq!(first["contractor"], second["contractor"]);
    assert_eq!(first["client"]["dialogues"].as_array().map(Vec::len), Some(2));
    assert_eq!(second["messages"]["nodes"], json!([{ "text": "To the help" }]));
}

async fn a_closed_dialogue_is_reopened_by_its_client(world: World) {
    let channel = world.connect_channel("Shop").await;
    world.set_channel(&channel, json!({ "funnelId": funnel(&world).await })).await;
    let anna = Person::new(5005);
    let dialogue = world.write(&channel, &anna, "Hello").await;
    let opened = world.admin.dialogue(&dialogue, "openedAt contractor { id } deals { id }").await;
    world.admin.close(&dialogue).await;
    let before = world.cursor().await;

    assert_eq!(world.write(&channel, &anna, "One more thing").await, dialogue, "never made anew");

    let events = world.events_after(&before).await;
    assert_eq!(kinds(&events), ["DIALOGUE_REOPENED", "MESSAGE_ADDED"], "neither a contractor nor a deal");
    assert_eq!(events[0]["actor"]["__typename"], "Client");
    let now = world.admin.dialogue(&dialogue, "state openedAt closedAt contractor { id } deals { id }").await;
    assert_eq!((&now["state"], &now["closedAt"]), (&json!("OPEN"), &Value::Null));
    assert_eq!((&now["contractor"], &now["deals"]), (&opened["contractor"], &opened["deals"]));
    assert!(now["openedAt"].as_str() > opened["openedAt"].as_str(), "it is open since then");
}

async fn whom_a_reopening_lets_in_hears_so_before_the_message(world: World) {
    let (leaving, next) = (world.user("EMPLOYEE").await, world.user("OBSERVER").await);
    let channel = world.connect_channel("Shop").await;
    let settings = json!({
        "queueUserIds": [leaving.id, next.id], "funnelId": funnel(&world).await,
        "welcomeText": "Welcome!", "autoReplyEnabled": true, "autoReplyText": "We answer soon",
    });
    world.set_channel(&channel, settings).await;
    let anna = Person::new(5011);
    let mut told = world.follow(&world.admin.api, None).await;
    let dialogue = world.write(&channel, &anna, "Hello").await;
    world.admin.close(&dialogue).await;
    let deactivate = "mutation($id: ID!) { updateUser(input: { userId: $id, isActive: false }) { user { id } } }";
    world.admin.api.run(deactivate, json!({ "id": leaving.id })).await.data();
    // Welcome and auto-reply: what is told of them stands before the cursor.
    for _ in 0..2 {
        told.until(|event| event["kind"] == "MESSAGE_DELIVERY_CHANGED").await;
    }
    let mut live = world.follow(&next.api, None).await;
    let before = world.cursor().await;

    world.write(&channel, &anna, "One more thing").await;

    let common = [
        ("DIALOGUE_REOPENED", ""),
        ("PARTICIPANT_ADDED", ""),
        ("MESSAGE_ADDED", "One more thing"),
        ("MESSAGE_ADDED", "We answer soon"),
    ];
    let events = world.events_after(&before).await;
    assert_eq!(outline(&events[..4]), common, "to all, no welcome and no deal");
    assert_eq!(events[1]["user"]["id"], json!(next.id), "the deactivated one is passed over");
    let mut theirs = common.to_vec();
    theirs.insert(2, ("ACCESS_GRANTED", ""));
    let read = crate::harness::feed::events(&next.api, Some(&before)).await;
    assert_eq!(outline(&read[..5]), theirs);
    assert_eq!(read[2]["dialogueId"], json!(dialogue));
    let heard = live.until(|event| event["message"]["text"] == "We answer soon").await;
    let from = heard.iter().position(|event| event["kind"] == "ACCESS_GRANTED").expect("they are told");
    assert_eq!(outline(&heard[from..]), theirs[2..], "live");
    world.telegram.wait_for_sent(3).await;
    let answered = next.send(&dialogue, "Here I am").await;
    live.until_delivery(&answered, "SENT").await;
}

async fn what_the_messenger_tells_of_a_client_is_kept_up(world: World) {
    let channel = world.connect_channel("Shop").await;
    let anna = Person::new(5006);
    let dialogue = world.write(&channel, &anna, "Hello").await;
    let before = world.cursor().await;

    let mut renamed = anna.says("I married");
    renamed["message"]["from"]["last_name"] = json!("Married");
    renamed["message"]["from"]["username"] = json!("anna_married");
    world.take(&channel, &renamed).await;
    let mut same = renamed.clone();
    same["update_id"] = json!(next_update());
    same["message"]["message_id"] = json!(same["message"]["message_id"].as_i64().expect("an id") + 1);
    world.take(&channel, &same).await;

    let events = world.events_after(&before).await;
    assert_eq!(kinds(&events), ["CLIENT_CHANGED", "MESSAGE_ADDED", "MESSAGE_ADDED"], "told once");
    let now = world.admin.dialogue(&dialogue, "client { name username profileUrl }").await;
    let name = format!("{} Married", anna.name);
    let expected = json!({ "name": name, "username": "anna_married", "profileUrl": "https://t.me/anna_married" });
    assert_eq!(now["client"], expected);
    assert_eq!(events[0]["client"]["name"], json!(name));
}

async fn a_client_who_blocked_the_bot_is_out_of_reach_until_they_come_back(world: World) {
    let shop = world.connect_channel("Shop").await;
    let help = world.connect_channel("Help").await;
    let anna = Person::new(5007);
    let dialogue = world.write(&shop, &anna, "Hello").await;
    let other = world.write(&help, &anna, "Hello").await;
    let before = world.cursor().await;
    let reachable = async |dialogue: &str| {
        let now = world.admin.dialogue(dialogue, "isReachable client { isReachable }").await;
        (now["isReachable"] == json!(true), now["client"]["isReachable"] == json!(true))
    };

    world.take(&shop, &anna.blocks(true)).await;
    assert_eq!(reachable(&dialogue).await, (false, true), "not there, but in another channel");
    assert_eq!(reachable(&other).await, (true, true));
    world.take(&help, &anna.blocks(true)).await;
    assert_eq!(reachable(&other).await, (false, false));
    world.take(&shop, &anna.blocks(false)).await;
    assert_eq!(reachable(&dialogue).await, (true, true), "subscribed again");
    world.take(&help, &anna.says("I am back")).await;
    assert_eq!(reachable(&other).await, (true, true), "wrote again");
    world.take(&help, &anna.blocks(false)).await;

    let events = world.events_after(&before).await;
    let expected = ["CLIENT_CHANGED", "CLIENT_CHANGED", "CLIENT_CHANGED", "CLIENT_CHANGED", "MESSAGE_ADDED"];
    assert_eq!(kinds(&events), expected, "what is so already makes none");
    world.take(&shop, &Person::new(5999).blocks(true)).await;
    assert_eq!(world.events_after(&before).await.len(), 5, "of a stranger there is nothing to tell");
}

async fn a_blocked_clients_messages_are_dropped_and_counted(world: World) {
    let channel = world.connect_channel("Shop").await;
    let anna = Person::new(5008);
    let dialogue = world.write(&channel, &anna, "Hello").await;
    let client: String =
        world.admin.dialogue(&dialogue, "client { id }").await["client"]["id"].as_str().expect("an id").into();
    let block = async |blocked: bool| {
        let block = "mutation($id: ID!, $blocked: Boolean!) { blockClient(clientId: $id, blocked: $blocked) { client { isBlocked } } }";
        let answer = world.admin.api.run(block, json!({ "id": client, "blocked": blocked })).await;
        assert_eq!(answer.at("blockClient.client.isBlocked"), &json!(blocked));
    };
    let dropped = || {
        let of = colloquy::metrics::Of::new("telegram", "dropped");
        world.server.running().app.metrics.inbound.get_or_create(&of).get()
    };
    block(true).await;
    let before = world.cursor().await;

    let update = anna.says("Buy my pills");
    world.take(&channel, &update).await;
    world.take(&channel, &anna.edits(&update, json!({ "text": "Buy them cheap" }))).await;

    assert!(world.events_after(&before).await.is_empty());
    assert_eq!(dropped(), 2);
    block(false).await;
    world.take(&channel, &anna.says("Sorry")).await;
    let texts: Vec<Value> =
        world.admin.messages(&dialogue).await.iter().map(|message| message["text"].clone()).collect();
    assert_eq!(texts, ["Hello", "Sorry"]);
}

async fn an_album_is_as_many_messages_with_one_id(world: World) {
    let channel = world.connect_channel("Shop").await;
    let anna = Person::new(5009);
    let photo = |number: i64| {
        let size = json!({ "file_id": format!("photo{number}"), "file_unique_id": format!("u{number}"), "width": 90, "height": 60 });
        anna.sends(json!({ "media_group_id": "1390", "photo": [size] }))
    };
    let updates = [photo(1), photo(2), photo(3), anna.says("That is all")];
    for update in &updates {
        world.take(&channel, update).await;
    }
    let dialogue = world.dialogue(&channel, &anna).await;
    let messages = world.admin.messages(&dialogue).await;
    let albums: Vec<&Value> = messages.iter().map(|message| &message["albumId"]).collect();
    assert_eq!(albums, [&json!("1390"), &json!("1390"), &json!("1390"), &Value::Null]);
    assert!(messages[..3].iter().all(|message| message["attachments"].as_array().is_some_and(|all| all.len() == 1)));
}

async fn messages_are_in_order_of_arrival(world: World) {
    let channel = world.connect_channel("Shop").await;
    let anna = Person::new(5010);
    let mut late = anna.says("written first, delivered last");
    late["message"]["date"] = json!(1_789_000_000);
    let early = anna.says("written last, delivered first");
    world.take(&channel, &early).await;
    world.take(&channel, &late).await;

    let dialogue = world.dialogue(&channel, &anna).await;
    let messages = world.admin.messages(&dialogue).await;
    let read: Vec<(&str, &str)> =
        messages.iter().map(|m| (m["text"].as_str().expect("a text"), m["sentAt"].as_str().expect("a time"))).collect();
    let expected = [
        ("written last, delivered first", "2026-09-21T14:13:20.000Z"),
        ("written first, delivered last", "2026-09-10T00:26:40.000Z"),
    ];
    assert_eq!(read, expected);
    assert!(messages[0]["createdAt"].as_str() <= messages[1]["createdAt"].as_str());
}
