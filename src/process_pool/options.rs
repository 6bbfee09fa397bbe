//! The limits of a pool, and which program its workers are.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// The limits of a [`ProcessPool`](super::ProcessPool), and which program its workers are.
///
/// ```
/// use std::time::Duration;
/// use greenroom::process_pool::PoolOptions;
/// let options = PoolOptions::default().workers(2).job_limit(Duration::from_secs(30));
/// assert_eq!(options, PoolOptions::default().job_limit(Duration::from_secs(30)).workers(2));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use = "options do nothing until a pool is made with them"]
pub struct PoolOptions {
    pub(crate) workers: usize,
    pub(crate) program: Option<(PathBuf, Vec<OsString>)>,
    pub(crate) job_limit: Option<Duration>,
    pub(crate) jobs_per_worker: u64,
    pub(crate) waiting_max: usize,
    pub(crate) message_max: usize,
    pub(crate) start_limit: Duration,
    pub(crate) shutdown_limit: Duration,
}

impl PoolOptions {
    /// How many workers there may be, at least 1; by default one for each core.
    ///
    /// ```
    /// use greenroom::process_pool::PoolOptions;
    /// assert_eq!(PoolOptions::default().workers(0), PoolOptions::default().workers(1));
    /// ```
    pub const fn workers(mut self, workers: usize) -> Self {
        self.workers = if workers == 0 { 1 } else { workers };
        self
    }

    /// The program of the workers and its arguments, instead of this one started again; to these
    /// one more is added, first of all. It must call [`Worker::serve`](super::Worker::serve) or
    /// [`serve_if_worker`](super::Worker::serve_if_worker) before it does anything else.
    ///
    /// ```
    /// use greenroom::process_pool::PoolOptions;
    /// let options = PoolOptions::default().program("/usr/lib/shop/worker", ["--quiet"]);
    /// assert_ne!(options, PoolOptions::default());
    /// ```
    pub fn program(
        mut self,
        program: impl Into<PathBuf>,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Self {
        let arguments = arguments.into_iter().map(Into::into).collect();
        self.program = Some((program.into(), arguments));
        self
    }

    /// How long a job may run before its worker is killed; for ever by default.
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::process_pool::PoolOptions;
    /// let options = PoolOptions::default().job_limit(Duration::from_secs(30));
    /// assert_ne!(options, PoolOptions::default());
    /// ```
    pub const fn job_limit(mut self, limit: Duration) -> Self {
        self.job_limit = Some(limit);
        self
    }

    /// After how many jobs a worker is replaced, at least 1; never by default. For jobs that leak.
    ///
    /// ```
    /// use greenroom::process_pool::PoolOptions;
    /// let options = PoolOptions::default().jobs_per_worker(1_000);
    /// assert_ne!(options, PoolOptions::default());
    /// ```
    pub const fn jobs_per_worker(mut self, jobs: u64) -> Self {
        self.jobs_per_worker = if jobs == 0 { 1 } else { jobs };
        self
    }

    /// How many jobs may wait for a worker before more are refused. By default any number may:
    /// who asks for a job waits for it, and that is limit enough for most.
    ///
    /// ```
    /// use greenroom::process_pool::PoolOptions;
    /// let options = PoolOptions::default().waiting_max(100);
    /// assert_ne!(options, PoolOptions::default());
    /// ```
    pub const fn waiting_max(mut self, jobs: usize) -> Self {
        self.waiting_max = jobs;
        self
    }

    /// How many bytes the input and the output of a job may have; 64 MiB by default.
    ///
    /// ```
    /// use greenroom::process_pool::PoolOptions;
    /// let options = PoolOptions::default().message_max(1024 * 1024);
    /// assert_ne!(options, PoolOptions::default());
    /// ```
    pub const fn message_max(mut self, bytes: usize) -> Self {
        self.message_max = bytes;
        self
    }

    /// How long a worker may take from its start to its greeting; 10 s by default.
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::process_pool::PoolOptions;
    /// let options = PoolOptions::default().start_limit(Duration::from_secs(60));
    /// assert_ne!(options, PoolOptions::default());
    /// ```
    pub const fn start_limit(mut self, limit: Duration) -> Self {
        self.start_limit = limit;
        self
    }

    /// How long a shutdown waits for jobs that run; 5 s by default. Then their workers are killed.
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::process_pool::PoolOptions;
    /// let options = PoolOptions::default().shutdown_limit(Duration::from_secs(60));
    /// assert_ne!(options, PoolOptions::default());
    /// ```
    pub const fn shutdown_limit(mut self, limit: Duration) -> Self {
        self.shutdown_limit = limit;
        self
    }
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            workers: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            program: None,
            job_limit: None,
            jobs_per_worker: u64::MAX,
            waiting_max: usize::MAX,
            message_max: 64 * 1024 * 1024,
            start_limit: Duration::from_secs(10),
            shutdown_limit: Duration::from_secs(5),
        }
    }
}
