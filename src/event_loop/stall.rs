//! Naming whoever holds the loop for too long, at next to no cost to whoever does not.
//!
//! The loop notes in two words which task it polls; it reads no clock. A watcher thread
//! looks at the notes now and then. If the same poll is seen for longer than the limit, the
//! watcher marks it, and the loop, when the poll at last returns, reports the actor and the
//! message by name. A poll that does not return is reported by the watcher itself, by its number,
//! as names live on the loop.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::base::clock::Clock;
use crate::base::key::Key;

/// What the loop is doing, for another thread to look at.
#[derive(Debug)]
pub(crate) struct Activity {
    /// Counts polls; zero while the loop runs no user code.
    poll: AtomicU64,
    task: AtomicU64,
    /// The poll that was seen for too long.
    held: AtomicU64,
    limit: Duration,
}

impl Activity {
    pub(crate) const fn new(limit: Duration) -> Self {
        Self {
            poll: AtomicU64::new(0),
            task: AtomicU64::new(0),
            held: AtomicU64::new(u64::MAX),
            limit,
        }
    }

    #[inline]
    pub(crate) fn begin(&self, poll: u64, task: Key) {
        self.task.store(task.bits(), Ordering::Relaxed);
        self.poll.store(poll, Ordering::Release);
    }

    /// Whether the poll that ends now was seen for too long.
    #[inline]
    pub(crate) fn end(&self, poll: u64) -> bool {
        self.poll.store(0, Ordering::Relaxed);
        self.held.load(Ordering::Relaxed) == poll
    }
}

/// The thread that looks; it ends when this is dropped.
pub(crate) struct Watcher {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Starts watching. Without a thread to spare the loop runs unwatched, and says so.
    pub(crate) fn start(activity: Arc<Activity>) -> Self {
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let seen_by_thread = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("greenroom-watcher".to_owned())
            .spawn(move || watch(&activity, &seen_by_thread));
        if let Err(error) = &thread {
            tracing::warn!(target: "greenroom::slow", %error, "slow handlers will not be reported");
        }
        Self { stop, thread: thread.ok() }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        *self.stop.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.1.notify_all();
        if let Some(thread) = self.thread.take() {
            // The watcher has no code of the user's to panic in.
            let _ = thread.join();
        }
    }
}

fn watch(activity: &Activity, stop: &(Mutex<bool>, Condvar)) {
    let clock = Clock::start();
    let (mut seen, mut since, mut reported) = (0, clock.now(), false);
    let mut stopped = stop.0.lock().unwrap_or_else(PoisonError::into_inner);
    while !*stopped {
        let pause = activity.limit / 2;
        stopped = stop.1.wait_timeout(stopped, pause).unwrap_or_else(PoisonError::into_inner).0;
        let (poll, now) = (activity.poll.load(Ordering::Acquire), clock.now());
        if poll != seen || poll == 0 {
            (seen, since) = (poll, now);
            reported = false;
            continue;
        }
        let held = Duration::from_nanos(now - since);
        if held >= activity.limit {
            activity.held.store(poll, Ordering::Relaxed);
        }
        if held >= activity.limit * 10 && !std::mem::replace(&mut reported, true) {
            let task = Key::from_bits(activity.task.load(Ordering::Relaxed));
            tracing::warn!(
                target: "greenroom::slow", task = ?task, held_ms = held.as_millis(),
                "a task holds the loop and does not come back",
            );
        }
    }
}
