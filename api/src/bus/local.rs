//! The bus of a process that is alone: its own subscribers hear it, nobody else.

use async_trait::async_trait;
use tokio::sync::broadcast;

use super::{Bus, Word};

/// In-process; the default, with SQLite.
pub struct LocalBus {
    words: broadcast::Sender<Word>,
}

impl LocalBus {
    /// A bus with nobody on it yet.
    #[expect(clippy::new_without_default, reason = "made once, by name")]
    pub fn new() -> Self {
        Self { words: broadcast::channel(1024).0 }
    }
}

#[async_trait]
impl Bus for LocalBus {
    fn publish(&self, word: Word) {
        // An error only says that nobody listens.
        let _ = self.words.send(word);
    }

    fn listen(&self) -> broadcast::Receiver<Word> {
        self.words.subscribe()
    }

    fn reaches_others(&self) -> bool {
        false
    }

    async fn check(&self) -> Result<(), String> {
        Ok(())
    }
}
