//! Locks, semaphores and conditions: the order, misuse, and being dropped.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;

use futures::FutureExt as _;
use greenroom::sync::{Condition, Lock, Notified, Semaphore};
use greenroom::task::{self, JoinHandle};
use greenroom::time::{self, sleep, timeout};

use crate::harness::{Log, case, ms};
use crate::support::{run, settle};

/// Three tasks, each of which takes it twice and holds it for a while.
async fn in_turns<G: 'static>(acquire: impl AsyncFn() -> G + Clone + 'static) -> Vec<String> {
    let log = Log::new();
    let tasks: Vec<JoinHandle<()>> = (1..=3)
        .map(|number| {
            let (log, acquire) = (log.clone(), acquire.clone());
            task::spawn(async move {
                for round in 1..=2 {
                    let held = acquire().await;
                    log.add(format!("c{number}_{round}"));
                    sleep(ms(10)).await;
                    drop(held);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
    log.take()
}

const IN_TURNS: [&str; 6] = ["c1_1", "c2_1", "c3_1", "c1_2", "c2_2", "c3_2"];

/// **P1** Whoever gives it back and asks again stands behind those who wait: for a lock, for a
/// permit, for several permits at once, and for permits that are counted by hand.
#[test]
fn sy_01_lock_and_semaphore_serve_in_the_order_of_arrival() {
    struct Release(Semaphore);
    impl Drop for Release {
        fn drop(&mut self) {
            self.0.release(1).expect("one was forgotten");
        }
    }
    run(async || {
        let lock = Lock::new(());
        assert_eq!(in_turns(async move || lock.lock().await).await, IN_TURNS);
        let one = Semaphore::new(1);
        assert_eq!(in_turns(async move || one.acquire().await).await, IN_TURNS);
        let two = Semaphore::new(2);
        assert_eq!(in_turns(async move || two.acquire_many(2).await).await, IN_TURNS);
        let by_hand = Semaphore::new(1);
        let acquire = async move || {
            by_hand.acquire().await.forget();
            Release(by_hand.clone())
        };
        assert_eq!(in_turns(acquire).await, IN_TURNS);
    });
}

/// **P1** Free for a moment it belongs to the one that waits; also a wish that could be met stays
/// behind one that cannot.
#[test]
fn sy_01_a_newcomer_does_not_overtake_although_a_permit_is_free() {
    run(async || {
        let lock = Lock::new(0);
        let held = lock.try_lock().expect("it is free");
        let mut waits = pin!(lock.lock());
        assert!(futures::poll!(waits.as_mut()).is_pending());
        drop(held);
        assert!(lock.try_lock().is_none(), "it was promised");
        assert!(lock.lock().now_or_never().is_none(), "a newcomer that does not wait at all");
        assert!(waits.now_or_never().is_some());

        let semaphore = Semaphore::new(3);
        let held = semaphore.acquire().await;
        let mut large = pin!(semaphore.acquire_many(3));
        assert!(futures::poll!(large.as_mut()).is_pending());
        assert_eq!(semaphore.available(), 2);
        assert!(semaphore.try_acquire().is_none(), "two are free, and somebody waits");
        let mut small = pin!(semaphore.acquire());
        assert!(futures::poll!(small.as_mut()).is_pending());
        drop(held);
        let large = large.now_or_never().expect("all are free").expect("there are three");
        assert!(futures::poll!(small.as_mut()).is_pending());
        drop(large);
        assert!(small.now_or_never().is_some());
    });
}

/// **P1** One that waits is dropped: those behind it go on in their order.
#[test]
fn sy_01_a_cancelled_waiter_leaves_no_gap() {
    run(async || {
        let semaphore = Semaphore::new(2);
        let held = semaphore.acquire_many(1).await.expect("there is one");
        let mut large = Box::pin(semaphore.acquire_many(2));
        let mut small = pin!(semaphore.acquire());
        assert!(futures::poll!(large.as_mut()).is_pending());
        assert!(futures::poll!(small.as_mut()).is_pending());
        drop(large);
        assert!(small.now_or_never().is_some(), "only the large wish held it up");
        drop(held);
        assert_eq!(semaphore.available(), 2);
    });
}

/// **P1** Dropped after it was promised the lock: the next one has it, and if there is none, it is
/// free.
#[test]
fn sy_01_a_waiter_cancelled_after_its_grant_passes_it_on() {
    run(async || {
        let lock = Lock::new(0);
        let held = lock.try_lock().expect("it is free");
        let mut promised = Box::pin(lock.lock());
        let mut next = Box::pin(lock.lock());
        assert!(futures::poll!(promised.as_mut()).is_pending());
        assert!(futures::poll!(next.as_mut()).is_pending());
        drop(held);
        drop(promised);
        let guard = next.now_or_never().expect("it was passed on");
        let mut last = Box::pin(lock.lock());
        assert!(futures::poll!(last.as_mut()).is_pending());
        drop(guard);
        drop(last);
        assert!(!lock.is_locked());

        let task = {
            let (lock, held) = (lock.clone(), lock.lock().await);
            let task = task::spawn(async move { lock.lock().await });
            settle().await;
            drop(held);
            task
        };
        task.abort();
        assert!(lock.try_lock().is_some(), "the task was promised it and never ran");
    });
}

/// **P1** A holder that panics, or is dropped, gives it back; the value is as it was left.
#[test]
fn sy_01_however_a_holder_ends_it_gives_back() {
    run(async || {
        let lock = Lock::new(0);
        let in_task = lock.clone();
        let panics = task::spawn(async move {
            let mut value = in_task.lock().await;
            *value = 5;
            panic!("on purpose");
        });
        assert!(panics.await.is_err());
        let in_task = lock.clone();
        let dropped = task::spawn(async move {
            let _guard = in_task.lock().await;
            std::future::pending::<()>().await;
        });
        settle().await;
        assert!(lock.is_locked());
        dropped.abort();
        assert_eq!(lock.try_lock().map(|value| *value), Some(5));
    });
}

/// **P1** Under every schedule one holder at a time, and every one of them comes to its turn.
#[test]
fn sy_01_one_holder_at_a_time_under_every_schedule() {
    case(async |_test| {
        let lock = Lock::new(0);
        let inside = Rc::new(Cell::new(false));
        let tasks: Vec<_> = (0..5)
            .map(|number| {
                let (lock, inside) = (lock.clone(), inside.clone());
                task::spawn(async move {
                    for _ in 0..2 {
                        let wish = timeout(ms(number), lock.lock()).await;
                        let Ok(mut value) = wish else { continue };
                        assert!(!inside.replace(true), "two at once");
                        task::yield_now().await;
                        if number > 2 {
                            sleep(ms(1)).await;
                        }
                        *value += 1;
                        inside.set(false);
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("no panic");
        }
        assert!(*lock.try_lock().expect("all have gone") >= 5);
    });
}

/// **P2** More than was taken is never given back: guards make it impossible (the documentation of
/// `LockGuard` and `Permit` has the code that does not compile), and by hand it is an error.
#[test]
fn sy_02_releasing_what_is_not_held_is_an_error() {
    let semaphore = Semaphore::new(2);
    let error = semaphore.release(1).expect_err("nothing is out");
    assert!(error.to_string().contains("1 permits were released, but 0 are outstanding"));
    let held = semaphore.try_acquire().expect("it is free");
    assert!(semaphore.release(1).is_err(), "its holder will give it back");
    held.forget();
    assert!(semaphore.release(2).is_err(), "one more than was forgotten");
    assert_eq!(semaphore.available(), 1, "nothing was released");
    assert_eq!((semaphore.release(1), semaphore.available()), (Ok(()), 2));
    assert!(semaphore.release(1).is_err());
    semaphore.add_permits(1);
    assert_eq!((semaphore.available(), semaphore.capacity()), (3, 3));
}

/// **P2** A wish that could never be met is an error and not a wait for ever.
#[test]
fn sy_02_more_permits_than_there_are_is_an_error() {
    run(async || {
        let semaphore = Semaphore::new(2);
        let error = semaphore.acquire_many(3).await.expect_err("there are two");
        assert!(error.to_string().contains("3 permits of a semaphore that has 2"));
        assert!(semaphore.try_acquire_many(3).is_none());
        assert_eq!(semaphore.acquire_many(2).await.map(|permit| permit.permits()), Ok(2));
    });
}

/// **P2** Waiting and notifying need the lock: in Rust, its guard. One of another lock is a
/// mistake that is named.
#[test]
fn sy_02_a_condition_refuses_the_guard_of_another_lock() {
    run(async || {
        let (lock, other) = (Lock::new(1), Lock::new(2));
        let condition = Condition::new(&lock);
        let wrong = other.lock().await;
        let notify = catch_unwind(AssertUnwindSafe(|| condition.notify_all(&wrong)));
        let text = notify.expect_err("it is refused");
        let text = text.downcast_ref::<&str>().expect("a text");
        assert!(text.contains("of another lock"), "{text}");
        let wait = AssertUnwindSafe(condition.wait(wrong)).catch_unwind().await;
        assert!(wait.is_err());
        assert!(!other.is_locked() && !lock.is_locked());
    });
}

/// **P3** Whoever goes on after a notification holds the lock, one after another, in the order in
/// which they began to wait.
#[test]
fn p3_notified_waiters_take_the_lock_in_order() {
    run(async || {
        let log = Log::new();
        let lock = Lock::new(0);
        let condition = Condition::new(&lock);
        for number in 1..=4 {
            let (lock, condition, log) = (lock.clone(), condition.clone(), log.clone());
            task::spawn(async move {
                let mut guard = condition.wait(lock.lock().await).await;
                *guard += 1;
                log.add(format!("{number} at {}", *guard));
                task::yield_now().await;
                assert!(lock.try_lock().is_none());
            })
            .detach();
        }
        settle().await;
        condition.notify(&lock.lock().await, 2);
        settle().await;
        assert_eq!(log.take(), ["1 at 1", "2 at 2"]);
        let guard = lock.lock().await;
        condition.notify_one(&guard);
        settle().await;
        assert!(log.take().is_empty(), "the lock is held");
        condition.notify_all(&guard);
        drop(guard);
        settle().await;
        assert_eq!(log.take(), ["3 at 3", "4 at 4"]);
    });
}

/// **P3** At its limit a wait takes the lock again before it returns, however long that takes.
#[test]
fn p3_the_lock_is_held_again_after_a_limit() {
    run(async || {
        let lock = Lock::new(0);
        let condition = Condition::new(&lock);
        let begun = time::now();
        let guard = lock.lock().await;
        let other = lock.clone();
        task::spawn(async move {
            let mut guard = other.lock().await;
            sleep(ms(50)).await;
            *guard = 7;
        })
        .detach();
        let (guard, notified) = condition.wait_timeout(guard, ms(10)).await;
        assert_eq!((*guard, notified), (7, Notified::TimedOut));
        assert_eq!(time::now() - begun, ms(50));
        assert!(lock.is_locked());
        // It has left: a notification after the limit is for somebody else.
        condition.notify_one(&guard);
        assert!(timeout(ms(1), condition.wait(guard)).await.is_err(), "it was not kept either");
    });
}

/// **P3** A wait that is dropped holds no lock, and a notification that it had got is not lost:
/// dropped before it saw it, or while it took the lock again.
#[test]
fn p3_a_dropped_wait_passes_its_notification_on() {
    run(async || {
        let lock = Lock::new(0);
        let condition = Condition::new(&lock);
        for seen in [false, true] {
            let mut first = Box::pin(condition.wait(lock.lock().await));
            assert!(futures::poll!(first.as_mut()).is_pending());
            let mut second = Box::pin(condition.wait(lock.lock().await));
            assert!(futures::poll!(second.as_mut()).is_pending());
            let guard = lock.lock().await;
            condition.notify_one(&guard);
            if seen {
                assert!(futures::poll!(first.as_mut()).is_pending(), "the lock is held");
            }
            drop(first);
            drop(guard);
            assert!(second.now_or_never().is_some(), "it was told instead");
        }
        let waits = condition.wait(lock.lock().await);
        assert!(lock.is_locked(), "it has not begun, and holds the guard");
        drop(waits);
        assert!(!lock.is_locked());
    });
}

/// **P3** `wait_while` looks before it waits, and after each notification.
#[test]
fn p3_wait_while_goes_on_when_the_value_is_right() {
    run(async || {
        let lock = Lock::new(0);
        let condition = Condition::new(&lock);
        let looks = Rc::new(Cell::new(0));
        let task = task::spawn({
            let (lock, condition, looks) = (lock.clone(), condition.clone(), looks.clone());
            async move {
                let wait = condition.wait_while(lock.lock().await, |value| {
                    looks.set(looks.get() + 1);
                    *value < 2
                });
                *wait.await
            }
        });
        settle().await;
        for _ in 0..2 {
            let mut guard = lock.lock().await;
            *guard += 1;
            condition.notify_all(&guard);
            drop(guard);
            settle().await;
        }
        assert_eq!((task.await, looks.get()), (Ok(2), 3));
        let right = condition.wait_while(lock.lock().await, |value| *value < 2);
        assert!(right.now_or_never().is_some(), "it need not wait");
    });
}
