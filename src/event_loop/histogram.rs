//! `Histogram`: how often something was how large, in constant memory; pure.

use std::fmt;

/// Each power of two is cut into this many parts.
const PARTS: u64 = 8;
const PARTS_BITS: u32 = PARTS.ilog2();
const BUCKETS: usize = (64 - PARTS_BITS as usize + 1) * PARTS as usize;

/// How often values of which size were seen: exact below 16, above to within an eighth.
///
/// ```
/// use std::time::Duration;
/// use greenroom::{EventLoop, event_loop::Histogram, task};
///
/// let mut event_loop = EventLoop::builder().measured(true).build()?;
/// event_loop.run(async { for _ in 0..2_000 { task::yield_now().await; } });
/// let ready: Histogram = event_loop.stats().measured.unwrap().ready;
/// assert!(ready.count() >= 2 && ready.max() == 1 && ready.quantile(0.99) == 1);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Histogram {
    count: u64,
    sum: u64,
    max: u64,
    buckets: Box<[u64; BUCKETS]>,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self { count: 0, sum: 0, max: 0, buckets: Box::new([0; BUCKETS]) }
    }

    pub(crate) fn add(&mut self, value: u64) {
        self.count += 1;
        self.sum = self.sum.saturating_add(value);
        self.max = self.max.max(value);
        self.buckets[bucket(value)] += 1;
    }

    /// How many values there were.
    ///
    /// ```
    /// let mut event_loop = greenroom::EventLoop::builder().measured(true).build()?;
    /// event_loop.turn();
    /// assert_eq!(event_loop.stats().measured.unwrap().tick.count(), 1);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The largest value, exactly; 0 when there was none.
    ///
    /// ```
    /// let event_loop = greenroom::EventLoop::builder().measured(true).build()?;
    /// assert_eq!(event_loop.stats().measured.unwrap().tick.max(), 0);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub const fn max(&self) -> u64 {
        self.max
    }

    /// The mean, rounded down; 0 when there was no value.
    ///
    /// ```
    /// let mut event_loop = greenroom::EventLoop::builder().measured(true).build()?;
    /// event_loop.turn();
    /// let tick = event_loop.stats().measured.unwrap().tick;
    /// assert_eq!(tick.mean(), tick.max()); // there was only one
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn mean(&self) -> u64 {
        self.sum.checked_div(self.count).unwrap_or(0)
    }

    /// The value that this part of all values, from 0 to 1, did not exceed; at most an eighth too
    /// large. 0 when there was no value.
    ///
    /// ```
    /// let mut event_loop = greenroom::EventLoop::builder().measured(true).build()?;
    /// for _ in 0..10 { event_loop.turn(); }
    /// let tick = event_loop.stats().measured.unwrap().tick;
    /// assert!(tick.quantile(0.5) <= tick.quantile(0.9) && tick.quantile(1.0) == tick.max());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn quantile(&self, part: f64) -> u64 {
        let rank = (part.clamp(0.0, 1.0) * self.count as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return largest(bucket).min(self.max);
            }
        }
        self.max
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Histogram")
            .field("count", &self.count)
            .field("mean", &self.mean())
            .field("p50", &self.quantile(0.5))
            .field("p99", &self.quantile(0.99))
            .field("max", &self.max)
            .finish()
    }
}

const fn bucket(value: u64) -> usize {
    if value < PARTS {
        return value as usize;
    }
    let shift = value.ilog2() - PARTS_BITS;
    ((shift as u64 + 1) * PARTS + ((value >> shift) & (PARTS - 1))) as usize
}

/// The largest value that falls into a bucket.
const fn largest(bucket: usize) -> u64 {
    let (octave, part) = (bucket as u64 / PARTS, bucket as u64 % PARTS);
    if octave == 0 {
        return part;
    }
    let shift = octave - 1;
    ((PARTS + part) << shift) | ((1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_buckets_cover_everything_once() {
        assert_eq!((bucket(0), bucket(u64::MAX)), (0, BUCKETS - 1));
        for next in 1..BUCKETS {
            assert_eq!(bucket(largest(next - 1)), next - 1);
            assert_eq!(bucket(largest(next - 1) + 1), next);
        }
        assert_eq!(largest(BUCKETS - 1), u64::MAX);
    }

    #[test]
    fn an_empty_one_is_all_zero() {
        let empty = Histogram::new();
        assert_eq!((empty.count(), empty.max(), empty.mean(), empty.quantile(0.5)), (0, 0, 0, 0));
    }

    proptest! {
        #[test]
        fn quantiles_are_at_most_an_eighth_too_large(
            mut values in prop::collection::vec((0_u32..64, any::<u64>()), 1..200),
            part in 0.0_f64..=1.0,
        ) {
            let mut histogram = Histogram::new();
            let mut values: Vec<u64> =
                values.drain(..).map(|(shift, value)| value >> shift).collect();
            for value in &values {
                histogram.add(*value);
            }
            values.sort_unstable();
            let rank = ((part * values.len() as f64).ceil() as usize).max(1);
            let (exact, said) = (values[rank - 1], histogram.quantile(part));
            prop_assert!(exact <= said && said - exact <= exact / 8, "{exact} {said}");
            prop_assert_eq!(histogram.max(), values[values.len() - 1]);
            prop_assert_eq!(histogram.count(), values.len() as u64);
        }
    }
}
