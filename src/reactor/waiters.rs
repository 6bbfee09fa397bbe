//! Who waits for one direction of one source.

use std::task::Waker;

/// One waiter that `poll` functions replace, and any number that come and go by ticket.
///
/// `poll_read` and its like take `&mut self`, so the last caller is the only one who waits.
/// Functions on `&self`, such as `accept`, may be awaited by several tasks at once; each has a
/// ticket.
#[derive(Default, Debug)]
pub(crate) struct Waiters {
    last: Option<Waker>,
    others: Vec<(u64, Waker)>,
}

impl Waiters {
    /// Replaces the last caller of a `poll` function; the one before it comes back.
    pub(crate) fn set(&mut self, waker: &Waker) -> Option<Waker> {
        if self.last.as_ref().is_some_and(|last| last.will_wake(waker)) {
            return None;
        }
        self.last.replace(waker.clone())
    }

    pub(crate) fn join(&mut self, ticket: u64, waker: Waker) {
        self.others.push((ticket, waker));
    }

    pub(crate) fn leave(&mut self, ticket: u64) -> Option<Waker> {
        let index = self.others.iter().position(|(other, _)| *other == ticket)?;
        Some(self.others.remove(index).1)
    }

    /// Moves everybody to `wakers`, in the order in which they came.
    pub(crate) fn drain_into(&mut self, wakers: &mut Vec<Waker>) {
        wakers.extend(self.last.take());
        wakers.extend(self.others.drain(..).map(|(_, waker)| waker));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polls_replace_each_other_and_tickets_do_not() {
        struct Nobody;
        impl std::task::Wake for Nobody {
            fn wake(self: std::sync::Arc<Self>) {}
        }
        let waker = Waker::from(std::sync::Arc::new(Nobody));
        let mut waiters = Waiters::default();
        assert!(waiters.set(&waker).is_none());
        assert!(waiters.set(&waker).is_none(), "the same waker is not stored twice");
        waiters.join(1, Waker::noop().clone());
        waiters.join(2, Waker::noop().clone());
        assert!(waiters.leave(1).is_some());
        assert!(waiters.leave(1).is_none());
        let mut woken = Vec::new();
        waiters.drain_into(&mut woken);
        assert_eq!(woken.len(), 2);
    }
}
