//! What is seen of each request: an id, a line in the log, a number. Never a token: neither headers nor queries.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use crate::metrics::Of;

use super::Doors;

/// The header of a request's id; one that a proxy gave is kept.
pub(super) const REQUEST_ID: &str = "x-request-id";
/// Longest id of a proxy, in bytes.
const LONGEST: usize = 64;

/// Around every request.
pub(super) async fn observe(State(doors): State<Doors>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).filter(|id| is_sane(id));
    let id = id.map_or_else(|| uuid::Uuid::now_v7().simple().to_string(), str::to_owned);
    let method = method(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or("unknown", MatchedPath::as_str).to_owned();
    // Who knows the address of what a messenger fetches has it.
    let path = if route.starts_with("/media/") { route.as_str() } else { request.uri().path() };
    let span = tracing::info_span!("request", %id, method, path);
    let mut response = next.run(request).instrument(span.clone()).await;
    let status = response.status().as_u16();
    let elapsed = started.elapsed();
    span.in_scope(|| match route.as_str() {
        "/healthz" | "/readyz" => tracing::debug!(status, ?elapsed, "answered"),
        _ => tracing::info!(status, ?elapsed, "answered"),
    });
    let metrics = &doors.app().metrics;
    metrics.requests.get_or_create(&Of::new(format!("{method} {route}"), status.to_string())).inc();
    metrics.request_seconds.observe(elapsed.as_secs_f64());
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// Anybody can make methods up, and each name would be kept as long as the process lives.
fn method(of: &Method) -> &'static str {
    const KNOWN: [Method; 7] =
        [Method::GET, Method::HEAD, Method::POST, Method::OPTIONS, Method::PUT, Method::PATCH, Method::DELETE];
    static NAMES: [&str; 7] = ["GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"];
    KNOWN.iter().position(|known| known == of).map_or("OTHER", |place| NAMES[place])
}

fn is_sane(id: &str) -> bool {
    !id.is_empty() && id.len() <= LONGEST && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}
