//! Streams of tasks: how many run at a time, in which order their items come, and their end.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use greenroom::prelude::*;
use greenroom::task::{self, JoinError};
use greenroom::test::TestSystem;
use greenroom::time;

use crate::harness::{case, ms, secs};

/// Counts what runs, and the most that ever did.
#[derive(Clone, Default)]
struct Running(Rc<(Cell<usize>, Cell<usize>)>);

impl Running {
    fn begin(&self) -> Self {
        let (now, most) = &*self.0;
        now.set(now.get() + 1);
        most.set(most.get().max(now.get()));
        self.clone()
    }

    fn now(&self) -> usize {
        self.0.0.get()
    }
}

/// What was begun and is over now, however it ended.
struct Ends(Running);

impl Drop for Ends {
    fn drop(&mut self) {
        let now = &self.0.0.0;
        now.set(now.get() - 1);
    }
}

/// Sleeps that many milliseconds and gives the number.
fn sleeps(running: &Running) -> impl AsyncFn(u64) -> u64 + 'static {
    let running = running.clone();
    async move |n| {
        let _ends = Ends(running.begin());
        time::sleep(ms(n)).await;
        n
    }
}

struct Came {
    items: Vec<u64>,
    took: Duration,
    most: usize,
}

/// Runs 4, 3, 2, 1 with at most `max` at a time.
async fn descending(test: &TestSystem, max: usize, ordered: bool) -> Came {
    let (running, start) = (Running::default(), test.now());
    let tasks = task::stream([4, 3, 2, 1], sleeps(&running));
    let tasks = if ordered { tasks } else { tasks.unordered() };
    let items = tasks.max_concurrency(max).unwrap().try_collect().await.unwrap();
    assert_eq!(running.now(), 0);
    Came { items, took: test.now() - start, most: running.0.1.get() }
}

/// **R9.4** Items come in the order of the inputs, or of their completion; at most as many tasks
/// run at a time as were allowed, whether that is fewer than there are inputs or more; none at a
/// time is refused.
#[test]
fn tsk_03_stream_ordered_unordered() {
    case(async |test| {
        for (max, ordered, items, took, most) in [
            (4, true, [4, 3, 2, 1], 4, 4),
            (4, false, [1, 2, 3, 4], 4, 4),
            (1, true, [4, 3, 2, 1], 10, 1),
            (1, false, [4, 3, 2, 1], 10, 1),
            // 4 beside 3; then 2, which is begun at 3, and 1, which is begun at 4.
            (2, false, [3, 4, 2, 1], 5, 2),
            // The place of 3 is taken until 4 has come.
            (2, true, [4, 3, 2, 1], 6, 2),
            (8, true, [4, 3, 2, 1], 4, 4),
            (8, false, [1, 2, 3, 4], 4, 4),
        ] {
            let came = descending(test, max, ordered).await;
            let what = format!("at most {max}, ordered {ordered}");
            if (max, ordered) == (2, false) {
                // 2 and 1 are over at the same time.
                assert_eq!(came.items[..2], items[..2], "{what}");
                assert_eq!(came.items.iter().sum::<u64>(), 10, "{what}");
            } else {
                assert_eq!(came.items, items, "{what}");
            }
            assert_eq!((came.took, came.most), (ms(took), most), "{what}");
        }
        let refused = task::stream([1], sleeps(&Running::default())).max_concurrency(0);
        let said = refused.unwrap_err().to_string();
        assert!(said.contains("`max_concurrency` of 0") && said.contains("at least 1"), "{said}");
    });
}

/// **R9.4** Tasks are started lazily: nothing runs before the stream is polled, and an input is
/// taken only when there is room for its task. Inputs may also arrive by and by.
#[test]
fn a_stream_of_tasks_takes_its_inputs_lazily() {
    case(async |test| {
        let (running, taken) = (Running::default(), Rc::new(Cell::new(0)));
        let counted = Rc::clone(&taken);
        let endless = (1..).inspect(move |_| counted.set(counted.get() + 1));
        let mut tasks = task::stream(endless, sleeps(&running)).max_concurrency(3).unwrap();
        test.settle().await;
        assert_eq!((taken.get(), running.now()), (0, 0));
        assert_eq!(tasks.next().await, Some(Ok(1)));
        assert_eq!(taken.get(), 3);
        test.advance(secs(1)).await;
        assert_eq!((taken.get(), running.now()), (3, 0), "nobody asks for more");
        assert_eq!(tasks.next().await, Some(Ok(2)));
        drop(tasks);

        let (inputs, arriving) = futures::channel::mpsc::unbounded();
        let mut tasks = task::stream_from(arriving, sleeps(&running)).max_concurrency(2).unwrap();
        let first = task::spawn(async move { (tasks.next().await, tasks) });
        test.advance(secs(1)).await;
        assert!(!first.is_finished());
        inputs.unbounded_send(5).unwrap();
        let (item, mut tasks) = first.await.unwrap();
        assert_eq!(item, Some(Ok(5)));
        drop(inputs);
        assert_eq!(tasks.next().await, None);
        assert_eq!(tasks.next().await, None, "the end is the end");
    });
}

/// **R9.4** A task that takes too long is ended at its limit, whether or not anybody polls, and is
/// an error in the place of its own item only; so is a panic, also before the first `await`.
#[test]
fn a_task_of_a_stream_that_fails_is_one_item() {
    case(async |test| {
        for (ordered, expected) in [(true, [0, 1, 2, 3]), (false, [3, 2, 1, 0])] {
            let (running, start) = (Running::default(), test.now());
            let counted = running.clone();
            let tasks = task::stream([40, 30, 20, 1], async move |n: u64| {
                let _ends = Ends(counted.begin());
                assert_ne!(n, 0, "no luck");
                time::sleep(ms(n)).await;
                assert_ne!(n, 20, "no luck");
                n
            });
            let tasks = if ordered { tasks } else { tasks.unordered() };
            let tasks = tasks.timeout(ms(35)).max_concurrency(4).unwrap();
            let items: Vec<_> = tasks.collect().await;
            let timed_out = Err(JoinError::TimedOut(ms(35)));
            let [a, b, c, d] = expected;
            assert_eq!((&items[a], &items[b], &items[d]), (&timed_out, &Ok(30), &Ok(1)));
            let panicked = items[c].as_ref().unwrap_err().to_string();
            assert!(panicked.contains("panicked") && panicked.contains("no luck"), "{panicked}");
            assert_eq!((test.now() - start, running.now()), (ms(35), 0));
        }
        let work = async |n: u32| if n == 1 { panic!("no luck") } else { n };
        let tasks = task::stream([1, 2], work).max_concurrency(2).unwrap();
        let items: Vec<_> = tasks.collect().await;
        assert_eq!(items, [Err(JoinError::Panicked("no luck".into())), Ok(2)]);

        // A slow reader keeps nobody alive beyond the limit.
        let running = Running::default();
        let tasks = task::stream([1_000], sleeps(&running)).timeout(ms(35));
        let mut tasks = tasks.max_concurrency(1).unwrap();
        assert!(futures::poll!(tasks.next()).is_pending());
        test.advance(ms(34)).await;
        assert_eq!(running.now(), 1);
        test.advance(ms(1)).await;
        assert_eq!(running.now(), 0);
        test.advance(secs(60)).await;
        assert_eq!(tasks.next().await, Some(Err(JoinError::TimedOut(ms(35)))));
    });
}

/// **R9.4** When the consumer stops early, at the first failure or because it ends itself, every
/// task that runs has ended when the stream is gone, and nothing of it is left: no input, no work,
/// no message.
#[test]
fn a_stream_that_is_dropped_leaves_nothing_behind() {
    case(async |test| {
        let (running, held) = (Running::default(), Rc::new(()));
        let inputs = |held: &Rc<()>| {
            let held = Rc::clone(held);
            (0..10_u64).map(move |n| (n, Rc::clone(&held)))
        };
        let work = |running: &Running, held: &Rc<()>| {
            let (running, kept) = (running.clone(), Rc::clone(held));
            async move |(n, _held): (u64, Rc<()>)| {
                let _ends = Ends(running.begin());
                let _kept = &kept;
                time::sleep(ms(100 * (n + 1))).await;
                if n == 1 { Err(Fault::new("disk full")) } else { Ok(n) }
            }
        };
        let all_of_it = async |running: &Running, held: &Rc<()>| {
            let tasks = task::stream(inputs(held), work(running, held));
            let mut tasks = tasks.unordered().max_concurrency(4)?;
            while let Some(item) = tasks.next().await {
                item??;
                assert_eq!(running.now(), 3, "the one that gave it is over");
            }
            Ok::<(), Fault>(())
        };
        let error = all_of_it(&running, &held).await.unwrap_err();
        assert_eq!(error.to_string(), "disk full");
        assert_eq!((running.now(), Rc::strong_count(&held)), (0, 1), "already");

        // The consumer is an actor that is killed.
        let (counted, kept) = (running.clone(), Rc::clone(&held));
        let tasks = task::stream(inputs(&kept), work(&counted, &kept));
        drop(kept);
        let tasks = std::cell::RefCell::new(Some(tasks));
        let consumer = async move |cx: &mut Cx<greenroom::supervisor::NoMessages>| {
            cx.ready();
            let tasks = tasks.take().expect("it lives once");
            let mut tasks = tasks.max_concurrency(4)?;
            while tasks.next().await.is_some() {
                time::sleep(secs(60)).await;
            }
            Ok::<(), Fault>(())
        };
        let consumer = greenroom::actor::spawn("consumer", consumer);
        test.settle().await;
        assert_eq!(running.now(), 4);
        test.advance(ms(100)).await;
        assert_eq!(running.now(), 3, "the consumer has the first item and takes its time");
        consumer.kill();
        assert_eq!(consumer.ended().await, ExitReason::Killed);
        assert_eq!((running.now(), Rc::strong_count(&held)), (0, 1));
        test.advance(secs(60)).await;
        assert!(test.letters().is_empty());
    });
}
