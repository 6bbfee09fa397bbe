//! State machines: actors whose handler depends on an explicit state.
//!
//! A [`StateMachine`] handles one event after the other in the state that it is in, and answers
//! each by a [`Transition`]: stay or go to another state, postpone the event until the state has
//! changed, insert events of its own, start and cancel timeouts. [`state_machine`] makes an actor
//! of it, for [`spawn`](crate::actor::spawn()) and for supervisors. The rules are those of Erlang's
//! `gen_statem`.
//!
//! A door with a code lock: it opens for ten seconds, and buttons that are pressed meanwhile count
//! for the next time.
//!
//! ```
//! use std::time::Duration;
//! use greenroom::prelude::*;
//! use greenroom::state_machine::{StateMachine, Timeout, Transition, state_machine};
//!
//! enum Event { Button(char), Forget, Lock, IsOpen(Reply<bool>) }
//! impl Protocol for Event {}
//!
//! #[derive(Debug, PartialEq)]
//! enum State { Locked, Open }
//!
//! struct Door { code: &'static str, typed: String }
//!
//! impl StateMachine for Door {
//!     type Event = Event;
//!     type State = State;
//!     type Error = Fault;
//!
//!     async fn started(&mut self, _: &mut Cx<Event>) -> Result<State, Fault> {
//!         Ok(State::Locked)
//!     }
//!
//!     async fn entered(
//!         &mut self, _from: Option<&State>, state: &State, _: &mut Cx<Event>,
//!     ) -> Result<Vec<Timeout<Event>>, Fault> {
//!         self.typed.clear();
//!         Ok(match state {
//!             State::Locked => vec![],
//!             State::Open => vec![Timeout::state(Duration::from_secs(10), Event::Lock)],
//!         })
//!     }
//!
//!     async fn handle(
//!         &mut self, state: &State, event: Event, _: &mut Cx<Event>,
//!     ) -> Result<Transition<State, Event>, Fault> {
//!         Ok(match (state, event) {
//!             (State::Locked, Event::Button(digit)) => {
//!                 self.typed.push(digit);
//!                 if self.typed.ends_with(self.code) {
//!                     Transition::to(State::Open)
//!                 } else {
//!                     Transition::keep().with(Timeout::event(Duration::from_secs(30), Event::Forget))
//!                 }
//!             }
//!             (State::Open, button @ Event::Button(_)) => Transition::keep().postpone(button),
//!             (_, Event::Forget) => { self.typed.clear(); Transition::keep() }
//!             (_, Event::Lock) => Transition::to(State::Locked),
//!             (state, Event::IsOpen(reply)) => {
//!                 reply.send(*state == State::Open);
//!                 Transition::keep()
//!             }
//!         })
//!     }
//! }
//!
//! greenroom::test::run(async |test| {
//!     let make = || Door { code: "1234", typed: String::new() };
//!     let door = test.spawn(child("door", state_machine(make))).await.unwrap();
//!     for digit in "12341234".chars() { door.tell(Event::Button(digit)).await.unwrap(); }
//!     assert!(door.ask_with(Event::IsOpen).await.unwrap());
//!
//!     // It locks after ten seconds; the second code was postponed, and opens it at once.
//!     test.advance(Duration::from_secs(10)).await;
//!     assert!(door.ask_with(Event::IsOpen).await.unwrap());
//!     test.advance(Duration::from_secs(10)).await;
//!     assert!(!door.ask_with(Event::IsOpen).await.unwrap());
//! });
//! ```
//!
//! # When to use which
//!
//! A receive loop is simpler where an exchange has one course: where the async function stands *is*
//! its state, and a `match` on what it may receive there says the rest.
//!
//! ```
//! use greenroom::prelude::*;
//! enum Msg { Hello, Order(u32), Bye }
//! impl Protocol for Msg {}
//! async fn session(cx: &mut Cx<Msg>) -> Result<(), Fault> {
//!     let Msg::Hello = cx.recv().await else { return Err(Fault::new("hello comes first")) };
//!     let mut sum = 0;
//!     while let Msg::Order(price) = cx.recv().await { sum += price; }
//!     assert_eq!(sum, 7);
//!     Ok(())
//! }
//! greenroom::test::run(async |_test| {
//!     let session = greenroom::actor::spawn("session", session);
//!     for message in [Msg::Hello, Msg::Order(3), Msg::Order(4), Msg::Bye] {
//!         session.tell(message).await.unwrap();
//!     }
//!     assert_eq!(session.ended().await, ExitReason::Normal);
//! });
//! ```
//!
//! A state machine is better where the same events are understood in several states, where events
//! must wait for a state, where states have time limits, or where the table of states and events is
//! what one wants to read. An actor with a handler for each message is better where the state makes
//! no difference to what a message means.
//!
//! # One step
//!
//! An event is handled in this order, and the next one only after all of it:
//!
//! 1. [`handle`](StateMachine::handle) runs; replies go out as it sends them.
//! 2. If the state changed, or the transition says `repeat`: [`entered`](StateMachine::entered).
//! 3. The event is put aside if it was postponed.
//! 4. If the state changed, the queue starts again from the oldest postponed event.
//! 5. Inserted events go before all others, in their order.
//! 6. What an event or a change of state cancels is cancelled, then timeouts are set, in the order
//!    in which they were given, those of `entered` last. One without delay comes behind all that is
//!    queued so far, and before any mail.
//! 7. The next event is taken: inserted and postponed ones, timeouts without delay, mail.
//!
//! A request to stop comes before any event. Mail is what others sent, and timeouts that ran out.
//!
//! # Timeouts
//!
//! | | cancelled by |
//! | --- | --- |
//! | [`Timeout::state`] | a change of state; not by `keep`, `repeat`, or `to` the same state |
//! | [`Timeout::event`] | any event, other timeouts included |
//! | [`Timeout::named`] | nothing but [`Timeout::cancel`] |
//!
//! Each ends with its incarnation, and one that is started again is replaced.
//!
//! # Promises
//! * **E1** nothing comes of a state timeout after its state, nor of an event timeout after another
//!   event, not even when it had run out already
//! * **E2** postponed events keep their order and none is lost: a crash leaves them to the next
//!   incarnation, which begins in its initial state, and the end makes them dead letters

mod decide;
mod run;
mod timeout;
mod transition;

pub use run::{IsStateMachine, state_machine};
pub use timeout::{Timeout, TimeoutName};
pub use transition::Transition;

use crate::actor::{Cx, ExitReason, Protocol, Recovery};

/// An actor whose handler depends on an explicit state.
///
/// What differs from one state to the next belongs into `State`; what does not, into `self`: two
/// states that are not equal are different states, and going from one to the other cancels the
/// state timeout and brings postponed events back. Read the [module](self) for an example and for
/// the order of what happens.
///
/// ```
/// use greenroom::prelude::*;
/// use greenroom::state_machine::{StateMachine, Transition, state_machine};
///
/// enum Event { Push, IsOn(Reply<bool>) }
/// impl Protocol for Event {}
/// #[derive(Debug, PartialEq)]
/// enum Lamp { Off, On }
/// struct Switch;
/// impl StateMachine for Switch {
///     type Event = Event;
///     type State = Lamp;
///     type Error = Fault;
///     async fn started(&mut self, _: &mut Cx<Event>) -> Result<Lamp, Fault> { Ok(Lamp::Off) }
///     async fn handle(
///         &mut self, lamp: &Lamp, event: Event, _: &mut Cx<Event>,
///     ) -> Result<Transition<Lamp, Event>, Fault> {
///         Ok(match (lamp, event) {
///             (Lamp::Off, Event::Push) => Transition::to(Lamp::On),
///             (Lamp::On, Event::Push) => Transition::to(Lamp::Off),
///             (lamp, Event::IsOn(reply)) => { reply.send(*lamp == Lamp::On); Transition::keep() }
///         })
///     }
///     async fn stopped(&mut self, lamp: &Lamp, _: &ExitReason, _: &mut Cx<Event>) {
///         assert_eq!(*lamp, Lamp::On);
///     }
/// }
/// greenroom::test::run(async |_test| {
///     let lamp = greenroom::actor::spawn("lamp", state_machine(|| Switch));
///     lamp.tell(Event::Push).await.unwrap();
///     assert!(lamp.ask_with(Event::IsOn).await.unwrap());
///     lamp.stop();
///     assert_eq!(lamp.ended().await, ExitReason::Shutdown);
/// });
/// ```
#[expect(async_fn_in_trait, reason = "actors stay on their loop, so no `Send` is wanted")]
pub trait StateMachine: Sized + 'static {
    /// What it understands: messages, and what its timeouts bring.
    type Event: Protocol;
    /// What its handler depends on.
    type State: PartialEq + std::fmt::Debug + 'static;
    /// What a crash by error looks like; [`Fault`](crate::actor::Fault) takes any.
    type Error: std::fmt::Display;

    /// Runs before the first event of an incarnation and gives its initial state.
    ///
    /// # Errors
    /// An error here, or of the first [`entered`](Self::entered), means that the incarnation did
    /// not start: whoever starts it is told, and [`stopped`](Self::stopped) does not run.
    ///
    /// # Cancel safety
    /// Dropped half-way when the actor is killed, when its supervisor stops it meanwhile, or when
    /// it takes longer than its [limit](crate::supervisor::Child::start_timeout).
    async fn started(&mut self, cx: &mut Cx<Self::Event>) -> Result<Self::State, Self::Error>;

    /// Runs when a state is entered: the initial one (`from` is `None`), another one, or the same
    /// once more after [`Transition::repeat`]. Gives the timeouts to set.
    ///
    /// # Errors
    /// An error crashes the incarnation in the state that it enters; the event that led here was in
    /// its hand, and nothing else of the transition takes place.
    ///
    /// # Cancel safety
    /// Dropped half-way when the actor is killed, or takes longer than its
    /// [limit](crate::supervisor::Child::handler_timeout).
    async fn entered(
        &mut self,
        _from: Option<&Self::State>,
        _state: &Self::State,
        _cx: &mut Cx<Self::Event>,
    ) -> Result<Vec<Timeout<Self::Event>>, Self::Error> {
        Ok(Vec::new())
    }

    /// Handles one event in the state that the machine is in. An event that a state has no use for
    /// goes to [`Cx::unhandled`].
    ///
    /// # Errors
    /// No transition takes place; [`on_error`](Self::on_error) says what becomes of the machine.
    ///
    /// # Cancel safety
    /// Dropped half-way when the actor is killed, or takes longer than its
    /// [limit](crate::supervisor::Child::handler_timeout): the event was then handled in part.
    async fn handle(
        &mut self,
        state: &Self::State,
        event: Self::Event,
        cx: &mut Cx<Self::Event>,
    ) -> Result<Transition<Self::State, Self::Event>, Self::Error>;

    /// What is to become of the machine after an error of [`handle`](Self::handle); see
    /// [`Recovery`]. One that resumes stays in its state. Other errors are not asked about.
    ///
    /// # Panics
    /// A panic here is a panic of the handler.
    fn on_error(&mut self, _error: &Self::Error) -> Recovery {
        Recovery::Supervise
    }

    /// Runs when the incarnation has crashed, before anything of it is taken down, with the state
    /// that it was in; see [`Actor::crashed`](crate::actor::Actor::crashed), also for when it does
    /// not run.
    ///
    /// # Cancel safety
    /// Dropped half-way when the actor is killed.
    async fn crashed(
        &mut self,
        _state: &Self::State,
        _reason: &ExitReason,
        _cx: &mut Cx<Self::Event>,
    ) {
    }

    /// Runs once at the end of an incarnation that had started, with the state that it was in last;
    /// not when it is killed, nor when a handler is given up at its
    /// [limit](crate::supervisor::Child::handler_timeout).
    ///
    /// # Cancel safety
    /// Dropped half-way when the actor is killed, which supervisors do when it takes too long.
    async fn stopped(
        &mut self,
        _state: &Self::State,
        _reason: &ExitReason,
        _cx: &mut Cx<Self::Event>,
    ) {
    }
}
