//! Files that clients sent: fetched from the addresses that VK tells, after the message.

use serde_json::{Value, json};

use super::begin;
use crate::harness::feed::kinds;
use crate::harness::story::stories;
use crate::harness::world::World;
use crate::stories::files::{send, upload};

stories!(World:
    what_clients_sent_is_fetched_byte_for_byte,
    an_address_that_has_run_out_leaves_the_history,
    a_message_that_names_an_internal_address_is_kept_and_that_is_not_fetched,
    what_operators_send_arrives_and_stays_through_an_edit,
);

fn document(url: &str, title: &str) -> Value {
    json!([{ "type": "doc", "doc": { "id": 5, "owner_id": 1, "title": title, "ext": "txt", "type": 1, "url": url } }])
}

async fn file(world: &World, dialogue: &str) -> Value {
    let fields = "messages { nodes { attachments { ... on File { name state size contentType url } } } }";
    let read = world.admin.dialogue(dialogue, fields).await;
    let messages = read["messages"]["nodes"].as_array().expect("messages");
    messages.last().expect("one")["attachments"][0].clone()
}

async fn what_clients_sent_is_fetched_byte_for_byte(world: World) {
    let (shop, anna, dialogue) = begin(&world, 7_801).await;
    let url = world.vk.media("price.txt", "text/plain", "nine ninety");
    let mut feed = world.follow(&world.admin.api, None).await;
    let fields = json!({ "text": "", "attachments": document(&url, "price.txt") });
    world.take_vk(&shop, &world.vk.sends(shop.group, anna.id, fields)).await;
    feed.until(|event| event["kind"] == "MESSAGE_FILE_CHANGED").await;
    let file = file(&world, &dialogue).await;
    assert_eq!((&file["state"], &file["size"]), (&json!("READY"), &json!(11)));
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let got = client.get(file["url"].as_str().expect("an address"));
    let got = got.bearer_auth(world.admin.api.token.as_deref().unwrap_or_default()).send().await.expect("an answer");
    assert_eq!(got.text().await.expect("bytes"), "nine ninety");
}

async fn an_address_that_has_run_out_leaves_the_history(world: World) {
    let (shop, anna, dialogue) = begin(&world, 7_811).await;
    for (name, status) in [("gone.txt", 404), ("expired.txt", 410)] {
        let url = world.vk.media(name, "text/plain", "?");
        world.vk.expire(name, status);
        let mut feed = world.follow(&world.admin.api, None).await;
        let fields = json!({ "text": "See", "attachments": document(&url, name) });
        world.take_vk(&shop, &world.vk.sends(shop.group, anna.id, fields)).await;
        feed.until(|event| event["kind"] == "MESSAGE_FILE_CHANGED").await;
        let file = file(&world, &dialogue).await;
        assert_eq!((&file["name"], &file["state"]), (&json!(name), &json!("FAILED")));
    }
}

async fn a_message_that_names_an_internal_address_is_kept_and_that_is_not_fetched(world: World) {
    let (shop, anna, dialogue) = begin(&world, 7_831).await;
    let inside = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = inside.local_addr().expect("an address").port();
    for url in [format!("http://127.0.0.1:{port}/token"), format!("http://[::ffff:127.0.0.1]:{port}/token")] {
        let mut feed = world.follow(&world.admin.api, None).await;
        let fields = json!({ "text": "See", "attachments": document(&url, "price.txt") });
        world.take_vk(&shop, &world.vk.sends(shop.group, anna.id, fields)).await;
        feed.until(|event| event["kind"] == "MESSAGE_FILE_CHANGED").await;
        let file = file(&world, &dialogue).await;
        assert_eq!((&file["name"], &file["state"]), (&json!("price.txt"), &json!("FAILED")), "{url}");
    }
    let connected = tokio::time::timeout(std::time::Duration::ZERO, inside.accept()).await;
    assert!(connected.is_err(), "nobody connected");
}

async fn what_operators_send_arrives_and_stays_through_an_edit(world: World) {
    let (shop, _, dialogue) = begin(&world, 7_821).await;
    world.vk.echo_edits();
    world.vk.echo(colloquy_sandbox::vk::Echoes::First);
    let mut feed = world.follow(&world.admin.api, None).await;
    let list: Vec<u8> = (0..500_000u32).flat_map(u32::to_le_bytes).collect();
    let document = upload(&world.admin.api, "Прайс №7 «опт».xlsx", "application/vnd.ms-excel", list.clone()).await;
    let answer = send(&world.admin.api, &dialogue, "Here it is", &[&document]).await;
    let id: String = answer.get("sendMessage.message.id");
    feed.until_delivery(&id, "SENT").await;
    let [sent] = &world.vk.sent(shop.group)[..] else { panic!("one message") };
    let [file] = &sent.files[..] else { panic!("one file") };
    assert_eq!((file.kind.as_str(), file.name.as_str()), ("doc", "Прайс №7 «опт».xlsx"));
    assert!(file.bytes == list, "byte for byte");

    // VK tells of the change with its own copies; ours stay what they are.
    let before = world.cursor().await;
    let earlier = world.admin.messages(&dialogue).await[1]["attachments"].clone();
    let edit = "mutation($id: ID!) { editMessage(messageId: $id, text: \"Here\") { message { id } } }";
    world.admin.api.run(edit, json!({ "id": id })).await.data();
    let there = world.vk.wait_for_message(shop.group, "the edit", |message| message.edits == 1).await;
    assert_eq!((there.text.as_str(), there.files.len()), ("Here", 1));
    world.vk.wait_for_calls("messages.edit", 1).await;
    assert_eq!(kinds(&world.events_after(&before).await), ["MESSAGE_EDITED"]);
    let now = world.admin.messages(&dialogue).await;
    assert_eq!((&now[1]["text"], &now[1]["attachments"]), (&json!("Here"), &earlier));
}
