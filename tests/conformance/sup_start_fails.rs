//! Supervision: starts that fail, are refused, or contradict themselves.

use std::time::Duration;

use greenroom::actor::Lifecycle;
use greenroom::prelude::*;
use greenroom::supervisor::{
    AutoShutdown, ChildError, ChildStatus, SpecError, StartError, SupervisorBuilder,
};
use greenroom::test::TestSystem;

use crate::harness::{Log, case, secs};
use crate::tree::{addr, counts, kinds, status};
use crate::worker::{End, Get, Knobs, Start, WorkerProtocol, plain, worker};

/// **R3.5, R2.1** A child that fails to start takes those before it down again, in reverse; those
/// after it never start. The error names the child and the cause, nothing is alive, every name is
/// free, and an immediate retry works.
#[test]
fn sup_02_rollback_on_start_failure() {
    case(async |test| {
        let log = Log::new();
        let knobs = [(); 4].map(|()| Knobs::new().names(test));
        let fails =
            Knobs::new().names(test).start(|n| if n == 1 { Start::Fails } else { Start::Works });
        let tree = || {
            Supervisor::one_for_one()
                .name("tree")
                .child(child("a", worker("a", &log, &knobs[0])))
                .child(child("b", worker("b", &log, &knobs[1])))
                .child(child("c", worker("c", &log, &fails)))
                .child(child("d", worker("d", &log, &knobs[2])))
        };
        let error = tree().start(test).await.unwrap_err();
        let cause = ExitReason::Error("child `c` did not start: error: no start".into());
        assert_eq!(error, StartError::Failed { name: "tree".into(), reason: cause });
        assert_eq!(log.take(), ["start a", "start b", "stop b", "stop a"]);
        assert_eq!(knobs[2].starts.get(), 0, "d was never started");
        assert!(![&knobs[0], &knobs[1], &fails].iter().any(|knobs| knobs.id().is_alive()));
        assert_eq!((test.names(), test.root().children().await.len()), (0, 0));
        let tree = tree().start(test).await.unwrap();
        assert_eq!(log.take(), ["start a", "start b", "start c", "start d"]);
        assert_eq!((test.names(), tree.count().await), (4, counts(4, 4, 0, 4)));
    });
}

/// **R3.5** Each of those that are stopped again is stopped by its own shutdown rule.
#[test]
fn a_rollback_gives_each_child_its_time() {
    case(async |test| {
        let log = Log::new();
        let slow = child("slow", worker("slow", &log, &Knobs::new().stop_takes(secs(60))));
        let slow = slow.shutdown(Shutdown::Timeout(secs(2)));
        let patient = child("patient", worker("patient", &log, &Knobs::new().stop_takes(secs(9))));
        let fails = worker("fails", &log, &Knobs::new().start(|_| Start::Fails));
        let tree = Supervisor::one_for_one().child(slow);
        let tree = tree.child(patient.shutdown(Shutdown::Infinity)).child(child("fails", fails));
        assert!(tree.start(test).await.is_err());
        assert_eq!(test.now(), secs(9 + 2));
        assert_eq!(log.take(), ["start slow", "start patient", "stop patient"]);
    });
}

/// **R3.2** Two children with one id are refused before any child starts.
#[test]
fn sup_05_duplicate_id_refused_before_start() {
    case(async |test| {
        let log = Log::new();
        let tree = Supervisor::one_for_one().child(plain("a", &log)).child(plain("a", &log));
        let refused = tree.start(test).await.unwrap_err();
        assert_eq!(refused, StartError::Spec(SpecError::DuplicateName("a".into())));
        assert!(log.take().is_empty());
    });
}

/// **R3.2** Every contradiction is refused, each with an error of its own: before any child starts,
/// and without harm to a supervisor that runs.
#[test]
fn sup_06_illegal_flags_and_specs() {
    case(async |test| {
        let log = Log::new();
        let significant = |restart| {
            child("s", worker("s", &log, &Knobs::new())).restart(restart).significant(true)
        };
        let any = AutoShutdown::AnySignificant;
        let one_for_one = || Supervisor::one_for_one().child(plain("a", &log));
        let permanent = SpecError::SignificantPermanent("s".into());
        let nothing = SpecError::SignificantForNothing("s".into());
        let table: Vec<(SupervisorBuilder, SpecError)> = vec![
            (one_for_one().intensity(1, Duration::ZERO), SpecError::ZeroPeriod),
            (one_for_one().auto_shutdown(any).child(significant(Permanent)), permanent.clone()),
            (one_for_one().child(significant(Transient)), nothing.clone()),
            (one_for_one().child(significant(Temporary)), nothing.clone()),
            (Supervisor::dynamic(1).auto_shutdown(any), SpecError::DynamicAutoShutdown),
        ];
        for (tree, error) in table {
            assert_eq!(tree.start(test).await.unwrap_err(), StartError::Spec(error));
        }
        assert!(log.take().is_empty(), "nothing was started");

        let tree = one_for_one().start(test).await.unwrap();
        let auto = one_for_one().auto_shutdown(any).start(test).await.unwrap();
        let pool = Supervisor::dynamic(9).start(test).await.unwrap();
        log.take();
        for (tree, restart, error) in [
            (tree, Transient, nothing.clone()),
            (tree, Temporary, nothing.clone()),
            (auto, Permanent, permanent),
            (pool, Transient, nothing),
        ] {
            let before = tree.count().await;
            let refused = tree.add(significant(restart)).await.unwrap_err();
            assert_eq!(refused, StartError::Spec(error));
            assert_eq!(tree.count().await, before);
        }
        // A nested supervisor that contradicts itself does not start, wherever it stands.
        let crooked = Supervisor::dynamic(1).name("crooked").auto_shutdown(any);
        let text = tree.add(crooked).await.unwrap_err().to_string();
        assert!(text.contains(&SpecError::DynamicAutoShutdown.to_string()), "{text}");
        assert!(log.take().is_empty(), "nothing was started");
        assert_eq!(addr(tree, "a").await.ask(Get).await.unwrap(), (0, 0));
    });
}

/// **R3.20, R8.1** A name that another actor holds: the child that wants it does not start, and the
/// error names the owner, who goes on; the supervisor lives, and no spec is left.
#[test]
fn sup_34_name_taken_outside() {
    case(async |test| {
        let log = Log::new();
        let y = test.spawn(plain("y", &log)).await.unwrap();
        for (kind, tree) in kinds() {
            test.register("w", y).unwrap();
            let tree = tree.name(kind).start(test).await.unwrap();
            let wants = || child("w", worker("w", &log, &Knobs::new().names(test)));
            let refused = tree.add(wants()).await.unwrap_err().to_string();
            assert!(refused.contains(&y.id().to_string()), "{refused}");
            assert_eq!(test.lookup::<WorkerProtocol>("w").unwrap(), y);
            assert_eq!((tree.children().await, y.ask(Get).await.unwrap()), (vec![], (0, 0)));
            test.unregister("w", y);
            let w = tree.add(wants()).await.unwrap();
            assert_eq!(test.lookup::<WorkerProtocol>("w").unwrap(), w);
            tree.terminate_child(w).await.unwrap();
        }
    });
}

/// **R3.30, R3.5, D4** A first start that fails is not retried, however many restarts are allowed:
/// whoever starts the child is told. With a limit of three tries it is tried three times.
#[test]
fn sup_44_first_start_failure_not_retried() {
    case(async |test| {
        let log = Log::new();
        let error = ExitReason::Error("no start".into());
        for (kind, tree) in kinds() {
            let tree = tree.name(kind).intensity(u32::MAX, secs(1)).start(test).await.unwrap();
            for tries in [1, 3] {
                let knobs = Knobs::new().start(|_| Start::Fails);
                let fails = child("w", worker("w", &log, &knobs)).start_tries(tries);
                let failed = StartError::Failed { name: "w".into(), reason: error.clone() };
                assert_eq!(tree.add(fails).await.unwrap_err(), failed);
                test.advance(secs(60)).await;
                assert_eq!((knobs.starts.get(), tree.children().await), (tries, vec![]));
            }
            // One that fails twice and then works.
            let knobs = Knobs::new().start(|n| if n < 3 { Start::Panics } else { Start::Works });
            let w = child("w", worker("w", &log, &knobs)).start_tries(3);
            assert_eq!(tree.add(w).await.unwrap().ask(Get).await.unwrap(), (2, 0));
        }
        // The same for a static child.
        for tries in [1, 3] {
            let knobs = Knobs::new().start(|_| Start::Fails);
            let fails = child("w", worker("w", &log, &knobs)).start_tries(tries);
            let tree = Supervisor::one_for_one().intensity(u32::MAX, secs(1)).child(fails);
            assert!(tree.start(test).await.is_err());
            assert_eq!(knobs.starts.get(), tries);
        }
    });
}

fn refusal(name: &str) -> StartError {
    StartError::Refused { name: name.into(), reason: "not today".into() }
}

/// What is told of an end as a crash.
fn crashes(test: &TestSystem) -> usize {
    let is_crash = |edge: &Lifecycle| matches!(edge, Lifecycle::Crashed(_));
    test.events().iter().filter(|event| is_crash(&event.edge)).count()
}

/// **R2.2** A graceful refusal: whoever starts the child gets the child's own words; it is no
/// crash, it is not tried again, and nothing of the child is left.
#[test]
fn a_child_may_refuse_to_start() {
    case(async |test| {
        let log = Log::new();
        let knobs = Knobs::new().names(test).start(|_| Start::Refuses);
        let refuses = || child("w", worker("w", &log, &knobs)).start_tries(9);
        let tree = Supervisor::one_for_one().start(test).await.unwrap();
        assert_eq!(tree.add(refuses()).await.unwrap_err(), refusal("w"));
        assert_eq!((tree.children().await, test.names()), (vec![], 0));
        assert_eq!((knobs.starts.get(), knobs.id().is_alive()), (1, false));
        // Its supervisor refuses with it.
        let outer =
            Supervisor::one_for_one().name("outer").child(plain("a", &log)).child(refuses());
        let StartError::Refused { name, reason } = outer.start(test).await.unwrap_err() else {
            panic!("it did not refuse");
        };
        assert_eq!((&*name, &*reason), ("outer", "child `w` refused to start: not today"));
        assert_eq!(log.take(), ["start a", "stop a"]);
        assert_eq!(crashes(test), 0);
        let reason = ExitReason::Refused("not today".into());
        assert!(!reason.is_crash() && !reason.is_clean());
    });
}

/// **R2.2, R3.7** A refusal of a restart is a restart that failed: it is tried again, and costs
/// what a restart costs. A call that restarts a child is told of it.
#[test]
fn a_refused_restart_uses_up_the_budget() {
    case(async |test| {
        let log = Log::new();
        let knobs = Knobs::new().start(|n| if n == 1 { Start::Works } else { Start::Refuses });
        let tree = Supervisor::one_for_one().child(child("w", worker("w", &log, &knobs)));
        let tree = tree.start(test).await.unwrap();
        tree.terminate_child("w").await.unwrap();
        let refused = ChildError::Refused { name: "w".to_owned(), reason: "not today".into() };
        assert_eq!(tree.restart_child("w").await, Err(refused));
        assert_eq!(status(tree, "w").await, Some(ChildStatus::NotRunning));

        let knobs = Knobs::new().start(|n| if n == 1 { Start::Works } else { Start::Refuses });
        let w = tree.add(child("v", worker("v", &log, &knobs))).await.unwrap();
        w.try_tell(End::Crash).unwrap();
        assert_eq!(tree.ended().await, ExitReason::RestartLimit);
        assert_eq!(knobs.starts.get(), 4);
    });
}

/// **R2.1, R2.2** What a refusal leaves in the mailbox was never handled, and who waits is told so.
#[test]
fn asks_that_wait_for_a_start_that_is_refused_end_at_once() {
    case(async |test| {
        let log = Log::new();
        let knobs = Knobs::new().start(|_| Start::Refuses);
        let w = greenroom::actor::spawn("w", worker("w", &log, &knobs));
        let unanswered = w.ask(Get).await.unwrap_err();
        assert!(unanswered.is_unhandled());
        assert_eq!(unanswered.exit_reason(), Some(&ExitReason::Refused("not today".into())));
        assert_eq!((test.now(), w.is_alive()), (Duration::ZERO, false));
    });
}
