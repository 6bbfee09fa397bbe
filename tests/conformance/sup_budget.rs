//! Supervision: how many restarts are too many, and what giving up means.

use std::time::Duration;

use greenroom::actor::Lifecycle;
use greenroom::prelude::*;
use greenroom::time;

use crate::harness::{Log, case, ms, secs};
use crate::tree::{addr, counts, kinds};
use crate::worker::{End, Get, Knobs, Start, plain, worker};

// S2: more than `intensity` restarts within `period` end the supervisor.
/// **R3.11, R3.14, D3** One restart more than the intensity within the period: the supervisor stops
/// its children in reverse and ends as `RestartLimit`.
#[test]
fn sup_15_budget_exceeded_stops_all_in_reverse() {
    case(async |test| {
        let log = Log::new();
        let tree = Supervisor::one_for_one().intensity(2, secs(5)).child(plain("a", &log));
        let tree = tree.child(plain("b", &log)).child(plain("c", &log));
        let tree = tree.start(test).await.unwrap();
        let a = addr(tree, "a").await;
        log.take();
        test.events();
        for _ in 0..3 {
            a.try_tell(End::Crash).unwrap();
        }
        assert_eq!(tree.ended().await, ExitReason::RestartLimit);
        assert_eq!(log.take(), ["start a", "start a", "stop c", "stop b"]);
        assert!(!a.is_alive());
        let decisions = test.events().into_iter().filter(|event| event.actor == tree.id());
        let decisions: Vec<String> = decisions.map(|event| event.edge.to_string()).collect();
        assert_eq!(
            decisions,
            [
                "restarts `a` (1 of 2)",
                "restarts `a` (2 of 2)",
                "gives up: `a` needs more than 2 restarts in 5s",
                "crashed: restart limit reached",
                "ended: restart limit reached",
            ]
        );
    });
}

/// **R3.11** With an intensity of zero the first restart is refused.
#[test]
fn sup_16_intensity_zero() {
    case(async |test| {
        let log = Log::new();
        for (kind, tree) in kinds() {
            let tree = tree.name(kind).intensity(0, secs(1)).start(test).await.unwrap();
            let w = tree.add(plain("w", &log)).await.unwrap();
            w.try_tell(End::Crash).unwrap();
            assert_eq!(tree.ended().await, ExitReason::RestartLimit);
            assert_eq!((log.take(), w.is_alive()), (vec!["start w".to_owned()], false));
        }
    });
}

/// Crashes a child four times, so far apart, under a supervisor that allows one restart a period.
async fn crash_spaced(system: &System, period: Duration, apart: Duration) {
    let log = Log::new();
    let tree = Supervisor::one_for_one().intensity(1, period).child(plain("w", &log));
    let tree = tree.start(system).await.unwrap();
    let w = addr(tree, "w").await;
    for incarnation in 1..=4 {
        w.try_tell(End::Crash).unwrap();
        assert_eq!(w.ask(Get).await.unwrap(), (incarnation, 0));
        assert_eq!(tree.count().await, counts(1, 1, 0, 1));
        time::sleep(apart).await;
    }
}

/// **R3.11, D2** Crashes that are further apart than the period never use the budget up.
#[test]
fn sup_17_spaced_crashes_never_exhaust() {
    case(async |test| crash_spaced(test, secs(1), ms(2_100)).await);
}

/// **R3.11, D2** The same on the machine's clock, on which a sleep is never too short.
#[test]
fn sup_17_spaced_crashes_never_exhaust_on_the_real_clock() {
    let system = System::builder().signals(false);
    system.run(async |system| crash_spaced(system, ms(100), ms(210)).await).unwrap();
}

/// **D2, R3.11** The window slides, to the nanosecond: a restart exactly one period old still
/// counts, and one a nanosecond older does not.
#[test]
fn the_window_slides_and_includes_its_edge() {
    case(async |test| {
        let log = Log::new();
        for (over, survives) in [(0, false), (1, true)] {
            let tree = Supervisor::one_for_one().intensity(1, secs(1)).start(test).await.unwrap();
            let w = tree.add(plain("w", &log)).await.unwrap();
            w.try_tell(End::Crash).unwrap();
            test.advance(secs(1) + Duration::from_nanos(over)).await;
            w.try_tell(End::Crash).unwrap();
            test.settle().await;
            assert_eq!(tree.id().is_alive(), survives, "{over} ns");
        }
    });
}

/// **R3.7, R3.11, D4** A restart whose start fails is tried again at once and costs budget again:
/// with an intensity of three there are four starts in all, under every strategy.
#[test]
fn sup_18_failing_restart_uses_up_budget() {
    case(async |test| {
        let log = Log::new();
        for (kind, tree) in kinds() {
            let knobs = Knobs::new().start(|n| if n == 1 { Start::Works } else { Start::Fails });
            let tree = tree.name(kind).intensity(3, secs(5)).start(test).await.unwrap();
            let w = tree.add(child("w", worker("w", &log, &knobs))).await.unwrap();
            let before = test.now();
            w.try_tell(End::Crash).unwrap();
            assert_eq!(tree.ended().await, ExitReason::RestartLimit, "{kind}");
            assert_eq!(knobs.starts.get(), 4, "{kind}");
            assert_eq!((test.now(), w.is_alive()), (before, false), "{kind}");
        }
    });
}

/// **R3.11** Restarts that were asked for by a call cost nothing.
#[test]
fn restarts_by_call_are_free() {
    case(async |test| {
        let log = Log::new();
        let tree = Supervisor::one_for_one().intensity(1, secs(5)).child(plain("w", &log));
        let tree = tree.start(test).await.unwrap();
        for _ in 0..9 {
            tree.terminate_child("w").await.unwrap();
            tree.restart_child("w").await.unwrap();
        }
        let w = addr(tree, "w").await;
        w.try_tell(End::Crash).unwrap();
        assert_eq!(w.ask(Get).await.unwrap(), (1, 0));
    });
}

/// **D3** Giving up is an abnormal end: a *transient* inner supervisor that gave up is restarted by
/// the outer one, with its own children.
#[test]
fn sup_45_giving_up_is_visible() {
    case(async |test| {
        let log = Log::new();
        let knobs = Knobs::new();
        let inner = Supervisor::one_for_one().name("inner").intensity(0, secs(1));
        let inner = inner.restart(Transient).child(child("w", worker("w", &log, &knobs)));
        let outer = Supervisor::one_for_one().child(inner).start(test).await.unwrap();
        let inner = outer.supervisor("inner").await.unwrap();
        test.events();
        knobs.end(End::Crash);
        test.settle().await;
        let heard = test.events().into_iter().filter(|event| event.actor == inner.id());
        let heard: Vec<Lifecycle> = heard.map(|event| event.edge).collect();
        assert_eq!(heard[1..], [Lifecycle::Crashed(ExitReason::RestartLimit), Lifecycle::Started]);
        assert!(matches!(heard[0], Lifecycle::IntensityReached { .. }));
        assert_eq!(log.take(), ["start w", "start w"]);
        assert_eq!(outer.count().await, counts(1, 1, 1, 0));
        assert_eq!(inner.count().await, counts(1, 1, 0, 1));
    });
}

/// **D3, R1.8** Whoever watches a supervisor hears that it gave up, after its children have ended.
#[test]
fn giving_up_is_heard_of_after_the_children_have_ended() {
    case(async |test| {
        let log = Log::new();
        let tree = Supervisor::one_for_one().intensity(0, secs(1)).child(plain("a", &log));
        let slow = worker("b", &log, &Knobs::new().stop_takes(secs(2)));
        let tree = tree.child(child("b", slow)).start(test).await.unwrap();
        let (a, b) = (addr(tree, "a").await, addr(tree, "b").await);
        a.try_tell(End::Crash).unwrap();
        assert_eq!(tree.ended().await, ExitReason::RestartLimit);
        assert_eq!((test.now(), a.is_alive(), b.is_alive()), (secs(2), false, false));
    });
}

/// **R3.13** A child that takes so long to come back that its failures can never be too many is
/// reported, once.
#[test]
fn a_child_that_the_budget_can_never_end_is_reported_once() {
    case(async |test| {
        let log = Log::new();
        let slow =
            Knobs::new().start(|n| if n == 1 { Start::Works } else { Start::Takes(secs(2)) });
        let tree = Supervisor::one_for_one().intensity(3, secs(5));
        let tree = tree.child(child("w", worker("w", &log, &slow))).start(test).await.unwrap();
        for _ in 0..9 {
            slow.end(End::Crash);
            test.advance(secs(2)).await;
        }
        assert_eq!((slow.starts.get(), tree.count().await), (10, counts(1, 1, 0, 1)));
        let child = "w".into();
        let (down, period) = (secs(2), secs(5));
        let endless = Lifecycle::EndlessRestarts { child, down, limit: 3, period };
        assert_eq!(test.events().iter().filter(|event| event.edge == endless).count(), 1);
    });
}
