//! Mailbox and life cycle.

use std::cell::RefCell;
use std::rc::Rc;

use greenroom::actor::Cause;
use greenroom::prelude::*;
use greenroom::supervisor::StartError;
use greenroom::time;

use crate::harness::{Log, case, ms, secs};
use crate::scripted::{Script, inside, scripted, scripted_with};
use crate::worker::{Knobs, Ping, Start, worker};

/// **R2.1, R2.2** Each outcome of a start is told as what it is, and nothing of an actor that did
/// not start is left: the same name can be used at once.
#[test]
fn mbx_01_start_outcomes() {
    case(async |test| {
        let log = Log::new();
        let tree = Supervisor::one_for_one().start(test).await.unwrap();
        let start = async |start: Start| {
            let knobs = Knobs::new().start(move |_| start);
            let spec = child("w", worker("w", &log, &knobs)).restart(Temporary);
            tree.add(spec.start_timeout(ms(200))).await
        };
        for (what, expected) in [
            (Start::Declines, None),
            (Start::Fails, Some(ExitReason::Error("no start".into()))),
            (Start::Panics, Some(ExitReason::Panicked("no start".into()))),
            (
                Start::Takes(secs(1)),
                Some(ExitReason::TimedOut("the start took longer than 200ms".into())),
            ),
        ] {
            let began = test.now();
            match (start(what).await.unwrap_err(), expected) {
                (StartError::Declined { .. }, None) => {}
                (StartError::Failed { reason, .. }, Some(expected)) => assert_eq!(reason, expected),
                (other, _) => panic!("{other:?}"),
            }
            if matches!(what, Start::Takes(_)) {
                assert_eq!(test.now() - began, ms(200));
            }
            assert_eq!(tree.count().await.specs, 0, "gone when the error is there");
        }
        // What the start that was given up would have done later does no harm.
        test.advance(secs(2)).await;
        assert!(log.take().is_empty());
        let addr = start(Start::Takes(ms(100))).await.unwrap();
        assert_eq!(addr.ask(Ping(1)).await.unwrap(), 1);
    });
}

struct Continues {
    log: Log,
    from_start: bool,
}
struct Mail(u32);
struct Next(u32);
protocol! {
    enum ContinuesProtocol { Mail(Mail), Next(Next) }
}
impl Actor for Continues {
    type Protocol = ContinuesProtocol;
    type Error = Fault;

    async fn started(&mut self, cx: &mut Cx<ContinuesProtocol>) -> Result<(), Fault> {
        time::sleep(secs(1)).await;
        self.log.add("start");
        if self.from_start {
            cx.continue_with(Next(2));
        }
        Ok(())
    }
}
impl Handler<Mail> for Continues {
    async fn handle(&mut self, mail: Mail, cx: &mut Cx<ContinuesProtocol>) -> Result<(), Fault> {
        self.log.add(format!("m{}", mail.0));
        if mail.0 == 1 && !self.from_start {
            cx.continue_with(Next(1));
        }
        Ok(())
    }
}
impl Handler<Next> for Continues {
    async fn handle(&mut self, next: Next, cx: &mut Cx<ContinuesProtocol>) -> Result<(), Fault> {
        self.log.add(format!("continue {}", next.0));
        if next.0 > 1 {
            cx.continue_with(Next(next.0 - 1));
        }
        Ok(())
    }
}

/// **R2.3, R2.4** What a start or a handler asks to continue with runs directly after it, before
/// mail that came meanwhile; so does what that one asks for.
#[test]
fn mbx_02_continue_before_mail() {
    case(async |test| {
        for (from_start, expected) in [
            (true, ["start", "continue 2", "continue 1", "m1", "m2"].as_slice()),
            (false, &["start", "m1", "continue 1", "m2"]),
        ] {
            let log = Log::new();
            let noted = log.clone();
            let make = move || Continues { log: noted.clone(), from_start };
            let addr = greenroom::actor::spawn("continues", make);
            for number in [1, 2] {
                addr.tell(Mail(number)).await.unwrap();
            }
            test.advance(secs(1)).await;
            assert_eq!(log.take(), expected);
        }
    });
}

/// **R2.4** Messages that are sent while an actor starts wait for it, in order, also those whose
/// senders wait for room: a small mailbox is no deadlock.
#[test]
fn mbx_03_mail_before_start_kept() {
    case(async |test| {
        let log = Log::new();
        let noted = log.clone();
        let starts = async move |cx: &mut Cx<Script>| {
            time::sleep(secs(1)).await;
            crate::scripted::script("a", cx, &noted).await
        };
        let mailbox = MailboxOptions::bounded(1);
        let addr = greenroom::actor::spawn_with("a", mailbox, starts);
        addr.try_tell(Script::Note(1)).unwrap();
        assert!(addr.try_tell(Script::Note(0)).is_err(), "it is full");
        let waits = greenroom::task::spawn(async move { addr.tell(Script::Note(2)).await.is_ok() });
        test.settle().await;
        assert!(!waits.is_finished() && log.take().is_empty());
        test.advance(secs(1)).await;
        assert!(waits.await.unwrap());
        assert_eq!(log.take(), ["a note 1", "a note 2"]);
    });
}

/// **R1.11** Urgent messages come before ordinary ones and keep their order; a stop comes before
/// both, and a kill before the stop.
#[test]
fn mbx_05_urgent_lane() {
    case(async |test| {
        let log = Log::new();
        let lane = MailboxOptions::default().urgent(2);
        let (open, closed) = (scripted_with("open", lane, &log), scripted("closed", &log));
        for (addr, expected) in [
            (open, ["open note 11", "open note 12", "open note 1", "open note 2"]),
            (closed, ["closed note 1", "closed note 2", "closed note 11", "closed note 12"]),
        ] {
            for number in [1, 2] {
                addr.tell(Script::Note(number)).await.unwrap();
            }
            for number in [11, 12] {
                addr.try_tell_urgent(Script::Note(number)).unwrap();
            }
            test.settle().await;
            assert_eq!(log.take(), expected, "only a receiver with a lane lets anybody push in");
        }
        // The lane is bounded, and says so.
        open.try_tell_urgent(Script::Note(1)).unwrap();
        open.try_tell_urgent(Script::Note(2)).unwrap();
        let full = open.try_tell_urgent(Script::Note(3)).unwrap_err();
        assert!(full.is_full() && matches!(full.into_message(), Some(Script::Note(3))));

        // A stop that is asked for last is taken first.
        open.stop();
        assert_eq!(open.ended().await, ExitReason::Shutdown);
        assert_eq!((log.take().len(), test.letters().len()), (0, 2));
        closed.stop();
        closed.kill();
        assert_eq!(closed.ended().await, ExitReason::Killed);
    });
}

/// **R6.1** What is put aside comes back in its order, before other mail; and a full stash says so
/// and keeps what it has.
#[test]
fn mbx_06_stash_order_capacity() {
    case(async |test| {
        let log = Log::new();
        let addr = scripted_with("s", MailboxOptions::default().stash(3), &log);
        for number in 1..=3 {
            addr.tell(Script::Note(number)).await.unwrap();
        }
        addr.tell(Script::job(|cx| {
            for number in 4..=6 {
                cx.stash(Script::Note(number)).unwrap();
            }
            let full = cx.stash(Script::Note(99)).unwrap_err();
            assert_eq!((full.capacity(), cx.stashed()), (3, 3));
            assert!(matches!(full.into_message(), Script::Note(99)));
            assert_eq!(cx.unstash_all(), 3);
        }))
        .await
        .unwrap();
        addr.tell(Script::Note(7)).await.unwrap();
        test.settle().await;
        let expected: Vec<String> = (1..=7).map(|number| format!("s note {number}")).collect();
        assert_eq!(log.take(), expected);
    });
}

/// **R6.1, R6.2** A replay brings back what was there when it was asked for: what is put aside
/// again meanwhile stays, and clearing during it drops the rest, to the dead letters.
#[test]
fn mbx_07_unstash_only_present() {
    case(async |test| {
        let log = Log::new();
        let addr = scripted("s", &log);
        let again = log.clone();
        inside(test, addr, move |cx| {
            cx.stash(Script::Note(1)).unwrap();
            cx.stash(Script::job(move |cx| {
                again.add("again");
                cx.stash(Script::Note(2)).unwrap();
            }))
            .unwrap();
            cx.stash(Script::Note(3)).unwrap();
            cx.unstash_all();
        })
        .await;
        assert_eq!(log.take(), ["s note 1", "again", "s note 3"], "2 was put aside again");
        inside(test, addr, |cx| {
            assert_eq!((cx.stashed(), cx.unstash_all()), (1, 1));
        })
        .await;
        assert_eq!(log.take(), ["s note 2"]);

        inside(test, addr, |cx| {
            cx.stash(Script::Note(1)).unwrap();
            cx.stash(Script::job(|cx| cx.clear_stash())).unwrap();
            cx.stash(Script::Note(2)).unwrap();
            cx.stash(Script::Note(3)).unwrap();
            cx.unstash_all();
        })
        .await;
        assert_eq!(log.take(), ["s note 1"]);
        let causes: Vec<Cause> = test.letters().into_iter().map(|letter| letter.cause).collect();
        assert_eq!(causes, [Cause::Cleared, Cause::Cleared]);

        // At the end: dead letters, never nothing.
        inside(test, addr, |cx| {
            cx.stash(Script::Note(1)).unwrap();
            cx.stop();
        })
        .await;
        assert_eq!(test.letters()[0].cause, Cause::Ended(ExitReason::Normal));
    });
}

/// **R6.2, R3.28, R3.29** What was put aside, and what a replay had not come to, is there for the
/// next incarnation, in order and before other mail.
#[test]
fn mbx_07_the_stash_survives_a_crash_and_so_does_a_replay() {
    case(async |test| {
        let log = Log::new();
        let noted = log.clone();
        let body = async move |cx: &mut Cx<Script>| crate::scripted::script("s", cx, &noted).await;
        let addr = test.spawn(child("s", body)).await.unwrap();
        addr.tell(Script::job(|cx| {
            cx.stash(Script::Note(1)).unwrap();
            cx.stash(Script::Fail("in the replay")).unwrap();
            cx.stash(Script::Note(2)).unwrap();
            cx.unstash_all();
            cx.stash(Script::Note(3)).unwrap();
        }))
        .await
        .unwrap();
        addr.tell(Script::Note(4)).await.unwrap();
        test.settle().await;
        assert_eq!(log.take(), ["s note 1", "s note 2", "s note 3", "s note 4"]);
        assert_eq!(addr.id().info().unwrap().incarnation, 1);
    });
}

/// The behaviour of an actor as the function that takes its next message.
#[derive(Clone, Copy)]
enum Behaviour {
    Angry,
    Happy,
}

enum Mood {
    Hear(&'static str),
    Become(Behaviour),
}
impl Protocol for Mood {}

/// **R6.3** Each message is handled by the behaviour that the one before it chose, and the last one
/// sees the end. A behaviour is where the function stands, or a value that it keeps.
#[test]
fn mbx_08_become() {
    case(async |test| {
        let log = Log::new();
        let noted = log.clone();
        let moody = greenroom::actor::spawn("moody", async move |cx: &mut Cx<Mood>| {
            let mut behaviour = Behaviour::Happy;
            while let Some(message) = cx.next().await {
                match (behaviour, message) {
                    (_, Mood::Become(next)) => behaviour = next,
                    (Behaviour::Happy, Mood::Hear(what)) => noted.add(format!("{what}, thanks")),
                    (Behaviour::Angry, Mood::Hear(what)) => noted.add(format!("{what}?!")),
                }
            }
            noted.add(match behaviour {
                Behaviour::Happy => "bye",
                Behaviour::Angry => "at last",
            });
            Ok::<(), Fault>(())
        });
        for message in [
            Mood::Hear("a"),
            Mood::Become(Behaviour::Angry),
            Mood::Hear("b"),
            Mood::Become(Behaviour::Happy),
            Mood::Hear("c"),
            Mood::Become(Behaviour::Angry),
        ] {
            moody.tell(message).await.unwrap();
        }
        test.settle().await;
        moody.stop();
        moody.ended().await;
        assert_eq!(log.take(), ["a, thanks", "b?!", "c, thanks", "at last"]);
    });
}

/// **R2.6, R7.1** A message that an actor has no use for is an event with its type and recipient;
/// the actor lives, and an asker is told that there is no reply.
#[test]
fn mbx_09_unhandled_event() {
    case(async |test| {
        let log = Log::new();
        let addr = scripted("picky", &log);
        inside(test, addr, |cx| cx.unhandled(Script::Note(1))).await;
        let letters = test.letters();
        assert_eq!((letters.len(), &letters[0].cause), (1, &Cause::Unhandled));
        assert_eq!(letters[0].recipient, Some(addr.id()));
        assert!(
            letters[0].message.ends_with("Script") && letters[0].name.as_deref() == Some("picky")
        );

        let picky = async |cx: &mut Cx<Script>| {
            loop {
                let message = cx.recv().await;
                cx.unhandled(message);
            }
            #[expect(unreachable_code, reason = "the loop has no end of its own")]
            Ok::<(), Fault>(())
        };
        let addr = greenroom::actor::spawn("picky", picky);
        let refused = addr.ask_with(|reply| Script::Echo(1, reply)).await;
        assert!(matches!(refused, Err(AskError::NoReply { .. })));
        assert!(addr.is_alive());
    });
}

/// **D9, R2.5** A handler that awaits lets no other message in.
#[test]
fn one_message_at_a_time_also_while_a_handler_awaits() {
    case(async |test| {
        let log = Log::new();
        let noted = log.clone();
        let awaits = async move |cx: &mut Cx<Script>| -> Result<(), Fault> {
            loop {
                let Script::Note(number) = cx.recv().await else { continue };
                noted.add(format!("begin {number}"));
                time::sleep(secs(u64::from(10 - number))).await;
                noted.add(format!("end {number}"));
            }
        };
        let addr = greenroom::actor::spawn("awaits", awaits);
        for number in 1..=3 {
            addr.tell(Script::Note(number)).await.unwrap();
        }
        test.advance(secs(60)).await;
        let expected = ["begin 1", "end 1", "begin 2", "end 2", "begin 3", "end 3"];
        assert_eq!(log.take(), expected);
    });
}

/// **D11, D6** A kill takes effect at the next suspension point and not before: what stands between
/// two of them is done whole; then the future is dropped, and no hook runs.
#[test]
fn a_kill_waits_for_the_next_suspension_point() {
    case(async |test| {
        let log = Log::new();
        let noted = log.clone();
        let killed = async move |cx: &mut Cx<Script>| -> Result<(), Fault> {
            let _local = Rc::new(());
            cx.recv().await;
            cx.id().kill();
            noted.add("still here");
            greenroom::task::yield_now().await;
            noted.add("never");
            Ok(())
        };
        let addr = greenroom::actor::spawn("killed", killed);
        addr.tell(Script::Note(1)).await.unwrap();
        assert_eq!(addr.ended().await, ExitReason::Killed);
        let worker = test.spawn(child("w", worker("w", &log, &Knobs::new())).restart(Temporary));
        let worker = worker.await.unwrap();
        worker.kill();
        worker.ended().await;
        assert_eq!(log.take(), ["still here", "start w"], "no stop hook");
    });
}

/// **R2.9, R2.10** A suspended actor answers questions about itself and takes no message; resumed,
/// it handles them in order. A stop ends it all the same.
#[test]
fn mbx_10_suspend_resume() {
    case(async |test| {
        let log = Log::new();
        let addr = scripted("s", &log);
        addr.tell(Script::Note(0)).await.unwrap();
        test.settle().await;
        addr.id().suspend();
        let before = addr.id().info().unwrap();
        for number in [1, 2] {
            addr.tell(Script::Note(number)).await.unwrap();
        }
        test.settle().await;
        let after = addr.id().info().unwrap();
        assert_eq!((after.suspended, after.waiting, after.handled), (true, 2, before.handled));
        assert_eq!(log.take(), ["s note 0"]);
        addr.id().resume();
        test.settle().await;
        assert_eq!(log.take(), ["s note 1", "s note 2"]);
        addr.id().suspend();
        addr.stop();
        assert_eq!(addr.ended().await, ExitReason::Shutdown);
    });
}

struct Parent {
    log: Log,
    children: Rc<RefCell<Vec<Supervisor>>>,
}
impl Actor for Parent {
    type Protocol = ContinuesProtocol;
    type Error = Fault;

    async fn started(&mut self, cx: &mut Cx<ContinuesProtocol>) -> Result<(), Fault> {
        let slow = Knobs::new().stop_takes(secs(1));
        let mut family = Supervisor::one_for_one();
        for id in ["c1", "c2", "c3"] {
            family = family.child(child(id, worker(id, &self.log, &slow)));
        }
        let family = family.start_under(cx).await?;
        self.children.borrow_mut().push(family);
        self.log.add("start parent");
        Ok(())
    }

    async fn stopped(&mut self, _: &ExitReason, _: &mut Cx<ContinuesProtocol>) {
        self.log.add("stop parent");
    }
}
impl Handler<Mail> for Parent {
    async fn handle(&mut self, _: Mail, _: &mut Cx<ContinuesProtocol>) -> Result<(), Fault> {
        Ok(())
    }
}
impl Handler<Next> for Parent {
    async fn handle(&mut self, _: Next, _: &mut Cx<ContinuesProtocol>) -> Result<(), Fault> {
        Ok(())
    }
}

/// **R1.8** The children of an actor are gone before its own stop hook runs, and it has ended only
/// after that.
#[test]
fn mbx_13_stop_hook_after_children() {
    case(async |test| {
        let log = Log::new();
        let children = Rc::new(RefCell::new(Vec::new()));
        let (noted, made) = (log.clone(), Rc::clone(&children));
        let make = move || Parent { log: noted.clone(), children: Rc::clone(&made) };
        let addr = test.spawn(child("parent", make).restart(Temporary)).await.unwrap();
        assert_eq!(log.take(), ["start c1", "start c2", "start c3", "start parent"]);
        addr.stop();
        assert_eq!(addr.ended().await, ExitReason::Shutdown);
        assert_eq!(log.take(), ["stop c3", "stop c2", "stop c1", "stop parent"]);
        assert!(!children.borrow()[0].id().is_alive());
    });
}
