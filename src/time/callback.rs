//! `after` and `at`: calling something at a time, without a future.

use std::marker::PhantomData;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::event_loop::callback::{Scheduled, schedule};
use crate::event_loop::current;

/// Calls `f` on this loop when `delay` has passed since this call; never earlier. Callbacks come in
/// the order of their deadlines, those with one deadline in the order in which they were set, and
/// a delay of zero in the next turn.
///
/// `f` sees the values of [`ContextVar`](crate::task::ContextVar)s that are set here now; what it
/// sets itself is gone when it is over.
///
/// A panic of `f` is reported
/// ([`EventLoopBuilder::on_panic`](crate::event_loop::EventLoopBuilder::on_panic)) and harms nobody
/// else.
///
/// # Panics
/// When this thread runs no loop.
///
/// ```
/// use std::{cell::Cell, rc::Rc, time::Duration};
/// use greenroom::{EventLoop, time};
///
/// EventLoop::builder().virtual_clock(1).build()?.run(async {
///     let called = Rc::new(Cell::new(false));
///     let in_callback = called.clone();
///     time::after(Duration::from_secs(60), move || in_callback.set(true));
///     time::sleep(Duration::from_secs(59)).await;
///     assert!(!called.get());
///     time::sleep(Duration::from_secs(1)).await;
///     assert!(called.get());
/// });
/// # Ok::<(), std::io::Error>(())
/// ```
#[track_caller]
pub fn after(delay: Duration, f: impl FnOnce() + 'static) -> Timer {
    let core = current::expect("greenroom::time::after");
    let deadline = core.deadline(delay);
    Timer::new(schedule(&core, deadline, f), core.driver.instant(deadline))
}

/// Calls `f` on this loop when its clock shows `instant`; in the next turn when that is past.
/// Otherwise as [`after`].
///
/// # Panics
/// When this thread runs no loop.
///
/// ```
/// use std::{cell::Cell, rc::Rc, time::Duration};
/// use greenroom::{EventLoop, time};
///
/// EventLoop::builder().virtual_clock(1).build()?.run(async {
///     let called = Rc::new(Cell::new(None));
///     let (in_callback, instant) = (called.clone(), time::now() + Duration::from_secs(5));
///     time::at(instant, move || in_callback.set(Some(time::now())));
///     time::sleep(Duration::from_secs(60)).await;
///     assert_eq!(called.get(), Some(instant));
/// });
/// # Ok::<(), std::io::Error>(())
/// ```
#[track_caller]
pub fn at(instant: Instant, f: impl FnOnce() + 'static) -> Timer {
    let core = current::expect("greenroom::time::at");
    Timer::new(schedule(&core, core.driver.nanos_at(instant), f), instant)
}

/// A callback that waits for its time; made by [`after`] and [`at`]. Dropping this changes nothing.
///
/// ```
/// use std::time::Duration;
/// use greenroom::time::{self, Timer};
/// # greenroom::EventLoop::builder().virtual_clock(1).build()?.run(async {
/// let timer: Timer = time::after(Duration::from_secs(1), || panic!("it is never called"));
/// assert!(timer.cancel());
/// assert!(!timer.cancel(), "once is enough");
/// time::sleep(Duration::from_secs(2)).await;
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Timer {
    scheduled: Scheduled,
    when: Instant,
    /// It means something to its own loop only.
    stays: PhantomData<Rc<()>>,
}

impl Timer {
    const fn new(scheduled: Scheduled, when: Instant) -> Self {
        Self { scheduled, when, stays: PhantomData }
    }

    /// Drops the callback, which is then never called. `false` when it was called or cancelled
    /// before, or is being called now.
    ///
    /// ```
    /// use std::time::Duration;
    /// greenroom::run(async |_system| {
    ///     let timer = greenroom::time::after(Duration::from_secs(60), || ());
    ///     assert!(timer.cancel() && !timer.is_pending());
    /// });
    /// ```
    pub fn cancel(&self) -> bool {
        self.scheduled.cancel()
    }

    /// Whether it is still to be called.
    ///
    /// ```
    /// use std::time::Duration;
    /// greenroom::run(async |_system| {
    ///     let timer = greenroom::time::after(Duration::from_secs(60), || ());
    ///     assert!(timer.is_pending());
    /// });
    /// ```
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.scheduled.is_pending()
    }

    /// When it is to be called, on the clock of [`now`](super::now).
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::time;
    /// # greenroom::EventLoop::builder().virtual_clock(1).build()?.run(async {
    /// let timer = time::after(Duration::from_secs(5), || ());
    /// assert_eq!(timer.when() - time::now(), Duration::from_secs(5));
    /// # });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub const fn when(&self) -> Instant {
        self.when
    }
}
