//! `Timeout`: an event that comes later, unless something else comes first.

use std::borrow::Cow;
use std::time::Duration;

use crate::actor::{Accepts, Reply};

/// Which timeout of a machine is meant; it has at most one of each name.
///
/// ```
/// use greenroom::state_machine::TimeoutName;
/// assert_eq!(TimeoutName::from("retry"), TimeoutName::Named("retry".into()));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TimeoutName {
    /// The one that a change of state cancels.
    State,
    /// The one that any event cancels.
    Event,
    /// One that nothing cancels by itself. Its name is the key of a timer, so
    /// [`Cx::timer_left`](crate::actor::Cx::timer_left) knows it.
    Named(Cow<'static, str>),
}

impl From<&'static str> for TimeoutName {
    fn from(name: &'static str) -> Self {
        Self::Named(name.into())
    }
}

/// A timeout to start, to give another event, or to cancel: for
/// [`Transition::with`](super::Transition::with), and what
/// [`entered`](super::StateMachine::entered) gives.
///
/// What each kind is cancelled by is said in the [module](super#timeouts).
///
/// ```
/// use std::time::Duration;
/// use greenroom::prelude::*;
/// use greenroom::state_machine::{Timeout, Transition};
/// enum Event { Data, Silence, TooLong }
/// impl Protocol for Event {}
/// let transition: Transition<&str, Event> = Transition::to("uploading")
///     .with(Timeout::event(Duration::from_secs(5), Event::Silence))
///     .with(Timeout::named("whole upload", Duration::from_secs(60), Event::TooLong));
/// # assert!(format!("{transition:?}").contains("timeouts: 2"));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use = "a timeout is set when a transition or an enter call gives it"]
pub struct Timeout<E> {
    pub(crate) name: TimeoutName,
    pub(crate) what: What<E>,
}

/// What becomes of a timeout.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum What<E> {
    Start(Duration, E),
    Update(E),
    Cancel,
}

impl<E> Timeout<E> {
    /// Brings an event when the machine has been in this state for so long, counted from now. Given
    /// with a change of state, it belongs to the new state.
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::state_machine::Timeout;
    /// # #[derive(PartialEq, Debug)]
    /// # enum Event { Lock }
    /// # impl greenroom::actor::Protocol for Event {}
    /// let lock: Timeout<Event> = Timeout::state(Duration::from_secs(10), Event::Lock);
    /// # assert_ne!(lock, Timeout::event(Duration::from_secs(10), Event::Lock));
    /// ```
    pub fn state<M>(delay: Duration, event: M) -> Self
    where
        E: Accepts<M>,
    {
        Self::start(TimeoutName::State, delay, event)
    }

    /// Brings an event when nothing else has come for so long. Without delay, it comes only if
    /// nothing else is queued, mail left aside.
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::state_machine::Timeout;
    /// # #[derive(PartialEq, Debug)]
    /// # enum Event { Silence }
    /// # impl greenroom::actor::Protocol for Event {}
    /// let silence: Timeout<Event> = Timeout::event(Duration::from_secs(5), Event::Silence);
    /// # assert_ne!(silence, Timeout::state(Duration::from_secs(5), Event::Silence));
    /// ```
    pub fn event<M>(delay: Duration, event: M) -> Self
    where
        E: Accepts<M>,
    {
        Self::start(TimeoutName::Event, delay, event)
    }

    /// Brings an event after so long, whatever happens, unless it is [cancelled](Self::cancel).
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::state_machine::Timeout;
    /// # #[derive(PartialEq, Debug)]
    /// # enum Event { Retry }
    /// # impl greenroom::actor::Protocol for Event {}
    /// let retry: Timeout<Event> = Timeout::named("retry", Duration::from_secs(1), Event::Retry);
    /// # assert_ne!(retry, Timeout::named("other", Duration::from_secs(1), Event::Retry));
    /// ```
    pub fn named<M>(name: impl Into<Cow<'static, str>>, delay: Duration, event: M) -> Self
    where
        E: Accepts<M>,
    {
        Self::start(TimeoutName::Named(name.into()), delay, event)
    }

    fn start<M>(name: TimeoutName, delay: Duration, event: M) -> Self
    where
        E: Accepts<M>,
    {
        Self { name, what: What::Start(delay, E::wrap(event, Reply::nobody())) }
    }

    /// Gives a timeout another event and leaves its time as it is. When there is none of this name,
    /// or it has come, the event comes as that of a timeout without delay.
    ///
    /// ```
    /// use greenroom::state_machine::{Timeout, TimeoutName};
    /// # #[derive(PartialEq, Debug)]
    /// # enum Event { Lock }
    /// # impl greenroom::actor::Protocol for Event {}
    /// let lock: Timeout<Event> = Timeout::update(TimeoutName::State, Event::Lock);
    /// # assert_ne!(lock, Timeout::update("retry", Event::Lock));
    /// ```
    pub fn update<M>(name: impl Into<TimeoutName>, event: M) -> Self
    where
        E: Accepts<M>,
    {
        Self { name: name.into(), what: What::Update(E::wrap(event, Reply::nobody())) }
    }

    /// Cancels a timeout, also one that has run out and whose event waits. Nothing happens when
    /// there is none of this name.
    ///
    /// ```
    /// use greenroom::state_machine::{Timeout, TimeoutName};
    /// # #[derive(PartialEq, Debug)]
    /// # enum Event { Lock }
    /// let cancel: Timeout<Event> = Timeout::cancel(TimeoutName::State);
    /// # assert_ne!(cancel, Timeout::cancel("retry"));
    /// ```
    pub fn cancel(name: impl Into<TimeoutName>) -> Self {
        Self { name: name.into(), what: What::Cancel }
    }
}
