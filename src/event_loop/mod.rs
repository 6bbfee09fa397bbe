//! The event loop: one thread, one poller, one clock reading a turn, and one more after a sleep.
//!
//! # One turn
//!
//! ```text
//!   1 clock     one reading, which is the time of the turn
//!   2 inbox     what other threads left: wakes, messages, closures          scheduler/remote.rs
//!   3 reactor   news of the sockets; an idle loop sleeps here until a       driver.rs, reactor/
//!               socket, a deadline or another thread wakes it, and then
//!               reads clock and inbox again. A busy one asks every 50 µs
//!               and does not wait
//!   4 timers    wake whoever slept until now, in the order of deadlines     timer/
//!   5 rounds    poll every task that was ready at the round's start; those  core.rs   ← user code
//!               woken meanwhile form the next round; until none is ready,
//!               or `polls_per_turn` polls were done
//!   6 end       wake whoever waits until all that was due in this turn has    turn_end.rs
//!               run, as an ask at its limit does
//! ```
//!
//! Wakers are collected in phases 3, 4 and 6 and called afterwards, when nothing is borrowed. That
//! of a task only queues it; one that a combinator has made runs code of its own there.
//!
//! # Callbacks
//! A task is the usual thing to run. Where a closure is enough, [`post`] calls it in the next
//! round, [`time::after`](crate::time::after) and [`time::at`](crate::time::at) at a time, and
//! [`LoopHandle::post_cancellable`] does it from another thread; each can be taken back before it
//! is called. Panics that no code hears of go to the log and to [`EventLoopBuilder::on_panic`].
//!
//! # Numbers
//! [`stats`] says how often the loop went round and what is on it, and, when it was built with
//! [`EventLoopBuilder::measured`], how long its turns took and how late its timers were.
//!
//! # Promises
//! * **L1** tasks are polled in the rounds of a turn, what other threads have posted is run in the
//!   inbox, and no user code runs elsewhere in it, but for wakers that are no task's own
//! * **T3** a future is dropped on its loop's thread, while the loop is the thread's current one
//!
//! Whatever another run of the same program might see differently goes through `driver.rs`.

pub(crate) mod builder;
pub(crate) mod callback;
pub(crate) mod context;
pub(crate) mod core;
pub(crate) mod current;
pub(crate) mod driver;
pub(crate) mod handle;
pub(crate) mod histogram;
pub(crate) mod idle;
pub(crate) mod panics;
pub(crate) mod shutdown;
pub(crate) mod source;
pub(crate) mod stall;
pub(crate) mod stats;
pub(crate) mod turn;
pub(crate) mod turn_end;
pub(crate) mod waker;

use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

pub use builder::EventLoopBuilder;
pub use callback::{Posted, post};
pub use handle::{LoopHandle, PostError, RemotePosted, RemoteTask, RemoteTaskError};
pub use histogram::Histogram;
pub use panics::{PanicOrigin, PanicReport};
pub use stats::{LoopStats, Measured, stats};

use self::core::Core;
use self::stall::Watcher;
use self::turn::{Root, Turn};

/// A single-threaded event loop: it runs tasks, serves sockets and timers, and never blocks on one
/// of them while another can go on.
///
/// Most programs use [`greenroom::run`](crate::run), which makes a loop and a
/// [`System`](crate::System) on it. A loop alone is for code without actors and for embedding.
///
/// Dropping the loop ends it in order: nothing new is taken, every future that is left is dropped
/// on this thread, offloaded work is waited for (with a limit), sockets are closed.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use std::rc::Rc;
/// use std::time::Duration;
/// use greenroom::{EventLoop, task, time};
///
/// let mut event_loop = EventLoop::new()?;
/// let total = event_loop.run(async {
///     let shared = Rc::new(20); // tasks stay on their loop: nothing need be `Send`
///     let in_task = Rc::clone(&shared);
///     let task = task::spawn(async move {
///         time::sleep(Duration::from_millis(1)).await;
///         *in_task + 1
///     });
///     *shared + task.await.expect("the task does not panic")
/// });
/// assert_eq!(total, 41);
/// # Ok(())
/// # }
/// ```
///
/// It cannot be dropped, or run again, while it runs; another loop may run inside a task, and holds
/// this one as long:
///
/// ```compile_fail
/// let mut event_loop = greenroom::EventLoop::new().unwrap();
/// event_loop.run(async { event_loop.run(async {}) });
/// ```
///
/// ```compile_fail
/// let mut event_loop = greenroom::EventLoop::new().unwrap();
/// event_loop.run(async { drop(event_loop) });
/// ```
pub struct EventLoop {
    core: Rc<Core>,
    turn: Turn,
    _watcher: Option<Watcher>,
}

impl EventLoop {
    /// A loop with the usual limits.
    ///
    /// # Errors
    /// When the kernel gives no poller (out of descriptors), or the process has made a million
    /// loops.
    ///
    /// ```
    /// let mut event_loop = greenroom::EventLoop::new()?;
    /// assert_eq!(event_loop.run(async { 2 + 2 }), 4);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn new() -> io::Result<Self> {
        Self::builder().build()
    }

    /// A loop with limits of your choice.
    ///
    /// ```
    /// let mut event_loop = greenroom::EventLoop::builder().polls_per_turn(64).build()?;
    /// assert_eq!(event_loop.run(async { 2 + 2 }), 4);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub const fn builder() -> EventLoopBuilder {
        EventLoopBuilder::new()
    }

    pub(crate) fn new_with(core: Rc<Core>, watcher: Option<Watcher>, measured: bool) -> Self {
        let measures = measured.then(|| stats::measure(&core));
        Self { core, turn: Turn::new(measures), _watcher: watcher }
    }

    /// What other threads may hold of this loop.
    ///
    /// ```
    /// let mut event_loop = greenroom::EventLoop::new()?;
    /// let handle = event_loop.handle();
    /// let thread = std::thread::spawn(move || handle.post(|| ()));
    /// assert_eq!(thread.join().unwrap(), Ok(()));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn handle(&self) -> LoopHandle {
        LoopHandle::new(std::sync::Arc::clone(&self.core.remote))
    }

    /// Its numbers: turns, tasks, timers, and how long things took.
    ///
    /// ```
    /// let mut event_loop = greenroom::EventLoop::new()?;
    /// event_loop.turn();
    /// assert_eq!(event_loop.stats().turns, 1);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn stats(&self) -> LoopStats {
        stats::of(&self.core)
    }

    /// Runs the loop until `future` is done. Tasks spawned meanwhile stay for the next call.
    ///
    /// # Panics
    /// With the panic of `future`; a panic in a spawned task stays in that task.
    ///
    /// ```
    /// use greenroom::task;
    /// let mut event_loop = greenroom::EventLoop::new()?;
    /// let task = event_loop.run(async { task::spawn(async { 6 * 7 }) });
    /// assert_eq!(event_loop.run(task), Ok(42)); // it stayed for this call
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn run<F: Future>(&mut self, future: F) -> F::Output {
        let _entered = current::enter(Rc::clone(&self.core));
        let mut future = pin!(future);
        let root = RootKey::new(&self.core);
        let mut output = None;
        loop {
            let mut poll = |cx: &mut std::task::Context<'_>| match future.as_mut().poll(cx) {
                Poll::Ready(ready) => {
                    output = Some(ready);
                    true
                }
                Poll::Pending => false,
            };
            self.turn.run(&self.core, Some(Root { key: root.key, poll: &mut poll }), true);
            if let Some(output) = output {
                return output;
            }
        }
    }

    /// Runs the loop until [`LoopHandle::stop`] is called.
    ///
    /// ```
    /// let mut event_loop = greenroom::EventLoop::new()?;
    /// let handle = event_loop.handle();
    /// let thread = std::thread::spawn(move || handle.stop());
    /// event_loop.run_until_stopped();
    /// assert!(thread.join().is_ok());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn run_until_stopped(&mut self) {
        let _entered = current::enter(Rc::clone(&self.core));
        while !self.core.stopping.get() {
            self.turn.run(&self.core, None, true);
        }
        self.core.stopping.set(false);
    }

    /// Runs a single turn without waiting, for a host that has a loop of its own. Gives `true`
    /// while tasks are ready, so that the host comes back soon.
    ///
    /// ```
    /// let mut event_loop = greenroom::EventLoop::new()?;
    /// event_loop.run(async { greenroom::task::spawn(async { 1 }).detach() });
    /// while event_loop.turn() { /* the host does its own work here */ }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn turn(&mut self) -> bool {
        let _entered = current::enter(Rc::clone(&self.core));
        self.turn.run(&self.core, None, false);
        self.core.scheduler.ready_len() > 0
    }
}

impl Drop for EventLoop {
    fn drop(&mut self) {
        shutdown::close(&self.core);
    }
}

impl std::fmt::Debug for EventLoop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventLoop").field("core", &self.core).finish_non_exhaustive()
    }
}

/// The root's place in the table, given back also when the root panics.
struct RootKey<'a> {
    core: &'a Core,
    key: crate::base::key::Key,
}

impl<'a> RootKey<'a> {
    fn new(core: &'a Core) -> Self {
        Self { core, key: core.scheduler.insert(None) }
    }
}

impl Drop for RootKey<'_> {
    fn drop(&mut self) {
        self.core.cancel(self.key);
    }
}
