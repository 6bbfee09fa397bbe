//! State machines that do anything, against the rules as they are written: one list of events with
//! marks, timeouts with their times, and mail.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use greenroom::prelude::*;
use greenroom::state_machine::{StateMachine, Timeout, TimeoutName, Transition, state_machine};
use proptest::prelude::*;

use crate::harness::ms;

/// How many events a machine handles before it only looks on: some programs have no end.
const LIVELY: usize = 100;
/// Between two batches of mail.
const BATCH_MS: u64 = 5;

#[derive(Clone, Copy, Debug)]
enum Set {
    Start(u64),
    Update,
    Cancel,
}

/// What one event does, wherever it is handled.
#[derive(Clone, Debug)]
struct Act {
    /// The states in which it is postponed.
    postponed_in: [bool; 3],
    /// Where it leads, with 3 for nowhere and 4 for once more.
    next: u32,
    inserts: usize,
    /// What it does to timeouts: of the state, of events, and two with names.
    sets: Vec<(usize, Set)>,
}

fn act() -> impl Strategy<Value = Act> {
    let set = prop_oneof![
        4 => (0_u64..12).prop_map(Set::Start),
        1 => Just(Set::Update),
        1 => Just(Set::Cancel),
    ];
    let sets = prop::collection::vec((0_usize..4, set), 0..3);
    let inserts = prop_oneof![3 => Just(0), 1 => Just(1), 1 => Just(2_usize)];
    (any::<[bool; 3]>(), 0_u32..5, inserts, sets)
        .prop_map(|(postponed_in, next, inserts, sets)| Act { postponed_in, next, inserts, sets })
}

fn name(number: usize) -> TimeoutName {
    match number {
        0 => TimeoutName::State,
        1 => TimeoutName::Event,
        2 => "x".into(),
        _ => "y".into(),
    }
}

#[derive(Debug)]
struct Event(usize);
impl Protocol for Event {}

/// The state and the event that it handled.
type Handled = (u32, usize);

struct Machine {
    acts: Rc<[Act]>,
    /// How many events there have been, of others and its own.
    made: Rc<Cell<usize>>,
    handled: Rc<RefCell<Vec<Handled>>>,
}

impl StateMachine for Machine {
    type Event = Event;
    type State = u32;
    type Error = Fault;

    async fn started(&mut self, _: &mut Cx<Event>) -> Result<u32, Fault> {
        Ok(0)
    }

    async fn handle(
        &mut self,
        state: &u32,
        Event(number): Event,
        _: &mut Cx<Event>,
    ) -> Result<Transition<u32, Event>, Fault> {
        self.handled.borrow_mut().push((*state, number));
        if self.handled.borrow().len() > LIVELY {
            return Ok(Transition::keep());
        }
        let act = &self.acts[number % self.acts.len()];
        let mut transition = match act.next {
            3 => Transition::keep(),
            4 => Transition::repeat(),
            next => Transition::to(next),
        };
        if act.postponed_in[*state as usize] {
            transition = transition.postpone(Event(number));
        }
        for _ in 0..act.inserts {
            transition = transition.insert(Event(self.make()));
        }
        for (which, set) in &act.sets {
            let event = Event(self.make());
            transition = transition.with(match (set, which) {
                (Set::Start(delay), 0) => Timeout::state(ms(*delay), event),
                (Set::Start(delay), 1) => Timeout::event(ms(*delay), event),
                (Set::Start(delay), 2) => Timeout::named("x", ms(*delay), event),
                (Set::Start(delay), _) => Timeout::named("y", ms(*delay), event),
                (Set::Update, which) => Timeout::update(name(*which), event),
                (Set::Cancel, which) => Timeout::cancel(name(*which)),
            });
        }
        Ok(transition)
    }
}

impl Machine {
    fn make(&self) -> usize {
        self.made.replace(self.made.get() + 1)
    }
}

/// When batch `index` is sent: never when a timeout is due that was set in another batch.
fn sent_at(index: usize) -> Duration {
    ms(BATCH_MS) * index as u32 + Duration::from_micros(index as u64)
}

/// What a machine with these acts handles.
fn run(acts: &[Act], batches: &[usize]) -> Vec<Handled> {
    greenroom::test::run(async |test| {
        let handled = Rc::new(RefCell::default());
        let made = Rc::new(Cell::new(0));
        let acts: Rc<[Act]> = acts.into();
        let (count, noted) = (Rc::clone(&made), Rc::clone(&handled));
        let addr = greenroom::actor::spawn(
            "machine",
            state_machine(move || Machine {
                acts: Rc::clone(&acts),
                made: Rc::clone(&count),
                handled: Rc::clone(&noted),
            }),
        );
        for (index, batch) in batches.iter().enumerate() {
            test.advance(sent_at(index) - test.now()).await;
            for _ in 0..*batch {
                addr.tell(Event(made.replace(made.get() + 1))).await.unwrap();
            }
        }
        test.advance(Duration::from_secs(60)).await;
        handled.take()
    })
}

#[derive(Default)]
struct Model {
    state: u32,
    made: usize,
    handled: Vec<Handled>,
    /// Events, each with a mark while it is postponed.
    events: Vec<(usize, bool)>,
    /// Timeouts without delay.
    due: Vec<(usize, usize)>,
    /// What others sent, and timeouts that ran out, with their names.
    mail: VecDeque<(Option<usize>, usize)>,
    /// Timeouts that have not run out: name, time, event.
    timers: Vec<(usize, Duration, usize)>,
}

impl Model {
    fn make(&mut self) -> usize {
        self.made += 1;
        self.made - 1
    }

    fn cancel(&mut self, which: usize) {
        self.due.retain(|(other, _)| *other != which);
        self.mail.retain(|(other, _)| *other != Some(which));
        self.timers.retain(|(other, ..)| *other != which);
    }

    fn update(&mut self, which: usize, number: usize) {
        let due = self.due.iter_mut().map(|(other, number)| (Some(*other), number));
        let mail = self.mail.iter_mut().map(|(other, number)| (*other, number));
        if let Some(timer) = self.timers.iter().position(|(other, ..)| *other == which) {
            let (_, time, _) = self.timers.remove(timer);
            self.timers.push((which, time, number));
        } else if let Some((_, place)) = due.chain(mail).find(|(named, _)| *named == Some(which)) {
            *place = number;
        } else {
            self.due.push((which, number));
        }
    }

    /// Handles the next event, if there is one.
    fn step(&mut self, acts: &[Act], now: Duration) -> bool {
        let place = self.events.iter().position(|(_, postponed)| !postponed);
        let number = match place {
            Some(place) => self.events.remove(place).0,
            None if !self.due.is_empty() => self.due.remove(0).1,
            None => match self.mail.pop_front() {
                Some((_, number)) => number,
                None => return false,
            },
        };
        self.handled.push((self.state, number));
        if self.handled.len() > LIVELY {
            self.cancel(1);
            return true;
        }
        let act = &acts[number % acts.len()];
        let changed = act.next < 3 && act.next != self.state;
        if act.postponed_in[self.state as usize] {
            self.events.insert(place.unwrap_or(self.events.len()), (number, true));
        }
        if changed {
            self.state = act.next;
            self.events.iter_mut().for_each(|(_, postponed)| *postponed = false);
        }
        let first = self.events.iter().take_while(|(_, postponed)| *postponed).count();
        for offset in 0..act.inserts {
            let inserted = self.make();
            self.events.insert(first + offset, (inserted, false));
        }
        self.cancel(1);
        if changed {
            self.cancel(0);
        }
        for (which, set) in &act.sets {
            let number = self.make();
            match set {
                Set::Start(delay) => {
                    self.cancel(*which);
                    match delay {
                        0 => self.due.push((*which, number)),
                        delay => self.timers.push((*which, now + ms(*delay), number)),
                    }
                }
                Set::Update => self.update(*which, number),
                Set::Cancel => self.cancel(*which),
            }
        }
        true
    }

    /// Handles all until nothing is left to happen before `until`.
    fn run(&mut self, acts: &[Act], mut now: Duration, until: Duration) {
        loop {
            while self.step(acts, now) {}
            let next = self.timers.iter().map(|(_, time, _)| *time).min();
            let Some(next) = next.filter(|next| *next < until) else { return };
            now = next;
            for (which, _, number) in self.timers.extract_if(.., |(_, time, _)| *time == next) {
                self.mail.push_back((Some(which), number));
            }
        }
    }
}

proptest! {
    // E1, E2: whatever a machine does.
    /// **R6.4, R6.5** Any machine handles its events in the order, and in the states, of the rules.
    #[test]
    fn statem_27_any_machine_follows_the_rules(
        acts in prop::collection::vec(act(), 1..12),
        batches in prop::collection::vec(0_usize..6, 1..5),
    ) {
        let mut model = Model::default();
        for (index, batch) in batches.iter().enumerate() {
            for _ in 0..*batch {
                let number = model.make();
                model.mail.push_back((None, number));
            }
            let last = index + 1 == batches.len();
            let until = if last { Duration::from_secs(3_600) } else { sent_at(index + 1) };
            model.run(&acts, sent_at(index), until);
        }
        prop_assert_eq!(run(&acts, &batches), model.handled);
    }
}
