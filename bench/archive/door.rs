//! The client's side of a connection that is kept, as little as HTTP/1.1 takes: what it costs is no part of the measure.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection to a server.
pub struct Door {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Door {
    /// Connects to the server at `url` (`http://127.0.0.1:port`).
    pub async fn connect(url: &str) -> Self {
        let stream = TcpStream::connect(url.trim_start_matches("http://")).await.expect("the server listens");
        stream.set_nodelay(true).expect("a connection of ours");
        Self { stream, answer: Vec::new() }
    }

    /// Sends a whole request, and reads the body of its answer.
    ///
    /// # Panics
    /// When it is not answered with 200, or by GraphQL with errors.
    pub async fn ask(&mut self, request: &[u8]) -> &[u8] {
        self.stream.write_all(request).await.expect("the server reads");
        self.answer.clear();
        let (mut start, mut end) = (0, usize::MAX);
        while self.answer.len() < end {
            let read = self.stream.read_buf(&mut self.answer).await.expect("the server answers");
            assert!(read > 0, "the server closed the connection");
            if start == 0
                && let Some(at) = self.answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")
            {
                start = at + 4;
                end = start + length(&self.answer[..start]);
            }
        }
        let body = &self.answer[start..];
        // Errors come first.
        let is_good = self.answer.starts_with(b"HTTP/1.1 200 ") && !body.starts_with(b"{\"errors\"");
        assert!(is_good, "refused: {}", String::from_utf8_lossy(&self.answer));
        body
    }
}

/// Of the body that such a head announces.
fn length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    length.unwrap_or_else(|| panic!("an answer without a length: {head}"))
}

/// A question to GraphQL, as it goes over the connection.
pub fn graphql(token: &str, query: &str, variables: &Value) -> Vec<u8> {
    let body = json!({ "query": query, "variables": variables }).to_string();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head, body].concat().into_bytes()
}

/// A question to a route.
pub fn get(token: &str, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n").into_bytes()
}
