//! A loop from outside: stopping, other threads, its end, one inside another.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use greenroom::event_loop::{self, LoopHandle, PostError, RemotePosted};
use greenroom::task::{self, JoinError};
use greenroom::time::{self, sleep};

use crate::harness::{Log, logged, ms};
use crate::support::{OnDrop, finishes, real, settle, simulated};

/// **L7** A stop lets what is ready run; what that posts runs when the loop is started again.
#[test]
fn lp_05_a_stop_finishes_the_round_and_what_it_posted_is_kept() {
    for make in [real, simulated] {
        finishes(move || {
            let mut event_loop = make();
            let handle = event_loop.handle();
            let log = Log::new();
            event_loop.run(async {
                let (one, two) = (log.clone(), log.clone());
                event_loop::post(move || {
                    handle.stop();
                    one.add("stops");
                });
                event_loop::post(move || {
                    two.add("same round");
                    event_loop::post(move || two.add("next start"));
                });
            });
            event_loop.run_until_stopped();
            assert_eq!(log.take(), ["stops", "same round"]);
            event_loop.handle().stop();
            event_loop.run_until_stopped();
            assert_eq!(log.take(), ["next start"]);
        });
    }
}

/// **L7** Stopped before it runs, a loop goes round once, without waiting.
#[test]
fn lp_05_stopped_before_it_runs_it_goes_round_once() {
    finishes(|| {
        let mut event_loop = real();
        let log = Log::new();
        let in_callback = log.clone();
        event_loop.run(async {
            time::after(Duration::from_secs(3_600), || ());
            event_loop::post(move || in_callback.add("ran"));
        });
        event_loop.handle().stop();
        let before = event_loop.stats().turns;
        event_loop.run_until_stopped();
        assert_eq!((event_loop.stats().turns, log.take().len()), (before + 1, 1));
    });
}

/// **L7** A stop during `run` does not end it: it waits for its future, and the stop is kept.
#[test]
fn lp_05_a_stop_does_not_end_a_run() {
    finishes(|| {
        let mut event_loop = simulated();
        let handle = event_loop.handle();
        let slept = event_loop.run(async move {
            event_loop::post(move || handle.stop());
            sleep(ms(5)).await;
            "slept"
        });
        assert_eq!(slept, "slept");
        event_loop.run_until_stopped();
    });
}

/// **L9** A loop that sleeps without any timer wakes for a closure of another thread.
#[test]
fn lp_07_a_post_wakes_an_idle_loop() {
    for make in [real, simulated] {
        finishes(move || {
            let mut event_loop = make();
            let handle = event_loop.handle();
            let asleep = Arc::new(AtomicBool::new(false));
            let seen = Arc::clone(&asleep);
            let other = std::thread::Builder::new().spawn(move || {
                while !seen.load(Ordering::Acquire) {
                    std::thread::yield_now();
                }
                crate::support::hold_thread(ms(20));
                let ran = Arc::new(Mutex::new(None));
                let (stop, notes) = (handle.clone(), Arc::clone(&ran));
                let post = handle.post(move || {
                    *notes.lock().expect("no panic") = Some(std::thread::current().id());
                    stop.stop();
                });
                post.expect("it is open");
                ran
            });
            event_loop.run(async {
                event_loop::post(move || asleep.store(true, Ordering::Release));
            });
            event_loop.run_until_stopped();
            let ran = other.expect("a thread").join().expect("no panic");
            assert_eq!(*ran.lock().expect("no panic"), Some(std::thread::current().id()));
        });
    }
}

/// **L9** A closure that is cancelled by the thread that posted it, before it ran, never runs; it
/// is dropped at once, and also when its loop ends before it.
#[test]
fn lp_07_a_posted_closure_can_be_cancelled_from_elsewhere() {
    finishes(|| {
        let mut event_loop = real();
        let dropped = Arc::new(AtomicUsize::new(0));
        let post = |handle: &LoopHandle| -> RemotePosted {
            let dropped = Arc::clone(&dropped);
            let held = OnDrop(move || {
                dropped.fetch_add(1, Ordering::Relaxed);
            });
            let posted = handle.post_cancellable(move || {
                let _held = &held;
                panic!("it must not run");
            });
            posted.expect("it is open")
        };
        let handle = event_loop.handle();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let posted = post(&handle);
                assert!(posted.cancel() && !posted.cancel());
                assert_eq!(dropped.load(Ordering::Relaxed), 1);
            });
        });
        event_loop.turn();
        let posted = post(&handle);
        drop(event_loop);
        assert_eq!(dropped.load(Ordering::Relaxed), 2, "it went with its loop");
        assert!(!posted.cancel());
        assert_eq!(handle.post_cancellable(|| ()).err(), Some(PostError::Closed));
    });
}

/// **L9** In a race each closure either runs, or was cancelled: never both, never neither.
#[test]
fn lp_07_run_or_cancelled_and_never_both() {
    finishes(|| {
        let mut event_loop = real();
        let handle = event_loop.handle();
        let ran = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&ran);
        let other = std::thread::Builder::new().spawn(move || {
            let mut cancelled = 0;
            for _ in 0..2_000 {
                let counted = Arc::clone(&counted);
                let count = move || {
                    counted.fetch_add(1, Ordering::Relaxed);
                };
                let posted = handle.post_cancellable(count).expect("there is room");
                std::thread::yield_now();
                cancelled += usize::from(posted.cancel());
            }
            handle.stop();
            cancelled
        });
        event_loop.run_until_stopped();
        event_loop.turn();
        let cancelled = other.expect("a thread").join().expect("no panic");
        assert_eq!(ran.load(Ordering::Relaxed) + cancelled, 2_000);
    });
}

/// **E3** Whatever is asked of a loop that has ended is refused, and what was given is dropped. (A
/// loop ends when it is dropped; that it runs then, or is dropped twice, does not compile: see
/// `EventLoop`.)
#[test]
fn lp_08_a_loop_that_has_ended_refuses_everything() {
    let mut event_loop = real();
    let (handle, shared) = (event_loop.handle(), Arc::new(()));
    let mut waiting = None;
    event_loop.run(async { waiting = Some(task::spawn(std::future::pending::<()>())) });
    let waiting = waiting.expect("it was spawned");
    drop(event_loop);
    let held = Arc::clone(&shared);
    assert_eq!(handle.post(move || drop(held)), Err(PostError::Closed));
    let held = Arc::clone(&shared);
    let refused = handle.post_cancellable(move || drop(held));
    assert_eq!(refused.err(), Some(PostError::Closed));
    let held = Arc::clone(&shared);
    let refused = handle.spawn(move || async move { drop(held) });
    assert_eq!(refused.err(), Some(PostError::Closed));
    assert_eq!(Arc::strong_count(&shared), 1, "nothing was kept");
    handle.stop();
    waiting.abort();
    assert!(waiting.is_finished());
    assert_eq!(futures::executor::block_on(waiting), Err(JoinError::Cancelled));
}

/// **T7** Tasks that are left at the end are reported, and their destructors run on the loop's
/// thread, inside their loop; what these begin is dropped too.
#[test]
fn lp_08_what_is_left_at_the_end_is_dropped_on_the_loop_and_reported() {
    let log = Log::new();
    let lines = logged(|| {
        let mut event_loop = simulated();
        let here = std::thread::current().id();
        for number in 0..2 {
            let log = log.clone();
            let held = OnDrop(move || {
                assert_eq!(std::thread::current().id(), here);
                let _inside = time::now();
                assert!(!event_loop::post(|| panic!("it must not run")).is_pending());
                assert!(!time::after(ms(1), || panic!("nor this")).is_pending());
                assert!(task::spawn(std::future::pending::<()>()).is_finished());
                log.add(format!("dropped {number}"));
            });
            event_loop.run(async {
                task::spawn(async move {
                    let _held = held;
                    std::future::pending::<()>().await;
                })
                .detach();
                settle().await;
            });
        }
        event_loop.run(async {
            assert_eq!(task::spawn(async { 1 }).await, Ok(1));
            time::after(ms(1), || panic!("nobody runs the loop any more"));
        });
        drop(event_loop);
    });
    assert_eq!(log.take(), ["dropped 0", "dropped 1"]);
    let reports: Vec<_> = lines.iter().filter(|line| line.contains("before these tasks")).collect();
    assert!(reports.len() == 1 && reports[0].contains("tasks=2"), "{lines:?}");
    let quiet = logged(|| {
        simulated().run(async { task::spawn(async {}).await }).expect("no panic");
    });
    assert!(quiet.is_empty(), "{quiet:?}");
}

/// **L11** Another loop inside a loop is no error here: it is a loop of its own, and while it runs
/// the outer one stands still. (The same loop inside itself does not compile: see `EventLoop`.)
#[test]
fn lp_10_a_loop_inside_a_loop_leaves_the_outer_one_unharmed() {
    let mut outer = simulated();
    outer.run(async {
        let log = Log::new();
        let (in_outer, in_inner) = (log.clone(), log.clone());
        let posted = event_loop::post(move || in_outer.add("outer"));
        let inner = simulated().run(async {
            assert!(!posted.cancel(), "it is no business of this loop");
            event_loop::post(move || in_inner.add("inner"));
            sleep(Duration::from_secs(60)).await;
            event_loop::stats().turns
        });
        assert!(inner > 0);
        assert_eq!(log.take(), ["inner"]);
        let begun = time::now();
        sleep(ms(1)).await;
        assert_eq!((time::now() - begun, log.take()), (ms(1), vec!["outer".to_owned()]));
        assert_eq!(task::spawn(async { 8 }).await, Ok(8));
    });
}
