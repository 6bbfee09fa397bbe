//! `TestSystem`: a system whose time the test moves, whose faults it makes, and whose life it
//! reads.

use std::cell::RefCell;
use std::ops::Deref;
use std::rc::Rc;
use std::time::Duration;

use super::probe::Probe;
use crate::actor::{ActorId, DeadLetter, ExitReason, LifecycleEvent};
use crate::event_loop::{EventLoop, idle};
use crate::system::{PhaseError, Phases, System, SystemBuilder};
use crate::time::{sleep, timeout};

/// How long a test may take on its own clock before it is said to hang.
const LIMIT: Duration = Duration::from_secs(30 * 24 * 3_600);

/// Runs a test in a system on a virtual clock, in the order first come, first served.
///
/// # Panics
/// With the panic of the test; when nothing is left that could happen and the test still waits; or
/// when the root supervisor gives up.
///
/// ```
/// use std::time::Duration;
/// greenroom::test::run(async |test| {
///     greenroom::time::sleep(Duration::from_secs(3_600)).await;
///     assert_eq!(test.now(), Duration::from_secs(3_600));
/// });
/// ```
pub fn run<R>(test: impl AsyncFnOnce(&TestSystem) -> R) -> R {
    builder().run(test)
}

/// A test with options of your choice.
///
/// ```
/// let order = |seed| greenroom::test::builder().seed(seed).run(async |test| test.now());
/// assert_eq!(order(1), order(1));
/// ```
pub const fn builder() -> TestBuilder {
    TestBuilder { seed: None, limit: LIMIT, system: System::builder().signals(false) }
}

/// How many tasks there are on this loop, actors and the test itself included: for tests that
/// nothing is left over.
///
/// ```
/// greenroom::test::run(async |test| {
///     let before = greenroom::test::tasks();
///     let task = greenroom::task::spawn(async {});
///     assert_eq!(greenroom::test::tasks(), before + 1);
///     task.await.unwrap();
///     test.settle().await;
///     assert_eq!(greenroom::test::tasks(), before);
/// });
/// ```
#[must_use]
pub fn tasks() -> usize {
    crate::event_loop::current::with(|core| core.scheduler.len()).unwrap_or(0)
}

/// Options of a test; made by [`builder`].
///
/// ```
/// use std::time::Duration;
/// greenroom::test::builder().limit(Duration::from_secs(60)).run(async |test| {
///     test.advance(Duration::from_secs(59)).await;
/// });
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `run` is called"]
pub struct TestBuilder {
    seed: Option<u64>,
    limit: Duration,
    system: SystemBuilder,
}

impl TestBuilder {
    /// Shuffles the schedule: which of the ready tasks runs next is drawn from this seed, as are
    /// the loop's random numbers. Without it tasks run first come, first served.
    ///
    /// ```
    /// for seed in 0..10 {
    ///     greenroom::test::builder().seed(seed).run(async |test| test.settle().await);
    /// }
    /// ```
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// How long the test may take on its own clock before it fails as one that hangs: 30 days
    /// unless said otherwise. It costs no real time.
    ///
    /// ```
    /// let hangs = std::panic::catch_unwind(|| {
    ///     greenroom::test::run(async |_test| std::future::pending::<()>().await);
    /// });
    /// assert!(hangs.is_err());
    /// ```
    pub const fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The phases in which the system under test shuts down.
    ///
    /// # Errors
    /// When they cannot be put in order.
    ///
    /// ```
    /// use greenroom::system::{Phase, Phases};
    /// let phases = Phases::default().with(Phase::new("flush").after(Phases::TREE));
    /// greenroom::test::builder().phases(phases)?.run(async |test| test.settle().await);
    /// # Ok::<(), greenroom::system::PhaseError>(())
    /// ```
    pub fn phases(mut self, phases: Phases) -> Result<Self, PhaseError> {
        self.system = self.system.phases(phases)?;
        Ok(self)
    }

    /// Runs the test.
    ///
    /// # Panics
    /// With the panic of the test; when it hangs, which means that it still waits at the limit; or
    /// when the root supervisor gives up.
    ///
    /// ```
    /// let answer = greenroom::test::builder().seed(7).run(async |_test| 42);
    /// assert_eq!(answer, 42);
    /// ```
    pub fn run<R>(self, test: impl AsyncFnOnce(&TestSystem) -> R) -> R {
        let event_loop = EventLoop::builder()
            .virtual_clock(self.seed.unwrap_or(0))
            .shuffled(self.seed.is_some());
        let outcome = self.system.event_loop(event_loop).run(async |system| {
            let record = Rc::new(Record::default());
            record.listen(system);
            let test_system = TestSystem { system: system.clone(), record };
            let outcome = timeout(self.limit, test(&test_system)).await;
            // At the limit the test is polled once more; what it finds then it found by accident.
            outcome.ok().filter(|_| test_system.now() < self.limit)
        });
        match outcome {
            Ok(Some(result)) => result,
            Ok(None) => panic!(
                "the test hangs: it still waited after {:?} on its own clock; what it waits for \
                 will not happen",
                self.limit
            ),
            Err(interrupted) => panic!("the test was interrupted: {interrupted}"),
        }
    }
}

/// What happened since it was last read.
#[derive(Default)]
struct Record {
    events: RefCell<Vec<LifecycleEvent>>,
    dead_letters: RefCell<Vec<DeadLetter>>,
    /// An entry for each delay that lasts.
    delayed: RefCell<Vec<ActorId>>,
}

impl Record {
    fn listen(self: &Rc<Self>, system: &System) {
        let (lives, letters) = (Rc::clone(self), Rc::clone(self));
        system.on_lifecycle(move |event| lives.events.borrow_mut().push(event.clone()));
        system.on_dead_letter(move |letter| letters.dead_letters.borrow_mut().push(letter.clone()));
    }
}

/// A system under test. It can do what a [`System`] can, and is given to the test by [`run`].
///
/// ```
/// use greenroom::prelude::*;
/// greenroom::test::run(async |test| {
///     let tree = Supervisor::one_for_one().name("tree").start(test).await.unwrap();
///     test.kill(tree);
///     test.settle().await;
///     let events: Vec<String> = test.events().iter().map(ToString::to_string).collect();
///     assert!(events.contains(&"root/tree crashed: killed".to_owned()));
/// });
/// ```
pub struct TestSystem {
    system: System,
    record: Rc<Record>,
}

impl Deref for TestSystem {
    type Target = System;

    fn deref(&self) -> &System {
        &self.system
    }
}

impl TestSystem {
    /// Lets everything that is ready run, and what it makes ready, until nothing is. The clock does
    /// not move.
    ///
    /// # Cancel safety
    /// Nothing changes.
    ///
    /// ```
    /// greenroom::test::run(async |test| {
    ///     let task = greenroom::task::spawn(async { greenroom::task::yield_now().await });
    ///     test.settle().await;
    ///     assert!(task.is_finished());
    /// });
    /// ```
    pub async fn settle(&self) {
        idle::settled().await;
    }

    /// Moves the clock: every timer up to then fires at its own time and in order, and what it
    /// makes ready runs. Afterwards nothing is ready.
    ///
    /// # Cancel safety
    /// The clock stops where it is.
    ///
    /// ```
    /// use std::time::Duration;
    /// greenroom::test::run(async |test| {
    ///     let before = test.now();
    ///     test.advance(Duration::from_secs(10)).await;
    ///     assert_eq!(test.now() - before, Duration::from_secs(10));
    /// });
    /// ```
    pub async fn advance(&self, time: Duration) {
        self.settle().await;
        sleep(time).await;
        self.settle().await;
    }

    /// How much time has passed on the test's clock.
    ///
    /// ```
    /// use std::time::Duration;
    /// greenroom::test::run(async |test| assert_eq!(test.now(), Duration::ZERO));
    /// ```
    #[must_use]
    pub fn now(&self) -> Duration {
        Duration::from_nanos(crate::event_loop::current::expect("TestSystem::now").driver.now())
    }

    /// The edges in the lives of actors since this was last called, in order.
    ///
    /// ```
    /// greenroom::test::run(async |test| {
    ///     test.settle().await;
    ///     assert_eq!(test.events()[0].to_string(), "root started");
    ///     assert!(test.events().is_empty());
    /// });
    /// ```
    pub fn events(&self) -> Vec<LifecycleEvent> {
        std::mem::take(&mut self.record.events.borrow_mut())
    }

    /// The dead letters since this was last called, in order; how many there were in all says
    /// [`System::dead_letters`].
    ///
    /// ```
    /// use greenroom::actor::Cause;
    /// greenroom::test::run(async |test| {
    ///     let probe = test.probe::<u32>("probe");
    ///     probe.addr().try_tell(greenroom::test::Heard(1)).unwrap();
    ///     probe.addr().kill();
    ///     test.settle().await;
    ///     assert!(matches!(test.letters()[0].cause, Cause::Ended(_)));
    /// });
    /// ```
    pub fn letters(&self) -> Vec<DeadLetter> {
        std::mem::take(&mut self.record.dead_letters.borrow_mut())
    }

    /// An actor that keeps what it is sent, for the test to look at.
    ///
    /// ```
    /// greenroom::test::run(async |test| {
    ///     let probe = test.probe::<u32>("probe");
    ///     probe.recipient().tell(5).await.unwrap();
    ///     assert_eq!(probe.recv().await, 5);
    /// });
    /// ```
    pub fn probe<M: 'static>(&self, name: &str) -> Probe<M> {
        Probe::new(name)
    }

    /// Kills an actor: its incarnation is dropped where it stands, and no hook runs.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// greenroom::test::run(async |test| {
    ///     let probe = test.probe::<u32>("probe");
    ///     test.kill(probe.addr());
    ///     assert_eq!(probe.addr().ended().await, ExitReason::Killed);
    /// });
    /// ```
    pub fn kill(&self, actor: impl Into<ActorId>) {
        actor.into().kill();
    }

    /// Delays an actor: it takes no message for this long, on the test's clock. What it has in hand
    /// goes on. Of delays that overlap, the last to end counts.
    ///
    /// ```
    /// use std::time::Duration;
    /// greenroom::test::run(async |test| {
    ///     let probe = test.probe::<u32>("probe");
    ///     test.delay(probe.addr(), Duration::from_secs(2));
    ///     probe.recipient().tell(1).await.unwrap();
    ///     test.advance(Duration::from_secs(1)).await;
    ///     assert!(probe.is_empty());
    ///     test.advance(Duration::from_secs(1)).await;
    ///     assert_eq!(probe.take(), [1]);
    /// });
    /// ```
    pub fn delay(&self, actor: impl Into<ActorId>, time: Duration) {
        let actor = actor.into();
        actor.suspend();
        self.record.delayed.borrow_mut().push(actor);
        let record = Rc::clone(&self.record);
        let later = async move {
            sleep(time).await;
            let mut delayed = record.delayed.borrow_mut();
            if let Some(index) = delayed.iter().position(|other| *other == actor) {
                delayed.swap_remove(index);
            }
            let over = !delayed.contains(&actor);
            drop(delayed);
            if over {
                actor.resume();
            }
        };
        crate::event_loop::current::with(|core| core.spawn(Box::pin(later)));
    }

    /// Makes an actor crash with this error before its next message, as if a handler had returned
    /// it.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// greenroom::test::run(async |test| {
    ///     let probe = test.probe::<u32>("probe");
    ///     test.fail(probe.addr(), "disk full");
    ///     assert_eq!(probe.addr().ended().await, ExitReason::Error("disk full".into()));
    /// });
    /// ```
    pub fn fail(&self, actor: impl Into<ActorId>, error: &str) {
        actor.into().stop_with(ExitReason::Error(error.into()));
    }
}

impl std::fmt::Debug for TestSystem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestSystem").field("system", &self.system).finish_non_exhaustive()
    }
}
