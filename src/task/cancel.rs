//! Cancelling a task so that it can clean up: what hears of a request, and what becomes of it.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::request::{self, Scope};

/// Runs a future until it is done, or until this task is [asked to
/// cancel](super::JoinHandle::cancel): then the future is dropped, and what comes after this line
/// may clean up, also by awaiting.
///
/// The one that was entered last hears first; in a `join!` that is the last of those side by side,
/// and the others hear when it has passed the request on. One that was begun and is not polled any
/// more is still the one to hear: drop what is not awaited further. A request that is not passed
/// on, by [`Cancelled::resume`], is swallowed: the task goes on and what it gives counts. This is
/// asyncio's `try: … except CancelledError: …`.
///
/// # Errors
/// [`Cancelled`] when the request came first; the future is gone.
///
/// # Cancel safety
/// As the future's own: it is dropped.
///
/// ```
/// use std::time::Duration;
/// use greenroom::task;
/// use greenroom::time::sleep;
///
/// greenroom::test::run(async |test| {
///     let task = task::spawn(async {
///         match task::cancellable(sleep(Duration::from_secs(60))).await {
///             Ok(()) => "slept",
///             Err(_) => {
///                 sleep(Duration::from_secs(1)).await; // says goodbye
///                 "cleaned up"
///             }
///         }
///     });
///     test.settle().await;
///     task.cancel();
///     assert_eq!(task.await, Ok("cleaned up"));
///     assert_eq!(test.now(), Duration::from_secs(1));
/// });
/// ```
pub fn cancellable<F: Future>(future: F) -> Cancellable<F> {
    Cancellable { future: Some(future), scope: Scope::default() }
}

pin_project! {
    /// A future that hears when its task is asked to cancel; made by [`cancellable`].
    ///
    /// # Panics
    /// When it is polled after it was done.
    ///
    /// ```
    /// use greenroom::task::{Cancellable, cancellable};
    /// greenroom::run(async |_system| {
    ///     let six: Cancellable<_> = cancellable(std::future::ready(6));
    ///     assert_eq!(six.await, Ok(6));
    /// });
    /// ```
    #[must_use = "a future does nothing unless it is awaited"]
    pub struct Cancellable<F> {
        #[pin]
        future: Option<F>,
        scope: Scope,
    }
}

impl<F: Future> Future for Cancellable<F> {
    type Output = Result<F::Output, Cancelled>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        this.scope.enter(cx.waker());
        if !this.scope.take() {
            let future = this.future.as_mut().as_pin_mut();
            let future = future.expect("a cancellable future was polled after it was done");
            if let Poll::Ready(output) = this.scope.within(|| future.poll(cx)) {
                this.future.set(None);
                this.scope.leave();
                return Poll::Ready(Ok(output));
            }
            // It may have asked for this itself.
            if !this.scope.take() {
                return Poll::Pending;
            }
        }
        this.future.set(None);
        this.scope.leave();
        Poll::Ready(Err(Cancelled(())))
    }
}

impl<F> fmt::Debug for Cancellable<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancellable").field("done", &self.future.is_none()).finish_non_exhaustive()
    }
}

/// This task was asked to cancel, and whoever holds this has heard of it.
///
/// ```
/// use greenroom::task::{self, JoinError};
/// greenroom::test::run(async |test| {
///     let task = task::spawn(async {
///         if let Err(cancelled) = task::cancellable(std::future::pending::<()>()).await {
///             assert_eq!(task::cancelling(), 1);
///             cancelled.resume::<()>().await;
///         }
///     });
///     test.settle().await;
///     task.cancel();
///     assert_eq!(task.await, Err(JoinError::Cancelled));
/// });
/// ```
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the task was asked to cancel")]
pub struct Cancelled(());

impl Cancelled {
    /// Passes the request on, to whatever is around: the next [`cancellable`], group or deadline,
    /// and in the end the task, which is cancelled then. Nothing after this line runs. In an actor,
    /// and in `main`, there is no task around: pass on only what a group or a deadline around it
    /// will hear.
    ///
    /// # Cancel safety
    /// It never ends: what awaits it is dropped.
    ///
    /// ```
    /// use greenroom::task::{self, JoinError};
    /// greenroom::test::run(async |test| {
    ///     let task = task::spawn(async {
    ///         let inner = task::cancellable(std::future::pending::<u32>());
    ///         match inner.await { Ok(n) => n, Err(cancelled) => cancelled.resume().await }
    ///     });
    ///     test.settle().await;
    ///     task.cancel();
    ///     assert_eq!(task.await, Err(JoinError::Cancelled));
    /// });
    /// ```
    pub async fn resume<T>(self) -> T {
        if let Some((requests, core, task)) = request::of_whatever_runs() {
            requests.raise(&core, task);
        }
        std::future::pending().await
    }
}

/// Asks the task that runs now to cancel, as [`JoinHandle::cancel`](super::JoinHandle::cancel)
/// does: it acts where the task next waits. A task that gives its value without waiting again has
/// given it. Outside a task it asks for nothing.
///
/// ```
/// use greenroom::task::{self, JoinError};
/// greenroom::test::run(async |_test| {
///     let task = task::spawn(async {
///         task::cancel_current();
///         task::yield_now().await;
///         unreachable!("it waited");
///     });
///     assert_eq!(task.await, Err::<(), _>(JoinError::Cancelled));
/// });
/// ```
pub fn cancel_current() {
    if let Some((requests, core, task)) = request::of_running() {
        requests.add(&core, task);
    }
}

/// How many requests to cancel the task that runs now has had, less those [taken
/// back](uncancel); 0 outside a task.
///
/// ```
/// greenroom::test::run(async |_test| {
///     assert_eq!(greenroom::task::cancelling(), 0);
/// });
/// ```
#[must_use]
pub fn cancelling() -> u32 {
    request::of_running().map_or(0, |(requests, ..)| requests.count())
}

/// Takes one request to cancel the task that runs now back, and tells how many are left. When none
/// is, one that nobody has heard of yet has no effect any more.
///
/// ```
/// use greenroom::task;
/// greenroom::test::run(async |_test| {
///     let task = task::spawn(async {
///         task::cancel_current();
///         assert_eq!(task::uncancel(), 0);
///         task::yield_now().await;
///         "went on"
///     });
///     assert_eq!(task.await, Ok("went on"));
/// });
/// ```
pub fn uncancel() -> u32 {
    request::of_running().map_or(0, |(requests, ..)| requests.take_back())
}
