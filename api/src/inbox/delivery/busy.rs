//! Dialogues to which is sent just now.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use colloquy_entity::{ChannelId, DialogueId};

use super::lock;

/// Dialogues to which this process sends just now. Of the process, not of a channel's worker: one that has lost its lease
/// for a moment ends what it began beside the next.
#[derive(Default)]
pub struct Sending(Mutex<HashSet<(ChannelId, DialogueId)>>);

impl Sending {
    pub(super) fn of(&self, channel: ChannelId) -> Vec<DialogueId> {
        lock(&self.0).iter().filter(|(of, _)| *of == channel).map(|(_, dialogue)| *dialogue).collect()
    }

    /// A place for a dialogue that has none, as long as that lives.
    pub(super) fn begin(self: &Arc<Self>, channel: ChannelId, dialogue: DialogueId) -> Option<Place> {
        lock(&self.0).insert((channel, dialogue)).then(|| Place { of: Arc::clone(self), key: (channel, dialogue) })
    }
}

/// A dialogue's place among them.
pub(super) struct Place {
    of: Arc<Sending>,
    key: (ChannelId, DialogueId),
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.of.0).remove(&self.key);
    }
}
