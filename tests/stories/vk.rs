//! VK: a community's messages, through its callbacks or its long poll, and back by the API.

use serde_json::{Value, json};

use crate::harness::communities::Community;
use crate::harness::updates::Person;
use crate::harness::world::World;

mod changing;
mod echoes;
mod faults;
mod files;
mod payloads;
mod polling;
mod receiving;
mod registration;
mod sending;
mod wire;

/// A community, somebody who wrote to it, and their dialogue.
async fn begin(world: &World, person: i64) -> (Community, Person, String) {
    let shop = world.connect_vk("Shop").await;
    let person = Person::new(person);
    let dialogue = world.write_vk(&shop, &person, "Hello").await;
    (shop, person, dialogue)
}

/// Sends a text, and waits until it is sent.
async fn sent(world: &World, dialogue: &str, text: &str) -> String {
    let mut feed = world.follow(&world.admin.api, None).await;
    let id = world.admin.send(dialogue, text).await;
    feed.until_delivery(&id, "SENT").await;
    id
}

async fn message(world: &World, dialogue: &str, id: &str) -> Value {
    let messages = world.admin.messages(dialogue).await;
    messages.into_iter().find(|message| message["id"] == id).expect("the message is there")
}

/// The state of the only channel, with the reason.
async fn health(world: &World) -> Value {
    world.admin.api.run("{ channels { state stateReason } }", json!({})).await.at("channels.0").clone()
}
