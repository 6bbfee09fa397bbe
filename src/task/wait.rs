//! `wait` and `wait_for`: waiting for tasks without using their handles up, and with a limit.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use super::join::{JoinError, JoinHandle};
use crate::time::sleep;

/// When a [`wait`] is over.
///
/// ```
/// use greenroom::task::{self, When};
/// greenroom::run(async |_system| {
///     let tasks = vec![task::spawn(async { 1 }), task::spawn(async { 2 })];
///     assert_eq!(task::wait(tasks, When::AllDone, None).await.done.len(), 2);
/// });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// When one is done.
    FirstDone,
    /// When one has panicked, or was cancelled, or all are done.
    FirstFailed,
    /// When all are done.
    AllDone,
}

/// What [`wait`] found, in the order of the handles that it was given; any of them can be awaited.
///
/// ```
/// use greenroom::task::{self, When};
/// greenroom::run(async |_system| {
///     let tasks = vec![task::spawn(async { 1 })];
///     let waited = task::wait(tasks, When::FirstDone, None).await;
///     assert!(waited.pending.is_empty());
///     for task in waited.done { assert_eq!(task.await, Ok(1)); }
/// });
/// ```
#[derive(Debug)]
#[must_use = "dropping the handles lets their tasks go"]
pub struct Waited<T> {
    /// Those that have ended; awaiting one gives its outcome at once.
    pub done: Vec<JoinHandle<T>>,
    /// Those that go on.
    pub pending: Vec<JoinHandle<T>>,
}

/// Waits for tasks until enough of them are done, or the limit is reached. It never fails, and
/// cancels nothing.
///
/// # Panics
/// When this thread runs no loop.
///
/// # Cancel safety
/// The handles are dropped, and their tasks go on. To keep the handles, put them into a
/// [`TaskSet`](super::TaskSet).
///
/// ```
/// use std::time::Duration;
/// use greenroom::task::{self, When};
/// use greenroom::time::sleep;
///
/// greenroom::test::run(async |_test| {
///     let second = Duration::from_secs(1);
///     let nap = |n: u32| task::spawn(async move { sleep(second * n).await; n });
///     let waited = task::wait(vec![nap(9), nap(1)], When::FirstDone, second * 5).await;
///     assert_eq!((waited.done.len(), waited.pending.len()), (1, 1));
/// });
/// ```
pub async fn wait<T>(
    tasks: Vec<JoinHandle<T>>,
    when: When,
    limit: impl Into<Option<Duration>>,
) -> Waited<T> {
    let limit: Option<Duration> = limit.into();
    let mut limit = pin!(limit.map(sleep));
    poll_fn(|cx| {
        let mut open = 0;
        let (mut done, mut failed) = (false, false);
        for task in &tasks {
            if task.is_finished() {
                done = true;
                failed |= task.peek(|outcome| matches!(outcome, Some(Err(_))));
            } else {
                open += 1;
                task.wake_at_end(cx.waker());
            }
        }
        let over = match when {
            When::FirstDone => done,
            When::FirstFailed => failed,
            When::AllDone => false,
        };
        let due = limit.as_mut().as_pin_mut().is_some_and(|limit| limit.poll(cx).is_ready());
        if over || open == 0 || due { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    tasks.iter().for_each(JoinHandle::wait_no_more);
    let (done, pending) = tasks.into_iter().partition(JoinHandle::is_finished);
    Waited { done, pending }
}

/// Awaits a task for at most so long. At the limit the task is asked to
/// [cancel](JoinHandle::cancel) and its end is waited for, so that nothing of it goes on behind
/// this line: asyncio's `wait_for`.
///
/// With a limit of zero a task that is done gives its outcome, and one that has not begun never
/// begins. To give a future up at once, use [`timeout`](crate::time::timeout()); to leave a task
/// running, `timeout(limit, &mut task)`.
///
/// # Errors
/// [`JoinError::TimedOut`] when the task was cancelled at the limit. If it gave a value all the
/// same, that is given; if it panicked on its way out, that is the error.
///
/// # Panics
/// When this thread runs no loop.
///
/// # Cancel safety
/// The task is aborted; and when whoever awaits this is asked to cancel, the task is asked first
/// and waited for.
///
/// ```
/// use std::time::Duration;
/// use greenroom::task::{self, JoinError};
/// greenroom::test::run(async |_test| {
///     let limit = Duration::from_secs(1);
///     let endless = task::spawn(std::future::pending::<()>());
///     assert_eq!(task::wait_for(limit, endless).await, Err(JoinError::TimedOut(limit)));
/// });
/// ```
pub async fn wait_for<T>(limit: Duration, task: JoinHandle<T>) -> Result<T, JoinError> {
    let mut owned = pin!(task.owned());
    let mut timer = pin!(sleep(limit));
    let mut late = false;
    let outcome = poll_fn(|cx| {
        // At a limit of zero, before the task could begin; but what is done already counts.
        if !late && timer.as_mut().poll(cx).is_ready() && !owned.is_finished() {
            late = true;
            owned.cancel();
        }
        owned.as_mut().poll(cx)
    });
    match outcome.await {
        Err(JoinError::Cancelled) if late => Err(JoinError::TimedOut(limit)),
        outcome => outcome,
    }
}
