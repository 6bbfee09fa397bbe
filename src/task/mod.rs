//! Tasks for code that is no actor: spawn one, await it, abort it, let it go; many at once; and
//! yield.
//!
//! A task belongs to the loop on which it was spawned and need not be `Send`. A panic in it is an
//! error for whoever awaits it and never the end of the loop; if nobody does, it is in the log.
//!
//! # What can be done with a task
//!
//! | wish | code |
//! | --- | --- |
//! | what it gave | `task.await` |
//! | the same, within a limit | `timeout(limit, task).await` |
//! | ask again and again | `timeout(limit, &mut task).await` |
//! | let it clean up and end | [`task.cancel()`](JoinHandle::cancel)`; task.await` |
//! | end it at once | [`task.abort()`](JoinHandle::abort)`; task.await` |
//! | end it with whoever awaits it | [`task.owned().await`](JoinHandle::owned) |
//! | the same, and ask it to end at a limit | [`wait_for`] |
//! | let it go | [`task.detach()`](JoinHandle::detach), or drop the handle |
//! | all of several, or none | [`join_all`], [`try_join_all`] |
//! | several that end together, with the first that fails | [`group`](group()) |
//! | each as it is done, or the first of several | [`TaskSet`], [`wait`](wait()) |
//! | one for each of many inputs, so many at a time | [`stream`](stream()) |
//! | to clean up when this task is cancelled | [`cancellable`] |
//! | a limit on a part of this task, which may clean up | [`deadline`](deadline()) |
//! | a part that goes on when this task does not | [`shield`](shield()) |
//! | end it with an actor | [`Cx::spawn`](crate::actor::Cx::spawn) |
//! | let its failure be the actor's | [`Cx::spawn_linked`](crate::actor::Cx::spawn_linked) |
//! | hear of it by a message | [`Cx::pipe_to_self`](crate::actor::Cx::pipe_to_self) |
//! | restart it, stop it in order | [`child_task`](crate::supervisor::child_task) |
//!
//! Awaiting gives `Ok(value)`, or a [`JoinError`]: it panicked, was cancelled or aborted, ended
//! with its loop, or took longer than its [stream](TaskStreamBuilder::timeout) allows. At the limit
//! of `timeout` there is `Err(Elapsed)`: a task that was given away goes on by itself and what it
//! gives is dropped, one that was lent can be asked again. A task that is aborted still gives what
//! it had given already, or says how it died before; otherwise it was
//! [`Cancelled`](JoinError::Cancelled).
//!
//! ```
//! use std::time::Duration;
//! use greenroom::task::{self, JoinError};
//! use greenroom::time::{sleep, timeout};
//!
//! greenroom::run(async |_system| {
//!     let brief = Duration::from_millis(1);
//!     let mut task = task::spawn(async { sleep(Duration::from_millis(5)).await; 42 });
//!     let mut asked = 0;
//!     let answer = loop {
//!         asked += 1;
//!         if let Ok(outcome) = timeout(brief, &mut task).await { break outcome; }
//!     };
//!     assert!(answer == Ok(42) && asked > 1);
//!
//!     let task = task::spawn(std::future::pending::<()>());
//!     task.abort();
//!     assert_eq!(task.await, Err(JoinError::Cancelled));
//! });
//! ```

mod all;
pub(crate) mod body;
mod builder;
mod cancel;
mod context;
mod deadline;
mod gather;
mod group;
mod group_error;
mod join;
pub(crate) mod leftover;
pub(crate) mod life;
mod outcome;
mod owned;
mod request;
mod scopes;
mod set;
mod shield;
mod stream;
mod wait;

use std::pin::Pin;
use std::task::{Context, Poll};

pub use all::{TaskId, TaskInfo, all, current};
pub use builder::{TaskBuilder, builder};
pub use cancel::{Cancellable, Cancelled, cancel_current, cancellable, cancelling, uncancel};
pub use context::{ContextVar, InContext, TaskContext};
pub use deadline::{Deadline, deadline};
pub use gather::{join_all, settle_all, try_join_all};
pub use group::{TaskGroup, group};
pub use group_error::{GroupError, GroupFailure};
pub use join::{JoinError, JoinHandle};
pub use owned::Owned;
pub use set::TaskSet;
pub use shield::shield;
pub use stream::{NoConcurrency, TaskStream, TaskStreamBuilder, stream, stream_from};
pub use wait::{Waited, When, wait, wait_for};

pub(crate) use all::all_on;
pub(crate) use builder::launch;

/// Starts `future` as a task of the current loop; it is first polled in the next round.
///
/// # Panics
/// When this thread runs no loop.
///
/// # Cancel safety
/// Dropping the handle lets the task go on by itself; [`JoinHandle::abort`] drops its future.
///
/// ```
/// greenroom::run(async |_system| {
///     let task = greenroom::task::spawn(async { 6 * 7 });
///     assert_eq!(task.await, Ok(42));
/// });
/// ```
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
{
    builder().spawn(future)
}

/// Lets every other task that is ready run first.
///
/// # Cancel safety
/// It holds nothing.
///
/// ```
/// greenroom::run(async |_system| {
///     greenroom::task::yield_now().await;
/// });
/// ```
pub fn yield_now() -> YieldNow {
    YieldNow { yielded: false }
}

/// The future of [`yield_now`].
///
/// ```
/// use greenroom::task::{self, YieldNow};
/// greenroom::run(async |_system| {
///     let other = task::spawn(async {});
///     let others_first: YieldNow = task::yield_now();
///     others_first.await;
///     assert!(other.is_finished());
/// });
/// ```
#[must_use = "a future does nothing unless it is awaited"]
#[derive(Debug)]
pub struct YieldNow {
    yielded: bool,
}

impl Future for YieldNow {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
