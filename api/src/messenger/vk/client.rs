//! The wire: methods of the VK API, its upload and long-poll servers, and what can come back.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::multipart::Form;
use reqwest::{RequestBuilder, Response};
use serde_json::Value;
use url::{Url, form_urlencoded};

use crate::messenger::http::lost;
use crate::messenger::web::Web;
use crate::messenger::{Secret, sanitize};

/// The version of the API that we speak.
pub(super) const VERSION: &str = "5.199";
/// The largest answer that is read.
const ANSWER: usize = 16 << 20;
/// How long a call may take, beside waiting for events and carrying a file.
const CALL: Duration = Duration::from_secs(30);
/// The slowest upload that is waited for, in bytes a second.
const UPLOAD: u64 = 32 << 10;

/// A community. Made without asking VK; [`identify`](crate::messenger::Messenger::identify) tells whether the token is its.
#[derive(Clone, Debug)]
pub struct Vk {
    http: reqwest::Client,
    web: Web,
    base: Url,
    group: i64,
    token: Secret,
    patience: Duration,
}

/// Why a call has no result. The words never hold the token or an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// VK answered with an error, which it does with HTTP status 200.
    #[error("VK answered {code}: {words}")]
    Refused {
        /// `error_code`: dev.vk.com/en/reference/errors.
        code: i64,
        /// `error_msg`; what follows its colon varies.
        words: String,
    },
    /// An answer that is none of VK's: a proxy's page.
    #[error("Something before VK answered {status}")]
    Foreign {
        /// The HTTP status.
        status: u16,
        /// The header `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// No answer, or no whole one: whether the call took effect is unknown.
    #[error("{words}")]
    Lost {
        /// What happened.
        words: String,
    },
}

impl Vk {
    /// The community `group_id` at the server `base_url` (scheme, host and port), over a client of
    /// [`http_client`](crate::messenger::http_client); what clients sent is fetched by `web`.
    ///
    /// # Errors
    /// When `base_url` is no address.
    pub fn new(
        http: reqwest::Client,
        web: Web,
        base_url: &str,
        group_id: i64,
        token: Secret,
    ) -> Result<Self, url::ParseError> {
        let base = Url::parse(base_url)?;
        if base.cannot_be_a_base() {
            return Err(url::ParseError::RelativeUrlWithCannotBeABaseBase);
        }
        Ok(Self { http, web, base, group: group_id, token, patience: CALL })
    }

    /// Waits so long for an answer instead of 30 seconds. Long polls and uploads have that much more.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    pub(super) fn group(&self) -> i64 {
        self.group
    }

    pub(super) fn web(&self) -> &Web {
        &self.web
    }

    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    /// Calls a method, and gives its `response`. Forms alone are understood, no JSON; the token goes in a header, so that
    /// no error that repeats the arguments can hold it.
    pub(super) async fn call(&self, method: &str, arguments: &[(&str, String)]) -> Result<Value, CallError> {
        let mut url = self.base.clone();
        // Never fails: `new` takes no address without a path.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("method").push(method);
        }
        let request = self.http.post(url).bearer_auth(self.token.expose());
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form(arguments));
        let mut envelope = self.json(request, self.patience).await?;
        if let Some(code) = envelope.body["error"]["error_code"].as_i64() {
            let words = envelope.body["error"]["error_msg"].as_str().unwrap_or_default();
            let words = sanitize::line(&words.replace(self.token.expose(), "…"), sanitize::NAME);
            return Err(CallError::Refused { code, words });
        }
        match envelope.body.get_mut("response") {
            Some(response) => Ok(response.take()),
            None => Err(CallError::Foreign { status: envelope.status, retry_after: envelope.retry_after }),
        }
    }

    /// Posts a form that carries a file of `size` bytes to an upload server that VK named, and gives the answer, which has
    /// a form of its own.
    pub(super) async fn upload(&self, url: &str, form: Form, size: u64) -> Result<Value, CallError> {
        let patience = self.patience + Duration::from_secs(size / UPLOAD);
        let answer = self.json(self.http.post(given(url)?).multipart(form), patience).await?;
        match answer.body {
            body @ Value::Object(_) if answer.status == 200 => Ok(body),
            _ => Err(CallError::Foreign { status: answer.status, retry_after: answer.retry_after }),
        }
    }

    /// Asks a long-poll server that VK named, which may take `wait` longer than others.
    pub(super) async fn ask(&self, server: &str, query: &[(&str, &str)], wait: Duration) -> Result<Value, CallError> {
        let mut url = given(server)?;
        url.query_pairs_mut().clear().extend_pairs(query);
        let answer = self.json(self.http.get(url), wait + self.patience).await?;
        match answer.body {
            body @ Value::Object(_) if answer.status == 200 => Ok(body),
            _ => Err(CallError::Foreign { status: answer.status, retry_after: answer.retry_after }),
        }
    }

    /// An answer's JSON.
    async fn json(&self, request: RequestBuilder, patience: Duration) -> Result<Answer, CallError> {
        let response = request.timeout(patience).send().await.map_err(|error| broken_off(&error))?;
        parse(response).await
    }
}

fn form(arguments: &[(&str, String)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(arguments).append_pair("v", VERSION).finish()
}

/// JSON, from whomever.
struct Answer {
    status: u16,
    retry_after: Option<Duration>,
    body: Value,
}

async fn parse(mut response: Response) -> Result<Answer, CallError> {
    let status = response.status().as_u16();
    let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    // A day at most, so that a wild number cannot stop a channel for good.
    let retry_after = header.map(|wait| Duration::from_secs(wait.min(86_400)));
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| broken_off(&error))? {
        if body.len() + chunk.len() > ANSWER {
            return Err(CallError::Foreign { status, retry_after });
        }
        body.extend_from_slice(&chunk);
    }
    match serde_json::from_slice(&body) {
        Ok(body) => Ok(Answer { status, retry_after, body }),
        Err(_) => Err(CallError::Foreign { status, retry_after }),
    }
}

/// An address that VK gave: of the long-poll server once without a scheme.
fn given(url: &str) -> Result<Url, CallError> {
    let whole = if url.contains("://") { url.to_owned() } else { format!("https://{url}") };
    Url::parse(&whole).ok().filter(|url| matches!(url.scheme(), "http" | "https")).ok_or_else(unreadable)
}

fn broken_off(error: &reqwest::Error) -> CallError {
    CallError::Lost { words: lost("VK", error) }
}

pub(super) fn unreadable() -> CallError {
    CallError::Lost { words: "VK's answer could not be read".to_owned() }
}
