//! `ProcessPool`: asking for jobs, and the end of it all.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;

use futures::channel::oneshot;

use super::error::PoolError;
use super::frame::{self, HEADER, Reply};
use super::job::Job;
use super::line::{Line, Refusal};
use super::options::PoolOptions;
use super::place::{self, Place};
use super::worker::run_here;
use crate::base::key::LoopId;
use crate::event_loop::current;
use crate::task::{self, JoinHandle};
use crate::time::timeout;

/// A pool of worker processes; clones are the same pool. It belongs to the loop on which it was
/// made. When the last clone is dropped its workers end.
///
/// ```standalone_crate
/// # use greenroom::process_pool::{Job, PoolOptions, ProcessPool, Worker};
/// # struct Sum;
/// # impl Job for Sum {
/// #     const NAME: &'static str = "sum";
/// #     type Input = Vec<u64>;
/// #     type Output = u64;
/// #     fn run(numbers: Vec<u64>) -> u64 { numbers.iter().sum() }
/// # }
/// # fn main() {
/// # Worker::new().job::<Sum>().serve_if_worker();
/// greenroom::run(async |_system| {
///     let pool: ProcessPool = ProcessPool::with(PoolOptions::default().workers(2));
///     let jobs = (1..=10).map(|n| pool.run::<Sum>((1..=n).collect()));
///     let sums = futures::future::try_join_all(jobs).await?;
///     assert_eq!(sums, [1, 3, 6, 10, 15, 21, 28, 36, 45, 55]);
///     Ok::<(), greenroom::process_pool::PoolError>(())
/// }).unwrap();
/// # }
/// ```
#[derive(Clone)]
pub struct ProcessPool {
    owner: Rc<Owner>,
}

/// Closes the pool with the last of its handles.
struct Owner {
    shared: Rc<Shared>,
}

/// What the handles and the places have in common.
pub(crate) struct Shared {
    home: LoopId,
    pub(crate) options: PoolOptions,
    pub(crate) line: RefCell<Line<Waiting>>,
    /// The places whose workers wait for a job.
    pub(crate) idle: RefCell<BTreeMap<u64, Waker>>,
    /// The processes, by their places.
    pub(crate) workers: RefCell<BTreeMap<u64, u32>>,
    pub(crate) tasks: RefCell<BTreeMap<u64, JoinHandle<()>>>,
    /// How many jobs are in hand.
    pub(crate) busy: Cell<usize>,
    /// Who waits for the last place to close.
    closers: RefCell<Vec<oneshot::Sender<()>>>,
    places: Cell<u64>,
}

/// A job that waits for a worker.
pub(crate) struct Waiting {
    pub(crate) job: &'static str,
    pub(crate) request: Vec<u8>,
    pub(crate) reply: oneshot::Sender<Outcome>,
}

/// What a job gave, and the worker that did it.
pub(crate) type Outcome = Result<(u32, Vec<u8>), PoolError>;

impl ProcessPool {
    /// A pool with the usual limits, whose workers are this program. None is started yet.
    ///
    /// # Panics
    /// When this thread runs no loop.
    ///
    /// ```
    /// greenroom::run(async |_system| {
    ///     let pool = greenroom::process_pool::ProcessPool::new();
    ///     assert!(pool.workers().is_empty()); // they start with the first jobs
    /// });
    /// ```
    #[must_use]
    #[track_caller]
    #[expect(clippy::new_without_default, reason = "it needs a loop, which a default must not")]
    pub fn new() -> Self {
        Self::with(PoolOptions::default())
    }

    /// A pool with limits of your choice.
    ///
    /// # Panics
    /// When this thread runs no loop.
    ///
    /// ```
    /// use greenroom::process_pool::{PoolOptions, ProcessPool};
    /// greenroom::run(async |_system| {
    ///     let pool = ProcessPool::with(PoolOptions::default().workers(2));
    ///     assert!(pool.workers().is_empty());
    /// });
    /// ```
    #[must_use]
    #[track_caller]
    pub fn with(options: PoolOptions) -> Self {
        let core = current::expect("greenroom::process_pool::ProcessPool");
        let line = RefCell::new(Line::new(options.waiting_max, options.workers));
        let shared = Shared {
            home: core.id(),
            options,
            line,
            idle: RefCell::default(),
            workers: RefCell::default(),
            tasks: RefCell::default(),
            busy: Cell::new(0),
            closers: RefCell::default(),
            places: Cell::new(0),
        };
        Self { owner: Rc::new(Owner { shared: Rc::new(shared) }) }
    }

    /// Has a worker do a job and gives its output.
    ///
    /// # Errors
    /// [`PoolError::never_ran`] says which of them leave no doubt.
    ///
    /// # Cancel safety
    /// Dropped while the job waits, it never runs. Dropped while it runs, its worker is killed and
    /// replaced: how far it came is not known.
    ///
    /// ```standalone_crate
    /// # use greenroom::process_pool::{Job, PoolError, ProcessPool, Worker};
    /// struct Root;
    /// impl Job for Root {
    ///     const NAME: &'static str = "root";
    ///     type Input = f64;
    ///     type Output = Result<f64, String>;
    ///     fn run(number: f64) -> Result<f64, String> {
    ///         assert!(!number.is_nan(), "not a number");
    ///         if number < 0.0 { Err("it is negative".to_owned()) } else { Ok(number.sqrt()) }
    ///     }
    /// }
    /// # fn main() {
    /// # Worker::new().job::<Root>().serve_if_worker();
    /// greenroom::run(async |_system| {
    ///     let pool = ProcessPool::new();
    ///     assert_eq!(pool.run::<Root>(4.0).await?, Ok(2.0));
    ///     assert_eq!(pool.run::<Root>(-4.0).await?, Err("it is negative".to_owned()));
    ///     let error = pool.run::<Root>(f64::NAN).await.unwrap_err();
    ///     assert!(matches!(error, PoolError::Panicked { .. }));
    ///     assert_eq!(pool.run::<Root>(9.0).await?, Ok(3.0)); // by another worker
    ///     Ok::<(), PoolError>(())
    /// }).unwrap();
    /// # }
    /// ```
    pub async fn run<J: Job>(&self, input: J::Input) -> Result<J::Output, PoolError> {
        let shared = &self.owner.shared;
        let request = frame::request(J::NAME, &input, shared.options.message_max);
        drop(input);
        let request = request.map_err(|reason| {
            let reason = Arc::from(reason);
            PoolError::Input { job: J::NAME, reason }
        })?;
        let core = current::get().filter(|core| core.id() == shared.home);
        let core = core.ok_or(PoolError::NoLoop { job: J::NAME })?;
        if core.driver.is_virtual() {
            return shared.run_now::<J>(&request);
        }
        drop(core);
        let (reply, answer) = oneshot::channel();
        let ticket = shared.submit(Waiting { job: J::NAME, request, reply })?;
        let _queued = Queued { shared, ticket };
        let (worker, output) = answer.await.unwrap_or(Err(PoolError::Closed))?;
        frame::value(&output).map_err(|reason| {
            let reason = Arc::from(reason);
            PoolError::Output { job: J::NAME, worker, reason }
        })
    }

    /// The processes that are there now.
    ///
    /// ```standalone_crate
    /// # use greenroom::process_pool::{Job, PoolOptions, ProcessPool, Worker};
    /// struct Me;
    /// impl Job for Me {
    ///     const NAME: &'static str = "me";
    ///     type Input = ();
    ///     type Output = u32;
    ///     fn run((): ()) -> u32 { std::process::id() }
    /// }
    /// # fn main() {
    /// # Worker::new().job::<Me>().serve_if_worker();
    /// greenroom::run(async |_system| {
    ///     let pool = ProcessPool::with(PoolOptions::default().workers(4));
    ///     let me = pool.run::<Me>(()).await.unwrap();
    ///     assert_ne!(me, std::process::id());
    ///     assert_eq!(pool.workers(), [me]); // more are started when more is asked for
    /// });
    /// # }
    /// ```
    #[must_use]
    pub fn workers(&self) -> Vec<u32> {
        self.owner.shared.workers.borrow().values().copied().collect()
    }

    /// Ends the pool: takes no more jobs, fails those that wait, waits for those that run, at most
    /// for [`shutdown_limit`](PoolOptions::shutdown_limit), and then kills their workers. Gives how
    /// many jobs were cut off by that. When it is done, no worker is left.
    ///
    /// # Cancel safety
    /// Dropped while it waits, the pool is closed, and jobs that run go on.
    ///
    /// ```standalone_crate
    /// # use std::time::Duration;
    /// # use greenroom::process_pool::{Job, PoolError, PoolOptions, ProcessPool, Worker};
    /// struct Sleep;
    /// impl Job for Sleep {
    ///     const NAME: &'static str = "sleep";
    ///     type Input = Duration;
    ///     type Output = ();
    ///     fn run(long: Duration) { std::thread::sleep(long) }
    /// }
    /// # fn main() {
    /// # Worker::new().job::<Sleep>().serve_if_worker();
    /// greenroom::run(async |_system| {
    ///     let impatient = PoolOptions::default().shutdown_limit(Duration::from_millis(10));
    ///     let pool = ProcessPool::with(impatient);
    ///     let ends = async {
    ///         while pool.workers().is_empty() { greenroom::task::yield_now().await }
    ///         pool.shutdown().await
    ///     };
    ///     let job = pool.run::<Sleep>(Duration::from_secs(60));
    ///     let (outcome, cut_off) = futures::join!(job, ends);
    ///     assert!(matches!(outcome, Err(PoolError::Crashed { .. })) && cut_off == 1);
    ///     let late = pool.run::<Sleep>(Duration::ZERO).await;
    ///     assert_eq!(late, Err(PoolError::Closed));
    /// });
    /// # }
    /// ```
    pub async fn shutdown(&self) -> usize {
        let shared = &self.owner.shared;
        shared.close();
        if timeout(shared.options.shutdown_limit, shared.emptied()).await.is_ok() {
            return 0;
        }
        let cut_off = shared.busy.get();
        tracing::warn!(
            target: "greenroom::process_pool", jobs = cut_off,
            limit = ?shared.options.shutdown_limit, "jobs still run; their workers are killed",
        );
        let tasks = std::mem::take(&mut *shared.tasks.borrow_mut());
        for task in tasks.values() {
            task.abort();
        }
        shared.emptied().await;
        cut_off
    }
}

impl fmt::Debug for ProcessPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shared = &self.owner.shared;
        f.debug_struct("ProcessPool")
            .field("workers", &self.workers())
            .field("busy", &shared.busy.get())
            .field("waiting", &shared.line.borrow().waiting())
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// Puts a job into the line and sees to it that somebody takes it.
    fn submit(self: &Rc<Self>, waiting: Waiting) -> Result<u64, PoolError> {
        let ticket = self.line.borrow_mut().push(waiting).map_err(|refusal| match refusal {
            Refusal::Closed => PoolError::Closed,
            Refusal::Full => PoolError::Full { limit: self.options.waiting_max },
        })?;
        if self.wake_idle() {
            return Ok(ticket);
        }
        let opens = {
            let mut line = self.line.borrow_mut();
            let waiting = line.waiting();
            line.opens_place(waiting)
        };
        if opens {
            let number = self.places.get();
            self.places.set(number + 1);
            let task = task::spawn(place::keep(Place::new(Rc::clone(self), number)));
            self.tasks.borrow_mut().insert(number, task);
        }
        Ok(ticket)
    }

    /// Has a place whose worker is idle look for a job. If its worker has just ended, it starts
    /// another, and passes the job on meanwhile.
    pub(crate) fn wake_idle(&self) -> bool {
        let idle = self.idle.borrow_mut().pop_first();
        idle.map(|(_, waker)| waker.wake()).is_some()
    }

    /// Where there are no processes, on a virtual clock.
    fn run_now<J: Job>(&self, request: &[u8]) -> Result<J::Output, PoolError> {
        if self.line.borrow().is_closed() {
            return Err(PoolError::Closed);
        }
        let (job, worker) = (J::NAME, std::process::id());
        match frame::parse_reply(run_here::<J>(request).split_off(HEADER)) {
            Some(Reply::Done(output)) => frame::value(&output).map_err(|reason| {
                let reason = Arc::from(reason);
                PoolError::Output { job, worker, reason }
            }),
            Some(Reply::Panicked(text)) => Err(PoolError::Panicked { job, worker, text }),
            Some(Reply::Unknown(reason)) => Err(PoolError::Unknown { job, worker, reason }),
            Some(Reply::Unsent(reason)) => Err(PoolError::Output { job, worker, reason }),
            Some(Reply::Greeting) | None => Err(PoolError::Closed),
        }
    }

    /// Takes no more; workers that are idle leave.
    fn close(&self) {
        let waiting = self.line.borrow_mut().close();
        for Waiting { reply, .. } in waiting {
            let _ = reply.send(Err(PoolError::Closed));
        }
        let idle = std::mem::take(&mut *self.idle.borrow_mut());
        for waker in idle.into_values() {
            waker.wake();
        }
    }

    /// Waits until the last place is closed.
    async fn emptied(&self) {
        while self.line.borrow().places() > 0 {
            let (closed, waits) = oneshot::channel();
            self.closers.borrow_mut().push(closed);
            let _ = waits.await;
        }
    }

    pub(crate) fn place_closed(&self) {
        let closers = std::mem::take(&mut *self.closers.borrow_mut());
        for closer in closers {
            let _ = closer.send(());
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.shared.close();
    }
}

/// While this is held, the job may be in the line.
struct Queued<'a> {
    shared: &'a Shared,
    ticket: u64,
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        let withdrawn = self.shared.line.borrow_mut().withdraw(self.ticket);
        drop(withdrawn);
    }
}
