//! `TaskSet`: tasks that give what they have as they are done.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::stream::{FuturesUnordered, Stream, StreamExt as _};

use super::builder::{TaskBuilder, builder};
use super::join::{JoinError, JoinHandle};
use super::outcome::report_unread;
use super::owned::AbortOnDrop;

/// Tasks whose outcomes are taken in the order in which they are done. Dropping the set aborts
/// those that still run.
///
/// It is a [`Stream`] of outcomes: asyncio's `as_completed`. A limit on the wait for the next one
/// is `timeout(limit, set.next())`. For tasks that must end together there is
/// [`group`](super::group()).
///
/// ```
/// use std::time::Duration;
/// use futures::StreamExt as _;
/// use greenroom::task::TaskSet;
/// use greenroom::time::sleep;
///
/// greenroom::test::run(async |_test| {
///     let mut set = TaskSet::new();
///     for n in [3, 1, 2] {
///         set.spawn(async move { sleep(Duration::from_secs(n)).await; n });
///     }
///     let mut order = Vec::new();
///     while let Some(outcome) = set.next().await { order.push(outcome.unwrap()); }
///     assert_eq!(order, [1, 2, 3]);
/// });
/// ```
pub struct TaskSet<T> {
    running: FuturesUnordered<AbortOnDrop<T>>,
}

impl<T: 'static> TaskSet<T> {
    /// An empty set.
    ///
    /// ```
    /// assert!(greenroom::task::TaskSet::<u32>::new().is_empty());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self { running: FuturesUnordered::new() }
    }

    /// Starts a task whose outcome comes with the others.
    ///
    /// # Panics
    /// When this thread runs no loop.
    ///
    /// ```
    /// greenroom::run(async |_system| {
    ///     let mut set = greenroom::task::TaskSet::new();
    ///     set.spawn(async { 7 });
    ///     assert_eq!(set.join_next().await, Some(Ok(7)));
    /// });
    /// ```
    #[track_caller]
    pub fn spawn(&mut self, future: impl Future<Output = T> + 'static) {
        self.spawn_as(builder(), future);
    }

    /// The same with a name, with a context of its own, or begun at once.
    ///
    /// # Panics
    /// When this thread runs no loop.
    ///
    /// ```
    /// use greenroom::task;
    /// greenroom::run(async |_system| {
    ///     let mut set = task::TaskSet::new();
    ///     set.spawn_as(task::builder().name("seven"), async { 7 });
    ///     assert_eq!(set.join_next().await, Some(Ok(7)));
    /// });
    /// ```
    #[track_caller]
    pub fn spawn_as(&mut self, options: TaskBuilder, future: impl Future<Output = T> + 'static) {
        self.insert(options.spawn(future));
    }

    /// Takes a task in that runs already.
    ///
    /// ```
    /// greenroom::run(async |_system| {
    ///     let mut set = greenroom::task::TaskSet::new();
    ///     set.insert(greenroom::task::spawn(async { 7 }));
    ///     assert_eq!(set.len(), 1);
    /// });
    /// ```
    pub fn insert(&mut self, task: JoinHandle<T>) {
        self.running.push(AbortOnDrop(task));
    }

    /// The outcome of the next task that is done; `None` when there is none left.
    ///
    /// # Cancel safety
    /// No outcome is lost.
    ///
    /// ```
    /// greenroom::run(async |_system| {
    ///     let mut set = greenroom::task::TaskSet::<u32>::new();
    ///     assert_eq!(set.join_next().await, None);
    /// });
    /// ```
    pub async fn join_next(&mut self) -> Option<Result<T, JoinError>> {
        self.running.next().await
    }

    /// Asks all to [cancel](JoinHandle::cancel) and waits until they have cleaned up and ended;
    /// what they still give is dropped, and a panic on the way out is in the log.
    ///
    /// # Cancel safety
    /// Those that have not ended stay in the set, asked.
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::{task, time::sleep};
    /// greenroom::test::run(async |test| {
    ///     let mut set = task::TaskSet::new();
    ///     set.spawn(async {
    ///         let _ = task::cancellable(std::future::pending::<()>()).await;
    ///         sleep(Duration::from_secs(1)).await; // says goodbye
    ///     });
    ///     test.settle().await;
    ///     set.shutdown().await;
    ///     assert!(set.is_empty() && test.now() == Duration::from_secs(1));
    /// });
    /// ```
    pub async fn shutdown(&mut self) {
        self.cancel_all();
        while let Some(outcome) = self.join_next().await {
            report_unread(outcome);
        }
    }

    /// How many outcomes are still to come.
    ///
    /// ```
    /// greenroom::run(async |_system| {
    ///     let mut set = greenroom::task::TaskSet::new();
    ///     set.spawn(async {});
    ///     assert_eq!(set.len(), 1);
    /// });
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.running.len()
    }

    /// Whether no outcome is to come.
    ///
    /// ```
    /// assert!(greenroom::task::TaskSet::<()>::new().is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// Asks all to [cancel](JoinHandle::cancel); their outcomes still come.
    ///
    /// ```
    /// use greenroom::task::{JoinError, TaskSet};
    /// greenroom::run(async |_system| {
    ///     let mut set = TaskSet::new();
    ///     set.spawn(std::future::pending::<()>());
    ///     set.cancel_all();
    ///     assert_eq!(set.join_next().await, Some(Err(JoinError::Cancelled)));
    /// });
    /// ```
    pub fn cancel_all(&self) {
        for task in &self.running {
            task.0.cancel();
        }
    }
}

impl<T: 'static> Default for TaskSet<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Stream for TaskSet<T> {
    type Item = Result<T, JoinError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.running.poll_next_unpin(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.running.len(), Some(self.running.len()))
    }
}

impl<T> fmt::Debug for TaskSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskSet").field("len", &self.running.len()).finish()
    }
}
