//! One connection as its server sees it: the socket, who waits on it, and how it may end.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::idle::Idle;
use super::roll::Roll;
use super::socket::Socket;
use crate::base::clock::nanos;
use crate::base::waiters::Waiters;
use crate::event_loop::core::Core;
use crate::event_loop::current;
use crate::reactor::readiness::Direction;
use crate::time::{Sleep, sleep};

/// How a connection stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Standing {
    Open,
    /// It was asked to end: there is nothing more to read.
    Closing,
    /// Its owner has dropped it.
    Dropped,
    Idle(Duration),
    Aborted,
}

/// What still belongs to a connection. It is gone when all has been let go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Part {
    Socket = 0,
    Handler = 1,
}

pub(crate) struct Line<S: Socket> {
    pub(crate) id: u64,
    pub(crate) local: S::Addr,
    pub(crate) peer: S::Addr,
    /// Taken away when the connection ends, whoever has it.
    socket: RefCell<Option<Rc<S>>>,
    standing: Cell<Standing>,
    idle: Cell<Idle>,
    limit: Option<Duration>,
    /// Who waits for each direction, and the alarm for its limit.
    parked: [RefCell<Option<Waker>>; 2],
    alarms: [Cell<Option<Sleep>>; 2],
    pub(crate) closing: Waiters,
    parts: Cell<[bool; 2]>,
    roll: Weak<Roll<S>>,
}

impl<S: Socket> Line<S> {
    pub(crate) fn new(
        id: u64,
        (local, peer): (S::Addr, S::Addr),
        socket: S,
        limit: Option<Duration>,
        roll: Weak<Roll<S>>,
    ) -> Rc<Self> {
        Rc::new(Self {
            id,
            local,
            peer,
            socket: RefCell::new(Some(Rc::new(socket))),
            standing: Cell::new(Standing::Open),
            idle: Cell::new(Idle::default()),
            limit,
            parked: Default::default(),
            alarms: Default::default(),
            closing: Waiters::default(),
            parts: Cell::new([true; 2]),
            roll,
        })
    }

    pub(crate) const fn standing(&self) -> Standing {
        self.standing.get()
    }

    /// The socket, for as long as the caller has it in its hand.
    pub(crate) fn socket(&self) -> io::Result<Rc<S>> {
        let socket = self.socket.borrow().clone();
        socket.ok_or_else(|| match self.standing.get() {
            Standing::Idle(limit) => idle(limit),
            _ => io::Error::new(
                io::ErrorKind::ConnectionAborted,
                "the server has aborted this connection",
            ),
        })
    }

    /// Tries `operation`; while it waits, the connection may end or be idle for too long.
    pub(crate) fn poll_io(
        &self,
        direction: Direction,
        cx: &mut Context<'_>,
        operation: impl FnOnce(&S, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let Some(socket) = self.usable(direction)? else { return Poll::Ready(Ok(0)) };
        let done = operation(&socket, cx);
        let now = current::with(Core::now).unwrap_or_default();
        if done.is_ready() {
            self.idle.set(self.idle.get().moved(direction, now));
            return done;
        }
        let waker = cx.waker().clone();
        let displaced = self.parked[direction as usize].replace(Some(waker));
        drop(displaced);
        // Code of a waker may have ended the connection meanwhile.
        if self.usable(direction)?.is_none() {
            return Poll::Ready(Ok(0));
        }
        self.idle.set(self.idle.get().waits(direction, now));
        self.poll_idle(direction, now, cx)
    }

    /// The socket, or that there is nothing more to read.
    fn usable(&self, direction: Direction) -> io::Result<Option<Rc<S>>> {
        let over = direction == Direction::Read && self.standing() == Standing::Closing;
        Ok(Some(self.socket()?).filter(|_| !over))
    }

    fn poll_idle<T>(
        &self,
        direction: Direction,
        now: u64,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        let Some(limit) = self.limit else { return Poll::Pending };
        let alarm = &self.alarms[direction as usize];
        loop {
            let mut left = self.idle.get().left(nanos(limit), now);
            let before = current::with(Core::before).unwrap_or_default();
            if left == 0 && self.idle.get().left(nanos(limit), before) == 0 {
                // The alarm went off before, and whoever waited then had given up.
                self.idle.set(self.idle.get().given_up(direction).waits(direction, now));
                left = self.idle.get().left(nanos(limit), now);
            }
            if left == 0 {
                self.end(Standing::Idle(limit));
                return Poll::Ready(Err(idle(limit)));
            }
            // An old alarm is good enough: when it goes off, it is seen what is left.
            let sleeping = alarm.take();
            let mut sleeping = sleeping.unwrap_or_else(|| sleep(Duration::from_nanos(left)));
            if Pin::new(&mut sleeping).poll(cx).is_pending() {
                alarm.set(Some(sleeping));
                return Poll::Pending;
            }
        }
    }

    /// Asks the connection to end: reads give the end of the stream.
    pub(crate) fn close(&self) {
        if self.standing() == Standing::Open {
            self.standing.set(Standing::Closing);
            self.wake();
        }
    }

    /// Ends the connection and closes its socket, whoever has it.
    pub(crate) fn end(&self, standing: Standing) {
        let socket = self.socket.take();
        let Some(socket) = socket else { return };
        // What a connection was asked for stays known when it is dropped.
        if standing != Standing::Dropped || self.standing() == Standing::Open {
            self.standing.set(standing);
        }
        let unread = self.idle.get().is_waiting(Direction::Write);
        if standing == Standing::Aborted || (unread && standing != Standing::Dropped) {
            socket.reset_on_close();
        }
        drop(socket);
        for alarm in &self.alarms {
            drop(alarm.take());
        }
        self.wake();
        self.let_go(Part::Socket);
    }

    fn wake(&self) {
        for parked in &self.parked {
            let waker = parked.take();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
        self.closing.wake_all();
    }

    /// A part is gone; with the last one, the connection is.
    pub(crate) fn let_go(&self, part: Part) {
        let mut parts = self.parts.get();
        if !std::mem::replace(&mut parts[part as usize], false) {
            return;
        }
        self.parts.set(parts);
        if parts == [false; 2]
            && let Some(roll) = self.roll.upgrade()
        {
            roll.remove(self.id);
        }
    }
}

fn idle(limit: Duration) -> io::Error {
    io::Error::new(
        io::ErrorKind::TimedOut,
        format!("not a byte came or went for {limit:?}, so the server has closed this connection"),
    )
}
