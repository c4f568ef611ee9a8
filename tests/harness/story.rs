//! How a story is run: on each backend, as a test of its own.

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::Backend;

/// Far more than any takes on a machine that has nothing else to do.
const LIMIT: Duration = Duration::from_secs(120);

/// Makes two tests, `name::sqlite` and `name::postgres`, of each `async fn name(world: World)` named, where `World` is
/// any type with an `async fn start(Backend) -> Self`: `stories!(World: a_client_writes, an_operator_answers);`. The
/// functions stay ordinary ones beside it (formatted, found by editors, reported as dead code when left out).
/// `stories!(World, Postgres: …)` makes the one test of each, for what there is no other side to.
macro_rules! stories {
    ($world:ty, $backend:ident: $($story:ident),+ $(,)?) => {
        $(
            mod $story {
                use super::*;

                #[test]
                fn alone() {
                    $crate::harness::story::run($crate::harness::Backend::$backend, <$world>::start, super::$story);
                }
            }
        )+
    };
    ($world:ty: $($story:ident),+ $(,)?) => {
        $(
            mod $story {
                use super::*;

                #[test]
                fn sqlite() {
                    $crate::harness::story::run($crate::harness::Backend::Sqlite, <$world>::start, super::$story);
                }

                #[test]
                fn postgres() {
                    $crate::harness::story::run($crate::harness::Backend::Postgres, <$world>::start, super::$story);
                }
            }
        )+
    };
}
pub(crate) use stories;

/// Runs one story in a world on `backend`, on a runtime of its own; one that does not end in time fails.
pub fn run<W>(backend: Backend, start: impl AsyncFnOnce(Backend) -> W, story: impl AsyncFnOnce(W)) {
    let runtime =
        Ending(Some(Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime starts")));
    let told = async { story(start(backend).await).await };
    if runtime.block_on(async { timeout(LIMIT, told).await }).is_err() {
        panic!("the story did not end within {} s on {backend}", LIMIT.as_secs());
    }
}

/// A runtime that, when a story has ended or failed, gives its tasks a moment to end and waits for none of them for ever.
struct Ending(Option<Runtime>);

impl std::ops::Deref for Ending {
    type Target = Runtime;

    fn deref(&self) -> &Runtime {
        self.0.as_ref().expect("there until dropped")
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_timeout(Duration::from_secs(2));
        }
    }
}
