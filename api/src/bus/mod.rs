//! How word travels between processes: something may have happened, look. The database decides what did.
//!
//! Word may be lost or late; whoever needs certainty looks into the database by itself (see `log::follower`).

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::broadcast;

mod local;
mod nodes;
mod redis;

pub use self::redis::RedisBus;
pub use local::LocalBus;
pub(crate) use nodes::Nodes;

/// What a word is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Events that have their positions now.
    Log,
    /// Somebody is typing.
    Typing,
}

impl Topic {
    fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Typing => "typing",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Log, Self::Typing].into_iter().find(|topic| topic.name() == name)
    }
}

/// One word, as it travels.
#[derive(Clone, Debug)]
pub struct Word {
    /// What it is about.
    pub topic: Topic,
    /// JSON, read by whoever knows the topic.
    pub body: Arc<str>,
}

/// A way for words to reach the other processes of the installation.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Sends it on its way and does not wait for it to arrive.
    fn publish(&self, word: Word);

    /// Words from now on: of the other processes, and of this one but for [`Topic::Log`].
    fn listen(&self) -> broadcast::Receiver<Word>;

    /// Whether there may be other processes at all; where not, word of what this process did itself is not needed.
    fn reaches_others(&self) -> bool;

    /// Whether it works just now, for `/readyz`.
    async fn check(&self) -> Result<(), String>;
}
