//! A client of graphql-transport-ws that follows, as little as it takes: what it costs is no part of the measure.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const TEXT: u8 = 1;
const PING: u8 = 9;
const PONG: u8 = 10;

/// The message that begins a subscription.
pub fn subscribe(query: &str, variables: &Value) -> String {
    json!({ "id": "1", "type": "subscribe", "payload": { "query": query, "variables": variables } }).to_string()
}

/// A connection that follows.
pub struct Listener {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Listener {
    /// Connects to the server at `url` (`http://127.0.0.1:port`) and sends a subscription, once it is let in.
    ///
    /// # Panics
    /// When it is not.
    pub async fn connect(url: &str, token: &str, subscribe: &str) -> Self {
        let host = url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).await.expect("the server listens");
        stream.set_nodelay(true).expect("a connection of ours");
        let upgrade = format!(
            "GET /graphql HTTP/1.1\r\nhost: {host}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             sec-websocket-protocol: graphql-transport-ws\r\n\r\n"
        );
        stream.write_all(upgrade.as_bytes()).await.expect("the server reads");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("the server answers"));
        }
        assert!(head.starts_with(b"HTTP/1.1 101 "), "refused: {}", String::from_utf8_lossy(&head));
        let mut this = Self { stream, read: Vec::new() };
        let init = format!(r#"{{"type":"connection_init","payload":{{"authorization":"Bearer {token}"}}}}"#);
        this.send(TEXT, init.as_bytes()).await;
        let ack = this.next().await;
        assert!(ack.windows(14).any(|part| part == b"connection_ack"), "{}", String::from_utf8_lossy(&ack));
        this.send(TEXT, subscribe.as_bytes()).await;
        this
    }

    /// The next text that comes; pings are answered on the way.
    pub async fn next(&mut self) -> Vec<u8> {
        loop {
            if let Some((kind, payload)) = self.frame() {
                match kind {
                    TEXT => return payload,
                    PING => self.send(PONG, &payload).await,
                    _ => panic!("the server closed: {}", String::from_utf8_lossy(&payload)),
                }
                continue;
            }
            self.read.reserve(4096);
            let count = self.stream.read_buf(&mut self.read).await.expect("the server answers");
            assert!(count > 0, "the server hung up");
        }
    }

    /// A whole frame of those that were read. A server's are not masked, and ours are never in parts.
    fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let (kind, length) = (*self.read.first()? & 0x0f, *self.read.get(1)?);
        let (start, length) = match length {
            126 => (4, u16::from_be_bytes(self.read.get(2..4)?.try_into().ok()?).into()),
            127 => panic!("a frame of more than 64 KiB"),
            length => (2, usize::from(length)),
        };
        let payload = self.read.get(start..start + length)?.to_vec();
        self.read.drain(..start + length);
        if self.read.is_empty() {
            // Ten thousand that wait are to be small here, too.
            self.read = Vec::new();
        }
        Some((kind, payload))
    }

    async fn send(&mut self, kind: u8, payload: &[u8]) {
        let mut frame = vec![0x80 | kind];
        match u16::try_from(payload.len()).expect("short") {
            length @ 0..126 => frame.push(0x80 | length as u8),
            length => {
                frame.push(0x80 | 126);
                frame.extend(length.to_be_bytes());
            }
        }
        // Masked with zeros: the payload as it is.
        frame.extend([0; 4]);
        frame.extend(payload);
        self.stream.write_all(&frame).await.expect("the server reads");
    }
}
