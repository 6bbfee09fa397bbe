//! `Slots<T>`: a table whose stale keys find nothing instead of somebody else's entry.

use super::key::{GENERATIONS, SLOTS_MAX};

/// Where an entry is and which of the entries that stood there it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) struct SlotKey {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

const NONE: u32 = u32::MAX;

/// A slab with generations: insert, look up and remove in constant time; slots are used again.
#[derive(Debug)]
pub(crate) struct Slots<T> {
    entries: Vec<Entry<T>>,
    free: u32,
    len: u32,
}

#[derive(Debug)]
struct Entry<T> {
    generation: u32,
    next_free: u32,
    value: Option<T>,
}

impl<T> Slots<T> {
    pub(crate) const fn new() -> Self {
        Self { entries: Vec::new(), free: NONE, len: 0 }
    }

    /// Puts `value` into a free slot.
    ///
    /// # Panics
    /// When 16,777,216 entries are alive: the memory is long gone by then.
    pub(crate) fn insert(&mut self, value: T) -> SlotKey {
        self.len += 1;
        if let Some(entry) = self.entries.get_mut(self.free as usize) {
            let key = SlotKey { slot: self.free, generation: entry.generation };
            self.free = entry.next_free;
            entry.value = Some(value);
            return key;
        }
        let slot = self.entries.len() as u32;
        assert!(slot < SLOTS_MAX, "a table holds at most {SLOTS_MAX} entries");
        // Generations start at 1, so that a key of zeros is never alive.
        self.entries.push(Entry { generation: 1, next_free: NONE, value: Some(value) });
        SlotKey { slot, generation: 1 }
    }

    #[inline]
    pub(crate) fn get(&self, key: SlotKey) -> Option<&T> {
        let entry = self.entries.get(key.slot as usize)?;
        if entry.generation == key.generation { entry.value.as_ref() } else { None }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, key: SlotKey) -> Option<&mut T> {
        let entry = self.entries.get_mut(key.slot as usize)?;
        if entry.generation == key.generation { entry.value.as_mut() } else { None }
    }

    /// Takes the entry out; the key is stale from now on.
    pub(crate) fn remove(&mut self, key: SlotKey) -> Option<T> {
        let entry = self.entries.get_mut(key.slot as usize)?;
        if entry.generation != key.generation {
            return None;
        }
        let value = entry.value.take()?;
        entry.generation = (entry.generation + 1) % GENERATIONS;
        entry.next_free = self.free;
        self.free = key.slot;
        self.len -= 1;
        Some(value)
    }

    pub(crate) const fn len(&self) -> usize {
        self.len as usize
    }

    /// The keys of all entries, in slot order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = SlotKey> + '_ {
        self.entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.value.is_some())
            .map(|(slot, entry)| SlotKey { slot: slot as u32, generation: entry.generation })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_removed_key_finds_nothing_after_its_slot_is_used_again() {
        let mut slots = Slots::new();
        let old = slots.insert('a');
        assert_eq!(slots.remove(old), Some('a'));
        let new = slots.insert('b');
        assert_eq!((old.slot, slots.get(old)), (new.slot, None));
        assert_eq!(slots.remove(old), None);
        assert_eq!(slots.get(new), Some(&'b'));
    }

    proptest! {
        // T4: a stale key finds nothing.
        #[test]
        fn slots_behave_like_a_map_whose_keys_are_never_used_twice(
            steps in prop::collection::vec((0_u8..3, any::<prop::sample::Index>()), 1..200),
        ) {
            let mut slots = Slots::new();
            let mut model = BTreeMap::new();
            let mut handed_out = Vec::new();
            for (number, (action, pick)) in steps.into_iter().enumerate() {
                if action < 2 || handed_out.is_empty() {
                    let key = slots.insert(number);
                    prop_assert!(!handed_out.contains(&key), "a key was handed out twice");
                    handed_out.push(key);
                    model.insert(key, number);
                } else {
                    let key = handed_out[pick.index(handed_out.len())];
                    prop_assert_eq!(slots.remove(key), model.remove(&key));
                }
                prop_assert_eq!(slots.len(), model.len());
                for key in &handed_out {
                    prop_assert_eq!(slots.get(*key), model.get(key));
                }
            }
            prop_assert_eq!(slots.keys().count(), model.len());
        }
    }
}
