//! Supervision: what may be asked of a supervisor while it runs, in every state of its children.

use std::cell::Cell;
use std::rc::Rc;

use greenroom::prelude::*;
use greenroom::supervisor::{ChildError, ChildStatus, StartError};
use greenroom::task;
use greenroom::test::TestSystem;

use crate::harness::{Log, case, ms, secs};
use crate::tree::{Child, addr, counts, status, with};
use crate::worker::{Busy, End, Get, Knobs, Start, plain, worker};

/// What the child `w` is doing when a call comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Running,
    /// Stopped by a call.
    Stopped,
    /// Ended by itself in good order.
    Finished,
    /// Waiting for its next try.
    Restarting,
    Unknown,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Call {
    Add,
    Terminate,
    Restart,
    Delete,
}

const STATES: [State; 5] =
    [State::Running, State::Stopped, State::Finished, State::Restarting, State::Unknown];
const CALLS: [Call; 4] = [Call::Add, Call::Terminate, Call::Restart, Call::Delete];

fn w(log: &Log) -> impl greenroom::supervisor::IntoChild<Handle = Child> + use<> {
    let backoff = Backoff::new(secs(1_000), secs(1_000));
    child("w", worker("w", log, &Knobs::new())).restart(Transient).backoff(backoff)
}

async fn in_state(test: &TestSystem, log: &Log, state: State) -> Supervisor {
    let tree = Supervisor::one_for_one().start(test).await.unwrap();
    if state == State::Unknown {
        return tree;
    }
    let w = tree.add(w(log)).await.unwrap();
    match state {
        State::Running | State::Unknown => {}
        State::Stopped => tree.terminate_child("w").await.unwrap(),
        State::Finished => w.try_tell(End::Normal).unwrap(),
        State::Restarting => w.try_tell(End::Crash).unwrap(),
    }
    test.settle().await;
    tree
}

/// Makes a call, and says in a word how it came out.
async fn make(tree: Supervisor, log: &Log, call: Call) -> &'static str {
    let managed = match call {
        Call::Add => {
            return match tree.add(w(log)).await {
                Ok(addr) if addr.is_alive() => "started",
                Err(StartError::AlreadyStarted { actor: Some(actor), .. }) => {
                    assert_eq!(actor, addr(tree, "w").await.id());
                    "already started"
                }
                Err(StartError::AlreadyPresent { .. }) => "already present",
                other => panic!("{other:?}"),
            };
        }
        Call::Terminate => tree.terminate_child("w").await,
        Call::Restart => tree.restart_child("w").await,
        Call::Delete => tree.delete_child("w").await,
    };
    match managed {
        Ok(()) => "ok",
        Err(ChildError::Running(_)) => "running",
        Err(ChildError::Restarting(_)) => "restarting",
        Err(ChildError::NotFound(_)) => "not found",
        Err(other) => panic!("{other:?}"),
    }
}

/// How a call comes out, how the same call right after it does, and the specs and active children
/// after each.
fn expected(state: State, call: Call) -> [(&'static str, usize, usize); 2] {
    use Call::{Add, Delete, Restart, Terminate};
    use State::{Finished, Restarting, Running, Stopped, Unknown};
    match (state, call) {
        (Running, Add) => [("already started", 1, 1); 2],
        (Running | Stopped | Finished | Restarting, Terminate) => [("ok", 1, 0); 2],
        (Running, Restart | Delete) => [("running", 1, 1); 2],
        (Stopped | Finished | Restarting, Add) => [("already present", 1, 0); 2],
        (Stopped | Finished, Restart) => [("ok", 1, 1), ("running", 1, 1)],
        (Stopped | Finished, Delete) => [("ok", 0, 0), ("not found", 0, 0)],
        (Restarting, Restart | Delete) => [("restarting", 1, 0); 2],
        (Unknown, Add) => [("started", 1, 1), ("already started", 1, 1)],
        (Unknown, Terminate | Restart | Delete) => [("not found", 0, 0); 2],
    }
}

/// **R3.20, R3.21, R3.22, R3.10** Every call in every state of a child, and again right after.
#[test]
fn sup_20_child_admin_matrix() {
    case(async |test| {
        let log = Log::new();
        for state in STATES {
            for call in CALLS {
                let tree = in_state(test, &log, state).await;
                for (outcome, specs, active) in expected(state, call) {
                    assert_eq!(make(tree, &log, call).await, outcome, "{state:?} {call:?}");
                    let now = tree.count().await;
                    assert_eq!(now, counts(specs, active, 0, specs), "{state:?} {call:?}");
                }
                // Nothing comes of it later.
                let settled = tree.count().await;
                test.advance(secs(100)).await;
                assert_eq!(tree.count().await, settled, "{state:?} {call:?}");
                tree.stop();
                tree.ended().await;
            }
        }
    });
}

/// **R3.20, R3.21** A child that was terminated is gone when the caller is told so, and is started
/// again as a new actor; a temporary one leaves no spec. A child that is added is last in the
/// order.
#[test]
fn what_an_answer_says_holds_when_it_arrives() {
    case(async |test| {
        let log = Log::new();
        let tree = Supervisor::one_for_one().child(plain("a", &log)).start(test).await.unwrap();
        let knobs = Knobs::new().names(test).stop_takes(secs(1));
        let b = tree.add(child("b", worker("b", &log, &knobs))).await.unwrap();
        assert_eq!(test.names(), 1);
        tree.terminate_child(b).await.unwrap();
        assert_eq!((b.is_alive(), test.names(), test.now()), (false, 0, secs(1)));
        tree.restart_child("b").await.unwrap();
        let again = addr(tree, "b").await;
        assert_ne!(again, b);
        assert_eq!(again.ask(Get).await.unwrap(), (0, 0));
        let t = tree.add(with("t", Temporary, &log, &Knobs::new())).await.unwrap();
        let listed = tree.children().await;
        let names = listed.iter().map(|child| child.name.as_deref().unwrap_or("?"));
        assert_eq!(names.collect::<Vec<_>>(), ["a", "b", "t"], "in start order");
        tree.terminate_child(t).await.unwrap();
        assert_eq!((t.is_alive(), status(tree, "t").await), (false, None));
    });
}

/// **R3.10, R3.22** Children that are being brought back are listed as such and are not active;
/// once their starts work again they are, and each can be terminated.
#[test]
fn sup_21_which_and_count_while_restarting() {
    case(async |test| {
        let log = Log::new();
        let fails = Rc::new(Cell::new(false));
        let tree = Supervisor::dynamic(9).intensity(1_000, secs(1)).start(test).await.unwrap();
        let mut all = Vec::new();
        for _ in 0..3 {
            let flag = Rc::clone(&fails);
            let start = move |_| match flag.get() {
                true => Start::FailsAfter(ms(100)),
                false => Start::Takes(ms(100)),
            };
            let spec = child("w", worker("w", &log, &Knobs::new().start(start)));
            all.push(tree.add(spec).await.unwrap());
        }
        fails.set(true);
        all[0].try_tell(End::Crash).unwrap();
        all[1].try_tell(End::Panic).unwrap();
        test.advance(secs(5)).await;
        let listed = tree.children().await;
        let restarting = listed.iter().filter(|child| child.status == ChildStatus::Restarting);
        let restarting: Vec<_> = restarting.filter_map(|child| child.actor).collect();
        assert_eq!(restarting, [all[0].id(), all[1].id()]);
        assert_eq!(tree.count().await, counts(1, 1, 0, 3));
        fails.set(false);
        test.advance(secs(1)).await;
        assert_eq!(tree.count().await, counts(1, 3, 0, 3));
        for (left, w) in (0..3).rev().zip(all) {
            assert_eq!(tree.terminate_child(w).await, Ok(()));
            assert_eq!(tree.count().await, counts(1, left, 0, left));
        }
    });
}

/// **R3.23** Children that are being brought back count towards the limit of a dynamic supervisor.
#[test]
fn sup_27_max_children_counts_restarting() {
    case(async |test| {
        let log = Log::new();
        let tree = Supervisor::dynamic(1).intensity(1_000, secs(1)).start(test).await.unwrap();
        let start = |n| if n == 1 { Start::Works } else { Start::FailsAfter(ms(100)) };
        let spec = child("w", worker("w", &log, &Knobs::new().start(start)));
        let w = tree.add(spec).await.unwrap();
        let full = StartError::MaxChildren { name: "v".into() };
        assert_eq!(tree.add(plain("v", &log)).await.unwrap_err(), full);
        w.try_tell(End::Crash).unwrap();
        test.advance(secs(1)).await;
        assert_eq!(tree.add(plain("v", &log)).await.unwrap_err(), full);
        assert_eq!(tree.count().await, counts(1, 0, 0, 1));
        tree.terminate_child(w).await.unwrap();
        assert!(tree.add(plain("v", &log)).await.is_ok());
    });
}

/// **R3.23** A dynamic supervisor does not know an actor that is not its own, and leaves it alone;
/// of one of its own that has ended there is nothing left to do, which is no error.
#[test]
fn sup_29_terminate_foreign_refused() {
    case(async |test| {
        let log = Log::new();
        let tree = Supervisor::dynamic(9).start(test).await.unwrap();
        let foreign = test.spawn(plain("foreign", &log)).await.unwrap();
        let refused = tree.terminate_child(foreign).await;
        assert_eq!(refused, Err(ChildError::NotFound(foreign.id().to_string())));
        test.settle().await;
        assert_eq!(foreign.ask(Get).await.unwrap(), (0, 0));
        for end in [End::Kill, End::Normal, End::Crash] {
            let own = tree.add(with("own", Temporary, &log, &Knobs::new())).await.unwrap();
            own.try_tell(end).unwrap();
            own.ended().await;
            assert_eq!(tree.terminate_child(own).await, Ok(()));
        }
        assert_eq!(log.take().iter().filter(|line| line.ends_with("foreign")).count(), 1);
    });
}

// S4: it answers while a child's start hangs, fails over and over, or waits.
/// **R3.10, D7** Nobody waits for a child that is being brought back: other children are started,
/// asked and stopped meanwhile, its own next try can be called off, and its siblings are restarted.
#[test]
fn the_restart_of_one_child_holds_nobody_up() {
    case(async |test| {
        let log = Log::new();
        let slow = |n| if n == 1 { Start::Works } else { Start::FailsAfter(ms(100)) };
        let hanging = |n| if n == 1 { Start::Works } else { Start::Takes(secs(1_000_000)) };
        for knobs in [Knobs::new().start(slow), Knobs::new().start(hanging)] {
            let tree = Supervisor::one_for_one().intensity(1_000, secs(1));
            let tree = tree.child(child("w", worker("w", &log, &knobs))).child(plain("a", &log));
            let tree = tree.start(test).await.unwrap();
            knobs.end(End::Crash);
            test.advance(secs(1) + ms(50)).await;
            let before = test.now();
            assert_eq!(status(tree, "w").await, Some(ChildStatus::Restarting));
            let b = tree.add(plain("b", &log)).await.unwrap();
            test.kill(addr(tree, "a").await);
            test.settle().await;
            assert_eq!(addr(tree, "a").await.ask(Get).await.unwrap(), (1, 0));
            assert_eq!(tree.count().await, counts(3, 2, 0, 3));
            tree.terminate_child(b).await.unwrap();
            let started = knobs.starts.get();
            tree.terminate_child("w").await.unwrap();
            assert_eq!(test.now(), before, "all that took no time");
            test.advance(secs(60)).await;
            assert_eq!(knobs.starts.get(), started, "it is not tried again");
            assert_eq!(status(tree, "w").await, Some(ChildStatus::NotRunning));
        }
    });
}

/// **R3.21** Two that terminate the same child at once both wait for its end, as does one that adds
/// it anew.
#[test]
fn calls_about_a_child_that_is_being_stopped_wait_for_its_end() {
    case(async |test| {
        let log = Log::new();
        let tree = Supervisor::one_for_one().start(test).await.unwrap();
        let slow = || child("w", worker("w", &log, &Knobs::new().stop_takes(secs(1))));
        let w = tree.add(slow().restart(Temporary)).await.unwrap();
        w.try_tell(Busy(secs(1))).unwrap();
        test.settle().await;
        let first = task::spawn(async move { tree.terminate_child("w").await });
        test.advance(ms(500)).await;
        let second = tree.terminate_child("w");
        let (second, added) = futures::join!(second, tree.add(slow()));
        assert_eq!((first.await, second), (Ok(Ok(())), Err(ChildError::NotFound("w".to_owned()))));
        assert_eq!((test.now(), w.is_alive()), (secs(2), false));
        assert!(added.is_ok_and(|w| w.is_alive()));
    });
}
