//! A server that answers as it is told, and remembers what it was asked.

use std::collections::VecDeque;
use std::future::IntoFuture as _;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::messenger::viber::Viber;
use crate::messenger::{Secret, Web, http_client};

pub const TOKEN: &str = "445da6az1s345z78-secret-part";

/// An answer that the next request gets.
#[derive(Clone)]
pub struct Answer {
    pub status: u16,
    pub retry_after: Option<u64>,
    pub body: Bytes,
}

/// What a request held.
#[derive(Debug)]
pub struct Got {
    pub path: String,
    pub token: String,
    pub body: Value,
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

pub fn page(status: u16, body: &'static str) -> Answer {
    Answer { status, retry_after: None, body: body.into() }
}

pub fn sent(token: u64) -> Answer {
    let body = json!({ "status": 0, "status_message": "ok", "message_token": token });
    Answer { status: 200, retry_after: None, body: body.to_string().into() }
}

pub fn answer(fixture: &Value) -> Answer {
    Answer {
        status: fixture["status"].as_u64().unwrap().try_into().unwrap(),
        retry_after: None,
        body: match fixture["body_text"].as_str() {
            Some(text) => text.to_owned().into(),
            None => fixture["body"].to_string().into(),
        },
    }
}

async fn reply(State(script): State<Script>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let token = parts.headers.get("x-viber-auth-token").map(|value| value.to_str().unwrap()).unwrap_or_default();
    script.got.lock().unwrap().push(Got {
        path: parts.uri.path().to_owned(),
        token: token.to_owned(),
        body: serde_json::from_slice(&body).unwrap(),
    });
    let answer = script.answers.lock().unwrap().pop_front().expect("no answer left for this request");
    let mut response = (StatusCode::from_u16(answer.status).unwrap(), answer.body).into_response();
    if let Some(seconds) = answer.retry_after {
        response.headers_mut().insert("retry-after", seconds.to_string().parse().unwrap());
    }
    response
}

/// A bot whose server gives these answers in turn.
pub async fn bot(answers: impl IntoIterator<Item = Answer>) -> (Viber, Script) {
    let script = Script { answers: Arc::new(Mutex::new(answers.into_iter().collect())), ..Script::default() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().fallback(reply).with_state(script.clone());
    tokio::spawn(axum::serve(listener, app).into_future());
    (viber(&url, TOKEN), script)
}

pub fn viber(url: &str, token: &str) -> Viber {
    Viber::new(http_client().unwrap(), Web::new(&[]).unwrap(), url, Secret::new(token)).unwrap()
}
