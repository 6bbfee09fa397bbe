//! Many tasks: gathered, waited for, taken as they are done, shielded.

use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;

use futures::StreamExt as _;
use greenroom::task::{self, JoinError, JoinHandle, TaskSet, When};
use greenroom::time::{self, sleep};

use crate::harness::{Log, case, secs};

/// Gives its number after so many seconds.
fn nap(seconds: u32) -> JoinHandle<u32> {
    task::spawn(async move {
        sleep(secs(u64::from(seconds))).await;
        seconds
    })
}

fn panics(after: u32) -> JoinHandle<u32> {
    task::spawn(async move {
        sleep(secs(u64::from(after))).await;
        panic!("after {after}")
    })
}

/// **C1** Results come in the order of the inputs. The first error goes to the caller at once, and
/// all outcomes can be had instead. A task cannot be given twice: its handle is used up.
#[test]
fn cb_01_gather() {
    case(async |test| {
        assert_eq!(task::join_all([nap(3), nap(1), nap(2)]).await, Ok(vec![3, 1, 2]));
        assert_eq!(test.now(), secs(3));
        assert_eq!(task::join_all(Vec::<JoinHandle<u32>>::new()).await, Ok(vec![]));

        let failed = task::join_all([nap(5), panics(1), panics(2)]).await;
        assert_eq!(failed, Err(JoinError::Panicked("after 1".into())));
        assert_eq!(test.now(), secs(4), "at once");

        let all = task::settle_all([panics(1), nap(2)]).await;
        assert_eq!(all, [Err(JoinError::Panicked("after 1".into())), Ok(2)]);
    });
}

/// **C1** Where asyncio lets the siblings of a failure go on, here they are gone when the error is
/// given, and with a detached clone of the work they go on.
#[test]
fn cb_01_gather_and_its_siblings() {
    case(async |test| {
        let done = Rc::new(Cell::new(0));
        let work = |done: &Rc<Cell<u32>>| {
            let done = Rc::clone(done);
            task::spawn(async move {
                sleep(secs(2)).await;
                done.set(done.get() + 1);
                0
            })
        };
        assert!(task::join_all([work(&done), panics(1)]).await.is_err());
        test.advance(secs(5)).await;
        assert_eq!(done.get(), 0);
        let shielded = work(&done);
        let outcome = task::wait(vec![panics(1), shielded], When::FirstFailed, None).await;
        assert_eq!((outcome.done.len(), outcome.pending.len()), (1, 1));
        drop(outcome);
        test.advance(secs(5)).await;
        assert_eq!(done.get(), 1);
    });
}

/// **C1** Cancelling a gather cancels all its tasks, side by side, and waits for their clean-up; a
/// task that was cancelled alone counts as an error.
#[test]
fn cb_01_gather_hands_cancellation_on() {
    case(async |test| {
        let log = Log::new();
        let cleans_up = |name: &'static str| {
            let log = log.clone();
            task::spawn(async move {
                let Err(cancelled) = task::cancellable(pending::<()>()).await else { return };
                sleep(secs(1)).await;
                log.add(name);
                cancelled.resume::<()>().await;
            })
        };
        let tasks = ["a", "b", "c"].map(cleans_up);
        let gathers = task::spawn(async move { task::join_all(tasks).await.map(drop) });
        test.settle().await;
        gathers.cancel();
        assert_eq!(gathers.await, Err(JoinError::Cancelled));
        let mut cleaned = log.take();
        cleaned.sort();
        assert_eq!(cleaned, ["a", "b", "c"]);
        assert_eq!(test.now(), secs(1), "side by side");

        let [waits, alone] = [task::spawn(pending::<()>()), task::spawn(pending::<()>())];
        alone.cancel();
        assert_eq!(task::join_all([waits, alone]).await, Err(JoinError::Cancelled));
    });
}

/// **C2** The three modes of waiting, none of which fails or cancels anything; a limit leaves what
/// is pending alone.
#[test]
fn cb_02_wait_modes() {
    case(async |test| {
        let waited = task::wait(vec![nap(3), nap(1), nap(1)], When::FirstDone, None).await;
        assert!(!waited.done.is_empty() && waited.done.len() + waited.pending.len() == 3);
        assert_eq!(test.now(), secs(1));
        for task in waited.done {
            assert_eq!(task.await, Ok(1), "a handle that was waited for can be awaited");
        }

        let waited = task::wait(vec![nap(1), panics(2), nap(9)], When::FirstFailed, None).await;
        assert_eq!((waited.done.len(), waited.pending.len()), (2, 1));
        assert_eq!(test.now(), secs(3));
        drop(waited);
        let waited = task::wait(vec![nap(1), nap(2)], When::FirstFailed, None).await;
        assert_eq!((waited.done.len(), waited.pending.len()), (2, 0), "none failed");

        let waited = task::wait(vec![nap(1), panics(2)], When::AllDone, None).await;
        let [one, two] = <[_; 2]>::try_from(waited.done).unwrap();
        assert_eq!((one.await, two.await.is_err()), (Ok(1), true));

        let waited = task::wait(vec![nap(1), nap(5)], When::AllDone, secs(2)).await;
        let late = waited.pending.into_iter().next().unwrap();
        assert_eq!(late.await, Ok(5), "the limit left it alone");
        let nothing = task::wait(Vec::<JoinHandle<()>>::new(), When::FirstDone, None).await;
        assert!(nothing.done.is_empty() && nothing.pending.is_empty());
    });
}

/// **C5** What is shielded goes on when whoever waits for it is cancelled or too late; its value
/// can still be had, and a panic that nobody reads is reported at its end.
#[test]
fn cb_05_shield() {
    case(async |test| {
        let saved = Rc::new(Cell::new(false));
        let mark = Rc::clone(&saved);
        let save = task::shield(async move {
            sleep(secs(2)).await;
            mark.set(true);
            7
        });
        let caller = task::spawn(save);
        test.settle().await;
        caller.cancel();
        assert_eq!(caller.await, Err(JoinError::Cancelled));
        test.advance(secs(2)).await;
        assert!(saved.get());

        let mut inner = task::shield(async {
            sleep(secs(2)).await;
            7
        });
        assert!(time::timeout(secs(1), &mut inner).await.is_err());
        assert_eq!(inner.await, Ok(7));

        // The one inside may be cancelled itself, which whoever waits hears as such.
        let inner = task::shield(pending::<()>());
        inner.cancel();
        assert_eq!(inner.await, Err(JoinError::Cancelled));
    });
}

/// **C6** Outcomes come as they are done; a limit shows at the next one, and loses none.
#[test]
fn cb_08_as_completed() {
    case(async |test| {
        let mut set = TaskSet::new();
        for seconds in [3, 1, 2] {
            set.insert(nap(seconds));
        }
        set.insert(panics(4));
        assert_eq!(set.next().await, Some(Ok(1)));
        assert!(time::timeout(secs(0), set.next()).await.is_err());
        assert_eq!(set.join_next().await, Some(Ok(2)));
        assert_eq!(set.len(), 2);
        assert_eq!(set.next().await, Some(Ok(3)));
        assert!(matches!(set.next().await, Some(Err(JoinError::Panicked(_)))));
        assert_eq!((set.next().await, test.now()), (None, secs(4)));

        // As many as there were, each once, and none of a set that was dropped goes on.
        let dropped = Rc::new(Cell::new(false));
        let mark = Rc::clone(&dropped);
        let mut set = TaskSet::new();
        set.spawn(async move {
            sleep(secs(1)).await;
            mark.set(true);
        });
        drop(set);
        test.advance(secs(5)).await;
        assert!(!dropped.get());
    });
}

/// **C6** In the order of the inputs instead, with so many at a time.
#[test]
fn cb_08_in_order_with_a_bound() {
    case(async |test| {
        let running = Rc::new(Cell::new((0_u32, 0_u32)));
        let counted = Rc::clone(&running);
        let work = async move |seconds: u32| {
            let (now, most) = counted.get();
            counted.set((now + 1, most.max(now + 1)));
            sleep(secs(u64::from(seconds))).await;
            let (now, most) = counted.get();
            counted.set((now - 1, most));
            seconds
        };
        let stream = task::stream([3, 1, 2], work).max_concurrency(2).unwrap();
        let all: Vec<u32> = stream.map(Result::unwrap).collect().await;
        assert_eq!((all, running.get().1), (vec![3, 1, 2], 2));
        assert_eq!(test.now(), secs(5), "the first holds its place until it is given");
    });
}
