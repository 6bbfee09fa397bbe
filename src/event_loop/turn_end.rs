//! The end of a turn: for decisions that wait until everything that is due has run.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::{Poll, Waker};

use super::core::Core;
use super::current;
use super::waker::Listener;

/// Which turn it is, and who waits for its end.
#[derive(Default)]
pub(crate) struct TurnEnd {
    turn: Cell<u64>,
    polls: Cell<u64>,
    waiting: RefCell<Vec<Listener>>,
}

impl TurnEnd {
    /// The number of the turn that runs now.
    pub(crate) const fn turn(&self) -> u64 {
        self.turn.get()
    }

    /// How many polls there were in all turns before this one.
    pub(crate) const fn polls(&self) -> u64 {
        self.polls.get()
    }

    /// Wakes once the turn is over, for the next one.
    #[cold]
    pub(crate) fn wait(&self, waker: &Waker) {
        let listener = Listener::new(waker);
        self.waiting.borrow_mut().push(listener);
    }

    /// The turn is over, and so many polls there were until now.
    #[inline]
    pub(crate) fn pass(&self, core: &Core, polls: u64) {
        self.turn.set(self.turn.get() + 1);
        self.polls.set(polls);
        if !self.waiting.borrow().is_empty() {
            let waiting = self.waiting.take();
            // Wakers of others run code: nothing is borrowed.
            for listener in waiting {
                listener.wake(core);
            }
        }
    }
}

/// Is done in the turn after the one in which it is first polled: whatever was due in that one has
/// had its effect then, unless the loop is overloaded.
///
/// # Panics
/// When this thread runs no loop.
pub(crate) async fn turn_ended() {
    let core = current::expect("the end of a turn");
    let turn = core.turn_end.turn();
    poll_fn(|cx| {
        if core.turn_end.turn() != turn {
            return Poll::Ready(());
        }
        core.turn_end.wait(cx.waker());
        Poll::Pending
    })
    .await;
}
