//! Timers of actors.

use greenroom::actor::{Repeat, WhenIdle};
use greenroom::prelude::*;

use crate::harness::{Log, case, in_order, ms, secs};
use crate::scripted::{Script, inside, script, scripted};

/// **R5.1** Messages of timers come in the order of their times.
#[test]
fn tim_01_order() {
    in_order(async |test| {
        let log = Log::new();
        let addr = scripted("a", &log);
        inside(test, addr, |cx| {
            for delay in [5_000, 0, 200, 100, 500, 300, 400] {
                let after = ms(u64::from(delay));
                cx.send_after(format!("{delay}"), after, Script::Note(delay));
            }
        })
        .await;
        test.advance(secs(6)).await;
        let expected = [0, 100, 200, 300, 400, 500, 5_000].map(|delay| format!("a note {delay}"));
        assert_eq!(log.take(), expected);
    });
}

// K1: nothing comes of a timer that was cancelled or replaced.
/// **R5.1** One shot comes once, a repeated one again and again; a replaced timer brings the new
/// message only, and a cancelled one none, not even one that waits in the mailbox.
#[test]
fn tim_02_single_repeat_cancel() {
    in_order(async |test| {
        let log = Log::new();
        let addr = scripted("a", &log);
        inside(test, addr, |cx| cx.send_after("once", secs(1), Script::Note(1))).await;
        test.advance(secs(10)).await;
        assert_eq!(log.take(), ["a note 1"]);

        let every = |cx: &mut Cx<Script>, number| {
            cx.send_every("every", secs(1), Repeat::AfterHandled, move || Script::Note(number));
        };
        inside(test, addr, move |cx| every(cx, 2)).await;
        test.advance(ms(3_500)).await;
        assert_eq!(log.take(), ["a note 2"; 3]);
        inside(test, addr, move |cx| every(cx, 3)).await;
        test.advance(ms(1_500)).await;
        assert_eq!(log.take(), ["a note 3"], "the new one only");
        inside(test, addr, |cx| assert!(cx.cancel_timer("every").is_some())).await;
        test.advance(secs(5)).await;
        assert!(log.take().is_empty());

        // Replaced and cancelled when the message stands in the mailbox already: a handler that
        // takes long enough sees both timers fire behind its back.
        let noted = log.clone();
        let busy = greenroom::actor::spawn("busy", async move |cx: &mut Cx<Script>| {
            cx.send_after("old", secs(1), Script::Note(1));
            cx.send_after("gone", secs(1), Script::Note(2));
            greenroom::time::sleep(secs(2)).await;
            assert_eq!(cx.waiting(), 2, "both have fired");
            cx.send_after("old", secs(1), Script::Note(3));
            assert_eq!(cx.cancel_timer("gone"), Some(secs(0)));
            script("busy", cx, &noted).await
        });
        test.advance(secs(5)).await;
        assert_eq!(log.take(), ["busy note 3"]);
        assert!(busy.is_alive());
    });
}

// K1: and none outlives its incarnation.
/// **R5.1, R5.4** No timer outlives its incarnation, however it ends, and none is left over.
#[test]
fn tim_03_die_with_actor_and_restart() {
    in_order(async |test| {
        let log = Log::new();
        let start = |cx: &mut Cx<Script>, number| {
            cx.send_every("tick", secs(1), Repeat::AtFixedRate, move || Script::Note(number));
        };
        let tasks = || greenroom::test::tasks();
        let before = tasks();
        for end in ["stop", "fail", "kill"] {
            let addr = scripted("a", &log);
            inside(test, addr, move |cx| start(cx, 1)).await;
            assert_eq!(tasks(), before + 2, "the actor and its timer");
            match end {
                "stop" => inside(test, addr, |cx| cx.stop()).await,
                "fail" => addr.tell(Script::Fail("disk")).await.unwrap(),
                _ => addr.kill(),
            }
            test.settle().await;
            assert_eq!(tasks(), before, "{end}: nothing is left");
            test.letters();
            test.advance(secs(5)).await;
            assert!(test.letters().is_empty() && log.take().is_empty(), "{end}");
        }

        // After a restart only what the new incarnation armed; a tick that stood in the mailbox of
        // the old one does not come.
        let noted = log.clone();
        let body = async move |cx: &mut Cx<Script>| script("b", cx, &noted).await;
        let addr = test.spawn(child("b", body)).await.unwrap();
        inside(test, addr, move |cx| start(cx, 1)).await;
        addr.id().suspend();
        addr.try_tell(Script::Fail("disk")).unwrap();
        test.advance(secs(3)).await;
        assert_eq!(addr.id().info().unwrap().waiting, 4, "the failure and three ticks");
        addr.id().resume();
        test.settle().await;
        assert_eq!((log.take().len(), addr.id().info().unwrap().incarnation), (0, 1));
        inside(test, addr, move |cx| start(cx, 2)).await;
        test.advance(ms(1_500)).await;
        assert_eq!(log.take(), ["b note 2"]);
    });
}

/// **R5.2** The message of a one-shot timer that was put aside comes back, although its timer is
/// gone.
#[test]
fn a_timer_message_that_was_put_aside_comes_back() {
    in_order(async |test| {
        let log = Log::new();
        let addr = scripted("a", &log);
        inside(test, addr, |cx| {
            let aside = Script::job(|cx| cx.stash(Script::Note(1)).unwrap());
            cx.send_after("once", secs(1), aside);
        })
        .await;
        test.advance(secs(10)).await;
        assert!(log.take().is_empty());
        inside(test, addr, |cx| {
            assert_eq!(cx.cancel_timer("once"), None, "it is gone");
            assert_eq!(cx.unstash_all(), 1);
        })
        .await;
        assert_eq!(log.take(), ["a note 1"]);
    });
}

/// **R5.3** At a fixed rate ticks wait in the mailbox of a slow actor; after the handler they never
/// overlap, and the period counts from its end.
#[test]
fn tim_04_fixed_rate_vs_delay() {
    in_order(async |test| {
        for (repeat, ticks, expected) in [
            (Repeat::AtFixedRate, 3, [500, 1_500, 2_500, 3_500].as_slice()),
            (Repeat::AfterHandled, 1, &[500, 2_000, 3_500]),
        ] {
            let probe = test.probe::<u64>("probe");
            let (out, began) = (probe.recipient(), test.now());
            let slow = greenroom::actor::spawn("slow", async move |cx: &mut Cx<Script>| {
                let began = greenroom::time::now();
                cx.send_every("tick", ms(500), repeat, || Script::Note(0));
                loop {
                    cx.recv().await;
                    let now = greenroom::time::now() - began;
                    out.try_tell(now.as_millis() as u64).map_err(|full| full.without_message())?;
                    greenroom::time::sleep(secs(1)).await;
                }
                #[expect(unreachable_code, reason = "the loop has no end of its own")]
                Ok::<(), Fault>(())
            });
            test.advance(ms(1_800)).await;
            // At a fixed rate at 500, 1,000 and 1,500, of which the last still waits.
            let seen = slow.id().info().unwrap();
            assert_eq!(seen.handled + seen.waiting as u64, ticks);
            test.advance(ms(1_900)).await;
            assert_eq!(probe.take(), expected, "{repeat:?}");
            assert_eq!(test.now() - began, ms(3_700));
            slow.kill();
        }
    });
}

/// **R5.5** A receive timeout comes after silence, counted anew from each message that counts; once
/// or again and again; and not after it was cancelled, though its message waited already.
#[test]
fn tim_05_receive_timeout() {
    in_order(async |test| {
        let log = Log::new();
        let set = |cx: &mut Cx<Script>, when| {
            cx.set_receive_timeout(ms(500), when, || Script::Note(9));
        };
        let addr = scripted("once", &log);
        inside(test, addr, move |cx| set(cx, WhenIdle::Once)).await;
        test.advance(ms(499)).await;
        addr.tell(Script::Note(1)).await.unwrap();
        test.advance(ms(499)).await;
        assert_eq!(log.take(), ["once note 1"], "the message started it anew");
        test.advance(ms(1)).await;
        assert_eq!(log.take(), ["once note 9"]);
        test.advance(secs(5)).await;
        assert!(log.take().is_empty(), "once");
        addr.tell(Script::Note(2)).await.unwrap();
        test.advance(ms(500)).await;
        assert_eq!(log.take(), ["once note 2", "once note 9"], "and again after a message");

        let addr = scripted("repeat", &log);
        inside(test, addr, move |cx| set(cx, WhenIdle::Repeat)).await;
        for _ in 0..3 {
            test.advance(ms(499)).await;
            assert!(log.take().is_empty());
            test.advance(ms(1)).await;
            assert_eq!(log.take(), ["repeat note 9"]);
        }
        // A message that does not count: the time goes on.
        test.advance(ms(400)).await;
        inside(test, addr, |cx| cx.ignore_activity()).await;
        test.advance(ms(100)).await;
        assert_eq!(log.take(), ["repeat note 9"]);
        // A handler that takes long is no silence.
        inside(test, addr, |cx| cx.cancel_receive_timeout()).await;
        test.advance(secs(5)).await;
        assert!(log.take().is_empty());
        addr.kill();

        cancelled_while_its_message_waits(test, &log).await;
    });
}

/// The timeout fires, but another message was before it in the queue and cancels it.
async fn cancelled_while_its_message_waits(test: &greenroom::test::TestSystem, log: &Log) {
    let noted = log.clone();
    let lane = MailboxOptions::default().urgent(1);
    let addr = greenroom::actor::spawn_with("c", lane, async move |cx: &mut Cx<Script>| {
        cx.set_receive_timeout(ms(500), WhenIdle::Once, || Script::Note(9));
        script("c", cx, &noted).await
    });
    test.advance(ms(499)).await;
    addr.id().suspend();
    addr.tell(Script::Note(1)).await.unwrap();
    test.advance(ms(1)).await;
    addr.try_tell_urgent(Script::job(|cx| cx.cancel_receive_timeout())).unwrap();
    addr.id().resume();
    test.advance(secs(5)).await;
    assert_eq!(log.take(), ["c note 1"]);
}

/// **R5.4** Cancelling a timer says whether it was pending and what was left; a second time, or
/// after it came, it says no. Very long delays neither wrap nor come early.
#[test]
fn tim_06_cancel_result() {
    in_order(async |test| {
        let log = Log::new();
        let addr = scripted("a", &log);
        inside(test, addr, |cx| cx.send_after("t", secs(10), Script::Note(1))).await;
        test.advance(secs(4)).await;
        inside(test, addr, |cx| {
            assert_eq!(cx.timer_left("t"), Some(secs(6)));
            assert_eq!(cx.cancel_timer("t"), Some(secs(6)));
            assert_eq!((cx.cancel_timer("t"), cx.timer_left("t")), (None, None));
            cx.send_after("t", secs(1), Script::Note(2));
            cx.send_after("far", ms(1 << 33), Script::Note(3));
        })
        .await;
        test.advance(secs(2)).await;
        inside(test, addr, |cx| assert_eq!(cx.cancel_timer("t"), None)).await;
        assert_eq!(log.take(), ["a note 2"]);
        test.advance(secs(3_600)).await;
        assert!(log.take().is_empty(), "2^33 ms are 99 days");
        inside(test, addr, |cx| assert!(cx.cancel_timer("far") > Some(secs(8_000_000)))).await;
    });
}

/// **R5.4** A timer is pending until its message is taken: also in the very moment in which it is
/// due, whoever runs first then, and, if it repeats, while its message is handled.
#[test]
fn tim_06_cancel_when_it_is_due() {
    case(async |test| {
        let addr = greenroom::actor::spawn("a", async |cx: &mut Cx<Script>| {
            cx.send_after("once", secs(1), Script::Note(1));
            greenroom::time::sleep(secs(1)).await;
            assert_eq!(cx.cancel_timer("once"), Some(secs(0)));

            cx.send_every("again", secs(1), Repeat::AfterHandled, || Script::Note(2));
            assert!(matches!(cx.recv().await, Script::Note(2)));
            assert!(cx.cancel_timer("again").is_some());

            cx.send_after("once", secs(1), Script::Note(3));
            assert!(matches!(cx.recv().await, Script::Note(3)));
            assert_eq!(cx.cancel_timer("once"), None, "it has come, and was the last");
            Ok::<(), Fault>(())
        });
        assert_eq!(addr.ended().await, ExitReason::Normal);
        assert_eq!(test.now(), secs(3));
    });
}
