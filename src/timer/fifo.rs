//! `Fifo<T>`: timers that are armed in the order of their deadlines, as those of one delay are.
//!
//! A limit that nearly always is cancelled should cost next to nothing. Here arming and cancelling
//! link and unlink one entry of a list, without a clock, a level or a bitmap.
//!
//! * **W1** a timer never fires early, and all fire in the order in which they were armed

/// Names one timer. After it fired or was cancelled its key finds nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FifoKey {
    slot: u32,
    generation: u32,
}

/// "No entry", where an index of an entry is expected.
const NONE: u32 = u32::MAX;

/// Timers that carry a `T` each. All times are nanoseconds since one origin.
#[derive(Debug)]
pub(crate) struct Fifo<T> {
    entries: Vec<Entry<T>>,
    first: u32,
    last: u32,
    free: u32,
    len: usize,
}

#[derive(Debug)]
struct Entry<T> {
    deadline: u64,
    /// `None` while the entry is free.
    value: Option<T>,
    /// Neighbours in the list; `next` also links the free entries.
    prev: u32,
    next: u32,
    generation: u32,
}

impl<T> Fifo<T> {
    /// Allocates nothing.
    pub(crate) const fn new() -> Self {
        Self { entries: Vec::new(), first: NONE, last: NONE, free: NONE, len: 0 }
    }

    /// Arms a timer. A deadline before that of the timer armed last is moved to it.
    ///
    /// # Panics
    /// At 4,294,967,295 timers.
    #[inline]
    pub(crate) fn push(&mut self, deadline: u64, value: T) -> FifoKey {
        let slot = self.free;
        let prev = self.last;
        let floor = self.entries.get(prev as usize).map_or(0, |last| last.deadline);
        let deadline = deadline.max(floor);
        let key = match self.entries.get_mut(slot as usize) {
            Some(entry) => {
                self.free = entry.next;
                (entry.deadline, entry.value) = (deadline, Some(value));
                (entry.prev, entry.next) = (prev, NONE);
                FifoKey { slot, generation: entry.generation }
            }
            None => self.grow(deadline, value),
        };
        match self.entries.get_mut(prev as usize) {
            Some(last) => last.next = key.slot,
            None => self.first = key.slot,
        }
        self.last = key.slot;
        self.len += 1;
        key
    }

    #[cold]
    fn grow(&mut self, deadline: u64, value: T) -> FifoKey {
        assert!(self.entries.len() < NONE as usize, "at most {NONE} timers");
        let slot = self.entries.len() as u32;
        let (value, prev) = (Some(value), self.last);
        self.entries.push(Entry { deadline, value, prev, next: NONE, generation: 1 });
        FifoKey { slot, generation: 1 }
    }

    /// Disarms a timer and gives its value back. `None` if it fired or was cancelled before.
    #[inline]
    pub(crate) fn cancel(&mut self, key: FifoKey) -> Option<T> {
        let entry = self.entries.get_mut(key.slot as usize)?;
        if entry.generation != key.generation {
            return None;
        }
        let value = entry.value.take()?;
        let (prev, next) = (entry.prev, entry.next);
        // An entry whose generations are used up is never used again, so no key can come back.
        if entry.generation < u32::MAX {
            entry.generation += 1;
            entry.next = std::mem::replace(&mut self.free, key.slot);
        }
        match self.entries.get_mut(prev as usize) {
            Some(before) => before.next = next,
            None => self.first = next,
        }
        match self.entries.get_mut(next as usize) {
            Some(after) => after.prev = prev,
            None => self.last = prev,
        }
        self.len -= 1;
        Some(value)
    }

    /// The value of an armed timer.
    pub(crate) fn get_mut(&mut self, key: FifoKey) -> Option<&mut T> {
        let entry = self.entries.get_mut(key.slot as usize)?;
        if entry.generation == key.generation { entry.value.as_mut() } else { None }
    }

    /// The earliest deadline, exactly.
    #[inline]
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.entries.get(self.first as usize).map(|first| first.deadline)
    }

    /// Appends to `due` the value of every timer whose deadline is at most `now`, in order.
    pub(crate) fn expire(&mut self, now: u64, due: &mut Vec<T>) {
        while let Some(first) = self.entries.get(self.first as usize)
            && first.deadline <= now
        {
            let key = FifoKey { slot: self.first, generation: first.generation };
            due.extend(self.cancel(key));
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_timer_that_was_cancelled_leaves_nothing_behind() {
        let mut fifo = Fifo::new();
        for round in 0..1_000 {
            let key = fifo.push(round + 5, round);
            assert_eq!((fifo.next_deadline(), fifo.cancel(key)), (Some(round + 5), Some(round)));
            assert_eq!((fifo.cancel(key), fifo.get_mut(key)), (None, None));
        }
        assert_eq!((fifo.len(), fifo.next_deadline(), fifo.entries.len()), (0, None, 1));
    }

    #[test]
    fn a_key_never_comes_back() {
        let mut fifo = Fifo::new();
        let old = fifo.push(1, 'a');
        fifo.entries[0].generation = u32::MAX;
        let worn = FifoKey { generation: u32::MAX, ..old };
        assert_eq!(fifo.cancel(worn), Some('a'));
        assert_ne!(fifo.push(1, 'b').slot, old.slot);
        assert_eq!((fifo.cancel(worn), fifo.cancel(old)), (None, None));
    }

    proptest! {
        // W1: in order, never early, and each exactly once.
        #[test]
        fn timers_fire_as_a_sorted_list_says(
            steps in prop::collection::vec((0_u8..4, any::<prop::sample::Index>()), 1..200),
        ) {
            let (mut fifo, mut model, mut now) = (Fifo::new(), Vec::new(), 0_u64);
            for (number, (action, pick)) in steps.into_iter().enumerate() {
                match action {
                    0 | 1 => model.push((now + 50, number, fifo.push(now + 50, number))),
                    2 if !model.is_empty() => {
                        let (_, value, key) = model.remove(pick.index(model.len()));
                        prop_assert_eq!(fifo.cancel(key), Some(value));
                    }
                    _ => {
                        now += pick.index(40) as u64;
                        let mut due = Vec::new();
                        fifo.expire(now, &mut due);
                        let fired: Vec<_> =
                            model.extract_if(.., |(deadline, ..)| *deadline <= now).collect();
                        prop_assert_eq!(due, fired.iter().map(|timer| timer.1).collect::<Vec<_>>());
                    }
                }
                prop_assert_eq!(fifo.len(), model.len());
                prop_assert_eq!(fifo.next_deadline(), model.first().map(|timer| timer.0));
            }
        }
    }
}
