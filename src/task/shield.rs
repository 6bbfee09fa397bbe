//! `shield`: work that whoever waits for it cannot end.

use super::builder::builder;
use super::join::JoinHandle;

/// Runs a future as a task of its own, so that it goes on when whoever awaits it is cancelled,
/// aborted or too late. It is [`spawn`](super::spawn) by the name that says what for: a handle that
/// is dropped lets its task go on. If it panics when nobody waits any more, that is logged.
///
/// # Panics
/// When this thread runs no loop.
///
/// ```
/// use std::{cell::Cell, rc::Rc, time::Duration};
/// use greenroom::{task, time};
///
/// greenroom::test::run(async |test| {
///     let second = Duration::from_secs(1);
///     let saved = Rc::new(Cell::new(false));
///     let mark = Rc::clone(&saved);
///     let save = async move { time::sleep(second * 2).await; mark.set(true) };
///     assert!(time::timeout(second, task::shield(save)).await.is_err());
///     test.advance(second).await;
///     assert!(saved.get());
/// });
/// ```
#[track_caller]
pub fn shield<F: Future + 'static>(future: F) -> JoinHandle<F::Output> {
    builder().spawn(future)
}
