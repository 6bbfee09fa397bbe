//! Limits and groups that stand side by side in one task, by `join!` and `select!`: a request of
//! one is nothing to the others.

use std::future::pending;
use std::pin::pin;

use futures::future::{Either, select};
use futures::{StreamExt as _, join};
use greenroom::task::{self, JoinError, cancellable, deadline};
use greenroom::time::{sleep, timeout};

use crate::harness::{Log, case, secs};
use crate::support;

/// **C3** Of two deadlines side by side each ends its own part, and nothing of the other.
#[test]
fn cb_04_deadlines_side_by_side() {
    case(async |test| {
        let short = deadline(secs(1), async |_| pending::<()>().await);
        let long = deadline(secs(3), async |_| sleep(secs(2)).await);
        let (short, long) = join!(short, long);
        assert!(short.is_err() && long.is_ok());
        assert_eq!(test.now(), secs(2));

        let both = || deadline(secs(1), async |_| pending::<()>().await);
        let (one, two) = join!(both(), both());
        assert!(one.is_err() && two.is_err(), "they are due in the same moment");
        assert_eq!(test.now(), secs(3));
    });
}

/// **C3** What listens beside a deadline, before it or after it, does not hear of it.
#[test]
fn cb_04_a_deadline_asks_nobody_beside_it() {
    case(async |_| {
        let limited = || deadline(secs(1), async |_| cancellable(pending::<()>()).await.is_err());
        let (beside, heard) = join!(cancellable(sleep(secs(2))), limited());
        assert_eq!((beside, heard), (Ok(()), Ok(true)));
        let (heard, beside) = join!(limited(), cancellable(sleep(secs(2))));
        assert_eq!((beside, heard), (Ok(()), Ok(true)));

        let ends = deadline(secs(1), async |_| pending::<()>().await);
        match select(pin!(ends), pin!(cancellable(pending::<()>()))).await {
            Either::Left((outcome, _)) => assert!(outcome.is_err()),
            Either::Right(_) => panic!("nobody asked it to cancel"),
        }
    });
}

/// **C4** A group that fails cancels its own tasks and body; a group beside it goes on.
#[test]
fn cb_06_groups_side_by_side() {
    case(async |test| {
        let fails = task::group(async |group| {
            group.spawn(async {
                sleep(secs(1)).await;
                Err::<(), _>("no disk")
            });
            pending::<Result<(), &str>>().await
        });
        let works = task::group(async |group| {
            let task = group.spawn(async {
                sleep(secs(2)).await;
                Ok::<_, &str>(7)
            });
            cancellable(sleep(secs(3))).await.map_err(|_| "it was asked to cancel")?;
            task.await.map_err(|_| "lost")
        });
        let (fails, works) = join!(fails, works);
        assert_eq!(fails.unwrap_err().failures().len(), 1);
        assert_eq!(works.unwrap(), 7);
        assert_eq!(test.now(), secs(3));
    });
}

/// **C1** A request from outside reaches all that stand side by side, the last first, and then the
/// task; each cleans up.
#[test]
fn tk_02_cancel_reaches_all_that_stand_side_by_side() {
    case(async |test| {
        let log = Log::new();
        let noted = log.clone();
        let part = move |name: &'static str| {
            let noted = noted.clone();
            async move {
                let inner = deadline(secs(60), async |_| {
                    let Err(cancelled) = cancellable(pending::<()>()).await else { return };
                    sleep(secs(1)).await;
                    noted.add(name);
                    cancelled.resume::<()>().await;
                });
                let _ = inner.await;
            }
        };
        let task = task::spawn(async move { join!(part("one"), part("two")) });
        test.settle().await;
        task.cancel();
        assert_eq!(task.await.unwrap_err(), JoinError::Cancelled);
        assert_eq!(log.take(), ["two", "one"]);
        assert_eq!(test.now(), secs(2));
    });
}

/// **C3** A request that is passed on inside a deadline goes to what is around it, not beside it,
/// and a deadline that ends what cleans up loses no request from outside.
#[test]
fn cb_04_a_request_is_not_lost_when_the_clean_up_is_too_slow() {
    case(async |test| {
        let task = task::spawn(async {
            let part = deadline(secs(2), async |_| {
                let Err(cancelled) = cancellable(pending::<()>()).await else { return };
                sleep(secs(60)).await;
                cancelled.resume::<()>().await;
            });
            let beside = deadline(secs(3), async |_| pending::<()>().await);
            join!(part, beside)
        });
        sleep(secs(1)).await;
        task.cancel();
        assert!(matches!(task.await, Err(JoinError::Cancelled)));
        assert!(test.now() <= secs(3));
    });
}

/// **C1** Outside a task there is nothing to cancel, also inside a deadline.
#[test]
fn tk_04_cancel_self_outside_a_task() {
    case(async |_| {
        let outcome = deadline(secs(1), async |_| {
            task::cancel_current();
            task::yield_now().await;
            task::cancelling()
        });
        assert_eq!(outcome.await, Ok(0));
    });
}

/// **C1** Who waits for others to clean up, and is dropped meanwhile, passes the request on all the
/// same: a limit around it does not swallow it.
#[test]
fn tk_02_a_limit_does_not_swallow_a_request() {
    async fn slow() -> Result<(), &'static str> {
        let Err(cancelled) = cancellable(pending::<()>()).await else { return Ok(()) };
        sleep(secs(60)).await;
        cancelled.resume().await
    }
    async fn limited<T>(
        test: &greenroom::test::TestSystem,
        waits: impl Future<Output = T> + 'static,
    ) {
        let start = test.now();
        let task = task::spawn(async move {
            let late = timeout(secs(2), waits).await.is_err();
            sleep(secs(60)).await;
            late
        });
        sleep(secs(1)).await;
        task.cancel();
        assert_eq!(task.await, Err(JoinError::Cancelled));
        assert_eq!(test.now() - start, secs(2));
    }
    case(async |test| {
        limited(test, task::spawn(slow()).owned()).await;
        limited(test, task::join_all([task::spawn(slow())])).await;
        limited(test, task::wait_for(secs(60), task::spawn(slow()))).await;
        let waits_in_its_body = task::group(async |group| {
            group.spawn(slow());
            pending::<Result<(), &str>>().await
        });
        limited(test, waits_in_its_body).await;
        let waits_for_its_tasks = task::group(async |group| {
            group.spawn(slow());
            Ok::<_, &str>(())
        });
        limited(test, waits_for_its_tasks).await;
    });
}

/// **C4** A group inside a deadline inside a group: what the deadline asks is heard in the inner
/// group only, whose tasks clean up before the deadline says that it was reached.
#[test]
fn cb_06_a_deadline_between_groups() {
    case(async |test| {
        let log = Log::new();
        let noted = log.clone();
        let outer = task::group(async |outer| {
            let sibling =
                outer.spawn(async { Ok::<_, &str>(cancellable(sleep(secs(5))).await.is_ok()) });
            let inner = deadline(secs(1), async |_| {
                task::group(async |inner| {
                    inner.spawn(async move {
                        let Err(cancelled) = cancellable(pending::<()>()).await else {
                            return Ok(());
                        };
                        sleep(secs(1)).await;
                        noted.add("cleaned up");
                        cancelled.resume().await
                    });
                    Ok::<_, &str>(())
                })
                .await
            });
            assert!(inner.await.is_err());
            assert_eq!(test.now(), secs(2));
            sibling.await.map_err(|_| "lost")
        });
        assert_eq!(outer.await, Ok(true));
        assert_eq!((log.take(), test.now()), (vec!["cleaned up".to_owned()], secs(5)));
    });
}

/// **C1** A destructor may cancel: its own task, which goes on to its end, and others.
#[test]
fn tk_04_cancelled_from_a_destructor() {
    struct Cancels(Option<task::JoinHandle<()>>);
    impl Drop for Cancels {
        fn drop(&mut self) {
            task::cancel_current();
            if let Some(task) = self.0.take() {
                assert!(task.cancel());
                task.detach();
            }
        }
    }
    case(async |test| {
        let log = Log::new();
        let noted = log.clone();
        let other = task::spawn(async move {
            if cancellable(pending::<()>()).await.is_err() {
                noted.add("the other heard");
            }
        });
        let dies = task::spawn(async move {
            let _cancels = Cancels(Some(other));
            pending::<()>().await;
        });
        test.settle().await;
        dies.cancel();
        assert_eq!(dies.await, Err(JoinError::Cancelled));
        test.settle().await;
        assert_eq!(log.take(), ["the other heard"]);

        let gives = task::spawn(async { drop(Cancels(None)) });
        assert_eq!(gives.await, Ok(()), "it did not wait again");
    });
}

/// **C4** A group and a task that are dropped, cancelled or awaited on another loop than theirs do
/// no harm there.
#[test]
fn cb_07_on_another_loop() {
    let mut home = support::simulated();
    let (group, task) = home.run(async {
        let group = Box::pin(task::group(async |group| {
            for _ in 0..8 {
                group.spawn(pending::<Result<(), &str>>());
            }
            pending::<Result<(), &str>>().await
        }));
        let mut group = Box::pin(cancellable(group));
        assert!(futures::poll!(&mut group).is_pending());
        (group, task::spawn(pending::<()>()))
    });
    support::simulated().run(async {
        let mut own: Vec<_> = (0..64)
            .map(|n| {
                task::spawn(async move {
                    sleep(secs(5)).await;
                    n
                })
            })
            .collect();
        task::yield_now().await;
        assert!(!task.cancel(), "it is not here to be asked");
        task.abort();
        assert!(timeout(secs(2), task).await.is_err(), "and so it does not end");
        drop(group);
        let first = own.remove(0);
        assert_eq!((first.await, task::join_all(own).await), (Ok(0), Ok((1..64).collect())));
    });
    assert!(home.run(async { cancellable(async { 7 }).await }).is_ok());
}

/// **T6** Owned tasks side by side are asked one after the other, and each is waited for once.
#[test]
fn tk_02_owned_tasks_side_by_side() {
    case(async |test| {
        let cleans_up = || {
            task::spawn(async {
                let _ = cancellable(pending::<()>()).await;
                sleep(secs(1)).await;
            })
        };
        let (one, two) = (cleans_up(), cleans_up());
        let both = async move { futures::join!(one.owned(), two.owned()) };
        let task = task::spawn(both);
        test.settle().await;
        task.cancel();
        assert_eq!(task.await, Err(JoinError::Cancelled));
        assert_eq!(test.now(), secs(2));
    });
}

/// **T2** A stream of tasks that is not asked for more right now keeps no request from being heard.
#[test]
fn tk_02_a_stream_that_rests_is_not_in_the_way() {
    case(async |test| {
        let task = task::spawn(async {
            let naps = |seconds: u64| sleep(secs(seconds));
            let naps = task::stream([1, 60, 60], async move |n| naps(n).await);
            let mut naps = naps.max_concurrency(3).unwrap();
            naps.next().await.unwrap().unwrap();
            sleep(secs(3_600)).await;
        });
        test.advance(secs(2)).await;
        task.cancel();
        assert_eq!(task.await, Err(JoinError::Cancelled));
        assert_eq!(test.now(), secs(2));
    });
}
