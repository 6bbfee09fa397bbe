//! The children of an ordinary actor, over its restarts.

use std::cell::RefCell;
use std::rc::Rc;

use greenroom::prelude::*;

use crate::harness::{Log, case, secs};
use crate::scripted::scripted;
use crate::worker::{Get, Knobs, WorkerProtocol, worker};

struct Fail;
struct Children;
struct Watch(ActorId);
protocol! {
    enum ParentProtocol {
        Fail(Fail),
        Children(Children) -> usize,
        Watch(Watch),
        Down(Down),
    }
}

/// Starts two children in its first incarnation.
struct Parent {
    log: Log,
    keep: bool,
    family: Rc<RefCell<Option<Supervisor>>>,
}

impl Actor for Parent {
    type Protocol = ParentProtocol;
    type Error = Fault;

    async fn started(&mut self, cx: &mut Cx<ParentProtocol>) -> Result<(), Fault> {
        if cx.incarnation() == 0 {
            let slow = Knobs::new().stop_takes(secs(1));
            let family = Supervisor::one_for_one()
                .survives_crashes(self.keep)
                .child(child("c1", worker("c1", &self.log, &slow)))
                .child(child("c2", worker("c2", &self.log, &slow)))
                .start_under(cx)
                .await?;
            *self.family.borrow_mut() = Some(family);
        }
        self.log.add(format!("start parent {}", cx.incarnation()));
        Ok(())
    }

    async fn crashed(&mut self, reason: &ExitReason, _: &mut Cx<ParentProtocol>) {
        let family = *self.family.borrow();
        let children = match family {
            Some(family) => family.count().await.active,
            None => 0,
        };
        self.log.add(format!("crashed with {children} children ({reason})"));
    }

    async fn stopped(&mut self, _: &ExitReason, _: &mut Cx<ParentProtocol>) {
        self.log.add("stop parent");
    }
}
impl Handler<Fail> for Parent {
    async fn handle(&mut self, _: Fail, _: &mut Cx<ParentProtocol>) -> Result<(), Fault> {
        Err(Fault::new("told to"))
    }
}
impl Handler<Children> for Parent {
    async fn handle(&mut self, _: Children, _: &mut Cx<ParentProtocol>) -> Result<usize, Fault> {
        let family = *self.family.borrow();
        let alive = family.filter(|family| family.id().is_alive());
        let children = match alive {
            Some(family) => family.count().await.active,
            None => 0,
        };
        self.log.add(format!("answered {children}"));
        Ok(children)
    }
}
impl Handler<Watch> for Parent {
    async fn handle(&mut self, watch: Watch, cx: &mut Cx<ParentProtocol>) -> Result<(), Fault> {
        cx.monitor(watch.0);
        Ok(())
    }
}
impl Handler<Down> for Parent {
    async fn handle(&mut self, down: Down, cx: &mut Cx<ParentProtocol>) -> Result<(), Fault> {
        self.log.add(format!("down {} in {}", down.reason, cx.incarnation()));
        Ok(())
    }
}

async fn parent(
    test: &greenroom::test::TestSystem,
    log: &Log,
    keep: bool,
) -> (Addr<ParentProtocol>, Supervisor) {
    let family = Rc::new(RefCell::new(None));
    let (noted, made) = (log.clone(), Rc::clone(&family));
    let make = move || Parent { log: noted.clone(), keep, family: Rc::clone(&made) };
    let addr = test.spawn(child("parent", make)).await.unwrap();
    let family = family.borrow().expect("it has started one");
    assert_eq!(log.take(), ["start c1", "start c2", "start parent 0"]);
    (addr, family)
}

/// **R3.28, D1** A crash: its hook first, then the children stop, then the next incarnation starts;
/// mail and the notice of a watched actor's end wait meanwhile, and come in their order.
#[test]
fn sup_38_restart_stops_children_first() {
    case(async |test| {
        let log = Log::new();
        let (addr, family) = parent(test, &log, false).await;
        let watched = scripted("watched", &log);
        addr.tell(Watch(watched.id())).await.unwrap();
        addr.tell(Fail).await.unwrap();
        test.settle().await;
        let asked = greenroom::task::spawn(async move { addr.ask(Children).await });
        test.settle().await;
        watched.kill();
        test.advance(secs(10)).await;
        assert_eq!(asked.await.unwrap().unwrap(), 0);
        assert!(!family.id().is_alive());
        let expected = [
            "crashed with 2 children (error: told to)",
            "stop c2",
            "stop c1",
            "stop parent",
            "start parent 1",
            "answered 0",
            "down killed in 1",
        ];
        assert_eq!(log.take(), expected);
    });
}

/// **R3.28** Children that are kept over a restart keep their incarnation, and end with the actor.
#[test]
fn sup_39_keep_children_option() {
    case(async |test| {
        let log = Log::new();
        let (addr, family) = parent(test, &log, true).await;
        addr.tell(Fail).await.unwrap();
        assert_eq!(addr.ask(Children).await.unwrap(), 2);
        let expected = [
            "crashed with 2 children (error: told to)",
            "stop parent",
            "start parent 1",
            "answered 2",
        ];
        assert_eq!(log.take(), expected);
        for id in ["c1", "c2"] {
            let kept = family.child::<WorkerProtocol>(id).await.unwrap();
            assert_eq!(kept.ask(Get).await.unwrap(), (0, 0), "no restart");
        }
        test.root().terminate_child("parent").await.unwrap();
        assert_eq!(log.take(), ["stop c2", "stop c1", "stop parent"]);
        assert!(!family.id().is_alive());
    });
}

/// **D3** A family that gives up takes the actor with it, and the actor's supervisor decides.
#[test]
fn sup_45_a_family_that_gives_up_is_a_crash_of_its_actor() {
    case(async |test| {
        let log = Log::new();
        let knobs = Knobs::new();
        let (noted, of_child) = (log.clone(), knobs.clone());
        let body = async move |cx: &mut Cx<crate::scripted::Script>| {
            Supervisor::one_for_one()
                .intensity(0, secs(1))
                .child(child("c", worker("c", &noted, &of_child)))
                .start_under(cx)
                .await?;
            crate::scripted::script("actor", cx, &noted).await
        };
        let addr = test.spawn(child("actor", body)).await.unwrap();
        knobs.end(crate::worker::End::Crash);
        test.settle().await;
        assert_eq!(addr.id().info().unwrap().incarnation, 1, "it was restarted, with a new family");
        assert_eq!(knobs.starts.get(), 2);
        let reasons: Vec<String> = test
            .events()
            .iter()
            .map(ToString::to_string)
            .filter(|e| e.contains("crashed"))
            .collect();
        assert!(
            reasons.iter().any(|e| e == "root/actor crashed: restart limit reached"),
            "{reasons:?}"
        );
    });
}
