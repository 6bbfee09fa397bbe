//! A state machine that does what each case tells it to, and writes down its life.

use std::rc::Rc;
use std::time::Duration;

use greenroom::actor::Recovery;
use greenroom::prelude::*;
use greenroom::state_machine::{IsStateMachine, StateMachine, Timeout, Transition, state_machine};
use greenroom::time;

use crate::harness::Log;

/// A state is a name.
pub(crate) type State = &'static str;
pub(crate) type Step = Transition<State, Event>;
/// What to do with an event, in which state.
pub(crate) type Job = Box<dyn FnOnce(State, &mut Cx<Event>) -> Step>;

pub(crate) enum Event {
    /// Written down.
    Note(u32),
    /// Goes to this state.
    Go(State),
    Do(Job),
    /// Ends the incarnation with this error, unless it is `small`.
    Fail(&'static str),
    /// Panics.
    Panic,
    /// Waits for what does not come.
    Hang,
}
impl Protocol for Event {}

impl Event {
    pub(crate) fn job(job: impl FnOnce(State, &mut Cx<Self>) -> Step + 'static) -> Self {
        Self::Do(Box::new(job))
    }

    /// Keeps the state and sets this timeout.
    pub(crate) fn set(timeout: Timeout<Self>) -> Self {
        Self::job(move |_, _| Step::keep().with(timeout))
    }

    fn name(&self) -> String {
        match self {
            Self::Note(number) => number.to_string(),
            Self::Go(state) => format!("go {state}"),
            Self::Do(_) => "do".to_owned(),
            Self::Fail(_) | Self::Panic | Self::Hang => "crash".to_owned(),
        }
    }
}

type Entering = Rc<dyn Fn(State, &mut Cx<Event>) -> Result<Vec<Timeout<Event>>, Fault>>;

/// How a machine behaves, and where it writes.
#[derive(Clone)]
pub(crate) struct Plan {
    log: Log,
    starts: Result<State, &'static str>,
    declines: bool,
    postpones: fn(State, &Event) -> bool,
    entering: Entering,
    enter_takes: Duration,
}

impl Plan {
    /// It starts in state `a` and postpones nothing.
    pub(crate) fn new(log: &Log) -> Self {
        Self {
            log: log.clone(),
            starts: Ok("a"),
            declines: false,
            postpones: |_, _| false,
            entering: Rc::new(|_, _| Ok(Vec::new())),
            enter_takes: Duration::ZERO,
        }
    }

    pub(crate) fn starts(mut self, starts: Result<State, &'static str>) -> Self {
        self.starts = starts;
        self
    }

    pub(crate) fn declines(mut self) -> Self {
        self.declines = true;
        self
    }

    /// Which events it postpones in which states.
    pub(crate) fn postpones(mut self, postpones: fn(State, &Event) -> bool) -> Self {
        self.postpones = postpones;
        self
    }

    /// Postpones notes in state `a`.
    pub(crate) fn postpones_in_a(self) -> Self {
        self.postpones(|state, event| state == "a" && matches!(event, Event::Note(_)))
    }

    /// What its enter call does.
    pub(crate) fn entering(
        mut self,
        entering: impl Fn(State, &mut Cx<Event>) -> Result<Vec<Timeout<Event>>, Fault> + 'static,
    ) -> Self {
        self.entering = Rc::new(entering);
        self
    }

    /// How long its enter call takes.
    pub(crate) fn enter_takes(mut self, time: Duration) -> Self {
        self.enter_takes = time;
        self
    }

    /// What a supervisor, or nobody, runs.
    pub(crate) fn machine(self) -> impl Incarnate<Event, IsStateMachine<Machine>> {
        state_machine(move || Machine(self.clone()))
    }

    /// Starts one that nobody restarts.
    pub(crate) fn spawn(self) -> Addr<Event> {
        greenroom::actor::spawn("machine", self.machine())
    }
}

pub(crate) use greenroom::actor::Incarnate;

pub(crate) struct Machine(Plan);

impl StateMachine for Machine {
    type Event = Event;
    type State = State;
    type Error = Fault;

    async fn started(&mut self, cx: &mut Cx<Event>) -> Result<State, Fault> {
        if self.0.declines {
            cx.decline();
        }
        self.0.starts.map_err(Fault::new)
    }

    async fn entered(
        &mut self,
        from: Option<&State>,
        state: &State,
        cx: &mut Cx<Event>,
    ) -> Result<Vec<Timeout<Event>>, Fault> {
        if self.0.enter_takes > Duration::ZERO {
            time::sleep(self.0.enter_takes).await;
        }
        self.0.log.add(match from {
            Some(from) => format!("{from} -> {state}"),
            None => format!("-> {state}"),
        });
        (self.0.entering)(state, cx)
    }

    async fn handle(
        &mut self,
        state: &State,
        event: Event,
        cx: &mut Cx<Event>,
    ) -> Result<Step, Fault> {
        if (self.0.postpones)(state, &event) {
            self.0.log.add(format!("{state}: {} later", event.name()));
            return Ok(Step::keep().postpone(event));
        }
        match event {
            Event::Note(number) => self.0.log.add(format!("{state}: {number}")),
            Event::Go(next) => return Ok(Step::to(next)),
            Event::Do(job) => return Ok(job(state, cx)),
            Event::Fail(error) => return Err(Fault::new(error)),
            Event::Panic => panic!("told to"),
            Event::Hang => std::future::pending().await,
        }
        Ok(Step::keep())
    }

    fn on_error(&mut self, error: &Fault) -> Recovery {
        if error.to_string() == "small" { Recovery::Resume } else { Recovery::Supervise }
    }

    async fn crashed(&mut self, state: &State, reason: &ExitReason, _: &mut Cx<Event>) {
        self.0.log.add(format!("{state} crashed: {reason}"));
    }

    async fn stopped(&mut self, state: &State, reason: &ExitReason, _: &mut Cx<Event>) {
        self.0.log.add(format!("{state} stopped: {reason}"));
    }
}

/// Sends them all, in this order.
pub(crate) async fn send(addr: Addr<Event>, events: impl IntoIterator<Item = Event>) {
    for event in events {
        addr.tell(event).await.unwrap();
    }
}

pub(crate) fn notes(numbers: impl IntoIterator<Item = u32>) -> impl Iterator<Item = Event> {
    numbers.into_iter().map(Event::Note)
}
