//! A pretend Viber: the REST Bot API on a free port of this machine, as far as an inbox uses it.
//!
//! It tries an address out before it takes it, signs what it posts, checks what the real server checks, fetches what it is
//! to show from where it is told, tells how far messages came, and fails on demand. Its clock stands still until it is
//! told to go on. Nothing here sleeps but what posts again for people ([`FakeViber::open`]).

mod api;
mod media;
mod page;
mod people;
mod post;
mod state;

use std::future::IntoFuture as _;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::any;
use serde_json::Value;
use tokio::net::TcpListener;

pub use crate::wire::{Fault, Gate};
pub use people::{Content, User, event_token};
pub use post::sign;
pub use state::{Call, Check, Fetched, Webhook};

use crate::socket::{Cut, Listener};
use crate::wire;
use state::{Shared, State};

/// A pretend Viber; clones are the same one.
#[derive(Clone)]
pub struct FakeViber {
    url: String,
    shared: Arc<Shared>,
    http: reqwest::Client,
    _server: Arc<Server>,
}

/// What the doors share.
#[derive(Clone)]
struct Doors {
    shared: Arc<Shared>,
    http: reqwest::Client,
}

/// Ends with the last clone.
struct Server(tokio::task::JoinHandle<()>);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl FakeViber {
    /// Starts on a free port of 127.0.0.1.
    pub async fn start() -> Self {
        Self::serve(TcpListener::bind("127.0.0.1:0").await.expect("a free port"))
    }

    /// Starts on a listener, for people: any token is a bot's, which is made when it is first used; messages are
    /// delivered as soon as they are sent, and what is not taken is posted again.
    pub fn open(listener: TcpListener) -> Self {
        let fake = Self::serve(listener);
        fake.shared.change(|state| {
            state.is_open = true;
            // As many for each second since then: no start takes up those of another.
            state.next_message += wire::above_the_last_start().unsigned_abs() * 1_000_000;
        });
        fake
    }

    fn serve(listener: TcpListener) -> Self {
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let shared = Arc::new(Shared::new(State::at(&url)));
        let http = wire::http_client();
        let app = Router::new()
            .route("/pa/{method}", any(api::method))
            .route("/media/{id}/{name}", any(media::serve))
            .fallback(api::nowhere)
            .layer(DefaultBodyLimit::disable())
            .with_state(Doors { shared: Arc::clone(&shared), http: http.clone() });
        let app = app.into_make_service_with_connect_info::<Cut>();
        let server = axum::serve(Listener(listener), app).into_future();
        let server = tokio::spawn(async move { server.await.expect("the pretend Viber serves") });
        Self { url, shared, http, _server: Arc::new(Server(server)) }
    }

    /// For `VIBER_API_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Makes a bot: its token, and what it is found by.
    pub fn bot(&self, token: &str, uri: &str) {
        self.shared.change(|state| state.add_account(token, uri));
    }

    /// The bot's token is good no more.
    pub fn revoke(&self, token: &str) {
        self.shared.change(|state| state.revoked.insert(token.to_owned()));
    }

    /// The bot's token is good again.
    pub fn restore(&self, token: &str) {
        self.shared.change(|state| state.revoked.remove(token));
    }

    /// The bot's address is known no more, as it happens there now and then.
    pub fn forget_webhook(&self, token: &str) {
        self.shared.change(|state| state.account(token).map(|account| account.webhook = None));
    }

    /// How the check of an address comes from now on.
    pub fn check_addresses(&self, how: Check) {
        self.shared.change(|state| state.checks = how);
    }

    /// The time goes on: addresses of media run out, and limits begin anew.
    pub fn advance(&self, time: Duration) {
        self.shared.change(|state| state.now += i64::try_from(time.as_millis()).unwrap_or(i64::MAX));
    }

    /// The token that the next message gets; those after it count on.
    pub fn next_message_token(&self, token: u64) {
        self.shared.change(|state| state.next_message = token);
    }

    /// The messages that arrived, in order: those of calls that were refused or went wrong did not.
    pub fn sent(&self) -> Vec<Call> {
        self.shared.read(|state| state.calls.iter().filter(|call| call.message_token.is_some()).cloned().collect())
    }

    /// What a person was sent by a bot, in order.
    pub fn shown(&self, token: &str, user: &str) -> Vec<Call> {
        let of = |call: &Call| call.token == token && call.receiver.as_deref() == Some(user);
        self.sent().into_iter().filter(of).collect()
    }

    /// All calls of a method in order, refused ones too.
    pub fn calls(&self, method: &str) -> Vec<Call> {
        self.shared.read(|state| state.calls.iter().filter(|call| call.method == method).cloned().collect())
    }

    /// The messages that arrived, once there are `n`.
    pub async fn wait_for_sent(&self, n: usize) -> Vec<Call> {
        self.wait(&format!("{n} messages"), || Some(self.sent()).filter(|sent| sent.len() >= n)).await
    }

    /// The calls of a method, once there are `n`.
    pub async fn wait_for_calls(&self, method: &str, n: usize) -> Vec<Call> {
        self.wait(&format!("{n} × {method}"), || Some(self.calls(method)).filter(|calls| calls.len() >= n)).await
    }

    /// The calls of a method about one person, once there are `n`.
    pub async fn wait_for_calls_to(&self, method: &str, user: &str, n: usize) -> Vec<Call> {
        let of_user = |call: &Call| call.receiver.as_deref() == Some(user);
        let calls = || -> Vec<Call> { self.calls(method).into_iter().filter(of_user).collect() };
        self.wait(&format!("{n} × {method} to {user}"), || Some(calls()).filter(|calls| calls.len() >= n)).await
    }

    /// What was fetched for a message from where it said, once that is done.
    pub async fn wait_for_fetched(&self, message: u64) -> Fetched {
        self.wait("media", || self.shared.read(|state| state.fetched.get(&message).cloned())).await
    }

    /// Where the bot's events are posted, if anywhere.
    pub fn webhook(&self, token: &str) -> Option<Webhook> {
        self.shared.read(|state| state.accounts.get(token)?.webhook.clone())
    }

    /// Where the bot's events are posted, once that is somewhere.
    pub async fn wait_for_webhook(&self, token: &str) -> Webhook {
        self.wait("a webhook", || self.webhook(token)).await
    }

    /// Where the bot's events are posted, once that is at this server.
    pub async fn wait_for_webhook_at(&self, token: &str, server: &str) -> Webhook {
        self.wait("another webhook", || self.webhook(token).filter(|webhook| webhook.url.starts_with(server))).await
    }

    /// Whether a person is subscribed to the bot; nothing of who never met it.
    pub fn is_subscribed(&self, token: &str, user: &str) -> Option<bool> {
        self.shared.read(|state| state.accounts.get(token)?.people.get(user).map(|person| person.is_subscribed))
    }

    /// Posts an event to the bot's webhook as Viber does, once and signed. Gives the status; waits for a webhook.
    pub async fn deliver(&self, token: &str, event: &Value) -> StatusCode {
        self.try_deliver(token, event).await.expect("the webhook can be reached")
    }

    /// As [`deliver`](Self::deliver), where the server may be away.
    pub async fn try_deliver(&self, token: &str, event: &Value) -> reqwest::Result<StatusCode> {
        let webhook = self.wait_for_webhook(token).await;
        self.shared.change(|state| state.note(token, event));
        let body = people::as_asked(&webhook, event.clone()).to_string();
        let signature = sign(token, body.as_bytes());
        self.post(&webhook.url, body, Some(&signature)).await
    }

    /// Posts these very bytes to the bot's webhook, with this signature or none. What they tell is noted as if it came
    /// from here.
    pub async fn deliver_raw(&self, token: &str, body: &[u8], signature: Option<&str>) -> StatusCode {
        let webhook = self.wait_for_webhook(token).await;
        if let Ok(event) = serde_json::from_slice(body) {
            self.shared.change(|state| state.note(token, &event));
        }
        self.post(&webhook.url, body.to_vec(), signature).await.expect("the webhook can be reached")
    }

    async fn post(&self, url: &str, body: impl Into<Bytes>, signature: Option<&str>) -> reqwest::Result<StatusCode> {
        post::post(&self.http, url, body.into(), signature).await
    }

    /// A message has come to a device of its receiver.
    pub async fn delivered(&self, token: &str, message: u64) -> StatusCode {
        self.receipt(token, "delivered", message, None).await
    }

    /// The receiver has seen a message.
    pub async fn seen(&self, token: &str, message: u64) -> StatusCode {
        self.receipt(token, "seen", message, None).await
    }

    /// A message was taken, and did not arrive after all.
    pub async fn failed(&self, token: &str, message: u64, desc: &str) -> StatusCode {
        self.receipt(token, "failed", message, Some(desc)).await
    }

    async fn receipt(&self, token: &str, event: &str, message: u64, desc: Option<&str>) -> StatusCode {
        let receipt = self.shared.read(|state| state.receipt(event, message, desc));
        self.deliver(token, &receipt.expect("a message that was sent")).await
    }

    /// Makes a file that can be fetched for an hour by the address given back.
    pub fn media(&self, name: &str, bytes: impl Into<Bytes>) -> String {
        self.shared.change(|state| state.add_media(name, bytes.into(), None))
    }

    /// As [`media`](Self::media); its content comes only when the gate is released.
    pub fn gated_media(&self, name: &str, bytes: impl Into<Bytes>) -> (String, Gate) {
        let (gate, held) = Gate::new();
        (self.shared.change(|state| state.add_media(name, bytes.into(), Some(held))), gate)
    }

    /// Makes the next call of a method have its effect at once, and its answer only when the gate is released.
    pub fn gate_next(&self, method: &str) -> Gate {
        self.shared.change(|state| state.plans.gate(method))
    }

    /// Makes the next call of a method go wrong; `media` for what is fetched from here.
    pub fn fail_next(&self, method: &str, fault: Fault) {
        self.fail(method, None, fault, 1);
    }

    /// Makes the next `times` calls of a method, to one person or any, go wrong.
    pub fn fail(&self, method: &str, user: Option<&str>, fault: Fault, times: usize) {
        self.shared.change(|state| state.plans.fail(method, user.map(str::to_owned), fault, times));
    }

    async fn wait<T>(&self, what: &str, look: impl Fn() -> Option<T>) -> T {
        self.shared.wait_until(what, look, state::summary).await
    }
}
