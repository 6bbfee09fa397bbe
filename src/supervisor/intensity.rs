//! At most so many restarts in so much time: the sliding window of a supervisor; pure.

use std::collections::VecDeque;

/// How many restarts a supervisor may give its children within a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Intensity {
    /// Restarts within one period; 0 refuses the first.
    pub(crate) max: u32,
    /// Length of the window in nanoseconds.
    pub(crate) period_ns: u64,
}

impl Intensity {
    /// Whether failures that each take so long to overcome can never be too many: even without a
    /// pause between them, the oldest is forgotten before there is one too many.
    pub(crate) fn is_out_of_reach(self, down_ns: u64) -> bool {
        u64::from(self.max).saturating_mul(down_ns) > self.period_ns
    }
}

impl Default for Intensity {
    /// 3 restarts in 5 s.
    fn default() -> Self {
        Self { max: 3, period_ns: 5_000_000_000 }
    }
}

/// The restarts of the last period. Time must not run backwards from call to call.
#[derive(Debug)]
pub(crate) struct Budget {
    intensity: Intensity,
    /// When restarts were admitted, oldest first; never more than `intensity.max` entries.
    spent: VecDeque<u64>,
}

impl Budget {
    pub(crate) fn new(intensity: Intensity) -> Self {
        Self { intensity, spent: VecDeque::new() }
    }

    /// Pays for one restart; `false` if the budget of the period that ends `now` is used up.
    ///
    /// A restart exactly one period old still counts.
    pub(crate) fn admit(&mut self, now: u64) -> bool {
        while let Some(&oldest) = self.spent.front() {
            if now.saturating_sub(oldest) <= self.intensity.period_ns {
                break;
            }
            self.spent.pop_front();
        }
        let admitted = self.spent() < self.intensity.max;
        if admitted {
            self.spent.push_back(now);
        }
        admitted
    }

    /// Restarts in the window of the last [`admit`](Self::admit).
    pub(crate) fn spent(&self) -> u32 {
        u32::try_from(self.spent.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn intensity(&self) -> Intensity {
        self.intensity
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Budget, Intensity};

    const SECOND: u64 = 1_000_000_000;

    fn admitted(max: u32, period_ns: u64, times: &[u64]) -> Vec<bool> {
        let mut budget = Budget::new(Intensity { max, period_ns });
        times.iter().map(|&now| budget.admit(now)).collect()
    }

    #[test]
    fn the_default_is_three_restarts_in_five_seconds() {
        assert_eq!(Intensity::default(), Intensity { max: 3, period_ns: 5 * SECOND });
    }

    #[test]
    fn an_entry_exactly_one_period_old_still_counts_and_one_nanosecond_later_does_not() {
        assert_eq!(admitted(1, SECOND, &[7, 7 + SECOND]), [true, false]);
        assert_eq!(admitted(1, SECOND, &[7, 7 + SECOND, 8 + SECOND]), [true, false, true]);
    }

    #[test]
    fn intensity_zero_refuses_the_first_restart() {
        assert_eq!(admitted(0, SECOND, &[0, 10 * SECOND]), [false, false]);
    }

    #[test]
    fn spaced_restarts_never_exhaust_the_budget() {
        let times: Vec<u64> = (0..100).map(|n| n * 2_100_000_000).collect();
        assert!(admitted(1, SECOND, &times).iter().all(|admitted| *admitted));
    }

    #[test]
    fn the_window_slides_instead_of_starting_anew() {
        // A window that starts anew at its first failure would admit the last two.
        let times = [0, 4 * SECOND, 4 * SECOND, 6 * SECOND, 6 * SECOND];
        assert_eq!(admitted(3, 5 * SECOND, &times), [true, true, true, true, false]);
    }

    // R3.13
    #[test]
    fn a_budget_is_out_of_reach_exactly_when_restarts_that_long_in_a_row_never_use_it_up() {
        for max in 0..5 {
            for down in 1..12_u64 {
                let intensity = Intensity { max, period_ns: 10 };
                let times: Vec<u64> = (0..20).map(|n| n * down).collect();
                let endless = admitted(max, 10, &times).iter().all(|admitted| *admitted);
                assert_eq!(intensity.is_out_of_reach(down), endless, "{max} restarts, {down}");
            }
        }
    }

    #[test]
    fn a_clock_at_its_end_does_not_overflow() {
        assert_eq!(admitted(1, u64::MAX, &[0, u64::MAX]), [true, false]);
    }

    proptest! {
        // S2: the budget agrees with a recount of everything that was ever admitted.
        #[test]
        fn the_window_equals_a_naive_recount(
            max in 0u32..6,
            period in 1u64..50,
            steps in prop::collection::vec(0u64..20, 0..80),
        ) {
            let mut budget = Budget::new(Intensity { max, period_ns: period });
            let (mut now, mut history) = (0, Vec::<u64>::new());
            for step in steps {
                now += step;
                let recent = history.iter().filter(|&&then| now - then <= period).count();
                let expected = recent < max as usize;
                prop_assert_eq!(budget.admit(now), expected);
                if expected {
                    history.push(now);
                }
                prop_assert!(budget.spent() <= max);
            }
        }
    }
}
