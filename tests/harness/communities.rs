//! Communities of the pretend VK in a story's world, and the people who write to them.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};

use super::client::{Answer, Api};
use super::updates::Person;
use super::world::{Channel, World};

static NEXT: AtomicI64 = AtomicI64::new(200_000_101);

/// A connected community.
#[derive(Clone, Debug)]
pub struct Community {
    pub channel: Channel,
    /// VK's number of it.
    pub group: i64,
}

/// A recorded event of `tests/fixtures/vk/payloads`, named without `.json`.
pub fn payload(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/vk/payloads");
    let text = std::fs::read_to_string(folder.join(format!("{name}.json")));
    let text = text.unwrap_or_else(|error| panic!("the payload {name}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("the payload {name}: {error}"))
}

/// Asks for a community to be connected.
#[track_caller]
pub fn connect(api: &Api, name: &str, group: &str, token: &str) -> impl Future<Output = Answer> + use<> {
    let connect = "mutation($input: ConnectChannelInput!) {
        connectChannel(input: $input) { channel { id kind state name handle } }
    }";
    let input = json!({ "name": name, "credentials": { "vk": { "groupId": group, "accessToken": token } } });
    api.run(connect, json!({ "input": input }))
}

impl World {
    /// A community of the pretend VK that nobody has connected: its number and its token.
    pub fn community(&self, name: &str) -> (i64, String) {
        let group = NEXT.fetch_add(1, Ordering::Relaxed);
        let token = format!("vk1.a.story-{group}");
        self.vk.community(group, &token, name);
        (group, token)
    }

    /// Connects a community of the pretend VK.
    pub async fn connect_vk(&self, name: &str) -> Community {
        let (group, token) = self.community(name);
        let answer = connect(&self.admin.api, name, &group.to_string(), &token).await;
        Community { channel: Channel { id: answer.get("connectChannel.channel.id"), token }, group }
    }

    /// VK posts an event, and it is taken.
    #[track_caller]
    pub fn take_vk(&self, shop: &Community, event: &Value) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            let delivery = self.vk.deliver(shop.group, event).await;
            assert!(delivery.is_taken(), "delivered at {caller}: {delivery:?} for {event:#}");
        }
    }

    /// A person writes to a community; gives the id of their dialogue.
    pub async fn write_vk(&self, shop: &Community, person: &Person, text: &str) -> String {
        self.vk.person(person.id, &person.name, "");
        self.take_vk(shop, &self.vk.says(shop.group, person.id, text)).await;
        self.dialogue(&shop.channel, person).await
    }
}
