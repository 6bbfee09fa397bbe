//! Supervision: automatic shutdown by significant children.

use greenroom::actor::Lifecycle;
use greenroom::prelude::*;
use greenroom::supervisor::AutoShutdown::{self, AllSignificant, AnySignificant};
use greenroom::task;
use greenroom::test::TestSystem;

use crate::harness::{Log, case};
use crate::tree::{addr, counts};
use crate::worker::{ENDS, End, Knobs, plain, worker};

/// A supervisor with an ordinary child `a` and two significant ones.
async fn family(
    test: &TestSystem,
    log: &Log,
    when: AutoShutdown,
    restart: Restart,
) -> (Supervisor, [Knobs; 2]) {
    let knobs = [Knobs::new(), Knobs::new()];
    let significant = |id, knobs| child(id, worker(id, log, knobs)).restart(restart);
    let tree = Supervisor::one_for_one().auto_shutdown(when).child(plain("a", log));
    let tree = tree.child(significant("s1", &knobs[0]).significant(true));
    let tree = tree.child(significant("s2", &knobs[1]).significant(true));
    let tree = tree.start(test).await.unwrap();
    log.take();
    (tree, knobs)
}

/// Lines of the log that are about others than the one that ended by itself.
fn others(log: &Log, ended: &str) -> Vec<String> {
    log.take().into_iter().filter(|line| !line.ends_with(ended)).collect()
}

/// **R3.25** A significant child that ends by itself for good ends its supervisor: the first of
/// them under `AnySignificant`, the last that ran under `AllSignificant`. A transient one that
/// crashed is brought back; a temporary one counts whatever its reason.
#[test]
fn sup_30_auto_shutdown_any_all() {
    case(async |test| {
        let log = Log::new();
        for restart in [Transient, Temporary] {
            for end in ENDS {
                let counts_as_end = restart == Temporary || end.reason().is_clean();
                let (tree, [s1, _]) = family(test, &log, AnySignificant, restart).await;
                let heard = task::spawn(tree.id().ended());
                test.settle().await;
                s1.end(end);
                test.settle().await;
                assert_eq!(tree.id().is_alive(), !counts_as_end, "{restart:?} {end:?}");
                if counts_as_end {
                    assert_eq!(heard.await, Ok(ExitReason::Shutdown), "{restart:?} {end:?}");
                }
                let stopped: &[&str] = if counts_as_end { &["stop s2", "stop a"] } else { &[] };
                assert_eq!(others(&log, "s1"), stopped, "{restart:?} {end:?}");

                let (tree, [s1, s2]) = family(test, &log, AllSignificant, restart).await;
                s1.end(end);
                test.settle().await;
                assert!(tree.id().is_alive());
                assert!(others(&log, "s1").is_empty(), "nothing until the last has ended");
                if counts_as_end {
                    let heard = task::spawn(tree.id().ended());
                    test.settle().await;
                    s2.end(end);
                    assert_eq!(heard.await, Ok(ExitReason::Shutdown));
                    assert_eq!(others(&log, "s2"), ["stop a"]);
                }
            }
        }
    });
}

/// **R3.25** The end of a significant child is said to be why its supervisor ends.
#[test]
fn an_automatic_shutdown_is_reported() {
    case(async |test| {
        let log = Log::new();
        let (tree, [s1, _]) = family(test, &log, AnySignificant, Transient).await;
        s1.end(End::Normal);
        assert_eq!(tree.ended().await, ExitReason::Shutdown);
        let why = Lifecycle::AutoShutdown { child: "s1".into() };
        assert!(test.events().iter().any(|event| event.edge == why && event.actor == tree.id()));
    });
}

/// **R3.25** A significant child that is stopped by a call, or with its group, does not count.
#[test]
fn ends_that_the_supervisor_caused_do_not_end_it() {
    case(async |test| {
        let log = Log::new();
        for when in [AnySignificant, AllSignificant] {
            let (tree, _) = family(test, &log, when, Transient).await;
            for name in ["s1", "s2"] {
                tree.terminate_child(name).await.unwrap();
            }
            test.settle().await;
            assert_eq!(tree.count().await, counts(3, 1, 0, 3));

            let significant = |id| child(id, worker(id, &log, &Knobs::new())).significant(true);
            let tree = Supervisor::one_for_all().auto_shutdown(when).child(plain("a", &log));
            let tree = tree.child(significant("s").restart(Transient));
            let tree = tree.child(significant("t").restart(Temporary)).start(test).await.unwrap();
            addr(tree, "a").await.try_tell(End::Crash).unwrap();
            test.settle().await;
            assert_eq!(tree.count().await, counts(2, 2, 0, 2), "t is gone, and that is all");
        }
    });
}

/// **R3.26** It escalates through nested supervisors that are significant themselves, and stops
/// where one is not.
#[test]
fn sup_31_auto_shutdown_escalates() {
    case(async |test| {
        let log = Log::new();
        for significant in [true, false] {
            let knobs = Knobs::new();
            let w = child("w", worker("w", &log, &knobs)).restart(Transient).significant(true);
            let inner = Supervisor::one_for_one().name("inner").auto_shutdown(AnySignificant);
            let inner = inner.child(w).restart(Transient).significant(significant);
            let outer = Supervisor::one_for_one().auto_shutdown(AnySignificant);
            let outer = outer.child(plain("a", &log)).child(inner).start(test).await.unwrap();
            let inner = outer.supervisor("inner").await.unwrap();
            log.take();
            knobs.end(End::Normal);
            test.settle().await;
            assert!(!inner.id().is_alive() && !knobs.id().is_alive());
            assert_eq!(outer.id().is_alive(), !significant);
            let stops: &[&str] = if significant { &["stop w", "stop a"] } else { &["stop w"] };
            assert_eq!(log.take(), stops);
        }
    });
}
