//! The wheel against a sorted list, and the cases that a random test would seldom meet.

use crate::timer::wheel::{Wheel, WheelKey};
use proptest::prelude::*;
use std::collections::BTreeMap;

const TICK: u64 = 1 << 20;
/// The width of the whole wheel; what is later waits in the overflow.
const REACH: u64 = 1 << 56;

/// Everything that is due at `now`.
fn fired<T>(wheel: &mut Wheel<T>, now: u64) -> Vec<T> {
    let mut due = Vec::new();
    wheel.expire(now, &mut due);
    due
}

/// Waits as the loop does, until the wheel is empty: how often it woke, and what fired when.
fn run_dry<T>(wheel: &mut Wheel<T>) -> (u32, Vec<(u64, T)>) {
    let (mut wakes, mut log) = (0, Vec::new());
    while let Some(now) = wheel.next_deadline() {
        wakes += 1;
        log.extend(fired(wheel, now).into_iter().map(|value| (now, value)));
        assert!(wheel.next_deadline().is_none_or(|next| next > now), "the loop would spin");
    }
    assert!(wheel.is_empty());
    (wakes, log)
}

// W1: never early, at any distance.
#[test]
fn a_timer_of_any_distance_fires_at_its_deadline_and_not_a_nanosecond_before() {
    let mut distances = vec![1, TICK - 1, REACH - 1, REACH, REACH + 1, 200 * REACH];
    for level in 0..7 {
        let width = TICK << (6 * level);
        distances.extend([width - 1, width, width + 1, 63 * width, 64 * width - 1]);
    }
    for start in [0, 1, TICK - 1, TICK, 63 * TICK, 64 * TICK + 5, REACH - 1, 3 * REACH + 7] {
        for &distance in &distances {
            let mut wheel = Wheel::new();
            assert_eq!(fired(&mut wheel, start), []);
            let deadline = start + distance;
            let key = wheel.insert(deadline, 'a');
            assert_eq!(wheel.next_deadline(), Some(deadline));
            assert_eq!(fired(&mut wheel, deadline - 1), [], "{start} + {distance}");
            assert_eq!(wheel.next_deadline(), Some(deadline));
            assert_eq!((wheel.deadline(key), wheel.len()), (Some(deadline), 1));
            assert_eq!(fired(&mut wheel, deadline), ['a'], "{start} + {distance}");
            assert_eq!((wheel.deadline(key), wheel.next_deadline()), (None, None));
        }
    }
}

// W1: equal deadlines fire in the order of arming, whichever way each came down the levels.
#[test]
fn equal_deadlines_fire_in_the_order_of_arming() {
    for deadline in [0, 5, TICK + 5, 70 * TICK, 5_000 * TICK + 3, REACH + 9] {
        let mut wheel = Wheel::new();
        let (mut armed, mut log) = (0, Vec::new());
        // Armed from ever nearer, so into ever lower levels; the last ones late.
        for distance in [REACH, 300_000 * TICK, 4_999 * TICK, 66 * TICK, 2 * TICK, 4, 0] {
            wheel.expire(deadline.saturating_sub(distance), &mut log);
            for _ in 0..3 {
                wheel.insert(deadline, armed);
                armed += 1;
            }
        }
        wheel.expire(deadline, &mut log);
        assert_eq!(log, (0..armed).collect::<Vec<_>>(), "deadline {deadline}");
    }
}

// W1: exact below the tick.
#[test]
fn timers_of_one_tick_fire_in_the_order_of_their_nanoseconds() {
    let mut wheel = Wheel::new();
    for nanos in [900, 5, 5, 77, 901, 6] {
        wheel.insert(9 * TICK + nanos, nanos);
    }
    assert_eq!(fired(&mut wheel, 9 * TICK + 77), [5, 5, 6, 77]);
    assert_eq!(wheel.next_deadline(), Some(9 * TICK + 900));
    wheel.insert(9 * TICK + 100, 100);
    wheel.insert(3, 3);
    assert_eq!(wheel.next_deadline(), Some(3));
    assert_eq!(fired(&mut wheel, 9 * TICK + 900), [3, 100, 900]);
    assert_eq!(fired(&mut wheel, u64::MAX), [901]);
}

#[test]
fn a_deadline_at_the_end_of_time_neither_wraps_nor_fires_early() {
    let mut wheel = Wheel::new();
    wheel.insert(u64::MAX, 'z');
    wheel.insert(u64::MAX - 1, 'y');
    for now in [0, TICK, REACH, u64::MAX / 2, u64::MAX - TICK, u64::MAX - 2] {
        assert_eq!(fired(&mut wheel, now), []);
        assert_eq!(wheel.next_deadline(), Some(u64::MAX - 1));
    }
    assert_eq!(fired(&mut wheel, u64::MAX - 1), ['y']);
    assert_eq!(fired(&mut wheel, u64::MAX), ['z']);
    wheel.insert(0, 'a');
    wheel.insert(u64::MAX, 'b');
    assert_eq!(fired(&mut wheel, u64::MAX), ['a', 'b']);
}

#[test]
fn a_clock_that_goes_back_fires_nothing_early() {
    let mut wheel = Wheel::new();
    fired(&mut wheel, 100 * TICK);
    wheel.insert(100 * TICK, 'b');
    wheel.insert(50 * TICK, 'a');
    assert_eq!(fired(&mut wheel, 50 * TICK - 1), []);
    assert_eq!(fired(&mut wheel, 50 * TICK), ['a']);
    assert_eq!(fired(&mut wheel, 100 * TICK), ['b']);
}

#[test]
fn a_stale_key_finds_nothing() {
    let mut wheel = Wheel::new();
    let first = wheel.insert(5, 'a');
    *wheel.get_mut(first).expect("armed") = 'A';
    assert_eq!((wheel.cancel(first), wheel.cancel(first)), (Some('A'), None));
    let second = wheel.insert(TICK, 'b');
    assert_ne!(first, second);
    assert_eq!(wheel.get_mut(first), None);
    assert_eq!(wheel.deadline(first), None);
    assert_eq!(wheel.cancel(first), None);
    assert_eq!(fired(&mut wheel, TICK), ['b']);
    assert_eq!(wheel.cancel(second), None);
    // An entry whose generations are used up is not used again.
    let last = wheel.insert(1, 'c');
    let last = wheel.wear_out(last);
    assert_eq!(wheel.cancel(last), Some('c'));
    let next = wheel.insert(1, 'd');
    assert_eq!(wheel.get_mut(last), None);
    assert_eq!(wheel.get_mut(next), Some(&mut 'd'));
}

#[test]
fn a_cancelled_earliest_timer_costs_one_wake_and_no_more() {
    let mut wheel = Wheel::new();
    let keys: Vec<_> = (0..10).map(|n| wheel.insert(5_000 * TICK + n, n)).collect();
    for key in &keys[..9] {
        wheel.cancel(*key);
    }
    assert_eq!(wheel.next_deadline(), Some(5_000 * TICK), "a bound");
    assert_eq!(run_dry(&mut wheel), (2, vec![(5_000 * TICK + 9, 9)]));
}

#[test]
fn memory_does_not_grow_when_timers_come_and_go() {
    let mut wheel = Wheel::new();
    assert_eq!(wheel.capacities(), [0; 3]);
    let mut due = Vec::new();
    let mut settled = [0; 3];
    for round in 0..3_000_u64 {
        let now = round * TICK / 3;
        let keys = [0, 1, TICK / 2, TICK, 90 * TICK, 1 << 40, u64::MAX]
            .map(|distance| wheel.insert(now.saturating_add(distance), round));
        // In the hand's tick the front remembers what was cancelled: it must not be for ever.
        for _ in 0..100 {
            let key = wheel.insert(now + 1, round);
            wheel.cancel(key);
        }
        keys[4..].iter().for_each(|key| assert!(wheel.cancel(*key).is_some()));
        wheel.expire(now, &mut due);
        due.clear();
        if round == 100 {
            settled = wheel.capacities();
        }
    }
    assert_eq!(wheel.capacities(), settled);
    assert!(settled.iter().all(|&room| room <= 256), "{settled:?}");
}

// W1: a hundred thousand at once.
#[test]
fn a_hundred_thousand_timers_fire_in_order() {
    let mut wheel = Wheel::new();
    for n in 0..100_000_u64 {
        let deadline = n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 28;
        wheel.insert(deadline, (deadline, n));
    }
    assert_eq!(wheel.len(), 100_000);
    let (mut now, mut all) = (0, Vec::new());
    while let Some(next) = wheel.next_deadline() {
        now = next.max(now + TICK / 2);
        wheel.expire(now, &mut all);
        assert!(all.last().is_none_or(|last| last.0 <= now));
    }
    assert!(all.len() == 100_000 && all.is_sorted());
}

#[test]
fn a_hundred_thousand_sleeps_of_one_tick_are_cancelled_in_linear_time() {
    for start in [0, 3 * TICK] {
        let mut wheel = Wheel::new();
        let keys: Vec<_> = (0..100_000).map(|n| wheel.insert(start + n, n)).collect();
        for (n, key) in (0..).zip(&keys) {
            assert!(wheel.next_deadline().is_some_and(|bound| bound <= start + n));
            assert_eq!(wheel.cancel(*key), Some(n));
            assert_eq!(fired(&mut wheel, start.saturating_sub(1)), []);
        }
        assert_eq!(wheel.next_deadline(), None);
        // And a virtual clock that stops at each of them.
        for n in 0..100_000 {
            wheel.insert(start + n, n);
        }
        let (wakes, log) = run_dry(&mut wheel);
        assert_eq!((wakes, log.len()), (100_000, 100_000));
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// So far from now (negative: late).
    Insert(i64),
    InsertAt(u64),
    /// With the deadline of an earlier timer, fired or not.
    InsertEqual(prop::sample::Index),
    Cancel(prop::sample::Index),
    Change(prop::sample::Index),
    Expire(u64),
    /// As far as the loop would wait.
    ExpireAtNext,
}

/// Distances of every magnitude, and those next to the width of a level.
fn distance() -> impl Strategy<Value = u64> {
    prop_oneof![
        (0_u32..62).prop_flat_map(|bits| 0..(1_u64 << bits).max(2)),
        (0_u32..7, 0_u64..65, 0_u64..5)
            .prop_map(|(level, n, off)| ((n * TICK) << (6 * level).min(50)).saturating_add(off)),
        0..2 * TICK,
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => distance().prop_map(|far| Step::Insert(far as i64)),
        1 => (0..5 * TICK).prop_map(|late| Step::Insert(-(late as i64))),
        1 => prop_oneof![Just(u64::MAX), Just(u64::MAX - 1), Just(0), any::<u64>()]
            .prop_map(Step::InsertAt),
        2 => any::<prop::sample::Index>().prop_map(Step::InsertEqual),
        3 => any::<prop::sample::Index>().prop_map(Step::Cancel),
        1 => any::<prop::sample::Index>().prop_map(Step::Change),
        2 => distance().prop_map(Step::Expire),
        4 => Just(Step::ExpireAtNext),
    ]
}

/// A wheel beside a sorted list of the same timers. A value is the number of its arming.
struct Compared {
    wheel: Wheel<u64>,
    now: u64,
    model: BTreeMap<(u64, u64), WheelKey>,
    handed_out: Vec<(WheelKey, u64, u64)>,
    /// Nothing was ever cancelled.
    exact: bool,
}

impl Compared {
    fn new() -> Self {
        let (model, handed_out) = (BTreeMap::new(), Vec::new());
        Self { wheel: Wheel::new(), now: 0, model, handed_out, exact: true }
    }

    fn insert(&mut self, deadline: u64) {
        let number = self.handed_out.len() as u64;
        let key = self.wheel.insert(deadline, number);
        assert!(self.handed_out.iter().all(|other| other.0 != key), "a key was given out twice");
        self.model.insert((deadline, number), key);
        self.handed_out.push((key, deadline, number));
    }

    fn step(&mut self, step: Step) {
        let picked = |index: prop::sample::Index, all: &[(WheelKey, u64, u64)]| {
            if all.is_empty() { None } else { Some(all[index.index(all.len())]) }
        };
        let now = self.now;
        match step {
            Step::Insert(far) => self.insert(now.saturating_add_signed(far)),
            Step::InsertAt(deadline) => self.insert(deadline),
            Step::InsertEqual(index) => {
                let deadline = picked(index, &self.handed_out).map_or(now, |one| one.1);
                self.insert(deadline);
            }
            Step::Cancel(index) => {
                let Some((key, deadline, number)) = picked(index, &self.handed_out) else { return };
                let expected = self.model.remove(&(deadline, number)).map(|_| number);
                assert_eq!(self.wheel.cancel(key), expected);
                self.exact &= expected.is_none();
            }
            Step::Change(index) => {
                let Some((key, deadline, number)) = picked(index, &self.handed_out) else { return };
                let armed = self.model.contains_key(&(deadline, number));
                assert_eq!(self.wheel.get_mut(key).copied(), armed.then_some(number));
                assert_eq!(self.wheel.deadline(key), armed.then_some(deadline));
            }
            Step::Expire(far) => self.expire(now.saturating_add(far)),
            Step::ExpireAtNext => {
                let next = self.wheel.next_deadline();
                self.expire(next.unwrap_or(now).max(now));
            }
        }
    }

    fn expire(&mut self, now: u64) {
        self.now = now;
        let bound = self.wheel.next_deadline();
        let due = fired(&mut self.wheel, now);
        let later = self.model.split_off(&(now, u64::MAX));
        let expected: Vec<u64> = self.model.keys().map(|timer| timer.1).collect();
        self.model = later;
        assert_eq!(due, expected, "fired at {now}");
        assert!(self.wheel.next_deadline().is_none_or(|next| next > now), "the loop would spin");
        if due.is_empty() && bound.is_some_and(|bound| bound <= now) {
            assert_eq!(self.wheel.next_deadline(), self.earliest(), "a second wake for nothing");
        }
    }

    fn earliest(&self) -> Option<u64> {
        self.model.keys().next().map(|timer| timer.0)
    }

    fn check(&self) {
        let earliest = self.earliest();
        let bound = self.wheel.next_deadline();
        assert_eq!(bound.is_some(), earliest.is_some());
        assert!(bound <= earliest, "the loop would oversleep");
        assert!(!self.exact || bound == earliest, "{bound:?} is not {earliest:?}");
        assert_eq!(self.wheel.len(), self.model.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    // W1: the wheel does what a sorted list does.
    #[test]
    fn the_wheel_behaves_like_a_sorted_list(steps in prop::collection::vec(step(), 1..150)) {
        let mut compared = Compared::new();
        for step in steps {
            compared.step(step);
            compared.check();
        }
        compared.expire(u64::MAX);
        compared.check();
    }
}

// W1: deadlines of both kinds fire in their order, however late the loop is.
#[test]
fn wheel_and_list_fire_in_one_order() {
    let mut timers = super::Timers::new();
    for (deadline, last) in [(5, true), (7, false), (3, false), (7, true), (9, false)] {
        match last {
            true => timers.insert_last(deadline, deadline),
            false => timers.insert(deadline, deadline),
        };
    }
    let mut due = Vec::new();
    timers.expire(8, &mut due);
    assert_eq!(due, [3, 5, 7, 7]);
    timers.expire(9, &mut due);
    assert_eq!(due, [3, 5, 7, 7, 9]);
}
