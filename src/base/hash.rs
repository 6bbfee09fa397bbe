//! A hash that is the same in every run and on every machine, and the choice of one of several by
//! it.

use std::hash::{Hash, Hasher};

use super::rng::Rng;

/// FNV-1a (Fowler, Noll and Vo), whose words are always written low byte first.
struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn write_u16(&mut self, word: u16) {
        self.write(&word.to_le_bytes());
    }

    fn write_u32(&mut self, word: u32) {
        self.write(&word.to_le_bytes());
    }

    fn write_u64(&mut self, word: u64) {
        self.write(&word.to_le_bytes());
    }

    fn write_u128(&mut self, word: u128) {
        self.write(&word.to_le_bytes());
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }
}

/// The hash of a key, with every bit of it worth as much as every other.
pub(crate) fn hash_of(key: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    key.hash(&mut hasher);
    mix(hasher.finish())
}

fn mix(word: u64) -> u64 {
    Rng::seeded(word).next_u64()
}

/// Which of those with these labels a hash belongs to: the one with the highest score for it.
///
/// This is rendezvous hashing (Thaler and Ravishankar, 1996): a newcomer takes its share from all
/// others evenly, and only what belonged to one that left moves. Labels must differ.
pub(crate) fn owner(hash: u64, labels: impl IntoIterator<Item = u64>) -> Option<usize> {
    let scored = labels.into_iter().map(|label| mix(hash ^ mix(label))).enumerate();
    scored.max_by_key(|(_, score)| *score).map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_hash_is_the_same_in_every_run() {
        // Written down once: a change of these is a change of where every key goes.
        assert_eq!(hash_of("key"), 0x06d4_1b35_463f_0e50);
        assert_eq!(hash_of(&7_u32), 0x86d7_fdf1_c681_2375);
        assert_eq!(hash_of(&7_u64), hash_of(&7_usize));
    }

    #[test]
    fn keys_are_spread_evenly() {
        let mut counts = [0_u32; 8];
        for key in 0..8_000_u32 {
            counts[owner(hash_of(&key), 0..8).unwrap()] += 1;
        }
        assert!(counts.iter().all(|count| (850..1_150).contains(count)), "{counts:?}");
    }

    proptest! {
        #[test]
        fn only_keys_of_one_that_left_move(keys: Vec<u64>, among in 1..20_u64, left in 0..20_u64) {
            let left = left % among;
            for key in keys {
                let before = owner(hash_of(&key), 0..among).map(|index| index as u64);
                let rest: Vec<u64> = (0..among).filter(|label| *label != left).collect();
                let after = owner(hash_of(&key), rest.iter().copied()).map(|index| rest[index]);
                prop_assert!(before == Some(left) || before == after);
            }
        }
    }
}
