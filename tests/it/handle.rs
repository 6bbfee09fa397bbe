//! `LoopHandle`: what other threads may do to a loop, and what they hear when it cannot be done.

use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use greenroom::event_loop::{LoopHandle, PostError, RemoteTaskError};
use greenroom::{EventLoop, task, time};

use crate::support::{OnDrop, finishes, ms, real, simulated};

#[test]
fn lp_07_a_post_wakes_a_loop_that_sleeps_without_timers() {
    for make in [real, simulated] {
        finishes(move || {
            let mut event_loop = make();
            let handle = event_loop.handle();
            let (sender, receiver) = futures::channel::oneshot::channel();
            std::thread::scope(|scope| {
                scope.spawn(move || {
                    crate::support::hold_thread(ms(20));
                    handle.post(move || drop(sender.send(std::thread::current().id())))
                });
                let ran_on = event_loop.run(receiver).expect("it was sent");
                assert_eq!(ran_on, std::thread::current().id());
            });
        });
    }
}

#[test]
fn posts_of_one_thread_run_in_order() {
    finishes(|| {
        let mut event_loop = real();
        let handle = event_loop.handle();
        let seen = Arc::new(Mutex::new(vec![Vec::new(); 4]));
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (handle, seen) = (handle.clone(), Arc::clone(&seen));
                scope.spawn(move || {
                    for number in 0..1_000 {
                        let seen = Arc::clone(&seen);
                        let push = move || seen.lock().expect("no panic")[thread].push(number);
                        handle.post(push).expect("there is room");
                    }
                });
            }
            let all = || seen.lock().expect("no panic").iter().map(Vec::len).sum::<usize>();
            event_loop.run(async {
                while all() < 4_000 {
                    time::sleep(ms(1)).await;
                }
            });
        });
        for numbers in &*seen.lock().expect("no panic") {
            assert!(numbers.is_sorted());
        }
    });
}

#[test]
fn lp_06_a_posted_closure_that_panics_harms_nobody() {
    let mut event_loop = simulated();
    let handle = event_loop.handle();
    let ran = Arc::new(AtomicUsize::new(0));
    for number in 0..4 {
        let ran = Arc::clone(&ran);
        let posted = handle.post(move || {
            ran.fetch_add(1, Ordering::Relaxed);
            if number % 2 == 0 {
                panic!("posted");
            }
        });
        posted.expect("open");
    }
    event_loop.run(async {
        crate::support::settle().await;
        assert_eq!(task::spawn(async { 1 }).await, Ok(1));
    });
    assert_eq!(ran.load(Ordering::Relaxed), 4);
}

#[test]
fn a_future_made_on_the_loop_need_not_be_send() {
    finishes(|| {
        let mut event_loop = real();
        let handle = event_loop.handle();
        let other = std::thread::Builder::new().spawn(move || {
            let answer = handle.spawn(|| {
                let shared = Rc::new(20);
                async move {
                    time::sleep(ms(1)).await;
                    *shared + 1
                }
            });
            let answer = futures::executor::block_on(answer.expect("open"));
            handle.stop();
            answer
        });
        event_loop.run_until_stopped();
        assert_eq!(other.expect("a thread").join().expect("no panic"), Ok(21));
    });
}

#[test]
fn a_remote_task_that_panics_says_so_where_it_is_awaited() {
    finishes(|| {
        let mut event_loop = real();
        let handle = event_loop.handle();
        let other = std::thread::Builder::new().spawn(move || {
            let in_future = handle.spawn(|| async { panic!("far away") }).expect("open");
            let in_making = handle.spawn(|| -> std::future::Ready<()> { panic!("while made") });
            let outcomes = (
                futures::executor::block_on(in_future),
                futures::executor::block_on(in_making.expect("open")),
            );
            handle.stop();
            outcomes
        });
        event_loop.run_until_stopped();
        let (in_future, in_making) = other.expect("a thread").join().expect("no panic");
        let text: Arc<str> = "far away".into();
        assert_eq!(in_future, Err::<(), _>(RemoteTaskError::Panicked(text)));
        assert_eq!(in_making, Err(RemoteTaskError::Panicked("while made".into())));
    });
}

#[test]
fn a_remote_task_goes_on_when_nobody_awaits_it() {
    let mut event_loop = simulated();
    let ran = Arc::new(AtomicUsize::new(0));
    let in_task = Arc::clone(&ran);
    let spawned = event_loop.handle().spawn(move || async move {
        time::sleep(ms(1)).await;
        in_task.fetch_add(1, Ordering::Relaxed);
    });
    drop(spawned);
    event_loop.run(time::sleep(ms(2)));
    assert_eq!(ran.load(Ordering::Relaxed), 1);
}

#[test]
fn a_remote_task_is_cancelled_with_its_loop() {
    let mut event_loop = simulated();
    let handle = event_loop.handle();
    let begun = handle.spawn(std::future::pending::<()>).expect("open");
    event_loop.run(crate::support::settle());
    let never_begun = handle.spawn(std::future::pending::<()>).expect("open");
    drop(event_loop);
    for remote in [begun, never_begun] {
        assert_eq!(futures::executor::block_on(remote), Err(RemoteTaskError::Cancelled));
    }
}

#[test]
fn lp_08_a_loop_that_has_ended_refuses_and_drops_what_was_posted() {
    let handle: LoopHandle = real().handle();
    let dropped = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&dropped);
    let held = OnDrop(move || {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    let refused = handle.post(move || {
        let _held = &held;
        panic!("it must not run")
    });
    assert_eq!(refused, Err(PostError::Closed));
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
    assert!(matches!(handle.spawn(|| async {}), Err(PostError::Closed)));
    handle.stop();
    handle.clone().stop();
}

#[test]
fn the_inbox_is_bounded_and_empties_again() {
    let mut event_loop = EventLoop::builder().posts_max(2).build().expect("a loop");
    let handle = event_loop.handle();
    assert_eq!(handle.post(|| ()), Ok(()));
    assert_eq!(handle.post(|| ()), Ok(()));
    assert_eq!(handle.post(|| ()), Err(PostError::Full));
    assert!(matches!(handle.spawn(|| async {}), Err(PostError::Full)));
    event_loop.turn();
    assert_eq!(handle.post(|| ()), Ok(()));
}

#[test]
fn wakes_are_never_refused_by_a_full_inbox() {
    finishes(|| {
        let mut event_loop = EventLoop::builder().posts_max(1).build().expect("a loop");
        let handle = event_loop.handle();
        let (sender, receiver) = futures::channel::oneshot::channel();
        let waiting = event_loop.run(async {
            let waiting = task::spawn(receiver);
            crate::support::settle().await;
            waiting
        });
        handle.post(|| ()).expect("there is room for one");
        std::thread::scope(|scope| {
            scope.spawn(move || sender.send(5));
        });
        assert_eq!(event_loop.run(waiting), Ok(Ok(5)));
    });
}

#[test]
fn stop_is_not_lost_in_a_full_inbox() {
    let mut event_loop = EventLoop::builder().posts_max(1).build().expect("a loop");
    let handle = event_loop.handle();
    handle.post(|| ()).expect("there is room for one");
    handle.stop();
    let stopped = Arc::new(AtomicUsize::new(0));
    let late = Arc::clone(&stopped);
    event_loop.run(async {
        task::spawn(async move {
            time::sleep(ms(500)).await;
            late.store(1, Ordering::Relaxed);
            handle.stop();
        })
        .detach();
    });
    event_loop.run_until_stopped();
    assert_eq!(stopped.load(Ordering::Relaxed), 0, "the first stop was lost");
}

#[test]
fn lp_05_a_stop_lets_the_turn_finish_and_the_loop_may_run_again() {
    let mut event_loop = simulated();
    let handle = event_loop.handle();
    let ran = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&ran);
    handle.stop();
    handle.post(move || drop(counted.fetch_add(1, Ordering::Relaxed))).expect("open");
    event_loop.run_until_stopped();
    assert_eq!(ran.load(Ordering::Relaxed), 1);
    event_loop.handle().stop();
    event_loop.run_until_stopped();
    assert_eq!(event_loop.run(async { 3 }), 3);
}

/// On a virtual clock the sleep would never end if the loop did not wait.
#[test]
fn stop_does_not_keep_a_loop_that_runs_a_future_from_sleeping() {
    finishes(|| {
        let mut event_loop = simulated();
        event_loop.handle().stop();
        event_loop.run(time::sleep(ms(300)));
        event_loop.run_until_stopped();
    });
}

#[test]
fn stop_from_another_thread_ends_a_sleeping_loop() {
    finishes(|| {
        let mut event_loop = real();
        let handle = event_loop.handle();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                crate::support::hold_thread(ms(20));
                handle.stop();
            });
            event_loop.run_until_stopped();
        });
    });
}

#[test]
fn a_refused_closure_may_post_again_while_it_is_dropped() {
    let handle = real().handle();
    let again = handle.clone();
    let held = OnDrop(move || assert_eq!(again.post(|| ()), Err(PostError::Closed)));
    assert!(handle.post(move || drop(held)).is_err());
}
