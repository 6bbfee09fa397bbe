//! Supervision: what becomes of an actor by the class of its error.

use std::cell::Cell;
use std::rc::Rc;

use greenroom::actor::{Cause, Lifecycle};
use greenroom::prelude::*;
use greenroom::supervisor::{ChildStatus, Supervisor};
use greenroom::test::TestSystem;

use crate::harness::{Log, case, secs};
use crate::tree::{counts, kinds, status};
use crate::worker::plain;

/// A class of errors.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
enum Class {
    #[error("resume")]
    Resume,
    #[error("restart")]
    Restart,
    #[error("wait")]
    Wait,
    #[error("stop")]
    Stop,
    #[error("unknown")]
    Unknown,
}

/// Adds one, and then fails.
struct Fail(Class);
struct Panic;
/// Answered by the incarnation, the state, and how often a handler failed.
struct Get;

protocol! {
    enum MoodyProtocol {
        Fail(Fail) -> (),
        Panic(Panic) -> (),
        Get(Get) -> (u32, u32, u32),
    }
}

struct Moody {
    state: u32,
    failed: Rc<Cell<u32>>,
}

impl Actor for Moody {
    type Protocol = MoodyProtocol;
    type Error = Class;

    fn on_error(&mut self, error: &Class) -> Recovery {
        match error {
            Class::Resume => Recovery::Resume,
            Class::Restart => Recovery::Restart,
            Class::Wait => Recovery::Backoff(Backoff::new(secs(3), secs(3)).jitter(0.0)),
            Class::Stop => Recovery::Stop,
            Class::Unknown => Recovery::Supervise,
        }
    }
}
impl Handler<Fail> for Moody {
    async fn handle(&mut self, fail: Fail, _: &mut Cx<MoodyProtocol>) -> Result<(), Class> {
        self.state += 1;
        self.failed.set(self.failed.get() + 1);
        Err(fail.0)
    }
}
impl Handler<Panic> for Moody {
    async fn handle(&mut self, _: Panic, _: &mut Cx<MoodyProtocol>) -> Result<(), Class> {
        panic!("on purpose");
    }
}
impl Handler<Get> for Moody {
    async fn handle(
        &mut self,
        _: Get,
        cx: &mut Cx<MoodyProtocol>,
    ) -> Result<(u32, u32, u32), Class> {
        Ok((cx.incarnation(), self.state, self.failed.get()))
    }
}

fn moody() -> impl Fn() -> Moody + use<> {
    let failed = Rc::<Cell<u32>>::default();
    move || Moody { state: 0, failed: Rc::clone(&failed) }
}

/// How many edges of this kind there were.
fn edges(test: &TestSystem, is: impl Fn(&Lifecycle) -> bool) -> usize {
    test.events().iter().filter(|event| is(&event.edge)).count()
}

/// **R3.27, R2.8** Resume: the state is as the handler left it, the incarnation is the same, and
/// the message that failed is lost, not tried again: it is a dead letter, and its asker is told at
/// once. No budget is spent.
#[test]
fn sup_36_resume_keeps_state() {
    case(async |test| {
        let tree = Supervisor::one_for_one().intensity(0, secs(1)).start(test).await.unwrap();
        let w = tree.add(child("w", moody())).await.unwrap();
        let before = test.now();
        for failures in 1..=9 {
            let (failed, got) = futures::join!(w.ask(Fail(Class::Resume)), w.ask(Get));
            let failed = failed.unwrap_err();
            assert!(matches!(failed, AskError::Crashed { .. }), "{failed:?}");
            assert_eq!(failed.exit_reason(), Some(&ExitReason::Error("resume".into())));
            assert_eq!(got.unwrap(), (0, failures, failures));
        }
        assert_eq!(test.now(), before);
        let letters = test.letters();
        let crashed = Cause::Crashed(ExitReason::Error("resume".into()));
        assert!(letters.iter().all(|letter| letter.cause == crashed));
        assert!(letters.iter().all(|letter| letter.recipient == Some(w.id())));
        assert_eq!(letters.len(), 9);
        let resumed = |edge: &Lifecycle| matches!(edge, Lifecycle::Resumed(_));
        assert_eq!(edges(test, resumed), 9);
        // A kill finds no message in its hand.
        test.kill(w);
        test.settle().await;
        assert!(test.letters().is_empty());
    });
}

/// **R3.27** The first rule that knows the class of an error decides: resume, restart, or stop for
/// good, though the child is permanent.
#[test]
fn sup_37_policy_by_error_class() {
    case(async |test| {
        for (kind, tree) in kinds() {
            let tree = tree.name(kind).start(test).await.unwrap();
            let w = tree.add(child("w", moody())).await.unwrap();
            assert!(w.ask(Fail(Class::Resume)).await.is_err());
            assert_eq!(w.ask(Get).await.unwrap(), (0, 1, 1), "the state is kept");
            assert!(w.ask(Fail(Class::Restart)).await.is_err());
            assert_eq!(w.ask(Get).await.unwrap(), (1, 0, 2), "the state is new");
            let (ended, _) = futures::join!(w.ended(), w.ask(Fail(Class::Stop)));
            assert_eq!(ended, ExitReason::Error("stop".into()));
            test.advance(secs(60)).await;
            let specs = usize::from(kind != "dynamic");
            assert_eq!(tree.count().await, counts(1, 0, 0, specs), "{kind}");
        }
    });
}

/// **R3.27** A restart that an error asks for is made at once, also where there is a back-off; a
/// back-off that it asks for goes before all others; what it leaves to others is theirs to decide.
#[test]
fn an_error_may_ask_for_a_restart_at_once_or_after_a_delay() {
    case(async |test| {
        let backoff = Backoff::new(secs(7), secs(7)).jitter(0.0);
        let tree = Supervisor::one_for_one().intensity(9, secs(5)).start(test).await.unwrap();
        let w = tree.add(child("w", moody()).backoff(backoff)).await.unwrap();
        for (class, seconds) in [(Class::Restart, 0), (Class::Wait, 3), (Class::Unknown, 7)] {
            let before = test.now();
            assert!(w.ask(Fail(class)).await.is_err());
            w.ask(Get).no_timeout().await.unwrap();
            assert_eq!(test.now() - before, secs(seconds), "{class:?}");
        }
        let paid = |edge: &Lifecycle| matches!(edge, Lifecycle::Restarting { .. });
        assert_eq!(edges(test, paid), 3, "each costs a restart of the budget");
    });
}

/// **R3.27, R3.1** The restart type has the last word on what is brought back: a temporary child is
/// not, whatever its error asks for.
#[test]
fn a_temporary_child_is_not_brought_back_by_its_error() {
    case(async |test| {
        let tree = Supervisor::one_for_one().start(test).await.unwrap();
        for class in [Class::Restart, Class::Wait, Class::Stop, Class::Unknown] {
            let w = tree.add(child("w", moody()).restart(Temporary)).await.unwrap();
            let (ended, _) = futures::join!(w.ended(), w.ask(Fail(class)));
            assert_eq!(ended, ExitReason::Error(class.to_string().into()));
            test.advance(secs(60)).await;
            assert_eq!(tree.count().await, counts(0, 0, 0, 0), "{class:?}");
        }
    });
}

/// **R3.27** A panic is never resumed, nor is an actor that nobody supervises restarted.
#[test]
fn panics_and_actors_without_a_supervisor() {
    case(async |test| {
        let w = test.spawn(child("w", moody())).await.unwrap();
        assert!(w.ask(Panic).await.is_err());
        assert_eq!(w.ask(Get).await.unwrap(), (1, 0, 0));
        for class in [Class::Restart, Class::Wait, Class::Stop, Class::Unknown] {
            let alone = greenroom::actor::spawn("alone", moody());
            assert!(alone.ask(Fail(Class::Resume)).await.is_err());
            assert_eq!(alone.ask(Get).await.unwrap(), (0, 1, 1));
            let (ended, _) = futures::join!(alone.ended(), alone.ask(Fail(class)));
            assert_eq!(ended, ExitReason::Error(class.to_string().into()));
        }
    });
}

/// **R3.27, R3.6** A child that stopped for good takes nobody along, and comes back with its group.
#[test]
fn an_error_that_stops_a_child_takes_nobody_along() {
    case(async |test| {
        let log = Log::new();
        let tree = Supervisor::one_for_all().child(plain("a", &log)).start(test).await.unwrap();
        let w = tree.add(child("w", moody())).await.unwrap();
        assert!(w.ask(Fail(Class::Stop)).await.is_err());
        test.settle().await;
        assert_eq!(log.take(), ["start a"]);
        assert_eq!(status(tree, "w").await, Some(ChildStatus::NotRunning));
        test.kill(tree.children().await[0].actor.unwrap());
        test.settle().await;
        assert_eq!(log.take(), ["start a"]);
        assert_eq!(status(tree, "w").await, Some(ChildStatus::Running));
    });
}
