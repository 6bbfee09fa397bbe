//! `Backoff`: how long to wait before the next try of something that keeps failing; pure.

use std::time::Duration;

/// A delay before restarts that doubles from failure to failure.
///
/// The delay before the restart that follows the n-th failure in a row (n from 0) is `min · 2ⁿ`, at
/// most `max`, and then longer by a random share of up to `jitter`, so that many actors that failed
/// together do not come back together. The count starts anew once the child has run for
/// [`reset_after`](Self::reset_after) without a failure.
///
/// Without a back-off a supervisor restarts at once. With or without, every restart counts against
/// the supervisor's intensity, at the time when it is made.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use greenroom::supervisor::Backoff;
///
/// // 100 ms, 200 ms, 400 ms … 30 s, each up to a half longer; gives up after 20 failures in a row.
/// let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(30))
///     .jitter(0.5)
///     .reset_after(Duration::from_secs(60))
///     .max_restarts(20);
/// # let _ = backoff;
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    min_ns: u64,
    max_ns: u64,
    jitter: f64,
    pub(crate) reset_after_ns: u64,
    pub(crate) max_restarts: u32,
}

impl Backoff {
    /// Delays from `min` to `max`, with a jitter of 0.2, reset after `(min + max) / 2` without a
    /// failure, and no limit on the failures in a row.
    ///
    /// A `max` below `min` counts as `min`: then all delays are equal. A `min` of zero means no
    /// delay at all.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::supervisor::Backoff;
    ///
    /// let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
    /// # let _ = backoff;
    /// ```
    #[must_use]
    pub fn new(min: Duration, max: Duration) -> Self {
        let min_ns = nanoseconds(min);
        let max_ns = nanoseconds(max).max(min_ns);
        let reset_after_ns = min_ns + (max_ns - min_ns) / 2;
        Self { min_ns, max_ns, jitter: 0.2, reset_after_ns, max_restarts: u32::MAX }
    }

    /// The largest share by which a delay is made longer at random: 0.2 makes 10 s to 10–12 s.
    ///
    /// A share that is negative or no number counts as 0: then delays are exact.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::supervisor::Backoff;
    ///
    /// let exact = Backoff::new(Duration::from_secs(1), Duration::from_secs(60)).jitter(0.0);
    /// # let _ = exact;
    /// ```
    #[must_use]
    pub fn jitter(mut self, share: f64) -> Self {
        self.jitter = if share.is_finite() { share.max(0.0) } else { 0.0 };
        self
    }

    /// How long a child must have run, counted from the completed restart, for its failures to be
    /// forgotten.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::supervisor::Backoff;
    ///
    /// let patient = Backoff::new(Duration::from_secs(1), Duration::from_secs(60))
    ///     .reset_after(Duration::from_secs(600));
    /// # let _ = patient;
    /// ```
    #[must_use]
    pub fn reset_after(mut self, quiet: Duration) -> Self {
        self.reset_after_ns = nanoseconds(quiet);
        self
    }

    /// How many restarts in a row may fail before the supervisor gives up, with the reason
    /// [`RestartLimit`](crate::actor::ExitReason::RestartLimit).
    ///
    /// Use it where delays outgrow the period of the supervisor's intensity, which then never
    /// fills.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::supervisor::Backoff;
    ///
    /// let five = Backoff::new(Duration::from_secs(1), Duration::from_secs(60)).max_restarts(5);
    /// # let _ = five;
    /// ```
    #[must_use]
    pub fn max_restarts(mut self, failures: u32) -> Self {
        self.max_restarts = failures;
        self
    }

    /// Whether so many failures in a row are the end.
    pub(crate) const fn is_limited(&self) -> bool {
        self.max_restarts < u32::MAX
    }

    /// The delay after `failures` earlier ones in a row, in nanoseconds; `random` is in
    /// `0.0..=1.0`.
    pub(crate) fn delay(&self, failures: u32, random: f64) -> u64 {
        let doubled = match 1_u64.checked_shl(failures) {
            Some(factor) => self.min_ns.saturating_mul(factor),
            // So many doublings exceed any `max`; only of nothing do they make nothing.
            None if self.min_ns == 0 => 0,
            None => u64::MAX,
        };
        let base = doubled.min(self.max_ns);
        // Only the added share goes through a float, so that without jitter a delay is exact. The
        // conversion saturates.
        base.saturating_add((base as f64 * self.jitter * random.clamp(0.0, 1.0)) as u64)
    }
}

/// 584 years are long enough for any delay.
fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::Backoff;

    const SECOND: u64 = 1_000_000_000;

    fn one_to_ten_seconds() -> Backoff {
        Backoff::new(Duration::from_secs(1), Duration::from_secs(10)).jitter(0.0)
    }

    #[test]
    fn delays_double_up_to_the_maximum() {
        let backoff = one_to_ten_seconds();
        for (failures, expected) in [(0, 1), (1, 2), (2, 4), (3, 8), (4, 10), (5, 10)] {
            assert_eq!(backoff.delay(failures, 0.7), expected * SECOND);
        }
        for failures in [63, 64, u32::MAX] {
            assert_eq!(backoff.delay(failures, 0.0), 10 * SECOND);
        }
    }

    #[test]
    fn the_reset_time_is_half_way_between_the_delays_unless_said() {
        assert_eq!(one_to_ten_seconds().reset_after_ns, 5_500_000_000);
    }

    #[test]
    fn odd_settings_do_no_harm() {
        let backwards = Backoff::new(Duration::from_secs(9), Duration::from_secs(1)).jitter(0.0);
        assert_eq!(backwards.delay(3, 0.0), 9 * SECOND);
        let none = Backoff::new(Duration::ZERO, Duration::from_secs(1));
        assert_eq!((none.delay(0, 1.0), none.delay(64, 1.0)), (0, 0));
        let endless = Backoff::new(Duration::MAX, Duration::MAX).jitter(f64::MAX);
        assert_eq!(endless.delay(0, 1.0), u64::MAX);
        for jitter in [f64::NAN, f64::INFINITY, -1.0] {
            assert_eq!(one_to_ten_seconds().jitter(jitter).delay(0, 1.0), SECOND);
        }
        for random in [f64::NAN, -3.0] {
            assert_eq!(one_to_ten_seconds().jitter(0.5).delay(0, random), SECOND);
        }
    }

    proptest! {
        #[test]
        fn a_delay_lies_between_its_base_and_the_jitter_above(
            failures in 0u32..80,
            random in 0.0f64..=1.0,
        ) {
            let exact = one_to_ten_seconds().delay(failures, random);
            let jittered = one_to_ten_seconds().jitter(0.2).delay(failures, random);
            prop_assert!(exact <= jittered && jittered <= exact + exact / 5);
        }
    }
}
