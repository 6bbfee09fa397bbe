//! How an actor waits for messages, and is woken when one comes.

use std::cell::{Cell, RefCell};
use std::task::Waker;

use crate::base::key::Key;
use crate::event_loop::current;
use crate::event_loop::waker::waker;

/// Whether an actor waits for messages, and with which waker.
#[derive(Default)]
pub(crate) struct Listening {
    /// It waits for a message; whoever brings one wakes it.
    listens: Cell<bool>,
    /// How to wake it, when it waits inside a combinator with wakers of its own.
    listener: RefCell<Option<Waker>>,
    /// It waited for a message, perhaps among other things, when it was last polled.
    receptive: Cell<bool>,
    /// The wait was given up. Whoever brings a message may still wake the actor: it is harmless,
    /// and one that makes a new wait at each poll relies on it.
    given_up: Cell<bool>,
    polls: Cell<u32>,
}

impl Listening {
    /// The incarnation is polled: whether it waits for messages is known afterwards. A wait inside
    /// a combinator goes on though the combinator does not poll it.
    #[inline]
    pub(crate) fn begin_poll(&self) {
        self.polls.set(self.polls.get().wrapping_add(1));
        let waits = self.listens.get() && !self.given_up.get();
        self.receptive.set(waits && self.listener.borrow().is_some());
    }

    /// Which poll this is.
    pub(crate) const fn polls(&self) -> u32 {
        self.polls.get()
    }

    /// A wait that was last polled in that poll is dropped.
    pub(crate) fn give_up(&self, polled_in: u32) {
        self.given_up.set(true);
        if polled_in != self.polls.get() {
            self.receptive.set(false);
        }
    }

    /// Whether it waited for a message, perhaps among other things, when it was last polled.
    pub(crate) const fn is_receptive(&self) -> bool {
        self.receptive.get()
    }

    /// It asks for a message, and would take one if this poll had not had its share.
    pub(crate) fn ask_again(&self) {
        self.receptive.set(true);
    }

    /// The actor with this key waits for a message with this waker.
    #[inline]
    pub(crate) fn listen(&self, key: Key, with: &Waker) {
        self.listens.set(true);
        self.given_up.set(false);
        self.receptive.set(true);
        let foreign = !with.will_wake(&waker(key));
        if foreign || self.listener.borrow().is_some() {
            self.replace_listener(foreign.then_some(with));
        }
    }

    /// The waker of the latest poll counts: one of a combinator that is gone wakes nobody. Cloned
    /// and dropped with nothing borrowed.
    #[cold]
    fn replace_listener(&self, with: Option<&Waker>) {
        let foreign = with.cloned();
        let before = self.listener.replace(foreign);
        drop(before);
    }

    /// Wakes the actor if it waits for a message.
    #[inline]
    pub(crate) fn notify(&self, key: Key) {
        if !self.listens.replace(false) {
            return;
        }
        let listener = self.listener.borrow_mut().take();
        match listener {
            Some(listener) => listener.wake(),
            None => current::with(|core| core.scheduler.wake(key)).unwrap_or_default(),
        }
    }

    /// The incarnation that waited is gone.
    pub(crate) fn stop(&self) {
        self.listens.set(false);
        self.receptive.set(false);
        let listener = self.listener.take();
        drop(listener);
    }
}
