//! Limits that contradict themselves.

/// A limit was refused; nothing was changed.
///
/// ```
/// use greenroom::io::{LimitError, Reader};
/// let refused = Reader::with_limit(&b""[..], 0).unwrap_err();
/// assert_eq!(refused, LimitError::Zero);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// Nothing could ever be read.
    #[error("the limit must be at least 1 byte")]
    Zero,
    /// A writer that waits at the high mark would never come down to the low one in order.
    #[error("the low mark of {low} bytes is above the high mark of {high} bytes")]
    LowAboveHigh {
        /// The low mark.
        low: usize,
        /// The high mark.
        high: usize,
    },
    /// A writer would fail before it waits.
    #[error("the high mark of {high} bytes is above the maximum of {maximum} bytes")]
    HighAboveMaximum {
        /// The high mark.
        high: usize,
        /// The most that may be in the buffer.
        maximum: usize,
    },
}
