//! A pretend S3: one bucket on a free port of this machine, as far as files are kept in it. It checks the signature of
//! every request, as the real one does.

use std::collections::{BTreeMap, HashMap};
use std::future::IntoFuture as _;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use colloquy::config::S3;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

const BUCKET: &str = "attachments";
const KEY_ID: &str = "AKIDSTORY";
const SECRET: &str = "a secret of stories";
/// The smallest part but the last.
const PART: usize = 5 << 20;

/// A pretend S3; ends when it is dropped.
pub struct FakeS3 {
    url: String,
    held: Arc<Mutex<Held>>,
    server: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Held {
    objects: BTreeMap<String, Bytes>,
    /// Of uploads that are not completed.
    uploads: HashMap<String, BTreeMap<usize, Bytes>>,
    number: usize,
}

impl FakeS3 {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let held = Arc::new(Mutex::new(Held::default()));
        let app = Router::new().fallback(answer).layer(DefaultBodyLimit::disable()).with_state(Arc::clone(&held));
        let server = axum::serve(listener, app).into_future();
        let server = tokio::spawn(async move { server.await.expect("the pretend S3 serves") });
        Self { url, held, server }
    }

    /// For `FILES_URL`.
    pub fn files_url(&self) -> url::Url {
        format!("s3://{BUCKET}/kept/here").parse().expect("an address")
    }

    /// How it is reached.
    pub fn settings(&self) -> S3 {
        S3 {
            access_key_id: KEY_ID.into(),
            secret_access_key: colloquy::messenger::Secret::new(SECRET.to_owned()),
            region: "us-east-1".into(),
            endpoint: Some(self.url.clone()),
        }
    }

    /// What is kept, by its key.
    pub fn objects(&self) -> BTreeMap<String, Bytes> {
        lock(&self.held).objects.clone()
    }

    /// Uploads in parts that were begun.
    pub fn begun(&self) -> usize {
        lock(&self.held).number
    }

    /// Uploads that were neither completed nor aborted.
    pub fn unfinished(&self) -> usize {
        lock(&self.held).uploads.len()
    }
}

impl Drop for FakeS3 {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn lock(held: &Mutex<Held>) -> MutexGuard<'_, Held> {
    held.lock().expect("nobody panics with it")
}

async fn answer(
    State(held): State<Arc<Mutex<Held>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !is_signed(&method, &uri, &headers, &body) {
        return error(StatusCode::FORBIDDEN, "SignatureDoesNotMatch");
    }
    let Some(key) = uri.path().strip_prefix(&format!("/{BUCKET}/")) else {
        return error(StatusCode::NOT_FOUND, "NoSuchBucket");
    };
    let query: HashMap<String, String> =
        url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let mut held = lock(&held);
    let upload = query.get("uploadId");
    match (method.as_str(), upload) {
        ("POST", None) if query.contains_key("uploads") => {
            held.number += 1;
            let id = format!("upload-{}", held.number);
            held.uploads.insert(id.clone(), BTreeMap::new());
            xml(&format!("<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"))
        }
        ("PUT", Some(upload)) => {
            let number = query.get("partNumber").and_then(|number| number.parse().ok()).unwrap_or_default();
            let Some(parts) = held.uploads.get_mut(upload) else {
                return error(StatusCode::NOT_FOUND, "NoSuchUpload");
            };
            parts.insert(number, body);
            [(header::ETAG, format!("\"part-{number}\""))].into_response()
        }
        ("POST", Some(upload)) => {
            let Some(parts) = held.uploads.remove(upload) else {
                return error(StatusCode::NOT_FOUND, "NoSuchUpload");
            };
            let parts: Vec<Bytes> = parts.into_values().collect();
            if parts.iter().rev().skip(1).any(|part| part.len() < PART) {
                return error(StatusCode::BAD_REQUEST, "EntityTooSmall");
            }
            held.objects.insert(key.to_owned(), parts.concat().into());
            xml("<CompleteMultipartUploadResult><ETag>\"whole\"</ETag></CompleteMultipartUploadResult>")
        }
        ("DELETE", Some(upload)) => {
            held.uploads.remove(upload);
            StatusCode::NO_CONTENT.into_response()
        }
        ("PUT", None) => {
            held.objects.insert(key.to_owned(), body);
            [(header::ETAG, "\"whole\"")].into_response()
        }
        ("DELETE", None) => {
            held.objects.remove(key);
            StatusCode::NO_CONTENT.into_response()
        }
        ("GET" | "HEAD", None) => match held.objects.get(key) {
            Some(object) => part(object, &headers),
            None => error(StatusCode::NOT_FOUND, "NoSuchKey"),
        },
        _ => error(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed"),
    }
}

fn part(object: &Bytes, headers: &HeaderMap) -> Response {
    let same = [(header::ETAG, "\"whole\""), (header::LAST_MODIFIED, "Sun, 22 Nov 2026 05:30:00 GMT")];
    let range = headers.get(header::RANGE).and_then(|range| range.to_str().ok()?.strip_prefix("bytes="));
    let Some((first, last)) = range.and_then(|range| range.split_once('-')) else {
        return (same, object.clone()).into_response();
    };
    let first: usize = first.parse().expect("a first byte");
    let end = last.parse::<usize>().map_or(object.len(), |last| (last + 1).min(object.len()));
    let content_range = format!("bytes {first}-{}/{}", end - 1, object.len());
    let part = object.slice(first..end);
    (StatusCode::PARTIAL_CONTENT, same, [(header::CONTENT_RANGE, content_range)], part).into_response()
}

fn xml(body: &str) -> Response {
    ([(header::CONTENT_TYPE, "application/xml")], body.to_owned()).into_response()
}

fn error(status: StatusCode, code: &str) -> Response {
    (status, xml(&format!("<Error><Code>{code}</Code></Error>"))).into_response()
}

/// AWS Signature Version 4.
fn is_signed(method: &Method, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().trim();
    let Some(parameters) = text("authorization").strip_prefix("AWS4-HMAC-SHA256 ") else { return false };
    let parameters: HashMap<_, _> = parameters.split(',').filter_map(|one| one.trim().split_once('=')).collect();
    let (Some(credential), Some(signed), Some(signature)) =
        (parameters.get("Credential"), parameters.get("SignedHeaders"), parameters.get("Signature"))
    else {
        return false;
    };
    let [key, day, region, service, end] = credential.split('/').collect::<Vec<_>>()[..] else { return false };
    let digest = text("x-amz-content-sha256");
    if key != KEY_ID || digest != hex(&Sha256::digest(body)) {
        return false;
    }
    let mut query: Vec<&str> = uri.query().unwrap_or_default().split('&').filter(|one| !one.is_empty()).collect();
    query.sort_unstable();
    let query: Vec<String> =
        query.iter().map(|one| if one.contains('=') { (*one).to_owned() } else { format!("{one}=") }).collect();
    let lines: String = signed.split(';').map(|name| format!("{name}:{}\n", text(name))).collect();
    let request = format!("{method}\n{}\n{}\n{lines}\n{signed}\n{digest}", uri.path(), query.join("&"));
    let scope = format!("{day}/{region}/{service}/{end}");
    let to_sign = format!("AWS4-HMAC-SHA256\n{}\n{scope}\n{}", text("x-amz-date"), hex(&Sha256::digest(request)));
    let first = mac(format!("AWS4{SECRET}").as_bytes(), day);
    let key = [region, service, end].iter().fold(first, |key, word| mac(&key, word));
    hex(&mac(&key, &to_sign)) == *signature
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    colloquy::secrets::hex(bytes)
}
