//! The wire: methods of the REST Bot API, and what can come back.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Response;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use serde_json::Value;
use sha2::Sha256;
use url::Url;

use crate::messenger::http::lost;
use crate::messenger::{Secret, Web};

/// The largest answer that is read. That of `get_account_info` grows with the account's members.
const ANSWER: usize = 4 << 20;
/// How long a call may take.
const CALL: Duration = Duration::from_secs(30);
/// The largest request in bytes: "30kb" by the documentation, which does not say of 1000 or 1024.
const REQUEST: usize = 30_000;
/// Where a call shows whose it is.
const TOKEN_HEADER: &str = "X-Viber-Auth-Token";

/// A bot. Made without asking Viber; [`identify`](crate::messenger::Messenger::identify) tells whether the token is good.
#[derive(Clone, Debug)]
pub struct Viber {
    http: reqwest::Client,
    web: Web,
    base: Url,
    token: Secret,
    patience: Duration,
}

/// Why a call has no result. The words and the message never hold the token; the message may hold an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Viber answered with another status than 0.
    #[error("Viber answered {status}")]
    Refused {
        /// By the documentation's table; unknown ones are general errors.
        status: i64,
        /// `status_message`: free text.
        message: String,
    },
    /// An answer that is none of the API's: a proxy's page.
    #[error("Something before Viber answered {status}")]
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
    /// It was not made: it is larger than Viber takes.
    #[error("The call is larger than Viber takes")]
    TooLarge,
}

impl Viber {
    /// A bot of the server at `base_url` (scheme, host and port), over a client of
    /// [`http_client`](crate::messenger::http_client). What clients send is fetched by `web`.
    ///
    /// # Errors
    /// When `base_url` is no address.
    pub fn new(http: reqwest::Client, web: Web, base_url: &str, token: Secret) -> Result<Self, url::ParseError> {
        let base = Url::parse(base_url)?;
        if base.cannot_be_a_base() {
            return Err(url::ParseError::RelativeUrlWithCannotBeABaseBase);
        }
        Ok(Self { http, web, base, token, patience: CALL })
    }

    /// Waits so long for an answer instead of 30 seconds.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    pub(super) fn web(&self) -> &Web {
        &self.web
    }

    /// Whether a signature is that of a body, in constant time. In hex, whatever the case of its letters.
    pub(super) fn is_signed(&self, body: &[u8], signature: &[u8]) -> bool {
        // An empty token is none of any bot: a channel without one lets nobody in.
        let key = Some(self.token.expose()).filter(|token| !token.is_empty());
        let (Some(key), Some(signature)) = (key, unhex(signature)) else { return false };
        // Never fails: HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else { return false };
        mac.update(body);
        mac.verify_slice(&signature).is_ok()
    }

    /// Calls a method, and gives the whole answer, whose status is 0.
    pub(super) async fn call(&self, method: &str, arguments: &Value) -> Result<Value, CallError> {
        let body = arguments.to_string();
        if body.len() > REQUEST {
            return Err(CallError::TooLarge);
        }
        let mut url = self.base.clone();
        // Never fails: `new` takes no address without a path.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("pa").push(method);
        }
        let request = self.http.post(url).header(TOKEN_HEADER, self.token.expose());
        let request = request.header(CONTENT_TYPE, "application/json").body(body).timeout(self.patience);
        let response = request.send().await.map_err(|error| broken_off(&error))?;
        parse(response).await
    }
}

/// Viber answers 200 with a status of its own in it, whatever happened. What looks otherwise is some server's before it.
async fn parse(mut response: Response) -> Result<Value, CallError> {
    let status = response.status();
    let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let foreign = CallError::Foreign { status: status.as_u16(), retry_after: header.map(seconds) };
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| broken_off(&error))? {
        if body.len() + chunk.len() > ANSWER {
            return Err(foreign);
        }
        body.extend_from_slice(&chunk);
    }
    if !status.is_success() {
        return Err(foreign);
    }
    let Ok(answer) = serde_json::from_slice::<Value>(&body) else { return Err(foreign) };
    match answer["status"].as_i64() {
        Some(0) => Ok(answer),
        Some(status) => {
            let message = answer["status_message"].as_str().unwrap_or_default().to_owned();
            Err(CallError::Refused { status, message })
        }
        None => Err(foreign),
    }
}

/// The bytes that hex digits stand for.
fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    text.chunks(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

/// A wait as a server asks for; a day at most, so that a wild number cannot stop a channel for good.
fn seconds(wait: u64) -> Duration {
    Duration::from_secs(wait.min(86_400))
}

fn broken_off(error: &reqwest::Error) -> CallError {
    CallError::Lost { words: lost("Viber", error) }
}

pub(super) fn unreadable() -> CallError {
    CallError::Lost { words: "Viber's answer could not be read".to_owned() }
}
