//! `ActorCell<P>`: control and mailbox of one actor, in one allocation, over all its incarnations.

use std::any::Any;
use std::rc::Rc;

use super::control::Control;
use super::dead_letter::{self, Cause};
use super::protocol::Protocol;
use crate::base::key::Key;
use crate::event_loop::core::Core;
use crate::mailbox::line::Ticket;
use crate::mailbox::overflow::Admission;
use crate::mailbox::queue::Mailbox;
use crate::scheduler::table::Attachment;

/// What stands beside an actor's task and is found by its address.
pub(crate) struct ActorCell<P> {
    pub(crate) control: Control,
    pub(crate) mailbox: Mailbox<P>,
}

impl<P: 'static> Attachment for ActorCell<P> {
    fn control(&self) -> &dyn Any {
        &self.control
    }

    fn doing(&self) -> (String, &'static str) {
        (format!("{} ({})", self.control.name, self.control.id()), self.control.handling())
    }
}

/// The sender's side of a cell, whatever its protocol.
pub(crate) trait Gate: Any {
    fn control(&self) -> &Control;
    fn admission(&self) -> Admission;
    fn capacity(&self) -> usize;
    fn redeem(&self, ticket: Ticket) -> bool;
    fn join_line(&self, waker: &std::task::Waker) -> Ticket;
    fn update_line(&self, ticket: Ticket, waker: &std::task::Waker);
    fn leave_line(&self, ticket: Ticket);
    fn drop_oldest(&self);
}

impl<P: Protocol> Gate for ActorCell<P> {
    fn control(&self) -> &Control {
        &self.control
    }

    #[inline]
    fn admission(&self) -> Admission {
        self.mailbox.admission()
    }

    fn capacity(&self) -> usize {
        self.mailbox.capacity()
    }

    fn redeem(&self, ticket: Ticket) -> bool {
        self.mailbox.redeem(ticket)
    }

    fn join_line(&self, waker: &std::task::Waker) -> Ticket {
        self.mailbox.join_line(waker.clone())
    }

    fn update_line(&self, ticket: Ticket, waker: &std::task::Waker) {
        drop(self.mailbox.update_line(ticket, waker));
    }

    fn leave_line(&self, ticket: Ticket) {
        let [next, own] = self.mailbox.leave_line(ticket);
        if let Some(next) = next {
            next.wake();
        }
        drop(own);
    }

    fn drop_oldest(&self) {
        if let Some(oldest) = self.mailbox.take_oldest() {
            dead_letter::bury(&self.control, oldest, &Cause::Overflow);
        }
    }
}

impl<P: Protocol> ActorCell<P> {
    /// Puts an admitted message and wakes the actor if it waits for one.
    #[inline]
    pub(crate) fn put(&self, message: P) {
        self.mailbox.put(message);
        self.control.notify();
    }

    /// Puts a notice that no bound applies to, at the end of the ordinary lane.
    pub(crate) fn put_exempt(&self, message: P) {
        self.mailbox.put_exempt(message);
        self.control.notify();
    }

    /// Puts a message before all ordinary ones.
    pub(crate) fn put_urgent(&self, message: P) {
        self.mailbox.put_urgent(message);
        self.control.notify();
    }
}

/// The cell of a live actor on this loop.
#[inline(always)]
pub(crate) fn find<P: Protocol>(core: &Core, key: Key) -> Option<Rc<ActorCell<P>>> {
    let attachment: Rc<dyn Any> = core.scheduler.attachment(key)?;
    let cell = attachment.downcast::<ActorCell<P>>().ok()?;
    if cell.control.has_ended() { None } else { Some(cell) }
}
