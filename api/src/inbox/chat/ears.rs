//! Who is told that an employee is typing: a visitor hears of their own dialogue alone, and is not woken by other words.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use colloquy_entity::{DialogueId, UserId};
use tokio::sync::broadcast::{self, error::RecvError};

use crate::app::App;
use crate::bus::Topic;
use crate::inbox::typing::Typing;

/// Words that wait for one visitor; one who is slower misses some, and they are renewed soon.
const WAITING: usize = 8;

/// The dialogues whose visitors are connected to this process.
#[derive(Default)]
pub(super) struct Ears(Mutex<HashMap<DialogueId, broadcast::Sender<Typing>>>);

impl Ears {
    fn all(&self) -> MutexGuard<'_, HashMap<DialogueId, broadcast::Sender<Typing>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to listen for a dialogue.
    pub fn listen(self: &Arc<Self>, dialogue: DialogueId) -> Ear {
        let words = self.all().entry(dialogue).or_insert_with(|| broadcast::channel(WAITING).0).subscribe();
        Ear { of: Arc::clone(self), dialogue, words }
    }

    fn tell(&self, typing: Typing) {
        if let Some(words) = self.all().get(&typing.dialogue) {
            // An error only says that nobody listens any more.
            let _ = words.send(typing);
        }
    }
}

/// One visitor's; dropped, it hears nothing more.
pub(super) struct Ear {
    of: Arc<Ears>,
    dialogue: DialogueId,
    words: broadcast::Receiver<Typing>,
}

impl Ear {
    /// The next employee who types. Safe to be dropped while it waits.
    pub async fn next(&mut self) -> (UserId, Typing) {
        loop {
            match self.words.recv().await {
                Ok(typing) => {
                    if let Some(user) = typing.user {
                        return (user, typing);
                    }
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return std::future::pending().await,
            }
        }
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        let mut all = self.of.all();
        // This one still counts.
        if all.get(&self.dialogue).is_some_and(|words| words.receiver_count() <= 1) {
            all.remove(&self.dialogue);
        }
    }
}

/// Hands on who types, until stopped.
pub async fn run(app: Arc<App>) {
    let mut words = app.bus.listen();
    while let Some(word) = app.stop.run_until_cancelled(words.recv()).await {
        match word {
            Ok(word) if word.topic == Topic::Typing => {
                if let Ok(typing) = serde_json::from_str::<Typing>(&word.body) {
                    app.chat.ears.tell(typing);
                }
            }
            // Word that was missed is renewed soon, if it still holds.
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}
