//! Mailboxes: what becomes of messages that nobody handles, and of panics.

use std::cell::Cell;
use std::rc::Rc;

use futures::future::join_all;
use greenroom::actor::{Cause, DeadLetter, Lifecycle, TellErrorKind};
use greenroom::prelude::*;
use greenroom::task;
use greenroom::test::TestSystem;
use greenroom::time::sleep;

use crate::harness::{Log, case, ms, secs};

/// A word: written down; "one" takes a second.
#[derive(Debug, PartialEq)]
struct Word(&'static str);
impl Protocol for Word {}

/// An actor with room for two that is busy with "one", and has got "two" and "three".
async fn full(test: &TestSystem, overflow: Overflow, log: &Log) -> Addr<Word> {
    let log = log.clone();
    let options = MailboxOptions::bounded(2).overflow(overflow);
    let words = async move |cx: &mut Cx<Word>| -> Result<(), Fault> {
        loop {
            let Word(word) = cx.recv().await;
            if word == "one" {
                sleep(secs(1)).await;
            }
            log.add(word);
        }
    };
    let addr = greenroom::actor::spawn_with("words", options, words);
    addr.tell(Word("one")).await.unwrap();
    test.settle().await;
    addr.tell(Word("two")).await.unwrap();
    addr.tell(Word("three")).await.unwrap();
    addr
}

/// The letters so far, each for this actor and of this type, by their causes.
fn causes(test: &TestSystem, addr: Addr<Word>) -> Vec<Cause> {
    let check = |letter: DeadLetter| {
        assert_eq!(letter.recipient, Some(addr.id()));
        assert_eq!(letter.message, std::any::type_name::<Word>());
        letter.cause
    };
    test.letters().into_iter().map(check).collect()
}

/// **R7.1, D10** bounded(2), busy with "one"; then two, three, four. Under the policy drop-new two
/// and three are handled and four is reported as a dead letter. The four policies as a table.
#[test]
fn mbx_04_bounded_drop_policy() {
    case(async |test| {
        let log = Log::new();
        let lost = || vec![Cause::Overflow];
        for (overflow, sent, handled, letters) in [
            (Overflow::DropNewest, true, ["one", "two", "three"].as_slice(), lost()),
            (Overflow::DropOldest, true, &["one", "three", "four"], lost()),
            (Overflow::Fail, false, &["one", "two", "three"], vec![]),
            (Overflow::Wait, true, &["one", "two", "three", "four"], vec![]),
        ] {
            let addr = full(test, overflow, &log).await;
            let begun = test.now();
            let told = addr.tell(Word("four")).await;
            let waited = if overflow == Overflow::Wait { secs(1) } else { ms(0) };
            assert_eq!((told.is_ok(), test.now() - begun), (sent, waited), "{overflow:?}");
            if let Err(error) = told {
                assert_eq!(error.kind(), TellErrorKind::Full { capacity: 2 });
                assert_eq!(error.into_message(), Some(Word("four")), "it comes back");
            }
            assert_eq!(causes(test, addr), letters, "{overflow:?}");
            test.advance(secs(2)).await;
            assert_eq!(log.take(), handled, "{overflow:?}");
        }
    });
}

/// **R7.1, D10** The same for senders who do not wait: `try_tell` gives the message back under
/// `Wait` too. A message that came back and is dropped is a dead letter.
#[test]
fn mbx_04_without_waiting() {
    case(async |test| {
        let log = Log::new();
        for (overflow, sent) in [
            (Overflow::DropNewest, true),
            (Overflow::DropOldest, true),
            (Overflow::Fail, false),
            (Overflow::Wait, false),
        ] {
            let addr = full(test, overflow, &log).await;
            assert_eq!(addr.try_tell(Word("four")).is_ok(), sent, "{overflow:?}");
            assert_eq!(causes(test, addr), [Cause::Overflow], "{overflow:?}");
            test.advance(secs(2)).await;
            let handled = log.take();
            assert_eq!(handled.contains(&"four".to_owned()), overflow == Overflow::DropOldest);
            assert_eq!(handled.len(), 3);
        }
    });
}

/// **R7.1, R7.2** One message to an actor that has ended, and five that are queued when it stops:
/// one and five dead letters, with recipient, type and cause. A subscriber that fails, and one that
/// causes dead letters itself, make no loop, and the others hear all of it.
#[test]
fn mbx_11_dead_letters() {
    case(async |test| {
        let (failed, caused) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let gone = full(test, Overflow::Wait, &Log::new()).await;
        gone.kill();
        gone.ended().await;
        causes(test, gone);
        let before = test.dead_letters();

        let count = Rc::clone(&failed);
        test.on_dead_letter(move |_| {
            count.set(count.get() + 1);
            panic!("a subscriber that fails");
        });
        let count = Rc::clone(&caused);
        test.on_dead_letter(move |_| {
            count.set(count.get() + 1);
            let _ = gone.try_tell(Word("from a subscriber"));
        });

        let deaf = async |cx: &mut Cx<Word>| -> Result<(), Fault> {
            loop {
                cx.recv().await;
            }
        };
        let stops = greenroom::actor::spawn("stops", deaf);
        for word in ["a", "b", "c", "d", "e"] {
            stops.try_tell(Word(word)).unwrap();
        }
        stops.stop();
        stops.ended().await;
        let letters = test.letters();
        assert!(letters.iter().all(|letter| letter.name.as_deref() == Some("stops")));
        assert_eq!(letters.len(), 5);
        for letter in letters {
            assert_eq!(letter.recipient, Some(stops.id()));
            assert_eq!(letter.message, std::any::type_name::<Word>());
            assert_eq!(letter.cause, Cause::Ended(ExitReason::Shutdown));
        }
        assert!(stops.tell(Word("f")).await.is_err());
        assert_eq!(causes(test, stops), [Cause::Closed]);

        // Whoever takes the message back has it, so it is none.
        let back = stops.tell(Word("g")).await.unwrap_err().into_message();
        assert_eq!((back, causes(test, stops)), (Some(Word("g")), vec![]));
        assert_eq!((failed.get(), caused.get()), (1, 6), "the one that failed was removed");
        let theirs = caused.get();
        assert_eq!(test.dead_letters() - before, 6 + theirs, "counted, and told to nobody");
    });
}

/// Where a [`Bomb`] panics.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Where {
    Handler,
    StopHook,
    DropOfState,
    DropOfMessage,
    Nowhere,
}

struct Ping;
/// Panics when it is dropped, if it is told to.
struct Cargo(bool);
impl Drop for Cargo {
    fn drop(&mut self) {
        assert!(!self.0, "in the drop of a queued message");
    }
}
protocol! { enum BombProtocol { Ping(Ping) -> u32, Cargo(Cargo) } }

struct Bomb {
    panics: Where,
    pings: u32,
}
impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(self.panics != Where::DropOfState, "in the drop of the state");
    }
}
impl Actor for Bomb {
    type Protocol = BombProtocol;
    type Error = Fault;

    async fn stopped(&mut self, _: &ExitReason, _: &mut Cx<BombProtocol>) {
        assert!(self.panics != Where::StopHook, "in the stop hook");
    }
}
impl Handler<Ping> for Bomb {
    async fn handle(&mut self, _: Ping, _: &mut Cx<BombProtocol>) -> Result<u32, Fault> {
        self.pings += 1;
        Ok(self.pings)
    }
}
impl Handler<Cargo> for Bomb {
    async fn handle(&mut self, _: Cargo, _: &mut Cx<BombProtocol>) -> Result<(), Fault> {
        assert!(self.panics != Where::Handler, "in the handler");
        Ok(())
    }
}

/// **R2.8** 100 actors; one panics in its handler, one in its stop hook, one in the drop of its
/// state, one in the drop of a message in its mailbox. Only these four end abnormally, and each is
/// reported with its own words; the loop and the others are unaffected.
#[test]
fn mbx_12_panic_isolated() {
    const BOMBS: [(usize, Where, &str); 4] = [
        (10, Where::Handler, "in the handler"),
        (20, Where::StopHook, "in the stop hook"),
        (30, Where::DropOfState, "in the drop of the state"),
        (40, Where::DropOfMessage, "in the drop of a queued message"),
    ];
    case(async |test| {
        let actors: Vec<Addr<BombProtocol>> = (0..100)
            .map(|place| {
                let bomb = BOMBS.iter().find(|(at, ..)| *at == place);
                let panics = bomb.map_or(Where::Nowhere, |(_, panics, _)| *panics);
                greenroom::actor::spawn(&format!("{panics:?}"), move || Bomb { panics, pings: 0 })
            })
            .collect();
        let ends = actors.clone().into_iter().map(|actor| async move { actor.ended().await });
        let ends = task::spawn(join_all(ends));
        test.settle().await;

        actors[10].tell(Cargo(false)).await.unwrap();
        test.settle().await;
        for (place, ping) in
            join_all(actors.iter().map(|actor| actor.ask(Ping))).await.iter().enumerate()
        {
            assert_eq!(ping.as_ref().ok(), (place != 10).then_some(&1), "{place}");
        }
        for actor in &actors {
            // Stops come first: this one stays in the mailbox.
            let _ = actor.try_tell(Cargo(*actor == actors[40]));
            actor.stop();
        }
        let reasons = ends.await.unwrap();
        for (place, reason) in reasons.into_iter().enumerate() {
            match BOMBS.iter().find(|(at, ..)| *at == place) {
                Some((.., text)) => assert_eq!(reason, ExitReason::Panicked((*text).into())),
                None => assert_eq!(reason, ExitReason::Shutdown, "{place}"),
            }
        }
        let mut reported = test.events();
        reported.retain(|event| matches!(&event.edge, Lifecycle::Ended(end) if end.is_abnormal()));
        let mut reported: Vec<String> = reported.iter().map(ToString::to_string).collect();
        reported.sort();
        let mut expected = BOMBS.map(|(_, at, text)| format!("{at:?} ended: panicked: {text}"));
        expected.sort();
        assert_eq!(reported, expected);
        // The loop goes on as before.
        let next = greenroom::actor::spawn("next", || Bomb { panics: Where::Nowhere, pings: 0 });
        assert_eq!(next.ask(Ping).await.unwrap(), 1);
    });
}
