//! Chance that is the same for the same seed, on every machine and for ever: splitmix64, by Steele, Lea and Flood (2014).

use uuid::Uuid;

/// One stream of numbers.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// The stream of this name in the world of a seed; streams of different names have nothing to do with each other.
    pub fn of(seed: u64, what: u64, number: u64) -> Self {
        let mut chance = Self(seed ^ what.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        chance.0 = chance.next() ^ number;
        chance.0 = chance.next();
        chance
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// One below this, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        // Multiplied and not divided: the high bits are as good as the low ones, and this is faster.
        u64::try_from((u128::from(self.next()) * u128::from(end)) >> 64).unwrap_or_default()
    }

    /// The same, of times.
    pub fn within(&mut self, end: i64) -> i64 {
        i64::try_from(self.below(end.max(1).unsigned_abs())).unwrap_or_default()
    }

    /// True so often in a hundred.
    pub fn percent(&mut self, of_hundred: u64) -> bool {
        self.below(100) < of_hundred
    }

    /// One of these.
    pub fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let place = usize::try_from(self.below(of.len() as u64)).unwrap_or_default();
        &of[place]
    }

    /// One below this, the first most often: each is as likely as the two after it together.
    pub fn skewed(&mut self, end: usize) -> usize {
        let mut place = 0;
        while place + 1 < end && self.percent(62) {
            place += 1;
        }
        place
    }

    /// An id as of a moment, in milliseconds.
    pub fn id(&mut self, at: i64) -> Uuid {
        let (one, two) = (self.next().to_be_bytes(), self.next().to_be_bytes());
        let mut random = [0; 10];
        random[..8].copy_from_slice(&one);
        random[8..].copy_from_slice(&two[..2]);
        uuid::Builder::from_unix_timestamp_millis(at.unsigned_abs(), &random).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_same_for_ever() {
        // The reference implementation's first numbers from 1234567.
        let mut chance = Chance(1_234_567);
        assert_eq!([chance.next(), chance.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
        let id = Chance::of(1, 2, 3).id(1_700_000_000_000);
        assert_eq!(id.get_version_num(), 7);
        assert_eq!(id, Chance::of(1, 2, 3).id(1_700_000_000_000));
        assert_ne!(id, Chance::of(1, 2, 4).id(1_700_000_000_000));
    }

    #[test]
    fn it_is_spread_as_it_says() {
        let mut chance = Chance::of(1, 0, 0);
        let mut counts = [0; 10];
        for _ in 0..10_000 {
            counts[usize::try_from(chance.below(10)).expect("small")] += 1;
        }
        assert!(counts.iter().all(|count| (900..1_100).contains(count)), "{counts:?}");
        let first = (0..10_000).filter(|_| chance.skewed(20) == 0).count();
        assert!((3_500..4_100).contains(&first), "{first}");
    }
}
