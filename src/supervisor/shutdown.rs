//! How children are stopped: one of them, or all when the supervisor itself stops; pure.
//!
//! Ordered children are stopped one after another, the last started first, each after the end of
//! the one before. The children of a dynamic supervisor are all asked at once, so that stopping
//! them takes as long as the slowest and not as long as all.

use std::ops::Bound;

use crate::actor::ExitReason;
use crate::base::invariant::invariant;
use crate::supervisor::action::{Action, Answer, Outcome, Purpose, Report, RequestId, Ticket};
use crate::supervisor::children::{AfterStop, ChildId, Hold, Origin, State, Stop};
use crate::supervisor::decide::{Decider, Deferred, Phase, Turn};
use crate::supervisor::strategy::{Restart, Shutdown};

/// The supervisor is stopping.
#[derive(Clone, Debug)]
pub(super) struct Closing {
    outcome: Outcome,
    /// Where the walk from the end is: nothing at or after this place was left to stop.
    below: Bound<ChildId>,
}

impl Decider {
    /// Begins to stop everything. The first outcome stands: what happens later does not change it.
    pub(super) fn close(&mut self, outcome: Outcome, turn: &mut Turn<'_>) {
        if self.is_closing() {
            return;
        }
        self.phase = Phase::Closing(Closing { outcome, below: Bound::Unbounded });
        for deferred in std::mem::take(&mut self.put_aside) {
            if let Deferred::Call(request, _) = deferred {
                turn.reply(request, Answer::ShuttingDown);
            }
        }
    }

    /// Takes the next step of stopping everything; `false` if it must wait for an end.
    pub(super) fn close_further(&mut self, turn: &mut Turn<'_>) -> bool {
        let Phase::Closing(closing) = &self.phase else { return false };
        let Some(id) = self.children.last_before(closing.below) else {
            if self.children.cells() > 0 {
                return false;
            }
            turn.act(Action::Done(closing.outcome.clone()));
            self.phase = Phase::Done;
            return false;
        };
        match self.children.state(id) {
            Some(State::Starting(_) | State::Running) => {
                if !self.is_dynamic() {
                    self.check_nothing_lives_after(id);
                }
                self.stop_for_good(id, turn);
            }
            Some(State::Ended(_)) => self.finish(id, turn),
            Some(State::Stopping(_) | State::Idle) | None => {}
        }
        let live = self.children.state(id).is_some_and(State::is_live);
        if live && !self.is_dynamic() {
            return false;
        }
        if let Phase::Closing(closing) = &mut self.phase {
            closing.below = Bound::Excluded(id);
        }
        true
    }

    /// Stops a child because the supervisor stops; who asked for its start hears of that.
    fn stop_for_good(&mut self, id: ChildId, turn: &mut Turn<'_>) {
        let mut answers = Vec::new();
        if let Some(State::Starting(Origin::Added(request) | Origin::Recalled(request))) =
            self.children.state(id)
        {
            answers.push((*request, Answer::ShuttingDown));
        }
        self.stop(id, AfterStop::Finish, answers, turn);
    }

    /// Stops a child that starts or runs; the answers are given when it has ended.
    pub(super) fn stop(
        &mut self,
        id: ChildId,
        then: AfterStop,
        answers: Vec<(RequestId, Answer)>,
        turn: &mut Turn<'_>,
    ) {
        let ticket = self.ticket();
        let Some(child) = self.children.get(id) else { return };
        let how = child.plan.shutdown;
        let purpose = match then {
            AfterStop::Hold => Purpose::ForRestart,
            AfterStop::Finish | AfterStop::Discard => Purpose::Final,
        };
        let killed = how == Shutdown::Brutal;
        self.children.set(id, State::Stopping(Stop { ticket, then, killed, answers }));
        turn.act(Action::Stop { id, how, purpose, ticket });
    }

    pub(super) fn on_stop_overdue(&mut self, id: ChildId, due: Ticket, turn: &mut Turn<'_>) {
        let Some(State::Stopping(stop)) = self.children.state(id) else { return };
        if stop.ticket == due && !stop.killed {
            let stop = Stop { killed: true, ..stop.clone() };
            self.children.set(id, State::Stopping(stop));
            turn.act(Action::Kill(id));
        }
    }

    /// A child that was asked to stop has ended.
    pub(super) fn on_stopped(&mut self, id: ChildId, reason: &ExitReason, turn: &mut Turn<'_>) {
        let Some(child) = self.children.get(id) else { return };
        let State::Stopping(stop) = child.state().clone() else { return };
        let as_asked = match reason {
            ExitReason::Shutdown | ExitReason::ShutdownWith(_) => true,
            ExitReason::Normal => child.plan.restart != Restart::Permanent,
            ExitReason::Killed => stop.killed,
            ExitReason::Error(_)
            | ExitReason::Panicked(_)
            | ExitReason::NoActor
            | ExitReason::RestartLimit
            | ExitReason::Refused(_)
            | ExitReason::TimedOut(_)
            | ExitReason::NameTaken { .. } => false,
        };
        if !as_asked {
            turn.report(Report::StoppedOddly { id, reason: reason.clone() });
        }
        self.children.set(id, State::Ended(Hold::Group));
        match stop.then {
            AfterStop::Hold => self.hold_for_group(id, turn),
            AfterStop::Finish => self.finish(id, turn),
            AfterStop::Discard => {
                self.finish(id, turn);
                self.forget(id, turn);
            }
        }
        for (request, answer) in stop.answers {
            turn.reply(request, answer);
        }
    }

    /// Debug builds look at every child, which would make stopping many quadratic.
    pub(super) fn check_nothing_lives_after(&self, id: ChildId) {
        if cfg!(debug_assertions) && self.children.len() <= CHECKED_CHILDREN_MAX {
            let after = |other: ChildId| other > id;
            let live = self.children.iter().rev().take_while(|(other, _)| after(*other));
            let later = live.filter(|(_, child)| child.state().is_live()).map(|(other, _)| other);
            let later: Vec<ChildId> = later.collect();
            invariant!(S1, later.is_empty(), "{id:?} is to stop before {later:?}");
        }
    }
}

/// Up to how many children a debug build looks whether stops are in order.
const CHECKED_CHILDREN_MAX: usize = 1_000;
