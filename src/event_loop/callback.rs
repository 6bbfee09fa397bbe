//! Callbacks: something to call in the next round, or at a time, without a future.

use std::marker::PhantomData;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::context::within;
use super::core::Core;
use super::current;
use super::panics::{PanicOrigin, report};
use super::waker::waker;
use crate::base::context::Context as TaskContext;
use crate::base::key::Key;
use crate::base::panics::{catch, drop_quietly};
use crate::timer::TimerKey;

/// Calls `f` on this loop once what is ready now has run: in its turn among the tasks, in the order
/// of the calls, and never inside this one. What it posts itself comes in the round after.
///
/// `f` sees the values of [`ContextVar`](crate::task::ContextVar)s that are set here now; what it
/// sets itself is gone when it is over.
///
/// A panic of `f` is reported ([`EventLoopBuilder::on_panic`](super::EventLoopBuilder::on_panic))
/// and harms nobody else. From another thread use [`LoopHandle::post`](super::LoopHandle::post).
///
/// # Panics
/// When this thread runs no loop.
///
/// ```
/// use std::{cell::RefCell, rc::Rc};
/// use greenroom::{event_loop, task};
///
/// greenroom::run(async |_system| {
///     let log = Rc::new(RefCell::new(vec!["before"]));
///     let in_callback = log.clone();
///     event_loop::post(move || in_callback.borrow_mut().push("called"));
///     log.borrow_mut().push("after");
///     task::yield_now().await;
///     assert_eq!(*log.borrow(), ["before", "after", "called"]);
/// });
/// ```
#[track_caller]
pub fn post(f: impl FnOnce() + 'static) -> Posted {
    let core = current::expect("greenroom::event_loop::post");
    let context = core.context();
    let task = core.spawn(Box::pin(async move { call(context, f) }));
    Posted { task, stays: PhantomData }
}

/// A callback that was [posted](post). Dropping this changes nothing.
///
/// ```
/// use greenroom::event_loop::{self, Posted};
/// greenroom::run(async |_system| {
///     let posted: Posted = event_loop::post(|| panic!("it is never called"));
///     assert!(posted.cancel());
///     assert!(!posted.cancel(), "once is enough");
///     greenroom::task::yield_now().await;
/// });
/// ```
#[derive(Clone, Debug)]
pub struct Posted {
    task: Option<Key>,
    /// It means something to its own loop only.
    stays: PhantomData<Rc<()>>,
}

impl Posted {
    /// Drops the callback, which is then never called. `false` when it was called or cancelled
    /// before, or is being called now, and where its loop does not run.
    ///
    /// ```
    /// use greenroom::{event_loop, task};
    /// greenroom::run(async |_system| {
    ///     let posted = event_loop::post(|| ());
    ///     task::yield_now().await;
    ///     assert!(!posted.cancel(), "it was called");
    /// });
    /// ```
    pub fn cancel(&self) -> bool {
        cancel(self.task)
    }

    /// Whether it is still to be called.
    ///
    /// ```
    /// use greenroom::{event_loop, task};
    /// greenroom::run(async |_system| {
    ///     let posted = event_loop::post(|| ());
    ///     assert!(posted.is_pending());
    ///     task::yield_now().await;
    ///     assert!(!posted.is_pending());
    /// });
    /// ```
    #[must_use]
    pub fn is_pending(&self) -> bool {
        is_pending(self.task)
    }
}

/// A callback that waits for its time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scheduled {
    task: Option<Key>,
    timer: Option<TimerKey>,
}

impl Scheduled {
    pub(crate) fn cancel(self) -> bool {
        let cancelled = cancel(self.task);
        if let (true, Some(timer)) = (cancelled, self.timer) {
            current::with(|core| core.disarm(timer));
        }
        cancelled
    }

    pub(crate) fn is_pending(self) -> bool {
        is_pending(self.task)
    }
}

/// Calls `f` at `deadline`, in nanoseconds of the loop's clock. The timer is set here and not when
/// a task is first polled, so callbacks come in the order of their deadlines also when the loop is
/// late.
pub(crate) fn schedule(core: &Core, deadline: u64, f: impl FnOnce() + 'static) -> Scheduled {
    if core.is_closing() {
        drop_quietly(f);
        return Scheduled { task: None, timer: None };
    }
    let callback = Some((core.context(), f));
    let task = core.scheduler.insert_idle(Box::pin(OnTime { deadline, callback }));
    let timer = core.arm(deadline, &waker(task));
    Scheduled { task: Some(task), timer: Some(timer) }
}

struct OnTime<F> {
    deadline: u64,
    callback: Option<(TaskContext, F)>,
}

// The closure is moved out and called; it is never pinned.
impl<F> Unpin for OnTime<F> {}

impl<F: FnOnce()> Future for OnTime<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        // A waker from an earlier life of the slot may have woken it.
        if current::with(Core::now).is_none_or(|now| now < self.deadline) {
            return Poll::Pending;
        }
        if let Some((context, f)) = self.callback.take() {
            call(context, f);
        }
        Poll::Ready(())
    }
}

/// Calls `f` in the context in which it was given.
fn call(context: TaskContext, f: impl FnOnce()) {
    if let Err(text) = catch(|| within(context, f)) {
        report(PanicOrigin::Callback, &text);
    }
}

fn cancel(task: Option<Key>) -> bool {
    let (Some(task), Some(core)) = (task, current::get()) else { return false };
    // One that is being called can no longer be kept from it.
    core.id() == task.home() && core.scheduler.running() != Some(task) && core.cancel(task)
}

fn is_pending(task: Option<Key>) -> bool {
    let pending = task.and_then(|task| {
        current::with(|core| {
            core.id() == task.home()
                && core.scheduler.running() != Some(task)
                && core.scheduler.contains(task)
        })
    });
    pending == Some(true)
}
