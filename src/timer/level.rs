//! One level of the wheel: 64 slots, and a bitmap that finds the first one in use.

/// A tick is 2^20 ns, about a millisecond.
const TICK_BITS: u32 = 20;
/// A level has 2^6 slots, a bit of a `u64` for each.
const DIGIT_BITS: u32 = 6;
const SLOTS: usize = 1 << DIGIT_BITS;
/// Six levels reach 2^36 ticks, 2.3 years.
pub(crate) const LEVELS: usize = 6;

/// "No entry", where an index of an entry is expected.
pub(crate) const NONE: u32 = u32::MAX;

/// Where an entry stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Home {
    /// In the tick that the hand is in, or late.
    Front,
    Slot {
        level: u8,
        digit: u8,
    },
    Overflow,
}

impl Home {
    /// Where an entry of `tick` belongs while the hand is in tick `hand`.
    pub(crate) fn of(tick: u64, hand: u64) -> Self {
        if tick <= hand {
            return Self::Front;
        }
        match highest_digit(tick ^ hand) {
            level if level < LEVELS => {
                Self::Slot { level: level as u8, digit: digit(tick, level) as u8 }
            }
            _ => Self::Overflow,
        }
    }
}

/// The tick that contains `nanos`.
pub(crate) const fn tick_of(nanos: u64) -> u64 {
    nanos >> TICK_BITS
}

/// The place, counted from the lowest, of the highest digit in base 64 that is not zero.
pub(crate) const fn highest_digit(difference: u64) -> usize {
    // With the lowest bit set there is always a highest one, and the answer for 0 is 0.
    ((difference | 1).ilog2() / DIGIT_BITS) as usize
}

/// The digit of `tick` that says which slot of `level` it belongs to.
pub(crate) const fn digit(tick: u64, level: usize) -> u32 {
    (tick >> (level as u32 * DIGIT_BITS)) as u32 % SLOTS as u32
}

/// A list of entries in no order: its first index and a bound on its deadlines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    pub(crate) head: u32,
    /// No entry is due before this. It is the earliest deadline, or one that was cancelled.
    pub(crate) earliest: u64,
}

impl Slot {
    pub(crate) const EMPTY: Self = Self { head: NONE, earliest: u64::MAX };

    /// Makes `index` the head and returns the head before it.
    #[inline]
    pub(crate) fn push(&mut self, index: u32, deadline: u64) -> u32 {
        self.earliest = self.earliest.min(deadline);
        std::mem::replace(&mut self.head, index)
    }

    /// The bound, if there is an entry.
    pub(crate) fn bound(&self) -> Option<u64> {
        (self.head != NONE).then_some(self.earliest)
    }
}

/// 64 slots. Bit `n` of `occupied` is set when slot `n` holds an entry.
#[derive(Debug)]
pub(crate) struct Level {
    occupied: u64,
    slots: [Slot; SLOTS],
}

impl Level {
    pub(crate) const EMPTY: Self = Self { occupied: 0, slots: [Slot::EMPTY; SLOTS] };

    /// The slot that an entry is about to be put into.
    #[inline]
    pub(crate) fn occupy(&mut self, digit: u8) -> &mut Slot {
        self.occupied |= 1 << digit;
        &mut self.slots[usize::from(digit) % SLOTS]
    }

    /// Replaces the head of a slot whose first entry was cancelled.
    #[inline]
    pub(crate) fn set_head(&mut self, digit: u8, head: u32) {
        let slot = &mut self.slots[usize::from(digit) % SLOTS];
        slot.head = head;
        if head == NONE {
            *slot = Slot::EMPTY;
            self.occupied &= !(1 << digit);
        }
    }

    /// The bound of the first slot in use. The hand's digit is below that of every slot in use,
    /// so the lowest digit is the earliest.
    pub(crate) fn bound(&self) -> Option<u64> {
        let first = self.occupied.trailing_zeros() as usize;
        self.slots.get(first).map(|slot| slot.earliest)
    }

    /// Empties the first slot in use whose digit is at most `last`, and returns its list.
    pub(crate) fn take_first(&mut self, last: u32) -> Option<u32> {
        let first = self.occupied.trailing_zeros();
        if first > last {
            return None;
        }
        let slot = self.slots.get_mut(first as usize)?;
        self.occupied &= !(1 << first);
        Some(std::mem::replace(slot, Slot::EMPTY).head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_belongs_to_the_level_of_the_highest_digit_that_differs() {
        let slot = |level, digit| Home::Slot { level, digit };
        let table = [
            (0, 0, Home::Front),
            (5, 9, Home::Front),
            (1, 0, slot(0, 1)),
            (63, 0, slot(0, 63)),
            (64, 0, slot(1, 1)),
            (64, 63, slot(1, 1)),
            (65, 64, slot(0, 1)),
            (4_095, 0, slot(1, 63)),
            (4_096, 4_095, slot(2, 1)),
            ((1 << 36) - 1, 0, slot(5, 63)),
            (1 << 36, 0, Home::Overflow),
            (1 << 36, (1 << 36) - 1, Home::Overflow),
            ((1 << 36) + 1, 1 << 36, slot(0, 1)),
            (tick_of(u64::MAX), 0, Home::Overflow),
        ];
        for (tick, hand, home) in table {
            assert_eq!(Home::of(tick, hand), home, "tick {tick}, hand {hand}");
        }
    }

    #[test]
    fn a_level_gives_its_slots_in_order_up_to_a_digit() {
        let mut level = Level::EMPTY;
        assert_eq!((level.bound(), level.take_first(63)), (None, None));
        for (index, digit) in [(0, 63), (1, 7), (2, 20)] {
            assert_eq!(level.occupy(digit).push(index, u64::from(digit) * 10), NONE);
        }
        assert_eq!(level.bound(), Some(70));
        assert_eq!(level.take_first(20), Some(1));
        assert_eq!(level.take_first(20), Some(2));
        assert_eq!(level.take_first(20), None);
        assert_eq!(level.bound(), Some(630));
        level.set_head(63, NONE);
        assert_eq!((level.bound(), level.take_first(63)), (None, None));
    }
}
