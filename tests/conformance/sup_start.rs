//! Supervision: starting children, and reading specs and flags back.

use std::time::Duration;

use greenroom::actor::Lifecycle;
use greenroom::prelude::*;
use greenroom::supervisor::{
    AutoShutdown, ChildError, ChildKind, ChildStatus, StartError, Strategy,
};
use greenroom::test::Probe;

use crate::harness::{Log, case, secs};
use crate::tree::{addr, counts, info, status, with};
use crate::worker::{Get, Knobs, Start, WorkerProtocol, plain, worker};

/// **R3.3, R3.14** Children start in list order and stop in reverse; the supervisor ends last.
#[test]
fn sup_01_start_order_stop_reverse() {
    case(async |test| {
        let log = Log::new();
        let mut tree = Supervisor::one_for_one();
        for id in ["7", "3", "10", "2", "5"] {
            tree = tree.child(plain(id, &log));
        }
        let tree = tree.start(test).await.unwrap();
        assert_eq!(log.take(), ["start 7", "start 3", "start 10", "start 2", "start 5"]);
        let (ended, _) = futures::join!(tree.ended(), async { tree.stop() });
        log.add(format!("down {ended}"));
        let stops = ["stop 5", "stop 2", "stop 10", "stop 3", "stop 7", "down shutdown"];
        assert_eq!(log.take(), stops);
    });
}

/// **R3.3** The next child starts when the start before has come out, and the supervisor's own
/// start returns after the last.
#[test]
fn the_start_of_a_supervisor_takes_as_long_as_all_its_children_one_after_another() {
    case(async |test| {
        let log = Log::new();
        let slow = Knobs::new().start(|_| Start::Takes(secs(1)));
        let tree = Supervisor::one_for_one().child(child("a", worker("a", &log, &slow)));
        let tree = tree.child(child("b", worker("b", &log, &slow))).child(plain("c", &log));
        let before = test.now();
        tree.start(test).await.unwrap();
        assert_eq!(test.now() - before, secs(2));
        assert_eq!(log.take(), ["start a", "start b", "start c"]);
    });
}

fn declines_once() -> Knobs {
    Knobs::new().start(|n| if n == 1 { Start::Declines } else { Start::Works })
}

/// **R3.4, R2.2** A permanent child that declines keeps its spec without an instance, and a call of
/// the API starts it.
#[test]
fn sup_03_ignored_child_keeps_spec() {
    case(async |test| {
        let log = Log::new();
        let tree = Supervisor::one_for_one();
        let tree = tree.child(child("c1", worker("c1", &log, &declines_once())));
        let tree = tree.child(plain("c2", &log)).start(test).await.unwrap();
        assert_eq!(log.take(), ["start c2"]);
        let c1 = info(tree, "c1").await.unwrap();
        assert_eq!((c1.status, c1.actor), (ChildStatus::NotRunning, None));
        assert_eq!(tree.count().await, counts(2, 1, 0, 2));
        assert_eq!(tree.restart_child("c1").await, Ok(()));
        assert_eq!(log.take(), ["start c1"]);
        assert_eq!(tree.count().await, counts(2, 2, 0, 2));
    });
}

/// **R3.4** A temporary child that declines leaves nothing: as a static child, as one that is
/// added, and under a dynamic supervisor; the same id may be added again.
#[test]
fn sup_04_ignored_temporary_leaves_nothing() {
    case(async |test| {
        let log = Log::new();
        let c1 = |knobs: &Knobs| with("c1", Temporary, &log, knobs);
        let knobs = declines_once();
        let tree = Supervisor::one_for_one().child(c1(&knobs)).child(plain("c2", &log));
        let tree = tree.start(test).await.unwrap();
        assert_eq!(status(tree, "c1").await, None);
        assert_eq!(tree.count().await, counts(1, 1, 0, 1));
        let declined = StartError::Declined { name: "c1".into() };
        assert_eq!(tree.add(c1(&declines_once())).await.unwrap_err(), declined);
        assert_eq!(tree.count().await, counts(1, 1, 0, 1));
        tree.add(c1(&knobs)).await.unwrap();
        assert_eq!(tree.count().await, counts(2, 2, 0, 2));
        assert_eq!(log.take(), ["start c2", "start c1"]);

        let pool = Supervisor::dynamic(9).start(test).await.unwrap();
        let knobs = declines_once();
        assert_eq!(pool.add(c1(&knobs)).await.unwrap_err(), declined);
        assert_eq!((pool.count().await, pool.children().await), (counts(1, 0, 0, 0), vec![]));
        pool.add(c1(&knobs)).await.unwrap();
        assert_eq!(pool.count().await, counts(1, 1, 0, 1));
    });
}

/// **R2.2, R3.4** A child that declines a start that was asked for says so, and is not retried.
#[test]
fn a_child_that_declines_again_is_left_alone() {
    case(async |test| {
        let log = Log::new();
        let knobs = Knobs::new().start(|_| Start::Declines);
        let tree = Supervisor::one_for_one().child(child("w", worker("w", &log, &knobs)));
        let tree = tree.start(test).await.unwrap();
        let declined = Err(ChildError::Declined("w".to_owned()));
        assert_eq!(tree.restart_child("w").await, declined);
        test.advance(secs(60)).await;
        assert_eq!((knobs.starts.get(), tree.count().await), (2, counts(1, 0, 0, 1)));
    });
}

/// **R2.2** Only a start can be declined or refused: afterwards it changes nothing about an end.
#[test]
fn declining_or_refusing_after_the_start_changes_nothing() {
    case(async |test| {
        let tree = Supervisor::one_for_one().start(test).await.unwrap();
        let late = async |cx: &mut Cx<JunkProtocol>| -> Result<(), Fault> {
            cx.ready();
            cx.decline();
            cx.refuse("too late");
            Ok(())
        };
        let w = tree.add(child("w", late).restart(Temporary)).await.unwrap();
        test.settle().await;
        let ended = test.events().into_iter().rfind(|event| event.actor == w.id());
        assert_eq!(ended.unwrap().edge, Lifecycle::Ended(ExitReason::Normal));
        assert_eq!(tree.count().await, counts(0, 0, 0, 0));
    });
}

/// **R3.1, R3.2, D5** What nothing was said of is read back as the documented defaults.
#[test]
fn sup_07_defaults() {
    case(async |test| {
        let log = Log::new();
        let inner = Supervisor::dynamic(7).name("inner");
        let tree = Supervisor::one_for_one().child(plain("w", &log)).child(inner);
        let tree = tree.start(test).await.unwrap();
        let w = info(tree, "w").await.unwrap();
        assert_eq!((w.kind, w.restart), (ChildKind::Worker, Permanent));
        assert_eq!((w.shutdown, w.significant), (Shutdown::Timeout(secs(5)), false));
        let inner = info(tree, "inner").await.unwrap();
        assert_eq!((inner.kind, inner.restart), (ChildKind::Supervisor, Permanent));
        assert_eq!((inner.shutdown, inner.significant), (Shutdown::Infinity, false));

        let flags = tree.flags().await.unwrap();
        assert_eq!((flags.strategy, flags.children_max), (Strategy::OneForOne, None));
        assert_eq!((flags.intensity, flags.period), (3, secs(5)));
        assert_eq!((flags.auto_shutdown, flags.backoff), (AutoShutdown::Never, None));
        let inner = tree.supervisor("inner").await.unwrap();
        assert_eq!(inner.flags().await.unwrap().children_max, Some(7));
        tree.stop();
        tree.ended().await;
        assert_eq!(tree.flags().await, None);
    });
}

/// **R3.1, R3.2** What was said is read back.
#[test]
fn specs_and_flags_are_read_back_as_they_were_given() {
    case(async |test| {
        let log = Log::new();
        let backoff = Backoff::new(secs(1), secs(2));
        let w = child("w", worker("w", &log, &Knobs::new())).restart(Transient).significant(true);
        let tree = Supervisor::rest_for_one().intensity(7, secs(8)).backoff(backoff);
        let tree =
            tree.auto_shutdown(AutoShutdown::AllSignificant).child(w.shutdown(Shutdown::Brutal));
        let tree = tree.start(test).await.unwrap();
        let w = info(tree, "w").await.unwrap();
        assert_eq!((w.restart, w.shutdown), (Transient, Shutdown::Brutal));
        assert!(w.significant);
        let flags = tree.flags().await.unwrap();
        assert_eq!((flags.strategy, flags.backoff), (Strategy::RestForOne, Some(backoff)));
        assert_eq!((flags.intensity, flags.period), (7, secs(8)));
        assert_eq!(flags.auto_shutdown, AutoShutdown::AllSignificant);
    });
}

/// **R2.6** Junk cannot be sent to a supervisor: its protocol is private, its handle has no `tell`
/// (a `compile_fail` example of [`Supervisor`] shows it), and its actor is not found under another
/// protocol. What anybody can send, a stop with an odd reason, is what it says.
#[test]
fn sup_33_unknown_message_to_supervisor() {
    case(async |test| {
        let log = Log::new();
        let inner = Supervisor::one_for_one().name("inner").child(plain("w", &log));
        let outer = Supervisor::one_for_one().child(inner).start(test).await.unwrap();
        let inner = outer.supervisor("inner").await.unwrap();
        assert!(outer.child::<WorkerProtocol>("inner").await.is_none());
        assert!(outer.child::<JunkProtocol>("inner").await.is_none());
        // Nor is a worker mistaken for a supervisor.
        assert!(inner.supervisor("w").await.is_none());
        let probe: Probe<u32> = test.probe("probe");
        assert!(probe.addr().try_tell(greenroom::test::Heard(1)).is_ok(), "others can be told");
        test.fail(inner.id(), "junk");
        test.settle().await;
        assert_eq!(log.take(), ["start w", "stop w", "start w"]);
        assert_eq!(outer.count().await, counts(1, 1, 1, 0));
        let crashes = test.events().into_iter().filter(|event| {
            event.actor == inner.id()
                && event.edge == Lifecycle::Crashed(ExitReason::Error("junk".into()))
        });
        assert_eq!(crashes.count(), 1);
        assert_eq!(addr(inner, "w").await.ask(Get).await.unwrap(), (0, 0));
    });
}

enum JunkProtocol {}
impl Protocol for JunkProtocol {}

/// **R2.4** Mail for a child waits while it starts: a child found by name while it starts for the
/// first time is reached once it has started.
#[test]
fn a_child_that_starts_is_listed_as_such() {
    case(async |test| {
        let log = Log::new();
        let slow = Knobs::new().start(|_| Start::Takes(Duration::from_secs(1)));
        let tree = Supervisor::one_for_one().start(test).await.unwrap();
        let adding = greenroom::task::spawn({
            let w = child("w", worker("w", &log, &slow));
            async move { tree.add(w).await }
        });
        test.settle().await;
        assert_eq!(status(tree, "w").await, Some(ChildStatus::Starting));
        assert_eq!(tree.count().await, counts(1, 0, 0, 1));
        assert_eq!(addr(tree, "w").await.ask(Get).await.unwrap(), (0, 0));
        assert!(adding.await.unwrap().is_ok());
        assert_eq!(status(tree, "w").await, Some(ChildStatus::Running));
    });
}
