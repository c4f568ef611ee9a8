//! One WebSocket, from its upgrade to its close: the protocol's states and its clock.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use async_graphql::Request;
use axum::extract::ws::{Message, WebSocket};
use futures_util::{FutureExt, future::BoxFuture, task::AtomicWaker};
use serde_json::json;
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::{
    Closing, Counted, Live, Operations,
    bell::Bell,
    message::{self, Incoming, Labelled},
    running::Running,
    wire::{End, Wire},
};

pub(super) async fn serve<O: Operations>(live: Arc<Live>, operations: Arc<O>, socket: WebSocket) {
    let _counted = Counted::socket(&live);
    let mut socket = Socket::new(live.clone(), operations, Wire::new(socket));
    let end = socket.run().await;
    // A client that does not shake hands is dropped. Apart: what this takes is not held while the socket is open.
    let _ = timeout(live.timing.close, Box::pin(socket.into_wire().close(end))).await;
}

enum Phase<S> {
    /// No `connection_init` has come; it must, until then.
    Silent {
        until: Instant,
    },
    Connecting(BoxFuture<'static, Result<S, Closing>>),
    Open {
        session: Arc<S>,
        ended: BoxFuture<'static, Closing>,
    },
}

/// What there is to do next.
enum Turn<S> {
    Heard(Message),
    Connected(Result<S, Closing>),
    Due,
}

struct Socket<O: Operations> {
    live: Arc<Live>,
    operations: Arc<O>,
    wire: Wire,
    phase: Phase<O::Session>,
    running: Running,
    /// Whether the next turn writes before it reads, so that neither starves the other.
    write_first: bool,
    /// When a ping is due, or the answer to one.
    beat: Instant,
    pinged: bool,
    clock: Pin<Box<Sleep>>,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Rung by the operations and by the bells below.
    waker: Arc<AtomicWaker>,
    phase_bell: Bell,
    read_bell: Bell,
    clock_bell: Bell,
    stop_bell: Bell,
}

impl<O: Operations> Socket<O> {
    fn new(live: Arc<Live>, operations: Arc<O>, wire: Wire) -> Self {
        let now = Instant::now();
        let until = now + live.timing.init;
        let waker = Arc::default();
        Self {
            wire,
            phase: Phase::Silent { until },
            running: Running::new(&waker),
            write_first: false,
            beat: now + live.timing.ping,
            pinged: false,
            clock: Box::pin(sleep_until(until)),
            phase_bell: Bell::new(&waker),
            read_bell: Bell::new(&waker),
            clock_bell: Bell::new(&waker),
            stop: Box::pin(live.stop.clone().cancelled_owned()),
            stop_bell: Bell::new(&waker),
            waker,
            live,
            operations,
        }
    }

    /// Ends what runs, and leaves what can still be closed.
    fn into_wire(self) -> Wire {
        self.wire
    }

    async fn run(&mut self) -> End {
        if !self.wire.speaks_subprotocol() {
            return End::Close(Closing::new(4406, "Subprotocol not acceptable"));
        }
        loop {
            let done = match poll_fn(|cx| self.poll_turn(cx)).await {
                Ok(Turn::Heard(message)) => self.heard(message),
                Ok(Turn::Connected(session)) => self.connected(session),
                Ok(Turn::Due) => self.due(Instant::now()),
                Err(end) => Err(end),
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Result<Turn<O::Session>, End>> {
        self.waker.register(cx.waker());
        if self.stop_bell.answer(|cx| self.stop.poll_unpin(cx)).is_ready() {
            return Poll::Ready(Err(End::Close(Closing::going_away())));
        }
        let phase = &mut self.phase;
        let passed = self.phase_bell.answer(|cx| match phase {
            Phase::Silent { .. } => Poll::Pending,
            Phase::Connecting(connecting) => connecting.poll_unpin(cx).map(|session| Ok(Turn::Connected(session))),
            Phase::Open { ended, .. } => ended.poll_unpin(cx).map(|closing| Err(End::Close(closing))),
        });
        if passed.is_ready() {
            return passed;
        }
        if self.write_first {
            self.poll_write(cx)?;
        }
        if self.wire.may_read()
            && let Poll::Ready(message) = self.read_bell.answer(|cx| self.wire.poll_read(cx))
        {
            self.write_first = true;
            return Poll::Ready(message.map(Turn::Heard));
        }
        if !self.write_first {
            self.poll_write(cx)?;
            if self.wire.may_read() && self.read_bell.has_rung() {
                // There was no credit for it before.
                self.read_bell.ring();
            }
        }
        self.write_first = false;
        self.poll_due().map(|()| Ok(Turn::Due))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        let running = &mut self.running;
        self.wire.poll_write(cx, || running.poll_message())
    }

    fn due_at(&self) -> Instant {
        let silent = match &self.phase {
            Phase::Silent { until } => Some(*until),
            _ => None,
        };
        let unread = self.wire.stalled_since().map(|since| since + self.live.timing.unread);
        [silent, unread].into_iter().flatten().fold(self.beat, Instant::min)
    }

    /// The clock is moved on only when it rings: a deadline that moves with every frame would otherwise set it as often.
    fn poll_due(&mut self) -> Poll<()> {
        let due = self.due_at();
        if due < self.clock.deadline() {
            self.clock.as_mut().reset(due);
        }
        while self.clock_bell.answer(|cx| self.clock.poll_unpin(cx)).is_ready() {
            if Instant::now() >= due {
                return Poll::Ready(());
            }
            self.clock.as_mut().reset(due);
        }
        Poll::Pending
    }

    fn due(&mut self, now: Instant) -> Result<(), End> {
        let timing = &self.live.timing;
        let close = |code, reason: &'static str| Err(End::Close(Closing::new(code, reason)));
        if matches!(self.phase, Phase::Silent { until } if until <= now) {
            return close(4408, "Connection initialisation timeout");
        }
        let stalled = self.wire.stalled_since();
        if stalled.is_some_and(|since| since + timing.unread <= now) {
            return close(Closing::UNREAD, "Too slow to read: connect again and resume by your cursor");
        }
        if now < self.beat {
            return Ok(());
        }
        if stalled.is_some() {
            // A ping would wait behind what is unread.
            self.beat = now + timing.ping;
        } else if self.pinged {
            return close(Closing::UNREAD, "No answer to a ping: connect again and resume by your cursor");
        } else {
            self.wire.ping();
            self.pinged = true;
            self.beat = now + timing.pong;
        }
        Ok(())
    }

    fn heard(&mut self, message: Message) -> Result<(), End> {
        self.pinged = false;
        self.beat = Instant::now() + self.live.timing.ping;
        match message {
            Message::Text(text) => {
                let incoming = message::read(&text).map_err(|reason| End::Close(Closing::bad_message(reason)))?;
                self.take(incoming).map_err(End::Close)
            }
            Message::Binary(_) => Err(End::Close(Closing::bad_message("The message is binary"))),
            Message::Ping(_) | Message::Pong(_) => Ok(()),
            Message::Close(_) => Err(End::Gone),
        }
    }

    fn take(&mut self, incoming: Incoming) -> Result<(), Closing> {
        match incoming {
            Incoming::Init(payload) => {
                if !matches!(self.phase, Phase::Silent { .. }) {
                    return Err(Closing::new(4429, "Too many initialisation requests"));
                }
                let operations = self.operations.clone();
                self.phase = Phase::Connecting(async move { operations.connect(payload).await }.boxed());
                self.phase_bell.ring();
            }
            Incoming::Subscribe { id, request } => self.subscribe(id, *request)?,
            Incoming::Complete { id } => self.running.cancel(&id),
            Incoming::Ping(payload) => self.wire.reply(message::pong(payload)),
            Incoming::Pong => {}
        }
        Ok(())
    }

    fn connected(&mut self, session: Result<O::Session, Closing>) -> Result<(), End> {
        let session = Arc::new(session.map_err(End::Close)?);
        self.wire.reply(message::connection_ack());
        let (operations, connected) = (self.operations.clone(), session.clone());
        let ended = async move { operations.ended(&connected).await }.boxed();
        self.phase = Phase::Open { session, ended };
        self.phase_bell.ring();
        Ok(())
    }

    fn subscribe(&mut self, id: String, request: Request) -> Result<(), Closing> {
        let Phase::Open { session, .. } = &self.phase else { return Err(Closing::new(4401, "Unauthorized")) };
        if self.running.contains(&id) {
            return Err(Closing::new(4409, format!("Subscriber for {id} already exists")));
        }
        let bound = self.live.bounds.operations;
        if self.running.len() >= bound {
            let message = format!("{bound} operations are under way on this socket; complete one first.");
            let errors = json!([{ "message": message, "extensions": { "code": "RATE_LIMITED" } }]);
            self.wire.reply(Labelled::new(&id).error(&errors.to_string()));
            return Ok(());
        }
        let answers = self.operations.execute(session, request);
        self.running.start(id, answers, Counted::operation(&self.live));
        Ok(())
    }
}
