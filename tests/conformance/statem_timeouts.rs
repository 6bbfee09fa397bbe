//! State machines: timeouts, and what cancels them.

use greenroom::prelude::*;
use greenroom::state_machine::{Timeout, TimeoutName};

use crate::harness::{Log, case, ms, secs};
use crate::machine::{Event, Plan, Step, notes, send};

fn state(delay: u64, number: u32) -> Timeout<Event> {
    Timeout::state(ms(delay), Event::Note(number))
}
fn event(delay: u64, number: u32) -> Timeout<Event> {
    Timeout::event(ms(delay), Event::Note(number))
}
fn named(name: &'static str, delay: u64, number: u32) -> Timeout<Event> {
    Timeout::named(name, ms(delay), Event::Note(number))
}

/// **R6.4** A timeout without delay comes behind what is queued and before mail, urgent mail too;
/// that of an event only if nothing is queued, which mail is not.
#[test]
fn statem_20_timeouts_without_delay() {
    case(async |test| {
        let log = Log::new();
        let machine = Plan::new(&log).machine();
        let lane = MailboxOptions::default().urgent(1);
        let addr = greenroom::actor::spawn_with("machine", lane, machine);
        let job = |_, cx: &mut Cx<Event>| {
            cx.addr().try_tell_urgent(Event::Note(8)).unwrap();
            let step = Step::keep().insert(Event::Note(1)).insert(Event::Note(2));
            step.with(named("x", 0, 3)).with(event(0, 99)).with(state(0, 4))
        };
        send(addr, [Event::job(job)].into_iter().chain(notes([9]))).await;
        test.settle().await;
        assert_eq!(log.take(), ["-> a", "a: 1", "a: 2", "a: 3", "a: 4", "a: 8", "a: 9"]);
        send(addr, [Event::set(event(0, 1))].into_iter().chain(notes([2]))).await;
        test.settle().await;
        assert_eq!(log.take(), ["a: 1", "a: 2"], "mail that waits is no event yet");
        // Replaced, it goes to the end; cancelled, it does not come.
        let job = |_, _: &mut Cx<Event>| {
            let step = Step::keep().with(named("x", 0, 1)).with(named("y", 0, 2));
            step.with(named("z", 0, 3)).with(named("x", 0, 4)).with(Timeout::cancel("y"))
        };
        send(addr, [Event::job(job)]).await;
        test.settle().await;
        assert_eq!(log.take(), ["a: 3", "a: 4"]);
    });
}

// E1: not even one that had run out already.
/// **R6.5** A state timeout is cancelled by a change of state and by nothing else: not by events,
/// by staying, by the enter call once more, or by going to the same state. It is cancelled also
/// when its event waits already. One that is set with a change belongs to the new state.
#[test]
fn statem_21_state_timeout() {
    case(async |test| {
        let log = Log::new();
        let addr = Plan::new(&log).spawn();
        send(addr, [Event::set(state(1_000, 1))]).await;
        test.advance(ms(999)).await;
        send(addr, [Event::Note(0), Event::Go("a"), Event::job(|_, _| Step::repeat())]).await;
        test.settle().await;
        assert_eq!(log.take(), ["-> a", "a: 0", "a -> a"]);
        test.advance(ms(1)).await;
        assert_eq!(log.take(), ["a: 1"]);

        send(addr, [Event::set(state(1_000, 2))]).await;
        test.advance(ms(999)).await;
        send(addr, [Event::job(|_, _| Step::to("b").with(state(1_000, 3))), Event::Go("b")]).await;
        test.advance(ms(999)).await;
        assert_eq!(log.take(), ["a -> b"]);
        test.advance(ms(1)).await;
        assert_eq!(log.take(), ["b: 3"]);

        // It has run out behind an event that changes the state.
        send(addr, [Event::set(state(1_000, 4))]).await;
        test.settle().await;
        addr.id().suspend();
        send(addr, [Event::Go("c")]).await;
        test.advance(secs(2)).await;
        assert_eq!(addr.id().info().unwrap().waiting, 2);
        addr.id().resume();
        // So has one without delay, behind an inserted event that changes the state.
        let job = |_, _: &mut Cx<Event>| Step::keep().insert(Event::Go("d")).with(state(0, 5));
        send(addr, [Event::job(job)]).await;
        test.advance(secs(5)).await;
        assert_eq!(log.take(), ["b -> c", "c -> d"]);
    });
}

// E1: any other event cancels it, and a new one is not fired by the time of an old one.
/// **R6.5** An event timeout is cancelled by any event: mail, an inserted or a replayed one,
/// another timeout; also when its own event waits already.
#[test]
fn statem_22_event_timeout() {
    case(async |test| {
        let log = Log::new();
        let addr = Plan::new(&log).postpones_in_a().spawn();
        test.settle().await;
        log.take();
        // Nothing else comes: it comes, and may set the next.
        let again = || Timeout::event(ms(1_000), Event::set(event(1_000, 1)));
        send(addr, [Event::Go("b"), Event::set(again())]).await;
        test.advance(ms(1_999)).await;
        assert_eq!(log.take(), ["a -> b"]);
        test.advance(ms(1)).await;
        assert_eq!(log.take(), ["b: 1"]);

        // Mail; the second arming is not fired by the first.
        send(addr, [Event::set(event(1_000, 2))]).await;
        test.advance(ms(999)).await;
        send(addr, [Event::set(event(1_000, 3))]).await;
        test.advance(ms(999)).await;
        send(addr, notes([4])).await;
        test.advance(secs(5)).await;
        assert_eq!(log.take(), ["b: 4"]);

        // Another timeout; an inserted event; a replayed one.
        let both =
            |_, _: &mut Cx<Event>| Step::keep().with(event(1_000, 5)).with(named("n", 999, 6));
        send(addr, [Event::job(both)]).await;
        test.advance(secs(5)).await;
        let inserts = |_, _: &mut Cx<Event>| Step::keep().with(event(0, 7)).insert(Event::Note(8));
        send(addr, [Event::job(inserts), Event::Go("a"), Event::Note(9)]).await;
        send(addr, [Event::job(|_, _| Step::to("b").with(event(0, 10)))]).await;
        test.advance(secs(5)).await;
        assert_eq!(log.take(), ["b: 6", "b: 8", "b -> a", "a: 9 later", "a -> b", "b: 9"]);

        // It has run out behind other mail.
        send(addr, [Event::set(event(1_000, 11))]).await;
        test.settle().await;
        addr.id().suspend();
        send(addr, notes([12])).await;
        test.advance(secs(2)).await;
        assert_eq!(addr.id().info().unwrap().waiting, 2);
        addr.id().resume();
        test.advance(secs(5)).await;
        assert_eq!(log.take(), ["b: 12"]);
    });
}

/// **R6.5** Named timeouts go on over events and changes of state; each can be cancelled, also when
/// its event waits, and one that is started again is replaced.
#[test]
fn statem_23_named_timeouts() {
    case(async |test| {
        let log = Log::new();
        let addr = Plan::new(&log).spawn();
        send(addr, [Event::set(named("x", 1_000, 1)), Event::set(named("y", 2_000, 2))]).await;
        send(addr, [Event::Note(0), Event::Go("b")]).await;
        test.advance(ms(500)).await;
        assert_eq!(log.take(), ["-> a", "a: 0", "a -> b"]);
        send(addr, [Event::set(named("x", 1_000, 3))]).await;
        let knows = |_, cx: &mut Cx<Event>| {
            assert_eq!(cx.timer_left("x"), Some(ms(1_000)));
            Step::keep()
        };
        send(addr, [Event::job(knows)]).await;
        test.advance(ms(999)).await;
        assert!(log.take().is_empty(), "the first was to come after 1,000");
        test.advance(ms(1)).await;
        assert_eq!(log.take(), ["b: 3"]);
        send(addr, [Event::set(Timeout::cancel("y")), Event::set(Timeout::cancel("none"))]).await;
        test.advance(secs(5)).await;

        send(addr, [Event::set(named("x", 1_000, 4))]).await;
        test.settle().await;
        addr.id().suspend();
        send(addr, [Event::set(Timeout::cancel("x")), Event::Note(5)]).await;
        test.advance(secs(2)).await;
        addr.id().resume();
        test.advance(secs(5)).await;
        assert_eq!(log.take(), ["b: 5"]);
    });
}

/// **R6.5** Each kind can be given another event, and its time stays; so does its place when it
/// waits. One that is not there, or has come, comes at once.
#[test]
fn statem_24_update() {
    case(async |test| {
        let log = Log::new();
        let addr = Plan::new(&log).spawn();
        test.settle().await;
        log.take();
        for (start, name) in [
            (named("x", 1_000, 1), "x".into()),
            (state(1_000, 1), TimeoutName::State),
            (event(1_000, 1), TimeoutName::Event),
        ] {
            let update = Timeout::update(name.clone(), Event::Note(2));
            if name == TimeoutName::Event {
                // Only in the same step, as any event cancels it.
                send(addr, [Event::job(|_, _| Step::keep().with(start).with(update))]).await;
            } else {
                send(addr, [Event::set(start)]).await;
                test.advance(ms(400)).await;
                send(addr, [Event::set(update)]).await;
                test.advance(ms(600) - ms(1)).await;
                assert!(log.take().is_empty(), "{name:?}");
            }
            test.advance(secs(1)).await;
            assert_eq!(log.take(), ["a: 2"], "{name:?}");

            let update = Timeout::update(name.clone(), Event::Note(3));
            send(addr, [Event::set(update), Event::Note(4)]).await;
            test.settle().await;
            assert_eq!(log.take(), ["a: 3", "a: 4"], "{name:?}: at once, before mail");
        }

        // It waits between two others, and stays there; in its own handler it has come.
        send(addr, [Event::set(named("x", 1_000, 5))]).await;
        test.settle().await;
        addr.id().suspend();
        let again = |_, _: &mut Cx<Event>| Step::keep().with(Timeout::update("x", Event::Note(7)));
        send(addr, [Event::set(Timeout::update("x", Event::job(again))), Event::Note(6)]).await;
        test.advance(secs(2)).await;
        send(addr, notes([8])).await;
        addr.id().resume();
        test.settle().await;
        assert_eq!(log.take(), ["a: 6", "a: 7", "a: 8"]);
    });
}

/// **R6.4, R6.5** The enter call sets timeouts too, of the initial state as of others; what it says
/// comes after what the transition said.
#[test]
fn statem_25_timeouts_of_the_enter_call() {
    case(async |test| {
        let log = Log::new();
        let addr = Plan::new(&log)
            .entering(|now, _| {
                Ok(match now {
                    "a" => vec![state(1_000, 1), named("at once", 0, 2)],
                    "b" => vec![state(2_000, 3)],
                    _ => vec![Timeout::cancel(TimeoutName::State)],
                })
            })
            .spawn();
        send(addr, notes([0])).await;
        test.advance(ms(999)).await;
        assert_eq!(log.take(), ["-> a", "a: 2", "a: 0"]);
        test.advance(ms(1)).await;
        assert_eq!(log.take(), ["a: 1"]);
        send(addr, [Event::job(|_, _| Step::to("b").with(state(1_000, 4)))]).await;
        test.advance(ms(1_999)).await;
        assert_eq!(log.take(), ["a -> b"], "replaced");
        // The enter call once more starts it again, as the state did not change.
        send(addr, [Event::job(|_, _| Step::repeat())]).await;
        test.advance(ms(1_999)).await;
        assert_eq!(log.take(), ["b -> b"]);
        test.advance(ms(1)).await;
        assert_eq!(log.take(), ["b: 3"]);
        send(addr, [Event::job(|_, _| Step::to("c").with(state(1_000, 5)))]).await;
        test.advance(secs(5)).await;
        assert_eq!(log.take(), ["b -> c"], "cancelled");
    });
}

// E1: and none outlives its incarnation.
/// **R5.1** No timeout outlives its incarnation, not even one without delay or one that waits.
#[test]
fn statem_26_timeouts_end_with_their_incarnation() {
    case(async |test| {
        let log = Log::new();
        let addr = test.spawn(child("machine", Plan::new(&log).machine())).await.unwrap();
        let before = greenroom::test::tasks();
        let job = |_, _: &mut Cx<Event>| {
            let step = Step::keep().with(state(1_000, 1)).with(event(1_000, 2));
            step.with(named("x", 0, 3)).insert(Event::Fail("told to"))
        };
        send(addr, [Event::set(named("waits", 1_000, 4))]).await;
        test.settle().await;
        addr.id().suspend();
        send(addr, [Event::job(job)]).await;
        test.advance(secs(1)).await;
        assert_eq!(addr.id().info().unwrap().waiting, 2);
        log.take();
        addr.id().resume();
        test.settle().await;
        let ends = ["a crashed: error: told to", "a stopped: error: told to"];
        assert_eq!(log.take(), [&ends[..], &["-> a"]].concat());
        assert_eq!(greenroom::test::tasks(), before);
        test.letters();
        test.advance(secs(5)).await;
        assert!(log.take().is_empty() && test.letters().is_empty());
    });
}
