//! What a transition does, as a list in its order: to the state, to events that wait, to timeouts.
//!
//! A step has two halves, as the enter call stands between them: [`split`] says whether there is
//! one, and [`Rest::effects`] what follows it.

use std::time::Duration;

use super::timeout::{Timeout, TimeoutName, What};
use super::transition::{Next, Transition};

/// Whether a state is entered.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Entry<S> {
    None,
    Again,
    Change(S),
}

/// What a transition asks for besides.
#[derive(Debug)]
pub(crate) struct Rest<E> {
    changed: bool,
    stops: bool,
    postponed: Option<E>,
    inserted: Vec<E>,
    timeouts: Vec<Timeout<E>>,
}

/// One thing to be done.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Effect<E> {
    /// Put this event aside, behind others.
    Postpone(E),
    /// Bring back what was put aside, before all that waits.
    StartAgain,
    /// Put these before all that waits.
    Insert(Vec<E>),
    Cancel(TimeoutName),
    /// Start a timeout, in the place of one of the same name.
    Arm(TimeoutName, Duration, E),
    /// The same without delay: behind all that waits, before mail.
    Queue(TimeoutName, E),
    /// Give a timeout that has not come another event, or do as `Queue` says.
    Update(TimeoutName, E),
    Stop,
}

/// Takes a transition from this state apart.
pub(crate) fn split<S: PartialEq, E>(
    state: &S,
    transition: Transition<S, E>,
) -> (Entry<S>, Rest<E>) {
    let Transition { next, postponed, inserted, timeouts } = transition;
    let stops = matches!(next, Next::Stop);
    let entry = match next {
        Next::To(next) if next != *state => Entry::Change(next),
        Next::Repeat => Entry::Again,
        Next::To(_) | Next::Keep | Next::Stop => Entry::None,
    };
    let changed = matches!(entry, Entry::Change(_));
    (entry, Rest { changed, stops, postponed, inserted, timeouts })
}

/// What the enter call of the initial state asks for.
pub(crate) fn at_start<E>(entered: Vec<Timeout<E>>) -> Vec<Effect<E>> {
    entered.into_iter().map(set).collect()
}

impl<E> Rest<E> {
    /// What is to be done after the enter call, if there was one, gave these timeouts.
    pub(crate) fn effects(self, entered: Vec<Timeout<E>>) -> Vec<Effect<E>> {
        if self.stops {
            // Nobody is left to handle these, and nothing may vanish: they end with what waits.
            let left: Vec<E> = self.inserted.into_iter().chain(self.postponed).collect();
            return vec![Effect::Insert(left), Effect::Stop];
        }
        let mut effects = Vec::new();
        effects.extend(self.postponed.map(Effect::Postpone));
        if self.changed {
            effects.push(Effect::StartAgain);
        }
        if !self.inserted.is_empty() {
            effects.push(Effect::Insert(self.inserted));
        }
        effects.push(Effect::Cancel(TimeoutName::Event));
        if self.changed {
            effects.push(Effect::Cancel(TimeoutName::State));
        }
        effects.extend(self.timeouts.into_iter().chain(entered).map(set));
        effects
    }
}

fn set<E>(timeout: Timeout<E>) -> Effect<E> {
    match timeout.what {
        What::Start(Duration::ZERO, event) => Effect::Queue(timeout.name, event),
        What::Start(delay, event) => Effect::Arm(timeout.name, delay, event),
        What::Update(event) => Effect::Update(timeout.name, event),
        What::Cancel => Effect::Cancel(timeout.name),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{Effect, Entry, Timeout, TimeoutName, Transition, at_start, split};
    use crate::actor::Protocol;

    /// An event of the tests, by its number.
    #[derive(Clone, PartialEq, Eq, Debug)]
    struct Event(usize);
    impl Protocol for Event {}

    const SECOND: Duration = Duration::from_secs(1);
    const STATE: TimeoutName = TimeoutName::State;
    const EVENT: TimeoutName = TimeoutName::Event;

    /// What a transition from state 1 does.
    fn step(
        transition: Transition<u32, Event>,
        entered: Vec<Timeout<Event>>,
    ) -> (Entry<u32>, Vec<Effect<Event>>) {
        let (entry, rest) = split(&1, transition);
        (entry, rest.effects(entered))
    }

    #[test]
    fn a_state_is_entered_when_it_changes_or_when_a_transition_says_so() {
        let table = [
            (Transition::keep(), Entry::None),
            (Transition::to(1), Entry::None),
            (Transition::stop(), Entry::None),
            (Transition::repeat(), Entry::Again),
            (Transition::to(2), Entry::Change(2)),
        ];
        for (transition, expected) in table {
            assert_eq!(step(transition, vec![]).0, expected);
        }
    }

    #[test]
    fn every_event_cancels_the_event_timeout_and_a_change_the_state_timeout_too() {
        let event_only = vec![Effect::Cancel(EVENT)];
        assert_eq!(step(Transition::keep(), vec![]).1, event_only);
        assert_eq!(step(Transition::to(1), vec![]).1, event_only);
        assert_eq!(step(Transition::repeat(), vec![]).1, event_only);
        assert_eq!(
            step(Transition::to(2), vec![]).1,
            [Effect::StartAgain, Effect::Cancel(EVENT), Effect::Cancel(STATE)]
        );
    }

    #[test]
    fn the_whole_of_a_step_is_in_the_order_of_the_rules() {
        let transition = Transition::to(2)
            .with(Timeout::state(SECOND, Event(1)))
            .insert(Event(2))
            .with(Timeout::event(Duration::ZERO, Event(3)))
            .postpone(Event(4))
            .insert(Event(5))
            .with(Timeout::cancel("a"));
        let entered =
            vec![Timeout::update("b", Event(6)), Timeout::named("c", 2 * SECOND, Event(7))];
        let (entry, effects) = step(transition, entered);
        assert_eq!(entry, Entry::Change(2));
        let expected = [
            Effect::Postpone(Event(4)),
            Effect::StartAgain,
            Effect::Insert(vec![Event(2), Event(5)]),
            Effect::Cancel(EVENT),
            Effect::Cancel(STATE),
            Effect::Arm(STATE, SECOND, Event(1)),
            Effect::Queue(EVENT, Event(3)),
            Effect::Cancel("a".into()),
            Effect::Update("b".into(), Event(6)),
            Effect::Arm("c".into(), 2 * SECOND, Event(7)),
        ];
        assert_eq!(effects, expected);
    }

    #[test]
    fn the_initial_state_cancels_nothing_and_a_stop_loses_nothing() {
        let entered = vec![Timeout::state(Duration::ZERO, Event(1))];
        assert_eq!(at_start(entered), [Effect::Queue(STATE, Event(1))]);
        let stop = Transition::stop()
            .postpone(Event(1))
            .insert(Event(2))
            .with(Timeout::state(SECOND, Event(3)));
        let left = Effect::Insert(vec![Event(2), Event(1)]);
        assert_eq!(step(stop, vec![]).1, [left, Effect::Stop]);
    }

    /// What one event does, wherever it is handled.
    #[derive(Clone, Debug)]
    struct Act {
        /// The states in which it is postponed.
        postponed_in: [bool; 3],
        /// Where it leads, with 3 for nowhere and 4 for once more.
        next: u32,
        /// How many events it inserts.
        inserts: usize,
        /// Timeouts without delay that it sets: 0 and 1 are the state's and the event's.
        sets: Vec<usize>,
    }

    fn act() -> impl Strategy<Value = Act> {
        let sets = prop::collection::vec(0_usize..4, 0..3);
        (any::<[bool; 3]>(), 0_u32..5, 0_usize..3, sets).prop_map(
            |(postponed_in, next, inserts, sets)| Act { postponed_in, next, inserts, sets },
        )
    }

    fn name(number: usize) -> TimeoutName {
        match number {
            0 => STATE,
            1 => EVENT,
            2 => "a".into(),
            _ => "b".into(),
        }
    }

    impl Act {
        /// What the handler answers; events that it makes are numbered from `made` on.
        fn transition(&self, number: usize, state: u32, made: usize) -> Transition<u32, Event> {
            let mut transition = match self.next {
                3 => Transition::keep(),
                4 => Transition::repeat(),
                next => Transition::to(next),
            };
            if self.postponed_in[state as usize] {
                transition = transition.postpone(Event(number));
            }
            for offset in 0..self.inserts {
                transition = transition.insert(Event(made + offset));
            }
            for (offset, set) in self.sets.iter().enumerate() {
                let event = Event(made + self.inserts + offset);
                let timeout = match set {
                    0 => Timeout::state(Duration::ZERO, event),
                    1 => Timeout::event(Duration::ZERO, event),
                    2 => Timeout::named("a", Duration::ZERO, event),
                    _ => Timeout::named("b", Duration::ZERO, event),
                };
                transition = transition.with(timeout);
            }
            transition
        }
    }

    /// What carries effects out, without any actor.
    #[derive(Default)]
    struct Engine {
        state: u32,
        aside: Vec<usize>,
        waiting: VecDeque<usize>,
        due: Vec<(TimeoutName, usize)>,
        mail: VecDeque<usize>,
    }

    impl Engine {
        fn take(&mut self) -> Option<usize> {
            if let Some(number) = self.waiting.pop_front() {
                return Some(number);
            }
            if self.due.is_empty() { self.mail.pop_front() } else { Some(self.due.remove(0).1) }
        }

        fn put_first(&mut self, numbers: impl DoubleEndedIterator<Item = usize>) {
            numbers.rev().for_each(|number| self.waiting.push_front(number));
        }

        fn carry_out(&mut self, effect: Effect<Event>) {
            match effect {
                Effect::Postpone(Event(number)) => self.aside.push(number),
                Effect::StartAgain => {
                    let aside = std::mem::take(&mut self.aside);
                    self.put_first(aside.into_iter());
                }
                Effect::Insert(events) => {
                    self.put_first(events.into_iter().map(|Event(number)| number));
                }
                Effect::Cancel(name) => self.due.retain(|(other, _)| *other != name),
                Effect::Queue(name, Event(number)) => {
                    self.due.retain(|(other, _)| *other != name);
                    self.due.push((name, number));
                }
                Effect::Arm(..) | Effect::Update(..) | Effect::Stop => unreachable!("not here"),
            }
        }
    }

    /// The rules as they are written, on one list of events, each with a mark while it is
    /// postponed.
    #[derive(Default)]
    struct Model {
        state: u32,
        events: Vec<(usize, bool)>,
        due: Vec<(usize, usize)>,
        mail: VecDeque<usize>,
    }

    impl Model {
        fn handle(&mut self, acts: &[Act], made: usize) -> Option<usize> {
            let place = self.events.iter().position(|(_, postponed)| !postponed);
            let number = match place {
                Some(place) => self.events.remove(place).0,
                None if !self.due.is_empty() => self.due.remove(0).1,
                None => self.mail.pop_front()?,
            };
            let place = place.unwrap_or(self.events.len());
            let act = &acts[number % acts.len()];
            let postponed = act.postponed_in[self.state as usize];
            let changed = act.next < 3 && act.next != self.state;
            // (3) postpone, (4) start again from the oldest
            if postponed {
                self.events.insert(place, (number, true));
            }
            if changed {
                self.state = act.next;
                self.events.iter_mut().for_each(|(_, postponed)| *postponed = false);
            }
            // (5) insert
            let first = self.events.iter().take_while(|(_, postponed)| *postponed).count();
            for offset in (0..act.inserts).rev() {
                self.events.insert(first, (made + offset, false));
            }
            // (6) cancel and set
            self.due.retain(|(name, _)| *name != 1 && !(changed && *name == 0));
            for (offset, set) in act.sets.iter().enumerate() {
                self.due.retain(|(name, _)| name != set);
                self.due.push((*set, made + act.inserts + offset));
            }
            Some(number)
        }
    }

    proptest! {
        // E2: postponed events keep their order and none is lost.
        #[test]
        fn events_come_in_the_order_of_one_list_with_marks(
            acts in prop::collection::vec(act(), 1..12),
            mail in 1_usize..10,
        ) {
            let (mut engine, mut model) = (Engine::default(), Model::default());
            engine.mail.extend(0..mail);
            model.mail.extend(0..mail);
            let mut made = mail;
            // Some of these programs have no end.
            for _ in 0..200 {
                let (taken, state) = (engine.take(), engine.state);
                prop_assert_eq!(taken, model.handle(&acts, made));
                let Some(number) = taken else { break };
                let act = &acts[number % acts.len()];
                let (entry, rest) = split(&state, act.transition(number, state, made));
                if let Entry::Change(next) = entry {
                    engine.state = next;
                }
                rest.effects(vec![]).into_iter().for_each(|effect| engine.carry_out(effect));
                made += act.inserts + act.sets.len();
                prop_assert_eq!(engine.state, model.state);
                let all = engine.aside.iter().chain(&engine.waiting).copied();
                let expected = model.events.iter().map(|(number, _)| *number);
                prop_assert_eq!(all.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
                let due: Vec<_> =
                    model.due.iter().map(|(set, number)| (name(*set), *number)).collect();
                prop_assert_eq!(&engine.due, &due);
            }
        }
    }
}
