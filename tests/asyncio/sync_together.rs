//! Events and barriers: going on together; and wakers that use what they are woken by.

use std::cell::{Cell, RefCell};

use futures::FutureExt as _;
use greenroom::sync::{Barrier, BrokenBarrier, Event, Lock};
use greenroom::task;
use greenroom::time::{sleep, timeout};

use crate::harness::{Log, ms};
use crate::support::{run, settle};

/// An event lets all go on that waited when it was set, also when it is cleared at once.
#[test]
fn an_event_releases_all_who_wait_and_those_who_come_while_it_is_set() {
    run(async || {
        let event = Event::new();
        let log = Log::new();
        for number in 1..=3 {
            let (event, log) = (event.clone(), log.clone());
            task::spawn(async move {
                event.wait().await;
                log.add(number.to_string());
            })
            .detach();
        }
        settle().await;
        assert!(log.take().is_empty());
        event.set();
        event.clear();
        assert!(event.wait().now_or_never().is_none(), "it came after");
        settle().await;
        assert_eq!(log.take(), ["1", "2", "3"]);
        event.set();
        event.set();
        assert!(event.is_set() && event.wait().now_or_never().is_some());
        assert_eq!(timeout(ms(1), event.wait()).await, Ok(()));
    });
}

/// **P5** All pass together, in rounds, and each is told its place.
#[test]
fn p5_a_barrier_lets_nobody_through_before_all_have_come() {
    run(async || {
        let barrier = Barrier::new(3);
        let log = Log::new();
        for number in 0..6 {
            let (barrier, log) = (barrier.clone(), log.clone());
            task::spawn(async move {
                sleep(ms(number)).await;
                let place = barrier.wait().await.expect("nobody breaks it");
                log.add(format!("{number} is {place}"));
            })
            .detach();
        }
        sleep(ms(1)).await;
        settle().await;
        assert_eq!((barrier.waiting(), barrier.parties()), (2, 3));
        assert!(log.take().is_empty());
        sleep(ms(1)).await;
        settle().await;
        let mut round = log.take();
        round.sort();
        assert_eq!(round, ["0 is 0", "1 is 1", "2 is 2"]);
        assert_eq!(barrier.waiting(), 0, "the next round is a new one");
        sleep(ms(10)).await;
        assert_eq!(log.len(), 3);
    });
}

/// **P5** One that waits is cancelled: all the others hear of it, and so does whoever comes, until
/// the barrier is reset. (In asyncio the one that was cancelled just leaves, and the others wait
/// for another in its place.)
#[test]
fn p5_a_barrier_breaks_for_all_when_one_is_cancelled_or_it_is_aborted() {
    run(async || {
        let barrier = Barrier::new(3);
        let wait = |barrier: &Barrier| {
            let barrier = barrier.clone();
            task::spawn(async move { barrier.wait().await })
        };
        for abort in [false, true] {
            let (one, two) = (wait(&barrier), wait(&barrier));
            settle().await;
            if abort {
                barrier.abort()
            } else {
                one.abort()
            }
            assert_eq!(two.await, Ok(Err(BrokenBarrier)));
            assert!(barrier.is_broken() && barrier.waiting() == 0);
            assert_eq!(barrier.wait().now_or_never(), Some(Err(BrokenBarrier)));
            barrier.reset();
            assert!(!barrier.is_broken());
            let all = [wait(&barrier), wait(&barrier), wait(&barrier)];
            for (place, task) in all.into_iter().enumerate() {
                assert_eq!(task.await, Ok(Ok(place)));
            }
        }
    });
}

/// **P5** A reset fails those who wait and begins a new round at once. One that is dropped after
/// its round was complete breaks nothing.
#[test]
fn p5_a_reset_fails_who_waits_and_a_round_that_is_over_cannot_break() {
    run(async || {
        let barrier = Barrier::new(2);
        let mut waits = Box::pin(barrier.wait());
        assert!(futures::poll!(waits.as_mut()).is_pending());
        barrier.reset();
        assert!(!barrier.is_broken());
        let mut next = Box::pin(barrier.wait());
        assert!(futures::poll!(next.as_mut()).is_pending());
        assert_eq!(waits.await, Err(BrokenBarrier));
        assert_eq!(barrier.waiting(), 1, "the one of before is not of this round");
        assert_eq!(barrier.wait().await, Ok(1));
        drop(next);
        assert!(!barrier.is_broken());
    });
}

/// A waker that does something when it is woken finds nothing borrowed.
#[test]
fn wakers_may_use_what_they_are_woken_by() {
    use std::task::{Context, Wake, Waker};
    thread_local! {
        static LOCK: RefCell<Option<(Lock<u8>, Event, Barrier)>> = const { RefCell::new(None) };
        static WOKEN: Cell<u32> = const { Cell::new(0) };
    }
    struct Meddles;
    impl Wake for Meddles {
        fn wake(self: std::sync::Arc<Self>) {
            let (lock, event, barrier) = LOCK.with_borrow(Clone::clone).expect("it is there");
            assert!(lock.try_lock().is_none(), "it was promised");
            event.set();
            assert!(barrier.wait().now_or_never().is_some() || barrier.waiting() == 0);
            WOKEN.set(WOKEN.get() + 1);
        }
    }
    let (lock, event, barrier) = (Lock::new(1), Event::new(), Barrier::new(2));
    LOCK.set(Some((lock.clone(), event.clone(), barrier.clone())));
    let waker = Waker::from(std::sync::Arc::new(Meddles));
    let mut context = Context::from_waker(&waker);
    let guard = lock.try_lock().expect("it is free");
    let mut waits_for_lock = Box::pin(lock.lock());
    let mut waits_for_event = Box::pin(event.wait());
    let mut waits_for_others = Box::pin(barrier.wait());
    assert!(waits_for_lock.poll_unpin(&mut context).is_pending());
    assert!(waits_for_event.poll_unpin(&mut context).is_pending());
    assert!(waits_for_others.poll_unpin(&mut context).is_pending());
    drop(guard);
    assert!(WOKEN.get() >= 1);
    assert!(waits_for_event.poll_unpin(&mut context).is_ready());
    assert!(waits_for_others.poll_unpin(&mut context).is_ready());
    assert!(waits_for_lock.poll_unpin(&mut context).is_ready());
    LOCK.set(None);
}
