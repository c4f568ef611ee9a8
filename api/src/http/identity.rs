//! Who asks: a bearer token, or the page's session cookie where the request comes from a page of ours.

use axum::http::{HeaderMap, header};

use crate::app::App;
use crate::error::{Error, Result};
use crate::graphql::COOKIE;
use crate::inbox::sessions;
use crate::viewer::Viewer;

/// The viewer of a request. A bearer token that is not good refuses it; a cookie that is not counts as none, so that the
/// page can sign in anew.
pub(super) async fn of(app: &App, headers: &HeaderMap) -> Result<Option<Viewer>> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let text = value.to_str().unwrap_or_default();
        return by_authorization(app, text).await.map(Some);
    }
    match cookie(headers) {
        Some(token) if is_own_or_allowed(app, headers) => match sessions::viewer(app, &token).await {
            Ok(viewer) => Ok(Some(viewer)),
            Err(Error::Unauthenticated(_)) => Ok(None),
            Err(error) => Err(error),
        },
        _ => Ok(None),
    }
}

/// The viewer of `Bearer …`.
pub(super) async fn by_authorization(app: &App, text: &str) -> Result<Viewer> {
    sessions::viewer(app, bearer(text)?).await
}

/// The token of `Bearer …`.
pub(super) fn bearer(text: &str) -> Result<&str> {
    let token =
        text.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token);
    Ok(token.ok_or(Error::Unauthenticated("Authorization is written `Bearer` and the token"))?.trim())
}

/// The token in the page's session cookie.
pub(super) fn cookie(headers: &HeaderMap) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, token)| token.to_owned())
        .filter(|token| !token.is_empty())
}

/// Whether the page that sends this is ours, or one of ALLOWED_ORIGINS. Programs that are no browsers send no Origin.
pub(super) fn is_own_or_allowed(app: &App, headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    app.config.allowed_origins.iter().any(|allowed| allowed == origin) || is_own(app, headers, origin)
}

/// Whether an origin is that of our own pages.
pub(super) fn is_own(app: &App, headers: &HeaderMap, origin: &str) -> bool {
    let public = app.config.public_url.as_deref().and_then(|url| url::Url::parse(url).ok());
    if public.is_some_and(|url| url.origin().ascii_serialization() == origin) {
        return true;
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    host.is_some() && origin.split_once("://").map(|(_, host)| host) == host
}
