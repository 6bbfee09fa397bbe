//! How tasks end, and what is said of those that nobody asks.

use std::future::pending;

use greenroom::actor::Fault;
use greenroom::task::{self, JoinError};
use greenroom::time::sleep;
use greenroom::{EventLoop, System};

use crate::harness::{Log, logged, secs};
use crate::support::simulated;

fn system() -> greenroom::system::SystemBuilder {
    System::builder().event_loop(EventLoop::builder().virtual_clock(1)).signals(false)
}

/// **T7, T8** What a task failed with is reported once if nobody reads it, at its end and not at
/// some collection; not if it was read, and not if the task was cancelled.
#[test]
fn tk_07_unobserved_error_reported() {
    let log = logged(|| {
        simulated().run(async {
            task::builder().name("unread").spawn(async { panic!("no luck") }).detach();
            let fails = || task::spawn(async { Err::<(), _>(Fault::new("disk full")) });
            fails().report_unread().detach();
            assert!(fails().report_unread().await.unwrap().is_err());
            let read = task::spawn(async { panic!("was read") });
            assert!(read.await.is_err());
            let cancelled = task::spawn(pending::<Result<(), Fault>>()).report_unread();
            cancelled.cancel();
            cancelled.detach();
            // Kept for later: it is nobody's business yet.
            let kept = fails().report_unread();
            for _ in 0..10 {
                task::yield_now().await;
            }
            assert!(kept.await.unwrap().is_err());
        });
    });
    assert_eq!(log.len(), 2, "{log:#?}");
    assert!(log[0].contains("no luck") && log[0].contains("task `unread` of"), "{log:#?}");
    assert!(log[1].contains("disk full") && log[1].contains("task_ends.rs"), "{log:#?}");
}

/// **T9** At the end of a system the tasks that are left over are cancelled: their clean-up runs
/// and is waited for, their errors are reported, and what main gave is given.
#[test]
fn tk_08_leftovers_at_exit() {
    let notes = Log::new();
    let noted = notes.clone();
    let log = logged(|| {
        let five = system().run(async |_system| {
            let noted = noted.clone();
            let cleans_up = async move {
                let _ = task::cancellable(pending::<()>()).await;
                sleep(secs(1)).await;
                noted.add("cleaned up");
            };
            task::builder().name("cleans up").spawn(cleans_up).detach();
            let fails = async {
                let _ = task::cancellable(pending::<()>()).await;
                panic!("while it cleaned up");
            };
            task::builder().name("fails").spawn(fails).detach();
            task::spawn(pending::<()>()).detach();
            task::yield_now().await;
            5
        });
        assert_eq!(five.unwrap(), 5);
    });
    assert_eq!(notes.take(), ["cleaned up"]);
    let left: Vec<_> = log.iter().filter(|line| line.contains("left over")).collect();
    assert_eq!(left.len(), 1, "{log:#?}");
    assert!(left[0].contains("number=3") && left[0].contains("task `cleans up` of"), "{left:?}");
    let failed: Vec<_> = log.iter().filter(|line| line.contains("while it cleaned up")).collect();
    assert_eq!(failed.len(), 1, "{log:#?}");
}

/// **T9** One that does not end when it is asked is given a limit, named and dropped.
#[test]
fn tk_08_a_leftover_that_does_not_end_is_dropped() {
    struct Dropped(Log);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.add("dropped");
        }
    }
    let notes = Log::new();
    let noted = notes.clone();
    let log = logged(|| {
        let outcome = system().run(async |_system| {
            let held = Dropped(noted.clone());
            let stubborn = async move {
                let _held = held;
                loop {
                    let _ = task::cancellable(pending::<()>()).await;
                }
            };
            task::builder().name("stubborn").spawn(stubborn).detach();
            task::yield_now().await;
        });
        outcome.unwrap();
    });
    assert_eq!(notes.take(), ["dropped"]);
    let late: Vec<_> = log.iter().filter(|line| line.contains("did not end")).collect();
    assert_eq!(late.len(), 1, "{log:#?}");
    assert!(late[0].contains("task `stubborn` of"), "{late:?}");
}

/// **T9** Without leftovers nothing is said.
#[test]
fn tk_08_nothing_is_said_without_leftovers() {
    let log = logged(|| {
        let outcome = system().run(async |_system| task::spawn(async { 1 }).await);
        assert_eq!(outcome.unwrap(), Ok::<_, JoinError>(1));
    });
    assert!(log.iter().all(|line| !line.contains("left over")), "{log:#?}");
}
