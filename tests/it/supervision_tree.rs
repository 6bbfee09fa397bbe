//! Restart types, declined starts, groups, nested supervisors and automatic shutdown.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use greenroom::prelude::*;
use greenroom::supervisor::{
    AutoShutdown, ChildCounts, ChildError, ChildStatus, SpecError, StartError, SupervisorBuilder,
};
use greenroom::time;

use crate::support::ms;
use crate::worker::{Add, ENDS, End, Get, Knobs, Start, WorkerProtocol};
use crate::worker::{in_system, plain, secs, worker};

type Child = Addr<WorkerProtocol>;

const fn counts(specs: usize, active: usize, supervisors: usize, workers: usize) -> ChildCounts {
    ChildCounts { specs, active, supervisors, workers }
}

async fn status(tree: &Supervisor, name: &str) -> Option<ChildStatus> {
    let children = tree.children().await;
    children.iter().find(|child| child.name.as_deref() == Some(name)).map(|child| child.status)
}

#[test]
fn sup_03_a_child_that_declines_keeps_its_spec() {
    in_system(async |system, log| {
        let knobs = Knobs::new().start(|n| if n == 1 { Start::Declines } else { Start::Works });
        let tree = Supervisor::one_for_one().child(child("c1", worker("c1", &log, &knobs)));
        let tree = tree.child(plain("c2", &log)).start(system).await.unwrap();
        assert_eq!(log.take(), ["start c2"]);
        assert_eq!(status(&tree, "c1").await, Some(ChildStatus::NotRunning));
        assert_eq!(tree.count().await, counts(2, 1, 0, 2));
        assert_eq!(tree.restart_child("c1").await, Ok(()));
        assert_eq!(tree.count().await, counts(2, 2, 0, 2));
    });
}

#[test]
fn sup_04_a_temporary_child_that_declines_leaves_nothing() {
    in_system(async |system, log| {
        let knobs = Knobs::new().start(|n| if n == 1 { Start::Declines } else { Start::Works });
        let c1 = || child("c1", worker("c1", &log, &knobs)).restart(Temporary);
        let tree = Supervisor::one_for_one().child(c1()).child(plain("c2", &log));
        let tree = tree.start(system).await.unwrap();
        assert_eq!(status(&tree, "c1").await, None);
        assert_eq!(tree.count().await, counts(1, 1, 0, 1));
        tree.add(c1()).await.unwrap();
        assert_eq!(tree.count().await, counts(2, 2, 0, 2));
    });
}

#[test]
fn sup_06_contradictions_are_refused_before_anything_starts() {
    in_system(async |system, log| {
        let significant = |restart| {
            child("s", worker("s", &log, &Knobs::new())).restart(restart).significant(true)
        };
        let any = AutoShutdown::AnySignificant;
        let table: [(SupervisorBuilder, SpecError); 4] = [
            (Supervisor::one_for_one().intensity(1, Duration::ZERO), SpecError::ZeroPeriod),
            (
                Supervisor::one_for_one().auto_shutdown(any).child(significant(Permanent)),
                SpecError::SignificantPermanent("s".into()),
            ),
            (
                Supervisor::one_for_one().child(significant(Transient)),
                SpecError::SignificantForNothing("s".into()),
            ),
            (Supervisor::dynamic(1).auto_shutdown(any), SpecError::DynamicAutoShutdown),
        ];
        for (tree, error) in table {
            assert_eq!(tree.start(system).await.unwrap_err(), StartError::Spec(error));
        }
        let tree = Supervisor::one_for_one().child(plain("a", &log)).start(system).await.unwrap();
        let refused = tree.add(significant(Transient)).await.unwrap_err();
        assert_eq!(refused, StartError::Spec(SpecError::SignificantForNothing("s".into())));
        assert_eq!(tree.count().await, counts(1, 1, 0, 1));
        assert_eq!(log.take(), ["start a"]);
    });
}

#[test]
fn sup_08_a_permanent_child_is_always_restarted() {
    in_system(async |system, log| {
        let tree = Supervisor::one_for_one().intensity(10, secs(5)).child(plain("w", &log));
        let tree = tree.start(system).await.unwrap();
        let w: Child = tree.child("w").await.unwrap();
        for (number, end) in (1..).zip(ENDS) {
            w.try_tell(end).unwrap();
            // A kill takes effect when the actor next waits.
            time::sleep(ms(1)).await;
            assert_eq!(w.ask(Get).await.unwrap(), (number, 0), "{end:?}");
            assert_eq!(tree.count().await, counts(1, 1, 0, 1), "{end:?}");
        }
    });
}

#[test]
fn sup_09_a_transient_child_is_restarted_after_an_abnormal_end() {
    in_system(async |system, log| {
        for end in ENDS {
            let knobs = Knobs::new();
            let spec = child("w", worker("w", &log, &knobs)).restart(Transient);
            let tree = Supervisor::one_for_one().name(&format!("{end:?}")).child(spec);
            let tree = tree.start(system).await.unwrap();
            let w: Child = tree.child("w").await.unwrap();
            w.try_tell(end).unwrap();
            time::sleep(secs(1)).await;
            if end.reason().is_clean() {
                assert!(!w.is_alive());
                assert_eq!(tree.count().await, counts(1, 0, 0, 1), "{end:?}");
                assert_eq!(tree.restart_child("w").await, Ok(()), "{end:?}");
            } else {
                assert_eq!(w.ask(Get).await.unwrap(), (1, 0), "{end:?}");
            }
            assert_eq!(tree.count().await, counts(1, 1, 0, 1), "{end:?}");
            assert_eq!(knobs.starts.get(), 2, "{end:?}");
        }
    });
}

#[test]
fn sup_10_a_temporary_child_is_never_restarted() {
    in_system(async |system, log| {
        let tree = Supervisor::one_for_one().start(system).await.unwrap();
        for end in ENDS {
            // The same name may be added again each time.
            let spec = child("w", worker("w", &log, &Knobs::new())).restart(Temporary);
            let w = tree.add(spec).await.unwrap();
            w.try_tell(end).unwrap();
            assert_eq!(w.ended().await, end.reason());
            assert_eq!(tree.count().await, ChildCounts::default(), "{end:?}");
        }
    });
}

#[test]
fn sup_14_a_temporary_bystander_does_not_come_back_with_its_group() {
    in_system(async |system, log| {
        let groups = [("all", Supervisor::one_for_all()), ("rest", Supervisor::rest_for_one())];
        for (name, group) in groups {
            let t = child("t", worker("t", &log, &Knobs::new())).restart(Temporary);
            let tree =
                group.name(name).child(plain("p", &log)).child(t).start(system).await.unwrap();
            log.take();
            let p: Child = tree.child("p").await.unwrap();
            p.try_tell(End::Crash).unwrap();
            time::sleep(secs(1)).await;
            assert_eq!(log.take(), ["stop t", "start p"]);
            assert_eq!(tree.count().await, counts(1, 1, 0, 1));
            assert_eq!(p.ask(Get).await.unwrap(), (1, 0));
        }
    });
}

#[test]
fn sup_17_spaced_crashes_never_exhaust_the_budget() {
    in_system(async |system, log| {
        let tree = Supervisor::one_for_one().intensity(1, secs(1)).child(plain("w", &log));
        let tree = tree.start(system).await.unwrap();
        let w: Child = tree.child("w").await.unwrap();
        for incarnation in 1..=4 {
            w.try_tell(End::Crash).unwrap();
            assert_eq!(w.ask(Get).await.unwrap().0, incarnation);
            time::sleep(ms(2_100)).await;
        }
    });
}

#[test]
fn sup_18_a_failing_restart_uses_up_the_budget_under_every_strategy() {
    in_system(async |system, log| {
        let table = [
            Supervisor::one_for_one(),
            Supervisor::one_for_all(),
            Supervisor::rest_for_one(),
            Supervisor::dynamic(9),
        ];
        for tree in table {
            let knobs = Knobs::new().start(|n| if n == 1 { Start::Works } else { Start::Fails });
            let tree = tree.intensity(3, secs(5)).start(system).await.unwrap();
            let w = tree.add(child("w", worker("w", &log, &knobs))).await.unwrap();
            w.try_tell(End::Crash).unwrap();
            assert_eq!(tree.ended().await, ExitReason::RestartLimit);
            assert_eq!(knobs.starts.get(), 4);
            assert!(!w.is_alive());
        }
    });
}

#[test]
fn sup_19_a_tree_restart_restores_static_children_and_no_others() {
    in_system(async |system, log| {
        let inner1 = Supervisor::one_for_one().name("inner1");
        let inner1 = inner1.child(plain("x", &log)).child(plain("y", &log));
        let inner2 = Supervisor::one_for_one().name("inner2");
        let top = Supervisor::one_for_all().child(inner1).start(system).await.unwrap();
        let inner2 = top.add(inner2).await.unwrap();
        inner2.add(plain("u", &log)).await.unwrap();
        let knobs = Knobs::new().start(|n| if n == 1 { Start::Works } else { Start::Fails });
        let v = inner2.add(child("v", worker("v", &log, &knobs))).await.unwrap();
        log.take();
        v.try_tell(End::Crash).unwrap();
        time::sleep(secs(1)).await;
        assert_eq!(log.take(), ["stop u", "stop y", "stop x", "start x", "start y"]);
        assert_eq!(knobs.starts.get(), 4);
        assert_eq!(top.count().await, counts(2, 2, 2, 0));
        assert_eq!(inner2.count().await, ChildCounts::default(), "behind the same address");
    });
}

// Dynamic, with a slow start that fails: seen while it is being restarted.
#[test]
fn sup_21_children_that_are_being_restarted_are_seen_and_counted() {
    in_system(async |system, log| {
        let fails = Rc::new(Cell::new(false));
        let tree = Supervisor::dynamic(9).intensity(100, secs(1));
        let tree = tree.backoff(Backoff::new(secs(1), secs(1)).jitter(0.0));
        let tree = tree.start(system).await.unwrap();
        let mut all = Vec::new();
        for _ in 0..3 {
            let flag = Rc::clone(&fails);
            let start = move |_| if flag.get() { Start::Fails } else { Start::Takes(ms(10)) };
            let spec = child("w", worker("w", &log, &Knobs::new().start(start)));
            all.push(tree.add(spec).await.unwrap());
        }
        fails.set(true);
        all[0].try_tell(End::Crash).unwrap();
        all[1].try_tell(End::Panic).unwrap();
        time::sleep(secs(5)).await;
        let restarting =
            |child: &greenroom::supervisor::ChildInfo| child.status == ChildStatus::Restarting;
        assert_eq!(tree.children().await.iter().filter(|child| restarting(child)).count(), 2);
        assert_eq!(tree.count().await, counts(1, 1, 0, 3));
        fails.set(false);
        time::sleep(secs(2)).await;
        assert_eq!(tree.count().await, counts(1, 3, 0, 3));
        for w in all {
            assert_eq!(tree.terminate_child(w).await, Ok(()));
        }
        assert_eq!(tree.count().await, counts(1, 0, 0, 0));
    });
}

#[test]
fn sup_27_max_children_counts_those_being_restarted() {
    in_system(async |system, log| {
        let tree = Supervisor::dynamic(1).backoff(Backoff::new(secs(9), secs(9)));
        let tree = tree.start(system).await.unwrap();
        let w = tree.add(plain("w", &log)).await.unwrap();
        w.try_tell(End::Crash).unwrap();
        time::sleep(secs(1)).await;
        let second = tree.add(plain("w", &log)).await;
        assert!(matches!(second, Err(StartError::MaxChildren { .. })), "{second:?}");
        assert_eq!(tree.count().await, counts(1, 0, 0, 1));
    });
}

#[test]
fn sup_28_declining_on_restart_drops_a_dynamic_child() {
    in_system(async |system, log| {
        let tree = Supervisor::dynamic(9).start(system).await.unwrap();
        let knobs = Knobs::new().start(|n| if n > 3 { Start::Declines } else { Start::Works });
        let w = tree.add(child("w", worker("w", &log, &knobs))).await.unwrap();
        for incarnation in 1..=2 {
            w.kill();
            time::sleep(ms(1)).await;
            assert_eq!(w.ask(Get).await.unwrap().0, incarnation);
        }
        w.kill();
        time::sleep(ms(1)).await;
        assert!(!w.is_alive());
        assert_eq!(tree.children().await, []);
        tree.stop();
        assert_eq!(tree.ended().await, ExitReason::Shutdown);
    });
}

#[test]
fn sup_30_automatic_shutdown_by_any_or_by_all_significant_children() {
    in_system(async |system, log| {
        for (when, ends_with_first) in
            [(AutoShutdown::AnySignificant, true), (AutoShutdown::AllSignificant, false)]
        {
            let [k1, k2] = [Knobs::new(), Knobs::new()];
            let s1 = child("s1", worker("s1", &log, &k1)).restart(Transient).significant(true);
            let s2 = child("s2", worker("s2", &log, &k2)).restart(Temporary).significant(true);
            let tree = Supervisor::one_for_one().auto_shutdown(when).child(plain("a", &log));
            let tree = tree.child(s1).child(s2).start(system).await.unwrap();
            log.take();
            k1.end(End::Crash);
            k1.end(End::Panic); // the same request again
            time::sleep(secs(1)).await;
            assert!(tree.id().is_alive(), "a transient child that crashed is restarted");
            log.take();
            k1.end(End::Normal);
            time::sleep(secs(1)).await;
            assert_eq!(tree.id().is_alive(), !ends_with_first);
            if ends_with_first {
                assert_eq!(log.take(), ["stop s1", "stop s2", "stop a"]);
            } else {
                assert_eq!(log.take(), ["stop s1"]);
                let ended = greenroom::task::spawn(async move { tree.ended().await });
                time::sleep(ms(1)).await;
                k2.end(End::Kill);
                assert_eq!(ended.await, Ok(ExitReason::Shutdown));
                assert_eq!(log.take(), ["stop a"]);
            }
        }
    });
}

#[test]
fn sup_31_automatic_shutdown_escalates_through_significant_supervisors() {
    in_system(async |system, log| {
        for significant in [true, false] {
            let knobs = Knobs::new();
            let w = child("w", worker("w", &log, &knobs)).restart(Transient).significant(true);
            let any = AutoShutdown::AnySignificant;
            let inner = Supervisor::one_for_one().name("inner").auto_shutdown(any).child(w);
            let inner = inner.restart(Transient).significant(significant);
            let outer = Supervisor::one_for_one().auto_shutdown(any).child(plain("a", &log));
            let outer = outer.child(inner).start(system).await.unwrap();
            log.take();
            knobs.end(End::Normal);
            time::sleep(secs(1)).await;
            assert_eq!(outer.id().is_alive(), !significant);
            let stops: &[&str] = if significant { &["stop w", "stop a"] } else { &["stop w"] };
            assert_eq!(log.take(), stops);
        }
    });
}

// What it costs is for the benchmarks: here each of many stops exactly once.
#[test]
fn sup_35_many_children_start_and_stop() {
    in_system(async |system, log| {
        for children in [100, 2_000] {
            let tree = Supervisor::dynamic(children).start(system).await.unwrap();
            for _ in 0..children {
                tree.add(plain("w", &log)).await.unwrap();
            }
            assert_eq!(tree.count().await, counts(1, children, 0, children));
            log.take();
            tree.stop();
            assert_eq!(tree.ended().await, ExitReason::Shutdown);
            assert_eq!(log.len(), children);
        }
    });
}

#[test]
fn sup_40_backoff_jitter_only_adds_and_at_most_its_share() {
    in_system(async |system, log| {
        let backoff = Backoff::new(secs(1), secs(10)).jitter(0.2);
        let tree = Supervisor::one_for_one().intensity(100, secs(1_000)).backoff(backoff);
        let tree = tree.child(plain("w", &log)).start(system).await.unwrap();
        let w: Child = tree.child("w").await.unwrap();
        for delay in [1, 2, 4, 8, 10, 10] {
            let before = time::now();
            w.try_tell(End::Crash).unwrap();
            w.ask(Get).no_timeout().await.unwrap();
            let took = time::now() - before;
            assert!((secs(delay)..=secs(delay).mul_f64(1.2)).contains(&took), "{took:?}");
        }
    });
}

#[test]
fn sup_41_backoff_starts_again_after_a_quiet_time() {
    in_system(async |system, log| {
        for (quiet, second) in [(101, 1), (99, 2)] {
            let backoff = Backoff::new(secs(1), secs(10)).jitter(0.0).reset_after(ms(100));
            let tree = Supervisor::one_for_one().name(&format!("quiet {quiet}"));
            let tree = tree.backoff(backoff).child(plain("w", &log));
            let tree = tree.start(system).await.unwrap();
            let w: Child = tree.child("w").await.unwrap();
            w.try_tell(End::Crash).unwrap();
            w.ask(Get).await.unwrap();
            time::sleep(ms(quiet)).await;
            let before = time::now();
            w.try_tell(End::Crash).unwrap();
            w.ask(Get).await.unwrap();
            assert_eq!(time::now() - before, secs(second), "quiet for {quiet} ms");
        }
    });
}

#[test]
fn sup_42_backoff_has_a_limit() {
    in_system(async |system, log| {
        let knobs = Knobs::new().start(|n| if n == 1 { Start::Works } else { Start::Fails });
        let backoff = Backoff::new(secs(1), secs(10)).jitter(0.0).max_restarts(2);
        let spec = child("w", worker("w", &log, &knobs)).backoff(backoff);
        let tree = Supervisor::one_for_one().intensity(100, secs(100)).start(system).await;
        let w = tree.unwrap().add(spec).await.unwrap();
        w.try_tell(End::Crash).unwrap();
        w.ended().await;
        assert_eq!(knobs.starts.get(), 3, "the first and two more");
    });
}

#[test]
fn mbx_01_starts_come_to_an_address_or_to_the_reason_why_not() {
    in_system(async |system, log| {
        let tree = Supervisor::one_for_one().start(system).await.unwrap();
        let table = [
            (Start::Works, None),
            (Start::Fails, Some(ExitReason::Error("no start".into()))),
            (Start::Panics, Some(ExitReason::Panicked("no start".into()))),
        ];
        for (start, failure) in table {
            let knobs = Knobs::new().start(move |_| start);
            let added = tree.add(child("w", worker("w", &log, &knobs)).restart(Temporary)).await;
            match failure {
                None => assert_eq!(tree.terminate_child(added.unwrap()).await, Ok(())),
                Some(reason) => {
                    let name = "w".into();
                    assert_eq!(added.unwrap_err(), StartError::Failed { name, reason });
                }
            }
            assert_eq!(knobs.starts.get(), 1, "a first start that fails is not tried again");
            assert_eq!(tree.count().await, ChildCounts::default());
        }
        let declines = Knobs::new().start(|_| Start::Declines);
        let declined = tree.add(child("w", worker("w", &log, &declines))).await;
        assert_eq!(declined.unwrap_err(), StartError::Declined { name: "w".into() });
        assert_eq!(tree.count().await, counts(1, 0, 0, 1));
        assert_eq!(tree.restart_child("w").await, Err(ChildError::Declined("w".to_owned())));
    });
}

#[test]
fn mbx_03_mail_that_comes_before_the_start_is_kept() {
    in_system(async |_system, log| {
        let knobs = Knobs::new().start(|_| Start::Takes(secs(1)));
        let mailbox = MailboxOptions::bounded(1);
        let w = greenroom::actor::spawn_with("w", mailbox, worker("w", &log, &knobs));
        w.try_tell(Add(1)).unwrap();
        w.tell(Add(2)).await.unwrap();
        assert_eq!(w.ask(Get).await.unwrap(), (0, 3));
    });
}
