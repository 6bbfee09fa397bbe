//! Supervision: many children cost in proportion, and leave nothing behind.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use greenroom::prelude::*;
use greenroom::test::TestSystem;

use crate::harness::in_order;
use crate::tree::counts;

/// A child that does nothing but be there, and is counted while it is.
struct Idle(Rc<Cell<usize>>);

impl Idle {
    fn new(alive: &Rc<Cell<usize>>) -> Self {
        alive.set(alive.get() + 1);
        Self(Rc::clone(alive))
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

enum Never {}
impl Protocol for Never {}
impl greenroom::actor::Dispatch<Idle> for Never {
    async fn dispatch(self, _: &mut Idle, _: &mut Cx<Self>) -> Result<(), Fault> {
        match self {}
    }
}
impl Actor for Idle {
    type Protocol = Never;
    type Error = Fault;
}

/// The slot of an actor's key, which is the middle part of its id.
fn slot(actor: ActorId) -> u64 {
    let id = actor.to_string();
    id.split('.').nth(1).and_then(|slot| slot.parse().ok()).expect("an id has three parts")
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// Children with specs of their own, each stopped and forgotten by a call.
    Static,
    /// Children that come and go, stopped one by one.
    Dynamic,
    /// The same, stopped with their supervisor.
    Together,
}

/// Starts so many children, registers each, stops them all; gives the highest slot that was used.
async fn start_and_stop(test: &TestSystem, kind: Kind, children: usize) -> u64 {
    let alive = Rc::<Cell<usize>>::default();
    let tree = match kind {
        Kind::Static => Supervisor::one_for_one(),
        Kind::Dynamic | Kind::Together => Supervisor::dynamic(children),
    };
    let tree = tree.start(test).await.unwrap();
    let mut actors = Vec::with_capacity(children);
    for number in 0..children {
        let alive = Rc::clone(&alive);
        let spec = child(&number.to_string(), move || Idle::new(&alive));
        let addr = tree.add(spec.restart(Transient)).await.unwrap();
        test.register(&number.to_string(), addr).unwrap();
        actors.push(addr);
    }
    assert_eq!((alive.get(), test.names()), (children, children));
    let before = tree.count().await;
    assert_eq!((before.active, before.workers), (children, children));
    for addr in actors.iter().filter(|_| kind != Kind::Together) {
        tree.terminate_child(*addr).await.unwrap();
    }
    if kind == Kind::Static {
        assert_eq!(tree.count().await, counts(children, 0, 0, children));
        for number in 0..children {
            tree.delete_child(&*number.to_string()).await.unwrap();
        }
    }
    if kind != Kind::Together {
        assert_eq!(tree.children().await, []);
    }
    tree.stop();
    tree.ended().await;
    // Nothing is left: no state, no factory, no name, no actor.
    assert_eq!((alive.get(), Rc::strong_count(&alive), test.names()), (0, 1, 0));
    assert!(!actors.iter().any(Addr::is_alive));
    actors.iter().map(|addr| slot(addr.id())).max().unwrap_or(0)
}

/// The same, in seconds. The slots of those before are used again, so that the table of actors is
/// no larger than `most` children ever made it.
async fn time(test: &TestSystem, kind: Kind, children: usize, most: &mut usize) -> f64 {
    let began = now();
    let slot = start_and_stop(test, kind, children).await;
    *most = children.max(*most);
    assert!(slot <= *most as u64 + 16, "{kind:?}: slot {slot} for at most {most} children");
    began.elapsed().as_secs_f64()
}

#[expect(clippy::disallowed_methods, reason = "what is measured is the machine's time")]
fn now() -> Instant {
    Instant::now()
}

/// **R3.24** Starting and stopping n children costs in proportion to n, give or take a factor that
/// what is quadratic would exceed. Afterwards nothing of them is left.
#[test]
fn sup_35_scale_linear() {
    in_order(async |test| {
        let mut most = 0;
        for (kind, few, many, factor) in [
            (Kind::Static, 1_000, 100_000, 10.0),
            (Kind::Dynamic, 1_000, 10_000, 5.0),
            (Kind::Together, 1_000, 10_000, 5.0),
        ] {
            let size = many as f64 / few as f64;
            let mut ratio = f64::MAX;
            // A machine that is busy with something else has three chances.
            for _ in 0..3 {
                let short = time(test, kind, few, &mut most).await;
                let long = time(test, kind, many, &mut most).await;
                ratio = ratio.min(long / short);
                println!("{kind:?}: {few} in {short:.4} s, {many} in {long:.4} s");
                if ratio <= factor * size {
                    break;
                }
            }
            assert!(
                ratio <= factor * size,
                "{kind:?}: {size} times as many took {ratio} times as long"
            );
        }
    });
}
