//! Timers of an actor: each has a key, belongs to one incarnation, and brings a message.
//!
//! * **K1** after a timer is cancelled or replaced, no message of it is handled, not even one that
//!   stood in the mailbox; and none outlives its incarnation
//!
//! The message of a timer is a notice: no bound of the mailbox applies to it, and it comes behind
//! what was there when the timer fired. The rules are those of Akka's `TimerScheduler`, the two
//! ways to repeat those of Erlang's `timer` module.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::{Rc, Weak};
use std::task::Poll;
use std::time::Duration;

use super::cell::ActorCell;
use super::context::Cx;
use super::monitor::Numbers;
use super::protocol::{Accepts, Protocol};
use super::reply::Reply;
use crate::base::clock::nanos;
use crate::base::key::Key;
use crate::event_loop::core::Core;
use crate::event_loop::current;
use crate::time::sleep_until;

/// How a timer repeats.
///
/// ```
/// use std::time::Duration;
/// use greenroom::prelude::*;
/// use greenroom::actor::Repeat;
///
/// enum Msg { Tick }
/// impl Protocol for Msg {}
/// greenroom::test::run(async |test| {
///     let probe = test.probe::<Duration>("probe");
///     let (out, clock) = (probe.recipient(), greenroom::time::now());
///     greenroom::actor::spawn("slow", async move |cx: &mut Cx<Msg>| {
///         cx.send_every("tick", Duration::from_secs(1), Repeat::AfterHandled, || Msg::Tick);
///         loop {
///             let Msg::Tick = cx.recv().await;
///             let _ = out.try_tell(greenroom::time::now() - clock);
///             greenroom::time::sleep(Duration::from_secs(3)).await;
///             # if false { return Ok::<(), Fault>(()) }
///         }
///     });
///     test.advance(Duration::from_secs(10)).await;
///     // A second after the handler was done, so the handler's three seconds count.
///     assert_eq!(probe.take(), [1, 5, 9].map(Duration::from_secs));
/// });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Repeat {
    /// One period after the message before was handled: ticks never pile up.
    AfterHandled,
    /// At a fixed rate, whatever the actor does: a slow actor finds several ticks in its mailbox,
    /// and the phase is kept.
    AtFixedRate,
}

/// The timers of one actor, which all belong to its present incarnation.
#[derive(Default)]
pub(crate) struct KeyedTimers {
    timers: RefCell<Vec<KeyedTimer>>,
}

struct KeyedTimer {
    key: Cow<'static, str>,
    /// Of the notices that it becomes.
    tag: u64,
    /// `None` when it was due at once.
    task: Option<Key>,
    /// It fires once, and is forgotten when its message has been handled.
    once: bool,
    shared: Rc<Shared>,
}

/// What a timer and its task share.
struct Shared {
    /// When it fires next, in nanoseconds of the loop's clock.
    due: Cell<u64>,
    /// No message of it is in the mailbox or in hand.
    handled: Cell<bool>,
}

impl KeyedTimers {
    fn take(&self, key: &str) -> Option<KeyedTimer> {
        let mut timers = self.timers.borrow_mut();
        let index = timers.iter().position(|timer| timer.key == key)?;
        Some(timers.swap_remove(index))
    }

    /// The message of the timer with this tag has been handled.
    pub(crate) fn handled(&self, tag: u64) {
        let mut timers = self.timers.borrow_mut();
        let Some(index) = timers.iter().position(|timer| timer.tag == tag) else { return };
        let timer = &timers[index];
        timer.shared.handled.set(true);
        let task = timer.task;
        if timer.once {
            timers.swap_remove(index);
        }
        drop(timers);
        if let Some(task) = task {
            current::with(|core| core.scheduler.wake(task));
        }
    }

    /// The timer with this key, as it stands: its tag, when it is due, and whether it has fired.
    fn find(&self, key: &str) -> Option<(u64, u64, bool)> {
        let timers = self.timers.borrow();
        let timer = timers.iter().find(|timer| timer.key == key)?;
        Some((timer.tag, timer.shared.due.get(), !timer.shared.handled.get()))
    }

    /// Cancels all; gives the tags of the notices that may stand in the mailbox.
    pub(crate) fn cancel_all(&self, core: &Core) -> Vec<u64> {
        let timers = self.timers.take();
        timers.iter().filter_map(|timer| timer.task).for_each(|task| _ = core.cancel(task));
        timers.iter().map(|timer| timer.tag).collect()
    }
}

impl<P: Protocol> Cx<P> {
    /// Brings a message after a delay, counted from now, to this incarnation and no other. A timer
    /// with the same key is replaced.
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::prelude::*;
    /// enum Msg { TooLate }
    /// impl Protocol for Msg {}
    /// greenroom::test::run(async |test| {
    ///     let addr = greenroom::actor::spawn("waits", async |cx: &mut Cx<Msg>| {
    ///         cx.send_after("limit", Duration::from_secs(60), Msg::TooLate);
    ///         let Msg::TooLate = cx.recv().await;
    ///         Ok::<(), Fault>(())
    ///     });
    ///     test.advance(Duration::from_secs(59)).await;
    ///     assert!(addr.is_alive());
    ///     test.advance(Duration::from_secs(1)).await;
    ///     assert!(!addr.is_alive());
    /// });
    /// ```
    pub fn send_after<M: 'static>(
        &self,
        key: impl Into<Cow<'static, str>>,
        delay: Duration,
        message: M,
    ) where
        P: Accepts<M>,
    {
        let core = current::expect("Cx::send_after");
        self.start_timer(key.into(), core.deadline(delay), true, |timer| async move {
            timer.until_due().await;
            timer.put(P::wrap(message, Reply::nobody()));
        });
    }

    /// Brings a message again and again, the first after one period. A timer with the same key is
    /// replaced. A period of zero counts as one nanosecond.
    ///
    /// See [`Repeat`] for an example and for the two ways to count a period.
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::prelude::*;
    /// use greenroom::actor::Repeat;
    /// enum Msg { Tick }
    /// impl Protocol for Msg {}
    /// greenroom::test::run(async |test| {
    ///     let clock = greenroom::actor::spawn("clock", async |cx: &mut Cx<Msg>| {
    ///         cx.send_every("tick", Duration::from_secs(1), Repeat::AtFixedRate, || Msg::Tick);
    ///         for _ in 0..3 { let Msg::Tick = cx.recv().await; }
    ///         Ok::<(), Fault>(())
    ///     });
    ///     clock.ended().await;
    ///     assert_eq!(test.now(), Duration::from_secs(3));
    /// });
    /// ```
    pub fn send_every<M: 'static>(
        &self,
        key: impl Into<Cow<'static, str>>,
        period: Duration,
        repeat: Repeat,
        mut message: impl FnMut() -> M + 'static,
    ) where
        P: Accepts<M>,
    {
        let core = current::expect("Cx::send_every");
        let period = period.max(Duration::from_nanos(1));
        self.start_timer(key.into(), core.deadline(period), false, move |timer| async move {
            loop {
                timer.until_due().await;
                timer.put(P::wrap(message(), Reply::nobody()));
                let next = match repeat {
                    Repeat::AtFixedRate => timer.shared.due.get().saturating_add(nanos(period)),
                    Repeat::AfterHandled => {
                        timer.until_handled().await;
                        core.deadline(period)
                    }
                };
                timer.shared.due.set(next);
            }
        });
    }

    /// Takes a timer back: no message of it is handled from now on. Gives the time that was left to
    /// its next message, zero when one stood in the mailbox; `None` when there is no such timer, or
    /// it had fired for the last time and its message was taken.
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::prelude::*;
    /// enum Msg { Never }
    /// impl Protocol for Msg {}
    /// greenroom::test::run(async |test| {
    ///     let addr = greenroom::actor::spawn("changes its mind", async |cx: &mut Cx<Msg>| {
    ///         cx.send_after("never", Duration::from_secs(5), Msg::Never);
    ///         assert_eq!(cx.cancel_timer("never"), Some(Duration::from_secs(5)));
    ///         assert_eq!(cx.cancel_timer("never"), None);
    ///         Ok::<(), Fault>(())
    ///     });
    ///     assert_eq!(addr.ended().await, ExitReason::Normal);
    /// });
    /// ```
    pub fn cancel_timer(&self, key: &str) -> Option<Duration> {
        let timer = self.cell.extra().timers.take(key)?;
        let core = current::get()?;
        if let Some(task) = timer.task {
            core.cancel(task);
        }
        let queued = self.cell.remove_notices(timer.tag);
        let taken = timer.once && !timer.shared.handled.get() && queued.is_empty();
        drop(queued);
        (!taken).then(|| left(timer.shared.due.get()))
    }

    /// How long it is until a timer brings its next message; `None` when there is no such timer.
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::prelude::*;
    /// enum Msg { Late }
    /// impl Protocol for Msg {}
    /// greenroom::test::run(async |_test| {
    ///     let addr = greenroom::actor::spawn("looks", async |cx: &mut Cx<Msg>| {
    ///         cx.send_after("late", Duration::from_secs(5), Msg::Late);
    ///         greenroom::time::sleep(Duration::from_secs(2)).await;
    ///         assert_eq!(cx.timer_left("late"), Some(Duration::from_secs(3)));
    ///         Ok::<(), Fault>(())
    ///     });
    ///     assert_eq!(addr.ended().await, ExitReason::Normal);
    /// });
    /// ```
    #[must_use]
    pub fn timer_left(&self, key: &str) -> Option<Duration> {
        let timers = self.cell.extra().timers.timers.borrow();
        let timer = timers.iter().find(|timer| timer.key == key)?;
        Some(left(timer.shared.due.get()))
    }

    /// A timer that is due at once: its message comes behind what the actor itself has queued, and
    /// before its mail. A timer with the same key is replaced.
    pub(crate) fn send_at_once(&self, key: Cow<'static, str>, message: P) {
        self.cancel_timer(&key);
        let Some(core) = current::get() else { return };
        let tag = core.locals.get::<Numbers>().next();
        let due = Cell::new(core.driver.now());
        let shared = Rc::new(Shared { due, handled: Cell::new(false) });
        let timer = KeyedTimer { key, tag, task: None, once: true, shared };
        self.cell.extra().timers.timers.borrow_mut().push(timer);
        self.cell.mailbox.put_due(tag, message);
    }

    /// Gives a timer that brings one message another one, and leaves its time, or its place in the
    /// mailbox, as it is. The message comes back when there is no such timer, or the one before has
    /// been taken.
    pub(crate) fn replace_timer_message(&self, key: &str, message: P) -> Result<(), P> {
        let Some((tag, due, fired)) = self.cell.extra().timers.find(key) else {
            return Err(message);
        };
        if fired {
            return self.cell.mailbox.replace_notice(tag, message).map(drop);
        }
        self.start_timer(key.to_owned().into(), due, true, |timer| async move {
            timer.until_due().await;
            timer.put(message);
        });
        Ok(())
    }

    fn start_timer<F: Future<Output = ()> + 'static>(
        &self,
        key: Cow<'static, str>,
        due: u64,
        once: bool,
        run: impl FnOnce(Ticking<P>) -> F,
    ) {
        self.cancel_timer(&key);
        let Some(core) = current::get() else { return };
        let tag = core.locals.get::<Numbers>().next();
        let shared = Rc::new(Shared { due: Cell::new(due), handled: Cell::new(true) });
        let ticking = Ticking { cell: Rc::downgrade(&self.cell), tag, shared: Rc::clone(&shared) };
        let Some(task) = core.spawn(Box::pin(run(ticking))) else { return };
        let timer = KeyedTimer { key, tag, task: Some(task), once, shared };
        self.cell.extra().timers.timers.borrow_mut().push(timer);
    }
}

/// The side of a timer's task.
struct Ticking<P> {
    cell: Weak<ActorCell<P>>,
    tag: u64,
    shared: Rc<Shared>,
}

impl<P: Protocol> Ticking<P> {
    async fn until_due(&self) {
        let due = self.shared.due.get();
        if let Some(due) = current::with(|core| core.driver.instant(due)) {
            sleep_until(due).await;
        }
    }

    fn put(&self, message: P) {
        self.shared.handled.set(false);
        if let Some(cell) = self.cell.upgrade() {
            cell.put_notice(self.tag, message);
        }
    }

    /// [`KeyedTimers::handled`] wakes this task.
    async fn until_handled(&self) {
        poll_fn(|_| if self.shared.handled.get() { Poll::Ready(()) } else { Poll::Pending }).await;
    }
}

/// How long it is until then.
fn left(due: u64) -> Duration {
    let now = current::with(|core| core.driver.now()).unwrap_or(due);
    Duration::from_nanos(due.saturating_sub(now))
}
