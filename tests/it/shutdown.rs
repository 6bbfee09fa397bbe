//! The end of a loop: every future is dropped on its thread, with the loop current, in safety.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Waker;

use greenroom::actor::{ExitReason, spawn};
use greenroom::event_loop::PostError;
use greenroom::task::{self, JoinError};
use greenroom::time;

use crate::support::{Log, OnDrop, Work, ms, real, simulated, worker};

/// Notes that it was dropped, and that greenroom's functions found their loop meanwhile.
fn witness(log: &Log, name: &'static str) -> OnDrop<impl FnMut() + use<>> {
    let log = log.clone();
    let thread = std::thread::current().id();
    OnDrop(move || {
        let _ = time::now();
        drop(time::sleep(ms(1)));
        assert_eq!(std::thread::current().id(), thread);
        log.add(name);
    })
}

#[test]
fn lp_08_every_future_is_dropped_on_the_thread_with_its_loop_current() {
    let log = Log::new();
    let mut event_loop = simulated();
    let in_loop = log.clone();
    event_loop.run(async move {
        let held = witness(&in_loop, "never polled");
        let idle = witness(&in_loop, "idle");
        let asleep = witness(&in_loop, "asleep");
        task::spawn(async move {
            let _idle = idle;
            std::future::pending::<()>().await;
        })
        .detach();
        task::spawn(async move {
            let _asleep = asleep;
            time::sleep(ms(1_000)).await;
        })
        .detach();
        crate::support::settle().await;
        task::spawn(async move { drop(held) }).detach();
    });
    assert!(log.take().is_empty());
    drop(event_loop);
    let mut dropped = log.take();
    dropped.sort_unstable();
    assert_eq!(dropped, ["asleep", "idle", "never polled"]);
}

#[test]
fn the_root_future_is_dropped_with_its_loop_current() {
    let log = Log::new();
    simulated().run(async {
        let _held = witness(&log, "root");
    });
    assert_eq!(log.take(), ["root"]);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        simulated().run(async {
            let _held = witness(&log, "root");
            panic!("root");
        })
    }));
    let panicked: Result<(), _> = panicked;
    assert!(panicked.is_err());
    assert_eq!(log.take(), ["root"]);
}

#[test]
fn what_drop_code_spawns_at_the_end_is_dropped_and_cancelled() {
    let log = Log::new();
    let mut event_loop = simulated();
    let in_loop = log.clone();
    event_loop.run(async move {
        let held = OnDrop(move || {
            let inner = witness(&in_loop, "inner");
            let handle = task::spawn(async move {
                let _inner = inner;
                std::future::pending::<()>().await;
            });
            assert!(handle.is_finished());
            let outcome = futures::executor::block_on(handle);
            assert_eq!(outcome, Err(JoinError::Cancelled));
            in_loop.add("outer");
        });
        task::spawn(async move {
            let _held = held;
            std::future::pending::<()>().await;
        })
        .detach();
        task::yield_now().await;
    });
    drop(event_loop);
    assert_eq!(log.take(), ["inner", "outer"]);
}

#[test]
fn an_actor_spawned_while_the_loop_ends_never_begins() {
    let log = Log::new();
    let mut event_loop = simulated();
    let in_loop = log.clone();
    event_loop.run(async move {
        let held = OnDrop(move || {
            let addr = worker("late", &in_loop);
            assert!(!addr.is_alive());
            assert!(addr.try_tell(Work::Note(1)).is_err_and(|error| error.is_closed()));
            addr.stop();
            addr.kill();
            in_loop.add("tried");
        });
        task::spawn(async move {
            let _held = held;
            std::future::pending::<()>().await;
        })
        .detach();
        task::yield_now().await;
    });
    drop(event_loop);
    assert_eq!(log.take(), ["tried"]);
}

#[test]
fn actors_end_with_their_loop_and_drop_state_and_mail_there() {
    let log = Log::new();
    let mut event_loop = simulated();
    let (in_actor, in_mail) = (log.clone(), log.clone());
    struct Letter(#[expect(dead_code, reason = "its drop is what counts")] Box<dyn std::any::Any>);
    impl greenroom::actor::Protocol for Letter {}
    event_loop.run(async {
        let state = witness(&in_actor, "state");
        let addr = spawn("owner", async move |cx: &mut greenroom::actor::Cx<Letter>| {
            let _state = &state;
            cx.recv().await;
            std::future::pending::<Result<(), greenroom::actor::Fault>>().await
        });
        for name in ["first letter", "second letter"] {
            addr.tell(Letter(Box::new(witness(&in_mail, name)))).await.expect("alive");
        }
        crate::support::settle().await;
    });
    let before = log.take();
    assert_eq!(before, ["first letter"]);
    drop(event_loop);
    let mut dropped = log.take();
    dropped.sort_unstable();
    assert_eq!(dropped, ["second letter", "state"]);
}

#[test]
fn panics_while_everything_is_dropped_do_not_keep_the_rest_from_it() {
    let log = Log::new();
    let mut event_loop = simulated();
    let in_loop = log.clone();
    event_loop.run(async move {
        for number in 0..10 {
            let held = witness(&in_loop, "quiet");
            task::spawn(async move {
                let _held = held;
                let _loud = OnDrop(move || assert!(number % 2 == 0, "loud"));
                std::future::pending::<()>().await;
            })
            .detach();
        }
        task::yield_now().await;
    });
    drop(event_loop);
    assert_eq!(log.take().len(), 10);
}

#[test]
fn posts_that_were_not_taken_are_dropped_on_the_loops_thread() {
    let event_loop = real();
    let handle = event_loop.handle();
    let dropped_on = Arc::new(Mutex::new(None));
    let (in_drop, again) = (Arc::clone(&dropped_on), handle.clone());
    let held = OnDrop(move || {
        *in_drop.lock().expect("no panic") = Some(std::thread::current().id());
        assert_eq!(again.post(|| ()), Err(PostError::Closed));
    });
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let ran = handle.post(move || {
                let _held = held;
                panic!("it must not run");
            });
            ran.expect("open");
        });
    });
    drop(event_loop);
    assert_eq!(*dropped_on.lock().expect("no panic"), Some(std::thread::current().id()));
}

#[test]
fn one_posted_closure_that_panics_while_dropped_does_not_keep_the_others() {
    let event_loop = real();
    let dropped = Arc::new(AtomicUsize::new(0));
    for number in 0..5 {
        let counted = Arc::clone(&dropped);
        let held = OnDrop(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            assert_ne!(number, 2, "one of them panics");
        });
        event_loop.handle().post(move || drop(held)).expect("open");
    }
    drop(event_loop);
    assert_eq!(dropped.load(Ordering::Relaxed), 5);
}

#[test]
fn wakers_outlive_their_loop_and_wake_nobody() {
    let mut event_loop = real();
    let waker: Waker =
        event_loop.run(futures::future::poll_fn(|cx| std::task::Poll::Ready(cx.waker().clone())));
    drop(event_loop);
    waker.wake_by_ref();
    let mut next = real();
    next.run(async {
        waker.clone().wake();
        std::thread::scope(|scope| {
            scope.spawn(move || waker.wake());
        });
        crate::support::settle().await;
    });
}

#[test]
fn whoever_waits_for_an_actor_hears_of_its_end_when_the_loop_ends() {
    let log = Log::new();
    let mut event_loop = simulated();
    let addr = event_loop.run(async { worker("worker", &log) });
    let mut ended = Box::pin(addr.ended());
    event_loop.run(async {
        assert!(futures::poll!(&mut ended).is_pending());
    });
    drop(event_loop);
    assert_eq!(futures::executor::block_on(ended), ExitReason::Killed);
    assert_eq!(futures::executor::block_on(addr.ended()), ExitReason::NoActor);
}

#[test]
fn a_thousand_loops_may_come_and_go() {
    for number in 0..1_000 {
        let mut event_loop = simulated();
        assert_eq!(event_loop.run(async { task::spawn(async move { number }).await }), Ok(number));
    }
}

#[test]
fn an_address_of_an_ended_loop_finds_nobody_in_the_next_one() {
    let log = Log::new();
    let mut old = simulated();
    let stale = old.run(async { worker("old", &log) });
    drop(old);
    let mut new = simulated();
    new.run(async {
        let stranger = worker("new", &log);
        assert_ne!(stale, stranger, "an address is used twice");
        assert!(!stale.is_alive());
        let told = stale.try_tell(Work::Note(1));
        assert!(told.is_err_and(|error| error.is_closed()));
        stale.kill();
        crate::support::settle().await;
        assert!(log.take().is_empty(), "a stranger got the message");
        assert!(stranger.is_alive(), "a stranger was killed");
    });
}

#[test]
fn a_value_that_is_not_send_never_crosses_to_a_later_loop_of_another_thread() {
    struct Local(OnDrop<Box<dyn FnMut()>>);
    impl greenroom::actor::Protocol for Local {}
    let mut old = simulated();
    let stale = old.run(async {
        spawn("old", async |cx: &mut greenroom::actor::Cx<Local>| {
            let Local(_held) = cx.recv().await;
            Ok::<(), greenroom::actor::Fault>(())
        })
    });
    drop(old);
    let (ready, is_ready) = std::sync::mpsc::channel();
    let (finish, finished) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let event_loop = simulated();
            ready.send(()).expect("the test waits");
            let _ = finished.recv();
            drop(event_loop);
        });
        is_ready.recv().expect("the thread made its loop");
        let (sender, receiver) = std::sync::mpsc::channel();
        let held = OnDrop(Box::new(move || {
            let _ = sender.send(std::thread::current().id());
        }) as Box<dyn FnMut()>);
        drop(stale.try_tell(Local(held)));
        drop(finish);
        assert_eq!(receiver.recv(), Ok(std::thread::current().id()), "it crossed");
    });
}
