//! One turn of the loop, phase by phase in the order of the drawing in the module's documentation.

use std::mem::ManuallyDrop;
use std::task::{Context, Waker};
use std::time::Duration;

use super::core::Core;
use super::panics::{self, PanicOrigin};
use super::stats::Measures;
use super::waker::{Listener, waker};
use crate::base::clock::nanos;
use crate::base::invariant::invariant;
use crate::base::key::Key;
use crate::base::panics::catch;
use crate::scheduler::remote::Post;
use crate::scheduler::table::LocalFuture;

/// The longest sleep: a clock that misbehaves cannot freeze the loop for longer.
const SLEEP_MAX: Duration = Duration::from_secs(3_600);

/// The future that a call of `run` waits for. It lives on the caller's stack, not in the table.
pub(crate) struct Root<'a> {
    pub(crate) key: Key,
    /// Polls it; `true` once it is done.
    pub(crate) poll: &'a mut dyn FnMut(&mut Context<'_>) -> bool,
}

/// What a turn reuses from the turn before.
#[derive(Default)]
pub(crate) struct Turn {
    wakers: Vec<Waker>,
    due: Vec<Listener>,
    posts: Vec<Post>,
    kernel_asked: u64,
    polls: u64,
    /// Only of a loop that measures.
    measures: Option<Measures>,
}

impl Turn {
    pub(crate) fn new(measures: Option<Measures>) -> Self {
        Self { measures, ..Self::default() }
    }

    /// Runs one turn; `true` when the root is done. It waits only when nothing is ready and
    /// `may_wait`.
    pub(crate) fn run(&mut self, core: &Core, mut root: Option<Root<'_>>, may_wait: bool) -> bool {
        core.read_clock();
        self.inbox(core);
        // A stop ends `run_until_stopped` only; whoever waits for a future goes on sleeping.
        let stops = root.is_none() && core.stopping.get();
        self.reactor(core, may_wait, stops);
        self.timers(core);
        if let Some(measures) = &self.measures {
            measures.borrow_mut().ready.add(core.scheduler.ready_len() as u64);
        }
        let done = self.rounds(core, &mut root);
        if let Some(measures) = &self.measures {
            let took = core.driver.now().saturating_sub(core.now());
            measures.borrow_mut().tick.add(took);
        }
        core.turn_end.pass(core, self.polls);
        done
    }

    /// What other threads left: wakes, messages and closures.
    fn inbox(&mut self, core: &Core) {
        core.driver.inbox(&core.remote, &mut self.posts);
        for post in self.posts.drain(..) {
            let outcome = match post {
                Post::Wake(key) => {
                    core.scheduler.wake(key);
                    continue;
                }
                Post::Stop => {
                    core.stopping.set(true);
                    continue;
                }
                Post::Run(f) => catch(f),
                Post::Deliver(parcel) => catch(|| parcel.open()),
            };
            if let Err(text) = outcome {
                panics::report(PanicOrigin::Posted, &text);
            }
            core.run_deferred();
        }
    }

    /// News of the sockets. An idle loop sleeps here; a busy one asks now and then.
    fn reactor(&mut self, core: &Core, may_wait: bool, stops: bool) {
        if core.scheduler.ready_len() > 0 || stops || !may_wait {
            let asked = core.now().saturating_sub(self.kernel_asked);
            if (may_wait && asked < nanos(core.limits.kernel_interval)) || core.driver.is_virtual()
            {
                return;
            }
            self.ask_kernel(core, Some(Duration::ZERO));
            return;
        }
        if core.idlers.wake_one() || !core.remote.park() {
            return;
        }
        let timeout = core.next_deadline().map(|deadline| {
            Duration::from_nanos(deadline.saturating_sub(core.now())).min(SLEEP_MAX)
        });
        self.ask_kernel(core, timeout);
        core.remote.unparked();
        core.read_clock();
        self.inbox(core);
    }

    fn ask_kernel(&mut self, core: &Core, timeout: Option<Duration>) {
        if let Err(error) = core.driver.wait(timeout, &mut self.wakers) {
            // It says that the poller itself is broken; going on without sockets beats spinning.
            tracing::error!(target: "greenroom::loop", %error, "the poller failed");
        }
        self.kernel_asked = core.now();
        // Only now, with nothing borrowed, may wakers run: a foreign one runs code of its own.
        for waker in self.wakers.drain(..) {
            waker.wake();
        }
    }

    fn timers(&mut self, core: &Core) {
        let now = core.now();
        if core.next_deadline().is_some_and(|deadline| deadline <= now) {
            let first = core.expire(now, &mut self.due);
            if let (Some(measures), Some(first)) = (&self.measures, first) {
                measures.borrow_mut().timer_lag.add(now.saturating_sub(first));
            }
            for listener in self.due.drain(..) {
                listener.wake(core);
            }
        }
    }

    /// Rounds of ready tasks. A round polls each task that was ready when it began, so a task that
    /// wakes itself waits for all the others.
    fn rounds(&mut self, core: &Core, root: &mut Option<Root<'_>>) -> bool {
        let mut left = core.limits.polls_per_turn;
        while left > 0 {
            let round = core.scheduler.ready_len().min(left as usize) as u32;
            if round == 0 {
                break;
            }
            left -= round;
            for done in 0..round {
                // Tasks of this round may have ended meanwhile.
                let next = core.driver.next_task(&core.scheduler, round - done);
                let Some((key, future)) = next else { break };
                if self.poll(core, key, future, root) {
                    return true;
                }
            }
            // A stop lets the round finish; what that made ready is for the next start.
            if root.is_none() && core.stopping.get() {
                break;
            }
        }
        invariant!(L1, core.scheduler.running().is_none(), "user code is still on the stack");
        false
    }

    #[inline]
    fn poll(
        &mut self,
        core: &Core,
        key: Key,
        future: Option<LocalFuture>,
        root: &mut Option<Root<'_>>,
    ) -> bool {
        self.polls += 1;
        if let Some(activity) = &core.activity {
            activity.begin(self.polls, key);
        }
        let mut done = false;
        match (future, root) {
            (Some(future), _) => core.poll_task(key, future),
            (None, Some(root)) if root.key == key => done = poll_root(core, root),
            // The task is being built and has no future yet.
            (None, _) => core.scheduler.set_running(None),
        }
        if core.activity.as_ref().is_some_and(|activity| activity.end(self.polls)) {
            report_slow(core, key);
        }
        done
    }
}

fn poll_root(core: &Core, root: &mut Root<'_>) -> bool {
    /// Clears the note of who runs also when the root panics: its panic goes to the caller of
    /// `run`.
    struct Running<'a>(&'a Core);
    impl Drop for Running<'_> {
        fn drop(&mut self) {
            self.0.scheduler.set_running(None);
        }
    }
    core.refill();
    let running = Running(core);
    let waker = ManuallyDrop::new(waker(root.key));
    let done = (root.poll)(&mut Context::from_waker(&waker));
    drop(running);
    core.run_deferred();
    done
}

#[cold]
fn report_slow(core: &Core, key: Key) {
    let held = Duration::from_nanos(core.driver.now().saturating_sub(core.now()));
    let doing = core.scheduler.attachment(key).map(|attachment| attachment.doing());
    let (actor, message) = doing.unwrap_or_else(|| (format!("task {key:?}"), "a future"));
    tracing::warn!(
        target: "greenroom::slow", %actor, message, held_ms = held.as_millis(),
        "a handler held the loop; move the work to `offload` or await in between",
    );
}
