//! The doors of the website's chat: its script, and what visitors say to it, from pages of the origins that a channel
//! names.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_graphql::Request;
use async_graphql::parser::types::OperationType;
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request as Asked, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use futures_util::stream::BoxStream;
use serde_json::{Map, Value};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::app::App;
use crate::error::{Error, Result};
use crate::graphql::chat::{ChatApi, Visit};
use crate::inbox::chat::{self, Address, Page, Place, Visitor};
use crate::live::{Answer, Closing, Operations};

use super::graphql::{Form, failed, read, refuse, respond};
use super::{Doors, files, identity, observe, pages};

/// Largest body of an operation, in bytes: the longest text with every letter escaped, and the document.
const LARGEST: usize = 128 * 1024;
/// How long a browser need not ask again whether it may ask.
const PREFLIGHT: Duration = Duration::from_secs(600);
/// What proxies write, one after the other, of whom they speak for.
const FORWARDED_FOR: &str = "x-forwarded-for";

const FOREIGN: Error = Error::Forbidden("Pages of this origin may not show the chat");

/// The chat's paths, which other origins may ask than the rest.
pub(super) fn router(app: &Arc<App>) -> Router<Doors> {
    let files = post(upload).layer(DefaultBodyLimit::max(files::LARGEST_BODY_OF_VISITORS));
    let spoken = Router::new()
        .route("/chat", get(upgrade).post(operate).layer(DefaultBodyLimit::max(LARGEST)))
        .route("/chat/files", files)
        .layer(cors(app));
    Router::new().route("/widget.js", get(pages::widget)).merge(spoken)
}

/// Which channel is meant is not known yet when a browser asks first: any chat's origins pass here, and each request is
/// checked exactly. No cookie crosses.
fn cors(app: &Arc<App>) -> CorsLayer {
    let app = Arc::clone(app);
    let is_allowed = move |origin: HeaderValue, parts: &Parts| {
        let app = Arc::clone(&app);
        let is_own = origin.to_str().is_ok_and(|origin| identity::is_own(&app, &parts.headers, origin));
        async move {
            match origin.to_str() {
                Ok(origin) => is_own || chat::is_known(&app, origin).await,
                Err(_) => false,
            }
        }
    };
    CorsLayer::new()
        .allow_origin(AllowOrigin::async_predicate(is_allowed))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, header::ACCEPT])
        .expose_headers([HeaderName::from_static(observe::REQUEST_ID)])
        .max_age(PREFLIGHT)
}

/// From which page it is asked. Browsers always say so here; what says nothing is refused.
async fn page(app: &App, headers: &HeaderMap) -> Result<Page> {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return Err(Error::Forbidden("Say from which page you ask: the header Origin is missing"));
    };
    let origin = origin.to_str().map_err(|_| FOREIGN)?;
    if identity::is_own(app, headers, origin) {
        return Ok(Page::Ours);
    }
    if chat::is_known(app, origin).await { Ok(Page::Of(origin.to_owned())) } else { Err(FOREIGN) }
}

/// Where the reader of the page is. Behind a proxy of our own network that is the last address that it was told; what
/// comes from the public internet is believed of itself alone.
fn address(peer: SocketAddr, headers: &HeaderMap) -> Address {
    let told = headers.get_all(FORWARDED_FOR).iter().next_back().and_then(|told| told.to_str().ok());
    let told = told.and_then(|told| ip(told.rsplit(',').next()?.trim()));
    let ip = peer.ip().to_canonical();
    told.filter(|_| is_near(ip)).unwrap_or(ip).into()
}

/// An address as proxies write it: some with the port, and then IPv6 in brackets.
fn ip(text: &str) -> Option<IpAddr> {
    text.parse().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))
}

/// Loopback, or a private network.
fn is_near(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

/// Who asks by a request's headers.
async fn visit(app: &App, peer: SocketAddr, headers: &HeaderMap) -> Result<Visit> {
    let (page, address) = (page(app, headers).await?, address(peer, headers));
    let visitor = match headers.get(header::AUTHORIZATION) {
        None => None,
        Some(value) => {
            let token = identity::bearer(value.to_str().unwrap_or_default())?;
            Some(chat::admit(app, token, &page).await?)
        }
    };
    Ok(Visit { page, address, visitor })
}

fn status(error: &Error) -> StatusCode {
    match error {
        Error::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
        Error::Forbidden(_) => StatusCode::FORBIDDEN,
        Error::RateLimited(_) => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// `POST /chat`: a query or a mutation.
async fn operate(
    State(doors): State<Doors>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let form = form(&headers);
    let visit = match visit(doors.app(), peer, &headers).await {
        Ok(visit) => visit,
        Err(error) => return failed(form, status(&error), &error),
    };
    let request = match read(form, &headers, body) {
        Ok(request) => request,
        Err(refusal) => return refusal,
    };
    match doors.chat.admit(request, &visit) {
        Err(refusal) => respond(form, refusal),
        Ok((_, operation)) if operation.kind == OperationType::Subscription => {
            refuse(form, "Follow a subscription by WebSocket (graphql-transport-ws)")
        }
        Ok((request, operation)) => respond(form, doors.chat.run(request, &operation, visit).await),
    }
}

/// There are no event streams here.
fn form(headers: &HeaderMap) -> Form {
    match Form::of(headers) {
        Form::EventStream => Form::Json,
        form => form,
    }
}

/// `GET /chat`: a WebSocket.
async fn upgrade(
    State(doors): State<Doors>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    asked: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let (app, form) = (doors.app(), form(&headers));
    let Ok(asked) = asked else {
        return refuse(form, "POST an operation, or open a WebSocket (graphql-transport-ws)");
    };
    let address = address(peer, &headers);
    let begun = page(app, &headers).await.and_then(|page| Ok((page, app.chat.connect(address)?)));
    match begun {
        Ok((page, place)) => {
            let socket = Socket { api: Arc::clone(&doors.chat), page, address, _place: place };
            doors.live.upgrade(asked, Arc::new(socket))
        }
        Err(error) => failed(form, status(&error), &error),
    }
}

/// `POST /chat/files`: 200 with the file's id once it is kept.
async fn upload(State(doors): State<Doors>, ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Asked) -> Response {
    let (app, headers) = (doors.app(), request.headers().clone());
    let uploader = async {
        let visit = visit(app, peer, &headers).await?;
        let visitor = visit.visitor.ok_or(Error::Unauthenticated("Send a visitor's token: startChat gives one"))?;
        chat::may_upload(app, &visitor, visit.address).await
    };
    match uploader.await {
        Ok(uploader) => files::upload_by(app, uploader, request).await,
        Err(error) => files::refuse_upload(request, error).await,
    }
}

/// One visitor's WebSocket, with what its upgrade request brought.
struct Socket {
    api: Arc<ChatApi>,
    page: Page,
    address: Address,
    /// Given back when the connection ends.
    _place: Place,
}

impl Operations for Socket {
    type Session = Visitor;

    async fn connect(&self, payload: Option<Map<String, Value>>) -> Result<Visitor, Closing> {
        let payload = payload.unwrap_or_default();
        let given = payload.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization")).map(|(_, value)| value);
        let Some(Value::String(text)) = given else {
            return Err(Closing::forbidden("Send connection_init with {\"authorization\": \"Bearer …\"}"));
        };
        let admitted = async { chat::admit(self.api.app(), identity::bearer(text)?, &self.page).await };
        match admitted.await {
            Ok(visitor) => Ok(visitor),
            Err(Error::Unauthenticated(words) | Error::Forbidden(words)) => Err(Closing::forbidden(words)),
            Err(_) => Err(Closing::unavailable("The database cannot be reached: try again")),
        }
    }

    fn execute(&self, session: &Arc<Visitor>, request: Request) -> BoxStream<'static, Answer> {
        let visit = Visit { page: self.page.clone(), address: self.address, visitor: Some(**session) };
        self.api.execute(request, visit)
    }

    async fn ended(&self, session: &Visitor) -> Closing {
        Closing::forbidden(chat::until_ended(self.api.app(), session, &self.page).await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_proxy_nearby_is_believed() {
        let heard = |peer: &str, told: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for told in told {
                headers.append(FORWARDED_FOR, HeaderValue::from_static(told));
            }
            address(format!("{peer}:4000").parse().unwrap(), &headers)
        };
        let of = |ip: &str| Address::from(ip.parse::<IpAddr>().unwrap());
        assert_eq!(heard("198.51.100.1", &["192.0.2.7"]), of("198.51.100.1"), "anybody can write a header");
        for proxy in ["127.0.0.1", "10.1.2.3", "192.168.0.1", "[::1]", "[fd00::1]", "[::ffff:127.0.0.1]"] {
            assert_eq!(heard(proxy, &["203.0.113.9, 192.0.2.7"]), of("192.0.2.7"), "{proxy}: what it was told last");
            assert_eq!(heard(proxy, &["203.0.113.9", "192.0.2.7"]), of("192.0.2.7"));
        }
        assert_eq!(heard("10.1.2.3", &["192.0.2.7:5678"]), of("192.0.2.7"));
        assert_eq!(heard("10.1.2.3", &["[2001:db8::7]:5678"]), of("2001:db8::7"));
        assert_eq!(heard("10.1.2.3", &[]), of("10.1.2.3"));
        assert_eq!(heard("10.1.2.3", &["unknown"]), of("10.1.2.3"));
    }
}
