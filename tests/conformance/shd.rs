//! The shutdown in phases.

use std::cell::RefCell;
use std::rc::Rc;

use greenroom::prelude::*;
use greenroom::system::{Phase, PhaseError, Phases, ShutdownError};
use greenroom::test::{TestBuilder, TestSystem};
use greenroom::time;

use crate::harness::{Log, in_order, logged, ms, secs};
use crate::worker::plain;

/// Phases a, b, c after one another, before the tree.
fn abc() -> Phases {
    Phases::default()
        .with(Phase::new("a"))
        .with(Phase::new("b").after("a"))
        .with(Phase::new("c").after("b"))
        .with(Phase::new(Phases::TREE).after(Phases::STOP).after("c").no_timeout())
}

fn with(phases: Phases) -> TestBuilder {
    greenroom::test::builder().phases(phases).expect("they can be put in order")
}

fn add(test: &TestSystem, phase: &str, name: &'static str, takes: u64, log: &Log) {
    let log = log.clone();
    let task = async move {
        time::sleep(ms(takes)).await;
        log.add(name);
        Ok::<(), Fault>(())
    };
    test.shutdown().add(phase, name, task).expect("the phase has not begun");
}

/// **R11.1, R11.3** Phases run one after the other; the tasks of one run side by side, and the next
/// begins when all have ended. By default: nothing new, what is under way, last words, the tree.
#[test]
fn shd_01_phases() {
    for seed in 0..200 {
        with(abc()).seed(seed).run(async |test| {
            let log = Log::new();
            test.spawn(plain("w", &log)).await.unwrap();
            log.take();
            add(test, "c", "C", 0, &log);
            add(test, "b", "B1", 0, &log);
            add(test, "b", "B2", 100, &log);
            add(test, "a", "A", 0, &log);
            let outcome = test.shutdown().run("enough").await;
            assert_eq!((&*outcome.reason, outcome.result), ("enough", Ok(())));
            assert_eq!(log.take(), ["A", "B1", "B2", "C", "stop w"]);
            assert_eq!(test.now(), ms(100));
        });
    }
    in_order(async |test| {
        let log = Log::new();
        test.spawn(plain("w", &log)).await.unwrap();
        log.take();
        for phase in [Phases::TREE, Phases::STOP, Phases::REQUESTS_DONE, Phases::UNBIND] {
            add(test, phase, phase, 0, &log);
        }
        // Any way to stop a system runs them.
        test.stop();
        test.stopped().await;
        assert_eq!(log.take(), ["unbind", "requests-done", "stop", "tree", "stop w"]);
    });
}

/// **R11.2** A shutdown runs once: a second caller, also while it runs, gets the same completion,
/// and the first reason stands. It can begin with a later phase; a task may add tasks to later
/// phases and to no others; one that was taken back does not run.
#[test]
fn shd_02_once() {
    with(abc()).run(async |test| {
        let log = Log::new();
        add(test, "a", "A", 10, &log);
        let first = test.shutdown().run("first");
        test.settle().await;
        let second = test.shutdown().run("second");
        let (first, second) = futures::join!(first, second);
        assert_eq!((&*first.reason, first.clone()), ("first", second));
        assert_eq!(log.take(), ["A"]);
        assert_eq!(test.shutdown().run("third").await, first);
        assert!(log.take().is_empty());
    });
    with(abc()).run(async |test| {
        let log = Log::new();
        add(test, "a", "A", 0, &log);
        add(test, "b", "B", 0, &log);
        let outcome = test.shutdown().run_from("b", "in a hurry").unwrap().await;
        assert!(outcome.result.is_ok());
        assert_eq!(log.take(), ["B"]);
        let unknown = test.shutdown().run_from("x", "").unwrap_err();
        assert_eq!(unknown, PhaseError::Unknown("x".into()));
    });
    with(abc()).run(async |test| {
        let log = Log::new();
        let (shutdown, noted) = (test.shutdown().clone(), log.clone());
        let adds = async move {
            noted.add("B");
            let late = noted.clone();
            let later = async move {
                late.add("added");
                Ok::<(), Fault>(())
            };
            shutdown.add("c", "later", later)?;
            let same = shutdown.add("b", "same", async { Ok::<(), Fault>(()) }).unwrap_err();
            assert_eq!(same, PhaseError::Begun("b".into()));
            let over = shutdown.add("a", "over", async { Ok::<(), Fault>(()) }).unwrap_err();
            assert_eq!(over, PhaseError::Begun("a".into()));
            Ok::<(), Fault>(())
        };
        test.shutdown().add("b", "adds", adds).unwrap();
        let noted = log.clone();
        let never = async move {
            noted.add("never");
            Ok::<(), Fault>(())
        };
        let never = test.shutdown().add("a", "never", never).unwrap();
        assert!(never.cancel());
        assert!(test.shutdown().run("done").await.result.is_ok());
        assert_eq!(log.take(), ["B", "added"]);
    });
}

/// Runs `test` and gives the warnings about the shutdown.
fn warnings(builder: TestBuilder, test: impl AsyncFnOnce(&TestSystem)) -> Vec<String> {
    let warned = |line: &String| line.contains("WARN") && line.contains("of the shutdown");
    logged(|| builder.run(test)).into_iter().filter(warned).collect()
}

async fn fails() -> Result<(), Fault> {
    Err(Fault::new("disk full"))
}

/// **R11.1** A task that fails, panics or is out of time is told of once and stops neither the
/// others nor the phases after it, unless its phase does not recover: then the rest is given up,
/// but the tree still stops. Disabled phases are skipped.
#[test]
fn shd_03_failure_timeout_recover() {
    let phases = abc().with(Phase::new("a").timeout(secs(1)));
    let warned = warnings(with(phases), async |test| {
        let log = Log::new();
        let dropped = Rc::new(());
        let held = Rc::downgrade(&dropped);
        let hangs = async move {
            std::future::pending::<()>().await;
            drop(dropped);
            Ok::<(), Fault>(())
        };
        test.shutdown().add("a", "hangs", hangs).unwrap();
        add(test, "a", "A", 10, &log);
        test.shutdown().add("b", "fails", fails()).unwrap();
        test.shutdown().add::<Fault>("b", "panics", async { panic!("told to") }).unwrap();
        add(test, "b", "B", 10, &log);
        add(test, "c", "C", 0, &log);
        assert!(test.shutdown().run("done").await.result.is_ok());
        assert_eq!(log.take(), ["A", "B", "C"]);
        assert_eq!(test.now(), ms(1_010));
        assert!(held.upgrade().is_none(), "what was out of time is dropped");
    });
    assert_eq!(warned.len(), 3, "{warned:?}");
    assert!(warned[0].contains("out of time") && warned[0].contains("hangs"));
    assert!(warned[1].contains("fails") && warned[1].contains("disk full"));
    assert!(warned[2].contains("panics") && warned[2].contains("told to"));

    let phases = abc().with(Phase::new("b").after("a").recover(false).timeout(secs(1)));
    let warned = warnings(with(phases.clone()), async |test| {
        let log = Log::new();
        test.spawn(plain("w", &log)).await.unwrap();
        log.take();
        test.shutdown().add("b", "fails", fails()).unwrap();
        add(test, "b", "B", 10, &log);
        add(test, "c", "C", 0, &log);
        let error = test.shutdown().run("done").await.result.unwrap_err();
        assert_eq!(error.to_string(), "task `fails` of phase `b` failed: disk full");
        assert_eq!(log.take(), ["B", "stop w"], "beside it, and the tree");
    });
    assert_eq!(warned.len(), 1, "{warned:?}");
    with(phases).run(async |test| {
        let hangs = std::future::pending::<Result<(), Fault>>();
        test.shutdown().add("b", "hangs", hangs).unwrap();
        let error = test.shutdown().run("done").await.result.unwrap_err();
        assert_eq!(error, ShutdownError::TimedOut { phase: "b".into(), limit: secs(1) });
    });

    with(abc().with(Phase::new("b").after("a").enabled(false))).run(async |test| {
        let log = Log::new();
        for (phase, name) in [("a", "A"), ("b", "B"), ("c", "C")] {
            add(test, phase, name, 0, &log);
        }
        assert!(test.shutdown().run("done").await.result.is_ok());
        assert_eq!(log.take(), ["A", "C"]);
    });
}

/// **R11.3** One deadline stands above all phases: at it the rest is given up, and the tree stops.
#[test]
fn one_deadline_stands_above_all_phases() {
    with(abc().deadline(secs(7))).run(async |test| {
        let log = Log::new();
        test.spawn(plain("w", &log)).await.unwrap();
        log.take();
        add(test, "a", "A", 4_000, &log);
        add(test, "b", "B", 4_000, &log);
        add(test, "c", "C", 0, &log);
        let error = test.shutdown().run("done").await.result.unwrap_err();
        assert_eq!(error, ShutdownError::Deadline(secs(7)));
        assert_eq!((log.take(), test.now()), (vec!["A".into(), "stop w".into()], secs(7)));
        test.advance(secs(60)).await;
        assert!(log.take().is_empty(), "what was given up is gone");
    });
}

/// **R11.1** Phases are put in an order in which each comes after all that it follows; a circle is
/// refused when they are given to a system, and named.
#[test]
fn shd_04_dag() {
    let ran = |phases: Phases, names: &'static [&'static str]| {
        let log = Rc::new(RefCell::new(Vec::new()));
        let seen = Rc::clone(&log);
        with(phases).run(async move |test| {
            for name in names {
                let seen = Rc::clone(&seen);
                let task = async move {
                    seen.borrow_mut().push(*name);
                    Ok::<(), Fault>(())
                };
                test.shutdown().add(name, name, task).unwrap();
            }
            assert!(test.shutdown().run("done").await.result.is_ok());
        });
        log.take()
    };
    let empty = || Phases::default();
    assert_eq!(ran(empty().with(Phase::new("a")), &["a"]), ["a"]);
    let chain = empty()
        .with(Phase::new("c").after("b"))
        .with(Phase::new("b").after("a"))
        .with(Phase::new("a"));
    assert_eq!(ran(chain, &["c", "b", "a"]), ["a", "b", "c"]);
    let diamond = empty()
        .with(Phase::new("d").after("b").after("c"))
        .with(Phase::new("b").after("a"))
        .with(Phase::new("c").after("a"))
        .with(Phase::new("a"));
    assert_eq!(ran(diamond, &["d", "c", "b", "a"]), ["a", "b", "c", "d"]);
    let behind = empty().with(Phase::new("flush").after(Phases::TREE));
    assert_eq!(ran(behind, &["flush", Phases::STOP]), ["stop", "flush"]);

    let circle = empty()
        .with(Phase::new("a").after("c"))
        .with(Phase::new("b").after("a"))
        .with(Phase::new("c").after("b"));
    let error = System::builder().phases(circle).unwrap_err();
    let expected = "phases follow each other in a circle: a after c after b after a";
    assert_eq!(error.to_string(), expected);
    let alone = greenroom::test::builder().phases(empty().with(Phase::new("a").after("a")));
    assert!(matches!(alone, Err(PhaseError::Cycle { .. })));
    let nowhere = System::builder().phases(empty().with(Phase::new("a").after("x")));
    assert!(matches!(nowhere, Err(PhaseError::Follows { .. })));
}
