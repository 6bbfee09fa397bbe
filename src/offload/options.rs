//! The limits of a pool.

use std::num::NonZero;
use std::time::Duration;

/// The limits of a loop's thread pool; set by [`configure`](super::configure).
///
/// ```
/// use std::time::Duration;
/// use greenroom::offload::{self, OffloadOptions};
///
/// greenroom::run(async |_system| {
///     let options = OffloadOptions::default().threads_max(2).keep_alive(Duration::from_secs(1));
///     offload::configure(options);
///     assert_eq!(offload::offload(|| 1).await, Ok(1));
/// });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OffloadOptions {
    pub(crate) threads_max: usize,
    pub(crate) queue_max: usize,
    pub(crate) keep_alive: Duration,
    pub(crate) shutdown_limit: Duration,
}

impl OffloadOptions {
    /// How many threads there may be, at least 1; by default four for each core and at least 4.
    ///
    /// ```
    /// use greenroom::offload::{OffloadOptions, configure, offload};
    /// greenroom::run(async |_system| {
    ///     configure(OffloadOptions::default().threads_max(1));
    ///     let id = || std::thread::current().id();
    ///     let (one, two) = futures::join!(offload(id), offload(id));
    ///     assert_eq!(one, two, "there is only one thread");
    /// });
    /// ```
    #[must_use]
    pub const fn threads_max(mut self, threads: usize) -> Self {
        self.threads_max = if threads == 0 { 1 } else { threads };
        self
    }

    /// How many jobs may wait for a thread, at least 1, before callers wait themselves; 1,024 by
    /// default.
    ///
    /// ```
    /// use greenroom::offload::{OffloadOptions, configure, offload};
    /// greenroom::run(async |_system| {
    ///     configure(OffloadOptions::default().threads_max(1).queue_max(1));
    ///     let jobs = futures::join!(offload(|| 1), offload(|| 2), offload(|| 3));
    ///     assert_eq!(jobs, (Ok(1), Ok(2), Ok(3))); // some of them waited to be queued
    /// });
    /// ```
    #[must_use]
    pub const fn queue_max(mut self, jobs: usize) -> Self {
        self.queue_max = if jobs == 0 { 1 } else { jobs };
        self
    }

    /// How long a thread without a job stays; 10 s by default.
    ///
    /// ```
    /// use greenroom::offload::{OffloadOptions, configure, offload};
    /// greenroom::run(async |_system| {
    ///     configure(OffloadOptions::default().keep_alive(std::time::Duration::ZERO));
    ///     assert_eq!(offload(|| 42).await, Ok(42)); // and its thread ends
    /// });
    /// ```
    #[must_use]
    pub const fn keep_alive(mut self, keep_alive: Duration) -> Self {
        self.keep_alive = keep_alive;
        self
    }

    /// How long the end of the loop waits for jobs that are running; 5 s by default. Then it goes
    /// on without them and says how many there were.
    ///
    /// ```
    /// use greenroom::offload::{OffloadOptions, configure, offload};
    /// greenroom::run(async |_system| {
    ///     configure(OffloadOptions::default().shutdown_limit(std::time::Duration::from_secs(60)));
    ///     assert_eq!(offload(|| 42).await, Ok(42));
    /// });
    /// ```
    #[must_use]
    pub const fn shutdown_limit(mut self, limit: Duration) -> Self {
        self.shutdown_limit = limit;
        self
    }
}

impl Default for OffloadOptions {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            threads_max: (4 * cores).max(4),
            queue_max: 1_024,
            keep_alive: Duration::from_secs(10),
            shutdown_limit: Duration::from_secs(5),
        }
    }
}
