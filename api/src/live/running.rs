//! The operations under way on one socket, polled in turn.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use axum::extract::ws::Utf8Bytes;
use futures_util::{
    stream::{BoxStream, StreamExt},
    task::AtomicWaker,
};

use super::{Answer, Counted, message::Labelled};

/// A short list rather than `SelectAll`: an operation that the client completes is dropped at once, also while the socket
/// cannot be written to and nothing is polled.
#[derive(Default)]
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
    bell: Arc<Bell>,
    _counted: Counted,
}

/// Wakes the socket and remembers for which operation.
struct Bell {
    rung: AtomicBool,
    socket: Arc<AtomicWaker>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        self.socket.wake();
    }
}

impl Running {
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    pub fn contains(&self, id: &str) -> bool {
        self.operations.iter().any(|operation| operation.id == id)
    }

    pub fn start(&mut self, id: String, answers: BoxStream<'static, Answer>, counted: Counted) {
        let bell = Arc::new(Bell { rung: AtomicBool::new(true), socket: self.socket.clone() });
        self.operations.push(Operation { label: Labelled::new(&id), id, answers, bell, _counted: counted });
        self.socket.wake();
    }

    /// Ends an operation if it is under way; the client need not know that it has ended already.
    pub fn cancel(&mut self, id: &str) {
        self.operations.retain(|operation| operation.id != id);
    }

    /// The next message that an operation has for the client.
    pub fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Utf8Bytes> {
        self.socket.register(cx.waker());
        let count = self.operations.len();
        for turn in 0..count {
            let at = (self.next + turn) % count;
            let operation = &mut self.operations[at];
            if !operation.bell.rung.swap(false, Ordering::AcqRel) {
                continue;
            }
            let waker = Waker::from(operation.bell.clone());
            let Poll::Ready(answer) = operation.answers.poll_next_unpin(&mut Context::from_waker(&waker)) else {
                continue;
            };
            let message = match answer.as_ref().map(Answer::json) {
                Some(Ok(result)) => {
                    operation.bell.rung.store(true, Ordering::Release);
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
