//! How operations reach clients that stay: WebSocket (graphql-transport-ws) and SSE (graphql-sse, distinct connections).
//!
//! This is transport alone: who is connected and what an operation answers comes from [`Operations`]. It pulls: an
//! operation's stream is polled only when its client can take more, so nothing queues here for a client that reads
//! slowly, and what a stream yields is decided when it is about to be written.

mod answer;
mod bell;
mod message;
mod running;
mod socket;
mod sse;
#[cfg(test)]
mod tests;
mod wire;

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use async_graphql::Request;
use axum::{extract::ws::WebSocketUpgrade, response::Response};
use futures_util::stream::BoxStream;
use serde_json::{Map, Value};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use answer::Answer;

/// What stands behind a socket: who its client is, and what that client's operations answer.
pub trait Operations: Send + Sync + 'static {
    /// Who is connected.
    type Session: Send + Sync + 'static;

    /// Lets a client in by the payload of its `connection_init`, or tells how its socket is to be closed.
    ///
    /// An implementation that also takes cookies is made for each socket and holds what the upgrade request brought.
    fn connect(
        &self,
        payload: Option<Map<String, Value>>,
    ) -> impl Future<Output = Result<Self::Session, Closing>> + Send;

    /// Begins a query, mutation or subscription; dropping the stream ends it.
    ///
    /// Must not block: parsing is fine, waiting belongs in the stream.
    fn execute(&self, session: &Arc<Self::Session>, request: Request) -> BoxStream<'static, Answer>;

    /// Resolves when the client may be connected no longer: its token was revoked or has expired, its user deactivated.
    fn ended(&self, session: &Self::Session) -> impl Future<Output = Closing> + Send;
}

/// Why and with which code a WebSocket is closed.
///
/// Codes are RFC 6455's below 4000, graphql-transport-ws's from 4400 to 4409 and 4429, and one of ours:
/// [`Closing::UNREAD`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    pub code: u16,
    pub reason: Cow<'static, str>,
}

impl Closing {
    /// The client does not read, or does not answer pings. It connects again and resumes by its cursor.
    pub const UNREAD: u16 = 4410;

    pub fn new(code: u16, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { code, reason: reason.into() }
    }

    /// 4403: a token that is refused, revoked, or of a deactivated user.
    pub fn forbidden(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(4403, reason)
    }

    /// 1013, try again later: what is needed to answer is away. Clients of graphql-transport-ws connect anew by themselves.
    pub fn unavailable(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(1013, reason)
    }

    fn going_away() -> Self {
        Self::new(1001, "The server is stopping")
    }

    fn bad_message(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(4400, reason)
    }
}

/// How long this waits for what.
#[derive(Clone, Debug)]
pub struct Timing {
    /// For `connection_init`, after the upgrade.
    pub init: Duration,
    /// Between the last word from a client and a ping to it.
    pub ping: Duration,
    /// For any word after a ping. With `ping` and `close`, how soon a half-open connection is given up.
    pub pong: Duration,
    /// For a client to take what was written to it.
    pub unread: Duration,
    /// For the client's half of the closing handshake.
    pub close: Duration,
    /// Between comments that keep an event stream from being cut by proxies.
    pub comment: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            init: Duration::from_secs(10),
            ping: Duration::from_secs(15),
            pong: Duration::from_secs(10),
            unread: Duration::from_secs(15),
            close: Duration::from_secs(3),
            comment: Duration::from_secs(12),
        }
    }
}

/// How much one socket may ask for.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Bytes of one message from the client.
    pub message: usize,
    /// Operations under way at once.
    pub operations: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { message: 64 * 1024, operations: 100 }
    }
}

/// What is open now.
#[derive(Debug, Default)]
pub struct Gauges {
    /// WebSockets, from the upgrade to the end of the closing handshake.
    pub sockets: AtomicI64,
    /// Operations under way over WebSocket and SSE.
    pub operations: AtomicI64,
}

/// All that stays connected to this process; made once.
#[derive(Debug, Default)]
pub struct Live {
    timing: Timing,
    bounds: Bounds,
    gauges: Gauges,
    stop: CancellationToken,
    connections: TaskTracker,
}

impl Live {
    /// `stop` closes every WebSocket with 1001 and breaks off every event stream.
    pub fn new(timing: Timing, bounds: Bounds, stop: CancellationToken) -> Arc<Self> {
        Arc::new(Self { timing, bounds, stop, ..Self::default() })
    }

    pub fn gauges(&self) -> &Gauges {
        &self.gauges
    }

    /// Answers a WebSocket upgrade and serves graphql-transport-ws on it.
    ///
    /// A client that did not offer that subprotocol is closed with 4406 rather than refused, so that it can read why.
    pub fn upgrade<O: Operations>(self: &Arc<Self>, upgrade: WebSocketUpgrade, operations: Arc<O>) -> Response {
        let live = self.clone();
        wire::Wire::configure(upgrade, &self.bounds).on_upgrade(move |wire| {
            let connections = live.connections.clone();
            connections.track_future(socket::serve(live, operations, wire))
        })
    }

    /// Resolves when no WebSocket and no event stream is left; to be awaited after `stop`.
    pub async fn drained(&self) {
        self.connections.close();
        self.connections.wait().await;
    }
}

/// Counts something as open until it is dropped.
struct Counted {
    live: Arc<Live>,
    gauge: fn(&Gauges) -> &AtomicI64,
}

impl Counted {
    fn socket(live: &Arc<Live>) -> Self {
        Self::open(live, |gauges| &gauges.sockets)
    }

    fn operation(live: &Arc<Live>) -> Self {
        Self::open(live, |gauges| &gauges.operations)
    }

    fn open(live: &Arc<Live>, gauge: fn(&Gauges) -> &AtomicI64) -> Self {
        gauge(&live.gauges).fetch_add(1, Ordering::Relaxed);
        Self { live: live.clone(), gauge }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        (self.gauge)(&self.live.gauges).fetch_sub(1, Ordering::Relaxed);
    }
}
