//! A client of the GraphQL API, as anybody's would be.

use std::fmt::{self, Display};
use std::panic::Location;

use reqwest::{RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Who asks, and where. Cloning is cheap; connections are shared by the clones.
#[derive(Clone, Debug)]
pub struct Api {
    pub url: String,
    pub token: Option<String>,
    /// `/graphql`, or `/chat` for a website's visitors
    door: &'static str,
    /// The origin of the page that asks, where it is a browser
    pub origin: Option<String>,
    /// What it asks by
    pub http: reqwest::Client,
}

impl Api {
    /// A client without a token of the server at `url` (`http://127.0.0.1:port`).
    pub fn anonymous(url: &str) -> Self {
        // Refused where the server in this process has chosen one already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().expect("a client for loopback");
        Self { url: url.trim_end_matches('/').to_owned(), token: None, door: "/graphql", origin: None, http }
    }

    /// A page of `origin` that shows the chat of the server at `url`, before anybody writes.
    pub fn page(url: &str, origin: &str) -> Self {
        Self { door: "/chat", origin: Some(origin.to_owned()), ..Self::anonymous(url) }
    }

    /// The same server, asked with `token`.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same, asked at another server.
    pub fn at(&self, url: &str) -> Self {
        Self { url: url.trim_end_matches('/').to_owned(), ..self.clone() }
    }

    /// Runs a document over HTTP. Fails the test when no GraphQL response comes; errors in it are the answer's.
    #[track_caller]
    pub fn run(&self, document: &str, variables: Value) -> impl Future<Output = Answer> + use<> {
        let caller = Location::caller();
        let asked = document.to_owned();
        let answer = self.try_run(document, variables);
        async move { answer.await.unwrap_or_else(|failure| panic!("asked at {caller}: {failure}\n{asked}")) }
    }

    /// As [`run`](Self::run), where the server may be away: in words why no GraphQL response came.
    pub fn try_run(&self, document: &str, variables: Value) -> impl Future<Output = Result<Answer, String>> + use<> {
        let asked = document.to_owned();
        let request = self.request(document, &variables);
        async move {
            let response = request.send().await.map_err(|error| format!("{error:?}"))?;
            let status = response.status();
            let text = response.text().await.map_err(|error| format!("{error:?}"))?;
            match serde_json::from_str::<Value>(&text) {
                Ok(body) if body.get("data").is_some() || body.get("errors").is_some() => {
                    Ok(Answer { status, body, asked })
                }
                _ => Err(format!("status {status}, and no GraphQL response:\n{text}")),
            }
        }
    }

    /// What asks so, for who wants the answer in another form.
    pub fn request(&self, document: &str, variables: &Value) -> RequestBuilder {
        self.post(self.door).json(&json!({ "query": document, "variables": variables }))
    }

    /// A request to a path, as whoever asks.
    pub fn post(&self, path: &str) -> RequestBuilder {
        let mut request = self.http.post(format!("{}{path}", self.url));
        if let Some(origin) = &self.origin {
            request = request.header("Origin", origin);
        }
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        request
    }
}

/// A GraphQL response. What is missing in it fails the test and shows what came instead.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    /// The whole response: `data`, `errors`, `extensions`
    pub body: Value,
    asked: String,
}

impl Answer {
    /// The data of an answer without errors.
    #[track_caller]
    pub fn data(&self) -> &Value {
        assert!(self.errors().is_empty(), "unexpected errors in {self}");
        self.body.get("data").unwrap_or_else(|| panic!("no data in {self}"))
    }

    /// What stands at `path` in the data of an answer without errors: `dialogues.edges.0.node.id`.
    #[track_caller]
    pub fn at(&self, path: &str) -> &Value {
        let pointer = format!("/{}", path.replace('.', "/"));
        self.data().pointer(&pointer).unwrap_or_else(|| panic!("nothing at {path} in {self}"))
    }

    /// What stands at `path`, read as a `T`: `let id: String = answer.get("claimDialogue.dialogue.id");`
    #[track_caller]
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> T {
        let found = self.at(path);
        serde_json::from_value(found.clone())
            .unwrap_or_else(|error| panic!("{path} is no {}: {error} in {self}", std::any::type_name::<T>()))
    }

    pub fn errors(&self) -> &[Value] {
        self.body["errors"].as_array().map_or(&[], Vec::as_slice)
    }

    /// The only error.
    #[track_caller]
    pub fn error(&self) -> &Value {
        match self.errors() {
            [error] => error,
            errors => panic!("{} errors where one was expected, in {self}", errors.len()),
        }
    }

    /// `extensions.code` of the only error: `NOT_FOUND`.
    #[track_caller]
    pub fn error_code(&self) -> &str {
        let code = self.error()["extensions"]["code"].as_str();
        code.unwrap_or_else(|| panic!("an error without a code in {self}"))
    }

    /// `extensions.field` of the only error, if it names one: `input.text`.
    #[track_caller]
    pub fn error_field(&self) -> Option<&str> {
        self.error()["extensions"]["field"].as_str()
    }
}

impl Display for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the answer (status {})\n{:#}\nto\n{}", self.status, self.body, self.asked)
    }
}
