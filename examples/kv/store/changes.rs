//! What must be written to the journal: the keys that changed since the last time.
//!
//! Changes are kept as names of keys, and the values are taken when a batch is made. So a key
//! that is changed a thousand times between two batches is written once, and a list of a million
//! elements is written once for each batch, not for each element pushed. (Writing elements one
//! by one would pay off when such lists change in every batch; it would need a table of
//! elements in the journal.)

use std::collections::BTreeSet;

use redis_protocol::bytes::Bytes;

/// A change to be made to the journal. All effects of one batch are made or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// All keys of the shard go. Comes before everything else in a batch.
    Clear,
    /// The key has this value now, see [`crate::store::encoding`].
    Put { key: Bytes, value: Vec<u8>, expires_at_ms: Option<u64> },
    /// The key is gone.
    Delete { key: Bytes },
}

/// The keys that changed.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) cleared: bool,
    pub(crate) keys: BTreeSet<Bytes>,
}

impl Changes {
    pub(crate) fn is_empty(&self) -> bool {
        !self.cleared && self.keys.is_empty()
    }

    pub(crate) fn mark(&mut self, key: &Bytes) {
        if !self.keys.contains(key) {
            self.keys.insert(key.clone());
        }
    }

    pub(crate) fn clear(&mut self) {
        self.cleared = true;
        self.keys.clear();
    }
}
