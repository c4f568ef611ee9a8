//! Viber's side of the world: bots that are connected, and what their people write.

use std::sync::atomic::{AtomicUsize, Ordering};

use colloquy_sandbox::viber::User;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::client::Answer;
use super::world::{Channel, World};

/// Bots get tokens of their own.
static NEXT_BOT: AtomicUsize = AtomicUsize::new(1);

impl World {
    /// Connects a bot of the pretend Viber.
    pub async fn connect_viber(&self, name: &str) -> Channel {
        let number = NEXT_BOT.fetch_add(1, Ordering::Relaxed);
        let token = format!("445da6az1s345z78-dazcczb2542zv51a-{number:016x}");
        self.viber.bot(&token, &format!("shop{number}"));
        let answer = self.try_connect_viber(name, &token).await;
        Channel { id: answer.get("connectChannel.channel.id"), token }
    }

    /// Asks to connect a bot by its token.
    #[track_caller]
    pub fn try_connect_viber(&self, name: &str, token: &str) -> impl Future<Output = Answer> + use<> {
        let connect = "mutation($input: ConnectChannelInput!) { connectChannel(input: $input) {
            channel { id kind name handle state stateReason }
        } }";
        let input = json!({ "name": name, "credentials": { "viber": { "authToken": token } } });
        self.admin.api.run(connect, json!({ "input": input }))
    }

    /// Viber posts an event, and it is taken.
    #[track_caller]
    pub fn viber_tells(&self, channel: &Channel, event: &Value) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            let status = self.viber.deliver(&channel.token, event).await;
            assert_eq!(status, StatusCode::OK, "delivered at {caller}: {event:#}");
        }
    }

    /// A person writes to a bot of Viber's; gives the id of their dialogue.
    pub async fn viber_says(&self, channel: &Channel, user: &User, text: &str) -> String {
        self.viber_tells(channel, &user.says(text)).await;
        self.viber_dialogue(channel, &user.name).await
    }

    /// The id of a person's dialogue in a channel.
    pub async fn viber_dialogue(&self, channel: &Channel, name: &str) -> String {
        let person = super::updates::Person { id: 0, name: name.into() };
        self.dialogue(channel, &person).await
    }
}
