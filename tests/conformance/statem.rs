//! State machines: the order of a step, and events that wait. Timeouts are in `statem_timeouts.rs`.

use greenroom::actor::Cause;
use greenroom::prelude::*;
use greenroom::state_machine::{Timeout, TimeoutName};
use greenroom::supervisor::StartError;

use crate::harness::{Log, case, ms, secs};
use crate::machine::{Event, Plan, Step, notes, send};

/// **R6.4** One step in its order: the reply, the enter call, the event in hand put aside, the
/// queue from the oldest postponed, before it what was inserted, behind it timeouts without delay,
/// and then what others have sent meanwhile.
#[test]
fn statem_01_the_order_of_one_step() {
    case(async |test| {
        let log = Log::new();
        let addr = Plan::new(&log).postpones_in_a().enter_takes(secs(1)).spawn();
        test.advance(secs(1)).await;
        send(addr, notes([1, 2])).await;
        let asked = addr.ask_with(|reply: Reply<&'static str>| {
            Event::job(move |state, _| {
                reply.send(state);
                Step::to("b")
                    .with(Timeout::state(ms(0), Event::Note(20)))
                    .postpone(Event::Note(3))
                    .insert(Event::Note(10))
                    .with(Timeout::named("soon", ms(0), Event::Note(21)))
                    .insert(Event::Note(11))
            })
        });
        assert_eq!(asked.await.unwrap(), "a");
        assert_eq!(test.now(), secs(1), "the reply does not wait for the enter call");
        send(addr, notes([30])).await;
        test.settle().await;
        assert_eq!(log.take(), ["-> a", "a: 1 later", "a: 2 later"]);
        test.advance(secs(1)).await;
        let expected =
            ["a -> b", "b: 10", "b: 11", "b: 1", "b: 2", "b: 3", "b: 20", "b: 21", "b: 30"];
        assert_eq!(log.take(), expected);
    });
}

/// **R6.4** The enter call runs for the initial state, after a change, and when a transition says
/// so; not when the machine stays, or goes to the state in which it is.
#[test]
fn statem_02_enter_calls() {
    case(async |test| {
        let log = Log::new();
        let addr = Plan::new(&log).spawn();
        test.settle().await;
        assert_eq!(log.take(), ["-> a"], "before any event");
        send(addr, [Event::Note(1), Event::Go("a")]).await;
        send(addr, [Event::job(|_, _| Step::repeat()), Event::Go("b"), Event::Go("a")]).await;
        test.settle().await;
        assert_eq!(log.take(), ["a: 1", "a -> a", "a -> b", "b -> a"]);
    });
}

// E2: oldest first, whatever was postponed again.
/// **R6.4** On a change of state the queue starts again from the oldest postponed event: also from
/// one that a replay postponed once more, before the rest of that replay, and before all mail.
#[test]
fn statem_03_the_queue_starts_again_from_the_oldest() {
    case(async |test| {
        let log = Log::new();
        let addr = Plan::new(&log)
            .postpones(|state, event| {
                matches!((state, event), ("a", Event::Note(_) | Event::Go("c")))
                    || matches!((state, event), ("b", Event::Note(_)))
            })
            .spawn();
        let first = [Event::Note(1), Event::Go("c"), Event::Note(2), Event::Go("b")];
        send(addr, first.into_iter().chain(notes([3]))).await;
        test.settle().await;
        let in_a = ["-> a", "a: 1 later", "a: go c later", "a: 2 later", "a -> b"];
        let expected = [&in_a[..], &["b: 1 later", "b -> c", "c: 1", "c: 2", "c: 3"]].concat();
        assert_eq!(log.take(), expected);
    });
}

/// **R6.4** Nothing but a change of state brings postponed events back: not to stay, not the enter
/// call once more, not the same state. Meanwhile they count as put aside.
#[test]
fn statem_04_only_a_change_brings_postponed_events_back() {
    case(async |test| {
        let log = Log::new();
        let addr = Plan::new(&log).postpones_in_a().spawn();
        send(addr, notes([1, 2])).await;
        let stays = [Event::job(|_, _| Step::repeat()), Event::Go("a"), Event::set(cancel())];
        send(addr, stays).await;
        let counts = |_, cx: &mut Cx<Event>| {
            assert_eq!((cx.stashed(), cx.waiting()), (2, 0));
            Step::keep()
        };
        send(addr, [Event::job(counts)]).await;
        test.settle().await;
        assert_eq!(log.take(), ["-> a", "a: 1 later", "a: 2 later", "a -> a"]);
        send(addr, [Event::Go("b")]).await;
        test.settle().await;
        assert_eq!(log.take(), ["a -> b", "b: 1", "b: 2"]);
    });
}

fn cancel() -> Timeout<Event> {
    Timeout::cancel(TimeoutName::State)
}

/// **R6.4** Inserted events come before all that waits, in their order: before those that an
/// earlier event inserted, which come after the postponed ones when the state has changed.
#[test]
fn statem_05_inserted_events_come_first() {
    case(async |test| {
        let log = Log::new();
        let addr = Plan::new(&log).postpones_in_a().spawn();
        let inner =
            |_, _: &mut Cx<Event>| Step::to("b").insert(Event::Note(11)).insert(Event::Note(12));
        let outer = move |_, _: &mut Cx<Event>| {
            Step::keep().insert(Event::job(inner)).insert(Event::Note(10))
        };
        send(addr, notes([1, 2]).chain([Event::job(outer)]).chain(notes([3]))).await;
        test.settle().await;
        let expected = [
            "-> a",
            "a: 1 later",
            "a: 2 later",
            "a -> b",
            "b: 11",
            "b: 12",
            "b: 1",
            "b: 2",
            "b: 10",
            "b: 3",
        ];
        assert_eq!(log.take(), expected);
    });
}

/// **R6.4, R6.1** Postponed events are bounded: one too many crashes the machine, whose error names
/// the limit, and is lost to the dead letters. The next incarnation handles the others.
#[test]
fn statem_06_postponed_events_are_bounded() {
    case(async |test| {
        let log = Log::new();
        let machine = Plan::new(&log)
            .postpones(|state, event| state == "b" && matches!(event, Event::Note(_)))
            .machine();
        let stash = MailboxOptions::default().stash(2);
        let addr = test.spawn(child("machine", machine).mailbox(stash)).await.unwrap();
        send(addr, [Event::Go("b")].into_iter().chain(notes([1, 2]))).await;
        test.settle().await;
        log.take();
        // What it inserts in the same step is not lost with it.
        let too_many =
            |_, _: &mut Cx<Event>| Step::keep().postpone(Event::Note(3)).insert(Event::Note(4));
        send(addr, [Event::job(too_many)].into_iter().chain(notes([5]))).await;
        test.settle().await;
        let seen = log.take();
        assert!(seen[0].starts_with("b crashed: error: "), "{seen:?}");
        assert!(seen[0].contains("the stash of actor `root/machine` holds 2 messages and is full"));
        assert_eq!(seen[2..], ["-> a", "a: 1", "a: 2", "a: 4", "a: 5"]);
        let letters = test.letters();
        assert_eq!(letters.len(), 1);
        assert!(matches!(letters[0].cause, Cause::Crashed(_)));
    });
}

// E2: and none is lost by a crash.
/// **R6.2, R6.4, R3.29, D1** However a machine crashes, the next incarnation begins in the initial
/// state and handles what was postponed, in order and before mail: also in the middle of a replay.
#[test]
fn statem_07_postponed_events_survive_a_crash() {
    case(async |test| {
        for end in ["error", "panic", "kill"] {
            let log = Log::new();
            let machine = Plan::new(&log)
                .postpones(|state, event| match state {
                    "b" => !matches!(event, Event::Go(_)),
                    "c" => matches!(event, Event::Note(1)),
                    _ => false,
                })
                .machine();
            let addr = test.spawn(child(end, machine).restart(Transient)).await.unwrap();
            let crash = match end {
                "error" => Event::Fail("told to"),
                "panic" => Event::Panic,
                _ => Event::Hang,
            };
            send(addr, [Event::Go("b"), Event::Note(1), crash]).await;
            send(addr, notes([2, 3]).chain([Event::Go("c"), Event::Note(4)])).await;
            test.settle().await;
            if end == "kill" {
                addr.kill();
                test.settle().await;
            }
            let seen = log.take();
            let crashed = seen.iter().position(|entry| entry == "c: 1 later").unwrap();
            let begins = seen.iter().rposition(|entry| entry == "-> a").unwrap();
            let hooks = if end == "kill" { 0 } else { 2 };
            assert_eq!(begins - crashed - 1, hooks, "in the replay, 2 and 3 still to come");
            assert_eq!(seen[begins + 1..], ["a: 1", "a: 2", "a: 3", "a: 4"], "{end}");
            assert_eq!(addr.id().info().unwrap().incarnation, 1, "{end}");
            assert_eq!(test.letters().len(), 1, "{end}: what crashed it");
            addr.stop();
        }
    });
}

/// **R6.3** Each event is handled by the state that the one before it chose, and the hooks of an
/// end see the last one.
#[test]
fn statem_08_become() {
    case(async |test| {
        let log = Log::new();
        let addr = Plan::new(&log).spawn();
        let there_and_back = [Event::Go("b"), Event::Note(2), Event::Go("a"), Event::Note(3)];
        send(addr, notes([1]).chain(there_and_back).chain([Event::Go("b")])).await;
        test.settle().await;
        addr.stop();
        assert_eq!(addr.ended().await, ExitReason::Shutdown);
        let expected =
            ["-> a", "a: 1", "a -> b", "b: 2", "b -> a", "a: 3", "a -> b", "b stopped: shutdown"];
        assert_eq!(log.take(), expected);

        // A crash in the enter call of a state is one in that state.
        let addr = Plan::new(&log)
            .entering(|state, _| if state == "b" { panic!("told to") } else { Ok(vec![]) })
            .spawn();
        send(addr, [Event::Go("b")]).await;
        assert_eq!(addr.ended().await, ExitReason::Panicked("told to".into()));
        let hooks = ["b crashed: panicked: told to", "b stopped: panicked: told to"];
        assert_eq!(log.take(), [&["-> a", "a -> b"][..], &hooks].concat());
    });
}

/// **R2.1, R2.2** A machine whose start, or first enter call, fails did not start, and no hook of
/// its runs; one that declines is no error.
#[test]
fn statem_09_start_outcomes() {
    case(async |test| {
        let log = Log::new();
        let refuses = Plan::new(&log).starts(Err("no start"));
        let cannot_enter = Plan::new(&log).entering(|_, _| Err(Fault::new("no entry")));
        for (plan, error) in [(refuses, "no start"), (cannot_enter, "no entry")] {
            let spec = child("machine", plan.machine()).restart(Temporary);
            match test.spawn(spec).await.unwrap_err() {
                StartError::Failed { reason, .. } => {
                    assert_eq!(reason, ExitReason::Error(error.into()));
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(log.take(), ["-> a"], "the second got that far");
        let in_start = Plan::new(&log).declines();
        let in_enter_call = Plan::new(&log).entering(|_, cx| {
            cx.decline();
            Ok(vec![Timeout::state(ms(0), Event::Note(1))])
        });
        for (plan, entered) in [(in_start, 0), (in_enter_call, 1)] {
            let spec = child("machine", plan.machine()).restart(Temporary);
            assert!(matches!(test.spawn(spec).await, Err(StartError::Declined { .. })));
            assert_eq!(log.take().len(), entered);
        }
    });
}

/// **R2.7, R6.2** A machine that stops has given its replies, and takes no further event: what was
/// inserted, was postponed, or waits is a dead letter, not lost.
#[test]
fn statem_10_stop() {
    case(async |test| {
        let log = Log::new();
        let addr = Plan::new(&log).postpones_in_a().spawn();
        send(addr, notes([1])).await;
        let asked = addr.ask_with(|reply: Reply<&'static str>| {
            Event::job(move |state, _| {
                reply.send(state);
                Step::stop().insert(Event::Note(2)).postpone(Event::Note(3)).with(Timeout::named(
                    "none",
                    ms(0),
                    Event::Note(4),
                ))
            })
        });
        let (asked, _, ended) = futures::join!(asked, send(addr, notes([5])), addr.ended());
        assert_eq!((asked.unwrap(), ended), ("a", ExitReason::Normal));
        assert_eq!(log.take(), ["-> a", "a: 1 later", "a stopped: normal"]);
        let causes: Vec<Cause> = test.letters().into_iter().map(|letter| letter.cause).collect();
        assert_eq!(causes, vec![Cause::Ended(ExitReason::Normal); 4], "1, 2, 3 and 5");
    });
}

/// **R2.9, R1.11** A stop from outside comes before every event that waits, inserted ones too; a
/// suspended machine takes none of them, and goes on where it was.
#[test]
fn statem_11_stop_and_suspend_come_before_events() {
    case(async |test| {
        for stops in [true, false] {
            let log = Log::new();
            let addr = Plan::new(&log).postpones_in_a().spawn();
            let job = move |_, cx: &mut Cx<Event>| {
                if stops {
                    cx.addr().stop()
                } else {
                    cx.id().suspend()
                }
                let zero = Timeout::named("zero", ms(0), Event::Note(3));
                Step::to("b").insert(Event::Note(2)).with(zero)
            };
            send(addr, notes([1]).chain([Event::job(job)])).await;
            test.settle().await;
            let stopped = if stops { Some("b stopped: shutdown") } else { None };
            let expected = ["-> a", "a: 1 later", "a -> b"].into_iter().chain(stopped);
            assert_eq!(log.take(), expected.collect::<Vec<_>>());
            addr.id().resume();
            test.settle().await;
            let expected = if stops { vec![] } else { vec!["b: 2", "b: 1", "b: 3"] };
            assert_eq!(log.take(), expected);
            addr.kill();
        }
    });
}

/// **R3.27, R6.5** A machine that resumes after an error of its handler is in the state in which it
/// was, with what it postponed and its timeouts; only the event is lost, which cancels the event
/// timeout as any other does. An error of an enter call is always a crash.
#[test]
fn statem_12_resume_after_an_error() {
    case(async |test| {
        let log = Log::new();
        let addr = Plan::new(&log)
            .postpones_in_a()
            .entering(|state, _| match state {
                "a" => Ok(vec![
                    Timeout::state(secs(1), Event::Go("b")),
                    Timeout::event(ms(500), Event::Note(99)),
                ]),
                "b" => Ok(vec![]),
                _ => Err(Fault::new("small")),
            })
            .spawn();
        send(addr, [Event::Fail("small")]).await;
        test.advance(ms(600)).await;
        send(addr, notes([1]).chain([Event::Fail("small")])).await;
        test.advance(secs(1)).await;
        assert_eq!(log.take(), ["-> a", "a: 1 later", "a -> b", "b: 1"]);
        let lost = Cause::Crashed(ExitReason::Error("small".into()));
        let causes: Vec<Cause> = test.letters().into_iter().map(|letter| letter.cause).collect();
        assert_eq!(causes, vec![lost; 2]);
        send(addr, [Event::Go("c")]).await;
        assert_eq!(addr.ended().await, ExitReason::Error("small".into()));
    });
}
