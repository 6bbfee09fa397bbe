//! For how long a connection has been silent while somebody waited for its peer.

use crate::reactor::readiness::Direction;

/// Times are nanoseconds of the loop.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Idle {
    /// Whether a read or a write waits for the peer.
    waiting: [bool; 2],
    /// When that began, or when the last bytes went.
    since: u64,
}

impl Idle {
    /// An operation found nothing to do. A peer is not to blame for the time before.
    pub(crate) const fn waits(mut self, direction: Direction, now: u64) -> Self {
        if !self.waiting[0] && !self.waiting[1] {
            self.since = now;
        }
        self.waiting[direction as usize] = true;
        self
    }

    /// Whoever waited in this direction gave up: its time counts no further.
    pub(crate) const fn given_up(mut self, direction: Direction) -> Self {
        self.waiting[direction as usize] = false;
        self
    }

    /// Bytes went in one direction.
    pub(crate) const fn moved(mut self, direction: Direction, now: u64) -> Self {
        self.waiting[direction as usize] = false;
        self.since = now;
        self
    }

    pub(crate) const fn is_waiting(self, direction: Direction) -> bool {
        self.waiting[direction as usize]
    }

    /// What is left of `limit`, while somebody waits; 0 when it is reached.
    pub(crate) const fn left(self, limit: u64, now: u64) -> u64 {
        limit.saturating_sub(now.saturating_sub(self.since))
    }
}

#[cfg(test)]
mod tests {
    use super::Direction::{Read, Write};
    use super::*;

    #[test]
    fn a_wait_that_was_given_up_counts_no_further() {
        let idle = Idle::default().waits(Read, 100);
        assert_eq!(idle.left(10, 120), 0);
        assert_eq!(idle.given_up(Read).waits(Read, 120).left(10, 121), 9);
        // The other direction waits on.
        let both = idle.waits(Write, 105);
        assert_eq!(both.given_up(Read).waits(Read, 120).left(10, 120), 0);
    }

    #[test]
    fn silence_counts_from_the_first_wait_or_the_last_bytes_in_either_direction() {
        enum Step {
            Waits(Direction),
            Moved(Direction),
        }
        use Step::{Moved, Waits};
        /// At which time something happens, and what is left of 10 after it.
        type Line = (u64, Step, u64);
        let table: [Line; 8] = [
            (100, Waits(Read), 10),
            (104, Waits(Read), 6),
            (105, Waits(Write), 5),
            (107, Moved(Write), 10),
            (110, Waits(Read), 7),
            (117, Waits(Read), 0),
            (120, Moved(Read), 10),
            (190, Waits(Write), 10),
        ];
        let mut idle = Idle::default();
        for (now, step, left) in table {
            idle = match step {
                Waits(direction) => idle.waits(direction, now),
                Moved(direction) => idle.moved(direction, now),
            };
            assert_eq!(idle.left(10, now), left, "at {now}");
        }
        assert!(idle.is_waiting(Write) && !idle.is_waiting(Read));
    }
}
