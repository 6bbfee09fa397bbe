//! Bringing a child back: at once, after a delay, or not, because the supervisor gives up; pure.

use crate::actor::{ExitReason, Recovery};
use crate::base::backoff::Backoff;
use crate::base::invariant::invariant;
use crate::supervisor::action::{Action, Outcome, Report, Ticket};
use crate::supervisor::children::{ChildId, Hold, Origin, State};
use crate::supervisor::decide::{Decider, Deferred, Phase, Turn};
use crate::supervisor::group::{Clearing, Then};
use crate::supervisor::plan::Mode;
use crate::supervisor::strategy::Strategy;

/// What of a child failed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Failed {
    /// Its run, with what its error asks for.
    Run(Recovery),
    Start,
}

impl Decider {
    /// A child that is to come back has ended (its state says so): now, or after a delay?
    pub(super) fn on_failed(&mut self, id: ChildId, what: Failed, turn: &mut Turn<'_>) {
        let Some(child) = self.children.get_mut(id) else { return };
        child.failures.failed(turn.now);
        if let Failed::Run(recovery) = what {
            child.failures.asked = match recovery {
                Recovery::Backoff(backoff) => Some(backoff),
                Recovery::Supervise | Recovery::Resume | Recovery::Restart | Recovery::Stop => None,
            };
        }
        let backoff = match what {
            Failed::Run(Recovery::Restart) => None,
            Failed::Run(_) | Failed::Start => self.backoff_of(id),
        };
        let Some(backoff) = backoff else {
            return match what {
                Failed::Run(_) => self.restart(id, turn),
                // First whatever else is in the mailbox, lest the supervisor be deaf in a loop.
                Failed::Start => self.schedule_retry(id, 0, turn),
            };
        };
        let random = (turn.random)();
        let Some(child) = self.children.get_mut(id) else { return };
        let Some(delay_ns) = child.failures.next_delay(&backoff, turn.now, random) else {
            let failures = child.failures.in_a_row();
            turn.report(Report::BackoffExhausted { id, failures });
            return self.give_up(id, turn);
        };
        match (self.strategy().group_start(id), what) {
            (_, Failed::Run(_)) if delay_ns == 0 => self.restart(id, turn),
            // Its group waits for it, and is stopped while it waits.
            (Some(first), _) if delay_ns > 0 => {
                self.phase = Phase::Clearing(Clearing::new(id, first, Then::Wait(delay_ns)));
            }
            (_, Failed::Run(_) | Failed::Start) => self.schedule_retry(id, delay_ns, turn),
        }
    }

    /// The back-off between the failures of a child: what the error of its run asked for, or its
    /// own, or that of the supervisor.
    fn backoff_of(&self, id: ChildId) -> Option<Backoff> {
        let child = self.children.get(id)?;
        child.failures.asked.or(child.plan.backoff).or(self.flags.backoff)
    }

    pub(super) fn schedule_retry(&mut self, id: ChildId, delay_ns: u64, turn: &mut Turn<'_>) {
        let ticket = self.ticket();
        self.children.set(id, State::Ended(Hold::Retry(ticket)));
        turn.act(Action::ScheduleRetry { id, delay_ns, ticket });
    }

    pub(super) fn on_retry_due(&mut self, id: ChildId, due: Ticket, turn: &mut Turn<'_>) {
        let waits = |state: &State| matches!(state, State::Ended(Hold::Retry(t)) if *t == due);
        if !self.children.state(id).is_some_and(waits) {
            return;
        }
        match self.phase {
            Phase::Serving => {
                self.children.set(id, State::Ended(Hold::Group));
                self.restart(id, turn);
            }
            Phase::Clearing(_) | Phase::Reviving(_) => {
                self.put_aside.push_back(Deferred::Retry(id, due));
            }
            Phase::Unstarted | Phase::Booting(_) | Phase::Closing(_) | Phase::Done => {}
        }
    }

    /// Restarts a child that has ended, with its group, if the budget allows.
    fn restart(&mut self, id: ChildId, turn: &mut Turn<'_>) {
        let intensity = self.budget.intensity();
        if !self.budget.admit(turn.now) {
            turn.report(Report::IntensityReached { id, intensity });
            return self.give_up(id, turn);
        }
        let spent = self.budget.spent();
        invariant!(S2, spent <= intensity.max, "{spent} restarts, {intensity:?}");
        turn.report(Report::Restarting { id, spent, intensity });
        match self.strategy().group_start(id) {
            None => self.begin(id, Origin::Alone, turn),
            Some(first) => {
                self.phase = Phase::Clearing(Clearing::new(id, first, Then::Revive));
            }
        }
    }

    fn give_up(&mut self, id: ChildId, turn: &mut Turn<'_>) {
        self.finish(id, turn);
        self.close(Outcome::Stopped(ExitReason::RestartLimit), turn);
    }

    /// The restart of a child has come out. Did it take so long that failures of this child alone
    /// can never use up the budget? Operators hear of it once.
    pub(super) fn report_if_endless(&mut self, id: ChildId, turn: &mut Turn<'_>) {
        let intensity = self.budget.intensity();
        let limited = self.backoff_of(id).is_some_and(|backoff| backoff.is_limited());
        let Some(failures) = self.children.get_mut(id).map(|child| &mut child.failures) else {
            return;
        };
        let Some(down_ns) = failures.came_out(turn.now) else { return };
        if intensity.is_out_of_reach(down_ns) && !limited && !failures.told_endless {
            failures.told_endless = true;
            turn.report(Report::EndlessRestarts { id, down_ns, intensity });
        }
    }

    fn strategy(&self) -> Strategy {
        match self.flags.mode {
            Mode::Ordered(strategy) => strategy,
            Mode::Dynamic { .. } => Strategy::OneForOne,
        }
    }
}
