//! A server that gives prepared answers and remembers what it was asked.

use std::collections::VecDeque;
use std::future::IntoFuture as _;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::messenger::telegram::Telegram;
use crate::messenger::{Secret, http_client};

pub const TOKEN: &str = "7000000001:AAsecret-part";

/// An answer that the next request gets.
#[derive(Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

/// What a request held.
pub struct Got {
    pub path: String,
    pub content_type: String,
    pub body: String,
}

#[derive(Clone, Default)]
pub struct Script {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    got: Arc<Mutex<Vec<Got>>>,
}

impl Script {
    pub fn got(&self) -> Vec<Got> {
        std::mem::take(&mut self.got.lock().unwrap())
    }
}

pub fn ok(result: Value) -> Answer {
    Answer { status: 200, headers: Vec::new(), body: json!({ "ok": true, "result": result }).to_string().into() }
}

pub fn answer(fixture: &Value) -> Answer {
    let headers = fixture["headers"].as_object().unwrap();
    Answer {
        status: fixture["status"].as_u64().unwrap().try_into().unwrap(),
        headers: headers.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect(),
        body: match fixture["body_text"].as_str() {
            Some(text) => text.to_owned().into(),
            None => fixture["body"].to_string().into(),
        },
    }
}

async fn reply(State(script): State<Script>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let content_type = parts.headers.get(CONTENT_TYPE).map(|value| value.to_str().unwrap()).unwrap_or_default();
    script.got.lock().unwrap().push(Got {
        path: parts.uri.path().to_owned(),
        content_type: content_type.to_owned(),
        body: String::from_utf8_lossy(&body).into_owned(),
    });
    let answer = script.answers.lock().unwrap().pop_front().expect("no answer left for this request");
    let mut response = (axum::http::StatusCode::from_u16(answer.status).unwrap(), answer.body).into_response();
    for (name, value) in answer.headers {
        let name = axum::http::HeaderName::from_bytes(name.as_bytes()).unwrap();
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

/// A bot whose server gives these answers in turn.
pub async fn bot(answers: impl IntoIterator<Item = Answer>) -> (Telegram, Script) {
    let script = Script { answers: Arc::new(Mutex::new(answers.into_iter().collect())), ..Script::default() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().fallback(reply).with_state(script.clone());
    tokio::spawn(axum::serve(listener, app).into_future());
    (telegram(&url), script)
}

pub fn telegram(url: &str) -> Telegram {
    Telegram::new(http_client().unwrap(), url, Secret::new(TOKEN)).unwrap()
}
