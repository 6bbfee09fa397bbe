//! Kills while the children of an ordinary actor take their time to stop.

use std::cell::RefCell;
use std::rc::Rc;

use greenroom::prelude::*;
use greenroom::time;

use crate::harness::{Log, case, secs};
use crate::scripted::{Script, script};
use crate::worker::{Knobs, worker};

type Families = Rc<RefCell<Vec<Supervisor>>>;

/// An actor whose first incarnation starts a family that survives crashes and one that does not,
/// both slow to stop.
fn body(families: &Families) -> impl AsyncFnMut(&mut Cx<Script>) -> Result<(), Fault> + use<> {
    let families = Rc::clone(families);
    async move |cx: &mut Cx<Script>| {
        let log = Log::new();
        if cx.incarnation() == 0 {
            let slow = Knobs::new().stop_takes(secs(3));
            for (name, survives) in [("kept", true), ("gone", false)] {
                let family = Supervisor::one_for_one()
                    .name(name)
                    .survives_crashes(survives)
                    .child(child("slow", worker("slow", &log, &slow)));
                let family = family.start_under(cx).await?;
                families.borrow_mut().push(family);
            }
        }
        script("actor", cx, &log).await
    }
}

/// **R3.28** A kill while the family stops ends the wait: what survives crashes goes on, and what
/// ends late concerns no later incarnation.
#[test]
fn a_kill_during_the_stop_of_a_family_spares_what_survives() {
    case(async |test| {
        let families = Families::default();
        let actor = test.spawn(child("actor", body(&families))).await.unwrap();
        let [kept, gone] = families.borrow()[..] else { panic!("there are two") };
        actor.tell(Script::Fail("first")).await.unwrap();
        test.settle().await;
        assert_eq!(actor.id().info().unwrap().incarnation, 0, "it waits for its family");
        actor.id().kill();
        test.settle().await;
        assert_eq!(actor.id().info().unwrap().incarnation, 1);
        assert!(kept.id().is_alive() && gone.id().is_alive(), "one stops yet");
        gone.id().kill();
        test.advance(secs(20)).await;
        assert!(kept.id().is_alive() && !gone.id().is_alive());
        assert_eq!(actor.id().info().unwrap().incarnation, 1, "it was not the second's");
    });
}

/// **R3.28** The last wait for a family, at the end of its actor, ends by a kill too.
#[test]
fn a_kill_ends_the_last_wait_for_a_family() {
    case(async |test| {
        let families = Families::default();
        let actor = test.spawn(child("actor", body(&families)).restart(Temporary)).await.unwrap();
        let [kept, gone] = families.borrow()[..] else { panic!("there are two") };
        actor.tell(Script::Fail("first")).await.unwrap();
        test.advance(secs(4)).await;
        assert!(!gone.id().is_alive() && actor.id().is_alive(), "now it waits for the other");
        let began = test.now();
        actor.id().kill();
        assert_eq!(actor.ended().await, ExitReason::Error("first".into()));
        assert_eq!(test.now(), began);
        test.advance(secs(10)).await;
        assert!(!kept.id().is_alive(), "it stops all the same");
    });
}

/// **D11** An actor that kills itself and fails in the same breath ends alike with a family and
/// without one: at the next await of its hook, killed.
#[test]
fn a_self_kill_is_not_forgotten_over_a_family() {
    struct Fail;
    protocol! { enum HasFamilyProtocol { Fail(Fail) } }
    struct HasFamily(bool);
    impl Actor for HasFamily {
        type Protocol = HasFamilyProtocol;
        type Error = Fault;
        async fn started(&mut self, cx: &mut Cx<HasFamilyProtocol>) -> Result<(), Fault> {
            if self.0 {
                Supervisor::one_for_one().start_under(cx).await?;
            }
            Ok(())
        }
        async fn stopped(&mut self, _: &ExitReason, _: &mut Cx<HasFamilyProtocol>) {
            time::sleep(secs(1)).await;
            panic!("a killed actor does not get here");
        }
    }
    impl Handler<Fail> for HasFamily {
        async fn handle(&mut self, _: Fail, cx: &mut Cx<HasFamilyProtocol>) -> Result<(), Fault> {
            cx.id().kill();
            Err(Fault::new("told to"))
        }
    }
    case(async |_test| {
        for family in [false, true] {
            let actor = greenroom::actor::spawn("actor", move || HasFamily(family));
            actor.tell(Fail).await.unwrap();
            assert_eq!(actor.ended().await, ExitReason::Killed, "with a family: {family}");
        }
    });
}
