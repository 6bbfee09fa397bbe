//! Locks, semaphores, events, conditions, barriers and queues for the tasks of one loop.
//!
//! | wish | tool |
//! | --- | --- |
//! | one at a time, over awaits | [`Lock`] |
//! | only so many at once | [`Semaphore`] |
//! | wait until something has happened | [`Event`] |
//! | wait until a shared value is right | [`Condition`] |
//! | go on together | [`Barrier`] |
//! | hand items on, with a bound | [`Queue`] |
//! | one value, once | `futures::channel::oneshot` (below) |
//!
//! All of them are cheap handles on one shared thing: a clone is the same one. They stay on their
//! thread, so nothing is atomic. They wait for a loop and not for a thread, so none of them needs a
//! loop to be made, nor to be used while nobody has to wait.
//!
//! # What is promised
//! * Who waits is served in the order of arrival, and a newcomer never overtakes, also when a
//!   permit is free at that moment (`Y1`).
//! * Any future may be dropped at any time. What was promised to one that is dropped goes to the
//!   next; no permit, item or place is lost (`Y2`).
//! * What would be a wrong call elsewhere is not possible: the right to release is a guard, and
//!   where a count is given by hand, too much is an error.
//!
//! # Between threads
//! Values go to another loop by [`LoopHandle`](crate::LoopHandle), by a message to an actor, or by
//! `async-channel`. `async-lock` works here too, but it does not keep the order: a newcomer may
//! overtake, and one that is overtaken begins again at the end of the line.
//!
//! # A single value
//! `futures::channel::oneshot` is asyncio's future: `send` is `set_result`, and can be called once
//! only, as it takes the sender; a sender that is dropped is an error for whoever waits; a failure
//! is a `Result` as the value. More than one can await it when it is `shared`.
//!
//! ```
//! use futures::{FutureExt, channel::oneshot};
//! greenroom::run(async |_system| {
//!     let (result, future) = oneshot::channel::<u32>();
//!     let (one, two) = { let future = future.shared(); (future.clone(), future) };
//!     greenroom::task::spawn(async move { result.send(42) }).detach();
//!     assert_eq!(futures::join!(one, two), (Ok(42), Ok(42)));
//! });
//! ```

mod barrier;
mod condition;
mod event;
mod gate;
mod lock;
mod queue;
mod queue_error;
mod semaphore;
mod store;
mod tally;
mod waiters;

pub use barrier::{Barrier, BrokenBarrier};
pub use condition::{Condition, Notified};
pub use event::Event;
pub use lock::{Lock, LockGuard};
pub use queue::{Queue, QueueItem, UNBOUNDED};
pub use queue_error::{GetError, PutError, TryGetError, TryPutError};
pub use semaphore::{OverRelease, Permit, Semaphore, TooManyPermits};
pub use tally::OpenItem;
