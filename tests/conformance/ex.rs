//! Work on other threads, on the machine's clock.

use std::cell::Cell;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::thread;

use futures::FutureExt as _;
use futures::executor::block_on;
use greenroom::EventLoop;
use greenroom::offload::{Offload, OffloadError, OffloadOptions, configure, offload};

use crate::harness::{logged, ms};

/// A pool with one thread.
const ONE: fn() -> OffloadOptions = || OffloadOptions::default().threads_max(1);

thread_local! {
    /// Dropped when a thread of the pool has ended.
    static UNTIL_EXIT: Cell<Option<mpsc::Sender<()>>> = const { Cell::new(None) };
}

/// A job that has begun.
struct Running {
    job: Offload<&'static str>,
    /// It ends when this is dropped.
    hold: mpsc::Sender<()>,
    /// Closed when its thread has ended.
    exit: mpsc::Receiver<()>,
}

async fn running() -> Running {
    let (hold, held) = mpsc::channel();
    let (until_exit, exit) = mpsc::channel();
    let (begun, began) = mpsc::channel::<()>();
    let mut job = offload(move || {
        UNTIL_EXIT.set(Some(until_exit));
        drop(begun);
        let _ = held.recv();
        "it came to its end"
    });
    submit(&mut job).await;
    assert!(began.recv().is_err(), "it has begun");
    Running { job, hold, exit }
}

/// Polls the future once, which submits its job.
async fn submit<T: Send>(job: &mut Offload<T>) {
    let pending = poll_fn(|cx| Poll::Ready(job.poll_unpin(cx).is_pending()));
    assert!(pending.await, "it cannot be done yet");
}

/// **E1** A job runs on another thread and its result comes back; a panic is an error for whoever
/// awaits it, and the thread of the pool survives it.
#[test]
fn ex_01_executor_result_and_panic() {
    EventLoop::new().unwrap().run(async {
        configure(ONE());
        let there = offload(|| thread::current().id()).await.unwrap();
        assert_ne!(there, thread::current().id());
        let panicked = offload(|| panic!("no luck")).await;
        assert_eq!(panicked, Err::<(), _>(OffloadError::Panicked("no luck".into())));
        assert_eq!(offload(|| thread::current().id()).await, Ok(there), "the same thread");
    });
}

/// **E1** Giving up a job returns at once: if it is queued it never runs, and if it runs it goes on
/// and what it gives is dropped.
#[test]
fn a_job_that_is_given_up() {
    /// Tells that it was dropped.
    struct Dropped(Arc<AtomicBool>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let (ran, dropped) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    EventLoop::new().unwrap().run(async {
        configure(ONE());
        let (hold, held) = mpsc::channel::<()>();
        let (begun, began) = mpsc::channel();
        let result = Dropped(Arc::clone(&dropped));
        let mut running = offload(move || {
            let _ = begun.send(());
            let _ = held.recv();
            result
        });
        submit(&mut running).await;
        began.recv().expect("it begins");
        let mark = Arc::clone(&ran);
        let mut queued = offload(move || mark.store(true, Ordering::SeqCst));
        submit(&mut queued).await;
        drop(queued);
        drop(running);
        assert!(!dropped.load(Ordering::SeqCst), "it still runs");
        drop(hold);
        // There is one thread, so what was before this is over when this is.
        assert_eq!(offload(|| 7).await, Ok(7));
    });
    assert!(!ran.load(Ordering::SeqCst) && dropped.load(Ordering::SeqCst));
}

/// **E2, E3** The end of a loop waits for the job that runs, or, with a limit of 10 ms, warns and
/// goes on. From then on jobs are refused, those that were queued too. A job that comes to its end
/// later posts nothing to the loop that is gone; its result is there for whoever still asks.
#[test]
fn ex_02_executor_shutdown() {
    let done = Arc::new(AtomicBool::new(false));
    let mut event_loop = EventLoop::new().unwrap();
    event_loop.run(async {
        let (begun, began) = mpsc::channel();
        let mark = Arc::clone(&done);
        let mut job = offload(move || {
            let (_hold, held) = mpsc::channel::<()>();
            let _ = begun.send(());
            assert!(held.recv_timeout(ms(50)).is_err(), "nobody sends");
            mark.store(true, Ordering::SeqCst);
        });
        submit(&mut job).await;
        began.recv().expect("it begins");
    });
    drop(event_loop);
    assert!(done.load(Ordering::SeqCst), "the end of the loop has waited for it");

    let mut event_loop = EventLoop::new().unwrap();
    let (running, queued) = event_loop.run(async {
        configure(ONE().shutdown_limit(ms(10)));
        let running = running().await;
        let mut queued = offload(|| 1);
        submit(&mut queued).await;
        (running, queued)
    });
    // It would wait for ever without its limit, as the job is held.
    let mut warned = logged(|| drop(event_loop));
    warned.retain(|line| line.contains("WARN"));
    assert_eq!(warned.len(), 1, "{warned:?}");
    for said in ["jobs still run", "running=1", "limit=10ms"] {
        assert!(warned[0].contains(said), "{warned:?}");
    }

    assert_eq!(block_on(queued), Err(OffloadError::Closed));
    assert_eq!(block_on(offload(|| 1)), Err(OffloadError::NoLoop));
    assert!(running.exit.try_recv().is_err_and(|error| error == mpsc::TryRecvError::Empty));
    drop(running.hold);
    // Once its thread has ended, it has told the loop, which is gone, and nobody else.
    assert!(running.exit.recv().is_err());
    assert_eq!(running.job.now_or_never(), Some(Ok("it came to its end")));
}
