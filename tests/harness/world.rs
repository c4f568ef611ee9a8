//! The world of a story: a database of its own, pretend messengers, the real server, and people who use them.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use colloquy::config::{Config, Pace};
use colloquy::inbox::users::{self, NewUser};
use colloquy::serve::{self, Running};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use super::client::{Answer, Api};
use super::feed::{self, Feed};
use super::process::Program;
use super::updates::Person;
use super::{Backend, Database, provision};
use colloquy_sandbox::telegram::FakeTelegram;
use colloquy_sandbox::viber::FakeViber;
use colloquy_sandbox::vk::FakeVk;

const PASSWORD: &str = "correct horse battery";
/// `SECRET_KEY` of every server: they share databases.
const SECRET: [u8; 32] = [7; 32];

/// Everything that a story needs; gone with all its servers when it is dropped.
pub struct World {
    pub backend: Backend,
    pub telegram: FakeTelegram,
    pub viber: FakeViber,
    pub vk: FakeVk,
    /// The first administrator.
    pub admin: Someone,
    /// The server that everybody uses, unless told otherwise.
    pub server: Server,
    config: Config,
    is_reachable: bool,
    next_bot: AtomicI64,
    next_user: AtomicUsize,
    /// Last: servers end before their database does.
    pub database: Database,
}

/// A server in this process.
pub struct Server {
    running: Option<Running>,
    /// `http://127.0.0.1:port`
    pub url: String,
}

/// An employee and their access.
#[derive(Clone, Debug)]
pub struct Someone {
    pub id: String,
    pub api: Api,
}

/// A connected bot.
#[derive(Clone, Debug)]
pub struct Channel {
    pub id: String,
    /// The bot's
    pub token: String,
}

impl World {
    pub async fn start(backend: Backend) -> Self {
        Self::start_in(backend, provision(backend).await, |_| ()).await
    }

    /// As [`start`](Self::start), with settings of its own.
    pub async fn start_with(backend: Backend, change: impl FnOnce(&mut Config)) -> Self {
        Self::start_in(backend, provision(backend).await, change).await
    }

    /// On a database that the story has made.
    pub async fn start_in(backend: Backend, database: Database, change: impl FnOnce(&mut Config)) -> Self {
        let (telegram, vk, viber) = (FakeTelegram::start().await, FakeVk::start().await, FakeViber::start().await);
        let mut config = config(&database, [telegram.url(), vk.url(), viber.url()]);
        change(&mut config);
        let server = Server::start(&config, true).await;
        let new = NewUser {
            name: "Administrator".into(),
            email: "admin@example.com".into(),
            password: PASSWORD.into(),
            role: colloquy_entity::Role::Admin,
        };
        let app = &server.running().app;
        users::add(app, None, new).await.expect("an empty database takes an administrator");
        let admin = sign_in(&Api::anonymous(&server.url), "admin@example.com").await;
        let (next_bot, next_user) = (AtomicI64::new(7_000_000_001), AtomicUsize::new(1));
        Self { backend, telegram, vk, viber, admin, server, config, is_reachable: true, next_bot, next_user, database }
    }

    /// A further server on the same database, with the same settings.
    pub async fn another(&self) -> Server {
        self.another_with(|_| ()).await
    }

    /// As [`another`](Self::another), with settings of its own.
    pub async fn another_with(&self, change: impl FnOnce(&mut Config)) -> Server {
        let mut config = self.config.clone();
        change(&mut config);
        Server::start(&config, self.is_reachable).await
    }

    /// As [`another`](Self::another), or in words why not.
    pub async fn try_another(&self) -> Result<Server, String> {
        self.try_another_with(|_| ()).await
    }

    /// As [`another_with`](Self::another_with), or in words why not.
    pub async fn try_another_with(&self, change: impl FnOnce(&mut Config)) -> Result<Server, String> {
        let mut config = self.config.clone();
        change(&mut config);
        Server::try_start(&config, self.is_reachable).await
    }

    /// The real program on the same database, with the real waits; its webhooks are those of the first server.
    pub async fn program(&self) -> Program {
        self.try_program().await.unwrap_or_else(|reason| panic!("{reason}"))
    }

    /// As [`program`](Self::program), or in words why it does not start.
    pub async fn try_program(&self) -> Result<Program, String> {
        let secret = "07".repeat(SECRET.len());
        let mut settings = vec![
            ("DATABASE_URL", self.database.url.as_str()),
            ("SECRET_KEY", &secret),
            ("FILES_URL", self.config.files_url.as_str()),
            ("TELEGRAM_API_URL", self.telegram.url()),
            ("VK_API_URL", self.vk.url()),
            ("PUBLIC_URL", &self.server.url),
        ];
        if let Some(redis) = &self.config.redis_url {
            settings.push(("REDIS_URL", redis));
        }
        Program::try_serve(&settings).await
    }

    /// Stops the first server, and starts it again on another port. Webhooks lead to the old one until they are set anew:
    /// see [`deliver_at`](Self::deliver_at).
    pub async fn restart(&mut self) {
        self.server.stop().await;
        self.server = self.another().await;
        self.admin = self.admin.at(&self.server.url);
    }

    /// Starts the first server anew without `PUBLIC_URL`, as are all from then on: channels are polled.
    pub async fn hide_from_outside(&mut self) {
        self.is_reachable = false;
        self.restart().await;
    }

    /// A new employee with an API token.
    pub async fn user(&self, role: &str) -> Someone {
        let number = self.next_user.fetch_add(1, Ordering::Relaxed);
        let input = json!({
            "name": format!("Employee {number}"),
            "email": format!("employee{number}@example.com"),
            "password": PASSWORD,
            "role": role,
        });
        let create = "mutation($input: CreateUserInput!) { createUser(input: $input) { user { id } } }";
        let id: String = self.admin.api.run(create, json!({ "input": input })).await.get("createUser.user.id");
        let create = "mutation($input: CreateApiTokenInput!) { createApiToken(input: $input) { secret } }";
        let input = json!({ "name": "story", "userId": id });
        let token: String = self.admin.api.run(create, json!({ "input": input })).await.get("createApiToken.secret");
        Someone { id, api: self.admin.api.with_token(&token) }
    }

    /// Connects a bot of the pretend Telegram.
    pub async fn connect_channel(&self, name: &str) -> Channel {
        let token = format!("{}:story", self.next_bot.fetch_add(1, Ordering::Relaxed));
        self.telegram.bot(&token, &format!("{}_bot", name.to_lowercase().replace(' ', "_")));
        let connect = "mutation($input: ConnectChannelInput!) { connectChannel(input: $input) { channel { id } } }";
        let input = json!({ "name": name, "credentials": { "telegram": { "botToken": token } } });
        let answer = self.admin.api.run(connect, json!({ "input": input })).await;
        Channel { id: answer.get("connectChannel.channel.id"), token }
    }

    /// Changes a channel's settings: the fields of `UpdateChannelInput` without `channelId`.
    pub async fn set_channel(&self, channel: &Channel, mut settings: Value) {
        settings["channelId"] = json!(channel.id);
        let update = "mutation($input: UpdateChannelInput!) { updateChannel(input: $input) { channel { id } } }";
        self.admin.api.run(update, json!({ "input": settings })).await.data();
    }

    /// Telegram posts an update, once; gives the status.
    pub async fn deliver(&self, channel: &Channel, update: &Value) -> StatusCode {
        self.telegram.deliver(&channel.token, update).await
    }

    /// As [`deliver`](Self::deliver), to another server.
    pub async fn deliver_at(&self, server: &str, channel: &Channel, update: &Value) -> StatusCode {
        let posted = self.telegram.try_deliver_at(server, &channel.token, update).await;
        posted.expect("the server can be reached")
    }

    /// Telegram posts an update, and it is taken.
    #[track_caller]
    pub fn take(&self, channel: &Channel, update: &Value) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            assert_eq!(self.deliver(channel, update).await, StatusCode::OK, "delivered at {caller}: {update:#}");
        }
    }

    /// A person writes; gives the id of their dialogue.
    pub async fn write(&self, channel: &Channel, person: &Person, text: &str) -> String {
        self.take(channel, &person.says(text)).await;
        self.dialogue(channel, person).await
    }

    /// The id of a person's dialogue in a channel.
    pub async fn dialogue(&self, channel: &Channel, person: &Person) -> String {
        let find = "query($channels: [ID!], $name: String) {
            dialogues(filter: { channelIds: $channels, text: $name }, first: 100) { nodes { id client { name } } }
        }";
        let asked = json!({ "channels": [channel.id], "name": person.name });
        let found: Vec<Value> = self.admin.api.run(find, asked).await.get("dialogues.nodes");
        let mut theirs = found.iter().filter(|dialogue| dialogue["client"]["name"] == person.name);
        let dialogue = theirs.next().unwrap_or_else(|| panic!("{} has no dialogue", person.name));
        assert!(theirs.next().is_none(), "{} has several dialogues in one channel", person.name);
        dialogue["id"].as_str().expect("an id").to_owned()
    }

    /// Follows as somebody, after a cursor or from now on.
    pub async fn follow(&self, api: &Api, after: Option<&str>) -> Feed {
        Feed::follow(api, after).await
    }

    /// Where the log stands.
    pub async fn cursor(&self) -> String {
        feed::cursor(&self.admin.api).await
    }

    /// What the administrator finds in the log after a cursor.
    pub async fn events_after(&self, cursor: &str) -> Vec<Value> {
        feed::events(&self.admin.api, Some(cursor)).await
    }
}

impl Server {
    async fn start(config: &Config, is_reachable: bool) -> Self {
        Self::try_start(config, is_reachable).await.unwrap_or_else(|reason| panic!("no server: {reason}"))
    }

    /// The outside reaches it where it listens, or not at all.
    async fn try_start(config: &Config, is_reachable: bool) -> Result<Self, String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let url = format!("http://{address}");
        let public_url = is_reachable.then(|| url.clone());
        let config = Config { listen: address, public_url, ..config.clone() };
        let running = serve::start_on(listener, config).await?;
        Ok(Self { running: Some(running), url })
    }

    /// The parts of it, for what no door leads to.
    pub fn running(&self) -> &Running {
        self.running.as_ref().expect("it runs until it is stopped")
    }

    /// Stops it in order.
    pub async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.app.stop.cancel();
        }
    }
}

impl Someone {
    /// The same person at another server.
    pub fn at(&self, server: &str) -> Self {
        Self { id: self.id.clone(), api: self.api.at(server) }
    }

    /// Sends a text; gives the message's id.
    #[track_caller]
    pub fn send(&self, dialogue: &str, text: &str) -> impl Future<Output = String> + use<> {
        let send = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }";
        let answer = self.api.run(send, json!({ "input": { "dialogueId": dialogue, "text": text } }));
        async move { answer.await.get("sendMessage.message.id") }
    }

    /// Closes a dialogue.
    #[track_caller]
    pub fn close(&self, dialogue: &str) -> impl Future<Output = ()> + use<> {
        let close = "mutation($id: ID!) { closeDialogue(dialogueId: $id) { dialogue { state } } }";
        let answer = self.api.run(close, json!({ "id": dialogue }));
        async move { assert_eq!(answer.await.at("closeDialogue.dialogue.state"), "CLOSED") }
    }

    /// Runs a mutation with one argument that is an id: `act("claimDialogue", "dialogueId", id)`.
    #[track_caller]
    pub fn act(&self, mutation: &str, argument: &str, id: &str) -> impl Future<Output = Answer> + use<> {
        let document = format!("mutation($id: ID!) {{ {mutation}({argument}: $id) {{ __typename }} }}");
        self.api.run(&document, json!({ "id": id }))
    }

    /// Adds an employee to a dialogue, or changes what they are in it.
    #[track_caller]
    pub fn set_participant(&self, dialogue: &str, user: &str, role: &str) -> impl Future<Output = ()> + use<> {
        let set = "mutation($id: ID!, $user: ID!, $role: ParticipantRole!) {
            setParticipant(dialogueId: $id, userId: $user, role: $role) { dialogue { id } }
        }";
        let answer = self.api.run(set, json!({ "id": dialogue, "user": user, "role": role }));
        async move { drop(answer.await.get::<String>("setParticipant.dialogue.id")) }
    }

    /// Marks a dialogue read up to a message.
    #[track_caller]
    pub fn mark_read(&self, dialogue: &str, message: &str) -> impl Future<Output = ()> + use<> {
        let mark = "mutation($id: ID!, $message: ID!) { markRead(dialogueId: $id, upToMessageId: $message) { dialogue { id } } }";
        let answer = self.api.run(mark, json!({ "id": dialogue, "message": message }));
        async move { drop(answer.await.get::<String>("markRead.dialogue.id")) }
    }

    /// These fields of a dialogue, as they see it.
    #[track_caller]
    pub fn dialogue(&self, id: &str, fields: &str) -> impl Future<Output = Value> + use<> {
        let document = format!("query($id: ID!) {{ dialogue(id: $id) {{ {fields} }} }}");
        let answer = self.api.run(&document, json!({ "id": id }));
        async move { answer.await.at("dialogue").clone() }
    }

    /// A dialogue's messages, from old to new.
    pub async fn messages(&self, dialogue: &str) -> Vec<Value> {
        let read = "query($id: ID!) { dialogue(id: $id) { messages(first: 100) { nodes {
            id origin text createdAt sentAt albumId forwardedFrom editedAt deletedAt
            author { __typename ... on User { id } ... on Client { id } }
            replyTo { id }
            delivery { status failure attempts }
            attachments {
                __typename
                ... on File { id kind name contentType size state width height duration }
                ... on Location { latitude longitude title }
                ... on SharedContact { contact: name phone }
            }
        } } } }";
        self.api.run(read, json!({ "id": dialogue })).await.get("dialogue.messages.nodes")
    }
}

/// Signs in with the password that everybody has.
pub async fn sign_in(anonymous: &Api, email: &str) -> Someone {
    let sign_in = "mutation($input: SignInInput!) { signIn(input: $input) { token viewer { id } } }";
    let answer = anonymous.run(sign_in, json!({ "input": { "email": email, "password": PASSWORD } })).await;
    let token: String = answer.get("signIn.token");
    Someone { id: answer.get("signIn.viewer.id"), api: anonymous.with_token(&token) }
}

/// Settings for a story: all its own, and waits that a test can wait for.
fn config(database: &Database, [telegram, vk, viber]: [&str; 3]) -> Config {
    Config {
        database: database.config(),
        redis_url: database.redis_url(),
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        public_url: None,
        secret_key: Some(SECRET),
        s3: None,
        files_url: Url::from_directory_path(database.dir.path().join("files")).expect("an absolute folder"),
        telegram_api_url: telegram.to_owned(),
        vk_api_url: vk.to_owned(),
        viber_api_url: viber.to_owned(),
        log: "info".into(),
        log_json: false,
        introspection: true,
        allowed_origins: Vec::new(),
        connection_init_wait: Duration::from_secs(10),
        metrics_listen: None,
        demo: false,
        pace: Pace {
            retry: Duration::from_millis(20),
            look: Duration::from_millis(200),
            messenger: Duration::from_secs(5),
            chat_gap: Duration::from_millis(1),
            export_rows: 7,
            export_reader: Duration::from_secs(60),
        },
    }
}
