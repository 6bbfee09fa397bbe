//! What can become of a job that gave no output.

use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

/// A job gave no output; the variant says whether it may have run.
///
/// ```
/// use greenroom::process_pool::PoolError;
/// let full = PoolError::Full { limit: 100 };
/// assert!(full.never_ran());
/// assert!(full.to_string().starts_with("100 jobs wait already"));
/// ```
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// As many jobs wait as may. It never ran.
    #[error("{limit} jobs wait already: try later, or raise `PoolOptions::waiting_max`")]
    Full {
        /// How many may wait.
        limit: usize,
    },
    /// The pool is shut down. It never ran.
    #[error("the process pool is shut down; the job never ran")]
    Closed,
    /// There is no worker, and none can be started. It never ran.
    #[error("job `{job}` never ran, as no worker starts: {reason}")]
    NoWorker {
        /// The job.
        job: &'static str,
        /// Why the last attempt failed.
        reason: Arc<str>,
    },
    /// The pool was used on another loop than the one it was made on, or on none. It never ran.
    #[error("job `{job}` never ran: a process pool works on the loop on which it was made")]
    NoLoop {
        /// The job.
        job: &'static str,
    },
    /// What goes in cannot be sent. It never ran.
    #[error("job `{job}` never ran: its input cannot be sent: {reason}")]
    Input {
        /// The job.
        job: &'static str,
        /// What is the matter with it.
        reason: Arc<str>,
    },
    /// The worker has no such job, or its input has another form there. It never ran.
    #[error(
        "job `{job}` never ran: worker {worker} {reason}; both sides must be of one version, and \
         `Worker::job` must have been called for it"
    )]
    Unknown {
        /// The job.
        job: &'static str,
        /// The process that was asked.
        worker: u32,
        /// What it does not know.
        reason: Arc<str>,
    },
    /// It panicked. Its worker is replaced.
    #[error("job `{job}` panicked in worker {worker}: {text}")]
    Panicked {
        /// The job.
        job: &'static str,
        /// The process in which it ran.
        worker: u32,
        /// What the panic said.
        text: Arc<str>,
    },
    /// Its worker ended while it ran: killed, out of memory, by an `exit` or a crash of its own.
    /// How far it came is not known. The worker is replaced.
    #[error(
        "job `{job}` was lost: worker {worker} ended with {}",
        status.map_or_else(|| "an unknown status".to_owned(), |status| status.to_string())
    )]
    Crashed {
        /// The job.
        job: &'static str,
        /// The process in which it ran.
        worker: u32,
        /// How that ended, if it could be learned.
        status: Option<ExitStatus>,
    },
    /// It took longer than [allowed](super::PoolOptions::job_limit); its worker was killed and is
    /// replaced.
    #[error("job `{job}` took longer than {limit:?}; worker {worker} was killed")]
    TimedOut {
        /// The job.
        job: &'static str,
        /// The process in which it ran.
        worker: u32,
        /// How long it might have taken.
        limit: Duration,
    },
    /// It ran, but what it gave cannot be received. Its worker is replaced.
    #[error("job `{job}` ran in worker {worker}, but its output cannot be received: {reason}")]
    Output {
        /// The job.
        job: &'static str,
        /// The process in which it ran.
        worker: u32,
        /// What is the matter with it.
        reason: Arc<str>,
    },
}

impl PoolError {
    /// Whether it is certain that the job never ran, so that it can be tried again whatever it
    /// does.
    ///
    /// ```
    /// use greenroom::process_pool::PoolError;
    /// assert!(PoolError::Closed.never_ran());
    /// let lost = PoolError::Crashed { job: "pay", worker: 4_711, status: None };
    /// assert!(!lost.never_ran());
    /// ```
    #[must_use]
    pub const fn never_ran(&self) -> bool {
        match self {
            Self::Full { .. }
            | Self::Closed
            | Self::NoWorker { .. }
            | Self::NoLoop { .. }
            | Self::Input { .. }
            | Self::Unknown { .. } => true,
            Self::Panicked { .. }
            | Self::Crashed { .. }
            | Self::TimedOut { .. }
            | Self::Output { .. } => false,
        }
    }
}
