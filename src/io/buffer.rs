//! Bytes that were read and not yet taken: one allocation, filled at the end, taken at the front.

use crate::base::invariant::invariant;

/// What a buffer begins with; it doubles each time a read fills it.
const FIRST: usize = 8 * 1024;

#[derive(Default)]
pub(crate) struct Buffer {
    /// All of it is initialised; what was read is between `start` and `end`.
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    pub(crate) fn filled(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    pub(crate) const fn len(&self) -> usize {
        self.end - self.start
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Room for more, as long as less than `bound` bytes are held; never more room than that.
    pub(crate) fn room(&mut self, bound: usize) -> &mut [u8] {
        let held = self.len();
        if held == 0 && self.bytes.len() > bound.max(FIRST) {
            // It had grown for something unusual.
            *self = Self::default();
        }
        if held == 0 || self.end == self.bytes.len() {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, held);
        }
        if self.end == self.bytes.len() && held < bound {
            let size = (self.bytes.len() * 2).max(FIRST).min(bound);
            self.bytes.resize(size, 0);
        }
        let most = bound.saturating_sub(held).min(self.bytes.len() - self.end);
        &mut self.bytes[self.end..self.end + most]
    }

    /// `more` bytes were put into the room.
    pub(crate) fn grew(&mut self, more: usize, bound: usize) {
        // A reader that claims more than there was room for is believed for what there was.
        self.end = (self.end + more).min(self.bytes.len());
        invariant!(B1, self.len() <= bound, "{} bytes are held, at most {bound}", self.len());
    }

    /// Takes `length` bytes, or all there are. They stay readable until room is asked for again.
    pub(crate) fn take(&mut self, length: usize) -> &[u8] {
        let from = self.start;
        self.start += length.min(self.len());
        &self.bytes[from..self.start]
    }

    /// Takes everything.
    pub(crate) fn take_all(&mut self) -> Vec<u8> {
        let Self { mut bytes, start, end } = std::mem::take(self);
        bytes.truncate(end);
        bytes.drain(..start);
        bytes
    }
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Buffer").field("len", &self.len()).field("size", &self.bytes.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_grows_by_doubling_up_to_the_bound_and_shrinks_when_it_is_empty() {
        let mut buffer = Buffer::default();
        let mut sizes = Vec::new();
        for bound in [20_000, 20_000, 20_000, 100_000, 100_000] {
            let room = buffer.room(bound).len();
            sizes.push(room);
            buffer.grew(room, bound);
        }
        assert_eq!(sizes, [8_192, 8_192, 3_616, 20_000, 40_000]);
        assert_eq!(buffer.room(80_000).len(), 0, "80,000 are held");
        assert_eq!(buffer.take(usize::MAX).len(), 80_000);
        assert_eq!(buffer.room(20_000).len(), 8_192);
    }

    proptest! {
        // B1: what is held stays within the bound, and comes out as it went in.
        #[test]
        fn bytes_come_out_in_order_and_never_more_are_held_than_the_bound(
            bound in 1..50_usize, steps: Vec<(bool, u8)>,
        ) {
            let mut buffer = Buffer::default();
            let (mut put, mut taken) = (0_u8, 0_u8);
            for (fill, amount) in steps {
                let amount = usize::from(amount);
                if fill {
                    let room = buffer.room(bound);
                    let more = room.len().min(amount);
                    for byte in &mut room[..more] {
                        *byte = put;
                        put = put.wrapping_add(1);
                    }
                    buffer.grew(more, bound);
                } else {
                    for byte in buffer.take(amount) {
                        prop_assert_eq!(*byte, taken);
                        taken = taken.wrapping_add(1);
                    }
                }
                prop_assert!(buffer.len() <= bound);
            }
            for byte in buffer.take_all() {
                prop_assert_eq!(byte, taken);
                taken = taken.wrapping_add(1);
            }
            prop_assert_eq!(put, taken);
            prop_assert!(buffer.is_empty());
        }
    }
}
