//! Time: timers that never fire early, their order, and what sleeps, intervals and limits promise.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use futures::FutureExt as _;
use greenroom::time::{MissedTicks, interval, now, sleep, sleep_until, timeout};
use greenroom::{EventLoop, task};
use proptest::prelude::*;

use crate::support::{Log, hold_thread, ms, real, run, settle, simulated};

#[test]
fn a_virtual_sleep_ends_exactly_at_its_deadline() {
    run(async || {
        for nanos in [1, 999, 1_000_000, 86_400_000_000_000, 31_536_000_000_000_000] {
            let (before, duration) = (now(), Duration::from_nanos(nanos));
            sleep(duration).await;
            assert_eq!(now() - before, duration);
        }
    });
}

#[test]
fn a_real_sleep_never_ends_early() {
    real().run(async {
        let sleeps = (0..200_u64).map(|number| async move {
            let (before, duration) = (now(), Duration::from_micros(number * 37));
            sleep(duration).await;
            assert!(now() - before >= duration, "{duration:?}");
        });
        futures::future::join_all(sleeps).await;
    });
}

#[test]
fn a_sleep_begun_after_holding_the_loop_counts_from_its_own_moment() {
    real().run(async {
        task::yield_now().await;
        hold_thread(ms(10));
        let before = now();
        sleep(ms(3)).await;
        assert!(now() - before >= ms(3));
    });
}

#[test]
fn lp_04_equal_deadlines_fire_in_the_order_they_were_set() {
    run(async || {
        let order = Rc::new(RefCell::new(Vec::new()));
        for number in 0..1_000_u64 {
            let order = Rc::clone(&order);
            let deadline = now() + ms(number % 7);
            task::spawn(async move {
                sleep_until(deadline).await;
                order.borrow_mut().push((number % 7, number));
            })
            .detach();
        }
        sleep(ms(10)).await;
        let order = order.take();
        assert_eq!(order.len(), 1_000);
        assert!(order.is_sorted(), "by deadline, then by the order of setting");
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn lp_04_timers_fire_in_order_and_cancelled_ones_never(
        durations in prop::collection::vec(0_u64..5_000_000_000, 1..200),
    ) {
        run(async || {
            let fired = Rc::new(RefCell::new(Vec::new()));
            let before = now();
            let mut handles = Vec::new();
            for (number, nanos) in durations.iter().copied().enumerate() {
                let fired = Rc::clone(&fired);
                handles.push(task::spawn(async move {
                    sleep(Duration::from_nanos(nanos)).await;
                    assert_eq!(now() - before, Duration::from_nanos(nanos));
                    fired.borrow_mut().push((nanos, number));
                }));
            }
            task::yield_now().await;
            let survives = |number: usize, nanos: u64| !number.is_multiple_of(3) || nanos == 0;
            for (number, handle) in handles.iter().enumerate() {
                if number % 3 == 0 {
                    handle.abort();
                    handle.abort();
                }
            }
            sleep(Duration::from_secs(6)).await;
            let mut expected: Vec<_> = durations.iter().copied().enumerate()
                .filter(|(number, nanos)| survives(*number, *nanos))
                .map(|(number, nanos)| (nanos, number))
                .collect();
            expected.sort_unstable();
            assert_eq!(fired.take(), expected);
        });
    }
}

#[test]
fn a_hundred_thousand_sleeps_all_end_in_order() {
    run(async || {
        let last = Rc::new(Cell::new(0));
        let count = Rc::new(Cell::new(0));
        for number in 0..100_000_u64 {
            let (last, count) = (Rc::clone(&last), Rc::clone(&count));
            // A multiplication by an odd number scatters the deadlines over a minute.
            let duration = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) % 60_000;
            task::spawn(async move {
                sleep(ms(duration)).await;
                assert!(last.replace(duration) <= duration);
                count.set(count.get() + 1);
            })
            .detach();
        }
        sleep(Duration::from_secs(60)).await;
        assert_eq!(count.get(), 100_000);
    });
}

#[test]
fn zero_and_the_past_are_over_at_once() {
    run(async || {
        assert!(sleep(Duration::ZERO).now_or_never().is_some());
        assert!(sleep_until(now()).now_or_never().is_some());
        sleep(ms(5)).await;
        assert!(sleep_until(now() - ms(1)).now_or_never().is_some());
    });
}

#[test]
fn an_endless_sleep_is_pending_and_harmless() {
    run(async || {
        let mut endless = Box::pin(sleep(Duration::MAX));
        assert!(timeout(Duration::from_secs(1_000_000_000), &mut endless).await.is_err());
        drop(endless);
        assert_eq!(timeout(Duration::MAX, async { 1 }).await, Ok(1));
        let late = timeout(Duration::MAX, async {
            sleep(ms(1)).await;
            2
        });
        assert_eq!(late.await, Ok(2));
    });
    real().run(async {
        assert!(timeout(ms(2), sleep(Duration::MAX)).await.is_err());
    });
}

#[test]
fn a_dropped_sleep_wakes_nobody() {
    run(async || {
        let polls = Rc::new(Cell::new(0));
        let counted = Rc::clone(&polls);
        task::spawn(async move {
            let mut armed = Some(Box::pin(sleep(ms(5))));
            futures::future::poll_fn(move |cx| {
                counted.set(counted.get() + 1);
                if let Some(mut sleep) = armed.take() {
                    assert!(sleep.poll_unpin(cx).is_pending());
                }
                std::task::Poll::<()>::Pending
            })
            .await;
        })
        .detach();
        sleep(ms(10)).await;
        assert_eq!(polls.get(), 1);
    });
}

#[test]
fn a_sleep_may_be_begun_by_one_task_and_ended_by_another() {
    run(async || {
        let before = now();
        let mut moved = Box::pin(sleep(ms(10)));
        assert!(timeout(ms(4), &mut moved).await.is_err());
        let other = task::spawn(async move {
            moved.await;
            now()
        });
        assert_eq!(other.await.expect("no panic") - before, ms(10));
    });
}

#[test]
fn a_sleep_made_where_no_loop_runs_counts_from_its_first_poll() {
    let outside = sleep(ms(5));
    run(async || {
        sleep(ms(20)).await;
        let before = now();
        outside.await;
        assert_eq!(now() - before, ms(5));
    });
}

#[test]
fn a_sleep_that_moves_to_another_loop_still_ends() {
    let (mut one, mut two) = (real(), real());
    let mut moved = one.run(async {
        let mut moved = Box::pin(sleep(ms(5)));
        assert!((&mut moved).now_or_never().is_none());
        moved
    });
    two.run(async {
        futures::future::poll_fn(|cx| moved.poll_unpin(cx)).await;
    });
    one.run(sleep(ms(6)));
}

#[test]
fn a_future_that_is_ready_at_the_limit_wins() {
    run(async || {
        let slept = timeout(ms(5), async {
            sleep(ms(5)).await;
            "ready"
        });
        assert_eq!(slept.await, Ok("ready"));
        // Here the future's own timer is set after the limit's, and still it is ready in time.
        let deadline = now() + ms(5);
        let (sender, receiver) = futures::channel::oneshot::channel();
        let waiting = task::spawn(timeout(ms(5), receiver));
        task::spawn(async move {
            sleep_until(deadline).await;
            let _ = sender.send("sent");
        })
        .detach();
        let outcome = waiting.await.expect("no panic");
        assert!(matches!(outcome, Ok(Ok("sent")) | Err(_)), "{outcome:?}");
        let elapsed = timeout(ms(5), std::future::pending::<()>()).await.expect_err("never");
        assert_eq!(elapsed.limit(), ms(5));
    });
}

#[test]
fn a_limit_of_zero_lets_a_ready_future_win() {
    run(async || {
        assert_eq!(timeout(Duration::ZERO, async { 3 }).await, Ok(3));
        assert!(timeout(Duration::ZERO, std::future::pending::<()>()).await.is_err());
    });
}

#[test]
fn an_interval_keeps_its_pace_and_treats_missed_ticks_as_told() {
    for (policy, expected) in [
        (MissedTicks::Skip, [0, 10, 50, 60]),
        (MissedTicks::CatchUp, [0, 10, 20, 30]),
        (MissedTicks::Delay, [0, 10, 55, 65]),
    ] {
        run(async || {
            let start = now();
            let mut ticks = interval(ms(10)).missed_ticks(policy);
            let mut taken = vec![ticks.tick().await];
            sleep(ms(45)).await;
            for _ in 0..3 {
                taken.push(ticks.tick().await);
            }
            let at: Vec<_> = taken.iter().map(|tick| (*tick - start).as_millis()).collect();
            assert_eq!(at, expected, "{policy:?}");
        });
    }
}

#[test]
fn a_dropped_tick_is_not_lost() {
    run(async || {
        let start = now();
        let mut ticks = interval(ms(10));
        ticks.tick().await;
        for _ in 0..3 {
            assert!(timeout(ms(3), ticks.tick()).await.is_err());
        }
        assert_eq!(ticks.tick().await - start, ms(10));
    });
}

#[test]
#[should_panic(expected = "longer than zero")]
fn an_interval_without_a_period_is_refused() {
    run(async || drop(interval(Duration::ZERO)));
}

#[test]
fn an_interval_with_an_endless_period_ticks_once() {
    for policy in [MissedTicks::Skip, MissedTicks::CatchUp, MissedTicks::Delay] {
        run(async || {
            let mut ticks = interval(Duration::MAX).missed_ticks(policy);
            assert_eq!(ticks.tick().await, now());
            assert!(timeout(Duration::from_secs(3_600), ticks.tick()).await.is_err());
        });
    }
}

#[test]
fn an_interval_that_is_billions_of_ticks_late_skips_them_all() {
    run(async || {
        let mut ticks = interval(Duration::from_nanos(1));
        ticks.tick().await;
        sleep(Duration::from_secs(10)).await;
        ticks.tick().await;
        let next = ticks.tick().await;
        assert_eq!(next, now(), "the next tick lies in the future, not in the past");
    });
}

#[test]
fn time_stands_still_while_anything_is_ready() {
    let builder = EventLoop::builder().virtual_clock(3).polls_per_turn(2);
    builder.build().expect("a loop").run(async {
        let before = now();
        settle().await;
        assert_eq!(now(), before);
    });
}

#[test]
fn loops_with_virtual_clocks_run_the_same_way_every_time() {
    let once = || {
        let log = Log::new();
        let in_loop = log.clone();
        simulated().run(async move {
            let start = now();
            for number in 0..50_u64 {
                let log = in_loop.clone();
                task::spawn(async move {
                    sleep(ms(number * 7 % 13)).await;
                    task::yield_now().await;
                    log.add(format!("{number} {:?}", now() - start));
                })
                .detach();
            }
            sleep(ms(20)).await;
        });
        log.take()
    };
    assert_eq!(once(), once());
}
