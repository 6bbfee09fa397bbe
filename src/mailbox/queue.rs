//! `Mailbox`: the ring with its two lanes, its quota for one poll, and its line.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::task::Waker;

use super::line::{Line, Ticket};
use super::overflow::{Admission, Fill, Overflow, admit};
use super::side::{Side, Taken};
use crate::base::invariant::invariant;

/// The messages of one actor, over all its incarnations.
pub(crate) struct Mailbox<M> {
    ring: RefCell<VecDeque<M>>,
    /// How many at the front of the ring are urgent.
    urgent: Cell<u32>,
    /// How many more may be taken in this poll.
    quota: Cell<u32>,
    capacity: usize,
    /// How many urgent messages of other actors there may be.
    urgent_capacity: u32,
    overflow: Overflow,
    open: Cell<bool>,
    has_side: Cell<bool>,
    side: RefCell<Option<Box<Side<M>>>>,
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
            urgent_capacity: 0,
            overflow,
            open: Cell::new(true),
            has_side: Cell::new(false),
            side: RefCell::new(None),
            has_line: Cell::new(false),
            line: RefCell::new(None),
        }
    }

    /// With a lane for so many urgent messages of other actors.
    pub(crate) const fn with_urgent(mut self, urgent_capacity: u32) -> Self {
        self.urgent_capacity = urgent_capacity;
        self
    }

    pub(crate) const fn capacity(&self) -> usize {
        self.capacity
    }

    #[cfg(test)]
    pub(crate) const fn is_open(&self) -> bool {
        self.open.get()
    }

    pub(crate) fn len(&self) -> usize {
        let beside = if self.has_side.get() { self.with_side(|side| side.len()) } else { 0 };
        self.ring.borrow().len() + beside
    }

    fn with_side<T>(&self, f: impl FnOnce(&mut Side<M>) -> T) -> T {
        let mut side = self.side.borrow_mut();
        let side = side.get_or_insert_default();
        let result = f(side);
        self.has_side.set(!side.is_idle());
        result
    }

    /// Begins a poll: at most what is here now, and at most `budget`, may be taken in it. Without
    /// this rule a fast sender and its receiver build an endless backlog between them.
    #[inline]
    pub(crate) fn begin_poll(&self, budget: u32) {
        self.quota.set((self.len() as u32).min(budget));
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

    /// Puts a notice, to which no bound applies, behind all that have come. It can be taken back by
    /// its tag.
    pub(crate) fn put_notice(&self, tag: u64, message: M) {
        let ordinary = self.ring.borrow().len() - self.urgent.get() as usize;
        self.with_side(|side| side.put_notice(tag, message, ordinary));
    }

    /// Puts a notice before all that others have sent, and behind what the actor itself asked for.
    pub(crate) fn put_due(&self, tag: u64, message: M) {
        self.with_side(|side| side.put_due(tag, message));
    }

    /// Puts another message in the place of the notice with this tag, and gives the one that stood
    /// there; or gives the new one back when none stands there.
    pub(crate) fn replace_notice(&self, tag: u64, message: M) -> Result<M, M> {
        if !self.has_side.get() {
            return Err(message);
        }
        self.with_side(|side| side.replace_notice(tag, message))
    }

    /// Takes all notices with this tag back.
    pub(crate) fn remove_notices(&self, tag: u64) -> Vec<M> {
        if !self.has_side.get() {
            return Vec::new();
        }
        self.with_side(|side| side.remove_notices(tag))
    }

    /// Puts a message that is to be handled directly after the present one.
    pub(crate) fn put_next(&self, message: M) {
        self.with_side(|side| side.put_next(message));
    }

    /// Puts a message that was in the hand of a crashed incarnation before all that have come.
    pub(crate) fn put_redelivered(&self, message: M, attempts: u32) {
        self.with_side(|side| side.put_redelivered(message, attempts));
    }

    /// Brings messages back before all that have come.
    pub(crate) fn put_replayed(&self, messages: impl IntoIterator<Item = M>) {
        self.with_side(|side| side.put_replayed(messages));
    }

    /// The same, but before those of earlier calls.
    pub(crate) fn put_replayed_first(
        &self,
        messages: impl IntoIterator<Item = M, IntoIter: DoubleEndedIterator>,
    ) {
        self.with_side(|side| side.put_replayed_first(messages));
    }

    /// Takes back what was brought back and not handled yet.
    pub(crate) fn drain_replayed(&self) -> Vec<M> {
        self.with_side(|side| side.drain_replayed())
    }

    /// Takes back what a handler asked to be handled next.
    pub(crate) fn drain_next(&self) -> Vec<M> {
        if self.has_next() { self.with_side(|side| side.drain_next()) } else { Vec::new() }
    }

    /// Whether something stands beside the ring, or stood there and is in hand.
    #[inline]
    pub(crate) const fn has_side(&self) -> bool {
        self.has_side.get()
    }

    /// Whether a handler asked for something to be handled directly after it.
    pub(crate) fn has_next(&self) -> bool {
        self.has_side.get() && self.with_side(|side| side.has_next())
    }

    /// What was taken last has been handled; which kind of message it was.
    pub(crate) fn finish(&self) -> Taken {
        self.with_side(Side::finish)
    }

    /// What kind of message was taken last.
    pub(crate) fn taken(&self) -> Taken {
        if self.has_side.get() { self.with_side(|side| side.taken()) } else { Taken::Ordinary }
    }

    /// Whether an urgent message of another actor finds room; `None` when there is no urgent lane.
    pub(crate) const fn admits_urgent(&self) -> Option<bool> {
        match self.urgent_capacity {
            0 => None,
            capacity => Some(self.urgent.get() < capacity),
        }
    }

    pub(crate) const fn urgent_capacity(&self) -> u32 {
        self.urgent_capacity
    }

    /// Puts a message before all ordinary ones and after the urgent ones before it.
    pub(crate) fn put_urgent(&self, message: M) {
        let urgent = self.urgent.get();
        self.ring.borrow_mut().insert(urgent as usize, message);
        self.urgent.set(urgent + 1);
    }

    /// Takes the oldest ordinary message out, to make room.
    pub(crate) fn take_oldest(&self) -> Option<M> {
        let oldest = self.ring.borrow_mut().remove(self.urgent.get() as usize)?;
        if self.has_side.get() {
            self.with_side(Side::ordinary_left);
        }
        Some(oldest)
    }

    /// Takes the next message where nothing [stands beside the ring](Self::has_side): urgent ones
    /// first, then the oldest. Nothing when there is none or this poll has had its share.
    /// [`grant_next`](Self::grant_next) is to follow.
    #[inline(always)]
    pub(crate) fn take(&self) -> Option<M> {
        let quota = self.quota.get().checked_sub(1)?;
        let message = self.pop()?;
        self.quota.set(quota);
        Some(message)
    }

    /// The same where [something stands beside the ring](Self::has_side).
    #[cold]
    pub(crate) fn take_beside(&self) -> Option<M> {
        let quota = self.quota.get().checked_sub(1)?;
        let message = self.pop_beside()?;
        self.quota.set(quota);
        Some(message)
    }

    /// From the ring.
    #[inline(always)]
    fn pop(&self) -> Option<M> {
        let message = self.ring.borrow_mut().pop_front()?;
        self.urgent.set(self.urgent.get().saturating_sub(1));
        Some(message)
    }

    /// What comes first, then the urgent, then notices and ordinary messages as they came.
    #[cold]
    fn pop_beside(&self) -> Option<M> {
        let urgent = self.urgent.get() > 0;
        let beside = self.with_side(|side| {
            side.finish();
            side.take_first().or_else(|| if urgent { None } else { side.take_due() })
        });
        if beside.is_some() {
            return beside;
        }
        let message = self.pop()?;
        if !urgent {
            self.with_side(Side::ordinary_left);
        }
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
        self.ring.borrow().is_empty() && (!self.has_side.get() || self.len() == 0)
    }

    /// Promises room to the first in line, if there is room to promise.
    #[cold]
    pub(crate) fn grant(&self) -> Option<Waker> {
        let ordinary = self.ring.borrow().len() - self.urgent.get() as usize;
        if !self.fill(ordinary).has_room() {
            return None;
        }
        self.line.borrow_mut().as_mut()?.grant()
    }

    pub(crate) fn join_line(&self, waker: Waker) -> Ticket {
        self.has_line.set(true);
        self.line.borrow_mut().get_or_insert_default().join(waker)
    }

    /// Whether a waiter is to be pointed at this waker. Asked first, as nothing may be borrowed
    /// while a waker is cloned.
    pub(crate) fn wakes_another(&self, ticket: Ticket, waker: &Waker) -> bool {
        self.line.borrow().as_ref().is_some_and(|line| line.wakes_another(ticket, waker))
    }

    pub(crate) fn update_line(&self, ticket: Ticket, waker: Waker) -> Option<Waker> {
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
        if self.has_side.get() { self.pop_beside() } else { self.pop() }
    }
}
