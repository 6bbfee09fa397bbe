//! The mailbox against a plain model: order, bounds, lanes, and the line of those who wait.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use proptest::prelude::*;

use super::overflow::{Admission, Overflow};
use super::queue::Mailbox;

#[derive(Default)]
struct Counter(AtomicUsize);
impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn take<M>(mailbox: &Mailbox<M>) -> Option<M> {
    mailbox.begin_poll(u32::MAX);
    let message = mailbox.take()?;
    if let Some(waker) = mailbox.grant_next() {
        waker.wake();
    }
    Some(message)
}

#[test]
fn one_poll_takes_what_was_there_when_it_began_and_no_more() {
    let mailbox = Mailbox::new(10, Overflow::Wait);
    (0..3).for_each(|n| mailbox.put(n));
    mailbox.begin_poll(100);
    mailbox.put(3);
    let taken: Vec<_> = (0..4).map(|_| mailbox.take()).collect();
    assert_eq!(taken, [Some(0), Some(1), Some(2), None]);
    assert!(!mailbox.may_take() && !mailbox.is_empty());
    mailbox.begin_poll(100);
    assert_eq!((mailbox.take(), mailbox.take(), mailbox.is_empty()), (Some(3), None, true));
    (0..3).for_each(|n| mailbox.put(n));
    mailbox.begin_poll(1);
    assert!(mailbox.may_take());
    assert_eq!((mailbox.take(), mailbox.take(), mailbox.len()), (Some(0), None, 2));
}

// M2: urgent messages overtake ordinary ones, never the reverse.
#[test]
fn urgent_messages_come_first_and_keep_their_order() {
    let mailbox = Mailbox::new(2, Overflow::Wait);
    mailbox.put("n1");
    mailbox.put("n2");
    mailbox.put_urgent("u1");
    mailbox.put_urgent("u2");
    assert_eq!(mailbox.admission(), Admission::Wait, "urgent messages take no room");
    let order: Vec<_> = std::iter::from_fn(|| take(&mailbox)).collect();
    assert_eq!(order, ["u1", "u2", "n1", "n2"]);
}

#[test]
fn waiters_are_served_in_line_and_a_leaver_passes_its_promise_on() {
    let mailbox = Mailbox::new(1, Overflow::Wait);
    mailbox.put(0);
    let counters: Vec<Arc<Counter>> = (0..3).map(|_| Arc::default()).collect();
    let tickets: Vec<_> =
        counters.iter().map(|c| mailbox.join_line(Waker::from(Arc::clone(c)))).collect();
    let woken = || counters.iter().map(|c| c.0.load(Ordering::SeqCst)).collect::<Vec<_>>();
    assert!(!mailbox.redeem(tickets[0]));
    assert_eq!(take(&mailbox), Some(0));
    assert_eq!(woken(), [1, 0, 0]);
    assert_eq!(mailbox.admission(), Admission::Wait, "a newcomer does not overtake");
    let [next, _own] = mailbox.leave_line(tickets[0]);
    next.expect("the promise goes to the second").wake();
    assert_eq!(woken(), [1, 1, 0]);
    assert!(mailbox.redeem(tickets[1]));
    mailbox.put(1);
    assert_eq!(mailbox.leave_line(tickets[2]).map(|waker| waker.is_some()), [false, true]);
    assert_eq!(take(&mailbox), Some(1));
    assert_eq!(mailbox.admission(), Admission::Put, "the line is gone");
}

#[test]
fn closing_tells_everybody_who_waits() {
    let mailbox = Mailbox::new(1, Overflow::Wait);
    mailbox.put(0);
    mailbox.join_line(Waker::noop().clone());
    mailbox.join_line(Waker::noop().clone());
    assert_eq!(mailbox.close().len(), 2);
    assert!(!mailbox.is_open());
    assert_eq!((mailbox.drain_one(), mailbox.drain_one()), (Some(0), None));
}

#[derive(Clone, Debug)]
enum Step {
    Send,
    SendUrgent,
    Take,
    Wait,
    Redeem(usize),
    Leave(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Send),
        1 => Just(Step::SendUrgent),
        4 => Just(Step::Take),
        2 => Just(Step::Wait),
        3 => (0_usize..8).prop_map(Step::Redeem),
        1 => (0_usize..8).prop_map(Step::Leave),
    ]
}

proptest! {
    // M1: messages are taken in the order in which they were put.
    // M3: ordinary messages never exceed the capacity.
    #[test]
    fn a_mailbox_is_two_queues_with_a_bound(
        capacity in 1_usize..5,
        policy in 0_u8..4,
        steps in prop::collection::vec(step(), 1..200),
    ) {
        let overflow = [Overflow::Wait, Overflow::Fail, Overflow::DropNewest, Overflow::DropOldest]
            [policy as usize];
        let mailbox = Mailbox::new(capacity, overflow);
        let (mut urgent, mut ordinary) = (VecDeque::new(), VecDeque::new());
        let mut tickets = VecDeque::new();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Send => match mailbox.admission() {
                    Admission::Put => {
                        mailbox.put(number);
                        ordinary.push_back(number);
                    }
                    Admission::DropOldestAndPut => {
                        prop_assert_eq!(mailbox.take_oldest(), ordinary.pop_front());
                        mailbox.put(number);
                        ordinary.push_back(number);
                    }
                    Admission::Wait | Admission::Refuse | Admission::DropThis => {}
                },
                Step::SendUrgent => {
                    mailbox.put_urgent(number);
                    urgent.push_back(number);
                }
                Step::Take => {
                    let expected = urgent.pop_front().or_else(|| ordinary.pop_front());
                    prop_assert_eq!(take(&mailbox), expected);
                }
                Step::Wait if mailbox.admission() == Admission::Wait => {
                    tickets.push_back(mailbox.join_line(Waker::noop().clone()));
                }
                Step::Redeem(pick) if !tickets.is_empty() => {
                    let ticket = tickets[pick % tickets.len()];
                    if mailbox.redeem(ticket) {
                        tickets.retain(|other| *other != ticket);
                        mailbox.put(number);
                        ordinary.push_back(number);
                    }
                }
                Step::Leave(pick) if !tickets.is_empty() => {
                    let ticket = tickets[pick % tickets.len()];
                    tickets.retain(|other| *other != ticket);
                    drop(mailbox.leave_line(ticket));
                }
                Step::Wait | Step::Redeem(_) | Step::Leave(_) => {}
            }
            prop_assert!(ordinary.len() <= capacity);
            prop_assert_eq!(mailbox.len(), urgent.len() + ordinary.len());
        }
        // Nobody who waits is forgotten: once everything is taken, each in turn is promised room.
        while take(&mailbox).is_some() {}
        while !tickets.is_empty() {
            let first = tickets.pop_front().expect("not empty");
            prop_assert!(mailbox.redeem(first), "the first in line has a promise");
            mailbox.put(0);
            prop_assert!(take(&mailbox).is_some());
        }
    }
}
