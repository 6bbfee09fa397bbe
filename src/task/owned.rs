//! A task that ends with whoever awaits it.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::join::{JoinError, JoinHandle};
use super::request::Scope;

/// Awaits a task and ends it when nobody does any more; made by [`JoinHandle::owned`].
///
/// ```
/// use greenroom::task::{self, Owned};
/// greenroom::run(async |_system| {
///     let owned: Owned<u32> = task::spawn(async { 7 }).owned();
///     assert_eq!(owned.await, Ok(7));
/// });
/// ```
#[must_use = "dropping it aborts the task"]
pub struct Owned<T> {
    task: AbortOnDrop<T>,
    scope: Scope,
    /// The request to cancel was handed to the task.
    handed_on: bool,
    /// The task has ended by it, and the request went on.
    passed_on: bool,
}

impl<T> JoinHandle<T> {
    /// The task ends with whoever awaits this. Dropping it aborts the task; and when whoever awaits
    /// it is [asked to cancel](Self::cancel), the task is asked first, and its clean-up is waited
    /// for. Awaiting the handle itself instead lets the task go on in either case.
    ///
    /// ```
    /// use greenroom::task::{self, JoinError};
    /// greenroom::test::run(async |test| {
    ///     let inner = task::spawn(std::future::pending::<()>());
    ///     let id = inner.id().unwrap();
    ///     let outer = task::spawn(inner.owned());
    ///     test.settle().await;
    ///     outer.cancel();
    ///     assert_eq!(outer.await, Err(JoinError::Cancelled));
    ///     assert!(task::all().iter().all(|task| task.id != id), "it went first");
    /// });
    /// ```
    pub fn owned(self) -> Owned<T> {
        Owned {
            task: AbortOnDrop(self),
            scope: Scope::default(),
            handed_on: false,
            passed_on: false,
        }
    }
}

impl<T> Owned<T> {
    pub(crate) fn is_finished(&self) -> bool {
        self.task.0.is_finished()
    }

    pub(crate) fn cancel(&self) {
        self.task.0.cancel();
    }
}

impl<T> Future for Owned<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if this.passed_on {
            // Whatever is around this hears of it now, and ends this or not.
            return Poll::Pending;
        }
        this.scope.enter(cx.waker());
        if this.scope.take_to_pass_on() {
            this.handed_on = true;
            this.task.0.cancel();
        }
        if this.handed_on && this.task.0.is_finished() {
            // Now it is the turn of whoever awaits.
            this.passed_on = true;
            this.scope.pass_on();
            return Poll::Pending;
        }
        let outcome = Pin::new(&mut this.task).poll(cx);
        if outcome.is_pending() {
            return Poll::Pending;
        }
        this.scope.leave();
        outcome
    }
}

impl<T> fmt::Debug for Owned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owned").field("id", &self.task.0.id()).finish_non_exhaustive()
    }
}

/// A task that is aborted when nobody awaits it any more.
pub(super) struct AbortOnDrop<T>(pub(super) JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        // One that has ended has nothing left to drop.
        self.0.abort();
    }
}

impl<T> Future for AbortOnDrop<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx)
    }
}
