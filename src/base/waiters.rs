//! Who waits for one thing to change: any number of tasks, all woken together.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// Those who wait; each of them looks for itself whether what it waits for has come.
#[derive(Default)]
pub(crate) struct Waiters {
    waiting: RefCell<BTreeMap<u64, Waker>>,
    tickets: Cell<u64>,
}

impl Waiters {
    /// Waits until `check` gives something. It is asked at each poll, with nothing borrowed.
    ///
    /// # Cancel safety
    /// Dropped while it waits, it leaves the line.
    pub(crate) const fn until<T, F>(&self, check: F) -> Until<'_, F>
    where
        F: FnMut() -> Option<T> + Unpin,
    {
        Until { waiters: self, check, ticket: None }
    }

    /// Wakers of others run code: nothing may be borrowed.
    pub(crate) fn wake_all(&self) {
        if self.waiting.borrow().is_empty() {
            return;
        }
        for waker in self.waiting.take().into_values() {
            waker.wake();
        }
    }
}

#[must_use = "a future does nothing unless it is awaited"]
pub(crate) struct Until<'a, F> {
    waiters: &'a Waiters,
    check: F,
    ticket: Option<u64>,
}

impl<F> Until<'_, F> {
    fn leave(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            let waker = self.waiters.waiting.borrow_mut().remove(&ticket);
            drop(waker);
        }
    }
}

impl<T, F: FnMut() -> Option<T> + Unpin> Future for Until<'_, F> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        self.leave();
        // Cloned first: a foreign waker runs code, which may change what is looked at.
        let waker = cx.waker().clone();
        if let Some(value) = (self.check)() {
            return Poll::Ready(value);
        }
        let ticket = self.waiters.tickets.get();
        self.waiters.tickets.set(ticket + 1);
        self.waiters.waiting.borrow_mut().insert(ticket, waker);
        self.ticket = Some(ticket);
        Poll::Pending
    }
}

impl<F> Drop for Until<'_, F> {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;
    use futures::future::join;

    #[test]
    fn all_are_woken_and_who_gives_up_leaves_nothing() {
        let (waiters, open) = (Waiters::default(), Cell::new(false));
        let check = || open.get().then_some(7);
        let mut both = join(waiters.until(check), waiters.until(check));
        let waker = Waker::noop();
        let mut cx = Context::from_waker(waker);
        assert!(both.poll_unpin(&mut cx).is_pending());
        assert!(waiters.until(check).now_or_never().is_none());
        assert_eq!(waiters.waiting.borrow().len(), 2);
        open.set(true);
        waiters.wake_all();
        assert!(waiters.waiting.borrow().is_empty());
        assert_eq!(both.poll_unpin(&mut cx), Poll::Ready((7, 7)));
    }
}
