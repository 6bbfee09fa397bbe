//! One job: what the awaiting side and the running side share, and who may do what with it.
//!
//! ```text
//!             take                     done
//!   Waiting ───────▶ Running ────────────────▶ Done(result)
//!      │                │ future dropped          (taken by the future,
//!      │ future dropped └──────────▶ result        or dropped with it)
//!      ▼                             dropped on the worker
//!   Given up: the closure is dropped at once and never runs
//! ```

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::error::OffloadError;
use super::pool::Pool;
use super::pool_of;
use crate::base::panics::{catch, drop_quietly};
use crate::event_loop::context::{here, within};
use crate::event_loop::current;

/// The future of [`offload`](super::offload).
///
/// ```
/// use greenroom::offload::{Offload, offload};
/// greenroom::run(async |_system| {
///     let job: Offload<u64> = offload(|| (1..=10).product());
///     assert_eq!(job.await, Ok(3_628_800));
/// });
/// ```
#[must_use = "nothing is offloaded unless the future is awaited"]
pub struct Offload<T: Send + 'static> {
    shared: Arc<Shared<T>>,
    /// The job, until there was room for it in the queue.
    unsent: Option<Unsent>,
    sent: bool,
}

/// A job that waits for room.
type Unsent = Pin<Box<dyn Future<Output = Result<(), OffloadError>> + Send>>;

/// A job as the pool sees it.
pub(crate) trait Run: Send + Sync {
    /// Runs it, unless it was given up.
    fn run(&self);
    /// Says that it will never run.
    fn refuse(&self, error: OffloadError);
}

/// What both sides own.
struct Shared<T> {
    state: Mutex<State<T>>,
}

enum State<T> {
    Waiting {
        job: Box<dyn FnOnce() -> T + Send>,
        waker: Option<Waker>,
    },
    Running {
        waker: Option<Waker>,
    },
    Done(Result<T, OffloadError>),
    /// The future took the result, or was dropped.
    Over,
}

impl<T: Send + 'static> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // No user code runs under the lock, so a poisoned one is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn finish(&self, result: Result<T, OffloadError>) {
        let mut state = self.lock();
        let before = match &mut *state {
            State::Waiting { .. } | State::Running { .. } => {
                std::mem::replace(&mut *state, State::Done(result))
            }
            State::Done(_) | State::Over => {
                drop(state);
                // Nobody waits for it; a `Drop` that panics must not cost the pool its thread.
                return drop_quietly(result);
            }
        };
        drop(state);
        if let State::Waiting { waker, .. } | State::Running { waker } = before
            && let Some(waker) = waker
        {
            waker.wake();
        }
    }
}

impl<T: Send + 'static> Run for Shared<T> {
    fn run(&self) {
        let mut state = self.lock();
        let job = match std::mem::replace(&mut *state, State::Over) {
            State::Waiting { job, waker } => {
                *state = State::Running { waker };
                job
            }
            other => {
                *state = other;
                return;
            }
        };
        drop(state);
        self.finish(catch(job).map_err(OffloadError::Panicked));
    }

    fn refuse(&self, error: OffloadError) {
        self.finish(Err(error));
    }
}

/// The job with the values that its maker sees, if there are any.
fn in_context<T>(f: impl FnOnce() -> T + Send + 'static) -> Box<dyn FnOnce() -> T + Send> {
    let context = here();
    if context.is_empty() { Box::new(f) } else { Box::new(move || within(context, f)) }
}

impl<T: Send + 'static> Offload<T> {
    pub(crate) fn new(f: impl FnOnce() -> T + Send + 'static) -> Self {
        let state = Mutex::new(State::Waiting { job: in_context(f), waker: None });
        Self { shared: Arc::new(Shared { state }), unsent: None, sent: false }
    }

    /// As a job on a pool of the caller's choice.
    #[cfg(test)]
    pub(crate) fn on(pool: &Pool, f: impl FnOnce() -> T + Send + 'static) -> Self {
        let mut offload = Self::new(f);
        offload.submit(pool);
        offload
    }

    fn submit(&mut self, pool: &Pool) {
        self.sent = true;
        let job: Arc<dyn Run> = Arc::clone(&self.shared) as Arc<dyn Run>;
        self.unsent = pool.submit(job).map(|waiting| Box::pin(waiting) as Unsent);
    }

    fn begin(&mut self) {
        match current::get() {
            Some(core) if core.driver.is_virtual() => {
                self.sent = true;
                self.shared.run();
            }
            Some(core) => self.submit(&pool_of(&core)),
            None => {
                self.sent = true;
                self.shared.refuse(OffloadError::NoLoop);
            }
        }
    }
}

impl<T: Send + 'static> Future for Offload<T> {
    type Output = Result<T, OffloadError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if !self.sent {
            self.begin();
        }
        if let Some(unsent) = &mut self.unsent
            && let Poll::Ready(outcome) = unsent.as_mut().poll(cx)
        {
            self.unsent = None;
            if let Err(error) = outcome {
                self.shared.refuse(error);
            }
        }
        // Cloned first: a foreign waker runs code.
        let new = cx.waker().clone();
        let mut state = self.shared.lock();
        match &mut *state {
            State::Waiting { waker, .. } | State::Running { waker } => {
                let before = waker.replace(new);
                drop(state);
                drop(before);
                Poll::Pending
            }
            State::Done(_) | State::Over => {
                let before = std::mem::replace(&mut *state, State::Over);
                drop(state);
                match before {
                    State::Done(result) => Poll::Ready(result),
                    _ => Poll::Ready(Err(OffloadError::Closed)),
                }
            }
        }
    }
}

impl<T: Send + 'static> Drop for Offload<T> {
    fn drop(&mut self) {
        let before = std::mem::replace(&mut *self.shared.lock(), State::Over);
        // A closure that never ran is dropped here, on the awaiting side, and so is a result.
        drop(before);
    }
}

impl<T: Send + 'static> std::fmt::Debug for Offload<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Offload").field("sent", &self.sent).finish_non_exhaustive()
    }
}
