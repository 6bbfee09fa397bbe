//! `Timers<T>`: the wheel, and beside it the list for timers that all have the same delay.

use super::fifo::{Fifo, FifoKey};
use super::wheel::{Wheel, WheelKey};

/// All timers of one loop. All times are nanoseconds since one origin.
pub(crate) struct Timers<T> {
    wheel: Wheel<T>,
    fifo: Fifo<T>,
}

/// Names one timer. After it fired or was cancelled its key finds nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TimerKey {
    Wheel(WheelKey),
    Fifo(FifoKey),
}

impl<T> Timers<T> {
    pub(crate) const fn new() -> Self {
        Self { wheel: Wheel::new(), fifo: Fifo::new() }
    }

    /// Arms a timer.
    #[inline]
    pub(crate) fn insert(&mut self, deadline: u64, value: T) -> TimerKey {
        TimerKey::Wheel(self.wheel.insert(deadline, value))
    }

    /// Arms a timer that is due after every other that was armed in this way: it costs less.
    #[inline]
    pub(crate) fn insert_last(&mut self, deadline: u64, value: T) -> TimerKey {
        TimerKey::Fifo(self.fifo.push(deadline, value))
    }

    #[inline]
    pub(crate) fn cancel(&mut self, key: TimerKey) -> Option<T> {
        match key {
            TimerKey::Wheel(key) => self.wheel.cancel(key),
            TimerKey::Fifo(key) => self.fifo.cancel(key),
        }
    }

    /// The value of an armed timer.
    #[inline]
    pub(crate) fn get_mut(&mut self, key: TimerKey) -> Option<&mut T> {
        match key {
            TimerKey::Wheel(key) => self.wheel.get_mut(key),
            TimerKey::Fifo(key) => self.fifo.get_mut(key),
        }
    }

    /// When to call [`expire`](Self::expire) next: the earliest deadline or a bound below it.
    #[inline]
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        match (self.wheel.next_deadline(), self.fifo.next_deadline()) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Appends to `due` the value of every timer whose deadline is at most `now`: first those of
    /// the wheel, then the others, each in the order (deadline, arming). Gives the earliest of the
    /// deadlines.
    pub(crate) fn expire(&mut self, now: u64, due: &mut Vec<T>) -> Option<u64> {
        let mut first = None;
        while let Some(next) = self.fifo.next_deadline().filter(|next| *next <= now) {
            // Whatever is due before, or was set otherwise for the same moment, comes first.
            let before = self.wheel.expire(next, due);
            self.fifo.expire(next, due);
            first = first.or(before).or(Some(next));
        }
        let rest = self.wheel.expire(now, due);
        first.or(rest)
    }

    /// The number of armed timers.
    pub(crate) const fn len(&self) -> usize {
        self.wheel.len() + self.fifo.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn what_is_due_says_how_early_it_was_due_whatever_was_cancelled() {
        let mut timers = Timers::new();
        let cancelled = timers.insert(200 * MS, 0);
        timers.insert(250 * MS, 1);
        timers.cancel(cancelled);
        let mut due = Vec::new();
        assert_eq!(timers.expire(240 * MS, &mut due), None);
        assert_eq!(timers.expire(260 * MS, &mut due), Some(250 * MS));
        timers.insert(300 * MS, 2);
        timers.insert_last(290 * MS, 3);
        timers.insert_last(400 * MS, 4);
        assert_eq!(timers.expire(299 * MS, &mut due), Some(290 * MS));
        assert_eq!(timers.expire(500 * MS, &mut due), Some(300 * MS));
        assert_eq!((due, timers.expire(600 * MS, &mut Vec::new())), (vec![1, 3, 2, 4], None));
    }
}
