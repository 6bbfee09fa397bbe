//! `TaskBuilder`: a task with a name, with a context of its own, or begun at once.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, Location};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use futures::future::FutureExt as _;

use super::context::TaskContext;
use super::join::{JoinError, JoinHandle};
use super::life::Life;
use super::outcome::{JoinCell, Report};
use crate::base::panics::catch;
use crate::event_loop::current;

/// Options of a task; see [`TaskBuilder`].
///
/// ```
/// greenroom::run(async |_system| {
///     let task = greenroom::task::builder().name("answer").spawn(async { 42 });
///     assert_eq!(task.await, Ok(42));
/// });
/// ```
pub const fn builder() -> TaskBuilder {
    TaskBuilder { name: None, eager: false, context: None }
}

/// A task to be spawned, with options; made by [`builder`].
///
/// ```
/// use greenroom::task;
/// greenroom::run(async |_system| {
///     let task = task::builder().name("quick").eager().spawn(async { 42 });
///     assert!(task.is_finished(), "it was done in its first step");
/// });
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until `spawn` is called"]
pub struct TaskBuilder {
    name: Option<Arc<str>>,
    eager: bool,
    context: Option<TaskContext>,
}

impl TaskBuilder {
    /// A name, for reports, [`all`](super::all()) and the tree of who waits for whom.
    ///
    /// ```
    /// greenroom::run(async |_system| {
    ///     let task = greenroom::task::builder().name("fetch").spawn(async {});
    ///     assert_eq!(task.name().as_deref(), Some("fetch"));
    /// });
    /// ```
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Polls the task once inside [`spawn`](Self::spawn), instead of in the next round: one that
    /// need not wait is done then and never enters the queue of the loop.
    ///
    /// ```
    /// use std::{cell::Cell, rc::Rc};
    /// greenroom::run(async |_system| {
    ///     let began = Rc::new(Cell::new(false));
    ///     let mark = Rc::clone(&began);
    ///     let task = greenroom::task::builder().eager().spawn(async move { mark.set(true) });
    ///     assert!(began.get());
    ///     task.await.unwrap();
    /// });
    /// ```
    pub const fn eager(mut self) -> Self {
        self.eager = true;
        self
    }

    /// Another context than a copy of the spawner's.
    ///
    /// ```
    /// use greenroom::task::{self, ContextVar, TaskContext};
    /// static USER: ContextVar<&str> = ContextVar::new("user");
    /// greenroom::run(async |_system| {
    ///     USER.set("ann");
    ///     let task = task::builder().context(TaskContext::default()).spawn(async { USER.get() });
    ///     assert_eq!(task.await, Ok(None));
    /// });
    /// ```
    pub fn context(mut self, context: TaskContext) -> Self {
        self.context = Some(context);
        self
    }

    /// Starts `future` as a task of the current loop.
    ///
    /// # Panics
    /// When this thread runs no loop.
    ///
    /// ```
    /// greenroom::run(async |_system| {
    ///     assert_eq!(greenroom::task::builder().spawn(async { 6 * 7 }).await, Ok(42));
    /// });
    /// ```
    #[track_caller]
    pub fn spawn<F: Future + 'static>(self, future: F) -> JoinHandle<F::Output> {
        launch(self, future, std::convert::identity)
    }
}

/// Starts a task. When it has ended, `settle` says what it leaves for whoever awaits it.
#[track_caller]
pub(crate) fn launch<F, T, S>(options: TaskBuilder, future: F, settle: S) -> JoinHandle<T>
where
    F: Future + 'static,
    T: 'static,
    S: FnOnce(Result<F::Output, JoinError>) -> Result<T, JoinError> + 'static,
{
    let core = current::expect("greenroom::task::spawn");
    let spawner = core.scheduler.running().and_then(|key| core.scheduler.attachment(key));
    if let Some(spawner) = spawner {
        spawner.spawned();
    }
    let context = options.context.map_or_else(|| core.context(), TaskContext::into_inner);
    let life = Life::new(Location::caller(), context);
    if let Some(name) = options.name {
        life.set_name(name);
    }
    let cell = Rc::new(JoinCell::new(life));
    let report = Report::new(Rc::clone(&cell), settle);
    let body = Box::pin(run(future, report));
    let attachment = Rc::clone(&cell) as Rc<_>;
    let key = if options.eager {
        core.spawn_eager(body, attachment)
    } else {
        core.spawn_attached(body, attachment)
    };
    JoinHandle::new(key, cell)
}

async fn run<F, T, S>(future: F, report: Report<F::Output, T, S>)
where
    F: Future,
    S: FnOnce(Result<F::Output, JoinError>) -> Result<T, JoinError>,
{
    let mut future = pin!(Some(AssertUnwindSafe(future).catch_unwind()));
    let is_cancelled = || report.cell().is_some_and(|cell| cell.life.is_cancelled());
    let outcome = poll_fn(|cx| {
        let Some(future) = future.as_mut().as_pin_mut().filter(|_| !is_cancelled()) else {
            return Poll::Ready(None);
        };
        match future.poll(cx) {
            Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
            // It asked for this itself, and waits now.
            Poll::Pending if is_cancelled() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    });
    let outcome = outcome.await;
    // A future may panic while it is dropped, after it was done: then it has panicked.
    let dropped = catch(|| future.set(None));
    report.finish(outcome, dropped.err());
}
