//! The words between the decisions and the actor that carries them out: events in, actions out.
//!
//! The runner feeds one [`Event`] at a time to `Decider::decide` and carries out the [`Action`]s
//! that come back, in order, **without waiting for any of them**. What takes time (a start, a stop,
//! a delay) is answered later by another event; until then the runner is free to serve its mailbox.
//! A batch is carried out to its end before the next event is fed in.

use crate::actor::{ExitReason, Recovery};
use crate::supervisor::children::ChildId;
use crate::supervisor::intensity::Intensity;
use crate::supervisor::plan::{Plan, SpecError};
use crate::supervisor::strategy::Shutdown;

/// Names one wait. An answer that bears the ticket of a wait that is over is ignored, so a timer
/// that comes too late does no harm and need not be cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(pub(super) u64);

/// Names one call, so that its answer finds the caller. Chosen by the runner, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RequestId(pub(crate) u64);

/// What happened.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// The supervisor itself starts; comes once, first.
    Start,
    /// Answer to [`Action::Start`] or [`Action::Restart`]: the child's start hook has returned.
    ChildStarted(ChildId),
    /// Answer to the same: the child declined to run, which is no error. Its cell waits for
    /// [`Action::Finish`].
    ChildIgnored(ChildId),
    /// Answer to the same: the start failed. The cell waits for a verdict, as after every end.
    ChildStartFailed(ChildId, ExitReason),
    /// A child that had started has ended, by itself or because it was stopped; the last says what
    /// the error of its handler asks for. Its cell waits for a verdict: [`Action::Restart`] or
    /// [`Action::Finish`].
    ChildEnded(ChildId, ExitReason, Recovery),
    /// The delay of [`Action::ScheduleRetry`] is over.
    RetryDue(ChildId, Ticket),
    /// The time of [`Action::Stop`] with [`Shutdown::Timeout`] is over.
    StopOverdue(ChildId, Ticket),
    /// Somebody asks for something; exactly one [`Action::Reply`] will answer.
    Call(RequestId, Call),
    /// The supervisor is to stop all its children and then end with this reason.
    Shutdown(ExitReason),
}

/// What may be asked of a running supervisor.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    /// Start one more child, last in the start order.
    Add(Plan),
    /// Stop a child and do not start it again; its spec is kept unless it is temporary.
    Terminate(ChildId),
    /// Start a child that is not running from its kept spec.
    Restart(ChildId),
    /// Forget the spec of a child that is not running.
    Delete(ChildId),
}

/// What is to be done, at once.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// The call of this request is for a child that is known as this id from now on: keep what is
    /// needed to build its actor under that id. Comes before any other action for the id.
    Adopt(RequestId, ChildId),
    /// Make a new actor, with a cell, address and mailbox of its own, and run its start hook.
    /// Answered by exactly one of `ChildStarted`, `ChildIgnored`, `ChildStartFailed`. Also when the
    /// cell cannot be made (its name is taken, say) the answer is `ChildStartFailed`, and a later
    /// `Restart` tries again.
    Start(ChildId),
    /// The verdict on the last end: run the next incarnation behind the same address and mailbox.
    /// Answered as [`Start`](Self::Start) is.
    Restart(ChildId),
    /// Stop the child: with `Brutal` kill it; else ask it to shut down and, with `Timeout`, feed
    /// `StopOverdue` with the ticket after that time. A child whose start hook still runs is
    /// stopped by dropping that hook. Answered by exactly one end (`ChildEnded`, or how its start
    /// came out).
    Stop { id: ChildId, how: Shutdown, purpose: Purpose, ticket: Ticket },
    /// Kill the child: it was asked to stop and takes too long.
    Kill(ChildId),
    /// The other verdict: the last end was final. The cell closes its mailbox, frees its names and
    /// tells its watchers the reason of that last end. No answer.
    Finish(ChildId),
    /// Drop what was kept to build the child; the id will not be heard of again.
    Forget(ChildId),
    /// Feed `RetryDue` with this ticket after the delay, in nanoseconds; with a delay of zero,
    /// after everything that is in the supervisor's mailbox now.
    ScheduleRetry { id: ChildId, delay_ns: u64, ticket: Ticket },
    /// Answer a call.
    Reply(RequestId, Answer),
    /// The static children are started: the start of the supervisor itself has succeeded.
    Ready,
    /// Something that operators want to know.
    Report(Report),
    /// No child is left: end now. Nothing follows.
    Done(Outcome),
}

/// Why a child is stopped. Only a hint for traces: after its end the cell waits for the verdict,
/// and a child that was to come back may still be finished, when the supervisor is itself stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Final,
    ForRestart,
}

/// How a call came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// To `Add` and `Restart`: the child runs.
    Started(ChildId),
    /// To `Add` and `Restart`: the child declined to run.
    Ignored,
    /// To `Add` and `Restart`: the start failed. A child that was being added is forgotten.
    StartFailed(ExitReason),
    /// To `Add`: this child of the same name is running or about to.
    AlreadyStarted(ChildId),
    /// To `Add`: this child of the same name is known but not running.
    AlreadyPresent(ChildId),
    /// To `Add`: the plan contradicts itself or the supervisor's flags.
    Refused(SpecError),
    /// To `Add`: a dynamic supervisor has as many children as it may have.
    MaxChildren,
    /// To `Terminate`: the child is not running, and its end, if there was one, is final.
    Terminated,
    /// To `Delete`: the spec is gone.
    Deleted,
    /// To `Restart` and `Delete`: not while the child is running.
    Running,
    /// To `Restart` and `Delete`: not while the supervisor is bringing the child back.
    Restarting,
    /// To `Terminate`, `Restart` and `Delete`: no such child.
    NotFound,
    /// To all: the supervisor is stopping.
    ShuttingDown,
}

/// What operators want to know; every number is one that the decision was based on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Report {
    /// A running child came to an abnormal end.
    Crashed { id: ChildId, reason: ExitReason },
    /// A start, first or repeated, failed.
    StartFailed { id: ChildId, reason: ExitReason },
    /// A restart was admitted; it is the `spent`-th within the present period.
    Restarting { id: ChildId, spent: u32, intensity: Intensity },
    /// A child that was asked to stop ended otherwise than asked.
    StoppedOddly { id: ChildId, reason: ExitReason },
    /// The supervisor gives up: a restart more would be one too many within the period.
    IntensityReached { id: ChildId, intensity: Intensity },
    /// The supervisor gives up: so many restarts of this child failed in a row.
    BackoffExhausted { id: ChildId, failures: u32 },
    /// The child was down for so long that its failures can never use up the budget.
    EndlessRestarts { id: ChildId, down_ns: u64, intensity: Intensity },
    /// The end of this significant child ends the supervisor.
    AutoShutdown { id: ChildId },
}

/// How a supervisor ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// After it had been asked to, by itself, or because it gave up.
    Stopped(ExitReason),
    /// Its own start failed because this child's did. Children started before it were stopped.
    StartFailed { name: Option<std::sync::Arc<str>>, reason: ExitReason },
}
