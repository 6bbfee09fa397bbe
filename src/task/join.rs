//! `JoinHandle`: awaiting, aborting and letting go of a task.

use std::fmt::Display;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::all::TaskId;
use super::life::{self, Life};
use super::outcome::JoinCell;
use crate::base::key::Key;
use crate::event_loop::current;

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

    /// Of a task that was refused.
    pub(crate) fn never_began() -> Self
    where
        T: 'static,
    {
        let cell = JoinCell::new(Life::default());
        cell.refuse();
        Self { task: None, cell: Rc::new(cell) }
    }

    pub(crate) const fn key(&self) -> Option<Key> {
        self.task
    }

    pub(crate) fn peek<R>(&self, f: impl FnOnce(Option<&Result<T, JoinError>>) -> R) -> R {
        self.cell.peek(f)
    }

    /// The task that runs now waits for this one without using its handle up.
    pub(crate) fn wake_at_end(&self, waker: &Waker) {
        self.cell.wake(waker);
        let waits = current::with(|core| core.scheduler.running());
        self.cell.life.set_awaited_by(waits.flatten());
    }

    /// It does not wait any more.
    pub(crate) fn wait_no_more(&self) {
        self.cell.life.set_awaited_by(None);
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

    /// Asks the task to cancel, and tells whether it was there to be asked.
    ///
    /// It hears where it next waits, or before it begins. If nothing inside it wants to hear, its
    /// future is dropped there, and so it never runs if it had not begun. A
    /// [`cancellable`](super::cancellable) part of it hears first, may clean up, and may even go
    /// on; see [`cancelling`](Self::cancelling). A group or a deadline inside it waits for what it
    /// began. To end a task at once, whatever it does, [`abort`](Self::abort) it.
    ///
    /// ```
    /// use greenroom::task::{self, JoinError};
    /// greenroom::run(async |_system| {
    ///     let task = task::spawn(std::future::pending::<()>());
    ///     assert!(task.cancel());
    ///     assert_eq!(task.await, Err(JoinError::Cancelled));
    /// });
    /// ```
    pub fn cancel(&self) -> bool {
        let (Some(task), Some(core)) = (self.task, current::get()) else { return false };
        life::cancel(&core, task)
    }

    /// How many requests to cancel it the task has had, less those it took back by
    /// [`uncancel`](super::uncancel).
    ///
    /// ```
    /// greenroom::test::run(async |_test| {
    ///     let task = greenroom::task::spawn(std::future::pending::<()>());
    ///     assert!(task.cancel() && task.cancel());
    ///     assert_eq!(task.cancelling(), 2);
    /// });
    /// ```
    #[must_use]
    pub fn cancelling(&self) -> u32 {
        self.cell.life.cancelling()
    }

    /// The name that the task was [given](super::TaskBuilder::name).
    ///
    /// ```
    /// greenroom::run(async |_system| {
    ///     let task = greenroom::task::builder().name("fetch").spawn(async {});
    ///     assert_eq!(task.name().as_deref(), Some("fetch"));
    /// });
    /// ```
    #[must_use]
    pub fn name(&self) -> Option<Arc<str>> {
        self.cell.life.name()
    }

    /// Which task it is; `None` when its loop was closing and it never began.
    ///
    /// ```
    /// greenroom::run(async |_system| {
    ///     let task = greenroom::task::spawn(async { greenroom::task::current().unwrap().id });
    ///     let id = task.id();
    ///     assert_eq!(task.await.ok(), id);
    /// });
    /// ```
    #[must_use]
    pub fn id(&self) -> Option<TaskId> {
        self.task.map(TaskId)
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
        self.cell.life.is_finished()
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

impl<T, E: Display> JoinHandle<Result<T, E>> {
    /// Sees to it that an error of the task is logged, once, if nobody awaits it. A panic always
    /// is.
    ///
    /// ```
    /// use greenroom::{prelude::*, task};
    /// greenroom::run(async |_system| {
    ///     let task = task::spawn(async { Err::<(), _>(Fault::new("disk full")) });
    ///     task.report_unread().detach();
    /// });
    /// ```
    #[must_use = "the handle goes on; `detach` it, or await it"]
    pub fn report_unread(self) -> Self {
        self.cell.report_unread();
        self
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = self.cell.take(cx.waker());
        let waits = if outcome.is_pending() {
            current::with(|core| core.scheduler.running())
        } else {
            None
        };
        self.cell.life.set_awaited_by(waits.flatten());
        outcome
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        self.cell.life.set_awaited_by(None);
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
    /// It was cancelled or aborted, or its loop ended; its future was dropped half-way.
    #[error("the task was cancelled before it was done")]
    Cancelled,
    /// It panicked, with this text.
    #[error("the task panicked: {0}")]
    Panicked(Arc<str>),
    /// It took longer than it was allowed, by [`TaskStreamBuilder::timeout`] or [`wait_for`], and
    /// was ended; its future was dropped half-way.
    ///
    /// [`TaskStreamBuilder::timeout`]: super::TaskStreamBuilder::timeout
    /// [`wait_for`]: super::wait_for
    #[error("the task took longer than its limit of {0:?} and was ended")]
    TimedOut(Duration),
    /// It gave an error or panicked, and the [group](super::group()) that it belongs to has that.
    #[error("the task failed; the group that it belongs to tells how")]
    Failed,
}
