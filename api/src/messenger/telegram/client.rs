//! The wire: methods of the Bot API, and what can come back.

use std::io;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use reqwest::header::RETRY_AFTER;
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use url::Url;

use super::read::label_of;
use super::{UPDATES, username};
use crate::messenger::http::lost;
use crate::messenger::{Download, Secret};

/// The largest answer that is read. A batch of updates has up to 4 MiB.
const ANSWER: usize = 16 << 20;
/// How long a call may take, beside waiting for updates and carrying a file.
const CALL: Duration = Duration::from_secs(30);
/// How long a download may stand still, and how long it may take in all: 20 MiB in this time are 23 KiB a second.
const STALL: Duration = Duration::from_secs(30);
const DOWNLOAD: Duration = Duration::from_secs(900);
/// The slowest upload that is waited for, in bytes a second.
const UPLOAD: u64 = 32 << 10;

/// A bot. Made without asking Telegram; [`me`](Self::me) tells whether the token is good.
#[derive(Clone, Debug)]
pub struct Telegram {
    http: reqwest::Client,
    base: Url,
    token: Secret,
    patience: Duration,
}

/// What `getMe` tells of a bot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bot {
    /// Its id, which the token begins with.
    pub id: i64,
    /// Always there for bots, as far as is known.
    pub username: Option<String>,
    /// What clients see.
    pub first_name: String,
}

/// Why a call has no result. The words and the description never hold the token or an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Telegram answered `ok: false`.
    #[error("Telegram answered {code}: {description}")]
    Refused {
        /// `error_code`, the same as the HTTP status: 401 and 404 for a bad token, 409 for a second poller.
        code: u16,
        /// For people; begins with the code's phrase.
        description: String,
        /// How long to wait, with code 429.
        retry_after: Option<Duration>,
    },
    /// An answer that is none of the Bot API's: a proxy's page.
    #[error("Something before Telegram answered {status}")]
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

impl Telegram {
    /// A bot of the server at `base_url` (scheme, host and port), over a client of
    /// [`http_client`](crate::messenger::http_client).
    ///
    /// # Errors
    /// When `base_url` is no address.
    pub fn new(http: reqwest::Client, base_url: &str, token: Secret) -> Result<Self, url::ParseError> {
        let base = Url::parse(base_url)?;
        if base.cannot_be_a_base() {
            return Err(url::ParseError::RelativeUrlWithCannotBeABaseBase);
        }
        Ok(Self { http, base, token, patience: CALL })
    }

    /// Waits so long for an answer instead of 30 seconds. Long polls and uploads have that much more.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Whom the token belongs to.
    ///
    /// # Errors
    /// [`CallError::Refused`] with 401 or 404 when Telegram does not know the token.
    pub async fn me(&self) -> Result<Bot, CallError> {
        let me = self.call("getMe", &json!({})).await?;
        let id = me["id"].as_i64().ok_or_else(unreadable)?;
        let username = username(&me);
        let first_name = label_of(&me, "first_name").or_else(|| username.clone());
        let first_name = first_name.unwrap_or_else(|| format!("Bot {id}"));
        Ok(Bot { id, username, first_name })
    }

    /// Has updates posted to `url` with the header `X-Telegram-Bot-Api-Secret-Token`. What already waits is kept.
    ///
    /// # Errors
    /// [`CallError::Refused`] with 400 when Telegram does not take the address or the secret (1–256 of
    /// `A-Z a-z 0-9 _ -`).
    pub async fn set_webhook(&self, url: &str, secret: &Secret) -> Result<(), CallError> {
        let hook = json!({ "url": url, "secret_token": secret.expose(), "allowed_updates": UPDATES });
        self.call("setWebhook", &hook).await.map(drop)
    }

    /// Ends the posting of updates, if there is any. What waits is kept for [`updates`](Self::updates).
    ///
    /// # Errors
    /// As every call.
    pub async fn delete_webhook(&self) -> Result<(), CallError> {
        self.call("deleteWebhook", &json!({})).await.map(drop)
    }

    /// The updates from `offset` on, as they came, waiting up to `timeout` for the first; what is below `offset` is
    /// confirmed by this and gone.
    ///
    /// # Errors
    /// [`CallError::Refused`] with 409 while a webhook is set or somebody else polls.
    pub async fn updates(&self, offset: Option<i64>, timeout: Duration) -> Result<Vec<Value>, CallError> {
        let mut ask = json!({ "timeout": timeout.as_secs(), "allowed_updates": UPDATES });
        if let Some(offset) = offset {
            ask["offset"] = offset.into();
        }
        let request = self.http.post(self.method("getUpdates")).json(&ask);
        match self.answer(request, timeout + self.patience).await? {
            Value::Array(updates) => Ok(updates),
            _ => Err(unreadable()),
        }
    }

    /// Calls a method with JSON, and gives its `result`.
    pub(super) async fn call(&self, method: &str, arguments: &Value) -> Result<Value, CallError> {
        self.answer(self.http.post(self.method(method)).json(arguments), self.patience).await
    }

    /// Calls a method with a form that carries a file of `size` bytes, and gives its `result`.
    pub(super) async fn upload(
        &self,
        method: &str,
        form: reqwest::multipart::Form,
        size: u64,
    ) -> Result<Value, CallError> {
        let patience = self.patience + Duration::from_secs(size / UPLOAD);
        self.answer(self.http.post(self.method(method)).multipart(form), patience).await
    }

    /// The content of a file by its `file_path`.
    pub(super) async fn fetch(&self, path: &str) -> Result<Download, CallError> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("file").push(&format!("bot{}", self.token.expose())).extend(path.split('/'));
        }
        let head = tokio::time::timeout(self.patience, self.http.get(url).timeout(DOWNLOAD).send()).await;
        let response = head.map_err(|_| late())?.map_err(|error| broken_off(&error))?;
        if response.status() != StatusCode::OK {
            return Err(match self.parse(response).await {
                Ok(_) => unreadable(),
                Err(error) => error,
            });
        }
        let size = response.content_length();
        let bytes = stream::try_unfold(response, |mut response| async {
            let chunk = tokio::time::timeout(STALL, response.chunk()).await.map_err(|_| late())?;
            let chunk = chunk.map_err(|error| broken_off(&error))?;
            Ok(chunk.map(|chunk| (chunk, response)))
        });
        // The server calls every file application/octet-stream; the message has told what it is.
        Ok(Download {
            size,
            content_type: None,
            bytes: bytes.map_err(|error: CallError| io::Error::other(error)).boxed(),
        })
    }

    fn method(&self, method: &str) -> Url {
        let mut url = self.base.clone();
        // Never fails: `new` takes no address without a path.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push(&format!("bot{}", self.token.expose())).push(method);
        }
        url
    }

    async fn answer(&self, request: RequestBuilder, patience: Duration) -> Result<Value, CallError> {
        let response = request.timeout(patience).send().await.map_err(|error| broken_off(&error))?;
        self.parse(response).await
    }

    /// The `result` of an answer. Proxies answer with pages of their own, so that only what looks like the Bot API's
    /// own envelope is taken for Telegram's word.
    async fn parse(&self, mut response: Response) -> Result<Value, CallError> {
        let status = response.status().as_u16();
        let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let foreign = CallError::Foreign { status, retry_after: header.map(seconds) };
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| broken_off(&error))? {
            if body.len() + chunk.len() > ANSWER {
                return Err(foreign);
            }
            body.extend_from_slice(&chunk);
        }
        let Ok(mut envelope) = serde_json::from_slice::<Value>(&body) else { return Err(foreign) };
        match envelope["ok"].as_bool() {
            Some(true) => Ok(envelope["result"].take()),
            Some(false) => Err(CallError::Refused {
                code: envelope["error_code"].as_u64().and_then(|code| u16::try_from(code).ok()).unwrap_or(status),
                description: envelope["description"].as_str().unwrap_or_default().to_owned(),
                retry_after: envelope["parameters"]["retry_after"].as_u64().or(header).map(seconds),
            }),
            None => Err(foreign),
        }
    }
}

/// A wait as Telegram asks for; a day at most, so that a wild number cannot stop a channel for good.
fn seconds(wait: u64) -> Duration {
    Duration::from_secs(wait.min(86_400))
}

fn broken_off(error: &reqwest::Error) -> CallError {
    CallError::Lost { words: lost("Telegram", error) }
}

fn late() -> CallError {
    CallError::Lost { words: "Telegram did not answer in time".to_owned() }
}

pub(super) fn unreadable() -> CallError {
    CallError::Lost { words: "Telegram's answer could not be read".to_owned() }
}
