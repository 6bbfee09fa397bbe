//! `Interval`: ticks at a fixed pace, and what happens to those that were missed.

use std::time::{Duration, Instant};

use super::{now, sleep_until};

/// Ticks every `period`; the first tick is at once.
///
/// # Panics
/// When `period` is zero, or on a thread that runs no loop.
///
/// ```
/// use std::time::Duration;
/// use greenroom::{EventLoop, time};
///
/// EventLoop::builder().virtual_clock(1).build()?.run(async {
///     let mut ticks = time::interval(Duration::from_secs(1));
///     let first = ticks.tick().await;
///     let third = {
///         ticks.tick().await;
///         ticks.tick().await
///     };
///     assert_eq!(third - first, Duration::from_secs(2));
/// });
/// # Ok::<(), std::io::Error>(())
/// ```
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    assert!(!period.is_zero(), "an interval needs a period longer than zero");
    Interval { period, next: now(), missed: MissedTicks::Skip }
}

/// What an [`Interval`] does about ticks that came due while nobody waited for them.
///
/// ```
/// use std::time::Duration;
/// use greenroom::{EventLoop, time::{self, MissedTicks}};
///
/// EventLoop::builder().virtual_clock(1).build()?.run(async {
///     let second = Duration::from_secs(1);
///     let mut ticks = time::interval(second).missed_ticks(MissedTicks::Skip);
///     let first = ticks.tick().await;
///     time::sleep(second * 5 / 2).await;
///     assert_eq!(ticks.tick().await - first, second);
///     assert_eq!(ticks.tick().await - first, second * 3);
/// });
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum MissedTicks {
    /// Forgets them and keeps the pace: the next tick is the next multiple of the period.
    #[default]
    Skip,
    /// Delivers them all, one after another, until it has caught up.
    CatchUp,
    /// Starts a new pace: the next tick is one period after this one was taken.
    Delay,
}

/// Ticks at a fixed pace; made by [`interval`].
///
/// ```
/// use std::time::Duration;
/// use greenroom::time::{self, Interval};
/// # greenroom::EventLoop::builder().virtual_clock(1).build()?.run(async {
/// let mut ticks: Interval = time::interval(Duration::from_secs(1));
/// let first = ticks.tick().await;
/// assert_eq!(ticks.tick().await - first, Duration::from_secs(1));
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Interval {
    period: Duration,
    next: Instant,
    missed: MissedTicks,
}

impl Interval {
    /// Chooses what happens to ticks that nobody waited for; [`MissedTicks::Skip`] by default.
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::time::{self, MissedTicks};
    /// # greenroom::EventLoop::builder().virtual_clock(1).build()?.run(async {
    /// let second = Duration::from_secs(1);
    /// let mut ticks = time::interval(second).missed_ticks(MissedTicks::CatchUp);
    /// let first = ticks.tick().await;
    /// time::sleep(second * 9).await;
    /// assert_eq!(ticks.tick().await - first, second); // the first of nine
    /// # });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub const fn missed_ticks(mut self, missed: MissedTicks) -> Self {
        self.missed = missed;
        self
    }

    /// Waits for the next tick and gives the time at which it was due.
    ///
    /// # Cancel safety
    /// Dropped while it waits, no tick is lost.
    ///
    /// # Panics
    /// When it is polled on a thread that runs no loop.
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::time;
    /// # greenroom::EventLoop::builder().virtual_clock(1).build()?.run(async {
    /// let begun = time::now();
    /// let mut ticks = time::interval(Duration::from_secs(1));
    /// assert_eq!(ticks.tick().await, begun);
    /// assert_eq!(ticks.tick().await, begun + Duration::from_secs(1));
    /// # });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub async fn tick(&mut self) -> Instant {
        sleep_until(self.next).await;
        let due = self.next;
        self.next = next_tick(due, self.period, now(), self.missed);
        due
    }
}

/// When the tick after `due` comes, if `due` was taken at `now`; far off, where no `Instant` is.
fn next_tick(due: Instant, period: Duration, now: Instant, missed: MissedTicks) -> Instant {
    let next = match missed {
        MissedTicks::CatchUp => due.checked_add(period),
        MissedTicks::Delay => now.checked_add(period),
        MissedTicks::Skip => {
            // The next multiple of the period after `now`.
            let late = now.saturating_duration_since(due).as_nanos();
            let into = late % period.as_nanos();
            let into = Duration::from_nanos(u64::try_from(into).unwrap_or(u64::MAX));
            period.checked_sub(into).and_then(|left| now.max(due).checked_add(left))
        }
    };
    next.unwrap_or_else(|| now + FAR_OFF)
}

/// Thirty years: a tick that is further off is as good as none.
const FAR_OFF: Duration = Duration::from_secs(30 * 365 * 24 * 3_600);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Clock;

    #[test]
    fn a_late_taker_gets_the_next_tick_as_the_policy_says() {
        let start = Clock::start().instant(0);
        let at = |ms| start + Duration::from_millis(ms);
        let period = Duration::from_millis(10);
        for (taken, missed, next) in [
            (0, MissedTicks::Skip, 10),
            (9, MissedTicks::Skip, 10),
            (10, MissedTicks::Skip, 20),
            (35, MissedTicks::Skip, 40),
            (35, MissedTicks::CatchUp, 10),
            (35, MissedTicks::Delay, 45),
        ] {
            assert_eq!(next_tick(at(0), period, at(taken), missed), at(next), "{missed:?} {taken}");
        }
    }
}
