//! Keys in place of pointers: a loop, a slot and a generation in one machine word.

use std::fmt;

use super::slots::SlotKey;

const SLOT_BITS: u32 = 24;
const GENERATION_BITS: u32 = 20;

/// How many loops a process may make in its life.
pub(crate) const LOOPS_MAX: u32 = 1 << (64 - SLOT_BITS - GENERATION_BITS);
/// How many entries a table may hold at once.
pub(crate) const SLOTS_MAX: u32 = 1 << SLOT_BITS;
/// Generations count modulo this.
pub(crate) const GENERATIONS: u32 = 1 << GENERATION_BITS;

/// Which loop of the process. A number is never used again: an address that outlives its loop must
/// not lead to another one, on whose thread its messages may not be allowed (see `crossing.rs`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) struct LoopId(pub(crate) u32);

/// The name of one entry in one loop's table: `loop:20 | generation:20 | slot:24`.
///
/// A key is plain data: it may be copied, kept and sent anywhere. Used after its entry is gone it
/// finds nothing, unless the same slot was filled 1,048,576 times meanwhile.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key(u64);

impl Key {
    pub(crate) const fn new(home: LoopId, slot: SlotKey) -> Self {
        Self(
            ((home.0 as u64) << (SLOT_BITS + GENERATION_BITS))
                | ((slot.generation as u64) << SLOT_BITS)
                | slot.slot as u64,
        )
    }

    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(crate) const fn bits(self) -> u64 {
        self.0
    }

    pub(crate) const fn home(self) -> LoopId {
        LoopId((self.0 >> (SLOT_BITS + GENERATION_BITS)) as u32)
    }

    pub(crate) const fn slot(self) -> SlotKey {
        SlotKey {
            slot: (self.0 & (SLOTS_MAX as u64 - 1)) as u32,
            generation: ((self.0 >> SLOT_BITS) & (GENERATIONS as u64 - 1)) as u32,
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slot = self.slot();
        write!(f, "{}.{}.{}", self.home().0, slot.slot, slot.generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_key_gives_back_what_it_was_made_of(
            home in 0..LOOPS_MAX,
            slot in 0..SLOTS_MAX,
            generation in 0..GENERATIONS,
        ) {
            let slot = SlotKey { slot, generation };
            let key = Key::new(LoopId(home), slot);
            prop_assert_eq!((key.home(), key.slot()), (LoopId(home), slot));
            prop_assert_eq!(Key::from_bits(key.bits()), key);
        }
    }
}
