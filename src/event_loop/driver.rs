//! Everything about a loop that two runs of the same program may not agree on, behind one enum.
//!
//! The clock, the order of ready tasks, the registration and readiness of sockets, random numbers
//! and the inbox of other threads go through [`Driver`]. What is read from a socket does not: a
//! loop on a virtual clock has none. A simulation is another variant, and the turn stays the one
//! that production runs.

use std::cell::{Cell, RefCell};
use std::io;
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::base::clock::{Clock, nanos};
use crate::base::key::Key;
use crate::base::rng::Rng;
use crate::reactor::Reactor;
use crate::scheduler::remote::{Post, Remote};
use crate::scheduler::table::{LocalFuture, Scheduler};

/// The one boundary between a loop and what is not deterministic.
pub(crate) enum Driver {
    /// The machine: its clock and its sockets.
    Real(Box<RealDriver>),
    /// A clock that moves only when nothing is ready, and no sockets.
    Virtual(VirtualDriver),
}

pub(crate) struct RealDriver {
    clock: Clock,
    reactor: RefCell<Reactor>,
    rng: RefCell<Rng>,
}

pub(crate) struct VirtualDriver {
    now: Cell<u64>,
    rng: RefCell<Rng>,
    /// Ready tasks run in an order drawn from the seed.
    shuffled: bool,
    /// Virtual time as an `Instant` counts from here.
    origin: Clock,
}

impl Driver {
    pub(crate) fn real(reactor: Reactor) -> Self {
        Self::Real(Box::new(RealDriver {
            clock: Clock::start(),
            reactor: RefCell::new(reactor),
            rng: RefCell::new(Rng::from_entropy()),
        }))
    }

    pub(crate) fn simulated(seed: u64, shuffled: bool) -> Self {
        Self::Virtual(VirtualDriver {
            now: Cell::new(0),
            rng: RefCell::new(Rng::seeded(seed)),
            shuffled,
            origin: Clock::start(),
        })
    }

    pub(crate) const fn is_virtual(&self) -> bool {
        matches!(self, Self::Virtual(_))
    }

    /// Nanoseconds since the loop was made.
    #[inline]
    pub(crate) fn now(&self) -> u64 {
        match self {
            Self::Real(real) => real.clock.now(),
            Self::Virtual(simulated) => simulated.now.get(),
        }
    }

    /// The same time as an `Instant`, for code that wants one.
    pub(crate) fn instant(&self, now: u64) -> Instant {
        let clock = match self {
            Self::Real(real) => &real.clock,
            Self::Virtual(simulated) => &simulated.origin,
        };
        clock.instant(now)
    }

    /// The time of an `Instant` on this loop's clock; zero for one before the loop was made.
    pub(crate) fn nanos_at(&self, instant: Instant) -> u64 {
        nanos(instant.saturating_duration_since(self.instant(0)))
    }

    /// The next task to run, of those that are left of a round: first in, first out, unless the
    /// schedule is shuffled.
    #[inline]
    pub(crate) fn next_task(
        &self,
        scheduler: &Scheduler,
        left: u32,
    ) -> Option<(Key, Option<LocalFuture>)> {
        if let Self::Virtual(simulated) = self
            && simulated.shuffled
        {
            let pick = simulated.rng.borrow_mut().unit() * f64::from(left);
            scheduler.bring_forward(pick as usize);
        }
        scheduler.next()
    }

    /// Waits for sockets, for other threads, or for the deadline, whichever is first, and collects
    /// the wakers of those whose sockets are ready. `Some(ZERO)` looks and does not wait.
    pub(crate) fn wait(
        &self,
        timeout: Option<Duration>,
        wakers: &mut Vec<Waker>,
    ) -> io::Result<()> {
        match self {
            Self::Real(real) => real.reactor.borrow_mut().poll(timeout, wakers),
            Self::Virtual(simulated) => {
                match timeout {
                    Some(timeout) => {
                        simulated.now.set(simulated.now.get().saturating_add(nanos(timeout)));
                    }
                    // Nothing is ready and no timer is set: only another thread can go on.
                    None => std::thread::park(),
                }
                Ok(())
            }
        }
    }

    /// A random number in `0.0..1.0`.
    pub(crate) fn random(&self) -> f64 {
        match self {
            Self::Real(real) => real.rng.borrow_mut().unit(),
            Self::Virtual(simulated) => simulated.rng.borrow_mut().unit(),
        }
    }

    /// Takes what other threads left.
    pub(crate) fn inbox(&self, remote: &Remote, posts: &mut Vec<Post>) {
        if remote.has_posts() {
            remote.take(posts);
        }
    }

    /// The table of sockets, for registering and asking; `Err` where there are none.
    pub(crate) fn reactor(&self) -> io::Result<&RefCell<Reactor>> {
        match self {
            Self::Real(real) => Ok(&real.reactor),
            Self::Virtual(_) => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "a loop on a virtual clock has no sockets of the machine",
            )),
        }
    }
}
