//! Supervision: which ends bring a child back.

use greenroom::prelude::*;
use greenroom::supervisor::ChildStatus;

use crate::harness::{Log, case, secs};
use crate::tree::{Child, addr, counts, status, with};
use crate::worker::{ENDS, End, Get, Inc, Knobs, Start, plain, worker};

/// **R3.1, D1** A permanent child comes back from every end, behind the same address.
#[test]
fn sup_08_permanent_always_restarted() {
    case(async |test| {
        let log = Log::new();
        let tree = Supervisor::one_for_one().intensity(10, secs(5)).child(plain("w", &log));
        let tree = tree.start(test).await.unwrap();
        let w = addr(tree, "w").await;
        for (incarnation, end) in (1..).zip(ENDS) {
            w.try_tell(Inc(7)).unwrap();
            w.try_tell(end).unwrap();
            test.settle().await;
            assert_eq!(w.ask(Get).await.unwrap(), (incarnation, 0), "{end:?}");
            assert_eq!(tree.count().await, counts(1, 1, 0, 1), "{end:?}");
        }
    });
}

/// **R3.1** A transient child comes back from an abnormal end only; after a clean one its spec is
/// kept, and a call of the API starts it again.
#[test]
fn sup_09_transient_table() {
    case(async |test| {
        let log = Log::new();
        for end in ENDS {
            let knobs = Knobs::new();
            let tree = Supervisor::one_for_one().child(with("w", Transient, &log, &knobs));
            let tree = tree.start(test).await.unwrap();
            let w = addr(tree, "w").await;
            w.try_tell(end).unwrap();
            test.settle().await;
            if end.reason().is_clean() {
                assert!(!w.is_alive());
                assert_eq!(tree.count().await, counts(1, 0, 0, 1), "{end:?}");
                assert_eq!(tree.restart_child("w").await, Ok(()), "{end:?}");
                assert_eq!(addr(tree, "w").await.ask(Get).await.unwrap(), (0, 0), "{end:?}");
            } else {
                assert_eq!(w.ask(Get).await.unwrap(), (1, 0), "{end:?}");
            }
            assert_eq!(tree.count().await, counts(1, 1, 0, 1), "{end:?}");
            assert_eq!(knobs.starts.get(), 2, "{end:?}");
        }
    });
}

/// **R3.1** A temporary child never comes back and leaves no spec: the same id may be added again.
#[test]
fn sup_10_temporary_never() {
    case(async |test| {
        let log = Log::new();
        let knobs = Knobs::new();
        let tree = Supervisor::one_for_one().start(test).await.unwrap();
        for (number, end) in (1..).zip(ENDS) {
            let w: Child = tree.add(with("w", Temporary, &log, &knobs)).await.unwrap();
            w.try_tell(end).unwrap();
            assert_eq!(w.ended().await, end.reason());
            test.advance(secs(60)).await;
            assert_eq!(tree.count().await, counts(0, 0, 0, 0), "{end:?}");
            assert_eq!(knobs.starts.get(), number, "{end:?}");
        }
    });
}

/// **R3.1, D1** A crash under one for one is nobody else's business; what waits in the mailbox of
/// the one that crashed is handled by its next incarnation, in order.
#[test]
fn sup_11_one_for_one_isolates() {
    case(async |test| {
        let log = Log::new();
        let tree = Supervisor::one_for_one().child(plain("a", &log)).child(plain("b", &log));
        let tree = tree.start(test).await.unwrap();
        let (a, b) = (addr(tree, "a").await, addr(tree, "b").await);
        b.try_tell(Inc(5)).unwrap();
        a.try_tell(Inc(1)).unwrap();
        a.try_tell(End::Crash).unwrap();
        a.try_tell(Inc(2)).unwrap();
        a.try_tell(Inc(3)).unwrap();
        assert_eq!(a.ask(Get).await.unwrap(), (1, 5));
        assert_eq!(b.ask(Get).await.unwrap(), (0, 5));
        assert_eq!(log.take(), ["start a", "start b", "start a"]);
    });
}

/// **R3.23** A child of a dynamic supervisor that declines its restart is dropped.
#[test]
fn sup_28_ignore_on_restart_drops_dynamic() {
    case(async |test| {
        let log = Log::new();
        let tree = Supervisor::dynamic(9).start(test).await.unwrap();
        let knobs = Knobs::new().start(|n| if n > 3 { Start::Declines } else { Start::Works });
        let w = tree.add(child("w", worker("w", &log, &knobs))).await.unwrap();
        for incarnation in 1..=2 {
            test.kill(w);
            test.settle().await;
            assert_eq!(w.ask(Get).await.unwrap().0, incarnation);
        }
        test.kill(w);
        test.settle().await;
        assert_eq!((w.is_alive(), knobs.starts.get()), (false, 4));
        assert_eq!(tree.children().await, []);
        assert!(tree.id().is_alive());
        tree.stop();
        assert_eq!(tree.ended().await, ExitReason::Shutdown);
    });
}

/// **R3.4** A child with a kept spec that declines its restart is no longer running.
#[test]
fn a_child_that_declines_its_restart_keeps_its_spec() {
    case(async |test| {
        let log = Log::new();
        let knobs = Knobs::new().start(|n| if n == 2 { Start::Declines } else { Start::Works });
        let tree = Supervisor::one_for_one().child(child("w", worker("w", &log, &knobs)));
        let tree = tree.start(test).await.unwrap();
        knobs.end(End::Crash);
        test.advance(secs(60)).await;
        assert_eq!(status(tree, "w").await, Some(ChildStatus::NotRunning));
        assert_eq!((tree.restart_child("w").await, knobs.starts.get()), (Ok(()), 3));
    });
}
