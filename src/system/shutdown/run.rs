//! `CoordinatedShutdown`: the tasks of a system's shutdown, and their run, which happens once.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::channel::oneshot;
use futures::future::{FutureExt as _, LocalBoxFuture, Shared, join_all};

use super::phases::{Phase, PhaseError, Phases, Schedule};
use crate::event_loop::current;
use crate::supervisor::Supervisor;
use crate::task::{JoinError, JoinHandle, spawn};
use crate::time::timeout;

/// What a system does when it shuts down, phase by phase; see [`System::shutdown`].
///
/// ```
/// use greenroom::prelude::*;
/// use greenroom::system::Phases;
///
/// greenroom::test::run(async |test| {
///     let shutdown = test.shutdown();
///     shutdown.add(Phases::UNBIND, "close the door", async {
///         println!("no more guests");
///         Ok::<(), Fault>(())
///     }).unwrap();
///     let outcome = shutdown.run("closing time").await;
///     assert_eq!(&*outcome.reason, "closing time");
///     assert!(outcome.result.is_ok());
/// });
/// ```
///
/// [`System::shutdown`]: crate::System::shutdown
#[derive(Clone)]
pub struct CoordinatedShutdown {
    inner: Rc<Inner>,
}

struct Inner {
    /// In the order in which they run.
    phases: Vec<Phase>,
    deadline: Option<Duration>,
    root: Supervisor,
    tasks: RefCell<BTreeMap<usize, Vec<Task>>>,
    numbers: Cell<u64>,
    /// The first phase that has not begun.
    next: Cell<usize>,
    completion: RefCell<Option<Completion>>,
}

struct Task {
    number: u64,
    name: Arc<str>,
    run: LocalBoxFuture<'static, Result<(), String>>,
}

/// What came of a shutdown.
///
/// ```
/// greenroom::test::run(async |test| {
///     let outcome = test.shutdown().run("done").await;
///     assert_eq!((&*outcome.reason, outcome.result), ("done", Ok(())));
/// });
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ShutdownOutcome {
    /// Why it was begun, by whoever was first.
    pub reason: Arc<str>,
    /// Whether all phases were run.
    pub result: Result<(), ShutdownError>,
}

/// Why phases of a shutdown were given up. The tree was stopped all the same.
///
/// ```
/// use greenroom::{prelude::*, system::{Phase, Phases, ShutdownError}};
/// let phases = Phases::default().with(Phase::new("save").recover(false));
/// let system = greenroom::test::builder().phases(phases).unwrap();
/// system.run(async |test| {
///     test.shutdown().add("save", "write", async { Err(Fault::new("disk full")) }).unwrap();
///     let error = test.shutdown().run("done").await.result.unwrap_err();
///     assert_eq!(error.to_string(), "task `write` of phase `save` failed: disk full");
///     assert!(matches!(error, ShutdownError::Failed { .. }));
/// });
/// ```
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShutdownError {
    /// A task failed in a phase that does not recover.
    #[error("task `{task}` of phase `{phase}` failed: {error}")]
    Failed {
        /// In which phase.
        phase: Arc<str>,
        /// Which task.
        task: Arc<str>,
        /// Its error.
        error: Arc<str>,
    },
    /// A phase that does not recover was out of time.
    #[error("phase `{phase}` took longer than {limit:?}")]
    TimedOut {
        /// Which phase.
        phase: Arc<str>,
        /// How long it might take.
        limit: Duration,
    },
    /// The whole took too long.
    #[error("the shutdown took longer than {0:?}")]
    Deadline(Duration),
    /// The loop ended meanwhile.
    #[error("the event loop ended during the shutdown")]
    LoopEnded,
}

impl CoordinatedShutdown {
    pub(crate) fn new(schedule: Schedule, root: Supervisor) -> Self {
        let Schedule { phases, deadline } = schedule;
        let inner = Inner {
            phases,
            deadline,
            root,
            tasks: RefCell::default(),
            numbers: Cell::new(0),
            next: Cell::new(0),
            completion: RefCell::new(None),
        };
        Self { inner: Rc::new(inner) }
    }

    /// Adds a task to a phase. It runs when the phase comes, beside the others of the phase; a
    /// running task may add tasks to later phases.
    ///
    /// # Errors
    /// When there is no such phase, or it has begun already; the task is dropped and never runs.
    ///
    /// ```
    /// use greenroom::{prelude::*, system::Phases};
    /// greenroom::test::run(async |test| {
    ///     let task = async { Ok::<(), Fault>(()) };
    ///     assert!(test.shutdown().add(Phases::STOP, "say goodbye", task).is_ok());
    ///     assert!(test.shutdown().add("no phase", "lost", async { Ok::<(), Fault>(()) }).is_err());
    /// });
    /// ```
    pub fn add<E: fmt::Display>(
        &self,
        phase: &str,
        name: &str,
        task: impl Future<Output = Result<(), E>> + 'static,
    ) -> Result<Registration, PhaseError> {
        let at = self.place(phase)?;
        if at < self.inner.next.get() {
            return Err(PhaseError::Begun(Arc::from(phase)));
        }
        let number = self.inner.numbers.get();
        self.inner.numbers.set(number + 1);
        let run = async move { task.await.map_err(|error| format!("{error:#}")) };
        let task = Task { number, name: Arc::from(name), run: run.boxed_local() };
        self.inner.tasks.borrow_mut().entry(at).or_default().push(task);
        Ok(Registration { shutdown: self.clone(), number })
    }

    /// Begins the shutdown, if nobody has, and gives what becomes of it: awaiting it is optional.
    /// Whoever calls this again, also while it runs, gets the same completion; the first reason
    /// stands.
    ///
    /// ```
    /// greenroom::test::run(async |test| {
    ///     let first = test.shutdown().run("first");
    ///     let second = test.shutdown().run("second");
    ///     assert_eq!(first.await, second.await);
    /// });
    /// ```
    pub fn run(&self, reason: &str) -> Completion {
        self.start(0, reason)
    }

    /// The same, beginning with this phase: those before it are skipped.
    ///
    /// # Errors
    /// When there is no such phase; nothing was begun.
    ///
    /// ```
    /// use greenroom::system::Phases;
    /// greenroom::test::run(async |test| {
    ///     let outcome = test.shutdown().run_from(Phases::STOP, "in a hurry").unwrap().await;
    ///     assert!(outcome.result.is_ok());
    /// });
    /// ```
    pub fn run_from(&self, phase: &str, reason: &str) -> Result<Completion, PhaseError> {
        Ok(self.start(self.place(phase)?, reason))
    }

    fn place(&self, phase: &str) -> Result<usize, PhaseError> {
        let found = self.inner.phases.iter().position(|known| known.name() == phase);
        found.ok_or_else(|| PhaseError::Unknown(Arc::from(phase)))
    }

    fn start(&self, first: usize, reason: &str) -> Completion {
        if let Some(completion) = self.inner.completion.borrow().clone() {
            return completion;
        }
        let (done, outcome) = oneshot::channel();
        let reason: Arc<str> = Arc::from(reason);
        let lost =
            ShutdownOutcome { reason: Arc::clone(&reason), result: Err(ShutdownError::LoopEnded) };
        let outcome = outcome.map(move |outcome| outcome.unwrap_or(lost)).boxed_local().shared();
        let completion = Completion { outcome };
        *self.inner.completion.borrow_mut() = Some(completion.clone());
        if self.inner.tasks.borrow().is_empty() {
            // Without tasks there is nothing to wait for: the tree stops now.
            self.inner.root.stop();
        }
        let inner = Rc::clone(&self.inner);
        let run = async move {
            let result = inner.run(first).await;
            let _ = done.send(ShutdownOutcome { reason, result });
        };
        current::with(|core| core.spawn(Box::pin(run)));
        completion
    }
}

impl Inner {
    async fn run(&self, first: usize) -> Result<(), ShutdownError> {
        let Some(deadline) = self.deadline else { return self.run_phases(first).await };
        if let Ok(result) = timeout(deadline, self.run_phases(first)).await {
            return result;
        }
        tracing::warn!(
            target: "greenroom::system", ?deadline,
            "the shutdown takes too long; what is left of its phases is given up",
        );
        self.stop_tree().await;
        Err(ShutdownError::Deadline(deadline))
    }

    async fn run_phases(&self, first: usize) -> Result<(), ShutdownError> {
        for (at, phase) in self.phases.iter().enumerate() {
            self.next.set(at + 1);
            let tasks = self.tasks.borrow_mut().remove(&at).unwrap_or_default();
            if at < first || !phase.is_enabled() {
                drop(tasks);
            } else if let Err(error) = run_phase(phase, tasks).await {
                if phase.recovers() {
                    continue;
                }
                self.next.set(self.phases.len());
                drop(self.tasks.take());
                self.stop_tree().await;
                return Err(error);
            }
            if phase.name() == Phases::TREE {
                self.stop_tree().await;
            }
        }
        // Whoever took the phase of the tree out of the order still has a tree to stop.
        self.stop_tree().await;
        Ok(())
    }

    async fn stop_tree(&self) {
        self.root.stop();
        self.root.ended().await;
    }
}

/// Runs the tasks of a phase side by side. Each failure is told of once, and the first is given.
async fn run_phase(phase: &Phase, tasks: Vec<Task>) -> Result<(), ShutdownError> {
    if tasks.is_empty() {
        return Ok(());
    }
    let name: Arc<str> = Arc::from(phase.name());
    let mut running = Running(Vec::new());
    for Task { name, run, .. } in tasks {
        running.0.push((name, spawn(run)));
    }
    let all = join_all(running.0.iter_mut().map(async |(task, handle)| {
        let error: Arc<str> = match handle.await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => Arc::from(error),
            Err(JoinError::Panicked(text)) => text,
            Err(error) => Arc::from(error.to_string()),
        };
        tracing::warn!(
            target: "greenroom::system", phase = %name, %task, %error,
            "a task of the shutdown failed",
        );
        let (phase, task) = (Arc::clone(&name), Arc::clone(task));
        Err(ShutdownError::Failed { phase, task, error })
    }));
    let Some(limit) = phase.limit() else { return all.await.into_iter().collect() };
    match timeout(limit, all).await {
        Ok(outcomes) => outcomes.into_iter().collect(),
        Err(_) => {
            let open = running.0.iter().filter(|(_, handle)| !handle.is_finished());
            let open: Vec<&str> = open.map(|(task, _)| &**task).collect();
            tracing::warn!(
                target: "greenroom::system", phase = %name, ?limit, unfinished = ?open,
                "a phase of the shutdown is out of time",
            );
            Err(ShutdownError::TimedOut { phase: name, limit })
        }
    }
}

/// The tasks of a phase; those that have not ended are dropped with it.
struct Running(Vec<(Arc<str>, Handle)>);

type Handle = JoinHandle<Result<(), String>>;

impl Drop for Running {
    fn drop(&mut self) {
        self.0.iter().for_each(|(_, handle)| handle.abort());
    }
}

/// A task that was added to a shutdown; dropping this leaves it there.
///
/// ```
/// use greenroom::{prelude::*, system::Phases};
/// greenroom::test::run(async |test| {
///     let task = async { panic!("it does not run") };
///     let task = test.shutdown().add::<Fault>(Phases::STOP, "never", task).unwrap();
///     assert!(task.cancel());
///     assert!(test.shutdown().run("done").await.result.is_ok());
/// });
/// ```
#[derive(Debug)]
pub struct Registration {
    shutdown: CoordinatedShutdown,
    number: u64,
}

impl Registration {
    /// Takes the task out again: it does not run. `false` when it has begun already.
    ///
    /// See [`Registration`] for an example.
    ///
    /// ```
    /// use greenroom::{prelude::*, system::Phases};
    /// greenroom::test::run(async |test| {
    ///     let task = test.shutdown().add(Phases::STOP, "runs", async { Ok::<(), Fault>(()) }).unwrap();
    ///     test.shutdown().run("done").await;
    ///     assert!(!task.cancel());
    /// });
    /// ```
    #[expect(clippy::must_use_candidate, reason = "most callers do not mind")]
    pub fn cancel(self) -> bool {
        let mut taken = None;
        for tasks in self.shutdown.inner.tasks.borrow_mut().values_mut() {
            if let Some(at) = tasks.iter().position(|task| task.number == self.number) {
                taken = Some(tasks.remove(at));
            }
        }
        self.shutdown.inner.tasks.borrow_mut().retain(|_, tasks| !tasks.is_empty());
        // The task is the user's; it is dropped with nothing borrowed.
        taken.is_some()
    }
}

/// What becomes of a shutdown; see [`CoordinatedShutdown::run`]. It goes on when this is dropped.
///
/// ```
/// greenroom::test::run(async |test| {
///     drop(test.shutdown().run("done"));
///     test.stopped().await;
/// });
/// ```
#[derive(Clone)]
#[must_use = "the shutdown goes on by itself; await this to know what became of it"]
pub struct Completion {
    outcome: Shared<LocalBoxFuture<'static, ShutdownOutcome>>,
}

impl Future for Completion {
    type Output = ShutdownOutcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<ShutdownOutcome> {
        self.outcome.poll_unpin(cx)
    }
}

impl fmt::Debug for Completion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completion").field("outcome", &self.outcome.peek()).finish()
    }
}

impl fmt::Debug for CoordinatedShutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phases: Vec<&str> = self.inner.phases.iter().map(Phase::name).collect();
        f.debug_struct("CoordinatedShutdown")
            .field("phases", &phases)
            .field("begun", &self.inner.completion.borrow().is_some())
            .finish_non_exhaustive()
    }
}
