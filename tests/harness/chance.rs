//! Chance that is the same each time: a story that fails by it fails again.

/// A generator of numbers (xorshift64*, Vigna 2016).
pub struct Chance(u64);

impl Chance {
    /// The same numbers for the same seed, which is not 0.
    pub fn new(seed: u64) -> Self {
        assert_ne!(seed, 0);
        Self(seed)
    }

    /// A generator apart, for one who draws beside others and in no order with them.
    pub fn part(&mut self) -> Self {
        Self::new(1 + self.below(u32::MAX.into()))
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % limit
    }

    /// One of several.
    pub fn one_of<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }
}
