//! Tasks: what awaiting one comes to, many as one, and those that share their actor's fate.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use greenroom::prelude::*;
use greenroom::supervisor::child_task;
use greenroom::task::{self, JoinError, JoinHandle};
use greenroom::time::{self, timeout};

use crate::harness::{Log, case, in_order, logged, ms, secs};
use crate::scripted::{Script, inside, script, scripted};

/// Notes that it was dropped.
struct Noted(Log, &'static str);

impl Drop for Noted {
    fn drop(&mut self) {
        self.0.add(self.1);
    }
}

/// A task that gives this after a while.
fn gives<T: 'static>(after: Duration, value: T) -> JoinHandle<T> {
    task::spawn(async move {
        time::sleep(after).await;
        value
    })
}

/// A task that panics after a while.
fn panics(after: Duration) -> JoinHandle<u32> {
    task::spawn(async move {
        time::sleep(after).await;
        panic!("no luck")
    })
}

/// A task that never ends, and notes that it was dropped.
fn hangs<T: 'static>(log: &Log, name: &'static str) -> JoinHandle<T> {
    let noted = Noted(log.clone(), name);
    task::spawn(async move {
        let _noted = noted;
        std::future::pending().await
    })
}

/// **R9.1, R9.2** Awaiting a task gives its value, its error, its panic, or says that it ended
/// without any; with a limit, that the limit came first. Only the owner may await, by construction:
/// a `JoinHandle` is neither `Clone` nor `Send`, and awaiting consumes it, so a foreign owner does
/// not compile (the `compile_fail` examples of `JoinHandle` show it); to give the right away is to
/// give the handle away.
#[test]
fn tsk_01_await_outcomes() {
    case(async |test| {
        assert_eq!(gives(ms(5), Ok::<_, &str>(7)).await, Ok(Ok(7)));
        assert_eq!(gives(ms(5), Err::<u32, _>("disk full")).await, Ok(Err("disk full")));
        assert_eq!(panics(ms(5)).await, Err(JoinError::Panicked("no luck".into())));

        // Ends itself in good order, without a value.
        let own: Rc<RefCell<Option<JoinHandle<u32>>>> = Rc::default();
        let inner = Rc::clone(&own);
        let ends = task::spawn(async move {
            inner.borrow().as_ref().expect("it was put there").abort();
            std::future::pending().await
        });
        *own.borrow_mut() = Some(ends);
        test.settle().await;
        let ended = own.borrow_mut().take().expect("it was put there");
        assert_eq!(ended.await, Err(JoinError::Cancelled));

        // The owner may be another one than who spawned it, but there is one.
        let given_away = gives(ms(5), 8);
        assert_eq!(task::spawn(given_away).await, Ok(Ok(8)));
    });
}

/// **R9.2** After a limit has passed, nothing of the task shows up at the one who waited: no
/// result, no notice, no dead letter. A task that is asked in vain, by reference, may be asked
/// again.
#[test]
fn tsk_01_nothing_shows_up_after_the_limit() {
    case(async |test| {
        let log = Log::new();
        let noted = log.clone();
        let owner = greenroom::actor::spawn("owner", async move |cx: &mut Cx<Script>| {
            let inner = noted.clone();
            let slow = cx.spawn(async move {
                time::sleep(ms(20)).await;
                inner.add("the task ends");
                7
            });
            let outcome = timeout(ms(10), slow).await;
            noted.add(format!("{outcome:?}"));
            script("owner", cx, &noted).await
        });
        test.advance(ms(10)).await;
        assert_eq!(log.take(), ["Err(Elapsed(10ms))"]);
        test.advance(secs(60)).await;
        assert_eq!(log.take(), ["the task ends"], "the owner has heard nothing");
        assert!(test.letters().is_empty() && owner.is_alive());
        let waiting = Rc::new(Cell::new(99));
        let seen = Rc::clone(&waiting);
        inside(test, owner, move |cx| seen.set(cx.waiting())).await;
        assert_eq!(waiting.get(), 0);

        let mut slow = gives(ms(25), 7);
        for _ in 0..2 {
            assert!(timeout(ms(10), &mut slow).await.is_err());
        }
        assert_eq!(timeout(ms(10), &mut slow).await, Ok(Ok(7)));
        assert!(timeout(ms(10), slow).await.is_err(), "it gives once");
    });
}

/// **R9.2** Shutting a task down gives the result if it has arrived, says that there is none
/// otherwise, or how the task died before; and the task is over then. One that is let go goes on.
#[test]
fn tsk_01_shut_down_and_let_go() {
    case(async |test| {
        let log = Log::new();
        let (arrived, died) = (gives(ms(1), 7), panics(ms(1)));
        let hangs = hangs::<u32>(&log, "dropped");
        test.advance(ms(1)).await;
        for (task, expected) in [
            (arrived, Ok(7)),
            (died, Err(JoinError::Panicked("no luck".into()))),
            (hangs, Err(JoinError::Cancelled)),
        ] {
            task.abort();
            assert!(task.is_finished());
            assert_eq!(task.await, expected);
        }
        assert_eq!(log.take(), ["dropped"]);

        let noted = log.clone();
        let goes_on = async move {
            time::sleep(ms(5)).await;
            noted.add("went on");
        };
        task::spawn(goes_on).detach();
        test.advance(ms(5)).await;
        assert_eq!(log.take(), ["went on"]);
    });
}

/// **R9.2** A panic that nobody reads is in the log, once, whether the handle is dropped before it
/// or after it; one that was read is not, nor is a task that was aborted.
#[test]
fn a_panic_that_nobody_reads_is_reported_once() {
    let mut reported = logged(|| {
        in_order(async |test| {
            panics(ms(1)).detach();
            let kept = panics(ms(2));
            assert!(panics(ms(3)).await.is_err());
            drop(kept);
            hangs::<u32>(&Log::new(), "dropped").abort();
            test.settle().await;
        });
    });
    reported.retain(|line| line.contains("nobody awaited it"));
    assert_eq!(reported.len(), 2, "{reported:?}");
    assert!(reported.iter().all(|line| line.contains("no luck")));
}

/// **R9.3** Many tasks awaited as one give their values in the order of the tasks, whichever is
/// done first. The first failure is told at once, and the others have been dropped by then.
#[test]
fn tsk_02_await_many() {
    case(async |test| {
        let log = Log::new();
        let start = test.now();
        let tasks = [4, 1, 3, 2].map(|n| gives(ms(n), n));
        assert_eq!(task::join_all(tasks).await, Ok(vec![4, 1, 3, 2]));
        assert_eq!(test.now() - start, ms(4), "side by side");
        assert_eq!(task::join_all::<u32, _>([]).await, Ok(vec![]));

        let start = test.now();
        let tasks = [hangs(&log, "first dropped"), gives(ms(1), 1), panics(ms(2)), panics(ms(3))];
        let outcome = task::join_all(tasks).await;
        assert_eq!(log.take(), ["first dropped"]);
        assert_eq!(outcome, Err(JoinError::Panicked("no luck".into())));
        assert_eq!(test.now() - start, ms(2), "at once");

        let tasks = [gives(ms(1), 1), hangs(&log, "dropped")];
        tasks[1].abort();
        assert_eq!(task::join_all(tasks).await, Err(JoinError::Cancelled));
        log.take();

        let start = test.now();
        let tasks = [hangs(&log, "dropped"), gives(ms(2), Err(Fault::new("disk full")))];
        let outcome: Result<Vec<u32>, Fault> = task::try_join_all(tasks).await;
        assert_eq!((log.take(), test.now() - start), (vec!["dropped".to_owned()], ms(2)));
        assert_eq!(outcome.unwrap_err().to_string(), "disk full");

        // Giving up on all of them ends all of them, also before the first look.
        drop(task::join_all([hangs::<u32>(&log, "never awaited")]));
        assert_eq!(log.take(), ["never awaited"]);
        let tasks = [hangs::<u32>(&log, "given up"), gives(ms(1), 1)];
        assert!(timeout(ms(5), task::join_all(tasks)).await.is_err());
        assert_eq!(log.take(), ["given up"]);
    });
}

/// **R9.1** A task that only reports leaves its owner alive, and the owner gets the reason; one
/// that is linked ends the owner with its own failure, be it a panic or an error.
#[test]
fn tsk_04_nolink() {
    case(async |test| {
        let log = Log::new();
        let owner = scripted("owner", &log);
        let noted = log.clone();
        inside(test, owner, move |cx| {
            let task = cx.spawn(async { panic!("no luck") });
            let hears = async move {
                let reason: Result<(), JoinError> = task.await;
                noted.add(format!("{}", reason.unwrap_err()));
            };
            cx.spawn(hears).detach();
        })
        .await;
        assert_eq!(log.take(), ["the task panicked: no luck"]);
        assert_eq!(owner.ask_with(|reply| Script::Echo(1, reply)).await.unwrap(), 1);

        inside(test, owner, |cx| {
            cx.spawn_linked(async { Ok::<_, Fault>(1) });
            cx.spawn_linked(std::future::pending::<Result<(), Fault>>()).abort();
        })
        .await;
        assert!(owner.is_alive(), "neither is a failure");

        let ended = owner.ended();
        let fails = Script::job(|cx| {
            cx.spawn_linked(async { Err::<(), _>(Fault::new("disk full")) });
        });
        let (reason, sent) = futures::join!(ended, owner.tell(fails));
        assert!(sent.is_ok());
        assert_eq!(reason, ExitReason::Error("disk full".into()));

        let other = scripted("other", &log);
        let panics = Script::job(|cx| {
            cx.spawn_linked::<_, (), Fault>(async { panic!("no luck") });
        });
        let (reason, sent) = futures::join!(other.ended(), other.tell(panics));
        assert!(sent.is_ok());
        assert_eq!(reason, ExitReason::Panicked("no luck".into()));
    });
}

/// **R9.1** A linked task crashes the incarnation that started it and no other, and whoever awaits
/// it hears of it too; the abnormal end of the owner cancels its tasks, before the next
/// incarnation.
#[test]
fn tsk_04_the_owner_and_its_tasks_end_together() {
    case(async |test| {
        let log = Log::new();
        let noted = log.clone();
        let life = async move |cx: &mut Cx<Script>| {
            noted.add(format!("start {}", cx.incarnation()));
            let held = Noted(noted.clone(), "task dropped");
            cx.spawn_linked(async move {
                let _held = held;
                std::future::pending::<Result<(), Fault>>().await
            });
            script("owner", cx, &noted).await
        };
        let owner = test.spawn(child("owner", life).restart(Transient)).await.unwrap();
        assert_eq!(log.take(), ["start 0"]);
        owner.tell(Script::Fail("told to")).await.unwrap();
        test.settle().await;
        assert_eq!(log.take(), ["task dropped", "start 1"]);

        let noted = log.clone();
        inside(test, owner, move |cx| {
            let task = cx.spawn_linked(async {
                time::sleep(ms(5)).await;
                Err::<(), _>(Fault::new("disk full"))
            });
            // It stands outside the tree, so it outlives the owner.
            let hears = async move {
                let outcome = task.await.expect("it came to its end");
                noted.add(format!("awaited: {}", outcome.unwrap_err()));
            };
            task::spawn(hears).detach();
        })
        .await;
        test.advance(ms(5)).await;
        let mut entries = log.take();
        // Who is polled first, the one who awaits or the owner, is left open.
        let awaited = entries.iter().position(|entry| entry == "awaited: disk full");
        entries.remove(awaited.expect("whoever awaits hears of it"));
        assert_eq!(entries, ["task dropped", "start 2"]);
        let crashes = test.events().into_iter().map(|event| event.to_string());
        let crashes: Vec<_> = crashes.filter(|event| event.contains("crashed")).collect();
        assert_eq!(
            crashes,
            ["root/owner crashed: error: told to", "root/owner crashed: error: disk full"]
        );
    });
}

/// **R9.1** Work under a supervisor is done once and forgotten, or again until it has succeeded; a
/// stop gives it the time of its shutdown rule to come to its end, and no more.
#[test]
fn tasks_stand_in_the_tree() {
    case(async |test| {
        let log = Log::new();
        let tree = Supervisor::one_for_one().start(test).await.unwrap();
        let noted = log.clone();
        let fails = async move || {
            noted.add("temporary");
            time::sleep(ms(1)).await;
            Err::<(), _>(Fault::new("no luck"))
        };
        let once = tree.add(child_task("once", fails)).await.unwrap();
        assert_eq!(once.ended().await, ExitReason::Error("no luck".into()));
        test.settle().await;
        assert_eq!((log.take(), tree.count().await.specs), (vec!["temporary".to_owned()], 0));

        let (noted, attempts) = (log.clone(), Cell::new(0));
        let succeeds_later = async move || {
            attempts.set(attempts.get() + 1);
            noted.add(format!("attempt {}", attempts.get()));
            time::sleep(ms(1)).await;
            if attempts.get() < 3 { Err(Fault::new("busy")) } else { Ok(()) }
        };
        let again = child_task("again", succeeds_later).restart(Transient);
        let again = tree.add(again).await.unwrap();
        assert_eq!(again.ended().await, ExitReason::Normal);
        assert_eq!(log.take(), ["attempt 1", "attempt 2", "attempt 3"]);

        let works = |name: &'static str, takes: Duration| {
            let log = log.clone();
            let work = async move || {
                let _noted = Noted(log.clone(), "dropped");
                time::sleep(takes).await;
                log.add(format!("{name} done"));
                Ok::<(), Fault>(())
            };
            child_task(name, work).shutdown(Shutdown::Timeout(ms(100)))
        };
        tree.add(works("long", secs(1_000))).await.unwrap();
        tree.add(works("short", ms(50))).await.unwrap();
        let start = test.now();
        tree.stop();
        assert_eq!(tree.ended().await, ExitReason::Shutdown);
        assert_eq!(log.take(), ["short done", "dropped", "dropped"]);
        assert_eq!(test.now() - start, ms(150), "50 ms of its own, and 100 ms of patience");
    });
}
