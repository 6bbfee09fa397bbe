//! `Transition`: what a state machine answers an event by.

use super::timeout::Timeout;
use crate::actor::{Accepts, Reply};

/// What a state machine answers an event by: where it goes, and what becomes of events and
/// timeouts.
///
/// Whatever it says is done after the handler has returned, in the order that the
/// [module](super#one-step) gives.
///
/// ```
/// use std::time::Duration;
/// use greenroom::prelude::*;
/// use greenroom::state_machine::{Timeout, Transition};
/// enum Event { Hello, GiveUp }
/// impl Protocol for Event {}
/// enum State { Connecting, Online }
///
/// let transition: Transition<State, Event> = Transition::to(State::Connecting)
///     .postpone(Event::Hello)
///     .with(Timeout::state(Duration::from_secs(3), Event::GiveUp));
/// assert!(format!("{transition:?}").contains("to another state"));
/// ```
#[must_use = "a transition takes place when the handler returns it"]
pub struct Transition<S, E> {
    pub(crate) next: Next<S>,
    pub(crate) postponed: Option<E>,
    pub(crate) inserted: Vec<E>,
    pub(crate) timeouts: Vec<Timeout<E>>,
}

/// Where a machine goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Next<S> {
    Keep,
    Repeat,
    To(S),
    Stop,
}

impl<S, E> Transition<S, E> {
    const fn new(next: Next<S>) -> Self {
        Self { next, postponed: None, inserted: Vec::new(), timeouts: Vec::new() }
    }

    /// Stays in the state.
    ///
    /// ```
    /// use greenroom::state_machine::Transition;
    /// let transition: Transition<&str, u32> = Transition::keep();
    /// # assert!(format!("{transition:?}").contains("keep"));
    /// ```
    pub const fn keep() -> Self {
        Self::new(Next::Keep)
    }

    /// Goes to this state. If it equals the present one, that is [`keep`](Self::keep).
    ///
    /// ```
    /// use greenroom::state_machine::Transition;
    /// let transition: Transition<&str, u32> = Transition::to("open");
    /// # assert!(format!("{transition:?}").contains("to another state"));
    /// ```
    pub const fn to(state: S) -> Self {
        Self::new(Next::To(state))
    }

    /// Stays in the state, and runs [`entered`](super::StateMachine::entered) once more. It is no
    /// change of state: the state timeout goes on, and postponed events stay where they are.
    ///
    /// ```
    /// use greenroom::state_machine::Transition;
    /// let transition: Transition<&str, u32> = Transition::repeat();
    /// # assert!(format!("{transition:?}").contains("repeat"));
    /// ```
    pub const fn repeat() -> Self {
        Self::new(Next::Repeat)
    }

    /// Ends the actor, reason [`ExitReason::Normal`](crate::actor::ExitReason::Normal), before its
    /// next event; events that wait are dead letters, the postponed and the inserted too. To end it
    /// otherwise, return an error or call [`ActorId::stop_with`](crate::actor::ActorId::stop_with).
    ///
    /// ```
    /// use greenroom::state_machine::Transition;
    /// let transition: Transition<&str, u32> = Transition::stop();
    /// # assert!(format!("{transition:?}").contains("stop"));
    /// ```
    pub const fn stop() -> Self {
        Self::new(Next::Stop)
    }

    /// Puts the event in hand aside until the state has changed; then it is handled before
    /// everything that came later. Given twice, the second takes the place of the first.
    ///
    /// Postponed events are in the actor's stash ([`Cx::stashed`](crate::actor::Cx::stashed) counts
    /// them), which holds 1,024 unless
    /// [`MailboxOptions::stash`](crate::actor::MailboxOptions::stash) says otherwise. One more
    /// crashes the incarnation: its machine waits for a state that does not come.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// use greenroom::state_machine::Transition;
    /// # enum Event { Button(char) } impl Protocol for Event {}
    /// let transition: Transition<&str, Event> = Transition::keep().postpone(Event::Button('1'));
    /// # assert!(format!("{transition:?}").contains("postponed: true"));
    /// ```
    pub fn postpone<M>(mut self, event: M) -> Self
    where
        E: Accepts<M>,
    {
        self.postponed = Some(E::wrap(event, Reply::nobody()));
        self
    }

    /// Inserts an event of the machine's own, to be handled before all others, postponed ones
    /// included. Several are handled in the order in which they are given.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// use greenroom::state_machine::Transition;
    /// # enum Event { Line(String) } impl Protocol for Event {}
    /// let transition: Transition<&str, Event> = Transition::keep()
    ///     .insert(Event::Line("first".into()))
    ///     .insert(Event::Line("second".into()));
    /// # assert!(format!("{transition:?}").contains("inserted: 2"));
    /// ```
    pub fn insert<M>(mut self, event: M) -> Self
    where
        E: Accepts<M>,
    {
        self.inserted.push(E::wrap(event, Reply::nobody()));
        self
    }

    /// Starts, updates or cancels a timeout; several in the order in which they are given.
    ///
    /// ```
    /// use greenroom::state_machine::{Timeout, Transition};
    /// let transition: Transition<&str, u32> = Transition::keep().with(Timeout::cancel("retry"));
    /// # assert!(format!("{transition:?}").contains("timeouts: 1"));
    /// ```
    pub fn with(mut self, timeout: Timeout<E>) -> Self {
        self.timeouts.push(timeout);
        self
    }
}

impl<S, E> std::fmt::Debug for Transition<S, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let next = match self.next {
            Next::Keep => "keep",
            Next::Repeat => "repeat",
            Next::To(_) => "to another state",
            Next::Stop => "stop",
        };
        f.debug_struct("Transition")
            .field("next", &format_args!("{next}"))
            .field("postponed", &self.postponed.is_some())
            .field("inserted", &self.inserted.len())
            .field("timeouts", &self.timeouts.len())
            .finish()
    }
}
