//! A stage for the decisions: a runner without actors, whose log the tests compare.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::actor::{ExitReason, Recovery};
use crate::supervisor::action::{Action, Answer, Call, Event, Outcome, Report, RequestId, Ticket};
use crate::supervisor::children::{ChildId, ChildStatus};
use crate::supervisor::decide::Decider;
use crate::supervisor::intensity::Intensity;
use crate::supervisor::plan::{Flags, Mode, Plan};
use crate::supervisor::strategy::{ChildKind, Restart, Shutdown, Strategy};

mod calls;
mod closing;
mod groups;
mod matrix;
mod random;
mod recovery;
mod restarts;

const SECOND: u64 = 1_000_000_000;

/// Carries actions out at once: starts succeed and children stop when asked, unless the test says
/// otherwise of a child.
struct Stage {
    decider: Decider,
    names: BTreeMap<ChildId, String>,
    now: u64,
    /// Names whose starts fail.
    failing: BTreeSet<&'static str>,
    /// Names that decline to run.
    ignoring: BTreeSet<&'static str>,
    /// Names whose starts and stops come out only when the test says so.
    slow: BTreeSet<&'static str>,
    mailbox: VecDeque<Event>,
    timers: Vec<(u64, Event)>,
    tickets: BTreeMap<ChildId, Ticket>,
    log: Vec<String>,
    reports: Vec<Report>,
    answers: BTreeMap<RequestId, Answer>,
    requests: BTreeMap<RequestId, String>,
    /// Takes the place of a random generator.
    random: f64,
}

/// A permanent worker.
fn worker(name: &str) -> Plan {
    Plan::new(Some(name.into()), ChildKind::Worker)
}

fn temporary(name: &str) -> Plan {
    Plan { restart: Restart::Temporary, ..worker(name) }
}

fn transient(name: &str) -> Plan {
    Plan { restart: Restart::Transient, ..worker(name) }
}

fn workers(names: &[&str]) -> Vec<Plan> {
    names.iter().map(|name| worker(name)).collect()
}

/// Ten restarts in ten seconds, so that only tests of the budget meet its end.
fn flags(strategy: Strategy) -> Flags {
    let intensity = Intensity { max: 10, period_ns: 10 * SECOND };
    Flags { intensity, ..Flags::new(Mode::Ordered(strategy)) }
}

fn dynamic(children_max: usize) -> Flags {
    Flags { mode: Mode::Dynamic { children_max }, ..flags(Strategy::OneForOne) }
}

fn error() -> ExitReason {
    ExitReason::Error("on purpose".into())
}

/// A run that ended, its error asking for nothing.
fn ended(id: ChildId, reason: ExitReason) -> Event {
    Event::ChildEnded(id, reason, Recovery::Supervise)
}

impl Stage {
    fn new(flags: Flags, plans: Vec<Plan>) -> Self {
        let decider = Decider::new(flags, plans).expect("the test's flags and plans agree");
        let name = |plan: &Plan| plan.name.as_deref().unwrap_or("unnamed").to_owned();
        let names = decider.children().iter().map(|(id, child)| (id, name(&child.plan))).collect();
        Self {
            decider,
            names,
            now: 0,
            failing: BTreeSet::new(),
            ignoring: BTreeSet::new(),
            slow: BTreeSet::new(),
            mailbox: VecDeque::new(),
            timers: Vec::new(),
            tickets: BTreeMap::new(),
            log: Vec::new(),
            reports: Vec::new(),
            answers: BTreeMap::new(),
            requests: BTreeMap::new(),
            random: 0.0,
        }
    }

    /// A supervisor whose children have all been started; the log is empty.
    fn started(flags: Flags, plans: Vec<Plan>) -> Self {
        let mut stage = Self::new(flags, plans);
        stage.feed(Event::Start);
        assert_eq!(stage.log.pop().as_deref(), Some("ready"));
        stage.log.clear();
        stage
    }

    fn id(&self, name: &str) -> ChildId {
        let known = self.names.iter().rev().find(|(_, known)| *known == name);
        *known.expect("the test names a child that there is").0
    }

    /// Feeds an event and all that follow from it at once.
    fn feed(&mut self, event: Event) {
        self.mailbox.push_back(event);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(event) = self.mailbox.pop_front() {
            let mut random = || self.random;
            for action in self.decider.decide(self.now, &mut random, event) {
                self.carry_out(action);
            }
        }
    }

    /// Feeds several ends that are in the mailbox together.
    fn crash_together(&mut self, names: &[&str]) {
        for name in &names[1..] {
            let end = ended(self.id(name), error());
            self.mailbox.push_back(end);
        }
        let first = ended(self.id(names[0]), error());
        self.mailbox.push_front(first);
        self.drain();
    }

    fn end(&mut self, name: &str, reason: ExitReason) {
        let id = self.id(name);
        self.feed(ended(id, reason));
    }

    fn crash(&mut self, name: &str) {
        self.end(name, error());
    }

    /// The child crashes, and its error asks for something.
    fn crash_asking(&mut self, name: &str, recovery: Recovery) {
        let id = self.id(name);
        self.feed(Event::ChildEnded(id, error(), recovery));
    }

    fn call(&mut self, call: Call) -> Option<Answer> {
        let request = RequestId(self.requests.len() as u64);
        let name = match &call {
            Call::Add(plan) => plan.name.as_deref().unwrap_or("unnamed").to_owned(),
            Call::Terminate(_) | Call::Restart(_) | Call::Delete(_) => String::new(),
        };
        self.requests.insert(request, name);
        self.feed(Event::Call(request, call));
        self.answers.get(&request).cloned()
    }

    fn terminate(&mut self, name: &str) -> Option<Answer> {
        self.call(Call::Terminate(self.id(name)))
    }

    fn restart(&mut self, name: &str) -> Option<Answer> {
        self.call(Call::Restart(self.id(name)))
    }

    fn delete(&mut self, name: &str) -> Option<Answer> {
        self.call(Call::Delete(self.id(name)))
    }

    fn shutdown(&mut self) {
        self.feed(Event::Shutdown(ExitReason::Shutdown));
    }

    /// Moves the clock and feeds what falls due, earliest first.
    fn advance(&mut self, by: u64) {
        let end = self.now + by;
        while let Some(index) = (0..self.timers.len())
            .filter(|index| self.timers[*index].0 <= end)
            .min_by_key(|index| (self.timers[*index].0, *index))
        {
            let (due, event) = self.timers.remove(index);
            self.now = due;
            self.feed(event);
        }
        self.now = end;
    }

    /// What was done since the last look, without finishes and forgets.
    fn played(&mut self) -> Vec<String> {
        let hidden = |line: &String| line.starts_with("finish") || line.starts_with("forget");
        self.everything().into_iter().filter(|line| !hidden(line)).collect()
    }

    fn everything(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log)
    }

    fn status(&self, name: &str) -> Option<ChildStatus> {
        let id = self.decider.children().find(name)?;
        self.decider.children().get(id).map(|child| child.status())
    }

    /// Restarts that were paid for and still count.
    fn budget_spent(&self) -> u32 {
        self.decider.budget.spent()
    }

    /// {specs, active, supervisors, workers}.
    fn counts(&self) -> [usize; 4] {
        let counts = self.decider.counts();
        [counts.specs, counts.active, counts.supervisors, counts.workers]
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Adopt(request, id) => {
                let name = self.requests[&request].clone();
                self.names.insert(id, name);
            }
            Action::Start(id) => self.start("start", id),
            Action::Restart(id) => self.start("restart", id),
            Action::Stop { id, how, ticket, .. } => {
                let name = self.write("stop", id);
                self.tickets.insert(id, ticket);
                if !self.slow.contains(name.as_str()) {
                    let reason = if how == Shutdown::Brutal {
                        ExitReason::Killed
                    } else {
                        ExitReason::Shutdown
                    };
                    self.mailbox.push_back(ended(id, reason));
                }
            }
            Action::Kill(id) => {
                self.write("kill", id);
                self.mailbox.push_back(ended(id, ExitReason::Killed));
            }
            Action::Finish(id) => {
                self.write("finish", id);
            }
            Action::Forget(id) => {
                self.write("forget", id);
            }
            Action::ScheduleRetry { id, delay_ns, ticket } => {
                self.tickets.insert(id, ticket);
                if delay_ns == 0 {
                    self.mailbox.push_back(Event::RetryDue(id, ticket));
                } else {
                    let wait = Duration::from_nanos(delay_ns);
                    self.log.push(format!("{} waits {wait:?}", self.names[&id]));
                    self.timers.push((self.now + delay_ns, Event::RetryDue(id, ticket)));
                }
            }
            Action::Reply(request, answer) => {
                let earlier = self.answers.insert(request, answer);
                assert_eq!(earlier, None, "a call is answered once");
            }
            Action::Ready => self.log.push("ready".to_owned()),
            Action::Report(report) => self.reports.push(report),
            Action::Done(Outcome::Stopped(reason)) => self.log.push(format!("done: {reason}")),
            Action::Done(Outcome::StartFailed { name, reason }) => {
                self.log.push(format!("{} failed to start: {reason}", name.unwrap_or_default()));
            }
        }
    }

    fn start(&mut self, verb: &str, id: ChildId) {
        let name = self.write(verb, id);
        if self.slow.contains(name.as_str()) {
            return;
        }
        self.mailbox.push_back(if self.failing.contains(name.as_str()) {
            Event::ChildStartFailed(id, error())
        } else if self.ignoring.contains(name.as_str()) {
            Event::ChildIgnored(id)
        } else {
            Event::ChildStarted(id)
        });
    }

    fn write(&mut self, verb: &str, id: ChildId) -> String {
        let name = self.names[&id].clone();
        self.log.push(format!("{verb} {name}"));
        name
    }
}
