//! Whether it is alive, whether it is ready, and its numbers.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::sync::atomic::Ordering;
use tokio::time::timeout;

use crate::log;

use super::Doors;

/// How long the database and Redis may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// `GET /healthz`
pub(super) async fn alive() -> &'static str {
    "alive\n"
}

/// `GET /readyz`: 503 with words while the database or Redis does not answer.
pub(super) async fn ready(State(doors): State<Doors>) -> Response {
    let app = doors.app();
    if app.stop.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
    }
    if !matches!(timeout(PATIENCE, app.db.check()).await, Ok(Ok(()))) {
        return (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response();
    }
    if !matches!(timeout(PATIENCE, app.bus.check()).await, Ok(Ok(()))) {
        return (StatusCode::SERVICE_UNAVAILABLE, "Redis does not answer\n").into_response();
    }
    "ready\n".into_response()
}

/// `/metrics`, for an address of its own.
pub fn metrics(doors: &Doors) -> Router {
    Router::new().route("/metrics", get(numbers)).with_state(doors.clone())
}

async fn numbers(State(doors): State<Doors>) -> Response {
    let app = doors.app();
    let gauges = doors.live.gauges();
    app.metrics.sockets.set(gauges.sockets.load(Ordering::Relaxed));
    app.metrics.subscriptions.set(gauges.operations.load(Ordering::Relaxed));
    if let Ok(Ok(head)) = timeout(PATIENCE, log::head(app.db.read())).await {
        app.metrics.log_lag.set((head.position - app.log.position()).max(0));
    }
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], app.metrics.print()).into_response()
}
