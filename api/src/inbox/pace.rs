//! Pace: how fast a messenger lets us send, for a channel and for each chat.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use colloquy_entity::DialogueId;

use crate::app::App;
use crate::messenger::{Messenger, Rate};

/// The messenger's limits, as leaky buckets: for the channel and for each chat.
pub(super) struct Pace {
    channel: Bucket,
    chat: Rate,
    chat_gap: Duration,
    chats: HashMap<DialogueId, Bucket>,
}

impl Pace {
    pub(super) fn new(app: &App, messenger: &dyn Messenger) -> Self {
        let rates = messenger.rates();
        let gap = Duration::from_secs(1) / rates.channel.per_second.max(1);
        Self {
            channel: Bucket::new(gap, rates.channel.burst),
            chat: rates.chat,
            chat_gap: app.config.pace.chat_gap / rates.chat.per_second.max(1),
            chats: HashMap::new(),
        }
    }

    /// Takes a chat's next place, and answers how long to wait for it.
    pub(super) fn reserve_chat(&mut self, dialogue: DialogueId, now: Instant) -> Duration {
        self.chats.retain(|id, bucket| *id == dialogue || bucket.full_at > now);
        let (gap, burst) = (self.chat_gap, self.chat.burst);
        let chat = self.chats.entry(dialogue).or_insert_with(|| Bucket::new(gap, burst));
        chat.reserve(now).saturating_duration_since(now)
    }

    /// The same for the channel.
    pub(super) fn reserve(&mut self, now: Instant) -> Duration {
        self.channel.reserve(now).saturating_duration_since(now)
    }

    /// Nothing goes before then.
    pub(super) fn pause(&mut self, until: Instant) {
        self.channel.not_before = self.channel.not_before.max(Some(until));
    }

    /// Whether a pause began after a place was taken.
    pub(super) fn is_paused(&self, now: Instant) -> bool {
        self.channel.not_before.is_some_and(|until| until > now)
    }
}

/// One place every `gap`, and up to `burst` at once after a rest.
struct Bucket {
    gap: Duration,
    burst: u32,
    /// When it will have rested enough for a whole burst.
    full_at: Instant,
    not_before: Option<Instant>,
}

impl Bucket {
    fn new(gap: Duration, burst: u32) -> Self {
        Self { gap, burst: burst.max(1), full_at: Instant::now(), not_before: None }
    }

    fn reserve(&mut self, now: Instant) -> Instant {
        let start = self.not_before.map_or(now, |until| until.max(now));
        self.full_at = self.full_at.max(start) + self.gap;
        let place = self.full_at.checked_sub(self.gap * self.burst).unwrap_or(start);
        place.max(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_lets_a_burst_go_and_then_one_a_gap() {
        let mut bucket = Bucket::new(Duration::from_secs(1), 3);
        let now = Instant::now();
        let waits: Vec<u64> =
            (0..5).map(|_| bucket.reserve(now).saturating_duration_since(now).as_millis() as u64).collect();
        assert_eq!(waits[..3], [0, 0, 0], "a short burst");
        assert!((900..=1000).contains(&waits[3]) && (1900..=2000).contains(&waits[4]), "then one a second: {waits:?}");
        let later = now + Duration::from_secs(60);
        assert_eq!(bucket.reserve(later), later, "rested");
    }

    #[test]
    fn a_pause_holds_for_everything_behind_it() {
        let mut bucket = Bucket::new(Duration::from_millis(30), 2);
        let now = Instant::now();
        bucket.not_before = Some(now + Duration::from_secs(7));
        assert!(bucket.reserve(now) >= now + Duration::from_secs(7));
    }
}
