//! `deadline`: a limit on a part of a task that leaves it time to clean up, and can be moved.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::body::{Body, Ended};
use crate::time::{Elapsed, Sleep, now, sleep_until};

/// Runs `body`, for as long as its deadline allows. At the deadline the body is asked to end, as a
/// [cancelled](super::JoinHandle::cancel) task is: if nothing in it wants to hear of that, it is
/// dropped there; a [`cancellable`](super::cancellable) part of it may clean up first, and
/// if the body gives a value all the same, that counts.
///
/// Deadlines nest, and the inner one acts first where both are due. For a limit that drops a future
/// at once there is [`timeout`](crate::time::timeout()).
///
/// # Errors
/// [`Elapsed`] when the body was ended by this deadline. When the whole task is asked to cancel,
/// this gives nothing: the request goes on to what is around it.
///
/// # Panics
/// When this thread runs no loop.
///
/// # Cancel safety
/// As the body's own: it is dropped.
///
/// ```
/// use std::time::Duration;
/// use greenroom::task::{cancellable, deadline};
/// use greenroom::time::{now, sleep};
///
/// greenroom::test::run(async |test| {
///     let second = Duration::from_secs(1);
///     let outcome = deadline(second, async |deadline| {
///         deadline.reschedule(now() + second * 5); // it is given more time
///         if cancellable(sleep(second * 60)).await.is_err() {
///             sleep(second).await; // and says goodbye
///         }
///     });
///     assert_eq!(outcome.await, Ok(()));
///     assert_eq!(test.now(), second * 6);
/// });
/// ```
pub async fn deadline<T>(
    limit: Duration,
    body: impl AsyncFnOnce(&Deadline) -> T,
) -> Result<T, Elapsed> {
    let began = now();
    // One that no clock can show is none.
    let deadline = Deadline {
        when: Cell::new(began.checked_add(limit)),
        expired: Cell::new(false),
        moved: Cell::new(true),
    };
    let mut body = pin!(Body::new(body(&deadline)));
    let mut timer = None;
    let ended = poll_fn(|cx| {
        deadline.poll(&mut timer, cx);
        let ended = body.as_mut().poll(cx, deadline.expired.get());
        if ended.is_ready() || !deadline.moved.get() {
            return ended;
        }
        // It was moved. If it is due now, it cannot be moved again, so this ends.
        deadline.poll(&mut timer, cx);
        if deadline.expired.get() { body.as_mut().poll(cx, true) } else { Poll::Pending }
    });
    match ended.await {
        Ended::Done(value) => Ok(value),
        Ended::Early => {
            let when = deadline.when.get().unwrap_or(began);
            Err(Elapsed::after(when.saturating_duration_since(began)))
        }
        Ended::Cancelled => {
            body.scope().pass_on();
            std::future::pending().await
        }
    }
}

/// The deadline of a part of a task; given to the body of [`deadline`].
///
/// ```
/// use std::time::Duration;
/// greenroom::test::run(async |_test| {
///     let limit = Duration::from_secs(1);
///     greenroom::task::deadline(limit, async |deadline| {
///         assert_eq!(deadline.when(), Some(greenroom::time::now() + limit));
///         assert!(!deadline.expired());
///     }).await.unwrap();
/// });
/// ```
#[derive(Debug)]
pub struct Deadline {
    when: Cell<Option<Instant>>,
    expired: Cell<bool>,
    /// Since the timer was last set.
    moved: Cell<bool>,
}

impl Deadline {
    /// When it is; `None` when there is none.
    ///
    /// ```
    /// use std::time::Duration;
    /// greenroom::test::run(async |_test| {
    ///     let forever = greenroom::task::deadline(Duration::MAX, async |deadline| deadline.when());
    ///     assert_eq!(forever.await, Ok(None));
    /// });
    /// ```
    #[must_use]
    pub const fn when(&self) -> Option<Instant> {
        self.when.get()
    }

    /// Whether it was reached, and the body asked to end.
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::task::{cancellable, deadline};
    /// greenroom::test::run(async |_test| {
    ///     let outcome = deadline(Duration::from_secs(1), async |deadline| {
    ///         let _ = cancellable(std::future::pending::<()>()).await;
    ///         deadline.expired()
    ///     });
    ///     assert_eq!(outcome.await, Ok(true));
    /// });
    /// ```
    #[must_use]
    pub const fn expired(&self) -> bool {
        self.expired.get()
    }

    /// Moves it; `None` takes it away. `false`, and nothing happens, once it was reached.
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::{task::deadline, time::sleep};
    /// greenroom::test::run(async |_test| {
    ///     let second = Duration::from_secs(1);
    ///     let outcome = deadline(second, async |deadline| {
    ///         assert!(deadline.reschedule(None));
    ///         sleep(second * 10).await;
    ///     });
    ///     assert_eq!(outcome.await, Ok(()));
    /// });
    /// ```
    pub fn reschedule(&self, when: impl Into<Option<Instant>>) -> bool {
        if self.expired.get() {
            return false;
        }
        self.when.set(when.into());
        self.moved.set(true);
        true
    }

    fn poll(&self, timer: &mut Option<Pin<Box<Sleep>>>, cx: &mut Context<'_>) {
        if self.moved.take() {
            *timer = self.when.get().map(|when| Box::pin(sleep_until(when)));
        }
        let due = timer.as_mut().is_some_and(|timer| timer.as_mut().poll(cx).is_ready());
        if due {
            *timer = None;
            self.expired.set(true);
        }
    }
}
