//! Latencies in a fixed amount of memory: a log-linear histogram of nanoseconds.
//!
//! Every power of two is cut into 32 buckets of equal width, so a quantile is off by at most one
//! part in 64 (1.6 %), from one nanosecond to 584 years, in 15 KiB.

use std::fmt;
use std::time::Duration;

/// Bits of a value below its leading one that tell its bucket.
const PRECISION: u32 = 5;
const PER_OCTAVE: usize = 1 << PRECISION;
/// The exact values below 32, then 32 buckets for each leading bit from 5 to 63.
const BUCKETS: usize = PER_OCTAVE * (65 - PRECISION as usize);

/// Counts of durations, in buckets whose width grows with the value.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Histogram {
    counts: Box<[u64]>,
    total: u64,
    min: u64,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl Histogram {
    /// An empty histogram; it never grows.
    pub(crate) fn new() -> Self {
        Self { counts: vec![0; BUCKETS].into_boxed_slice(), total: 0, min: u64::MAX, max: 0 }
    }

    /// Counts one value in nanoseconds.
    pub(crate) fn record(&mut self, nanos: u64) {
        self.counts[bucket_of(nanos)] += 1;
        self.total += 1;
        self.min = self.min.min(nanos);
        self.max = self.max.max(nanos);
    }

    /// Counts one duration; anything above 584 years counts as 584 years.
    pub(crate) fn record_duration(&mut self, duration: Duration) {
        self.record(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Adds the counts of another histogram to this one.
    #[cfg(test)]
    pub(crate) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.total += other.total;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// How many values were counted.
    #[cfg(test)]
    pub(crate) fn count(&self) -> u64 {
        self.total
    }

    /// The value that at least `quantile` (0.0 to 1.0) of all values do not exceed, in
    /// nanoseconds, within 1.6 %; `None` when nothing was counted.
    pub(crate) fn quantile(&self, quantile: f64) -> Option<u64> {
        if self.total == 0 {
            return None;
        }
        let rank = rank_of(quantile, self.total);
        if rank == self.total {
            return Some(self.max);
        }
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                // The middle of the outermost buckets may lie outside what was recorded.
                return Some(middle_of(index).clamp(self.min, self.max));
            }
        }
        Some(self.max)
    }

    /// The median; zero when nothing was counted.
    pub(crate) fn p50(&self) -> Duration {
        Duration::from_nanos(self.quantile(0.50).unwrap_or(0))
    }

    /// The value that one in a hundred exceeds; zero when nothing was counted.
    pub(crate) fn p99(&self) -> Duration {
        Duration::from_nanos(self.quantile(0.99).unwrap_or(0))
    }

    /// The greatest value, exact; zero when nothing was counted.
    pub(crate) fn max(&self) -> Duration {
        Duration::from_nanos(self.max)
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Histogram({} values, p50 {}, p99 {}, max {})",
            self.total,
            human(self.p50()),
            human(self.p99()),
            human(self.max())
        )
    }
}

/// The rank (from 1) of the value that answers `quantile` among `total` sorted values.
fn rank_of(quantile: f64, total: u64) -> u64 {
    let rank = (quantile.clamp(0.0, 1.0) * total as f64).ceil() as u64;
    rank.clamp(1, total)
}

fn bucket_of(value: u64) -> usize {
    if value < PER_OCTAVE as u64 {
        return value as usize;
    }
    let shift = value.ilog2() - PRECISION;
    // The leading one is part of `value >> shift`, which is why it counts from 32.
    (shift as usize) * PER_OCTAVE + (value >> shift) as usize
}

fn middle_of(index: usize) -> u64 {
    if index < PER_OCTAVE {
        return index as u64;
    }
    let shift = index / PER_OCTAVE - 1;
    let low = ((index % PER_OCTAVE + PER_OCTAVE) as u64) << shift;
    low + ((1_u64 << shift) >> 1)
}

/// A duration as a person reads it: three significant digits and a unit.
pub(crate) fn human(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    // Each unit ends where three digits would round up to 1,000 of it.
    match nanos {
        0..1_000 => format!("{nanos} ns"),
        1_000..999_500 => scaled(nanos as f64 / 1e3, "µs"),
        999_500..999_500_000 => scaled(nanos as f64 / 1e6, "ms"),
        999_500_000..60_000_000_000 => scaled(nanos as f64 / 1e9, "s"),
        _ => {
            let seconds = duration.as_secs();
            if seconds < 3_600 {
                format!("{} min {:02} s", seconds / 60, seconds % 60)
            } else {
                format!("{} h {:02} min", seconds / 3_600, seconds / 60 % 60)
            }
        }
    }
}

fn scaled(value: f64, unit: &str) -> String {
    // The limits are where rounding would add a digit.
    let digits = match value {
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn filled(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::new();
        values.iter().for_each(|value| histogram.record(*value));
        histogram
    }

    #[test]
    fn an_empty_histogram_answers_nothing() {
        let empty = Histogram::new();
        assert_eq!(empty.count(), 0);
        assert_eq!(empty.quantile(0.5), None);
        assert_eq!((empty.p50(), empty.p99(), empty.max()), Default::default());
    }

    #[test]
    fn values_below_32_are_exact() {
        let histogram = filled(&(0..32).collect::<Vec<_>>());
        assert_eq!(histogram.quantile(0.0), Some(0));
        assert_eq!(histogram.quantile(0.5), Some(15));
        assert_eq!(histogram.quantile(1.0), Some(31));
    }

    #[test]
    fn the_ends_of_the_range_have_a_bucket() {
        assert_eq!(bucket_of(0), 0);
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
        assert_eq!(filled(&[u64::MAX]).max(), Duration::from_nanos(u64::MAX));
        let mut histogram = Histogram::new();
        histogram.record_duration(Duration::MAX);
        assert_eq!(histogram.quantile(0.5), Some(u64::MAX));
    }

    #[test]
    fn every_bucket_holds_its_own_middle_and_follows_the_one_before() {
        for index in 0..BUCKETS {
            assert_eq!(bucket_of(middle_of(index)), index);
            assert!(index == 0 || middle_of(index - 1) < middle_of(index));
        }
    }

    #[test]
    fn durations_read_as_people_write_them() {
        let table: &[(u64, &str)] = &[
            (0, "0 ns"),
            (999, "999 ns"),
            (1_000, "1.00 µs"),
            (9_994, "9.99 µs"),
            (9_996, "10.0 µs"),
            (99_960, "100 µs"),
            (999_499, "999 µs"),
            (999_500, "1.00 ms"),
            (1_234_567, "1.23 ms"),
            (12_345_678, "12.3 ms"),
            (999_600_000, "1.00 s"),
            (59_900_000_000, "59.9 s"),
            (61_000_000_000, "1 min 01 s"),
            (3_600_000_000_000, "1 h 00 min"),
        ];
        for (nanos, text) in table {
            assert_eq!(human(Duration::from_nanos(*nanos)), *text, "{nanos} ns");
        }
    }

    /// Values of every magnitude, not only the large ones that a uniform choice would give.
    fn latency() -> impl Strategy<Value = u64> {
        (any::<u64>(), 0_u32..64).prop_map(|(value, shift)| value >> shift)
    }

    proptest! {
        #[test]
        fn quantiles_are_within_3_percent_of_the_sorted_values(
            mut values in prop::collection::vec(latency(), 1..300),
            quantile in 0.0_f64..=1.0,
        ) {
            let histogram = filled(&values);
            values.sort_unstable();
            for q in [0.0, quantile, 0.5, 0.99, 1.0] {
                let exact = values[rank_of(q, values.len() as u64) as usize - 1];
                let told = histogram.quantile(q).expect("not empty");
                prop_assert!(
                    told.abs_diff(exact) as f64 <= exact as f64 * 0.03,
                    "q {q}: told {told}, exact {exact}"
                );
            }
            prop_assert_eq!(histogram.max().as_nanos() as u64, values[values.len() - 1]);
            prop_assert_eq!(histogram.count(), values.len() as u64);
        }

        #[test]
        fn merged_histograms_equal_one_that_saw_everything(
            left in prop::collection::vec(latency(), 0..100),
            right in prop::collection::vec(latency(), 0..100),
        ) {
            let mut merged = filled(&left);
            merged.merge(&filled(&right));
            prop_assert!(merged == filled(&[left, right].concat()));
        }
    }
}
