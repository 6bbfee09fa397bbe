//! Limits of time: `wait_for`, deadlines, timeouts.

use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;

use greenroom::task::{self, JoinError, cancellable, deadline};
use greenroom::time::{now, sleep, timeout, timeout_at};

use crate::harness::{Log, case, secs};

/// **C3** At the limit the task is cancelled and its clean-up is waited for.
#[test]
fn cb_03_wait_for_waits_for_the_clean_up() {
    case(async |test| {
        let log = Log::new();
        let noted = log.clone();
        let cleans_up = task::spawn(async move {
            let Err(cancelled) = cancellable(pending::<()>()).await else { return };
            sleep(secs(2)).await;
            noted.add("cleaned up");
            cancelled.resume::<()>().await;
        });
        let outcome = task::wait_for(secs(1), cleans_up).await;
        assert_eq!(outcome, Err(JoinError::TimedOut(secs(1))));
        assert_eq!((log.take(), test.now()), (vec!["cleaned up".to_owned()], secs(3)));
    });
}

/// **C3** The edges: done in time, a value despite the limit, another error on the way out,
/// cancelled by somebody else, and a limit of zero.
#[test]
fn cb_03_wait_for_edges() {
    case(async |test| {
        let quick = task::spawn(async { 1 });
        assert_eq!(task::wait_for(secs(1), quick).await, Ok(1));

        let despite = task::spawn(async {
            assert!(cancellable(pending::<()>()).await.is_err());
            42
        });
        assert_eq!(task::wait_for(secs(1), despite).await, Ok(42));

        let fails = task::spawn(async {
            let _ = cancellable(pending::<()>()).await;
            panic!("on its way out")
        });
        let outcome: Result<(), _> = task::wait_for(secs(1), fails).await;
        assert_eq!(outcome, Err(JoinError::Panicked("on its way out".into())));

        let aborted = task::spawn(pending::<()>());
        aborted.abort();
        assert_eq!(task::wait_for(secs(1), aborted).await, Err(JoinError::Cancelled));

        let done = task::spawn(async { 7 });
        test.settle().await;
        assert_eq!(task::wait_for(secs(0), done).await, Ok(7), "it was done already");
        let began = Rc::new(Cell::new(false));
        let mark = Rc::clone(&began);
        let never = task::spawn(async move { mark.set(true) });
        assert_eq!(task::wait_for(secs(0), never).await, Err(JoinError::TimedOut(secs(0))));
        test.settle().await;
        assert!(!began.get(), "it never began");
    });
}

/// **C3** Whoever is cancelled while it waits cancels the task and waits for it; whoever is dropped
/// aborts it.
#[test]
fn cb_03_wait_for_is_cancelled_itself() {
    case(async |test| {
        let log = Log::new();
        let noted = log.clone();
        let inner = task::spawn(async move {
            let Err(cancelled) = cancellable(pending::<()>()).await else { return };
            sleep(secs(1)).await;
            noted.add("inner");
            cancelled.resume::<()>().await;
        });
        let outer = task::spawn(task::wait_for(secs(60), inner));
        test.settle().await;
        outer.cancel();
        assert_eq!(outer.await, Err(JoinError::Cancelled));
        assert_eq!((log.take(), test.now()), (vec!["inner".to_owned()], secs(1)));

        let inner = task::spawn(pending::<()>());
        let id = inner.id();
        assert!(timeout(secs(1), task::wait_for(secs(60), inner)).await.is_err());
        assert!(task::all().iter().all(|task| Some(task.id) != id));
    });
}

/// **C4** Nested limits: the inner one acts first where both are due, then the outer one; the task
/// is not cancelled by them, and its count is back to zero.
#[test]
fn cb_04_timeout_nesting() {
    case(async |test| {
        let outcome = task::spawn(async {
            let outer = deadline(secs(1), async |_| {
                let inner = deadline(secs(1), async |_| pending::<()>().await).await;
                let inner = inner.is_err();
                sleep(secs(1)).await;
                inner
            });
            let outer = outer.await;
            (outer.is_err(), task::cancelling())
        });
        assert_eq!(outcome.await, Ok((true, 0)));
        assert_eq!(test.now(), secs(1));

        // The inner one alone; the outer one goes on.
        let outcome = deadline(secs(5), async |_| {
            let inner = deadline(secs(1), async |_| pending::<()>().await).await;
            sleep(secs(1)).await;
            inner.map_err(|elapsed| elapsed.limit())
        });
        assert_eq!(outcome.await, Ok(Err(secs(1))));

        // The outer one reaches through the inner one, whose own has not come.
        let outcome = deadline(secs(1), async |_| {
            let inner = deadline(secs(60), async |_| cancellable(pending::<()>()).await);
            match inner.await {
                Ok(Err(cancelled)) => cancelled.resume::<()>().await,
                other => panic!("{other:?}"),
            }
        });
        assert_eq!(outcome.await.map_err(|elapsed| elapsed.limit()), Err(secs(1)));
    });
}

/// **C4** A deadline can be moved, or taken away, until it is reached; it knows whether it was.
#[test]
fn cb_04_reschedule() {
    case(async |test| {
        let start = now();
        let outcome = deadline(secs(1), async |deadline| {
            assert_eq!(deadline.when(), Some(start + secs(1)));
            assert!(deadline.reschedule(start + secs(10)));
            sleep(secs(5)).await;
            assert!(deadline.reschedule(start + secs(6)));
            let heard = cancellable(pending::<()>()).await.is_err();
            assert!(heard && deadline.expired());
            assert!(!deadline.reschedule(None), "it was reached");
            "a value all the same"
        });
        assert_eq!(outcome.await, Ok("a value all the same"));
        assert_eq!(test.now(), secs(6));

        let endless = deadline(secs(1), async |deadline| {
            deadline.reschedule(None);
            sleep(secs(100)).await;
            deadline.expired()
        });
        assert_eq!(endless.await, Ok(false));
        let past = deadline(secs(5), async |deadline| {
            deadline.reschedule(now());
            pending::<()>().await;
        });
        assert!(past.await.is_err(), "one in the past acts at the next wait");
    });
}

/// **C4** A request from outside wins over a limit that is due at the same moment: the task is
/// cancelled, and the limit does not turn that into its own.
#[test]
fn cb_04_a_request_from_outside_wins() {
    case(async |test| {
        let heard = Rc::new(Cell::new(None));
        let mark = Rc::clone(&heard);
        let task = task::spawn(async move {
            let limited = deadline(secs(1), async |_| pending::<()>().await);
            mark.set(Some(limited.await.is_err()));
        });
        let cancels = task::spawn(async move {
            sleep(secs(1)).await;
            task.cancel();
            task.await
        });
        let outcome = cancels.await.unwrap();
        test.settle().await;
        // Whichever ran first: cancelled with no word of the limit, or the limit before the
        // request.
        match outcome {
            Err(JoinError::Cancelled) => assert_eq!(heard.get(), None),
            Ok(()) => assert_eq!(heard.get(), Some(true)),
            other => panic!("{other:?}"),
        }
    });
}

/// **C4** Both in one step, the request before the limit is seen: the request wins.
#[test]
fn cb_04_a_request_in_the_same_step_wins() {
    case(async |_test| {
        let task = task::spawn(async {
            let limited = deadline(secs(1), async |deadline| {
                deadline.reschedule(now());
                task::cancel_current();
                pending::<()>().await;
            });
            limited.await.is_err()
        });
        assert_eq!(task.await, Err(JoinError::Cancelled));
    });
}

/// **C4** At a moment instead of after a time; and a limit that drops what it limits at once.
#[test]
fn cb_04_timeout_at() {
    case(async |test| {
        assert_eq!(timeout_at(now() + secs(1), async { 1 }).await, Ok(1));
        let late = timeout_at(now() + secs(1), pending::<()>()).await;
        assert_eq!(late.map_err(|elapsed| elapsed.limit()), Err(secs(1)));
        assert_eq!(test.now(), secs(1));
        let past = timeout_at(now(), pending::<()>()).await;
        assert!(past.is_err() && test.now() == secs(1));
    });
}

/// **C4** One that is moved at each step limits the silence between two steps, and holds nobody.
#[test]
fn cb_04_moved_at_each_step() {
    case(async |test| {
        let silent_for = |longest: u64| async move {
            let ticks = [1, 2, longest].map(secs);
            deadline(secs(3), async |deadline| {
                for tick in ticks {
                    let mut tick = std::pin::pin!(sleep(tick));
                    std::future::poll_fn(|cx| {
                        deadline.reschedule(now() + secs(3));
                        tick.as_mut().poll(cx)
                    })
                    .await;
                }
            })
            .await
        };
        assert_eq!(silent_for(2).await, Ok(()));
        assert_eq!(test.now(), secs(5));
        assert!(silent_for(4).await.is_err());
        assert_eq!(test.now(), secs(11));
    });
}
