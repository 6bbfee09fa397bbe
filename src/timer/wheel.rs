//! `Wheel<T>`: the hierarchical timer wheel, a pure structure whose clock is an argument.

use crate::timer::level::{Home, LEVELS, Level, NONE, Slot, digit, highest_digit, tick_of};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;

/// Names one timer. After it fired or was cancelled its key finds nothing, also when its place
/// holds another timer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct WheelKey {
    slot: u32,
    generation: u32,
}

/// Cancelled timers that the front may remember before it is swept.
const STALE_MIN: usize = 64;

/// Timers that carry a `T` each. All times are nanoseconds since one origin.
pub(crate) struct Wheel<T> {
    /// The tick of the latest `expire`. Every entry in a level or in the overflow is later.
    hand: u64,
    /// The number of the next arming.
    seq: u64,
    len: usize,
    free: u32,
    entries: Vec<Entry<T>>,
    levels: [Level; LEVELS],
    overflow: Slot,
    /// What is due in the hand's tick or was late when it was armed. Its top is never cancelled.
    front: BinaryHeap<Reverse<Due>>,
    /// How many in `front` were cancelled.
    front_stale: usize,
    /// Empty between calls; keeps its memory from one `expire` to the next.
    due: Vec<Due>,
}

struct Entry<T> {
    deadline: u64,
    seq: u64,
    /// `None` while the entry is free.
    value: Option<T>,
    /// Neighbours in the list of a slot; `next` also links the free entries.
    prev: u32,
    next: u32,
    generation: u32,
    home: Home,
}

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Entry<std::task::Waker>>() == 48, "the documented size");

/// The order in which timers fire, and which entry it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Due {
    deadline: u64,
    seq: u64,
    slot: u32,
}

impl Due {
    /// False when the timer was cancelled. No two timers have the same `seq`.
    fn is_armed<T>(&self, entries: &[Entry<T>]) -> bool {
        let entry = &entries[self.slot as usize];
        entry.seq == self.seq && entry.value.is_some()
    }
}

impl<T> Wheel<T> {
    /// An empty wheel whose hand is at 0. Allocates nothing.
    pub(crate) const fn new() -> Self {
        Self {
            hand: 0,
            seq: 0,
            len: 0,
            free: NONE,
            entries: Vec::new(),
            levels: [Level::EMPTY; LEVELS],
            overflow: Slot::EMPTY,
            front: BinaryHeap::new(),
            front_stale: 0,
            due: Vec::new(),
        }
    }

    /// Arms a timer. A deadline in the past is due at the next [`expire`](Self::expire).
    ///
    /// # Panics
    /// At 4,294,967,295 timers: their 200 GB are long gone by then.
    #[inline]
    pub(crate) fn insert(&mut self, deadline: u64, value: T) -> WheelKey {
        let seq = self.seq;
        self.seq += 1;
        self.len += 1;
        let slot = self.free;
        if let Some(entry) = self.entries.get_mut(slot as usize) {
            self.free = entry.next;
            entry.deadline = deadline;
            entry.seq = seq;
            entry.value = Some(value);
            let generation = entry.generation;
            self.place(slot);
            return WheelKey { slot, generation };
        }
        self.insert_grown(deadline, seq, value)
    }

    /// The rest of `insert` when no entry is free.
    #[cold]
    fn insert_grown(&mut self, deadline: u64, seq: u64, value: T) -> WheelKey {
        let slot = self.entries.len() as u32;
        assert!(self.entries.len() < NONE as usize, "a wheel holds at most {NONE} timers");
        self.entries.push(Entry {
            deadline,
            seq,
            value: Some(value),
            prev: NONE,
            next: NONE,
            generation: 1,
            home: Home::Front,
        });
        self.place(slot);
        WheelKey { slot, generation: 1 }
    }

    /// Disarms a timer and gives its value back. `None` if it fired or was cancelled before.
    #[inline]
    pub(crate) fn cancel(&mut self, key: WheelKey) -> Option<T> {
        let entry = self.find(key)?;
        let (home, prev, next) = (entry.home, entry.prev, entry.next);
        let value = self.release(key.slot);
        if home == Home::Front {
            self.front_stale += 1;
            self.trim_front();
            return value;
        }
        if let Some(after) = self.entries.get_mut(next as usize) {
            after.prev = prev;
        }
        if let Some(before) = self.entries.get_mut(prev as usize) {
            before.next = next;
            return value;
        }
        // It was the first of its list.
        match home {
            Home::Slot { level, digit } => self.levels[usize::from(level)].set_head(digit, next),
            _ if next == NONE => self.overflow = Slot::EMPTY,
            _ => self.overflow.head = next,
        }
        value
    }

    /// The value of an armed timer.
    pub(crate) fn get_mut(&mut self, key: WheelKey) -> Option<&mut T> {
        let entry = self.entries.get_mut(key.slot as usize)?;
        if entry.generation == key.generation { entry.value.as_mut() } else { None }
    }

    /// The deadline of an armed timer, as it was given to [`insert`](Self::insert).
    #[cfg(test)]
    pub(crate) fn deadline(&self, key: WheelKey) -> Option<u64> {
        self.find(key).map(|entry| entry.deadline)
    }

    /// When to call [`expire`](Self::expire) next; `None` when no timer is armed.
    ///
    /// This is the earliest deadline, to the nanosecond (it may be in the past), or a bound below
    /// it: when the earliest timer was cancelled and its slot holds others, its deadline stays as
    /// the bound, because looking for the new earliest could mean looking at all. Waiting for the
    /// bound is right and never spins: after `expire(now)` the answer is later than `now`, and
    /// after an `expire` at a bound that found nothing due it is exact. So a cancelled timer costs
    /// at most one wake for nothing, and without cancels the answer is always exact.
    #[inline]
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        if let Some(Reverse(first)) = self.front.peek() {
            return Some(first.deadline);
        }
        self.levels.iter().find_map(Level::bound).or_else(|| self.overflow.bound())
    }

    /// Appends to `due` the value of every timer whose deadline is at most `now`, in the order
    /// (deadline, arming), and turns the hand to `now`. A `now` before the hand turns nothing back.
    /// Gives the earliest of the deadlines.
    pub(crate) fn expire(&mut self, now: u64, due: &mut Vec<T>) -> Option<u64> {
        if tick_of(now) > self.hand {
            self.turn_hand(now);
        }
        while let Some(Reverse(first)) = self.front.peek()
            && first.deadline <= now
        {
            self.due.push(*first);
            self.front.pop();
            self.trim_front();
        }
        if self.due.is_empty() {
            return None;
        }
        self.due.sort_unstable();
        let first = self.due.first().map(|first| first.deadline);
        due.reserve(self.due.len());
        let mut batch = std::mem::take(&mut self.due);
        let mut previous = None;
        for timer in batch.drain(..) {
            debug_assert!(
                timer.deadline <= now && previous < Some(timer),
                "W1: at {now} {timer:?} fires after {previous:?}"
            );
            previous = Some(timer);
            due.extend(self.release(timer.slot));
        }
        self.due = batch;
        first
    }

    /// The number of armed timers.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    #[cfg(test)]
    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[inline]
    fn find(&self, key: WheelKey) -> Option<&Entry<T>> {
        let entry = self.entries.get(key.slot as usize)?;
        (entry.generation == key.generation && entry.value.is_some()).then_some(entry)
    }

    /// Takes the value out and frees the entry. The caller has taken it off its list.
    #[inline]
    fn release(&mut self, slot: u32) -> Option<T> {
        let entry = &mut self.entries[slot as usize];
        let value = entry.value.take();
        self.len -= 1;
        // An entry whose generations are used up is never used again, so no key can come back.
        if entry.generation < u32::MAX {
            entry.generation += 1;
            entry.next = std::mem::replace(&mut self.free, slot);
        }
        value
    }

    /// Puts an armed entry where it belongs as seen from the hand.
    #[inline]
    fn place(&mut self, slot: u32) {
        let entry = &mut self.entries[slot as usize];
        entry.home = Home::of(tick_of(entry.deadline), self.hand);
        let list = match entry.home {
            Home::Slot { level, digit } => self.levels[usize::from(level)].occupy(digit),
            Home::Overflow => &mut self.overflow,
            Home::Front => {
                let (deadline, seq) = (entry.deadline, entry.seq);
                self.front.push(Reverse(Due { deadline, seq, slot }));
                return;
            }
        };
        entry.prev = NONE;
        entry.next = list.push(slot, entry.deadline);
        let next = entry.next as usize;
        if let Some(after) = self.entries.get_mut(next) {
            after.prev = slot;
        }
    }

    /// Turns the hand to the tick of `now`, which is later: empties every slot that it leaves
    /// behind or enters, from the lowest level up, because what moves down lands below.
    fn turn_hand(&mut self, now: u64) {
        let tick = tick_of(now);
        let top = highest_digit(self.hand ^ tick);
        self.hand = tick;
        // The front was the tick that is over now.
        let Self { due, front, entries, .. } = self;
        due.extend(front.drain().map(|Reverse(timer)| timer).filter(|t| t.is_armed(entries)));
        self.front_stale = 0;
        for level in 0..LEVELS.min(top + 1) {
            let last = digit(if level < top { u64::MAX } else { tick }, level);
            while let Some(head) = self.levels[level].take_first(last) {
                self.move_down(head, now);
            }
        }
        if top >= LEVELS {
            let all = std::mem::replace(&mut self.overflow, Slot::EMPTY);
            self.move_down(all.head, now);
        }
    }

    /// Sorts the entries of an emptied list into those that are due and those that are placed
    /// again.
    fn move_down(&mut self, head: u32, now: u64) {
        let mut slot = head;
        while let Some(entry) = self.entries.get(slot as usize) {
            let next = entry.next;
            let (deadline, seq) = (entry.deadline, entry.seq);
            if deadline <= now {
                self.due.push(Due { deadline, seq, slot });
            } else {
                self.place(slot);
            }
            slot = next;
        }
    }

    /// Keeps the top of the front armed, and what was cancelled in it a minority.
    fn trim_front(&mut self) {
        let Self { front, front_stale, entries, .. } = self;
        while let Some(Reverse(first)) = front.peek()
            && !first.is_armed(entries)
        {
            front.pop();
            *front_stale -= 1;
        }
        if *front_stale > STALE_MIN.max(front.len() / 2) {
            front.retain(|Reverse(timer)| timer.is_armed(entries));
            *front_stale = 0;
        }
    }
}

#[cfg(test)]
impl<T> Wheel<T> {
    /// Room that the wheel keeps: entries, front, due.
    pub(crate) fn capacities(&self) -> [usize; 3] {
        [self.entries.capacity(), self.front.capacity(), self.due.capacity()]
    }

    /// Leaves the entry of an armed timer one last use.
    pub(crate) fn wear_out(&mut self, key: WheelKey) -> WheelKey {
        self.entries[key.slot as usize].generation = u32::MAX;
        WheelKey { generation: u32::MAX, ..key }
    }
}

impl<T> fmt::Debug for Wheel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wheel")
            .field("len", &self.len)
            .field("next_deadline", &self.next_deadline())
            .finish_non_exhaustive()
    }
}
