//! Every limit and option of a loop, with its unit, its bounds and its default.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::EventLoop;
use super::core::Core;
use super::driver::Driver;
use super::panics::{self, OnPanic, PanicReport};
use super::stall::{Activity, Watcher};
use crate::reactor::Reactor;
use crate::scheduler::remote::Remote;

/// How much of anything a loop does before it looks at the rest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) polls_per_turn: u32,
    pub(crate) messages_per_poll: u32,
    pub(crate) operations_per_poll: u32,
    pub(crate) kernel_interval: Duration,
    pub(crate) events_per_wait: usize,
    pub(crate) posts_max: usize,
}

/// Builds an [`EventLoop`] with other limits than the usual ones.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use greenroom::EventLoop;
///
/// let mut event_loop = EventLoop::builder().polls_per_turn(64).messages_per_poll(32).build()?;
/// assert_eq!(event_loop.run(async { 2 + 2 }), 4);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct EventLoopBuilder {
    limits: Limits,
    slow_handler: Option<Duration>,
    virtual_clock: Option<u64>,
    shuffled: bool,
    on_panic: Option<OnPanic>,
    measured: bool,
}

impl EventLoopBuilder {
    pub(crate) const fn new() -> Self {
        let limits = Limits {
            polls_per_turn: 256,
            messages_per_poll: 128,
            operations_per_poll: 128,
            kernel_interval: Duration::from_micros(50),
            events_per_wait: 1_024,
            posts_max: 65_536,
        };
        Self {
            limits,
            slow_handler: None,
            virtual_clock: None,
            shuffled: false,
            on_panic: None,
            measured: false,
        }
    }

    /// How many tasks are polled before the loop looks at its inbox and its timers again. At least
    /// 1; 256 by default.
    ///
    /// ```
    /// let mut event_loop = greenroom::EventLoop::builder().polls_per_turn(1).build()?;
    /// event_loop.run(async { greenroom::task::spawn(greenroom::task::yield_now()).detach() });
    /// assert!(event_loop.turn(), "one poll did not end it");
    /// assert!(!event_loop.turn());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub const fn polls_per_turn(mut self, polls: u32) -> Self {
        self.limits.polls_per_turn = if polls == 0 { 1 } else { polls };
        self
    }

    /// How many messages an actor handles before another task has its turn. At least 1; 128 by
    /// default. It never handles more than were in its mailbox when its turn began.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    /// # enum Msg { Hello }
    /// # impl Protocol for Msg {}
    /// static HANDLED: AtomicU32 = AtomicU32::new(0);
    /// async fn count(cx: &mut Cx<Msg>) -> Result<(), Fault> {
    ///     loop { cx.recv().await; HANDLED.fetch_add(1, Relaxed); }
    /// }
    /// let mut event_loop = greenroom::EventLoop::builder().messages_per_poll(1).build()?;
    /// event_loop.run(async {
    ///     let addr = greenroom::actor::spawn("count", count);
    ///     for _ in 0..3 { addr.tell(Msg::Hello).await.unwrap(); }
    ///     greenroom::task::yield_now().await;
    ///     assert_eq!(HANDLED.load(Relaxed), 1);
    /// });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub const fn messages_per_poll(mut self, messages: u32) -> Self {
        self.limits.messages_per_poll = if messages == 0 { 1 } else { messages };
        self
    }

    /// How many operations on sockets a task may complete before another task has its turn, however
    /// ready the sockets are. At least 1; 128 by default.
    ///
    /// ```
    /// use greenroom::net::UdpSocket;
    /// let mut event_loop = greenroom::EventLoop::builder().operations_per_poll(1).build()?;
    /// event_loop.run(async {
    ///     let socket = UdpSocket::bind("127.0.0.1:0").await?;
    ///     let to = socket.local_addr()?;
    ///     assert!(futures::poll!(Box::pin(socket.send_to(b"one", to))).is_ready());
    ///     assert!(futures::poll!(Box::pin(socket.send_to(b"two", to))).is_pending(), "others first");
    ///     Ok::<(), std::io::Error>(())
    /// }).unwrap();
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub const fn operations_per_poll(mut self, operations: u32) -> Self {
        self.limits.operations_per_poll = if operations == 0 { 1 } else { operations };
        self
    }

    /// How long a busy loop goes on before it asks the kernel for news of its sockets; 50 µs by
    /// default. An idle loop asks at once. Asking costs as much as ten tasks, so it goes by time
    /// and not by count.
    ///
    /// ```
    /// use std::time::Duration;
    /// let mut event_loop = greenroom::EventLoop::builder().kernel_interval(Duration::ZERO).build()?;
    /// assert_eq!(event_loop.run(async { 2 + 2 }), 4); // sockets are looked at in every turn
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub const fn kernel_interval(mut self, interval: Duration) -> Self {
        self.limits.kernel_interval = interval;
        self
    }

    /// How many closures and messages other threads may leave before further ones are refused;
    /// 65,536 by default. Wake-ups of tasks are never refused.
    ///
    /// ```
    /// let event_loop = greenroom::EventLoop::builder().posts_max(1).build()?;
    /// let handle = event_loop.handle();
    /// assert!(handle.post(|| ()).is_ok());
    /// assert!(handle.post(|| ()).is_err(), "nobody has taken the first");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub const fn posts_max(mut self, posts: usize) -> Self {
        self.limits.posts_max = posts;
        self
    }

    /// Reports every task and handler that holds the loop for longer than `limit`: an actor by name
    /// when it lets go, one that does not by the number of its task, after ten times the limit. It
    /// costs one watcher thread and a few plain stores a poll; by default it is off.
    ///
    /// ```
    /// use std::time::Duration;
    /// let event_loop = greenroom::EventLoop::builder().slow_handler(Duration::from_millis(50)).build()?;
    /// # drop(event_loop);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub const fn slow_handler(mut self, limit: Duration) -> Self {
        self.slow_handler = Some(limit);
        self
    }

    /// Replaces the machine's clock by one that stands still while anything is ready and jumps to
    /// the next deadline when nothing is, and seeds the loop's random numbers. Such a loop has no
    /// sockets. An hour of sleeping takes no time:
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// use std::time::Duration;
    /// use greenroom::{EventLoop, time};
    ///
    /// let mut event_loop = EventLoop::builder().virtual_clock(1).build()?;
    /// event_loop.run(async {
    ///     let before = time::now();
    ///     time::sleep(Duration::from_secs(3_600)).await;
    ///     assert_eq!(time::now() - before, Duration::from_secs(3_600));
    /// });
    /// # Ok(())
    /// # }
    /// ```
    pub const fn virtual_clock(mut self, seed: u64) -> Self {
        self.virtual_clock = Some(seed);
        self
    }

    /// Runs ready tasks in an order drawn from the seed of [`virtual_clock`](Self::virtual_clock)
    /// instead of first come first served: what a program may not depend on differs from seed to
    /// seed, and is the same for the same seed. On the machine's clock it changes nothing.
    ///
    /// ```
    /// use std::{cell::RefCell, rc::Rc};
    /// use greenroom::{EventLoop, task};
    ///
    /// let order = |seed| {
    ///     let mut event_loop = EventLoop::builder().virtual_clock(seed).shuffled(true).build()?;
    ///     let order = Rc::new(RefCell::new(Vec::new()));
    ///     for number in 0..20 {
    ///         let order = Rc::clone(&order);
    ///         event_loop.run(async { task::spawn(async move { order.borrow_mut().push(number) }).detach() });
    ///     }
    ///     while event_loop.turn() {}
    ///     let order = order.borrow().clone();
    ///     Ok::<_, std::io::Error>(order)
    /// };
    /// assert_eq!(order(1)?, order(1)?);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub const fn shuffled(mut self, shuffled: bool) -> Self {
        self.shuffled = shuffled;
        self
    }

    /// Measures in each turn how long it takes, how late the timers are and how many tasks are
    /// ready: [`LoopStats::measured`](super::LoopStats::measured). It costs one reading of the
    /// clock a turn and 12 KB; by default it is off and costs nothing.
    ///
    /// ```
    /// let mut event_loop = greenroom::EventLoop::builder().measured(true).build()?;
    /// event_loop.turn();
    /// assert_eq!(event_loop.stats().measured.unwrap().tick.count(), 1);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub const fn measured(mut self, measured: bool) -> Self {
        self.measured = measured;
        self
    }

    /// Tells `f` of every panic that no other code hears of, beside the log: in callbacks
    /// ([`post`](super::post), [`time::after`](crate::time::after)), in closures of other threads
    /// ([`LoopHandle::post`](super::LoopHandle::post)), and in tasks whose handle was dropped. It
    /// is called on the loop's thread, once for each; a panic of its own is logged and ends there.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    /// static PANICS: AtomicU32 = AtomicU32::new(0);
    /// let builder = greenroom::EventLoop::builder().on_panic(|_| { PANICS.fetch_add(1, Relaxed); });
    /// builder.build()?.run(async {
    ///     greenroom::task::spawn(async { panic!("nobody awaits it") }).detach();
    ///     greenroom::task::yield_now().await;
    /// });
    /// assert_eq!(PANICS.load(Relaxed), 1);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn on_panic(mut self, f: impl Fn(&PanicReport<'_>) + Send + Sync + 'static) -> Self {
        self.on_panic = Some(Arc::new(f));
        self
    }

    /// Makes the loop, on the thread where it is to run.
    ///
    /// # Errors
    /// When the kernel gives no poller (out of descriptors), or the process has made a million
    /// loops.
    ///
    /// ```
    /// let mut event_loop = greenroom::EventLoop::builder().virtual_clock(7).build()?;
    /// assert_eq!(event_loop.run(async { 2 + 2 }), 4);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn build(self) -> io::Result<EventLoop> {
        let (driver, unpark): (Driver, Box<dyn Fn() + Send + Sync>) = match self.virtual_clock {
            Some(seed) => {
                let thread = std::thread::current();
                (Driver::simulated(seed, self.shuffled), Box::new(move || thread.unpark()))
            }
            None => {
                let reactor = Reactor::new(self.limits.events_per_wait)?;
                let unparker = reactor.unparker()?;
                let unpark = move || {
                    if let Err(error) = unparker.wake() {
                        tracing::error!(
                            target: "greenroom::loop", %error,
                            "a sleeping loop could not be woken",
                        );
                    }
                };
                (Driver::real(reactor), Box::new(unpark))
            }
        };
        let remote = Remote::register(unpark, self.limits.posts_max).map_err(io::Error::other)?;
        let activity = self.slow_handler.map(|limit| Arc::new(Activity::new(limit)));
        let watcher = activity.clone().map(Watcher::start);
        let core = Core::new(driver, remote, self.limits, activity);
        if let Some(on_panic) = self.on_panic {
            panics::listen(&core, on_panic);
        }
        Ok(EventLoop::new_with(core, watcher, self.measured))
    }
}

impl fmt::Debug for EventLoopBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventLoopBuilder")
            .field("limits", &self.limits)
            .field("slow_handler", &self.slow_handler)
            .field("virtual_clock", &self.virtual_clock)
            .field("shuffled", &self.shuffled)
            .finish_non_exhaustive()
    }
}
