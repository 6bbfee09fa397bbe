//! `join_all` and `try_join_all`: many tasks awaited as one, all of which end together.

use std::convert::identity;

use futures::stream::{FuturesUnordered, StreamExt as _};

use super::join::{JoinError, JoinHandle};
use super::owned::Owned;

/// Awaits all tasks and gives what they gave, in the order of `tasks`, whichever is done first.
///
/// # Errors
/// As soon as one of them panics or is aborted, with the reason of the first: the others are
/// aborted, and their futures have been dropped when this returns.
///
/// # Cancel safety
/// Dropped before it is done, all tasks are aborted, also when it was never polled.
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

/// The tasks are owned from the call on, not from the first poll on.
fn own<T>(tasks: impl IntoIterator<Item = JoinHandle<T>>) -> Vec<Owned<T>> {
    tasks.into_iter().map(Owned::new).collect()
}

async fn gather<T, U, E>(
    tasks: Vec<Owned<T>>,
    accept: impl Fn(Result<T, JoinError>) -> Result<U, E>,
) -> Result<Vec<U>, E> {
    let mut values: Vec<Option<U>> = tasks.iter().map(|_| None).collect();
    let numbered = tasks.into_iter().enumerate();
    let mut running: FuturesUnordered<_> =
        numbered.map(|(number, task)| async move { (number, task.await) }).collect();
    while let Some((number, outcome)) = running.next().await {
        // With an error, the tasks that still run are dropped, and so aborted, right here.
        values[number] = Some(accept(outcome)?);
    }
    Ok(values.into_iter().flatten().collect())
}
