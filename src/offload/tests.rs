//! The pool with real threads: results, panics, bounds, dropping, and the end.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::time::Duration;

use futures::FutureExt as _;
use futures::executor::block_on;
use futures::future::join_all;

use super::job::Offload;
use super::options::OffloadOptions;
use super::pool::Pool;
use super::{OffloadError, offload};

fn pool(threads: usize, queue: usize) -> Pool {
    let keep_alive = Duration::from_secs(60);
    Pool::new(
        OffloadOptions::default().threads_max(threads).queue_max(queue).keep_alive(keep_alive),
    )
}

/// Occupies one thread until the sender is dropped.
fn occupy(pool: &Pool) -> (mpsc::Sender<()>, Offload<()>) {
    let (hold, held) = mpsc::channel::<()>();
    let (begun, began) = mpsc::channel();
    let job = Offload::on(pool, move || {
        let _ = begun.send(());
        let _ = held.recv();
    });
    began.recv().expect("the job begins");
    (hold, job)
}

// EX-01: results and panics come back, and the thread survives.
#[test]
fn ex_01_results_and_panics_come_back_from_another_thread() {
    struct Evil;
    impl Drop for Evil {
        fn drop(&mut self) {
            panic!("while dropping");
        }
    }
    let pool = pool(1, 10);
    let here = std::thread::current().id();
    let there = block_on(Offload::on(&pool, || std::thread::current().id()));
    assert!(there.is_ok_and(|there| there != here));
    let panicked = block_on(Offload::on(&pool, || panic!("no luck")));
    assert_eq!(panicked, Err::<(), _>(OffloadError::Panicked("no luck".into())));
    let evil = block_on(Offload::on(&pool, || std::panic::panic_any(Evil)));
    assert!(matches!(evil, Err::<(), _>(OffloadError::Panicked(_))));
    let (hold, _running) = occupy(&pool);
    drop(Offload::on(&pool, || Evil));
    drop(hold);
    assert_eq!(block_on(Offload::on(&pool, || 7)), Ok(7));
    assert_eq!(pool.threads().0, 1);
}

#[test]
fn the_pool_grows_to_its_limit_and_not_beyond() {
    let pool = pool(3, 100);
    let barrier = Arc::new(Barrier::new(3));
    let jobs = (0..3).map(|_| {
        let barrier = Arc::clone(&barrier);
        Offload::on(&pool, move || {
            barrier.wait();
        })
    });
    assert!(block_on(join_all(jobs)).iter().all(Result::is_ok));
    let more = (0..50).map(|n| Offload::on(&pool, move || n));
    let sum: i32 = block_on(join_all(more)).into_iter().flatten().sum();
    assert_eq!((sum, pool.threads().0), (1_225, 3));
}

#[test]
fn an_idle_thread_leaves_after_its_time() {
    let pool = Pool::new(OffloadOptions::default().keep_alive(Duration::from_millis(1)));
    assert_eq!(block_on(Offload::on(&pool, || 1)), Ok(1));
    while pool.threads().0 > 0 {
        std::thread::yield_now();
    }
    assert_eq!(block_on(Offload::on(&pool, || 2)), Ok(2));
}

#[test]
fn a_full_queue_makes_callers_wait_in_line() {
    let pool = pool(1, 1);
    let (hold, first) = occupy(&pool);
    let queued = Offload::on(&pool, || 1);
    let mut waiting = Offload::on(&pool, || 2);
    assert!((&mut waiting).now_or_never().is_none());
    drop(hold);
    assert_eq!(block_on(first), Ok(()));
    assert_eq!((block_on(queued), block_on(waiting)), (Ok(1), Ok(2)));
}

// O1: dropping an offload future frees nothing that the worker thread still uses.
#[test]
fn a_dropped_future_gives_up_a_queued_job_and_abandons_a_running_one() {
    let pool = pool(1, 10);
    let (ran, used) = (Arc::new(AtomicBool::new(false)), Arc::new(()));
    let (hold, running) = occupy(&pool);
    let (mark, kept) = (Arc::clone(&ran), Arc::clone(&used));
    drop(Offload::on(&pool, move || {
        mark.store(true, Ordering::SeqCst);
        drop(kept);
    }));
    assert_eq!(Arc::strong_count(&used), 1, "the closure of a queued job is dropped at once");
    drop(running);
    drop(hold);
    assert_eq!(block_on(Offload::on(&pool, || 1)), Ok(1));
    assert!(!ran.load(Ordering::SeqCst));
}

// EX-02: shutdown refuses, gives up what is queued and waits for what runs, with a limit.
#[test]
fn ex_02_shutdown_waits_for_running_jobs_within_its_limit() {
    let pool = pool(1, 10);
    let (hold, running) = occupy(&pool);
    let queued = Offload::on(&pool, || 1);
    pool.shutdown(Duration::from_millis(10));
    assert_eq!(block_on(queued), Err(OffloadError::Closed));
    assert_eq!(block_on(Offload::on(&pool, || 1)), Err(OffloadError::Closed));
    drop(hold);
    pool.shutdown(Duration::from_secs(60));
    assert_eq!(pool.threads(), (0, 0));
    assert_eq!(block_on(running), Ok(()));
}

#[test]
fn many_threads_submit_many_jobs_and_none_is_lost() {
    let pool = pool(2, 16);
    let done = Arc::new(AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..2_000 {
                    let done = Arc::clone(&done);
                    let job = Offload::on(&pool, move || done.fetch_add(1, Ordering::SeqCst));
                    assert!(block_on(job).is_ok());
                }
            });
        }
    });
    assert_eq!(done.load(Ordering::SeqCst), 8_000);
    pool.shutdown(Duration::from_secs(60));
    assert_eq!(pool.threads(), (0, 0));
}

#[test]
fn without_a_loop_offload_says_so() {
    assert_eq!(block_on(offload(|| 1)), Err(OffloadError::NoLoop));
}
