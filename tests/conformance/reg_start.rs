//! Names: children that bear one from their start on.

use greenroom::prelude::*;
use greenroom::supervisor::StartError;
use greenroom::test::TestSystem;

use crate::harness::{Log, case, secs};
use crate::worker::{End, Get, Knobs, Start, WorkerProtocol, plain, worker};

fn lookup(test: &TestSystem, name: &str) -> Option<ActorId> {
    test.lookup::<WorkerProtocol>(name).ok().map(|addr| addr.id())
}

/// **R8.1, R2.1** A name taken outside refuses the start, with its owner; the owner goes on, the
/// supervisor lives, no spec is left, and the name's next bearer starts as soon as it is free.
#[test]
fn sup_34b_name_taken_outside_for_a_registered_child() {
    case(async |test| {
        let log = Log::new();
        let owner = test.spawn(plain("owner", &log)).await.unwrap();
        test.register("name", owner).unwrap();
        for tree in [Supervisor::one_for_one(), Supervisor::one_for_all(), Supervisor::dynamic(9)] {
            let tree = tree.start(test).await.unwrap();
            let spec = || child("c", worker("c", &log, &Knobs::new())).registered("name");
            let refused = tree.add(spec()).await.unwrap_err();
            let (name, registered) = ("c".into(), "name".into());
            let taken = StartError::AlreadyRegistered { name, registered, owner: owner.id() };
            assert_eq!(refused, taken);
            assert_eq!(owner.ask(Get).await.unwrap(), (0, 0));
            assert_eq!(lookup(test, "name"), Some(owner.id()));
            assert!(tree.children().await.is_empty());
            assert!(test.unregister("name", owner));
            let c = tree.add(spec()).await.unwrap();
            assert_eq!(lookup(test, "name"), Some(c.id()));
            tree.terminate_child(c).await.unwrap();
            assert_eq!(lookup(test, "name"), None);
            test.register("name", owner).unwrap();
        }
        assert_eq!(
            log.take(),
            ["start owner", "start c", "stop c", "start c", "stop c", "start c", "stop c"]
        );
    });
}

/// **R8.1, R3.5** A static child whose name is taken fails the start of its supervisor, which says
/// so; what had started before it is stopped, and its names are free.
#[test]
fn a_static_child_whose_name_is_taken_fails_its_supervisor() {
    case(async |test| {
        let log = Log::new();
        let owner = test.spawn(plain("owner", &log)).await.unwrap();
        test.register("b", owner).unwrap();
        let named = |id| child(id, worker(id, &log, &Knobs::new())).registered(id);
        let tree = || Supervisor::one_for_one().child(named("a")).child(named("b"));
        let refused = tree().start(test).await.unwrap_err().to_string();
        assert!(refused.contains(&format!("the name `b` belongs to actor {}", owner.id())));
        assert_eq!((test.names(), lookup(test, "b")), (1, Some(owner.id())));
        test.unregister("b", owner);
        tree().start(test).await.unwrap();
        assert_eq!(test.names(), 2);
        assert_eq!(log.take(), ["start owner", "start a", "stop a", "start a", "start b"]);
    });
}

/// **R2.1** When the error of a start is returned, its name is free, however the start failed: an
/// immediate retry under the same name works.
#[test]
fn a_start_that_fails_leaves_its_name_free() {
    case(async |test| {
        let log = Log::new();
        for failure in [Start::Fails, Start::Panics, Start::Declines] {
            let tree = Supervisor::one_for_one().start(test).await.unwrap();
            let knobs = Knobs::new().start(move |_| failure);
            let spec = |id, knobs| child(id, worker(id, &log, knobs)).registered("name");
            assert!(tree.add(spec("first", &knobs)).await.is_err());
            assert_eq!((test.names(), lookup(test, "name")), (0, None));
            let second = tree.add(spec("second", &Knobs::new())).await.unwrap();
            assert_eq!(lookup(test, "name"), Some(second.id()));
            tree.stop();
            tree.ended().await;
            assert_eq!(test.names(), 0);
        }
    });
}

/// **R8.1, D1** The name stays with its actor over restarts, and is borne while it starts.
#[test]
fn a_name_is_borne_from_the_start_on_and_over_restarts() {
    case(async |test| {
        let log = Log::new();
        let knobs = Knobs::new().start(|_| Start::Takes(secs(1)));
        let spec = child("c", worker("c", &log, &knobs)).registered("name");
        let adding = test.spawn(spec);
        let (c, ()) = futures::join!(adding, async {
            test.settle().await;
            assert_eq!(lookup(test, "name"), Some(knobs.id()), "while its hook runs");
        });
        let c = c.unwrap();
        for end in [End::Crash, End::Panic, End::Kill] {
            c.try_tell(end).unwrap();
            test.settle().await;
            assert_eq!(lookup(test, "name"), Some(c.id()), "while it is restarted");
            test.advance(secs(1)).await;
        }
        assert_eq!(c.ask(Get).await.unwrap(), (3, 0));
        assert_eq!((test.names(), lookup(test, "name")), (1, Some(c.id())));
    });
}

/// **R3.7, R8.1** A child that is to come back with its group and finds its name taken meanwhile
/// is tried again at the cost of the budget, and comes back when the name is free.
#[test]
fn a_restart_that_finds_its_name_taken_is_tried_again() {
    case(async |test| {
        let log = Log::new();
        let other = test.spawn(plain("other", &log)).await.unwrap();
        let named = child("b", worker("b", &log, &Knobs::new())).registered("name");
        let tree = Supervisor::one_for_all().intensity(9, secs(60));
        let tree =
            tree.backoff(Backoff::new(secs(1), secs(1))).child(plain("a", &log)).child(named);
        let tree = tree.start(test).await.unwrap();
        tree.terminate_child("b").await.unwrap();
        test.register("name", other).unwrap();
        let a = tree.child::<WorkerProtocol>("a").await.unwrap();
        a.try_tell(End::Crash).unwrap();
        for _ in 0..3 {
            test.advance(secs(1)).await;
            assert_eq!(lookup(test, "name"), Some(other.id()));
        }
        test.unregister("name", other);
        test.advance(secs(2)).await;
        let b = tree.child::<WorkerProtocol>("b").await.unwrap();
        assert_eq!(lookup(test, "name"), Some(b.id()));
        assert_eq!(tree.count().await.active, 2);
    });
}
