//! The WebSocket under a [`Socket`](super::socket): what is read from it, and what waits to be written.

use std::{
    collections::VecDeque,
    future::pending,
    pin::Pin,
    task::{Context, Poll},
};

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use bytes::Bytes;
use futures_util::{
    sink::{Sink, SinkExt},
    stream::{FusedStream, StreamExt},
};
use tokio::time::Instant;

use super::{Bounds, Closing};

pub(super) const SUBPROTOCOL: &str = "graphql-transport-ws";

/// Bytes that an idle connection keeps for reading. A larger message grows the buffer while it is read.
const READ_BUFFER: usize = 1024;

/// Bytes of small messages that go out in one write.
const WRITE_BUFFER: usize = 2 * 1024;

/// Bytes that are read from a client that does not take what was written to it. Replies to these wait in memory, so this
/// is what bounds them.
const CREDIT: usize = 64 * 1024;

/// What a frame costs of the credit beside its length: about the largest reply to a small one.
const FRAME: usize = 512;

/// Bytes that are written at a stretch, before the socket reads and other sockets have their turn.
const STRETCH: usize = 64 * 1024;

/// Why a socket ends.
pub(super) enum End {
    /// The client closes it, or is no longer there.
    Gone,
    Close(Closing),
}

/// Holds, beside one message of an operation, no more than `WRITE_BUFFER` of such and `CREDIT` of replies.
pub(super) struct Wire {
    socket: WebSocket,
    /// Replies that wait to be written.
    replies: VecDeque<Message>,
    /// Whether the socket was given something that is not flushed.
    unflushed: bool,
    stalled: Option<Stalled>,
}

/// The client takes nothing.
struct Stalled {
    since: Instant,
    /// How much is still read from it.
    credit: usize,
}

type PollSink = fn(Pin<&mut WebSocket>, &mut Context<'_>) -> Poll<Result<(), axum::Error>>;

impl Wire {
    /// Asks for the subprotocol, small buffers, and no message larger than is allowed.
    pub fn configure(upgrade: WebSocketUpgrade, bounds: &Bounds) -> WebSocketUpgrade {
        upgrade
            .protocols([SUBPROTOCOL])
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(WRITE_BUFFER)
            .max_message_size(bounds.message)
            .max_frame_size(bounds.message)
    }

    pub fn new(socket: WebSocket) -> Self {
        Self { socket, replies: VecDeque::new(), unflushed: false, stalled: None }
    }

    pub fn speaks_subprotocol(&self) -> bool {
        self.socket.protocol().is_some_and(|protocol| protocol == SUBPROTOCOL)
    }

    /// Since when the client takes nothing of what was written to it.
    pub fn stalled_since(&self) -> Option<Instant> {
        self.stalled.as_ref().map(|stalled| stalled.since)
    }

    pub fn reply(&mut self, message: Utf8Bytes) {
        self.replies.push_back(Message::Text(message));
    }

    pub fn ping(&mut self) {
        self.replies.push_back(Message::Ping(Bytes::new()));
    }

    /// Whether replies to what the client says have room.
    pub fn may_read(&self) -> bool {
        self.stalled.as_ref().is_none_or(|stalled| stalled.credit > 0)
    }

    pub fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, End>> {
        let message = match self.socket.poll_next_unpin(cx) {
            Poll::Ready(Some(Ok(message))) => message,
            // Too large, not UTF-8, or not WebSocket. Where the connection broke, closing it ends at once.
            Poll::Ready(Some(Err(error))) => {
                return Poll::Ready(Err(End::Close(Closing::bad_message(error.to_string()))));
            }
            Poll::Ready(None) => return Poll::Ready(Err(End::Gone)),
            Poll::Pending => return Poll::Pending,
        };
        if let Some(stalled) = &mut self.stalled {
            stalled.credit = stalled.credit.saturating_sub(size(&message) + FRAME);
        }
        // The library answers a ping by itself, which is one more thing that the client may not take.
        self.unflushed |= matches!(message, Message::Ping(_));
        Poll::Ready(Ok(message))
    }

    /// Writes replies and then what `more` has, until neither has anything or the client takes no more.
    pub fn poll_write(&mut self, cx: &mut Context<'_>, mut more: impl FnMut() -> Poll<Utf8Bytes>) -> Result<(), End> {
        if self.stalled.is_some() && !self.poll_flush(cx)? {
            return Ok(());
        }
        let mut wrote = 0;
        while self.poll_sink(cx, Sink::poll_ready)? {
            let message = match self.replies.pop_front() {
                Some(reply) => reply,
                None => match more() {
                    Poll::Ready(message) => Message::Text(message),
                    Poll::Pending => break,
                },
            };
            wrote += size(&message);
            self.socket.start_send_unpin(message).map_err(|_| End::Gone)?;
            self.unflushed = true;
            if wrote > STRETCH {
                cx.waker().wake_by_ref();
                break;
            }
        }
        self.poll_flush(cx).map(|_| ())
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        if self.unflushed && self.poll_sink(cx, Sink::poll_flush)? {
            self.unflushed = false;
        }
        Ok(!self.unflushed)
    }

    fn poll_sink(&mut self, cx: &mut Context<'_>, poll: PollSink) -> Result<bool, End> {
        match poll(Pin::new(&mut self.socket), cx) {
            Poll::Ready(Ok(())) => {
                self.stalled = None;
                Ok(true)
            }
            Poll::Ready(Err(_)) => Err(End::Gone),
            Poll::Pending => {
                self.stalled.get_or_insert_with(|| Stalled { since: Instant::now(), credit: CREDIT });
                Ok(false)
            }
        }
    }

    /// Shakes hands; a client that does not is for the caller to give up.
    pub async fn close(mut self, end: End) {
        if let End::Close(closing) = end {
            tracing::debug!(code = closing.code, reason = %closing.reason, "closing a socket");
            let broken = self.socket.is_terminated();
            let frame = CloseFrame { code: closing.code, reason: shortened(&closing.reason).into() };
            if self.socket.send(Message::Close(Some(frame))).await.is_err() {
                return;
            }
            if broken {
                // Nothing more can be read, and to drop a connection with unread bytes resets it, perhaps before the client
                // has seen why.
                return pending().await;
            }
        }
        while let Some(Ok(_)) = self.socket.next().await {}
    }
}

fn size(message: &Message) -> usize {
    match message {
        Message::Text(text) => text.len(),
        Message::Binary(bytes) | Message::Ping(bytes) | Message::Pong(bytes) => bytes.len(),
        Message::Close(_) => 0,
    }
}

/// What of a reason a close frame holds: 123 bytes (RFC 6455, section 5.5).
fn shortened(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(123)]
}
