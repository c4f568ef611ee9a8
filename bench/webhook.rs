//! A messenger's side of a webhook connection, as little as HTTP/1.1 takes: what it costs is no part of the measure.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection that is kept, as Telegram keeps its.
pub struct Webhook {
    stream: TcpStream,
    head: String,
    answer: Vec<u8>,
}

impl Webhook {
    /// Connects to the server at `url` (`http://127.0.0.1:port`), to post to `path` with the channel's `secret`.
    pub async fn connect(url: &str, path: &str, secret: &str) -> Self {
        let host = url.trim_start_matches("http://");
        let stream = TcpStream::connect(host).await.expect("the server listens");
        stream.set_nodelay(true).expect("a connection of ours");
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n\
             x-telegram-bot-api-secret-token: {secret}\r\ncontent-length: "
        );
        Self { stream, head, answer: Vec::new() }
    }

    /// Posts an update and waits until it was taken.
    ///
    /// # Panics
    /// When it is not.
    pub async fn post(&mut self, update: &str) {
        let request = format!("{}{}\r\n\r\n{update}", self.head, update.len());
        self.stream.write_all(request.as_bytes()).await.expect("the server reads");
        self.answer.clear();
        while !self.answer.ends_with(b"\r\n\r\n") {
            let read = self.stream.read_buf(&mut self.answer).await.expect("the server answers");
            assert!(read > 0, "the server closed the connection");
        }
        let answer = String::from_utf8_lossy(&self.answer);
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("content-length: 0\r\n"), "refused: {answer}");
    }
}
