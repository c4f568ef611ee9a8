//! Gates: what many followers are told alike is prepared once, and then they are woken.
//!
//! Woken before, each would find that somebody prepares it just now, wait for that, and be woken once more.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::Event;
use super::routes::Queue;

/// Prepared at most before anybody is woken: where more arrived at once, the rest is prepared as it is taken.
const AT_ONCE: usize = 16;

/// What prepares an event for those who wait.
pub struct Gate(Box<dyn Fn(Arc<Event>) -> BoxFuture<'static, ()> + Send + Sync>);

impl Gate {
    /// Nobody waits yet.
    pub fn new(prepare: impl Fn(Arc<Event>) -> BoxFuture<'static, ()> + Send + Sync + 'static) -> Self {
        Self(Box::new(prepare))
    }

    pub(super) fn open(self: Arc<Self>, events: Vec<Arc<Event>>, queues: Vec<Arc<Queue>>) {
        let waking = Waking(queues);
        tokio::spawn(async move {
            for event in events.into_iter().take(AT_ONCE) {
                (self.0)(event).await;
            }
            drop(waking);
        });
    }
}

/// They are woken whatever becomes of the preparation.
struct Waking(Vec<Arc<Queue>>);

impl Drop for Waking {
    fn drop(&mut self) {
        for queue in &self.0 {
            queue.wake();
        }
    }
}
