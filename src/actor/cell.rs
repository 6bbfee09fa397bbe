//! `ActorCell<P>`: control and mailbox of one actor, in one allocation, over all its incarnations.

use std::any::Any;
use std::cell::{OnceCell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use super::control::Control;
use super::dead_letter::{self, Cause};
use super::keyed_timer::KeyedTimers;
use super::lease::Leased;
use super::protocol::Protocol;
use super::receive_timeout::ReceiveTimeout;
use super::spawn::MailboxOptions;
use super::stash::Stash;
use super::watch::Watches;
use crate::base::context::Slot;
use crate::base::key::Key;
use crate::base::panics::drop_quietly;
use crate::event_loop::core::Core;
use crate::mailbox::line::Ticket;
use crate::mailbox::overflow::Admission;
use crate::mailbox::queue::Mailbox;
use crate::mailbox::side::Taken;
use crate::scheduler::table::Attachment;

/// What stands beside an actor's task and is found by its address.
pub(crate) struct ActorCell<P> {
    pub(crate) control: Control,
    pub(crate) mailbox: Mailbox<P>,
    pub(crate) options: MailboxOptions,
    extra: OnceCell<Box<Extra<P>>>,
}

/// What most actors never use, made when first asked for.
pub(crate) struct Extra<P> {
    pub(crate) timers: KeyedTimers,
    pub(crate) receive_timeout: ReceiveTimeout<P>,
    pub(crate) stash: Stash<P>,
    pub(crate) leased: RefCell<Vec<Leased<P>>>,
    pub(crate) watches: Watches<P>,
}

impl<P> ActorCell<P> {
    pub(crate) const fn new(control: Control, options: MailboxOptions) -> Self {
        let mailbox = options.mailbox();
        Self { control, mailbox, options, extra: OnceCell::new() }
    }

    pub(crate) fn extra(&self) -> &Extra<P> {
        self.extra.get_or_init(|| {
            Box::new(Extra {
                timers: KeyedTimers::default(),
                receive_timeout: ReceiveTimeout::default(),
                stash: Stash::default(),
                leased: RefCell::default(),
                watches: Watches::default(),
            })
        })
    }

    /// The same, unless it was never used.
    #[inline]
    pub(crate) fn made_extra(&self) -> Option<&Extra<P>> {
        self.extra.get().map(|extra| &**extra)
    }
}

impl<P: 'static> Attachment for ActorCell<P> {
    fn control(&self) -> &dyn Any {
        &self.control
    }

    fn doing(&self) -> (String, &'static str) {
        (format!("{} ({})", self.control.name, self.control.id()), self.control.handling())
    }

    fn waiting(&self) -> usize {
        self.mailbox.len()
    }

    fn spawned(&self) {
        self.control.note_passed();
    }

    fn context(&self) -> &Slot {
        &self.control.bonds().context
    }
}

/// The sender's side of a cell, whatever its protocol.
pub(crate) trait Gate: Any {
    fn control(&self) -> &Control;
    fn admission(&self) -> Admission;
    fn capacity(&self) -> usize;
    /// How long an ask waits if nothing else is said; `None` for what is usual everywhere.
    fn ask_timeout(&self) -> Option<Duration>;
    /// How many messages stand in the mailbox.
    fn waiting(&self) -> usize;
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

    #[inline]
    fn ask_timeout(&self) -> Option<Duration> {
        self.options.ask_timeout
    }

    fn waiting(&self) -> usize {
        self.mailbox.len()
    }

    fn redeem(&self, ticket: Ticket) -> bool {
        self.mailbox.redeem(ticket)
    }

    fn join_line(&self, waker: &std::task::Waker) -> Ticket {
        self.mailbox.join_line(waker.clone())
    }

    fn update_line(&self, ticket: Ticket, waker: &std::task::Waker) {
        if self.mailbox.wakes_another(ticket, waker) {
            drop(self.mailbox.update_line(ticket, waker.clone()));
        }
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
            self.control.skip(1);
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

    /// Puts a notice that no bound applies to behind all that have come; it can be taken back by
    /// its tag.
    pub(crate) fn put_notice(&self, tag: u64, message: P) {
        self.mailbox.put_notice(tag, message);
        self.control.notify();
    }

    /// Takes all notices with this tag back.
    pub(crate) fn remove_notices(&self, tag: u64) -> Vec<P> {
        let removed = self.mailbox.remove_notices(tag);
        self.control.skip(removed.len());
        removed
    }

    /// The same for one that is never taken back.
    pub(crate) fn put_exempt(&self, message: P) {
        self.put_notice(0, message);
    }

    /// The next message, where something stands beside the ring.
    #[cold]
    pub(crate) fn take_beside(&self) -> Option<P> {
        self.finish_taken();
        self.mailbox.take_beside()
    }

    /// What was taken last has been handled; a timer may wait for that.
    #[cold]
    pub(crate) fn finish_taken(&self) {
        if let (Taken::Notice(tag), Some(extra)) = (self.mailbox.finish(), self.made_extra()) {
            extra.timers.handled(tag);
            extra.watches.handled(tag);
        }
    }

    /// Ends what belongs to one incarnation: its timers and its receive timeout, with their
    /// messages; and brings what it had put aside back for the next.
    pub(crate) fn end_incarnation(&self, core: &Core) {
        let Some(extra) = self.made_extra() else { return };
        let mut tags = extra.timers.cancel_all(core);
        tags.extend(extra.receive_timeout.cancel(core));
        for tag in tags {
            drop_quietly(self.remove_notices(tag));
        }
        self.mailbox.put_replayed(extra.stash.take());
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
