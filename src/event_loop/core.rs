//! The state of one loop, all of it: what the thread's one pointer leads to.

use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use super::builder::Limits;
use super::driver::Driver;
use super::idle::Idlers;
use super::stall::Activity;
use super::turn_end::TurnEnd;
use super::waker::{Listener, waker};
use crate::base::clock::nanos;
use crate::base::key::{Key, LoopId};
use crate::base::panics::{catch, drop_quietly};
use crate::base::type_map::TypeMap;
use crate::scheduler::remote::Remote;
use crate::scheduler::table::{Attachment, LocalFuture, Remains, Scheduler};
use crate::timer::{TimerKey, Timers};

/// Something to do once no user code is on the stack.
type Deferred = Box<dyn FnOnce(&Core)>;

/// One loop's state. It is shared by `Rc`, so it never leaves its thread.
pub(crate) struct Core {
    id: LoopId,
    pub(crate) scheduler: Scheduler,
    pub(crate) driver: Driver,
    pub(crate) remote: Arc<Remote>,
    pub(crate) limits: Limits,
    /// State of other layers that belongs to this loop.
    pub(crate) locals: TypeMap,
    /// Somebody listens to the lives of actors; an actor tells of its own only then.
    pub(crate) observed: Cell<bool>,
    /// Whether a value was ever set in a context.
    pub(crate) has_context: Cell<bool>,
    /// Who waits until nothing is ready.
    pub(crate) idlers: Idlers,
    pub(crate) turn_end: TurnEnd,
    timers: RefCell<Timers<Listener>>,
    /// The time of this turn.
    now: Cell<u64>,
    /// The reading before that.
    before: Cell<u64>,
    /// How many operations the running task may still do in this poll.
    budget: Cell<u32>,
    deferred: RefCell<Vec<Deferred>>,
    has_deferred: Cell<bool>,
    closing: Cell<bool>,
    pub(crate) stopping: Cell<bool>,
    pub(crate) activity: Option<Arc<Activity>>,
}

impl Core {
    pub(crate) fn new(
        driver: Driver,
        remote: Arc<Remote>,
        limits: Limits,
        activity: Option<Arc<Activity>>,
    ) -> Rc<Self> {
        Rc::new(Self {
            id: remote.id(),
            scheduler: Scheduler::new(remote.id()),
            driver,
            remote,
            limits,
            locals: TypeMap::default(),
            observed: Cell::new(false),
            has_context: Cell::new(false),
            idlers: Idlers::default(),
            turn_end: TurnEnd::default(),
            timers: RefCell::new(Timers::new()),
            now: Cell::new(0),
            before: Cell::new(0),
            budget: Cell::new(limits.operations_per_poll),
            deferred: RefCell::new(Vec::new()),
            has_deferred: Cell::new(false),
            closing: Cell::new(false),
            stopping: Cell::new(false),
            activity,
        })
    }

    #[inline]
    pub(crate) const fn id(&self) -> LoopId {
        self.id
    }

    /// The time of this turn in nanoseconds.
    #[inline]
    pub(crate) const fn now(&self) -> u64 {
        self.now.get()
    }

    pub(crate) fn read_clock(&self) -> u64 {
        let now = self.driver.now();
        self.before.set(self.now.replace(now));
        now
    }

    /// What the clock said when it was read before [`now`](Self::now): whoever waited for a moment
    /// up to then has been woken already.
    pub(crate) const fn before(&self) -> u64 {
        self.before.get()
    }

    /// The deadline `after` from this very moment, not from the start of the turn: code that held
    /// the loop for a while and then sleeps must sleep as long as it says.
    pub(crate) fn deadline(&self, after: Duration) -> u64 {
        if after.is_zero() {
            return self.now.get();
        }
        self.driver.now().saturating_add(nanos(after))
    }

    #[inline]
    pub(crate) fn arm(&self, deadline: u64, waker: &Waker) -> TimerKey {
        let listener = Listener::new(waker);
        self.timers.borrow_mut().insert(deadline, listener)
    }

    /// Arms a timer for `delay` from now, at less cost. All who call this have one delay.
    #[inline]
    pub(crate) fn arm_last(&self, delay: Duration, waker: &Waker) -> TimerKey {
        let listener = Listener::new(waker);
        let deadline = self.now().saturating_add(nanos(delay));
        self.timers.borrow_mut().insert_last(deadline, listener)
    }

    #[inline]
    pub(crate) fn disarm(&self, timer: TimerKey) {
        // The waker is dropped after the borrow ends: a foreign one may run code.
        let listener = self.timers.borrow_mut().cancel(timer);
        drop(listener);
    }

    /// Points an armed timer at another waker; `false` when it fired already.
    pub(crate) fn rearm(&self, timer: TimerKey, waker: &Waker) -> bool {
        match self.timers.borrow_mut().get_mut(timer) {
            None => return false,
            Some(old) if old.is(waker) => return true,
            Some(_) => {}
        }
        let mut listener = Listener::new(waker);
        if let Some(old) = self.timers.borrow_mut().get_mut(timer) {
            std::mem::swap(old, &mut listener);
        }
        drop(listener);
        true
    }

    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.timers.borrow().next_deadline()
    }

    pub(crate) fn timers(&self) -> usize {
        self.timers.borrow().len()
    }

    /// Takes out whose timers are due; gives the earliest of their deadlines.
    pub(crate) fn expire(&self, now: u64, due: &mut Vec<Listener>) -> Option<u64> {
        self.timers.borrow_mut().expire(now, due)
    }

    /// Takes one operation from the running task's budget; `false` when it must yield.
    #[inline]
    pub(crate) fn spend(&self) -> bool {
        let left = self.budget.get();
        self.budget.set(left.saturating_sub(1));
        left > 0
    }

    #[inline]
    pub(crate) fn refill(&self) {
        self.budget.set(self.limits.operations_per_poll);
    }

    /// Does `f` as soon as the running poll is over; at once when none runs.
    pub(crate) fn defer(&self, f: impl FnOnce(&Self) + 'static) {
        self.deferred.borrow_mut().push(Box::new(f));
        self.has_deferred.set(true);
    }

    #[inline]
    pub(crate) fn run_deferred(&self) {
        if self.has_deferred.get() {
            self.run_all_deferred();
        }
    }

    #[cold]
    fn run_all_deferred(&self) {
        while self.has_deferred.replace(false) {
            let deferred = std::mem::take(&mut *self.deferred.borrow_mut());
            for f in deferred {
                f(self);
            }
        }
    }

    pub(crate) const fn is_closing(&self) -> bool {
        self.closing.get()
    }

    pub(crate) fn begin_closing(&self) {
        self.closing.set(true);
    }

    /// A loop that is closing takes nothing new.
    fn admit(&self, future: LocalFuture) -> Option<LocalFuture> {
        if self.closing.get() {
            drop_quietly(future);
            return None;
        }
        Some(future)
    }

    /// Adds a task. A loop that is closing drops the future instead.
    pub(crate) fn spawn(&self, future: LocalFuture) -> Option<Key> {
        let future = self.admit(future)?;
        Some(self.scheduler.insert(Some(future)))
    }

    /// The same with something beside the task.
    pub(crate) fn spawn_attached(
        &self,
        future: LocalFuture,
        attachment: Rc<dyn Attachment>,
    ) -> Option<Key> {
        let future = self.admit(future)?;
        Some(self.scheduler.insert_attached(Some(future), Some(attachment)))
    }

    /// The same, and polls it once right here, inside the task that runs now.
    pub(crate) fn spawn_eager(
        &self,
        future: LocalFuture,
        attachment: Rc<dyn Attachment>,
    ) -> Option<Key> {
        let future = self.admit(future)?;
        let outer = self.scheduler.running();
        let key = self.scheduler.insert_running(attachment);
        self.scheduler.set_running(Some(key));
        self.poll_once(key, future);
        self.scheduler.set_running(outer);
        Some(key)
    }

    /// Takes a task out and drops it here, on its loop, with nothing borrowed.
    pub(crate) fn cancel(&self, key: Key) -> bool {
        // The place of a task of another loop is that of a stranger here.
        if key.home() != self.id() {
            return false;
        }
        let Some(remains) = self.scheduler.remove(key) else { return false };
        self.drop_remains(remains);
        true
    }

    pub(crate) fn drop_remains(&self, remains: Remains) {
        // User values may panic in their `Drop`; each is dropped under its own guard.
        drop_quietly(remains.future);
        drop_quietly(remains.attachment);
    }

    /// Polls one task: user code runs here and nowhere else in a turn.
    #[inline]
    pub(crate) fn poll_task(&self, key: Key, future: LocalFuture) {
        self.refill();
        self.poll_once(key, future);
        self.scheduler.set_running(None);
        self.run_deferred();
    }

    #[inline(always)]
    fn poll_once(&self, key: Key, mut future: LocalFuture) {
        // A task's own waker counts no references: its drop would do nothing.
        let waker = ManuallyDrop::new(waker(key));
        let mut context = std::task::Context::from_waker(&waker);
        match catch(|| future.as_mut().poll(&mut context)) {
            Ok(std::task::Poll::Pending) => {
                if let Err(future) = self.scheduler.put_back(key, future) {
                    drop_quietly(future);
                }
            }
            Ok(std::task::Poll::Ready(())) => self.finish_task(key, future),
            Err(text) => {
                tracing::error!(
                    target: "greenroom::task", task = ?key, panic = %text,
                    "a task panicked",
                );
                self.finish_task(key, future);
            }
        }
    }

    #[inline(never)]
    fn finish_task(&self, key: Key, future: LocalFuture) {
        drop_quietly(future);
        if let Some(remains) = self.scheduler.remove(key) {
            self.drop_remains(remains);
        }
    }
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core")
            .field("id", &self.id.0)
            .field("tasks", &self.scheduler.len())
            .field("ready", &self.scheduler.ready_len())
            .field("timers", &self.timers())
            .finish_non_exhaustive()
    }
}
