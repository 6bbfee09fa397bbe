//! Supervision as users see it: order, restarts, budget, back-off, stops; on a virtual clock.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use greenroom::actor::Cause;
use greenroom::prelude::*;
use greenroom::supervisor::{ChildError, ChildStatus, IntoChild, StartError};
use greenroom::{EventLoop, time};

type Log = Rc<RefCell<Vec<String>>>;

fn run<R>(main: impl AsyncFnOnce(&System, Log) -> R) -> R {
    let event_loop = EventLoop::builder().virtual_clock(1);
    let system = System::builder().event_loop(event_loop).signals(false);
    system.run(async |system| main(system, Log::default()).await).expect("it is not stopped")
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

struct Add(u32);
/// Answered by the incarnation and the total.
struct Get;
struct Crash;
struct CrashAsked;
struct Panic;
struct Exit;

protocol! {
    enum WorkerProtocol {
        Add(Add),
        Get(Get) -> (u32, u32),
        Crash(Crash),
        CrashAsked(CrashAsked) -> (),
        Panic(Panic),
        Exit(Exit),
    }
}

#[derive(Clone, Default)]
struct Knobs {
    /// Starts from this attempt on fail.
    fails_from: Option<u32>,
    stop_takes: Duration,
    starts: Rc<Cell<u32>>,
    /// Which actor it is, once it has started.
    actor: Rc<Cell<Option<ActorId>>>,
}

/// Writes down its life; knows how often it was started.
struct Worker {
    id: &'static str,
    log: Log,
    knobs: Knobs,
    total: u32,
}

fn worker(id: &'static str, log: &Log, knobs: Knobs) -> impl Fn() -> Worker + use<> {
    let log = Rc::clone(log);
    move || Worker { id, log: Rc::clone(&log), knobs: knobs.clone(), total: 0 }
}

fn plain(id: &'static str, log: &Log) -> impl IntoChild<Handle = Addr<WorkerProtocol>> + use<> {
    child(id, worker(id, log, Knobs::default()))
}

impl Actor for Worker {
    type Protocol = WorkerProtocol;
    type Error = Fault;

    async fn started(&mut self, cx: &mut Cx<WorkerProtocol>) -> Result<(), Fault> {
        self.knobs.actor.set(Some(cx.id()));
        let attempt = self.knobs.starts.get() + 1;
        self.knobs.starts.set(attempt);
        if self.knobs.fails_from.is_some_and(|from| attempt >= from) {
            return Err(Fault::new("no start"));
        }
        self.log.borrow_mut().push(format!("start {}", self.id));
        Ok(())
    }

    async fn stopped(&mut self, reason: &ExitReason, _: &mut Cx<WorkerProtocol>) {
        time::sleep(self.knobs.stop_takes).await;
        if reason.is_clean() {
            self.log.borrow_mut().push(format!("stop {}", self.id));
        }
    }
}

macro_rules! handles {
    ($Message:ty => $Reply:ty, |$worker:ident, $message:ident, $cx:ident| $body:expr) => {
        impl Handler<$Message> for Worker {
            async fn handle(
                &mut self,
                $message: $Message,
                $cx: &mut Cx<WorkerProtocol>,
            ) -> Result<$Reply, Fault> {
                let $worker = self;
                $body
            }
        }
    };
}
handles!(Add => (), |worker, add, _cx| { worker.total += add.0; Ok(()) });
handles!(Get => (u32, u32), |worker, _get, cx| Ok((cx.incarnation(), worker.total)));
handles!(Crash => (), |_worker, _crash, _cx| Err(Fault::new("told to")));
handles!(CrashAsked => (), |_worker, _crash, _cx| Err(Fault::new("told to, while asked")));
handles!(Panic => (), |_worker, _panic, _cx| panic!("told to"));
handles!(Exit => (), |_worker, _exit, cx| { cx.stop(); Ok(()) });

#[test]
fn sup_01_start_order_stop_reverse() {
    run(async |system, log| {
        let mut tree = Supervisor::one_for_one();
        for id in ["7", "3", "10", "2", "5"] {
            tree = tree.child(plain(id, &log));
        }
        let tree = tree.start(system).await.unwrap();
        let (log_at_end, seen) = (Rc::clone(&log), Rc::new(Cell::new(0)));
        let (ended, at) = (tree.id(), Rc::clone(&seen));
        let watching = greenroom::task::spawn(async move {
            let reason = ended.ended().await;
            at.set(log_at_end.borrow().len());
            reason
        });
        time::sleep(secs(1)).await;
        tree.stop();
        assert_eq!(watching.await, Ok(ExitReason::Shutdown));
        let expected = ["start 7", "start 3", "start 10", "start 2", "start 5"];
        let stops = ["stop 5", "stop 2", "stop 10", "stop 3", "stop 7"];
        assert_eq!(*log.borrow(), [expected, stops].concat());
        assert_eq!(seen.get(), 10, "the supervisor's own end is heard of last");
    });
}

#[test]
fn sup_02_rollback_on_start_failure() {
    run(async |system, log| {
        let fails = Knobs { fails_from: Some(1), ..Knobs::default() };
        let tree = Supervisor::one_for_one()
            .child(plain("a", &log))
            .child(plain("b", &log))
            .child(child("c", worker("c", &log, fails)))
            .child(plain("d", &log));
        let error = tree.start(system).await.unwrap_err();
        assert!(error.to_string().contains("`c` did not start"), "{error}");
        assert_eq!(*log.borrow(), ["start a", "start b", "stop b", "stop a"]);
    });
}

#[test]
fn sup_05_duplicate_id_refused_before_start() {
    run(async |system, log| {
        let tree = Supervisor::one_for_one().child(plain("a", &log)).child(plain("a", &log));
        assert!(matches!(tree.start(system).await, Err(StartError::Spec(_))));
        assert!(log.borrow().is_empty());
    });
}

#[test]
fn sup_11_one_for_one_isolates_and_the_address_survives() {
    run(async |system, log| {
        let tree = Supervisor::one_for_one().start(system).await.unwrap();
        let a = tree.add(plain("a", &log)).await.unwrap();
        let b = tree.add(plain("b", &log)).await.unwrap();
        b.try_tell(Add(5)).unwrap();
        // What waits behind the crash is handled by the next incarnation, in order.
        a.try_tell(Add(1)).unwrap();
        a.try_tell(Crash).unwrap();
        a.try_tell(Add(2)).unwrap();
        a.try_tell(Add(3)).unwrap();
        assert_eq!(a.ask(Get).await.unwrap(), (1, 5));
        assert_eq!(b.ask(Get).await.unwrap(), (0, 5));
    });
}

#[test]
fn sup_12_one_for_all_order() {
    run(async |system, log| {
        let tree = Supervisor::one_for_all().child(plain("a", &log)).child(plain("b", &log));
        let tree = tree.child(plain("c", &log)).start(system).await.unwrap();
        log.borrow_mut().clear();
        tree.child::<WorkerProtocol>("b").await.unwrap().try_tell(Crash).unwrap();
        time::sleep(secs(1)).await;
        assert_eq!(*log.borrow(), ["stop c", "stop a", "start a", "start b", "start c"]);
    });
}

#[test]
fn sup_13_rest_for_one_order() {
    run(async |system, log| {
        let tree = Supervisor::rest_for_one().child(plain("a", &log)).child(plain("b", &log));
        let tree = tree.child(plain("c", &log)).child(plain("d", &log));
        let tree = tree.start(system).await.unwrap();
        log.borrow_mut().clear();
        tree.child::<WorkerProtocol>("b").await.unwrap().try_tell(Panic).unwrap();
        time::sleep(secs(1)).await;
        assert_eq!(*log.borrow(), ["stop d", "stop c", "start b", "start c", "start d"]);
    });
}

// S2: more than `intensity` restarts within `period` end the supervisor.
#[test]
fn sup_15_budget_exceeded_stops_all_in_reverse() {
    run(async |system, log| {
        let tree = Supervisor::one_for_one().intensity(2, secs(5)).child(plain("a", &log));
        let tree = tree.child(plain("b", &log)).child(plain("c", &log));
        let tree = tree.start(system).await.unwrap();
        let a = tree.child::<WorkerProtocol>("a").await.unwrap();
        log.borrow_mut().clear();
        for _ in 0..3 {
            a.try_tell(Crash).unwrap();
        }
        assert_eq!(tree.ended().await, ExitReason::RestartLimit);
        assert_eq!(*log.borrow(), ["start a", "start a", "stop c", "stop b"]);
        assert!(!a.is_alive());
    });
}

#[test]
fn sup_16_intensity_zero() {
    run(async |system, log| {
        let tree = Supervisor::one_for_one().intensity(0, secs(1)).child(plain("w", &log));
        let tree = tree.start(system).await.unwrap();
        tree.child::<WorkerProtocol>("w").await.unwrap().try_tell(Crash).unwrap();
        assert_eq!(tree.ended().await, ExitReason::RestartLimit);
        assert_eq!(*log.borrow(), ["start w"]);
    });
}

#[test]
fn sup_45_giving_up_is_visible() {
    run(async |system, log| {
        let knobs = Knobs::default();
        let w = Rc::clone(&knobs.actor);
        let inner = Supervisor::one_for_one().name("inner").intensity(0, secs(1));
        let inner = inner.restart(Transient).child(child("w", worker("w", &log, knobs)));
        let outer = Supervisor::one_for_one().child(inner).start(system).await.unwrap();
        let inner = outer.children().await[0].actor.unwrap();
        w.get().unwrap().kill();
        time::sleep(secs(1)).await;
        // A transient supervisor that gave up is restarted, with its own children.
        assert_eq!(log.borrow().iter().filter(|line| *line == "start w").count(), 2);
        assert!(inner.is_alive());
    });
}

#[test]
fn sup_18_failing_restart_uses_up_budget() {
    run(async |system, log| {
        let knobs = Knobs { fails_from: Some(2), ..Knobs::default() };
        let starts = Rc::clone(&knobs.starts);
        let tree = Supervisor::one_for_one().intensity(3, secs(5));
        let tree = tree.child(child("w", worker("w", &log, knobs))).start(system).await.unwrap();
        tree.child::<WorkerProtocol>("w").await.unwrap().try_tell(Crash).unwrap();
        assert_eq!(tree.ended().await, ExitReason::RestartLimit);
        assert_eq!(starts.get(), 4);
    });
}

#[test]
fn sup_20_child_administration() {
    run(async |system, log| {
        let tree = Supervisor::one_for_one().start(system).await.unwrap();
        let old = tree.add(plain("w", &log)).await.unwrap();
        let again = tree.add(plain("w", &log)).await;
        assert!(matches!(again, Err(StartError::AlreadyStarted { .. })));
        assert!(matches!(tree.restart_child("w").await, Err(ChildError::Running(_))));
        assert!(matches!(tree.delete_child("w").await, Err(ChildError::Running(_))));
        assert_eq!(tree.terminate_child(old).await, Ok(()));
        assert!(!old.is_alive());
        assert_eq!(tree.terminate_child("w").await, Ok(()));
        assert_eq!(tree.children().await[0].status, ChildStatus::NotRunning);
        assert!(matches!(tree.add(plain("w", &log)).await, Err(StartError::AlreadyPresent { .. })));
        assert_eq!(tree.restart_child("w").await, Ok(()));
        let new = tree.child::<WorkerProtocol>("w").await.unwrap();
        assert_eq!(new.ask(Get).await.unwrap(), (0, 0));
        assert_eq!(tree.terminate_child("w").await, Ok(()));
        assert_eq!(tree.delete_child("w").await, Ok(()));
        assert!(matches!(tree.delete_child("w").await, Err(ChildError::NotFound(_))));
        assert_eq!(tree.count().await.specs, 0);
    });
}

#[test]
fn sup_22_shutdown_timeout_then_kill() {
    run(async |system, log| {
        let slow = Knobs { stop_takes: secs(5), ..Knobs::default() };
        let slow = child("slow", worker("slow", &log, slow));
        let slow = slow.shutdown(Shutdown::Timeout(Duration::from_millis(50)));
        let tree = Supervisor::one_for_one().child(plain("a", &log)).child(slow);
        let tree = tree.start(system).await.unwrap();
        let addr = tree.child::<WorkerProtocol>("slow").await.unwrap();
        let before = time::now();
        tree.stop();
        assert_eq!(addr.ended().await, ExitReason::Killed);
        assert_eq!(time::now() - before, Duration::from_millis(50));
        assert_eq!(tree.ended().await, ExitReason::Shutdown);
        assert_eq!(*log.borrow(), ["start a", "start slow", "stop a"]);
    });
}

#[test]
fn sup_25_dynamic_stops_in_parallel() {
    run(async |system, log| {
        let tree = Supervisor::dynamic(10).start(system).await.unwrap();
        let mut addresses = Vec::new();
        for stop_takes in [1, 1, 5] {
            let knobs = Knobs { stop_takes: secs(stop_takes), ..Knobs::default() };
            let spec = child("w", worker("w", &log, knobs)).shutdown(Shutdown::Timeout(secs(2)));
            addresses.push(tree.add(spec).await.unwrap());
        }
        let before = time::now();
        tree.stop();
        let ends = futures::future::join_all(addresses.iter().map(Addr::ended)).await;
        assert_eq!(ends, [ExitReason::Shutdown, ExitReason::Shutdown, ExitReason::Killed]);
        assert_eq!(time::now() - before, secs(2));
    });
}

#[test]
fn sup_27_a_dynamic_supervisor_has_its_limit() {
    run(async |system, log| {
        let tree = Supervisor::dynamic(1).start(system).await.unwrap();
        let first = tree.add(plain("w", &log)).await.unwrap();
        let second = tree.add(plain("w", &log)).await;
        assert!(matches!(second, Err(StartError::MaxChildren { .. })));
        tree.terminate_child(first).await.unwrap();
        assert!(tree.add(plain("w", &log)).await.is_ok());
    });
}

#[test]
fn sup_40_backoff_schedule() {
    run(async |system, log| {
        let backoff = Backoff::new(secs(1), secs(10)).jitter(0.0);
        let spec = child("w", worker("w", &log, Knobs::default())).backoff(backoff);
        let tree = Supervisor::one_for_one().intensity(100, secs(1_000)).start(system).await;
        let w = tree.unwrap().add(spec).await.unwrap();
        for delay in [1, 2, 4, 8, 10, 10] {
            let before = time::now();
            w.try_tell(Crash).unwrap();
            w.ask(Get).no_timeout().await.unwrap();
            assert_eq!(time::now() - before, secs(delay));
        }
    });
}

// S4: a supervisor answers while its children start, stop and wait for their next try.
#[test]
fn a_child_that_waits_for_its_next_try_is_seen_and_can_be_given_up() {
    run(async |system, log| {
        let backoff = Backoff::new(secs(100), secs(100)).jitter(0.0);
        let spec = child("w", worker("w", &log, Knobs::default())).backoff(backoff);
        let tree = Supervisor::one_for_one().start(system).await.unwrap();
        let w = tree.add(spec).await.unwrap();
        w.try_tell(Crash).unwrap();
        time::sleep(secs(1)).await;
        assert_eq!(tree.children().await[0].status, ChildStatus::Restarting);
        assert_eq!(tree.count().await.active, 0);
        assert!(matches!(tree.restart_child("w").await, Err(ChildError::Restarting(_))));
        assert_eq!(tree.terminate_child("w").await, Ok(()));
        assert_eq!(log.borrow().len(), 1, "it was never started again");
    });
}

#[test]
fn an_asker_learns_of_a_crash_at_once_and_the_message_is_a_dead_letter() {
    run(async |system, log| {
        let causes = Rc::new(RefCell::new(Vec::new()));
        let heard = Rc::clone(&causes);
        system.on_dead_letter(move |letter| heard.borrow_mut().push(letter.cause.clone()));
        let w = system.spawn(plain("w", &log)).await.unwrap();
        let before = time::now();
        let (crashed, next) = futures::join!(w.ask(CrashAsked), w.ask(Get));
        assert!(matches!(crashed, Err(AskError::Crashed { .. })), "{crashed:?}");
        assert_eq!(next.unwrap(), (1, 0));
        assert_eq!(time::now(), before);
        assert!(matches!(causes.borrow()[..], [Cause::Crashed(ExitReason::Error(_))]));
        w.try_tell(Exit).unwrap();
        assert_eq!(w.ask(Get).await.unwrap().0, 2, "a permanent child comes back from any end");
    });
}

#[test]
fn reg_02_a_name_is_kept_over_a_restart_and_freed_before_the_end_is_heard_of() {
    run(async |system, log| {
        let spec = child("w", worker("w", &log, Knobs::default())).restart(Transient);
        let w = system.spawn(spec).await.unwrap();
        system.register("printer", w).unwrap();
        w.try_tell(Crash).unwrap();
        w.ask(Get).await.unwrap();
        assert_eq!(system.lookup::<WorkerProtocol>("printer").unwrap(), w);
        assert!(system.register("printer", w).is_err());
        w.try_tell(Exit).unwrap();
        assert_eq!(w.ended().await, ExitReason::Normal);
        assert!(system.lookup::<WorkerProtocol>("printer").is_err());
        assert_eq!(system.names(), 0);
    });
}

#[test]
fn children_of_a_killed_supervisor_end_with_their_hooks() {
    run(async |system, log| {
        let tree = Supervisor::one_for_one().child(plain("a", &log)).child(plain("b", &log));
        let tree = tree.start(system).await.unwrap();
        let a = tree.child::<WorkerProtocol>("a").await.unwrap();
        tree.id().kill();
        assert_eq!(a.ended().await, ExitReason::Shutdown);
        time::sleep(secs(1)).await;
        assert!(log.borrow().contains(&"stop a".to_owned()));
        assert!(log.borrow().contains(&"stop b".to_owned()));
    });
}
