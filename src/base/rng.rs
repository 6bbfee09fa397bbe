//! The seeded generator behind back-off jitter and, in simulation, the schedule.

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014):
/// good enough for jitter and shuffles, never for secrets.
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// A generator that differs from process to process and from loop to loop.
    pub(crate) fn from_entropy() -> Self {
        use std::hash::{BuildHasher as _, RandomState};
        Self(RandomState::new().hash_one(0_u8))
    }

    pub(crate) fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// Evenly spread in `0.0..1.0`.
    pub(crate) fn unit(&mut self) -> f64 {
        const MANTISSA: u32 = 53;
        (self.next_u64() >> (64 - MANTISSA)) as f64 / (1_u64 << MANTISSA) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_sequence() {
        let (mut a, mut b) = (Rng::seeded(7), Rng::seeded(7));
        assert!((0..100).all(|_| a.next_u64() == b.next_u64()));
        assert_ne!(Rng::seeded(1).next_u64(), Rng::seeded(2).next_u64());
    }

    #[test]
    fn units_stay_below_one_and_fill_the_range() {
        let mut rng = Rng::seeded(1);
        let drawn: Vec<f64> = (0..1_000).map(|_| rng.unit()).collect();
        assert!(drawn.iter().all(|unit| (0.0..1.0).contains(unit)));
        assert!(drawn.iter().any(|unit| *unit < 0.05) && drawn.iter().any(|unit| *unit > 0.95));
    }
}
