//! Groups of tasks.

use std::cell::RefCell;
use std::future::pending;
use std::rc::Rc;

use futures::FutureExt as _;
use greenroom::actor::Fault;
use greenroom::task::{self, GroupFailure, JoinError, cancellable, group};
use greenroom::time::{sleep, timeout};

use crate::harness::{Log, case, secs};

/// Waits, and when it is asked to cancel, cleans up for a second.
async fn cleans_up(log: Log, name: &'static str) -> Result<(), String> {
    let Err(cancelled) = cancellable(pending::<()>()).await else { return Ok(()) };
    sleep(secs(1)).await;
    log.add(format!("{name} cleaned up"));
    cancelled.resume().await
}

/// **C7** The first failure cancels siblings and body; all have cleaned up when the group ends, and
/// the task is as if it had never been asked: its next waits are unaffected.
#[test]
fn cb_06_taskgroup_failure() {
    case(async |test| {
        let log = Log::new();
        let of_group = log.clone();
        let task = task::spawn(async move {
            let outcome = group(async |group| {
                group.spawn(cleans_up(of_group.clone(), "sibling"));
                group.spawn(async {
                    sleep(secs(1)).await;
                    Err::<(), _>("first".to_owned())
                });
                match cleans_up(of_group.clone(), "body").await {
                    Ok(()) => Ok("never"),
                    Err(error) => Err(error),
                }
            });
            let error = outcome.await.unwrap_err();
            let failures = error.failures().to_vec();
            assert_eq!(failures, [GroupFailure::Error("first".to_owned())]);
            sleep(secs(1)).await;
            task::cancelling()
        });
        assert_eq!(task.await, Ok(0));
        let mut cleaned = log.take();
        cleaned.sort();
        assert_eq!(cleaned, ["body cleaned up", "sibling cleaned up"]);
        assert_eq!(test.now(), secs(3));
    });
}

/// **C7** All errors are collected, in the order in which they happened: those of the body and
/// those on the way out too. A panic is a failure, a cancelled task is none.
#[test]
fn cb_06_all_errors_are_collected() {
    case(async |test| {
        let outcome = group(async |group| {
            let on_the_way_out = async {
                let _ = cancellable(pending::<()>()).await;
                sleep(secs(1)).await;
                Err::<(), _>("on the way out")
            };
            group.spawn(on_the_way_out);
            group.spawn(async {
                let _ = cancellable(pending::<()>()).await;
                sleep(secs(2)).await;
                if sleep(secs(0)).now_or_never().is_some() {
                    panic!("late");
                }
                Ok(())
            });
            let cancelled = group.spawn(pending::<Result<(), _>>());
            cancelled.cancel();
            sleep(secs(1)).await;
            assert_eq!(cancelled.await, Err(JoinError::Cancelled));
            Err::<(), _>("the body's")
        });
        let failures = outcome.await.unwrap_err().into_failures();
        let expected = [
            GroupFailure::Error("the body's"),
            GroupFailure::Error("on the way out"),
            GroupFailure::Panicked("late".into()),
        ];
        assert_eq!(failures, expected);
        assert_eq!(test.now(), secs(3));
    });
}

/// **C7** A task around the group that is asked to cancel cancels the tasks, waits for them and is
/// cancelled; if something failed, the failures are given instead, and the request still counts.
#[test]
fn cb_06_cancelled_from_outside() {
    case(async |test| {
        let log = Log::new();
        let of_group = log.clone();
        let task = task::spawn(async move {
            let _ = group(async |group| {
                group.spawn(cleans_up(of_group.clone(), "child"));
                pending::<Result<(), String>>().await
            })
            .await;
            of_group.add("never");
        });
        test.settle().await;
        task.cancel();
        assert_eq!(task.await, Err(JoinError::Cancelled));
        assert_eq!(log.take(), ["child cleaned up"]);

        let task = task::spawn(async {
            let outcome = group(async |group| {
                group.spawn(async {
                    let _ = cancellable(pending::<()>()).await;
                    Err::<(), _>("while it was cancelled")
                });
                pending::<Result<(), _>>().await
            });
            (outcome.await.unwrap_err().failures().len(), task::cancelling())
        });
        test.settle().await;
        task.cancel();
        assert_eq!(task.await, Ok((1, 1)));

        // While the body is done and the tasks are waited for.
        let task = task::spawn(group(async |group| {
            group.spawn(pending::<Result<(), Fault>>());
            Ok::<_, Fault>(())
        }));
        test.settle().await;
        task.cancel();
        assert!(matches!(task.await, Err(JoinError::Cancelled)));
    });
}

/// **C7** Groups nest: a failure inside the inner one ends that, and the outer one only if it is
/// not dealt with; the count of the task is zero afterwards.
#[test]
fn cb_06_groups_nest() {
    case(async |test| {
        let task = task::spawn(async {
            let outcome = group(async |outer| {
                outer.spawn(async {
                    sleep(secs(3)).await;
                    Err::<(), _>("outer")
                });
                let inner = group(async |inner| {
                    inner.spawn(async { Err::<(), _>("inner") });
                    pending::<Result<(), _>>().await
                });
                assert!(inner.await.is_err());
                assert_eq!(task::cancelling(), 0);
                sleep(secs(1)).await;
                let last = group(async |inner| {
                    inner.spawn(pending::<Result<(), &str>>());
                    pending::<Result<(), _>>().await
                });
                last.await.map_err(|_| "never")
            });
            let failures = outcome.await.unwrap_err().into_failures();
            assert_eq!(failures, [GroupFailure::Error("outer")]);
            sleep(secs(1)).await;
            task::cancelling()
        });
        assert_eq!(task.await, Ok(0));
        assert_eq!(test.now(), secs(4));
    });
}

/// **C7** A group that is ending, or has ended, takes no more: the future is dropped and the handle
/// says so. Until then tasks may spawn siblings, also when the body is done.
#[test]
fn cb_07_taskgroup_states() {
    struct Dropped(Log);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.add("dropped");
        }
    }
    case(async |test| {
        let log = Log::new();
        let kept = Rc::new(RefCell::new(None));
        let noted = log.clone();
        let outcome = group(async |group| {
            *kept.borrow_mut() = Some(group.clone());
            let (siblings, log) = (group.clone(), noted.clone());
            group.spawn(async move {
                sleep(secs(1)).await;
                siblings.spawn(async move {
                    log.add("a sibling");
                    Ok(())
                });
                Ok(())
            });
            Ok::<_, Fault>(())
        });
        outcome.await.unwrap();
        assert_eq!(log.take(), ["a sibling"]);
        let ended = kept.take().unwrap();
        let held = Dropped(log.clone());
        let refused = ended.spawn(async move {
            let _held = held;
            Ok::<_, Fault>(())
        });
        assert_eq!(log.take(), ["dropped"], "at once");
        assert!(ended.is_ending() && ended.tasks() == 0);
        assert_eq!(refused.await, Err(JoinError::Cancelled));

        let outcome = group(async |group| {
            group.cancel();
            let refused = group.spawn(async { Ok(()) });
            assert_eq!(refused.await, Err(JoinError::Cancelled));
            pending::<Result<(), Fault>>().await
        });
        assert!(outcome.await.unwrap_err().failures().is_empty());
        test.settle().await;
    });
}

/// **C7** Nothing outlives a group: dropped, it aborts its tasks; and one that was never polled has
/// begun nothing.
#[test]
fn cb_07_nothing_outlives_a_group() {
    case(async |test| {
        let tasks = task::all().len();
        let log = Log::new();
        let of_group = log.clone();
        let limited = timeout(
            secs(1),
            group(async |group| {
                group.spawn(cleans_up(of_group.clone(), "child"));
                pending::<Result<(), String>>().await
            }),
        );
        assert!(limited.await.is_err());
        assert_eq!(task::all().len(), tasks, "at once");
        test.advance(secs(5)).await;
        assert!(log.take().is_empty(), "one that is dropped has no time to clean up");
        drop(group(async |group| {
            group.spawn(async { Ok(()) });
            Ok::<_, Fault>(())
        }));
        assert_eq!(task::all().len(), tasks);
    });
}

/// **C7** A panic of the body goes on when the tasks have ended. A task of the group that fails in
/// its first, eager step is a failure like any other.
#[test]
fn cb_07_panics_and_eager_failures() {
    case(async |_test| {
        let log = Log::new();
        let of_group = log.clone();
        let panics = task::spawn(group(async move |group| {
            group.spawn(cleans_up(of_group, "child"));
            sleep(secs(1)).await;
            if group.tasks() > 0 {
                panic!("the body's");
            }
            Ok::<_, String>(())
        }));
        let outcome = panics.await.map(|outcome| outcome.is_ok());
        assert_eq!(outcome, Err(JoinError::Panicked("the body's".into())));
        assert_eq!(log.take(), ["child cleaned up"]);

        let outcome = group(async |group| {
            let eager = task::builder().eager();
            let failed = group.spawn_as(eager, async { Err::<(), _>("at once") });
            assert_eq!(failed.await, Err(JoinError::Failed));
            Ok(())
        });
        assert_eq!(outcome.await.unwrap_err().failures(), [GroupFailure::Error("at once")]);
    });
}
