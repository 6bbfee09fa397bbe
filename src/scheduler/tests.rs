//! The scheduler on its own: order, staleness, and the inbox between threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::crossing::Home;
use super::remote::{Post, Refused, Remote};
use super::table::Scheduler;
use crate::base::key::LoopId;

fn pending() -> super::table::LocalFuture {
    Box::pin(std::future::pending())
}

// T1: a task stands in the ready queue at most once.
#[test]
fn a_task_woken_often_runs_once_and_in_the_order_of_the_first_wake() {
    let scheduler = Scheduler::new(LoopId(0));
    let a = scheduler.insert(Some(pending()));
    let b = scheduler.insert(Some(pending()));
    for key in [a, b] {
        let (next, future) = scheduler.next().expect("new tasks are ready");
        assert_eq!(next, key);
        assert!(scheduler.put_back(key, future.expect("it was put in")).is_ok());
    }
    for key in [b, a, b, b, a] {
        scheduler.wake(key);
    }
    let order: Vec<_> = std::iter::from_fn(|| scheduler.next().map(|(key, _)| key)).collect();
    assert_eq!(order, [b, a]);
}

#[test]
fn a_task_woken_while_it_runs_is_ready_again() {
    let scheduler = Scheduler::new(LoopId(0));
    let key = scheduler.insert(Some(pending()));
    let (_, future) = scheduler.next().expect("ready");
    scheduler.wake(key);
    assert!(scheduler.put_back(key, future.expect("there")).is_ok());
    assert_eq!(scheduler.ready_len(), 1);
}

// T2: a finished or cancelled future is never polled again.
// T4: a wake for a finished task finds nothing.
#[test]
fn a_removed_task_is_neither_run_nor_woken_and_its_future_comes_back_to_the_runner() {
    let scheduler = Scheduler::new(LoopId(0));
    let idle = scheduler.insert(Some(pending()));
    assert!(scheduler.remove(idle).is_some_and(|remains| remains.future.is_some()));
    assert!(scheduler.next().is_none());
    scheduler.wake(idle);
    assert_eq!(scheduler.ready_len(), 0);

    let running = scheduler.insert(Some(pending()));
    let (_, future) = scheduler.next().expect("ready");
    assert!(scheduler.remove(running).is_some_and(|remains| remains.future.is_none()));
    assert!(scheduler.put_back(running, future.expect("there")).is_err());
}

fn counting_remote(posts_max: usize) -> (Arc<Remote>, Arc<AtomicUsize>) {
    let wakes = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&wakes);
    let unpark = Box::new(move || {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    (Remote::register(unpark, posts_max).expect("few loops run in a test"), wakes)
}

// L2: a post made before the loop sleeps is seen before it sleeps.
#[test]
fn a_loop_with_posts_does_not_park_and_a_sleep_costs_one_wake() {
    let (remote, wakes) = counting_remote(10);
    let post = || remote.post(Post::Run(Box::new(|| ()))).map_err(|(_, refused)| refused);
    assert_eq!(post(), Ok(()));
    assert!(remote.has_posts());
    assert!(!remote.park());
    assert_eq!(wakes.load(Ordering::SeqCst), 0, "a busy loop is not woken");
    remote.take(&mut Vec::new());
    assert!(remote.park());
    assert_eq!((post(), post(), post()), (Ok(()), Ok(()), Ok(())));
    assert_eq!(wakes.load(Ordering::SeqCst), 1);
    assert_eq!(remote.close().len(), 3);
    assert_eq!(post(), Err(Refused::Closed));
}

#[test]
fn the_inbox_is_bounded_for_posts_but_never_for_wakes() {
    let (remote, _) = counting_remote(1);
    let post = || remote.post(Post::Run(Box::new(|| ()))).map_err(|(_, refused)| refused);
    assert_eq!((post(), post()), (Ok(()), Err(Refused::Full)));
    let scheduler = Scheduler::new(remote.id());
    let key = scheduler.insert(None);
    assert!(remote.post_always(Post::Wake(key)).is_ok());
    remote.close();
}

#[test]
fn a_value_gets_home_from_another_thread_or_comes_back() {
    let (remote, _) = counting_remote(1);
    let scheduler = Scheduler::new(remote.id());
    let home = Home::<String>::new(scheduler.insert(None), remote.id());
    let (got_out, got) = std::sync::mpsc::channel();
    let outcome = std::thread::scope(|scope| {
        let sender = scope.spawn(move || {
            let first = home.send("first".to_owned(), move |_, value| {
                got_out.send(value).expect("the test waits for it");
            });
            let second = home.send("second".to_owned(), |_, _| ());
            (first.is_ok(), second)
        });
        sender.join().expect("the sender does not panic")
    });
    assert_eq!(outcome, (true, Err(("second".to_owned(), Refused::Full))));
    for post in remote.close() {
        if let Post::Deliver(parcel) = post {
            parcel.open();
        }
    }
    assert_eq!(got.recv(), Ok("first".to_owned()));
    let late = home.send("late".to_owned(), |_, _| ());
    assert_eq!(late, Err(("late".to_owned(), Refused::Closed)));
}
