//! What comes while an actor is between two incarnations, or on its way out, and what must not
//! outlive an incarnation.

use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;

use futures::future::{Either, select};
use greenroom::actor::{Cause, Repeat, WhenIdle};
use greenroom::prelude::*;
use greenroom::time;

use crate::harness::{Log, case, ms, secs};
use crate::scripted::{Script, inside, script, scripted};

/// **R1.2** An exit over a link that comes while the actor waits to be started again is not lost:
/// the next incarnation ends by it.
#[test]
fn an_exit_between_incarnations_reaches_the_next() {
    case(async |test| {
        let log = Log::new();
        let partner = scripted("partner", &log);
        let starts = Rc::new(Cell::new(0));
        let counted = Rc::clone(&starts);
        let body = async move |cx: &mut Cx<Script>| {
            counted.set(counted.get() + 1);
            script("linked", cx, &log).await
        };
        let linked = child("linked", body).backoff(Backoff::new(secs(5), secs(5)).jitter(0.0));
        let linked = test.spawn(linked).await.unwrap();
        inside(test, linked, move |cx| cx.link(partner.id()).unwrap()).await;
        linked.tell(Script::Fail("first")).await.unwrap();
        test.advance(secs(1)).await;
        partner.id().kill();
        test.advance(secs(20)).await;
        let crashes: Vec<String> = test
            .events()
            .iter()
            .map(ToString::to_string)
            .filter(|event| event.contains("linked crashed"))
            .collect();
        assert_eq!(crashes, ["root/linked crashed: error: first", "root/linked crashed: killed"]);
        assert_eq!(starts.get(), 3, "and the one after that lives");
    });
}

/// **R1.2** The same for an exit that comes while the crashed incarnation takes its time to end.
#[test]
fn an_exit_during_the_stop_hook_reaches_the_next() {
    struct Slow(Rc<Cell<u32>>);
    impl Actor for Slow {
        type Protocol = Work;
        type Error = Fault;
        async fn started(&mut self, _: &mut Cx<Work>) -> Result<(), Fault> {
            self.0.set(self.0.get() + 1);
            Ok(())
        }
        async fn stopped(&mut self, _: &ExitReason, _: &mut Cx<Work>) {
            time::sleep(secs(2)).await;
        }
    }
    struct Link(ActorId);
    struct Fail;
    protocol! { enum Work { Link(Link), Fail(Fail) } }
    impl Handler<Link> for Slow {
        async fn handle(&mut self, Link(whom): Link, cx: &mut Cx<Work>) -> Result<(), Fault> {
            Ok(cx.link(whom)?)
        }
    }
    impl Handler<Fail> for Slow {
        async fn handle(&mut self, _: Fail, _: &mut Cx<Work>) -> Result<(), Fault> {
            Err(Fault::new("first"))
        }
    }
    case(async |test| {
        let partner = scripted("partner", &Log::new());
        let starts = Rc::new(Cell::new(0));
        let counted = Rc::clone(&starts);
        let slow = test.spawn(child("slow", move || Slow(Rc::clone(&counted)))).await.unwrap();
        slow.tell(Link(partner.id())).await.unwrap();
        slow.tell(Fail).await.unwrap();
        test.advance(secs(1)).await;
        partner.id().kill();
        test.advance(secs(20)).await;
        assert_eq!(starts.get(), 3, "the second ended by the exit");
    });
}

/// **R2.3** What a handler asked to be handled next goes with its incarnation, before the message
/// that comes again, and not in silence.
#[test]
fn a_continuation_of_a_crashed_handler_is_a_dead_letter() {
    enum Steps {
        First,
        Next,
    }
    impl Protocol for Steps {}
    case(async |test| {
        let log = Log::new();
        let noted = log.clone();
        let body = async move |cx: &mut Cx<Steps>| -> Result<(), Fault> {
            loop {
                let lease = cx.recv().await;
                let lease = cx.lease(lease);
                match (&*lease, lease.attempt()) {
                    (Steps::First, 0) => {
                        cx.continue_with(Steps::Next);
                        return Err(Fault::new("told to"));
                    }
                    (Steps::First, _) => noted.add("first again"),
                    (Steps::Next, _) => noted.add("next"),
                }
            }
        };
        let steps = test.spawn(child("steps", body)).await.unwrap();
        steps.tell(Steps::First).await.unwrap();
        test.settle().await;
        assert_eq!(log.take(), ["first again"]);
        let letters = test.letters();
        assert_eq!(letters.len(), 1);
        let told = ExitReason::Error("told to".into());
        assert_eq!(letters[0].cause, Cause::Ended(told), "{letters:?}");
    });
}

/// **R1.7** A watch is taken back also when its message stands in the mailbox and another watch was
/// begun meanwhile.
#[test]
fn unwatch_takes_back_a_message_that_waits() {
    #[derive(PartialEq, Debug)]
    enum Watcher {
        Go,
        Gone,
        Other,
        Last,
    }
    impl Protocol for Watcher {}
    case(async |test| {
        let log = Log::new();
        let (target, other) = (scripted("target", &log).id(), scripted("other", &log).id());
        let watcher = greenroom::actor::spawn("watcher", async move |cx: &mut Cx<Watcher>| {
            cx.watch(target, Watcher::Gone)?;
            assert_eq!(cx.recv().await, Watcher::Go);
            target.kill();
            time::sleep(secs(1)).await;
            cx.watch(other, Watcher::Other)?;
            assert!(cx.unwatch(target), "its message stood in the mailbox");
            assert!(!cx.unwatch(target));
            assert_eq!(cx.recv().await, Watcher::Last);
            // Watching the dead: one message more, which is handled, so that nothing is left.
            cx.watch(target, Watcher::Gone)?;
            assert_eq!(cx.recv().await, Watcher::Gone);
            cx.watch(other, Watcher::Other)?;
            assert!(!cx.unwatch(target) && cx.unwatch(other));
            Ok::<(), Fault>(())
        });
        watcher.tell(Watcher::Go).await.unwrap();
        test.advance(secs(2)).await;
        watcher.tell(Watcher::Last).await.unwrap();
        assert_eq!(watcher.ended().await, ExitReason::Normal);
    });
}

/// **R1.6** Taking back a monitor on an actor that had ended says that it had not fired.
#[test]
fn a_monitor_on_the_dead_can_be_taken_back() {
    case(async |test| {
        let log = Log::new();
        let (watcher, dead) = (scripted("watcher", &log), scripted("dead", &log));
        dead.id().kill();
        dead.ended().await;
        let told = log.clone();
        inside(test, watcher, move |cx| {
            let monitor = cx.monitor(dead.id());
            told.add(format!("{} {}", cx.demonitor(monitor), cx.demonitor(monitor)));
        })
        .await;
        assert_eq!(log.take(), ["true false"], "and it is silent");
    });
}

/// **R5.5** A repeated receive timeout counts from when the actor waits again, also after its own
/// message.
#[test]
fn a_repeated_receive_timeout_counts_from_the_next_wait() {
    enum Idle {
        Idle,
    }
    impl Protocol for Idle {}
    case(async |test| {
        let log = Log::new();
        let noted = log.clone();
        greenroom::actor::spawn("idles", async move |cx: &mut Cx<Idle>| -> Result<(), Fault> {
            cx.set_receive_timeout(secs(2), WhenIdle::Repeat, || Idle::Idle);
            loop {
                let Idle::Idle = cx.recv().await;
                noted.add("idle");
                time::sleep(secs(1)).await;
            }
        });
        // At 2, 5 and 8.
        test.advance(ms(7_900)).await;
        assert_eq!(log.take().len(), 2);
        test.advance(ms(200)).await;
        assert_eq!(log.take().len(), 1);
    });
}

/// **R2.5, D6** A handler that waits for a message itself ends where the actor is asked to stop,
/// and its hook runs.
#[test]
fn a_stop_inside_a_handler_that_receives_comes_to_the_hook() {
    struct Waits(Log);
    struct Wait;
    protocol! { enum WaitsProtocol { Wait(Wait) } }
    impl Actor for Waits {
        type Protocol = WaitsProtocol;
        type Error = Fault;
        async fn stopped(&mut self, reason: &ExitReason, _: &mut Cx<WaitsProtocol>) {
            time::sleep(secs(1)).await;
            self.0.add(format!("stopped {reason}"));
        }
    }
    impl Handler<Wait> for Waits {
        async fn handle(&mut self, _: Wait, cx: &mut Cx<WaitsProtocol>) -> Result<(), Fault> {
            let _ = cx.recv().await;
            panic!("there is no second message")
        }
    }
    case(async |_test| {
        let log = Log::new();
        let noted = log.clone();
        let waits = greenroom::actor::spawn("waits", move || Waits(noted.clone()));
        waits.tell(Wait).await.unwrap();
        greenroom::task::yield_now().await;
        waits.stop();
        assert_eq!(waits.ended().await, ExitReason::Shutdown);
        assert_eq!(log.take(), ["stopped shutdown"]);
    });
}

/// Closures of the user's that panic while they are dropped harm nobody at an actor's end.
#[test]
fn closures_that_panic_when_dropped_do_not_spoil_an_end() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(std::thread::panicking(), "dropped");
        }
    }
    case(async |test| {
        let log = Log::new();
        let target = scripted("target", &log);
        let body = async move |cx: &mut Cx<Script>| -> Result<(), Fault> {
            let bombs = [Bomb, Bomb, Bomb];
            let [first, second, third] = bombs;
            cx.set_receive_timeout(secs(60), WhenIdle::Once, move || {
                let _ = &first;
                Script::Note(1)
            });
            cx.monitor_with(target.id(), move |down| {
                let _ = &second;
                Script::Down(down)
            });
            cx.trap_exits_with(move |exit| {
                let _ = &third;
                Script::Exit(exit)
            });
            cx.recv().await;
            Ok(())
        };
        let actor = greenroom::actor::spawn("actor", body);
        test.settle().await;
        actor.stop();
        assert_eq!(actor.ended().await, ExitReason::Shutdown);
        target.stop();
        assert_eq!(target.ended().await, ExitReason::Shutdown);
        assert!(log.take().is_empty());
    });
}

/// A timer that repeats after its message was handled goes on where the actor takes messages while
/// it stops.
#[test]
fn a_repeating_timer_goes_on_in_the_last_exchanges() {
    case(async |test| {
        let log = Log::new();
        let noted = log.clone();
        let actor = greenroom::actor::spawn("actor", async move |cx: &mut Cx<Script>| {
            cx.send_every("tick", secs(1), Repeat::AfterHandled, || Script::Note(1));
            while cx.next().await.is_some() {}
            for _ in 0..3 {
                let Script::Note(1) = cx.recv_while_stopping().await else { panic!("a tick") };
                noted.add("tick");
            }
            Ok::<(), Fault>(())
        });
        test.settle().await;
        actor.stop();
        test.advance(secs(5)).await;
        assert_eq!(log.take(), ["tick", "tick", "tick"]);
        assert!(!actor.id().is_alive());
    });
}

/// Waiting until all has settled is not done before, also where another future shares its task.
#[test]
fn settle_in_a_join_waits_for_all_the_same() {
    case(async |test| {
        let log = Log::new();
        let actor = scripted("actor", &log);
        let settles = async {
            test.settle().await;
            log.add("settled");
        };
        let tells = async {
            for number in 0..3 {
                greenroom::task::yield_now().await;
                actor.tell(Script::Note(number)).await.unwrap();
            }
        };
        match select(pin!(settles), pin!(tells)).await {
            Either::Left(((), _)) => panic!("there was more to do"),
            Either::Right(((), settles)) => settles.await,
        }
        assert_eq!(log.take(), ["actor note 0", "actor note 1", "actor note 2", "settled"]);
    });
}

/// Two may wait for one probe, and two delays of one actor add up to the longer.
#[test]
fn probes_and_delays_may_be_used_twice_at_a_time() {
    case(async |test| {
        let probe = test.probe::<u32>("probe");
        let recipient = probe.recipient();
        let (one, two, ()) = futures::join!(probe.recv(), probe.recv(), async {
            recipient.tell(1).await.unwrap();
            recipient.tell(2).await.unwrap();
        });
        assert_eq!(one + two, 3);
        test.delay(probe.addr(), secs(3));
        test.delay(probe.addr(), secs(1));
        recipient.tell(3).await.unwrap();
        test.advance(secs(2)).await;
        assert!(probe.is_empty(), "the longer one counts");
        test.advance(secs(1)).await;
        assert_eq!(probe.take(), [3]);
    });
}
