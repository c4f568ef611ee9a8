//! A visitor of a website's chat, as the widget would be.

use serde_json::{Value, json};

use super::client::{Answer, Api};
use super::socket::{Closed, Operation, Raw, Socket};
use super::world::{Channel, World};

/// The origin whose pages stories have allowed, unless they say otherwise.
pub const ORIGIN: &str = "https://shop.example";

/// What stories ask of a message.
pub const MESSAGE: &str = "fragment Message on ChatMessage {
    id isOwn author text createdAt editedAt deletedAt key isRead
    files { id name contentType size url previewUrl width height }
}";

/// Somebody who reads a page of the website.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// With their token
    pub api: Api,
}

impl World {
    /// Connects a website's chat for pages of these origins.
    pub async fn connect_website(&self, name: &str, origins: &[&str]) -> Channel {
        let connect = "mutation($input: ConnectChannelInput!) { connectChannel(input: $input) { channel { id } } }";
        let input = json!({ "name": name, "credentials": { "website": { "allowedOrigins": origins } } });
        let answer = self.admin.api.run(connect, json!({ "input": input })).await;
        Channel { id: answer.get("connectChannel.channel.id"), token: String::new() }
    }

    /// The ids of a channel's dialogues.
    pub async fn dialogues(&self, channel: &Channel) -> Vec<String> {
        let find =
            "query($channels: [ID!]) { dialogues(filter: { channelIds: $channels }, first: 100) { nodes { id } } }";
        let found = self.admin.api.run(find, json!({ "channels": [channel.id] })).await;
        let found: Vec<Value> = found.get("dialogues.nodes");
        found.iter().map(|dialogue| dialogue["id"].as_str().expect("an id").to_owned()).collect()
    }

    /// The id of a channel's only dialogue.
    pub async fn only_dialogue(&self, channel: &Channel) -> String {
        let mut all = self.dialogues(channel).await;
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }
}

impl Visitor {
    /// A new one, at a page of [`ORIGIN`].
    pub async fn start(world: &World, channel: &Channel) -> Self {
        Self::start_at(&Api::page(&world.server.url, ORIGIN), channel).await
    }

    /// A new one at a page.
    pub async fn start_at(page: &Api, channel: &Channel) -> Self {
        let token: String = begin(page, &channel.id).await.get("startChat.token");
        Self { api: page.with_token(&token) }
    }

    /// The same visitor at a page that is served by another server.
    pub fn at(&self, server: &str) -> Self {
        Self { api: self.api.at(server) }
    }

    /// Sends a message.
    #[track_caller]
    pub fn send(&self, key: &str, text: &str) -> impl Future<Output = Answer> + use<> {
        self.send_with(key, json!({ "text": text }))
    }

    /// Sends what these variables say.
    #[track_caller]
    pub fn send_with(&self, key: &str, mut variables: Value) -> impl Future<Output = Answer> + use<> {
        variables["key"] = json!(key);
        let send = format!(
            "mutation($text: String, $files: [ID!], $key: String!) {{
                sendMessage(text: $text, fileIds: $files, key: $key) {{ message {{ ...Message }} }}
            }} {MESSAGE}"
        );
        self.api.run(&send, variables)
    }

    /// Sends a text with itself as the key; gives the message's id.
    #[track_caller]
    pub fn say(&self, text: &str) -> impl Future<Output = String> + use<> {
        let sent = self.send(text, text);
        async move { sent.await.get("sendMessage.message.id") }
    }

    /// Runs a mutation with one argument that is an id, or with none.
    #[track_caller]
    pub fn act(&self, mutation: &str, up_to: Option<&str>) -> impl Future<Output = Answer> + use<> {
        let document = match up_to {
            Some(_) => format!("mutation($id: ID!) {{ {mutation}(upToMessageId: $id) }}"),
            None => format!("mutation {{ {mutation} }}"),
        };
        self.api.run(&document, json!({ "id": up_to }))
    }

    /// The chat, with all messages that are in it.
    pub async fn chat(&self) -> Value {
        let document = format!(
            "{{ chat {{ name cursor unreadCount largestFile longestText
                messages(last: 100) {{ nodes {{ ...Message }} hasPreviousPage startCursor }} }} }} {MESSAGE}"
        );
        self.api.run(&document, Value::Null).await.at("chat").clone()
    }

    /// Uploads a file; the whole answer.
    pub async fn upload(&self, name: &str, kind: &str, bytes: Vec<u8>) -> (reqwest::StatusCode, Value) {
        let part = reqwest::multipart::Part::bytes(bytes).file_name(name.to_owned()).mime_str(kind).expect("a type");
        let form = reqwest::multipart::Form::new().part("file", part);
        let answer = self.api.post("/chat/files").multipart(form).send().await.expect("an answer");
        let status = answer.status();
        (status, answer.json().await.unwrap_or_default())
    }

    /// An acknowledged socket, or how it was closed.
    pub async fn connect(&self) -> Result<Socket, Closed> {
        let origin = self.api.origin.as_deref().unwrap_or_default();
        let url = format!("{}/chat", self.api.url);
        let mut raw = Raw::open_with(&url, &[("Origin", origin)]).await.expect("the upgrade");
        let authorization = self.api.token.as_ref().map(|token| format!("Bearer {token}"));
        raw.send(json!({ "type": "connection_init", "payload": { "authorization": authorization } })).await;
        assert_eq!(raw.try_next().await?, json!({ "type": "connection_ack" }));
        Ok(Socket::from(raw))
    }

    /// Follows after a cursor, or from now on.
    pub async fn follow(&self, after: Option<&str>) -> Updates {
        let socket = self.connect().await.unwrap_or_else(|closed| panic!("closed with {closed:?}"));
        // Where one without a cursor begins is for the server to find out, while things happen.
        let now = if after.is_none() { Some(self.chat().await["cursor"].take()) } else { None };
        let after = after.map(Value::from).or(now);
        let document = format!(
            "subscription($after: String) {{ updates(after: $after) {{
                cursor message {{ ...Message }} readUpTo typing {{ name until }}
            }} }} {MESSAGE}"
        );
        let operation = socket.subscribe(&document, json!({ "after": after }));
        Updates { operation, socket }
    }
}

/// `startChat` on a page.
#[track_caller]
pub fn begin(page: &Api, channel: &str) -> impl Future<Output = Answer> + use<> {
    page.run("mutation($id: ID!) { startChat(channelId: $id) { token } }", json!({ "id": channel }))
}

/// A visitor's updates, as they come.
pub struct Updates {
    operation: Operation,
    pub socket: Socket,
}

impl Updates {
    /// The next.
    pub async fn next(&mut self) -> Value {
        let mut payload = self.operation.next().await;
        assert!(payload["errors"].is_null(), "an update with errors: {payload:#}");
        payload["data"]["updates"].take()
    }

    /// The next that is a message.
    pub async fn message(&mut self) -> Value {
        let mut update = self.next().await;
        assert!(update["message"].is_object(), "no message but {update:#}");
        assert!(update["cursor"].is_string());
        update["message"].take()
    }

    /// Updates up to the first with a message of this text, it included.
    pub async fn until_text(&mut self, text: &str) -> Vec<Value> {
        let mut all = Vec::new();
        loop {
            let update = self.next().await;
            let found = update["message"]["text"] == text;
            all.push(update);
            if found {
                return all;
            }
        }
    }
}
