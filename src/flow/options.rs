//! What a consumer says when it subscribes: how much it asks for, and what a producer's end means
//! to it; pure.

use crate::actor::ExitReason;

/// What the end of its producer means to a consumer.
///
/// | | producer ends `Normal`, `Shutdown` | producer crashes, is killed, was never there |
/// | --- | --- | --- |
/// | [`Permanent`](Self::Permanent) | consumer ends, same reason | consumer ends, same reason |
/// | [`Transient`](Self::Transient) | goes on | consumer ends, same reason |
/// | [`Temporary`](Self::Temporary) | goes on | goes on |
///
/// A restart of the producer is not its end: the consumer subscribes again and goes on.
///
/// ```
/// use greenroom::flow::Cancel;
/// assert_eq!(Cancel::default(), Cancel::Permanent);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Cancel {
    /// The consumer is of no use without this producer. The default.
    #[default]
    Permanent,
    /// The consumer has its own reasons to live, but does not survive a failure.
    Transient,
    /// The consumer goes on, whatever happens.
    Temporary,
}

impl Cancel {
    /// Whether the consumer ends too.
    pub(crate) fn ends_with(self, reason: &ExitReason) -> bool {
        match self {
            Self::Permanent => true,
            Self::Transient => reason.is_abnormal(),
            Self::Temporary => false,
        }
    }
}

/// How a consumer subscribes.
///
/// ```
/// use greenroom::flow::{Cancel, SubscribeOptions};
/// // One item at a time, and the producer may go.
/// let one = SubscribeOptions::new().max_demand(1).min_demand(0).cancel(Cancel::Temporary);
/// # let _ = one;
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SubscribeOptions {
    max: usize,
    min: Option<usize>,
    pub(crate) cancel: Cancel,
    pub(crate) partition: Option<usize>,
}

impl SubscribeOptions {
    /// Asks for 1,000 items and again when 500 are left; ends with the producer.
    ///
    /// ```
    /// use greenroom::flow::SubscribeOptions;
    /// assert_eq!(SubscribeOptions::new(), SubscribeOptions::default());
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self { max: 1_000, min: None, cancel: Cancel::Permanent, partition: None }
    }

    /// How many items it asks for when it subscribes, at least one: never are more than these on
    /// their way to it or waiting before it.
    ///
    /// ```
    /// use greenroom::flow::SubscribeOptions;
    /// let small = SubscribeOptions::new().max_demand(10);
    /// # let _ = small;
    /// ```
    #[must_use]
    pub const fn max_demand(mut self, items: usize) -> Self {
        self.max = if items == 0 { 1 } else { items };
        self
    }

    /// It asks again, up to the maximum, when no more than this are left; half of the maximum if
    /// nothing is said, and always less than it. So a batch has at most `max - min` items.
    ///
    /// ```
    /// use greenroom::flow::SubscribeOptions;
    /// let batches_of_20 = SubscribeOptions::new().max_demand(100).min_demand(80);
    /// # let _ = batches_of_20;
    /// ```
    #[must_use]
    pub const fn min_demand(mut self, items: usize) -> Self {
        self.min = Some(items);
        self
    }

    /// What the producer's end means; [`Cancel::Permanent`] by default.
    ///
    /// ```
    /// use greenroom::flow::{Cancel, SubscribeOptions};
    /// let survives = SubscribeOptions::new().cancel(Cancel::Temporary);
    /// # let _ = survives;
    /// ```
    #[must_use]
    pub const fn cancel(mut self, cancel: Cancel) -> Self {
        self.cancel = cancel;
        self
    }

    /// Which partition it wants of a producer that [partitions](super::Outlet::partition); the one
    /// with the fewest consumers if nothing is said, or if there is no such partition.
    ///
    /// ```
    /// use greenroom::flow::SubscribeOptions;
    /// let third = SubscribeOptions::new().partition(2);
    /// # let _ = third;
    /// ```
    #[must_use]
    pub const fn partition(mut self, partition: usize) -> Self {
        self.partition = Some(partition);
        self
    }

    pub(crate) fn window(&self) -> Window {
        let min = self.min.unwrap_or(self.max / 2).min(self.max - 1);
        Window { max: self.max, min, outstanding: 0, due: 0 }
    }
}

impl Default for SubscribeOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// The demand of one consumer towards one producer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Window {
    max: usize,
    /// Below `max`.
    min: usize,
    /// Asked for and not handled yet.
    outstanding: usize,
    /// Asked for and not received yet.
    due: usize,
}

impl Window {
    /// Begins, or begins again with a producer that has forgotten everything: how many to ask for.
    pub(crate) fn open(&mut self) -> usize {
        self.outstanding = self.outstanding.saturating_sub(self.due);
        self.due = 0;
        self.fill()
    }

    /// Takes note of what came; `false` when that is more than was asked for.
    #[must_use]
    pub(crate) fn receive(&mut self, items: usize) -> bool {
        let asked_for = items <= self.due;
        self.due = self.due.saturating_sub(items);
        asked_for
    }

    /// How many of the items that wait are to be handled at once.
    pub(crate) fn batch(&self, waiting: usize) -> usize {
        waiting.min(self.outstanding.saturating_sub(self.min).max(1))
    }

    /// Takes note of what was handled: how many to ask for now, 0 for not yet.
    pub(crate) fn handled(&mut self, items: usize) -> usize {
        self.outstanding = self.outstanding.saturating_sub(items);
        if self.outstanding <= self.min { self.fill() } else { 0 }
    }

    fn fill(&mut self) -> usize {
        let ask = self.max.saturating_sub(self.outstanding);
        self.outstanding += ask;
        self.due += ask;
        ask
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_consumer_ends_with_its_producer_in_three_of_six_cases() {
        let clean = [ExitReason::Normal, ExitReason::Shutdown];
        let table = [
            (Cancel::Permanent, true, true),
            (Cancel::Transient, false, true),
            (Cancel::Temporary, false, false),
        ];
        for (cancel, after_clean, after_abnormal) in table {
            for reason in &clean {
                assert_eq!(cancel.ends_with(reason), after_clean, "{cancel:?}");
            }
            for reason in [ExitReason::Killed, ExitReason::NoActor, ExitReason::RestartLimit] {
                assert_eq!(cancel.ends_with(&reason), after_abnormal, "{cancel:?} {reason:?}");
            }
        }
    }

    #[test]
    fn demand_is_asked_for_again_when_it_has_fallen_to_the_minimum() {
        /// Maximum, minimum, batches handled, what was asked for after each.
        type Line = (usize, Option<usize>, &'static [usize], &'static [usize]);
        let table: [Line; 5] = [
            (1_000, None, &[500, 500, 200, 300], &[500, 500, 0, 500]),
            (1, Some(0), &[1, 1], &[1, 1]),
            (1, Some(9), &[1, 1], &[1, 1]),
            (100, Some(80), &[20, 10, 10], &[20, 0, 20]),
            (100, Some(20), &[79, 1], &[0, 80]),
        ];
        for (max, min, batches, asks) in table {
            let options = SubscribeOptions { min, ..SubscribeOptions::new().max_demand(max) };
            let mut window = options.window();
            assert_eq!(window.open(), max);
            for (batch, ask) in batches.iter().zip(asks) {
                assert_eq!(window.batch(max), window.outstanding - window.min);
                assert_eq!(window.handled(*batch), *ask, "{max} {min:?} after {batch}");
            }
        }
    }

    proptest! {
        // F3: never more than the maximum is asked for, and never longer than the rest lasts.
        #[test]
        fn no_more_than_the_maximum_is_outstanding(
            max in 1..50_usize, min: Option<u8>, steps: Vec<(u8, u8)>,
        ) {
            let options = SubscribeOptions::new().max_demand(max);
            let options = SubscribeOptions { min: min.map(usize::from), ..options };
            let mut window = options.window();
            let (mut asked, mut received, mut handled) = (window.open(), 0, 0);
            for (come, restart) in steps {
                if restart > 250 {
                    // What was on its way is lost.
                    asked = received + window.open();
                } else {
                    let come = usize::from(come).min(asked - received);
                    received += come;
                    prop_assert!(window.receive(come));
                }
                while received > handled {
                    let batch = window.batch(received - handled);
                    prop_assert!(batch >= 1 && batch <= (window.max - window.min));
                    handled += batch;
                    asked += window.handled(batch);
                    prop_assert!(asked - handled <= max);
                    prop_assert!(asked - handled > window.min);
                }
            }
        }
    }
}
