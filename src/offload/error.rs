//! What can become of a job that gave no result.

use std::sync::Arc;

/// An offloaded job gave no result; the variant says whether it ran.
///
/// ```
/// use greenroom::offload::{OffloadError, offload};
/// greenroom::run(async |_system| {
///     let outcome = offload(|| panic!("too hard")).await;
///     assert_eq!(outcome, Err::<(), _>(OffloadError::Panicked("too hard".into())));
/// });
/// ```
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OffloadError {
    /// The job ran and panicked, with this text. Its thread lives on.
    #[error("the offloaded job panicked: {0}")]
    Panicked(Arc<str>),
    /// The pool was shut down before the job began: it never ran.
    #[error("the offloaded job never ran: its pool was shut down")]
    Closed,
    /// The system gave the pool no thread at all: the job never ran.
    #[error("the offloaded job never ran: no thread could be started ({0})")]
    NoThread(Arc<str>),
    /// The future was first polled on a thread that runs no loop: the job never ran.
    #[error("the offloaded job never ran: no Greenroom loop runs on this thread")]
    NoLoop,
}
