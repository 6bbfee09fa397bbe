//! `Mailbox`: the ring with its two lanes, its quota for one poll, and its line.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::task::Waker;

use super::line::{Line, Ticket};
use super::overflow::{Admission, Fill, Overflow, admit};
use crate::base::invariant::invariant;

/// The messages of one actor, over all its incarnations.
pub(crate) struct Mailbox<M> {
    ring: RefCell<VecDeque<M>>,
    /// How many at the front of the ring are urgent.
    urgent: Cell<u32>,
    /// How many more may be taken in this poll.
    quota: Cell<u32>,
    capacity: usize,
    overflow: Overflow,
    open: Cell<bool>,
    has_line: Cell<bool>,
    line: RefCell<Option<Box<Line>>>,
}

impl<M> Mailbox<M> {
    pub(crate) const fn new(capacity: usize, overflow: Overflow) -> Self {
        Self {
            ring: RefCell::new(VecDeque::new()),
            urgent: Cell::new(0),
            quota: Cell::new(0),
            capacity,
            overflow,
            open: Cell::new(true),
            has_line: Cell::new(false),
            line: RefCell::new(None),
        }
    }

    pub(crate) const fn capacity(&self) -> usize {
        self.capacity
    }

    #[cfg(test)]
    pub(crate) const fn is_open(&self) -> bool {
        self.open.get()
    }

    pub(crate) fn len(&self) -> usize {
        self.ring.borrow().len()
    }

    /// Begins a poll: at most what is here now, and at most `budget`, may be taken in it. Without
    /// this rule a fast sender and its receiver build an endless backlog between them.
    #[inline]
    pub(crate) fn begin_poll(&self, budget: u32) {
        self.quota.set((self.ring.borrow().len() as u32).min(budget));
    }

    /// What is to be done with a newcomer's message.
    #[inline]
    pub(crate) fn admission(&self) -> Admission {
        let ordinary = self.ring.borrow().len() - self.urgent.get() as usize;
        if !self.has_line.get() {
            let fill = Fill { ordinary, capacity: self.capacity, granted: 0, waiting: 0 };
            return admit(fill, self.overflow);
        }
        admit(self.fill(ordinary), self.overflow)
    }

    fn fill(&self, ordinary: usize) -> Fill {
        let line = self.line.borrow();
        let (waiting, granted) =
            line.as_ref().map_or((0, 0), |line| (line.waiting(), line.granted()));
        Fill { ordinary, capacity: self.capacity, granted, waiting }
    }

    /// Puts an ordinary message that was admitted.
    #[inline(always)]
    pub(crate) fn put(&self, message: M) {
        let mut ring = self.ring.borrow_mut();
        ring.push_back(message);
        invariant!(
            M3,
            ring.len() - self.urgent.get() as usize <= self.capacity,
            "{} messages in a mailbox for {}",
            ring.len(),
            self.capacity
        );
    }

    /// Puts an ordinary message that no bound applies to: a notice that must arrive, in its turn.
    pub(crate) fn put_exempt(&self, message: M) {
        self.ring.borrow_mut().push_back(message);
    }

    /// Puts a message before all ordinary ones and after the urgent ones before it.
    pub(crate) fn put_urgent(&self, message: M) {
        let urgent = self.urgent.get();
        self.ring.borrow_mut().insert(urgent as usize, message);
        self.urgent.set(urgent + 1);
    }

    /// Takes the oldest ordinary message out, to make room.
    pub(crate) fn take_oldest(&self) -> Option<M> {
        self.ring.borrow_mut().remove(self.urgent.get() as usize)
    }

    /// Takes the next message: urgent ones first, then the oldest. Nothing when there is none or
    /// this poll has had its share. [`grant_next`](Self::grant_next) is to follow.
    #[inline(always)]
    pub(crate) fn take(&self) -> Option<M> {
        let quota = self.quota.get().checked_sub(1)?;
        let message = self.ring.borrow_mut().pop_front()?;
        self.quota.set(quota);
        self.urgent.set(self.urgent.get().saturating_sub(1));
        Some(message)
    }

    /// After a message was taken: the waker of a sender who waited and may now send. Call it when
    /// nothing is borrowed.
    #[inline]
    pub(crate) fn grant_next(&self) -> Option<Waker> {
        if self.has_line.get() { self.grant() } else { None }
    }

    /// Whether there is a message that this poll may take.
    #[inline]
    pub(crate) fn may_take(&self) -> bool {
        self.quota.get() > 0 && !self.is_empty()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ring.borrow().is_empty()
    }

    /// Promises room to the first in line, if there is room to promise.
    #[cold]
    pub(crate) fn grant(&self) -> Option<Waker> {
        let ordinary = self.len() - self.urgent.get() as usize;
        if !self.fill(ordinary).has_room() {
            return None;
        }
        self.line.borrow_mut().as_mut()?.grant()
    }

    pub(crate) fn join_line(&self, waker: Waker) -> Ticket {
        self.has_line.set(true);
        self.line.borrow_mut().get_or_insert_default().join(waker)
    }

    pub(crate) fn update_line(&self, ticket: Ticket, waker: &Waker) -> Option<Waker> {
        self.line.borrow_mut().as_mut()?.update(ticket, waker)
    }

    /// Uses up the promise that a waiter was given.
    pub(crate) fn redeem(&self, ticket: Ticket) -> bool {
        let mut line = self.line.borrow_mut();
        let redeemed = line.as_mut().is_some_and(|line| line.redeem(ticket));
        self.tidy_line(line.as_deref());
        redeemed
    }

    /// Leaves the line. A promise that was not used goes to the next; call its waker. The other
    /// waker is the leaver's own, to be dropped.
    pub(crate) fn leave_line(&self, ticket: Ticket) -> [Option<Waker>; 2] {
        let mut line = self.line.borrow_mut();
        let Some((had_promise, own)) = line.as_mut().map(|line| line.leave(ticket)) else {
            return [None, None];
        };
        self.tidy_line(line.as_deref());
        drop(line);
        [if had_promise { self.grant() } else { None }, own]
    }

    fn tidy_line(&self, line: Option<&Line>) {
        self.has_line.set(line.is_some_and(|line| line.waiting() + line.granted() > 0));
    }

    /// Closes the mailbox for good; those who waited are to be woken, to learn of it.
    pub(crate) fn close(&self) -> Vec<Waker> {
        self.open.set(false);
        self.has_line.set(false);
        self.line.borrow_mut().take().map_or_else(Vec::new, |mut line| line.dissolve())
    }

    /// Takes what is left after closing, quota or not.
    pub(crate) fn drain_one(&self) -> Option<M> {
        self.urgent.set(self.urgent.get().saturating_sub(1));
        self.ring.borrow_mut().pop_front()
    }
}
