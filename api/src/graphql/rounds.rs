//! Rounds: a request and what its loaders read run in one task, in turns.
//!
//! First the request goes as far as it can, and everything that it asks of loaders on the way is collected; then that is
//! read, and what one statement has read is handed over whole before the request goes on. So all items of a list ask for
//! a field together: a page of fifty costs no more statements than one of two, whatever the timing. And no request waits
//! for a timer, as it would with the library's own way of collecting (1 ms for each level).

use std::mem::take;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use async_graphql::runtime::Timer;
use futures_util::future::{BoxFuture, poll_fn, ready};
use futures_util::stream::{FuturesUnordered, poll_fn as poll_stream};
use futures_util::task::{FutureObj, Spawn, SpawnError};
use futures_util::{FutureExt, Stream, StreamExt};

type Reading = FutureObj<'static, ()>;

/// The rounds of one request; its loaders are given a clone to be spawned by.
#[derive(Clone, Default)]
pub struct Rounds {
    collected: Arc<Mutex<Vec<Reading>>>,
}

impl Rounds {
    /// Runs a request to its end.
    pub async fn run<T>(&self, request: impl Future<Output = T>) -> T {
        let mut request = pin!(request);
        let mut reading = FuturesUnordered::new();
        poll_fn(|cx| self.turn(&mut reading, cx, |cx| request.as_mut().poll(cx))).await
    }

    /// The same for a request that goes on.
    pub fn follow<T>(self, mut answers: impl Stream<Item = T> + Unpin) -> impl Stream<Item = T> {
        let mut reading = FuturesUnordered::new();
        poll_stream(move |cx| self.turn(&mut reading, cx, |cx| answers.poll_next_unpin(cx)))
    }

    fn turn<T>(
        &self,
        reading: &mut FuturesUnordered<Reading>,
        cx: &mut Context<'_>,
        mut go_on: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        read(reading, cx);
        loop {
            // Also while something is being read: the request may hold a connection for which that waits.
            if let Poll::Ready(done) = go_on(cx) {
                return Poll::Ready(done);
            }
            reading.extend(take(&mut *self.collected.lock().unwrap_or_else(PoisonError::into_inner)));
            if !read(reading, cx) {
                return Poll::Pending;
            }
        }
    }
}

/// Goes on reading, and hands over what was read; whether anything was.
fn read(reading: &mut FuturesUnordered<Reading>, cx: &mut Context<'_>) -> bool {
    let mut any = false;
    while let Poll::Ready(Some(())) = Pin::new(&mut *reading).poll_next(cx) {
        any = true;
    }
    any
}

impl Spawn for Rounds {
    fn spawn_obj(&self, future: Reading) -> Result<(), SpawnError> {
        self.collected.lock().unwrap_or_else(PoisonError::into_inner).push(future);
        Ok(())
    }
}

/// A loader's batch is begun when its round is: there is nothing to wait for.
pub struct AtOnce;

impl Timer for AtOnce {
    fn delay(&self, _: Duration) -> BoxFuture<'static, ()> {
        ready(()).boxed()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;
    use tokio::task::yield_now;

    use super::*;

    /// Stands for a loader: what is asked of it meanwhile goes with the next round.
    async fn ask(rounds: &Rounds, log: &Arc<Mutex<Vec<usize>>>, asked: &Arc<AtomicUsize>) {
        let (answer, answered) = futures_util::future::abortable(std::future::pending::<()>());
        asked.fetch_add(1, Ordering::Relaxed);
        let (log, asked) = (Arc::clone(log), Arc::clone(asked));
        let read = async move {
            yield_now().await;
            log.lock().expect("whole").push(asked.load(Ordering::Relaxed));
            answered.abort();
        };
        rounds.spawn_obj(Box::new(read).into()).expect("taken");
        let _ = answer.await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn nothing_is_read_before_everything_is_asked() {
        let (rounds, log, asked) = (Rounds::default(), Arc::default(), Arc::default());
        let one = async || {
            ask(&rounds, &log, &asked).await;
            ask(&rounds, &log, &asked).await;
        };
        rounds.run(join_all((0..50).map(|_| one()))).await;
        let log = log.lock().expect("whole");
        let rounds: Vec<_> = log.chunk_by(|one, other| one == other).map(|same| (same[0], same.len())).collect();
        assert_eq!(rounds, [(50, 50), (100, 50)]);
    }

    #[tokio::test]
    async fn a_stream_goes_on_in_rounds() {
        let (rounds, log, asked) = (Rounds::default(), Arc::default(), Arc::default());
        let answers = futures_util::stream::iter(0..3)
            .then(|number| {
                let (rounds, log, asked) = (rounds.clone(), Arc::clone(&log), Arc::clone(&asked));
                async move {
                    ask(&rounds, &log, &asked).await;
                    number
                }
            })
            .boxed();
        assert_eq!(rounds.clone().follow(answers).collect::<Vec<_>>().await, [0, 1, 2]);
        assert_eq!(*log.lock().expect("whole"), [1, 2, 3]);
    }
}
