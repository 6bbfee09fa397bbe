//! The loop itself: the order of work, fairness, running it again, running one inside another.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use futures::FutureExt as _;
use greenroom::actor::{Cx, Fault, Protocol, spawn};
use greenroom::{EventLoop, task, time};

use crate::support::{Log, Work, finishes, ms, real, run, settle, simulated, worker};

#[test]
fn lp_01_a_thousand_tasks_run_once_each_in_the_order_of_their_spawning() {
    run(async || {
        let log = Log::new();
        for number in 0..1_000 {
            let log = log.clone();
            task::spawn(async move { log.add(number.to_string()) }).detach();
        }
        task::yield_now().await;
        let expected: Vec<String> = (0..1_000).map(|number| number.to_string()).collect();
        assert_eq!(log.take(), expected);
    });
}

#[test]
fn a_task_runs_in_the_next_round_and_never_inside_spawn() {
    run(async || {
        let log = Log::new();
        let inner = log.clone();
        task::spawn(async move { inner.add("task") }).detach();
        log.add("spawned");
        task::yield_now().await;
        assert_eq!(log.take(), ["spawned", "task"]);
    });
}

#[test]
fn many_wakes_before_a_poll_are_one_poll() {
    run(async || {
        let polls = Rc::new(Cell::new(0));
        let counted = Rc::clone(&polls);
        let (sender, receiver) = futures::channel::oneshot::channel();
        let mut sender = Some(sender);
        task::spawn(futures::future::poll_fn(move |cx| {
            counted.set(counted.get() + 1);
            if let Some(sender) = sender.take() {
                assert!(sender.send(cx.waker().clone()).is_ok());
            }
            std::task::Poll::<()>::Pending
        }))
        .detach();
        let waker = receiver.await.expect("the task sends its waker");
        assert_eq!(polls.get(), 1);
        for _ in 0..10 {
            waker.wake_by_ref();
        }
        settle().await;
        assert_eq!(polls.get(), 2);
    });
}

#[test]
fn the_inbox_comes_before_the_tasks_of_a_turn() {
    let mut event_loop =
        EventLoop::builder().virtual_clock(1).polls_per_turn(1).build().expect("a loop");
    let handle = event_loop.handle();
    let order = event_loop.run(async {
        let order = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let (in_task, in_post) = (order.clone(), order.clone());
        task::spawn(async move { in_task.lock().expect("no panic").push("task") }).detach();
        handle.post(move || in_post.lock().expect("no panic").push("post")).expect("open");
        settle().await;

        order.lock().expect("no panic").clone()
    });
    assert_eq!(order, ["post", "task"]);
}

#[test]
fn endless_self_wakers_starve_neither_timers_nor_tasks_nor_other_threads() {
    finishes(|| {
        let mut event_loop = real();
        let handle = event_loop.handle();
        event_loop.run(async {
            for _ in 0..300 {
                task::spawn(async {
                    loop {
                        task::yield_now().await;
                    }
                })
                .detach();
            }
            time::sleep(ms(5)).await;
            assert_eq!(task::spawn(async { 1 }).await, Ok(1));
            let (sender, receiver) = futures::channel::oneshot::channel();
            std::thread::scope(|scope| {
                scope.spawn(|| handle.post(move || drop(sender.send(2))).expect("open"));
            });
            assert_eq!(receiver.await, Ok(2));
        });
    });
}

enum Flood {
    Again,
}
impl Protocol for Flood {}

#[test]
fn an_actor_that_floods_itself_starves_nobody_and_takes_only_what_was_there() {
    finishes(|| {
        real().run(async {
            let log = Log::new();
            let in_actor = log.clone();
            let flooded = spawn("flood", async move |cx: &mut Cx<Flood>| {
                loop {
                    let Flood::Again = cx.recv().await;
                    if in_actor.len() < 40 {
                        in_actor.add("message");
                    }
                    cx.addr().try_tell(Flood::Again)?;
                }
                #[expect(unreachable_code, reason = "it says which error type the actor has")]
                Ok::<(), Fault>(())
            });
            flooded.tell(Flood::Again).await.expect("alive");
            let in_task = log.clone();
            let other = task::spawn(async move {
                for _ in 0..10 {
                    in_task.add("task");
                    task::yield_now().await;
                }
            });
            time::sleep(ms(2)).await;
            assert_eq!(other.await, Ok(()));
            let entries = log.take();
            let last = entries.iter().rposition(|entry| entry == "task").expect("it ran");
            for pair in entries[..last].windows(2) {
                assert_ne!(pair[0], pair[1], "one message a turn: {entries:?}");
            }
        });
    });
}

#[test]
fn an_actor_handles_at_most_its_share_of_messages_before_others_run() {
    let builder = EventLoop::builder().virtual_clock(1).messages_per_poll(4);
    builder.build().expect("a loop").run(async {
        let log = Log::new();
        let actor = worker("worker", &log);
        settle().await;
        for number in 0..10 {
            actor.try_tell(Work::Note(number)).expect("there is room");
        }
        let in_task = log.clone();
        task::spawn(async move {
            for _ in 0..3 {
                in_task.add("task");
                task::yield_now().await;
            }
        })
        .detach();
        settle().await;
        let shape: String = log.take().iter().map(|entry| &entry[..1]).collect();
        assert_eq!(shape, "nnnntnnnntnnt");
    });
}

#[test]
fn tasks_stay_for_the_next_run() {
    let mut event_loop = simulated();
    let log = Log::new();
    let in_task = log.clone();
    event_loop.run(async {
        task::spawn(async move {
            time::sleep(ms(10)).await;
            in_task.add("done");
        })
        .detach();
    });
    assert!(log.take().is_empty());
    event_loop.run(time::sleep(ms(20)));
    assert_eq!(log.take(), ["done"]);
}

#[test]
fn a_panic_of_the_root_future_is_the_callers_and_the_loop_goes_on() {
    let mut event_loop = simulated();
    let log = Log::new();
    let actor = event_loop.run(async { worker("worker", &log) });
    let run = catch_unwind(AssertUnwindSafe(|| {
        event_loop.run(async {
            time::sleep(ms(1)).await;
            panic!("the root panicked")
        })
    }));
    let payload: Box<dyn std::any::Any + Send> = run.expect_err("the panic comes out");
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"the root panicked"));
    let echoed = event_loop.run(async { actor.ask_with(|reply| Work::Echo(5, reply)).await });
    assert_eq!(echoed.ok(), Some(5));
}

#[test]
fn a_host_can_turn_the_loop_without_waiting() {
    let mut event_loop = real();
    assert!(!event_loop.turn(), "nothing to do");
    let log = Log::new();
    let in_task = log.clone();
    event_loop.run(async move {
        task::spawn(async move {
            in_task.add("first");
            time::sleep(ms(1)).await;
            in_task.add("second");
        })
        .detach();
    });
    let mut turns = 0;
    while log.len() < 2 {
        event_loop.turn();
        turns += 1;
        assert!(turns < 10_000_000, "it never comes");
    }
    assert_eq!(log.take(), ["first", "second"]);
    event_loop.run(async { task::spawn(std::future::pending::<()>()).detach() });
    event_loop.turn();
    assert!(!event_loop.turn(), "a waiting task is not ready");
}

#[test]
fn lp_10_a_loop_inside_a_loop_leaves_the_outer_one_unharmed() {
    let mut outer = simulated();
    outer.run(async {
        let before = time::now();
        time::sleep(ms(5)).await;
        let inner = task::spawn(async {
            let mut inner = simulated();
            inner.run(async {
                time::sleep(Duration::from_secs(60)).await;
                task::spawn(async { 7 }).await
            })
        });
        assert_eq!(inner.await, Ok(Ok(7)));
        assert_eq!(time::now() - before, ms(5), "the outer clock is its own");
        assert_eq!(task::spawn(async { 8 }).await, Ok(8));
    });
}

#[test]
fn an_inner_loop_may_panic_or_be_dropped_in_a_task_of_the_outer_one() {
    run(async || {
        let inner = task::spawn(async {
            let mut inner = simulated();
            inner.run(async {
                task::spawn(std::future::pending::<()>()).detach();
                panic!("inner")
            })
        });
        assert!(inner.await.is_err());
        assert_eq!(task::spawn(async { 8 }).await, Ok(8));
    });
}

#[test]
fn two_loops_on_one_thread_take_turns_without_mixing_their_tasks() {
    let (mut one, mut two) = (simulated(), simulated());
    let log = Log::new();
    for (name, event_loop) in [("one", &mut one), ("two", &mut two)] {
        let log = log.clone();
        event_loop.run(async move {
            task::spawn(async move {
                loop {
                    log.add(name);
                    time::sleep(ms(10)).await;
                }
            })
            .detach();
        });
    }
    one.run(time::sleep(ms(25)));
    assert_eq!(log.take(), ["one", "one", "one"]);
    two.run(time::sleep(ms(15)));
    assert_eq!(log.take(), ["two", "two"]);
}

#[test]
fn lp_12_tiny_sleeps_do_not_spin() {
    real().run(async {
        for nanos in [10_000_000_u64, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1] {
            let mut polls = 0;
            let mut sleep = Box::pin(time::sleep(Duration::from_nanos(nanos)));
            futures::future::poll_fn(|cx| {
                polls += 1;
                sleep.poll_unpin(cx)
            })
            .await;
            assert!(polls <= 3, "{polls} polls for {nanos} ns");
        }
    });
}

#[test]
fn what_needs_a_loop_says_so_where_there_is_none() {
    for f in [
        || drop(time::now()),
        || task::spawn(async {}).detach(),
        || {
            drop(time::interval(ms(1)));
        },
    ] {
        let payload = catch_unwind(f).expect_err("there is no loop");
        let text = payload.downcast_ref::<String>().expect("a text");
        assert!(text.contains("no Greenroom loop runs"), "{text}");
    }
}

#[test]
fn a_watched_loop_reports_and_goes_on() {
    let mut event_loop = EventLoop::builder().slow_handler(ms(1)).build().expect("a loop");
    let sum = event_loop.run(async {
        crate::support::hold_thread(ms(5));
        task::spawn(async {
            crate::support::hold_thread(ms(5));
            1
        })
        .await
    });
    assert_eq!(sum, Ok(1));
}
