//! `Gate`: a line of tasks. Nothing is woken, cloned or dropped while the line is borrowed.

use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::waiters::{Line, Standing, Ticket};

/// What becomes of a promise when whoever it was made to is gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unused {
    /// The permits are free again: locks, semaphores, queues.
    Free,
    /// The next one is told instead: a condition.
    Next,
    /// Nothing: all who waited were told, as of an event.
    Void,
}

/// Where tasks wait until there is a permit for them, or until they are called.
pub(crate) struct Gate {
    line: RefCell<Line<Waker>>,
    unused: Unused,
}

impl Gate {
    pub(crate) const fn new(permits: usize, unused: Unused) -> Self {
        Self { line: RefCell::new(Line::new(permits)), unused }
    }

    pub(crate) fn free(&self) -> usize {
        self.line.borrow().free()
    }

    pub(crate) fn waiting(&self) -> usize {
        self.line.borrow().waiting()
    }

    /// Takes permits without waiting; `false` when there are too few, or others wait.
    pub(crate) fn try_take(&self, permits: usize) -> bool {
        self.line.borrow_mut().try_take(permits)
    }

    /// Waits for permits, or for a call; `false` when the gate was closed meanwhile.
    pub(crate) const fn take(&self, permits: usize) -> Take<'_> {
        Take { gate: self, permits, place: Place::Outside }
    }

    /// Gives permits back, or new ones, and wakes whoever may go on.
    pub(crate) fn give(&self, permits: usize) {
        self.line.borrow_mut().give(permits);
        self.serve();
    }

    /// Lets the first `most` of those who wait go on.
    pub(crate) fn call(&self, most: usize) {
        let called = self.line.borrow_mut().call_many(most);
        called.into_iter().for_each(Waker::wake);
    }

    /// Sends away those who wait, as nothing will come any more.
    pub(crate) fn close(&self) {
        let sent_away = self.line.borrow_mut().dissolve();
        sent_away.into_iter().for_each(Waker::wake);
    }

    /// The same; and what is free, or was promised, is gone.
    pub(crate) fn void(&self) {
        let sent_away = self.line.borrow_mut().void();
        sent_away.into_iter().for_each(Waker::wake);
    }

    fn serve(&self) {
        loop {
            let next = self.line.borrow_mut().serve();
            let Some(next) = next else { return };
            next.wake();
        }
    }

    fn leave(&self, ticket: Ticket) {
        let left = self.line.borrow_mut().leave(ticket);
        match (left.promised, self.unused) {
            (Some(permits), Unused::Free) => self.give(permits),
            (Some(_), Unused::Next) => self.call(1),
            (Some(_), Unused::Void) => {}
            // One who wanted many may have held up others.
            (None, _) => self.serve(),
        }
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line.borrow();
        f.debug_struct("Gate")
            .field("free", &line.free())
            .field("waiting", &line.waiting())
            .finish()
    }
}

/// The future of [`Gate::take`]. It stands in line from its first poll on; dropped, it leaves, and
/// what it was promised goes on to others.
#[must_use = "a future does nothing unless it is awaited"]
pub(crate) struct Take<'a> {
    gate: &'a Gate,
    permits: usize,
    place: Place,
}

#[derive(Clone, Copy)]
enum Place {
    Outside,
    InLine(Ticket),
    Done,
}

impl Future for Take<'_> {
    type Output = bool;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<bool> {
        // Cloned before the borrow and dropped after it: a foreign waker may run code.
        let waker = cx.waker().clone();
        let mut line = self.gate.line.borrow_mut();
        let standing = match self.place {
            Place::Outside if line.try_take(self.permits) => Standing::Taken,
            Place::Outside => {
                let ticket = line.join(self.permits, waker);
                drop(line);
                self.place = Place::InLine(ticket);
                return Poll::Pending;
            }
            Place::InLine(ticket) => line.redeem(ticket),
            Place::Done => return Poll::Pending,
        };
        if let (Standing::Waits, Place::InLine(ticket)) = (&standing, self.place) {
            let displaced = line.replace(ticket, waker);
            drop(line);
            drop(displaced);
            return Poll::Pending;
        }
        drop(line);
        self.place = Place::Done;
        Poll::Ready(standing == Standing::Taken)
    }
}

impl Drop for Take<'_> {
    fn drop(&mut self) {
        if let Place::InLine(ticket) = self.place {
            self.gate.leave(ticket);
        }
    }
}
