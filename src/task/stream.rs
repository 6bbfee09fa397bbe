//! `stream`: one task for each input, at most so many at a time, and what they give as a stream.

use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::stream::{LocalBoxStream, Stream, StreamExt as _, iter};

use super::join::JoinError;
use super::owned::AbortOnDrop;
use super::spawn;
use crate::time::timeout;

/// Does `work` for each of the inputs in a task of its own, at most
/// [so many](TaskStreamBuilder::max_concurrency) at a time.
///
/// Nothing is started before the stream is polled, and an input is taken only when there is room
/// for its task: the inputs may be endless. A panic in `work` is an error in the place of its item.
///
/// ```
/// use futures::{StreamExt as _, TryStreamExt as _};
/// use greenroom::prelude::*;
/// use greenroom::task;
///
/// async fn fetch(page: u32) -> usize { page as usize * 100 }
///
/// greenroom::run(async |_system| {
///     let sizes = task::stream(1..=10, fetch).max_concurrency(4)?;
///     let sizes: Vec<usize> = sizes.take(3).try_collect().await?;
///     assert_eq!(sizes, [100, 200, 300]);
///     Ok::<(), Fault>(())
/// }).unwrap();
/// ```
pub fn stream<I, T, F>(inputs: I, work: F) -> TaskStreamBuilder<Inputs<I::IntoIter>, F>
where
    I: IntoIterator,
    F: AsyncFn(I::Item) -> T + 'static,
{
    stream_from(iter(inputs), work)
}

/// The inputs of [`stream`](stream()).
type Inputs<I> = futures::stream::Iter<I>;

/// As [`stream`](stream()), with inputs that arrive by and by.
///
/// ```
/// use futures::StreamExt as _;
/// use greenroom::task;
///
/// greenroom::run(async |_system| {
///     let (sender, words) = futures::channel::mpsc::unbounded();
///     let lengths = task::stream_from(words, async |word: &str| word.len());
///     let mut lengths = lengths.max_concurrency(2).unwrap();
///     sender.unbounded_send("three").unwrap();
///     assert_eq!(lengths.next().await, Some(Ok(5)));
///     drop(sender);
///     assert_eq!(lengths.next().await, None);
/// });
/// ```
pub const fn stream_from<S, T, F>(inputs: S, work: F) -> TaskStreamBuilder<S, F>
where
    S: Stream,
    F: AsyncFn(S::Item) -> T + 'static,
{
    TaskStreamBuilder { inputs, work, ordered: true, limit: None }
}

/// Says how the tasks of a [`stream`](stream()) are run.
///
/// ```
/// use std::time::Duration;
/// use futures::StreamExt as _;
/// use greenroom::task;
/// use greenroom::time::sleep;
///
/// greenroom::run(async |_system| {
///     let work = async |ms: u64| sleep(Duration::from_millis(ms)).await;
///     let builder = task::stream([1, 2, 3], work).unordered().timeout(Duration::from_secs(5));
///     assert_eq!(builder.max_concurrency(2).unwrap().count().await, 3);
/// });
/// ```
#[must_use = "a stream does nothing unless it is polled"]
pub struct TaskStreamBuilder<S, F> {
    inputs: S,
    work: F,
    ordered: bool,
    limit: Option<Duration>,
}

impl<S, F> TaskStreamBuilder<S, F> {
    /// Gives each item as soon as its task is done, whatever the order of the inputs. Without this
    /// items come in that order, and one that is done early holds its place until its turn.
    ///
    /// ```
    /// use futures::TryStreamExt as _;
    /// use greenroom::task;
    /// use greenroom::time::sleep;
    ///
    /// greenroom::run(async |_system| {
    ///     let work = async |ms: u64| { sleep(std::time::Duration::from_millis(ms)).await; ms };
    ///     let as_they_come = task::stream([30, 1], work).unordered().max_concurrency(2).unwrap();
    ///     assert_eq!(as_they_come.try_collect::<Vec<_>>().await, Ok(vec![1, 30]));
    /// });
    /// ```
    pub fn unordered(mut self) -> Self {
        self.ordered = false;
        self
    }

    /// How long each task may take, counted from its own start; by default as long as it likes. One
    /// that takes longer is ended, whether or not somebody polls the stream, and its item is
    /// [`JoinError::TimedOut`]; the others go on. To end them all with the first, leave the loop
    /// over the items and drop the stream, as `?` does.
    ///
    /// ```
    /// use std::time::Duration;
    /// use futures::StreamExt as _;
    /// use greenroom::task::{self, JoinError};
    /// use greenroom::time::sleep;
    ///
    /// greenroom::run(async |_system| {
    ///     let limit = Duration::from_millis(20);
    ///     let work = async |ms: u64| sleep(Duration::from_millis(ms)).await;
    ///     let items = task::stream([10_000, 1], work).timeout(limit).max_concurrency(1).unwrap();
    ///     let items: Vec<_> = items.collect().await;
    ///     assert_eq!(items, [Err(JoinError::TimedOut(limit)), Ok(())]);
    /// });
    /// ```
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Makes the stream, with at most `max` tasks at a time. Items in order that are done and not
    /// yet taken count, so there are never more than `max` of them in memory.
    ///
    /// # Errors
    /// When `max` is 0, as such a stream would wait for ever.
    ///
    /// ```
    /// let none = greenroom::task::stream([1, 2], async |n: u32| n).max_concurrency(0);
    /// assert!(none.unwrap_err().to_string().contains("at least 1"));
    /// ```
    pub fn max_concurrency<'a, T>(self, max: usize) -> Result<TaskStream<'a, T>, NoConcurrency>
    where
        S: Stream + 'a,
        S::Item: 'static,
        F: AsyncFn(S::Item) -> T + 'static,
        T: 'static,
    {
        if max == 0 {
            return Err(NoConcurrency);
        }
        let Self { inputs, work, ordered, limit } = self;
        let work = Rc::new(work);
        let tasks = inputs.map(move |input| start(&work, input, limit));
        let items = if ordered {
            tasks.buffered(max).boxed_local()
        } else {
            tasks.buffer_unordered(max).boxed_local()
        };
        Ok(TaskStream { items })
    }
}

/// Starts the task of one input. The limit is kept by the task itself, as nobody may be polling.
fn start<I, T, F>(
    work: &Rc<F>,
    input: I,
    limit: Option<Duration>,
) -> impl Future<Output = Result<T, JoinError>> + use<I, T, F>
where
    I: 'static,
    T: 'static,
    F: AsyncFn(I) -> T + 'static,
{
    let work = Rc::clone(work);
    let task = spawn(async move {
        let working = work(input);
        match limit {
            Some(limit) => timeout(limit, working).await.map_err(|_| JoinError::TimedOut(limit)),
            None => Ok(working.await),
        }
    });
    let task = AbortOnDrop(task);
    async move { task.await? }
}

impl<S, F> fmt::Debug for TaskStreamBuilder<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskStreamBuilder")
            .field("ordered", &self.ordered)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// What the tasks of a [`stream`](stream()) give, item by item.
///
/// Dropping it ends every task of it that still runs: their futures have been dropped when it is
/// gone.
///
/// # Panics
/// When it is polled on a thread that runs no loop.
///
/// ```
/// use std::rc::Rc;
/// use futures::StreamExt as _;
/// use greenroom::task;
///
/// greenroom::run(async |_system| {
///     let held = Rc::new(());
///     let inputs = [Rc::clone(&held), Rc::clone(&held)];
///     let never = async |_held: Rc<()>| std::future::pending::<()>().await;
///     let mut tasks = task::stream(inputs, never).max_concurrency(2).unwrap();
///     assert!(futures::poll!(tasks.next()).is_pending());
///     assert_eq!(Rc::strong_count(&held), 3);
///     drop(tasks);
///     assert_eq!(Rc::strong_count(&held), 1);
/// });
/// ```
#[must_use = "a stream does nothing unless it is polled"]
pub struct TaskStream<'a, T> {
    items: LocalBoxStream<'a, Result<T, JoinError>>,
}

impl<T> Stream for TaskStream<'_, T> {
    type Item = Result<T, JoinError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.items.as_mut().poll_next(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}

impl<T> fmt::Debug for TaskStream<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskStream").finish_non_exhaustive()
    }
}

/// A stream of tasks was to run none at a time.
///
/// ```
/// use greenroom::task;
/// let none = task::stream([1, 2], async |n: u32| n).max_concurrency(0);
/// assert_eq!(none.unwrap_err(), task::NoConcurrency);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a stream of tasks with a `max_concurrency` of 0 would never start one; say at least 1")]
pub struct NoConcurrency;
