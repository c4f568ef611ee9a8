//! The pages, built from `frontend/` and served from the program itself: nothing is loaded from elsewhere.

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use rust_embed::RustEmbed;

/// What `npm run build` made; in a debug build it is read from the disk.
#[derive(RustEmbed)]
#[folder = "../frontend/dist"]
#[allow_missing = true]
struct Built;

/// No script, style or connection but our own.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// `GET /graphql` by a browser.
pub(super) fn graphiql() -> Response {
    page("graphiql.html", "no-cache")
}

/// `GET /`: the operator's page is another issue's; until then the API's.
pub(super) async fn home() -> Redirect {
    Redirect::temporary("/graphql")
}

/// The page of `colloquy sandbox`, with what it loads.
pub fn sandbox_pages() -> Router {
    Router::new().route("/", get(async || page("sandbox.html", "no-cache"))).route("/assets/{*path}", get(asset))
}

/// `GET /assets/…`: their names change with what is in them.
pub(super) async fn asset(Path(path): Path<String>) -> Response {
    page(&format!("assets/{path}"), "public, max-age=31536000, immutable")
}

/// `GET /widget.js`: the chat for other people's pages, which may load it from anywhere. Its name stays, so that it is
/// asked each time whether it is still the same.
pub(super) async fn widget(asked: HeaderMap) -> Response {
    let Some(file) = Built::get("widget.js") else {
        let words = "The chat is not built into the program: run `make page` and build it again\n";
        return (StatusCode::NOT_FOUND, words).into_response();
    };
    let tag: String = file.metadata.sha256_hash().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let known = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|known| known.to_str().ok());
    let is_known = known.flat_map(|known| known.split(',')).any(|one| {
        let one = one.trim();
        one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag
    });
    let mut response = if is_known { StatusCode::NOT_MODIFIED.into_response() } else { file.data.into_response() };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

fn page(path: &str, cache: &'static str) -> Response {
    let Some(file) = Built::get(path) else {
        let words = "This page is not built into the program: run `make page` and build it again\n";
        return (StatusCode::NOT_FOUND, words).into_response();
    };
    let kind = match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    };
    let mut response = file.data.into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, cache),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
