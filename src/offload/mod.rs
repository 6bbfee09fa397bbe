//! `offload(f).await`: CPU-bound and blocking work on a bounded pool of threads.
//!
//! ```text
//!   loop's thread                       queue (async-channel)            worker threads
//!   offload(f).await ── first poll ──▶  │ job │ job │ …  │ ── take ──▶   run f, store, wake
//!        ▲                                                                    │
//!        └───────────────── waker of the awaiting task ◀──────────────────────┘
//! ```
//!
//! The pool belongs to the loop and has no threads until the first job. It grows when a job finds
//! no idle thread, up to `threads_max`, and shrinks when threads are idle for `keep_alive`. A full
//! queue makes callers wait.
//!
//! * **O1** dropping an offload future frees nothing that the worker thread still uses
//!
//! What a job and its future share is owned by both and released by whichever is last.

mod error;
mod job;
mod options;
mod pool;

#[cfg(test)]
mod tests;

pub use error::OffloadError;
pub use job::Offload;
pub use options::OffloadOptions;

use std::cell::RefCell;

use crate::event_loop::core::Core;
use crate::event_loop::current;
use crate::event_loop::shutdown::AtClose;
use pool::Pool;

/// Runs `f` on the thread pool of the current loop and gives what it returns.
///
/// Nothing is submitted before the future is polled. On a loop with a virtual clock `f` runs at
/// that moment, on the loop's own thread, so that runs do not depend on threads.
///
/// # Errors
/// When `f` panics, with its text; when the pool is shut down; when no thread can be had; when it
/// is first polled where no loop runs.
///
/// # Cancel safety
/// Dropped before `f` has begun, `f` never runs. Dropped later, `f` runs on and its result is
/// dropped.
///
/// ```
/// greenroom::run(async |_system| {
///     let sum = greenroom::offload::offload(|| (1..=1_000_000_u64).sum::<u64>()).await;
///     assert_eq!(sum, Ok(500_000_500_000));
/// });
/// ```
pub fn offload<T, F>(f: F) -> Offload<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    Offload::new(f)
}

/// Chooses the limits of the current loop's pool. It takes effect for pools that have not begun.
///
/// # Panics
/// When this thread runs no loop.
///
/// ```
/// use greenroom::offload::{OffloadOptions, configure, offload};
/// greenroom::run(async |_system| {
///     configure(OffloadOptions::default().threads_max(2));
///     assert_eq!(offload(|| 42).await, Ok(42));
/// });
/// ```
#[track_caller]
pub fn configure(options: OffloadOptions) {
    let core = current::expect("greenroom::offload::configure");
    *core.locals.get::<LoopPool>().options.borrow_mut() = options;
}

/// The pool of one loop, made when first used.
#[derive(Default)]
struct LoopPool {
    options: RefCell<OffloadOptions>,
    pool: RefCell<Option<Pool>>,
}

fn pool_of(core: &Core) -> Pool {
    let slot = core.locals.get::<LoopPool>();
    let made = slot.pool.borrow().clone();
    made.unwrap_or_else(|| {
        let options = *slot.options.borrow();
        let pool = Pool::new(options);
        *slot.pool.borrow_mut() = Some(pool.clone());
        let closing = pool.clone();
        core.locals.get::<AtClose>().add(move || closing.shutdown(options.shutdown_limit));
        pool
    })
}
