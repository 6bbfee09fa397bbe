//! Asks: many at once, under labels, under one deadline.

use std::cell::Cell;
use std::rc::Rc;

use futures::StreamExt as _;
use greenroom::actor::{AskSet, Cause, ask_all, ask_any, ask_each};
use greenroom::prelude::*;
use greenroom::task;
use greenroom::time::{now, sleep};

use crate::callee::{Call, Port, callee, callee_with};
use crate::harness::{Log, case, ms, secs};
use crate::worker::End;

/// **R4.5** Three callees that take 400, 1 and 200 ms: the results come labelled and in the order
/// of completion, 2, 3, 1.
#[test]
fn ask_07_collection() {
    case(async |test| {
        let begun = test.now();
        let mut asks = AskSet::new();
        for (label, wait) in [(1, 400), (2, 1), (3, 200)] {
            let callee = callee("callee", &Log::new());
            asks.add(label, callee.ask_with(Call::after(ms(wait), label * 10))).unwrap();
        }
        assert_eq!(asks.len(), 3);
        for (label, wait) in [(2, 1), (3, 200), (1, 400)] {
            let (answered, reply) = asks.next().await.unwrap();
            assert_eq!((answered, reply.unwrap()), (label, label * 10));
            assert_eq!(test.now() - begun, ms(wait));
        }
        assert!(asks.is_empty() && asks.next().await.is_none());
    });
}

/// **R4.5** The same, when nobody looks until all have answered: still in the order of completion,
/// and the asks were sent when they were added.
#[test]
fn ask_07_completion_order_does_not_depend_on_when_it_is_looked_at() {
    case(async |test| {
        let log = Log::new();
        let mut asks = AskSet::new();
        for (label, wait) in [(1, 400), (2, 1), (3, 200)] {
            let callee = callee("callee", &log);
            asks.add(label, callee.ask_with(Call::after(ms(wait), label))).unwrap();
        }
        sleep(secs(1)).await;
        assert_eq!(log.take(), ["after 2", "after 3", "after 1"]);
        // One that is added now has completed last.
        asks.add(4, callee("late", &log).ask_with(Call::echo(4))).unwrap();
        let begun = test.now();
        let order: Vec<u32> =
            asks.by_ref().map(|(label, reply)| reply.unwrap() * label).collect().await;
        assert_eq!(order, [4, 9, 1, 16]);
        assert_eq!(test.now(), begun);
    });
}

/// **R4.5, R4.1** A callee that stops, crashes or is dead yields its error in its turn; nobody
/// asked is no answer; a label that is taken is refused, and the ask comes back unsent.
#[test]
fn ask_07_errors_empty_and_duplicates() {
    struct Ten;
    protocol! { enum TenProtocol { Ten(Ten) -> u32 } }
    case(async |_test| {
        let log = Log::new();
        let mut asks = AskSet::new();
        assert!(asks.next().await.is_none(), "nobody was asked");
        assert!(asks.next_until(now()).await.unwrap().is_none());

        let dead = callee("dead", &log);
        dead.kill();
        dead.ended().await;
        let stops = callee("stops", &log);
        stops.try_tell(Call::Busy(ms(50))).unwrap();
        asks.add("slow", callee("slow", &log).ask_with(Call::after(ms(100), 1))).unwrap();
        asks.add("stops", stops.ask_with(Call::end(End::ShutdownWith, Port::Kept))).unwrap();
        asks.add("dead", dead.ask_with(Call::echo(3))).unwrap();
        asks.add("quick", callee("quick", &log).ask_with(Call::after(ms(10), 2))).unwrap();
        // Another protocol with the same reply.
        let other = greenroom::actor::spawn("other", async |cx: &mut Cx<TenProtocol>| {
            let TenProtocol::Ten(Ten, reply) = cx.recv().await;
            sleep(ms(20)).await;
            reply.send(10);
            Ok::<(), Fault>(())
        });
        asks.add("other", other.ask(Ten)).unwrap();

        let twice = asks.add("slow", callee("twice", &log).ask_with(Call::echo(4))).unwrap_err();
        assert_eq!(twice.label, "slow");
        asks.add("twice", twice.ask).unwrap();

        let mut turns = Vec::new();
        while let Some((label, outcome)) = asks.next().await {
            turns.push(label);
            match (label, outcome) {
                ("dead", Err(AskError::NotSent(refused))) => assert!(refused.is_closed()),
                ("stops", Err(AskError::Stopped { reason, .. })) => {
                    assert_eq!(reason, End::ShutdownWith.reason());
                }
                ("slow", Ok(1)) | ("quick", Ok(2)) | ("twice", Ok(4)) | ("other", Ok(10)) => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(turns, ["dead", "twice", "quick", "other", "stops", "slow"]);
        assert_eq!(log.take(), ["echo 4", "after 2", "after 1"], "each was sent once");
        asks.add("slow", callee("again", &log).ask_with(Call::echo(5))).unwrap();
        assert!(matches!(asks.next().await, Some(("slow", Ok(5)))), "a label is free again");
    });
}

/// **R4.5, R4.2, R4.3** Delays 1000, 1 and 500 under one deadline at +100: the first result, then
/// the timeout. The two others are listed as abandoned, and their replies never surface.
#[test]
fn ask_08_absolute_deadline_over_collection() {
    case(async |test| {
        let (begun, deadline) = (test.now(), now() + ms(100));
        let log = Log::new();
        let mut asks = AskSet::new();
        let callees = [(1, 1_000), (2, 1), (3, 500)].map(|(label, wait)| {
            let callee = callee("callee", &log);
            asks.add(label, callee.ask_with(Call::after(ms(wait), label))).unwrap();
            callee
        });
        let first = asks.next_or_abandon(deadline).await.unwrap();
        assert!(matches!(first, Some((2, Ok(2)))));
        assert_eq!(test.now() - begun, ms(1));
        let late = asks.next_or_abandon(deadline).await.unwrap_err();
        assert_eq!(late.labels, [1, 3]);
        assert_eq!(test.now() - begun, ms(100));

        assert!(asks.is_empty() && asks.next().await.is_none());
        assert!(asks.next_until(deadline).await.unwrap().is_none());
        // The next asks of the same collection get their own replies.
        for (label, callee) in [(1, callees[0]), (3, callees[2])] {
            asks.add(label, callee.ask_with(Call::echo(label * 10))).unwrap();
        }
        let replies: Vec<(u32, u32)> =
            asks.map(|(label, reply)| (label, reply.unwrap())).collect().await;
        assert_eq!(replies, [(3, 30), (1, 10)]);
        let letters = test.letters();
        assert!(letters.iter().all(|letter| letter.cause == Cause::LateReply));
        assert_eq!(letters.len(), 2, "the late replies reached nobody");
    });
}

/// **R4.5, R4.3** A deadline that leaves the rest: one may go on to wait. An answer that is there
/// at the deadline wins, be it due in that very moment or have come before anybody looked.
#[test]
fn ask_08_a_deadline_may_leave_the_rest() {
    case(async |test| {
        let begun = test.now();
        let mut asks = AskSet::new();
        for (label, wait) in [(1, 1_000), (2, 100), (3, 500)] {
            let (log, hops) = (Log::new(), callee("hops", &Log::new()));
            let ask = Call::pass_on(callee("callee", &log), Call::after(ms(wait), label));
            asks.add(label, hops.ask_with(ask)).unwrap();
        }
        let at = |wait| now() + ms(wait);
        let at_once = asks.next_until(at(0)).await.unwrap_err();
        assert_eq!((at_once.labels, test.now()), (vec![1, 2, 3], begun));
        let due = asks.next_until(at(100)).await.unwrap();
        assert!(matches!(due, Some((2, Ok(2)))));
        let late = asks.next_until(at(200)).await.unwrap_err();
        assert_eq!(late.labels, [1, 3]);
        assert_eq!(test.now() - begun, ms(300));
        sleep(ms(300)).await;
        let past = now() - ms(50);
        assert!(matches!(asks.next_until(past).await.unwrap(), Some((3, Ok(3)))), "it has come");
        assert_eq!(asks.next_until(past).await.unwrap_err().labels, [1]);
        assert!(matches!(asks.next().await, Some((1, Ok(1)))));
        assert_eq!(test.now() - begun, ms(1_000));
        assert!(test.letters().is_empty());
    });
}

/// **R4.2, R4.6** What is given up by hand, or with the whole collection, never surfaces; answers
/// that had come are not lost by `abandon`, and are dead letters when the collection is dropped.
#[test]
fn ask_08_what_is_given_up_is_a_dead_letter() {
    case(async |test| {
        let log = Log::new();
        let add = |asks: &mut AskSet<u32, u32>, label, wait| {
            asks.add(label, callee("callee", &log).ask_with(Call::after(wait, label))).unwrap();
        };
        let mut asks = AskSet::new();
        for (label, wait) in [(1, ms(10)), (2, ms(30)), (3, ms(40))] {
            add(&mut asks, label, wait);
        }
        sleep(ms(20)).await;
        assert_eq!(asks.abandon(), [2, 3]);
        assert_eq!(asks.labels().collect::<Vec<_>>(), [&1]);
        assert!(matches!(asks.next().await, Some((1, Ok(1)))) && asks.is_empty());
        test.advance(ms(100)).await;
        assert_eq!(log.take(), ["after 1", "after 2", "after 3"]);
        assert_eq!(test.letters().len(), 2);

        for (label, wait) in [(1, ms(10)), (2, ms(30))] {
            add(&mut asks, label, wait);
        }
        sleep(ms(20)).await;
        // Gathers what has come.
        add(&mut asks, 3, ms(30));
        drop(asks);
        test.advance(ms(100)).await;
        assert_eq!(log.take().len(), 3);
        let letters = test.letters();
        assert_eq!(letters.len(), 3);
        assert!(letters.iter().all(|letter| letter.cause == Cause::LateReply));
    });
}

/// How long it takes to answer with what.
#[derive(Clone, Copy)]
struct Go;
protocol! { enum GoProtocol { Go(Go) -> u64 } }
struct Runner {
    takes: u64,
    asked: Rc<Cell<u32>>,
}
impl Actor for Runner {
    type Protocol = GoProtocol;
    type Error = Fault;
}
impl Handler<Go> for Runner {
    async fn handle(&mut self, _: Go, _: &mut Cx<GoProtocol>) -> Result<u64, Fault> {
        self.asked.set(self.asked.get() + 1);
        sleep(ms(self.takes)).await;
        if self.takes == 13 { Err(Fault::new("bad luck")) } else { Ok(self.takes) }
    }
}

/// **R4.5** The same question to many: all replies in the order of those asked, each with its own
/// outcome; the first answer, whoever fails before; the answers as they come.
#[test]
fn ask_07_one_question_to_many() {
    case(async |test| {
        let asked = Rc::new(Cell::new(0));
        let run = |takes| {
            let asked = Rc::clone(&asked);
            greenroom::actor::spawn("runner", move || Runner { takes, asked: Rc::clone(&asked) })
        };
        let begun = test.now();
        let all = ask_all([30, 13, 20].map(run), Go).await;
        assert!(matches!(&all[..], [Ok(30), Err(AskError::Crashed { .. }), Ok(20)]), "{all:?}");
        assert_eq!((test.now() - begun, asked.take()), (ms(30), 3), "side by side");

        let begun = test.now();
        let recipients = [30, 13, 20].map(run).map(|runner| runner.recipient::<Go>());
        assert_eq!(ask_any(recipients, Go).await.unwrap(), 20);
        assert_eq!((test.now() - begun, asked.take()), (ms(20), 3));
        test.advance(secs(1)).await;
        let causes: Vec<Cause> = test.letters().into_iter().map(|letter| letter.cause).collect();
        assert_eq!(causes.iter().filter(|cause| **cause == Cause::LateReply).count(), 1);

        let none = ask_any([13, 13].map(run), Go).await.unwrap_err();
        assert_eq!(none.errors.len(), 2);
        assert!(none.errors.iter().all(|error| matches!(error, AskError::Crashed { .. })));
        let nobody: [Addr<GoProtocol>; 0] = [];
        assert!(ask_any(nobody, Go).await.unwrap_err().errors.is_empty());
        assert!(ask_all(nobody, Go).await.is_empty());

        let each = ask_each([30, 13, 20].map(run), Go);
        let order: Vec<(usize, Option<u64>)> =
            each.map(|(place, answer)| (place, answer.ok())).collect().await;
        assert_eq!(order, [(1, None), (2, Some(20)), (0, Some(30))]);
    });
}

/// **R4.5** An ask in a collection stands in line for room like any other.
#[test]
fn ask_07_asks_in_a_collection_wait_for_room() {
    case(async |test| {
        let log = Log::new();
        let small = callee_with("small", MailboxOptions::bounded(1), &log);
        let mut asks = AskSet::new();
        for label in 1..=5 {
            asks.add(label, small.ask_with(Call::echo(label))).unwrap();
        }
        let labels = task::spawn(asks.map(|(label, reply)| (label, reply.unwrap())).collect());
        test.settle().await;
        let labels: Vec<(u32, u32)> = labels.await.unwrap();
        assert_eq!(labels, (1..=5).map(|label| (label, label)).collect::<Vec<_>>());
        assert_eq!(log.take(), ["echo 1", "echo 2", "echo 3", "echo 4", "echo 5"]);
    });
}
