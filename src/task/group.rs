//! `group`: tasks that end together, before the line after them runs.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use super::body::{Body, Ended};
use super::builder::{TaskBuilder, builder, launch};
use super::group_error::{GroupError, GroupFailure};
use super::join::{JoinError, JoinHandle};
use super::life;
use super::request::Scope;
use crate::base::key::Key;
use crate::base::panics::{catch, drop_quietly};
use crate::event_loop::current;

/// Runs `body`, which spawns tasks into a group, and is done when the body and all tasks of the
/// group have ended: nothing outlives it.
///
/// - The **first failure**, an `Err` or a panic of a task or an `Err` of the body, asks all other
///   tasks and the body to [cancel](JoinHandle::cancel), and waits until they have cleaned up. All
///   failures are collected, also those on the way out. A task that was merely cancelled is no
///   failure.
/// - When the **task around it** is asked to cancel, so are all tasks of the group; when they have
///   ended, the request goes on. If there were failures, they are given instead, and
///   [`cancelling`](super::cancelling) still counts the request.
/// - When this future is **dropped**, all tasks of the group are aborted at once.
/// - A **panic of the body** goes on, when the tasks have been cancelled and have ended.
///
/// These are the rules of asyncio's `TaskGroup`. A task borrows nothing from the stack of its
/// spawner; for futures that do, `futures::join!` runs them in one task.
///
/// # Errors
/// [`GroupError`] with every failure, in the order in which they happened. All tasks have ended.
///
/// # Panics
/// When this thread runs no loop, and as the body does.
///
/// # Cancel safety
/// The tasks are aborted and the body is dropped.
///
/// ```
/// use std::time::Duration;
/// use greenroom::{prelude::*, task};
/// use greenroom::time::sleep;
///
/// greenroom::test::run(async |test| {
///     let total = task::group(async |group| {
///         let one = group.spawn(async { Ok(1) });
///         let two = group.spawn(async { sleep(Duration::from_secs(1)).await; Ok(2) });
///         Ok::<_, Fault>(one.await? + two.await?)
///     });
///     assert_eq!(total.await.unwrap(), 3);
///
///     let failed = task::group(async |group| {
///         group.spawn(async { Err::<(), _>(Fault::new("no disk")) });
///         group.spawn(async { sleep(Duration::from_secs(3600)).await; Ok(()) });
///         std::future::pending::<Result<(), Fault>>().await
///     });
///     assert_eq!(failed.await.unwrap_err().to_string(), "a task of the group failed: no disk");
///     assert_eq!(test.now(), Duration::from_secs(1), "nobody waited an hour");
/// });
/// ```
pub async fn group<T, E: 'static>(
    body: impl AsyncFnOnce(&TaskGroup<E>) -> Result<T, E>,
) -> Result<T, GroupError<E>> {
    let core = current::expect("greenroom::task::group");
    let group = TaskGroup { shared: Rc::default() };
    let shared = Rc::clone(&group.shared);
    shared.runs_in.set(core.scheduler.running());
    let _all_end_with_this = AbortAll(Rc::clone(&shared));
    let mut body = pin!(Body::new(body(&group)));
    let (mut value, mut panicked) = (None, None);
    match poll_fn(|cx| shared.poll_body(body.as_mut(), cx)).await {
        Ok(Ended::Done(Ok(given))) => value = Some(given),
        Ok(Ended::Done(Err(error))) => shared.fail(GroupFailure::Error(error)),
        Ok(Ended::Early) => {}
        Ok(Ended::Cancelled) => {
            shared.cancelled.set(true);
            body.as_mut().scope().owe();
        }
        Err(payload) => panicked = Some(Panic(Some(payload))),
    }
    if shared.cancelled.get() || panicked.is_some() {
        shared.abort();
    }
    let cancelled = poll_fn(|cx| shared.poll_tasks(body.as_mut().scope(), cx)).await;
    shared.closed.set(true);
    if let Some(panicked) = panicked {
        panicked.raise();
    }
    let failures = shared.failures.take();
    if cancelled && failures.is_empty() {
        body.as_mut().scope().pass_on();
        return std::future::pending().await;
    }
    body.as_mut().scope().leave();
    match value {
        Some(value) if failures.is_empty() => Ok(value),
        Some(_) | None => Err(GroupError { failures }),
    }
}

/// A group of tasks; given to the body of [`group`](group()). A clone is the same group: a task may
/// take one along and spawn its siblings.
///
/// ```
/// use greenroom::{prelude::*, task};
/// greenroom::run(async |_system| {
///     task::group(async |group| {
///         let siblings = group.clone();
///         group.spawn(async move {
///             siblings.spawn(async { Ok(()) });
///             Ok(())
///         });
///         Ok::<_, Fault>(())
///     }).await.unwrap();
/// });
/// ```
pub struct TaskGroup<E> {
    shared: Rc<Shared<E>>,
}

/// What a panic carries.
type Payload = Box<dyn Any + Send>;

/// A panic of the body that is to go on when the tasks have ended.
struct Panic(Option<Payload>);

impl Panic {
    fn raise(mut self) {
        if let Some(payload) = self.0.take() {
            std::panic::resume_unwind(payload);
        }
    }
}

/// A group that is dropped before then does not hide it.
impl Drop for Panic {
    fn drop(&mut self) {
        let Some(payload) = self.0.take() else { return };
        let Err(text) = catch(|| std::panic::resume_unwind(payload));
        tracing::error!(
            target: "greenroom::task", panic = %text,
            "the body of a group panicked, and the group was dropped",
        );
    }
}

struct Shared<E> {
    /// Those that have not ended, in the order in which they were spawned.
    tasks: RefCell<BTreeMap<u64, Key>>,
    spawned: Cell<u64>,
    failures: RefCell<Vec<GroupFailure<E>>>,
    /// The group is to end: no more tasks, and those that are there were asked to cancel.
    aborting: Cell<bool>,
    closed: Cell<bool>,
    /// The task around it was asked to cancel.
    cancelled: Cell<bool>,
    /// The task that runs the group.
    runs_in: Cell<Option<Key>>,
    /// The group's own future.
    waker: RefCell<Option<Waker>>,
}

impl<E: 'static> TaskGroup<E> {
    /// Starts a task of this group.
    ///
    /// The handle gives its value. If the task fails, the group has the error, and the handle gives
    /// [`JoinError::Failed`]. Once the group is ending, nothing starts any more: the future is
    /// dropped, and the handle gives [`JoinError::Cancelled`].
    ///
    /// # Panics
    /// When this thread runs no loop.
    ///
    /// ```
    /// use greenroom::{prelude::*, task};
    /// greenroom::run(async |_system| {
    ///     let seven = task::group(async |group| {
    ///         let seven = group.spawn(async { Ok(7) });
    ///         Ok::<_, Fault>(seven.await?)
    ///     });
    ///     assert_eq!(seven.await.unwrap(), 7);
    /// });
    /// ```
    #[track_caller]
    pub fn spawn<T, F>(&self, future: F) -> JoinHandle<T>
    where
        F: Future<Output = Result<T, E>> + 'static,
        T: 'static,
    {
        self.spawn_as(builder(), future)
    }

    /// The same with a name, with a context of its own, or begun at once.
    ///
    /// # Panics
    /// When this thread runs no loop.
    ///
    /// ```
    /// use greenroom::{prelude::*, task};
    /// greenroom::run(async |_system| {
    ///     task::group(async |group| {
    ///         let task = group.spawn_as(task::builder().name("fetch"), async { Ok(()) });
    ///         assert_eq!(task.name().as_deref(), Some("fetch"));
    ///         Ok::<_, Fault>(())
    ///     }).await.unwrap();
    /// });
    /// ```
    #[track_caller]
    pub fn spawn_as<T, F>(&self, options: TaskBuilder, future: F) -> JoinHandle<T>
    where
        F: Future<Output = Result<T, E>> + 'static,
        T: 'static,
    {
        if self.is_ending() {
            drop_quietly(future);
            return JoinHandle::never_began();
        }
        let number = self.shared.spawned.get();
        self.shared.spawned.set(number + 1);
        let shared = Rc::clone(&self.shared);
        let task = launch(options, future, move |outcome| shared.settle(number, outcome));
        if let Some(key) = task.key().filter(|_| !task.is_finished()) {
            self.shared.tasks.borrow_mut().insert(number, key);
            if let Some(core) = current::get() {
                life::with(&core, key, |life| life.set_group_of(self.shared.runs_in.get()));
            }
            if self.shared.aborting.get() {
                // It failed others in its first step, which was taken right here.
                task.cancel();
            }
        }
        task
    }

    /// Ends the group early: all its tasks and its body are asked to cancel. If nothing fails
    /// meanwhile, the group gives a [`GroupError`] without failures; or the body's value, if it
    /// gives one all the same.
    ///
    /// ```
    /// use greenroom::{prelude::*, task};
    /// greenroom::run(async |_system| {
    ///     let outcome = task::group(async |group| {
    ///         group.cancel();
    ///         std::future::pending::<Result<(), Fault>>().await
    ///     });
    ///     assert!(outcome.await.unwrap_err().failures().is_empty());
    /// });
    /// ```
    pub fn cancel(&self) {
        self.shared.abort();
    }

    /// Whether the group takes no more tasks: something failed, it was cancelled, or it has ended.
    ///
    /// ```
    /// use greenroom::{prelude::*, task};
    /// greenroom::run(async |_system| {
    ///     let ended = task::group(async |group| Ok::<_, Fault>(group.clone())).await.unwrap();
    ///     assert!(ended.is_ending());
    /// });
    /// ```
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.shared.aborting.get() || self.shared.closed.get()
    }

    /// How many of its tasks have not ended.
    ///
    /// ```
    /// use greenroom::{prelude::*, task};
    /// greenroom::run(async |_system| {
    ///     task::group(async |group| {
    ///         group.spawn(async { Ok(()) });
    ///         assert_eq!(group.tasks(), 1);
    ///         Ok::<_, Fault>(())
    ///     }).await.unwrap();
    /// });
    /// ```
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.shared.tasks.borrow().len()
    }
}

impl<E> Clone for TaskGroup<E> {
    fn clone(&self) -> Self {
        Self { shared: Rc::clone(&self.shared) }
    }
}

impl<E> fmt::Debug for TaskGroup<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskGroup")
            .field("tasks", &self.shared.tasks.borrow().len())
            .field("ending", &self.shared.aborting.get())
            .finish_non_exhaustive()
    }
}

impl<E> Default for Shared<E> {
    fn default() -> Self {
        Self {
            tasks: RefCell::default(),
            spawned: Cell::new(0),
            failures: RefCell::default(),
            aborting: Cell::new(false),
            closed: Cell::new(false),
            cancelled: Cell::new(false),
            runs_in: Cell::new(None),
            waker: RefCell::default(),
        }
    }
}

impl<E: 'static> Shared<E> {
    fn listen(&self, waker: &Waker) {
        let waker = waker.clone();
        let before = self.waker.replace(Some(waker));
        drop(before);
    }

    fn wake(&self) {
        let waker = self.waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn poll_body<F: Future>(
        &self,
        body: Pin<&mut Body<F>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Ended<F::Output>, Payload>> {
        self.listen(cx.waker());
        let ends = self.aborting.get();
        match catch_unwind(AssertUnwindSafe(|| body.poll(cx, ends))) {
            Ok(polled) => polled.map(Ok),
            Err(payload) => Poll::Ready(Err(payload)),
        }
    }

    /// Whether the task around the group was asked to cancel, once all tasks have ended.
    fn poll_tasks(&self, scope: &mut Scope, cx: &Context<'_>) -> Poll<bool> {
        self.listen(cx.waker());
        scope.enter(cx.waker());
        if scope.take_to_pass_on() {
            self.cancelled.set(true);
            self.abort();
        }
        if self.tasks.borrow().is_empty() {
            Poll::Ready(self.cancelled.get())
        } else {
            Poll::Pending
        }
    }

    /// A task has ended; what its handle gives.
    fn settle<T>(
        &self,
        number: u64,
        outcome: Result<Result<T, E>, JoinError>,
    ) -> Result<T, JoinError> {
        let left = match outcome {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(Some(GroupFailure::Error(error))),
            Err(JoinError::Panicked(text)) => Err(Some(GroupFailure::Panicked(text))),
            Err(_) => Err(None),
        };
        let left = left.map_err(|failure| match failure {
            Some(failure) => {
                self.fail(failure);
                JoinError::Failed
            }
            None => JoinError::Cancelled,
        });
        self.tasks.borrow_mut().remove(&number);
        if self.tasks.borrow().is_empty() {
            self.wake();
        }
        left
    }

    fn fail(&self, failure: GroupFailure<E>) {
        self.failures.borrow_mut().push(failure);
        self.abort();
    }

    /// Asks all to cancel, once.
    fn abort(&self) {
        if self.aborting.replace(true) {
            return;
        }
        let tasks: Vec<Key> = self.tasks.borrow().values().copied().collect();
        if let Some(core) = current::get() {
            for task in tasks {
                life::cancel(&core, task);
            }
        }
        self.wake();
    }
}

/// Nothing outlives a group: when its future is dropped, its tasks are aborted.
struct AbortAll<E>(Rc<Shared<E>>);

impl<E> Drop for AbortAll<E> {
    fn drop(&mut self) {
        self.0.aborting.set(true);
        let tasks = self.0.tasks.take();
        let Some(core) = current::get() else { return };
        for task in tasks.into_values() {
            core.cancel(task);
        }
    }
}
