//! The threads: grow when no one is idle, shrink when someone is, end when told.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_channel::{Receiver, Sender, TrySendError};

use super::error::OffloadError;
use super::job::Run;
use super::options::OffloadOptions;
use crate::base::clock::{Clock, nanos};

type Job = Arc<dyn Run>;

/// A bounded pool; clones are the same pool.
#[derive(Clone)]
pub(crate) struct Pool {
    inner: Arc<Inner>,
}

struct Inner {
    options: OffloadOptions,
    jobs: Sender<Job>,
    taken: Receiver<Job>,
    threads: Mutex<Threads>,
    /// A thread was let go, or the pool closed.
    changed: Condvar,
    /// Jobs came, for workers that are idle.
    work: Condvar,
}

#[derive(Default)]
struct Threads {
    alive: usize,
    idle: usize,
    /// Idle workers that were told of a job and have not taken it yet.
    told: usize,
    started: u64,
    closed: bool,
}

impl Pool {
    pub(crate) fn new(options: OffloadOptions) -> Self {
        let (jobs, taken) = async_channel::bounded(options.queue_max);
        let inner = Inner {
            options,
            jobs,
            taken,
            threads: Mutex::default(),
            changed: Condvar::new(),
            work: Condvar::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Hands a job over. If the queue is full, what comes back waits for room, in line.
    pub(crate) fn submit(
        &self,
        job: Job,
    ) -> Option<impl Future<Output = Result<(), OffloadError>> + Send + use<>> {
        match self.inner.jobs.try_send(Arc::clone(&job)) {
            Ok(()) => {
                if let Err(error) = self.call_worker() {
                    job.refuse(error);
                }
                None
            }
            Err(TrySendError::Closed(job)) => {
                job.refuse(OffloadError::Closed);
                None
            }
            Err(TrySendError::Full(job)) => {
                let pool = self.clone();
                Some(async move {
                    let sent = pool.inner.jobs.send(job).await;
                    sent.map_err(|_| OffloadError::Closed)?;
                    pool.call_worker()
                })
            }
        }
    }

    /// Sees to it that somebody takes the job that was just queued.
    fn call_worker(&self) -> Result<(), OffloadError> {
        let mut threads = self.inner.lock();
        if threads.idle > threads.told {
            threads.told += 1;
            drop(threads);
            self.inner.work.notify_one();
            return Ok(());
        }
        if threads.closed || threads.alive >= self.inner.options.threads_max {
            return Ok(());
        }
        threads.alive += 1;
        threads.started += 1;
        let name = format!("greenroom-offload-{}", threads.started);
        drop(threads);
        let inner = Arc::clone(&self.inner);
        let thread = std::thread::Builder::new().name(name).spawn(move || work(&inner));
        let Err(error) = thread else { return Ok(()) };
        let mut threads = self.inner.lock();
        threads.alive -= 1;
        if threads.alive > 0 {
            // Another thread will come to the job.
            return Ok(());
        }
        Err(OffloadError::NoThread(Arc::from(error.to_string())))
    }

    /// Refuses new jobs, gives up queued ones and waits for running ones, at most `limit`.
    pub(crate) fn shutdown(&self, limit: Duration) {
        self.inner.jobs.close();
        while let Ok(job) = self.inner.taken.try_recv() {
            job.refuse(OffloadError::Closed);
        }
        let clock = Clock::start();
        let mut threads = self.inner.lock();
        threads.closed = true;
        self.inner.work.notify_all();
        while threads.alive > 0 {
            let left = nanos(limit).saturating_sub(clock.now());
            if left == 0 {
                tracing::warn!(
                    target: "greenroom::offload", running = threads.alive, limit = ?limit,
                    "jobs still run; the loop ends without them",
                );
                return;
            }
            let wait = self.inner.changed.wait_timeout(threads, Duration::from_nanos(left));
            threads = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    #[cfg(test)]
    pub(crate) fn threads(&self) -> (usize, usize) {
        let threads = self.inner.lock();
        (threads.alive, threads.idle)
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Threads> {
        // Nothing under this lock can panic half-way.
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The life of a worker thread.
fn work(inner: &Inner) {
    loop {
        while let Ok(job) = inner.taken.try_recv() {
            job.run();
        }
        if !wait_for_work(inner) {
            return;
        }
    }
}

/// Sleeps until there may be a job; `false` when the thread has left the pool.
fn wait_for_work(inner: &Inner) -> bool {
    let mut threads = inner.lock();
    // A job that was queued after the last look found this thread neither idle nor new.
    if !inner.taken.is_empty() {
        return true;
    }
    threads.idle += 1;
    let clock = Clock::start();
    loop {
        if threads.told > 0 {
            threads.told -= 1;
            threads.idle -= 1;
            return true;
        }
        let left = nanos(inner.options.keep_alive).saturating_sub(clock.now());
        if threads.closed || left == 0 {
            threads.idle -= 1;
            threads.alive -= 1;
            inner.changed.notify_all();
            return false;
        }
        let wait = inner.work.wait_timeout(threads, Duration::from_nanos(left));
        threads = wait.unwrap_or_else(PoisonError::into_inner).0;
    }
}
