//! A place in the pool: one worker after the other, for as long as there is work.

use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures::channel::oneshot;
use futures::future::{Either, select};

use super::error::PoolError;
use super::line::Next;
use super::pool::{Outcome, Shared, Waiting};
use super::talk::Colleague;
use crate::event_loop::current;
use crate::time::{sleep, timeout};

/// Keeps a worker at this place while there is work for it.
pub(crate) async fn keep(mut place: Place) {
    loop {
        let outcome = place.employ().await;
        let random = current::get().map_or(0.0, |core| core.driver.random());
        let next = place.shared.line.borrow_mut().ended(place.started, outcome.is_err(), random);
        place.started = false;
        match (next, outcome) {
            (Next::Leave, outcome) => {
                if let Err(reason) = outcome {
                    tracing::warn!(
                        target: "greenroom::process_pool", %reason, "a worker did not start",
                    );
                }
                return;
            }
            (Next::Again(0), _) => {}
            (Next::Again(delay), outcome) => {
                let delay = Duration::from_nanos(delay);
                let reason = outcome.err().unwrap_or_default();
                tracing::warn!(
                    target: "greenroom::process_pool", %reason, ?delay,
                    "a worker did not start",
                );
                sleep(delay).await;
                let line = place.shared.line.borrow();
                if line.is_closed() || line.waiting() == 0 {
                    return;
                }
            }
            (Next::GiveUp(jobs), outcome) => {
                let reason = outcome.err().unwrap_or_default();
                tracing::error!(
                    target: "greenroom::process_pool", %reason, jobs = jobs.len(),
                    "no worker starts",
                );
                for Waiting { job, reply, .. } in jobs {
                    let reason = Arc::clone(&reason);
                    let _ = reply.send(Err(PoolError::NoWorker { job, reason }));
                }
                return;
            }
        }
    }
}

/// Counted in the line for as long as it lives.
pub(crate) struct Place {
    shared: Rc<Shared>,
    number: u64,
    /// Its worker has greeted.
    started: bool,
}

impl Place {
    pub(crate) const fn new(shared: Rc<Shared>, number: u64) -> Self {
        Self { shared, number, started: false }
    }

    /// From the start of a worker to its end; the text says why there was none.
    async fn employ(&mut self) -> Result<(), Arc<str>> {
        let shared = Rc::clone(&self.shared);
        let mut worker = Colleague::start(&shared.options).await?;
        shared.line.borrow_mut().started();
        self.started = true;
        shared.workers.borrow_mut().insert(self.number, worker.id());
        let mut jobs = shared.options.jobs_per_worker;
        let mut served = false;
        while jobs > 0 {
            jobs -= 1;
            let Some((ticket, waiting)) = self.next_job(&worker).await else { break };
            if worker.has_ended() {
                shared.line.borrow_mut().put_back(ticket, waiting);
                // Whoever is idle need not wait for the next worker of this place.
                shared.wake_idle();
                break;
            }
            served = true;
            shared.line.borrow_mut().served();
            if !serve(&shared, &mut worker, waiting).await {
                // Dropping it kills it, if need be.
                shared.workers.borrow_mut().remove(&self.number);
                return Ok(());
            }
        }
        shared.workers.borrow_mut().remove(&self.number);
        let died = worker.has_ended();
        worker.retire().await;
        if died && !served {
            return Err("it ended before its first job".into());
        }
        Ok(())
    }

    /// The next job and its ticket; `None` when there are to be no more for this worker.
    async fn next_job(&self, worker: &Colleague) -> Option<(u64, Waiting)> {
        let shared = &*self.shared;
        let job = pin!(poll_fn(|cx| {
            let mut line = shared.line.borrow_mut();
            if let Some(taken) = line.take() {
                return Poll::Ready(Some(taken));
            }
            if line.is_closed() {
                return Poll::Ready(None);
            }
            drop(line);
            let waker = cx.waker().clone();
            let before = shared.idle.borrow_mut().insert(self.number, waker);
            drop(before);
            Poll::Pending
        }));
        let ended = pin!(worker.ended());
        let next = match select(job, ended).await {
            Either::Left((job, _)) => job,
            Either::Right(((), _)) => None,
        };
        let idle = shared.idle.borrow_mut().remove(&self.number);
        drop(idle);
        next
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.line.borrow_mut().closes_place(self.started);
        self.shared.workers.borrow_mut().remove(&self.number);
        let idle = self.shared.idle.borrow_mut().remove(&self.number);
        drop(idle);
        let task = self.shared.tasks.borrow_mut().remove(&self.number);
        drop(task);
        self.shared.place_closed();
    }
}

/// Has a job done; `false` when the worker is of no more use.
async fn serve(shared: &Shared, worker: &mut Colleague, waiting: Waiting) -> bool {
    let Waiting { job, request, reply } = waiting;
    if reply.is_canceled() {
        return true;
    }
    let id = worker.id();
    let mut hand = InHand { shared, job, worker: id, reply: Some(reply) };
    shared.busy.set(shared.busy.get() + 1);
    let limit = shared.options.job_limit;
    let asked = worker.ask(job, &request, shared.options.message_max);
    let outcome = {
        let asked = pin!(timeout(limit.unwrap_or(Duration::MAX), asked));
        let given_up = pin!(hand.given_up());
        match select(asked, given_up).await {
            Either::Left((outcome, _)) => Some(outcome),
            Either::Right(((), _)) => None,
        }
    };
    match outcome {
        Some(Ok((outcome, goes_on))) => {
            hand.answer(outcome.map(|output| (id, output)));
            goes_on
        }
        Some(Err(elapsed)) => {
            let limit = elapsed.limit();
            hand.answer(Err(PoolError::TimedOut { job, worker: id, limit }));
            false
        }
        // Nobody wants it any more.
        None => false,
    }
}

/// A job that a worker has; dropped without an answer it is lost, and says so.
struct InHand<'a> {
    shared: &'a Shared,
    job: &'static str,
    worker: u32,
    reply: Option<oneshot::Sender<Outcome>>,
}

impl InHand<'_> {
    /// Is done when whoever asked for it has gone.
    async fn given_up(&mut self) {
        match &mut self.reply {
            Some(reply) => reply.cancellation().await,
            None => std::future::pending().await,
        }
    }

    fn answer(&mut self, outcome: Outcome) {
        if let Some(reply) = self.reply.take() {
            let _ = reply.send(outcome);
        }
    }
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        self.shared.busy.set(self.shared.busy.get() - 1);
        let (job, worker) = (self.job, self.worker);
        self.answer(Err(PoolError::Crashed { job, worker, status: None }));
    }
}
