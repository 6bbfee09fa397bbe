//! Tasks for code that is no actor: spawn one, await it, abort it, let it go; and yield.
//!
//! A task belongs to the loop on which it was spawned and need not be `Send`. A panic in it is an
//! error for whoever awaits it and never the end of the loop.

mod join;

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};

use futures::future::FutureExt as _;

pub use join::{JoinError, JoinHandle};

use crate::base::panics::catch;
use crate::event_loop::current;
use join::JoinCell;

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
    let core = current::expect("greenroom::task::spawn");
    let cell = Rc::new(JoinCell::new());
    let report = join::Report::new(Rc::clone(&cell));
    let key = core.spawn(Box::pin(async move {
        let mut future = pin!(Some(AssertUnwindSafe(future).catch_unwind()));
        let outcome = poll_fn(|cx| match future.as_mut().as_pin_mut() {
            Some(future) => future.poll(cx),
            None => Poll::Pending,
        });
        let outcome = outcome.await;
        // A future may panic while it is dropped, after it was done: then it has panicked.
        let dropped = catch(|| future.set(None));
        report.finish(outcome, dropped.err());
    }));
    JoinHandle::new(key, cell)
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
