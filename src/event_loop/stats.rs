//! `LoopStats`: what a loop did, and, when it was built so, how long its turns and timers took.

use std::cell::RefCell;
use std::rc::Rc;

use super::core::Core;
use super::current;
use super::histogram::Histogram;

/// The numbers of a loop: of its turns as of the end of the last one, of its tasks and timers as
/// they are. They cost nothing to keep, but for [`measured`](Self::measured).
///
/// ```
/// use greenroom::{event_loop::{self, LoopStats}, task};
/// greenroom::run(async |_system| {
///     let before: LoopStats = event_loop::stats();
///     for _ in 0..1_000 { task::yield_now().await; }
///     let after = event_loop::stats();
///     assert!(after.turns > before.turns && after.polls > before.polls);
/// });
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LoopStats {
    /// How often it went round.
    pub turns: u64,
    /// How many polls of tasks there were.
    pub polls: u64,
    /// How many tasks and actors there are, and callbacks that were not called yet.
    pub tasks: usize,
    /// How many of them are ready to run.
    pub ready: usize,
    /// How many timers are set.
    pub timers: usize,
    /// What is measured in each turn, on a loop that was built with
    /// [`EventLoopBuilder::measured`](super::EventLoopBuilder::measured).
    pub measured: Option<Measured>,
}

/// What a loop measures in each of its turns.
///
/// ```
/// use std::time::Duration;
/// use greenroom::{EventLoop, event_loop::Measured, time};
///
/// let mut event_loop = EventLoop::builder().measured(true).build()?;
/// event_loop.run(time::sleep(Duration::from_millis(5)));
/// let measured: Measured = event_loop.stats().measured.unwrap();
/// assert_eq!(measured.timer_lag.count(), 1);
/// println!("a turn took at most {:?}", Duration::from_nanos(measured.tick.max()));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Measured {
    /// How long a turn took, without the time that it slept, in nanoseconds: for so long nobody
    /// else could go on.
    pub tick: Histogram,
    /// How long after its deadline the first timer of a turn fired, in nanoseconds.
    pub timer_lag: Histogram,
    /// How many tasks were ready when their rounds began.
    pub ready: Histogram,
}

impl Measured {
    fn new() -> Self {
        let new = Histogram::new;
        Self { tick: new(), timer_lag: new(), ready: new() }
    }
}

/// Where a loop that measures keeps it.
pub(crate) type Measures = Rc<RefCell<Measured>>;

#[derive(Default)]
struct Kept(RefCell<Option<Measures>>);

/// Begins to measure.
pub(crate) fn measure(core: &Core) -> Measures {
    let measures = Rc::new(RefCell::new(Measured::new()));
    core.locals.get::<Kept>().0.replace(Some(Rc::clone(&measures)));
    measures
}

/// The numbers of the loop that runs this.
///
/// # Panics
/// When this thread runs no loop.
///
/// ```
/// greenroom::run(async |_system| {
///     let stats = greenroom::event_loop::stats();
///     assert!(stats.tasks > 0 && stats.measured.is_none());
/// });
/// ```
#[must_use]
#[track_caller]
pub fn stats() -> LoopStats {
    of(&current::expect("greenroom::event_loop::stats"))
}

pub(crate) fn of(core: &Core) -> LoopStats {
    let kept = core.locals.get::<Kept>();
    let measured = kept.0.borrow().as_ref().map(|measures| measures.borrow().clone());
    LoopStats {
        turns: core.turn_end.turn(),
        polls: core.turn_end.polls(),
        tasks: core.scheduler.len(),
        ready: core.scheduler.ready_len(),
        timers: core.timers(),
        measured,
    }
}
