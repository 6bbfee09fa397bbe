//! The books of a producer: tables, and random steps against a plain count.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::ledger::{Dispatch, Keep, Ledger, Parcel, Step};
use super::message::SubscriptionId;

const fn id(number: u64) -> SubscriptionId {
    SubscriptionId(number)
}

fn by_demand(size: usize, keep: Keep) -> Ledger<u32> {
    Ledger::new(Dispatch::Demand, 1, size, keep)
}

fn broadcast() -> Ledger<u32> {
    Ledger::new(Dispatch::Broadcast(u32::clone), 1, 100, Keep::Last)
}

fn partitioned(lanes: usize) -> Ledger<u32> {
    Ledger::new(Dispatch::Partition(Box::new(|item| u64::from(*item))), lanes, 100, Keep::Last)
}

/// What a step sends, in short.
fn sent(step: Step<u32>) -> Vec<(u64, Vec<u32>)> {
    step.parcels.into_iter().map(|Parcel { to, items }| (to.0, items)).collect()
}

#[test]
fn the_largest_demand_is_served_first_and_each_item_is_wanted_once() {
    let mut ledger = by_demand(100, Keep::Last);
    for number in 1..=2 {
        ledger.subscribe(id(number), None);
    }
    ledger.ask(id(1), 3);
    ledger.ask(id(2), 5);
    assert_eq!((ledger.want(), ledger.want()), (8, 0));
    assert_eq!(sent(ledger.emit(0..4)), [(2, vec![0, 1, 2, 3])]);
    assert_eq!(sent(ledger.emit(4..6)), [(1, vec![4, 5])]);
    assert_eq!(sent(ledger.emit(6..9)), [(1, vec![6]), (2, vec![7])], "8 waits");
    ledger.ask(id(1), 1);
    assert_eq!((ledger.want(), ledger.waiting()), (0, 0), "it was there already");
}

#[test]
fn what_a_consumer_that_left_had_asked_for_is_not_asked_for_again() {
    let mut ledger = by_demand(100, Keep::Last);
    ledger.subscribe(id(1), None);
    ledger.ask(id(1), 10);
    assert_eq!(ledger.want(), 10);
    ledger.cancel(id(1));
    ledger.subscribe(id(2), None);
    ledger.ask(id(2), 4);
    assert_eq!(ledger.want(), 0);
    assert_eq!(sent(ledger.emit(0..10)), [(2, vec![0, 1, 2, 3])]);
    assert_eq!(sent(ledger.ask(id(2), 8)), [(2, vec![4, 5, 6, 7, 8, 9])]);
    assert_eq!(ledger.want(), 2);
}

#[test]
fn a_broadcast_goes_by_the_smallest_demand() {
    let mut ledger = broadcast();
    for number in 1..=2 {
        ledger.subscribe(id(number), None);
    }
    ledger.ask(id(1), 3);
    assert_eq!(ledger.want(), 0);
    ledger.ask(id(2), 2);
    assert_eq!(ledger.want(), 2);
    assert_eq!(sent(ledger.emit([7, 8])), [(1, vec![7, 8]), (2, vec![7, 8])]);
    ledger.ask(id(2), 2);
    assert_eq!(ledger.want(), 1);
    // A newcomer gets what is sent from now on, when it asks for it.
    ledger.subscribe(id(3), None);
    assert_eq!(sent(ledger.emit([9])), []);
    assert_eq!(sent(ledger.ask(id(3), 5)), [(1, vec![9]), (2, vec![9]), (3, vec![9])]);
    // The end of one with the smallest demand lets the others go on.
    ledger.ask(id(2), 4);
    ledger.emit([10]);
    assert_eq!(sent(ledger.cancel(id(1))), [(2, vec![10]), (3, vec![10])]);
    assert_eq!(ledger.want(), 3);
}

#[test]
fn a_partition_waits_for_its_own_consumer_and_slows_the_producer() {
    let mut ledger = partitioned(2);
    ledger.subscribe(id(1), Some(0));
    ledger.subscribe(id(2), None);
    ledger.subscribe(id(3), Some(9));
    ledger.ask(id(1), 2);
    ledger.ask(id(2), 2);
    assert_eq!(ledger.want(), 4);
    let step = ledger.emit([1, 3, 5, 7]);
    assert_eq!(sent(step), [(2, vec![1, 3])]);
    assert_eq!((ledger.want(), ledger.waiting()), (0, 2), "two wait, so nobody wants more");
    assert_eq!(sent(ledger.ask(id(2), 2)), [(2, vec![5, 7])]);
    assert_eq!(ledger.want(), 2);
}

#[test]
fn items_that_could_not_be_sent_go_to_another() {
    let mut ledger = by_demand(100, Keep::Last);
    for number in 1..=2 {
        ledger.subscribe(id(number), None);
        ledger.ask(id(number), 3);
    }
    let mut step = ledger.emit(0..4);
    let lost = step.parcels.remove(0);
    assert_eq!((lost.to, &lost.items), (id(1), &vec![0, 1, 2]));
    assert_eq!(sent(ledger.give_back(lost)), [(2, vec![0, 1])]);
    assert_eq!((ledger.waiting(), ledger.demand()), (1, 0));
}

#[derive(Clone, Debug)]
enum Do {
    Subscribe,
    Ask(u8, u8),
    Cancel(u8),
    Emit(u8),
    /// Produces what is wanted.
    Produce,
    /// Emits, but the first parcel finds its consumer ended.
    Fail(u8),
}

fn steps() -> impl Strategy<Value = Vec<Do>> {
    let step = prop_oneof![
        2 => Just(Do::Subscribe),
        6 => (0..6_u8, 0..20_u8).prop_map(|(who, items)| Do::Ask(who, items)),
        1 => (0..6_u8).prop_map(Do::Cancel),
        2 => (0..20_u8).prop_map(Do::Emit),
        4 => Just(Do::Produce),
        1 => (0..20_u8).prop_map(Do::Fail),
    ];
    proptest::collection::vec(step, 0..60)
}

/// What was asked for and what came, counted plainly.
#[derive(Default)]
struct Count {
    asked: BTreeMap<SubscriptionId, usize>,
    received: BTreeMap<SubscriptionId, Vec<u32>>,
    discarded: Vec<u32>,
    emitted: u32,
    wanted: usize,
}

impl Count {
    fn take(&mut self, step: Step<u32>) {
        for Parcel { to, items } in step.parcels {
            self.received.entry(to).or_default().extend(items);
        }
        self.discarded.extend(step.discarded);
    }

    fn emit(&mut self, ledger: &mut Ledger<u32>, items: u32, fail: bool) {
        let from = self.emitted;
        self.emitted += items;
        let mut step = ledger.emit(from..self.emitted);
        let failed = (fail && !step.parcels.is_empty()).then(|| step.parcels.remove(0));
        self.take(step);
        if let Some(failed) = failed {
            self.asked.remove(&failed.to);
            self.received.remove(&failed.to);
            let step = ledger.give_back(failed);
            self.take(step);
        }
    }

    fn run(ledger: &mut Ledger<u32>, steps: Vec<Do>, may_fail: bool) -> Self {
        let mut count = Self::default();
        for (number, step) in (100..).zip(steps) {
            let who = |place: u8, count: &Self| {
                count.asked.keys().nth(usize::from(place)).copied().unwrap_or(id(0))
            };
            match step {
                Do::Subscribe => {
                    count.asked.insert(id(number), 0);
                    ledger.subscribe(id(number), None);
                }
                Do::Ask(place, items) => {
                    let who = who(place, &count);
                    if let Some(asked) = count.asked.get_mut(&who) {
                        *asked += usize::from(items);
                    }
                    let step = ledger.ask(who, usize::from(items));
                    count.take(step);
                }
                Do::Cancel(place) => {
                    let who = who(place, &count);
                    count.asked.remove(&who);
                    let step = ledger.cancel(who);
                    count.take(step);
                }
                Do::Emit(items) => count.emit(ledger, items.into(), false),
                Do::Fail(items) => count.emit(ledger, items.into(), may_fail),
                Do::Produce => {
                    let wanted = std::mem::take(&mut count.wanted);
                    count.emit(ledger, wanted as u32, false);
                }
            }
            count.wanted += ledger.want();
            for (who, asked) in &count.asked {
                // F1: no more than was asked for.
                assert!(count.received.get(who).map_or(0, Vec::len) <= *asked);
            }
        }
        count
    }
}

proptest! {
    // F2: each item has come to one consumer, waits, or was discarded; and demand is never
    // forgotten.
    #[test]
    fn each_item_goes_to_one_or_is_counted(steps in steps(), size in 0..30_usize, first: bool) {
        let keep = if first { Keep::First } else { Keep::Last };
        let mut ledger = by_demand(size, keep);
        let count = Count::run(&mut ledger, steps, false);
        let mut all: Vec<u32> = count.received.values().flatten().copied().collect();
        all.extend(&count.discarded);
        all.sort_unstable();
        prop_assert_eq!(all.len() + ledger.waiting(), count.emitted as usize);
        prop_assert!(all.windows(2).all(|pair| pair[0] < pair[1]), "none twice: {:?}", all);
        prop_assert!(ledger.waiting() <= size);
        prop_assert_eq!(ledger.discarded as usize, count.discarded.len());
        prop_assert!(count.received.values().all(|items| items.is_sorted()));
        if ledger.demand() > 0 {
            prop_assert_eq!(ledger.waiting(), 0);
            prop_assert!(ledger.owed >= ledger.demand());
        }
    }

    #[test]
    fn given_back_items_are_not_lost(steps in steps()) {
        let mut ledger = by_demand(usize::MAX, Keep::Last);
        let count = Count::run(&mut ledger, steps, true);
        // The failed consumers' earlier items are theirs; the rest is all there.
        let received: usize = count.received.values().map(Vec::len).sum();
        prop_assert!(received + ledger.waiting() <= count.emitted as usize);
        prop_assert_eq!(ledger.discarded, 0);
    }

    #[test]
    fn in_a_broadcast_all_get_the_same(steps in steps()) {
        let mut ledger = broadcast();
        let count = Count::run(&mut ledger, steps, false);
        let longest = count.received.values().max_by_key(|items| items.len());
        for items in count.received.values() {
            // Each has a run without gaps of what was sent: from its subscription to its end.
            prop_assert!(longest.is_some());
            let gaps = items.windows(2).filter(|pair| pair[0] + 1 != pair[1]).count();
            prop_assert!(gaps <= count.discarded.len(), "{:?}", items);
        }
    }

    #[test]
    fn items_of_a_partition_go_to_its_consumers(steps in steps(), lanes in 1..5_usize) {
        let mut ledger = partitioned(lanes);
        let count = Count::run(&mut ledger, steps, false);
        for items in count.received.values() {
            let lanes: Vec<u32> = items.iter().map(|item| item % lanes as u32).collect();
            prop_assert!(lanes.windows(2).all(|pair| pair[0] == pair[1]), "{:?}", lanes);
            prop_assert!(items.is_sorted());
        }
    }
}
