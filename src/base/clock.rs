//! The machine's clock, read here and nowhere else.

use std::time::{Duration, Instant};

/// Monotonic nanoseconds since the clock was made.
///
/// A loop reads it once a turn, and once more when it has slept: that is the time of the turn. What
/// must count from this very moment reads it again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { origin: read() }
    }

    /// The origin moved on by `now`; the origin itself where no `Instant` can be that far off.
    pub(crate) fn instant(&self, now: u64) -> Instant {
        self.origin.checked_add(Duration::from_nanos(now)).unwrap_or(self.origin)
    }

    /// Nanoseconds since the origin; 584 years fit.
    pub(crate) fn now(&self) -> u64 {
        nanos(read().saturating_duration_since(self.origin))
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that may read the clock")]
fn read() -> Instant {
    Instant::now()
}

/// A duration as the loop counts it, cut off at the end of time instead of wrapping.
#[inline]
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_never_runs_backwards() {
        let clock = Clock::start();
        let first = clock.now();
        assert!(clock.now() >= first);
    }

    #[test]
    fn the_longest_duration_does_not_wrap() {
        assert_eq!(nanos(Duration::MAX), u64::MAX);
    }
}
