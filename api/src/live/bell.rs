//! What a socket waits for, each with a bell of its own: what did not ring is not asked.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_util::task::AtomicWaker;

/// Wakes the socket and remembers for what. It has rung when it is new.
pub(super) struct Bell {
    rope: Arc<Rope>,
    waker: Waker,
}

struct Rope {
    rung: AtomicBool,
    socket: Arc<AtomicWaker>,
}

impl Wake for Rope {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        self.socket.wake();
    }
}

impl Bell {
    pub fn new(socket: &Arc<AtomicWaker>) -> Self {
        let rope = Arc::new(Rope { rung: AtomicBool::new(true), socket: Arc::clone(socket) });
        Self { waker: Waker::from(Arc::clone(&rope)), rope }
    }

    pub fn ring(&self) {
        self.waker.wake_by_ref();
    }

    pub fn has_rung(&self) -> bool {
        self.rope.rung.load(Ordering::Acquire)
    }

    /// Polls what the bell is for, if it has rung. It goes on ringing for what was ready: there may be more.
    pub fn answer<T>(&self, poll: impl FnOnce(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
        if !self.rope.rung.swap(false, Ordering::AcqRel) {
            return Poll::Pending;
        }
        let answer = poll(&mut Context::from_waker(&self.waker));
        if answer.is_ready() {
            self.rope.rung.store(true, Ordering::Release);
        }
        answer
    }
}
