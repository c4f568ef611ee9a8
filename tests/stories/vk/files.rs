//! Files that clients sent: fetched from the addresses that VK tells, after the message.

use serde_json::{Value, json};

use super::begin;
use crate::harness::story::stories;
use crate::harness::world::World;

stories!(World:
    what_clients_sent_is_fetched_byte_for_byte,
    an_address_that_has_run_out_leaves_the_history,
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
