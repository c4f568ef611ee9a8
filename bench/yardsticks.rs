//! The yardsticks of live delivery, each a server of its own: a bare axum broadcast of the same bytes, and async-graphql's
//! own WebSocket layer with a schema that reads nothing from anywhere.

use std::sync::Arc;

use async_graphql::http::{WebSocket as GraphqlSocket, WebSocketProtocols, WsMessage};
use async_graphql::{EmptyMutation, Object, Schema, SimpleObject, Subscription};
use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::routing::{get, post};
use futures_util::{SinkExt as _, Stream, StreamExt as _, future, stream};
use tokio::net::TcpListener;
use tokio::sync::broadcast;

use crate::archive::rest;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Said = broadcast::Sender<Utf8Bytes>;

/// Serves until it is killed, if the arguments ask for it: how the bench starts itself as another process.
pub async fn serve_if_asked() -> bool {
    let said: Said = broadcast::channel(4096).0;
    let broadcast = |router: Router<Said>| router.route("/say", post(say)).with_state(said);
    let router = match std::env::args().nth(1).as_deref() {
        Some("--bare") => broadcast(Router::new().route("/graphql", get(bare))),
        Some("--stock") => broadcast(Router::new().route("/graphql", get(stock))),
        Some("--rest") => rest::router().await,
        _ => return false,
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    println!("colloquy listens on http://{}", listener.local_addr().expect("bound"));
    axum::serve(listener, router).await.expect("served");
    true
}

async fn say(State(said): State<Said>, body: String) {
    let _ = said.send(body.into());
}

async fn bare(State(said): State<Said>, upgrade: WebSocketUpgrade) -> axum::response::Response {
    upgrade.protocols(["graphql-transport-ws"]).on_upgrade(async move |mut socket: WebSocket| {
        let mut said = said.subscribe();
        // What a client of graphql-transport-ws says first, answered as it expects; then nothing but what is said.
        socket.recv().await;
        let _ = socket.send(Message::Text(r#"{"type":"connection_ack"}"#.into())).await;
        while let Ok(text) = said.recv().await {
            if socket.send(Message::Text(text)).await.is_err() {
                return;
            }
        }
    })
}

struct Query;

#[Object]
impl Query {
    async fn alive(&self) -> bool {
        true
    }
}

#[derive(SimpleObject)]
struct Event {
    cursor: String,
    kind: &'static str,
    dialogue: Named,
    message: Written,
}

#[derive(SimpleObject)]
struct Named {
    id: String,
    name: &'static str,
}

#[derive(SimpleObject)]
struct Written {
    id: String,
    text: String,
    author: Named,
}

struct Follow(Said);

#[Subscription]
impl Follow {
    async fn events(&self) -> impl Stream<Item = Event> {
        stream::unfold(self.0.subscribe(), |mut said| async {
            let text = said.recv().await.ok()?.to_string();
            let named =
                || Named { id: "dlg_01a202bcd61577aaaf502a73e007123e".into(), name: "Анна Примерова" };
            let message = Written { id: "msg_01a202bce289702cae46b56946f79d80".into(), text, author: named() };
            let event = Event { cursor: "AAAAAAAAADEvpaOD".into(), kind: "MESSAGE_ADDED", dialogue: named(), message };
            Some((event, said))
        })
    }
}

async fn stock(State(said): State<Said>, upgrade: WebSocketUpgrade) -> axum::response::Response {
    let schema = Schema::new(Query, EmptyMutation, Follow(said));
    upgrade.protocols(["graphql-transport-ws"]).on_upgrade(async move |socket: WebSocket| {
        let (sink, stream) = socket.split();
        let heard = stream
            .take_while(|message| future::ready(message.is_ok()))
            .filter_map(|message| future::ready(message.ok().map(Message::into_data)));
        let answers = GraphqlSocket::new(Arc::new(schema).as_ref().clone(), heard, WebSocketProtocols::GraphQLWS);
        let words = answers.map(|word| match word {
            WsMessage::Text(text) => Ok(Message::Text(text.into())),
            WsMessage::Close(..) => Ok(Message::Close(None)),
        });
        let _ = words.forward(sink.sink_map_err(|error| error)).await;
    })
}
