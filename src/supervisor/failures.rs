//! The failures of one child: how many in a row, how long each kept it down; pure.

use crate::base::backoff::Backoff;

/// The failures of one child since it was last steady.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    in_a_row: u32,
    /// When the present run began; `None` from a failure to the next completed start.
    running_since: Option<u64>,
    /// When the last failure was, until the restart after it has come out.
    down_since: Option<u64>,
    /// The back-off that the error of the last run asked for.
    pub(super) asked: Option<Backoff>,
    /// Operators have been told that this child can fail for ever.
    pub(super) told_endless: bool,
}

impl Failures {
    /// The child has started.
    pub(crate) fn started(&mut self, now: u64) {
        self.running_since = Some(now);
    }

    /// The child failed, in its run or in its start, and is to be restarted.
    pub(crate) fn failed(&mut self, now: u64) {
        self.down_since = Some(now);
    }

    /// A start of the child has come out: how long it was down, if it failed before.
    pub(crate) fn came_out(&mut self, now: u64) -> Option<u64> {
        self.down_since.take().map(|since| now.saturating_sub(since))
    }

    /// How long to wait before the restart after a failure, in nanoseconds, or `None` if too many
    /// failed in a row.
    pub(crate) fn next_delay(&mut self, backoff: &Backoff, now: u64, random: f64) -> Option<u64> {
        if let Some(since) = self.running_since.take()
            && now.saturating_sub(since) >= backoff.reset_after_ns
        {
            self.in_a_row = 0;
        }
        if self.in_a_row >= backoff.max_restarts {
            return None;
        }
        let delay = backoff.delay(self.in_a_row, random);
        self.in_a_row = self.in_a_row.saturating_add(1);
        Some(delay)
    }

    pub(crate) fn in_a_row(&self) -> u32 {
        self.in_a_row
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Backoff, Failures};

    const SECOND: u64 = 1_000_000_000;

    fn one_to_ten_seconds() -> Backoff {
        Backoff::new(Duration::from_secs(1), Duration::from_secs(10)).jitter(0.0)
    }

    #[test]
    fn delays_grow_with_the_failures_in_a_row() {
        let backoff = one_to_ten_seconds();
        let mut failures = Failures::default();
        for expected in [1, 2, 4, 8, 10, 10] {
            failures.started(0);
            assert_eq!(failures.next_delay(&backoff, 0, 0.7), Some(expected * SECOND));
        }
    }

    #[test]
    fn failures_are_forgotten_after_a_quiet_time_counted_from_the_completed_restart() {
        let backoff = one_to_ten_seconds().reset_after(Duration::from_millis(100));
        for (ran_for, expected) in
            [(101_000_000, SECOND), (100_000_000, SECOND), (99_000_000, 2 * SECOND)]
        {
            let mut failures = Failures::default();
            assert_eq!(failures.next_delay(&backoff, 0, 0.0), Some(SECOND));
            failures.started(5 * SECOND);
            assert_eq!(failures.next_delay(&backoff, 5 * SECOND + ran_for, 0.0), Some(expected));
        }
    }

    #[test]
    fn a_long_wait_for_a_start_that_fails_is_no_quiet_time() {
        let backoff = one_to_ten_seconds().reset_after(Duration::from_millis(100));
        let mut failures = Failures::default();
        failures.started(0);
        assert_eq!(failures.next_delay(&backoff, 1, 0.0), Some(SECOND));
        assert_eq!(failures.next_delay(&backoff, 2 * SECOND, 0.0), Some(2 * SECOND));
        assert_eq!(failures.next_delay(&backoff, 5 * SECOND, 0.0), Some(4 * SECOND));
    }

    #[test]
    fn a_limit_on_failures_in_a_row_ends_the_restarts() {
        let backoff = one_to_ten_seconds().max_restarts(2);
        let mut failures = Failures::default();
        assert!(failures.next_delay(&backoff, 0, 0.0).is_some());
        assert!(failures.next_delay(&backoff, 0, 0.0).is_some());
        assert_eq!(failures.next_delay(&backoff, 0, 0.0), None);
    }

    #[test]
    fn the_time_down_is_counted_from_the_failure_and_once() {
        let mut failures = Failures::default();
        assert_eq!(failures.came_out(5), None);
        failures.failed(7);
        assert_eq!((failures.came_out(10), failures.came_out(11)), (Some(3), None));
    }
}
