//! The doors: GraphQL, webhooks, files, exports, the website's chat, pages and health.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::extract::connect_info::IntoMakeServiceWithConnectInfo;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::routing::{get, post};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::app::App;
use crate::graphql::Api;
use crate::graphql::chat::ChatApi;
use crate::live::{Bounds, Live, Timing};

mod chat;
mod export;
mod files;
mod graphql;
mod health;
mod identity;
mod observe;
mod pages;
mod webhooks;

pub use health::metrics;
pub use pages::sandbox_pages;

/// Largest body of a GraphQL request, in bytes.
const LARGEST: usize = 1024 * 1024;

/// What every door gets.
#[derive(Clone)]
pub struct Doors {
    api: Arc<Api>,
    chat: Arc<ChatApi>,
    live: Arc<Live>,
    exports: export::Places,
}

impl Doors {
    /// The doors of an app.
    pub fn new(app: &Arc<App>) -> Self {
        let timing = Timing { init: app.config.connection_init_wait, ..Timing::default() };
        let live = Live::new(timing, Bounds::default(), app.stop.clone());
        let (api, chat) = (Api::new(Arc::clone(app)), ChatApi::new(Arc::clone(app)));
        Self { api: Arc::new(api), chat: Arc::new(chat), live, exports: export::places() }
    }

    /// Connections that stay.
    pub fn live(&self) -> &Arc<Live> {
        &self.live
    }

    fn app(&self) -> &Arc<App> {
        self.api.app()
    }
}

/// All paths of runtime.md but `/metrics`, which has an address of its own.
pub fn router(doors: &Doors) -> Router {
    Router::new()
        .route("/graphql", get(graphql::get).post(graphql::post).layer(DefaultBodyLimit::max(LARGEST)))
        .route("/webhooks/{kind}/{channel}", post(webhooks::receive))
        .route("/files", post(files::upload).layer(DefaultBodyLimit::max(files::LARGEST_BODY)))
        .route("/files/{id}", get(files::get))
        .route("/files/{id}/preview", get(files::preview))
        .route("/export", get(export::get))
        .route("/media/{id}/{signed}/{name}", get(files::media))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/", get(pages::home))
        .route("/assets/{*path}", get(pages::asset))
        .layer(cors(doors.app()))
        .merge(chat::router(doors.app()))
        .layer(axum::middleware::from_fn_with_state(doors.clone(), observe::observe))
        .with_state(doors.clone())
}

/// The same, as a service that knows from where it is asked.
pub fn service(doors: &Doors) -> IntoMakeServiceWithConnectInfo<Router, SocketAddr> {
    router(doors).into_make_service_with_connect_info()
}

/// For third-party front ends, which send their token in a header: no cookies cross origins.
fn cors(app: &App) -> CorsLayer {
    let origins = app.config.allowed_origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::ACCEPT,
            header::RANGE,
            header::IF_RANGE,
            header::IF_NONE_MATCH,
        ])
        .expose_headers([
            HeaderName::from_static(observe::REQUEST_ID),
            header::ACCEPT_RANGES,
            header::CONTENT_DISPOSITION,
            header::CONTENT_RANGE,
            header::ETAG,
        ])
}
