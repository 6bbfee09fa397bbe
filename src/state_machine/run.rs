//! Runs a state machine as an actor: asks `decide.rs` what a transition means, and does it.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::mem;

use super::StateMachine;
use super::decide::{self, Effect, Entry};
use super::timeout::TimeoutName;
use crate::actor::{Cx, ExitReason, Incarnate, Life, Protocol, Recovery, StashFull, live};

/// Makes an actor of a state machine: for [`spawn`](crate::actor::spawn()) and
/// [`child`](crate::supervisor::child()). The factory is called once an incarnation.
///
/// See the [module](super) for an example with a supervisor.
///
/// ```
/// use greenroom::prelude::*;
/// use greenroom::state_machine::{StateMachine, Transition, state_machine};
/// # enum Event { Done } impl Protocol for Event {}
/// struct Once;
/// impl StateMachine for Once {
///     type Event = Event;
///     type State = ();
///     type Error = Fault;
///     async fn started(&mut self, _: &mut Cx<Event>) -> Result<(), Fault> { Ok(()) }
///     async fn handle(
///         &mut self, _: &(), Event::Done: Event, _: &mut Cx<Event>,
///     ) -> Result<Transition<(), Event>, Fault> { Ok(Transition::stop()) }
/// }
/// greenroom::test::run(async |_test| {
///     let once = greenroom::actor::spawn("once", state_machine(|| Once));
///     once.tell(Event::Done).await.unwrap();
///     assert_eq!(once.ended().await, ExitReason::Normal);
/// });
/// ```
pub fn state_machine<F, M>(make: F) -> impl Incarnate<M::Event, IsStateMachine<M>>
where
    F: FnMut() -> M + 'static,
    M: StateMachine,
{
    Factory(make)
}

struct Factory<F>(F);

/// Marks factories of state machines for [`Incarnate`]; always inferred.
///
/// ```
/// use greenroom::actor::{Addr, Incarnate, spawn};
/// use greenroom::state_machine::{IsStateMachine, StateMachine};
/// fn starts<M: StateMachine>(
///     machine: impl Incarnate<M::Event, IsStateMachine<M>>,
/// ) -> Addr<M::Event> {
///     spawn("machine", machine)
/// }
/// ```
#[derive(Debug)]
pub struct IsStateMachine<M>(PhantomData<fn(M)>);

impl<F, M> Incarnate<M::Event, IsStateMachine<M>> for Factory<F>
where
    F: FnMut() -> M + 'static,
    M: StateMachine,
{
    async fn live(&mut self, cx: &mut Cx<M::Event>) -> ExitReason {
        // However this ends, what was postponed is there for the next incarnation, oldest first.
        let _postponed = cx.unstash_at_end();
        let mut running = Running { machine: (self.0)(), state: None };
        live(&mut running, cx).await
    }
}

/// One incarnation of a state machine.
struct Running<M: StateMachine> {
    machine: M,
    /// `None` until it has started.
    state: Option<M::State>,
}

/// Why a machine crashes by error.
enum Failure<M: StateMachine> {
    Handling(M::Error),
    Entering(M::Error),
    /// There is no room for what it postponed.
    Full(StashFull<M::Event>),
}

impl<M: StateMachine> fmt::Display for Failure<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Handing the formatter on keeps the alternate form, which prints causes.
            Self::Handling(error) | Self::Entering(error) => error.fmt(f),
            Self::Full(full) => full.fmt(f),
        }
    }
}

impl<M: StateMachine> Life for Running<M> {
    type Protocol = M::Event;
    type Error = Failure<M>;

    async fn started(&mut self, cx: &mut Cx<M::Event>) -> Result<(), Failure<M>> {
        let state = self.machine.started(cx).await.map_err(Failure::Entering)?;
        if cx.cell.control.turns_down() {
            return Ok(());
        }
        let entered = self.machine.entered(None, &state, cx).await.map_err(Failure::Entering)?;
        self.state = Some(state);
        carry_out(decide::at_start(entered), cx).map_err(Failure::Full)
    }

    async fn handle(&mut self, event: M::Event, cx: &mut Cx<M::Event>) -> Result<(), Failure<M>> {
        let state = self.state.as_mut().expect("a machine that has started has a state");
        let transition = match self.machine.handle(state, event, cx).await {
            Ok(transition) => transition,
            Err(error) => {
                // The machine may go on, and an event is an event.
                cx.cancel_timer(&key(TimeoutName::Event));
                return Err(Failure::Handling(error));
            }
        };
        let (entry, rest) = decide::split(state, transition);
        let entered = match entry {
            Entry::None => Ok(Vec::new()),
            Entry::Again => self.machine.entered(Some(state), state, cx).await,
            Entry::Change(next) => {
                let from = mem::replace(state, next);
                tracing::debug!(
                    target: "greenroom::state_machine", actor = %cx.name(), id = %cx.id(),
                    ?from, to = ?state, "the state changes",
                );
                self.machine.entered(Some(&from), state, cx).await
            }
        };
        let entered = entered.map_err(Failure::Entering)?;
        carry_out(rest.effects(entered), cx).map_err(Failure::Full)
    }

    fn on_error(&mut self, failure: &Failure<M>) -> Recovery {
        match failure {
            Failure::Handling(error) => self.machine.on_error(error),
            Failure::Entering(_) | Failure::Full(_) => Recovery::Supervise,
        }
    }

    async fn crashed(&mut self, reason: &ExitReason, cx: &mut Cx<M::Event>) {
        if let Some(state) = &self.state {
            self.machine.crashed(state, reason, cx).await;
        }
    }

    async fn stopped(&mut self, reason: &ExitReason, cx: &mut Cx<M::Event>) {
        if let Some(state) = &self.state {
            self.machine.stopped(state, reason, cx).await;
        }
    }
}

fn carry_out<E: Protocol>(effects: Vec<Effect<E>>, cx: &Cx<E>) -> Result<(), StashFull<E>> {
    let mut outcome = Ok(());
    for effect in effects {
        match effect {
            // What else there is to do is done all the same, so that no other event is lost.
            Effect::Postpone(event) => outcome = cx.stash(event),
            Effect::StartAgain => cx.unstash_first(),
            Effect::Insert(events) => cx.put_first(events),
            Effect::Cancel(name) => _ = cx.cancel_timer(&key(name)),
            Effect::Arm(name, delay, event) => cx.send_after(key(name), delay, event),
            Effect::Queue(name, event) => cx.send_at_once(key(name), event),
            Effect::Update(name, event) => {
                let key = key(name);
                if let Err(event) = cx.replace_timer_message(&key, event) {
                    cx.send_at_once(key, event);
                }
            }
            Effect::Stop => cx.stop(),
        }
    }
    outcome
}

/// The key of a timer of the actor.
fn key(name: TimeoutName) -> Cow<'static, str> {
    match name {
        TimeoutName::State => "greenroom::state_machine::state".into(),
        TimeoutName::Event => "greenroom::state_machine::event".into(),
        TimeoutName::Named(name) => name,
    }
}
