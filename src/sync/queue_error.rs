//! Why a queue did not take an item, or gave none.

use std::fmt;

/// The queue was shut down before it took the item, which comes back.
///
/// ```
/// use greenroom::sync::{PutError, Queue};
/// greenroom::run(async |_system| {
///     let queue = Queue::fifo(1);
///     queue.shutdown();
///     assert_eq!(queue.put("late").await, Err(PutError("late")));
/// });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the queue is shut down and takes no more items")]
pub struct PutError<T>(pub T);

/// Why [`Queue::try_put`](super::Queue::try_put) did not take an item, which comes back.
///
/// ```
/// use greenroom::sync::{Queue, TryPutError};
/// let queue = Queue::fifo(1);
/// queue.try_put(1).unwrap();
/// assert_eq!(queue.try_put(2), Err(TryPutError::Full(2)));
/// queue.shutdown();
/// assert_eq!(queue.try_put(3), Err(TryPutError::ShutDown(3)));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TryPutError<T> {
    /// It holds as many items as it may, or others wait to put theirs.
    #[error("the queue is full; use `put` to wait for room, or make it with a larger capacity")]
    Full(T),
    /// It was shut down.
    #[error("the queue is shut down and takes no more items")]
    ShutDown(T),
}

impl<T> TryPutError<T> {
    /// The item.
    ///
    /// ```
    /// let queue = greenroom::sync::Queue::fifo(1);
    /// queue.try_put("one").unwrap();
    /// assert_eq!(queue.try_put("two").unwrap_err().into_inner(), "two");
    /// ```
    #[must_use]
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(item) | Self::ShutDown(item) => item,
        }
    }
}

/// The queue is shut down and nothing is left in it.
///
/// ```
/// use greenroom::sync::{GetError, Queue};
/// greenroom::run(async |_system| {
///     let queue = Queue::<u8>::fifo(1);
///     queue.shutdown();
///     assert_eq!(queue.get().await.unwrap_err(), GetError);
/// });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the queue is shut down and no item is left")]
pub struct GetError;

/// Why [`Queue::try_get`](super::Queue::try_get) gave nothing.
///
/// ```
/// use greenroom::sync::{Queue, TryGetError};
/// let queue = Queue::<u8>::fifo(1);
/// assert_eq!(queue.try_get().unwrap_err(), TryGetError::Empty);
/// queue.shutdown();
/// assert_eq!(queue.try_get().unwrap_err(), TryGetError::ShutDown);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TryGetError {
    /// There is no item, or what there is was promised to others who wait.
    #[error("the queue has no item to give; use `get` to wait for one")]
    Empty,
    /// It is shut down and nothing is left.
    #[error("the queue is shut down and no item is left")]
    ShutDown,
}

// Items need not be `Debug` for an error to be shown.
impl<T> fmt::Debug for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PutError(..)")
    }
}

impl<T> fmt::Debug for TryPutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::ShutDown(_) => "ShutDown(..)",
        })
    }
}
