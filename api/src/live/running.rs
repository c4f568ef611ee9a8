//! The operations under way on one socket, polled in turn.

use std::{sync::Arc, task::Poll};

use axum::extract::ws::Utf8Bytes;
use futures_util::{
    stream::{BoxStream, StreamExt},
    task::AtomicWaker,
};

use super::{Answer, Counted, bell::Bell, message::Labelled};

/// A short list rather than `SelectAll`: an operation that the client completes is dropped at once, also while the socket
/// cannot be written to and nothing is polled.
pub(super) struct Running {
    operations: Vec<Operation>,
    /// Where the next round begins, so that a busy operation does not starve the others.
    next: usize,
    socket: Arc<AtomicWaker>,
}

struct Operation {
    id: String,
    label: Labelled,
    answers: BoxStream<'static, Answer>,
    bell: Bell,
    _counted: Counted,
}

impl Running {
    /// None yet; they wake the socket.
    pub fn new(socket: &Arc<AtomicWaker>) -> Self {
        Self { operations: Vec::new(), next: 0, socket: Arc::clone(socket) }
    }

    pub fn len(&self) -> usize {
        self.operations.len()
    }

    pub fn contains(&self, id: &str) -> bool {
        self.operations.iter().any(|operation| operation.id == id)
    }

    pub fn start(&mut self, id: String, answers: BoxStream<'static, Answer>, counted: Counted) {
        let bell = Bell::new(&self.socket);
        bell.ring();
        self.operations.push(Operation { label: Labelled::new(&id), id, answers, bell, _counted: counted });
    }

    /// Ends an operation if it is under way; the client need not know that it has ended already.
    pub fn cancel(&mut self, id: &str) {
        self.operations.retain(|operation| operation.id != id);
    }

    /// The next message that an operation has for the client.
    pub fn poll_message(&mut self) -> Poll<Utf8Bytes> {
        let count = self.operations.len();
        for turn in 0..count {
            let at = (self.next + turn) % count;
            let operation = &mut self.operations[at];
            let answers = &mut operation.answers;
            let Poll::Ready(answer) = operation.bell.answer(|cx| answers.poll_next_unpin(cx)) else { continue };
            let message = match answer.as_ref().map(Answer::json) {
                Some(Ok(result)) => {
                    self.next = at + 1;
                    return Poll::Ready(operation.label.next(result));
                }
                Some(Err(errors)) => operation.label.error(errors),
                None => operation.label.complete(),
            };
            self.operations.remove(at);
            self.next = at;
            return Poll::Ready(message);
        }
        Poll::Pending
    }
}
