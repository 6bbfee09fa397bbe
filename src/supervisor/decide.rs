//! The whole policy of a supervisor as one machine: an event and the time in, actions out; pure.
//!
//! No futures, no clock, no shared cells: the time and the randomness of back-off are arguments, so
//! the same events give the same actions, and every pair of state and event can be a test. The
//! actor that carries the actions out is `runner.rs`.
//!
//! ```text
//!                       all started                 a child of a group failed
//!   Unstarted ─▶ Booting ─────────▶ Serving ────────────────────▶ Clearing (stop the others)
//!                   │                 │ ▲  ▲                        │      │
//!                   │                 │ │  └──── wait for back-off ─┘      ▼
//!                   │                 │ └─────── all back, or one ────── Reviving (start all)
//!                   │ a start failed  │          failed to start           │
//!                   └────────────▶ Closing ◀───────── shutdown ────────────┘
//!                                     └─▶ Done
//! ```
//!
//! A group is restarted by one pass at a time. What cannot be decided during a pass (the end of a
//! child outside it, a call that changes something) is put aside, in order, and decided when the
//! supervisor serves again. A shutdown is never put aside. Children that are restarted alone (one
//! for one) need no pass: any number of them may start and stop at a time.
//!
//! # Promises
//!
//! * **S1** children start in order and stop in reverse order
//! * **S2** more than `intensity` restarts within `period` end the supervisor
//! * **S3** two incarnations of a child never live at once
//!
//! # Not here
//!
//! `boot.rs` and `group.rs` start and restart several children in order, `restart.rs` says when a
//! child comes back and when the supervisor gives up, `calls.rs` answers what is asked of the
//! supervisor, `shutdown.rs` stops children, `strategy.rs` has the decision table.

use std::collections::VecDeque;

use crate::actor::{ExitReason, Recovery};
use crate::base::invariant::invariant;
use crate::supervisor::action::{Action, Answer, Call, Event, Outcome, Report, RequestId, Ticket};
use crate::supervisor::children::{ChildId, Children, Hold, Origin, State};
use crate::supervisor::group::{Clearing, Reviving};
use crate::supervisor::intensity::Budget;
use crate::supervisor::plan::{Flags, Mode, Plan, SpecError};
use crate::supervisor::restart::Failed;
use crate::supervisor::shutdown::Closing;
use crate::supervisor::strategy::{AutoShutdown, Restart, Verdict};

/// Decides for one supervisor.
#[derive(Debug)]
pub(crate) struct Decider {
    pub(super) flags: Flags,
    pub(super) children: Children,
    pub(super) budget: Budget,
    pub(super) phase: Phase,
    /// What happened while it could not be decided, oldest first.
    pub(super) put_aside: VecDeque<Deferred>,
    tickets: u64,
}

#[derive(Clone, Debug)]
pub(super) enum Phase {
    Unstarted,
    /// The static children are started, up to this one so far.
    Booting(Option<ChildId>),
    Serving,
    Clearing(Clearing),
    Reviving(Reviving),
    Closing(Closing),
    Done,
}

#[derive(Debug)]
pub(super) enum Deferred {
    /// The child is still `Hold::Undecided` with this ticket, or else this is out of date.
    End(ChildId, Ticket),
    /// The child is still `Hold::Retry` with this ticket, or else this is out of date.
    Retry(ChildId, Ticket),
    Call(RequestId, Call),
}

/// One call of [`Decider::decide`]: its arguments and what comes of it.
pub(super) struct Turn<'a> {
    pub(super) now: u64,
    pub(super) random: &'a mut dyn FnMut() -> f64,
    pub(super) actions: Vec<Action>,
}

impl Turn<'_> {
    pub(super) fn act(&mut self, action: Action) {
        self.actions.push(action);
    }

    pub(super) fn report(&mut self, report: Report) {
        self.act(Action::Report(report));
    }

    pub(super) fn reply(&mut self, request: RequestId, answer: Answer) {
        self.act(Action::Reply(request, answer));
    }
}

impl Decider {
    /// A supervisor with these static children, which get ids in their order; refuses what
    /// contradicts itself.
    pub(crate) fn new(flags: Flags, plans: Vec<Plan>) -> Result<Self, SpecError> {
        flags.check()?;
        let mut children = Children::default();
        for plan in plans {
            plan.check(&flags)?;
            if let Some(name) = plan.name.as_ref().filter(|name| children.find(name).is_some()) {
                return Err(SpecError::DuplicateName(name.clone()));
            }
            children.insert(plan);
        }
        let budget = Budget::new(flags.intensity);
        let (phase, put_aside) = (Phase::Unstarted, VecDeque::new());
        Ok(Self { flags, children, budget, phase, put_aside, tickets: 0 })
    }

    /// Takes one event at the time `now`, in nanoseconds, and says what is to be done.
    ///
    /// `now` must not run backwards. `random` gives numbers in `0.0..=1.0` and is called once for
    /// each delay of a back-off.
    pub(crate) fn decide(
        &mut self,
        now: u64,
        random: &mut dyn FnMut() -> f64,
        event: Event,
    ) -> Vec<Action> {
        let mut turn = Turn { now, random, actions: Vec::new() };
        self.take(event, &mut turn);
        while self.advance(&mut turn) {}
        turn.actions
    }

    /// The children, for those who ask what there is.
    pub(crate) fn children(&self) -> &Children {
        &self.children
    }

    /// The rules of this supervisor.
    pub(crate) fn flags(&self) -> &Flags {
        &self.flags
    }

    /// Whether the supervisor is stopping or has stopped.
    pub(crate) fn is_closing(&self) -> bool {
        matches!(self.phase, Phase::Closing(_) | Phase::Done)
    }

    fn take(&mut self, event: Event, turn: &mut Turn<'_>) {
        match event {
            Event::Start => {
                if matches!(self.phase, Phase::Unstarted) {
                    self.phase = Phase::Booting(None);
                }
            }
            Event::ChildStarted(id) => self.on_started(id, turn),
            Event::ChildIgnored(id) => self.on_ignored(id, turn),
            Event::ChildStartFailed(id, reason) => self.on_start_failed(id, reason, turn),
            Event::ChildEnded(id, reason, recovery) => self.on_ended(id, reason, recovery, turn),
            Event::RetryDue(id, ticket) => self.on_retry_due(id, ticket, turn),
            Event::StopOverdue(id, ticket) => self.on_stop_overdue(id, ticket, turn),
            Event::Call(request, call) => self.on_call(request, call, turn),
            Event::Shutdown(reason) => self.close(Outcome::Stopped(reason), turn),
        }
    }

    /// Takes the next step of what is under way; `false` if it must wait for an event.
    fn advance(&mut self, turn: &mut Turn<'_>) -> bool {
        match self.phase {
            Phase::Unstarted | Phase::Done => false,
            Phase::Booting(last) => self.boot(last, turn),
            Phase::Serving => self.decide_next_put_aside(turn),
            Phase::Clearing(clearing) => self.clear(clearing, turn),
            Phase::Reviving(reviving) => self.revive(reviving, turn),
            Phase::Closing(_) => self.close_further(turn),
        }
    }

    fn decide_next_put_aside(&mut self, turn: &mut Turn<'_>) -> bool {
        let ready = self.put_aside.iter().position(|deferred| !self.is_blocked(deferred));
        let Some(deferred) = ready.and_then(|index| self.put_aside.remove(index)) else {
            return false;
        };
        match deferred {
            Deferred::Call(request, call) => self.perform(request, call, turn),
            Deferred::Retry(id, ticket) => self.on_retry_due(id, ticket, turn),
            Deferred::End(id, ticket) => match self.children.state(id) {
                Some(State::Ended(Hold::Undecided(held, reason, recovery))) if *held == ticket => {
                    let (reason, recovery) = (reason.clone(), *recovery);
                    self.on_own_end(id, &reason, recovery, turn);
                }
                _ => {}
            },
        }
        true
    }

    fn on_started(&mut self, id: ChildId, turn: &mut Turn<'_>) {
        let Some(&State::Starting(origin)) = self.children.state(id) else { return };
        self.report_if_endless(id, turn);
        self.children.set(id, State::Running);
        if let Some(child) = self.children.get_mut(id) {
            child.failures.started(turn.now);
        }
        if let Origin::Added(request) | Origin::Recalled(request) = origin {
            turn.reply(request, Answer::Started(id));
        }
    }

    fn on_ignored(&mut self, id: ChildId, turn: &mut Turn<'_>) {
        match self.children.state(id) {
            Some(&State::Starting(origin)) => {
                self.finish(id, turn);
                if let Origin::Added(request) | Origin::Recalled(request) = origin {
                    turn.reply(request, Answer::Ignored);
                }
            }
            Some(State::Stopping(_)) => self.on_stopped(id, &ExitReason::Normal, turn),
            Some(State::Idle | State::Running | State::Ended(_)) | None => {}
        }
    }

    fn on_start_failed(&mut self, id: ChildId, reason: ExitReason, turn: &mut Turn<'_>) {
        let origin = match self.children.state(id) {
            Some(&State::Starting(origin)) => origin,
            Some(State::Stopping(_)) => return self.on_stopped(id, &reason, turn),
            Some(State::Idle | State::Running | State::Ended(_)) | None => return,
        };
        turn.report(Report::StartFailed { id, reason: reason.clone() });
        if origin.is_first() && self.try_start_again(id, &reason, turn) {
            return;
        }
        self.report_if_endless(id, turn);
        self.children.set(id, State::Ended(Hold::Group));
        match origin {
            Origin::Boot => self.roll_back(id, reason, turn),
            Origin::Group => {
                self.phase = Phase::Serving;
                self.on_failed(id, Failed::Start, turn);
            }
            Origin::Alone => self.on_failed(id, Failed::Start, turn),
            Origin::Added(request) => {
                self.finish(id, turn);
                self.forget(id, turn);
                turn.reply(request, Answer::StartFailed(reason));
            }
            Origin::Recalled(request) => {
                self.finish(id, turn);
                turn.reply(request, Answer::StartFailed(reason));
            }
        }
    }

    fn on_ended(
        &mut self,
        id: ChildId,
        reason: ExitReason,
        recovery: Recovery,
        turn: &mut Turn<'_>,
    ) {
        match self.children.state(id) {
            Some(State::Running) => {}
            Some(State::Starting(_)) => return self.on_start_failed(id, reason, turn),
            Some(State::Stopping(_)) => return self.on_stopped(id, &reason, turn),
            Some(State::Idle | State::Ended(_)) | None => return,
        }
        if reason.is_abnormal() {
            turn.report(Report::Crashed { id, reason: reason.clone() });
        }
        match &self.phase {
            Phase::Serving => self.on_own_end(id, &reason, recovery, turn),
            // It would have been stopped in a moment: its end is part of the restart of the group.
            Phase::Clearing(clearing) if clearing.covers(id) => self.hold_for_group(id, turn),
            Phase::Unstarted | Phase::Booting(_) | Phase::Clearing(_) | Phase::Reviving(_) => {
                let ticket = self.ticket();
                self.children.set(id, State::Ended(Hold::Undecided(ticket, reason, recovery)));
                self.put_aside.push_back(Deferred::End(id, ticket));
            }
            Phase::Closing(_) | Phase::Done => self.finish(id, turn),
        }
    }

    /// A running child ended by itself, and now is the time to decide what follows.
    fn on_own_end(
        &mut self,
        id: ChildId,
        reason: &ExitReason,
        recovery: Recovery,
        turn: &mut Turn<'_>,
    ) {
        let Some(child) = self.children.get(id) else { return };
        let (restart, significant) = (child.plan.restart, child.plan.significant);
        self.children.set(id, State::Ended(Hold::Group));
        match restart.verdict(reason, recovery) {
            Verdict::Restart => self.on_failed(id, Failed::Run(recovery), turn),
            Verdict::Finish => {
                self.finish(id, turn);
                if significant && self.shuts_down_after_one() {
                    turn.report(Report::AutoShutdown { id });
                    self.close(Outcome::Stopped(ExitReason::Shutdown), turn);
                }
            }
        }
    }

    /// Whether the supervisor must end, now that a significant child has ended for good.
    fn shuts_down_after_one(&self) -> bool {
        match self.flags.auto_shutdown {
            AutoShutdown::Never => false,
            AutoShutdown::AnySignificant => true,
            AutoShutdown::AllSignificant => {
                !self.children.iter().any(|(_, child)| child.plan.significant && child.has_cell())
            }
        }
    }

    /// Starts a child that has no actor, or the next incarnation of one that has ended.
    pub(super) fn begin(&mut self, id: ChildId, origin: Origin, turn: &mut Turn<'_>) {
        let Some(state) = self.children.state(id) else { return };
        let action = match state {
            State::Idle => Action::Start(id),
            State::Ended(_) => Action::Restart(id),
            State::Starting(_) | State::Running | State::Stopping(_) => {
                return invariant!(S3, false, "{id:?} is to start in {state:?}");
            }
        };
        turn.act(action);
        self.children.set(id, State::Starting(origin));
        if let Some(child) = self.children.get_mut(id) {
            child.starts_tried = 1;
        }
    }

    /// A first start failed. Is it to be tried again, at once?
    fn try_start_again(&mut self, id: ChildId, reason: &ExitReason, turn: &mut Turn<'_>) -> bool {
        let closing = self.is_closing();
        let Some(child) = self.children.get_mut(id) else { return false };
        // A refusal is meant: the next attempt would hear the same.
        let refused = matches!(reason, ExitReason::Refused(_));
        let again = !refused && !closing && child.starts_tried < child.plan.start_tries;
        if again {
            child.starts_tried += 1;
            turn.act(Action::Restart(id));
        }
        again
    }

    /// Makes the last end of a child final.
    pub(super) fn finish(&mut self, id: ChildId, turn: &mut Turn<'_>) {
        let Some(child) = self.children.get(id) else { return };
        let kept = child.plan.restart != Restart::Temporary && !self.is_dynamic();
        turn.act(Action::Finish(id));
        self.children.set(id, State::Idle);
        if !kept {
            self.forget(id, turn);
        }
    }

    pub(super) fn forget(&mut self, id: ChildId, turn: &mut Turn<'_>) {
        if self.children.get(id).is_some() {
            self.children.remove(id);
            turn.act(Action::Forget(id));
        }
    }

    pub(super) fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    pub(super) fn is_dynamic(&self) -> bool {
        matches!(self.flags.mode, Mode::Dynamic { .. })
    }
}
