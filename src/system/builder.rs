//! `SystemBuilder`: options of a system, and the way from its start to its end.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use super::shutdown::{CoordinatedShutdown, PhaseError, Phases, Schedule};
use super::{Shared, System};
use crate::actor::ExitReason;
use crate::base::type_map::TypeMap;
use crate::event_loop::{EventLoop, EventLoopBuilder, current};
use crate::registry::Registry;
use crate::supervisor::Supervisor;
use crate::task::body::{Body, Ended};
use crate::task::leftover;
use crate::time::{sleep, timeout};

/// How long `main` may go on after the tree has stopped on a signal.
const MAIN_GRACE: Duration = Duration::from_secs(1);

/// How long `main` may clean up after that, and tasks that are left over at the end.
const CLEAN_UP: Duration = Duration::from_secs(5);
/// A handler that holds the loop for longer than this is named in the log.
const SLOW_HANDLER: Duration = Duration::from_millis(100);

/// Builds and runs a [`System`] with options of your choice.
///
/// ```
/// use greenroom::{EventLoop, System};
///
/// let answer = System::builder()
///     .event_loop(EventLoop::builder().virtual_clock(7))
///     .signals(false)
///     .run(async |_system| 42);
/// assert_eq!(answer.unwrap(), 42);
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `run` is called"]
pub struct SystemBuilder {
    event_loop: EventLoopBuilder,
    signals: bool,
    root_intensity: (u32, Duration),
    /// Those that a system has by default, unless others were given.
    schedule: Option<Schedule>,
}

impl SystemBuilder {
    pub(crate) const fn new() -> Self {
        Self {
            event_loop: EventLoop::builder().slow_handler(SLOW_HANDLER),
            signals: true,
            root_intensity: (3, Duration::from_secs(5)),
            schedule: None,
        }
    }

    /// The loop it runs on.
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::{EventLoop, System};
    /// // An hour on a virtual clock takes no time.
    /// let virtual_clock = EventLoop::builder().virtual_clock(1);
    /// let done = System::builder().event_loop(virtual_clock).run(async |_system| {
    ///     greenroom::time::sleep(Duration::from_secs(3_600)).await;
    ///     "done"
    /// });
    /// assert_eq!(done.unwrap(), "done");
    /// ```
    pub fn event_loop(mut self, event_loop: EventLoopBuilder) -> Self {
        self.event_loop = event_loop;
        self
    }

    /// Whether SIGINT and SIGTERM stop the system in order; they do by default. Without it they do
    /// what they did before. On a virtual clock there are none.
    ///
    /// ```
    /// use greenroom::System;
    /// // For a host that sees to the signals itself.
    /// assert_eq!(System::builder().signals(false).run(async |_system| 7).unwrap(), 7);
    /// ```
    pub const fn signals(mut self, signals: bool) -> Self {
        self.signals = signals;
        self
    }

    /// How many restarts of the root's own children within how much time are allowed; with one more
    /// the system ends. 3 in 5 s by default. A period of zero is a contradiction, with which the
    /// root does not start.
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::{System, prelude::*};
    /// # enum Msg {} impl Protocol for Msg {}
    /// # async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
    /// let strict = System::builder().root_intensity(0, Duration::from_secs(1));
    /// let reason = strict.run(async |system| {
    ///     system.spawn(child("idle", idle)).await.unwrap().kill();
    ///     system.stopped().await
    /// });
    /// assert_eq!(reason.unwrap(), ExitReason::RestartLimit);
    /// ```
    pub const fn root_intensity(mut self, restarts: u32, period: Duration) -> Self {
        self.root_intensity = (restarts, period);
        self
    }

    /// The phases in which it shuts down, instead of the [default ones](Phases).
    ///
    /// # Errors
    /// When they cannot be put in order.
    ///
    /// ```
    /// use greenroom::{System, prelude::*, system::{Phase, Phases}};
    /// let phases = Phases::default().with(Phase::new("flush").after(Phases::TREE));
    /// let system = System::builder().phases(phases)?;
    /// system.run(async |system| {
    ///     let flush = async { println!("the last line"); Ok::<(), Fault>(()) };
    ///     system.shutdown().add("flush", "log", flush).unwrap();
    /// }).unwrap();
    /// # Ok::<(), greenroom::system::PhaseError>(())
    /// ```
    pub fn phases(mut self, phases: Phases) -> Result<Self, PhaseError> {
        self.schedule = Some(phases.in_order()?);
        Ok(self)
    }

    /// Makes the system, runs `main` on it, stops the tree and ends the loop.
    ///
    /// # Errors
    /// When the kernel gives no poller; or when the system was stopped, by a signal or because its
    /// root gave up, and `main` did not return within a second after the tree had stopped; it was
    /// asked to cancel then, and had five seconds to clean up.
    /// Everything is dropped by then. A second signal ends the process at once instead.
    ///
    /// # Panics
    /// With the panic of `main`.
    ///
    /// ```
    /// use greenroom::System;
    /// let greeting = String::from("hello");
    /// // `main` may borrow from outside, and what it returns comes back.
    /// let length = System::builder().run(async |_system| greeting.len());
    /// assert_eq!(length.unwrap(), 5);
    /// ```
    pub fn run<R>(self, main: impl AsyncFnOnce(&System) -> R) -> Result<R, Interrupted> {
        let mut event_loop = self.event_loop.build().map_err(Interrupted::NoLoop)?;
        event_loop.run(async {
            let system = System::start(self.root_intensity, self.schedule.unwrap_or_default());
            let _tasks = system.shutdown().given_up_at_end();
            #[cfg(unix)]
            if self.signals {
                super::signals::listen(&system);
            }
            let outcome = main_until_stopped(main(&system), &system).await;
            system.shutdown().run("the end of main").await;
            leftover::cancel_all(CLEAN_UP).await;
            outcome
        })
    }
}

impl System {
    fn start((restarts, period): (u32, Duration), schedule: Schedule) -> Self {
        let core = current::expect("System");
        let root = Supervisor::one_for_one().name("root").intensity(restarts, period);
        let root = root.start_root(&core);
        let shared = Shared {
            root,
            shutdown: CoordinatedShutdown::new(schedule, root),
            registry: core.locals.get::<Registry>(),
            kept: TypeMap::default(),
            signal: std::cell::Cell::new(None),
            signalled: crate::base::waiters::Waiters::default(),
        };
        Self { shared: Rc::new(shared) }
    }
}

/// Runs `main`, which is asked to end when the system was stopped by something else.
async fn main_until_stopped<F: Future>(main: F, system: &System) -> Result<F::Output, Interrupted> {
    let mut main = pin!(Body::new(main));
    let mut interrupted = pin!(interrupted(system));
    let outcome = poll_fn(|cx| match main.as_mut().poll(cx, false) {
        Poll::Ready(Ended::Done(value)) => Poll::Ready(Ok(value)),
        Poll::Ready(Ended::Early | Ended::Cancelled) | Poll::Pending => {
            interrupted.as_mut().poll(cx).map(Err)
        }
    });
    let outcome = outcome.await;
    if outcome.is_err() {
        // What it gives now comes too late to count.
        let end = poll_fn(|cx| main.as_mut().poll(cx, true));
        let _ = timeout(CLEAN_UP, end).await;
    }
    outcome
}

/// Is done when the system was stopped from outside `main` and `main` had its time to return.
async fn interrupted(system: &System) -> Interrupted {
    let reason = system.stopped().await;
    match system.shared.signal.get() {
        Some(signal) => {
            sleep(MAIN_GRACE).await;
            Interrupted::Signal(signal)
        }
        None if reason.is_clean() => {
            // The program stopped the system itself, so `main` returns in its own time, unless a
            // signal asks for the end.
            let signal = system.shared.signalled.until(|| system.shared.signal.get()).await;
            sleep(MAIN_GRACE).await;
            Interrupted::Signal(signal)
        }
        None => {
            sleep(MAIN_GRACE).await;
            Interrupted::GaveUp(reason)
        }
    }
}

/// Why a system ended before its `main` did.
///
/// ```
/// use std::time::Duration;
/// use greenroom::{EventLoop, System, prelude::*, system::Interrupted};
/// # enum Msg {} impl Protocol for Msg {}
/// # async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
/// let strict = System::builder()
///     .event_loop(EventLoop::builder().virtual_clock(1))
///     .root_intensity(0, Duration::from_secs(1));
/// let outcome: Result<(), _> = strict.run(async |system| {
///     system.spawn(child("idle", idle)).await.unwrap().kill();
///     std::future::pending().await
/// });
/// assert!(matches!(outcome, Err(Interrupted::GaveUp(ExitReason::RestartLimit))));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Interrupted {
    /// This signal stopped it.
    #[error("the system was stopped by signal {0}")]
    Signal(i32),
    /// Its root supervisor gave up.
    #[error("the system ended: {0}")]
    GaveUp(ExitReason),
    /// There was no loop to run it on.
    #[error("the system has no event loop: {0}")]
    NoLoop(io::Error),
}

impl Interrupted {
    /// The exit status that says so: 128 + the number of the signal, as shells have it, or 1.
    ///
    /// ```
    /// use greenroom::{actor::ExitReason, system::Interrupted};
    /// assert_eq!(Interrupted::Signal(15).exit_status(), 143);
    /// assert_eq!(Interrupted::GaveUp(ExitReason::RestartLimit).exit_status(), 1);
    /// ```
    #[must_use]
    pub const fn exit_status(&self) -> i32 {
        match self {
            Self::Signal(signal) => 128 + *signal,
            Self::GaveUp(_) | Self::NoLoop(_) => 1,
        }
    }
}
