//! `join_all`, `try_join_all` and `settle_all`: many tasks awaited as one, all of which end
//! together.

use std::convert::{Infallible, identity};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::stream::{FuturesUnordered, StreamExt as _};

use super::join::{JoinError, JoinHandle};
use super::outcome::report_unread;
use super::owned::AbortOnDrop;
use super::request::Scope;

/// Awaits all tasks and gives what they gave, in the order of `tasks`, whichever is done first.
///
/// # Errors
/// As soon as one of them panics or is aborted, with the reason of the first: the others are
/// aborted, and their futures have been dropped when this returns.
///
/// # Cancel safety
/// Dropped before it is done, all tasks are aborted, also when it was never polled. When the task
/// that awaits it is asked to cancel, all of them are asked, and waited for, first.
///
/// ```
/// use std::time::Duration;
/// use greenroom::{task, time};
///
/// greenroom::run(async |_system| {
///     let slow = task::spawn(async { time::sleep(Duration::from_millis(2)).await; "slow" });
///     let fast = task::spawn(async { "fast" });
///     assert_eq!(task::join_all([slow, fast]).await, Ok(vec!["slow", "fast"]));
///
///     let waits = task::spawn(std::future::pending::<()>());
///     let panics = task::spawn(async { panic!("no luck") });
///     assert!(task::join_all([waits, panics]).await.is_err(), "at once; the other is aborted");
/// });
/// ```
pub fn join_all<T, I>(tasks: I) -> impl Future<Output = Result<Vec<T>, JoinError>>
where
    I: IntoIterator<Item = JoinHandle<T>>,
{
    gather(own(tasks), identity)
}

/// As [`join_all`], for tasks that give a `Result`: an `Err` counts as a failure too.
///
/// # Errors
/// As soon as one of them gives `Err`, panics or is aborted, with the error of the first: the
/// others are aborted, and their futures have been dropped when this returns.
///
/// # Cancel safety
/// As that of [`join_all`].
///
/// ```
/// use greenroom::prelude::*;
/// use greenroom::task;
///
/// greenroom::run(async |_system| {
///     let parse = |text: &'static str| task::spawn(async move { text.parse::<u32>().map_err(Fault::from) });
///     let numbers = task::try_join_all(["1", "2"].map(parse)).await;
///     assert_eq!(numbers.unwrap(), [1, 2]);
///     let numbers: Result<Vec<u32>, Fault> = task::try_join_all(["1", "two"].map(parse)).await;
///     assert_eq!(numbers.unwrap_err().to_string(), "invalid digit found in string");
/// });
/// ```
pub fn try_join_all<T, E, I>(tasks: I) -> impl Future<Output = Result<Vec<T>, E>>
where
    I: IntoIterator<Item = JoinHandle<Result<T, E>>>,
    E: From<JoinError>,
{
    gather(own(tasks), |outcome| outcome?)
}

/// Awaits all tasks and gives all outcomes, in the order of `tasks`: a panic of one is its own
/// affair.
///
/// # Cancel safety
/// As that of [`join_all`].
///
/// ```
/// use greenroom::task;
/// greenroom::run(async |_system| {
///     let seven = task::spawn(async { 7 });
///     let panics = task::spawn(async { panic!("no luck") });
///     let outcomes = task::settle_all([panics, seven]).await;
///     assert!(outcomes[0].is_err());
///     assert_eq!(outcomes[1], Ok(7));
/// });
/// ```
pub fn settle_all<T, I>(tasks: I) -> impl Future<Output = Vec<Result<T, JoinError>>>
where
    I: IntoIterator<Item = JoinHandle<T>>,
{
    let all = gather(own(tasks), Ok::<_, Infallible>);
    async move {
        match all.await {
            Ok(outcomes) => outcomes,
            Err(never) => match never {},
        }
    }
}

/// A task with its place among the others.
struct Numbered<T> {
    number: usize,
    task: AbortOnDrop<T>,
}

impl<T> Future for Numbered<T> {
    type Output = (usize, Result<T, JoinError>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let number = self.number;
        Pin::new(&mut self.task).poll(cx).map(|outcome| (number, outcome))
    }
}

/// The tasks are owned from the call on, not from the first poll on.
fn own<T>(tasks: impl IntoIterator<Item = JoinHandle<T>>) -> FuturesUnordered<Numbered<T>> {
    let own = |(number, task)| Numbered { number, task: AbortOnDrop(task) };
    tasks.into_iter().enumerate().map(own).collect()
}

async fn gather<T, U, E>(
    mut running: FuturesUnordered<Numbered<T>>,
    accept: impl Fn(Result<T, JoinError>) -> Result<U, E>,
) -> Result<Vec<U>, E> {
    let mut values: Vec<Option<U>> = running.iter().map(|_| None).collect();
    let mut scope = Scope::default();
    let (mut handed_on, mut passed_on) = (false, false);
    poll_fn(|cx| {
        if passed_on {
            return Poll::Pending;
        }
        scope.enter(cx.waker());
        if scope.take_to_pass_on() {
            // All are asked at once, and clean up side by side.
            handed_on = true;
            running.iter().for_each(|task| _ = task.task.0.cancel());
        }
        loop {
            match running.poll_next_unpin(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some((_, outcome))) if handed_on => report_unread(outcome),
                Poll::Ready(Some((number, outcome))) => match accept(outcome) {
                    Ok(value) => values[number] = Some(value),
                    // The tasks that still run are dropped, and so aborted, when this returns.
                    Err(error) => return Poll::Ready(Err(error)),
                },
                Poll::Ready(None) if handed_on => {
                    passed_on = true;
                    scope.pass_on();
                    return Poll::Pending;
                }
                Poll::Ready(None) => return Poll::Ready(Ok(())),
            }
        }
    })
    .await?;
    Ok(values.into_iter().flatten().collect())
}
