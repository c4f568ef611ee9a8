//! A pretend VK: the API of communities on a free port of this machine, as far as an inbox uses it, with its upload,
//! long-poll and media servers on other paths of the same port.
//!
//! It remembers every call and every message with the bytes of its files, checks what the real one checks, tries addresses
//! out, posts or hands out events, echoes what it is told to send, and fails on demand.

mod api;
mod events;
mod groups;
mod messages;
mod page;
mod people;
mod state;
mod uploads;

use std::future::IntoFuture as _;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::routing::any;
use serde_json::Value;
use tokio::net::TcpListener;

pub use crate::wire::{Fault, Gate, Upload};
pub use events::Delivery;
pub use people::number;
pub use state::{Call, CallbackServer, Echoes, Message, SentFile};

use crate::socket::{Cut, Listener};
use crate::wire;
use state::{Media, Shared, State};

/// A pretend VK; clones are the same one.
#[derive(Clone)]
pub struct FakeVk {
    url: String,
    shared: Arc<Shared>,
    http: reqwest::Client,
    _server: Option<Arc<Server>>,
}

/// Ends with the last clone.
struct Server(tokio::task::JoinHandle<()>);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl FakeVk {
    /// Starts on a free port of 127.0.0.1.
    pub async fn start() -> Self {
        Self::serve(TcpListener::bind("127.0.0.1:0").await.expect("a free port"))
    }

    /// Starts on a listener, for people: any token with a number in it is that community's, everybody has a name, and what
    /// is not taken is delivered again as VK does, a hundred times faster.
    pub fn open(listener: TcpListener) -> Self {
        let fake = Self::serve(listener);
        fake.shared.change(|state| {
            (state.is_open, state.haste, state.above) = (true, 100, wire::above_the_last_start());
        });
        fake
    }

    fn serve(listener: TcpListener) -> Self {
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let fake = Self { url, shared: Arc::new(Shared::default()), http: wire::http_client(), _server: None };
        let app = Router::new()
            .route("/method/{method}", any(api::method))
            .route("/upload/{group}/{kind}", any(uploads::upload))
            .route("/whp/{group}", any(events::long_poll))
            .route("/media/{*path}", any(uploads::media))
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::new(fake.clone()));
        let app = app.into_make_service_with_connect_info::<Cut>();
        let server = axum::serve(Listener(listener), app).into_future();
        let server = tokio::spawn(async move { server.await.expect("the pretend VK serves") });
        Self { _server: Some(Arc::new(Server(server))), ..fake }
    }

    /// For `VK_API_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Makes a community.
    pub fn community(&self, id: i64, token: &str, name: &str) {
        self.shared.change(|state| state.add_group(id, token, name));
    }

    /// Revokes a token (from now on error 5), or brings it back.
    pub fn revoke(&self, token: &str, group: i64, revoked: bool) {
        self.shared.change(|state| match revoked {
            true => drop(state.tokens.remove(token)),
            false => drop(state.tokens.insert(token.to_owned(), group)),
        });
    }

    /// All calls of a method in order, refused ones too; `upload.photo`, `upload.doc`, `longpoll`, `media` for the rest.
    pub fn calls(&self, method: &str) -> Vec<Call> {
        self.shared.read(|state| state.calls.iter().filter(|call| call.method == method).cloned().collect())
    }

    /// The calls of a method, once there are `n`.
    pub async fn wait_for_calls(&self, method: &str, n: usize) -> Vec<Call> {
        self.wait(&format!("{n} × {method}"), || Some(self.calls(method)).filter(|calls| calls.len() >= n)).await
    }

    /// What the API sent for a community, in order, as it is now; each once, however often it was asked for.
    pub fn sent(&self, group: i64) -> Vec<Message> {
        let mut sent = self.conversations(group);
        sent.retain(|message| message.is_out && message.random_id != 0);
        sent
    }

    /// The same, once there are `n`.
    pub async fn wait_for_sent(&self, group: i64, n: usize) -> Vec<Message> {
        self.wait(&format!("{n} messages"), || Some(self.sent(group)).filter(|sent| sent.len() >= n)).await
    }

    /// All messages of a community, in the order in which they were written.
    pub fn conversations(&self, group: i64) -> Vec<Message> {
        let of = |state: &State| {
            let dialogs = state.groups.get(&group).into_iter().flat_map(|group| group.dialogs.values());
            let mut all: Vec<Message> = dialogs.flat_map(|dialog| dialog.messages.clone()).collect();
            all.sort_by_key(|message| message.id);
            all
        };
        self.shared.read(of)
    }

    /// A message once it is as wanted.
    pub async fn wait_for_message(&self, group: i64, what: &str, wanted: impl Fn(&Message) -> bool) -> Message {
        self.wait(what, || self.conversations(group).into_iter().find(&wanted)).await
    }

    /// A community's callback servers.
    pub fn servers(&self, group: i64) -> Vec<CallbackServer> {
        self.shared.read(|state| state.groups.get(&group).map_or_else(Vec::new, |group| group.servers.clone()))
    }

    /// Puts a callback server there, as somebody else did.
    pub fn add_server(&self, group: i64, url: &str, title: &str) {
        self.shared.change(|state| {
            let of = state.group(group);
            let (url, title) = (url.to_owned(), title.to_owned());
            let id = of.next();
            let secret = "somebody's".to_owned();
            of.servers.push(CallbackServer { id, url, title, secret, status: "ok", events: Default::default() });
        });
    }

    /// The community's server that is at a confirmed address with chosen events, once there is one: the latest.
    pub async fn wait_for_server(&self, group: i64) -> CallbackServer {
        let ready = |server: &CallbackServer| server.status == "ok" && !server.events.is_empty();
        self.wait("a confirmed callback server", || self.servers(group).into_iter().rfind(ready)).await
    }

    /// The same, at this server of ours.
    pub async fn wait_for_server_at(&self, group: i64, at: &str) -> CallbackServer {
        let ready =
            |server: &CallbackServer| server.status == "ok" && !server.events.is_empty() && server.url.starts_with(at);
        self.wait("a callback server there", || self.servers(group).into_iter().rfind(ready)).await
    }

    /// The events that a community hands out to who polls; none where polling is off.
    pub fn polled_events(&self, group: i64) -> Vec<String> {
        let of = |state: &State| {
            let poll = &state.groups.get(&group)?.long_poll;
            poll.is_enabled.then(|| poll.events.iter().cloned().collect())
        };
        self.shared.read(of).unwrap_or_default()
    }

    /// Puts an event into the history of who polls, whether or not it was chosen.
    pub fn push(&self, group: i64, event: Value) {
        self.shared.change(|state| {
            let poll = &mut state.group(group).long_poll;
            poll.ts += 1;
            poll.history.push_back((poll.ts, event));
        });
    }

    /// Has the next poll answered so: `{"failed": 2}`.
    pub fn fail_poll(&self, group: i64, answer: Value) {
        self.shared.change(|state| state.group(group).long_poll.failures.push_back(answer));
    }

    /// Gives the long-poll server another key, so that the one in use has run out.
    pub fn change_key(&self, group: i64) {
        self.shared.change(|state| {
            let poll = &mut state.group(group).long_poll;
            poll.key = format!("{}+", poll.key);
        });
    }

    /// Forgets the history, so that who asks with what came before is behind.
    pub fn forget_history(&self, group: i64) {
        self.shared.change(|state| state.group(group).long_poll.history.clear());
    }

    /// When the echoes of what the API sends come.
    pub fn echo(&self, when: Echoes) {
        self.shared.change(|state| state.echoes = when);
    }

    /// Has changes by the API echoed as `message_edit`.
    pub fn echo_edits(&self) {
        self.shared.change(|state| state.edits_echo = true);
    }

    /// Has `groups.getById` answer in the form of older versions.
    pub fn answer_as_of_old(&self) {
        self.shared.change(|state| state.old_form = true);
    }

    /// Has `messages.send` answer with the community's number of the message alone.
    pub fn answer_with_numbers_alone(&self) {
        self.shared.change(|state| state.plain_answers = true);
    }

    /// Refuses more calls than that in a second with error 6.
    pub fn limit(&self, per_second: usize) {
        self.shared.change(|state| state.per_second = per_second);
    }

    /// Makes a file; gives its address.
    pub fn media(&self, path: &str, content_type: &str, bytes: impl Into<Bytes>) -> String {
        let media = Media { content_type: content_type.to_owned(), bytes: bytes.into(), status: 200, gate: None };
        self.shared.change(|state| state.media.insert(path.to_owned(), media));
        format!("{}/media/{path}", self.url)
    }

    /// The address of a file answers so from now on: 404, 410.
    pub fn expire(&self, path: &str, status: u16) {
        self.shared.change(|state| {
            if let Some(media) = state.media.get_mut(path) {
                (media.status, media.bytes) = (status, Bytes::new());
            }
        });
    }

    /// Makes the next call of a method have its effect at once, and its answer only when the gate is released.
    pub fn gate_next(&self, method: &str) -> Gate {
        self.shared.change(|state| state.plans.gate(method))
    }

    /// Makes the next call of a method go wrong.
    pub fn fail_next(&self, method: &str, fault: Fault) {
        self.fail(method, None, fault, 1);
    }

    /// Makes the next `times` calls of a method, about one person or any, go wrong.
    pub fn fail(&self, method: &str, person: Option<i64>, fault: Fault, times: usize) {
        self.shared.change(|state| state.plans.fail(method, person.map(|person| person.to_string()), fault, times));
    }

    async fn wait<T>(&self, what: &str, look: impl Fn() -> Option<T>) -> T {
        self.shared.wait_until(what, look, state::summary).await
    }
}
