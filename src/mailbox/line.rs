//! The line of senders who wait for room, served in the order in which they came.

use std::collections::VecDeque;
use std::task::Waker;

/// A place in the line.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Ticket(u64);

/// Who waits, and who was promised room but has not used it yet.
#[derive(Default, Debug)]
pub(crate) struct Line {
    next: u64,
    waiting: VecDeque<(Ticket, Waker)>,
    granted: Vec<Ticket>,
}

impl Line {
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) const fn granted(&self) -> usize {
        self.granted.len()
    }

    pub(crate) fn join(&mut self, waker: Waker) -> Ticket {
        let ticket = Ticket(self.next);
        self.next += 1;
        self.waiting.push_back((ticket, waker));
        ticket
    }

    fn find(&self, ticket: Ticket) -> Option<usize> {
        // Tickets are in ascending order, as they are handed out and never reordered.
        self.waiting.binary_search_by_key(&ticket, |(ticket, _)| *ticket).ok()
    }

    /// Whether a waiter is to be pointed at this waker.
    pub(crate) fn wakes_another(&self, ticket: Ticket, waker: &Waker) -> bool {
        self.find(ticket).is_some_and(|index| !self.waiting[index].1.will_wake(waker))
    }

    /// Points a waiter at another waker; the old one comes back.
    pub(crate) fn update(&mut self, ticket: Ticket, waker: Waker) -> Option<Waker> {
        let index = self.find(ticket)?;
        Some(std::mem::replace(&mut self.waiting[index].1, waker))
    }

    /// Promises room to the first in line.
    pub(crate) fn grant(&mut self) -> Option<Waker> {
        let (ticket, waker) = self.waiting.pop_front()?;
        self.granted.push(ticket);
        Some(waker)
    }

    /// Uses a promise up; `false` when there is none.
    pub(crate) fn redeem(&mut self, ticket: Ticket) -> bool {
        let found = self.granted.iter().position(|granted| *granted == ticket);
        found.map(|index| self.granted.swap_remove(index)).is_some()
    }

    /// Leaves the line; `true` when the leaver had been promised room, which is now free again.
    pub(crate) fn leave(&mut self, ticket: Ticket) -> (bool, Option<Waker>) {
        if self.redeem(ticket) {
            return (true, None);
        }
        let removed = self.find(ticket).and_then(|index| self.waiting.remove(index));
        (false, removed.map(|(_, waker)| waker))
    }

    /// Everybody who waits, for telling them that nothing will come.
    pub(crate) fn dissolve(&mut self) -> Vec<Waker> {
        self.granted.clear();
        self.waiting.drain(..).map(|(_, waker)| waker).collect()
    }
}
