//! `JoinHandle`: awaiting, aborting and letting go of a task.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::base::key::Key;
use crate::base::panics::{catch, drop_quietly};
use crate::event_loop::current;
use crate::event_loop::panics::{self, PanicOrigin};
use crate::event_loop::shutdown::Leftover;

/// The right to await a task, to abort it, or to let it go by dropping this.
///
/// There is one for each task, and awaiting it uses it up; once it has given the outcome by
/// reference, it has nothing more to give and stays pending. Whoever has it may await it, and
/// nobody else: it stays on its thread and is no `Clone`.
///
/// ```compile_fail
/// # async fn twice() {
/// let task = greenroom::task::spawn(async { 1 });
/// let _ = task.await;
/// let _ = task.await; // it was used up
/// # }
/// ```
///
/// ```compile_fail
/// let task = greenroom::task::spawn(async { 1 });
/// std::thread::spawn(move || drop(task)); // it is not `Send`
/// ```
///
/// ```
/// use greenroom::task::{self, JoinError};
///
/// greenroom::run(async |_system| {
///     let panics = task::spawn(async { panic!("no luck") });
///     assert!(matches!(panics.await, Err(JoinError::Panicked(text)) if &*text == "no luck"));
///
///     let waits = task::spawn(std::future::pending::<()>());
///     waits.abort();
///     assert_eq!(waits.await, Err(JoinError::Cancelled));
/// });
/// ```
#[derive(Debug)]
pub struct JoinHandle<T> {
    task: Option<Key>,
    cell: Rc<JoinCell<T>>,
}

impl<T> JoinHandle<T> {
    pub(crate) const fn new(task: Option<Key>, cell: Rc<JoinCell<T>>) -> Self {
        Self { task, cell }
    }

    pub(crate) const fn key(&self) -> Option<Key> {
        self.task
    }

    /// Drops the task's future, at once, or as soon as its running poll is over. What it already
    /// gave stays to be awaited. Nothing happens when the task has ended.
    ///
    /// ```
    /// greenroom::run(async |_system| {
    ///     let task = greenroom::task::spawn(std::future::pending::<()>());
    ///     task.abort();
    ///     assert!(task.is_finished() && task.await.is_err());
    /// });
    /// ```
    pub fn abort(&self) {
        if let (Some(task), Some(core)) = (self.task, current::get())
            && core.id() == task.home()
        {
            core.cancel(task);
        }
    }

    /// Whether the task has ended, by itself or not.
    ///
    /// ```
    /// greenroom::run(async |_system| {
    ///     let task = greenroom::task::spawn(async { 42 });
    ///     assert!(!task.is_finished());
    ///     greenroom::task::yield_now().await;
    ///     assert!(task.is_finished());
    ///     assert_eq!(task.await, Ok(42));
    /// });
    /// ```
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.cell.finished.get()
    }

    /// Lets the task go on by itself, as dropping the handle does.
    ///
    /// ```
    /// greenroom::run(async |_system| {
    ///     let (sender, receiver) = futures::channel::oneshot::channel();
    ///     greenroom::task::spawn(async { sender.send(42) }).detach();
    ///     assert_eq!(receiver.await, Ok(42));
    /// });
    /// ```
    pub fn detach(self) {}
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(outcome) = self.cell.outcome.take() {
            return Poll::Ready(outcome);
        }
        // Cloned before the borrow and dropped after it: a foreign waker may run code.
        let waker = cx.waker().clone();
        let displaced = self.cell.waker.borrow_mut().replace(waker);
        drop(displaced);
        Poll::Pending
    }
}

/// Why a task gave nothing.
///
/// ```
/// use greenroom::task::{self, JoinError};
/// greenroom::run(async |_system| {
///     let outcome = task::spawn(async { panic!("no luck") }).await;
///     assert_eq!(outcome, Err::<(), _>(JoinError::Panicked("no luck".into())));
/// });
/// ```
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// It was aborted, or its loop ended; its future was dropped half-way.
    #[error("the task was cancelled before it was done")]
    Cancelled,
    /// It panicked, with this text.
    #[error("the task panicked: {0}")]
    Panicked(Arc<str>),
    /// It took longer than it was [allowed](super::TaskStreamBuilder::timeout) and was ended; its
    /// future was dropped half-way.
    #[error("the task took longer than its limit of {0:?} and was ended")]
    TimedOut(Duration),
}

/// Where a task leaves what it gives.
pub(crate) struct JoinCell<T> {
    outcome: Cell<Option<Result<T, JoinError>>>,
    finished: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl<T> std::fmt::Debug for JoinCell<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JoinCell").field("finished", &self.finished.get()).finish_non_exhaustive()
    }
}

impl<T> JoinCell<T> {
    pub(crate) const fn new() -> Self {
        Self { outcome: Cell::new(None), finished: Cell::new(false), waker: RefCell::new(None) }
    }

    fn finish(&self, outcome: Result<T, JoinError>) {
        self.finished.set(true);
        self.outcome.set(Some(outcome));
        let waker = self.waker.borrow_mut().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// A panic that nobody read is reported, once, by whichever of task and handle is last.
impl<T> Drop for JoinCell<T> {
    fn drop(&mut self) {
        if let Some(Err(JoinError::Panicked(text))) = self.outcome.take() {
            panics::report(PanicOrigin::Task, &text);
        }
    }
}

/// Held by the task; dropped without a result it reports the task as cancelled.
pub(crate) struct Report<T> {
    cell: Option<Rc<JoinCell<T>>>,
}

impl<T> Report<T> {
    pub(crate) const fn new(cell: Rc<JoinCell<T>>) -> Self {
        Self { cell: Some(cell) }
    }

    pub(crate) fn finish(
        mut self,
        outcome: Result<T, Box<dyn Any + Send>>,
        in_drop: Option<Arc<str>>,
        note: impl FnOnce(&Result<T, JoinError>),
    ) {
        let outcome = match (outcome, in_drop) {
            (Ok(value), None) => Ok(value),
            (Ok(value), Some(text)) => {
                drop_quietly(value);
                Err(JoinError::Panicked(text))
            }
            // Thrown again under the guard that turns a payload into text and drops it safely.
            (Err(payload), _) => match catch(|| std::panic::resume_unwind(payload)) {
                Err(text) => Err(JoinError::Panicked(text)),
                Ok(()) => Err(JoinError::Cancelled),
            },
        };
        note(&outcome);
        if let Some(cell) = self.cell.take() {
            cell.finish(outcome);
        }
    }
}

impl<T> Drop for Report<T> {
    fn drop(&mut self) {
        if let Some(cell) = self.cell.take() {
            if let Some(core) = current::get().filter(|core| core.is_closing()) {
                core.locals.get::<Leftover>().note();
            }
            cell.finish(Err(JoinError::Cancelled));
        }
    }
}
