//! A hash table that is kept in the order of the hashes.
//!
//! The bucket of an entry is given by the leading bits of its hash, and a bucket is sorted. So
//! the order of a walk never depends on how often the table grew: a walk that goes on from a
//! hash, while entries come and go, returns every entry that was there all the time.
//!
//! ```text
//!   hash   0 ............................................... 2^64
//!   bits 2 |    00      |    01      |    10      |    11      |
//!   grown  | 000 | 001  | 010 | 011  | 100 | 101  | 110 | 111  |
//! ```
//!
//! A table may be told that its keys come from the n-th part of all hashes only; then the bits
//! are taken within that part.

use redis_protocol::bytes::Bytes;

use crate::route::hash;

/// Above so many entries a bucket the table doubles.
const LOAD_MAX: usize = 4;
/// Below one entry in so many buckets it halves.
const SPARSE: usize = 16;

/// Byte strings and what belongs to them.
#[derive(Debug, Clone)]
pub(crate) struct Table<V> {
    buckets: Vec<Vec<Entry<V>>>,
    len: usize,
    /// There are 2^bits buckets.
    bits: u32,
    /// All keys are of one of so many equal parts of the hashes.
    parts: u32,
}

#[derive(Debug, Clone)]
struct Entry<V> {
    hash: u64,
    key: Bytes,
    value: V,
}

/// Where an entry is, until the table is changed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    bucket: usize,
    index: usize,
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self::of_parts(1)
    }
}

impl<V> Table<V> {
    /// A table for the keys of one shard among `parts`.
    pub(crate) fn of_parts(parts: u32) -> Self {
        Self { buckets: vec![Vec::new()], len: 0, bits: 0, parts }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        self.find(key).is_some()
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<&V> {
        self.find(key).map(|slot| self.at(slot))
    }

    /// Where the entry of `key` is.
    pub(crate) fn find(&self, key: &[u8]) -> Option<Slot> {
        self.place(hash(key), key).ok()
    }

    pub(crate) fn at(&self, slot: Slot) -> &V {
        &self.buckets[slot.bucket][slot.index].value
    }

    pub(crate) fn at_mut(&mut self, slot: Slot) -> &mut V {
        &mut self.buckets[slot.bucket][slot.index].value
    }

    /// Puts `value` under `key` and returns what was there before.
    pub(crate) fn insert(&mut self, key: &Bytes, value: V) -> Option<V> {
        let hash = hash(key);
        match self.place(hash, key) {
            Ok(slot) => Some(std::mem::replace(self.at_mut(slot), value)),
            Err(slot) => {
                self.insert_at(slot, Entry { hash, key: key.clone(), value });
                None
            }
        }
    }

    /// The value of `key`, made first if there is none.
    pub(crate) fn get_or_insert_with(&mut self, key: &Bytes, make: impl FnOnce() -> V) -> &mut V {
        let hash = hash(key);
        let slot = match self.place(hash, key) {
            Ok(slot) => slot,
            Err(slot) => {
                let entry = Entry { hash, key: key.clone(), value: make() };
                self.insert_at(slot, entry)
            }
        };
        self.at_mut(slot)
    }

    pub(crate) fn remove(&mut self, key: &[u8]) -> Option<V> {
        self.find(key).map(|slot| self.remove_at(slot))
    }

    pub(crate) fn remove_at(&mut self, slot: Slot) -> V {
        let entry = self.buckets[slot.bucket].remove(slot.index);
        self.len -= 1;
        if self.bits > 0 && self.len < self.buckets.len() / SPARSE {
            self.halve();
        }
        entry.value
    }

    /// Empties the table and gives its memory back.
    pub(crate) fn clear(&mut self) {
        *self = Self::of_parts(self.parts);
    }

    /// All entries in the order of their hashes.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Bytes, &V)> {
        self.buckets.iter().flatten().map(|entry| (&entry.key, &entry.value))
    }

    /// The entries from `first` on, in the order of their hashes, which are given with them.
    pub(crate) fn iter_from(&self, first: u64) -> impl Iterator<Item = (u64, &Bytes, &V)> {
        let bucket = self.bucket_of(first);
        let skip = self.buckets[bucket].partition_point(|entry| entry.hash < first);
        self.buckets[bucket..]
            .iter()
            .flatten()
            .skip(skip)
            .map(|entry| (entry.hash, &entry.key, &entry.value))
    }

    fn bucket_of(&self, hash: u64) -> usize {
        let within_part = hash.wrapping_mul(u64::from(self.parts));
        within_part.checked_shr(u64::BITS - self.bits).unwrap_or(0) as usize
    }

    /// Where the entry is, or where it would be.
    fn place(&self, hash: u64, key: &[u8]) -> Result<Slot, Slot> {
        let bucket = self.bucket_of(hash);
        let order = |entry: &Entry<V>| entry.hash.cmp(&hash).then_with(|| (*entry.key).cmp(key));
        match self.buckets[bucket].binary_search_by(order) {
            Ok(index) => Ok(Slot { bucket, index }),
            Err(index) => Err(Slot { bucket, index }),
        }
    }

    fn insert_at(&mut self, slot: Slot, entry: Entry<V>) -> Slot {
        let hash = entry.hash;
        self.buckets[slot.bucket].insert(slot.index, entry);
        self.len += 1;
        if self.len <= self.buckets.len() * LOAD_MAX {
            return slot;
        }
        self.double();
        let bucket = self.bucket_of(hash);
        // The lower half keeps its indices; those of the upper half begin anew.
        let before = if bucket.is_multiple_of(2) { 0 } else { self.buckets[bucket - 1].len() };
        Slot { bucket, index: slot.index - before }
    }

    fn double(&mut self) {
        self.bits += 1;
        let old = std::mem::take(&mut self.buckets);
        let mut buckets = Vec::with_capacity(old.len() * 2);
        for (index, mut lower) in old.into_iter().enumerate() {
            let split = lower.partition_point(|entry| self.bucket_of(entry.hash) == index * 2);
            let upper = lower.split_off(split);
            buckets.push(lower);
            buckets.push(upper);
        }
        self.buckets = buckets;
    }

    fn halve(&mut self) {
        self.bits -= 1;
        let mut old = std::mem::take(&mut self.buckets).into_iter();
        while let (Some(mut lower), Some(upper)) = (old.next(), old.next()) {
            lower.extend(upper);
            self.buckets.push(lower);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use redis_protocol::bytes::Bytes;

    use crate::route::{hash, shard_of};
    use crate::store::table::Table;

    fn key(number: u16) -> Bytes {
        Bytes::from(number.to_string())
    }

    proptest! {
        #[test]
        fn a_table_behaves_as_a_map_and_keeps_the_order_of_hashes(
            steps in prop::collection::vec((any::<bool>(), 0..400_u16, any::<u8>()), 0..1500),
            parts in 1..5_u32,
        ) {
            let mut table = Table::of_parts(parts);
            let mut model = BTreeMap::new();
            for (insert, number, value) in steps {
                let key = key(number);
                if shard_of(&key, parts as usize) != 0 {
                    continue;
                }
                if insert {
                    prop_assert_eq!(table.insert(&key, value), model.insert(key, value));
                } else {
                    prop_assert_eq!(table.remove(&key), model.remove(&key));
                }
                prop_assert_eq!(table.len(), model.len());
            }
            for (key, value) in &model {
                prop_assert_eq!(table.get(key), Some(value));
            }
            let mut sorted: Vec<_> =
                model.into_iter().map(|(key, value)| (hash(&key), key, value)).collect();
            sorted.sort();
            let all: Vec<_> = table.iter_from(0).map(|(h, k, v)| (h, k.clone(), *v)).collect();
            prop_assert_eq!(&all, &sorted);
            for from in all.iter().step_by(7) {
                let rest = table.iter_from(from.0).count();
                prop_assert_eq!(rest, sorted.iter().filter(|entry| entry.0 >= from.0).count());
            }
        }
    }

    #[test]
    fn an_entry_made_on_demand_is_the_one_that_is_returned() {
        let mut table = Table::default();
        for number in 0..2000 {
            *table.get_or_insert_with(&key(number), || 0) += number;
        }
        for number in 0..2000 {
            assert_eq!(table.get(&key(number)), Some(&number));
        }
        for number in 0..2000 {
            assert_eq!(table.remove(&key(number)), Some(number));
        }
        assert!(table.is_empty());
    }
}
