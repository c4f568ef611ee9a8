//! The transports over real connections, with a small schema behind them.

mod close;
mod operations;
mod pressure;
// The stories' own client, tried out here as well.
#[path = "../../../../tests/harness/socket.rs"]
mod socket;
mod sse;

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use async_graphql::{Error, Object, Request, Schema, Subscription};
use axum::{
    Json, Router,
    extract::{State, WebSocketUpgrade},
    routing::get,
};
use futures_util::{
    StreamExt,
    stream::{self, BoxStream, Stream},
};
use serde_json::{Map, Value};
use tokio::{net::TcpListener, sync::mpsc, task::yield_now, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{Answer, Bounds, Closing, Live, Operations, Timing};

struct Query;

#[Object]
impl Query {
    async fn sum(&self, of: Vec<i32>) -> i32 {
        of.iter().sum()
    }

    async fn text(&self, size: usize) -> String {
        "x".repeat(size)
    }

    async fn fail(&self) -> Result<i32, Error> {
        Err(Error::new("it fails"))
    }
}

struct Mutation;

#[Object]
impl Mutation {
    async fn change(&self) -> bool {
        true
    }
}

/// Tells the test that the stream it was given to is no longer there.
struct Dropped(mpsc::UnboundedSender<()>);

impl Drop for Dropped {
    fn drop(&mut self) {
        // The test may not care.
        let _ = self.0.send(());
    }
}

struct Following {
    dropped: mpsc::UnboundedSender<()>,
}

#[Subscription]
impl Following {
    async fn count(&self, to: i32) -> impl Stream<Item = i32> {
        stream::iter(1..=to)
    }

    /// As much as is taken, until it is dropped.
    async fn flood(&self, size: usize) -> impl Stream<Item = String> {
        let dropped = Dropped(self.dropped.clone());
        stream::repeat_with(move || {
            let _ = &dropped;
            "x".repeat(size)
        })
    }

    /// Nothing, until it is dropped.
    async fn nothing(&self) -> impl Stream<Item = i32> {
        let dropped = Dropped(self.dropped.clone());
        stream::pending().inspect(move |_: &i32| {
            let _ = &dropped;
        })
    }

    /// Breaks the task that follows it.
    async fn panic(&self) -> impl Stream<Item = i32> {
        stream::once(async { panic!("a resolver's own fault, which the test is about") })
    }
}

type Toy = Schema<Query, Mutation, Following>;

/// Lets in who has a token, and sends away whose token is revoked.
struct Gate {
    schema: Toy,
    revoked: CancellationToken,
}

impl Operations for Gate {
    type Session = String;

    async fn connect(&self, payload: Option<Map<String, Value>>) -> Result<String, Closing> {
        match payload.as_ref().and_then(|payload| payload.get("authorization")?.as_str()) {
            Some("Bearer good") => Ok("the good one".into()),
            Some("Bearer slow") => std::future::pending().await,
            Some("Bearer away") => Err(Closing::unavailable("The database is away")),
            _ => Err(Closing::forbidden("The token is not valid")),
        }
    }

    fn execute(&self, session: &Arc<String>, request: Request) -> BoxStream<'static, Answer> {
        self.schema.execute_stream(request.data(session.clone())).map(Answer::from).boxed()
    }

    async fn ended(&self, _: &String) -> Closing {
        self.revoked.cancelled().await;
        Closing::forbidden("The token was revoked")
    }
}

/// A server on a port of its own, for as long as this lives.
struct Server {
    url: String,
    live: Arc<Live>,
    stop: CancellationToken,
    revoked: CancellationToken,
    /// One for each subscription of this kind that ended.
    dropped: mpsc::UnboundedReceiver<()>,
}

impl Server {
    async fn start() -> Self {
        Self::with(Timing::default(), Bounds::default()).await
    }

    async fn with(timing: Timing, bounds: Bounds) -> Self {
        let (stop, revoked) = (CancellationToken::new(), CancellationToken::new());
        let live = Live::new(timing, bounds, stop.clone());
        let (end, dropped) = mpsc::unbounded_channel();
        let schema = Schema::build(Query, Mutation, Following { dropped: end }).finish();
        let gate = Arc::new(Gate { schema, revoked: revoked.clone() });
        let router = Router::new().route("/graphql", get(upgrade).post(events)).with_state((live.clone(), gate));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/graphql", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, live, stop, revoked, dropped }
    }

    async fn connect(&self) -> socket::Socket {
        socket::Socket::connect(&self.url, Some("good")).await
    }

    async fn acknowledged(&self) -> socket::Raw {
        socket::Raw::acknowledged(&self.url, Some("good")).await
    }

    async fn dropped(&mut self) {
        soon("the end of a subscription", self.dropped.recv()).await.expect("the schema is alive");
    }

    /// Waits until so many sockets and operations are open.
    async fn has_open(&self, sockets: i64, operations: i64) {
        let gauges = self.live.gauges();
        let counted = || (gauges.sockets.load(Ordering::Relaxed), gauges.operations.load(Ordering::Relaxed));
        let reached = timeout(Duration::from_secs(20), async {
            while counted() != (sockets, operations) {
                yield_now().await;
            }
        });
        assert!(reached.await.is_ok(), "{:?} are open instead of {:?}", counted(), (sockets, operations));
    }
}

async fn soon<T>(what: &str, waiting: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), waiting).await.unwrap_or_else(|_| panic!("{what} did not come"))
}

type Doors = State<(Arc<Live>, Arc<Gate>)>;

async fn upgrade(State((live, gate)): Doors, upgrade: WebSocketUpgrade) -> axum::response::Response {
    live.upgrade(upgrade, gate)
}

async fn events(State((live, gate)): Doors, Json(request): Json<Request>) -> axum::response::Response {
    let answers = gate.execute(&Arc::new("by SSE".into()), request);
    live.event_stream(answers, async move { gate.revoked.cancelled().await })
}
