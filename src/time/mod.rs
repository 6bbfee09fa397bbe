//! Waiting for time to pass: [`sleep`], [`interval`], [`timeout`]; and calling something at a time:
//! [`after`], [`at`].
//!
//! Time is the loop's own: monotonic, and virtual when the loop was built so. A turn of the loop
//! reads it once, and what is due by then fires; [`now`] and a [`sleep`] that is made read it anew.
//! A timer never fires early; it fires at most about a millisecond late on an idle loop, as the
//! kernel counts its waits in milliseconds. Timers with one deadline fire in the order in which
//! they were first polled. Dropping any future of this module takes its timer out again and costs a
//! few nanoseconds.

mod callback;
mod interval;
mod sleep;
mod timeout;

use std::time::Instant;

pub use callback::{Timer, after, at};
pub use interval::{Interval, MissedTicks, interval};
pub use sleep::{Sleep, sleep, sleep_until};
pub use timeout::{Elapsed, Timeout, timeout, timeout_at};

use crate::event_loop::current;

/// The time of the loop's clock: the machine's, or virtual.
///
/// # Panics
/// When this thread runs no loop.
///
/// ```
/// greenroom::run(async |_system| {
///     let before = greenroom::time::now();
///     assert!(greenroom::time::now() >= before);
/// });
/// ```
#[must_use]
#[track_caller]
pub fn now() -> Instant {
    let core = current::expect("greenroom::time::now");
    core.driver.instant(core.driver.now())
}
