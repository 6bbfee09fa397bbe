//! Random families under random events, in an order no test would think of.
//!
//! The world below knows nothing of strategies. It plays the actors, keeps its own account of who
//! lives, and after every action and every event checks what must hold whatever happened.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::{any, prop, proptest};
use proptest::strategy::Strategy as _;

use crate::actor::{ExitReason, Recovery};
use crate::base::backoff::Backoff;
use crate::supervisor::action::{Action, Answer, Call, Event, Purpose, Report, RequestId, Ticket};
use crate::supervisor::children::{ChildId, Hold, State};
use crate::supervisor::decide::{Decider, Deferred, Phase};
use crate::supervisor::intensity::Intensity;
use crate::supervisor::plan::{Flags, Mode, Plan};
use crate::supervisor::strategy::{AutoShutdown, ChildKind, Restart, Shutdown, Strategy};

/// What the actor of a child does; a child that is not in the table has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    OnStart,
    Live,
    AskedToStop,
    AwaitsVerdict,
}

struct World {
    decider: Decider,
    now: u64,
    cells: BTreeMap<ChildId, Cell>,
    /// Every id there ever was, those that are forgotten included.
    ids: Vec<ChildId>,
    forgotten: BTreeSet<ChildId>,
    terminated: BTreeSet<ChildId>,
    retries: Vec<(ChildId, Ticket)>,
    overdue: Vec<(ChildId, Ticket)>,
    calls: u64,
    unanswered: BTreeSet<RequestId>,
    restarts: Vec<u64>,
    ready: bool,
    done: bool,
}

#[derive(Clone, Copy, Debug)]
struct Step {
    kind: u8,
    pick: u8,
    detail: u8,
}

fn reason(detail: u8) -> ExitReason {
    match detail % 5 {
        0 => ExitReason::Normal,
        1 => ExitReason::Shutdown,
        2 => ExitReason::Killed,
        3 => ExitReason::Panicked("random".into()),
        _ => ExitReason::Error("random".into()),
    }
}

fn recovery(detail: u8) -> Recovery {
    let backoff = Backoff::new(Duration::from_nanos(2), Duration::from_nanos(9));
    match detail % 8 {
        0 => Recovery::Restart,
        1 => Recovery::Backoff(backoff),
        2 => Recovery::Backoff(backoff.max_restarts(2)),
        3 => Recovery::Stop,
        4 => Recovery::Resume,
        _ => Recovery::Supervise,
    }
}

fn pick<T: Copy>(from: &[T], pick: u8) -> Option<T> {
    if from.is_empty() { None } else { Some(from[pick as usize % from.len()]) }
}

impl World {
    fn new(flags: Flags, plans: Vec<Plan>) -> Self {
        let decider = Decider::new(flags, plans).expect("only plans that agree are generated");
        let ids = decider.children().iter().map(|(id, _)| id).collect();
        Self {
            decider,
            now: 0,
            cells: BTreeMap::new(),
            ids,
            forgotten: BTreeSet::new(),
            terminated: BTreeSet::new(),
            retries: Vec::new(),
            overdue: Vec::new(),
            calls: 0,
            unanswered: BTreeSet::new(),
            restarts: Vec::new(),
            ready: false,
            done: false,
        }
    }

    fn with(&self, cell: Cell) -> Vec<ChildId> {
        self.cells.iter().filter(|(_, is)| **is == cell).map(|(id, _)| *id).collect()
    }

    fn dynamic(&self) -> bool {
        matches!(self.decider.flags.mode, Mode::Dynamic { .. })
    }

    fn feed(&mut self, event: Event) {
        let was_done = self.done;
        let actions = self.decider.decide(self.now, &mut || 0.5, event);
        for action in actions {
            let reply = matches!(action, Action::Reply(_, Answer::ShuttingDown));
            assert!(!was_done || reply, "{action:?} after the end");
            self.perform(action);
        }
        self.check_not_stuck();
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Adopt(request, id) => {
                assert!(self.unanswered.contains(&request));
                self.ids.push(id);
            }
            Action::Start(id) => {
                self.check_known(id);
                if !self.ready {
                    assert_eq!(self.with(Cell::OnStart), [], "one start at a time");
                    let later = self.cells.keys().find(|other| **other > id);
                    assert_eq!(later, None, "the first starts are in order");
                }
                // S3: a new actor only where there is none.
                assert_eq!(self.cells.insert(id, Cell::OnStart), None);
            }
            Action::Restart(id) => {
                self.check_known(id);
                // S3: the next incarnation only when the last has ended.
                assert_eq!(self.cells.insert(id, Cell::OnStart), Some(Cell::AwaitsVerdict));
            }
            Action::Stop { id, purpose, ticket, how } => {
                self.check_known(id);
                self.check_stop_order(id, purpose);
                let was = self.cells.insert(id, Cell::AskedToStop);
                assert!(matches!(was, Some(Cell::OnStart | Cell::Live)), "stops {was:?}");
                if how != Shutdown::Infinity {
                    self.overdue.push((id, ticket));
                }
            }
            Action::Kill(id) => assert_eq!(self.cells.get(&id), Some(&Cell::AskedToStop)),
            Action::Finish(id) => {
                self.check_known(id);
                assert_eq!(self.cells.remove(&id), Some(Cell::AwaitsVerdict));
            }
            Action::Forget(id) => {
                self.check_known(id);
                assert_eq!(self.cells.get(&id), None, "forgotten before it was finished");
                self.forgotten.insert(id);
            }
            Action::ScheduleRetry { id, ticket, .. } => {
                self.check_known(id);
                self.retries.push((id, ticket));
            }
            Action::Reply(request, _) => assert!(self.unanswered.remove(&request), "{request:?}"),
            Action::Ready => self.ready = true,
            Action::Report(report) => self.recount(&report),
            Action::Done(_) => {
                assert_eq!(self.cells, BTreeMap::new(), "something outlives the supervisor");
                self.done = true;
            }
        }
    }

    fn check_known(&self, id: ChildId) {
        assert!(self.ids.contains(&id) && !self.forgotten.contains(&id), "{id:?} is unknown");
    }

    // S1: nothing that started later lives when an ordered child is stopped.
    fn check_stop_order(&self, id: ChildId, purpose: Purpose) {
        let by_call = purpose == Purpose::Final && self.terminated.contains(&id);
        if by_call || self.dynamic() {
            return;
        }
        let mut later = self.cells.range(id..).skip(1);
        let live = later.find(|(_, cell)| **cell != Cell::AwaitsVerdict);
        assert_eq!(live, None, "stopped after {id:?}");
    }

    // S2: a recount of all restarts from the beginning comes to the same as the budget.
    fn recount(&mut self, report: &Report) {
        let recent = |world: &Self, period: u64| {
            world.restarts.iter().filter(|then| world.now - **then <= period).count()
        };
        match report {
            Report::Restarting { spent, intensity, .. } => {
                self.restarts.push(self.now);
                assert_eq!(recent(self, intensity.period_ns), *spent as usize);
                assert!(*spent <= intensity.max);
            }
            Report::IntensityReached { intensity, .. } => {
                assert_eq!(recent(self, intensity.period_ns), intensity.max as usize);
            }
            Report::Crashed { .. }
            | Report::StartFailed { .. }
            | Report::StoppedOddly { .. }
            | Report::BackoffExhausted { .. }
            | Report::EndlessRestarts { .. }
            | Report::AutoShutdown { .. } => {}
        }
    }

    /// Whoever waits, waits for something that will come.
    fn check_not_stuck(&self) {
        let coming =
            self.cells.values().any(|cell| matches!(cell, Cell::OnStart | Cell::AskedToStop));
        let busy = !matches!(self.decider.phase, Phase::Unstarted | Phase::Serving | Phase::Done);
        assert!(!busy || coming, "stuck in {:?}", self.decider.phase);
        let unstarted = matches!(self.decider.phase, Phase::Unstarted);
        assert!(self.unanswered.is_empty() || coming || unstarted, "unanswered, and all is quiet");
        let mut retrying = 0;
        for (id, child) in self.decider.children().iter() {
            let held = matches!(child.state(), State::Ended(_));
            assert_eq!(held, self.cells.get(&id) == Some(&Cell::AwaitsVerdict), "{id:?}");
            if let State::Ended(Hold::Retry(ticket)) = child.state() {
                let put_aside = |deferred: &Deferred| match deferred {
                    Deferred::Retry(of, due) => (*of, *due) == (id, *ticket),
                    Deferred::End(..) | Deferred::Call(..) => false,
                };
                let coming = self.retries.contains(&(id, *ticket))
                    || busy && self.decider.put_aside.iter().any(put_aside);
                // One that is closing gets to all of them by itself.
                assert!(coming || self.decider.is_closing(), "nothing will wake {id:?}");
                retrying += 1;
            }
        }
        if matches!(self.decider.phase, Phase::Serving) && retrying == 0 {
            assert_eq!(self.with(Cell::AwaitsVerdict), [], "waits for a verdict for ever");
        }
        assert_eq!(self.decider.children().cells(), self.cells.len());
    }

    fn step(&mut self, step: Step) {
        let Step { kind, pick: nth, detail } = step;
        let event = match kind {
            0..=2 => {
                pick(&self.with(Cell::OnStart), nth).map(|id| self.start_comes_out(id, detail))
            }
            3 | 4 => pick(&self.with(Cell::Live), nth).map(|id| {
                self.end(id, reason(detail));
                Event::ChildEnded(id, reason(detail), recovery(detail / 5))
            }),
            5 | 6 => pick(&self.with(Cell::AskedToStop), nth).map(|id| self.stop_ends(id, detail)),
            7 => pick(&self.retries, nth).map(|(id, ticket)| {
                self.retries.retain(|retry| *retry != (id, ticket));
                Event::RetryDue(id, ticket)
            }),
            8 => pick(&self.overdue, nth).map(|(id, ticket)| Event::StopOverdue(id, ticket)),
            9 | 10 => Some(self.call(nth, detail)),
            11 => {
                self.now += u64::from(detail);
                None
            }
            12 => self.echo(nth, detail),
            _ => (detail < 3).then(|| Event::Shutdown(reason(detail))),
        };
        if let Some(event) = event {
            self.feed(event);
        }
    }

    fn start_comes_out(&mut self, id: ChildId, detail: u8) -> Event {
        self.cells.insert(id, Cell::AwaitsVerdict);
        match detail % 16 {
            0 => Event::ChildIgnored(id),
            1 => Event::ChildStartFailed(id, reason(detail)),
            _ => {
                self.cells.insert(id, Cell::Live);
                Event::ChildStarted(id)
            }
        }
    }

    fn end(&mut self, id: ChildId, reason: ExitReason) -> Event {
        self.cells.insert(id, Cell::AwaitsVerdict);
        Event::ChildEnded(id, reason, Recovery::Supervise)
    }

    /// A child that was asked to stop ends, or its start had come out just before that.
    fn stop_ends(&mut self, id: ChildId, detail: u8) -> Event {
        match detail % 8 {
            0 => return Event::ChildStarted(id),
            1 => return self.end(id, reason(detail / 8)),
            _ => {}
        }
        let end = self.end(id, ExitReason::Shutdown);
        match detail % 8 {
            2 => Event::ChildIgnored(id),
            3 => Event::ChildStartFailed(id, ExitReason::Killed),
            _ => end,
        }
    }

    fn call(&mut self, nth: u8, detail: u8) -> Event {
        self.calls += 1;
        let request = RequestId(self.calls);
        self.unanswered.insert(request);
        let call = match (pick(&self.ids, nth), detail % 4) {
            (Some(id), 0) => {
                self.terminated.insert(id);
                Call::Terminate(id)
            }
            (Some(id), 1) => Call::Restart(id),
            (Some(id), 2) => Call::Delete(id),
            _ => Call::Add(plan(nth % 8, detail, AutoShutdown::Never)),
        };
        Event::Call(request, call)
    }

    /// Something that cannot be, or that comes too late.
    fn echo(&self, nth: u8, detail: u8) -> Option<Event> {
        let idle = |id: &&ChildId| matches!(self.cells.get(*id), None | Some(Cell::AwaitsVerdict));
        let silent: Vec<ChildId> = self.ids.iter().filter(idle).copied().collect();
        let id = pick(&silent, nth)?;
        Some(match detail % 5 {
            0 => Event::ChildStarted(id),
            1 => Event::ChildIgnored(id),
            2 => Event::ChildStartFailed(id, reason(nth)),
            3 => Event::ChildEnded(id, reason(nth), recovery(detail)),
            _ => Event::Start,
        })
    }

    /// Asks the supervisor to stop and lets every child that is asked to stop do so.
    fn finish(&mut self) {
        self.feed(Event::Shutdown(ExitReason::Shutdown));
        for _ in 0..1_000 {
            if self.done {
                break;
            }
            let next = pick(&self.with(Cell::AskedToStop), 0);
            let id = next.expect("a supervisor that stops waits for a child that stops");
            let event = self.end(id, ExitReason::Shutdown);
            self.feed(event);
        }
        assert!(self.done, "the supervisor does not end");
        assert_eq!(self.unanswered, BTreeSet::new());
    }
}

fn plan(name: u8, detail: u8, auto_shutdown: AutoShutdown) -> Plan {
    let restart = match detail % 5 {
        0..=2 => Restart::Permanent,
        3 => Restart::Transient,
        _ => Restart::Temporary,
    };
    let shutdown = match detail / 5 % 3 {
        0 => Shutdown::Brutal,
        1 => Shutdown::Timeout(Duration::from_nanos(9)),
        _ => Shutdown::Infinity,
    };
    let significant =
        restart != Restart::Permanent && auto_shutdown != AutoShutdown::Never && detail >= 128;
    let name = Some(name.to_string().as_str().into());
    let start_tries = if detail.is_multiple_of(3) { 2 } else { 1 };
    Plan { restart, shutdown, significant, start_tries, ..Plan::new(name, ChildKind::Worker) }
}

proptest! {
    #[test]
    fn whatever_happens_every_wait_ends_and_nothing_lives_twice(
        (mode, auto, backoff) in (0u8..4, 0u8..3, 0u8..4),
        (max, period_ns) in (0u32..40, 1u64..600),
        children in prop::collection::vec(any::<u8>(), 0..6),
        steps in prop::collection::vec(
            (0u8..14, any::<u8>(), any::<u8>())
                .prop_map(|(kind, pick, detail)| Step { kind, pick, detail }),
            0..160,
        ),
    ) {
        let mode = match mode {
            0 => Mode::Ordered(Strategy::OneForOne),
            1 => Mode::Ordered(Strategy::OneForAll),
            2 => Mode::Ordered(Strategy::RestForOne),
            _ => Mode::Dynamic { children_max: 4 },
        };
        let auto_shutdown = match (auto, mode) {
            (1, Mode::Ordered(_)) => AutoShutdown::AnySignificant,
            (2, Mode::Ordered(_)) => AutoShutdown::AllSignificant,
            _ => AutoShutdown::Never,
        };
        let delays = Backoff::new(Duration::from_nanos(3), Duration::from_nanos(40));
        let backoff = match backoff {
            0 => Some(delays),
            1 => Some(delays.max_restarts(3)),
            _ => None,
        };
        let intensity = Intensity { max, period_ns };
        let flags = Flags { mode, intensity, auto_shutdown, backoff };
        let plans = (0u8..).zip(children).map(|(name, detail)| plan(name, detail, auto_shutdown));
        let mut world = World::new(flags, plans.collect());
        world.feed(Event::Start);
        for step in steps {
            world.step(step);
        }
        world.finish();
    }
}
