//! `W(id)`: the worker that the cases put under supervisors. It writes down its life.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use greenroom::prelude::*;
use greenroom::supervisor::IntoChild;
use greenroom::time;

use crate::harness::Log;

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
            Self::ShutdownWith => ExitReason::ShutdownWith("bye".into()),
            Self::Crash => ExitReason::Error("told to".into()),
            Self::Panic => ExitReason::Panicked("told to".into()),
            Self::Kill => ExitReason::Killed,
        }
    }
}

/// Adds to the total.
pub(crate) struct Inc(pub(crate) u32);
/// Answered by the same number; written down.
pub(crate) struct Ping(pub(crate) u32);
/// Answered by the incarnation and the total.
pub(crate) struct Get;
/// Awaits that long.
pub(crate) struct Busy(pub(crate) Duration);

protocol! {
    /// What a worker understands.
    pub(crate) enum WorkerProtocol {
        Inc(Inc),
        Ping(Ping) -> u32,
        Get(Get) -> (u32, u32),
        Busy(Busy),
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
    /// Fails after so long.
    FailsAfter(Duration),
    Panics,
    Refuses,
}

/// What can be set of a worker, and what can be seen of it from outside.
#[derive(Clone)]
pub(crate) struct Knobs {
    start: Rc<dyn Fn(u32) -> Start>,
    stop_takes: Duration,
    /// Where it registers its id as its name.
    names: Option<System>,
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
            names: None,
            starts: Rc::default(),
            actor: Rc::default(),
        }
    }

    /// What comes of the attempts, the first of which is number 1.
    pub(crate) fn start(mut self, start: impl Fn(u32) -> Start + 'static) -> Self {
        self.start = Rc::new(start);
        self
    }

    /// How long its stop hook takes.
    pub(crate) const fn stop_takes(mut self, duration: Duration) -> Self {
        self.stop_takes = duration;
        self
    }

    /// It registers its id as its name before it has started; if it cannot, it does not start.
    pub(crate) fn names(mut self, system: &System) -> Self {
        self.names = Some(system.clone());
        self
    }

    /// The actor that was started last.
    pub(crate) fn id(&self) -> ActorId {
        self.actor.get().expect("it was started")
    }

    /// Ends it from outside.
    pub(crate) fn end(&self, end: End) {
        match end {
            End::Kill => self.id().kill(),
            _ => self.id().stop_with(end.reason()),
        }
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
        if let Some(names) = &self.knobs.names
            && cx.incarnation() == 0
        {
            names.register(self.id, cx.addr())?;
        }
        match (self.knobs.start)(attempt) {
            Start::Works => {}
            Start::Takes(duration) => time::sleep(duration).await,
            Start::Declines => {
                cx.decline();
                return Ok(());
            }
            Start::Fails => return Err(Fault::new("no start")),
            Start::FailsAfter(duration) => {
                time::sleep(duration).await;
                return Err(Fault::new("no start"));
            }
            Start::Refuses => {
                cx.refuse("not today");
                return Ok(());
            }
            Start::Panics => panic!("no start"),
        }
        self.log.add(format!("start {}", self.id));
        Ok(())
    }

    /// The end of a worker that crashed by itself is not written down.
    async fn stopped(&mut self, reason: &ExitReason, _: &mut Cx<WorkerProtocol>) {
        time::sleep(self.knobs.stop_takes).await;
        if reason.is_clean() {
            self.log.add(format!("stop {}", self.id));
        }
    }
}

impl Handler<Inc> for Worker {
    async fn handle(&mut self, inc: Inc, _: &mut Cx<WorkerProtocol>) -> Result<(), Fault> {
        self.total += inc.0;
        Ok(())
    }
}

impl Handler<Ping> for Worker {
    async fn handle(&mut self, ping: Ping, _: &mut Cx<WorkerProtocol>) -> Result<u32, Fault> {
        self.log.add(format!("msg {} {}", self.id, ping.0));
        Ok(ping.0)
    }
}

impl Handler<Get> for Worker {
    async fn handle(&mut self, _: Get, cx: &mut Cx<WorkerProtocol>) -> Result<(u32, u32), Fault> {
        Ok((cx.incarnation(), self.total))
    }
}

impl Handler<Busy> for Worker {
    async fn handle(&mut self, busy: Busy, _: &mut Cx<WorkerProtocol>) -> Result<(), Fault> {
        time::sleep(busy.0).await;
        Ok(())
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
