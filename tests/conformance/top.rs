//! Topics: each subscriber once, nothing after it has unsubscribed, nothing lost in silence.

use std::cell::RefCell;
use std::rc::Rc;

use greenroom::actor::{Cause, DeadLetter, spawn_with};
use greenroom::group::Topic;
use greenroom::prelude::*;
use greenroom::task;
use greenroom::test::{Heard, TestSystem};

use crate::harness::case;

/// **R8.6** Each current subscriber gets each message once, however often it subscribed, and
/// another topic's get none; nothing comes after unsubscribing; one that ends is not counted.
// G3: nothing after it has unsubscribed.
#[test]
fn top_01_topic() {
    case(async |test| {
        let (topic, other) = (test.topic::<u32>("t"), test.topic::<u32>("u"));
        let probes = ["a", "b", "c"].map(|name| test.probe::<u32>(name));
        let stranger = test.probe::<u32>("stranger");
        for probe in &probes {
            assert_eq!(topic.subscribe(probe.recipient()), Ok(true));
        }
        assert_eq!(topic.subscribe(probes[0].recipient()), Ok(false));
        other.subscribe(stranger.recipient()).unwrap();
        assert_eq!((topic.publish(1), topic.publish(2), topic.subscribers()), (3, 3, 3));
        test.settle().await;
        let taken = || probes.each_ref().map(|probe| probe.take());
        assert_eq!(taken(), [[1, 2], [1, 2], [1, 2]]);
        assert!(stranger.is_empty());

        assert!(topic.unsubscribe(probes[0].addr()));
        assert!(!topic.unsubscribe(probes[0].addr()));
        assert_eq!((topic.publish(3), topic.subscribers()), (2, 2));
        test.settle().await;
        assert_eq!(taken(), [vec![], vec![3], vec![3]]);

        probes[1].addr().kill();
        probes[1].addr().ended().await;
        assert_eq!((topic.publish(4), topic.subscribers()), (1, 1));
        test.settle().await;
        assert_eq!(taken(), [vec![], vec![], vec![4]]);
        assert!(topic.subscribe(probes[1].recipient()).is_err());
        assert!(test.letters().is_empty());

        // Nobody is left: counted, and told of.
        topic.unsubscribe(probes[2].addr());
        assert_eq!((topic.publish(5), test.dead_letters()), (0, 1));
        let letters = test.letters();
        assert_eq!((letters[0].recipient, letters[0].name.as_deref()), (None, Some("t")));
        assert_eq!((letters[0].message, &letters[0].cause), ("u32", &Cause::NoSubscriber));
    });
}

/// A subscriber that takes its messages only when it is told to go on.
struct Slow {
    addr: Addr<Heard<u32>>,
    gate: Rc<RefCell<Option<futures::channel::oneshot::Sender<()>>>>,
    taken: Rc<RefCell<Vec<u32>>>,
}

impl Slow {
    fn new(name: &str, overflow: Overflow) -> Self {
        let (sender, receiver) = futures::channel::oneshot::channel();
        let taken = Rc::new(RefCell::new(Vec::new()));
        let (takes, mut receiver) = (Rc::clone(&taken), Some(receiver));
        let mailbox = MailboxOptions::bounded(1).overflow(overflow);
        let addr = spawn_with(name, mailbox, async move |cx: &mut Cx<Heard<u32>>| {
            if let Some(receiver) = receiver.take() {
                let _ = receiver.await;
            }
            loop {
                let Heard(number) = cx.recv().await;
                takes.borrow_mut().push(number);
                if number == 0 {
                    return Ok::<(), Fault>(());
                }
            }
        });
        Self { addr, gate: Rc::new(RefCell::new(Some(sender))), taken }
    }

    fn go_on(&self) {
        let sender = self.gate.borrow_mut().take().unwrap();
        sender.send(()).unwrap();
    }
}

/// A topic with one subscriber for each policy and one that is never full.
fn policies(test: &TestSystem) -> (Topic<u32>, [Slow; 4]) {
    let topic = test.topic::<u32>("t");
    let slow = [
        ("wait", Overflow::Wait),
        ("fail", Overflow::Fail),
        ("newest", Overflow::DropNewest),
        ("oldest", Overflow::DropOldest),
    ];
    let slow = slow.map(|(name, overflow)| Slow::new(name, overflow));
    for subscriber in &slow {
        topic.subscribe(subscriber.addr.recipient()).unwrap();
    }
    (topic, slow)
}

fn named(letters: &[DeadLetter]) -> Vec<&str> {
    assert!(letters.iter().all(|letter| letter.cause == Cause::Overflow), "{letters:?}");
    letters.iter().map(|letter| letter.name.as_deref().unwrap()).collect()
}

/// **R8.6** A subscriber that is full never holds the publisher up and never keeps others from
/// their copies: its own is a dead letter, as its policy says.
#[test]
fn a_full_subscriber_loses_its_copy_and_nobody_else_does() {
    case(async |test| {
        let (topic, slow) = policies(test);
        let quick = test.probe::<u32>("quick");
        topic.subscribe(quick.recipient()).unwrap();
        test.settle().await;
        assert_eq!(topic.publish(1), 5);
        assert!(test.letters().is_empty());
        // It went to three: what became of it with the last two is their policy's business.
        assert_eq!(topic.publish(2), 3);
        assert_eq!(named(&test.letters()), ["wait", "fail", "newest", "oldest"]);
        slow.iter().for_each(Slow::go_on);
        test.settle().await;
        let taken = slow.each_ref().map(|subscriber| subscriber.taken.borrow().clone());
        assert_eq!((taken, quick.take()), ([[1], [1], [1], [2]].map(Vec::from), vec![1, 2]));
    });
}

/// **R8.6** A publisher that asks for it waits for the room of those that are full, which keeps
/// nobody else from their copies.
#[test]
fn a_publisher_may_wait_for_room() {
    case(async |test| {
        let (topic, slow) = policies(test);
        let quick = test.probe::<u32>("quick");
        topic.subscribe(quick.recipient()).unwrap();
        test.settle().await;
        topic.publish(1);
        let publishing = topic.clone();
        let waits = task::spawn(async move { publishing.publish_and_wait(2).await });
        test.settle().await;
        assert!(!waits.is_finished());
        assert_eq!(quick.take(), [1, 2]);
        assert_eq!(named(&test.letters()), ["fail", "newest", "oldest"]);
        slow.iter().for_each(Slow::go_on);
        assert_eq!(waits.await, Ok(4));
        test.settle().await;
        assert_eq!(*slow[0].taken.borrow(), [1, 2]);
        assert!(test.letters().is_empty());
    });
}

/// **R8.6** A publisher that waits for room waits no longer for one that unsubscribes or ends; its
/// copy is a dead letter, and it gets nothing after it has unsubscribed.
// G3: nothing after it has unsubscribed, also from one who waits.
#[test]
fn a_publisher_does_not_wait_for_those_that_are_gone() {
    case(async |test| {
        let topic = test.topic::<u32>("t");
        let [leaves, ends] = ["leaves", "ends"].map(|name| Slow::new(name, Overflow::Wait));
        for slow in [&leaves, &ends] {
            topic.subscribe(slow.addr.recipient()).unwrap();
        }
        test.settle().await;
        topic.publish(1);
        let publishing = topic.clone();
        let waits = task::spawn(async move { publishing.publish_and_wait(2).await });
        test.settle().await;
        assert!(topic.unsubscribe(leaves.addr));
        // Room is made in the same moment.
        leaves.go_on();
        ends.addr.kill();
        assert_eq!(waits.await, Ok(0));
        test.settle().await;
        assert_eq!(*leaves.taken.borrow(), [1]);
        let mut letters: Vec<_> =
            test.letters().into_iter().map(|l| (l.recipient, l.cause)).collect();
        let mailbox = (Some(ends.addr.id()), Cause::Ended(ExitReason::Killed));
        letters.retain(|letter| *letter != mailbox);
        letters.sort_by_key(|(recipient, _)| *recipient);
        let unsent = |slow: &Slow| (Some(slow.addr.id()), Cause::NoSubscriber);
        assert_eq!(letters, [unsent(&leaves), unsent(&ends)]);
    });
}

/// **R8.6** A publisher that waits goes on when those it waits for unsubscribe, without any room.
#[test]
fn unsubscribing_ends_the_wait_of_a_publisher() {
    case(async |test| {
        let topic = test.topic::<u32>("t");
        let slow = Slow::new("slow", Overflow::Wait);
        topic.subscribe(slow.addr.recipient()).unwrap();
        test.settle().await;
        topic.publish(1);
        let publishing = topic.clone();
        let waits = task::spawn(async move { publishing.publish_and_wait(2).await });
        test.settle().await;
        topic.unsubscribe(slow.addr);
        test.settle().await;
        assert!(waits.is_finished() && test.now().is_zero());
        assert_eq!((waits.await, test.dead_letters()), (Ok(0), 1));
    });
}

/// A message whose clone takes a subscription back.
struct Spiteful {
    topic: Topic<Self>,
    victim: ActorId,
}

impl Clone for Spiteful {
    fn clone(&self) -> Self {
        self.topic.unsubscribe(self.victim);
        Self { topic: self.topic.clone(), victim: self.victim }
    }
}

/// **R8.6** Who unsubscribes in the middle of a publish gets nothing of it any more.
// G3: nothing after it has unsubscribed, also in the middle of a publish.
#[test]
fn unsubscribing_in_the_middle_of_a_publish_takes_effect_at_once() {
    case(async |test| {
        let topic = test.topic::<Spiteful>("t");
        let probes = ["a", "b"].map(|name| test.probe::<Spiteful>(name));
        for probe in &probes {
            topic.subscribe(probe.recipient()).unwrap();
        }
        let victim = probes[1].addr().id();
        assert_eq!(topic.publish(Spiteful { topic: topic.clone(), victim }), 1);
        test.settle().await;
        assert_eq!(probes.map(|probe| probe.take().len()), [1, 0]);
    });
}
