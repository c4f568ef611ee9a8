//! How many dialogues there are, how long each is and when it begins: few are long, many are short.

use crate::error::{Error, Result};

use super::chance::Chance;

/// Of either. More than any disk here holds; larger ones would overflow what is reckoned with them.
const MOST: u64 = 1_000_000_000;

/// The end of the made-up time, in milliseconds: 1 June 2026.
pub const UNTIL: i64 = 1_780_272_000_000;
/// Its beginning: three years before.
pub const FROM: i64 = UNTIL - 3 * 365 * 86_400_000;

/// What is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// So many dialogues.
    pub dialogues: u64,
    /// So many messages in all; each dialogue has one at least.
    pub messages: u64,
    /// The same data for the same seed.
    pub seed: u64,
}

/// Of a thousand dialogues so many are so heavy: the messages beyond each one's first are shared out by weight.
const WEIGHTS: [(u64, u64); 6] = [(600, 1), (850, 3), (950, 8), (990, 30), (999, 150), (1_000, 1_500)];

const LENGTHS: u64 = 1;
const BEGINNINGS: u64 = 2;

/// How long each dialogue is, in their order, without holding all of them.
pub struct Lengths {
    size: Size,
    /// Of all.
    total: u128,
    /// Of those before.
    passed: u128,
    number: u64,
}

impl Size {
    /// BAD_USER_INPUT for a size that there cannot be.
    pub fn check(self) -> Result<()> {
        if self.dialogues == 0 || self.dialogues > MOST {
            return Err(Error::bad("dialogues", format!("There have to be 1 to {MOST} dialogues")));
        }
        if self.messages < self.dialogues || self.messages > MOST {
            return Err(Error::bad(
                "messages",
                format!("Each dialogue has one message at least, and all have {MOST} at most"),
            ));
        }
        Ok(())
    }

    fn weight(self, number: u64) -> u64 {
        let mut chance = Chance::of(self.seed, LENGTHS, number);
        let place = chance.below(1_000);
        let (_, weight) = WEIGHTS.into_iter().find(|(below, _)| place < *below).unwrap_or((1_000, 1));
        weight + chance.below(weight + 1)
    }

    /// How many messages each dialogue has.
    pub fn lengths(self) -> Lengths {
        let total = (0..self.dialogues).map(|number| u128::from(self.weight(number))).sum();
        Lengths { size: self, total, passed: 0, number: 0 }
    }

    /// When a dialogue begins: later ones later.
    pub fn begins(self, number: u64) -> i64 {
        let span = UNTIL - FROM;
        let step = |number: u64| {
            let passed = u128::from(span.unsigned_abs()) * u128::from(number) / u128::from(self.dialogues);
            i64::try_from(passed).unwrap_or(span)
        };
        let apart = (step(number + 1) - step(number)).max(1);
        FROM + step(number) + Chance::of(self.seed, BEGINNINGS, number).within(apart)
    }
}

impl Iterator for Lengths {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        if self.number == self.size.dialogues {
            return None;
        }
        let to_share = u128::from(self.size.messages - self.size.dialogues);
        let share = |weight: u128| u64::try_from(to_share * weight / self.total).unwrap_or_default();
        let before = share(self.passed);
        self.passed += u128::from(self.size.weight(self.number));
        self.number += 1;
        Some(1 + share(self.passed) - before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_messages_are_as_many_as_asked_for_and_shared_as_in_life() {
        for (dialogues, messages) in [(1, 1), (1, 50), (7, 7), (1_000, 2_000), (10_000, 100_000)] {
            let size = Size { dialogues, messages, seed: 1 };
            let mut lengths: Vec<u64> = size.lengths().collect();
            assert_eq!((lengths.len() as u64, lengths.iter().sum()), (dialogues, messages));
            assert!(lengths.iter().all(|length| *length >= 1));
            assert_eq!(lengths, size.lengths().collect::<Vec<_>>());
            if dialogues < 10_000 {
                continue;
            }
            lengths.sort_unstable();
            assert!(lengths[5_000] <= 5, "half of them have few: {}", lengths[5_000]);
            assert!(lengths[9_999] >= 1_000, "some have very many: {}", lengths[9_999]);
            assert_ne!(lengths, Size { seed: 2, ..size }.lengths().collect::<Vec<_>>());
        }
    }

    #[test]
    fn dialogues_begin_one_after_another() {
        let size = Size { dialogues: 1_000, messages: 1_000, seed: 7 };
        let begins: Vec<i64> = (0..1_000).map(|number| size.begins(number)).collect();
        assert!(begins.is_sorted());
        assert!(begins[0] >= FROM && begins[999] < UNTIL);
    }
}
