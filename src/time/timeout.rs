//! `timeout(limit, future)`: a future with a limit.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;

use super::now;
use super::sleep::{Sleep, sleep, sleep_until};

/// Gives `future` until `limit` has passed since this call; or since the first poll, when it is
/// called where no loop runs.
///
/// A future that is ready when the limit is reached wins. At the limit the future is dropped, which
/// for most futures means cancelled.
///
/// # Errors
/// [`Elapsed`] at the limit; how far the future got is up to it.
///
/// # Cancel safety
/// As that of `future`.
///
/// ```
/// use std::time::Duration;
/// use greenroom::time;
/// greenroom::run(async |_system| {
///     let never = time::timeout(Duration::from_millis(1), std::future::pending::<()>()).await;
///     assert!(never.is_err());
///     assert_eq!(time::timeout(Duration::from_millis(1), async { 5 }).await, Ok(5));
/// });
/// ```
pub fn timeout<F: Future>(limit: Duration, future: F) -> Timeout<F> {
    Timeout { future, sleep: sleep(limit), limit }
}

/// A future that gives up at this moment; as [`timeout`] does after so long.
///
/// # Panics
/// When this thread runs no loop.
///
/// # Cancel safety
/// As that of the future.
///
/// ```
/// use std::time::Duration;
/// use greenroom::time::{now, sleep, timeout_at};
/// greenroom::test::run(async |_test| {
///     let soon = now() + Duration::from_secs(1);
///     assert!(timeout_at(soon, sleep(Duration::from_secs(2))).await.is_err());
/// });
/// ```
pub fn timeout_at<F: Future>(deadline: Instant, future: F) -> Timeout<F> {
    let limit = deadline.saturating_duration_since(now());
    Timeout { future, sleep: sleep_until(deadline), limit }
}

pin_project! {
    /// The future of [`timeout`].
    ///
    /// # Panics
    /// When it is polled on a thread that runs no loop and its future is not ready.
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::time::{self, Timeout};
    /// # greenroom::EventLoop::builder().virtual_clock(1).build()?.run(async {
    /// let limited: Timeout<_> = time::timeout(Duration::from_secs(1), async { 5 });
    /// assert_eq!(limited.await, Ok(5));
    /// # });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use = "a future does nothing unless it is awaited"]
    #[derive(Debug)]
    pub struct Timeout<F> {
        #[pin]
        future: F,
        sleep: Sleep,
        limit: Duration,
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(output) = this.future.poll(cx) {
            return Poll::Ready(Ok(output));
        }
        Pin::new(this.sleep).poll(cx).map(|()| Err(Elapsed(*this.limit)))
    }
}

/// The limit was reached before the future was done.
///
/// ```
/// use std::time::Duration;
/// use greenroom::time;
/// # greenroom::EventLoop::builder().virtual_clock(1).build()?.run(async {
/// let late = time::timeout(Duration::from_secs(1), std::future::pending::<()>()).await;
/// assert_eq!(late.unwrap_err().to_string(), "the time limit of 1s was reached");
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the time limit of {0:?} was reached")]
pub struct Elapsed(Duration);

impl Elapsed {
    pub(crate) const fn after(limit: Duration) -> Self {
        Self(limit)
    }

    /// The limit that was reached.
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::time;
    /// # greenroom::EventLoop::builder().virtual_clock(1).build()?.run(async {
    /// let limit = Duration::from_secs(1);
    /// let late = time::timeout(limit, std::future::pending::<()>()).await;
    /// assert_eq!(late.unwrap_err().limit(), limit);
    /// # });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub const fn limit(&self) -> Duration {
        self.0
    }
}
