//! Limits and groups that stand side by side in one task, by `join!` and `select!`: a request of
//! one is nothing to the others.

use std::future::pending;

use futures::future::{Either, select};
use futures::join;
use greenroom::task::{self, JoinError, cancellable, deadline};
use greenroom::time::sleep;
use std::pin::pin;

use crate::harness::{Log, case, secs};

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
