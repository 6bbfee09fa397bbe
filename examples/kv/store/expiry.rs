//! Which keys end when.

use std::collections::BTreeSet;
use std::num::NonZeroU64;

use redis_protocol::bytes::Bytes;

/// The keys with a time to live, in the order in which they end.
#[derive(Debug, Default)]
pub(crate) struct Expiry {
    order: BTreeSet<(NonZeroU64, Bytes)>,
}

impl Expiry {
    /// The key's end changes from `old` to `new`; `None` is no end.
    pub(crate) fn change(&mut self, key: &Bytes, old: Option<NonZeroU64>, new: Option<NonZeroU64>) {
        if old == new {
            return;
        }
        if let Some(old) = old {
            self.order.remove(&(old, key.clone()));
        }
        if let Some(new) = new {
            self.order.insert((new, key.clone()));
        }
    }

    /// When the first key ends, in milliseconds since 1970.
    pub(crate) fn next(&self) -> Option<u64> {
        self.order.first().map(|(at, _)| at.get())
    }

    /// A key that has ended at `now_ms`.
    pub(crate) fn due(&self, now_ms: u64) -> Option<Bytes> {
        self.order.first().filter(|(at, _)| at.get() <= now_ms).map(|(_, key)| key.clone())
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    pub(crate) fn clear(&mut self) {
        self.order.clear();
    }
}
