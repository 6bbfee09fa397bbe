//! What may be asked of a supervisor while it runs: add, terminate, restart, delete; pure.
//!
//! A call that changes something waits while a group is being restarted, and while the child that
//! it names is being stopped; then calls are served in order. Any other call is answered from what
//! is.

use crate::actor::ExitReason;
use crate::supervisor::action::{Action, Answer, Call, RequestId};
use crate::supervisor::children::{
    AfterStop, ChildCounts, ChildId, ChildStatus, Hold, Origin, State,
};
use crate::supervisor::decide::{Decider, Deferred, Phase, Turn};
use crate::supervisor::plan::{Mode, Plan};

impl Decider {
    /// How many children there are.
    pub(crate) fn counts(&self) -> ChildCounts {
        let mut counts = self.children.count();
        if self.is_dynamic() {
            counts.specs = 1;
        }
        counts
    }

    pub(super) fn on_call(&mut self, request: RequestId, call: Call, turn: &mut Turn<'_>) {
        match self.phase {
            Phase::Closing(_) | Phase::Done => turn.reply(request, Answer::ShuttingDown),
            Phase::Serving if !self.must_wait(&call) => self.perform(request, call, turn),
            Phase::Unstarted
            | Phase::Booting(_)
            | Phase::Serving
            | Phase::Clearing(_)
            | Phase::Reviving(_) => self.put_aside.push_back(Deferred::Call(request, call)),
        }
    }

    /// Whether this must wait longer, although the supervisor serves.
    pub(super) fn is_blocked(&self, deferred: &Deferred) -> bool {
        match deferred {
            Deferred::End(..) | Deferred::Retry(..) => false,
            Deferred::Call(_, call) => self.must_wait(call),
        }
    }

    /// Whether the child that a call is about is between two states: it is being stopped.
    fn must_wait(&self, call: &Call) -> bool {
        let about = match call {
            Call::Add(plan) => plan.name.as_ref().and_then(|name| self.children.find(name)),
            Call::Terminate(id) | Call::Restart(id) | Call::Delete(id) => Some(*id),
        };
        about.is_some_and(|id| matches!(self.children.state(id), Some(State::Stopping(_))))
    }

    /// Serves a call that need not wait.
    pub(super) fn perform(&mut self, request: RequestId, call: Call, turn: &mut Turn<'_>) {
        match call {
            Call::Add(plan) => self.add(request, plan, turn),
            Call::Terminate(id) => self.terminate(request, id, turn),
            Call::Restart(id) => match self.refusal(id) {
                Some(answer) => turn.reply(request, answer),
                None => self.begin(id, Origin::Recalled(request), turn),
            },
            Call::Delete(id) => match self.refusal(id) {
                Some(answer) => turn.reply(request, answer),
                None => {
                    self.forget(id, turn);
                    turn.reply(request, Answer::Deleted);
                }
            },
        }
    }

    fn add(&mut self, request: RequestId, plan: Plan, turn: &mut Turn<'_>) {
        if let Err(fault) = plan.check(&self.flags) {
            return turn.reply(request, Answer::Refused(fault));
        }
        let namesake = plan.name.as_ref().and_then(|name| self.children.find(name));
        if let Some((id, child)) = namesake.and_then(|id| Some((id, self.children.get(id)?))) {
            let answer = match child.status() {
                ChildStatus::Running | ChildStatus::Starting => Answer::AlreadyStarted(id),
                ChildStatus::NotRunning | ChildStatus::Restarting | ChildStatus::Stopping => {
                    Answer::AlreadyPresent(id)
                }
            };
            return turn.reply(request, answer);
        }
        match self.flags.mode {
            Mode::Dynamic { children_max } if self.children.len() >= children_max => {
                turn.reply(request, Answer::MaxChildren);
            }
            Mode::Dynamic { .. } | Mode::Ordered(_) => {
                let id = self.children.insert(plan);
                turn.act(Action::Adopt(request, id));
                self.begin(id, Origin::Added(request), turn);
            }
        }
    }

    fn terminate(&mut self, request: RequestId, id: ChildId, turn: &mut Turn<'_>) {
        let Some(state) = self.children.state(id) else {
            // An instance of a dynamic supervisor leaves nothing behind by which to know it.
            let gone = self.is_dynamic() && self.children.was_here(id);
            let answer = if gone { Answer::Terminated } else { Answer::NotFound };
            return turn.reply(request, answer);
        };
        let mut answers = Vec::new();
        let mut then = AfterStop::Finish;
        match state {
            State::Idle => return turn.reply(request, Answer::Terminated),
            State::Ended(hold) => {
                let cancelled = matches!(hold, Hold::Retry(_));
                self.finish(id, turn);
                turn.reply(request, Answer::Terminated);
                if cancelled {
                    self.release_group();
                }
                return;
            }
            State::Running => {}
            State::Starting(Origin::Added(starter)) => {
                answers.push((*starter, Answer::StartFailed(ExitReason::Shutdown)));
                then = AfterStop::Discard;
            }
            State::Starting(Origin::Recalled(starter)) => {
                answers.push((*starter, Answer::StartFailed(ExitReason::Shutdown)));
            }
            State::Starting(Origin::Boot | Origin::Group | Origin::Alone) => {}
            // `must_wait` put the call aside.
            State::Stopping(_) => return,
        }
        answers.push((request, Answer::Terminated));
        self.stop(id, then, answers, turn);
    }

    /// Why a child cannot be restarted or deleted by a call; `None` if it can.
    fn refusal(&self, id: ChildId) -> Option<Answer> {
        let Some(child) = self.children.get(id) else { return Some(Answer::NotFound) };
        match child.status() {
            ChildStatus::NotRunning => None,
            ChildStatus::Restarting => Some(Answer::Restarting),
            ChildStatus::Running | ChildStatus::Starting | ChildStatus::Stopping => {
                Some(Answer::Running)
            }
        }
    }
}
