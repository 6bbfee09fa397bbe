//! Supervision: how children stop, each by its rule, and what a killed supervisor leaves behind.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use greenroom::actor::Lifecycle;
use greenroom::prelude::*;
use greenroom::task;
use greenroom::test::TestSystem;

use crate::harness::{Log, case, ms, secs};
use crate::tree::{Child, addr, counts, status};
use crate::worker::{End, Get, Knobs, Start, plain, worker};

/// Waits for an end, and says when it was and how.
async fn end_of(test: &TestSystem, actor: impl Into<ActorId>) -> (Duration, ExitReason) {
    let reason = actor.into().ended().await;
    (test.now(), reason)
}

/// **R3.15, R3.16** A child that exceeds its limit is killed then, not later; its siblings stop in
/// good order, as does the supervisor. The same under a dynamic supervisor, and for a stop by call.
#[test]
fn sup_22_shutdown_timeout_then_kill() {
    case(async |test| {
        let log = Log::new();
        let slow = |id| {
            let slow = worker(id, &log, &Knobs::new().stop_takes(secs(5)));
            child(id, slow).shutdown(Shutdown::Timeout(ms(50)))
        };
        for tree in [Supervisor::one_for_one(), Supervisor::dynamic(9)] {
            let tree = tree.start(test).await.unwrap();
            let a = tree.add(plain("a", &log)).await.unwrap();
            let w = tree.add(slow("slow")).await.unwrap();
            let b = tree.add(plain("b", &log)).await.unwrap();
            log.take();
            let before = test.now();
            tree.stop();
            let (w, a, b, (_, tree)) = futures::join!(
                end_of(test, w),
                end_of(test, a),
                end_of(test, b),
                end_of(test, tree)
            );
            assert_eq!(w, (before + ms(50), ExitReason::Killed));
            assert_eq!(
                (a.1, b.1, tree),
                (ExitReason::Shutdown, ExitReason::Shutdown, ExitReason::Shutdown)
            );
            let mut stops = log.take();
            stops.sort();
            assert_eq!(stops, ["stop a", "stop b"]);
        }
        let tree = Supervisor::one_for_one().child(slow("slow")).start(test).await.unwrap();
        let w = addr(tree, "slow").await;
        let before = test.now();
        assert_eq!(tree.terminate_child("slow").await, Ok(()));
        assert_eq!((test.now() - before, w.is_alive()), (ms(50), false));
        assert_eq!(tree.count().await, counts(1, 0, 0, 1));
    });
}

/// **R3.15** A brutal stop kills at once, and no hook runs.
#[test]
fn sup_23_brutal() {
    case(async |test| {
        let log = Log::new();
        for tree in [Supervisor::one_for_one(), Supervisor::dynamic(9)] {
            let tree = tree.start(test).await.unwrap();
            tree.add(plain("a", &log)).await.unwrap();
            let brutal = worker("w", &log, &Knobs::new().stop_takes(secs(5)));
            let w = tree.add(child("w", brutal).shutdown(Shutdown::Brutal)).await.unwrap();
            log.take();
            let before = test.now();
            tree.stop();
            let (w, (_, tree)) = futures::join!(end_of(test, w), end_of(test, tree));
            assert_eq!(w, (before, ExitReason::Killed));
            assert_eq!((tree, log.take()), (ExitReason::Shutdown, vec!["stop a".to_owned()]));
        }
    });
}

/// **R3.15** `Infinity` waits for as long as it takes, and so does the supervisor.
#[test]
fn sup_24_infinity_waits() {
    case(async |test| {
        let log = Log::new();
        let patient = worker("w", &log, &Knobs::new().stop_takes(secs(600)));
        let patient = child("w", patient).shutdown(Shutdown::Infinity);
        let tree = Supervisor::one_for_one().child(patient).start(test).await.unwrap();
        let w = addr(tree, "w").await;
        let ends = task::spawn(futures::future::join(w.id().ended(), tree.id().ended()));
        test.settle().await;
        log.take();
        tree.stop();
        test.advance(secs(600) - ms(1)).await;
        assert!(tree.id().is_alive() && w.is_alive() && log.take().is_empty());
        test.advance(ms(1)).await;
        assert_eq!(ends.await.unwrap(), (ExitReason::Shutdown, ExitReason::Shutdown));
        assert_eq!(log.take(), ["stop w"]);
    });
}

/// **R3.17** A dynamic supervisor asks all at once: stopping takes as long as the slowest.
#[test]
fn sup_25_dynamic_stops_in_parallel() {
    case(async |test| {
        let log = Log::new();
        let tree = Supervisor::dynamic(10).start(test).await.unwrap();
        let mut children = Vec::new();
        for takes in [1, 1, 5] {
            let knobs = Knobs::new().stop_takes(secs(takes));
            let spec = child("w", worker("w", &log, &knobs)).shutdown(Shutdown::Timeout(secs(2)));
            children.push(tree.add(spec).await.unwrap());
        }
        let before = test.now();
        tree.stop();
        let ends = futures::future::join_all(children.iter().map(|w| end_of(test, *w)));
        let (ends, (end, _)) = futures::join!(ends, end_of(test, tree));
        let at = |seconds, reason| (before + secs(seconds), reason);
        assert_eq!(
            ends,
            [at(1, ExitReason::Shutdown), at(1, ExitReason::Shutdown), at(2, ExitReason::Killed),]
        );
        assert_eq!(end - before, secs(2));
    });
}

/// **R3.15, R3.17** Each child of a dynamic supervisor is stopped by its own rule.
#[test]
fn sup_26_dynamic_mixed_timeouts() {
    case(async |test| {
        let log = Log::new();
        let tree = Supervisor::dynamic(9).start(test).await.unwrap();
        let mut children = Vec::new();
        for how in [Shutdown::Infinity, Shutdown::Brutal, Shutdown::Timeout(ms(1))] {
            let spec = worker("w", &log, &Knobs::new().stop_takes(secs(3)));
            children.push(tree.add(child("w", spec).shutdown(how)).await.unwrap());
        }
        let before = test.now();
        tree.stop();
        let ends = futures::future::join_all(children.iter().map(|w| end_of(test, *w)));
        let (ends, (end, reason)) = futures::join!(ends, end_of(test, tree));
        assert_eq!(
            ends,
            [
                (before + secs(3), ExitReason::Shutdown),
                (before, ExitReason::Killed),
                (before + ms(1), ExitReason::Killed),
            ]
        );
        assert_eq!((end - before, reason), (secs(3), ExitReason::Shutdown));
    });
}

/// **R3.14** A whole tree stops in reverse: the last branch with all its leaves before the first.
#[test]
fn a_tree_stops_in_reverse_and_parents_end_after_their_children() {
    case(async |test| {
        let log = Log::new();
        let inner = Supervisor::one_for_all().name("inner");
        let inner = inner.child(plain("b", &log)).child(plain("c", &log));
        let tree = Supervisor::one_for_one().child(plain("a", &log)).child(inner);
        let tree = tree.child(plain("d", &log)).start(test).await.unwrap();
        test.events();
        tree.stop();
        tree.ended().await;
        let ended = |edge: &Lifecycle| matches!(edge, Lifecycle::Ended(_));
        let events = test.events().into_iter().filter(|event| ended(&event.edge));
        let ends: Vec<String> = events.map(|event| event.name.to_string()).collect();
        let tree = "root/supervisor";
        assert_eq!(
            ends,
            [
                format!("{tree}/d"),
                format!("{tree}/inner/c"),
                format!("{tree}/inner/b"),
                format!("{tree}/inner"),
                format!("{tree}/a"),
                tree.to_owned(),
            ]
        );
    });
}

/// **R3.16** A child may end as it likes while it stops: it is reported, never restarted, and does
/// not change the reason of its supervisor.
#[test]
fn an_odd_end_during_a_stop_is_reported_and_changes_nothing() {
    case(async |test| {
        let log = Log::new();
        let tree = Supervisor::one_for_one().child(child("w", async |cx: &mut Cx<Odd>| {
            let asked_to_stop = cx.next().await.is_none();
            assert!(asked_to_stop);
            Err(Fault::new("while stopping"))
        }));
        let tree = tree.child(plain("a", &log)).start(test).await.unwrap();
        test.events();
        tree.stop();
        assert_eq!(tree.ended().await, ExitReason::Shutdown);
        let reason = ExitReason::Error("while stopping".into());
        let odd = Lifecycle::StoppedOddly { child: "w".into(), reason };
        let events = test.events();
        assert_eq!(events.iter().filter(|event| event.edge == odd).count(), 1);
        assert!(!events.iter().any(|event| event.edge == Lifecycle::Started));
    });
}

enum Odd {}
impl Protocol for Odd {}

/// **R3.19, R3.10, D7** A stop takes effect at once, while a start hangs and while a child waits
/// for its next try; whoever waits for that start is told.
#[test]
fn a_supervisor_stops_at_once_whatever_is_under_way() {
    case(async |test| {
        let log = Log::new();
        let hangs = Knobs::new().start(|_| Start::Takes(secs(1_000_000)));
        let backoff = Backoff::new(secs(1_000), secs(1_000));
        for tree in [Supervisor::one_for_one(), Supervisor::rest_for_one(), Supervisor::dynamic(9)]
        {
            let tree = tree.backoff(backoff).start(test).await.unwrap();
            let a = tree.add(plain("a", &log)).await.unwrap();
            a.try_tell(End::Crash).unwrap();
            test.settle().await;
            let hanging = child("hangs", worker("hangs", &log, &hangs));
            let adding = task::spawn(async move { tree.add(hanging).await.map(|_| ()) });
            test.settle().await;
            assert_eq!(tree.count().await.active, 0);
            let waits = task::spawn(async move { a.ask(Get).await });
            test.settle().await;
            let before = test.now();
            tree.stop();
            assert_eq!(tree.ended().await, ExitReason::Shutdown);
            assert_eq!(test.now(), before);
            assert!(adding.await.unwrap().is_err());
            assert!(waits.await.unwrap().unwrap_err().is_unhandled());
        }
    });
}

/// Counts how many of its kind live at once.
struct Alive(Rc<Cell<u32>>);

impl Alive {
    fn new(now: &Rc<Cell<u32>>, most: &Rc<Cell<u32>>) -> Self {
        now.set(now.get() + 1);
        most.set(most.get().max(now.get()));
        Self(Rc::clone(now))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Actor for Alive {
    type Protocol = Odd;
    type Error = Fault;

    async fn stopped(&mut self, _: &ExitReason, _: &mut Cx<Odd>) {
        greenroom::time::sleep(secs(2)).await;
    }
}
impl greenroom::actor::Dispatch<Alive> for Odd {
    async fn dispatch(self, _: &mut Alive, _: &mut Cx<Self>) -> Result<(), Fault> {
        match self {}
    }
}

// S3, S5: the next incarnation of a killed supervisor starts when the children of the last are
// gone.
/// **R3.18, D6** A supervisor that is killed leaves nobody behind: its children stop with their
/// hooks, and its own supervisor restarts it when they are gone, so that no child lives twice.
#[test]
fn a_killed_supervisor_comes_back_when_its_orphans_are_gone() {
    case(async |test| {
        let (now, most) = (Rc::<Cell<u32>>::default(), Rc::<Cell<u32>>::default());
        let alive = {
            let (now, most) = (Rc::clone(&now), Rc::clone(&most));
            move || Alive::new(&now, &most)
        };
        let inner = Supervisor::one_for_one().name("inner").child(child("w", alive));
        let outer = Supervisor::one_for_one().child(inner).start(test).await.unwrap();
        let inner = outer.supervisor("inner").await.unwrap();
        let old = inner.child::<Odd>("w").await.unwrap();
        test.kill(inner);
        test.advance(secs(1)).await;
        assert!(old.is_alive() && now.get() == 1, "it has its time to stop");
        test.advance(secs(1)).await;
        assert!(!old.is_alive() && inner.id().is_alive());
        let new = inner.child::<Odd>("w").await.unwrap();
        assert_ne!(new, old);
        assert_eq!((now.get(), most.get()), (1, 1), "never two at a time");
    });
}

/// **R3.18, R1.8** When the end of a killed supervisor is heard of, its children are gone: stopped
/// with their hooks, or killed at their limits; those under nested supervisors too.
#[test]
fn children_of_a_killed_supervisor_end_by_their_rules_and_none_survives_it() {
    case(async |test| {
        let log = Log::new();
        let stubborn = worker("stubborn", &log, &Knobs::new().stop_takes(secs(100)));
        let stubborn = child("stubborn", stubborn).shutdown(Shutdown::Timeout(secs(2)));
        let brutal = child("brutal", worker("brutal", &log, &Knobs::new()));
        let inner = Supervisor::one_for_one().name("inner").child(plain("b", &log));
        let tree = Supervisor::one_for_one().child(plain("a", &log)).child(stubborn);
        let tree = tree.child(brutal.shutdown(Shutdown::Brutal)).child(inner);
        let tree = tree.start(test).await.unwrap();
        let inner = tree.supervisor("inner").await.unwrap();
        let mut all: Vec<Child> = vec![addr(inner, "b").await];
        for name in ["a", "stubborn", "brutal"] {
            all.push(addr(tree, name).await);
        }
        let hangs = Knobs::new().start(|_| Start::Takes(secs(1_000_000)));
        let hangs = child("hangs", worker("hangs", &log, &hangs)).shutdown(Shutdown::Infinity);
        task::spawn(async move { tree.add(hangs).await.map(|_| ()) }).detach();
        test.settle().await;
        assert!(status(tree, "hangs").await.is_some());
        log.take();
        let before = test.now();
        test.kill(tree);
        let brutal = all[3];
        let (killed, (end, reason)) = futures::join!(end_of(test, brutal), end_of(test, tree));
        assert_eq!(killed, (before, ExitReason::Killed));
        assert_eq!((end - before, reason), (secs(2), ExitReason::Killed));
        assert!(!all.iter().any(|child| child.is_alive()) && !inner.id().is_alive());
        let mut stops = log.take();
        stops.sort();
        assert_eq!(stops, ["stop a", "stop b"]);
    });
}

/// **R3.15, R3.18** A supervisor that is killed because it takes too long to stop: whoever stopped
/// it goes on when the children it had are gone.
#[test]
fn a_supervisor_that_exceeds_its_limit_is_stopped_when_its_children_are_gone() {
    case(async |test| {
        let log = Log::new();
        let slow = worker("slow", &log, &Knobs::new().stop_takes(secs(9)));
        let slow = child("slow", slow).shutdown(Shutdown::Timeout(secs(4)));
        let pool = Supervisor::dynamic(9).name("pool").shutdown(Shutdown::Timeout(secs(1)));
        let tree = Supervisor::one_for_one().child(plain("a", &log)).start(test).await.unwrap();
        let pool = tree.add(pool).await.unwrap();
        let slow = pool.add(slow).await.unwrap();
        log.take();
        tree.stop();
        let ends = futures::join!(end_of(test, slow), end_of(test, pool), end_of(test, tree));
        // The pool is killed after 1 s, and the child's 4 s are counted anew from there.
        assert_eq!(ends.0, (secs(5), ExitReason::Killed));
        assert_eq!(ends.1, (secs(5), ExitReason::Killed));
        assert_eq!(ends.2, (secs(5), ExitReason::Shutdown));
        assert_eq!(log.take(), ["stop a"]);
    });
}
