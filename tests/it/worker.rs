//! The worker that tests of supervision put under supervisors: it writes down its life.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use greenroom::prelude::*;
use greenroom::supervisor::IntoChild;
use greenroom::{EventLoop, time};

use crate::support::Log;

/// Runs `main` in a system on a virtual clock.
pub(crate) fn in_system<R>(main: impl AsyncFnOnce(&System, Log) -> R) -> R {
    let event_loop = EventLoop::builder().virtual_clock(1);
    let system = System::builder().event_loop(event_loop).signals(false);
    system.run(async |system| main(system, Log::new()).await).expect("it is not stopped")
}

pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A way for a worker to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    Normal,
    Shutdown,
    ShutdownWith,
    Crash,
    Panic,
    Kill,
}

/// All of them; the first three are clean.
pub(crate) const ENDS: [End; 6] =
    [End::Normal, End::Shutdown, End::ShutdownWith, End::Crash, End::Panic, End::Kill];

impl End {
    pub(crate) fn reason(self) -> ExitReason {
        match self {
            Self::Normal => ExitReason::Normal,
            Self::Shutdown => ExitReason::Shutdown,
            Self::ShutdownWith => ExitReason::ShutdownWith("draining".into()),
            Self::Crash => ExitReason::Error("told to".into()),
            Self::Panic => ExitReason::Panicked("told to".into()),
            Self::Kill => ExitReason::Killed,
        }
    }
}

pub(crate) struct Add(pub(crate) u32);
/// Answered by the incarnation and the total.
pub(crate) struct Get;

protocol! {
    pub(crate) enum WorkerProtocol {
        Add(Add),
        Get(Get) -> (u32, u32),
        End(End),
    }
}

/// What a start comes to.
#[derive(Clone, Copy)]
pub(crate) enum Start {
    Works,
    Takes(Duration),
    Declines,
    Fails,
    Panics,
}

#[derive(Clone)]
pub(crate) struct Knobs {
    start: Rc<dyn Fn(u32) -> Start>,
    stop_takes: Duration,
    /// How many starts were attempted.
    pub(crate) starts: Rc<Cell<u32>>,
    /// Which actor it is.
    pub(crate) actor: Rc<Cell<Option<ActorId>>>,
}

impl Knobs {
    pub(crate) fn new() -> Self {
        Self {
            start: Rc::new(|_| Start::Works),
            stop_takes: Duration::ZERO,
            starts: Rc::default(),
            actor: Rc::default(),
        }
    }

    /// What comes of the attempts, the first of which is number 1.
    pub(crate) fn start(mut self, start: impl Fn(u32) -> Start + 'static) -> Self {
        self.start = Rc::new(start);
        self
    }

    pub(crate) const fn stop_takes(mut self, duration: Duration) -> Self {
        self.stop_takes = duration;
        self
    }
}

pub(crate) struct Worker {
    id: &'static str,
    log: Log,
    knobs: Knobs,
    total: u32,
}

/// A factory of workers.
pub(crate) fn worker(id: &'static str, log: &Log, knobs: &Knobs) -> impl Fn() -> Worker + use<> {
    let (log, knobs) = (log.clone(), knobs.clone());
    move || Worker { id, log: log.clone(), knobs: knobs.clone(), total: 0 }
}

/// A permanent worker that always starts.
pub(crate) fn plain(
    id: &'static str,
    log: &Log,
) -> impl IntoChild<Handle = Addr<WorkerProtocol>> + use<> {
    child(id, worker(id, log, &Knobs::new()))
}

impl Actor for Worker {
    type Protocol = WorkerProtocol;
    type Error = Fault;

    async fn started(&mut self, cx: &mut Cx<WorkerProtocol>) -> Result<(), Fault> {
        self.knobs.actor.set(Some(cx.id()));
        let attempt = self.knobs.starts.get() + 1;
        self.knobs.starts.set(attempt);
        match (self.knobs.start)(attempt) {
            Start::Works => {}
            Start::Takes(duration) => time::sleep(duration).await,
            Start::Declines => {
                cx.decline();
                return Ok(());
            }
            Start::Fails => return Err(Fault::new("no start")),
            Start::Panics => panic!("no start"),
        }
        self.log.add(format!("start {}", self.id));
        Ok(())
    }

    async fn stopped(&mut self, reason: &ExitReason, _: &mut Cx<WorkerProtocol>) {
        time::sleep(self.knobs.stop_takes).await;
        if reason.is_clean() {
            self.log.add(format!("stop {}", self.id));
        }
    }
}

impl Handler<Add> for Worker {
    async fn handle(&mut self, add: Add, _: &mut Cx<WorkerProtocol>) -> Result<(), Fault> {
        self.total += add.0;
        Ok(())
    }
}

impl Handler<Get> for Worker {
    async fn handle(&mut self, _: Get, cx: &mut Cx<WorkerProtocol>) -> Result<(u32, u32), Fault> {
        Ok((cx.incarnation(), self.total))
    }
}

impl Handler<End> for Worker {
    async fn handle(&mut self, end: End, cx: &mut Cx<WorkerProtocol>) -> Result<(), Fault> {
        match end {
            End::Crash => return Err(Fault::new("told to")),
            End::Panic => panic!("told to"),
            End::Normal => cx.stop(),
            End::Kill => cx.id().kill(),
            End::Shutdown | End::ShutdownWith => cx.id().stop_with(end.reason()),
        }
        Ok(())
    }
}
