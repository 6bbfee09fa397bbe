//! Tasks: cancelling, counting, contexts, eager starts.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::rc::Rc;

use greenroom::offload::offload;
use greenroom::task::{self, ContextVar, JoinError, TaskContext};
use greenroom::time::sleep;

use crate::harness::{Log, case, in_order, secs};

/// Drops in its scope are seen in the log.
struct Noted(Log, &'static str);
impl Drop for Noted {
    fn drop(&mut self) {
        self.0.add(self.1);
    }
}

/// **T1** A task that is cancelled before it begins never runs.
#[test]
fn tk_01_cancel_before_start() {
    case(async |test| {
        let ran = Rc::new(Cell::new(false));
        let mark = Rc::clone(&ran);
        let task = task::spawn(async move { mark.set(true) });
        assert!(task.cancel());
        assert_eq!(task.await, Err(JoinError::Cancelled));
        test.settle().await;
        assert!(!ran.get());
    });
}

/// **T2, T6** A request reaches what is innermost first: the wait, then the clean-up of the task
/// that is awaited, then that of the task around it, each of which may take its time.
#[test]
fn tk_02_cancel_reaches_innermost() {
    case(async |test| {
        let log = Log::new();
        let (of_inner, of_outer) = (log.clone(), log.clone());
        let inner = task::spawn(async move {
            let waits = Noted(of_inner.clone(), "waiter cancelled");
            let work = async move {
                let _waits = waits;
                pending::<()>().await;
            };
            let Err(cancelled) = task::cancellable(work).await else { unreachable!("it waits") };
            sleep(secs(1)).await;
            of_inner.add("inner cleaned up");
            cancelled.resume::<()>().await;
        });
        let outer = task::spawn(async move {
            let inner = inner.owned();
            let Err(cancelled) = task::cancellable(inner).await else { unreachable!("it waits") };
            sleep(secs(1)).await;
            of_outer.add("outer cleaned up");
            cancelled.resume::<()>().await;
        });
        test.settle().await;
        outer.cancel();
        assert_eq!(outer.await, Err(JoinError::Cancelled));
        assert_eq!(log.take(), ["waiter cancelled", "inner cleaned up", "outer cleaned up"]);
        assert_eq!(test.now(), secs(2));
    });
}

/// **T4** A task may swallow a request and give its value all the same.
#[test]
fn tk_03_cancel_swallowed() {
    case(async |test| {
        let task = task::spawn(async {
            let heard = task::cancellable(pending::<()>()).await.is_err();
            sleep(secs(1)).await;
            (heard, task::cancelling())
        });
        test.settle().await;
        task.cancel();
        assert_eq!(task.await, Ok((true, 1)), "it went on, and the request still counts");
    });
}

/// **T5** A task that cancels itself is cancelled where it next waits. Where asyncio loses the
/// value of a task that returns instead, here what was given counts.
#[test]
fn tk_04_cancel_self_and_at_return() {
    case(async |test| {
        let log = Log::new();
        let noted = log.clone();
        let waits = task::spawn(async move {
            task::cancel_current();
            noted.add("goes on to its next wait");
            task::yield_now().await;
            noted.add("never");
        });
        let returns = task::spawn(async {
            task::cancel_current();
            42
        });
        let catches = task::spawn(async {
            let work = async {
                task::cancel_current();
                task::yield_now().await;
                unreachable!("it waited")
            };
            task::cancellable(work).await.map_err(|_| "heard")
        });
        assert_eq!(waits.await, Err(JoinError::Cancelled));
        assert_eq!(returns.await, Ok(42));
        assert_eq!(catches.await, Ok(Err::<(), _>("heard")));
        test.settle().await;
        assert_eq!(log.take(), ["goes on to its next wait"]);
    });
}

/// **T2, T3** Two requests before the task hears are heard as one and counted as two; apart, they
/// are heard twice. A task that has ended cannot be asked.
#[test]
fn tk_05_repeated_cancel_counts() {
    case(async |test| {
        let heard = Rc::new(Cell::new(0));
        let counted = Rc::clone(&heard);
        let task = task::spawn(async move {
            while task::cancellable(sleep(secs(100))).await.is_err() {
                counted.set(counted.get() + 1);
            }
            task::cancelling()
        });
        test.settle().await;
        assert!(task.cancel() && task.cancel());
        test.settle().await;
        assert_eq!((heard.get(), task.cancelling()), (1, 2));
        for times in [2, 3] {
            assert!(task.cancel());
            test.settle().await;
            assert_eq!(heard.get(), times);
        }
        test.advance(secs(100)).await;
        assert!(task.is_finished() && !task.cancel());
        assert_eq!(task.await, Ok(4));
    });
}

/// **T4** Taking a request back: the last one that nobody has heard of has no effect; one that was
/// heard of leaves the task as if it had never been asked; one of two leaves the other.
#[test]
fn tk_06_uncancel() {
    case(async |test| {
        let unheard = task::spawn(async {
            task::cancel_current();
            assert_eq!(task::uncancel(), 0);
            sleep(secs(1)).await;
            "went on"
        });
        assert_eq!(unheard.await, Ok("went on"));

        let one_left = task::spawn(async {
            task::cancel_current();
            task::cancel_current();
            assert_eq!(task::uncancel(), 1);
            sleep(secs(1)).await;
        });
        assert_eq!(one_left.await, Err(JoinError::Cancelled));

        // A structured block: it takes back what it asked for itself.
        let structured = task::spawn(async {
            let heard = task::cancellable(pending::<()>()).await.is_err();
            let left = task::uncancel();
            sleep(secs(1)).await;
            (heard, left, task::cancelling())
        });
        test.settle().await;
        structured.cancel();
        assert_eq!(structured.await, Ok((true, 0, 0)));
        assert_eq!(task::uncancel(), 0, "outside a task there is nothing to take back");
    });
}

static VAR: ContextVar<u32> = ContextVar::new("var");

/// **T11** A task begins with a copy of its spawner's context; what it sets is its own. Offloaded
/// work sees a copy, and so do tasks of its tasks.
#[test]
fn tk_10_context_inheritance() {
    case(async |test| {
        VAR.set(1);
        let seen = task::spawn(async {
            let before = VAR.get();
            VAR.set(2);
            let deeper = task::spawn(async { VAR.get() }).await.unwrap();
            (before, deeper)
        });
        assert_eq!(seen.await, Ok((Some(1), Some(2))));
        assert_eq!(VAR.get(), Some(1), "invisible outside");

        // Taken when the task is made, not when it begins.
        let early = task::spawn(async { VAR.get() });
        VAR.set(3);
        assert_eq!(early.await, Ok(Some(1)));
        let other = task::builder().context(TaskContext::default());
        assert_eq!(other.spawn(async { VAR.get() }).await, Ok(None));

        // Two tasks that take turns do not mix theirs.
        let turns = |number: u32| async move {
            VAR.set(number);
            for _ in 0..3 {
                task::yield_now().await;
                assert_eq!(VAR.get(), Some(number));
            }
        };
        let (one, two) = (task::spawn(turns(10)), task::spawn(turns(20)));
        test.settle().await;
        assert!(one.await.is_ok() && two.await.is_ok());

        let scoped = VAR.scope(7, async {
            VAR.set(8);
            task::yield_now().await;
            VAR.get()
        });
        assert_eq!((scoped.await, VAR.get()), (Some(8), Some(3)));
        assert_eq!(VAR.unset(), Some(3));
    });
}

/// **T11** A thread of the pool sees the value of whoever offloads, and what it sets is lost.
#[test]
fn tk_10_context_of_a_thread() {
    in_order(async |_test| {
        VAR.set(2);
        let seen = offload(|| (VAR.get(), VAR.set(9), VAR.get())).await.unwrap();
        assert_eq!(seen, (Some(2), Some(2), Some(9)));
        assert_eq!(offload(|| VAR.get()).await.unwrap(), Some(2));
        VAR.unset();
        assert_eq!(offload(|| VAR.get()).await.unwrap(), None);
    });
}

/// **T10** The first step of an eager task runs inside `spawn`: one that need not wait is done
/// then. One that waits goes on as any other, and may be cancelled then.
#[test]
fn tk_11_eager() {
    case(async |test| {
        let log = Log::new();
        let eager = || task::builder().eager();
        let done = eager().spawn(async { 42 });
        assert!(done.is_finished());
        assert_eq!(done.await, Ok(42));

        let noted = log.clone();
        let waits = eager().name("waits").spawn(async move {
            noted.add(task::current().and_then(|me| me.name).unwrap().to_string());
            sleep(secs(1)).await;
            noted.add("woke");
        });
        assert_eq!(log.take(), ["waits"], "its first step is over");
        waits.await.unwrap();
        assert_eq!(log.take(), ["woke"]);

        let noted = log.clone();
        let cancelled = eager().spawn(async move {
            noted.add("began");
            task::yield_now().await;
            noted.add("never");
        });
        cancelled.cancel();
        assert_eq!(cancelled.await, Err(JoinError::Cancelled));
        assert_eq!(log.take(), ["began"]);
        let panics = eager().spawn(async { panic!("at once") });
        assert!(matches!(panics.await, Err(JoinError::Panicked(text)) if &*text == "at once"));
        test.settle().await;
    });
}

/// **T10, T11** The running task, and its context, are those of the eager task during its step, and
/// of its spawner again behind it. Eager tasks nest.
#[test]
fn tk_11_eager_context_and_current_task() {
    case(async |_test| {
        let outer = task::builder().name("outer").spawn(async {
            VAR.set(1);
            let name = || task::current().and_then(|me| me.name).unwrap().to_string();
            let inner = task::builder().eager().name("inner").spawn(async move {
                VAR.set(2);
                let innermost = task::builder().eager().name("innermost");
                let innermost = innermost.spawn(async move { (name(), VAR.get()) });
                (innermost.await.unwrap(), name(), VAR.get())
            });
            let here = (name(), VAR.get());
            (here, inner.await.unwrap())
        });
        let (here, (innermost, inner, seen)) = outer.await.unwrap();
        assert_eq!(here, ("outer".to_owned(), Some(1)));
        assert_eq!(innermost, ("innermost".to_owned(), Some(2)));
        assert_eq!((inner.as_str(), seen), ("inner", Some(2)));
        assert!(task::current().is_none());
    });
}

/// **T11** What a task sets when it has aborted itself, and what it brings back then, is seen by
/// nobody.
#[test]
fn tk_10_context_of_a_task_that_aborts_itself() {
    case(async |test| {
        let own = Rc::new(RefCell::new(None::<task::JoinHandle<()>>));
        let mine = Rc::clone(&own);
        let task = task::spawn(async move {
            VAR.set(1);
            let aborts = async {
                mine.borrow().as_ref().expect("it is there").abort();
                VAR.set(2);
            };
            VAR.scope(3, aborts).await;
            pending().await
        });
        *own.borrow_mut() = Some(task);
        test.settle().await;
        assert_eq!(VAR.get(), None);
        let task = own.take().expect("it is there");
        assert_eq!(task.await, Err(JoinError::Cancelled));
    });
}

/// **T11** Tasks that come from other threads have contexts of their own.
#[test]
fn tk_10_context_of_tasks_from_elsewhere() {
    let mut event_loop = crate::support::simulated();
    let handle = event_loop.handle();
    let sets = |number: u32| {
        let task = handle.spawn(move || async move {
            VAR.set(number);
            task::yield_now().await;
            VAR.get()
        });
        task.expect("it is open")
    };
    let (one, two) = (sets(1), sets(2));
    let seen = event_loop.run(async { (one.await, two.await, VAR.get()) });
    assert_eq!(seen, (Ok(Some(1)), Ok(Some(2)), None));
}
