//! Why a writer takes nothing more, and what became of what it had.

use std::io;
use std::sync::Arc;
use std::time::Duration;

/// A writer takes no more bytes. All who use it are told the same.
///
/// Except with [`Closed`](Self::Closed), what had been pushed and was not written is lost, and how
/// much of the rest the other side has read is unknown.
///
/// ```
/// use greenroom::io::{WriteError, Writer};
/// greenroom::run(async |_system| {
///     let writer = Writer::new(Vec::new());
///     writer.close().await?;
///     let error = writer.push("late").unwrap_err();
///     assert!(matches!(error, WriteError::Closed));
///     assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::BrokenPipe);
///     Ok::<(), WriteError>(())
/// }).unwrap();
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// It was closed here. What was pushed before is written; nothing of this call is.
    #[error("the writer was closed; nothing is written after that")]
    Closed,
    /// It was aborted here.
    #[error("the writer was aborted; what was still in its buffer is lost")]
    Aborted,
    /// The other side reads too slowly, and nobody waited for it.
    #[error(
        "the other side reads too slowly: with {buffered} bytes there would be more than {maximum} \
         in the buffer; await `drain` between writes, or raise the maximum"
    )]
    TooSlow {
        /// How many bytes there would have been.
        buffered: usize,
        /// The most that may be in the buffer.
        maximum: usize,
    },
    /// The other side has taken nothing for a while.
    #[error("the other side took nothing for {limit:?} while {buffered} bytes waited for it")]
    Stalled {
        /// How long it was given.
        limit: Duration,
        /// How many bytes are lost.
        buffered: usize,
    },
    /// The stream failed.
    #[error("the stream failed: {0}")]
    Lost(#[source] Arc<io::Error>),
    /// The loop that wrote has ended, or writing panicked.
    #[error("the task that wrote to the stream is gone: its event loop has ended, or it panicked")]
    NoLoop,
}

impl From<WriteError> for io::Error {
    fn from(error: WriteError) -> Self {
        let kind = match &error {
            WriteError::Closed => io::ErrorKind::BrokenPipe,
            WriteError::Aborted => io::ErrorKind::ConnectionAborted,
            WriteError::TooSlow { .. } | WriteError::Stalled { .. } => io::ErrorKind::TimedOut,
            WriteError::Lost(error) => error.kind(),
            WriteError::NoLoop => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}
