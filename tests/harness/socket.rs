//! A graphql-transport-ws client: frame by frame ([`Raw`]), or with a handle for each operation ([`Socket`]).

use std::{
    collections::HashMap,
    fmt::Debug,
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    sync::{mpsc, watch},
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{ClientRequestBuilder, Error, Message},
};

/// How long a test waits for what must come; only a failing test waits this long.
const PATIENCE: Duration = Duration::from_secs(20);

/// How a connection ended: the code and reason of the close frame, or 1006 where it broke without one.
pub type Closed = (u16, String);

async fn patiently<T>(what: impl Debug, waiting: impl Future<Output = T>) -> T {
    timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("{what:?} did not come in {PATIENCE:?}"))
}

/// A connection that says and reads only what it is told to. What is not read stays unread, pings included.
pub struct Raw(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Raw {
    /// Opens a socket at an `http://` or `ws://` URL, offering the subprotocol and saying nothing yet.
    pub async fn open(url: &str) -> Self {
        Self::open_with(url, &[]).await.unwrap_or_else(|error| panic!("no socket at {url}: {error}"))
    }

    /// As [`Raw::open`], with further headers such as `Cookie` and `Origin`. The error holds the server's refusal.
    pub async fn open_with(url: &str, headers: &[(&str, &str)]) -> Result<Self, Error> {
        let mut request = request(url).with_sub_protocol("graphql-transport-ws");
        for (name, value) in headers {
            request = request.with_header(*name, *value);
        }
        let (stream, _) = patiently("the upgrade", connect_async(request)).await?;
        Ok(Self(stream))
    }

    /// Opens a socket that offers no subprotocol.
    pub async fn open_without_subprotocol(url: &str) -> Self {
        let (stream, _) = patiently("the upgrade", connect_async(request(url))).await.expect("the upgrade");
        Self(stream)
    }

    /// Opens a socket and has it acknowledged.
    pub async fn acknowledged(url: &str, token: Option<&str>) -> Self {
        let raw = Self::try_acknowledged(url, token).await;
        raw.unwrap_or_else(|closed| panic!("no socket at {url}: closed with {closed:?}"))
    }

    /// As [`Raw::acknowledged`], where the server may be away: how the connection ended.
    pub async fn try_acknowledged(url: &str, token: Option<&str>) -> Result<Self, Closed> {
        let mut raw = Self::open_with(url, &[]).await.map_err(|error| (1006, error.to_string()))?;
        raw.send(init(token)).await;
        assert_eq!(raw.try_next().await?, json!({"type": "connection_ack"}));
        Ok(raw)
    }

    pub async fn send(&mut self, message: Value) {
        self.send_frame(Message::text(message.to_string())).await;
    }

    /// Sends any frame. That the server has closed meanwhile is for [`Raw::closed`] to find.
    pub async fn send_frame(&mut self, frame: Message) {
        let _ = patiently("room to write", self.0.send(frame)).await;
    }

    /// Sends any frame if there is room for it at once, else gives up; the frame may be sent later or never.
    pub async fn send_frame_now(&mut self, frame: Message) {
        let _ = timeout(Duration::from_millis(1), self.0.send(frame)).await;
    }

    /// The next frame that is none of WebSocket's own pings and pongs, or how the connection ended.
    pub async fn next_frame(&mut self) -> Result<Message, Closed> {
        loop {
            match heard(self.any_frame().await) {
                Ok(Some(frame)) => return Ok(frame),
                Ok(None) => {}
                Err(closed) => {
                    // The library has an answer to the close frame ready; it may come too late for the server.
                    let _ = patiently("room to write", self.0.flush()).await;
                    return Err(closed);
                }
            }
        }
    }

    /// The next frame of any kind, WebSocket's own included.
    pub async fn any_frame(&mut self) -> Option<Result<Message, Error>> {
        patiently("a frame", self.0.next()).await
    }

    /// The next message.
    pub async fn next(&mut self) -> Value {
        self.try_next().await.unwrap_or_else(|closed| panic!("closed with {closed:?} instead of a message"))
    }

    /// The next message, or how the connection ended.
    pub async fn try_next(&mut self) -> Result<Value, Closed> {
        self.next_frame().await.map(|frame| json(&frame))
    }

    /// How the server closes the connection. Messages that come before are skipped.
    pub async fn closed(&mut self) -> Closed {
        loop {
            if let Err(closed) = self.next_frame().await {
                return closed;
            }
        }
    }
}

/// A frame, nothing for WebSocket's own pings and pongs, or how the connection ended.
fn heard(frame: Option<Result<Message, Error>>) -> Result<Option<Message>, Closed> {
    match frame {
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
        Some(Ok(Message::Close(Some(frame)))) => Err((frame.code.into(), frame.reason.to_string())),
        Some(Ok(Message::Close(None))) => Err((1005, String::new())),
        Some(Ok(frame)) => Ok(Some(frame)),
        Some(Err(error)) => Err((1006, error.to_string())),
        None => Err((1006, "the connection ended".into())),
    }
}

fn json(frame: &Message) -> Value {
    serde_json::from_str(frame.to_text().expect("a text frame")).expect("a message is JSON")
}

fn request(url: &str) -> ClientRequestBuilder {
    let url = url.replacen("http", "ws", usize::from(url.starts_with("http")));
    ClientRequestBuilder::new(url.parse().expect("a URL"))
}

fn init(token: Option<&str>) -> Value {
    match token {
        Some(token) => json!({"type": "connection_init", "payload": {"authorization": format!("Bearer {token}")}}),
        None => json!({"type": "connection_init"}),
    }
}

/// An acknowledged connection that is read all the time. Cloning gives another handle to the same one; it closes when the
/// last handle and the last of its operations are dropped.
#[derive(Clone)]
pub struct Socket {
    outgoing: mpsc::UnboundedSender<Message>,
    routes: Routes,
    closed: watch::Receiver<Option<Closed>>,
    ids: Arc<AtomicU64>,
}

/// Where the messages of an operation go; those without an id go to the empty one.
type Routes = Arc<Mutex<HashMap<String, mpsc::UnboundedSender<Value>>>>;

impl Socket {
    /// Connects with a token, or without for those whom a cookie lets in. Panics with the close code when it is refused.
    pub async fn connect(url: &str, token: Option<&str>) -> Self {
        Self::from(Raw::acknowledged(url, token).await)
    }

    /// Begins an operation.
    pub fn subscribe(&self, query: &str, variables: Value) -> Operation {
        let id = self.ids.fetch_add(1, Ordering::Relaxed).to_string();
        let (route, messages) = mpsc::unbounded_channel();
        self.routes.lock().expect("no one panicked with it").insert(id.clone(), route);
        self.send(json!({"type": "subscribe", "id": id, "payload": {"query": query, "variables": variables}}));
        Operation { id, messages, socket: self.clone() }
    }

    pub fn send(&self, message: Value) {
        self.send_frame(Message::text(message.to_string()));
    }

    /// Sends any frame. That the server has closed meanwhile is for [`Socket::closed`] to find.
    pub fn send_frame(&self, frame: Message) {
        let _ = self.outgoing.send(frame);
    }

    /// Waits until the server has read all that was sent on this socket, and this has read all that it sent before.
    pub async fn ping(&self) {
        let (route, mut pongs) = mpsc::unbounded_channel();
        self.routes.lock().expect("no one panicked with it").insert(String::new(), route);
        self.send(json!({"type": "ping", "payload": {}}));
        let pong = patiently("a pong", pongs.recv()).await;
        assert_eq!(pong, Some(json!({"type": "pong", "payload": {}})), "the connection: {:?}", *self.closed.borrow());
    }

    /// How the server closes the connection.
    pub async fn closed(&self) -> Closed {
        let mut closed = self.closed.clone();
        let ended = patiently("the close", closed.wait_for(Option::is_some)).await;
        ended.expect("the reader tells how it ended").clone().expect("it ended")
    }
}

impl From<Raw> for Socket {
    fn from(Raw(mut stream): Raw) -> Self {
        let (outgoing, mut frames) = mpsc::unbounded_channel();
        let (end, closed) = watch::channel(None);
        let routes = Routes::default();
        let reader = routes.clone();
        tokio::spawn(async move {
            let closed = loop {
                let frame = tokio::select! {
                    frame = stream.next() => frame,
                    frame = frames.recv() => {
                        match frame {
                            // That the server has closed meanwhile is read next.
                            Some(frame) => drop(stream.send(frame).await),
                            None => return drop(stream.close(None).await),
                        }
                        continue;
                    }
                };
                match heard(frame) {
                    Ok(Some(frame)) => route(&reader, &frame),
                    Ok(None) => {}
                    Err(closed) => {
                        // The answer to the close frame, which may come too late for the server.
                        let _ = stream.flush().await;
                        break closed;
                    }
                }
            };
            end.send_replace(Some(closed));
            reader.lock().expect("no one panicked with it").clear();
        });
        Self { outgoing, routes, closed, ids: Arc::default() }
    }
}

fn route(routes: &Routes, frame: &Message) {
    let message = json(frame);
    let id = message["id"].as_str().unwrap_or_default();
    if let Some(route) = routes.lock().expect("no one panicked with it").get(id) {
        // A test that has dropped the operation does not care.
        let _ = route.send(message);
    }
}

/// An operation under way.
pub struct Operation {
    id: String,
    messages: mpsc::UnboundedReceiver<Value>,
    socket: Socket,
}

impl Operation {
    /// The next message about this operation, whole.
    pub async fn message(&mut self) -> Value {
        match patiently("a message", self.messages.recv()).await {
            Some(message) => message,
            None => panic!("closed with {:?} instead of a message", self.socket.closed().await),
        }
    }

    /// The next result: an object with `data`, `errors`, or both.
    pub async fn next(&mut self) -> Value {
        self.payload("next").await
    }

    /// The errors for which the operation did not run or cannot go on.
    pub async fn error(&mut self) -> Value {
        self.payload("error").await
    }

    /// Waits for the server to complete the operation.
    pub async fn completed(&mut self) {
        let message = self.message().await;
        assert_eq!(message["type"], "complete", "{message} came instead");
    }

    /// Ends the operation from the client's side. What the server sent before may still come.
    pub fn complete(&self) {
        self.socket.send(json!({"type": "complete", "id": self.id}));
    }

    async fn payload(&mut self, kind: &str) -> Value {
        let mut message = self.message().await;
        assert_eq!(message["type"], kind, "{message} came instead");
        message["payload"].take()
    }
}
