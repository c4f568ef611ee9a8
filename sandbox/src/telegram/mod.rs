//! A pretend Telegram: the Bot API on a free port of this machine, as far as an inbox uses it.
//!
//! It remembers every call, checks what the real server checks, posts or hands out updates, and fails on demand.
//! Nothing here sleeps: what a story waits for wakes it.

mod api;
mod messages;
mod state;
mod updates;

use std::future::IntoFuture as _;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::routing::any;
use axum::{Router, http::StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use url::Url;

pub use crate::wire::{Fault, Gate, Upload};
pub use state::{Call, Webhook};

use crate::socket::{Cut, Listener};
use crate::wire;
use state::{Shared, State, StoredFile};

/// A pretend Telegram; clones are the same one.
#[derive(Clone)]
pub struct FakeTelegram {
    url: String,
    shared: Arc<Shared>,
    http: reqwest::Client,
    _server: Arc<Server>,
}

/// Ends with the last clone.
struct Server(tokio::task::JoinHandle<()>);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl FakeTelegram {
    /// Starts on a free port of 127.0.0.1.
    pub async fn start() -> Self {
        Self::serve(TcpListener::bind("127.0.0.1:0").await.expect("a free port"))
    }

    /// Starts on a listener, for people: any well-formed token is a bot's, which is made when it is first used.
    pub fn open(listener: TcpListener) -> Self {
        let fake = Self::serve(listener);
        fake.shared.change(|state| (state.is_open, state.above) = (true, wire::above_the_last_start()));
        fake
    }

    fn serve(listener: TcpListener) -> Self {
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let shared = Arc::new(Shared::default());
        let app = Router::new()
            .route("/file/{bot}/{*path}", any(api::file))
            .route("/{bot}/{method}", any(api::method))
            .fallback(api::nowhere)
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&shared));
        let app = app.into_make_service_with_connect_info::<Cut>();
        let server = axum::serve(Listener(listener), app).into_future();
        let server = tokio::spawn(async move { server.await.expect("the pretend Telegram serves") });
        Self { url, shared, http: wire::http_client(), _server: Arc::new(Server(server)) }
    }

    /// For `TELEGRAM_API_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Makes a bot. Tokens are `<number>:<anything>`; the number is the bot's id.
    pub fn bot(&self, token: &str, username: &str) {
        self.shared.change(|state| state.add_bot(token, username));
    }

    /// Whether a token is some bot's.
    pub fn knows(&self, token: &str) -> bool {
        self.shared.read(|state| state.bots.contains_key(token))
    }

    /// The token of the bot that was called last.
    pub fn last_called(&self) -> Option<String> {
        self.shared.read(|state| Some(state.calls.last()?.token.clone()))
    }

    /// Whether a token is revoked, from now on: 401 to all.
    pub fn set_revoked(&self, token: &str, revoked: bool) {
        self.shared.change(|state| match revoked {
            true => state.revoked.insert(token.to_owned()),
            false => state.revoked.remove(token),
        });
    }

    /// Whether a person has blocked all bots, from now on: then nothing reaches them.
    pub fn set_blocked(&self, chat: i64, blocked: bool) {
        let chat = chat.to_string();
        self.shared.change(|state| {
            state.plans.forget(&chat);
            if blocked {
                state.plans.fail("*", Some(chat), Fault::Status("error-403-blocked"), usize::MAX);
            }
        });
    }

    /// Every call goes wrong so, and every answer waits so long, from now on.
    pub fn misbehave(&self, fault: Option<Fault>, slow: Duration) {
        self.shared.change(|state| state.plans.stand(fault, slow));
    }

    /// Whether updates were asked for.
    pub fn is_polled(&self, token: &str) -> bool {
        self.shared.read(|state| state.calls.iter().any(|call| call.token == token && call.method == "getUpdates"))
    }

    /// The id of the next message in a chat: a person is about to write it.
    pub fn next_message(&self, token: &str, chat: i64) -> i64 {
        self.shared.change(|state| state.bots.get_mut(token).map_or(1, |bot| bot.next_message(chat)))
    }

    /// Word of changes from now on.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.shared.changes()
    }

    /// The messages that arrived, in order: also those whose answer was lost, none that was refused.
    pub fn sent(&self) -> Vec<Call> {
        self.shared.read(|state| state.calls.iter().filter(|call| call.message_id.is_some()).cloned().collect())
    }

    /// What a chat shows of the bot's messages now: their ids with their texts or captions, in order.
    pub fn shown(&self, token: &str, chat: i64) -> Vec<(i64, String)> {
        self.shared.read(|state| state.bots.get(token).map(|bot| bot.shown(chat)).unwrap_or_default())
    }

    /// All calls of a method in order, refused ones too; `file` for downloads.
    pub fn calls(&self, method: &str) -> Vec<Call> {
        self.shared.read(|state| state.calls.iter().filter(|call| call.method == method).cloned().collect())
    }

    /// The messages that arrived, once there are `n`.
    pub async fn wait_for_sent(&self, n: usize) -> Vec<Call> {
        self.wait(&format!("{n} messages"), || Some(self.sent()).filter(|sent| sent.len() >= n)).await
    }

    /// The message number `n`, counted from 0, however long it takes to arrive.
    pub async fn message(&self, n: usize) -> Call {
        let nth = |state: &State| state.calls.iter().filter(|call| call.message_id.is_some()).nth(n).cloned();
        self.shared.found(nth).await
    }

    /// All calls, in order, refused ones too.
    pub fn all_calls(&self) -> Vec<Call> {
        self.shared.read(|state| state.calls.clone())
    }

    /// The calls of a method, once there are `n`.
    pub async fn wait_for_calls(&self, method: &str, n: usize) -> Vec<Call> {
        self.wait(&format!("{n} × {method}"), || Some(self.calls(method)).filter(|calls| calls.len() >= n)).await
    }

    /// Where the bot's updates are posted, once that is somewhere.
    pub async fn wait_for_webhook(&self, token: &str) -> Webhook {
        self.wait("a webhook", || self.webhook(token)).await
    }

    /// Where the bot's updates are posted, once that is at this server.
    pub async fn wait_for_webhook_at(&self, token: &str, server: &str) -> Webhook {
        self.wait("another webhook", || self.webhook(token).filter(|webhook| webhook.url.starts_with(server))).await
    }

    /// Where the bot's updates are posted, if anywhere.
    pub fn webhook(&self, token: &str) -> Option<Webhook> {
        self.shared.read(|state| state.bots.get(token)?.webhook.clone())
    }

    /// Puts an update into the bot's queue, for `getUpdates`.
    pub fn push(&self, token: &str, update: Value) {
        self.shared.change(|state| state.push(token, update));
    }

    /// How many updates of the bot's queue are not confirmed.
    pub fn pending(&self, token: &str) -> usize {
        self.shared.read(|state| state.bots.get(token).map_or(0, |bot| bot.queue.len()))
    }

    /// Waits until the bot has confirmed all updates of its queue.
    pub async fn wait_for_confirmed(&self, token: &str) {
        self.wait("confirmed updates", || (self.pending(token) == 0).then_some(())).await;
    }

    /// Posts an update to the bot's webhook as Telegram does, once. Gives the status; waits for a webhook to be set.
    pub async fn deliver(&self, token: &str, update: &Value) -> StatusCode {
        self.try_deliver(token, update).await.expect("the webhook can be reached")
    }

    /// As [`deliver`](Self::deliver), where the server may be away.
    pub async fn try_deliver(&self, token: &str, update: &Value) -> reqwest::Result<StatusCode> {
        let webhook = self.wait_for_webhook(token).await;
        self.post(token, update, &webhook.url, &webhook.secret).await
    }

    /// As [`try_deliver`](Self::try_deliver), where a balancer leads to another server (`http://127.0.0.1:port`).
    pub async fn try_deliver_at(&self, server: &str, token: &str, update: &Value) -> reqwest::Result<StatusCode> {
        let webhook = self.wait_for_webhook(token).await;
        let set = Url::parse(&webhook.url).expect("a webhook's address");
        self.post(token, update, &format!("{server}{}", set.path()), &webhook.secret).await
    }

    async fn post(&self, token: &str, update: &Value, url: &str, secret: &str) -> reqwest::Result<StatusCode> {
        self.shared.change(|state| state.note(token, update));
        let request = self.http.post(url).header("Content-Type", "application/json");
        let request = request.header("X-Telegram-Bot-Api-Secret-Token", secret);
        Ok(request.body(updates::on_the_wire(update)).send().await?.status())
    }

    /// Makes a file that `getFile` knows. Above 20 MiB it is refused, as Telegram does.
    pub fn file(&self, file_id: &str, bytes: impl Into<Bytes>) {
        let file = StoredFile { bytes: bytes.into(), gate: None };
        self.shared.change(|state| state.files.insert(file_id.to_owned(), file));
    }

    /// Makes a file whose content comes only when the gate is released; `calls("file")` tells who waits.
    pub fn gated_file(&self, file_id: &str, bytes: impl Into<Bytes>) -> Gate {
        let (gate, held) = Gate::new();
        let file = StoredFile { bytes: bytes.into(), gate: Some(held) };
        self.shared.change(|state| state.files.insert(file_id.to_owned(), file));
        gate
    }

    /// Makes the next call of a method have its effect at once, and its answer only when the gate is released.
    pub fn gate_next(&self, method: &str) -> Gate {
        self.shared.change(|state| state.plans.gate(method))
    }

    /// Makes the next call of a method go wrong; `file` for downloads.
    pub fn fail_next(&self, method: &str, fault: Fault) {
        self.fail(method, None, fault, 1);
    }

    /// Makes the next `times` calls of a method, to one chat or any, go wrong.
    pub fn fail(&self, method: &str, chat: Option<i64>, fault: Fault, times: usize) {
        self.shared.change(|state| state.plans.fail(method, chat.map(|chat| chat.to_string()), fault, times));
    }

    async fn wait<T>(&self, what: &str, look: impl Fn() -> Option<T>) -> T {
        self.shared.wait_until(what, look, state::summary).await
    }
}
