//! Groups: who is in, who comes and who leaves.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use greenroom::actor::spawn;
use greenroom::group::{Change, MemberError};
use greenroom::prelude::*;
use greenroom::task;
use greenroom::test::Heard;

use crate::harness::{Log, case};
use crate::worker::{ENDS, End, Knobs, worker};

type Member = Addr<Heard<u32>>;

/// **R8.4** A monitor gives a snapshot and then every join and leave; a member that joined twice
/// leaves twice; after a demonitor nothing that was queued arrives.
// G2: a snapshot, then every change, once and in order.
#[test]
fn grp_01_snapshot_then_events() {
    case(async |test| {
        let group = test.group::<Member>("g");
        let [p, q] = ["p", "q"].map(|name| test.probe::<u32>(name).addr());
        group.join(p).unwrap();
        let (members, mut events) = group.monitor();
        assert_eq!(members, [p]);
        group.join(q).unwrap();
        group.join(q).unwrap();
        group.leave(p).unwrap();
        group.leave(q).unwrap();
        assert_eq!(group.members(), [q], "it joined twice and left once");
        // A second monitor begins where the first one is now.
        let (members, mut later) = group.monitor();
        assert_eq!(members, [q]);
        for event in [Change::Joined(q), Change::Joined(q), Change::Left(p), Change::Left(q)] {
            assert_eq!(events.next().await, event);
        }
        assert_eq!((events.try_next(), later.try_next()), (None, None));

        // Two changes are queued when the first monitor is dropped; whoever read it hears none.
        group.join(p).unwrap();
        group.leave(p).unwrap();
        let hears = test.probe::<bool>("hears");
        let to = hears.recipient();
        let reader = task::spawn(async move {
            loop {
                to.try_tell(matches!(events.next().await, Change::Joined(_))).unwrap();
            }
        });
        reader.abort();
        group.leave(q).unwrap();
        test.settle().await;
        assert!(hears.is_empty());
        for event in [Change::Joined(p), Change::Left(p), Change::Left(q)] {
            assert_eq!(later.try_next(), Some(event), "the other is not affected");
        }
    });
}

/// **R8.4** Leaving what one is no member of is an error; an empty group is not there.
#[test]
fn a_group_is_there_while_it_has_members() {
    case(async |test| {
        let group = test.group::<Member>("g");
        let p = test.probe::<u32>("p").addr();
        let not_joined = || MemberError::NotJoined { name: "g".into(), actor: p.id() };
        assert_eq!(group.leave(p), Err(not_joined()));
        for _ in 0..2 {
            assert!(test.groups::<Member>().is_empty());
            group.join(p).unwrap();
            assert_eq!(test.groups::<Member>(), ["g".into()]);
            // Another type, another group.
            assert!(test.groups::<ActorId>().is_empty());
            assert!(test.group::<ActorId>("g").is_empty());
            group.leave(p).unwrap();
            assert_eq!(group.leave(p), Err(not_joined()));
        }
        group.join(p).unwrap();
        p.kill();
        p.ended().await;
        assert!(test.groups::<Member>().is_empty() && group.is_empty());
        assert_eq!(group.leave(p), Err(not_joined()));
        assert_eq!(group.join(p), Err(MemberError::Ended { name: "g".into(), actor: p.id() }));
    });
}

struct Gone;
impl Protocol for Gone {}

/// **R8.4, R1.8, D13** However a member ends, all its memberships have ended when its end is heard
/// of, and each is told of once.
// G1: a member of nothing before anybody hears of the end.
#[test]
fn a_member_that_ends_leaves_everything_before_its_end_is_heard_of() {
    case(async |test| {
        let log = Log::new();
        for end in ENDS {
            let spec = child("w", worker("w", &log, &Knobs::new())).restart(Temporary);
            let w = test.spawn(spec).await.unwrap();
            let (one, two) = (test.group::<ActorId>("one"), test.group::<ActorId>("two"));
            for group in [&one, &two, &one] {
                group.join(w.id()).unwrap();
            }
            let (_, mut events) = one.monitor();
            let (system, found) = ((**test).clone(), Rc::new(RefCell::new(None)));
            let finds = Rc::clone(&found);
            let watcher = spawn("watcher", async move |cx: &mut Cx<Gone>| {
                cx.monitor_with(w.id(), |_| Gone);
                let Gone = cx.recv().await;
                *finds.borrow_mut() = Some((system.groups::<ActorId>(), events.try_next()));
                assert_eq!(events.try_next(), Some(Change::Left(w.id())));
                assert_eq!(events.try_next(), None);
                Ok::<(), Fault>(())
            });
            test.settle().await;
            w.try_tell(end).unwrap();
            assert_eq!(watcher.ended().await, ExitReason::Normal);
            let expected = Some((Vec::new(), Some(Change::Left(w.id()))));
            assert_eq!(*found.borrow(), expected, "{end:?}");
        }
    });
}

/// **R8.4** Leaving and ending at the same time is one leave, whichever comes first.
#[test]
fn a_member_that_leaves_while_it_ends_leaves_once() {
    case(async |test| {
        let group = test.group::<Member>("g");
        let p = test.probe::<u32>("p").addr();
        group.join(p).unwrap();
        let (_, mut events) = group.monitor();
        p.kill();
        let (leaving, left) = (group.clone(), Rc::new(Cell::new(None)));
        let sets = Rc::clone(&left);
        task::spawn(async move { sets.set(Some(leaving.leave(p).is_ok())) });
        test.settle().await;
        assert!(left.get().is_some() && !p.is_alive());
        assert_eq!((events.try_next(), events.try_next()), (Some(Change::Left(p)), None));
    });
}

/// **R8.4, D1** A restart is no end: the member stays.
#[test]
fn a_member_stays_over_its_restarts() {
    case(async |test| {
        let log = Log::new();
        let w = test.spawn(child("w", worker("w", &log, &Knobs::new()))).await.unwrap();
        let group = test.group("g");
        group.join(w).unwrap();
        let (_, mut events) = group.monitor();
        for end in [End::Crash, End::Kill] {
            w.try_tell(end).unwrap();
            test.settle().await;
        }
        assert_eq!((group.members(), events.try_next()), (vec![w], None));
        assert_eq!(log.take(), ["start w", "start w", "start w"]);
    });
}
