//! What all pretend messengers share: watched state, planned faults, recorded answers.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Bytes;
use axum::extract::{FromRequest as _, Multipart, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;
use serde_json::{Map, Value};
use tokio::sync::watch;

use crate::socket::Cut;

/// How long a story waits for something that should come at once; only a failing one ever waits so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// A way to go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A recorded answer of `responses`, named without `.json`.
    Status(&'static str),
    /// To wait so many seconds.
    RateLimited(u64),
    /// A proxy's page.
    Html502,
    /// The call has no effect, and the connection is reset instead of an answer.
    Reset,
    /// The call has no effect and never gets an answer.
    Hang,
    /// The call has its effect, and the connection is reset instead of an answer.
    AcceptedThenReset,
}

impl Fault {
    /// Whether the call has its effect all the same.
    pub fn has_effect(self) -> bool {
        self == Self::AcceptedThenReset
    }

    /// Cuts the connection off or holds it for ever, where that is the fault.
    pub async fn strike(fault: Option<Self>, connection: &Cut) {
        match fault {
            Some(Self::Reset | Self::AcceptedThenReset) => connection.cut(),
            Some(Self::Hang) => std::future::pending().await,
            _ => {}
        }
    }
}

/// Holds an answer back until it is released or dropped.
pub struct Gate(watch::Sender<bool>);

/// Where an answer waits.
pub type Held = watch::Receiver<bool>;

impl Gate {
    /// A gate, and what waits at it.
    pub fn new() -> (Self, Held) {
        let (gate, held) = watch::channel(false);
        (Self(gate), held)
    }

    /// Lets it go, to all who wait.
    pub fn release(self) {
        self.0.send_replace(true);
    }
}

/// Waits until the gate, if there is one, is released. One that is gone holds nothing back.
pub async fn pass(held: Option<Held>) {
    if let Some(mut held) = held {
        let _ = held.wait_for(|released| *released).await;
    }
}

/// What is to go wrong, and what is to wait: by method, and for one chat or any.
#[derive(Default)]
pub struct Plans {
    faults: Vec<Planned>,
    gates: HashMap<String, Held>,
    /// What every call meets that nothing else is planned for.
    standing: Option<Fault>,
    /// How long every answer waits.
    slow: Duration,
}

struct Planned {
    method: String,
    chat: Option<String>,
    fault: Fault,
    times: usize,
}

impl Plans {
    /// Makes the next `times` calls of a method, to one chat or any, go wrong.
    pub fn fail(&mut self, method: &str, chat: Option<String>, fault: Fault, times: usize) {
        self.faults.push(Planned { method: method.to_owned(), chat, fault, times });
    }

    /// Makes the next call of a method have its effect at once, and its answer only when the gate is released.
    pub fn gate(&mut self, method: &str) -> Gate {
        let (gate, held) = Gate::new();
        self.gates.insert(method.to_owned(), held);
        gate
    }

    /// Makes every call meet a fault, and wait for its answer, until this is called again.
    pub fn stand(&mut self, fault: Option<Fault>, slow: Duration) {
        (self.standing, self.slow) = (fault, slow);
    }

    /// Takes back what is planned for one chat.
    pub fn forget(&mut self, chat: &str) {
        self.faults.retain(|planned| planned.chat.as_deref() != Some(chat));
    }

    /// What this call meets, if anything; the first planned is the first met.
    pub fn next(&mut self, method: &str, chat: Option<&str>) -> (Option<Fault>, Option<Held>) {
        let of = |planned: &Planned| planned.method == method || (planned.method == "*" && planned.chat.is_some());
        let meets = |planned: &Planned| of(planned) && (planned.chat.is_none() || planned.chat.as_deref() == chat);
        let planned = self.faults.iter_mut().find(|planned| planned.times > 0 && meets(planned));
        let fault = planned.map(|planned| {
            planned.times -= 1;
            planned.fault
        });
        (fault.or(self.standing), self.gates.remove(method).or_else(|| self.wait()))
    }

    /// A gate that opens by itself.
    fn wait(&self) -> Option<Held> {
        if self.slow.is_zero() {
            return None;
        }
        let ((gate, held), slow) = (Gate::new(), self.slow);
        tokio::spawn(async move {
            tokio::time::sleep(slow).await;
            gate.release();
        });
        Some(held)
    }
}

/// Where numbers begin of a fake that others try out: above those that it gave before it was started again, which colloquy
/// has seen.
pub fn above_the_last_start() -> i64 {
    const BEGINNING: u64 = 1_767_225_600;
    // More than a person makes; and the numbers stay below 2^31 until 2030.
    const A_SECOND: u64 = 16;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    i64::try_from(now.saturating_sub(BEGINNING) * A_SECOND).unwrap_or_default()
}

/// State, and word of each change.
#[derive(Default)]
pub struct Watched<S> {
    state: Mutex<S>,
    changed: watch::Sender<()>,
}

impl<S> Watched<S> {
    /// Watches this.
    pub fn new(state: S) -> Self {
        Self { state: Mutex::new(state), changed: watch::Sender::default() }
    }

    fn lock(&self) -> MutexGuard<'_, S> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks.
    pub fn read<T>(&self, look: impl FnOnce(&S) -> T) -> T {
        look(&self.lock())
    }

    /// Changes something, and wakes all who wait for a change.
    pub fn change<T>(&self, change: impl FnOnce(&mut S) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.send_replace(());
        result
    }

    /// Word of changes from now on.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// What `look` finds, as soon as it does, however long that takes.
    pub async fn found<T>(&self, look: impl Fn(&S) -> Option<T>) -> T {
        self.until(|| self.read(&look)).await
    }

    /// As [`found`](Self::found), for what looks by itself.
    pub async fn until<T>(&self, look: impl Fn() -> Option<T>) -> T {
        let mut changes = self.changes();
        loop {
            changes.mark_unchanged();
            if let Some(found) = look() {
                return found;
            }
            if changes.changed().await.is_err() {
                // Never: the sender lives as long as self.
                std::future::pending::<()>().await;
            }
        }
    }

    /// What `look` finds, as soon as it does.
    ///
    /// # Panics
    /// When it does not within 30 s, with what there was instead.
    pub async fn wait<T>(&self, what: &str, look: impl Fn(&S) -> Option<T>, summary: impl Fn(&S) -> String) -> T {
        self.wait_until(what, || self.read(&look), summary).await
    }

    /// As [`wait`](Self::wait), for what looks by itself.
    ///
    /// # Panics
    /// As that.
    pub async fn wait_until<T>(&self, what: &str, look: impl Fn() -> Option<T>, summary: impl Fn(&S) -> String) -> T {
        let found = tokio::time::timeout(PATIENCE, self.until(look)).await;
        found.unwrap_or_else(|_| panic!("waited for {what}, and there was only: {}", self.read(summary)))
    }
}

/// The recorded answers, by messenger: read from the disk in a debug build.
#[derive(RustEmbed)]
#[folder = "responses"]
struct Recorded;

/// What goes back over the wire.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

impl Answer {
    /// 200 with JSON.
    pub fn json(body: &Value) -> Self {
        let headers = vec![("content-type".into(), "application/json; charset=utf-8".into())];
        Self { status: 200, headers, body: body.to_string().into() }
    }

    /// 200 with bytes.
    pub fn bytes(content_type: &str, body: Bytes) -> Self {
        Self { status: 200, headers: vec![("content-type".into(), content_type.into())], body }
    }

    /// A recorded answer: `responses/<messenger>/<name>.json`.
    ///
    /// # Panics
    /// When there is none of that name.
    pub fn recorded(messenger: &str, name: &str) -> Self {
        let file = Recorded::get(&format!("{messenger}/{name}.json"));
        let file = file.unwrap_or_else(|| panic!("there is no recorded answer {messenger}/{name}"));
        let recorded: Value =
            serde_json::from_slice(&file.data).unwrap_or_else(|error| panic!("the answer {name}: {error}"));
        let headers = recorded["headers"].as_object().into_iter().flatten();
        Self {
            status: recorded["status"].as_u64().and_then(|status| status.try_into().ok()).unwrap_or(500),
            headers: headers.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().into())).collect(),
            body: match recorded["body_text"].as_str() {
                Some(text) => text.to_owned().into(),
                None => recorded["body"].to_string().into(),
            },
        }
    }

    /// The names of a messenger's recorded answers.
    pub fn all_recorded(messenger: &str) -> Vec<String> {
        let of = |path: &str| {
            let name = Path::new(path).strip_prefix(messenger).ok()?.to_str()?.strip_suffix(".json")?;
            Some(name.to_owned())
        };
        Recorded::iter().filter_map(|path| of(&path)).collect()
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, self.body).into_response();
        for (name, value) in self.headers {
            if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(&value)) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// An uploaded file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// The field of the form.
    pub field: String,
    /// Its file name.
    pub name: String,
    /// Its content type.
    pub content_type: String,
    /// Its content.
    pub bytes: Bytes,
}

/// The fields and files of a form, however it came: `multipart/form-data` or urlencoded, in the body and the address.
/// `None` where it is neither, or broken.
pub async fn form(request: Request) -> Option<(Map<String, Value>, Vec<Upload>)> {
    let mut fields = Map::new();
    let mut files = Vec::new();
    for (key, value) in url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()) {
        fields.insert(key.into_owned(), value.into_owned().into());
    }
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if content_type.starts_with("multipart/form-data") {
        let mut form = Multipart::from_request(request, &()).await.ok()?;
        while let Some(part) = form.next_field().await.ok()? {
            let field = part.name().unwrap_or_default().to_owned();
            let content_type = part.content_type().unwrap_or_default().to_owned();
            if let Some(name) = part.file_name().map(str::to_owned) {
                files.push(Upload { field, name, content_type, bytes: part.bytes().await.ok()? });
            } else {
                fields.insert(field, part.text().await.ok()?.into());
            }
        }
        return Some((fields, files));
    }
    let is_form = content_type.is_empty() || content_type.starts_with("application/x-www-form-urlencoded");
    let body = axum::body::to_bytes(request.into_body(), usize::MAX).await.ok()?;
    if !is_form && !body.is_empty() {
        return None;
    }
    for (key, value) in url::form_urlencoded::parse(&body) {
        fields.insert(key.into_owned(), value.into_owned().into());
    }
    Some((fields, files))
}

/// The one HTTP client with which pretend messengers post to webhooks: no redirects, nothing from the environment.
///
/// # Panics
/// When it cannot be made: where the system has no root certificates.
pub fn http_client() -> reqwest::Client {
    // An error says that one is installed already: then that one serves.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build();
    client.unwrap_or_else(|error| panic!("an HTTP client: {error}"))
}
