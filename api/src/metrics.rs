//! What the program tells of itself in numbers, for Prometheus.

use std::sync::atomic::{AtomicI64, AtomicU64};

use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram};
use prometheus_client::registry::Registry;

/// One label and its value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Of {
    /// What was counted.
    pub what: String,
    /// How it ended.
    pub outcome: String,
}

impl Of {
    /// This, ended so.
    pub fn new(what: impl Into<String>, outcome: impl Into<String>) -> Self {
        Self { what: what.into(), outcome: outcome.into() }
    }
}

type Counters = Family<Of, Counter<u64, AtomicU64>>;
type Level = Gauge<i64, AtomicI64>;

/// All of them.
pub struct Metrics {
    registry: Registry,
    /// HTTP requests by route and status.
    pub requests: Counters,
    /// Seconds of an HTTP request.
    pub request_seconds: Histogram,
    /// Mutations by field and code (`OK` or an error's code).
    pub mutations: Counters,
    /// Updates from messengers by kind of channel and what became of them.
    pub inbound: Counters,
    /// Messages to clients by kind of channel and what became of them.
    pub outbound: Counters,
    /// Files fetched by kind of channel and what became of them.
    pub files: Counters,
    /// Statements put to the database.
    pub statements: Counter<u64, AtomicU64>,
    /// Open connections that follow something.
    pub sockets: Level,
    /// Running subscriptions.
    pub subscriptions: Level,
    /// Events in the log that this process has not followed yet.
    pub log_lag: Level,
}

impl Metrics {
    /// All at zero.
    #[expect(clippy::new_without_default, reason = "made once, by name")]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("colloquy");
        let buckets = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];
        let metrics = Self {
            requests: Counters::default(),
            request_seconds: Histogram::new(buckets),
            mutations: Counters::default(),
            inbound: Counters::default(),
            outbound: Counters::default(),
            files: Counters::default(),
            statements: Counter::default(),
            sockets: Level::default(),
            subscriptions: Level::default(),
            log_lag: Level::default(),
            registry: Registry::default(),
        };
        registry.register("http_requests", "HTTP requests by route and status", metrics.requests.clone());
        registry.register("http_request_seconds", "Duration of HTTP requests", metrics.request_seconds.clone());
        registry.register("mutations", "Mutations by field and code", metrics.mutations.clone());
        registry.register("inbound", "Updates from messengers by channel kind and outcome", metrics.inbound.clone());
        registry.register("outbound", "Messages to clients by channel kind and outcome", metrics.outbound.clone());
        registry.register("files_fetched", "Files fetched from messengers by outcome", metrics.files.clone());
        registry.register("statements", "Statements put to the database", metrics.statements.clone());
        registry.register("sockets", "Open WebSocket connections", metrics.sockets.clone());
        registry.register("subscriptions", "Running subscriptions", metrics.subscriptions.clone());
        registry.register("log_lag_events", "Events that this process has not followed yet", metrics.log_lag.clone());
        Self { registry, ..metrics }
    }

    /// In Prometheus' text format.
    pub fn print(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
