//! Supervision: restarts of groups, of trees, and of children that end together.

use greenroom::actor::Lifecycle;
use greenroom::prelude::*;
use greenroom::test::TestSystem;

use crate::harness::{Log, case, secs};
use crate::tree::{addr, counts, with};
use crate::worker::{End, Get, Inc, Knobs, Start, plain, worker};

/// How many restarts were paid for.
fn restarts(test: &TestSystem) -> usize {
    let paid = |edge: &Lifecycle| matches!(edge, Lifecycle::Restarting { .. });
    test.events().iter().filter(|event| paid(&event.edge)).count()
}

/// **R3.1** One for all: the others are stopped in reverse, then all are started in order.
#[test]
fn sup_12_one_for_all_order() {
    case(async |test| {
        let log = Log::new();
        let tree = Supervisor::one_for_all().child(plain("a", &log)).child(plain("b", &log));
        let tree = tree.child(plain("c", &log)).start(test).await.unwrap();
        log.take();
        addr(tree, "b").await.try_tell(End::Crash).unwrap();
        test.settle().await;
        assert_eq!(log.take(), ["stop c", "stop a", "start a", "start b", "start c"]);
    });
}

/// **R3.1** Rest for one: those after the one that failed share its fate, those before are not
/// touched.
#[test]
fn sup_13_rest_for_one_order() {
    case(async |test| {
        let log = Log::new();
        let tree = Supervisor::rest_for_one().child(plain("a", &log)).child(plain("b", &log));
        let tree = tree.child(plain("c", &log)).child(plain("d", &log));
        let tree = tree.start(test).await.unwrap();
        let a = addr(tree, "a").await;
        a.try_tell(Inc(5)).unwrap();
        log.take();
        addr(tree, "b").await.try_tell(End::Panic).unwrap();
        test.settle().await;
        assert_eq!(log.take(), ["stop d", "stop c", "start b", "start c", "start d"]);
        assert_eq!(a.ask(Get).await.unwrap(), (0, 5));
    });
}

/// **R3.1** A temporary child is stopped with its group and does not come back with it.
#[test]
fn sup_14_temporary_bystander() {
    case(async |test| {
        let log = Log::new();
        for group in [Supervisor::one_for_all(), Supervisor::rest_for_one()] {
            let t = with("t", Temporary, &log, &Knobs::new());
            let tree = group.child(plain("p", &log)).child(t).start(test).await.unwrap();
            log.take();
            let p = addr(tree, "p").await;
            p.try_tell(End::Crash).unwrap();
            test.settle().await;
            assert_eq!(log.take(), ["stop t", "start p"]);
            assert_eq!(tree.count().await, counts(1, 1, 0, 1));
            assert_eq!(p.ask(Get).await.unwrap(), (1, 0));
        }
    });
}

/// **R3.20, R3.12** A supervisor that is restarted starts its static children again, and those that
/// were added to it are lost.
#[test]
fn sup_19_tree_restart_restores_static_not_dynamic() {
    case(async |test| {
        let log = Log::new();
        let inner1 = Supervisor::one_for_one().name("inner1");
        let inner1 = inner1.child(plain("x", &log)).child(plain("y", &log));
        let inner2 = Supervisor::one_for_one().name("inner2");
        let top = Supervisor::one_for_all().child(inner1).child(inner2);
        let top = top.start(test).await.unwrap();
        let inner1 = top.supervisor("inner1").await.unwrap();
        let inner2 = top.supervisor("inner2").await.unwrap();
        let u = inner2.add(plain("u", &log)).await.unwrap();
        let knobs = Knobs::new().start(|n| if n == 1 { Start::Works } else { Start::Fails });
        let v = inner2.add(child("v", worker("v", &log, &knobs))).await.unwrap();
        assert_eq!(log.take(), ["start x", "start y", "start u", "start v"]);
        v.try_tell(End::Crash).unwrap();
        test.settle().await;
        assert_eq!(log.take(), ["stop u", "stop y", "stop x", "start x", "start y"]);
        assert_eq!(knobs.starts.get(), 4, "the budget of the inner supervisor");
        assert_eq!(top.count().await, counts(2, 2, 2, 0));
        assert_eq!(inner1.count().await, counts(2, 2, 0, 2));
        assert_eq!(inner2.count().await, counts(0, 0, 0, 0), "behind the same address");
        assert!(!u.is_alive() && !v.is_alive());
    });
}

/// **R3.6** The restart of a group brings back children that had finished cleanly, and those that
/// were stopped by a call.
#[test]
fn a_group_restart_brings_back_all_kept_specs() {
    case(async |test| {
        let log = Log::new();
        let done = Knobs::new();
        let tree = Supervisor::one_for_all().child(plain("a", &log));
        let tree = tree.child(with("done", Transient, &log, &done)).child(plain("stopped", &log));
        let tree = tree.start(test).await.unwrap();
        done.end(End::Normal);
        tree.terminate_child("stopped").await.unwrap();
        test.settle().await;
        assert_eq!(tree.count().await, counts(3, 1, 0, 3));
        log.take();
        addr(tree, "a").await.try_tell(End::Crash).unwrap();
        test.settle().await;
        assert_eq!(log.take(), ["start a", "start done", "start stopped"]);
        assert_eq!(tree.count().await, counts(3, 3, 0, 3));
    });
}

/// **R3.8** Under rest for one, a later sibling that fails to start is tried again with those after
/// it; under one for all everything is started anew.
#[test]
fn a_sibling_whose_restart_fails_is_tried_again_with_its_group() {
    case(async |test| {
        let log = Log::new();
        let table: [(_, &[&str]); 2] = [
            (Supervisor::rest_for_one(), &["stop c", "start a", "start b", "start c"]),
            (
                Supervisor::one_for_all(),
                &["stop c", "start a", "stop a", "start a", "start b", "start c"],
            ),
        ];
        for (group, expected) in table {
            let moody = Knobs::new().start(|n| if n == 2 { Start::Fails } else { Start::Works });
            let tree = group.child(plain("a", &log)).child(child("b", worker("b", &log, &moody)));
            let tree = tree.child(plain("c", &log)).start(test).await.unwrap();
            log.take();
            test.events();
            addr(tree, "a").await.try_tell(End::Crash).unwrap();
            test.settle().await;
            let heard: Vec<String> =
                log.take().into_iter().filter(|line| line != "stop b").collect();
            assert_eq!(heard, expected);
            assert_eq!(restarts(test), 2);
        }
    });
}

/// **R3.9** Two children that end together cost one restart where they share their fate, and two
/// where they do not.
#[test]
fn two_that_end_together_cost_one_restart_or_two() {
    case(async |test| {
        let log = Log::new();
        for (tree, cost) in [(Supervisor::one_for_all(), 1), (Supervisor::one_for_one(), 2)] {
            let knobs = [Knobs::new(), Knobs::new()];
            let tree = tree.child(child("a", worker("a", &log, &knobs[0])));
            let tree = tree.child(child("b", worker("b", &log, &knobs[1])));
            let tree = tree.start(test).await.unwrap();
            test.events();
            for knobs in &knobs {
                test.kill(knobs.id());
            }
            test.settle().await;
            assert_eq!(restarts(test), cost);
            assert_eq!(tree.count().await, counts(2, 2, 0, 2));
            assert_eq!(knobs.map(|knobs| knobs.starts.get()), [2, 2]);
        }
    });
}

/// **R3.12** Restarts multiply level by level: each restart of a supervisor gives its children a
/// budget of their own.
#[test]
fn budgets_multiply_level_by_level() {
    case(async |test| {
        let log = Log::new();
        let knobs = Knobs::new();
        let inner = Supervisor::one_for_one().name("inner").intensity(2, secs(5));
        let inner = inner.child(child("w", worker("w", &log, &knobs)));
        let outer = Supervisor::one_for_one().intensity(1, secs(5)).child(inner);
        let outer = outer.start(test).await.unwrap();
        while outer.id().is_alive() {
            test.kill(knobs.id());
            test.settle().await;
        }
        // Three starts for each of the two lives of the inner supervisor.
        assert_eq!(knobs.starts.get(), (1 + 2) * (1 + 1));
    });
}
